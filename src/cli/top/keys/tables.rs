//! The tables of keys.

use crossterm::event::{KeyCode, KeyModifiers};

use super::{Binding, Command, Key, Table};

/// In the list of sessions.
pub const LIST: Table = Table {
    title: "In the list",
    bindings: &[
        binding(
            Command::Attach,
            &[key(KeyCode::Enter)],
            "attach",
            "go into it, brought back if it has ended; ctrl-\\ leaves it",
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
            "restart its claude, or bring the session back (asks)",
        ),
        binding(Command::Stop, &[char('x')], "stop", "end it; the conversation stays (asks)"),
        binding(Command::Rename, &[char('R')], "rename", "give it another name"),
        binding(Command::Adopt, &[char('a')], "adopt", "make a session of what cckw does not run (asks)"),
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
    title: "In a transcript or a log, and in the help",
    bindings: &[
        binding(Command::Up, &[key(KeyCode::Up), char('k')], "scroll", "one line up"),
        binding(
            Command::Down,
            &[key(KeyCode::Down), char('j'), key(KeyCode::Enter)],
            "scroll",
            "one line down",
        ),
        binding(Command::PageUp, &[key(KeyCode::PageUp), char('b'), ctrl('u')], "page", "a page up"),
        binding(
            Command::PageDown,
            &[key(KeyCode::PageDown), char(' '), char('f'), ctrl('d')],
            "page",
            "a page down",
        ),
        binding(Command::First, &[key(KeyCode::Home), char('g')], "to the start", "to the beginning"),
        binding(Command::Last, &[key(KeyCode::End), char('G')], "to the end", "to the end"),
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
            "leave the dialog; a text to send is kept as a draft",
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

/// Short for the tables below.
const fn binding(
    command: Command,
    keys: &'static [Key],
    short: &'static str,
    words: &'static str,
) -> Binding {
    Binding { command, keys, short, words }
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
