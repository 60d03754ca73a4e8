//! What a user gives to be sent, made fit for a paste: nothing in it can end the paste, or act as a key.

/// The longest text that is sent, in bytes. In a request, which is one line of at most 1 MiB, each byte may
/// take two.
pub const MAX_TEXT_BYTES: usize = 500_000;

/// A text that can be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SendableText {
    /// The text: lines that end with LF, and no other control character but tab.
    pub text: String,
    /// How many control characters were replaced by their pictures.
    pub replaced: usize,
}

/// Why a text cannot be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnsendableText {
    /// It is not UTF-8, from this byte on.
    NotUtf8(usize),
    /// There is nothing in it but blanks.
    Blank,
    /// It has so many bytes.
    TooLong(usize),
}

impl SendableText {
    /// Takes what was given.
    ///
    /// # Errors
    /// When it cannot be sent.
    pub fn new(given: &[u8]) -> Result<Self, UnsendableText> {
        if given.len() > MAX_TEXT_BYTES {
            return Err(UnsendableText::TooLong(given.len()));
        }
        let given =
            std::str::from_utf8(given).map_err(|error| UnsendableText::NotUtf8(error.valid_up_to()))?;
        let lines = given.replace("\r\n", "\n").replace('\r', "\n");
        let mut replaced = 0;
        let text: String = lines
            .chars()
            .map(|c| {
                let shown = picture(c);
                replaced += usize::from(shown != c);
                shown
            })
            .collect();
        let text = text.trim_end().to_owned();
        match text.len() {
            0 => Err(UnsendableText::Blank),
            // The pictures take more room than what they stand for.
            length if length > MAX_TEXT_BYTES => Err(UnsendableText::TooLong(length)),
            _ => Ok(Self { text, replaced }),
        }
    }
}

/// What is sent for a character that has no picture of its own: a control character of C1, and the replacement
/// character, for which the screen model has no place.
const NO_PICTURE: char = '␦';

/// What is sent for a character.
fn picture(c: char) -> char {
    match c {
        '\n' | '\t' => c,
        '\0'..='\u{1f}' => char::from_u32(0x2400 + u32::from(c)).unwrap_or(NO_PICTURE),
        '\u{7f}' => '\u{2421}',
        '\u{80}'..='\u{9f}' | char::REPLACEMENT_CHARACTER => NO_PICTURE,
        _ => c,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sendable(given: &str) -> SendableText {
        SendableText::new(given.as_bytes()).expect("can be sent")
    }

    #[test]
    fn line_ends_are_lf_and_those_at_the_end_are_cut() {
        assert_eq!(sendable("a\r\nb\rc\n\n").text, "a\nb\nc");
        assert_eq!(sendable("  a\tb ").text, "  a\tb");
        assert_eq!(sendable("a\r\nb").replaced, 0);
    }

    #[test]
    fn what_could_act_as_a_key_is_shown_as_a_picture() {
        let sent = sendable("\u{1b}[201~\u{1c}\u{7}\u{7f}\u{9b}\0x");
        assert_eq!((sent.text.as_str(), sent.replaced), ("␛[201~␜␇␡␦␀x", 6));
    }

    #[test]
    fn what_cannot_be_sent_says_why() {
        assert_eq!(SendableText::new(b"ab\xff"), Err(UnsendableText::NotUtf8(2)));
        for blank in ["", "\n", " \t\r\n"] {
            assert_eq!(SendableText::new(blank.as_bytes()), Err(UnsendableText::Blank));
        }
        let long = vec![b'x'; MAX_TEXT_BYTES + 1];
        assert_eq!(SendableText::new(&long), Err(UnsendableText::TooLong(MAX_TEXT_BYTES + 1)));
        assert!(SendableText::new(&long[1..]).is_ok());
    }

    proptest! {
        #[test]
        fn no_text_can_end_the_paste_or_act_as_a_key(given in "(?s).{0,80}") {
            let Ok(sent) = SendableText::new(given.as_bytes()) else { return Ok(()) };
            prop_assert!(sent.text.chars().all(|c| matches!(c, '\n' | '\t') || !c.is_control()));
            // Once more changes nothing.
            prop_assert_eq!(&sendable(&sent.text).text, &sent.text);
        }
    }
}
