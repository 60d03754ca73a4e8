//! The course of things, step by step.

use super::super::{Action, LinkStatus, Reconnector, ReconnectorEvent, ScreenSnapshot, StaleTrigger};
use super::{LINE, file, look, ms, prompt, seconds};
use crate::claude::remote_notices::Notice;
use crate::claude::screen::{Draft, Indicator, Prompt};
use crate::config::RemoteControl;
use crate::registry::log_event::LinkEvent;
use crate::typing::{KeyboardState, Keystroke};

/// What is typed in answer to an event, and whether a look is wanted.
fn typed(actions: &[Action]) -> Vec<Keystroke> {
    actions
        .iter()
        .filter_map(|action| if let Action::Type(keys) = action { Some(keys.clone()) } else { None })
        .collect()
}

/// A session whose link has gone, with the keys held and everything ready.
fn about_to_type() -> (Reconnector, std::time::Duration) {
    let mut reconnector = Reconnector::new(RemoteControl::default(), true, false);
    reconnector.handle(ms(0), ReconnectorEvent::Started);
    reconnector.handle(ms(0), ReconnectorEvent::Attached);
    reconnector.handle(ms(0), ReconnectorEvent::File(Some(file(false, "idle"))));
    assert_eq!(reconnector.deadline(), Some(seconds(15)));
    assert_eq!(reconnector.handle(seconds(15), ReconnectorEvent::Due), [Action::Look]);
    let ready = look(Prompt::Empty, Indicator::Failed);
    assert!(reconnector.handle(seconds(15), ReconnectorEvent::Looked(ready)).contains(&Action::Hold));
    assert_eq!(
        reconnector.handle(seconds(15), ReconnectorEvent::Held(KeyboardState::default())),
        [Action::Look]
    );
    (reconnector, seconds(15))
}

#[test]
fn an_empty_prompt_gets_no_ctrl_s() {
    let (mut reconnector, at) = about_to_type();
    let seen = |reconnector: &mut Reconnector, at, shown| {
        reconnector.handle(at, ReconnectorEvent::Looked(look(shown, Indicator::Failed)))
    };
    assert_eq!(typed(&seen(&mut reconnector, at, Prompt::Empty)), [Keystroke::Paste(LINE.into())]);
    assert_eq!(typed(&seen(&mut reconnector, at + ms(50), Prompt::Empty)), []);
    assert_eq!(typed(&seen(&mut reconnector, at + ms(100), prompt(LINE))), [Keystroke::Enter]);
    assert_eq!(typed(&seen(&mut reconnector, at + ms(150), prompt(LINE))), []);
    let connecting = look(Prompt::Empty, Indicator::Connecting);
    assert!(
        reconnector.handle(at + ms(200), ReconnectorEvent::Looked(connecting)).contains(&Action::Release)
    );
    let up = reconnector.handle(at + ms(900), ReconnectorEvent::File(Some(file(true, "idle"))));
    assert!(up.contains(&Action::Note(LinkEvent::Back)), "{up:?}");
    assert_eq!(reconnector.report(at + seconds(1)).status, LinkStatus::Up);
}

#[test]
fn in_vim_s_normal_mode_what_backspace_does_not_delete_is_deleted_otherwise() {
    let (mut reconnector, at) = about_to_type();
    let seen = |reconnector: &mut Reconnector, at, shown| {
        typed(&reconnector.handle(at, ReconnectorEvent::Looked(look(shown, Indicator::Failed))))
    };
    let with =
        |text: &str, cursor_at_end| Prompt::Draft(Draft { text: text.into(), lines: 1, cursor_at_end });
    assert_eq!(seen(&mut reconnector, at, Prompt::Empty), [Keystroke::Paste(LINE.into())]);
    // Nothing but the cursor is in the way of Enter; in time it is taken back.
    assert_eq!(seen(&mut reconnector, at + ms(100), with(LINE, false)), []);
    assert_eq!(seen(&mut reconnector, at + ms(2100), with(LINE, false)), [Keystroke::Undo]);
    // A version that knows no ctrl-_.
    assert_eq!(seen(&mut reconnector, at + ms(2200), with(LINE, true)), []);
    assert_eq!(seen(&mut reconnector, at + ms(4200), with(LINE, true)), [Keystroke::Backspaces(LINE.len())]);
    assert_eq!(seen(&mut reconnector, at + ms(6300), with(LINE, false)), [Keystroke::DeleteToEnd]);
    let done =
        reconnector.handle(at + ms(6400), ReconnectorEvent::Looked(look(Prompt::Empty, Indicator::Failed)));
    assert!(done.contains(&Action::Release), "{done:?}");
    assert_eq!(reconnector.report(at + seconds(7)).tries, 1);
    assert_eq!(reconnector.report(at + seconds(7)).next_try, Some(at + ms(6400) + seconds(10)));
}

