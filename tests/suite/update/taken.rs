//! A release that is installed, and the way back.

use std::fs;
use std::os::unix::fs::MetadataExt;

use serde_json::Value;

use super::place::{Home, VERSION};
use super::release::Release;
use super::server::Server;
use crate::support::Terminal;

#[test]
fn a_newer_release_takes_the_place_of_the_installed_program_over_tls() {
    let release = Release::new("0.2.0", "");
    let server = Server::with(&release);
    let home = Home::of_server(&server);
    let said = home.well_said(&["update"]);
    let program = home.program().display().to_string();
    assert!(
        said.starts_with(&format!("cckw 0.2.0 is installed as {program}, in the place of {VERSION}")),
        "{said}"
    );
    assert_eq!(home.version(), "0.2.0");
    assert_eq!(home.installed(), ["cckw", "cckw.old"]);
    assert_eq!(fs::read(home.program()).expect("reads"), release.program);
    assert_eq!(fs::metadata(home.program()).expect("is there").mode() & 0o777, 0o755);
    assert!(home.parts().is_empty());
    let marker = home.marker();
    assert_eq!((&marker["swap"]["release"], &marker["swap"]["previous"]), (&"0.2.0".into(), &VERSION.into()));
    assert_eq!(fs::metadata(home.state("update.json")).expect("is there").mode() & 0o777, 0o600);
}

#[test]
fn what_becomes_of_running_sessions_is_said_as_it_is_configured() {
    let takes = "1 running session takes it without being asked, as soon as claude is idle there. At once: cckw restart --hosts";
    let goes = "1 running session goes on as before. To let it take it: cckw restart --hosts";
    for (hosts, words) in [(None, takes), (Some("idle"), takes), (Some("never"), goes)] {
        let home = Home::having(Release::new("0.2.0", ""));
        if let Some(hosts) = hosts {
            let path = home.sandbox.path("config/cckw/config.toml");
            let text = fs::read_to_string(&path).expect("is there");
            fs::write(path, format!("{text}hosts = \"{hosts}\"\n")).expect("writes");
        }
        assert!(home.run(&["new", "one"]).status.success());
        let said = home.well_said(&["update"]);
        assert_eq!(said.lines().nth(1), Some(words), "{said}");
        assert!(home.run(&["stop", "--all"]).status.success());
        home.sandbox.wait_for_silence();
    }
}

#[test]
fn a_check_says_whether_there_is_a_newer_version_and_changes_nothing() {
    let release = Release::new("0.2.0", "");
    let home = Home::of_files(&release);
    let output = home.run(&["update", "--check"]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    assert_eq!(said, format!("cckw 0.2.0 is available, {VERSION} is installed. To take it: cckw update\n"));
    assert_eq!(home.installed(), ["cckw"]);
    let output = home.run(&["update", "--check", "--json"]);
    let line: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(
        line,
        serde_json::json!({ "outcome": "available", "installed": VERSION, "available": "0.2.0" })
    );
    let same = Home::having(Release::new(VERSION, ""));
    assert_eq!(same.well_said(&["update", "--check"]), format!("cckw {VERSION} is the newest\n"));
}

#[test]
fn the_same_version_is_not_installed_again() {
    let home = Home::having(Release::new(VERSION, ""));
    assert_eq!(home.well_said(&["update"]), format!("cckw {VERSION} is the newest\n"));
    assert_eq!(home.installed(), ["cckw"]);
    let line: Value = serde_json::from_str(&home.well_said(&["update", "--json"])).expect("JSON");
    assert_eq!(line, serde_json::json!({ "outcome": "newest", "installed": VERSION }));
}

#[test]
fn a_rollback_goes_back_and_a_second_one_forward_again() {
    let home = Home::having(Release::new("0.2.0", ""));
    let said = home.complaint(&["update", "--rollback"], 1);
    assert!(said.contains("there is no program to go back to"), "{said}");
    home.well_said(&["update"]);
    // The program before it does it, also if the new one does not start.
    let old = |words: &[&str]| {
        let path = home.folder().join("cckw.old");
        home.sandbox.command(path).args(words).output().expect("runs")
    };
    let output = old(&["update", "--rollback"]);
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    assert_eq!(
        (home.version(), home.installed()),
        (VERSION.into(), vec!["cckw".into(), "cckw.old".to_owned()])
    );
    let said = home.well_said(&["update", "--rollback"]);
    assert!(said.starts_with("cckw 0.2.0 is installed again"), "{said}");
    assert_eq!(home.version(), "0.2.0");
    let line: Value = serde_json::from_slice(&old(&["update", "--rollback", "--json"]).stdout).expect("JSON");
    assert_eq!((&line["outcome"], &line["installed"]), (&"rolled-back".into(), &VERSION.into()));
    assert_eq!(home.installed(), ["cckw", "cckw.old"]);
    // And then the newer one is there to be taken, as before.
    home.well_said(&["update"]);
    assert_eq!(
        (home.version(), home.installed()),
        ("0.2.0".into(), vec!["cckw".into(), "cckw.old".to_owned()])
    );
}

#[test]
fn two_updates_at_once_are_one() {
    let release = Release::new("0.2.0", "");
    let home = Home::of_files(&release);
    let mut children: Vec<_> = (0..4)
        .map(|_| {
            let mut command = home.command(&["update"]);
            command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
            command.spawn().expect("starts")
        })
        .collect();
    let outputs: Vec<_> = children.drain(..).map(|child| child.wait_with_output().expect("ends")).collect();
    let updated =
        outputs.iter().filter(|output| output.stdout.starts_with(b"cckw 0.2.0 is installed")).count();
    for output in outputs.iter().filter(|output| !output.status.success()) {
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("another update runs"), "{said}");
    }
    assert!(updated >= 1, "{outputs:?}");
    assert_eq!(
        (home.version(), home.installed()),
        ("0.2.0".into(), vec!["cckw".into(), "cckw.old".to_owned()])
    );
}

#[test]
fn a_terminal_shows_the_progress_and_keeps_nothing_of_it() {
    let home = Home::of_server(&Server::with(&Release::new("0.2.0", "")));
    let mut terminal = Terminal::builder().size(10, 100).spawn(home.command(&["update"]));
    assert_eq!(terminal.finish().code(), Some(0));
    let screen = terminal.screen();
    assert!(screen.contains("cckw 0.2.0 is installed") && !screen.contains("downloading"), "{screen:?}");
}
