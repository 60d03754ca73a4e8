//! `cckw restart`: claude is started anew, with its conversation and in its terminal.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use nix::sys::signal::Signal;

use crate::support::stand_in::{arguments, at_prompt, idle, sandbox, start, submit};
use crate::support::verb::cckw;
use crate::support::{DEADLINE, Key, Record, Sandbox, Terminal, cckw_program, process, wait_until};

/// What it says on stdout, on stderr, and its status.
fn said(command: &mut Command) -> (String, String, Option<i32>) {
    let output = command.output().expect("runs");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (text(output.stdout), text(output.stderr), output.status.code())
}

#[track_caller]
fn well_said(sandbox: &Sandbox, words: &[&str]) -> String {
    let (out, err, status) = said(&mut cckw(sandbox, words));
    assert_eq!((err.as_str(), status), ("", Some(0)), "{words:?}: {out}");
    out
}

fn exit(sandbox: &Sandbox, mut terminal: Terminal) {
    at_prompt(&mut terminal);
    submit(&mut terminal, "/exit");
    assert_eq!(terminal.finish().code(), Some(0), "{}", terminal.report());
    assert_eq!(terminal.modes().left_on(), Vec::<String>::new());
    sandbox.wait_for_silence();
}

/// The names of the events in the log of the one session.
fn events(sandbox: &Sandbox) -> Vec<String> {
    let path = sandbox.records()[0].path.with_file_name("events.jsonl");
    let log = fs::read_to_string(path).expect("a log");
    let event = |line: &str| {
        let event: serde_json::Value = serde_json::from_str(line).expect("JSON");
        event["event"].as_str().expect("a name").to_owned()
    };
    log.lines().map(event).collect()
}

/// Brings it to its permission prompt, where it waits for the user.
fn asks_permission(sandbox: &Sandbox, terminal: &mut Terminal) {
    submit(terminal, "permission");
    terminal.wait_for_text("Do you want to proceed?");
    sandbox.wait_for_record("a question", |record| record.text("status") == "waiting");
}

#[test]
fn an_idle_claude_comes_back_in_its_terminal_with_flags_and_without_the_prompt() {
    let sandbox = sandbox();
    let mut terminal = start(&sandbox, &["--model", "opus", "first words"]);
    terminal.wait_for_text("You said: first words");
    let first = idle(&sandbox, 0);
    assert_eq!(well_said(&sandbox, &["restart"]), "work: claude is restarted now\n");
    let again = idle(&sandbox, 1);
    let session = first.text("session");
    assert_eq!(arguments(&again), ["--resume", session, "--model", "opus"]);
    assert_eq!(
        (again.text("conversation"), again.json["client_pid"].clone()),
        (session, first.json["client_pid"].clone())
    );
    assert_eq!(again.json["host_pid"], first.json["host_pid"]);
    at_prompt(&mut terminal);
    terminal.wait_for_history("[cckw: claude is restarted");
    assert!(!events(&sandbox).contains(&"different-conversation".to_owned()));
    submit(&mut terminal, "more words");
    terminal.wait_for_text("You said: more words");
    exit(&sandbox, terminal);
}

#[test]
fn as_often_as_one_likes_for_it_is_no_crash() {
    let sandbox = sandbox();
    sandbox.configure("[restart]\ncrash_limit = 2\ninitial_delay = \"10m\"\nmax_delay = \"10m\"\n");
    let terminal = start(&sandbox, &[]);
    for round in 0..4 {
        idle(&sandbox, round);
        assert!(well_said(&sandbox, &["restart", "work", "--now"]).contains("restarted now"));
    }
    idle(&sandbox, 4);
    exit(&sandbox, terminal);
}

