//! A session whose claude was removed from disk while it runs, by an update that has tidied up.

use nix::unistd::Pid;

use crate::os::process;
use crate::os::running_program::{ProgramOnDisk, on_disk};
use crate::registry::Session;
use crate::registry::record::SessionKind;

/// Whether the program that its claude runs is not on disk any more.
pub fn is_removed(session: &Session) -> bool {
    let record = &session.record;
    if !session.is_running {
        return false;
    }
    // The one that has said when it started, so that it is not another process with its pid.
    let known = record.claude_pid.zip(record.claude_start.as_deref()).map(|(pid, start)| (pid, Some(start)));
    let Some((pid, start)) = known.or_else(|| record.child_pid.map(|pid| (pid, None))) else { return false };
    let pid = Pid::from_raw(pid);
    let is_it = start.is_none_or(|start| {
        process::look_up(pid).is_some_and(|process| process::is_same_start(start, &process.start))
    });
    is_it && on_disk(pid) == Some(ProgramOnDisk::Removed)
}

/// What to do about it.
pub fn hint(session: &Session) -> Option<String> {
    if !is_removed(session) || session.record.restart_pending {
        return None;
    }
    let now = if session.record.kind == SessionKind::Server { "--now " } else { "" };
    Some(format!(
        "the program of its claude was removed from disk, by an update for instance, so parts of it may fail; to take the one that is \
         installed: cckw restart {now}{}",
        session.word()
    ))
}
