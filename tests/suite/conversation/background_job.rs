//! A conversation that its user has moved to a background job of claude's: ← at an empty prompt, then Esc.

use nix::sys::signal::Signal;

use crate::support::stand_in::{at_prompt, exit, idle, say, start, submit};
use crate::support::verb::{cckw, well_said};
use crate::support::{DEADLINE, Key, Record, Sandbox, Terminal, process, wait_until, wait_until_some};

fn sandbox() -> Sandbox {
    let mut sandbox = crate::support::stand_in::sandbox();
    sandbox.set("CCKW_STANDIN_BACKGROUND", "1");
    sandbox.configure("[restart]\ninitial_delay = \"10ms\"\nmax_delay = \"20ms\"\n");
    sandbox
}

/// Opens the agents view, which moves the conversation to a job. While a turn ends the key does nothing.
fn open_agents(sandbox: &Sandbox, terminal: &mut Terminal) {
    terminal.press_until(Key::Left, "the agents view", |screen| {
        screen.contains("Your session moved to the background")
    });
    sandbox.wait_for_record("a job", |record| record.json["background_job"].is_string());
}

/// Moves the conversation to a job, and says something there. Gives the record that has followed.
fn moved(sandbox: &Sandbox, terminal: &mut Terminal, words: &str) -> Record {
    let old = sandbox.records()[0].text("conversation").to_owned();
    open_agents(sandbox, terminal);
    terminal.press(Key::Esc);
    at_prompt(terminal);
    say(terminal, words);
    sandbox.wait_for_record("the job's conversation", |record| {
        record.text("conversation") != old && record.text("status") == "idle"
    })
}

/// The process of the job.
fn job_process(sandbox: &Sandbox, record: &Record) -> i32 {
    let job = record.text("background_job");
    wait_until_some("the job's process", DEADLINE, || {
        let files = std::fs::read_dir(sandbox.path("home/.claude/sessions")).ok()?.flatten();
        files.filter_map(|file| serde_json::from_slice(&std::fs::read(file.path()).ok()?).ok()).find_map(
            |state: serde_json::Value| {
                (state["jobId"] == job).then(|| i32::try_from(state["pid"].as_i64()?).ok()).flatten()
            },
        )
    })
}

#[test]
fn the_record_follows_the_job_and_its_status() {
    let sandbox = sandbox();
    let mut terminal = start(&sandbox, &[]);
    say(&mut terminal, "first words");
    let first = idle(&sandbox, 0);
    let parked = moved(&sandbox, &mut terminal, "second words");
    assert!(parked.text("conversation").starts_with(parked.text("background_job")));
    assert_eq!(parked.json["conversations"][0], first.json["conversation"]);
    submit(&mut terminal, "permission");
    terminal.wait_for_text("Do you want to proceed?");
    sandbox.wait_for_record("a question", |record| {
        record.text("status") == "waiting" && record.text("waiting_for") == "permission prompt"
    });
    assert!(well_said(&sandbox, &["list"]).contains("it waits for you (permission prompt)"));
    terminal.type_text("1");
    at_prompt(&mut terminal);
    submit(&mut terminal, "/clear");
    at_prompt(&mut terminal);
    say(&mut terminal, "after clear");
    sandbox.wait_for_record("the conversation after /clear", |record| {
        record.text("conversation") != parked.text("conversation")
            && record.json["background_job"] == parked.json["background_job"]
    });
    well_said(&sandbox, &["stop"]);
    terminal.finish();
    sandbox.wait_for_silence();
}

#[test]
fn after_a_crash_of_the_front_the_later_words_are_back_and_the_job_is_not() {
    let sandbox = sandbox();
    let mut terminal = start(&sandbox, &[]);
    say(&mut terminal, "first words");
    let parked = moved(&sandbox, &mut terminal, "second words");
    let job = job_process(&sandbox, &parked);
    process::signal(parked.pid("claude_pid").expect("a claude"), Signal::SIGKILL);
    let again = idle(&sandbox, 1);
    assert_eq!(again.text("conversation"), parked.text("conversation"));
    assert!(again.json["background_job"].is_null());
    assert!(!process::runs(job), "two claudes in one conversation");
    terminal.wait_for_history(parked.text("background_job"));
    terminal.wait_for_text("You said: second words");
    exit(terminal);
    sandbox.wait_for_silence();
}

#[test]
fn a_job_in_which_nothing_was_said_leaves_the_conversation_as_it_was() {
    let sandbox = sandbox();
    let mut terminal = start(&sandbox, &[]);
    say(&mut terminal, "first words");
    let first = idle(&sandbox, 0);
    open_agents(&sandbox, &mut terminal);
    process::signal(first.pid("claude_pid").expect("a claude"), Signal::SIGKILL);
    assert_eq!(idle(&sandbox, 1).text("conversation"), first.text("conversation"));
    terminal.wait_for_text("You said: first words");
    exit(terminal);
    sandbox.wait_for_silence();
}