#[test]
fn it_waits_until_claude_is_idle() {
    let sandbox = sandbox();
    let mut terminal = start(&sandbox, &[]);
    asks_permission(&sandbox, &mut terminal);
    let first = sandbox.records().remove(0);
    let out = well_said(&sandbox, &["restart", "work"]);
    assert!(
        out.contains("when it is idle (claude is waiting)") && out.contains("cckw restart --now work"),
        "{out}"
    );
    assert!(well_said(&sandbox, &["list"]).contains("cckw restart --now work"));
    assert!(well_said(&sandbox, &["list", "--json"]).contains("\"restart_pending\":true"));
    // Detaching and attaching leave it as it is.
    well_said(&sandbox, &["detach"]);
    assert_eq!(terminal.finish().code(), Some(0));
    let mut terminal = Terminal::spawn(cckw(&sandbox, &["attach"]));
    terminal.wait_for_text("Do you want to proceed?");
    assert_eq!(sandbox.records()[0].json["child_pid"], first.json["child_pid"]);
    terminal.press(Key::Enter);
    let again = idle(&sandbox, 1);
    assert_eq!(arguments(&again), ["--resume", first.text("session")]);
    assert_eq!(again.json["restart_pending"], false);
    at_prompt(&mut terminal);
    terminal.wait_for_text("permission");
    exit(&sandbox, terminal);
}

#[test]
fn it_waits_for_what_was_typed_and_not_sent() {
    let sandbox = sandbox();
    let mut terminal = start(&sandbox, &[]);
    let first = idle(&sandbox, 0);
    terminal.type_text("half a thought");
    terminal.wait_for("the draft", |screen| screen.cursor_row().ends_with("half a thought"));
    let out = well_said(&sandbox, &["restart", "work"]);
    assert!(out.contains("a draft is at the prompt"), "{out}");
    sandbox.wait_for_record("a restart that waits", |record| record.json["restart_pending"] == true);
    assert_eq!(sandbox.records()[0].json["child_pid"], first.json["child_pid"]);
    terminal.press(Key::Enter);
    let again = idle(&sandbox, 1);
    assert_eq!(arguments(&again), ["--resume", first.text("session")]);
    terminal.wait_for_text("You said: half a thought");
    exit(&sandbox, terminal);
}

#[test]
fn a_second_wish_hastens_it_and_the_end_of_the_session_forgets_it() {
    let sandbox = sandbox();
    let mut terminal = start(&sandbox, &[]);
    asks_permission(&sandbox, &mut terminal);
    well_said(&sandbox, &["restart"]);
    assert_eq!(well_said(&sandbox, &["restart", "--now"]), "work: claude is restarted now\n");
    idle(&sandbox, 1);
    at_prompt(&mut terminal);
    asks_permission(&sandbox, &mut terminal);
    well_said(&sandbox, &["restart"]);
    well_said(&sandbox, &["stop"]);
    terminal.finish();
    sandbox.wait_for_silence();
    let record = sandbox.records().remove(0);
    assert_eq!((record.text("state"), &record.json["restart_pending"]), ("stopped", &false.into()));
    assert_eq!(record.json["restarts"], 1);
    assert!(!well_said(&sandbox, &["list", "--all"]).contains("cckw restart"));
}

#[test]
fn one_that_waits_can_be_called_off() {
    let sandbox = sandbox();
    let mut terminal = start(&sandbox, &[]);
    asks_permission(&sandbox, &mut terminal);
    let (_, err, status) = said(&mut cckw(&sandbox, &["restart", "--cancel"]));
    assert!(err.contains("no restart is waiting") && status == Some(1), "{status:?}: {err}");
    assert_eq!(well_said(&sandbox, &["restart", "--cancel", "--all"]), "no restart is waiting\n");
    for words in [&["restart", "--cancel"], &["restart", "--cancel", "--all"] as &[&str]] {
        assert!(well_said(&sandbox, &["restart"]).contains("cckw restart --cancel work"));
        assert_eq!(well_said(&sandbox, words), "work: claude is not restarted\n");
    }
    assert!(!well_said(&sandbox, &["list"]).contains("cckw restart"));
    terminal.press(Key::Enter);
    at_prompt(&mut terminal);
    let record = idle(&sandbox, 0);
    assert_eq!(record.json["restart_pending"], false);
    // It is idle, so this one is carried out; had the first ones been kept, it would be the second.
    well_said(&sandbox, &["restart"]);
    idle(&sandbox, 1);
    exit(&sandbox, terminal);
}

