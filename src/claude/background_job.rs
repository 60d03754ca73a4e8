//! The background job that a conversation moves to when its user opens the agents view.
//!
//! As observed with Claude Code 2.1.332: ← at an empty prompt (or `/bg`) starts a job that goes on with the
//! conversation under a new id. The state file of the process in the terminal keeps the old id and the status
//! `idle`, and names the job in `parkedJobId` until that process ends. The job is a process of its own below
//! claude's daemon, with a state file of its own (`kind` `bg`, `jobId`); that one says which conversation is
//! open, and what is done there. `jobs/ID/state.json` says the same of a job whose process has ended:
//! `resumeSessionId`, which follows `/clear`, and `sessionId`, which does not. The transcript of the new id
//! begins with the first words that are said in the job.

use std::fs;
use std::path::{Path, PathBuf};

use nix::unistd::Pid;
use serde_json::Value;

use super::state_file;
use super::state_file::StateFile;
use super::transcript::is_id;
use crate::os::files::read_plain;
use crate::os::process;

/// The most that is read of a job's `state.json`, in bytes. Those that were seen had less than two KiB.
const MAX_STATE_BYTES: u64 = 1 << 20;

/// A background job, as its files say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BackgroundJob {
    /// Eight hexadecimal digits.
    pub id: String,
    /// Its process, and when that started; nothing while it has none.
    pub process: Option<(Pid, String)>,
    /// What its process says.
    pub file: Option<StateFile>,
    /// The conversation that it has open, or would open.
    pub conversation: Option<String>,
}

/// Whether this is the id of a job. Only such a one becomes part of a path or an argument.
pub fn is_job_id(text: &str) -> bool {
    text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

impl BackgroundJob {
    /// What there is to know of the job `id`. `known` is the state file that its process was seen with last.
    pub fn look_up(id: &str, known: Option<&Path>) -> Self {
        let mut job = Self { id: id.to_owned(), ..Self::default() };
        let Some(config) = super::config_dir().filter(|_| is_job_id(id)) else { return job };
        let directory = config.join("sessions");
        let path = known.filter(|path| lives(path, id).is_some()).map(Path::to_owned);
        if let Some((process, file)) = path.or_else(|| find(&directory, id)).and_then(|path| lives(&path, id))
        {
            job.conversation = file.session_id.clone().filter(|id| is_id(id));
            job.process = Some(process);
            job.file = Some(file);
        }
        if job.conversation.is_none() {
            job.conversation = recorded_conversation(&config.join("jobs").join(id).join("state.json"));
        }
        job
    }

    /// Where its process writes its state file.
    pub fn path(&self) -> Option<PathBuf> {
        let (pid, _) = self.process.as_ref()?;
        Some(state_file::directory()?.join(format!("{pid}.json")))
    }

    /// What the session does whose terminal shows this job: `front` is the state file of the process in the
    /// terminal.
    pub fn over(&self, front: &StateFile) -> StateFile {
        let mut seen = front.clone();
        if let Some(conversation) = &self.conversation {
            seen.session_id = Some(conversation.clone());
        }
        if let Some(file) = self.file.as_ref().filter(|file| file.settled()) {
            seen.status.clone_from(&file.status);
            seen.waiting_for.clone_from(&file.waiting_for);
            seen.cwd = file.cwd.clone().or(seen.cwd);
        }
        seen
    }
}

/// The state file of the live process of the job `id`.
fn find(directory: &Path, id: &str) -> Option<PathBuf> {
    let entries = fs::read_dir(directory).ok()?.flatten().map(|entry| entry.path());
    entries.into_iter().find(|path| lives(path, id).is_some())
}

/// The process that wrote this file and what it says, if it lives and is the one of the job `id`.
fn lives(path: &Path, id: &str) -> Option<((Pid, String), StateFile)> {
    let pid = state_file::pid_of(path)?;
    let process = process::look_up(pid)?;
    let file = StateFile::read(path)?;
    let same = file.proc_start.as_ref().is_some_and(|start| process::is_same_start(start, &process.start));
    (same && file.job_id.as_deref() == Some(id)).then_some(((pid, process.start), file))
}

fn recorded_conversation(state: &Path) -> Option<String> {
    let state: Value = serde_json::from_slice(&read_plain(state, MAX_STATE_BYTES).ok()?).ok()?;
    let id = |key: &str| state[key].as_str().filter(|id| is_id(id)).map(str::to_owned);
    id("resumeSessionId").or_else(|| id("sessionId"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "0f0e0d0c-1111-4111-8111-0123456789ab";
    const NEW: &str = "0f0e0d0c-1111-4111-8111-0123456789cd";

    #[test]
    fn only_eight_hexadecimal_digits_name_a_job() {
        assert!(is_job_id("3a0168e6"));
        for other in ["", "3a0168e", "3a0168e67", "../../..", "3a0168eg", "--all123"] {
            assert!(!is_job_id(other), "{other}");
        }
    }

    #[test]
    fn what_the_job_says_stands_over_what_its_front_says() {
        let front = StateFile {
            session_id: Some(OLD.into()),
            status: Some("idle".into()),
            parked_job_id: Some("3a0168e6".into()),
            ..StateFile::default()
        };
        let mut job = BackgroundJob { id: "3a0168e6".into(), ..BackgroundJob::default() };
        assert_eq!(job.over(&front), front);
        job.conversation = Some(NEW.into());
        // It has not come up yet.
        job.file = Some(StateFile::default());
        let seen = job.over(&front);
        assert_eq!((seen.session_id.as_deref(), seen.status.as_deref()), (Some(NEW), Some("idle")));
        job.file = Some(StateFile {
            status: Some("waiting".into()),
            waiting_for: Some("permission prompt".into()),
            ..StateFile::default()
        });
        let seen = job.over(&front);
        assert_eq!(seen.status.as_deref(), Some("waiting"));
        assert_eq!(seen.waiting_for.as_deref(), Some("permission prompt"));
        assert_eq!(seen.parked_job_id.as_deref(), Some("3a0168e6"));
    }

    #[test]
    fn only_the_live_process_of_that_job_speaks_for_it() {
        let scratch = tempfile::tempdir().expect("a directory");
        let me = Pid::this();
        let start = process::look_up(me).expect("runs").start;
        let path = scratch.path().join(format!("{me}.json"));
        fs::write(&path, format!(r#"{{"procStart":"{start}","jobId":"3a0168e6"}}"#)).expect("writes");
        assert_eq!(find(scratch.path(), "3a0168e6"), Some(path.clone()));
        assert_eq!(find(scratch.path(), "3a0168e7"), None);
        if cfg!(target_os = "linux") {
            fs::write(&path, r#"{"procStart":"1","jobId":"3a0168e6"}"#).expect("writes");
            assert_eq!(find(scratch.path(), "3a0168e6"), None);
        }
    }

    #[test]
    fn a_job_s_own_file_follows_clear_by_resume_session_id() {
        let scratch = tempfile::tempdir().expect("a directory");
        let path = scratch.path().join("state.json");
        assert_eq!(recorded_conversation(&path), None);
        fs::write(&path, format!(r#"{{"sessionId":"{OLD}"}}"#)).expect("writes");
        assert_eq!(recorded_conversation(&path).as_deref(), Some(OLD));
        fs::write(&path, format!(r#"{{"sessionId":"{OLD}","resumeSessionId":"{NEW}"}}"#)).expect("writes");
        assert_eq!(recorded_conversation(&path).as_deref(), Some(NEW));
        fs::write(&path, r#"{"sessionId":"../x"}"#).expect("writes");
        assert_eq!(recorded_conversation(&path), None);
    }
}
