//! While the service runs, a session outlives the login that it was started in, and the service: its host gets
//! a scope of its own below the user manager.

use std::time::Instant;

use crate::bed::{Bed, User};
use crate::scene::{goes_on, in_a_session, is_over_and_comes_back, leave, log_out, record, waiting_login};
use crate::support::stand_in::at_prompt;
use crate::support::{DEADLINE, Key, wait_until};

/// Makes a unit of the user manager hold what a running service holds: the lock in the state directory.
fn hold_the_lock(user: User<'_>) {
    let state = user.home(".local/state/cckw");
    user.by_ssh(&format!(
        "mkdir -p -m 700 {state} && systemd-run --user --quiet --unit=lock flock {state}/service.lock sleep infinity"
    ));
    wait_until("the lock", DEADLINE, || {
        !user
            .command(&["flock", "-n", &format!("{state}/service.lock"), "true"])
            .status()
            .expect("flock")
            .success()
    });
}

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
    hold_the_lock(ada);
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
fn without_lingering_it_ends_with_the_user_manager_or_stays_in_a_login_that_is_left_alone() {
    let Some(bed) = Bed::boot() else { return };
    bed.logind("yes", "1s");
    let ada = bed.user("ada");
    let mut other = waiting_login(ada, "exit");
    hold_the_lock(ada);
    let (terminal, before) = in_a_session(ada, "cckw claude");
    let scope = ada.unit_of(before.pid("host_pid").expect("a host"));
    assert!(scope.starts_with("cckw-"), "{scope}");
    leave(terminal);
    other.press(Key::Enter);
    other.wait_for_exit();
    ada.wait_for_the_end_of_the_user_manager();
    is_over_and_comes_back(ada, &before);

    bed.logind("no", "1s");
    let bob = bed.user("bob");
    let mut other = waiting_login(bob, "exit");
    hold_the_lock(bob);
    let (terminal, before) = in_a_session(bob, "cckw claude");
    let unit = bob.unit_of(before.pid("host_pid").expect("a host"));
    assert!(unit.starts_with("session-"), "{unit}");
    leave(terminal);
    other.press(Key::Enter);
    other.wait_for_exit();
    bob.wait_for_logout();
    goes_on(bob, &before);
}

#[test]
fn it_outlives_the_service_that_has_started_it() {
    let Some(bed) = Bed::boot() else { return };
    let ada = bed.user("ada");
    ada.by_ssh("loginctl enable-linger");
    hold_the_lock(ada);
    // A service that brings back a session, and whose whole group is killed.
    ada.by_ssh("systemd-run --user --quiet --unit=cckw.service sh -c 'cckw new one; sleep infinity'");
    let before = record(ada, "an idle claude", |record| record.text("status") == "idle");
    let scope = ada.unit_of(before.pid("host_pid").expect("a host"));
    assert!(scope.starts_with("cckw-") && scope.ends_with(".scope"), "{scope}");
    ada.by_ssh("systemctl --user stop cckw.service");
    let after = ada.listed().remove(0);
    assert_eq!(after["host_pid"], before.json["host_pid"]);
    assert_eq!(after["state"], "idle");
}

#[test]
fn where_the_user_manager_does_not_answer_the_session_starts_all_the_same() {
    let Some(bed) = Bed::boot() else { return };
    bed.logind("yes", "1s");
    let ada = bed.user("ada");
    ada.by_ssh("loginctl enable-linger");
    hold_the_lock(ada);
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
    let record = record(ada, "an idle claude", |record| record.text("status") == "idle");
    assert!(log(ada).contains("no-own-scope"), "{}", log(ada));
    assert!(ada.unit_of(record.pid("host_pid").expect("a host")).starts_with("session-"));
    assert!(took.as_secs() < 10, "{took:?}");
}
