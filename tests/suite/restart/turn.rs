//! A turn that a crash broke off: it is told, and gone on with where its user wants that.

use nix::sys::signal::Signal;

use crate::support::stand_in::{at_prompt, exit, idle, say, start, submit};
use crate::support::verb::{cckw, well_said};
use crate::support::{DEADLINE, Key, Record, Sandbox, Terminal, process, wait_until};

/// A sandbox in which a turn takes long enough to be broken off.
fn sandbox(configuration: &str) -> Sandbox {
    let mut sandbox = crate::support::stand_in::sandbox();
    sandbox.set("CCKW_STANDIN_PACE", "200");
    sandbox.configure(&format!("[start]\nexisting = \"new\"\n{configuration}"));
    sandbox
}

/// Claude stays away for as long as nobody presses a key.
const PATIENT: &str = "[restart]\ninitial_delay = \"10m\"\nmax_delay = \"10m\"\n";
/// It comes back at once.
const QUICK: &str = "[restart]\ninitial_delay = \"10ms\"\nearly_delay = \"0s\"\nmax_delay = \"10ms\"\n";

const WORDS: &str = "words that take a while";

/// Begins a turn, with claude at rest. Gives the record in which claude works on it.
fn working(sandbox: &Sandbox, terminal: &mut Terminal) -> Record {
    sandbox.wait_for_record("a claude at rest", |record| record.text("status") == "idle");
    submit(terminal, WORDS);
    sandbox.wait_for_record("a turn", |record| record.text("status") == "busy")
}

/// Says something, so that there is a conversation. The answer is on the screen before the turn has ended.
fn first_turn(sandbox: &Sandbox, terminal: &mut Terminal) {
    submit(terminal, "a");
    sandbox.wait_for_record("a turn", |record| record.text("status") == "busy");
    sandbox.wait_for_record("its end", |record| record.text("status") == "idle");
    at_prompt(terminal);
}

fn kill_claude(record: &Record) {
    process::signal(record.pid("claude_pid").expect("a claude"), Signal::SIGKILL);
}

/// Waits until the turn was gone on with so often, and has been answered.
fn answered(sandbox: &Sandbox, terminal: &mut Terminal, continued: u64) -> Record {
    terminal.wait_for_text(&format!("You said: {WORDS}"));
    sandbox.wait_for_record("a turn that has come to its end", |record| {
        record.text("status") == "idle"
            && record.json["turns_continued"] == continued
            && record.json["broken_turn"].is_null()
    })
}

fn is_told_to_go_on(record: &Record) -> bool {
    let environment = process::environment(record.pid("claude_pid").expect("a claude"));
    environment.iter().any(|entry| entry.to_string_lossy().starts_with("CLAUDE_CODE_RESUME_"))
}

#[test]
fn a_key_starts_claude_and_has_it_go_on() {
    let sandbox = sandbox(PATIENT);
    let mut terminal = start(&sandbox, &[]);
    first_turn(&sandbox, &mut terminal);
    kill_claude(&working(&sandbox, &mut terminal));
    terminal.wait_for_history("its turn broke off. c: start claude now, and go on with the turn]");
    let away = sandbox.wait_for_record("a turn that broke off", |record| {
        record.json["broken_turn"]["cause"] == "crash" && record.text("state") == "restarting"
    });
    assert_eq!(away.json["turns_continued"], 0);
    terminal.type_text("c");
    let back = answered(&sandbox, &mut terminal, 1);
    assert!(is_told_to_go_on(&back));
    // Of that launch alone.
    kill_claude(&back);
    terminal.wait_for_history("Enter: now");
    terminal.wait_for("no claude", |screen| !screen.cursor_row().starts_with('❯'));
    terminal.press(Key::Enter);
    assert!(!is_told_to_go_on(&idle(&sandbox, 2)));
    let log = well_said(&sandbox, &["logs"]);
    assert_eq!(
        (log.matches("turn-broke-off").count(), log.matches("turn-continued").count()),
        (1, 1),
        "{log}"
    );
    exit(terminal);
    sandbox.wait_for_silence();
}

