//! What is the user's stays as it is: their stash, their words, their commands, and the order of their keys.

use std::time::Duration;

use super::super::{Action, BlockReason, Reconnector, ReconnectorEvent, ScreenSnapshot};
use super::{LINE, file, look, ms, prompt, seconds, state_file};
use crate::claude::screen::{Indicator, Menu, Prompt, Room, Vim};
use crate::config::RemoteControl;
use crate::registry::log_event::LinkEvent;
use crate::remote::reconnector::File;
use crate::typing::{KEY_HOLD_LIMIT, KeyboardState, Keystroke};

fn typed(actions: &[Action]) -> Vec<Keystroke> {
    let keys = actions.iter().filter_map(|action| match action {
        Action::Type(keys) => Some(keys.clone()),
        _ => None,
    });
    keys.collect()
}

fn notes(actions: &[Action]) -> Vec<LinkEvent> {
    let notes = actions.iter().filter_map(|action| match action {
        Action::Note(event) => Some(event.clone()),
        _ => None,
    });
    notes.collect()
}

fn has_left_behind(actions: &[Action]) -> bool {
    notes(actions).iter().any(|note| matches!(note, LinkEvent::LeftBehind { .. }))
}

fn at_prompt(text: &str) -> ScreenSnapshot {
    look(prompt(text), Indicator::Failed)
}

/// A session in a terminal whose link has gone, at the time to type.
fn due() -> (Reconnector, Duration) {
    let mut reconnector = Reconnector::new(RemoteControl::default(), true, false);
    reconnector.handle(ms(0), ReconnectorEvent::Started);
    reconnector.handle(ms(0), ReconnectorEvent::Attached);
    reconnector.handle(ms(0), ReconnectorEvent::File(Some(file(false, "idle"))));
    assert_eq!(reconnector.handle(seconds(15), ReconnectorEvent::Due), [Action::Look]);
    (reconnector, seconds(15))
}

/// The same with the keys held, and this to be seen.
fn held(shown: &ScreenSnapshot) -> (Reconnector, Duration) {
    let (mut reconnector, at) = due();
    assert!(reconnector.handle(at, ReconnectorEvent::Looked(shown.clone())).contains(&Action::Hold));
    assert_eq!(reconnector.handle(at, ReconnectorEvent::Held(KeyboardState::default())), [Action::Look]);
    (reconnector, at)
}

fn seen(reconnector: &mut Reconnector, at: Duration, shown: &ScreenSnapshot) -> Vec<Action> {
    reconnector.handle(at, ReconnectorEvent::Looked(shown.clone()))
}

#[test]
fn what_stands_there_may_forbid_the_try() {
    let mut stash = at_prompt("");
    stash.reading.stashed = true;
    let mut stash_and_draft = at_prompt("words");
    stash_and_draft.reading.stashed = true;
    let mut small = at_prompt("words");
    small.reading.room = Room::new(9, 80, false);
    for (shown, words) in [
        (stash, "stashed"),
        (stash_and_draft, "stashed"),
        (at_prompt(" "), "nothing but blanks"),
        (at_prompt("   "), "nothing but blanks"),
        (at_prompt(LINE), "stands at the prompt already"),
        (at_prompt("/remote-control "), "stands at the prompt already"),
        (small, "too small"),
    ] {
        let (mut reconnector, at) = due();
        let actions = seen(&mut reconnector, at, &shown);
        assert!(!actions.contains(&Action::Hold) && typed(&actions).is_empty(), "{actions:?}");
        let why = reconnector.report(at).why.expect("a reason").to_string();
        assert!(why.contains(words), "{why}");
        // It came between the two looks.
        let (mut reconnector, at) = held(&at_prompt("words"));
        let actions = seen(&mut reconnector, at, &shown);
        assert!(actions.contains(&Action::Release) && typed(&actions).is_empty(), "{actions:?}");
    }
}

#[test]
fn what_a_claude_shows_that_does_not_rest_is_no_step() {
    let (mut reconnector, at) = held(&at_prompt(""));
    let stale = |text: &str| ScreenSnapshot { rested: false, ..at_prompt(text) };
    assert_eq!(typed(&seen(&mut reconnector, at, &stale(""))), []);
    assert_eq!(typed(&seen(&mut reconnector, at + ms(100), &at_prompt(""))), [Keystroke::Paste(LINE.into())]);
    // The same words, typed by the user before, and drawn before the paste.
    assert_eq!(typed(&seen(&mut reconnector, at + ms(200), &stale(LINE))), []);
    assert_eq!(typed(&seen(&mut reconnector, at + seconds(9), &stale(LINE))), []);
    let twice = at_prompt("/remote-control/remote-control");
    assert_eq!(typed(&seen(&mut reconnector, at + seconds(10), &twice)), [Keystroke::Undo]);
    let over = seen(&mut reconnector, at + seconds(11), &at_prompt(LINE));
    assert_eq!(typed(&over), []);
}

