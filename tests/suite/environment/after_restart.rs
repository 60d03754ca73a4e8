//! A claude that is brought back gets the environment of its session, whoever brings it back, and nothing of
//! another claude's.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

use nix::sys::signal::Signal;

use super::environment;
use crate::support::stand_in::{at_prompt, idle, sandbox, start, submit};
use crate::support::verb::{cckw, well_said};
use crate::support::{DEADLINE, Record, Sandbox, Terminal, cckw_program, process, wait_until};

/// What Claude Code 2.1.332 sets for a command that it runs.
const MARKERS: [(&str, &str); 8] = [
    ("CLAUDECODE", "1"),
    ("CLAUDE_CODE_CHILD_SESSION", "1"),
    ("CLAUDE_CODE_ENTRYPOINT", "cli"),
    ("CLAUDE_CODE_SESSION_ID", "3de546f6-419b-4927-9c2d-cb91ca173ddf"),
    ("CLAUDE_CODE_MESSAGING_SOCKET", "/run/user/1000/cc-socks/1.sock"),
    ("CLAUDE_CODE_SSE_PORT", "4711"),
    ("AI_AGENT", "claude-code_2-1-332_agent"),
    ("GIT_EDITOR", "true"),
];

fn variable(record: &Record, name: &str) -> Option<OsString> {
    let start = format!("{name}=");
    let variables = environment(record);
    let found = variables.iter().find(|variable| variable.as_bytes().starts_with(start.as_bytes()))?;
    Some(OsStr::from_bytes(&found.as_bytes()[start.len()..]).to_owned())
}

#[track_caller]
fn has_no_markers(record: &Record) {
    for (name, _) in MARKERS {
        assert_eq!(variable(record, name), None, "{name}");
    }
}

/// A session in which something was said, without a terminal.
fn detached(sandbox: &Sandbox) -> Record {
    let mut terminal = start(sandbox, &[]);
    submit(&mut terminal, "some words");
    terminal.wait_for_text("You said: some words");
    sandbox.wait_for_record("what was said", |record| record.json["with_transcript"][0].is_string());
    well_said(sandbox, &["detach"]);
    terminal.finish();
    let record = idle(sandbox, 0);
    assert!(record.json["client_pid"].is_null());
    record
}

/// Kills the host of a detached session.
fn lose(sandbox: &Sandbox, record: &Record) {
    process::signal(record.pid("host_pid").expect("a host"), Signal::SIGKILL);
    sandbox.wait_for_silence();
}

/// The same as when the machine goes down.
fn go_down(sandbox: &Sandbox, record: &Record) {
    lose(sandbox, record);
    let mut json = record.json.clone();
    json["boot"] = "of-another-day".into();
    fs::write(&record.path, json.to_string()).expect("a record");
}

/// A command as a cron job or a status bar runs it: with a poor environment, below somebody's claude.
fn poor(sandbox: &Sandbox, words: &[&str]) -> Command {
    let mut command = Command::new(cckw_program());
    command.args(words).env_clear().current_dir("/");
    for name in ["HOME", "XDG_RUNTIME_DIR", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "CCKW_TEST_SANDBOX"] {
        let folder = match name {
            "HOME" => "home",
            "XDG_RUNTIME_DIR" => "run",
            "XDG_STATE_HOME" => "state",
            "XDG_CONFIG_HOME" => "config",
            _ => "",
        };
        command.env(name, if folder.is_empty() { sandbox.root().to_owned() } else { sandbox.path(folder) });
    }
    command.env("PATH", "/usr/bin:/bin").env("TERM", "dumb").env("WHOSE", "cron's").envs(MARKERS);
    command
}

/// A sandbox whose sessions have an environment of their own.
fn rich() -> Sandbox {
    let mut sandbox = sandbox();
    sandbox.configure("[restart]\ninitial_delay = \"10ms\"\nmax_delay = \"20ms\"\n");
    sandbox.set("CLAUDE_CONFIG_DIR", sandbox.path("work-account"));
    sandbox.set("ANTHROPIC_API_KEY", "a secret");
    sandbox.set("COLORTERM", "truecolor");
    sandbox.set("EMPTY", "");
    sandbox.set("ODD", OsStr::from_bytes(b"\xff two\nlines="));
    sandbox.set("LARGE", "x".repeat(100_000));
    sandbox
}

