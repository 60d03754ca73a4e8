//! `sessions/<pid>.json`: what Claude Code tells the world about a running session.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use nix::unistd::Pid;
use serde::Serialize;
use serde_json::Value;

/// The keys that the stand-in writes, all of which the real file has.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FakeState {
    pid: u32,
    session_id: String,
    cwd: String,
    started_at: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    proc_start: Option<String>,
    version: &'static str,
    kind: &'static str,
    entrypoint: &'static str,
    name: String,
    name_source: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    parked_job_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bridge_session_id: Option<String>,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    waiting_for: Option<&'static str>,
    updated_at: u64,
    status_updated_at: u64,
}

/// What changes in the file while a session runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FakeFacts {
    /// The conversation that is open.
    pub session_id: String,
    /// `idle`, `busy` or `waiting`.
    pub status: &'static str,
    /// What a `waiting` session waits for.
    pub waiting_for: Option<&'static str>,
    /// The job that the agents view parked the session as.
    pub parked_job_id: Option<String>,
    /// The bridge that is up.
    pub bridge_session_id: Option<String>,
    /// The name that the user gave it, by `-n` or `/rename`.
    pub name: Option<String>,
}

/// How the file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writing {
    /// In place, as it should be.
    Whole,
    /// Cut in the middle of the object, as a reader can meet it.
    Half,
    /// Not at all; what there was is removed.
    Never,
}

/// The state file of this process.
#[derive(Debug)]
pub struct FakeStateFile {
    path: PathBuf,
    state: FakeState,
    writing: Writing,
    written: bool,
}

impl FakeStateFile {
    /// A file below `config` for this process. Nothing is written yet.
    pub fn new(config: &Path, cwd: &Path, version: &'static str) -> Self {
        let pid = std::process::id();
        let base = cwd.file_name().map_or_else(|| "root".into(), |n| n.to_string_lossy().into_owned());
        let now = now_ms();
        let state = FakeState {
            pid,
            session_id: String::new(),
            cwd: cwd.to_string_lossy().into_owned(),
            started_at: now,
            proc_start: proc_start(),
            version,
            kind: "interactive",
            entrypoint: "cli",
            name_source: "derived",
            name: format!("{base}-{:02x}", pid & 0xff),
            parked_job_id: None,
            bridge_session_id: None,
            status: "idle",
            waiting_for: None,
            updated_at: now,
            status_updated_at: now,
        };
        let path = config.join("sessions").join(format!("{pid}.json"));
        Self { path, state, writing: Writing::Whole, written: false }
    }

    /// Writes the file if `facts` differ from what it says.
    ///
    /// # Errors
    /// Whatever creating or writing it meets.
    pub fn update(&mut self, facts: FakeFacts) -> io::Result<()> {
        let before = self.state.clone();
        let state = &mut self.state;
        state.session_id = facts.session_id;
        state.status = facts.status;
        state.waiting_for = facts.waiting_for;
        state.parked_job_id = facts.parked_job_id;
        state.bridge_session_id = facts.bridge_session_id;
        if let Some(name) = facts.name {
            (state.name, state.name_source) = (name, "user");
        }
        if self.written && *state == before {
            return Ok(());
        }
        state.updated_at = now_ms();
        if state.status != before.status {
            state.status_updated_at = state.updated_at;
        }
        self.write()
    }

    /// Changes the way of writing, and writes that way at once.
    ///
    /// # Errors
    /// Whatever writing the file meets.
    pub fn set_writing(&mut self, writing: Writing) -> io::Result<()> {
        self.writing = writing;
        self.write()
    }

    /// Removes the file, as a clean exit does.
    pub fn remove(&self) {
        let _ = fs::remove_file(&self.path);
    }

    fn write(&mut self) -> io::Result<()> {
        // Claude Code does not write the file again that somebody has deleted (seen with 2.1.332).
        if std::mem::replace(&mut self.written, true) && self.writing != Writing::Never && !self.path.exists()
        {
            return Ok(());
        }
        if self.writing == Writing::Never {
            self.remove();
            return Ok(());
        }
        if let Some(directory) = self.path.parent() {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
        }
        let text = serde_json::to_string(&self.state)?;
        let cut = if self.writing == Writing::Half { text.len() / 2 } else { text.len() };
        // In place on purpose: the real one is not replaced atomically either.
        let mut file =
            fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o644).open(&self.path)?;
        file.write_all(&text.as_bytes()[..cut])
    }
}

/// Whether another live process says that it has the bridge `id`.
pub fn bridge_in_use(config: &Path, id: &str) -> bool {
    let files = fs::read_dir(config.join("sessions")).into_iter().flatten().flatten();
    files.filter_map(|file| serde_json::from_slice::<Value>(&fs::read(file.path()).ok()?).ok()).any(|state| {
        let pid = state["pid"].as_i64().and_then(|pid| i32::try_from(pid).ok());
        let alive = pid.is_some_and(|pid| nix::sys::signal::kill(Pid::from_raw(pid), None).is_ok());
        alive && state["bridgeSessionId"] == id && pid != i32::try_from(std::process::id()).ok()
    })
}

fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_millis().try_into().unwrap_or(u64::MAX))
}

/// When this process started, as `/proc/PID/stat` counts it; `None` where there is no such file.
///
/// Read of the first thread, which started with the process: qemu makes up what `/proc/self/stat` says.
fn proc_start() -> Option<String> {
    let pid = std::process::id();
    let stat = fs::read_to_string(format!("/proc/{pid}/task/{pid}/stat")).ok()?;
    // The command in the second field may hold spaces and parentheses: count from its end.
    let after_command = &stat[stat.rfind(')')? + 1..];
    after_command.split_whitespace().nth(19).map(str::to_owned)
}
