//! A turn that a crash broke off, and a claude that goes on with it.

use nix::sys::signal::Signal;

use super::driver::{How, Place, goes_on, leave, says, submit, wait_for_prompt, written};
use super::mock::{HELD, HOLD};
use super::support::{DEADLINE, Key, Record, Terminal, process, wait_until};

const QUICK: &str = "[restart]\ninitial_delay = \"100ms\"\nearly_delay = \"0s\"\nmax_delay = \"100ms\"\n";

/// Begins a turn that is not answered. Gives the record in which claude works on it.
fn working(place: &Place, terminal: &mut Terminal, id: &str, restarts: u64) -> Record {
    submit(terminal, HOLD);
    written(place, id, HOLD);
    wait_until("the request", DEADLINE, || asked(place) == 1);
    says(place, "busy", restarts)
}

fn kill_claude(record: &Record) {
    process::signal(record.pid("claude_pid").expect("a claude"), Signal::SIGKILL);
}

/// How often the prompt of the turn has come to the model.
fn asked(place: &Place) -> usize {
    place.mock.arrived().iter().filter(|prompt| prompt.contains(HOLD)).count()
}

/// The names of variables that tell a claude to go on.
fn told(claude: i32) -> usize {
    let environment = process::environment(claude);
    environment.iter().filter(|entry| entry.to_string_lossy().starts_with("CLAUDE_CODE_RESUME_")).count()
}

#[test]
fn it_goes_on_where_that_is_configured_and_what_it_starts_knows_nothing_of_that() {
    let place = Place::new();
    place.sandbox.configure(&format!("{QUICK}[turn]\ncrash = \"continue\"\n"));
    let mut terminal = place.start(How::Through, &[]);
    let id = says(&place, "idle", 0).text("conversation").to_owned();
    goes_on(&place, &mut terminal, &id, "the first words");
    kill_claude(&working(&place, &mut terminal, &id, 0));
    let back = place.sandbox.wait_for_record("a turn that goes on", |record| {
        record.json["turns_continued"] == 1 && record.json["restarts"] == 1 && record.text("status") == "busy"
    });
    assert_eq!((back.text("conversation"), told(back.pid("claude_pid").expect("a claude"))), (&id[..], 2));
    place.mock.release();
    terminal.wait_for_text(HELD);
    says(&place, "idle", 1);
    wait_for_prompt(&mut terminal);
    assert_eq!(asked(&place), 2);
    terminal.type_text("!");
    terminal.type_text("env | grep -c CLAUDE_CODE_RESUME_");
    terminal.press(Key::Enter);
    let is_none = |row: &String| row.replace('\u{a0}', " ").trim() == "⎿  0";
    terminal.wait_for("the number of variables", |screen| screen.rows.iter().any(is_none));
    // The next claude has nothing to go on with.
    kill_claude(&says(&place, "idle", 1));
    let last = says(&place, "idle", 2);
    wait_for_prompt(&mut terminal);
    assert_eq!((asked(&place), told(last.pid("claude_pid").expect("a claude"))), (2, 0));
    assert_eq!(last.json["turns_continued"], 1);
    leave(&place, terminal);
}

#[test]
fn it_goes_on_by_hand() {
    let place = Place::new();
    place.sandbox.configure(QUICK);
    let mut terminal = place.start(How::Through, &[]);
    let id = says(&place, "idle", 0).text("conversation").to_owned();
    goes_on(&place, &mut terminal, &id, "the first words");
    kill_claude(&working(&place, &mut terminal, &id, 0));
    says(&place, "idle", 1);
    wait_for_prompt(&mut terminal);
    assert_eq!(asked(&place), 1);
    place.verb(&["continue"]);
    place.mock.release();
    terminal.wait_for_text(HELD);
    let back = says(&place, "idle", 2);
    assert_eq!((back.text("conversation"), asked(&place)), (&id[..], 2));
    assert!(back.json["broken_turn"].is_null());
    wait_for_prompt(&mut terminal);
    leave(&place, terminal);
}

/// Claude itself sends nothing then, whatever its environment says.
#[test]
fn a_turn_that_the_user_has_broken_off_is_left_alone() {
    let place = Place::new();
    place.sandbox.configure(&format!("{QUICK}[turn]\ncrash = \"continue\"\n"));
    let mut terminal = place.start(How::Through, &[]);
    let id = says(&place, "idle", 0).text("conversation").to_owned();
    goes_on(&place, &mut terminal, &id, "the first words");
    working(&place, &mut terminal, &id, 0);
    terminal.press(Key::Esc);
    kill_claude(&says(&place, "idle", 0));
    let back = says(&place, "idle", 1);
    assert_eq!((asked(&place), back.json["turns_continued"].as_u64()), (1, Some(0)));
    assert!(back.json["broken_turn"].is_null());
    terminal.wait_for("a prompt", |screen| screen.rows[usize::from(screen.cursor.0)].starts_with('❯'));
    place.verb(&["stop"]);
    terminal.finish();
    place.sandbox.wait_for_silence();
}
