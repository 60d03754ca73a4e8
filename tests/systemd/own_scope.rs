//! While the service runs, a session outlives the login that it was started in, and the service: its host gets
//! a scope of its own below the user manager.

use std::time::Instant;

use crate::bed::{Bed, User};
use crate::scene::{goes_on, in_a_session, install_service, is_idle, leave, log_out, record, waiting_login};
use crate::support::stand_in::at_prompt;
use crate::support::{DEADLINE, Key, Record, wait_until};

/// What the session's log says about scopes.
fn log(user: User<'_>) -> String {
    let said = user.runs(&["cckw", "logs", "one"]);
    said.lines().filter(|line| line.contains("own-scope")).collect::<Vec<_>>().join("\n")
}

#[test]
fn with_lingering_it_outlives_a_login_whose_processes_are_ended() {
    let Some(bed) = Bed::boot() else { return };
    bed.logind("yes", "1s");
    let ada = bed.user("ada");
    ada.by_ssh("loginctl enable-linger");
    install_service(ada);
    let (terminal, before) = in_a_session(ada, "cckw claude");
    let scope = ada.unit_of(before.pid("host_pid").expect("a host"));
    assert!(scope.starts_with(&format!("cckw-{}-", before.text("session"))), "{scope}");
    assert_eq!(ada.unit_of(before.pid("claude_pid").expect("a claude")), scope);
    assert!(log(ada).contains(&scope), "{}", log(ada));
    log_out(ada, terminal);
    goes_on(ada, &before);
    // It goes with its session.
    ada.runs(&["cckw", "stop", "one"]);
    let words =
        ["systemctl", "--user", "--machine=ada@.host", "--no-legend", "--all", "list-units", "cckw-*"];
    wait_until("the end of the scope", DEADLINE, || bed.root(&words).trim().is_empty());
}

#[test]
fn without_lingering_it_ends_with_the_user_manager_and_the_next_login_brings_it_back() {
    let Some(bed) = Bed::boot() else { return };
    bed.logind("yes", "1s");
    let ada = bed.user("ada");
    let mut other = waiting_login(ada, "exit");
    install_service(ada);
    let (terminal, before) = in_a_session(ada, "cckw claude");
    let scope = ada.unit_of(before.pid("host_pid").expect("a host"));
    assert!(scope.starts_with("cckw-"), "{scope}");
    leave(terminal);
    other.press(Key::Enter);
    other.wait_for_exit();
    ada.wait_for_the_end_of_the_user_manager();
    record(ada, "the end", |record| record.text("state") == "terminated");
    let login = waiting_login(ada, "exit");
    let back = record(ada, "it again", is_idle);
    assert_eq!(back.text("conversation"), before.text("conversation"));
    assert!(ada.runs(&["cckw", "screen", "one"]).contains("remember this"));
    drop(login);
}

#[test]
fn it_stays_in_a_login_that_is_left_alone_where_the_user_manager_is_not() {
    let Some(bed) = Bed::boot() else { return };
    bed.logind("no", "1s");
    let ada = bed.user("ada");
    let mut other = waiting_login(ada, "exit");
    install_service(ada);
    let (terminal, before) = in_a_session(ada, "cckw claude");
    let unit = ada.unit_of(before.pid("host_pid").expect("a host"));
    assert!(unit.starts_with("session-"), "{unit}");
    leave(terminal);
    other.press(Key::Enter);
    other.wait_for_exit();
    ada.wait_for_logout();
    goes_on(ada, &before);
}

#[test]
fn what_the_service_brings_back_outlives_the_service() {
    let Some(bed) = Bed::boot() else { return };
    bed.logind("no", "1s");
    let ada = bed.user("ada");
    install_service(ada);
    bed.root(&["loginctl", "enable-linger", "ada"]);
    let (terminal, before) = in_a_session(ada, "cckw claude");
    log_out(ada, terminal);
    let host = before.pid("host_pid").expect("a host");
    bed.root(&["kill", "-KILL", &host.to_string()]);
    let other = |record: &Record| is_idle(record) && record.pid("host_pid") != Some(host);
    let back = record(ada, "another host", other);
    let scope = ada.unit_of(back.pid("host_pid").expect("a host"));
    assert!(scope.starts_with("cckw-") && scope.ends_with(".scope"), "{scope} {}", log(ada));
    // Not only its process: all that is in its unit.
    ada.by_ssh("systemctl --user kill --kill-whom=all --signal=KILL cckw.service; systemctl --user stop cckw.service");
    goes_on(ada, &back);
}

#[test]
fn where_the_user_manager_does_not_answer_the_session_starts_all_the_same() {
    let Some(bed) = Bed::boot() else { return };
    bed.logind("yes", "1s");
    let ada = bed.user("ada");
    ada.by_ssh("loginctl enable-linger");
    install_service(ada);
    // The session keeps on from a login that is there already: a new one would wait for the user manager.
    let mut terminal = waiting_login(ada, "exec cckw claude -n one");
    let manager =
        bed.root(&["systemctl", "show", "--property=MainPID", "--value", &format!("user@{}", ada.uid)]);
    bed.root(&["kill", "-STOP", manager.trim()]);
    let begun = Instant::now();
    terminal.press(Key::Enter);
    at_prompt(&mut terminal);
    let took = begun.elapsed();
    bed.root(&["kill", "-CONT", manager.trim()]);
    let record = record(ada, "an idle claude", is_idle);
    assert!(log(ada).contains("no-own-scope"), "{}", log(ada));
    assert!(ada.unit_of(record.pid("host_pid").expect("a host")).starts_with("session-"));
    assert!(took.as_secs() < 10, "{took:?}");
}