#[test]
fn a_claude_that_never_rests_has_nothing_typed_and_the_reason_says_so() {
    let (mut reconnector, at) = held(&at_prompt(""));
    let stale = ScreenSnapshot { rested: false, ..at_prompt("") };
    assert_eq!(seen(&mut reconnector, at + seconds(5), &stale), []);
    let over = seen(&mut reconnector, at + seconds(12), &stale);
    assert!(over.contains(&Action::Release) && typed(&over).is_empty(), "{over:?}");
    assert_eq!(reconnector.report(at + seconds(12)).why, Some(BlockReason::Restless));
}

#[test]
fn before_anything_was_typed_a_key_goes_on_its_way_at_once() {
    let (mut reconnector, at) = held(&at_prompt("words"));
    let actions = reconnector.handle(at, ReconnectorEvent::KeyWaits);
    assert!(actions.contains(&Action::Release), "{actions:?}");
    assert_eq!(typed(&actions), []);
}

#[test]
fn a_key_waits_for_a_second_from_step_to_step() {
    let (mut reconnector, at) = held(&at_prompt("words"));
    assert_eq!(typed(&seen(&mut reconnector, at, &at_prompt("words"))), [Keystroke::Stash]);
    reconnector.handle(at + ms(100), ReconnectorEvent::KeyWaits);
    let stashed = |text: &str| {
        let mut look = at_prompt(text);
        look.reading.stashed = true;
        look
    };
    let actions = seen(&mut reconnector, at + ms(900), &stashed(""));
    assert_eq!(typed(&actions), [Keystroke::Paste(LINE.into())]);
    assert!(actions.contains(&Action::StillHolding), "{actions:?}");
    let slow = ScreenSnapshot { rested: false, ..stashed("") };
    assert_eq!(seen(&mut reconnector, at + ms(1800), &slow), []);
    // What takes it back comes before the user's key, in this order.
    let actions = reconnector.handle(at + ms(900) + KEY_HOLD_LIMIT, ReconnectorEvent::Due);
    assert_eq!(typed(&actions), [Keystroke::Undo, Keystroke::Stash]);
    assert_eq!(actions.last(), Some(&Action::Release));
    assert!(has_left_behind(&actions), "{actions:?}");
}

/// A try that was given up with everything undone and nothing seen.
fn given_up() -> (Reconnector, Duration) {
    let (mut reconnector, at) = held(&at_prompt("words"));
    assert_eq!(typed(&seen(&mut reconnector, at, &at_prompt("words"))), [Keystroke::Stash]);
    reconnector.handle(at, ReconnectorEvent::KeyWaits);
    assert_eq!(typed(&reconnector.handle(at + KEY_HOLD_LIMIT, ReconnectorEvent::Due)), [Keystroke::Stash]);
    (reconnector, at + KEY_HOLD_LIMIT)
}

/// Looks once more when the reconnector wants to, and says what is typed and noted.
fn looks_again(
    reconnector: &mut Reconnector,
    keyboard: KeyboardState,
    shown: &ScreenSnapshot,
) -> (Duration, Vec<Action>) {
    let at = reconnector.deadline().expect("another look");
    let mut all = reconnector.handle(at, ReconnectorEvent::Due);
    for _ in 0..3 {
        let last = all.last().cloned();
        if all.contains(&Action::Hold) && !all.contains(&Action::Release) && last == Some(Action::Hold) {
            all.extend(reconnector.handle(at, ReconnectorEvent::Held(keyboard)));
        } else if last == Some(Action::Look) {
            all.extend(seen(reconnector, at, shown));
        }
    }
    (at, all)
}