#[test]
fn an_enter_that_would_take_another_command_is_not_pressed() {
    let (mut reconnector, at) = about_to_type();
    reconnector.handle(at, ReconnectorEvent::Looked(look(Prompt::Empty, Indicator::Failed)));
    let mut menu = look(prompt(LINE), Indicator::Absent);
    menu.reading.menu =
        Some(crate::claude::screen::Menu { selected: Some("/remote-env".into()), about: String::new() });
    assert_eq!(typed(&reconnector.handle(at + ms(100), ReconnectorEvent::Looked(menu.clone()))), []);
    menu.reading.menu =
        Some(crate::claude::screen::Menu { selected: Some(LINE.into()), about: String::new() });
    assert_eq!(typed(&reconnector.handle(at + ms(150), ReconnectorEvent::Looked(menu))), [Keystroke::Enter]);
}

/// Looks that lead from the empty prompt to Enter.
fn entered(reconnector: &mut Reconnector, at: std::time::Duration, before: &ScreenSnapshot) {
    reconnector.handle(at, ReconnectorEvent::Looked(before.clone()));
    let mut pasted = before.clone();
    pasted.reading.prompt = prompt(LINE);
    assert_eq!(typed(&reconnector.handle(at + ms(50), ReconnectorEvent::Looked(pasted))), [Keystroke::Enter]);
}

/// On a busy machine the state file is written before the next look.
#[test]
fn a_link_that_is_up_before_the_look_behind_enter_counts_as_brought_back() {
    let (mut reconnector, at) = about_to_type();
    reconnector.handle(at, ReconnectorEvent::Requested { cycle: false });
    let mut shown = look(Prompt::Empty, Indicator::Absent);
    entered(&mut reconnector, at, &shown);
    let mut actions = reconnector.handle(at + ms(80), ReconnectorEvent::File(Some(file(true, "idle"))));
    shown.reading.indicator = Indicator::Active;
    actions.extend(reconnector.handle(at + ms(100), ReconnectorEvent::Looked(shown)));
    assert!(actions.contains(&Action::Note(LinkEvent::Back)), "{actions:?}");
    let ended = |action: &Action| matches!(action, Action::Note(LinkEvent::RequestOver { .. }));
    assert!(!actions.iter().any(ended), "{actions:?}");
}

#[test]
fn a_refusal_is_read_before_the_keys_that_waited_can_move_it_away() {
    let (mut reconnector, at) = about_to_type();
    let mut shown = look(Prompt::Empty, Indicator::Absent);
    entered(&mut reconnector, at, &shown);
    shown.reading.notice = Some(Notice::NeedsSubscription("it needs a subscription".into()));
    let over = reconnector.handle(at + ms(100), ReconnectorEvent::Looked(shown));
    assert!(over.contains(&Action::Release), "{over:?}");
    assert_eq!(reconnector.report(at + ms(100)).refused.as_deref(), Some("it needs a subscription"));
}

#[test]
fn a_refusal_once_more_has_its_time_before_the_keys_are_let_go() {
    let (mut reconnector, at) = about_to_type();
    reconnector.handle(at, ReconnectorEvent::Requested { cycle: false });
    let mut shown = look(Prompt::Empty, Indicator::Absent);
    shown.reading.notice = Some(Notice::NeedsSubscription("it needs a subscription".into()));
    entered(&mut reconnector, at, &shown);
    let echo = look(Prompt::Empty, Indicator::Absent);
    assert_eq!(reconnector.handle(at + ms(100), ReconnectorEvent::Looked(echo)), []);
    assert_eq!(reconnector.handle(at + ms(900), ReconnectorEvent::Looked(shown.clone())), []);
    let over = reconnector.handle(at + ms(1100), ReconnectorEvent::Looked(shown));
    assert!(over.contains(&Action::Release), "{over:?}");
    assert!(reconnector.report(at + ms(1100)).refused.is_some());
}

/// A session without a terminal whose link is up.
fn linked(settings: RemoteControl) -> Reconnector {
    let mut reconnector = Reconnector::new(settings, false, false);
    reconnector.handle(ms(0), ReconnectorEvent::Started);
    reconnector.handle(ms(0), ReconnectorEvent::File(Some(file(true, "idle"))));
    reconnector.handle(ms(400), ReconnectorEvent::Looked(look(Prompt::Empty, Indicator::Active)));
    assert_eq!(reconnector.report(ms(400)).status, LinkStatus::Up);
    reconnector
}

