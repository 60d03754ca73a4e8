//! `cckw service`: what went down with the machine comes back, and so does a session whose host is killed,
//! without a command.

mod after_boot;
mod healing;
mod installing;
mod new_program;

use std::fs;
use std::process::{Child, Command, Stdio};

use nix::sys::signal::Signal;
use nix::unistd::geteuid;

use crate::support::verb::cckw;
use crate::support::{DEADLINE, Record, Sandbox, cckw_program, process, wait_until, wait_until_some};

/// A service that runs.
struct Service {
    child: Child,
}

impl Service {
    fn start(sandbox: &Sandbox) -> Self {
        Self::start_by(sandbox, cckw(sandbox, &["service", "run"]))
    }

    /// The same by this command. Returns when the service has begun.
    #[track_caller]
    fn start_by(sandbox: &Sandbox, command: Command) -> Self {
        let log = fs::OpenOptions::new().create(true).append(true).open(sandbox.path("service.log"));
        Self::start_into(sandbox, command, log.expect("a log").into())
    }

    /// The same, with what it says going there.
    #[track_caller]
    fn start_into(sandbox: &Sandbox, mut command: Command, stderr: Stdio) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(stderr);
        let child = command.spawn().expect("cckw");
        let service = Self { child };
        wait_until("the service", DEADLINE, || {
            let state = fs::read(sandbox.path("state/cckw/service.json")).unwrap_or_default();
            let state: serde_json::Value = serde_json::from_slice(&state).unwrap_or_default();
            state["pid"] == service.pid() && fs::metadata(sandbox.path("state/cckw/service.bell")).is_ok()
        });
        service
    }

    fn pid(&self) -> i32 {
        i32::try_from(self.child.id()).expect("a pid")
    }

    /// Sends it this signal, and waits for its end. The status, if it ended by itself.
    fn end(mut self, signal: Signal) -> Option<i32> {
        process::signal(self.pid(), signal);
        self.child.wait().expect("ends").code()
    }

    /// How often it went to sleep so far.
    fn sleeps(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).expect("a process");
        let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
        line.and_then(|count| count.trim().parse().ok()).expect("a count")
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `cckw` with these words on a machine that was booted again: its run has this name.
fn cckw_after_boot(sandbox: &Sandbox, boot: &str, words: &[&str]) -> Command {
    let name = sandbox.path("boot").join(boot);
    fs::create_dir_all(sandbox.path("boot")).expect("a directory");
    fs::write(&name, format!("{boot}\n")).expect("a name");
    let mut command = sandbox.command("unshare");
    if !geteuid().is_root() {
        command.arg("--map-root-user");
    }
    let script = r#"mount --bind "$1" /proc/sys/kernel/random/boot_id; shift; exec "$0" "$@""#;
    command.args(["--mount", "/bin/sh", "-ec", script, cckw_program()]).arg(name).args(words);
    command
}

/// The record of the session that was given this name.
fn named(sandbox: &Sandbox, name: &str) -> Option<Record> {
    sandbox.records().into_iter().find(|record| record.text("name") == name)
}

/// Waits until the session of this name has a record that the condition holds for.
#[track_caller]
fn wait_for(sandbox: &Sandbox, name: &str, what: &str, condition: impl Fn(&Record) -> bool) -> Record {
    wait_until_some(&format!("{name} with {what}"), DEADLINE, || named(sandbox, name).filter(&condition))
}

fn is_idle(record: &Record) -> bool {
    record.text("state") == "running" && record.text("status") == "idle"
}

/// A session without a terminal, with a conversation.
#[track_caller]
fn new(sandbox: &Sandbox, name: &str) -> Record {
    let output = cckw(sandbox, &["new", name, "--prompt", &format!("words of {name}")]).output();
    let output = output.expect("runs");
    assert!(output.status.success(), "{output:?}");
    wait_for(sandbox, name, "a conversation", |record| {
        is_idle(record) && record.json["with_transcript"][0].is_string()
    })
}

/// Ends every process of the sandbox at one moment, as a machine that loses its power.
fn go_down(sandbox: &Sandbox) {
    let processes = sandbox.processes();
    for signal in [Signal::SIGSTOP, Signal::SIGKILL] {
        for pid in &processes {
            process::signal(*pid, signal);
        }
    }
    sandbox.wait_for_silence();
}

/// Ends all sessions.
fn stop_all(sandbox: &Sandbox, mut stop: Command) {
    let output = stop.output().expect("runs");
    assert!(output.status.success(), "{output:?}");
    wait_until("the end of all sessions", DEADLINE, || sandbox.locks_are_free());
}
