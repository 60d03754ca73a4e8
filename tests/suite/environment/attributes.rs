//! Umask, signal settings and limits: a claude that is brought back has those with which its session began.

use std::fs;
use std::process::Command;

use nix::sys::resource::{Resource, getrlimit};
use nix::sys::signal::{SigHandler, Signal, signal};
use nix::sys::stat::{Mode, umask};

use crate::support::stand_in::{at_prompt, idle, sandbox, start};
use crate::support::verb::{cckw, well_said};
use crate::support::{Record, Sandbox, Terminal, before_exec, limit, pid, process};

/// What a claude has besides its environment: lines of its status, and its soft limits.
fn attributes(record: &Record) -> Vec<String> {
    let claude = pid(record, "claude_pid");
    let read = |file: &str| fs::read_to_string(format!("/proc/{claude}/{file}")).expect("a process");
    let wanted = |line: &&str| ["Umask:", "SigIgn:"].iter().any(|name| line.starts_with(name));
    let mut found: Vec<String> = read("status").lines().filter(wanted).map(str::to_owned).collect();
    // The name has 26 columns, the soft limit 21.
    found.extend(read("limits").lines().filter_map(|line| line.get(..46)).map(str::to_owned));
    assert!(found.len() > 10, "{found:?}");
    found
}

/// As a script runs it that has a umask, limits and ignored signals of its own.
fn odd(mut command: Command) -> Command {
    before_exec(&mut command, || {
        umask(Mode::from_bits_truncate(0o077));
        for number in [Signal::SIGINT, Signal::SIGQUIT] {
            // SAFETY: ignoring a signal runs no code.
            unsafe { signal(number, SigHandler::SigIgn) }?;
        }
        let (_, files) = getrlimit(Resource::RLIMIT_NOFILE)?;
        limit(Resource::RLIMIT_NOFILE, 90, files)?;
        let (_, stack) = getrlimit(Resource::RLIMIT_STACK)?;
        limit(Resource::RLIMIT_STACK, 4 << 20, stack)
    });
    command
}

/// A detached session, and what its claude has.
fn detached(sandbox: &Sandbox) -> (Record, Vec<String>) {
    let mut terminal = start(sandbox, &[]);
    well_said(sandbox, &["detach"]);
    terminal.finish();
    let record = idle(sandbox, 0);
    let attributes = attributes(&record);
    (record, attributes)
}

fn lose(sandbox: &Sandbox, record: &Record) {
    process::signal(pid(record, "host_pid"), Signal::SIGKILL);
    sandbox.wait_for_silence();
}

#[track_caller]
fn ends(sandbox: &Sandbox) {
    well_said(sandbox, &["stop"]);
    sandbox.wait_for_silence();
}

#[test]
fn they_are_the_session_s_whoever_brings_it_back() {
    let sandbox = sandbox();
    let (first, expected) = detached(&sandbox);
    lose(&sandbox, &first);
    assert!(odd(cckw(&sandbox, &["list"])).output().expect("runs").status.success());
    let second = idle(&sandbox, 1);
    assert_eq!(attributes(&second), expected);
    lose(&sandbox, &second);
    assert!(odd(cckw(&sandbox, &["start", "work"])).output().expect("runs").status.success());
    assert_eq!(attributes(&idle(&sandbox, 2)), expected);
    // Also where the client brings it back, which is not the one that began it.
    let mut terminal = Terminal::builder().fork(odd(cckw(&sandbox, &["attach"])));
    at_prompt(&mut terminal);
    let third = sandbox.wait_for_record("a client", |record| record.pid("client_pid").is_some());
    process::signal(pid(&third, "host_pid"), Signal::SIGKILL);
    assert_eq!(attributes(&idle(&sandbox, 3)), expected);
    ends(&sandbox);
}

#[test]
fn with_the_environment_of_the_command_they_are_its_own_for_good() {
    let sandbox = sandbox();
    let (first, before) = detached(&sandbox);
    lose(&sandbox, &first);
    let started = odd(cckw(&sandbox, &["start", "--env", "current", "work"])).output().expect("runs");
    assert!(started.status.success());
    let second = idle(&sandbox, 1);
    let expected = attributes(&second);
    assert_ne!(expected, before);
    lose(&sandbox, &second);
    well_said(&sandbox, &["start", "work"]);
    assert_eq!(attributes(&idle(&sandbox, 2)), expected);
    ends(&sandbox);
}