/// Lets time pass until something other than a look is wanted, or nothing more; what it is, and when.
fn next_note(
    reconnector: &mut Reconnector,
    until: std::time::Duration,
) -> Option<(std::time::Duration, Action)> {
    while let Some(due) = reconnector.deadline().filter(|due| *due <= until) {
        let mut actions = reconnector.handle(due, ReconnectorEvent::Due);
        if actions.contains(&Action::Look) {
            actions.extend(
                reconnector.handle(due, ReconnectorEvent::Looked(look(Prompt::Empty, Indicator::Active))),
            );
        }
        if let Some(note) = actions.into_iter().find(|action| matches!(action, Action::Note(..))) {
            return Some((due, note));
        }
    }
    None
}

#[test]
fn after_a_sleep_that_was_long_enough_the_link_is_made_anew_once() {
    let cycle = Action::Note(LinkEvent::Cycle { what: "the machine slept" });
    let mut reconnector = linked(RemoteControl::default());
    reconnector.handle(seconds(10), ReconnectorEvent::MayBeStale(StaleTrigger::Slept(seconds(59))));
    assert_eq!(next_note(&mut reconnector, seconds(10_000)), None);
    reconnector.handle(seconds(20_000), ReconnectorEvent::MayBeStale(StaleTrigger::Slept(seconds(60))));
    assert_eq!(next_note(&mut reconnector, seconds(30_000)), Some((seconds(20_060), cycle)));
    // Typed without a menu, it is claude that has to open its panel.
    let typed = typed(
        &reconnector
            .handle(seconds(20_060), ReconnectorEvent::Looked(look(Prompt::Empty, Indicator::Active))),
    );
    assert_eq!(typed, [Keystroke::Paste(LINE.into())]);
    reconnector.handle(seconds(20_061), ReconnectorEvent::File(Some(file(false, "idle"))));
    reconnector.handle(seconds(20_070), ReconnectorEvent::File(Some(file(true, "idle"))));
    assert!(!reconnector.stale_link.is_suspected());
}

#[test]
fn an_outage_and_idleness_count_only_where_that_is_configured() {
    let mut reconnector = linked(RemoteControl::default());
    reconnector.handle(seconds(10), ReconnectorEvent::MayBeStale(StaleTrigger::Outage(seconds(10_000))));
    assert_eq!(next_note(&mut reconnector, seconds(1_000_000)), None);
    let hour = seconds(3600);
    let both = RemoteControl {
        cycle_after_outage: Some(hour),
        cycle_after_idle: Some(hour * 6),
        ..RemoteControl::default()
    };
    let mut reconnector = linked(both.clone());
    reconnector.handle(seconds(10), ReconnectorEvent::MayBeStale(StaleTrigger::Outage(hour)));
    let away = Action::Note(LinkEvent::Cycle { what: "the network was away" });
    assert_eq!(next_note(&mut reconnector, hour), Some((seconds(70), away)));
    let mut reconnector = linked(both);
    let idle = Action::Note(LinkEvent::Cycle { what: "claude was idle for long" });
    assert_eq!(next_note(&mut reconnector, hour * 7), Some((hour * 6, idle)));
}

#[test]
fn a_link_that_nobody_keeps_is_never_made_anew() {
    let mut off =
        linked(RemoteControl { policy: crate::config::ReconnectPolicy::Off, ..RemoteControl::default() });
    off.handle(seconds(10), ReconnectorEvent::MayBeStale(StaleTrigger::Slept(seconds(10_000))));
    assert_eq!(next_note(&mut off, seconds(100_000)), None);
    let mut down = linked(RemoteControl::default());
    down.handle(seconds(10), ReconnectorEvent::File(Some(file(false, "busy"))));
    down.handle(seconds(10), ReconnectorEvent::MayBeStale(StaleTrigger::Slept(seconds(10_000))));
    assert!(!down.stale_link.is_suspected());
}

#[test]
fn nothing_is_closed_that_is_not_seen() {
    let mut reconnector = linked(RemoteControl::default());
    let at = seconds(10);
    let mut panel = look(Prompt::Elsewhere("the panel"), Indicator::Active);
    let items = ["Disconnect this session", "Continue"].map(str::to_owned).to_vec();
    panel.reading.panel =
        Some(crate::claude::screen::Panel { items, selected: 1, disconnect: Some(0), connected: true });
    let seen = |reconnector: &mut Reconnector, at, shown| {
        typed(&reconnector.handle(at, ReconnectorEvent::Looked(shown)))
    };
    reconnector.handle(at, ReconnectorEvent::Requested { cycle: true });
    let mut keys = vec![];
    for _ in 0..3 {
        keys.extend(seen(&mut reconnector, at, look(Prompt::Empty, Indicator::Active)));
    }
    assert_eq!(keys, [Keystroke::Paste(LINE.into())]);
    assert_eq!(
        seen(&mut reconnector, at + ms(100), look(prompt(LINE), Indicator::Active)),
        [Keystroke::Enter]
    );
    assert_eq!(seen(&mut reconnector, at + ms(200), panel), [Keystroke::Up]);
    // It has gone by itself, and claude works: Esc would interrupt that.
    for after in [1000, 2300, 3000, 4500] {
        assert_eq!(seen(&mut reconnector, at + ms(after), look(Prompt::Empty, Indicator::Active)), []);
    }
}

