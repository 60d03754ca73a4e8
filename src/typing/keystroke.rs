//! What is typed into claude.

/// What is typed, for the host to encode as the terminal would.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Keystroke {
    /// ctrl-s: puts a draft aside, or brings it back to an empty prompt.
    Stash,
    /// The line, as a bracketed paste.
    Paste(String),
    /// Enter.
    Enter,
    /// Esc.
    Escape,
    /// ctrl-_: takes the paste back. It works in every mode of the editor, and also where claude reads it
    /// together with the paste and with what follows. Backspaces do not: in one read with ctrl-s they are
    /// lost (seen with 2.1.332).
    Undo,
    /// `a` of vim's normal mode: back to insert mode.
    Append,
    /// So many characters before the cursor are deleted.
    Backspaces(usize),
    /// `D` of vim's normal mode: deletes from the cursor to the end of the line.
    DeleteToEnd,
    /// Arrow up.
    Up,
    /// Arrow down.
    Down,
}
