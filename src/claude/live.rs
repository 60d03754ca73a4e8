//! Which live processes have a conversation open, as claude's state files say.

use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use nix::unistd::Pid;

use super::state_file::{StateFile, pid_of};
use crate::platform::process;

/// A live process rewrites its state file in place; half of it is met for less than this, in tries and the time between.
const TRIES: u32 = 10;
const PACE: Duration = Duration::from_millis(5);

/// A live claude.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Live {
    /// Its process, which wrote the state file.
    pub pid: Pid,
    /// When that started, in the unit of [`process::Process::start`].
    pub start: String,
    /// The directory that it works in.
    pub cwd: Option<PathBuf>,
}

impl Live {
    /// Whether it has not ended yet.
    pub fn lives(&self) -> bool {
        process::look_up(self.pid).is_some_and(|process| process::is_same_start(&self.start, &process.start))
    }
}

/// The live processes that have the conversation `id` open, below claude's directory of state files. Those that are just
/// starting count too: it is what they are about to open.
///
/// A file that was left behind counts for nothing: its process is gone (a zombie is), or its pid belongs to a process
/// that started at another time.
pub fn with_conversation(sessions: &Path, id: &str) -> Vec<Live> {
    let entries = std::fs::read_dir(sessions).into_iter().flatten().flatten();
    let mut found: Vec<Live> = entries.filter_map(|entry| live(&entry.path(), id)).collect();
    found.sort_by_key(|live| live.pid);
    found
}

fn live(path: &Path, id: &str) -> Option<Live> {
    let pid = pid_of(path)?;
    // First, because most files may be stale: then they need not be read.
    let process = process::look_up(pid)?;
    let file = read(path)?;
    let same = file.proc_start.is_some_and(|claimed| process::is_same_start(&claimed, &process.start));
    (same && file.session_id.as_deref() == Some(id)).then_some(Live {
        pid,
        start: process.start,
        cwd: file.cwd,
    })
}

fn read(path: &Path) -> Option<StateFile> {
    for _ in 1..TRIES {
        if let Some(file) = StateFile::read(path) {
            return Some(file);
        }
        if !path.exists() {
            return None;
        }
        sleep(PACE);
    }
    StateFile::read(path)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const ID: &str = "0f0e0d0c-1111-4111-8111-0123456789ab";

    #[test]
    fn only_a_live_process_with_its_own_start_has_a_conversation() {
        let scratch = tempfile::tempdir().expect("a directory");
        let me = Pid::this();
        let start = process::look_up(me).expect("runs").start;
        let path = scratch.path().join(format!("{me}.json"));
        let write = |start: &str, id: &str| {
            fs::write(&path, format!(r#"{{"procStart":"{start}","sessionId":"{id}","cwd":"/w"}}"#))
                .expect("writes");
        };
        assert_eq!(with_conversation(&scratch.path().join("none"), ID), []);
        write(&start, ID);
        let live = Live { pid: me, start: start.clone(), cwd: Some("/w".into()) };
        assert!(live.lives());
        assert_eq!(with_conversation(scratch.path(), ID), [live]);
        write(&start, "another");
        assert_eq!(with_conversation(scratch.path(), ID), []);
        if cfg!(target_os = "linux") {
            write("1", ID);
            assert_eq!(with_conversation(scratch.path(), ID), []);
        }
        fs::write(&path, format!(r#"{{"sessionId":"{ID}"}}"#)).expect("writes");
        assert_eq!(with_conversation(scratch.path(), ID), [], "it may be anybody's");
        fs::write(&path, "{").expect("writes");
        assert_eq!(with_conversation(scratch.path(), ID), []);
    }

    #[test]
    fn a_process_that_has_ended_has_none() {
        let scratch = tempfile::tempdir().expect("a directory");
        let mut child = std::process::Command::new("true").spawn().expect("true");
        let pid = Pid::from_raw(child.id() as i32);
        let start = process::look_up(Pid::this()).expect("runs").start;
        let file = format!(r#"{{"procStart":"{start}","sessionId":"{ID}"}}"#);
        fs::write(scratch.path().join(format!("{pid}.json")), file).expect("writes");
        assert!(child.wait().expect("ends").success());
        assert_eq!(with_conversation(scratch.path(), ID), []);
    }
}
