//! A claude that cannot be adopted.

use std::fmt::Display;

use super::UserError;
use super::wait;
use crate::escape::escape;
use crate::near_side;

/// None that runs is meant.
pub fn unknown(word: &str) -> UserError {
    UserError::new(format!("no claude that runs has the pid, the conversation or the job {}", escape(word)))
        .advice(format!("see which there are: {}", near_side::detect()))
        .advice(format!(
            "a conversation that nobody has open: cckw new {} -- --resume ID",
            near_side::on("NAME")
        ))
}

/// Several are meant, with these pids.
pub fn several(word: &str, pids: &[i32]) -> UserError {
    let pids: Vec<String> = pids.iter().map(i32::to_string).collect();
    UserError::new(format!("several that run are meant by {}", escape(word)))
        .advice(format!("name one by its pid: {}", pids.join(", ")))
}

/// It runs in a session already.
pub fn is_session(word: &str) -> UserError {
    UserError::new("cckw has it already").advice(format!("take it: cckw attach {word}"))
}

/// It cannot be started again.
pub fn not_adoptable(pid: i32, why: &str) -> UserError {
    UserError::new(format!("claude (process {pid}) cannot be adopted")).why(why).advice("nothing was done")
}

/// The one who asks runs in it, and would end with it.
pub fn runs_in_it() -> UserError {
    UserError::new("this command runs in the claude that is to be ended")
        .advice("call it from another terminal, or copy the conversation with --fork")
}

/// It has to be asked first whether it is to end.
pub fn asks(pid: i32, what: &str) -> UserError {
    UserError::new(format!("claude (process {pid}) asks for something"))
        .why(what)
        .advice("answer it there, or end it all the same with --now; nothing was done")
        .status(wait::ASKS)
}

/// It does not come to rest.
pub fn never_rests(pid: i32, seconds: f64) -> UserError {
    UserError::new(format!("claude (process {pid}) has not come to rest within {seconds} s"))
        .advice("nothing was done; wait longer with --timeout, or break its turn off with --now")
        .status(wait::TIMED_OUT)
}

/// The caller waits no more.
pub fn interrupted(status: u8) -> UserError {
    UserError::new("the wait was interrupted").advice("nothing was done").status(status)
}

/// It has ended by itself.
pub fn has_ended(id: &str) -> UserError {
    UserError::new("it has just ended").advice(format!(
        "open its conversation in a session: cckw new {} -- --resume {}",
        near_side::on("NAME"),
        escape(id)
    ))
}

/// It was told to end, and goes on.
pub fn does_not_end(pid: i32) -> UserError {
    UserError::new(format!("claude (process {pid}) was told to end (SIGTERM), and has not ended"))
        .advice("it was left as it is, and no session was started")
}

/// It was ended, and no session could be started in its place.
pub fn ended_without_session(error: impl Display, id: &str) -> UserError {
    UserError::new("it was ended, and the session in its place could not be started")
        .why(error)
        .advice(format!("its conversation is kept: claude --resume {}", escape(id)))
}
