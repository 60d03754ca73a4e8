//! A link that goes down comes back, and the user loses nothing by it.

use super::session::*;
use crate::support::stand_in::{at_prompt, start, submit};
use crate::support::{Key, Terminal};

#[test]
fn a_link_that_drops_comes_back() {
    let sandbox = prepared("");
    let mut terminal = start(&sandbox, &[]);
    assert_eq!(remote(&stands(&sandbox, "off")), "off");
    connect(&mut terminal, &sandbox);
    drops(&mut terminal, "drop");
    logged(&sandbox, "remote-back", 1);
    terminal.wait_for_text("/rc active");
    prompt_holds(&mut terminal, "");
    let record = stands(&sandbox, "connected");
    assert_eq!(record.json["remote"]["tries"], 1);
    assert_eq!(record.json["remote"]["last_try"]["outcome"], "the link is up");
    assert_eq!((count(&sandbox, "remote-entering"), count(&sandbox, "remote-failed")), (1, 0));
    assert!(submitted(&sandbox).is_empty());
}

#[test]
fn a_session_that_the_server_has_lost_comes_back() {
    let (sandbox, mut terminal) = linked("");
    drops(&mut terminal, "drop Transport closed: session not found on server (code 404)");
    logged(&sandbox, "remote-back", 1);
    prompt_holds(&mut terminal, "");
}

#[test]
fn it_comes_back_without_a_terminal_too() {
    let (sandbox, mut terminal) = linked("");
    drops(&mut terminal, "later 1500 drop");
    assert!(cckw(&sandbox, &["detach"]).status().expect("runs").success());
    assert_eq!(terminal.finish().code(), Some(0));
    logged(&sandbox, "remote-back", 1);
    assert!(stands(&sandbox, "connected").json["client_pid"].is_null());
    let entered = logged(&sandbox, "remote-entering", 1)["at"].as_u64();
    assert!(entered > logged(&sandbox, "detached", 1)["at"].as_u64());
}

#[test]
fn a_draft_is_back_afterwards() {
    let (sandbox, mut terminal) = linked("rest = \"1500ms\"");
    drops(&mut terminal, "later 200 drop");
    terminal.type_text("a draft of mine");
    prompt_holds(&mut terminal, "a draft of mine");
    logged(&sandbox, "remote-back", 1);
    prompt_holds(&mut terminal, "a draft of mine");
    assert_eq!(count(&sandbox, "remote-entering"), 1);
    assert!(submitted(&sandbox).is_empty());
}

#[test]
fn keys_that_are_pressed_meanwhile_come_after_in_order() {
    let (sandbox, mut terminal) = linked("");
    drops(&mut terminal, "slow-echo 400");
    prompt_holds(&mut terminal, "");
    drops(&mut terminal, "drop");
    logged(&sandbox, "remote-typing", 1);
    for key in ["a", "b", "c ", "d", "\x7f", "D\x7f", "\x1b[200~pasted\x1b[201~"] {
        terminal.type_text(key);
    }
    prompt_holds(&mut terminal, "abc pasted");
    terminal.press(Key::Enter);
    terminal.wait_for_text("You said: abc pasted");
    logged(&sandbox, "remote-back", 1);
    assert_eq!(submitted(&sandbox), ["\"abc pasted\""]);
    assert_eq!(count(&sandbox, "remote-failed"), 0);
}

/// The host hears of a key that waits, and lets it go when it has seen no step for a second: the client by
/// itself would hold it for ten.
#[test]
fn a_key_that_waits_ends_an_attempt_of_which_nothing_is_seen() {
    let (sandbox, mut terminal) = linked("");
    drops(&mut terminal, "slow-echo 6000");
    prompt_holds(&mut terminal, "");
    drops(&mut terminal, "drop");
    logged(&sandbox, "remote-typing", 1);
    terminal.type_text("x");
    let failed = logged(&sandbox, "remote-failed", 1);
    assert!(
        failed["what"].as_str().is_some_and(|why| why.contains("keys of the user's waited")),
        "{failed:?}"
    );
    let typing = logged(&sandbox, "remote-typing", 1);
    let took = failed["at"].as_u64().zip(typing["at"].as_u64()).map(|(failed, typing)| failed - typing);
    assert!(took.is_some_and(|took| took < 5_000), "{took:?} ms");
}

#[test]
fn the_detach_key_acts_behind_the_keys_before_it() {
    let (sandbox, mut terminal) = linked("");
    drops(&mut terminal, "slow-echo 400");
    prompt_holds(&mut terminal, "");
    drops(&mut terminal, "drop");
    logged(&sandbox, "remote-typing", 1);
    terminal.type_text("to be kept");
    terminal.type_text("\x1c");
    assert_eq!(terminal.finish().code(), Some(0));
    logged(&sandbox, "remote-back", 1);
    let mut other = Terminal::spawn(cckw(&sandbox, &["attach"]));
    prompt_holds(&mut other, "to be kept");
}

