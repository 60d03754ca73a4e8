//! The background job that the agents view moves a conversation to, as Claude Code 2.1.332 does it; only with
//! `CCKW_STANDIN_BACKGROUND=1`.
//!
//! The job is a process of its own that does nothing but live. What its state file says is written by the
//! front, which plays both parts.

use std::fs;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

use crate::os::process;

/// The first argument of the job's process.
pub const PROCESS: &str = "background-job";
/// How long a test may last that needs a job.
const LIFETIME: Duration = Duration::from_secs(15 * 60);
/// How long `stop` waits for the end of a job, and how often it looks.
const STOP_TIMEOUT: Duration = Duration::from_secs(5);
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// A job, as its front knows it.
#[derive(Debug)]
pub struct FakeJob {
    /// Eight hexadecimal digits.
    pub id: String,
    /// The conversation that the front had when it became a job.
    pub front_session: String,
    /// The conversation that the job began with.
    pub session: String,
    config: PathBuf,
    pid: u32,
    start: String,
    written: Option<Value>,
}

impl FakeJob {
    /// Starts a job that goes on with the conversation `front_session` under a new id.
    ///
    /// # Errors
    /// Whatever starting its process meets.
    pub fn start(config: &Path, front_session: &str) -> io::Result<Self> {
        let session = uuid::Uuid::new_v4().to_string();
        let id = session[..8].to_owned();
        let mut command = Command::new(std::env::current_exe()?);
        command.arg0(super::PROGRAM_NAME).arg(PROCESS).arg(&id);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
        let pid = command.spawn()?.id();
        let start = process::look_up(Pid::from_raw(pid.cast_signed())).map(|process| process.start);
        Ok(Self {
            id,
            front_session: front_session.to_owned(),
            session,
            config: config.to_owned(),
            pid,
            start: start.unwrap_or_default(),
            written: None,
        })
    }

    /// Writes what the job's files have to say, if that has changed.
    ///
    /// # Errors
    /// Whatever writing them meets.
    pub fn update(&mut self, session: &str, status: &str, waiting_for: Option<&str>) -> io::Result<()> {
        let state = json!({
            "pid": self.pid, "procStart": self.start, "sessionId": session, "kind": "bg", "entrypoint": "cli",
            "jobId": self.id, "version": super::CLAUDE_VERSION, "status": status, "waitingFor": waiting_for,
        });
        if self.written.as_ref() == Some(&state) {
            return Ok(());
        }
        let jobs = self.config.join("jobs").join(&self.id);
        fs::create_dir_all(&jobs)?;
        let job = json!({"state": "working", "template": "bg", "sessionId": self.session, "resumeSessionId": session});
        fs::write(jobs.join("state.json"), job.to_string())?;
        fs::write(self.config.join("sessions").join(format!("{}.json", self.pid)), state.to_string())?;
        self.written = Some(state);
        Ok(())
    }
}

/// What the arguments ask for, if that is about a job.
pub fn run(words: &[String], config: &Path) -> Option<ExitCode> {
    match words {
        [first, _] if first == PROCESS => {
            sleep(LIFETIME);
            Some(ExitCode::SUCCESS)
        }
        [first, id] if first == "stop" => Some(stop(config, id)),
        _ => None,
    }
}

/// `stop ID`: ends the job's process.
fn stop(config: &Path, id: &str) -> ExitCode {
    let files = fs::read_dir(config.join("sessions")).into_iter().flatten().flatten();
    let states = files.filter_map(|file| serde_json::from_slice::<Value>(&fs::read(file.path()).ok()?).ok());
    for state in states.filter(|state| state["jobId"] == id) {
        let Some(pid) = state["pid"].as_i64().and_then(|pid| i32::try_from(pid).ok()).map(Pid::from_raw)
        else {
            continue;
        };
        let lives = || process::look_up(pid).is_some_and(|process| state["procStart"] == process.start);
        let until = Instant::now() + STOP_TIMEOUT;
        if lives() {
            let _ = kill(pid, Signal::SIGTERM);
        }
        while lives() && Instant::now() < until {
            sleep(POLL_INTERVAL);
        }
        let _ = fs::remove_file(config.join("sessions").join(format!("{pid}.json")));
    }
    println!("stopped {id}");
    ExitCode::SUCCESS
}
