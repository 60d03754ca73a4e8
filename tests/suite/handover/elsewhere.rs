//! The new program does not come by a rename onto the old one's file: what counts is what stands at the path by which
//! cckw was called.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::{count, events, identity};
use crate::support::stand_in::{at_prompt, exit, idle, sandbox, say};
use crate::support::verb::{cckw, well_said};
use crate::support::{DEADLINE, Sandbox, Terminal, cckw_program, wait_until};

/// A copy of cckw, with the directory that it is in.
fn put(program: &Path) {
    fs::create_dir_all(program.parent().expect("a directory")).expect("a directory");
    fs::copy(cckw_program(), program).expect("is copied");
}

/// A session of the cckw at this path.
fn session(sandbox: &Sandbox, program: &Path, name: &str) -> Terminal {
    let mut command = sandbox.command(program);
    command.args(["claude", "-n", name]);
    let mut terminal = Terminal::spawn(command);
    at_prompt(&mut terminal);
    say(&mut terminal, "the first words");
    terminal
}

/// Has the link lead here, as installers do it: at no moment there is none.
fn lead(link: &Path, target: &str) {
    let fresh = link.with_extension("new");
    symlink(target, &fresh).expect("a link");
    fs::rename(fresh, link).expect("is put there");
}

fn wait_for(sandbox: &Sandbox, wanted: usize) {
    wait_until("a hand-over", DEADLINE, || count(sandbox) == wanted);
}

/// The file that the host executes.
fn runs(sandbox: &Sandbox) -> PathBuf {
    let host = sandbox.records()[0].pid("host_pid").expect("a host");
    fs::read_link(format!("/proc/{host}/exe")).expect("a program")
}

#[test]
fn a_program_in_the_place_of_one_that_was_moved_goes_on_by_itself() {
    let sandbox = sandbox();
    let program = sandbox.path("installed/cckw");
    put(&program);
    let mut terminal = session(&sandbox, &program, "work");
    let before = idle(&sandbox, 0);
    for times in 1..=2 {
        fs::rename(&program, program.with_extension("old")).expect("is moved");
        put(&program);
        wait_for(&sandbox, times);
        assert_eq!(runs(&sandbox), program);
        say(&mut terminal, &format!("words after {times}"));
    }
    assert_eq!(identity(&before), identity(&idle(&sandbox, 0)));
    exit(terminal);
    sandbox.wait_for_silence();
}

#[test]
fn a_link_that_leads_to_another_program_is_noticed() {
    let sandbox = sandbox();
    for version in ["0.1", "0.2", "0.3"] {
        put(&sandbox.path(format!("versions/{version}/cckw")));
    }
    fs::create_dir_all(sandbox.path("bin")).expect("a directory");
    // Over two links: of the program, and of the directory of the version that counts.
    symlink("0.1", sandbox.path("versions/now")).expect("a link");
    let link = sandbox.path("bin/cckw");
    symlink("../versions/now/cckw", &link).expect("a link");
    let mut terminal = session(&sandbox, &link, "work");
    let before = idle(&sandbox, 0);
    assert_eq!(runs(&sandbox), sandbox.path("versions/0.1/cckw"));
    lead(&sandbox.path("versions/now"), "0.2");
    wait_for(&sandbox, 1);
    assert_eq!(runs(&sandbox), sandbox.path("versions/0.2/cckw"));
    lead(&link, "../versions/0.3/cckw");
    wait_for(&sandbox, 2);
    assert_eq!(runs(&sandbox), sandbox.path("versions/0.3/cckw"));
    // Removed and made anew, as `ln -sf` does it.
    fs::remove_file(&link).expect("is removed");
    symlink("../versions/0.1/cckw", &link).expect("a link");
    wait_for(&sandbox, 3);
    assert_eq!(runs(&sandbox), sandbox.path("versions/0.1/cckw"));
    assert_eq!(identity(&before), identity(&idle(&sandbox, 0)));
    assert!(!events(&sandbox).iter().any(|event| event == "not-handed-over"));
    say(&mut terminal, "the last words");
    exit(terminal);
    sandbox.wait_for_silence();
}

/// Nothing happens by itself here.
#[test]
fn a_program_that_stands_elsewhere_now_is_flagged_and_taken_when_it_is_asked_for() {
    let sandbox = sandbox();
    sandbox.configure("[update]\nhosts = \"never\"\n");
    for version in ["0.1", "0.2"] {
        put(&sandbox.path(format!("versions/{version}/cckw")));
    }
    let link = sandbox.path("bin/cckw");
    fs::create_dir_all(sandbox.path("bin")).expect("a directory");
    symlink("../versions/0.1/cckw", &link).expect("a link");
    let first = session(&sandbox, &link, "work");
    let second = session(&sandbox, &link, "play");
    let outdated = || {
        let said = well_said(&sandbox, &["list", "--json"]);
        said.matches("\"host_outdated\":true").count() + said.matches("\"host_outdated\": true").count()
    };
    assert_eq!(outdated(), 0);
    lead(&link, "../versions/0.2/cckw");
    assert_eq!(outdated(), 2);
    let said = well_said(&sandbox, &["list"]);
    assert!(said.contains("cckw restart --hosts"), "{said}");
    let said = cckw(&sandbox, &["doctor"]).output().expect("runs");
    let said = String::from_utf8(said.stdout).expect("text");
    assert!(said.contains("another cckw than the one on disk"), "{said}");
    // Several at once, each once, and one that is none does not keep the others.
    let output =
        cckw(&sandbox, &["restart", "--hosts", "work", "nobody", "play", "work"]).output().expect("runs");
    let said = String::from_utf8(output.stdout).expect("text");
    assert_eq!(said.lines().count(), 2, "{said}");
    assert!(
        said.contains("work: cckw ") && said.contains("play: cckw ") && !said.contains("the one on disk"),
        "{said}"
    );
    let said = String::from_utf8(output.stderr).expect("text");
    assert!(output.status.code() == Some(1) && said.contains("nobody"), "{said}");
    assert_eq!(outdated(), 0);
    exit(first);
    exit(second);
    sandbox.wait_for_silence();
}
