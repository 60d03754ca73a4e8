//! Sessions that have lost their host keep their names, and a word means what it meant before they are
//! brought back.

use std::os::unix::net::UnixStream;

use nix::sys::signal::Signal;

use super::{detached, name_of};
use crate::support::stand_in::{at_prompt, sandbox};
use crate::support::verb::{cckw, well_said};
use crate::support::{DEADLINE, Record, Sandbox, Terminal, process, wait_until};

/// Kills the host of a session that has no terminal.
fn lose_host(record: &Record) {
    process::signal(record.pid("host_pid").expect("a host"), Signal::SIGKILL);
    wait_until("the end of the host", DEADLINE, || UnixStream::connect(record.text("socket")).is_err());
}

fn attached_to(sandbox: &Sandbox) -> Vec<String> {
    let records = sandbox.records();
    let attached = records.iter().filter(|record| record.pid("client_pid").is_some());
    attached.map(|record| record.text("session").to_owned()).collect()
}

/// `cckw attach dup` brought `dup-2` back, and then said that nothing is called dup.
#[test]
fn attach_means_the_session_that_was_called_so() {
    let sandbox = sandbox();
    let first = detached(&sandbox, &sandbox.work(), &["-n", "dup"]);
    let second = detached(&sandbox, &sandbox.work(), &["-n", "dup"]);
    for record in [&first, &second] {
        lose_host(record);
    }
    let mut terminal = Terminal::spawn(cckw(&sandbox, &["attach", "dup-2"]));
    at_prompt(&mut terminal);
    wait_until("a client", DEADLINE, || attached_to(&sandbox) == [second.text("session")]);
    assert_eq!(
        (name_of(&sandbox, &first), name_of(&sandbox, &second)),
        ("dup".into(), "dup-2".into()),
        "{}",
        terminal.report()
    );
    for name in ["dup", "dup-2"] {
        well_said(&sandbox, &["stop", name]);
    }
    terminal.finish();
    sandbox.wait_for_silence();
}

/// With the first of the two ended, the second one would have come to be `dup`.
#[test]
fn a_word_is_looked_up_before_anything_is_brought_back() {
    let sandbox = sandbox();
    let first = detached(&sandbox, &sandbox.work(), &["-n", "dup"]);
    let second = detached(&sandbox, &sandbox.work(), &["-n", "dup"]);
    well_said(&sandbox, &["stop", "dup"]);
    lose_host(&second);
    let output = cckw(&sandbox, &["attach", "dup"]).output().expect("runs");
    let said = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(said.contains("to bring dup back: cckw start dup"), "{said}");
    assert_eq!((name_of(&sandbox, &first), name_of(&sandbox, &second)), ("dup".into(), "dup-2".into()));
    well_said(&sandbox, &["stop", "dup-2"]);
    sandbox.wait_for_silence();
}

#[test]
fn a_new_session_leaves_the_name_of_a_lost_one_alone() {
    let sandbox = sandbox();
    let lost = detached(&sandbox, &sandbox.work(), &["-n", "dup"]);
    lose_host(&lost);
    // Elsewhere, where nothing is brought back by that.
    let new = detached(&sandbox, &sandbox.path("home"), &["-n", "dup"]);
    assert_eq!((name_of(&sandbox, &lost), name_of(&sandbox, &new)), ("dup".into(), "dup-2".into()));
    for name in ["dup", "dup-2"] {
        well_said(&sandbox, &["stop", name]);
    }
    sandbox.wait_for_silence();
}
