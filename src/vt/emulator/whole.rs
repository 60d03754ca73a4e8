//! Characters that a read has cut in two.

/// Puts together the characters that the ends of reads have cut in two.
#[derive(Debug, Default)]
pub struct WholeCharacters {
    /// The beginning of a character whose other bytes have not come yet.
    begun: Vec<u8>,
}

impl WholeCharacters {
    /// The bytes of a read, behind those that were kept before. A character at the end that is not whole is
    /// kept for the next read.
    pub fn join(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut joined = std::mem::take(&mut self.begun);
        joined.extend_from_slice(bytes);
        let last = joined.utf8_chunks().last().map_or(&[][..], |chunk| chunk.invalid());
        let is_begun = std::str::from_utf8(last)
            .is_err_and(|error| error.valid_up_to() == 0 && error.error_len().is_none());
        if is_begun {
            self.begun = last.to_vec();
            joined.truncate(joined.len() - self.begun.len());
        }
        joined
    }
}
