//! Which live processes have a conversation open, as claude's state files say.

use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use nix::sys::signal::Signal;
use nix::unistd::Pid;

use super::state_file::{StateFile, pid_of};
use crate::os::kill::Identity;
use crate::os::process;

/// A live process rewrites its state file in place; half of it is met for less than this, in tries and the
/// time between.
const MAX_READ_TRIES: u32 = 10;
const RETRY_INTERVAL: Duration = Duration::from_millis(5);

/// A live claude.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunningClaude {
    /// Its process, which wrote the state file.
    pub pid: Pid,
    /// When that started, in the unit of [`process::Process::start`].
    pub start: String,
    /// The directory that it works in.
    pub cwd: Option<PathBuf>,
    /// The background job that it is.
    pub job: Option<String>,
}

impl RunningClaude {
    /// The claude that has written a state file, and what that says; nothing where it has ended.
    pub fn of_file(path: &Path) -> Option<(Self, StateFile)> {
        let pid = pid_of(path)?;
        // First, because most files may be stale: then they need not be read.
        let process = process::look_up(pid)?;
        let file = read(path)?;
        let claimed = file.proc_start.as_deref();
        let same = claimed.is_some_and(|claimed| process::is_same_start(claimed, &process.start));
        let claude = Self { pid, start: process.start, cwd: file.cwd.clone(), job: file.job_id.clone() };
        same.then_some((claude, file))
    }

    /// Whether it has not ended yet.
    pub fn lives(&self) -> bool {
        process::look_up(self.pid).is_some_and(|process| process::is_same_start(&self.start, &process.start))
    }

    /// Sends it a signal, if it is still the same process.
    pub fn send(&self, signal: Signal) {
        // Where it is not sent, it has ended or is another user's: then there is nothing to end.
        let _ = Identity::seen(self.pid, &self.start).and_then(|claude| claude.send(signal));
    }
}

impl RunningClaude {
    /// Continues it where it is stopped, so that it acts on the signal that it was sent before. One that runs
    /// gets nothing: claude takes SIGCONT for the end of a suspension and draws its whole screen (seen with
    /// 2.1.332).
    pub fn go_on_if_stopped(&self) {
        if process::look_up(self.pid).is_some_and(|process| process.stopped) {
            self.send(Signal::SIGCONT);
        }
    }
}

/// The live processes that have the conversation `id` open, below claude's directory of state files. Those
/// that are just starting count too: it is what they are about to open.
///
/// A file that was left behind counts for nothing: its process is gone (a zombie is), or its pid belongs to a
/// process that started at another time.
pub fn with_conversation(sessions: &Path, id: &str) -> Vec<RunningClaude> {
    let mut found: Vec<RunningClaude> =
        all(sessions, |file| file.session_id.as_deref() == Some(id)).collect();
    found.sort_by_key(|live| live.pid);
    found
}

/// Whether any claude runs, below claude's directory of state files.
pub fn any(sessions: &Path) -> bool {
    all(sessions, |_| true).next().is_some()
}

fn all(sessions: &Path, counts: impl Fn(&StateFile) -> bool) -> impl Iterator<Item = RunningClaude> {
    let entries = std::fs::read_dir(sessions).into_iter().flatten().flatten();
    entries.filter_map(move |entry| live(&entry.path(), &counts))
}

fn live(path: &Path, counts: impl Fn(&StateFile) -> bool) -> Option<RunningClaude> {
    RunningClaude::of_file(path).filter(|(_, file)| counts(file)).map(|(claude, _)| claude)
}

fn read(path: &Path) -> Option<StateFile> {
    for _ in 1..MAX_READ_TRIES {
        if let Some(file) = StateFile::read(path) {
            return Some(file);
        }
        if !path.exists() {
            return None;
        }
        sleep(RETRY_INTERVAL);
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
        assert!(!any(&scratch.path().join("none")) && !any(scratch.path()));
        write(&start, ID);
        let live = RunningClaude { pid: me, start: start.clone(), cwd: Some("/w".into()), job: None };
        assert!(live.lives());
        assert_eq!(with_conversation(scratch.path(), ID), [live]);
        assert!(any(scratch.path()));
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
