//! `cckw detect` and `cckw reconnect`.

use std::fmt::Display;
use std::path::Path;

use super::UserError;
use crate::escape::escape;

/// The status where it could not be found out, or was tried in vain.
const IN_VAIN: u8 = 2;

/// Nothing says where the state files are.
pub fn no_home() -> UserError {
    UserError::new("there is no home directory")
        .advice("set HOME, CLAUDE_CONFIG_DIR or --sessions-dir")
        .status(IN_VAIN)
}

/// The directory of the state files cannot be read.
pub fn unreadable(directory: &Path, error: impl Display) -> UserError {
    UserError::new(escape(directory).to_string()).why(error).status(IN_VAIN)
}

/// The configuration cannot be used.
pub fn configuration(error: impl Into<UserError>) -> UserError {
    error.into().status(IN_VAIN)
}

/// There is no lock against two that type at once.
pub fn no_lock(error: impl Display) -> UserError {
    UserError::new("cckw cannot get its lock, and types nothing without it").why(error).status(IN_VAIN)
}

/// Claude has not written its state file.
pub fn nothing_known() -> UserError {
    UserError::new("its claude has not said yet how its link stands").advice("try again in a moment")
}

/// A link was not switched off and on: nothing was typed.
pub fn left_alone(why: &str) -> UserError {
    UserError::new("left alone").why(why)
}

/// A link was to be switched off and on, and that failed.
pub fn failed(why: &str) -> UserError {
    UserError::new(why).status(IN_VAIN)
}