#[test]
fn a_draft_that_is_still_stashed_is_brought_back_to_an_empty_prompt() {
    let (mut reconnector, _) = given_up();
    let mut stashed = at_prompt("");
    stashed.reading.stashed = true;
    let (at, actions) = looks_again(&mut reconnector, KeyboardState::default(), &stashed);
    assert_eq!(typed(&actions), [Keystroke::Stash]);
    let over = seen(&mut reconnector, at + ms(100), &at_prompt("words"));
    assert!(notes(&over).contains(&LinkEvent::Tidied), "{over:?}");
}

#[test]
fn a_draft_that_is_back_or_was_stashed_by_the_user_since_is_left_alone() {
    let (mut reconnector, _) = given_up();
    let (_, actions) = looks_again(&mut reconnector, KeyboardState::default(), &at_prompt("words"));
    assert_eq!((typed(&actions), notes(&actions)), (vec![], vec![LinkEvent::Tidied]));

    let (mut reconnector, gave_up) = given_up();
    let mut stashed = at_prompt("");
    stashed.reading.stashed = true;
    let at = reconnector.deadline().expect("another look");
    let ago = at - gave_up - ms(10);
    let pressed = KeyboardState { stashed: Some(ago), typed: Some(seconds(60)), ..KeyboardState::default() };
    let (_, actions) = looks_again(&mut reconnector, pressed, &stashed);
    assert_eq!(typed(&actions), []);
}

#[test]
fn what_cannot_be_mended_is_told() {
    let (mut reconnector, at) = given_up();
    // Another draft stands there for good.
    let mut other = at_prompt("other words");
    other.reading.stashed = true;
    let mut told = vec![];
    while let Some(due) = reconnector.deadline().filter(|due| *due < at + seconds(1200)) {
        let mut actions = reconnector.handle(due, ReconnectorEvent::Due);
        if actions.contains(&Action::Hold) {
            actions.extend(reconnector.handle(due, ReconnectorEvent::Held(KeyboardState::default())));
        }
        if actions.contains(&Action::Look) {
            actions.extend(seen(&mut reconnector, due, &other));
            if actions.last() == Some(&Action::Hold) {
                reconnector.handle(due, ReconnectorEvent::Held(KeyboardState::default()));
                actions.extend(seen(&mut reconnector, due, &other));
            }
        }
        assert_eq!(typed(&actions), []);
        told.extend(notes(&actions));
    }
    assert_eq!(told.iter().filter(|note| matches!(note, LinkEvent::NotTidied { .. })).count(), 1, "{told:?}");
}

#[test]
fn a_command_of_the_user_s_own_is_taken_back_before_enter() {
    let menu = |about: &str| Some(Menu { selected: Some(LINE.into()), about: about.into() });
    for (about, own_command) in [("Mine (user)", false), ("Mine (project)", true), ("Another text", true)] {
        let (mut reconnector, at) = held(&at_prompt(""));
        assert_eq!(typed(&seen(&mut reconnector, at, &at_prompt(""))), [Keystroke::Paste(LINE.into())]);
        let mut shown = ScreenSnapshot { own_command, ..at_prompt(LINE) };
        shown.reading.menu = menu(about);
        assert_eq!(typed(&seen(&mut reconnector, at + ms(100), &shown)), [Keystroke::Undo], "{about}");
        let over = seen(&mut reconnector, at + ms(200), &ScreenSnapshot { own_command, ..at_prompt("") });
        assert!(over.contains(&Action::Release), "{over:?}");
        assert!(matches!(reconnector.report(at + ms(200)).why, Some(BlockReason::OwnCommand(_))));
        assert!(reconnector.asks_for_own_command());
        // Its file is gone.
        seen(&mut reconnector, at + seconds(60), &at_prompt(""));
        assert!(!matches!(reconnector.report(at + seconds(60)).why, Some(BlockReason::OwnCommand(_))));
    }
    // The built-in one is selected all the same.
    let (mut reconnector, at) = held(&at_prompt(""));
    seen(&mut reconnector, at, &at_prompt(""));
    let mut shown = ScreenSnapshot { own_command: true, ..at_prompt(LINE) };
    shown.reading.menu = menu("Control this session from your phone or claude.ai/code");
    assert_eq!(typed(&seen(&mut reconnector, at + ms(100), &shown)), [Keystroke::Enter]);
}

