//! The keys of the fleet view, in one place: what each does, and how that is said.
//!
//! `?` and the manual page print these tables, and the footer takes its words from them.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

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

/// A character.
const fn char(c: char) -> Key {
    Key { code: KeyCode::Char(c), modifiers: KeyModifiers::NONE }
}

/// A character with ctrl.
const fn ctrl(c: char) -> Key {
    Key { code: KeyCode::Char(c), modifiers: KeyModifiers::CONTROL }
}

/// A key with alt.
const fn alt(code: KeyCode) -> Key {
    Key { code, modifiers: KeyModifiers::ALT }
}

/// A key that is no character.
const fn key(code: KeyCode) -> Key {
    Key { code, modifiers: KeyModifiers::NONE }
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

/// Short for the tables below.
const fn binding(
    command: Command,
    keys: &'static [Key],
    short: &'static str,
    words: &'static str,
) -> Binding {
    Binding { command, keys, short, words }
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

/// In the list of sessions.
pub const LIST: Table = Table {
    title: "In the list",
    bindings: &[
        binding(
            Command::Attach,
            &[key(KeyCode::Enter)],
            "attach",
            "take the session into this terminal; ctrl-\\ brings you back here",
        ),
        binding(Command::Watch, &[char('w')], "watch", "look at its screen, without typing into it"),
        binding(Command::New, &[char('n')], "new", "start a session"),
        binding(Command::Send, &[char('s')], "send", "send it a text, or a /command"),
        binding(Command::Transcript, &[char('t')], "transcript", "read what was said in it"),
        binding(Command::Log, &[char('l')], "log", "read what happened to it"),
        binding(Command::Continue, &[char('c')], "continue", "go on with a turn that broke off"),
        binding(
            Command::Restart,
            &[char('r')],
            "restart",
            "restart its claude with the same conversation, or bring it back (asks)",
        ),
        binding(Command::Stop, &[char('x')], "stop", "end it; the conversation stays (asks)"),
        binding(Command::Rename, &[char('R')], "rename", "give it another name"),
        binding(
            Command::Adopt,
            &[char('a')],
            "adopt",
            "make a session of a claude that cckw does not run (asks)",
        ),
        binding(Command::Up, &[key(KeyCode::Up), char('k')], "up", "one row up"),
        binding(Command::Down, &[key(KeyCode::Down), char('j')], "down", "one row down"),
        binding(Command::PageUp, &[key(KeyCode::PageUp), ctrl('u')], "page up", "a page up"),
        binding(Command::PageDown, &[key(KeyCode::PageDown), ctrl('d')], "page down", "a page down"),
        binding(Command::First, &[key(KeyCode::Home), char('g')], "first", "to the first row"),
        binding(Command::Last, &[key(KeyCode::End), char('G')], "last", "to the last row"),
        binding(Command::NextNeedy, &[key(KeyCode::Tab)], "next !", "to the next row that needs you"),
        binding(Command::Search, &[char('/')], "filter", "show the rows that have some words in them only"),
        binding(Command::Machine, &[char('m')], "machine", "show one machine only"),
        binding(Command::Order, &[char('o')], "order", "the next order: by urgency, activity, name, machine"),
        binding(Command::Ended, &[char('e')], "ended", "show ended sessions too, or no more"),
        binding(Command::Preview, &[char('p')], "preview", "show the preview, or hide it"),
        binding(Command::Refresh, &[ctrl('r')], "refresh", "ask everything and every machine again"),
        binding(Command::Back, &[key(KeyCode::Esc)], "back", "drop the filter, then the choice of a machine"),
        binding(Command::Help, &[char('?')], "keys", "show the keys"),
        binding(Command::Redraw, &[ctrl('l')], "redraw", "draw the screen anew"),
        binding(Command::Suspend, &[ctrl('z')], "suspend", "go to the shell; fg comes back"),
        binding(Command::Quit, &[char('q'), ctrl('c')], "quit", "leave; the sessions go on"),
    ],
};

/// In a text: the transcript, the log, the keys.
pub const PAGER: Table = Table {
    title: "In a transcript, a log, and here",
    bindings: &[
        binding(Command::Up, &[key(KeyCode::Up), char('k')], "up", "one line up"),
        binding(
            Command::Down,
            &[key(KeyCode::Down), char('j'), key(KeyCode::Enter)],
            "down",
            "one line down",
        ),
        binding(Command::PageUp, &[key(KeyCode::PageUp), char('b'), ctrl('u')], "page up", "a page up"),
        binding(
            Command::PageDown,
            &[key(KeyCode::PageDown), char(' '), char('f'), ctrl('d')],
            "page down",
            "a page down",
        ),
        binding(Command::First, &[key(KeyCode::Home), char('g')], "start", "to the beginning"),
        binding(Command::Last, &[key(KeyCode::End), char('G')], "end", "to the end"),
        binding(Command::Search, &[char('/')], "search", "search; a capital letter makes capitals count"),
        binding(Command::NextMatch, &[char('n')], "next", "to the next place that was found"),
        binding(Command::PreviousMatch, &[char('N')], "previous", "to the one before"),
        binding(Command::Redraw, &[ctrl('l')], "redraw", "draw the screen anew"),
        binding(Command::Suspend, &[ctrl('z')], "suspend", "go to the shell; fg comes back"),
        binding(Command::Back, &[char('q'), key(KeyCode::Esc), ctrl('c')], "back", "back to the list"),
    ],
};

/// In a dialog with something to type.
pub const EDITOR: Table = Table {
    title: "Where you type",
    bindings: &[
        binding(Command::Submit, &[key(KeyCode::Enter)], "do it", "do what the dialog says"),
        binding(
            Command::Back,
            &[key(KeyCode::Esc), ctrl('c')],
            "leave",
            "leave the dialog; the draft of a text to send is kept",
        ),
        binding(
            Command::NewLine,
            &[alt(KeyCode::Enter), ctrl('j')],
            "new line",
            "begin a new line of a text to send",
        ),
        binding(
            Command::Complete,
            &[key(KeyCode::Tab)],
            "complete",
            "complete a directory, or go through the choices",
        ),
        binding(Command::CompleteBack, &[key(KeyCode::BackTab)], "back", "the same backwards"),
        binding(Command::Up, &[key(KeyCode::Up), ctrl('p')], "up", "one line or one field up"),
        binding(Command::Down, &[key(KeyCode::Down), ctrl('n')], "down", "one line or one field down"),
        binding(Command::Left, &[key(KeyCode::Left), ctrl('b')], "left", "one character to the left"),
        binding(Command::Right, &[key(KeyCode::Right), ctrl('f')], "right", "one character to the right"),
        binding(
            Command::WordLeft,
            &[alt(KeyCode::Char('b')), alt(KeyCode::Left)],
            "word left",
            "one word to the left",
        ),
        binding(
            Command::WordRight,
            &[alt(KeyCode::Char('f')), alt(KeyCode::Right)],
            "word right",
            "one word to the right",
        ),
        binding(
            Command::LineStart,
            &[key(KeyCode::Home), ctrl('a')],
            "start",
            "to the beginning of the line",
        ),
        binding(Command::LineEnd, &[key(KeyCode::End), ctrl('e')], "end", "to the end of the line"),
        binding(
            Command::Backspace,
            &[key(KeyCode::Backspace), ctrl('h')],
            "remove",
            "remove the character on the left",
        ),
        binding(
            Command::Delete,
            &[key(KeyCode::Delete), ctrl('d')],
            "remove",
            "remove the character on the right",
        ),
        binding(
            Command::DeleteWord,
            &[ctrl('w'), alt(KeyCode::Backspace)],
            "remove word",
            "remove the word on the left",
        ),
        binding(
            Command::DeleteToStart,
            &[ctrl('u')],
            "remove line",
            "remove all up to the beginning of the line",
        ),
        binding(Command::DeleteToEnd, &[ctrl('k')], "remove rest", "remove all up to the end of the line"),
        binding(Command::Redraw, &[ctrl('l')], "redraw", "draw the screen anew"),
        binding(Command::Suspend, &[ctrl('z')], "suspend", "go to the shell; fg comes back"),
    ],
};

/// What the mouse does.
pub const MOUSE: [(&str, &str); 3] = [
    ("click", "select a row"),
    ("double click", "attach it"),
    ("wheel", "scroll; with shift held down, the terminal selects text as usual"),
];

/// All tables, as they are printed.
pub const TABLES: [&Table; 3] = [&LIST, &PAGER, &EDITOR];

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
