//! A session whose link is kept, and what its record and its log say of it.

use std::fs;
use std::process::Command;
use std::time::Instant;

use serde_json::Value;

use crate::support::stand_in::{sandbox, start, submit};
use crate::support::{DEADLINE, Record, Sandbox, Terminal, cckw_program, wait_or_report, wait_until};

/// Short times where they do not matter.
pub const QUICK: [(&str, &str); 2] = [("disconnected_for", "300ms"), ("rest", "400ms")];

pub fn configure(sandbox: &Sandbox, more: &str) {
    let quick = QUICK.iter().filter(|(key, _)| !more.contains(key));
    let quick: String = quick.map(|(key, value)| format!("{key} = \"{value}\"\n")).collect();
    sandbox.configure(&format!("[remote_control]\n{quick}{more}\n"));
}

pub fn prepared(more: &str) -> Sandbox {
    let sandbox = sandbox();
    configure(&sandbox, more);
    sandbox
}

/// A session whose link is up.
#[track_caller]
pub fn linked(more: &str) -> (Sandbox, Terminal) {
    let sandbox = prepared(more);
    let mut terminal = start(&sandbox, &[]);
    connect(&mut terminal, &sandbox);
    (sandbox, terminal)
}

pub fn remote(record: &Record) -> &str {
    record.json["remote"]["state"].as_str().unwrap_or_default()
}

/// Waits until the session's record says so of its link.
#[track_caller]
pub fn stands(sandbox: &Sandbox, state: &str) -> Record {
    sandbox.wait_for_record(state, |record| remote(record) == state)
}

/// The session's log: what happened, and its details.
pub fn log(sandbox: &Sandbox) -> Vec<(String, Value)> {
    let [record] = &sandbox.records()[..] else { panic!("not one session") };
    let text = fs::read_to_string(record.path.with_file_name("events.jsonl")).unwrap_or_default();
    let lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.map(|line| (line["event"].as_str().unwrap_or_default().to_owned(), line)).collect()
}

pub fn count(sandbox: &Sandbox, event: &str) -> usize {
    log(sandbox).iter().filter(|(name, _)| name == event).count()
}

/// Waits until something has been logged so often, and gives the last of it.
#[track_caller]
pub fn logged(sandbox: &Sandbox, event: &str, times: usize) -> Value {
    let look = || {
        let found: Vec<Value> =
            log(sandbox).into_iter().filter(|(name, _)| name == event).map(|(_, line)| line).collect();
        (found.len() >= times).then(|| found[times - 1].clone())
    };
    wait_or_report(&format!("{times} times {event}"), DEADLINE, look, || format!("{:#?}", log(sandbox)))
}

/// Waits until the reason for not typing is this one.
#[track_caller]
pub fn waits_for(sandbox: &Sandbox, words: &str) {
    let told = |line: &(String, Value)| format!("{} {}", line.0, line.1["what"]);
    let mut log_now = vec![];
    let end = Instant::now() + DEADLINE;
    wait_until(&format!("a wait for {words:?}"), DEADLINE * 2, || {
        log_now = log(sandbox);
        let lines: Vec<String> = log_now.iter().map(told).collect();
        assert!(
            Instant::now() < end,
            "no wait for {words:?} in {lines:#?}, {:#}",
            sandbox.records()[0].json["remote"]
        );
        log(sandbox).iter().any(|(name, line)| {
            matches!(&**name, "remote-waits" | "remote-gave-up")
                && line["what"].as_str().is_some_and(|what| what.contains(words))
        })
    });
}

/// The user asks for a link.
pub fn connect(terminal: &mut Terminal, sandbox: &Sandbox) {
    submit(terminal, "/remote-control");
    terminal.wait_for_text("/rc active");
    stands(sandbox, "connected");
}

/// The prompts that were submitted, those of the agents view too.
pub fn submitted(sandbox: &Sandbox) -> Vec<String> {
    let mut prompts = Vec::new();
    for project in fs::read_dir(sandbox.path("home/.claude/projects")).into_iter().flatten().flatten() {
        for file in fs::read_dir(project.path()).into_iter().flatten().flatten() {
            let text = fs::read_to_string(file.path()).unwrap_or_default();
            let lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
            prompts.extend(
                lines
                    .filter(|line| line["type"] == "user")
                    .map(|line| line["message"]["content"].to_string()),
            );
        }
    }
    prompts
}

pub fn jobs(sandbox: &Sandbox) -> usize {
    fs::read_dir(sandbox.path("home/.claude/jobs")).map_or(0, Iterator::count)
}

pub fn cckw(sandbox: &Sandbox, words: &[&str]) -> Command {
    let mut command = sandbox.command(cckw_program());
    command.args(words);
    command
}

/// Has the link go down while the user is away: after the delay, with the keyboard at rest.
pub fn drops(terminal: &mut Terminal, how: &str) {
    submit(terminal, &format!("/fault {how}"));
    terminal.wait_for("an order that was taken", |screen| !screen.cursor_row().contains("/fault"));
}

pub fn prompt_holds(terminal: &mut Terminal, text: &str) {
    terminal.wait_for(&format!("{text:?} at the prompt"), |screen| {
        screen.cursor_row().replace('\u{a0}', " ").trim_end() == format!("❯ {text}").trim_end()
    });
}
