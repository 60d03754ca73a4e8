//! A conversation that a live claude has open is not opened a second time.

use nix::sys::signal::Signal;

use super::driver::{How, Place, goes_on, leave, says, submit, wait_for_prompt};
use super::support::{DEADLINE, Terminal, process, wait_until};

/// Everything that the screen has shown, without what wrapping makes of it.
fn said(terminal: &Terminal) -> String {
    terminal.history().concat().replace(' ', "")
}

/// What is left of a claude ends, and its state file goes.
#[track_caller]
fn end(place: &Place, mut claude: Terminal) {
    let pid = claude.pid();
    submit(&mut claude, "/exit");
    assert_eq!(claude.finish().code(), Some(0), "{}", claude.report());
    wait_until("the end of the state file", DEADLINE, || place.state_of(pid).is_none());
}

#[test]
fn what_another_claude_has_is_refused_and_a_copy_is_not() {
    let place = Place::new();
    let mut held = place.start(How::Direct, &[]);
    wait_until("a state file", DEADLINE, || {
        place.state_of(held.pid()).is_some_and(|state| state["status"] == "idle")
    });
    let id =
        place.state_of(held.pid()).expect("a state file")["sessionId"].as_str().expect("an id").to_owned();
    goes_on(&place, &mut held, &id, "the first words");
    for words in [&["--resume", &id][..], &["--continue"]] {
        let mut refused = Terminal::spawn(place.command(How::Through, words));
        assert_eq!(refused.finish().code(), Some(1), "{words:?} {}", refused.report());
        let told = said(&refused);
        assert!(told.contains(&format!("anotherclaude(process{}", held.pid())), "{}", refused.report());
        assert!(told.contains(&format!("claude--resume{id}--fork-session")), "{}", refused.report());
        assert!(place.sandbox.records().is_empty(), "{words:?}");
    }
    // A copy is allowed beside it, and --continue is right about what it would have opened.
    let fork = place.start(How::Through, &["--continue", "--fork-session"]);
    assert_ne!(says(&place, "idle", 0).text("conversation"), id);
    assert!(fork.history().iter().any(|row| row.contains("the first words")), "{}", fork.report());
    leave_beside(&place, fork);
    // Killed, it leaves its state file, which holds nothing.
    process::signal(held.pid(), Signal::SIGKILL);
    held.wait_for_exit();
    assert!(place.state_of(held.pid()).is_some());
    let mut again = Terminal::spawn(place.command(How::Through, &["--resume", &id]));
    wait_for_prompt(&mut again);
    wait_until("the same conversation", DEADLINE, || {
        place.sandbox.records().iter().any(|record| record.text("conversation") == id)
    });
    leave(&place, again);
}

/// Leaves a claude beside which another one runs.
#[track_caller]
fn leave_beside(place: &Place, mut terminal: Terminal) {
    submit(&mut terminal, "/exit");
    assert_eq!(terminal.finish().code(), Some(0), "{}", terminal.report());
    place.sandbox.wait_for_record("an end", |record| record.text("state") == "stopped");
}

#[test]
fn what_was_opened_meanwhile_is_left_to_the_one_who_did() {
    let place = Place::new();
    place.sandbox.configure("[restart]\ninitial_delay = \"10m\"\nmax_delay = \"10m\"\n");
    let mut terminal = place.start(How::Through, &[]);
    let record = says(&place, "idle", 0);
    let id = record.text("conversation");
    goes_on(&place, &mut terminal, id, "the first words");
    process::signal(record.pid("claude_pid").expect("a claude"), Signal::SIGKILL);
    terminal.wait_for_text("Enter: now, ctrl-c: quit");
    let other = place.start(How::Direct, &["--resume", id]);
    wait_until("the other one's state file", DEADLINE, || {
        place.state_of(other.pid()).is_some_and(|state| state["status"] == "idle")
    });
    terminal.type_text("\r");
    assert_eq!(terminal.finish().code(), Some(137), "{}", terminal.report());
    assert!(
        said(&terminal).contains(&format!("anotherclaude(process{}", other.pid())),
        "{}",
        terminal.report()
    );
    end(&place, other);
    place.sandbox.wait_for_silence();
}

#[test]
fn what_claude_itself_refuses_is_recognised_and_replaced() {
    let place = Place::new();
    place.sandbox.configure("[restart]\ninitial_delay = \"100ms\"\nmax_delay = \"100ms\"\n");
    let mut terminal = place.start(How::Through, &[]);
    let record = says(&place, "idle", 0);
    let id = record.text("conversation");
    goes_on(&place, &mut terminal, id, "the first words");
    process::signal(record.pid("claude_pid").expect("a claude"), Signal::SIGKILL);
    // What looks like a message and is none: only claude can tell.
    place.rewrite(id, "{\"type\":\"user\",\"uuid\":\"x\"}\n");
    let again = says(&place, "idle", 2);
    assert_ne!(again.text("conversation"), id);
    wait_for_prompt(&mut terminal);
    // The new claude has another screen.
    let output = String::from_utf8_lossy(&terminal.output()).into_owned();
    assert!(output.contains(&format!("the conversation {id} is refused by claude; a new one")), "{output}");
    leave(&place, terminal);
}
