//! A text that is being typed, with its cursor.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use unicode_width::UnicodeWidthChar;

use crate::cli::top::keys::Command;

/// A text holds at most so many bytes. What is pasted beyond that is left out.
const MAX_BYTES: usize = 1024 * 1024;
/// It joins the characters beside it.
const JOINER: char = '\u{200d}';

/// The text. The cursor stands between characters as they are seen, never inside one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TextInput {
    text: String,
    /// In bytes.
    cursor: usize,
}

impl TextInput {
    /// A text to go on with: the cursor is at its end.
    pub fn with(text: impl Into<String>) -> Self {
        let text = text.into();
        Self { cursor: text.len(), text }
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Where the cursor is, in bytes.
    #[cfg(test)]
    pub fn cursor(&self) -> usize {
        self.cursor
    }

    /// The text before the cursor, and the one behind it.
    pub fn parts(&self) -> (&str, &str) {
        self.text.split_at(self.cursor)
    }

    /// Puts a text in at the cursor. Line ends of all kinds become `\n`.
    pub fn insert(&mut self, text: &str) {
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        let mut room = MAX_BYTES.saturating_sub(self.text.len());
        while !text.is_char_boundary(room.min(text.len())) {
            room -= 1;
        }
        let text = &text[..room.min(text.len())];
        self.text.insert_str(self.cursor, text);
        self.cursor += text.len();
        // What was put in may join with what stands behind it.
        self.cursor = self.boundary_from(self.cursor);
    }

    /// The same on one line.
    pub fn insert_line(&mut self, text: &str) {
        let words: Vec<&str> = text.split(['\r', '\n']).filter(|line| !line.is_empty()).collect();
        self.insert(&words.join(" "));
    }

    /// Takes a key that types a character. Gives whether it does.
    pub fn type_key(&mut self, key: KeyEvent) -> bool {
        let is_chord = key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT);
        match key.code {
            KeyCode::Char(c) if !is_chord => {
                self.insert(c.encode_utf8(&mut [0; 4]));
                true
            }
            _ => false,
        }
    }

    /// Moves the cursor, or removes something. Gives whether the command is one of those.
    pub fn edit(&mut self, command: Command) -> bool {
        match command {
            Command::Left => self.cursor = self.before(self.cursor),
            Command::Right => self.cursor = self.after(self.cursor),
            Command::WordLeft => self.cursor = self.word_before(self.cursor),
            Command::WordRight => self.cursor = self.word_after(self.cursor),
            Command::LineStart => self.cursor = self.line_start(self.cursor),
            Command::LineEnd => self.cursor = self.line_end(self.cursor),
            Command::Backspace => self.remove(self.before(self.cursor), self.cursor),
            Command::Delete => self.remove(self.cursor, self.after(self.cursor)),
            Command::DeleteWord => self.remove(self.word_before(self.cursor), self.cursor),
            Command::DeleteToStart => self.remove(self.line_start(self.cursor), self.cursor),
            Command::DeleteToEnd => self.remove(self.cursor, self.line_end(self.cursor)),
            _ => return false,
        }
        true
    }

    /// Goes one line up or down, about as far from the line's beginning as before. Gives whether there is such a line.
    pub fn step_line(&mut self, is_down: bool) -> bool {
        let (start, end) = (self.line_start(self.cursor), self.line_end(self.cursor));
        let column = self.text[start..self.cursor].chars().count();
        let target = match is_down {
            true if end < self.text.len() => end + 1,
            false if start > 0 => self.line_start(start - 1),
            _ => return false,
        };
        let line = &self.text[target..self.line_end(target)];
        let offset = line.char_indices().nth(column).map_or(line.len(), |(at, _)| at);
        self.cursor = self.boundary_from(target + offset);
        true
    }

    fn remove(&mut self, from: usize, to: usize) {
        self.text.replace_range(from..to, "");
        self.cursor = self.boundary_from(from);
    }

    /// The next place for the cursor, where this one is inside a character as it is seen.
    fn boundary_from(&self, at: usize) -> usize {
        let mut boundary = 0;
        while boundary < at {
            boundary = self.after(boundary);
        }
        boundary
    }

    /// The end of the character that begins here: with what stands on it, and with what is joined to it.
    fn after(&self, at: usize) -> usize {
        let mut chars = self.text[at..].char_indices();
        let mut last = match chars.next() {
            Some((_, c)) => c,
            None => return at,
        };
        if last == '\n' {
            return at + 1;
        }
        for (offset, c) in chars {
            let goes_on = c != '\n' && (c.width().unwrap_or(1) == 0 || last == JOINER);
            if !goes_on {
                return at + offset;
            }
            last = c;
        }
        self.text.len()
    }

