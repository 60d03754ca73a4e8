//! The service as it is installed: started by the user manager, at boot and after its own end.

use crate::bed::{Bed, User};
use crate::scene::{in_a_session, is_idle, listed, log_out, record};
use crate::support::{DEADLINE, Record, wait_or_report, wait_until};

/// What `cckw service status --json` says.
fn status(user: User<'_>) -> serde_json::Value {
    let output = user.command(&["cckw", "service", "status", "--json"]).output().expect("nsenter");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// Waits until another process than this one is the service.
#[track_caller]
fn runs_again(user: User<'_>, than: &serde_json::Value) -> serde_json::Value {
    let look = || Some(status(user)).filter(|now| now["running"] == true && now["pid"] != *than);
    wait_or_report("the service", DEADLINE, look, || user.processes())
}

fn idle_after(user: User<'_>, before: &Record) -> Record {
    record(user, "another host with an idle claude", |now| {
        now.pid("host_pid") != before.pid("host_pid") && is_idle(now)
    })
}

#[test]
fn with_lingering_sessions_are_back_after_a_power_cut_and_a_reboot_and_nobody_logs_in() {
    let Some(mut bed) = Bed::boot() else { return };
    let (before, uid);
    {
        let ada = bed.user("ada");
        let said = ada.by_ssh("cckw service install");
        assert!(
            said.contains("is installed and runs: /home/ada/.config/systemd/user/cckw.service"),
            "{said}"
        );
        assert!(said.contains("lingering is off") && said.contains("loginctl enable-linger"), "{said}");
        let said = ada.by_ssh("loginctl enable-linger && cckw service install && cckw service status");
        assert!(said.contains("the service runs: process") && said.contains("lingering is on"), "{said}");
        let unit = ada.by_ssh("systemctl --user show --property=Result,NeedDaemonReload,UnitFileState cckw");
        assert!(unit.contains("Result=success") && unit.contains("NeedDaemonReload=no"), "{unit}");
        assert!(unit.contains("UnitFileState=enabled"), "{unit}");
        // Killed, it comes back by its unit, and the session notices nothing.
        let (terminal, one) = in_a_session(ada, "cckw claude");
        log_out(ada, terminal);
        let first = status(ada);
        bed.root(&["kill", "-KILL", &first["pid"].to_string()]);
        runs_again(ada, &first["pid"]);
        assert_eq!(listed(ada)["host_pid"], one.json["host_pid"]);
        bed.root(&["kill", "-KILL", &one.json["host_pid"].to_string()]);
        let again = idle_after(ada, &one);
        // Its host is no part of the service: it outlives that.
        ada.by_ssh("systemctl --user restart cckw");
        assert_eq!(listed(ada)["host_pid"], again.json["host_pid"]);
        // It has held for long enough to be brought back again.
        let mark = again.path.with_file_name("revived");
        wait_until("proof", DEADLINE, || !mark.exists());
        (before, uid) = (again, ada.uid);
    }
    bed.power_cut();
    bed.boot_again();
    let after_cut = {
        let ada = User { bed: &bed, name: "ada", uid };
        let again = idle_after(ada, &before);
        assert_eq!(again.text("conversation"), before.text("conversation"));
        assert_ne!(again.text("boot"), before.text("boot"));
        again
    };
    bed.reboot();
    let ada = User { bed: &bed, name: "ada", uid };
    let again = record(ada, "the session after a reboot", |now| {
        now.text("boot") != after_cut.text("boot") && is_idle(now)
    });
    assert_eq!(again.text("conversation"), before.text("conversation"));
    let screen = ada.runs(&["cckw", "screen", "one"]);
    assert!(screen.contains("You said: remember this"), "{screen}");
    // What its user has stopped does not come back.
    ada.runs(&["cckw", "stop", "one"]);
    bed.reboot();
    let ada = User { bed: &bed, name: "ada", uid };
    wait_or_report(
        "the service",
        DEADLINE,
        || (status(ada)["running"] == true).then_some(()),
        || ada.processes(),
    );
    assert_eq!(listed(ada)["state"], "stopped");
    // And all of it can be undone.
    let said = ada.by_ssh("cckw new two && cckw service uninstall");
    assert!(said.contains("the service is removed"), "{said}");
    let left = ada.by_ssh("ls -A ~/.config/systemd/user ~/.config/systemd/user/* ; cckw list");
    assert!(!left.contains("cckw.service") && left.contains("two"), "{left}");
    let output = ada.command(&["cckw", "service", "status"]).output().expect("nsenter");
    assert_eq!(output.status.code(), Some(4));
    let units = ada.by_ssh(
        "systemctl --user list-unit-files --no-legend cckw.service; systemctl --user --failed --no-legend",
    );
    assert_eq!(units, "");
}

#[test]
fn without_lingering_what_a_logout_has_ended_is_back_after_the_next_login() {
    let Some(bed) = Bed::boot() else { return };
    bed.logind("yes", "1s");
    let ada = bed.user("ada");
    ada.by_ssh("cckw service install");
    let (terminal, before) = in_a_session(ada, "cckw claude");
    log_out(ada, terminal);
    ada.wait_for_the_end_of_the_user_manager();
    record(ada, "its end", |record| record.text("state") == "terminated");
    let mut login = crate::scene::waiting_login(ada, "exit");
    let again = idle_after(ada, &before);
    assert_eq!(again.text("conversation"), before.text("conversation"));
    login.press(crate::support::Key::Enter);
    login.wait_for_exit();
}

#[test]
fn what_somebody_else_has_put_in_its_place_is_left_alone() {
    let Some(bed) = Bed::boot() else { return };
    let ada = bed.user("ada");
    let unit = ada.home(".config/systemd/user/cckw.service");
    ada.by_ssh(&format!("mkdir -p ~/.config/systemd/user && echo '[Service]' > {unit}"));
    for verb in ["install", "uninstall"] {
        let output = ada.ssh(&[], &format!("cckw service {verb}")).output().expect("ssh");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(1) && said.contains("is not cckw's"), "{said}");
        assert_eq!(ada.by_ssh(&format!("cat {unit}")), "[Service]\n");
    }
}
