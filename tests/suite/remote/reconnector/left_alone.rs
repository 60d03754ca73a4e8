//! Where nothing is typed: elsewhere than at the main prompt, and where the user would not have it.

use serde_json::json;

use super::session::*;
use crate::support::stand_in::{at_prompt, start, submit};
use crate::support::{Key, Sandbox, Terminal, cckw_program};

#[test]
fn where_the_footer_says_that_it_is_up_nothing_is_typed() {
    let (sandbox, mut terminal) = linked("");
    drops(&mut terminal, "lag");
    waits_for(&sandbox, "the state file says that there is no link, the screen that there is");
    let remote = stands(&sandbox, "connected").json["remote"].clone();
    assert_eq!((&remote["confidence"], &remote["screen"]), (&json!("medium"), &json!("active")));
    assert!(remote["file"].as_str().is_some_and(|file| file.contains("names no bridge")), "{remote}");
    // It is typed once both agree.
    drops(&mut terminal, "drop");
    logged(&sandbox, "remote-back", 1);
    assert_eq!(count(&sandbox, "remote-entering"), 1);
}

#[test]
fn a_refusal_for_good_ends_it() {
    let mut sandbox = prepared("keep = \"always\"");
    sandbox.set("CCKW_STANDIN_SUBSCRIPTION", "none");
    let mut terminal = start(&sandbox, &[]);
    terminal.wait_for_text("needs a Claude subscription");
    let record = stands(&sandbox, "unavailable");
    assert_eq!(record.json["remote"]["tries"], 1);
    waits_for(&sandbox, "claude refuses it");
    assert_eq!(count(&sandbox, "remote-entering"), 1);
    prompt_holds(&mut terminal, "");
}

#[test]
fn what_is_over_for_another_reason_is_left_to_the_user() {
    for reason in [
        "another connection took over this session (code 4090)",
        "this session was ended or archived from another device or app (code 4090)",
        "the server no longer reports this session (code 4090)",
        "Signed out of Claude — run /login, then /remote-control",
        "try again after updating Claude Code",
    ] {
        let (sandbox, mut terminal) = linked("");
        drops(&mut terminal, &format!("drop {reason}"));
        waits_for(&sandbox, "only the user can know");
        assert_eq!(count(&sandbox, "remote-typing"), 0);
        // The user's own wish makes it ours again.
        connect(&mut terminal, &sandbox);
        drops(&mut terminal, "drop");
        logged(&sandbox, "remote-back", 1);
    }
}

#[test]
fn what_the_user_switched_off_stays_off() {
    // So late that the user is faster, who asks for the link.
    let (sandbox, mut terminal) = linked("keep = \"always\"\ndisconnected_for = \"40s\"");
    submit(&mut terminal, "/remote-control");
    terminal.wait_for_text("❯ 3. Continue");
    terminal.press(Key::Up);
    terminal.wait_for_text("❯ 2. Show QR code");
    terminal.press(Key::Up);
    terminal.wait_for_text("❯ 1. Disconnect this session");
    terminal.press(Key::Enter);
    waits_for(&sandbox, "the user switched it off");
    assert_eq!(remote(&stands(&sandbox, "off")), "off");
    assert_eq!(count(&sandbox, "remote-typing"), 0);
}

#[test]
fn tries_are_bounded() {
    let (sandbox, mut terminal) = linked("max_tries = 1");
    drops(&mut terminal, "bridge-fails 9");
    drops(&mut terminal, "drop");
    logged(&sandbox, "remote-failed", 1);
    waits_for(&sandbox, "as often as remote_control.max_tries allows");
    assert_eq!(remote(&stands(&sandbox, "disconnected")), "disconnected");
}

#[test]
fn it_can_be_switched_off() {
    let (sandbox, mut terminal) = linked("keep = \"off\"");
    drops(&mut terminal, "drop");
    terminal.wait_for_text("/rc failed");
    stands(&sandbox, "disconnected");
    // The user's next words come alone.
    submit(&mut terminal, "words");
    terminal.wait_for_text("You said: words");
    assert_eq!(count(&sandbox, "remote-typing"), 0);
}

#[test]
fn while_the_shell_has_the_terminal_nothing_is_typed() {
    let sandbox = prepared("disconnected_for = \"2s\"");
    sandbox.link("cckw", cckw_program());
    let mut terminal = Terminal::shell("bash", &sandbox);
    terminal.run("cckw claude");
    at_prompt(&mut terminal);
    connect(&mut terminal, &sandbox);
    drops(&mut terminal, "drop");
    stands(&sandbox, "disconnected");
    terminal.press(Key::Ctrl('z'));
    terminal.wait_for_prompt();
    sandbox.wait_for_record("a suspended claude", |record| record.text("state") == "suspended");
    // Longer than it would take.
    terminal.run("sleep 3; echo slept");
    terminal.wait_for("the shell's word", |screen| screen.rows.iter().any(|row| row == "slept"));
    assert_eq!(count(&sandbox, "remote-typing"), 0);
    terminal.run("fg");
    logged(&sandbox, "remote-back", 1);
    let at = |event| logged(&sandbox, event, 1)["at"].as_u64();
    assert!(at("remote-typing") > at("resumed"));
}

