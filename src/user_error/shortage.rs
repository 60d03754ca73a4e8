//! The system is out of something.

use std::fmt::Display;

use super::UserError;
use super::system_limits::System;

/// The limit of processes is reached.
pub fn no_process_left(error: impl Display) -> UserError {
    no_process(error, "the limit of processes is reached").advice(System::HERE.for_processes())
}

/// There is no memory for a process.
pub fn no_memory(error: impl Display) -> UserError {
    no_process(error, "the machine is out of memory").advice("end some programs")
}

fn no_process(error: impl Display, why: &str) -> UserError {
    UserError::new("no process can be started").why(format!("{error}: {why}"))
}

/// A host has no descriptor for another client.
pub fn no_descriptor_left(error: impl Display) -> UserError {
    UserError::new("the session's host has no descriptor left").why(error)
}

/// The system refuses something that is there as a rule: a socket, a descriptor, the program itself.
pub fn system(error: impl Display) -> UserError {
    UserError::new(error.to_string())
}
