//! Claude was not found, cannot be executed, or is cckw again.

use std::fmt::Display;
use std::path::Path;

use super::UserError;
use crate::escape::escape;

/// What shells exit with when there is no such command.
pub const NOT_FOUND: u8 = 127;
/// What shells exit with when a command cannot be executed.
pub const CANNOT_EXECUTE: u8 = 126;

/// The program that the user has named in `source` cannot be run, because it `unfit`: "does not exist" and
/// the like.
pub fn named_one_is_unfit(
    source: impl Display,
    path: &Path,
    unfit: impl Display,
    in_environment: bool,
) -> UserError {
    let advice = if in_environment {
        "set it to the real claude, or unset it"
    } else {
        "name the real claude there, or remove the line"
    };
    UserError::new(format!("{source} names {}, which {unfit}", escape(path))).advice(advice).status(NOT_FOUND)
}

/// Nothing on `PATH` is it. `skipped` says what is there and why it was passed over; `variable` is where to
/// name another one.
pub fn not_on_path(name: &str, skipped: &[String], variable: &str) -> UserError {
    let skipped = if skipped.is_empty() { String::new() } else { format!(" ({})", skipped.join(", ")) };
    UserError::new(format!("no program `{name}` was found on PATH{skipped}"))
        .advice(format!(
            "install it with `npm install -g @anthropic-ai/claude-code`, or name it in {variable}"
        ))
        .status(NOT_FOUND)
}

/// The program that was found starts cckw.
pub fn leads_back(program: &Path, variable: &str) -> UserError {
    UserError::new(format!("{} starts cckw again", escape(program)))
        .advice(format!("name the real claude in {variable}"))
        .status(NOT_FOUND)
}

/// The system does not execute it; `is_gone` is whether it, or what it names as its interpreter, is not
/// there.
pub fn cannot_be_executed(program: &Path, why: impl Display, is_gone: bool) -> UserError {
    UserError::new(format!("{} cannot be executed", escape(program)))
        .why(why)
        .advice("check that it is a program for this machine, or name another one in CCKW_CLAUDE")
        .status(if is_gone { NOT_FOUND } else { CANNOT_EXECUTE })
}

/// No process can be started at all, as `os::threads` says.
pub fn no_process(error: UserError) -> UserError {
    error.status(CANNOT_EXECUTE)
}
