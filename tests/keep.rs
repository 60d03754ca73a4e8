//! Remote control is kept: a link that goes down comes back, and nothing else is ever typed.

mod support;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::process::Command;
use std::time::Instant;

use serde_json::{Value, json};
use support::stand_in::{at_prompt, sandbox, start, submit};
use support::{DEADLINE, Key, Record, Sandbox, Terminal, wait_until, wait_until_some};

/// Short times where they do not matter.
const QUICK: [(&str, &str); 2] = [("disconnected_for", "300ms"), ("rest", "400ms")];

fn configure(sandbox: &Sandbox, more: &str) {
    let quick = QUICK.iter().filter(|(key, _)| !more.contains(key));
    let quick: String = quick.map(|(key, value)| format!("{key} = \"{value}\"\n")).collect();
    sandbox.configure(&format!("[remote_control]\n{quick}{more}\n"));
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
    let told = |line: &(String, Value)| format!("{} {}", line.0, line.1["what"]);
    let mut log_now = vec![];
    let end = Instant::now() + DEADLINE;
    wait_until(&format!("a wait for {words:?}"), DEADLINE * 2, || {
        log_now = log(sandbox);
        let lines: Vec<String> = log_now.iter().map(told).collect();
        assert!(Instant::now() < end, "no wait for {words:?} in {lines:#?}");
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
            prompts.extend(
                lines
                    .filter(|line| line["type"] == "user")
                    .map(|line| line["message"]["content"].to_string()),
            );
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

#[test]
fn it_comes_back_without_a_terminal_too() {
    let sandbox = prepared("");
    let mut terminal = start(&sandbox, &[]);
    connect(&mut terminal, &sandbox);
    drops(&mut terminal, "later 1500 drop");
    assert!(cckw(&sandbox, &["detach"]).status().expect("runs").success());
    assert_eq!(terminal.finish().code(), Some(0));
    logged(&sandbox, "remote-back", 1);
    assert!(stands(&sandbox, "connected").json["client_pid"].is_null());
    let entered = logged(&sandbox, "remote-entering", 1)["at"].as_u64();
    assert!(entered > logged(&sandbox, "detached", 1)["at"].as_u64());
}

#[test]
fn a_draft_is_back_afterwards() {
    let sandbox = prepared("rest = \"1500ms\"");
    let mut terminal = start(&sandbox, &[]);
    connect(&mut terminal, &sandbox);
    drops(&mut terminal, "later 200 drop");
    terminal.type_text("a draft of mine");
    prompt_holds(&mut terminal, "a draft of mine");
    logged(&sandbox, "remote-back", 1);
    prompt_holds(&mut terminal, "a draft of mine");
    assert_eq!(count(&sandbox, "remote-entering"), 1);
    assert!(submitted(&sandbox).is_empty());
}

#[test]
fn keys_that_are_pressed_meanwhile_come_after_in_order() {
    let sandbox = prepared("");
    let mut terminal = start(&sandbox, &[]);
    connect(&mut terminal, &sandbox);
    drops(&mut terminal, "slow-echo 400");
    prompt_holds(&mut terminal, "");
    drops(&mut terminal, "drop");
    logged(&sandbox, "remote-typing", 1);
    for key in ["a", "b", "c ", "d", "\x7f", "D\x7f", "\x1b[200~pasted\x1b[201~"] {
        terminal.type_text(key);
    }
    prompt_holds(&mut terminal, "abc pasted");
    terminal.press(Key::Enter);
    terminal.wait_for_text("You said: abc pasted");
    logged(&sandbox, "remote-back", 1);
    assert_eq!(submitted(&sandbox), ["\"abc pasted\""]);
    assert_eq!(count(&sandbox, "remote-failed"), 0);
}

#[test]
fn the_detach_key_acts_behind_the_keys_before_it() {
    let sandbox = prepared("");
    let mut terminal = start(&sandbox, &[]);
    connect(&mut terminal, &sandbox);
    drops(&mut terminal, "slow-echo 400");
    prompt_holds(&mut terminal, "");
    drops(&mut terminal, "drop");
    logged(&sandbox, "remote-typing", 1);
    terminal.type_text("to be kept");
    terminal.type_text("\x1c");
    assert_eq!(terminal.finish().code(), Some(0));
    logged(&sandbox, "remote-back", 1);
    let mut other = Terminal::spawn(cckw(&sandbox, &["attach"]));
    prompt_holds(&mut other, "to be kept");
}

#[test]
fn where_the_footer_says_that_it_is_up_nothing_is_typed() {
    let sandbox = prepared("");
    let mut terminal = start(&sandbox, &[]);
    connect(&mut terminal, &sandbox);
    drops(&mut terminal, "lag");
    waits_for(&sandbox, "the state file says that there is no link, the screen that there is");
    let remote = stands(&sandbox, "connected").json["remote"].clone();
    assert_eq!((&remote["confidence"], &remote["screen"]), (&json!("medium"), &json!("active")));
    assert!(remote["file"].as_str().is_some_and(|file| file.contains("names no bridge")), "{remote}");
    // It is typed once both agree.
    drops(&mut terminal, "drop");
    logged(&sandbox, "remote-back", 1);
    assert_eq!(count(&sandbox, "remote-entering"), 1);
}

#[test]
fn a_panel_that_opens_because_it_is_up_after_all_is_closed() {
    let sandbox = prepared("");
    let mut command = sandbox.cckw_claude();
    command.env("CCKW_STANDIN_BRIDGE_DELAY", "10");
    // Too narrow for the indicator.
    let mut terminal = Terminal::builder().size(30, 40).spawn(command);
    at_prompt(&mut terminal);
    submit(&mut terminal, "/remote-control");
    stands(&sandbox, "connected");
    drops(&mut terminal, "later 12000 lag");
    logged(&sandbox, "remote-was-up", 1);
    prompt_holds(&mut terminal, "");
    let record = stands(&sandbox, "connected");
    assert_eq!(record.json["remote"]["confidence"], "medium");
    assert_eq!(count(&sandbox, "remote-entering"), 1);
}

#[test]
fn a_refusal_for_good_ends_it() {
    let mut sandbox = prepared("keep = \"always\"");
    sandbox.set("CCKW_STANDIN_SUBSCRIPTION", "none");
    let mut terminal = start(&sandbox, &[]);
    terminal.wait_for_text("needs a Claude subscription");
    let record = stands(&sandbox, "unavailable");
    assert_eq!(record.json["remote"]["tries"], 1);
    waits_for(&sandbox, "claude refuses it");
    assert_eq!(count(&sandbox, "remote-entering"), 1);
    prompt_holds(&mut terminal, "");
}

#[test]
fn what_is_over_for_another_reason_is_left_to_the_user() {
    for reason in ["another device took it over", "the session was archived", "session not found"] {
        let sandbox = prepared("");
        let mut terminal = start(&sandbox, &[]);
        connect(&mut terminal, &sandbox);
        drops(&mut terminal, &format!("drop {reason}"));
        waits_for(&sandbox, "only the user can know");
        assert_eq!(count(&sandbox, "remote-typing"), 0);
        // The user's own wish makes it ours again.
        connect(&mut terminal, &sandbox);
        drops(&mut terminal, "drop");
        logged(&sandbox, "remote-back", 1);
    }
}

#[test]
fn what_the_user_switched_off_stays_off() {
    let sandbox = prepared("keep = \"always\"");
    let mut terminal = start(&sandbox, &[]);
    connect(&mut terminal, &sandbox);
    submit(&mut terminal, "/remote-control");
    terminal.wait_for_text("❯ 3. Continue");
    terminal.press(Key::Up);
    terminal.wait_for_text("❯ 2. Show QR code");
    terminal.press(Key::Up);
    terminal.wait_for_text("❯ 1. Disconnect this session");
    terminal.press(Key::Enter);
    waits_for(&sandbox, "the user switched it off");
    assert_eq!(remote(&stands(&sandbox, "off")), "off");
    assert_eq!(count(&sandbox, "remote-typing"), 0);
}

#[test]
fn tries_are_bounded() {
    let sandbox = prepared("max_tries = 1");
    let mut terminal = start(&sandbox, &[]);
    connect(&mut terminal, &sandbox);
    drops(&mut terminal, "bridge-fails 9");
    drops(&mut terminal, "drop");
    logged(&sandbox, "remote-failed", 1);
    waits_for(&sandbox, "as often as remote_control.max_tries allows");
    assert_eq!(remote(&stands(&sandbox, "disconnected")), "disconnected");
}

#[test]
fn a_try_that_fails_is_repeated_after_a_pause() {
    let sandbox = prepared("");
    let mut terminal = start(&sandbox, &[]);
    connect(&mut terminal, &sandbox);
    drops(&mut terminal, "bridge-fails 1");
    drops(&mut terminal, "drop");
    let failed = sandbox.wait_for_record("a try that failed", |record| {
        record.json["remote"]["next_try_at"].is_u64() && record.json["remote"]["tries"] == 1
    });
    assert!(failed.json["remote"]["last_try"]["outcome"].is_string());
    logged(&sandbox, "remote-back", 1);
    let entered = |number| logged(&sandbox, "remote-entering", number)["at"].as_u64().expect("a time");
    assert!(entered(2) - entered(1) >= 10_000);
}

#[test]
fn it_can_be_switched_off() {
    let sandbox = prepared("keep = \"off\"");
    let mut terminal = start(&sandbox, &[]);
    connect(&mut terminal, &sandbox);
    drops(&mut terminal, "drop");
    terminal.wait_for_text("/rc failed");
    stands(&sandbox, "disconnected");
    // The user's next words come alone.
    submit(&mut terminal, "words");
    terminal.wait_for_text("You said: words");
    assert_eq!(count(&sandbox, "remote-typing"), 0);
}

#[test]
fn while_the_shell_has_the_terminal_nothing_is_typed() {
    let sandbox = prepared("disconnected_for = \"2s\"");
    sandbox.link("cckw", env!("CARGO_BIN_EXE_cckw"));
    let mut terminal = Terminal::shell("bash", &sandbox);
    terminal.run("cckw claude");
    at_prompt(&mut terminal);
    connect(&mut terminal, &sandbox);
    drops(&mut terminal, "drop");
    stands(&sandbox, "disconnected");
    terminal.press(Key::Ctrl('z'));
    terminal.wait_for_prompt();
    sandbox.wait_for_record("a suspended claude", |record| record.text("state") == "suspended");
    // Longer than it would take.
    terminal.run("sleep 3; echo slept");
    terminal.wait_for("the shell's word", |screen| screen.rows.iter().any(|row| row == "slept"));
    assert_eq!(count(&sandbox, "remote-typing"), 0);
    terminal.run("fg");
    logged(&sandbox, "remote-back", 1);
    let at = |event| logged(&sandbox, event, 1)["at"].as_u64();
    assert!(at("remote-typing") > at("resumed"));
}

#[test]
fn after_a_crash_the_link_comes_back() {
    let mut sandbox = prepared("");
    // Of each claude's attempts the first one fails: after a crash that is its own.
    sandbox.set("CCKW_STANDIN_BRIDGE_FAILS", "1");
    let mut terminal = start(&sandbox, &[]);
    submit(&mut terminal, "some words");
    terminal.wait_for_text("You said: some words");
    submit(&mut terminal, "/remote-control");
    terminal.wait_for_text("/rc failed");
    connect(&mut terminal, &sandbox);
    drops(&mut terminal, "crash 11");
    logged(&sandbox, "relaunched", 1);
    logged(&sandbox, "remote-back", 1);
    at_prompt(&mut terminal);
    terminal.wait_for_text("/rc active");
}

/// A place that the user goes to and comes back from, and what the log then says.
struct Place {
    enter: &'static [&'static str],
    shows: &'static str,
    leave: &'static [&'static str],
    why: &'static str,
}

const PLACES: [Place; 6] = [
    Place {
        enter: &["\x1b[D"],
        shows: "Your session moved",
        leave: &["\x1b[27u"],
        why: "the agents view is open",
    },
    Place { enter: &["\x0f"], shows: "detailed transcript", leave: &["\x1b[27u"], why: "transcript view" },
    Place { enter: &["\x12"], shows: "search prompts:", leave: &["\x1b[27u"], why: "history search" },
    Place { enter: &["?"], shows: "ctrl+s to stash prompt", leave: &["x", "\x7f"], why: "shortcut help" },
    Place { enter: &["!"], shows: "! for shell mode", leave: &["\x7f"], why: "shell mode" },
    Place {
        enter: &["/config", "\r"],
        shows: "Auto-compact",
        leave: &["\x1b[27u"],
        why: "claude is waiting (dialog open)",
    },
];

/// The link drops, and that has been seen: it was not the user who switched it off.
fn has_failed(sandbox: &Sandbox, terminal: &mut Terminal) {
    drops(terminal, "drop");
    sandbox.wait_for_record("a failure on the screen", |record| record.json["remote"]["screen"] == "failed");
    prompt_holds(terminal, "");
}

#[test]
fn elsewhere_than_at_the_main_prompt_nothing_is_typed() {
    let sandbox = prepared("disconnected_for = \"3s\"");
    let mut terminal = start(&sandbox, &[]);
    connect(&mut terminal, &sandbox);
    for (round, place) in PLACES.iter().enumerate() {
        has_failed(&sandbox, &mut terminal);
        for keys in place.enter {
            terminal.type_text(keys);
        }
        terminal.wait_for_text(place.shows);
        waits_for(&sandbox, place.why);
        // Not one more than before; and once the user is back, it is typed.
        assert_eq!(count(&sandbox, "remote-typing"), round, "{}", place.why);
        for keys in place.leave {
            terminal.type_text(keys);
        }
        logged(&sandbox, "remote-back", round + 1);
        terminal.wait_for_text("/rc active");
        prompt_holds(&mut terminal, "");
    }
    assert!(submitted(&sandbox).is_empty());
    assert_eq!((jobs(&sandbox), count(&sandbox, "remote-failed")), (0, 0));
}

#[test]
fn during_a_turn_and_at_its_question_nothing_is_typed() {
    let mut sandbox = prepared("disconnected_for = \"3s\"");
    sandbox.set("CCKW_STANDIN_PACE", "400");
    let mut terminal = start(&sandbox, &[]);
    connect(&mut terminal, &sandbox);
    has_failed(&sandbox, &mut terminal);
    submit(&mut terminal, "permission");
    terminal.wait_for_text("Do you want to proceed?");
    waits_for(&sandbox, "claude is waiting (permission prompt)");
    assert_eq!(count(&sandbox, "remote-typing"), 0);
    terminal.press(Key::Enter);
    waits_for(&sandbox, "claude is busy");
    assert_eq!(count(&sandbox, "remote-typing"), 0);
    logged(&sandbox, "remote-back", 1);
    terminal.wait_for_text("You said: permission");
    assert_eq!(submitted(&sandbox), ["\"permission\""]);
}

#[test]
fn in_vim_s_normal_mode_it_is_pasted() {
    let mut sandbox = prepared("rest = \"1s\"");
    sandbox.set("CCKW_STANDIN_VIM", "1");
    let mut terminal = start(&sandbox, &[]);
    connect(&mut terminal, &sandbox);
    drops(&mut terminal, "later 300 drop");
    terminal.type_text("a draft");
    prompt_holds(&mut terminal, "a draft");
    terminal.press(Key::Esc);
    terminal.wait_for("normal mode", |screen| !screen.contains("-- INSERT --"));
    logged(&sandbox, "remote-back", 1);
    prompt_holds(&mut terminal, "a draft");
    assert!(!terminal.screen().contains("-- INSERT --"));
    assert_eq!(count(&sandbox, "remote-failed"), 0);
}

#[test]
fn while_the_user_types_nothing_is_typed() {
    let sandbox = prepared("rest = \"2s\"");
    let mut terminal = start(&sandbox, &[]);
    connect(&mut terminal, &sandbox);
    drops(&mut terminal, "later 100 drop");
    waits_for(&sandbox, "the user is typing");
    terminal.type_text("x");
    let typed = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a time");
    let entered = logged(&sandbox, "remote-typing", 1)["at"].as_u64().expect("a time");
    assert!(u128::from(entered) >= typed.as_millis() + 1500, "{entered} and {typed:?}");
    logged(&sandbox, "remote-back", 1);
    prompt_holds(&mut terminal, "x");
}

/// Asks the host, as verbs do.
fn ask(sandbox: &Sandbox, request: &Value) -> Value {
    let [socket] = &sandbox.sockets()[..] else { panic!("not one socket") };
    let mut stream = UnixStream::connect(socket).expect("connects");
    stream.write_all(format!("{request}\n").as_bytes()).expect("asks");
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).expect("an answer");
    serde_json::from_str(&line).expect("JSON")
}

