//! The host: the process that owns the PTY of one session.

use std::ffi::OsString;
use std::process::ExitCode;

pub mod modes;

/// Runs the host of one session, as `cckw host` asks.
pub fn main(_args: Vec<OsString>) -> ExitCode {
    ExitCode::FAILURE
}
