//! The course of things, step by step.

use super::super::{Action, Event, Keeper, Keyboard, Keys, Look, Occasion, Standing};
use super::{LINE, file, look, ms, prompt, seconds};
use crate::claude::screen::{Draft, Indicator, Notice, Prompt};
use crate::config::RemoteControl;

/// What is typed in answer to an event, and whether a look is wanted.
fn typed(actions: &[Action]) -> Vec<Keys> {
    actions
        .iter()
        .filter_map(|action| if let Action::Type(keys) = action { Some(keys.clone()) } else { None })
        .collect()
}

/// A session whose link has gone, with the keys held and everything ready.
fn about_to_type() -> (Keeper, std::time::Duration) {
    let mut keeper = Keeper::new(RemoteControl::default(), true, false);
    keeper.on(ms(0), Event::Started);
    keeper.on(ms(0), Event::Attached);
    keeper.on(ms(0), Event::File(Some(file(false, "idle"))));
    assert_eq!(keeper.due(), Some(seconds(15)));
    assert_eq!(keeper.on(seconds(15), Event::Due), [Action::Look]);
    let ready = look(Prompt::Empty, Indicator::Failed);
    assert!(keeper.on(seconds(15), Event::Looked(ready)).contains(&Action::Hold));
    assert_eq!(keeper.on(seconds(15), Event::Held(Keyboard::default())), [Action::Look]);
    (keeper, seconds(15))
}

#[test]
fn an_empty_prompt_gets_no_ctrl_s() {
    let (mut keeper, at) = about_to_type();
    let seen = |keeper: &mut Keeper, at, shown| keeper.on(at, Event::Looked(look(shown, Indicator::Failed)));
    assert_eq!(typed(&seen(&mut keeper, at, Prompt::Empty)), [Keys::Paste(LINE.into())]);
    assert_eq!(typed(&seen(&mut keeper, at + ms(50), Prompt::Empty)), []);
    assert_eq!(typed(&seen(&mut keeper, at + ms(100), prompt(LINE))), [Keys::Enter]);
    assert_eq!(typed(&seen(&mut keeper, at + ms(150), prompt(LINE))), []);
    let connecting = look(Prompt::Empty, Indicator::Connecting);
    assert!(keeper.on(at + ms(200), Event::Looked(connecting)).contains(&Action::Release));
    let up = keeper.on(at + ms(900), Event::File(Some(file(true, "idle"))));
    assert!(up.contains(&Action::Note("remote-back", String::new())), "{up:?}");
    assert_eq!(keeper.report(at + seconds(1)).standing, Standing::Up);
}

#[test]
fn in_vim_s_normal_mode_what_backspace_does_not_delete_is_deleted_otherwise() {
    let (mut keeper, at) = about_to_type();
    let seen =
        |keeper: &mut Keeper, at, shown| typed(&keeper.on(at, Event::Looked(look(shown, Indicator::Failed))));
    let with =
        |text: &str, cursor_at_end| Prompt::Draft(Draft { text: text.into(), lines: 1, cursor_at_end });
    assert_eq!(seen(&mut keeper, at, Prompt::Empty), [Keys::Paste(LINE.into())]);
    // Nothing but the cursor is in the way of Enter; in time it is taken back.
    assert_eq!(seen(&mut keeper, at + ms(100), with(LINE, false)), []);
    assert_eq!(seen(&mut keeper, at + ms(2100), with(LINE, true)), [Keys::Backspaces(LINE.len())]);
    assert_eq!(seen(&mut keeper, at + ms(2200), with(LINE, false)), [Keys::DeleteToEnd]);
    let done = keeper.on(at + ms(2300), Event::Looked(look(Prompt::Empty, Indicator::Failed)));
    assert!(done.contains(&Action::Release), "{done:?}");
    assert_eq!(keeper.report(at + seconds(3)).tries, 1);
    assert_eq!(keeper.report(at + seconds(3)).next_try, Some(at + ms(2300) + seconds(10)));
}

