//! What `cckw doctor` says about a logout is what happens (`logout.rs`, `own_scope.rs`), and the commands that it
//! prints work as they are typed.

use crate::bed::{Bed, User};
use crate::scene::{goes_on, in_a_session, log_out, record};
use crate::support::Terminal;

/// What it says about a logout in a login over ssh; `before` is what stands before `cckw doctor` there.
fn doctor(user: User<'_>, before: &str) -> String {
    let said = user.by_ssh(&format!("{before} cckw doctor"));
    said.lines().filter(|line| line.contains("  logout  ")).collect::<Vec<_>>().join("\n")
}

/// The command behind these words.
fn command<'a>(said: &'a str, words: &str) -> &'a str {
    let (_, rest) = said.split_once(words).unwrap_or_else(|| panic!("no {words:?} in {said}"));
    rest.split(';').next().expect("a part").trim()
}

const BELOW_THE_USER_MANAGER: &str = "systemd-run --user --scope --quiet";

#[test]
fn it_says_what_a_logout_does_where_it_is_asked() {
    let Some(bed) = Bed::boot() else { return };
    bed.logind("no", "3s");
    let ada = bed.user("ada");
    let said = doctor(ada, "");
    assert!(
        said.starts_with("ok ") && said.contains("goes on when you log out (KillUserProcesses=no"),
        "{said}"
    );
    assert!(said.contains(" in /etc/systemd/logind.conf.d/test.conf)"), "{said}");
    let said = doctor(ada, BELOW_THE_USER_MANAGER);
    assert!(said.starts_with("warn ") && said.contains("ends 3s after your last logout"), "{said}");
    bed.logind("yes", "3s");
    let said = doctor(ada, "");
    assert!(
        said.starts_with("warn ") && said.contains("ends when you log out (KillUserProcesses=yes"),
        "{said}"
    );
    let said = doctor(ada, BELOW_THE_USER_MANAGER);
    ada.by_ssh(command(&said, "to keep it running: "));
    let said = doctor(ada, BELOW_THE_USER_MANAGER);
    assert!(said.starts_with("ok ") && said.contains("(lingering is on for you)"), "{said}");
    let said = ada.runs(&["cckw", "doctor"]);
    assert!(said.contains("this shell belongs to no login session"), "{said}");
}

#[test]
fn where_polkit_is_not_root_is_asked() {
    let Some(bed) = Bed::boot() else { return };
    bed.root(&["rm", "-f", "/usr/share/dbus-1/system-services/org.freedesktop.PolicyKit1.service"]);
    bed.root(&["systemctl", "mask", "polkit.service"]);
    bed.root(&["systemctl", "reload", "dbus.service"]);
    let ada = bed.user("ada");
    assert!(!ada.ssh(&[], "loginctl enable-linger").status().expect("ssh").success());
    let said = doctor(ada, BELOW_THE_USER_MANAGER);
    let command = command(&said, "to keep it running: ");
    let Some(line) = command.strip_prefix("sudo ") else { panic!("{command}") };
    bed.root(&["env", "USER=ada", "sh", "-c", line]);
    let said = doctor(ada, BELOW_THE_USER_MANAGER);
    assert!(said.contains("(lingering is on for you)"), "{said}");
}

#[test]
fn what_it_prints_keeps_later_sessions_and_it_names_those_that_end_all_the_same() {
    let Some(bed) = Bed::boot() else { return };
    bed.logind("yes", "3s");
    let ada = bed.user("ada");
    // One that runs already when the service comes. It ends when it is stopped below.
    let mut early = in_a_session(ada, "cckw claude").0;
    let said = doctor(ada, "");
    ada.by_ssh(command(&said, "from then on: "));
    let said = doctor(ada, "");
    assert!(said.contains("goes on when you log out (lingering is on for you)"), "{said}");
    assert!(said.contains("one ends when you log out, because of where it was started"), "{said}");
    ada.by_ssh(command(&said, "that changes: "));
    early.wait_for_exit();
    let said = doctor(ada, "");
    assert!(said.starts_with("ok ") && said.lines().count() == 1, "{said}");
    let terminal = Terminal::spawn(ada.ssh(&["-tt"], "cckw attach one"));
    let before = record(ada, "an attached session", |record| record.pid("client_pid").is_some());
    log_out(ada, terminal);
    goes_on(ada, &before);
}
