//! What the service brings back after a boot.

use crate::bed::{Bed, User};
use crate::scene::{goes_on, in_a_session, install_service, log_out};
use crate::support::{DEADLINE, Record, wait_or_report};

/// The record of the session that was said something, once another host than `before` has it and claude is idle.
fn back(user: User<'_>, before: &Record) -> Record {
    let is_it = |record: &Record| record.text("session") == before.text("session");
    let is_up = |record: &Record| record.text("state") == "running" && record.text("status") == "idle";
    let is_new = |record: &Record| record.json["boot"] != before.json["boot"];
    let look = || user.records().into_iter().find(|record| is_it(record) && is_up(record) && is_new(record));
    wait_or_report("it again", DEADLINE, look, || format!("{:#?}\n{}", user.records(), user.processes()))
}

#[test]
fn with_lingering_what_ran_is_back_without_a_login_after_a_power_cut_and_after_a_reboot() {
    let Some(mut bed) = Bed::boot() else { return };
    let mut before = {
        let ada = bed.user("ada");
        ada.by_ssh("loginctl enable-linger");
        install_service(ada);
        let (terminal, before) = in_a_session(ada, "cckw claude");
        log_out(ada, terminal);
        ada.by_ssh("cckw new over && cckw stop over");
        before
    };
    for power_cut in [true, false] {
        if power_cut {
            bed.power_cut();
            bed.boot_again();
        } else {
            bed.reboot();
        }
        let ada = bed.known("ada");
        let now = back(ada, &before);
        assert_eq!(now.text("conversation"), before.text("conversation"));
        assert_eq!(now.text("cwd"), before.text("cwd"));
        let scope = ada.unit_of(now.pid("host_pid").expect("a host"));
        assert!(scope.starts_with("cckw-"), "{scope}");
        let over = ada.listed().into_iter().find(|session| session["name"] == "over").expect("the other");
        assert_eq!(over["state"], "stopped");
        goes_on(ada, &now);
        before = now;
    }
}
