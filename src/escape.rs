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

/// Shows what somebody has written, on one line: as [`escape`], but joiners and variation selectors stay where
/// they shape the characters beside them. Emoji need them, and the words of Persian and of many languages of
/// India.
pub fn prose(text: &str) -> String {
    let mut shown = String::new();
    let mut before = None;
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        if shapes(before, c, rest.peek().copied()) {
            shown.push(c);
        } else {
            let _ = write!(shown, "{}", escape(c.encode_utf8(&mut [0; 4])));
        }
        before = Some(c);
    }
    shown
}

/// The same with its lines, each with its end, and with its tabs.
pub fn lines(text: &str) -> String {
    let line = |line: &str| line.split('\t').map(prose).collect::<Vec<_>>().join("\t") + "\n";
    text.lines().map(line).collect()
}

/// Whether an invisible character between these two changes how they look, and is there for that.
fn shapes(before: Option<char>, c: char, after: Option<char>) -> bool {
    let is_shown = |c: char| !c.is_ascii() && !deceives(c);
    let is_selector = |c: char| matches!(c, '\u{fe0e}' | '\u{fe0f}');
    match c {
        // A digit in a box.
        _ if is_selector(c) && after == Some('\u{20e3}') => before.is_some_and(|c| c.is_ascii_graphic()),
        _ if is_selector(c) => before.is_some_and(is_shown),
        '\u{200c}' | '\u{200d}' => {
            before.is_some_and(|c| is_shown(c) || is_selector(c)) && after.is_some_and(is_shown)
        }
        _ => false,
    }
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
    fn what_shapes_the_characters_beside_it_is_left_in_what_people_write() {
        let written = "⚠️ ❤️‍🔥 1️⃣ 👨‍👩‍👧 🇩🇪 می‌خواهم क्‍ष";
        assert_eq!(prose(written), written);
        assert_eq!(lines("a\tb ⚠️\r\n\nc"), "a\tb ⚠️\n\nc\n");
        // Where there is nothing to shape, nobody would see it.
        for (hidden, shown) in [
            ("a\u{fe0f}b", "a\\u{fe0f}b"),
            ("a\u{200d}b", "a\\u{200d}b"),
            ("\u{200c}é", "\\u{200c}é"),
            ("é\u{200d}\u{200d}é", "é\\u{200d}\\u{200d}é"),
            ("é\u{200b}é\u{202e}\u{1b}[2J", "é\\u{200b}é\\u{202e}\\u{1b}[2J"),
        ] {
            assert_eq!(prose(hidden), shown);
        }
        assert_eq!(shown("⚠\u{fe0f}"), "⚠\\u{fe0f}", "a name has none of them");
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

        #[test]
        fn what_people_write_is_shown_without_what_a_terminal_obeys(
            text in "[a\u{e9}\u{1f525}\u{fe0f}\u{200d}\u{200c}\u{202e}\u{1b}\u{9b}\t\n]{0,20}",
        ) {
            let is_shaping = |c| matches!(c, '\u{fe0e}' | '\u{fe0f}' | '\u{200c}' | '\u{200d}');
            let shown = prose(&text);
            prop_assert!(shown.chars().all(|c| !deceives(c) || is_shaping(c)), "{shown:?}");
            let is_line_mark = |c| matches!(c, '\n' | '\t');
            let shown = lines(&text);
            prop_assert!(shown.chars().all(|c| !deceives(c) || is_shaping(c) || is_line_mark(c)), "{shown:?}");
        }
    }
}