/// In a small window the panel may lack the choice that tells a link that is up. It was opened and closed for
/// half a minute.
#[test]
fn a_panel_that_does_not_say_that_the_link_is_up_is_opened_twice_at_most() {
    let mut reconnector = linked(RemoteControl::default());
    reconnector.handle(seconds(10), ReconnectorEvent::Requested { cycle: true });
    let at_prompt = look(Prompt::Empty, Indicator::Active);
    let mut cut = look(Prompt::Elsewhere("a dialog is open"), Indicator::Active);
    let items = ["Disconnect this session", "Continue"].map(str::to_owned).to_vec();
    cut.reading.panel =
        Some(crate::claude::screen::Panel { items, selected: 1, disconnect: Some(0), connected: false });
    let mut shown = at_prompt.clone();
    let mut opened = Vec::new();
    let mut notes = Vec::new();
    for tick in 0..1200 {
        let at = seconds(10) + ms(50) * tick;
        let mut actions = reconnector.handle(at, ReconnectorEvent::Due);
        actions.extend(reconnector.handle(at, ReconnectorEvent::Looked(shown.clone())));
        for keys in typed(&actions) {
            match keys {
                Keystroke::Paste(_) => {
                    shown =
                        ScreenSnapshot { line_before_cursor: true, ..look(prompt(LINE), Indicator::Active) };
                }
                Keystroke::Enter => {
                    opened.push(at);
                    shown = cut.clone();
                }
                Keystroke::Escape => shown = at_prompt.clone(),
                other => panic!("{other:?}"),
            }
        }
        notes.extend(actions.into_iter().filter_map(|action| match action {
            Action::Note(event) => Some(event),
            _ => None,
        }));
    }
    let [first, second] = opened[..] else { panic!("{opened:?}") };
    assert!(second - first >= seconds(10), "{opened:?}");
    let failed = notes.iter().filter_map(|event| match event {
        LinkEvent::Failed { what } => Some(what),
        _ => None,
    });
    let failed: Vec<_> = failed.collect();
    assert!(matches!(failed[..], [why] if why.contains("does not say that a link is up")), "{notes:?}");
    assert!(!reconnector.requests.is_open());
}

/// Seen with claude at 3 % of a core: it drew the arrow after five seconds, and the panel had been closed by
/// then.
#[test]
fn in_the_panel_a_claude_that_does_not_rest_has_its_time() {
    let mut reconnector = linked(RemoteControl::default());
    let at = seconds(10);
    let seen = |reconnector: &mut Reconnector, after, shown| {
        typed(&reconnector.handle(at + ms(after), ReconnectorEvent::Looked(shown)))
    };
    let panel = |selected, rested| {
        let mut panel = look(Prompt::Elsewhere("the panel"), Indicator::Active);
        let items = ["Disconnect this session", "Continue"].map(str::to_owned).to_vec();
        panel.rested = rested;
        panel.reading.panel =
            Some(crate::claude::screen::Panel { items, selected, disconnect: Some(0), connected: true });
        panel
    };
    reconnector.handle(at, ReconnectorEvent::Requested { cycle: true });
    let at_prompt = || look(Prompt::Empty, Indicator::Active);
    let mut keys = vec![];
    for _ in 0..3 {
        keys.extend(seen(&mut reconnector, 0, at_prompt()));
    }
    assert_eq!(keys, [Keystroke::Paste(LINE.into())]);
    assert_eq!(seen(&mut reconnector, 100, look(prompt(LINE), Indicator::Active)), [Keystroke::Enter]);
    assert_eq!(seen(&mut reconnector, 200, panel(1, false)), [Keystroke::Up]);
    for after in [1000, 3000, 5000] {
        assert_eq!(seen(&mut reconnector, after, panel(1, false)), []);
    }
    assert_eq!(seen(&mut reconnector, 6000, panel(0, false)), [Keystroke::Enter]);
    // Esc would come after the Enter that has done it.
    for after in [7000, 9000] {
        assert_eq!(seen(&mut reconnector, after, panel(0, false)), []);
    }
    let gone =
        reconnector.handle(at + ms(10_000), ReconnectorEvent::Looked(look(Prompt::Empty, Indicator::Absent)));
    assert!(gone.contains(&Action::Note(LinkEvent::SwitchedOff)), "{gone:?}");
}
