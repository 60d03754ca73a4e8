//! A session in a login, what becomes of it, and how it is looked at.

use serde_json::Value;

use crate::bed::User;
use crate::support::stand_in::{at_prompt, say};
use crate::support::{DEADLINE, Key, Record, Terminal, wait_or_report};

/// A user who logs in over ssh with a terminal, starts a session named `one` with these words, and says
/// something in it.
pub fn in_a_session(user: User<'_>, words: &str) -> (Terminal, Record) {
    let mut terminal = Terminal::spawn(user.ssh(&["-tt"], &format!("{words} -n one")));
    at_prompt(&mut terminal);
    say(&mut terminal, "remember this");
    let record = record(user, "an idle claude", |record| record.text("status") == "idle");
    (terminal, record)
}

/// The record of the one session, once it is as wanted.
pub fn record(user: User<'_>, what: &str, wanted: impl Fn(&Record) -> bool) -> Record {
    let look = || user.records().pop().filter(&wanted);
    wait_or_report(what, DEADLINE, look, || format!("{:#?}\n{}", user.records(), user.processes()))
}

/// Whether its claude is idle. A host that has just begun still has the status of before in its record.
pub fn is_idle(record: &Record) -> bool {
    record.text("state") == "running" && record.text("status") == "idle"
}

/// A login that waits for its user to press Enter, and then goes on with these words.
pub fn waiting_login(user: User<'_>, words: &str) -> Terminal {
    let mut terminal = Terminal::spawn(user.ssh(&["-tt"], &format!("echo is in; read line; {words}")));
    terminal.wait_for_text("is in");
    terminal
}

/// Installs the service for the user, in a login.
pub fn install_service(user: User<'_>) {
    user.by_ssh("cckw service install");
}

/// Detaches by the key. The login has nothing left to do then, and ends.
pub fn log_out(user: User<'_>, terminal: Terminal) {
    leave(terminal);
    user.wait_for_logout();
}

/// The same where another login of the user is open.
pub fn leave(mut terminal: Terminal) {
    terminal.press(Key::Ctrl('\\'));
    terminal.wait_for_exit();
}

/// The session named `one` in `cckw list`.
pub fn listed(user: User<'_>) -> Value {
    let listed = user.listed().into_iter().find(|session| session["name"] == "one");
    listed.unwrap_or_else(|| panic!("{:?}", user.listed()))
}

/// That the one session goes on, and the verbs find it.
#[track_caller]
pub fn goes_on(user: User<'_>, before: &Record) {
    let now = listed(user);
    assert_eq!(now["state"], "idle", "{now:#}\n{}", user.processes());
    assert_eq!(now["host_pid"], before.json["host_pid"]);
    assert_eq!(now["claude_pid"], before.json["claude_pid"]);
    let screen = user.runs(&["cckw", "screen", "one"]);
    assert!(screen.contains("You said: remember this"), "{screen}");
    let mut terminal = Terminal::spawn(user.ssh(&["-tt"], "cckw attach one"));
    terminal.wait_for_text("You said: remember this");
    log_out(user, terminal);
}

/// That the one session has ended, nothing of it runs, and it is remembered: after the next login
/// `cckw start --all` brings its conversation back.
#[track_caller]
pub fn is_over_and_comes_back(user: User<'_>, before: &Record) {
    let over = record(user, "the end", |record| record.text("state") == "terminated");
    wait_or_report(
        "the end of its processes",
        DEADLINE,
        || (!user.processes().contains("one")).then_some(()),
        || user.processes(),
    );
    assert_eq!(over.text("conversation"), before.text("conversation"));
    assert_eq!(listed(user)["state"], "terminated");
    let mut terminal = Terminal::spawn(user.ssh(&["-tt"], "cckw start --all && exec cckw attach one"));
    at_prompt(&mut terminal);
    say(&mut terminal, "and this");
    let again = record(user, "it again", |record| record.text("status") == "idle");
    assert_eq!(again.text("conversation"), before.text("conversation"));
    log_out(user, terminal);
}
