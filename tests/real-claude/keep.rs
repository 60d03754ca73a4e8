//! Remote control is asked for at the real prompt, and nowhere else. Without an account the answer is always the same one:
//! that it needs a subscription.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::driver::{How, Place, prompt_holds};
use super::support::{DEADLINE, Key, Terminal, wait_until};
use super::versions::refusal;

/// A place in which the link is kept from the first moment, as soon as the keyboard rests for so long.
fn keeping(rest: &str, settings: &Value) -> Place {
    let place = Place::new();
    place.settings(settings);
    place.sandbox.configure(&format!(
        "[remote_control]\nkeep = \"always\"\ndisconnected_for = \"500ms\"\nrest = \"{rest}\"\n"
    ));
    place
}

#[track_caller]
fn waits_for(place: &Place, words: &str) {
    let end = Instant::now() + DEADLINE;
    wait_until(words, DEADLINE * 2, || {
        let log = place.log();
        assert!(Instant::now() < end, "no wait for {words:?} in {log:#?}");
        log.iter().any(|line| {
            line["event"] == "remote-waits" && line["what"].as_str().is_some_and(|what| what.contains(words))
        })
    });
}

/// It was submitted once, answered with the refusal, and that is the end of it. Tries that were taken back before, because a busy
/// machine did not draw the command in time, do no harm.
#[track_caller]
fn was_refused(place: &Place, terminal: &mut Terminal, draft: &str) {
    let end = Instant::now() + DEADLINE - Duration::from_secs(1);
    let record = place.sandbox.wait_for_record("a refusal", |record| {
        assert!(
            Instant::now() < end,
            "{:#?}
{:#?}
{}",
            place.log(),
            place.state(),
            terminal.report()
        );
        record.json["remote"]["state"] == "unavailable"
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
    for tui in ["default", "fullscreen"] {
        let place = keeping("1s", &json!({"tui": tui}));
        let mut terminal = place.start(How::Through, &[]);
        was_refused(&place, &mut terminal, "");
    }
}

#[test]
fn with_a_draft() {
    let place = keeping("3s", &json!({"tui": "default"}));
    let mut terminal = place.start(How::Through, &[]);
    terminal.type_text("a draft of mine");
    terminal.wait_for("the draft", |screen| prompt_holds(screen, "a draft of mine"));
    was_refused(&place, &mut terminal, "a draft of mine");
}

#[test]
fn in_vim_s_insert_and_normal_mode() {
    for normal in [false, true] {
        let place = keeping("3s", &json!({"tui": "default", "editorMode": "vim"}));
        let mut terminal = place.start(How::Through, &[]);
        terminal.wait_for_text("-- INSERT --");
        terminal.type_text("a draft");
        terminal.wait_for("the draft", |screen| prompt_holds(screen, "a draft"));
        if normal {
            terminal.press(Key::Esc);
            terminal.wait_for("normal mode", |screen| !screen.contains("-- INSERT --"));
        }
        was_refused(&place, &mut terminal, "a draft");
        // Drawn a moment after the prompt.
        terminal.wait_for("the mode as it was", |screen| screen.contains("-- INSERT --") != normal);
    }
}

#[test]
fn keys_that_are_pressed_meanwhile_come_after() {
    let place = keeping("2s", &json!({"tui": "default"}));
    let mut terminal = place.start(How::Through, &[]);
    terminal.type_text("x");
    terminal.wait_for("the draft", |screen| prompt_holds(screen, "x"));
    wait_until("the command", DEADLINE, || place.count("remote-typing") == 1);
    for key in ["y", "z", " ", "w", "\x7f", "v"] {
        terminal.type_text(key);
    }
    was_refused(&place, &mut terminal, "xyz v");
}

#[test]
fn in_the_transcript_view_nothing_is_typed() {
    let place = keeping("4s", &json!({"tui": "default"}));
    let mut terminal = place.start(How::Through, &[]);
    terminal.press(Key::Ctrl('o'));
    terminal.wait_for_text("detailed transcript");
    waits_for(&place, "not at the main prompt");
    assert_eq!(place.count("remote-typing"), 0);
    terminal.press_until(Key::Esc, "the prompt", |screen| prompt_holds(screen, ""));
    was_refused(&place, &mut terminal, "");
}

#[test]
fn in_the_agents_view_nothing_is_typed_nor_after_it() {
    let place = keeping("2s", &json!({"tui": "default"}));
    let mut terminal = place.start(How::Through, &[]);
    terminal.press(Key::Left);
    terminal.wait_for_text("enter to return");
    waits_for(&place, "moved to the background (agents view)");
    // What is shown then is the prompt of another process.
    terminal.press_until(Key::Esc, "the prompt", |screen| prompt_holds(screen, ""));
    terminal.type_text("words");
    terminal.wait_for("the words alone", |screen| prompt_holds(screen, "words"));
    assert_eq!(place.count("remote-typing"), 0);
    assert!(!place.mock.asked(), "{:?}", place.mock.arrived());
}
