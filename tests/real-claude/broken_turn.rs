//! A turn that a crash broke off, and a claude that goes on with it.

use nix::sys::signal::Signal;

use super::driver::{How, Place, goes_on, leave, says, submit, wait_for_prompt, written};
use super::mock::{FAIL, HELD, HOLD, REPLY, RESET};
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

/// What claude is told to go on with a turn that failed.
const GO_ON: &str = "The last turn broke off.";

/// Has a turn fail in this way. Gives the record that says so.
fn failed(place: &Place, terminal: &mut Terminal, how: &str) -> Record {
    submit(terminal, &format!("{FAIL}{how}"));
    place.sandbox.wait_for_record("a turn that failed", |record| {
        record.json["turn"]["end"]["how"] == "failed" && record.text("status") == "idle"
    })
}

/// How often claude was told to go on.
fn told_to_go_on(place: &Place) -> usize {
    place.mock.arrived().iter().filter(|prompt| prompt.starts_with(GO_ON)).count()
}

/// Waits until the failed turn was gone on with, once, and answered.
fn goes_on_after_failure(place: &Place, terminal: &mut Terminal) {
    place.sandbox.wait_for_record("a turn that was gone on with", |record| {
        record.json["turns_continued"] == 1
            && record.json["turn"]["end"]["how"] == "done"
            && record.text("status") == "idle"
    });
    terminal.wait_for_text(REPLY);
    assert_eq!(told_to_go_on(place), 1);
}

/// A place in which claude itself tries once more only. A turn that fails at once can be over before the host has
/// seen it begin.
fn hasty(configuration: &str) -> Place {
    let mut place = Place::new();
    place.sandbox.set("CLAUDE_CODE_MAX_RETRIES", "1");
    place.sandbox.configure(configuration);
    place
}

#[test]
fn a_turn_that_the_service_has_failed_is_tried_again() {
    for (how, cause) in [("529", "overloaded"), ("429", "limit"), (RESET, "network")] {
        let place = hasty(&format!("[turn]\n{cause} = \"continue\"\nspacing = \"1s\"\n"));
        let mut terminal = place.start(How::Through, &[]);
        let id = says(&place, "idle", 0).text("conversation").to_owned();
        goes_on(&place, &mut terminal, &id, "the first words");
        failed(&place, &mut terminal, how);
        goes_on_after_failure(&place, &mut terminal);
        wait_for_prompt(&mut terminal);
        leave(&place, terminal);
    }
}

#[test]
fn a_turn_that_fails_again_and_again_is_left_alone() {
    let place = hasty(&format!(
        "[turn]\noverloaded = \"continue\"\nspacing = \"100ms\"\nmax_tries = 2\nprompt = \"{GO_ON} {FAIL}529\"\n"
    ));
    let mut terminal = place.start(How::Through, &[]);
    let id = says(&place, "idle", 0).text("conversation").to_owned();
    goes_on(&place, &mut terminal, &id, "the first words");
    failed(&place, &mut terminal, "529");
    place.sandbox.wait_for_record("a word to the user", |record| {
        record.json["notice"]["text"].as_str().is_some_and(|text| text.contains("cckw continue work"))
    });
    assert_eq!(place.sandbox.records()[0].json["turns_continued"], 2);
    submit(&mut terminal, "/exit");
    terminal.finish();
    place.sandbox.wait_for_silence();
}

#[test]
fn a_login_that_is_not_accepted_is_waited_for() {
    let place = hasty("[turn]\nunauthorized = \"continue\"\nspacing = \"100ms\"\n");
    let mut terminal = place.start(How::Through, &[]);
    let id = says(&place, "idle", 0).text("conversation").to_owned();
    goes_on(&place, &mut terminal, &id, "the first words");
    let record = failed(&place, &mut terminal, "401");
    assert_eq!(record.json["turn"]["end"]["kind"], "unauthorized");
    assert_eq!(told_to_go_on(&place), 0);
    std::fs::write(place.sandbox.path("home/.claude/.credentials.json"), "{}").expect("a login");
    goes_on_after_failure(&place, &mut terminal);
    wait_for_prompt(&mut terminal);
    leave(&place, terminal);
}

#[test]
fn a_turn_that_failed_is_told_to_the_command_and_is_left_alone() {
    let place = hasty(
        "[notify]\ncommand = [\"sh\", \"-c\", \"echo $CCKW_EVENT $CCKW_TEXT >>$HOME/told\"]\non = [\"failed\"]\n",
    );
    let mut terminal = place.start(How::Through, &[]);
    let id = says(&place, "idle", 0).text("conversation").to_owned();
    goes_on(&place, &mut terminal, &id, "the first words");
    failed(&place, &mut terminal, "529");
    let told = || std::fs::read_to_string(place.sandbox.path("home/told")).unwrap_or_default();
    wait_until("the command", DEADLINE, || told().contains("failed claude's turn failed (overloaded): "));
    assert_eq!(told_to_go_on(&place), 0);
    let output =
        place.sandbox.command(place.sandbox.path("bin/cckw")).arg("continue").output().expect("runs");
    assert!(
        output.status.success(),
        "{output:?} {:#?} {} {:?}",
        place.log(),
        terminal.report(),
        place.sandbox.records()[0].json
    );
    goes_on_after_failure(&place, &mut terminal);
    assert_eq!(told().lines().count(), 1, "{}", told());
    wait_for_prompt(&mut terminal);
    leave(&place, terminal);
}