#[test]
fn a_crash_while_it_waits_is_a_restart_as_good_as_any() {
    let sandbox = sandbox();
    let mut terminal = start(&sandbox, &[]);
    asks_permission(&sandbox, &mut terminal);
    well_said(&sandbox, &["restart"]);
    process::signal(sandbox.records()[0].pid("claude_pid").expect("a claude"), Signal::SIGKILL);
    let again = idle(&sandbox, 1);
    assert_eq!(again.json["restart_pending"], false);
    let asked = events(&sandbox).iter().filter(|event| *event == "ending").count();
    assert_eq!(asked, 0);
    exit(&sandbox, terminal);
}

#[test]
fn while_it_waits_to_come_back_from_a_crash_it_comes_at_once() {
    let sandbox = sandbox();
    sandbox.configure("[restart]\ninitial_delay = \"10m\"\nmax_delay = \"10m\"\n");
    let mut terminal = start(&sandbox, &[]);
    process::signal(idle(&sandbox, 0).pid("claude_pid").expect("a claude"), Signal::SIGKILL);
    terminal.wait_for_text("back in");
    sandbox.wait_for_record("the wait", |record| record.text("state") == "restarting");
    assert!(well_said(&sandbox, &["restart"]).contains("restarted now"));
    idle(&sandbox, 1);
    exit(&sandbox, terminal);
}

#[test]
fn a_claude_that_refuses_to_die_is_killed_and_comes_back() {
    let sandbox = sandbox();
    let mut terminal = start(&sandbox, &["some words"]);
    terminal.wait_for_text("You said: some words");
    idle(&sandbox, 0);
    submit(&mut terminal, "/fault hang");
    // It is idle as it hangs, so it need not be hurried.
    well_said(&sandbox, &["restart"]);
    wait_until("the first signal", DEADLINE, || events(&sandbox).contains(&"ending".to_owned()));
    // It is none that ends: it may be attached to.
    well_said(&sandbox, &["detach"]);
    assert_eq!(terminal.finish().code(), Some(0));
    let mut terminal = Terminal::spawn(cckw(&sandbox, &["attach"]));
    let again = idle(&sandbox, 1);
    assert_eq!(arguments(&again), ["--resume", again.text("session")]);
    at_prompt(&mut terminal);
    exit(&sandbox, terminal);
}

#[test]
fn without_a_terminal_it_comes_back_too() {
    let sandbox = sandbox();
    let mut terminal = start(&sandbox, &["some words"]);
    terminal.wait_for_text("You said: some words");
    idle(&sandbox, 0);
    well_said(&sandbox, &["detach"]);
    terminal.finish();
    well_said(&sandbox, &["restart", "work"]);
    let again = idle(&sandbox, 1);
    assert!(again.json["client_pid"].is_null());
    let mut other = Terminal::spawn(cckw(&sandbox, &["attach"]));
    other.wait_for_text("You said: some words");
    exit(&sandbox, other);
}

#[test]
fn from_the_shell_of_a_suspended_claude() {
    let sandbox = sandbox();
    sandbox.link("cckw", cckw_program());
    let mut terminal = Terminal::shell("bash", &sandbox);
    let manners = terminal.manners();
    terminal.run("cckw claude");
    at_prompt(&mut terminal);
    submit(&mut terminal, "some words");
    terminal.wait_for_text("You said: some words");
    idle(&sandbox, 0);
    terminal.press(Key::Ctrl('z'));
    terminal.wait_for_prompt();
    sandbox.wait_for_record("a suspended claude", |record| record.text("state") == "suspended");
    terminal.run("cckw restart");
    terminal.wait_for_text("work: claude is restarted now");
    idle(&sandbox, 1);
    terminal.wait_for_manners(&manners);
    terminal.run("fg");
    terminal.wait_for_text("You said: some words");
    at_prompt(&mut terminal);
    submit(&mut terminal, "/exit");
    terminal.wait_for_prompt();
    terminal.wait_for_manners(&manners);
}

/// A claude that runs a command of its user's once, below itself and on its own terminal.
const RUNS_A_COMMAND: &str = "#!/bin/sh
echo \"start $*\"
if mkdir ran; then \"$TOOL\" $WORDS; fi
exec cat
";

