//! A session that cannot be started without a terminal: `cckw new`.

use std::fmt::Display;
use std::path::Path;

use super::UserError;
use super::wait;
use crate::escape::escape;

/// What a wrong command line exits with.
const WRONG_COMMAND_LINE: u8 = 2;

pub fn no_directory(directory: &Path, error: impl Display) -> UserError {
    UserError::new(format!("the directory {} cannot be entered", escape(directory)))
        .why(error)
        .advice("make it first, or name another one")
}

/// Claude's arguments run it without a session.
pub fn no_session() -> UserError {
    no_beginning("with these arguments claude runs without a session")
        .advice("run `cckw claude` with them, or leave out -p, --help and subcommands")
}

/// Claude's arguments name the session, too.
pub fn other_name() -> UserError {
    no_beginning("claude's arguments give the session another name")
        .advice("leave out -n: NAME is claude's name for it too")
}

pub fn two_prompts() -> UserError {
    no_beginning("there are two prompts").advice("leave out --prompt, or the one behind --")
}

pub fn server_with_prompt() -> UserError {
    no_beginning("a Remote Control server takes no prompt").advice("leave out --prompt")
}

/// The prompt would be the value of an option in front of it.
pub fn prompt_is_a_value() -> UserError {
    no_beginning("the last option in front of the prompt would take it for its value")
        .advice("give that option a value")
}

fn no_beginning(what: &str) -> UserError {
    UserError::new(what).status(WRONG_COMMAND_LINE)
}

pub fn empty_prompt() -> UserError {
    UserError::new("the prompt is empty")
        .advice("leave out --prompt, or give it a text")
        .status(WRONG_COMMAND_LINE)
}

/// The prompt on stdin cannot be given to claude.
pub fn prompt_is_no_text(why: impl Display) -> UserError {
    UserError::new("the prompt is no text").why(why).status(WRONG_COMMAND_LINE)
}

/// It does not fit into an argument. Both lengths are in bytes.
pub fn prompt_is_too_long(length: usize, most: usize) -> UserError {
    UserError::new(format!("the prompt has {length} bytes, and claude can be started with {most} at most"))
        .advice("put it into a file, and let the prompt name that file")
        .status(WRONG_COMMAND_LINE)
}

/// Claude has ended before there was a session. `said` is what it wrote last, `how` its exit.
pub fn ended_at_once(how: impl Display, said: &str) -> UserError {
    let error = UserError::new(format!("claude has ended at once ({how})"));
    if said.is_empty() { error } else { error.why(said) }
}

/// It has not come up yet. The session is there all the same.
pub fn not_up_yet(word: &str, seconds: f64) -> UserError {
    UserError::new(format!("claude has not come up within {seconds} s"))
        .advice(format!("the session goes on: cckw screen {word}; to end it: cckw stop {word}"))
        .status(wait::TIMED_OUT)
}

/// It asks something before it begins, and nobody sees that.
pub fn asks_first(word: &str, what: &str) -> UserError {
    UserError::new("claude asks something before it begins")
        .why(what)
        .advice(format!("answer it: cckw attach {word}"))
        .status(wait::ASKS)
}

/// The caller waits no more.
pub fn interrupted(word: &str, status: u8) -> UserError {
    UserError::new("interrupted before claude has come up")
        .advice(format!("the session goes on: cckw attach {word}; to end it: cckw stop {word}"))
        .status(status)
}