#[test]
fn a_turn_behind_enter_is_the_last_one_of_its_kind() {
    let (mut reconnector, at) = held(&at_prompt(""));
    seen(&mut reconnector, at, &at_prompt(""));
    assert_eq!(typed(&seen(&mut reconnector, at + ms(100), &at_prompt(LINE))), [Keystroke::Enter]);
    reconnector.handle(at + ms(200), ReconnectorEvent::File(Some(file(false, "busy"))));
    let mut runs = at_prompt("");
    runs.reading.busy = true;
    for after in [300, 1000, 3000, 7000] {
        assert!(!seen(&mut reconnector, at + ms(after), &runs).contains(&Action::Release));
    }
    let over = seen(&mut reconnector, at + ms(7400), &runs);
    assert!(over.contains(&Action::Release), "{over:?}");
    assert!(matches!(reconnector.report(at + ms(7400)).why, Some(BlockReason::OwnCommand(_))));
    reconnector.handle(at + seconds(30), ReconnectorEvent::File(Some(file(false, "idle"))));
    assert_eq!(reconnector.report(at + seconds(600)).tries, 1);
    assert!(matches!(reconnector.report(at + seconds(600)).why, Some(BlockReason::OwnCommand(_))));
    // A dialog of the user's may have changed that.
    let mut dialog = state_file(false, "waiting");
    dialog.waiting_for = Some("dialog open".into());
    reconnector.handle(at + seconds(700), ReconnectorEvent::File(Some(File::of(&dialog))));
    reconnector.handle(at + seconds(710), ReconnectorEvent::File(Some(file(false, "idle"))));
    assert!(!matches!(reconnector.report(at + seconds(710)).why, Some(BlockReason::OwnCommand(_))));
}

#[test]
fn insert_mode_is_switched_on_again_where_esc_has_left_it() {
    let (mut reconnector, at) = due();
    let insert = |text: &str, is: bool| {
        let mut look = at_prompt(text);
        look.reading.vim = is.then_some(Vim::Insert);
        look
    };
    seen(&mut reconnector, at, &insert("", true));
    reconnector.handle(at, ReconnectorEvent::Held(KeyboardState::default()));
    assert_eq!(typed(&seen(&mut reconnector, at, &insert("", true))), [Keystroke::Paste(LINE.into())]);
    assert_eq!(typed(&seen(&mut reconnector, at + ms(100), &insert(LINE, false))), [Keystroke::Enter]);
    // A dialog that is not known.
    let mut dialog = state_file(false, "waiting");
    dialog.waiting_for = Some("dialog open".into());
    reconnector.handle(at + ms(150), ReconnectorEvent::File(Some(File::of(&dialog))));
    let elsewhere = look(Prompt::Elsewhere("a dialog is open"), Indicator::Absent);
    assert_eq!(typed(&seen(&mut reconnector, at + seconds(3), &elsewhere)), [Keystroke::Escape]);
    reconnector.handle(at + seconds(4), ReconnectorEvent::File(Some(file(false, "idle"))));
    let over = seen(&mut reconnector, at + seconds(4), &insert("", false));
    assert!(has_left_behind(&over), "{over:?}");
    let (tidied, actions) = looks_again(&mut reconnector, KeyboardState::default(), &insert("", false));
    assert_eq!(typed(&actions), [Keystroke::Append]);
    let over = seen(&mut reconnector, tidied + ms(100), &insert("", true));
    assert!(notes(&over).contains(&LinkEvent::Tidied), "{over:?}");
}

#[test]
fn behind_enter_a_key_waits_until_the_command_has_left_the_prompt() {
    for takes in [4, 20] {
        let (mut reconnector, at) = held(&at_prompt(""));
        seen(&mut reconnector, at, &at_prompt(""));
        assert_eq!(typed(&seen(&mut reconnector, at + ms(100), &at_prompt(LINE))), [Keystroke::Enter]);
        reconnector.handle(at + ms(200), ReconnectorEvent::KeyWaits);
        let mut released = None;
        while let Some(due) =
            reconnector.deadline().filter(|due| released.is_none() && *due < at + seconds(30))
        {
            let mut actions = reconnector.handle(due, ReconnectorEvent::Due);
            if actions.contains(&Action::Look) {
                let shown = at_prompt(if due < at + seconds(takes) { LINE } else { "" });
                actions.extend(seen(&mut reconnector, due, &shown));
            }
            assert_eq!(typed(&actions), []);
            released = actions.contains(&Action::Release).then_some(due);
        }
        let released = released.expect("an end") - at;
        // Eight seconds at most, and then the command is looked for later.
        assert!(released >= seconds(takes.min(8)) && released < seconds(takes.min(8) + 2), "{released:?}");
    }
}