#[track_caller]
fn ends(sandbox: &Sandbox) {
    well_said(sandbox, &["stop"]);
    sandbox.wait_for_silence();
}

fn file(record: &Record) -> PathBuf {
    record.path.with_file_name("environment")
}

fn restarts(record: &Record) -> u64 {
    record.json["restarts"].as_u64().expect("a number")
}

#[test]
fn a_session_below_a_claude_gets_none_of_its_markers_and_keeps_what_is_said() {
    let mut sandbox = sandbox();
    for (name, value) in MARKERS {
        sandbox.set(name, value);
    }
    sandbox.configure("[restart]\ninitial_delay = \"10ms\"\nmax_delay = \"20ms\"\n");
    let mut terminal = start(&sandbox, &[]);
    submit(&mut terminal, "some words");
    terminal.wait_for_text("You said: some words");
    let first =
        sandbox.wait_for_record("a transcript", |record| record.json["with_transcript"][0].is_string());
    has_no_markers(&first);
    // Again after a crash, and after the host was killed under a client that has them in its own environment.
    process::signal(first.pid("claude_pid").expect("a claude"), Signal::SIGKILL);
    let second = idle(&sandbox, 1);
    has_no_markers(&second);
    at_prompt(&mut terminal);
    process::signal(second.pid("host_pid").expect("a host"), Signal::SIGKILL);
    let third = idle(&sandbox, 2);
    has_no_markers(&third);
    assert_eq!(third.text("conversation"), first.text("conversation"));
    ends(&sandbox);
}

#[test]
fn what_runs_straight_through_keeps_the_markers() {
    let mut sandbox = Sandbox::new();
    sandbox.use_child("inherit");
    for (name, value) in MARKERS {
        sandbox.set(name, value);
    }
    assert!(cckw(&sandbox, &["claude", "-p", "hello"]).status().expect("runs").success());
    for (name, value) in MARKERS {
        assert_eq!(sandbox.report()["env"][name], value, "{name}");
    }
}

#[test]
fn outside_of_a_claude_what_a_user_may_set_stays() {
    let mut sandbox = sandbox();
    sandbox.set("GIT_EDITOR", "true");
    sandbox.set("CLAUDE_CODE_SSE_PORT", "4711");
    let terminal = start(&sandbox, &[]);
    let record = idle(&sandbox, 0);
    assert_eq!(variable(&record, "GIT_EDITOR"), Some("true".into()));
    assert_eq!(variable(&record, "CLAUDE_CODE_SSE_PORT"), Some("4711".into()));
    drop(terminal);
    ends(&sandbox);
}

#[test]
fn brought_back_by_any_command_it_has_its_own_environment_and_its_conversation() {
    for words in [
        &["list"][..],
        &["screen"],
        &["logs"],
        &["list", "--json"],
        &["start", "work"],
        &["start", "--all"],
        &["restart"],
    ] {
        let sandbox = rich();
        let first = detached(&sandbox);
        let expected = environment(&first);
        lose(&sandbox, &first);
        poor(&sandbox, words).output().expect("runs");
        let again = sandbox.wait_for_record("a claude that is back", |record| {
            restarts(record) > 0 && record.text("state") == "running" && record.text("status") == "idle"
        });
        assert_eq!(environment(&again), expected, "{words:?}");
        assert_eq!(again.text("conversation"), first.text("conversation"), "{words:?}");
        ends(&sandbox);
    }
}

#[test]
fn after_the_machine_went_down_too() {
    let sandbox = rich();
    let first = detached(&sandbox);
    let expected = environment(&first);
    go_down(&sandbox, &first);
    assert!(poor(&sandbox, &["start", "--all"]).status().expect("runs").success());
    let again = idle(&sandbox, 1);
    assert_eq!(environment(&again), expected);
    assert_eq!(again.text("conversation"), first.text("conversation"));
    ends(&sandbox);
}