#[test]
fn it_survives_being_asked_for_from_inside() {
    let mut sandbox = sandbox();
    let program = sandbox.script("claude", RUNS_A_COMMAND);
    sandbox.set("CCKW_CLAUDE", &program);
    sandbox.set("TOOL", cckw_program());
    sandbox.set("WORDS", "restart --now");
    let mut terminal = Terminal::spawn(sandbox.cckw_claude());
    terminal.wait_for("the second start", |screen| screen.text().matches("start --").count() == 2);
    let record = sandbox.wait_for_record("a second start", |record| record.json["restarts"] == 1);
    assert_eq!(record.json["exit"], serde_json::Value::Null);
    assert_eq!(
        terminal.screen().text().matches("[cckw: claude is restarted").count(),
        1,
        "{}",
        terminal.report()
    );
    well_said(&sandbox, &["stop"]);
    terminal.finish();
    sandbox.wait_for_silence();
}

/// A copy of the stand-in, called so that it is one.
fn installed(sandbox: &Sandbox, folder: &str) -> PathBuf {
    let folder = sandbox.path(folder);
    fs::create_dir_all(&folder).expect("a directory");
    let program = folder.join("claude-stand-in");
    fs::copy(cckw_program(), &program).expect("a program");
    program
}

fn runs(record: &Record) -> PathBuf {
    fs::read_link(format!("/proc/{}/exe", record.pid("child_pid").expect("a child"))).expect("a program")
}

#[test]
fn the_newer_claude_behind_the_same_link_is_taken() {
    let mut sandbox = sandbox();
    let (old, new) = (installed(&sandbox, "1.0"), installed(&sandbox, "1.1"));
    let link = sandbox.link("claude-stand-in", &old);
    sandbox.set("CCKW_CLAUDE", &link);
    let terminal = start(&sandbox, &[]);
    assert_eq!(runs(&idle(&sandbox, 0)), old);
    fs::remove_file(&link).expect("the old link");
    sandbox.link("claude-stand-in", &new);
    well_said(&sandbox, &["restart"]);
    assert_eq!(runs(&idle(&sandbox, 1)), new);
    exit(&sandbox, terminal);
}

#[test]
fn a_claude_that_has_gone_is_looked_for_where_the_restart_is_asked_for() {
    let mut sandbox = sandbox();
    let (old, new) = (installed(&sandbox, "v20"), installed(&sandbox, "v22"));
    sandbox.set("CCKW_CLAUDE", &old);
    let terminal = start(&sandbox, &[]);
    idle(&sandbox, 0);
    fs::remove_file(&old).expect("the old one");
    sandbox.set("CCKW_CLAUDE", &new);
    well_said(&sandbox, &["restart"]);
    let again = idle(&sandbox, 1);
    assert_eq!((runs(&again), again.text("program")), (new.clone(), new.to_str().expect("UTF-8")));
    assert!(events(&sandbox).contains(&"program-gone".to_owned()));
    exit(&sandbox, terminal);
}

#[test]
fn a_claude_that_is_being_replaced_is_waited_for() {
    let mut sandbox = sandbox();
    sandbox.configure("[restart]\ninitial_delay = \"100ms\"\nmax_delay = \"100ms\"\ncrash_limit = 1000\n");
    let program = installed(&sandbox, "1.0");
    sandbox.set("CCKW_CLAUDE", &program);
    let mut terminal = start(&sandbox, &[]);
    idle(&sandbox, 0);
    let aside = sandbox.path("aside");
    fs::rename(&program, &aside).expect("moves");
    well_said(&sandbox, &["restart"]);
    terminal.wait_for_text("could not be started");
    fs::rename(&aside, &program).expect("moves back");
    idle(&sandbox, 1);
    exit(&sandbox, terminal);
}

#[test]
fn one_that_stays_away_is_given_up() {
    let mut sandbox = sandbox();
    sandbox.configure("[restart]\ninitial_delay = \"10ms\"\nmax_delay = \"10ms\"\ncrash_limit = 3\n");
    let program = installed(&sandbox, "1.0");
    sandbox.set("CCKW_CLAUDE", &program);
    let mut terminal = start(&sandbox, &[]);
    idle(&sandbox, 0);
    fs::remove_file(&program).expect("removes");
    well_said(&sandbox, &["restart"]);
    assert_eq!(terminal.finish().code(), Some(127));
    let screen = terminal.screen().text().replace('\n', " ");
    let record = sandbox.wait_for_record("an end", |record| record.text("state") == "crashed");
    // Claude resumes nothing in which nothing was said.
    let advice = format!("cckw start {}", &record.text("session")[..8]);
    assert!(screen.contains(&advice), "{}", terminal.report());
    let listed = well_said(&sandbox, &["list"]);
    assert!(listed.contains("claude could not be started again ("), "{listed}");
    sandbox.wait_for_silence();
}

