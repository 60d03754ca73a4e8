//! `cckw send`.

use std::fmt::Display;

use super::UserError;
use super::wait::{ASKS, TIMED_OUT, TURN_FAILED};

/// The status where the text was typed, and it is not known what became of it.
const UNKNOWN: u8 = 2;
/// The status of a program that ctrl-c has ended.
const INTERRUPTED: u8 = 130;

/// Stdin cannot be read.
pub fn unreadable(error: impl Display) -> UserError {
    UserError::new("the text cannot be read from stdin").why(error)
}

/// The text is not UTF-8.
pub fn not_utf8(at: usize) -> UserError {
    UserError::new("nothing was sent: the text is not UTF-8")
        .why(format!("byte {at} does not fit"))
        .advice("convert it first, for instance with iconv")
}

/// There is no text.
pub fn blank() -> UserError {
    UserError::new("nothing was sent: the text is blank")
}

/// The text would be a command for the shell.
pub fn for_shell() -> UserError {
    UserError::new("nothing was sent: the text begins with !, and claude would run it in the shell")
        .advice("put a blank before the ! to send it as a prompt")
}

/// The text is too long.
pub fn too_long(bytes: usize, most: usize) -> UserError {
    UserError::new("nothing was sent: the text is too long")
        .why(format!("it has {bytes} bytes, and at most {most} are sent"))
        .advice("put it into a file, and send the name of the file")
}

/// The host is of an older version.
pub fn older_host(word: &str) -> UserError {
    UserError::new("nothing was sent: the session's host is of an older cckw, which cannot send")
        .advice(format!("start the session again: cckw stop {word}; cckw start {word}"))
}

/// It was not submitted, and nothing of it is left at the prompt.
pub fn not_sent(why: &str, word: &str) -> UserError {
    UserError::new("nothing was sent").why(why).advice(format!("look at it: cckw screen {word}"))
}

/// It was typed, and more is not known.
pub fn unknown(why: &str, word: &str) -> UserError {
    UserError::new("the text was typed, and it is not known whether claude has taken it")
        .why(why)
        .advice(format!("look before you send it again: cckw screen {word}"))
        .status(UNKNOWN)
}

/// The host went away before anything was typed.
pub fn host_gone(word: &str) -> UserError {
    UserError::new("nothing was sent: the session's host has gone")
        .advice(format!("see what happened: cckw logs {word}"))
}

/// Claude asks its user something in the turn.
pub fn asks(what: &str, word: &str) -> UserError {
    UserError::new("the text was sent, and claude asks something before it answers")
        .why(what)
        .advice(format!("answer it: cckw attach {word}"))
        .status(ASKS)
}

/// The turn has no good end.
pub fn turn_failed(kind: &str, text: &str) -> UserError {
    UserError::new(format!("the text was sent, and its turn has failed ({kind})"))
        .why(text)
        .status(TURN_FAILED)
}

/// The session has ended in the turn.
pub fn ended_before_answer(how: &str, word: &str) -> UserError {
    UserError::new("the text was sent, and the session has ended before the answer")
        .why(how)
        .advice(format!("go on with: cckw start {word}"))
        .status(TURN_FAILED)
}

/// The turn takes longer than it may.
pub fn no_answer_yet(word: &str) -> UserError {
    UserError::new("the text was sent, and its turn is not over in time")
        .advice(format!("wait on: cckw wait {word}"))
        .status(TIMED_OUT)
}

/// The caller waits no more for the answer.
pub fn answer_interrupted(word: &str, signal: i32) -> UserError {
    UserError::new("the text was sent, and the wait for its answer was interrupted")
        .advice(format!("the turn goes on: cckw wait {word}"))
        .status(u8::try_from(128 + signal).unwrap_or(INTERRUPTED))
}

/// Ctrl-c came before anything was typed.
pub fn interrupted() -> UserError {
    UserError::new("nothing was sent: interrupted").status(INTERRUPTED)
}