#[test]
fn keys_that_are_held_when_another_terminal_attaches_come_after() {
    let (sandbox, mut terminal) = linked("");
    drops(&mut terminal, "slow-echo 400");
    prompt_holds(&mut terminal, "");
    drops(&mut terminal, "drop");
    logged(&sandbox, "remote-typing", 1);
    for key in ["t", "o ", "be kept"] {
        terminal.type_text(key);
    }
    let mut other = Terminal::spawn(cckw(&sandbox, &["attach"]));
    assert_eq!(terminal.finish().code(), Some(0));
    prompt_holds(&mut other, "to be kept");
}

#[test]
fn a_panel_that_opens_because_it_is_up_after_all_is_closed() {
    let sandbox = prepared("");
    let mut command = sandbox.cckw_claude();
    command.env("CCKW_STANDIN_BRIDGE_DELAY", "10");
    // Too narrow for the indicator.
    let mut terminal = Terminal::builder().size(30, 40).spawn(command);
    at_prompt(&mut terminal);
    submit(&mut terminal, "/remote-control");
    stands(&sandbox, "connected");
    drops(&mut terminal, "later 12000 lag");
    logged(&sandbox, "remote-was-up", 1);
    prompt_holds(&mut terminal, "");
    let record = stands(&sandbox, "connected");
    assert_eq!(record.json["remote"]["confidence"], "medium");
    assert_eq!(count(&sandbox, "remote-entering"), 1);
}

#[test]
fn a_try_that_fails_is_repeated_after_a_pause() {
    let (sandbox, mut terminal) = linked("");
    drops(&mut terminal, "bridge-fails 1");
    drops(&mut terminal, "drop");
    let failed = sandbox.wait_for_record("a try that failed", |record| {
        record.json["remote"]["next_try_at"].is_u64() && record.json["remote"]["tries"] == 1
    });
    assert!(failed.json["remote"]["last_try"]["outcome"].is_string());
    logged(&sandbox, "remote-back", 1);
    let entered = |number| logged(&sandbox, "remote-entering", number)["at"].as_u64().expect("a time");
    assert!(entered(2) - entered(1) >= 10_000);
}

#[test]
fn after_a_crash_the_link_comes_back() {
    let mut sandbox = prepared("");
    // Of each claude's attempts the first one fails: after a crash that is its own.
    sandbox.set("CCKW_STANDIN_BRIDGE_FAILS", "1");
    let mut terminal = start(&sandbox, &[]);
    submit(&mut terminal, "some words");
    terminal.wait_for_text("You said: some words");
    submit(&mut terminal, "/remote-control");
    terminal.wait_for_text("/rc failed");
    connect(&mut terminal, &sandbox);
    drops(&mut terminal, "crash 11");
    logged(&sandbox, "relaunched", 1);
    logged(&sandbox, "remote-back", 1);
    at_prompt(&mut terminal);
    terminal.wait_for_text("/rc active");
}

#[test]
fn in_vim_s_normal_mode_it_is_pasted() {
    let mut sandbox = prepared("rest = \"1s\"");
    sandbox.set("CCKW_STANDIN_VIM", "1");
    let mut terminal = start(&sandbox, &[]);
    connect(&mut terminal, &sandbox);
    drops(&mut terminal, "later 300 drop");
    terminal.type_text("a draft");
    prompt_holds(&mut terminal, "a draft");
    terminal.press(Key::Esc);
    terminal.wait_for("normal mode", |screen| !screen.contains("-- INSERT --"));
    logged(&sandbox, "remote-back", 1);
    prompt_holds(&mut terminal, "a draft");
    assert!(!terminal.screen().contains("-- INSERT --"));
    assert_eq!(count(&sandbox, "remote-failed"), 0);
}

/// Of a claude that is too slow, which has this draft at its prompt.
fn has_its_prompt_as_before(draft: &str) {
    let (sandbox, mut terminal) = linked("max_tries = 1");
    drops(&mut terminal, "slow-echo 2600");
    prompt_holds(&mut terminal, "");
    drops(&mut terminal, "later 4000 drop");
    if !draft.is_empty() {
        terminal.type_text(draft);
    }
    prompt_holds(&mut terminal, draft);
    let failed = logged(&sandbox, "remote-failed", 1);
    assert!(failed["what"].as_str().is_some_and(|what| what.contains("in time")), "{failed}");
    prompt_holds(&mut terminal, draft);
    assert_eq!((count(&sandbox, "remote-entering"), submitted(&sandbox)), (0, vec![]));
    // What is typed now comes alone.
    submit(&mut terminal, " and more");
    terminal.wait_for_text(&format!("You said: {draft} and more"));
}

#[test]
fn a_claude_that_is_too_slow_has_its_empty_prompt_as_before() {
    has_its_prompt_as_before("");
}

#[test]
fn a_claude_that_is_too_slow_has_its_draft_as_before() {
    has_its_prompt_as_before("a draft");
}
