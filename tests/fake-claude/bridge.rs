//! The remote-control bridge, and what can happen to it.

use serde_json::Value;

use crate::pty::{Home, Tui};

fn bridge(tui: &Tui) -> Value {
    tui.state().map_or(Value::Null, |state| state["bridgeSessionId"].clone())
}

#[track_caller]
fn connect(tui: &mut Tui) -> String {
    tui.submit("/remote-control");
    tui.wait_for("/rc active");
    tui.wait("a bridge id", |tui| bridge(tui).is_string());
    bridge(tui).as_str().unwrap().to_owned()
}

#[test]
fn it_connects_and_its_panel_disconnects_it() {
    let home = Home::new();
    let mut tui = home.start(&[]);
    let id = connect(&mut tui);
    tui.submit("/remote-control");
    tui.wait_for("❯ 3. Continue");
    assert!(tui.text().contains(&id));
    assert_eq!(tui.state().unwrap()["waitingFor"], "dialog open");
    tui.send("\x1b");
    tui.wait_state("status", "idle");
    assert_eq!(bridge(&tui), id.as_str());

    tui.submit("/remote-control");
    tui.wait_for("❯ 3. Continue");
    tui.send("\x1b[A\x1b[A");
    tui.wait_for("❯ 1. Disconnect this session");
    tui.send("\r");
    tui.wait_state("bridgeSessionId", Value::Null);
    tui.wait("no indicator", |tui| !tui.text().contains("/rc "));
    assert_ne!(connect(&mut tui), id);
}

#[test]
fn it_drops_with_a_reason_and_an_indicator_that_stays() {
    let home = Home::new();
    let mut tui = home.start(&[]);
    connect(&mut tui);
    tui.submit("/fault drop the connection was lost");
    tui.wait_for("Remote Control disconnected — the connection was lost — run /remote-control");
    tui.wait_state("bridgeSessionId", Value::Null);
    tui.wait_for("/rc failed");
    connect(&mut tui);
    assert!(!tui.text().contains("/rc failed"));
}

#[test]
fn the_file_can_lag_behind_the_footer() {
    let home = Home::new();
    let mut tui = home.start(&[]);
    connect(&mut tui);
    tui.submit("/fault lag");
    tui.wait_state("bridgeSessionId", Value::Null);
    tui.wait("the idle prompt", |tui| {
        tui.prompt().as_deref() == Some("") && tui.text().contains("/rc active")
    });
    assert_eq!(tui.state().unwrap()["status"], "idle");
}

#[test]
fn attempts_can_fail_before_one_succeeds() {
    let home = Home::new();
    let mut tui = home.start_with(&[], &[("BRIDGE_FAILS", "1"), ("BRIDGE_DELAY", "1")]);
    tui.submit("/remote-control");
    tui.wait_for("/rc failed");
    connect(&mut tui);
}

#[test]
fn a_resumed_conversation_brings_its_bridge_back_unless_it_was_turned_off() {
    let home = Home::new();
    let mut tui = home.start(&["hello"]);
    tui.wait_for("● You said: hello");
    tui.wait_state("status", "idle");
    let id = connect(&mut tui);

    // Not while a live session has it.
    let mut second = home.start(&["--continue"]);
    second.wait_for("● You said: hello");
    assert!(bridge(&second).is_null());
    assert!(!second.text().contains("/rc "));
    second.submit("/exit");
    second.end();

    tui.signal(nix::sys::signal::Signal::SIGKILL);
    tui.end();
    let mut again = home.start(&["--continue"]);
    again.wait("the same bridge", |tui| bridge(tui) == id.as_str());
    again.submit("/remote-control");
    again.wait_for("❯ 3. Continue");
    again.send("\x1b[A\x1b[A\r");
    again.wait_state("bridgeSessionId", Value::Null);
    again.submit("/exit");
    assert_eq!(again.end().code(), Some(0));

    let off = home.start(&["--continue"]);
    assert!(!off.text().contains("/rc "));
}