    /// The beginning of the character that ends here.
    fn before(&self, at: usize) -> usize {
        let mut boundary = self.line_start(at);
        if boundary == at {
            return at.saturating_sub(1);
        }
        loop {
            let next = self.after(boundary);
            if next >= at {
                return boundary;
            }
            boundary = next;
        }
    }

    fn word_before(&self, at: usize) -> usize {
        let text = self.text[..at].trim_end();
        let word = text.rfind(char::is_whitespace);
        let start = word.map_or(0, |space| space + text[space..].chars().next().map_or(1, char::len_utf8));
        // Something may stand on the space.
        if self.boundary_from(start) == start { start } else { self.before(start) }
    }

    fn word_after(&self, at: usize) -> usize {
        let rest = &self.text[at..];
        let word = rest.len() - rest.trim_start().len();
        let end = rest[word..].find(char::is_whitespace).map_or(rest.len(), |end| word + end);
        self.boundary_from(at + end)
    }

    fn line_start(&self, at: usize) -> usize {
        self.text[..at].rfind('\n').map_or(0, |newline| newline + 1)
    }

    fn line_end(&self, at: usize) -> usize {
        self.text[at..].find('\n').map_or(self.text.len(), |newline| at + newline)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const EDITS: [Command; 11] = [
        Command::Left,
        Command::Right,
        Command::WordLeft,
        Command::WordRight,
        Command::LineStart,
        Command::LineEnd,
        Command::Backspace,
        Command::Delete,
        Command::DeleteWord,
        Command::DeleteToStart,
        Command::DeleteToEnd,
    ];

    fn edited(text: &str, commands: &[Command]) -> (String, String) {
        let mut input = TextInput::with(text);
        for command in commands {
            assert!(input.edit(*command), "{command:?}");
        }
        let (before, behind) = input.parts();
        (before.to_owned(), behind.to_owned())
    }

    fn parts(before: &str, behind: &str) -> (String, String) {
        (before.to_owned(), behind.to_owned())
    }

    #[test]
    fn a_character_is_what_is_seen_as_one() {
        assert_eq!(edited("a\u{1f468}\u{200d}\u{1f469}", &[Command::Backspace]), parts("a", ""));
        assert_eq!(edited("cafe\u{301}", &[Command::Left]), parts("caf", "e\u{301}"));
        assert_eq!(edited("日本", &[Command::Left, Command::Delete]), parts("日", ""));
    }

    #[test]
    fn words_and_lines_are_removed_as_in_a_shell() {
        assert_eq!(edited("one two ", &[Command::DeleteWord]), parts("one ", ""));
        assert_eq!(edited("one\ntwo", &[Command::DeleteToStart]), parts("one\n", ""));
        let to_first = [Command::LineStart, Command::Left, Command::LineStart, Command::DeleteToEnd];
        assert_eq!(edited("one\ntwo", &to_first), parts("", "\ntwo"));
        assert_eq!(edited("one two", &[Command::WordLeft, Command::WordLeft]), parts("", "one two"));
    }

    #[test]
    fn the_cursor_keeps_its_column_from_line_to_line() {
        let mut input = TextInput::with("first\nab\nthird");
        assert!(input.step_line(false));
        assert_eq!(input.parts().0, "first\nab");
        assert!(input.step_line(false) && !input.step_line(false));
        assert_eq!(input.parts().0, "fi");
        assert!(input.step_line(true) && input.step_line(true) && !input.step_line(true));
    }

    #[test]
    fn line_ends_of_all_kinds_are_one() {
        let mut input = TextInput::default();
        input.insert("a\r\nb\rc");
        assert_eq!(input.text(), "a\nb\nc");
        let mut line = TextInput::default();
        line.insert_line("a\r\nb\n\nc\n");
        assert_eq!(line.text(), "a b c");
    }

    proptest! {
        #[test]
        fn the_cursor_is_always_between_characters(
            text in "[a \n\u{e9}\u{301}\u{200d}\u{fe0f}\u{1f468}日]{0,12}",
            edits in proptest::collection::vec((0usize..14, "[a\n\u{301}\u{200d}日 ]{0,3}"), 0..20),
        ) {
            let mut input = TextInput::with(text);
            for (edit, typed) in edits {
                match EDITS.get(edit) {
                    Some(command) => prop_assert!(input.edit(*command)),
                    None if edit == 11 => input.insert(&typed),
                    None => {
                        input.step_line(edit == 12);
                    }
                }
                let cursor = input.cursor();
                prop_assert!(input.text().is_char_boundary(cursor));
                prop_assert_eq!(input.boundary_from(cursor), cursor, "{:?}", input);
            }
        }
    }
}
