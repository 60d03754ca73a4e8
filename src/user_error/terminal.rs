//! There is no terminal, or not the right one.

use std::fmt::Display;

use super::UserError;

pub fn none_to_attach() -> UserError {
    UserError::new("stdin and stdout must be one terminal to attach")
}

/// Each of stdin and stdout is a terminal, and a session has one.
pub fn two() -> UserError {
    UserError::new("stdin and stdout are two different terminals")
}

/// The same, for an attach.
pub fn two_to_attach() -> UserError {
    two().advice("run `cckw attach` with both of them in one terminal")
}

/// This one shows the session that it was to be attached to.
pub fn inside_itself() -> UserError {
    UserError::new("this terminal is inside the session that you want to attach")
}

/// It cannot be opened in a description of its own. On Linux that is rare; on macOS it is so after su.
pub fn cannot_be_opened(error: impl Display) -> UserError {
    UserError::new("this terminal cannot be opened anew")
        .why(error)
        .advice("a terminal that belongs to you can be: log in as this user, or run tmux first")
}

/// The same, for the fleet view.
pub fn two_for_the_view() -> UserError {
    two().advice("run `cckw top` with both of them in one terminal")
}

/// The fleet view needs one.
pub fn none_for_the_view() -> UserError {
    UserError::new("stdin and stdout must be one terminal for `cckw top`")
        .advice("for programs there is `cckw list --json`")
}

pub fn none_to_draw_on() -> UserError {
    UserError::new("--watch draws on a terminal, and stdout is none")
        .advice("for programs there are `cckw list --json`, and with changes `cckw list --watch --json`")
}

/// It calls itself `dumb`: nothing can be drawn on it. `word` is what was typed for the session.
pub fn prints_lines(word: &str) -> UserError {
    UserError::new("this terminal can only print lines (TERM=dumb)")
        .advice(format!("to follow the screen as text: cckw screen --follow {word}"))
}

/// What came with a request to attach is none.
pub fn none_was_sent() -> UserError {
    UserError::new("the descriptor that was sent is no terminal").advice("run `cckw attach` in a terminal")
}

/// Nothing came with a request to attach.
pub fn nothing_was_sent() -> UserError {
    UserError::new("no terminal came with the request")
}

/// What came with a request to attach would block the host.
pub fn is_blocking(error: impl Display) -> UserError {
    UserError::new("the terminal is in blocking mode and cannot be opened anew")
        .why(error)
        .advice("run `cckw attach` in a terminal of yours")
}
