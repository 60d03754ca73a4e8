//! The environment of a claude that outlives the login it was started from.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use nix::sys::signal::Signal;

use super::environment;
use crate::support::stand_in::{at_prompt, idle, sandbox, start, submit};
use crate::support::verb::cckw;
use crate::support::{Record, Sandbox, Terminal, process};

/// An agent of a login: it listens until it is dropped.
fn agent(sandbox: &Sandbox, name: impl AsRef<OsStr>) -> (PathBuf, UnixListener) {
    let path = sandbox.path(name.as_ref());
    let listener = UnixListener::bind(&path).expect("an agent");
    listener.set_nonblocking(true).expect("an agent that does not wait");
    (path, listener)
}

/// Whether who connects to this path reaches this agent.
fn reaches(path: &Path, listener: &UnixListener) -> bool {
    while listener.accept().is_ok() {}
    UnixStream::connect(path).is_ok() && listener.accept().is_ok()
}

fn variable(record: &Record, name: &str) -> Option<OsString> {
    let start = format!("{name}=");
    let found =
        environment(record).into_iter().find(|variable| variable.as_bytes().starts_with(start.as_bytes()))?;
    Some(OsString::from_vec(found.as_bytes()[start.len()..].to_vec()))
}

fn link(sandbox: &Sandbox, record: &Record) -> PathBuf {
    sandbox.path("state/cckw").join(record.text("session")).join("agent.sock")
}

fn attach(sandbox: &Sandbox, agent: Option<&Path>) -> Terminal {
    let before = sandbox.wait_for_record("a session", |_| true).json["client_pid"].clone();
    let mut command = cckw(sandbox, &["attach"]);
    match agent {
        Some(agent) => command.env("SSH_AUTH_SOCK", agent),
        None => command.env_remove("SSH_AUTH_SOCK"),
    };
    let mut terminal = Terminal::spawn(command);
    sandbox.wait_for_record("another terminal", |record| {
        !record.json["client_pid"].is_null() && record.json["client_pid"] != before
    });
    at_prompt(&mut terminal);
    terminal
}

fn exit(sandbox: &Sandbox, mut terminal: Terminal) {
    submit(&mut terminal, "/exit");
    assert_eq!(terminal.finish().code(), Some(0), "{}", terminal.report());
    sandbox.wait_for_silence();
    assert_eq!(sandbox.sockets(), Vec::<PathBuf>::new());
}

fn kill(record: &Record) {
    process::signal(record.pid("claude_pid").expect("a claude"), Signal::SIGKILL);
}

/// The variables that the log says were left out, launch by launch.
fn dropped(sandbox: &Sandbox) -> Vec<Vec<String>> {
    let output = cckw(sandbox, &["logs", "--json"]).output().expect("logs");
    let lines = String::from_utf8(output.stdout).expect("UTF-8");
    let lines = lines.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"));
    lines
        .filter(|line| line["event"] == "variables-dropped")
        .map(|line| {
            line.as_object()
                .expect("an object")
                .keys()
                .filter(|key| key.contains('_') || *key == "TMUX")
                .cloned()
                .collect()
        })
        .collect()
}

#[test]
fn the_agent_is_that_of_the_login_that_attached_last() {
    let mut sandbox = sandbox();
    let (first, first_agent) = agent(&sandbox, "first");
    sandbox.set("SSH_AUTH_SOCK", &first);
    let terminal = start(&sandbox, &[]);
    let record = idle(&sandbox, 0);
    let link = link(&sandbox, &record);
    assert_eq!(variable(&record, "SSH_AUTH_SOCK"), Some(link.clone().into_os_string()));
    assert_eq!(fs::read_link(&link).expect("a link"), first);
    assert!(reaches(&link, &first_agent));
    let folder = fs::metadata(link.parent().expect("a folder")).expect("a folder");
    assert_eq!(folder.permissions().mode() & 0o777, 0o700);
    // Another login, with an agent whose name is no text.
    let (second, second_agent) = agent(&sandbox, OsStr::from_bytes(b"sec\xffnd"));
    let other = attach(&sandbox, Some(&second));
    assert!(reaches(&link, &second_agent));
    assert!(!reaches(&link, &first_agent));
    drop(terminal);
    // One without an agent leaves it; so does one inside a session, whose agent is a link itself.
    let third = attach(&sandbox, None);
    assert!(reaches(&link, &second_agent));
    let fourth = attach(&sandbox, Some(&link));
    assert!(reaches(&link, &second_agent));
    assert_eq!(sandbox.sockets().len(), 2, "the socket and the link");
    drop((other, third));
    exit(&sandbox, fourth);
}

#[test]
fn who_has_no_agent_gets_none() {
    let sandbox = sandbox();
    let terminal = start(&sandbox, &[]);
    let record = idle(&sandbox, 0);
    assert_eq!(variable(&record, "SSH_AUTH_SOCK"), None);
    let (agent, _listener) = agent(&sandbox, "agent");
    let other = attach(&sandbox, Some(&agent));
    assert!(fs::symlink_metadata(link(&sandbox, &record)).is_err());
    drop(terminal);
    exit(&sandbox, other);
}

#[test]
fn set_to_nothing_is_not_set_and_stays_so() {
    let mut sandbox = sandbox();
    sandbox.set("SSH_AUTH_SOCK", "");
    let terminal = start(&sandbox, &[]);
    let record = idle(&sandbox, 0);
    assert_eq!(variable(&record, "SSH_AUTH_SOCK"), Some("".into()));
    assert_eq!(sandbox.sockets().len(), 1);
    exit(&sandbox, terminal);
}