#[test]
fn the_environment_of_the_caller_is_taken_for_good_when_that_is_asked_for() {
    let sandbox = rich();
    let first = detached(&sandbox);
    lose(&sandbox, &first);
    let config = sandbox.path("work-account");
    let mut command = poor(&sandbox, &["start", "--env", "current", "work"]);
    command.env("CLAUDE_CONFIG_DIR", &config).env("CCKW_CLAUDE", sandbox.path("claude-stand-in"));
    assert!(command.status().expect("runs").success());
    let again = idle(&sandbox, 1);
    assert_eq!(variable(&again, "WHOSE"), Some("cron's".into()));
    assert_eq!(variable(&again, "ANTHROPIC_API_KEY"), None);
    has_no_markers(&again);
    let expected = environment(&again);
    lose(&sandbox, &again);
    assert!(poor(&sandbox, &["start", "work"]).env("MORE", "1").status().expect("runs").success());
    assert_eq!(environment(&idle(&sandbox, 2)), expected);
    ends(&sandbox);
}

#[test]
fn what_is_never_to_be_recorded_comes_from_the_caller_and_is_not_on_disk() {
    let mut sandbox = rich();
    sandbox.configure(
        "[restart]\ninitial_delay = \"10ms\"\nmax_delay = \"20ms\"\n[environment]\nnever_record = [\"ANTHROPIC_API_KEY\", \"TOKEN_*\"]\n",
    );
    sandbox.set("TOKEN_ONE", "an early secret");
    let first = detached(&sandbox);
    let on_disk = String::from_utf8_lossy(&fs::read(file(&first)).expect("a file")).into_owned();
    assert!(on_disk.contains("COLORTERM=truecolor") && !on_disk.contains("secret"), "{on_disk}");
    // The host that lives has it all the same.
    process::signal(first.pid("claude_pid").expect("a claude"), Signal::SIGKILL);
    let second = idle(&sandbox, 1);
    assert_eq!(variable(&second, "TOKEN_ONE"), Some("an early secret".into()));
    lose(&sandbox, &second);
    let mut command = poor(&sandbox, &["start", "work"]);
    assert!(command.env("TOKEN_ONE", "a late one").status().expect("runs").success());
    let third = idle(&sandbox, 2);
    assert_eq!(variable(&third, "TOKEN_ONE"), Some("a late one".into()));
    assert_eq!(variable(&third, "ANTHROPIC_API_KEY"), None);
    assert!(!String::from_utf8_lossy(&fs::read(file(&third)).expect("a file")).contains("late one"));
    ends(&sandbox);
}

#[test]
fn the_file_is_closed_to_others_and_nothing_prints_it() {
    let sandbox = rich();
    let record = detached(&sandbox);
    assert_eq!(fs::metadata(file(&record)).expect("a file").permissions().mode() & 0o777, 0o600);
    for words in [&["list", "--json"][..], &["logs"], &["logs", "--json"], &["screen"], &["list"]] {
        assert!(!well_said(&sandbox, words).contains("a secret"), "{words:?}");
    }
    let record = fs::read_to_string(&record.path).expect("a record");
    assert!(!record.contains("a secret"));
    ends(&sandbox);
}

/// The transcript of a session in the configuration directory of [`rich`].
fn transcript(sandbox: &Sandbox, record: &Record) -> PathBuf {
    let projects = fs::read_dir(sandbox.path("work-account/projects")).expect("projects");
    let name = format!("{}.jsonl", record.text("conversation"));
    let mut found = projects.flatten().map(|project| project.path().join(&name));
    found.find(|path| path.exists()).expect("a transcript")
}

#[test]
fn a_command_that_looks_gives_no_conversation_up() {
    let sandbox = rich();
    let first = detached(&sandbox);
    lose(&sandbox, &first);
    let (here, away) = (transcript(&sandbox, &first), sandbox.path("away"));
    fs::rename(&here, &away).expect("moves");
    for words in [&["list"][..], &["screen"], &["logs"]] {
        poor(&sandbox, words).output().expect("runs");
    }
    let record = sandbox.wait_for_record("a word", |record| record.json["missing"].is_string());
    assert_eq!(record.text("conversation"), first.text("conversation"));
    assert_eq!(record.json["restarts"], 0);
    sandbox.wait_for_silence();
    let listed = well_said(&sandbox, &["list"]);
    assert!(
        listed.contains("was not found in")
            && listed.contains("work-account")
            && listed.contains("cckw start work"),
        "{listed}"
    );
    fs::rename(&away, &here).expect("moves");
    well_said(&sandbox, &["start", "work"]);
    let again = idle(&sandbox, 1);
    assert_eq!(again.text("conversation"), first.text("conversation"));
    assert!(again.json["missing"].is_null());
    ends(&sandbox);
}