#[test]
fn a_restart_that_waits_for_idle_and_one_at_once_bring_the_later_words_back() {
    let sandbox = sandbox();
    let mut terminal = start(&sandbox, &[]);
    say(&mut terminal, "first words");
    let parked = moved(&sandbox, &mut terminal, "second words");
    well_said(&sandbox, &["restart"]);
    assert_eq!(idle(&sandbox, 1).text("conversation"), parked.text("conversation"));
    terminal.wait_for_text("You said: second words");
    at_prompt(&mut terminal);
    let parked = moved(&sandbox, &mut terminal, "third words");
    well_said(&sandbox, &["restart", "--now"]);
    assert_eq!(idle(&sandbox, 2).text("conversation"), parked.text("conversation"));
    terminal.wait_for_text("You said: third words");
    exit(terminal);
    sandbox.wait_for_silence();
}

#[test]
fn after_the_host_was_killed_the_later_words_are_back() {
    let sandbox = sandbox();
    let mut terminal = start(&sandbox, &[]);
    say(&mut terminal, "first words");
    let parked = moved(&sandbox, &mut terminal, "second words");
    let job = job_process(&sandbox, &parked);
    process::signal(parked.pid("host_pid").expect("a host"), Signal::SIGKILL);
    let again = idle(&sandbox, 1);
    assert_eq!(again.text("conversation"), parked.text("conversation"));
    assert!(!process::runs(job), "two claudes in one conversation");
    terminal.wait_for_text("You said: second words");
    exit(terminal);
    sandbox.wait_for_silence();
}

/// The host notes the new conversation a moment after the first words in the job, and may be killed before.
#[test]
fn words_that_the_record_did_not_know_of_are_back_after_the_machine_went_down() {
    let sandbox = sandbox();
    let mut terminal = start(&sandbox, &[]);
    say(&mut terminal, "first words");
    let first = idle(&sandbox, 0);
    let parked = moved(&sandbox, &mut terminal, "second words");
    let processes = sandbox.processes();
    for signal in [Signal::SIGSTOP, Signal::SIGKILL] {
        for pid in &processes {
            process::signal(*pid, signal);
        }
    }
    sandbox.wait_for_silence();
    drop(terminal);
    let mut record = parked.json.clone();
    record["conversation"] = first.json["conversation"].clone();
    record["boot"] = "of-another-day".into();
    std::fs::write(&parked.path, record.to_string()).expect("a record");
    well_said(&sandbox, &["start", "work"]);
    assert_eq!(idle(&sandbox, 1).text("conversation"), parked.text("conversation"));
    let log = well_said(&sandbox, &["logs", "work"]);
    assert!(log.contains(&format!("id={}", parked.text("conversation"))), "{log}");
    assert!(well_said(&sandbox, &["screen", "work"]).contains("You said: second words"));
    well_said(&sandbox, &["stop"]);
    sandbox.wait_for_silence();
}

#[test]
fn a_stop_ends_the_job_too() {
    let sandbox = sandbox();
    let mut terminal = start(&sandbox, &[]);
    say(&mut terminal, "first words");
    moved(&sandbox, &mut terminal, "second words");
    well_said(&sandbox, &["stop"]);
    terminal.finish();
    sandbox.wait_for_silence();
}

#[test]
fn a_front_that_its_user_leaves_says_where_the_conversation_goes_on() {
    let sandbox = sandbox();
    let mut terminal = start(&sandbox, &[]);
    say(&mut terminal, "first words");
    let parked = moved(&sandbox, &mut terminal, "second words");
    let job = job_process(&sandbox, &parked);
    submit(&mut terminal, "/exit");
    assert_eq!(terminal.finish().code(), Some(0), "{}", terminal.report());
    // Without blanks: the terminal may have broken the line at one.
    let said = terminal.history().concat().replace(' ', "");
    assert!(
        said.contains(&format!("claudeattach{}", parked.text("background_job"))),
        "{}",
        terminal.report()
    );
    assert!(process::runs(job));
    // It has the conversation, so nobody else opens that.
    let mut other = sandbox.cckw_claude();
    other.args(["--resume", parked.text("conversation")]);
    let mut other = Terminal::spawn(other);
    assert_eq!(other.finish().code(), Some(1), "{}", other.report());
    let said = other.history().concat().replace(' ', "");
    assert!(said.contains(&format!("claudestop{}", parked.text("background_job"))), "{}", other.report());
    // The session takes it back.
    assert!(cckw(&sandbox, &["start", "work"]).status().expect("runs").success());
    assert_eq!(idle(&sandbox, 1).text("conversation"), parked.text("conversation"));
    wait_until("the end of the job", DEADLINE, || !process::runs(job));
    well_said(&sandbox, &["stop"]);
    sandbox.wait_for_silence();
}
