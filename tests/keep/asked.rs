//! The user asks for the link.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;

use serde_json::{Value, json};

use super::session::*;
use super::support::Sandbox;
use super::support::stand_in::start;

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
    let sandbox = prepared("");
    let mut terminal = start(&sandbox, &[]);
    connect(&mut terminal, &sandbox);
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
