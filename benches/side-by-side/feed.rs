//! The bytes that are sent: a block repeated, so that both ends know every byte of a transfer of any length
//! and can compare instead of counting.

use std::fmt::Write as _;

/// Length of the block of generated text.
const BLOCK: usize = 256 * 1024;

/// A block repeated up to a length, and how far one has come in it.
pub struct Feed {
    block: Vec<u8>,
    at: u64,
    total: u64,
    /// What comes once, after the rest.
    tail: &'static [u8],
}

impl Feed {
    /// These bytes, once.
    pub fn once(bytes: &[u8]) -> Self {
        Self { block: bytes.to_vec(), at: 0, total: bytes.len() as u64, tail: b"" }
    }

    /// Lines of 20 to 110 characters, as a log or a compiler writes them.
    pub fn text(total: u64) -> Self {
        let mut text = String::new();
        for number in 0.. {
            let width = 20 + number * 37 % 91;
            let _ = write!(text, "{number:08} ");
            text.extend(
                (0..width - 9).map(|column: usize| char::from(b'!' + ((column * 7 + number) % 94) as u8)),
            );
            text.push_str("\r\n");
            if text.len() >= BLOCK {
                break;
            }
        }
        Self { block: text.into_bytes(), at: 0, total, tail: b"" }
    }

    /// Text that changes colour at every word, as a highlighted diff does.
    pub fn sgr(total: u64) -> Self {
        let mut text = String::new();
        for number in 0.. {
            let (red, green, blue) = (number * 7 % 256, number * 11 % 256, number * 13 % 256);
            let _ = write!(
                text,
                "\x1b[1;38;2;{red};{green};{blue}mword{number}\x1b[0m \x1b[48;5;{red}m=\x1b[49m "
            );
            if number % 8 == 7 {
                text.push_str("\x1b[K\r\n");
            }
            if text.len() >= BLOCK {
                break;
            }
        }
        Self { block: text.into_bytes(), at: 0, total, tail: b"" }
    }

    /// These bytes follow.
    pub fn then(self, tail: &'static [u8]) -> Self {
        Self { tail, ..self }
    }

    /// What comes next; empty at the end.
    pub fn rest(&self) -> &[u8] {
        if self.at >= self.total {
            return &self.tail[((self.at - self.total) as usize).min(self.tail.len())..];
        }
        let start = (self.at % self.block.len() as u64) as usize;
        let left = usize::try_from(self.total - self.at).unwrap_or(usize::MAX);
        &self.block[start..start + left.min(self.block.len() - start)]
    }

    /// Goes on.
    pub fn advance(&mut self, count: usize) {
        self.at += count as u64;
    }

    /// Whether the end was reached.
    pub fn is_done(&self) -> bool {
        self.at >= self.total + self.tail.len() as u64
    }

    /// Goes on by what arrived if it is what should have arrived.
    pub fn compare(&mut self, mut bytes: &[u8]) -> Result<(), String> {
        while !bytes.is_empty() {
            let rest = self.rest();
            let count = rest.len().min(bytes.len());
            if count == 0 || rest[..count] != bytes[..count] {
                let (got, wanted) = (bytes.escape_ascii().to_string(), rest.escape_ascii().to_string());
                return Err(format!("after byte {}: {got:.60} instead of {wanted:.60}", self.at));
            }
            self.advance(count);
            bytes = &bytes[count..];
        }
        Ok(())
    }
}
