//! What to say when the system does not execute the program that was found.

use std::io;
use std::path::Path;

use crate::os::threads;
use crate::user_error::UserError;
use crate::user_error::claude;

/// What has happened, with the status that a shell would exit with: 127 for what is not there, 126 for what
/// cannot be executed.
pub fn not_executed(program: &Path, error: &io::Error) -> UserError {
    if let Some(no_process) = threads::no_process(error) {
        return claude::no_process(no_process);
    }
    let is_gone = error.kind() == io::ErrorKind::NotFound;
    if is_gone && program.exists() {
        let why = "the interpreter or loader that it names does not exist";
        return claude::cannot_be_executed(program, why, is_gone);
    }
    claude::cannot_be_executed(program, error, is_gone)
}

/// The same for a message of the protocol and the log: the line, and the status.
pub fn refused(program: &Path, error: &io::Error) -> (String, u8) {
    let error = not_executed(program, error);
    (error.to_string(), error.exit_status())
}
