//! What cckw promises with any version of Claude Code, also one that has no state file and whose screens it
//! does not know.

use nix::sys::signal::Signal;

use super::driver::{How, Place, says, submit, wait_for_prompt};
use super::mock::REPLY;
use super::support::{DEADLINE, Key, Terminal, process, wait_until};
use super::versions::is_old;

/// A prompt, said for the first time, and its answer, on the screen and on disk. (Claude may write down the
/// last prompt once more behind the answer.)
#[track_caller]
fn talk(place: &Place, terminal: &mut Terminal, id: &str, prompt: &str) {
    submit(terminal, prompt);
    wait_until("the reply in the transcript", DEADLINE, || {
        place.transcript(id).split_once(prompt).is_some_and(|(_, after)| after.contains(REPLY))
    });
    wait_for_prompt(terminal);
}

/// With cckw's own words on the screen behind it the old versions draw below them.
#[track_caller]
fn leave(place: &Place, mut terminal: Terminal) {
    submit(&mut terminal, "/exit");
    assert_eq!(terminal.finish().code(), Some(0), "{}", terminal.report());
    assert_eq!(terminal.modes().left_on(), Vec::<String>::new());
    place.sandbox.wait_for_silence();
}

#[test]
fn a_prompt_is_answered_and_it_ends_as_claude_ends() {
    let place = Place::new();
    let mut terminal = place.start(How::Through, &[]);
    let id = says(&place, "idle", 0).text("conversation").to_owned();
    talk(&place, &mut terminal, &id, "the first words");
    terminal.wait_for_text(REPLY);
    leave(&place, terminal);
}

#[test]
fn after_a_crash_the_conversation_goes_on() {
    let place = Place::new();
    place.sandbox.configure("[restart]\ninitial_delay = \"10m\"\nmax_delay = \"10m\"\n");
    let mut terminal = place.start(How::Through, &[]);
    let before = says(&place, "idle", 0);
    let id = before.text("conversation").to_owned();
    talk(&place, &mut terminal, &id, "the first words");
    assert!(process::signal(before.pid("claude_pid").expect("a claude"), Signal::SIGKILL));
    terminal.wait_for("cckw's line", |screen| screen.last_row().ends_with("Enter: now, ctrl-c: quit]"));
    assert_eq!(terminal.modes().left_on(), Vec::<String>::new());
    terminal.press(Key::Enter);
    let after = says(&place, "idle", 1);
    assert_eq!(process::arguments(after.pid("claude_pid").expect("a claude")).pop(), Some(id.clone()));
    terminal.wait_for("the conversation, drawn again", |screen| {
        let again = screen.rows.iter().rposition(|row| row.starts_with("[cckw: ")).map_or(0, |own| own + 1);
        screen.rows[again..].iter().any(|row| row.contains(REPLY))
    });
    wait_for_prompt(&mut terminal);
    talk(&place, &mut terminal, &id, "the second words");
    leave(&place, terminal);
}

#[test]
fn a_closed_terminal_leaves_it_and_another_one_takes_it() {
    let place = Place::new();
    let mut terminal = place.start(How::Through, &[]);
    let before = says(&place, "idle", 0);
    let id = before.text("conversation").to_owned();
    talk(&place, &mut terminal, &id, "the first words");
    terminal.hang_up();
    place.sandbox.wait_for_record("nobody attached", |record| record.json["client_pid"].is_null());
    assert!(process::runs(before.pid("claude_pid").expect("a claude")));
    let mut command = place.sandbox.command(place.sandbox.path("bin/cckw"));
    command.arg("attach");
    let mut other = Terminal::builder().size(30, 90).spawn(command);
    other.wait_for_text(REPLY);
    wait_for_prompt(&mut other);
    talk(&place, &mut other, &id, "the second words");
    leave(&place, other);
}

/// Where claude says what it does and its prompt is known, the link is asked for once, and the refusal is
/// read. Elsewhere nothing is typed, and the log says why, once.
#[test]
fn the_link_is_asked_for_at_a_known_prompt_or_not_at_all() {
    let place = Place::new();
    place
        .sandbox
        .configure("[remote_control]\nkeep = \"always\"\ndisconnected_for = \"500ms\"\nrest = \"1s\"\n");
    let mut terminal = place.start(How::Through, &[]);
    if is_old() {
        wait_until("a word in the log", DEADLINE, || place.count("no-state-file") == 1);
        place.sandbox.wait_for_record("a claude that runs", |record| record.text("state") == "running");
        let record = says(&place, "idle", 0);
        assert_eq!(
            (record.text("state"), record.json["remote"]["state"].as_str()),
            ("running", Some("unknown"))
        );
        assert_eq!(record.text("claude_version"), super::install::version());
        // The relay goes on.
        talk(&place, &mut terminal, record.text("conversation"), "the first words");
        assert_eq!((place.count("no-state-file"), place.count("remote-typing")), (1, 0));
    } else {
        place.sandbox.wait_for_record("a refusal", |record| record.json["remote"]["state"] == "unavailable");
        assert_eq!(
            (place.count("remote-entering"), place.count("remote-failed")),
            (1, 1),
            "{:#?}",
            place.log()
        );
        assert!(!place.mock.asked(), "{:?}", place.mock.arrived());
        wait_for_prompt(&mut terminal);
    }
    leave(&place, terminal);
}
