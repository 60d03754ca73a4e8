//! The stand-in for Claude Code that `cckw demo` and the tests run.

use std::ffi::OsString;
use std::process::ExitCode;

/// Runs the stand-in with the arguments that claude would get.
pub fn main(_args: Vec<OsString>) -> ExitCode {
    ExitCode::FAILURE
}
