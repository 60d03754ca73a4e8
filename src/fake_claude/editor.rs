//! The prompt's line editor, with as much of vim as a reconnector can trip over.

use super::keys::{Code, FakeKey};

/// Which vim mode the prompt is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VimMode {
    /// Characters are text.
    Insert,
    /// Characters are commands.
    Normal,
}

/// A draft and the cursor in it.
#[derive(Debug, Default, Clone)]
pub struct Editor {
    text: Vec<char>,
    cursor: usize,
    vim: Option<VimMode>,
    /// An operator (`c`, `d`, `r`) that waits for its motion or character.
    operator: Option<char>,
    /// The draft and the cursor before the last paste.
    before_paste: Option<(Vec<char>, usize)>,
}

impl Editor {
    /// The draft.
    pub fn text(&self) -> String {
        self.text.iter().collect()
    }

    /// The cursor, counted in characters from the start of the draft.
    pub fn cursor(&self) -> usize {
        self.cursor
    }

    /// Whether nothing is typed.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// The vim mode, where vim editing is on.
    pub fn vim(&self) -> Option<VimMode> {
        self.vim
    }

    /// Turns vim editing on (in insert mode) or off.
    pub fn toggle_vim(&mut self) {
        self.vim = if self.vim.is_none() { Some(VimMode::Insert) } else { None };
    }

    /// Replaces the draft; the cursor goes to its end.
    pub fn set(&mut self, text: &str) {
        self.text = text.chars().collect();
        self.cursor = self.text.len();
    }

    /// Takes the draft and leaves an empty one.
    pub fn take(&mut self) -> String {
        self.cursor = 0;
        self.operator = None;
        self.before_paste = None;
        std::mem::take(&mut self.text).into_iter().collect()
    }

    /// Inserts `text` at the cursor, in whichever mode.
    pub fn insert(&mut self, text: &str) {
        let new: Vec<char> = text.chars().collect();
        let count = new.len();
        self.text.splice(self.cursor..self.cursor, new);
        self.cursor += count;
    }

    /// Inserts the text of a paste, which ctrl-_ takes back as a whole.
    pub fn paste(&mut self, text: &str) {
        self.before_paste = Some((self.text.clone(), self.cursor));
        self.insert(text);
    }

    /// Takes the last paste back, in whichever mode.
    fn undo(&mut self) {
        if let Some((text, cursor)) = self.before_paste.take() {
            (self.text, self.cursor) = (text, cursor);
        }
    }

    /// Applies a key; whether it meant something here.
    pub fn key(&mut self, key: FakeKey) -> bool {
        if self.vim == Some(VimMode::Normal) {
            if let Some(c) = key.text() {
                self.command(c);
                return true;
            }
        } else if let Some(c) = key.text() {
            self.insert(c.encode_utf8(&mut [0; 4]));
            return true;
        }
        match (key.code, key.ctrl) {
            (Code::Enter, _) if key.alt => self.insert("\n"),
            (Code::Backspace, _) => {
                if self.cursor > 0 {
                    self.cursor -= 1;
                    self.text.remove(self.cursor);
                }
            }
            (Code::Delete, _) => self.delete(self.cursor, self.cursor + 1),
            (Code::Left, _) => self.cursor = self.cursor.saturating_sub(1),
            (Code::Right, _) => self.cursor = (self.cursor + 1).min(self.text.len()),
            (Code::Home, _) | (Code::Char('a'), true) => self.cursor = 0,
            (Code::End, _) | (Code::Char('e'), true) => self.cursor = self.text.len(),
            (Code::Char('_'), true) => self.undo(),
            (Code::Char('u'), true) => self.delete(0, self.cursor),
            (Code::Char('k'), true) => self.delete(self.cursor, self.text.len()),
            (Code::Char('w'), true) => self.delete(self.word_back(), self.cursor),
            (Code::Esc, _) if self.vim == Some(VimMode::Insert) => {
                self.vim = Some(VimMode::Normal);
                self.cursor = self.cursor.saturating_sub(1);
            }
            (Code::Esc, _) if self.operator.is_some() => self.operator = None,
            _ => return false,
        }
        true
    }

    /// A character typed in vim's normal mode.
    fn command(&mut self, c: char) {
        if let Some(operator) = self.operator.take() {
            return self.operate(operator, c);
        }
        let end = self.text.len();
        match c {
            'c' | 'd' | 'r' => self.operator = Some(c),
            'i' => self.vim = Some(VimMode::Insert),
            'I' => self.insert_at(0),
            'a' => self.insert_at((self.cursor + 1).min(end)),
            'A' => self.insert_at(end),
            'o' => {
                let line_end = self.text[self.cursor..].iter().position(|&c| c == '\n');
                self.cursor = line_end.map_or(end, |offset| self.cursor + offset);
                // On an empty draft there is no line to open one below.
                if end > 0 {
                    self.insert("\n");
                }
                self.vim = Some(VimMode::Insert);
            }
            'x' => self.delete(self.cursor, self.cursor + 1),
            'D' => self.delete(self.cursor, end),
            _ => self.cursor = self.motion(c).unwrap_or(self.cursor).min(end.saturating_sub(1)),
        }
    }

