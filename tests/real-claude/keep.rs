//! Remote control is asked for at the real prompt, and nowhere else. Without an account the answer is always
//! the same one: that it needs a subscription.

use std::time::Instant;

use serde_json::{Value, json};

use super::driver::{How, Place, prompt_holds};
use super::slow::Pace;
use super::support::{DEADLINE, Key, Terminal, wait_until, wait_until_some};
use super::versions::refusal;

/// A place in which the link is kept from the first moment, as soon as the keyboard rests for so long.
pub fn keeping(rest: &str, settings: &Value, pace: Pace) -> Place {
    let mut place = Place::new();
    pace.prepare(&mut place);
    place.settings(settings);
    place.sandbox.configure(&format!(
        "[remote_control]\nkeep = \"always\"\ndisconnected_for = \"5s\"\nrest = \"{rest}\"\n"
    ));
    place
}

#[track_caller]
pub fn waits_for(place: &Place, words: &str) {
    let end = Instant::now() + 5 * DEADLINE;
    wait_until(words, DEADLINE * 6, || {
        let log = place.log();
        assert!(Instant::now() < end, "no wait for {words:?} in {log:#?}");
        log.iter().any(|line| {
            matches!(line["event"].as_str(), Some("remote-waits" | "remote-gave-up"))
                && line["what"].as_str().is_some_and(|what| what.contains(words))
        })
    });
}

/// It was submitted once, answered with the refusal, and that is the end of it. Tries that were taken back
/// before, because a busy machine did not draw the command in time, do no harm.
#[track_caller]
pub fn was_refused(place: &Place, terminal: &mut Terminal, draft: &str) {
    // A claude with 3 % of a core rests seldom, and on a busy machine more seldom still: a try that failed and
    // the next one took three minutes there.
    let end = Instant::now() + 8 * DEADLINE;
    let record = wait_until_some("a refusal", 9 * DEADLINE, || {
        assert!(Instant::now() < end, "{:#?}\n{:#?}\n{}", place.log(), place.state(), terminal.report());
        let mut records = place.sandbox.records();
        (records.len() == 1)
            .then(|| records.remove(0))
            .filter(|record| record.json["remote"]["state"] == "unavailable")
    });
    let log = place.log();
    let taken_back = log
        .iter()
        .filter(|line| line["event"] == "remote-failed")
        .filter(|line| line["what"].as_str().is_some_and(|what| what.contains("in time")))
        .count();
    assert_eq!(record.json["remote"]["tries"], 1 + taken_back, "{log:#?}");
    let said = record.json["remote"]["last_try"]["outcome"].as_str().unwrap_or_default();
    assert!(said.contains(refusal()), "{said}");
    terminal.wait_for("the refusal, and the prompt", |screen| {
        screen.text().replace('\n', " ").contains(refusal()) && prompt_holds(screen, draft)
    });
    assert_eq!((place.count("remote-entering"), place.count("remote-failed")), (1, 1 + taken_back));
    assert!(!place.mock.asked(), "{:?}", place.mock.arrived());
    assert!(place.transcripts().len() <= 1);
}

#[test]
fn at_the_empty_prompt() {
    for (tui, pace) in [("default", Pace::Usual), ("fullscreen", Pace::Usual), ("default", Pace::Slow)] {
        let place = keeping("1s", &json!({"tui": tui}), pace);
        let mut terminal = place.start(How::Through, &[]);
        let _limit = pace.slow_down(&place);
        was_refused(&place, &mut terminal, "");
    }
}

#[test]
fn with_a_draft() {
    for pace in Pace::BOTH {
        let place = keeping("3s", &json!({"tui": "default"}), pace);
        let mut terminal = place.start(How::Through, &[]);
        terminal.type_text("a draft of mine");
        terminal.wait_for("the draft", |screen| prompt_holds(screen, "a draft of mine"));
        let _limit = pace.slow_down(&place);
        was_refused(&place, &mut terminal, "a draft of mine");
    }
}

/// In vim's insert or normal mode, with a draft.
fn in_vim(normal: bool, pace: Pace) {
    let place = keeping("3s", &json!({"tui": "default", "editorMode": "vim"}), pace);
    let mut terminal = place.start(How::Through, &[]);
    terminal.wait_for_text("-- INSERT --");
    terminal.type_text("a draft");
    terminal.wait_for("the draft", |screen| prompt_holds(screen, "a draft"));
    if normal {
        terminal.press(Key::Esc);
        terminal.wait_for("normal mode", |screen| !screen.contains("-- INSERT --"));
    }
    let _limit = pace.slow_down(&place);
    was_refused(&place, &mut terminal, "a draft");
    // Drawn a moment after the prompt.
    terminal.wait_for("the mode as it was", |screen| screen.contains("-- INSERT --") != normal);
}

