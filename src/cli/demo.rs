//! `cckw demo`: a session on the stand-in.

use std::process::ExitCode;

/// Runs the demo; `script` plays a dialogue instead of leaving the session to the user.
pub fn main(_script: bool) -> ExitCode {
    ExitCode::FAILURE
}
