//! What is left of a stream without its escape sequences: what a program that draws anew has drawn.

/// Where in a sequence one is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Plain(State);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Text,
    /// After ESC.
    Escape,
    /// In a control sequence.
    Control,
    /// In a string that BEL or ST ends.
    Words,
    /// After ESC in such a string.
    WordsEscape,
    /// Before the one character that selects a character set.
    Charset,
}

impl Plain {
    /// Whether this byte is a printable character of the text.
    pub fn takes(&mut self, byte: u8) -> bool {
        let (state, is_text) = match (self.0, byte) {
            (State::Text, 0x1b) => (State::Escape, false),
            (State::Text, _) => (State::Text, byte >= b' '),
            (State::Escape, b'[') => (State::Control, false),
            (State::Escape, b']' | b'P' | b'_' | b'^' | b'k') => (State::Words, false),
            (State::Escape, b'(' | b')' | b'*' | b'+' | b'#' | b' ' | b'%') => (State::Charset, false),
            (State::Control, 0x40..=0x7e) | (State::Escape | State::Charset, _) => (State::Text, false),
            (State::Control, _) => (State::Control, false),
            (State::Words, 0x07) | (State::WordsEscape, b'\\') => (State::Text, false),
            (State::Words, 0x1b) => (State::WordsEscape, false),
            (State::Words | State::WordsEscape, _) => (State::Words, false),
        };
        self.0 = state;
        is_text
    }
}
