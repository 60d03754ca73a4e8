//! `cckw machine`: which machines are known, and how they are.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::bed::{Bed, Link};
use crate::support::wait_until;
use crate::support::{DEADLINE, process};

/// The lines of a table, each as its words.
fn rows(table: &str) -> Vec<Vec<&str>> {
    table.lines().map(|line| line.split_whitespace().collect()).collect()
}

#[test]
fn a_machine_is_added_listed_checked_and_removed() {
    let Some(bed) = Bed::without_machines(&["box"]) else { return };
    bed.far("box").new_session("api");
    assert!(bed.well_said(&["machine", "list"]).contains("cckw machine add"));
    let added = bed.well_said(&["machine", "add", "box", "ada@box"]);
    let version = bed.well_said(&["--version"]);
    let version = version.trim().trim_start_matches("cckw ");
    assert!(added.contains(version) && added.contains("1 session runs"), "{added}");

    let list = bed.well_said(&["machine", "list"]);
    assert_eq!(rows(&list)[1][..3], ["box", "ada@box", version], "{list}");
    let json: serde_json::Value =
        serde_json::from_str(&bed.well_said(&["machine", "list", "--json"])).expect("JSON");
    assert_eq!((&json["name"], &json["destination"]), (&"box".into(), &"ada@box".into()), "{json}");

    let check = bed.well_said(&["machine", "check"]);
    assert_eq!(rows(&check)[1][..3], ["box", "yes", version], "{check}");
    let json: serde_json::Value =
        serde_json::from_str(&bed.well_said(&["machine", "check", "box", "--json"])).expect("JSON");
    assert_eq!((&json["reached"], &json["sessions"]), (&true.into(), &1.into()), "{json}");

    bed.well_said(&["machine", "rm", "box"]);
    assert!(!bed.well_said(&["machine", "list"]).contains("ada@box"));
    let said = bed.asked(&["screen", "box:api"]);
    assert!(said.code == Some(1) && said.err.contains("no machine is called box"), "{said:?}");
}

#[test]
fn what_is_known_is_private_and_the_same_twice_is_no_fault() {
    let Some(bed) = Bed::new(&["box"]) else { return };
    let file = bed.path("config/cckw/machines.json");
    let mode = fs::metadata(&file).expect("the machines").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    bed.well_said(&["machine", "add", "box", "ada@box"]);
    let said = bed.asked(&["machine", "add", "box", "fish@box"]);
    assert!(said.code == Some(1) && said.err.contains("cckw machine rm box"), "{said:?}");
    assert_eq!(fs::read_to_string(&file).expect("text").matches("ada@box").count(), 1);
    for unfit in ["-x", "a b", "all", "a:b", "$(touch x)", ""] {
        let said = bed.asked(&["machine", "add", "--", unfit, "ada@box"]);
        assert_eq!(said.code, Some(2), "{unfit:?}: {said:?}");
    }
    for unfit in ["-oProxyCommand=touch x", "ada@box true", "ada\nbox"] {
        let said = bed.asked(&["machine", "add", "--", "lab", unfit]);
        assert_eq!(said.code, Some(2), "{unfit:?}: {said:?}");
    }
    assert!(!bed.work().join("x").exists());
}

#[test]
fn a_machine_that_is_not_reached_is_not_added_and_why_is_said() {
    let Some(bed) = Bed::without_machines(&["box"]) else { return };
    bed.link("box", Link::Down);
    for (destination, why) in [("ada@box", "no way leads to it"), ("ada@unknown", "its name is unknown")] {
        let said = bed.asked(&["machine", "add", "it", destination]);
        assert!(said.code == Some(255) && said.err.contains(why), "{said:?}");
    }
    bed.link("box", Link::Up);
    let said = bed.asked(&["machine", "add", "it", "ssh://ada@box:23"]);
    assert!(said.code == Some(255) && said.err.contains("it refuses the connection"), "{said:?}");
    assert!(!bed.well_said(&["machine", "list"]).contains("it "));
    bed.well_said(&["machine", "add", "it", "ssh://ada@box:22"]);
}

#[test]
fn one_connection_serves_several_requests_and_ends_with_the_machine() {
    let Some(bed) = Bed::new(&["box"]) else { return };
    let logins = || bed.far("box").ssh_log().matches("Accepted publickey").count();
    let before = logins();
    for _ in 0..3 {
        bed.well_said(&["machine", "check", "box"]);
    }
    assert_eq!(logins(), before, "{}", bed.far("box").ssh_log());
    // It is kept by a process of ssh's own, with another name.
    let is_master = |pid: &i32| process::arguments(*pid).concat().contains("[mux]");
    let masters = || bed.near_processes().iter().filter(|pid| is_master(pid)).count();
    assert_eq!(masters(), 1);
    bed.well_said(&["machine", "rm", "box"]);
    wait_until("the end of the connection", DEADLINE, || masters() == 0);
    bed.wait_for_silence();
}

#[test]
fn the_users_own_shared_connection_is_used_and_left_alone() {
    let Some(bed) = Bed::without_machines(&["box"]) else { return };
    let config = "Host box\n User ada\n ControlMaster auto\n ControlPath ~/.ssh/own-%C\n ControlPersist 60\n";
    fs::write(bed.path("home/.ssh/config"), config).expect("ssh's configuration");
    bed.well_said(&["machine", "add", "box"]);
    let own = || {
        let files = fs::read_dir(bed.path("home/.ssh")).expect("a folder").flatten();
        files.filter(|file| file.file_name().to_string_lossy().starts_with("own-")).count()
    };
    assert_eq!(own(), 1);
    bed.well_said(&["machine", "rm", "box"]);
    assert_eq!(own(), 1);
}