#[test]
fn it_can_be_kept_as_it_is() {
    let mut sandbox = sandbox();
    sandbox.configure("ssh_agent = \"keep\"\n[restart]\ninitial_delay = \"10ms\"\nmax_delay = \"20ms\"\n");
    let (first, listener) = agent(&sandbox, "first");
    sandbox.set("SSH_AUTH_SOCK", &first);
    let terminal = start(&sandbox, &[]);
    let record = idle(&sandbox, 0);
    assert_eq!(variable(&record, "SSH_AUTH_SOCK"), Some(first.clone().into_os_string()));
    assert_eq!(sandbox.sockets().len(), 1);
    drop(listener);
    kill(&record);
    let again = idle(&sandbox, 1);
    assert_eq!(variable(&again, "SSH_AUTH_SOCK"), Some(first.into_os_string()));
    assert_eq!(dropped(&sandbox), Vec::<Vec<String>>::new());
    exit(&sandbox, terminal);
}

#[test]
fn a_relaunch_leaves_out_what_is_gone_and_nothing_else() {
    let mut sandbox = sandbox();
    sandbox.configure("[restart]\ninitial_delay = \"10ms\"\nmax_delay = \"20ms\"\n");
    let (agent_path, listener) = agent(&sandbox, "agent");
    let (tmux, tmux_server) = agent(&sandbox, "tmux");
    sandbox.set("SSH_AUTH_SOCK", &agent_path);
    sandbox.set("TMUX", format!("{},1,0", tmux.display()));
    sandbox.set("TMUX_PANE", "%1");
    let gone = "/dev/pts/no-such-terminal";
    sandbox.set("SSH_TTY", gone);
    sandbox.set("GPG_TTY", "/dev/null");
    sandbox.set("SSH_CONNECTION", "192.0.2.1 1234 192.0.2.2 22");
    sandbox.set("EMPTY", "");
    sandbox.set("ODD", OsStr::from_bytes(b"\xff\n="));
    let mut terminal = start(&sandbox, &[]);
    let first = idle(&sandbox, 0);
    // The first launch is as it was started, dead or not.
    assert_eq!(variable(&first, "SSH_TTY"), Some(gone.into()));
    let mut expected = environment(&first);
    kill(&first);
    let again = idle(&sandbox, 1);
    expected.retain(|variable| !variable.as_bytes().starts_with(b"SSH_TTY="));
    assert_eq!(environment(&again), expected);
    assert_eq!(dropped(&sandbox), [["SSH_TTY"]]);
    // The agent and tmux end with the login.
    drop((listener, tmux_server));
    kill(&again);
    let third = idle(&sandbox, 2);
    expected.retain(|variable| {
        ["SSH_AUTH_SOCK=", "TMUX=", "TMUX_PANE="]
            .iter()
            .all(|name| !variable.as_bytes().starts_with(name.as_bytes()))
    });
    assert_eq!(environment(&third), expected);
    assert_eq!(dropped(&sandbox)[1..], [["SSH_AUTH_SOCK", "SSH_TTY", "TMUX", "TMUX_PANE"]]);
    // Another login has one: so the next launch has it again.
    let (new, new_agent) = agent(&sandbox, "new");
    at_prompt(&mut terminal);
    let other = attach(&sandbox, Some(&new));
    kill(&third);
    let fourth = idle(&sandbox, 3);
    let link = link(&sandbox, &fourth);
    assert_eq!(variable(&fourth, "SSH_AUTH_SOCK"), Some(link.clone().into_os_string()));
    assert!(reaches(&link, &new_agent));
    for terminal in [&terminal, &other] {
        let output = String::from_utf8_lossy(&terminal.output()).into_owned();
        assert!(
            !output.contains("SSH_") && !output.contains("TMUX"),
            "the log is not for the screen: {output}"
        );
    }
    let mut other = other;
    at_prompt(&mut other);
    exit(&sandbox, other);
}

#[test]
fn a_session_that_is_started_again_has_its_own_environment_and_the_agent_of_the_one_who_does() {
    let mut sandbox = sandbox();
    let (first, listener) = agent(&sandbox, "first");
    sandbox.set("SSH_AUTH_SOCK", &first);
    sandbox.set("WHOSE", "the first login's");
    let terminal = start(&sandbox, &[]);
    let record = idle(&sandbox, 0);
    for key in ["client_pid", "host_pid"] {
        process::signal(record.pid(key).expect("a pid"), Signal::SIGKILL);
    }
    sandbox.wait_for_silence();
    drop((terminal, listener));
    let link = link(&sandbox, &record);
    assert!(fs::symlink_metadata(&link).is_ok(), "left by the killed host");
    let (second, agent) = agent(&sandbox, "second");
    let mut start = cckw(&sandbox, &["start", record.text("session")]);
    start
        .env("SSH_AUTH_SOCK", &second)
        .env("WHOSE", "the second's")
        .env("GPG_TTY", "/dev/pts/no-such-terminal");
    assert!(start.status().expect("starts").success());
    let again = idle(&sandbox, 1);
    assert_eq!(variable(&again, "WHOSE"), Some("the first login's".into()));
    assert_eq!(variable(&again, "SSH_AUTH_SOCK"), Some(link.clone().into_os_string()));
    assert!(reaches(&link, &agent));
    assert_eq!(variable(&again, "GPG_TTY"), None);
    let terminal = attach(&sandbox, None);
    exit(&sandbox, terminal);
}

#[test]
fn straight_through_it_is_as_it_is() {
    let mut sandbox = Sandbox::new();
    sandbox.use_child("inherit");
    sandbox.set("SSH_AUTH_SOCK", "/somewhere/agent");
    assert!(cckw(&sandbox, &["claude", "-p", "hello"]).status().expect("runs").success());
    assert_eq!(sandbox.report()["env"]["SSH_AUTH_SOCK"], "/somewhere/agent");
    assert!(!sandbox.path("state/cckw").exists());
}
