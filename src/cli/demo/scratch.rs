//! The scratch directory that the demo happens in, so that nothing of the user's is touched.

use std::cell::OnceCell;
use std::env;
use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use nix::unistd::mkdtemp;

use crate::claude::executable;
use crate::claude::shim;
use crate::claude::state_file::StateFile;
use crate::machines::ssh;
use crate::os::kill::Identity;
use crate::registry;
use crate::registry::lock::Lock;
use crate::registry::record::{Record, SessionState};
use crate::registry::service_state;

/// How long the host may take to put things away after its client has ended.
const HOST_ENDS_WITHIN: Duration = Duration::from_secs(10);

/// Longer than `cckw stop` waits.
const STOPS_WITHIN: Duration = Duration::from_secs(25);

const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// The path of a socket is limited to about a hundred bytes; more than this is too much for the directory
/// above it.
const LONGEST_TEMP_DIR: usize = 40;

/// A home, a working directory and everything else that a session needs.
pub struct Scratch {
    dir: PathBuf,
    /// The running program.
    pub cckw: PathBuf,
    /// The program that reaches other machines; nothing where there is none.
    ssh: OnceCell<PathBuf>,
}

/// What is left of a session when it has ended.
pub struct Memory {
    /// What cckw wrote down.
    pub record: Record,
    /// Lines of the conversation that the stand-in saved under the id in the record.
    pub transcript_lines: usize,
}

impl Scratch {
    /// Makes the directory, for this user only, with this configuration.
    pub fn new(config: &str) -> io::Result<Self> {
        let temp = env::temp_dir();
        let temp = if temp.as_os_str().len() > LONGEST_TEMP_DIR { PathBuf::from("/tmp") } else { temp };
        let scratch = Self {
            dir: mkdtemp(&temp.join(format!("cckw-demo-{}", "X".repeat(6))))?,
            cckw: env::current_exe()?,
            ssh: OnceCell::new(),
        };
        scratch.fill(config).inspect_err(|_| {
            let _ = fs::remove_dir_all(&scratch.dir);
        })?;
        Ok(scratch)
    }

    fn fill(&self, config: &str) -> io::Result<()> {
        for name in ["bin", "home", "work", "run", "state", "config", "config/cckw"] {
            fs::DirBuilder::new().mode(0o700).create(self.dir.join(name))?;
        }
        fs::write(self.dir.join("config/cckw/config.toml"), config)?;
        symlink(&self.cckw, self.dir.join("bin/cckw"))?;
        // A shim: `claude` goes through cckw.
        symlink(&self.cckw, self.dir.join("bin").join(shim::NAME))?;
        symlink(&self.cckw, self.dir.join(executable::STAND_IN))
    }

    /// Lets a command happen here, with this cckw the first on `PATH`.
    pub fn furnish(&self, command: &mut Command) {
        let mut path = self.dir.join("bin").into_os_string();
        if let Some(rest) = env::var_os("PATH") {
            path.push(":");
            path.push(rest);
        }
        command
            .env("PATH", path)
            .current_dir(self.dir.join("work"))
            .env("HOME", self.dir.join("home"))
            .env("CLAUDE_CONFIG_DIR", self.claude_dir())
            .env("XDG_CONFIG_HOME", self.dir.join("config"))
            .env("XDG_STATE_HOME", self.dir.join("state"))
            .env("XDG_RUNTIME_DIR", self.dir.join("run"))
            .env(executable::VARIABLE, self.dir.join(executable::STAND_IN))
            // The demo may be tried from within a session.
            .env_remove("CCKW_SESSION");
        if let Some(ssh) = self.ssh.get() {
            command.env(ssh::PROGRAM_VARIABLE, ssh);
        }
    }

    /// From now on machines are reached with this program.
    pub fn reach_machines_with(&self, ssh: PathBuf) {
        let _ = self.ssh.set(ssh);
    }

    fn claude_dir(&self) -> PathBuf {
        self.dir.join("home/.claude")
    }

    /// A path in the directory.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// The record of the session that was started first; nothing before there is one.
    pub fn record(&self) -> Option<Record> {
        self.sessions().into_iter().map(|(_, record)| record).min_by_key(|record| record.started_at)
    }

    /// The record of the session with this name.
    pub fn record_of(&self, name: &str) -> Option<Record> {
        let is_called = |record: &Record| record.called.as_ref().is_some_and(|called| called.name == name);
        self.sessions().into_iter().map(|(_, record)| record).find(is_called)
    }

    /// Starts the service.
    pub fn service(&self) -> io::Result<Service> {
        let mut command = Command::new(&self.cckw);
        command.args(["service", "run"]);
        self.furnish(&mut command);
        command.process_group(0).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().map(Service)
    }

    /// Whether it has come up.
    pub fn service_runs(&self) -> bool {
        service_state::is_running(&self.dir.join("state/cckw"))
    }

