//! A conversation that its user has moved to a background job: ← at the empty prompt, then Esc. And a state
//! file that somebody removes.

use nix::sys::signal::Signal;

use super::driver::{How, Place, goes_on, leave, says, submit, wait_for_prompt};
use super::mock::{HOLD, USE_TOOL};
use super::support::{DEADLINE, Key, Record, Screen, Terminal, process, wait_until};

/// Moves the conversation to a job and says something there. Gives the record that has followed.
#[track_caller]
fn moved(place: &Place, terminal: &mut Terminal, words: &str) -> Record {
    let old = place.sandbox.records()[0].text("conversation").to_owned();
    terminal.press(Key::Left);
    terminal.wait_for_text("moved to the background");
    let record = place.sandbox.wait_for_record("a job", |record| record.json["background_job"].is_string());
    // The job needs a moment before it can be opened. At its prompt one Esc does no harm, and a second one
    // opens a list.
    let is_left = |screen: &Screen| !screen.contains("moved to the background");
    terminal.press_until(Key::Esc, "another view", is_left);
    wait_for_prompt(terminal);
    let id = place.job_conversation(record.text("background_job"));
    goes_on(place, terminal, &id, words);
    place.sandbox.wait_for_record("the job's conversation", |record| {
        record.text("conversation") == id && id != old && record.text("status") == "idle"
    })
}

#[test]
fn it_is_followed_and_brought_back_after_a_crash_a_restart_and_a_killed_host() {
    let place = Place::new();
    place.sandbox.configure("[restart]\ninitial_delay = \"100ms\"\nmax_delay = \"100ms\"\n");
    let mut terminal = place.start(How::Through, &["--permission-mode", "manual"]);
    let first = says(&place, "idle", 0);
    goes_on(&place, &mut terminal, first.text("conversation"), "the first words");
    let parked = moved(&place, &mut terminal, "the second words");
    submit(&mut terminal, USE_TOOL);
    terminal.wait_for_text("Do you want to proceed?");
    place.sandbox.wait_for_record("a question", |record| {
        record.text("status") == "waiting" && record.text("waiting_for") == "permission prompt"
    });
    terminal.press(Key::Esc);
    wait_for_prompt(&mut terminal);
    says(&place, "idle", 0);
    // A crash of the process in the terminal.
    process::signal(parked.pid("claude_pid").expect("a claude"), Signal::SIGKILL);
    let again = says(&place, "idle", 1);
    assert_eq!(again.text("conversation"), parked.text("conversation"));
    assert!(again.json["background_job"].is_null());
    wait_for_prompt(&mut terminal);
    terminal.wait_for_text("the second words");
    // A restart that waits until it is idle.
    let parked = moved(&place, &mut terminal, "the third words");
    place.verb(&["restart"]);
    assert_eq!(says(&place, "idle", 2).text("conversation"), parked.text("conversation"));
    wait_for_prompt(&mut terminal);
    terminal.wait_for_text("the third words");
    // A host that was killed.
    let parked = moved(&place, &mut terminal, "the fourth words");
    process::signal(parked.pid("host_pid").expect("a host"), Signal::SIGKILL);
    assert_eq!(says(&place, "idle", 3).text("conversation"), parked.text("conversation"));
    wait_for_prompt(&mut terminal);
    terminal.wait_for_text("the fourth words");
    // A stop ends the job, too.
    let parked = moved(&place, &mut terminal, "the fifth words");
    place.verb(&["stop"]);
    terminal.finish();
    wait_until("the end of the job", DEADLINE, || {
        place.states().iter().all(|state| state["jobId"] != parked.text("background_job"))
    });
    place.end_daemon();
}

#[test]
fn a_state_file_that_is_removed_is_not_written_again_and_that_is_said() {
    let place = Place::new();
    let mut terminal = place.start(How::Through, &[]);
    let record = says(&place, "idle", 0);
    let id = record.text("conversation").to_owned();
    goes_on(&place, &mut terminal, &id, "the first words");
    let pid = record.pid("claude_pid").expect("a claude");
    std::fs::remove_file(place.sandbox.path(format!("home/.claude/sessions/{pid}.json"))).expect("removes");
    place.sandbox.wait_for_record("a state file that is gone", |record| {
        record.json["state_file_removed"] == true && record.json["status"].is_null()
    });
    goes_on(&place, &mut terminal, &id, "the second words");
    assert!(place.state_of(pid).is_none());
    let mut refused = Terminal::spawn(place.command(How::Through, &["--resume", &id]));
    assert_eq!(refused.finish().code(), Some(1), "{}", refused.report());
    leave(&place, terminal);
}

#[test]
fn a_title_that_is_open_is_refused() {
    let place = Place::new();
    let mut terminal = place.start(How::Through, &["-n", "My Title"]);
    let id = says(&place, "idle", 0).text("conversation").to_owned();
    goes_on(&place, &mut terminal, &id, "the first words");
    let mut refused = Terminal::spawn(place.command(How::Through, &["--resume", "my title"]));
    assert_eq!(refused.finish().code(), Some(1), "{}", refused.report());
    assert!(refused.history().concat().replace(' ', "").contains("cckwattach"), "{}", refused.report());
    submit(&mut terminal, "/exit");
    assert_eq!(terminal.finish().code(), Some(0), "{}", terminal.report());
}

/// Turns of every kind are written, so none of them is an alarm.
#[test]
fn no_turn_is_taken_for_one_that_was_not_saved() {
    let place = Place::new();
    let mut terminal = place.start(How::Through, &["--permission-mode", "manual"]);
    let id = says(&place, "idle", 0).text("conversation").to_owned();
    goes_on(&place, &mut terminal, &id, "the first words");
    terminal.type_text("!");
    terminal.type_text("echo said");
    terminal.press(Key::Enter);
    wait_for_prompt(&mut terminal);
    submit(&mut terminal, USE_TOOL);
    terminal.wait_for_text("Do you want to proceed?");
    terminal.press(Key::Esc);
    wait_for_prompt(&mut terminal);
    submit(&mut terminal, "/clear");
    let cleared =
        place.sandbox.wait_for_record("a new conversation", |record| record.text("conversation") != id);
    wait_for_prompt(&mut terminal);
    goes_on(&place, &mut terminal, cleared.text("conversation"), "after clear");
    // The one that is not saved comes last: it is the only alarm.
    let projects = place.sandbox.path("home/.claude/projects");
    std::fs::rename(&projects, projects.with_extension("aside")).expect("moves");
    std::fs::write(&projects, "").expect("a file in its place");
    // Of a turn that is over within one redraw claude's state file says nothing, so this one is seen to run.
    submit(&mut terminal, HOLD);
    says(&place, "busy", 0);
    place.mock.release();
    place.sandbox.wait_for_record("an alarm", |record| record.json["transcript_problem"].is_string());
    assert_eq!(place.count("transcript-not-written"), 1, "{:?}", place.log());
    submit(&mut terminal, "/exit");
    assert_eq!(terminal.finish().code(), Some(0), "{}", terminal.report());
}
