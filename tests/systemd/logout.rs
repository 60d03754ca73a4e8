//! What a logout does to a session, for each place that a session can be started in.
//!
//! docs/user/logout.md has the table; a row of it is a test here.

use std::time::{Duration, Instant};

use crate::bed::Bed;
use crate::scene::{goes_on, in_a_session, is_over_and_comes_back, listed, log_out, record, waiting_login};
use crate::support::stand_in::{at_prompt, say};
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

/// As on a text console: `login` asks PAM, and starts a login shell.
#[test]
fn in_a_login_by_login_it_is_as_over_ssh() {
    let Some(bed) = Bed::boot() else { return };
    for (kill, name) in [("no", "ada"), ("yes", "bob")] {
        bed.logind(kill, "1s");
        let user = bed.user(name);
        let line = format!("login -f {name}");
        let mut terminal =
            Terminal::spawn(bed.command(&["script", "--quiet", "--command", &line, "/dev/null"]));
        terminal.wait_for("the shell", |screen| screen.cursor_row().ends_with("$"));
        terminal.type_text("exec cckw claude -n one\r");
        at_prompt(&mut terminal);
        say(&mut terminal, "remember this");
        let before = record(user, "an idle claude", |record| record.text("status") == "idle");
        let unit = user.unit_of(before.pid("host_pid").expect("a host"));
        assert!(unit.starts_with("session-"), "{unit}");
        log_out(user, terminal);
        if kill == "no" {
            goes_on(user, &before);
        } else {
            is_over_and_comes_back(user, &before);
        }
    }
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
fn in_a_service_of_the_system_it_goes_on_and_is_found_when_the_runtime_directory_is_gone() {
    let Some(bed) = Bed::boot() else { return };
    bed.logind("yes", "1s");
    let ada = bed.user("ada");
    let mut login = waiting_login(ada, "exit");
    // With the runtime directory of her login.
    let set = |name: &str, value: &str| format!("--setenv={name}={value}");
    let (home, runtime) =
        (set("HOME", "/home/ada"), set("XDG_RUNTIME_DIR", &format!("/run/user/{}", ada.uid)));
    let unit =
        ["systemd-run", "--quiet", "--uid=ada", "--remain-after-exit", "--working-directory=/home/ada"];
    let words = ["cckw", "new", "one", "--prompt", "remember this"];
    bed.root(&[&unit[..], &[home.as_str(), runtime.as_str()], &words].concat());
    let before = record(ada, "an idle claude", |record| record.text("status") == "idle");
    login.press(Key::Enter);
    login.wait_for_exit();
    ada.wait_for_the_end_of_the_user_manager();
    assert!(!ada.has_runtime_directory());
    let verbs: [&[&str]; 6] = [
        &["list"],
        &["screen", "one"],
        &["logs", "one"],
        &["transcript", "one"],
        &["wait", "one"],
        &["rename", "one", "one"],
    ];
    for words in verbs {
        // On a busy machine one may have to wait for a processor.
        let quickest = (0..3).map(|_| {
            let begun = Instant::now();
            ada.runs(&[&["cckw"], words].concat());
            begun.elapsed()
        });
        let quickest = quickest.min().expect("three");
        assert!(quickest < FOUND_AGAIN_WITHIN, "{words:?} {quickest:?}");
    }
    ada.runs(&["cckw", "send", "one", "and this", "--wait"]);
    assert_eq!(listed(ada)["host_pid"], before.json["host_pid"]);
    goes_on(ada, &before);
}