    fn operate(&mut self, operator: char, c: char) {
        if operator == 'r' {
            if let Some(under) = self.text.get_mut(self.cursor) {
                *under = c;
            }
            return;
        }
        let (from, to) = match self.motion(c) {
            _ if c == operator => (0, self.text.len()),
            Some(target) => (self.cursor.min(target), self.cursor.max(target)),
            None => return,
        };
        self.delete(from, to);
        if operator == 'c' {
            self.vim = Some(VimMode::Insert);
        }
    }

    /// Where a motion leads to.
    fn motion(&self, c: char) -> Option<usize> {
        let end = self.text.len();
        Some(match c {
            'h' => self.cursor.saturating_sub(1),
            'l' => (self.cursor + 1).min(end),
            '0' => 0,
            '$' => end,
            'b' => self.word_back(),
            'w' => {
                let rest = &self.text[self.cursor..];
                let gap = rest.iter().position(|c| c.is_whitespace()).unwrap_or(rest.len());
                let word = rest[gap..].iter().position(|c| !c.is_whitespace()).unwrap_or(rest.len() - gap);
                self.cursor + gap + word
            }
            _ => return None,
        })
    }

    fn word_back(&self) -> usize {
        let before = &self.text[..self.cursor];
        let word_end = before.iter().rposition(|c| !c.is_whitespace()).map_or(0, |i| i + 1);
        before[..word_end].iter().rposition(|c| c.is_whitespace()).map_or(0, |i| i + 1)
    }

    fn insert_at(&mut self, cursor: usize) {
        self.cursor = cursor;
        self.vim = Some(VimMode::Insert);
    }

    fn delete(&mut self, from: usize, to: usize) {
        let to = to.min(self.text.len());
        if from < to {
            self.text.drain(from..to);
        }
        self.cursor = from.min(self.text.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(editor: &mut Editor, text: &str) {
        for c in text.chars() {
            editor.key(FakeKey::plain(Code::Char(c)));
        }
    }

    fn normal() -> Editor {
        let mut editor = Editor::default();
        editor.toggle_vim();
        editor.key(FakeKey::plain(Code::Esc));
        editor
    }

    /// Both seen with the real one: what is left of a command that is typed in normal mode.
    #[test]
    fn a_command_typed_in_normal_mode_is_mangled() {
        for (command, left) in [("/remote-control", "te-control"), ("/clear", "ear")] {
            let mut editor = normal();
            typed(&mut editor, command);
            assert_eq!(editor.text(), left);
            assert_eq!(editor.vim(), Some(VimMode::Insert));
        }
    }

    #[test]
    fn a_paste_is_text_in_normal_mode_too() {
        let mut editor = normal();
        editor.insert("/remote-control");
        assert_eq!((editor.text().as_str(), editor.vim()), ("/remote-control", Some(VimMode::Normal)));
    }

    /// Seen with the real one, in every mode.
    #[test]
    fn a_paste_is_taken_back_as_a_whole() {
        for mut editor in [normal(), Editor::default()] {
            editor.paste("/remote-control");
            editor.key(FakeKey::ctrl('_'));
            assert!(editor.is_empty());
            editor.key(FakeKey::ctrl('_'));
            assert!(editor.is_empty());
        }
    }

    #[test]
    fn editing_keys_edit() {
        let mut editor = Editor::default();
        typed(&mut editor, "one two three");
        editor.key(FakeKey::ctrl('w'));
        assert_eq!(editor.text(), "one two ");
        editor.key(FakeKey::plain(Code::Home));
        editor.key(FakeKey::plain(Code::Delete));
        assert_eq!((editor.text().as_str(), editor.cursor()), ("ne two ", 0));
        editor.key(FakeKey::ctrl('k'));
        assert!(editor.is_empty());
        assert!(!editor.key(FakeKey::ctrl('o')));
    }

    #[test]
    fn no_command_breaks_the_cursor() {
        let mut editor = normal();
        editor.insert("ab");
        for c in "xhlwb$0rzddxDcwqaAIo".chars() {
            typed(&mut editor, &c.to_string());
            assert!(editor.cursor() <= editor.text().chars().count());
        }
    }
}
