//! A client that loses its host, gives up waiting for it, or cannot go on itself.

use std::fmt::Display;

use super::UserError;

/// The status when cckw itself failed under a running claude, so that claude's own is not known
/// (EX_SOFTWARE).
const HOST_FAILED: u8 = 70;

/// Claude runs in this process's place, because of this.
pub fn without_session(error: impl Display) -> UserError {
    UserError::new("claude runs without cckw, so its session does not outlive this terminal").why(error)
}

/// Claude runs in this process's place, because the terminal cannot be opened a second time.
pub fn terminal_cannot_be_opened(error: impl Display) -> UserError {
    UserError::new(format!("this terminal cannot be opened a second time ({error})"))
        .why("claude runs without cckw")
}

/// The system has failed this client before claude was there.
pub fn not_started(error: impl Display) -> UserError {
    UserError::new(error.to_string()).advice("claude was not started")
}

/// The system has failed this client, which was attached to a session that goes on.
pub fn session_goes_on(error: impl Display) -> UserError {
    UserError::new(error.to_string()).advice("the session goes on without this terminal")
}

/// A new host could not bring the conversation back. `advice` is how the user can.
pub fn not_revived(reason: &str, status: u8, advice: &str) -> UserError {
    UserError::new(reason).advice(advice).status(status)
}

/// The host was killed. `advice` is how to have the conversation back.
pub fn host_killed(advice: &str) -> UserError {
    UserError::new("the process that held this session was killed, and claude ended with it")
        .advice(advice)
        .status(HOST_FAILED)
}

/// The host was killed at a moment at which nobody can tell whether claude was there.
pub fn host_killed_at_the_start() -> UserError {
    UserError::new("the host of this session was killed before claude was ready")
        .advice("start it again")
        .status(HOST_FAILED)
}

/// The host was killed before there was anything of a session.
pub fn host_killed_before_the_start() -> UserError {
    UserError::new("the host of this session was killed before it was ready")
        .advice("claude was not started")
        .status(HOST_FAILED)
}

/// The host of a session that was started here does not answer. `advice` is how to have the conversation
/// back.
pub fn start_given_up(host: UserError, advice: &str) -> UserError {
    host.advice("cckw does not wait any longer").advice(advice)
}

/// The host of a session that was to be attached does not answer.
pub fn attach_given_up(host: UserError) -> UserError {
    host.advice("the session was not attached; it goes on without this terminal")
}
