//! Straight through: claude takes this process's place, with everything as it was.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use super::complain;
use crate::claude::exec_error::not_executed;
use crate::claude::executable::Executable;
use crate::claude::shim;
use crate::os::signals;

/// How many times cckw has become a script on the way to this process. A script may lead back to cckw by a
/// route that `find` does not see, in this process or in a child; only its environment comes along then. A cckw
/// under another name counts its steps too: two of different versions may take each other for claude.
const VARIABLE: &str = "CCKW_EXEC";

/// This often is a circle, and no claude that runs claude.
const MAX_HOPS: u32 = 10;

/// Executes claude in place of this process. Returns only if that fails.
pub fn exec(found: &Executable, args: &[OsString]) -> ExitCode {
    let mut command = Command::new(&found.program);
    command.arg0(found.program.file_name().unwrap_or(found.program.as_os_str())).args(args);
    if is_counted(found) {
        command.env(VARIABLE, (depth() + 1).to_string());
    } else {
        forget(&mut command);
    }
    let state = signals::inherited();
    // SAFETY: nothing is forked; the closure runs in this process, right before it becomes another.
    unsafe { command.pre_exec(|| state.restore()) };
    let error = command.exec();
    let error = not_executed(&found.program, &error);
    complain(&error);
    ExitCode::from(error.exit_status())
}

/// Whether cckw has become a program so often that the program must lead back to cckw.
pub fn leads_back(found: &Executable) -> bool {
    is_counted(found) && depth() >= MAX_HOPS
}

fn is_counted(found: &Executable) -> bool {
    found.is_script || !shim::runs_by_its_name()
}

/// Keeps claude from seeing what was meant for cckw.
pub fn forget(command: &mut Command) {
    // Not always: a changed environment is written anew, in another order.
    if std::env::var_os(VARIABLE).is_some() {
        command.env_remove(VARIABLE);
    }
}

fn depth() -> u32 {
    std::env::var(VARIABLE).ok().and_then(|times| times.parse().ok()).unwrap_or(0)
}
