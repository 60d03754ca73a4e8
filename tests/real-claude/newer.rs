//! The real claude is updated while a session runs, as its own installer does it: versions beside one another, a link to the newest,
//! and the old ones removed.

use std::fs;

use super::driver::{How, Place, goes_on, leave, prompt_holds, says};
use super::install;
use super::mock::REPLY;
use super::support::Record;

/// Puts the program beside the others as this version, and has the link lead to it.
fn install(place: &Place, version: &str) {
    let program = place.sandbox.path("versions").join(version);
    fs::create_dir_all(program.parent().expect("a directory")).expect("a directory");
    // It has 400 MB.
    fs::hard_link(install::program(), &program)
        .or_else(|_| fs::copy(install::program(), &program).map(drop))
        .expect("a program");
    let (link, new) = (place.sandbox.path("bin/claude"), place.sandbox.path("bin/new"));
    std::os::unix::fs::symlink(program, &new).expect("a link");
    fs::rename(new, link).expect("takes its place");
}

fn list(place: &Place, words: &[&str]) -> String {
    let mut command = place.sandbox.command(place.sandbox.path("bin/cckw"));
    let output = command.arg("list").args(words).output().expect("runs");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

fn program(record: &Record) -> String {
    let link = format!("/proc/{}/exe", record.pid("claude_pid").expect("a claude"));
    fs::read_link(link).expect("runs").to_string_lossy().into_owned()
}

#[test]
fn it_is_taken_when_claude_is_idle() {
    let place = Place::new();
    place.sandbox.configure("[claude]\nrestart_when_newer = \"idle\"\n");
    install(&place, "1.0.0");
    let mut terminal = place.start(How::Through, &[]);
    let before = says(&place, "idle", 0);
    let id = before.text("conversation").to_owned();
    assert!(program(&before).ends_with("versions/1.0.0"), "{}", program(&before));
    goes_on(&place, &mut terminal, &id, "the first words");
    install(&place, "999.0.0");
    fs::remove_file(place.sandbox.path("versions/1.0.0")).expect("removes");
    assert!(list(&place, &["--json"]).contains(r#""program_removed":true"#));
    goes_on(&place, &mut terminal, &id, "the second words");
    let after = says(&place, "idle", 1);
    assert!(program(&after).ends_with("versions/999.0.0"), "{}", program(&after));
    assert_eq!(after.text("conversation"), id);
    terminal.wait_for("the conversation", |screen| prompt_holds(screen, "") && screen.contains(REPLY));
    let output = terminal.output();
    let said = String::from_utf8_lossy(&output).matches("because another one is installed; its").count();
    assert_eq!(said, 1, "{}", terminal.report());
    assert!(list(&place, &["--json"]).contains(r#""program_removed":false"#));
    // It says itself that it is the version from before: that is no reason to restart it again.
    goes_on(&place, &mut terminal, &id, "the third words");
    let again = says(&place, "idle", 1);
    assert_eq!((&again.json["restart_pending"], place.count("newer-claude")), (&false.into(), 1));
    assert_eq!(place.transcripts(), [id]);
    assert_eq!(place.mock.arrived(), ["the first words", "the second words", "the third words"]);
    leave(&place, terminal);
}