#[test]
fn the_user_can_ask_for_it_whatever_is_configured() {
    let sandbox = prepared("keep = \"off\"");
    let mut terminal = start(&sandbox, &[]);
    stands(&sandbox, "off");
    let request = |apply: bool| json!({"v": 1, "op": "reconnect", "apply": apply});
    let dry = ask(&sandbox, &request(false));
    assert_eq!(
        (&dry["op"], &dry["begun"], &dry["against"]),
        (&json!("reconnect"), &json!(false), &json!(null))
    );
    let asked = ask(&sandbox, &request(true));
    assert_eq!(asked["begun"], json!(true));
    logged(&sandbox, "remote-back", 1);
    stands(&sandbox, "connected");
    let up = ask(&sandbox, &request(true));
    assert_eq!(up["against"], "the link is up");
    prompt_holds(&mut terminal, "");
    assert_eq!(count(&sandbox, "remote-entering"), 1);
}

#[test]
fn a_link_that_looks_alive_is_switched_off_and_on_when_asked_for() {
    let sandbox = prepared("");
    let mut terminal = start(&sandbox, &[]);
    connect(&mut terminal, &sandbox);
    terminal.type_text("a draft");
    prompt_holds(&mut terminal, "a draft");
    let asked = ask(&sandbox, &json!({"v": 1, "op": "reconnect", "apply": true, "cycle": true}));
    assert_eq!((&asked["begun"], &asked["against"]), (&json!(true), &json!(null)));
    logged(&sandbox, "remote-switched-off", 1);
    logged(&sandbox, "remote-back", 1);
    stands(&sandbox, "connected");
    prompt_holds(&mut terminal, "a draft");
    assert_eq!(count(&sandbox, "remote-failed"), 0);
}
