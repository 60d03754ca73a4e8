//! `cckw claude`: one run of claude in this terminal.

use std::ffi::OsString;
use std::process::ExitCode;

/// Runs claude with these arguments and returns its status.
pub fn main(_args: Vec<OsString>) -> ExitCode {
    ExitCode::FAILURE
}