#[test]
fn an_enter_that_would_take_another_command_is_not_pressed() {
    let (mut keeper, at) = about_to_type();
    keeper.on(at, Event::Looked(look(Prompt::Empty, Indicator::Failed)));
    let mut menu = look(prompt(LINE), Indicator::Absent);
    menu.reading.menu = Some(crate::claude::screen::Menu { selected: Some("/remote-env".into()) });
    assert_eq!(typed(&keeper.on(at + ms(100), Event::Looked(menu.clone()))), []);
    menu.reading.menu = Some(crate::claude::screen::Menu { selected: Some(LINE.into()) });
    assert_eq!(typed(&keeper.on(at + ms(150), Event::Looked(menu))), [Keys::Enter]);
}

/// Looks that lead from the empty prompt to Enter.
fn entered(keeper: &mut Keeper, at: std::time::Duration, before: &Look) {
    keeper.on(at, Event::Looked(before.clone()));
    let mut pasted = before.clone();
    pasted.reading.prompt = prompt(LINE);
    assert_eq!(typed(&keeper.on(at + ms(50), Event::Looked(pasted))), [Keys::Enter]);
}

#[test]
fn a_refusal_is_read_before_the_keys_that_waited_can_move_it_away() {
    let (mut keeper, at) = about_to_type();
    let mut shown = look(Prompt::Empty, Indicator::Absent);
    entered(&mut keeper, at, &shown);
    shown.reading.notice = Some(Notice::NeedsSubscription("it needs a subscription".into()));
    let over = keeper.on(at + ms(100), Event::Looked(shown));
    assert!(over.contains(&Action::Release), "{over:?}");
    assert_eq!(keeper.report(at + ms(100)).refused.as_deref(), Some("it needs a subscription"));
}

#[test]
fn a_refusal_once_more_has_its_time_before_the_keys_are_let_go() {
    let (mut keeper, at) = about_to_type();
    keeper.on(at, Event::Asked { cycle: false });
    let mut shown = look(Prompt::Empty, Indicator::Absent);
    shown.reading.notice = Some(Notice::NeedsSubscription("it needs a subscription".into()));
    entered(&mut keeper, at, &shown);
    let echo = look(Prompt::Empty, Indicator::Absent);
    assert_eq!(keeper.on(at + ms(100), Event::Looked(echo)), []);
    assert_eq!(keeper.on(at + ms(900), Event::Looked(shown.clone())), []);
    let over = keeper.on(at + ms(1100), Event::Looked(shown));
    assert!(over.contains(&Action::Release), "{over:?}");
    assert!(keeper.report(at + ms(1100)).refused.is_some());
}

/// A session without a terminal whose link is up.
fn linked(settings: RemoteControl) -> Keeper {
    let mut keeper = Keeper::new(settings, false, false);
    keeper.on(ms(0), Event::Started);
    keeper.on(ms(0), Event::File(Some(file(true, "idle"))));
    keeper.on(ms(400), Event::Looked(look(Prompt::Empty, Indicator::Active)));
    assert_eq!(keeper.report(ms(400)).standing, Standing::Up);
    keeper
}

/// Lets time pass until something other than a look is wanted, or nothing more; what it is, and when.
fn next_note(keeper: &mut Keeper, until: std::time::Duration) -> Option<(std::time::Duration, Action)> {
    while let Some(due) = keeper.due().filter(|due| *due <= until) {
        let mut actions = keeper.on(due, Event::Due);
        if actions.contains(&Action::Look) {
            actions.extend(keeper.on(due, Event::Looked(look(Prompt::Empty, Indicator::Active))));
        }
        if let Some(note) = actions.into_iter().find(|action| matches!(action, Action::Note(..))) {
            return Some((due, note));
        }
    }
    None
}

