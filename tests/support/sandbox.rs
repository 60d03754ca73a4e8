//! A home directory, runtime directory and PATH of a test's own, and an end to all that was started in it.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::sys::signal::Signal;
use serde_json::Value;
use tempfile::TempDir;

use super::before_exec::{before_exec, default_signals};
use super::process;
use super::wait::{DEADLINE, wait_or_report, wait_until};

/// Names the sandbox in the environment of all that is started in it.
const MARK: &str = "CCKW_TEST_SANDBOX";

/// Where the programs of the system are; never the PATH of whoever runs the tests, for it may hold a
/// `claude`.
const SYSTEM_PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// The folders under one temporary folder, and the environment that points to them.
pub struct Sandbox {
    folder: TempDir,
    environment: BTreeMap<OsString, OsString>,
}

impl Default for Sandbox {
    fn default() -> Self {
        Self::new()
    }
}

impl Sandbox {
    /// Makes the folders: `home`, `run` (0700), `state`, `config`, `tmp`, `bin` (first in PATH), `work` (the
    /// cwd).
    pub fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("cckw-").tempdir().expect("a temporary folder");
        let mut sandbox = Self { folder, environment: BTreeMap::new() };
        for name in ["home", "run", "state", "config", "tmp", "bin", "work"] {
            fs::create_dir(sandbox.path(name)).expect("a folder of the sandbox");
        }
        let private = fs::Permissions::from_mode(0o700);
        fs::set_permissions(sandbox.path("run"), private).expect("a private runtime folder");
        for (name, folder) in [
            ("HOME", "home"),
            ("XDG_RUNTIME_DIR", "run"),
            ("XDG_STATE_HOME", "state"),
            ("XDG_CONFIG_HOME", "config"),
            ("TMPDIR", "tmp"),
        ] {
            sandbox.set(name, sandbox.path(folder));
        }
        let mut path = sandbox.path("bin").into_os_string();
        path.push(":");
        path.push(SYSTEM_PATH);
        sandbox.set("PATH", path);
        sandbox.set("TERM", "xterm-256color");
        sandbox.set("LANG", "C.UTF-8");
        let root = sandbox.root().to_owned();
        sandbox.set(MARK, root);
        sandbox
    }

    /// The temporary folder that holds the others.
    pub fn root(&self) -> &Path {
        self.folder.path()
    }

    /// A path below it.
    pub fn path(&self, below: impl AsRef<Path>) -> PathBuf {
        self.root().join(below)
    }

    /// The directory that programs are started in.
    pub fn work(&self) -> PathBuf {
        self.path("work")
    }

    /// Sets a variable for all that is started from now on.
    pub fn set(&mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) {
        self.environment.insert(name.as_ref().into(), value.as_ref().into());
    }

    /// Takes a variable away from all that is started from now on.
    pub fn unset(&mut self, name: impl AsRef<OsStr>) {
        self.environment.remove(name.as_ref());
    }

    /// Makes `name` on PATH lead to `target`.
    pub fn link(&self, name: &str, target: impl AsRef<Path>) -> PathBuf {
        let path = self.path("bin").join(name);
        symlink(target, &path).expect("a link on PATH");
        path
    }

    /// Puts a program of this text (with its `#!` line) on PATH.
    pub fn script(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path("bin").join(name);
        write_program(&path, text);
        path
    }

    /// A command with the environment of the sandbox and nothing else, in its working directory.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env_clear().envs(&self.environment).current_dir(self.work());
        before_exec(&mut command, default_signals);
        command
    }

    /// The records of the sessions that cckw has written, by their path.
    pub fn records(&self) -> Vec<Record> {
        let Ok(entries) = fs::read_dir(self.path("state/cckw")) else { return Vec::new() };
        let mut paths: Vec<PathBuf> =
            entries.flatten().map(|entry| entry.path().join("session.json")).collect();
        paths.sort();
        paths.into_iter().filter_map(Record::read).collect()
    }

    /// Waits until the one session of this sandbox has a record that `condition` holds for.
    #[track_caller]
    pub fn wait_for_record(&self, what: &str, condition: impl Fn(&Record) -> bool) -> Record {
        let look = || {
            let mut records = self.records();
            assert!(records.len() <= 1, "more than one session: {records:?}");
            records.pop().filter(&condition)
        };
        wait_or_report(&format!("a record with {what}"), DEADLINE, look, || self.what_is_known())
    }

    /// What is known about the sessions of this sandbox, for a test that has failed: records, and what the
    /// hosts have noted.
    fn what_is_known(&self) -> String {
        let told = |record: Record| {
            let events = fs::read_to_string(record.path.with_file_name("events.jsonl")).unwrap_or_default();
            format!("{}\n{events}", record.json)
        };
        self.records().into_iter().map(told).collect()
    }

    /// The sockets of the sessions, and the links to an ssh agent beside them.
    pub fn sockets(&self) -> Vec<PathBuf> {
        let sessions = fs::read_dir(self.path("state/cckw")).into_iter().flatten().flatten();
        sessions
            .flat_map(|session| ["control.sock", "agent.sock"].map(|name| session.path().join(name)))
            .filter(|path| fs::symlink_metadata(path).is_ok())
            .collect()
    }

    /// The processes that were started in this sandbox and still run.
    pub fn processes(&self) -> Vec<i32> {
        let mut mark = OsString::from(format!("{MARK}="));
        mark.push(self.root());
        process::all()
            .into_iter()
            .filter(|pid| process::runs(*pid) && process::environment(*pid).contains(&mark))
            .collect()
    }

    /// Waits until nothing that was started in this sandbox runs any more.
    #[track_caller]
    pub fn wait_for_silence(&self) {
        let mut left = Vec::new();
        let told = |left: &[i32]| {
            left.iter()
                .map(|pid| format!("{pid} {:?}", process::arguments(*pid)))
                .collect::<Vec<_>>()
                .join(", ")
        };
        let end = std::time::Instant::now() + DEADLINE;
        wait_until("the end of all processes", DEADLINE * 2, || {
            left = self.processes();
            assert!(left.is_empty() || std::time::Instant::now() < end, "left running: {}", told(&left));
            left.is_empty()
        });
        wait_until("the end of all locks", DEADLINE, || self.locks_are_free());
    }

    /// Whether no host holds a lock. One that was killed does until the last of its threads is gone; until
    /// then it counts as one that comes.
    pub fn locks_are_free(&self) -> bool {
        let sessions = fs::read_dir(self.path("state/cckw")).into_iter().flatten().flatten();
        sessions
            .map(|session| session.path().join("host.lock"))
            .filter(|path| fs::symlink_metadata(path).is_ok_and(|found| found.is_file()))
            .filter_map(|path| fs::File::open(path).ok())
            .all(|lock| lock.try_lock_shared().is_ok())
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        // A process that is just being started can escape one look, so look until there is none.
        wait_until("the end of what ran in the sandbox", DEADLINE, || {
            let left = self.processes();
            for pid in &left {
                process::signal(*pid, Signal::SIGKILL);
            }
            left.is_empty()
        });
    }
}

