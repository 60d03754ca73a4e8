//! A session cannot be started, stopped, removed or followed.

use std::fmt::Display;
use std::path::Path;

use super::UserError;
use crate::escape::escape;
use crate::near_side;

/// What a wrong command line exits with.
const WRONG_COMMAND_LINE: u8 = 2;

/// Nobody could name the session by it.
pub fn unfit_name(name: &str, why: &str) -> UserError {
    UserError::new(format!("no session can be called \"{}\"", escape(name)))
        .why(why)
        .advice("choose another name")
        .status(WRONG_COMMAND_LINE)
}

/// It cannot be started under this name.
pub fn name_is_taken(name: &str) -> UserError {
    UserError::new(format!("a session that has not ended is called {} already", escape(&near_side::on(name))))
        .advice(format!("choose another name, or see it in: {}", near_side::list()))
}

/// The record of a session that has ended cannot be written.
pub fn cannot_be_renamed(error: impl Display) -> UserError {
    UserError::new("it cannot be renamed").why(error)
}

/// It cannot be removed while it runs.
pub fn is_running(word: &str) -> UserError {
    UserError::new(format!("{word} is running")).advice(format!("end it first: cckw stop {word}"))
}

/// What was to be removed is something else.
pub fn not_a_directory_of_one(directory: &Path) -> UserError {
    UserError::new(format!("{} is not a session's directory, and is left alone", escape(directory)))
}

pub fn cannot_be_removed(directory: &Path, error: impl Display) -> UserError {
    UserError::new(format!("{} cannot be removed", escape(directory))).why(error)
}

/// One of several cannot be removed, so none was.
pub fn nothing_was_removed(error: UserError) -> UserError {
    error.advice("nothing was removed")
}

/// Its claude does not end.
pub fn does_not_end(word: &str) -> UserError {
    UserError::new("claude does not end").advice(format!("see: cckw logs {word}"))
}

/// Its record cannot be read, and its host can be asked.
pub fn damaged_and_runs(damage: &str, word: &str) -> UserError {
    damaged(damage).advice(format!("its host answers: cckw attach {word}"))
}

/// Its record cannot be read, and it has no host.
pub fn damaged_and_ended(damage: &str, word: &str) -> UserError {
    damaged(damage).advice(format!(
        "what is left of it is enough to go on: cckw start {word} (or forget it: cckw rm {word})"
    ))
}

fn damaged(damage: &str) -> UserError {
    UserError::new(format!("its record cannot be read ({damage})"))
}

/// The directory that claude was started in is gone. `id` is its conversation, if that can be resumed.
pub fn directory_gone(directory: &Path, id: Option<&str>) -> UserError {
    UserError::new(format!("its directory {} is gone", escape(directory))).advice(match id {
        Some(id) => format!("to go on elsewhere: claude --resume {id}"),
        None => "make it again, and then bring the session back: cckw start".into(),
    })
}

/// The directory that claude was started in cannot be entered.
pub fn directory_cannot_be_entered(directory: &Path, error: impl Display) -> UserError {
    UserError::new(format!("its directory {} cannot be entered", escape(directory))).why(error)
}

/// The environment that was recorded cannot be used.
pub fn environment_unusable(session: impl Display, error: impl Display) -> UserError {
    UserError::new("the recorded environment of the session cannot be used")
        .why(error)
        .advice(format!("to start it with the environment of this shell: cckw start --env current {session}"))
}

/// Its conversation is open elsewhere. `holder` is who has it, `advice` what to do.
pub fn is_open_elsewhere(holder: impl Display, advice: &str) -> UserError {
    UserError::new(format!("the conversation is already open in {holder}; cckw does not open it twice"))
        .advice(advice)
}

/// It ends at this moment, so nothing can be attached.
pub fn is_ending() -> UserError {
    UserError::new("the session is just ending")
}

/// Another host has it.
pub fn has_a_host() -> UserError {
    UserError::new("the session has a host already").advice(format!("see `{}`", near_side::list()))
}
