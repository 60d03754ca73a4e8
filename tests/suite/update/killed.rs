//! Killed at each of its steps: before every call that changes a file, one after the other. The installed
//! program works each time, and the next update goes through.

use std::collections::BTreeSet;
use std::os::unix::process::ExitStatusExt;
use std::process::Command;

use super::place::{Home, VERSION};
use super::release::Release;

/// What changes files. The writes of a download are many and alike; each is into a file that counts for nothing
/// until it is whole, and the first of them are among these.
const CALLS: &str = "?rename,?renameat,?renameat2,?link,linkat,?unlink,unlinkat,fsync,fdatasync,fchmod,ftruncate,?mkdir,mkdirat,copy_file_range,sendfile";
/// No update makes so many of them.
const MAX_CALLS: usize = 200;

/// Runs the installed program until its call of this number, and kills it there. False if it came to its end.
fn killed_at(home: &Home, words: &[&str], number: usize) -> bool {
    let mut command = Command::new("strace");
    command.args(["-qq", "-o", "/dev/null", "-e", &format!("trace={CALLS}")]);
    command.args(["-e", &format!("inject={CALLS}:signal=KILL:when={number}")]);
    let installed = home.command(words);
    command.arg(installed.get_program()).args(words).env_clear().current_dir(home.sandbox.work());
    command.envs(installed.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let output = command.output().expect("strace, which these tests need: see CONTRIBUTING.md");
    match (output.status.code(), output.status.signal()) {
        (Some(0), _) => false,
        (Some(137), _) | (_, Some(9)) => true,
        _ => panic!("{words:?}, killed at call {number}: {output:?}"),
    }
}

#[test]
fn an_update_killed_at_any_step_leaves_a_program_that_works_and_the_next_one_goes_through() {
    let release = Release::new("0.2.0", "");
    let mut versions = BTreeSet::new();
    for number in 1.. {
        assert!(number < MAX_CALLS, "it does not come to its end");
        let home = Home::of_files(&release);
        if !killed_at(&home, &["update"], number) {
            assert!(number > 10, "only {number} calls were seen");
            break;
        }
        let version = home.version();
        assert!([VERSION, "0.2.0"].contains(&&*version), "{version}");
        versions.insert(version.clone());
        home.well_said(&["update"]);
        assert_eq!(home.version(), "0.2.0", "after a kill at call {number}");
        // The stand-in for the new version leaves what is to be put in order to the one before it.
        let old = home.folder().join("cckw.old");
        for expected in [VERSION, "0.2.0"] {
            let output = home.sandbox.command(&old).args(["update", "--rollback"]).output().expect("runs");
            if expected == VERSION {
                assert!(output.status.success(), "after a kill at call {number}: {output:?}");
            } else {
                home.well_said(&["update", "--rollback"]);
            }
            assert_eq!(home.version(), expected, "after a kill at call {number}");
        }
        assert_eq!(home.installed(), ["cckw", "cckw.old"], "after a kill at call {number}");
    }
    // It was killed before the exchange and after it.
    assert_eq!(versions.len(), 2);
}

#[test]
fn a_rollback_killed_at_any_step_leaves_both_programs() {
    let release = Release::new("0.2.0", "");
    for number in 1.. {
        assert!(number < MAX_CALLS, "it does not come to its end");
        let home = Home::of_files(&release);
        home.well_said(&["update"]);
        home.sandbox
            .command(home.folder().join("cckw.old"))
            .args(["update", "--rollback"])
            .output()
            .expect("runs");
        assert_eq!(home.version(), VERSION);
        let ended = !killed_at(&home, &["update", "--rollback"], number);
        let version = home.version();
        // Whichever is installed: the one that is this cckw puts in order what is left.
        let own = if version == VERSION { home.program() } else { home.folder().join("cckw.old") };
        let output = home.sandbox.command(&own).args(["update", "--rollback"]).output().expect("runs");
        assert!(output.status.success(), "after a kill at call {number}: {output:?}");
        assert_ne!(home.version(), version);
        assert_eq!(home.installed(), ["cckw", "cckw.old"], "after a kill at call {number}");
        if ended {
            assert!(number > 4, "only {number} calls were seen");
            break;
        }
    }
}