#[test]
fn by_itself_nothing_goes_on_unless_that_is_configured() {
    let sandbox = sandbox(QUICK);
    let mut terminal = start(&sandbox, &[]);
    first_turn(&sandbox, &mut terminal);
    kill_claude(&working(&sandbox, &mut terminal));
    let back = idle(&sandbox, 1);
    assert!(!is_told_to_go_on(&back) && back.json["broken_turn"]["cause"] == "crash");
    at_prompt(&mut terminal);
    let listed = well_said(&sandbox, &["list"]);
    assert!(listed.contains("its last turn broke off; to go on with it: cckw continue work"), "{listed}");
    // By hand.
    let said = well_said(&sandbox, &["continue", "work"]);
    assert_eq!(said, "work: claude goes on with its turn\n");
    answered(&sandbox, &mut terminal, 1);
    at_prompt(&mut terminal);
    // Once.
    let output = cckw(&sandbox, &["continue", "work"]).output().expect("runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("no turn of this session broke off"), "{said}");
    exit(terminal);
    sandbox.wait_for_silence();
}

#[test]
fn where_it_is_configured_it_goes_on_by_itself_but_not_for_ever() {
    let sandbox = sandbox(&format!("{QUICK}[turn]\ncrash = \"continue\"\nmax_tries = 2\n"));
    let mut terminal = start(&sandbox, &[]);
    first_turn(&sandbox, &mut terminal);
    let mut record = working(&sandbox, &mut terminal);
    for tries in 1..=2 {
        kill_claude(&record);
        record = sandbox.wait_for_record("a turn that goes on", |record| {
            record.json["restarts"] == tries
                && record.json["turns_continued"] == tries
                && record.text("status") == "busy"
        });
        assert_eq!(record.json["turn_tries"], tries);
    }
    kill_claude(&record);
    let left = idle(&sandbox, 3);
    assert_eq!(
        (&left.json["turns_continued"], left.json["broken_turn"]["cause"].as_str()),
        (&2.into(), Some("crash"))
    );
    assert!(left.json["notice"]["text"].as_str().is_some_and(|text| text.contains("cckw continue work")));
    at_prompt(&mut terminal);
    // What the user says next is another turn, and counts anew.
    say(&mut terminal, "b");
    sandbox.wait_for_record("no turn that broke off", |record| {
        record.json["broken_turn"].is_null()
            && record.json["turn_tries"] == 0
            && record.text("status") == "idle"
    });
    exit(terminal);
    sandbox.wait_for_silence();
}

#[test]
fn a_turn_that_its_user_has_broken_off_or_ended_is_left_alone() {
    let sandbox = sandbox(&format!("{QUICK}[turn]\ncrash = \"continue\"\n"));
    let mut terminal = start(&sandbox, &[]);
    first_turn(&sandbox, &mut terminal);
    working(&sandbox, &mut terminal);
    terminal.press(Key::Esc);
    terminal.wait_for_text("Interrupted");
    kill_claude(&idle(&sandbox, 0));
    let back = idle(&sandbox, 1);
    assert!(back.json["broken_turn"].is_null() && !is_told_to_go_on(&back));
    at_prompt(&mut terminal);
    // Ended in the middle of a turn.
    working(&sandbox, &mut terminal);
    well_said(&sandbox, &["stop"]);
    terminal.finish();
    let output = cckw(&sandbox, &["continue", "work"]).output().expect("runs");
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    well_said(&sandbox, &["start", "work"]);
    let back = idle(&sandbox, 2);
    assert!(back.json["broken_turn"].is_null() && !is_told_to_go_on(&back));
    well_said(&sandbox, &["stop"]);
    sandbox.wait_for_silence();
}

/// What is left when the machine goes down in the middle of a turn.
fn go_down(sandbox: &Sandbox) {
    let processes = sandbox.processes();
    for signal in [Signal::SIGSTOP, Signal::SIGKILL] {
        for pid in &processes {
            process::signal(*pid, signal);
        }
    }
    sandbox.wait_for_silence();
    for record in sandbox.records() {
        let mut json = record.json.clone();
        json["boot"] = "of-another-day".into();
        std::fs::write(&record.path, json.to_string()).expect("a record");
    }
}

#[test]
fn a_turn_that_the_machine_broke_off_is_gone_on_with_by_hand_or_by_itself() {
    for (configuration, verb) in [("", "continue"), ("[turn]\ncrash = \"continue\"\n", "start")] {
        let sandbox = sandbox(configuration);
        let mut terminal = start(&sandbox, &[]);
        first_turn(&sandbox, &mut terminal);
        working(&sandbox, &mut terminal);
        go_down(&sandbox);
        drop(terminal);
        let listed = well_said(&sandbox, &["list"]);
        assert!(
            listed.contains("the machine went down, in a turn: cckw start work (to go on with the turn as well: cckw continue work;"),
            "{listed}"
        );
        well_said(&sandbox, &[verb, "work"]);
        let mut terminal = Terminal::spawn(cckw(&sandbox, &["attach", "work"]));
        answered(&sandbox, &mut terminal, 1);
        at_prompt(&mut terminal);
        exit(terminal);
        sandbox.wait_for_silence();
    }
}

#[test]
fn a_turn_that_sigterm_broke_off_is_gone_on_with_when_the_session_is_wanted_again() {
    let sandbox = sandbox("");
    let mut terminal = start(&sandbox, &[]);
    first_turn(&sandbox, &mut terminal);
    let record = working(&sandbox, &mut terminal);
    process::signal(record.pid("host_pid").expect("a host"), Signal::SIGTERM);
    terminal.finish();
    sandbox.wait_for_record("a turn that broke off", |record| {
        record.text("state") == "terminated" && record.json["broken_turn"]["cause"] == "crash"
    });
    well_said(&sandbox, &["continue", "work"]);
    wait_until("the answer", DEADLINE, || {
        well_said(&sandbox, &["screen", "work"]).contains(&format!("You said: {WORDS}"))
    });
    well_said(&sandbox, &["stop"]);
    sandbox.wait_for_silence();
}
