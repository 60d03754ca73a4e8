//! The keys of the fleet view, in one place: what each does, and how that is said.
//!
//! `?` and the manual page print the tables, and the footer takes its words from them.

#[cfg(test)]
mod page;
mod tables;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

pub use tables::{EDITOR, LIST, MOUSE, PAGER, TABLES};

/// What a key asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// One line up.
    Up,
    /// One line down.
    Down,
    /// A page up.
    PageUp,
    /// A page down.
    PageDown,
    /// To the first line.
    First,
    /// To the last line.
    Last,
    /// To the next row that needs its user.
    NextNeedy,
    /// Take the session into this terminal.
    Attach,
    /// Look at the session only.
    Watch,
    /// Start a session.
    New,
    /// Send a text.
    Send,
    /// Read the transcript.
    Transcript,
    /// Read the log.
    Log,
    /// Go on with a turn that broke off.
    Continue,
    /// Restart the session, or bring it back.
    Restart,
    /// Stop the session.
    Stop,
    /// Rename the session.
    Rename,
    /// Adopt a claude that cckw does not run.
    Adopt,
    /// Filter the rows, or search in a text.
    Search,
    /// To the next place that was searched for.
    NextMatch,
    /// To the one before.
    PreviousMatch,
    /// Show one machine only.
    Machine,
    /// Change the order.
    Order,
    /// Show ended sessions too.
    Ended,
    /// Show the preview, or hide it.
    Preview,
    /// Ask all sources again.
    Refresh,
    /// Draw the screen anew.
    Redraw,
    /// Show the keys.
    Help,
    /// Go back: out of a dialog, a text, a filter.
    Back,
    /// Suspend the view.
    Suspend,
    /// Leave.
    Quit,
    /// Do what the dialog is about.
    Submit,
    /// Begin a new line of the text.
    NewLine,
    /// Complete, or change the choice.
    Complete,
    /// One field back, or the choice before.
    CompleteBack,
    /// One character to the left.
    Left,
    /// One character to the right.
    Right,
    /// One word to the left.
    WordLeft,
    /// One word to the right.
    WordRight,
    /// To the beginning of the line.
    LineStart,
    /// To the end of the line.
    LineEnd,
    /// Remove the character on the left.
    Backspace,
    /// Remove the character on the right.
    Delete,
    /// Remove the word on the left.
    DeleteWord,
    /// Remove all from the beginning of the line.
    DeleteToStart,
    /// Remove all up to the end of the line.
    DeleteToEnd,
}

/// A key with what must be held down beside it. Shift does not count with a character: it is in the character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    code: KeyCode,
    modifiers: KeyModifiers,
}

impl Key {
    /// Whether it was pressed.
    fn is(self, event: KeyEvent) -> bool {
        const COUNTED: KeyModifiers = KeyModifiers::CONTROL.union(KeyModifiers::ALT);
        self.code == event.code && self.modifiers == event.modifiers & COUNTED
    }

    /// The key as people write it.
    pub fn name(self) -> String {
        let name = match self.code {
            KeyCode::Char(' ') => "space".to_owned(),
            KeyCode::Char(c) => c.to_string(),
            KeyCode::PageUp => "page-up".to_owned(),
            KeyCode::PageDown => "page-down".to_owned(),
            KeyCode::BackTab => "shift-tab".to_owned(),
            other => format!("{other:?}").to_lowercase(),
        };
        match self.modifiers {
            KeyModifiers::CONTROL => format!("ctrl-{name}"),
            KeyModifiers::ALT => format!("alt-{name}"),
            _ => name,
        }
    }
}

/// Keys, what they do, and the words for it.
#[derive(Debug, Clone, Copy)]
pub struct Binding {
    /// What is done.
    pub command: Command,
    /// The keys; the first one stands in the footer.
    pub keys: &'static [Key],
    /// One or two words, for the footer.
    pub short: &'static str,
    /// A line, for the help.
    pub words: &'static str,
}

impl Binding {
    /// The keys as people write them, with commas between.
    pub fn names(&self) -> String {
        self.keys.iter().map(|key| key.name()).collect::<Vec<_>>().join(", ")
    }
}

/// The keys of one part of the view.
#[derive(Debug)]
pub struct Table {
    /// Where they count.
    pub title: &'static str,
    /// The keys.
    pub bindings: &'static [Binding],
}

impl Table {
    /// What a key asks for here.
    pub fn command(&self, event: KeyEvent) -> Option<Command> {
        let found = self.bindings.iter().find(|binding| binding.keys.iter().any(|key| key.is(event)))?;
        Some(found.command)
    }

    /// How something is asked for here.
    pub fn binding(&self, command: Command) -> Option<&Binding> {
        self.bindings.iter().find(|binding| binding.command == command)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pressed(code: KeyCode, modifiers: KeyModifiers) -> KeyEvent {
        KeyEvent::new(code, modifiers)
    }

    #[test]
    fn no_key_does_two_things_and_each_has_words() {
        for table in TABLES {
            let keys: Vec<Key> = table.bindings.iter().flat_map(|binding| binding.keys).copied().collect();
            for (at, key) in keys.iter().enumerate() {
                assert!(!keys[at + 1..].contains(key), "{}: {} stands twice", table.title, key.name());
            }
            for (at, binding) in table.bindings.iter().enumerate() {
                assert!(!binding.keys.is_empty() && !binding.short.is_empty() && !binding.words.is_empty());
                let others = &table.bindings[at + 1..];
                assert!(others.iter().all(|other| other.command != binding.command), "{binding:?}");
            }
        }
    }

    #[test]
    fn keys_are_found_as_terminals_send_them() {
        let with = KeyModifiers::SHIFT;
        assert_eq!(LIST.command(pressed(KeyCode::Char('R'), with)), Some(Command::Rename));
        assert_eq!(LIST.command(pressed(KeyCode::Char('r'), KeyModifiers::NONE)), Some(Command::Restart));
        assert_eq!(LIST.command(pressed(KeyCode::Char('r'), KeyModifiers::CONTROL)), Some(Command::Refresh));
        assert_eq!(LIST.command(pressed(KeyCode::Char('x'), KeyModifiers::ALT)), None);
        assert_eq!(EDITOR.command(pressed(KeyCode::BackTab, with)), Some(Command::CompleteBack));
        assert_eq!(EDITOR.command(pressed(KeyCode::Enter, KeyModifiers::ALT)), Some(Command::NewLine));
    }

    #[test]
    fn keys_are_written_as_people_write_them() {
        let names = |table: &Table, command| table.binding(command).expect("bound").names();
        assert_eq!(names(&LIST, Command::Quit), "q, ctrl-c");
        assert_eq!(names(&LIST, Command::PageUp), "page-up, ctrl-u");
        assert_eq!(names(&PAGER, Command::PageDown), "page-down, space, f, ctrl-d");
        assert_eq!(names(&EDITOR, Command::NewLine), "alt-enter, ctrl-j");
    }
}
