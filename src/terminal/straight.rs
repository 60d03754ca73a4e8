//! Straight through: claude takes this process's place, with everything as it was.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use crate::claude::find::Found;
use crate::platform::signals;

/// Holds the pid of a cckw that became a script. Whoever has that pid and is cckw again was led in a circle.
const VARIABLE: &str = "CCKW_EXEC";

/// Executes claude in place of this process. Returns only if that fails.
pub fn exec(found: &Found, args: &[OsString]) -> ExitCode {
    let mut command = Command::new(&found.program);
    command.arg0(found.program.file_name().unwrap_or(found.program.as_os_str())).args(args);
    if found.is_script {
        command.env(VARIABLE, std::process::id().to_string());
    } else {
        command.env_remove(VARIABLE);
    }
    let state = signals::inherited();
    // SAFETY: nothing is forked; the closure runs in this process, right before it becomes another.
    unsafe { command.pre_exec(|| state.restore()) };
    let error = command.exec();
    eprintln!(
        "cckw: {} cannot be executed: {error}; check that it is a program for this machine, or name another one in CCKW_CLAUDE",
        found.program.display()
    );
    // As a shell: 127 for what is not there, 126 for what cannot be executed.
    ExitCode::from(if error.kind() == std::io::ErrorKind::NotFound { 127 } else { 126 })
}

/// Whether this process has been cckw before, and became a script that led back.
pub fn leads_back() -> bool {
    std::env::var(VARIABLE).is_ok_and(|pid| pid == std::process::id().to_string())
}
