//! Verbs about sessions of a machine in scripts: what they print, and how they end.

use std::process::Stdio;

use crate::bed::{Bed, Link, Said};
use crate::support::{DEADLINE, wait_until};

#[test]
fn a_failure_of_ssh_is_told_from_one_of_the_far_command() {
    let Some(bed) = Bed::new(&["box"]) else { return };
    bed.well_said(&["new", "box:api", "/tmp"]);
    assert_eq!(bed.asked(&["screen", "box:nothing"]).code, Some(1));
    bed.far("box").kill_sshd();
    for words in [
        &["screen", "box:api"][..],
        &["send", "box:api", "text"],
        &["stop", "box:api"],
        &["transcript", "box:api"],
        &["new", "box:web"],
        &["wait", "box:api", "--timeout", "1s"],
    ] {
        let said = bed.asked(words);
        let is_wait = words[0] == "wait";
        assert!(said.code == Some(255) || is_wait && said.code == Some(5), "{words:?}: {said:?}");
        assert!(said.err.contains("box") && said.out.is_empty(), "{words:?}: {said:?}");
    }
    bed.far("box").start_sshd();
    bed.link("box", Link::Silent);
    let said = bed.asked(&["screen", "box:api"]);
    assert!(said.code == Some(255) && said.err.contains("no answer within"), "{said:?}");
    bed.link("box", Link::Heard);
    assert_eq!(bed.asked(&["screen", "box:api"]).code, Some(0));
}

#[test]
fn a_text_on_its_way_when_the_link_is_lost_has_an_unknown_outcome() {
    let Some(bed) = Bed::new(&["box"]) else { return };
    let far = bed.far("box");
    bed.well_said(&["new", "box:api", "/tmp"]);
    // It waits for the end of a turn that asks for something.
    assert_eq!(bed.asked(&["send", "box:api", "--wait", "permission"]).code, Some(3));
    let mut send = bed.cckw(&["send", "box:api", "--wait", "lost"]);
    let send = send.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("runs");
    wait_until("the far side", DEADLINE, || far.processes().contains("cckw far"));
    far.kill_sshd();
    let said = Said::of(send.wait_with_output().expect("ends"));
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.err.contains("cckw transcript box:api"), "{said:?}");
}
