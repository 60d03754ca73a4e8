//! Verbs about sessions of a machine in scripts: what they print, and how they end.

use std::fs;
use std::process::Stdio;
use std::time::Duration;

use crate::bed::{Bed, Link, Said, is_idle};
use crate::support::{DEADLINE, cckw_program, wait_until};

#[test]
fn a_session_is_made_asked_waited_for_and_stopped_as_one_here() {
    let Some(bed) = Bed::new(&["box"]) else { return };
    let far = bed.far("box");
    let made = bed.well_said(&["new", "box:api", "/tmp"]);
    assert!(made.starts_with("box:api\t"), "{made}");
    let said = bed.asked(&["send", "box:api", "--wait", "hello"]);
    assert_eq!((said.code, said.out.trim()), (Some(0), "You said: hello"), "{said:?}");
    assert_eq!(bed.asked(&["wait", "box:api", "--for", "idle"]).code, Some(0));
    assert!(bed.well_said(&["screen", "box:api"]).contains("You said: hello"));
    assert_eq!(bed.well_said(&["transcript", "box:api", "--last"]).trim(), "You said: hello");
    assert!(bed.well_said(&["logs", "box:api"]).lines().count() > 1);
    bed.well_said(&["rename", "box:api", "web"]);
    far.record("web", "the new name", |_| true);
    let stopped = bed.asked(&["stop", "box:web"]);
    assert!(stopped.code == Some(0), "{stopped:?}");
    far.record("web", "the end", |record| record.text("state") == "stopped");
    let started = bed.asked(&["start", "box:web"]);
    assert!(started.code == Some(0), "{started:?}");
    // What is advised is what works here.
    assert!(!format!("{stopped:?}{started:?}").contains(" web"), "{stopped:?}{started:?}");
    far.record("web", "an idle claude", is_idle);
    assert_eq!(bed.asked(&["restart", "box:web"]).code, Some(0));
    far.record("web", "an idle claude", |record| is_idle(record) && record.json["restarts"] == 1);
    assert_eq!(bed.asked(&["stop", "box:web"]).code, Some(0));
    assert_eq!(bed.asked(&["rm", "box:web"]).code, Some(0));
    assert!(far.records().is_empty());
}

#[test]
fn each_exit_status_of_a_turn_arrives() {
    let Some(bed) = Bed::new(&["box"]) else { return };
    bed.well_said(&["new", "box:api", "/tmp"]);
    let said = bed.asked(&["send", "box:api", "--wait", "permission"]);
    assert_eq!((said.code, said.out.as_str()), (Some(3), ""), "{said:?}");
    assert!(said.err.contains("permission prompt"), "{said:?}");
    // Nothing is typed into a question.
    let said = bed.asked(&["send", "box:api", "--timeout", "1s", "more"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    let said = bed.asked(&["wait", "box:api", "--for", "turn", "--timeout", "1s"]);
    assert!(said.code.is_some_and(|code| code != 0 && code != 255), "{said:?}");
    let said = bed.asked(&["send", "box:nothing", "text"]);
    assert!(said.code == Some(1) && said.err.contains("box:nothing"), "{said:?}");
    let said = bed.asked(&["send", "box:api"]);
    assert_eq!(said.code, Some(2), "{said:?}");
}

#[test]
fn a_pipeline_has_the_exit_status_and_the_text_of_the_far_command() {
    let Some(bed) = Bed::new(&["box"]) else { return };
    bed.well_said(&["new", "box:api", "/tmp"]);
    let program = cckw_program();
    let shell = |line: &str| {
        let line = line.replace("cckw ", &format!("{program} "));
        Said::of(
            bed.near(&["bash", "-o", "pipefail", "-c", &line]).stdin(Stdio::null()).output().expect("bash"),
        )
    };
    let said = shell("echo one two three | cckw send box:api --wait - | tr a-z A-Z");
    assert_eq!((said.code, said.out.trim()), (Some(0), "YOU SAID: ONE TWO THREE"), "{said:?}");
    let said = shell("cckw send box:nothing --wait hello | cat; exit ${PIPESTATUS[0]}");
    assert_eq!((said.code, said.out.as_str()), (Some(1), ""), "{said:?}");
    let said = shell("cckw logs box:api | head -n 1");
    assert_eq!(said.out.lines().count(), 1, "{said:?}");
}

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
    bed.well_said(&["screen", "box:api"]);
}

#[test]
fn a_wait_survives_the_link_and_a_far_verb_ends_with_it() {
    let Some(bed) = Bed::new(&["box"]) else { return };
    let far = bed.far("box");
    bed.well_said(&["new", "box:api", "/tmp"]);
    let mut wait = bed.cckw(&["wait", "box:api", "--for", "ended", "--timeout", "60s"]);
    let wait = wait.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("runs");
    wait_until("the far side", DEADLINE, || far.processes().contains("cckw far"));
    far.kill_sshd();
    wait_until("the end of the far side", DEADLINE, || !far.processes().contains("cckw far"));
    far.start_sshd();
    wait_until("the far side again", DEADLINE, || far.processes().contains("cckw far"));
    far.runs(&["cckw", "stop", "api"]);
    let said = Said::of(wait.wait_with_output().expect("ends"));
    assert_eq!(said.code, Some(0), "{said:?}");
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

#[test]
fn several_places_at_once_are_served_at_the_same_time() {
    let Some(bed) = Bed::new(&["box", "lab"]) else { return };
    for word in ["box:api", "lab:web"] {
        bed.well_said(&["new", word, "/tmp"]);
    }
    bed.well_said(&["new", "here", "."]);
    let said = bed.asked(&["wait", "box:api", "lab:web", "here", "--for", "idle", "--timeout", "20s"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let said = bed.asked(&["stop", "box:api", "lab:nothing", "here"]);
    assert!(said.code == Some(1) && said.err.contains("lab:nothing"), "{said:?}");
    bed.far("box").record("api", "the end", |record| record.text("state") == "stopped");
    bed.far("lab").record("web", "an idle claude", is_idle);
    wait_until("the end here", Duration::from_secs(20), || {
        bed.records().iter().all(|record| record.text("state") == "stopped")
    });
}

#[test]
fn nothing_is_done_where_the_answer_of_the_machine_is_lost() {
    let Some(bed) = Bed::new(&["box"]) else { return };
    let far = bed.far("box");
    far.new_session("api");
    // The far shell takes its time, and the request is there meanwhile.
    let slow = "until read -t 0; do sleep 0.02; done; touch asked\nuntil [ -e go ]; do sleep 0.02; done\n";
    far.write(".bashrc", slow);
    let mut send = bed.cckw(&["send", "box:api", "never"]);
    let send = send.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("runs");
    wait_until("the request", DEADLINE, || far.path(far.home("asked")).exists());
    bed.link("box", Link::Silent);
    fs::write(far.path(far.home("go")), "").expect("a file");
    let said = Said::of(send.wait_with_output().expect("ends"));
    assert_eq!(said.code, Some(255), "{said:?}");
    bed.link("box", Link::Heard);
    assert_eq!(bed.asked(&["send", "box:api", "once", "--wait"]).out, "You said: once\n");
    let transcript = bed.well_said(&["transcript", "box:api"]);
    assert!(transcript.contains("once") && !transcript.contains("never"), "{transcript}");
}