#[test]
fn in_vim_s_insert_mode() {
    for pace in Pace::BOTH {
        in_vim(false, pace);
    }
}

#[test]
fn in_vim_s_normal_mode() {
    for pace in Pace::BOTH {
        in_vim(true, pace);
    }
}

#[test]
fn keys_that_are_pressed_meanwhile_come_after() {
    for pace in Pace::BOTH {
        let place = keeping("2s", &json!({"tui": "default"}), pace);
        let mut terminal = place.start(How::Through, &[]);
        terminal.type_text("x");
        terminal.wait_for("the draft", |screen| prompt_holds(screen, "x"));
        let _limit = pace.slow_down(&place);
        wait_until("the command", DEADLINE, || place.count("remote-typing") == 1);
        for key in ["y", "z", " ", "w", "\x7f", "v"] {
            terminal.type_text(key);
        }
        was_refused(&place, &mut terminal, "xyz v");
    }
}

#[test]
fn in_the_transcript_view_nothing_is_typed() {
    for pace in Pace::BOTH {
        let place = keeping("4s", &json!({"tui": "default"}), pace);
        let mut terminal = place.start(How::Through, &[]);
        let limit = pace.slow_down(&place);
        terminal.press(Key::Ctrl('o'));
        terminal.wait_for_text("detailed transcript");
        waits_for(&place, "not at the main prompt");
        assert_eq!(place.count("remote-typing"), 0);
        drop(limit);
        terminal.press_until(Key::Esc, "the prompt", |screen| prompt_holds(screen, ""));
        let _limit = pace.slow_down(&place);
        was_refused(&place, &mut terminal, "");
    }
}

#[test]
fn in_the_agents_view_nothing_is_typed_nor_after_it() {
    for pace in Pace::BOTH {
        let place = keeping("2s", &json!({"tui": "default"}), pace);
        let mut terminal = place.start(How::Through, &[]);
        terminal.press(Key::Left);
        terminal.wait_for_text("enter to return");
        let limit = pace.slow_down(&place);
        waits_for(&place, "moved to the background (agents view)");
        drop(limit);
        // What is shown then is the prompt of another process.
        terminal.press_until(Key::Esc, "the prompt", |screen| prompt_holds(screen, ""));
        terminal.type_text("words");
        terminal.wait_for("the words alone", |screen| prompt_holds(screen, "words"));
        assert_eq!(place.count("remote-typing"), 0);
        assert!(!place.mock.asked(), "{:?}", place.mock.arrived());
    }
}

#[test]
fn a_status_line_in_claude_s_own_words_is_not_believed() {
    for (line, shown) in [
        ("printf '/rc active'", "/rc active"),
        ("printf 'Remote Control requires coffee\\nesc to interrupt\\ndraft stashed'", "requires coffee"),
        ("printf 'one\\n\\033[32m%*s\\033[0m' $((COLUMNS-4)) '/rc active'", "/rc active"),
        ("printf '\\033[32mx%*s\\033[0m' $((COLUMNS-5)) '/rc active'", "/rc active"),
    ] {
        for tui in ["default", "fullscreen"] {
            let status = json!({"type": "command", "command": line});
            let place = keeping("2s", &json!({"tui": tui, "statusLine": status}), Pace::Usual);
            let mut terminal = place.start(How::Through, &[]);
            terminal.wait_for_text(shown);
            // The keyboard has to rest from now on, so the status line is there when the screen is looked at.
            terminal.type_text("x");
            terminal.wait_for("the draft", |screen| prompt_holds(screen, "x"));
            was_refused(&place, &mut terminal, "x");
        }
    }
}

#[test]
fn beside_a_background_command() {
    let place = keeping("3s", &json!({"tui": "default"}), Pace::Usual);
    let mut terminal = place.start(How::Through, &[]);
    terminal.type_text("!");
    terminal.wait_for_text("! for shell mode");
    terminal.type_text("sleep 60");
    terminal.wait_for_text("sleep 60");
    terminal.press(Key::Enter);
    let status = || place.state().map(|state| state["status"].clone());
    wait_until("a command in the background", DEADLINE, || {
        if status() == Some("busy".into()) {
            terminal.press(Key::Ctrl('b'));
        }
        status() == Some("shell".into())
    });
    was_refused(&place, &mut terminal, "");
    assert_eq!(status(), Some("shell".into()));
}
