//! Text that came from a file, a program or the command line, made safe to print.
//!
//! A terminal obeys control characters, and a reader can be misled by characters that are not seen or that
//! turn the order of the others around. All of these are shown as `\u{…}`, bytes that are not UTF-8 as `\x…`.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::fmt::{self, Write};
use std::os::unix::ffi::OsStrExt;

/// Shows `text` on one line, without a character that a terminal or a reader could be deceived by.
pub fn escape<T: AsRef<OsStr> + ?Sized>(text: &T) -> Escaped<'_> {
    Escaped(text.as_ref().as_bytes())
}

/// What [`escape`] returns: the text to be displayed.
#[derive(Clone, Copy, Debug)]
pub struct Escaped<'a>(&'a [u8]);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.0.utf8_chunks() {
            for c in chunk.valid().chars() {
                match c {
                    '\n' => f.write_str("\\n")?,
                    '\t' => f.write_str("\\t")?,
                    '\r' => f.write_str("\\r")?,
                    c if deceives(c) => write!(f, "\\u{{{:x}}}", u32::from(c))?,
                    c => f.write_char(c)?,
                }
            }
            for byte in chunk.invalid() {
                write!(f, "\\x{byte:02x}")?;
            }
        }
        Ok(())
    }
}

/// The same JSON in which nothing stands that a terminal or a reader could be deceived by: what [`escape`]
/// spells out is written as JSON has it. Its own parts are ASCII, and a control below the space cannot stand
/// in it, so what is found is in a string.
pub fn json(text: &str) -> Cow<'_, str> {
    if !text.contains(deceives) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if !deceives(c) || c.is_ascii_whitespace() {
            shown.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            let _ = write!(shown, "\\u{unit:04x}");
        }
    }
    Cow::Owned(shown)
}

/// Controls (C0, DEL, C1), line and paragraph separators, and what Unicode ignores in display: directional
/// marks, embeddings and isolates, zero-width characters, fillers, variation selectors and tags.
fn deceives(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt;

    use proptest::prelude::*;

    use super::*;

    fn shown(text: &str) -> String {
        escape(text).to_string()
    }

    #[test]
    fn ordinary_text_is_itself() {
        for text in ["", "/home/zoë/café 日本語 🦀", "a \\ b 'c' \"d\""] {
            assert_eq!(shown(text), text);
        }
    }

    #[test]
    fn what_a_terminal_obeys_is_spelt_out() {
        assert_eq!(shown("a\x1b[31mb\x07\x7f\u{9b}2J"), "a\\u{1b}[31mb\\u{7}\\u{7f}\\u{9b}2J");
        assert_eq!(shown("a\r\nb\tc"), "a\\r\\nb\\tc");
    }

    #[test]
    fn what_a_reader_does_not_see_is_spelt_out() {
        assert_eq!(shown("a\u{202e}b\u{2066}\u{200b}\u{feff}"), "a\\u{202e}b\\u{2066}\\u{200b}\\u{feff}");
        assert_eq!(shown("\u{e0041}\u{2028}\u{ad}"), "\\u{e0041}\\u{2028}\\u{ad}");
    }

    #[test]
    fn bytes_that_are_no_text_are_spelt_out() {
        assert_eq!(escape(&OsString::from_vec(b"a\xffb\xc3".to_vec())).to_string(), "a\\xffb\\xc3");
    }

    #[test]
    fn json_says_the_same_without_what_deceives() {
        let value = serde_json::json!({ "\u{9b}k": "é\u{7f}\u{202e}\u{e0041}\u{1b}\n", "b": [1] });
        let shown = json(&value.to_string()).into_owned();
        assert!(!shown.contains(deceives) && shown.contains('é'), "{shown}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).expect("JSON"), value);
        assert!(matches!(json("{\"a\":\"é\"}"), Cow::Borrowed(_)));
        assert_eq!(json("{ \"a\":\n\t1,\r\"b\":\"\u{7f}\"}"), "{ \"a\":\n\t1,\r\"b\":\"\\u007f\"}");
    }

    proptest! {
        #[test]
        fn nothing_that_deceives_is_left(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let text = escape(&OsString::from_vec(bytes)).to_string();
            prop_assert!(!text.chars().any(deceives));
        }
    }
}
