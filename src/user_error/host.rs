//! A session's host does not answer, cannot be reached, has gone, or refuses what it is asked for.

use std::fmt::Display;
use std::io;
use std::path::Path;

use super::UserError;
use super::system_limits::System;
use crate::escape::escape;
use crate::near_side;

/// It does not answer, and nothing is known of its process.
pub fn silent() -> UserError {
    UserError::new("the session's host does not answer")
}

/// Its process does not answer, and nothing more is known.
pub fn hangs(pid: i32) -> UserError {
    UserError::new(format!("the session's host (process {pid}) does not answer")).advice(format!(
        "if it stays so, end it with kill -KILL {pid}, and `{}` brings the conversation back",
        near_side::list()
    ))
}

/// Its process is stopped.
pub fn stopped(pid: i32) -> UserError {
    UserError::new(format!("the session's host (process {pid}) is stopped and does not answer"))
        .advice(format!("to continue it: kill -CONT {pid}"))
}

/// Its process waits for a disk, and no signal reaches it.
pub fn waits_for_disk(pid: i32) -> UserError {
    UserError::new(format!(
        "the session's host (process {pid}) waits for a disk or another machine, and does not answer"
    ))
    .advice(format!("it goes on when the disk or machine answers; until then kill -KILL {pid} cannot end it"))
}

/// Its process can accept no connection.
pub fn lacks_descriptors(pid: i32) -> UserError {
    UserError::new(format!("the session's host (process {pid}) may open no more files and does not answer"))
        .advice(System::HERE.for_open_files_of(pid))
}

/// It is of a version that knows no hand-over. `word` is what to type for the session.
pub fn cannot_hand_over(word: &str) -> UserError {
    UserError::new("its host is of a version that cannot hand a session over")
        .advice(format!("to have the new one: cckw stop {word}; cckw start {word}"))
}

/// It is of a version that sends its screen to nobody. `word` is what to type for the session.
pub fn cannot_be_watched(word: &str) -> UserError {
    UserError::new("its host is of a version that cannot show its screen live")
        .advice(format!("to renew the host, which claude does not notice: cckw restart --hosts {word}"))
}

/// It cannot find out which program it executes itself.
pub fn own_program_is_unknown(error: &io::Error) -> UserError {
    UserError::new(format!("the session's host cannot find out which program it runs: {error}"))
}

/// The program that it executes was removed, and there is no other one in its place.
pub fn own_program_is_gone(program: &Path, error: &io::Error) -> UserError {
    UserError::new(format!(
        "there is no cckw at {}, where the session's host was started from: {error}",
        escape(program)
    ))
    .advice("install cckw there, or end the session and start it again")
}

/// Another program was to go on in its place, and does not.
pub fn not_handed_over(program: &Path, why: &str) -> UserError {
    UserError::new(format!("{} does not go on with this session: {why}", escape(program)))
        .advice("the host runs on as before")
}

/// It has gone while it was asked.
pub fn gone() -> UserError {
    UserError::new("the session has just ended")
}

/// It has gone, and nobody has brought the session back. `word` is what to type for the session.
pub fn is_lost(word: &str) -> UserError {
    UserError::new("its host is gone").advice(format!("to bring the conversation back: cckw start {word}"))
}

/// It closes each connection at once.
pub fn closes_connections() -> UserError {
    UserError::new("the session's host closes every connection at once").advice("see: cckw doctor")
}

/// It has answered something else than what was asked.
pub fn wrong_answer() -> UserError {
    UserError::new("the session's host sent an answer that does not fit the request")
}

/// It refuses, in its own words.
pub fn refused(reason: &str) -> UserError {
    UserError::new(reason)
}

/// It, or what was to become it, could not start the session, in its own words.
pub fn failed(reason: &str, status: u8) -> UserError {
    refused(reason).status(status)
}

/// The session runs elsewhere.
pub fn elsewhere(word: &str) -> UserError {
    UserError::new(format!(
        "{word} runs on another machine that has this directory too, or its host was started by another version of cckw"
    ))
    .advice("go on there")
}

/// It cannot be reached, and its process is not known. `lock` is the lock of the session.
pub fn unknown_process(word: &str, lock: &Path) -> UserError {
    UserError::new(format!(
        "{word} has a host that cannot be reached, and its record does not say which process that is"
    ))
    .advice(format!("see who has the lock: fuser {}", escape(lock)))
}

/// It is alive, and makes no new socket.
pub fn lost_socket(word: &str, pid: i32) -> UserError {
    UserError::new(format!(
        "the host of {word} (process {pid}) is alive, but has lost its socket and does not make a new one"
    ))
    .why("it is stopped, or hangs")
    .advice(format!("if `ps -o stat= -p {pid}` says T: kill -CONT {pid}"))
    .advice(format!("else end it and bring the conversation back: kill -KILL {pid}; cckw start {word}"))
}

/// A new one has ended before it was there.
pub fn could_not_revive(word: &str) -> UserError {
    UserError::new(format!("the new host of {word} could not bring it back"))
        .advice(format!("see: cckw logs {word}"))
}

/// A new one is not there in time.
pub fn does_not_come_up(word: &str) -> UserError {
    UserError::new(format!("the new host of {word} does not come up"))
        .advice(format!("see: cckw logs {word}"))
}

/// The session has one that does not answer; `silent` says more of that.
pub fn runs_and_is_silent(name: &str, silent: UserError) -> UserError {
    UserError { what: format!("{} is running, and {}", escape(name), silent.what), ..silent }
}

/// It cannot catch signals, so it starts nothing.
pub fn cannot_catch_signals(error: impl Display) -> UserError {
    UserError::new("the host cannot catch signals").why(error)
}

/// It was started by hand.
pub fn not_by_hand() -> UserError {
    UserError::new("'host' is started by 'cckw claude', not by hand").status(2)
}
