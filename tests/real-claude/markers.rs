//! What claude sets in the environment of what it starts reaches no claude of a session.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use cckw::claude::markers;
use nix::sys::signal::Signal;
use serde_json::json;

use super::driver::{How, Place, goes_on, leave, submit, wait_for_prompt};
use super::support::verb::cckw;
use super::support::{DEADLINE, Key, Terminal, process, wait_until, wait_until_some};

/// Where claude starts something, each of which writes its environment into a file of that name.
const HOOKS: [&str; 3] = ["SessionStart", "UserPromptSubmit", "Stop"];

/// What a shell sets by itself; `LOGNAME` is zsh's.
const OF_SHELLS: [&str; 5] = ["PWD", "OLDPWD", "SHLVL", "_", "LOGNAME"];

/// Without the variable claude chooses a shell, and sets it. That is a claude's `SHELL` like any other, and
/// is left alone.
fn with_shell() -> Place {
    let mut place = Place::new();
    place.sandbox.set("SHELL", "/bin/bash");
    place
}

fn print_to(path: &Path) -> String {
    format!("cat /proc/self/environ > {path}.new && mv {path}.new {path}", path = path.display())
}

/// The variables in such a file.
fn read(path: &Path) -> Option<BTreeMap<String, String>> {
    let text = String::from_utf8_lossy(&fs::read(path).ok()?).into_owned();
    Some(text.split('\0').filter_map(|entry| entry.split_once('=')).map(own).collect())
}

fn own((name, value): (&str, &str)) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

/// A claude that runs directly, and what it sets for a hook, for its status line and for a `!` command,
/// beyond its own environment.
fn set_for_others(place: &Place) -> BTreeMap<String, BTreeMap<String, String>> {
    let file = |name: &str| place.sandbox.path(format!("environment-of-{name}"));
    let command = |name: &str| json!({"type": "command", "command": print_to(&file(name))});
    let hooks: serde_json::Map<_, _> =
        HOOKS.iter().map(|name| ((*name).to_owned(), json!([{"hooks": [command(name)]}]))).collect();
    place.settings(&json!({"hooks": hooks, "statusLine": command("status")}));
    let mut terminal = place.start(How::Direct, &[]);
    let claude = wait_until_some("a state file", DEADLINE, || place.state()?["pid"].as_i64());
    let own_one = process::environment(i32::try_from(claude).expect("a pid"));
    submit(&mut terminal, "hello");
    wait_until("the end of a turn", DEADLINE, || file("Stop").exists() && file("status").exists());
    wait_for_prompt(&mut terminal);
    terminal.type_text("!");
    terminal.wait_for("its shell mode", |screen| screen.cursor_row().starts_with('!'));
    // Enter is a key of its own only once the text is there.
    let script =
        place.sandbox.script("print-environment", &format!("#!/bin/sh\n{}\n", print_to(&file("bang"))));
    let name = script.file_name().and_then(|name| name.to_str()).expect("a name");
    terminal.type_text(name);
    terminal.wait_for("the command", |screen| screen.cursor_row().ends_with(name));
    terminal.press(Key::Enter);
    wait_until("the end of the command", DEADLINE, || file("bang").exists());
    let own_one: Vec<String> = own_one.iter().map(|entry| entry.to_string_lossy().into_owned()).collect();
    let names = HOOKS.into_iter().chain(["status", "bang"]);
    let mut found = BTreeMap::new();
    for name in names {
        let mut variables = read(&file(name)).expect("an environment");
        variables.retain(|name, value| {
            !own_one.contains(&format!("{name}={value}")) && !OF_SHELLS.contains(&name.as_str())
        });
        found.insert(name.to_owned(), variables);
    }
    drop(terminal);
    place.sandbox.wait_for_silence();
    found
}

#[test]
fn every_variable_that_claude_sets_for_others_is_in_the_list() {
    let place = with_shell();
    let all = set_for_others(&place);
    assert!(all["bang"].contains_key("CLAUDECODE"), "nothing was seen: {all:?}");
    let known: Vec<&str> = markers::names().collect();
    for (place, variables) in &all {
        for (name, value) in variables {
            assert!(
                known.contains(&name.as_str()),
                "claude sets {name}={value} for {place}: src/claude/markers.rs does not know it"
            );
            assert!(
                markers::is_marker(name.as_ref(), value.as_ref(), true),
                "claude sets {name}={value} for {place}, and src/claude/markers.rs has another value"
            );
        }
    }
}

#[test]
fn a_session_that_a_command_of_another_claude_brings_back_writes_down_what_is_said() {
    let place = with_shell();
    let other = set_for_others(&place);
    place.settings(&json!({}));
    let mut terminal = place.start(How::Through, &[]);
    let record = place.wait_for_host();
    let id = record.text("conversation").to_owned();
    goes_on(&place, &mut terminal, &id, "the first words");
    assert!(cckw(&place.sandbox, &["detach"]).status().expect("runs").success());
    terminal.finish();
    process::signal(record.pid("host_pid").expect("a host"), Signal::SIGKILL);
    place.sandbox.wait_for_silence();
    let mut list = cckw(&place.sandbox, &["list"]);
    list.envs(&other["bang"]);
    assert!(list.output().expect("runs").status.success());
    let again = place.wait_for_host();
    let variables = process::environment(again.pid("claude_pid").expect("a claude"));
    for marker in markers::names() {
        let start = format!("{marker}=");
        let has = |variable: &OsString| variable.as_bytes().starts_with(start.as_bytes());
        assert!(!variables.iter().any(has), "{marker}");
    }
    let mut terminal = Terminal::spawn(cckw(&place.sandbox, &["attach"]));
    wait_for_prompt(&mut terminal);
    goes_on(&place, &mut terminal, &id, "words of later");
    leave(&place, terminal);
}
