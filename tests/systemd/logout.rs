//! What a logout does to a session, for each place that a session can be started in.
//!
//! docs/user/logout.md has the table; a row of it is a test here.

use std::time::{Duration, Instant};

use crate::bed::Bed;
use crate::scene::{goes_on, in_a_session, is_over_and_comes_back, listed, log_out, record};
use crate::support::{Key, Terminal};

/// So soon every verb finds a session again, whatever has happened to its files.
const FOUND_AGAIN_WITHIN: Duration = Duration::from_secs(1);

#[test]
fn over_ssh_it_goes_on_where_logind_leaves_processes_alone() {
    let Some(bed) = Bed::boot() else { return };
    bed.logind("no", "1s");
    let ada = bed.user("ada");
    let (terminal, before) = in_a_session(ada, "cckw claude");
    let host = before.pid("host_pid").expect("a host");
    assert!(ada.unit_of(host).starts_with("session-"), "{}", ada.unit_of(host));
    log_out(ada, terminal);
    goes_on(ada, &before);
    // What is left in its scope keeps the login, and that the user manager.
    let login = ada.unit_of(host).replace("session-", "").replace(".scope", "");
    let state = bed.root(&["loginctl", "show-session", "--property=State", "--value", &login]);
    assert_eq!(state.trim(), "closing");
    assert!(ada.has_runtime_directory());
}

#[test]
fn over_ssh_it_ends_where_logind_ends_processes_and_is_remembered() {
    let Some(bed) = Bed::boot() else { return };
    bed.logind("yes", "1s");
    let ada = bed.user("ada");
    let (terminal, before) = in_a_session(ada, "cckw claude");
    log_out(ada, terminal);
    is_over_and_comes_back(ada, &before);
    ada.wait_for_the_end_of_the_user_manager();
    // Lingering keeps the user manager, and nothing of the login.
    bed.root(&["loginctl", "enable-linger", "ada"]);
    let bob = bed.user("bob");
    bed.root(&["loginctl", "enable-linger", "bob"]);
    let (terminal, before) = in_a_session(bob, "cckw claude");
    log_out(bob, terminal);
    is_over_and_comes_back(bob, &before);
}

#[test]
fn below_the_user_manager_it_ends_with_that_unless_lingering_is_on() {
    let Some(bed) = Bed::boot() else { return };
    let start = "systemd-run --user --scope --quiet cckw claude";
    for (kill, lone, lingering) in [("no", "ada", "bob"), ("yes", "cleo", "dora")] {
        bed.logind(kill, "1s");
        let user = bed.user(lone);
        let (terminal, before) = in_a_session(user, start);
        log_out(user, terminal);
        user.wait_for_the_end_of_the_user_manager();
        assert!(!user.has_runtime_directory());
        is_over_and_comes_back(user, &before);

        let user = bed.user(lingering);
        user.by_ssh("loginctl enable-linger");
        let (terminal, before) = in_a_session(user, start);
        log_out(user, terminal);
        goes_on(user, &before);
    }
}

#[test]
fn outside_of_every_login_it_goes_on_and_is_found_when_the_runtime_directory_is_gone() {
    let Some(bed) = Bed::boot() else { return };
    bed.logind("yes", "1s");
    let ada = bed.user("ada");
    // Somebody else's login, or a service: `sudo -u ada cckw new`, with the runtime directory of her login.
    let login = Terminal::spawn(ada.ssh(&["-tt"], "echo in; cat"));
    let mut login = login;
    login.wait_for_text("in");
    let runtime = format!("XDG_RUNTIME_DIR=/run/user/{}", ada.uid);
    ada.runs(&["env", &runtime, "cckw", "new", "one", "--prompt", "remember this"]);
    let before = record(ada, "an idle claude", |record| record.text("status") == "idle");
    login.press(Key::Ctrl('d'));
    login.wait_for_exit();
    ada.wait_for_the_end_of_the_user_manager();
    assert!(!ada.has_runtime_directory());
    let gone = Instant::now();
    let now = listed(ada);
    assert!(gone.elapsed() < FOUND_AGAIN_WITHIN, "{:?}", gone.elapsed());
    assert_eq!(now["host_pid"], before.json["host_pid"]);
    goes_on(ada, &before);
}