/// A session's record, as it was at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Where it stands.
    pub path: PathBuf,
    /// All of it.
    pub json: Value,
}

impl Record {
    fn read(path: PathBuf) -> Option<Self> {
        let json = serde_json::from_slice(&fs::read(&path).ok()?).ok()?;
        Some(Self { path, json })
    }

    /// The text under `key`; empty when there is none.
    pub fn text(&self, key: &str) -> &str {
        self.json[key].as_str().unwrap_or_default()
    }

    /// The process under `key` (`claude_pid`, `host_pid` …), when it is known.
    pub fn pid(&self, key: &str) -> Option<i32> {
        self.json[key].as_i64().and_then(|pid| i32::try_from(pid).ok()).filter(|pid| *pid > 1)
    }
}

/// The process under `key` of a record that must have it.
#[track_caller]
pub fn pid(record: &Record, key: &str) -> i32 {
    record.pid(key).unwrap_or_else(|| panic!("no {key}"))
}

/// Writes a script that can be executed at once. A process of its own writes it: a file that this process has
/// open for writing is open in each child of another test's until that has executed its program, and the
/// system executes no file that is being written.
fn write_program(path: &Path, text: &str) {
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", r#"cat >"$0" && chmod 755 "$0""#]).arg(path).stdin(Stdio::piped());
    let mut shell = shell.spawn().expect("a shell");
    shell.stdin.take().expect("its input").write_all(text.as_bytes()).expect("takes the script");
    assert!(shell.wait().expect("ends").success(), "{}", path.display());
}
