//! The environment variables of a session, and what else its claude inherits.

mod after_login;
mod after_restart;
mod attributes;

use std::ffi::OsString;

use crate::support::{Record, process};

/// What claude was given, sorted.
fn environment(record: &Record) -> Vec<OsString> {
    let mut variables = process::environment(record.pid("claude_pid").expect("a claude"));
    variables.sort();
    variables
}