    /// The directory and the record of each session.
    fn sessions(&self) -> Vec<(PathBuf, Record)> {
        let sessions = fs::read_dir(self.dir.join("state/cckw")).into_iter().flatten().flatten();
        sessions.filter_map(|entry| Some((entry.path(), Record::read(&entry.path()).ok()?))).collect()
    }

    /// The records of the sessions whose hosts answer.
    fn running(&self) -> Vec<Record> {
        let answers =
            |(directory, record): (PathBuf, Record)| registry::connect(&directory, &record).map(|_| record);
        self.sessions().into_iter().filter_map(answers).collect()
    }

    /// What the claude with this pid says of itself.
    pub fn state_file(&self, claude: i32) -> Option<StateFile> {
        StateFile::read(&self.claude_dir().join(format!("sessions/{claude}.json")))
    }

    /// What is left of the session that was started first, when its host is done.
    pub fn memory(&self) -> io::Result<Memory> {
        let mut record = self.record().ok_or(io::ErrorKind::NotFound)?;
        let deadline = Instant::now() + HOST_ENDS_WITHIN;
        while record.state != SessionState::Stopped && Instant::now() < deadline {
            thread::sleep(POLL_INTERVAL);
            record = self.record().unwrap_or(record);
        }
        let transcript = record.conversation.as_ref().map(|id| format!("{id}.jsonl"));
        let transcript = transcript.and_then(|name| find_below(&self.claude_dir().join("projects"), &name));
        let transcript_lines = transcript
            .map_or(0, |path| fs::read(path).map_or(0, |text| memchr::memchr_iter(b'\n', &text).count()));
        Ok(Memory { record, transcript_lines })
    }

    /// Ends the sessions that still run, and removes the directory.
    pub fn remove(self) -> io::Result<()> {
        let deadline = Instant::now() + HOST_ENDS_WITHIN;
        // A host that starts has no record yet, and is not to be reached; one that ends is not to be reached
        // any more. Both would make the directory anew.
        loop {
            self.end_sessions();
            if !self.host_runs() || Instant::now() > deadline {
                break;
            }
            thread::sleep(POLL_INTERVAL);
        }
        let named = |error: io::Error| {
            let dir = crate::escape::escape(&self.dir).to_string();
            io::Error::new(error.kind(), format!("{dir}: {error}"))
        };
        fs::remove_dir_all(&self.dir).map_err(named)
    }

    /// Whether there is a host, reachable or not.
    fn host_runs(&self) -> bool {
        let state = self.dir.join("state/cckw");
        let sessions = fs::read_dir(&state).into_iter().flatten().flatten();
        sessions.into_iter().any(|entry| Lock::is_held(&entry.path())) || !registry::hosts(&state).is_empty()
    }

    /// A session goes on without its terminal, and these have nowhere to go on.
    pub fn end_sessions(&self) {
        let stops: Vec<Child> = self.running().iter().filter_map(|record| self.stop(record).ok()).collect();
        for mut stop in stops {
            wait_for(&mut stop, STOPS_WITHIN);
        }
        // Who takes a connection lives, and the pid in its record is its own. Claude's terminal goes with it.
        for record in self.running() {
            let host =
                Identity::recorded(record.host_pid, record.host_start.as_deref(), record.boot.as_deref());
            let _ = host.and_then(|host| host.send(Signal::SIGKILL));
        }
    }

    fn stop(&self, record: &Record) -> io::Result<Child> {
        let mut command = Command::new(&self.cckw);
        command.arg("stop").arg(record.session.to_string());
        self.furnish(&mut command);
        // Of a group of its own: an impatient second ctrl-c is not to keep it from its work.
        command.process_group(0).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()
    }
}

/// The service. It ends with this.
pub struct Service(Child);

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Waits for the end of a process, but not for ever.
pub fn wait_for(child: &mut Child, within: Duration) {
    let deadline = Instant::now() + within;
    while matches!(child.try_wait(), Ok(None)) {
        if Instant::now() > deadline {
            let _ = child.kill();
            let _ = child.wait();
            return;
        }
        thread::sleep(POLL_INTERVAL);
    }
}

/// The file of that name in one of the directories in `dir`.
fn find_below(dir: &Path, name: &str) -> Option<PathBuf> {
    fs::read_dir(dir)
        .ok()?
        .filter_map(Result::ok)
        .map(|entry| entry.path().join(name))
        .find(|path| path.is_file())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_directory_is_private_and_goes_away() {
        let scratch = Scratch::new("").unwrap();
        let dir = scratch.dir.clone();
        assert_eq!(fs::metadata(&dir).unwrap().permissions().mode() & 0o777, 0o700);
        assert_eq!(
            fs::canonicalize(dir.join(executable::STAND_IN)).unwrap(),
            fs::canonicalize(&scratch.cckw).unwrap()
        );
        assert!(scratch.memory().is_err());
        scratch.remove().unwrap();
        assert!(!dir.exists());
    }
}
