//! `cckw send --wait`.

use std::process::Stdio;

use super::{run, told};
use crate::support::stand_in::sandbox;
use crate::support::verb::{cckw, well_said};

#[test]
fn it_prints_the_answer_to_this_text() {
    let sandbox = sandbox();
    well_said(&sandbox, &["new", "api"]);
    for text in ["hello", "and now\nin two lines"] {
        let said = well_said(&sandbox, &["send", "api", "--wait", text]);
        assert!(said.contains("You said:") && said.contains(text.lines().next().expect("a line")), "{said}");
    }
    well_said(&sandbox, &["stop", "api"]);
    sandbox.wait_for_silence();
}

#[test]
fn of_several_at_once_each_gets_its_own_answer() {
    let sandbox = sandbox();
    well_said(&sandbox, &["new", "api"]);
    let texts = ["number one", "number two", "number three"];
    let children = texts.map(|text| {
        let mut command = cckw(&sandbox, &["send", "api", "--wait", text]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("runs")
    });
    for (child, text) in children.into_iter().zip(texts) {
        let (code, stdout, stderr) = told(&child.wait_with_output().expect("ends"));
        assert_eq!(code, Some(0), "{stderr}");
        assert!(stdout.contains(&format!("You said: {text}")), "{text}: {stdout}");
    }
    well_said(&sandbox, &["stop", "api"]);
    sandbox.wait_for_silence();
}

#[test]
fn a_question_and_a_turn_that_takes_too_long_are_told_apart() {
    let mut sandbox = sandbox();
    sandbox.set("CCKW_STANDIN_PACE", "300");
    well_said(&sandbox, &["new", "api"]);
    let slow = "a long text that is answered slowly, a few characters at a time, for half a minute or so";
    let (code, stdout, stderr) = run(&sandbox, &["send", "api", "--wait", "--timeout", "8s", slow]);
    assert_eq!((code, &*stdout), (Some(5), ""), "{stderr}");
    assert!(stderr.contains("the text was sent") && stderr.contains("cckw wait api"), "{stderr}");
    well_said(&sandbox, &["stop", "api"]);
    sandbox.unset("CCKW_STANDIN_PACE");
    well_said(&sandbox, &["new", "web"]);
    let (code, stdout, stderr) = run(&sandbox, &["send", "web", "--wait", "permission"]);
    assert_eq!((code, &*stdout), (Some(3), ""), "{stderr}");
    assert!(stderr.contains("permission prompt"), "{stderr}");
    well_said(&sandbox, &["stop", "web"]);
    sandbox.wait_for_silence();
}
