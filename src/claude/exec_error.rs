//! What to say when the system does not execute the program that was found.

use std::io;
use std::path::Path;

use crate::escape::escape;
use crate::os::threads;

const CANNOT_EXECUTE: u8 = 126;

/// One line with the reason and what to do, and the status that a shell would exit with: 127 for what is not there, 126 for
/// what cannot be executed.
pub fn refused(program: &Path, error: &io::Error) -> (String, u8) {
    if let Some(reason) = threads::no_process(error) {
        return (reason, CANNOT_EXECUTE);
    }
    let gone = error.kind() == io::ErrorKind::NotFound;
    let reason = if gone && program.exists() {
        "the interpreter or loader that it names does not exist".into()
    } else {
        error.to_string()
    };
    let advice = "check that it is a program for this machine, or name another one in CCKW_CLAUDE";
    let status = if gone { 127 } else { CANNOT_EXECUTE };
    (format!("{} cannot be executed: {reason}; {advice}", escape(program)), status)
}
