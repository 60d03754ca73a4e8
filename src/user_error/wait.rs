//! The end of a wait for a session that is not the one that was waited for. The statuses are the same for
//! every verb that waits: docs/user/scripting.md.

use super::UserError;

/// The session has ended.
pub const ENDED: u8 = 1;
/// It asks its user something.
pub const ASKS: u8 = 3;
/// The turn has failed.
pub const TURN_FAILED: u8 = 4;
/// The time is over.
pub const TIMED_OUT: u8 = 5;

/// A Remote Control server is asked for something that it does not have.
pub fn server_has_no_turns(word: &str) -> UserError {
    UserError::new(format!("{word} is a Remote Control server, and has no turns of its own"))
        .advice(format!("wait for its end: cckw wait --for ended {word}"))
}

/// What was waited for has not come.
pub fn timed_out(seconds: f64) -> UserError {
    UserError::new(format!("it has not come to that within {seconds} s"))
        .advice("nothing was changed; wait longer with --timeout")
        .status(TIMED_OUT)
}

/// The caller waits no more.
pub fn interrupted(status: u8) -> UserError {
    UserError::new("the wait was interrupted").advice("the sessions go on").status(status)
}
