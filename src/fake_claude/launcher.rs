//! The launcher that some installations put before Claude Code: a process that spawns the real one and waits.

use std::ffi::OsString;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Command, ExitCode};

/// Runs the stand-in as a child on the same terminal and ends as a launcher does: with its status, or 128
/// plus the signal that killed it.
pub fn run(args: Vec<OsString>) -> ExitCode {
    let spawned = std::env::current_exe().and_then(|program| {
        Command::new(program)
            .arg0(super::PROGRAM_NAME)
            .args(args)
            .env_remove("CCKW_STANDIN_LAUNCHER")
            .status()
    });
    match spawned {
        Ok(status) => {
            let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0));
            ExitCode::from(u8::try_from(code).unwrap_or(1))
        }
        Err(error) => {
            eprintln!("{}: cannot start itself: {error}", super::PROGRAM_NAME);
            ExitCode::FAILURE
        }
    }
}