#[test]
fn after_a_sleep_that_was_long_enough_the_link_is_made_anew_once() {
    let cycle = Action::Note("remote-cycle", "the machine slept".into());
    let mut keeper = linked(RemoteControl::default());
    keeper.on(seconds(10), Event::Doubtful(Occasion::Slept(seconds(59))));
    assert_eq!(next_note(&mut keeper, seconds(10_000)), None);
    keeper.on(seconds(20_000), Event::Doubtful(Occasion::Slept(seconds(60))));
    assert_eq!(next_note(&mut keeper, seconds(30_000)), Some((seconds(20_060), cycle)));
    // Typed without a menu, it is claude that has to open its panel.
    let typed = typed(&keeper.on(seconds(20_060), Event::Looked(look(Prompt::Empty, Indicator::Active))));
    assert_eq!(typed, [Keys::Paste(LINE.into())]);
    keeper.on(seconds(20_061), Event::File(Some(file(false, "idle"))));
    keeper.on(seconds(20_070), Event::File(Some(file(true, "idle"))));
    assert_eq!(keeper.doubt, None);
}

#[test]
fn an_outage_and_idleness_count_only_where_that_is_configured() {
    let mut keeper = linked(RemoteControl::default());
    keeper.on(seconds(10), Event::Doubtful(Occasion::Outage(seconds(10_000))));
    assert_eq!(next_note(&mut keeper, seconds(1_000_000)), None);
    let hour = seconds(3600);
    let both = RemoteControl {
        cycle_after_outage: Some(hour),
        cycle_after_idle: Some(hour * 6),
        ..RemoteControl::default()
    };
    let mut keeper = linked(both.clone());
    keeper.on(seconds(10), Event::Doubtful(Occasion::Outage(hour)));
    let away = Action::Note("remote-cycle", "the network was away".into());
    assert_eq!(next_note(&mut keeper, hour), Some((seconds(70), away)));
    let mut keeper = linked(both);
    let idle = Action::Note("remote-cycle", "claude was idle for long".into());
    assert_eq!(next_note(&mut keeper, hour * 7), Some((hour * 6, idle)));
}

#[test]
fn a_link_that_nobody_keeps_is_never_made_anew() {
    let mut off = linked(RemoteControl { keep: crate::config::Keep::Off, ..RemoteControl::default() });
    off.on(seconds(10), Event::Doubtful(Occasion::Slept(seconds(10_000))));
    assert_eq!(next_note(&mut off, seconds(100_000)), None);
    let mut down = linked(RemoteControl::default());
    down.on(seconds(10), Event::File(Some(file(false, "busy"))));
    down.on(seconds(10), Event::Doubtful(Occasion::Slept(seconds(10_000))));
    assert_eq!(down.doubt, None);
}

#[test]
fn nothing_is_closed_that_is_not_seen() {
    let mut keeper = linked(RemoteControl::default());
    let at = seconds(10);
    let mut panel = look(Prompt::Elsewhere("the panel"), Indicator::Active);
    let items = ["Disconnect this session", "Continue"].map(str::to_owned).to_vec();
    panel.reading.panel = Some(crate::claude::screen::Panel { items, selected: 1, disconnect: Some(0) });
    let seen = |keeper: &mut Keeper, at, shown| typed(&keeper.on(at, Event::Looked(shown)));
    keeper.on(at, Event::Asked { cycle: true });
    let mut keys = vec![];
    for _ in 0..3 {
        keys.extend(seen(&mut keeper, at, look(Prompt::Empty, Indicator::Active)));
    }
    assert_eq!(keys, [Keys::Paste(LINE.into())]);
    assert_eq!(seen(&mut keeper, at + ms(100), look(prompt(LINE), Indicator::Active)), [Keys::Enter]);
    assert_eq!(seen(&mut keeper, at + ms(200), panel), [Keys::Up]);
    // It has gone by itself, and claude works: Esc would interrupt that.
    for after in [1000, 2300, 3000, 4500] {
        assert_eq!(seen(&mut keeper, at + ms(after), look(Prompt::Empty, Indicator::Active)), []);
    }
}