#[test]
fn all_of_them() {
    let sandbox = sandbox();
    assert_eq!(well_said(&sandbox, &["restart", "--all"]), "no session is running\n");
    let first = start(&sandbox, &["-n", "one"]);
    let mut second = start(&sandbox, &["-n", "two"]);
    submit(&mut second, "permission");
    second.wait_for_text("Do you want to proceed?");
    let of = |name: &str| {
        let records = sandbox.records();
        records.into_iter().find(|record| record.text("name") == name).expect("a record")
    };
    wait_until("one idle, one waiting", DEADLINE, || {
        of("one").text("status") == "idle" && of("two").text("status") == "waiting"
    });
    let out = well_said(&sandbox, &["restart", "--all"]);
    // Which of them comes first is chance, if they began in one second.
    let says = |start: &str| out.lines().any(|line| line.starts_with(start));
    assert!(says("one: claude is restarted now"), "{out}");
    assert!(says("two: claude is restarted when it is idle"), "{out}");
    wait_until("one restarted", DEADLINE, || of("one").json["restarts"] == 1);
    assert_eq!(of("two").json["restarts"], 0);
    // One that does not answer: its host is stopped.
    let (host, other) =
        (of("one").pid("host_pid").expect("a host"), of("two").pid("host_pid").expect("a host"));
    process::signal(host, Signal::SIGSTOP);
    let (out, err, status) = said(&mut cckw(&sandbox, &["restart", "--all", "--now"]));
    process::signal(host, Signal::SIGCONT);
    assert_eq!((out.as_str(), status), ("two: claude is restarted now\n", Some(1)));
    let advice = format!("to continue it: kill -CONT {host}");
    assert_eq!(
        err,
        format!("cckw: one: the session's host (process {host}) is stopped and does not answer; {advice}\n")
    );
    wait_until("the other restarted", DEADLINE, || of("two").json["restarts"] == 1);
    assert_eq!(of("two").pid("host_pid"), Some(other));
    for name in ["one", "two"] {
        well_said(&sandbox, &["stop", name]);
    }
    drop((first, second));
    sandbox.wait_for_silence();
}

#[test]
fn a_server_is_never_known_to_be_idle() {
    let sandbox = sandbox();
    let mut command = sandbox.cckw_claude();
    command.arg("remote-control");
    let mut terminal = Terminal::spawn(command);
    terminal.wait_for_text("Press Ctrl+C");
    let (_, err, status) = said(&mut cckw(&sandbox, &["restart"]));
    assert!(status == Some(1) && err.contains("--now"), "{err}");
    // However fast they follow each other, it goes on with what it served.
    for round in 1..4 {
        assert_eq!(well_said(&sandbox, &["restart", "--now"]), "work: claude is restarted now\n");
        let record = sandbox.wait_for_record("another server", |record| {
            record.text("state") == "running" && record.json["restarts"] == round
        });
        // With `--continue` it would serve a single session from then on.
        assert_eq!(arguments(&record), ["remote-control"]);
        wait_until("the server", DEADLINE, || {
            String::from_utf8_lossy(&terminal.output()).matches("Press Ctrl+C").count() > round as usize
        });
    }
    terminal.type_text("\x03");
    assert_eq!(terminal.finish().code(), Some(0), "{}", terminal.report());
    sandbox.wait_for_silence();
}

#[test]
fn what_does_not_run_cannot_be_restarted() {
    let sandbox = sandbox();
    let (out, err, status) = said(&mut cckw(&sandbox, &["restart"]));
    assert_eq!((out.as_str(), status), ("", Some(1)));
    assert!(err.contains("no session is running"), "{err}");
    let (_, err, status) = said(&mut cckw(&sandbox, &["restart", "nonsense"]));
    assert!(status == Some(1) && err.contains("nonsense"), "{err}");
    assert_eq!(said(&mut cckw(&sandbox, &["restart", "x", "--all"])).2, Some(2));
}