/// A place that the user goes to and comes back from, and what the log then says.
struct Place {
    enter: &'static [&'static str],
    shows: &'static str,
    leave: &'static [&'static str],
    why: &'static str,
}

const PLACES: [Place; 6] = [
    Place {
        enter: &["\x1b[D"],
        shows: "Your session moved",
        leave: &["\x1b[27u"],
        why: "moved to the background (agents view)",
    },
    Place { enter: &["\x0f"], shows: "detailed transcript", leave: &["\x1b[27u"], why: "transcript view" },
    Place { enter: &["\x12"], shows: "search prompts:", leave: &["\x1b[27u"], why: "history search" },
    Place { enter: &["?"], shows: "ctrl+s to stash prompt", leave: &["x", "\x7f"], why: "shortcut help" },
    Place { enter: &["!"], shows: "! for shell mode", leave: &["\x7f"], why: "shell mode" },
    Place {
        enter: &["/config", "\r"],
        shows: "Auto-compact",
        leave: &["\x1b[27u"],
        why: "claude is waiting (dialog open)",
    },
];

/// The link drops, and that has been seen: it was not the user who switched it off.
fn has_failed(sandbox: &Sandbox, terminal: &mut Terminal) {
    drops(terminal, "drop");
    sandbox.wait_for_record("a failure on the screen", |record| record.json["remote"]["screen"] == "failed");
    prompt_holds(terminal, "");
}

/// While the user is there nothing is typed; and once they are back, it is.
fn nothing_is_typed_in(places: &[Place]) {
    for place in places {
        let (sandbox, mut terminal) = linked("disconnected_for = \"3s\"");
        has_failed(&sandbox, &mut terminal);
        for keys in place.enter {
            terminal.type_text(keys);
        }
        terminal.wait_for_text(place.shows);
        waits_for(&sandbox, place.why);
        assert_eq!(count(&sandbox, "remote-typing"), 0, "{}", place.why);
        for keys in place.leave {
            terminal.type_text(keys);
        }
        logged(&sandbox, "remote-back", 1);
        terminal.wait_for_text("/rc active");
        prompt_holds(&mut terminal, "");
        assert!(submitted(&sandbox).is_empty());
        assert_eq!((jobs(&sandbox), count(&sandbox, "remote-failed")), (0, 0));
    }
}

#[test]
fn in_other_views_nothing_is_typed() {
    nothing_is_typed_in(&PLACES[..3]);
}

#[test]
fn at_a_prompt_that_is_in_use_nothing_is_typed() {
    nothing_is_typed_in(&PLACES[3..]);
}

#[test]
fn during_a_turn_and_at_its_question_nothing_is_typed() {
    let mut sandbox = prepared("disconnected_for = \"6s\"");
    sandbox.set("CCKW_STANDIN_PACE", "400");
    let mut terminal = start(&sandbox, &[]);
    connect(&mut terminal, &sandbox);
    has_failed(&sandbox, &mut terminal);
    submit(&mut terminal, "permission");
    terminal.wait_for_text("Do you want to proceed?");
    waits_for(&sandbox, "claude is waiting (permission prompt)");
    assert_eq!(count(&sandbox, "remote-typing"), 0);
    terminal.press(Key::Enter);
    waits_for(&sandbox, "claude is busy");
    assert_eq!(count(&sandbox, "remote-typing"), 0);
    logged(&sandbox, "remote-back", 1);
    terminal.wait_for_text("You said: permission");
    assert_eq!(submitted(&sandbox), ["\"permission\""]);
}

#[test]
fn while_the_user_types_nothing_is_typed() {
    let (sandbox, mut terminal) = linked("rest = \"2s\"");
    drops(&mut terminal, "later 100 drop");
    waits_for(&sandbox, "the user is typing");
    let typed = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a time");
    terminal.type_text("x");
    let entered = logged(&sandbox, "remote-typing", 1)["at"].as_u64().expect("a time");
    assert!(u128::from(entered) >= typed.as_millis() + 1500, "{entered} and {typed:?}");
    logged(&sandbox, "remote-back", 1);
    prompt_holds(&mut terminal, "x");
}