#[test]
fn a_user_who_asks_for_it_gets_a_new_conversation_in_the_place_of_one_that_is_gone() {
    let sandbox = rich();
    let first = detached(&sandbox);
    lose(&sandbox, &first);
    fs::remove_file(transcript(&sandbox, &first)).expect("removes");
    well_said(&sandbox, &["start", "work"]);
    let again = idle(&sandbox, 1);
    assert_eq!(again.text("expired"), first.text("conversation"));
    ends(&sandbox);
}

#[test]
fn the_next_claude_draws_for_the_terminal_that_attached_last() {
    let mut sandbox = rich();
    sandbox.set("TERM", "xterm-kitty");
    sandbox.set("KITTY_WINDOW_ID", "7");
    let first = detached(&sandbox);
    assert_eq!(variable(&first, "KITTY_WINDOW_ID"), Some("7".into()));
    let mut command = cckw(&sandbox, &["attach"]);
    command.env("TERM", "xterm-256color").env_remove("KITTY_WINDOW_ID").env("SSH_CONNECTION", "a b c d");
    let mut terminal = Terminal::spawn(command);
    at_prompt(&mut terminal);
    process::signal(first.pid("claude_pid").expect("a claude"), Signal::SIGKILL);
    let second = idle(&sandbox, 1);
    let of_terminal = |record: &Record| {
        assert_eq!(variable(record, "TERM"), Some("xterm-256color".into()));
        assert_eq!(variable(record, "KITTY_WINDOW_ID"), None);
        assert_eq!(variable(record, "SSH_CONNECTION"), Some("a b c d".into()));
    };
    of_terminal(&second);
    at_prompt(&mut terminal);
    well_said(&sandbox, &["detach"]);
    terminal.finish();
    lose(&sandbox, &idle(&sandbox, 1));
    poor(&sandbox, &["list"]).output().expect("runs");
    of_terminal(&idle(&sandbox, 2));
    ends(&sandbox);
}

#[test]
fn an_environment_that_cannot_be_read_is_said_and_can_be_replaced() {
    let sandbox = rich();
    let first = detached(&sandbox);
    lose(&sandbox, &first);
    fs::write(file(&first), "cckw environment 9\n").expect("writes");
    poor(&sandbox, &["list"]).output().expect("runs");
    wait_until("a word in the log", DEADLINE, || well_said(&sandbox, &["logs"]).contains("a newer cckw"));
    assert_eq!(sandbox.processes(), Vec::<i32>::new());
    let refused = cckw(&sandbox, &["start", "work"]).output().expect("runs");
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && said.contains("cckw start --env current"), "{said}");
    well_said(&sandbox, &["start", "--env", "current", "work"]);
    assert_eq!(idle(&sandbox, 1).text("conversation"), first.text("conversation"));
    assert!(fs::read(file(&first)).expect("a file").starts_with(b"cckw environment 1\n"));
    ends(&sandbox);
}

#[test]
fn a_session_of_an_earlier_version_has_the_environment_of_the_caller() {
    let sandbox = rich();
    let first = detached(&sandbox);
    lose(&sandbox, &first);
    fs::remove_file(file(&first)).expect("removes");
    let mut command = cckw(&sandbox, &["start", "work"]);
    assert!(command.env("WHOSE", "the caller's").status().expect("runs").success());
    let again = idle(&sandbox, 1);
    assert_eq!(variable(&again, "WHOSE"), Some("the caller's".into()));
    assert!(!file(&first).exists());
    ends(&sandbox);
}

#[test]
fn a_session_with_another_configuration_directory_is_detected_too() {
    let sandbox = rich();
    let record = detached(&sandbox);
    let detected = poor(&sandbox, &["detect", "--json"]).output().expect("runs");
    let said = String::from_utf8_lossy(&detected.stdout).into_owned();
    let pid = record.pid("claude_pid").expect("a claude");
    assert!(
        said.contains(&format!("\"pid\":{pid},")) || said.contains(&format!("\"pid\": {pid},")),
        "{said}"
    );
    assert!(said.contains("\"cckw\":\"work\"") || said.contains("\"cckw\": \"work\""), "{said}");
    // A directory that was named is the only one.
    let empty = sandbox.path("tmp");
    let named = poor(&sandbox, &["detect", "--json", "--sessions-dir"]).arg(empty).output().expect("runs");
    assert!(named.stdout.is_empty());
    ends(&sandbox);
}
