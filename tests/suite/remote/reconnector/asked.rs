//! The user asks for the link.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;

use serde_json::{Value, json};

use super::session::*;
use crate::support::stand_in::{start, submit};
use crate::support::{Key, Sandbox, cckw_program, has_faults};

/// Asks the host, as verbs do.
fn ask(sandbox: &Sandbox, request: &Value) -> Value {
    let [socket] = &sandbox.sockets()[..] else { panic!("not one socket") };
    let mut stream = UnixStream::connect(socket).expect("connects");
    stream.write_all(format!("{request}\n").as_bytes()).expect("asks");
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).expect("an answer");
    serde_json::from_str(&line).expect("JSON")
}

#[test]
fn the_user_can_ask_for_it_whatever_is_configured() {
    let sandbox = prepared("keep = \"off\"");
    let mut terminal = start(&sandbox, &[]);
    stands(&sandbox, "off");
    let request = |apply: bool| json!({"v": 1, "op": "reconnect", "apply": apply});
    let dry = ask(&sandbox, &request(false));
    assert_eq!(
        (&dry["op"], &dry["begun"], &dry["against"]),
        (&json!("reconnect"), &json!(false), &json!(null))
    );
    let asked = ask(&sandbox, &request(true));
    assert_eq!(asked["begun"], json!(true));
    logged(&sandbox, "remote-back", 1);
    stands(&sandbox, "connected");
    let up = ask(&sandbox, &request(true));
    assert_eq!(up["against"], "the link is up");
    prompt_holds(&mut terminal, "");
    assert_eq!(count(&sandbox, "remote-entering"), 1);
}

#[test]
fn a_link_that_looks_alive_is_switched_off_and_on_when_asked_for() {
    let (sandbox, mut terminal) = linked("");
    terminal.type_text("a draft");
    prompt_holds(&mut terminal, "a draft");
    let asked = ask(&sandbox, &json!({"v": 1, "op": "reconnect", "apply": true, "cycle": true}));
    assert_eq!((&asked["begun"], &asked["against"]), (&json!(true), &json!(null)));
    logged(&sandbox, "remote-switched-off", 1);
    logged(&sandbox, "remote-back", 1);
    stands(&sandbox, "connected");
    prompt_holds(&mut terminal, "a draft");
    assert_eq!(count(&sandbox, "remote-failed"), 0);
}

#[test]
fn after_the_machine_slept_the_link_is_switched_off_and_on_by_itself() {
    if !has_faults() {
        return;
    }
    let sandbox = prepared("");
    let mut terminal = start(&sandbox, &[]);
    let slept = |seconds: u64| ask(&sandbox, &json!({"v": 1, "op": "slept", "seconds": seconds}));
    // There is no link yet to come into doubt.
    slept(3600);
    connect(&mut terminal, &sandbox);
    terminal.type_text("a draft");
    prompt_holds(&mut terminal, "a draft");
    slept(59);
    assert_eq!(slept(60)["op"], json!("done"));
    assert_eq!(logged(&sandbox, "remote-cycle", 1)["what"], "the machine slept");
    logged(&sandbox, "remote-switched-off", 1);
    logged(&sandbox, "remote-back", 1);
    stands(&sandbox, "connected");
    prompt_holds(&mut terminal, "a draft");
    assert_eq!((count(&sandbox, "remote-cycle"), count(&sandbox, "remote-failed")), (1, 0));
}

#[test]
fn a_doubtful_link_waits_until_the_user_is_done_with_a_dialog() {
    if !has_faults() {
        return;
    }
    let (sandbox, mut terminal) = linked("");
    submit(&mut terminal, "/config");
    terminal.wait_for_text("Auto-compact");
    sandbox.wait_for_record("a dialog", |record| record.text("status") == "waiting");
    assert_eq!(ask(&sandbox, &json!({"v": 1, "op": "slept", "seconds": 3600}))["op"], json!("done"));
    logged(&sandbox, "remote-cycle", 1);
    assert_eq!(count(&sandbox, "remote-typing"), 0);
    assert!(terminal.screen().contains("Auto-compact"), "{}", terminal.report());
    terminal.press(Key::Esc);
    logged(&sandbox, "remote-switched-off", 1);
    logged(&sandbox, "remote-back", 1);
}

#[test]
fn the_verb_for_it_says_what_it_would_do_and_what_it_did() {
    let sandbox = prepared("");
    let mut terminal = start(&sandbox, &["-n", "mine"]);
    let cycle = |words: &[&str]| {
        let mut command = sandbox.command(cckw_program());
        let output = command.args(["reconnect", "--cycle", "mine"]).args(words).output().expect("runs");
        let said = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(said).expect("UTF-8"))
    };
    let (status, said) = cycle(&["--apply"]);
    assert_eq!(
        (status, said.as_str()),
        (Some(1), "cckw: mine: left alone: no link is up that could be switched off\n")
    );
    connect(&mut terminal, &sandbox);
    let (status, said) = cycle(&[]);
    assert_eq!(
        (status, said.as_str()),
        (
            Some(0),
            "mine: the link would be switched off and on again; to do it: cckw reconnect --cycle mine --apply\n"
        )
    );
    assert_eq!(count(&sandbox, "remote-typing"), 0);
    let (status, said) = cycle(&["--apply"]);
    assert_eq!((status, said.as_str()), (Some(0), "mine: the link was switched off, and is back\n"));
    assert_eq!(count(&sandbox, "remote-switched-off"), 1);
    stands(&sandbox, "connected");
}
