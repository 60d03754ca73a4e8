//! Remote control is kept: a link that goes down comes back, and nothing else is ever typed.

mod support;

use std::fs;
use std::process::Command;

use serde_json::{Value, json};
use support::stand_in::{at_prompt, sandbox, start, submit};
use support::{DEADLINE, Key, Record, Sandbox, Terminal, wait_until, wait_until_some};

/// Short times where they do not matter.
const QUICK: &str = "disconnected_for = \"300ms\"\nrest = \"400ms\"\n";

fn configure(sandbox: &Sandbox, more: &str) {
    sandbox.configure(&format!("[remote_control]\n{QUICK}{more}\n"));
}

fn prepared(more: &str) -> Sandbox {
    let sandbox = sandbox();
    configure(&sandbox, more);
    sandbox
}

fn remote(record: &Record) -> &str {
    record.json["remote"]["state"].as_str().unwrap_or_default()
}

/// Waits until the session's record says so of its link.
#[track_caller]
fn stands(sandbox: &Sandbox, state: &str) -> Record {
    sandbox.wait_for_record(state, |record| remote(record) == state)
}

/// The session's log: what happened, and its details.
fn log(sandbox: &Sandbox) -> Vec<(String, Value)> {
    let [record] = &sandbox.records()[..] else { panic!("not one session") };
    let text = fs::read_to_string(record.path.with_file_name("events.jsonl")).unwrap_or_default();
    let lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.map(|line| (line["event"].as_str().unwrap_or_default().to_owned(), line)).collect()
}

fn count(sandbox: &Sandbox, event: &str) -> usize {
    log(sandbox).iter().filter(|(name, _)| name == event).count()
}

/// Waits until something has been logged so often, and gives the last of it.
#[track_caller]
fn logged(sandbox: &Sandbox, event: &str, times: usize) -> Value {
    wait_until_some(&format!("{times} times {event} in {:#?}", log(sandbox)), DEADLINE, || {
        let found: Vec<Value> =
            log(sandbox).into_iter().filter(|(name, _)| name == event).map(|(_, line)| line).collect();
        (found.len() >= times).then(|| found[times - 1].clone())
    })
}

/// Waits until the reason for not typing is this one.
#[track_caller]
fn waits_for(sandbox: &Sandbox, words: &str) {
    wait_until(&format!("a wait for {words:?}"), DEADLINE, || {
        log(sandbox).iter().any(|(name, line)| {
            name == "remote-waits" && line["what"].as_str().is_some_and(|what| what.contains(words))
        })
    });
}

/// The user asks for a link.
fn connect(terminal: &mut Terminal, sandbox: &Sandbox) {
    submit(terminal, "/remote-control");
    terminal.wait_for_text("/rc active");
    stands(sandbox, "connected");
}

/// The prompts that were submitted, those of the agents view too.
fn submitted(sandbox: &Sandbox) -> Vec<String> {
    let mut prompts = Vec::new();
    for project in fs::read_dir(sandbox.path("home/.claude/projects")).into_iter().flatten().flatten() {
        for file in fs::read_dir(project.path()).into_iter().flatten().flatten() {
            let text = fs::read_to_string(file.path()).unwrap_or_default();
            let lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
            prompts.extend(lines.filter(|line| line["type"] == "user").map(|line| line["message"]["content"].to_string()));
        }
    }
    prompts
}

fn jobs(sandbox: &Sandbox) -> usize {
    fs::read_dir(sandbox.path("home/.claude/jobs")).map_or(0, Iterator::count)
}

fn cckw(sandbox: &Sandbox, words: &[&str]) -> Command {
    let mut command = sandbox.command(env!("CARGO_BIN_EXE_cckw"));
    command.args(words);
    command
}

/// Has the link go down while the user is away: after the delay, with the keyboard at rest.
fn drops(terminal: &mut Terminal, how: &str) {
    submit(terminal, &format!("/fault {how}"));
}

fn prompt_holds(terminal: &mut Terminal, text: &str) {
    terminal.wait_for(&format!("{text:?} at the prompt"), |screen| {
        screen.cursor_row().replace('\u{a0}', " ").trim_end() == format!("❯ {text}").trim_end()
    });
}

#[test]
fn a_link_that_drops_comes_back() {
    let sandbox = prepared("");
    let mut terminal = start(&sandbox, &[]);
    assert_eq!(remote(&stands(&sandbox, "off")), "off");
    connect(&mut terminal, &sandbox);
    drops(&mut terminal, "drop");
    logged(&sandbox, "remote-back", 1);
    terminal.wait_for_text("/rc active");
    prompt_holds(&mut terminal, "");
    let record = stands(&sandbox, "connected");
    assert_eq!(record.json["remote"]["tries"], 1);
    assert_eq!(record.json["remote"]["last_try"]["outcome"], "the link is up");
    assert_eq!((count(&sandbox, "remote-entering"), count(&sandbox, "remote-failed")), (1, 0));
    assert!(submitted(&sandbox).is_empty());
}
