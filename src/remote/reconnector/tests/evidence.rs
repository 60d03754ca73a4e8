//! Whose decision a link that dropped is, and how often claude may still be asked.

use std::time::Duration;

use super::super::{Action, BlockReason, File, Reconnector, ReconnectorEvent, ScreenSnapshot};
use super::{LINE, file, look, ms, prompt, seconds};
use crate::claude::remote_log::Written;
use crate::claude::remote_notices::Notice;
use crate::claude::screen::{Indicator, Prompt};
use crate::config::{ReconnectPolicy, RemoteControl};
use crate::registry::link_record::LinkStatus;
use crate::registry::log_event::LinkEvent;
use crate::typing::{KeyboardState, Keystroke};

/// A session in a terminal, whose link is up and was looked at.
fn linked(settings: RemoteControl, shown: &ScreenSnapshot) -> Reconnector {
    let mut reconnector = Reconnector::new(settings, false, false);
    reconnector.handle(ms(0), ReconnectorEvent::Started);
    reconnector.handle(ms(0), ReconnectorEvent::Attached);
    reconnector.handle(ms(0), ReconnectorEvent::File(Some(file(true, "idle"))));
    reconnector.handle(seconds(1), ReconnectorEvent::Looked(shown.clone()));
    reconnector
}

fn written(number: u64, notice: Notice) -> Option<Written> {
    Some(Written { number, notice })
}

fn taken_over() -> Notice {
    Notice::TakenOver("another connection took over this session".into())
}

fn lost() -> Notice {
    Notice::Failed("it was lost — run /remote-control to reconnect".into())
}

/// Why nothing is typed into it.
fn why(reconnector: &Reconnector, at: Duration) -> Option<BlockReason> {
    reconnector.report(at).why
}

#[test]
fn a_session_that_was_taken_over_in_mid_turn_is_left_alone() {
    let mut reconnector = linked(RemoteControl::default(), &look(Prompt::Empty, Indicator::Active));
    reconnector.handle(seconds(10), ReconnectorEvent::File(Some(file(true, "busy"))));
    reconnector.handle(seconds(20), ReconnectorEvent::File(Some(file(false, "busy"))));
    reconnector.handle(seconds(20), ReconnectorEvent::Held(KeyboardState::default()));
    // The answer stands below the notice: the screen says that it failed, and not why.
    let shown =
        ScreenSnapshot { written: written(1, taken_over()), ..look(Prompt::Empty, Indicator::Failed) };
    reconnector.handle(seconds(60), ReconnectorEvent::File(Some(file(false, "idle"))));
    reconnector.handle(seconds(61), ReconnectorEvent::Looked(shown));
    assert!(
        matches!(why(&reconnector, seconds(61)), Some(BlockReason::LeftAlone(_))),
        "{:?}",
        why(&reconnector, seconds(61))
    );
}

#[test]
fn what_was_written_before_the_link_came_up_is_old() {
    let old = ScreenSnapshot { written: written(1, taken_over()), ..look(Prompt::Empty, Indicator::Active) };
    let mut reconnector = linked(RemoteControl::default(), &old);
    reconnector.handle(seconds(20), ReconnectorEvent::File(Some(file(false, "idle"))));
    reconnector.handle(seconds(20), ReconnectorEvent::Held(KeyboardState::default()));
    let failed = |written| ScreenSnapshot { written, ..look(Prompt::Empty, Indicator::Failed) };
    reconnector.handle(seconds(21), ReconnectorEvent::Looked(failed(written(1, taken_over()))));
    assert_eq!(why(&reconnector, seconds(21)), Some(BlockReason::Settling));
    reconnector.handle(seconds(22), ReconnectorEvent::Looked(failed(written(2, taken_over()))));
    assert!(matches!(why(&reconnector, seconds(22)), Some(BlockReason::LeftAlone(_))));
}

#[test]
fn a_failure_that_was_told_is_no_switching_off_although_the_user_typed() {
    let typed = KeyboardState { typed: Some(ms(100)), ..KeyboardState::default() };
    for fullscreen in [false, true] {
        let mut reconnector = linked(RemoteControl::default(), &look(Prompt::Empty, Indicator::Absent));
        let mut shown = look(Prompt::Empty, Indicator::Absent);
        if fullscreen {
            shown.reading.notice = Some(lost());
        } else {
            shown.written = written(1, lost());
        }
        reconnector.handle(seconds(20), ReconnectorEvent::File(Some(file(false, "idle"))));
        reconnector.handle(seconds(20), ReconnectorEvent::Held(typed));
        assert!(reconnector.report(seconds(20)).turned_off);
        reconnector.handle(seconds(21), ReconnectorEvent::Looked(shown));
        assert!(!reconnector.report(seconds(21)).turned_off);
        assert_eq!(why(&reconnector, seconds(21)), Some(BlockReason::Settling));
    }
}

#[test]
fn without_a_word_of_failure_it_was_the_user() {
    let mut old = look(Prompt::Empty, Indicator::Active);
    old.reading.notice = Some(lost());
    let mut reconnector = linked(RemoteControl::default(), &old);
    reconnector.handle(seconds(20), ReconnectorEvent::File(Some(file(false, "idle"))));
    reconnector.handle(
        seconds(20),
        ReconnectorEvent::Held(KeyboardState { typed: Some(ms(100)), ..KeyboardState::default() }),
    );
    let mut shown = look(Prompt::Empty, Indicator::Absent);
    shown.reading.notice = Some(lost());
    reconnector.handle(seconds(21), ReconnectorEvent::Looked(shown));
    assert_eq!(why(&reconnector, seconds(21)), Some(BlockReason::TurnedOff));
}

#[test]
fn while_the_file_still_names_a_link_that_failed_nothing_is_typed() {
    let settings = RemoteControl { disconnected_for: seconds(1), ..RemoteControl::default() };
    let mut reconnector = linked(settings, &look(Prompt::Empty, Indicator::Active));
    reconnector.handle(seconds(20), ReconnectorEvent::Looked(look(Prompt::Empty, Indicator::Failed)));
    assert_eq!(why(&reconnector, seconds(25)), Some(BlockReason::Settling));
    reconnector.handle(seconds(31), ReconnectorEvent::File(Some(file(false, "idle"))));
    assert_eq!(why(&reconnector, seconds(31)), None);
}

/// A claude that was brought back, and whose own connect failed.
fn own_connect_failed(settings: RemoteControl) -> Reconnector {
    let mut reconnector = linked(settings, &look(Prompt::Empty, Indicator::Active));
    reconnector.handle(seconds(20), ReconnectorEvent::Ended);
    reconnector.handle(seconds(21), ReconnectorEvent::Started);
    reconnector.handle(seconds(21), ReconnectorEvent::Detached);
    reconnector.handle(seconds(22), ReconnectorEvent::File(Some(file(false, "idle"))));
    reconnector.handle(seconds(23), ReconnectorEvent::Looked(look(Prompt::Empty, Indicator::Connecting)));
    reconnector.handle(seconds(24), ReconnectorEvent::Looked(look(Prompt::Empty, Indicator::Failed)));
    reconnector
}

#[test]
fn the_third_connect_that_would_fail_is_left_alone() {
    let mut reconnector = own_connect_failed(RemoteControl::default());
    reconnector.handle(seconds(25), ReconnectorEvent::Looked(look(Prompt::Empty, Indicator::Connecting)));
    assert!(!matches!(why(&reconnector, seconds(25)), Some(BlockReason::NeedsRestart(_))));
    let told =
        reconnector.handle(seconds(26), ReconnectorEvent::Looked(look(Prompt::Empty, Indicator::Failed)));
    assert!(told.iter().any(|action| matches!(action, Action::Note(LinkEvent::GaveUp { .. }))), "{told:?}");
    assert!(matches!(why(&reconnector, seconds(26)), Some(BlockReason::NeedsRestart(_))));
    // Another claude counts anew.
    reconnector.handle(seconds(30), ReconnectorEvent::Ended);
    reconnector.handle(seconds(31), ReconnectorEvent::Started);
    reconnector.handle(seconds(32), ReconnectorEvent::File(Some(file(false, "idle"))));
    assert_eq!(why(&reconnector, seconds(32)), Some(BlockReason::Settling));
    assert_eq!(reconnector.report(seconds(32)).tries, 0);
}

#[test]
fn a_restart_is_asked_for_where_that_is_configured_once_a_process() {
    for restart in [false, true] {
        let mut reconnector = own_connect_failed(RemoteControl { restart, ..RemoteControl::default() });
        let mut said = look(Prompt::Empty, Indicator::Failed);
        said.reading.notice = Some(Notice::NeedsRestart("disabled after repeated failures".into()));
        reconnector.handle(seconds(25), ReconnectorEvent::Looked(said));
        let mut restarts = 0;
        for _ in 0..20 {
            let Some(due) = reconnector.deadline() else { break };
            let actions = reconnector.handle(due, ReconnectorEvent::Due);
            restarts += actions.iter().filter(|action| **action == Action::Restart).count();
            if actions.contains(&Action::Look) {
                reconnector.handle(due, ReconnectorEvent::Looked(look(Prompt::Empty, Indicator::Failed)));
            }
        }
        assert_eq!(restarts, usize::from(restart));
    }
}

#[test]
fn the_second_half_of_a_cycle_waits_for_a_file_that_lags() {
    let mut reconnector = linked(RemoteControl::default(), &look(Prompt::Empty, Indicator::Active));
    reconnector.requests.begin(super::super::UserRequest::at(seconds(12), false));
    // The panel has closed, and the file still names the link.
    reconnector.handle(seconds(10), ReconnectorEvent::Output);
    assert!(reconnector.requests.is_open());
    // The user has pressed a key a moment ago; it was not they who switched it off.
    let actions =
        reconnector.handle(seconds(10) + ms(110), ReconnectorEvent::File(Some(file(false, "idle"))));
    assert!(!actions.contains(&Action::Hold), "{actions:?}");
    assert!(reconnector.requests.is_open() && !reconnector.report(seconds(11)).turned_off);
}

#[test]
fn without_an_indicator_the_notice_counts_claude_s_own_failed_connect_once() {
    let absent = || look(Prompt::Empty, Indicator::Absent);
    for later in [Indicator::Absent, Indicator::Failed] {
        let mut reconnector = linked(RemoteControl::default(), &absent());
        reconnector.handle(seconds(20), ReconnectorEvent::Ended);
        reconnector.handle(seconds(21), ReconnectorEvent::Started);
        reconnector.handle(seconds(21), ReconnectorEvent::Detached);
        reconnector.handle(seconds(22), ReconnectorEvent::File(Some(file(false, "idle"))));
        reconnector.handle(seconds(23), ReconnectorEvent::Looked(absent()));
        assert_eq!(reconnector.connects.failed, 0);
        reconnector.handle(
            seconds(24),
            ReconnectorEvent::Looked(ScreenSnapshot { written: written(1, lost()), ..absent() }),
        );
        assert_eq!(reconnector.connects.failed, 1);
        let shown = ScreenSnapshot { written: written(1, lost()), ..look(Prompt::Empty, later) };
        reconnector.handle(seconds(25), ReconnectorEvent::Looked(shown));
        assert_eq!(reconnector.connects.failed, 1, "{later:?}");
    }
}

#[test]
fn what_the_last_process_wrote_says_nothing_of_this_one() {
    let absent = || look(Prompt::Empty, Indicator::Absent);
    let mut reconnector = linked(RemoteControl::default(), &absent());
    reconnector.handle(seconds(20), ReconnectorEvent::File(Some(file(false, "idle"))));
    reconnector.handle(seconds(20), ReconnectorEvent::Held(KeyboardState::default()));
    let exhausted = Notice::NeedsRestart("disabled after repeated failures · restart to retry".into());
    let said = || ScreenSnapshot { written: written(3, exhausted.clone()), ..absent() };
    reconnector.handle(seconds(21), ReconnectorEvent::Looked(said()));
    assert!(matches!(why(&reconnector, seconds(21)), Some(BlockReason::NeedsRestart(_))));
    reconnector.handle(seconds(30), ReconnectorEvent::Ended);
    reconnector.handle(seconds(31), ReconnectorEvent::Started);
    reconnector.handle(seconds(32), ReconnectorEvent::File(Some(file(false, "idle"))));
    reconnector.handle(seconds(33), ReconnectorEvent::Looked(said()));
    assert_eq!(why(&reconnector, seconds(33)), Some(BlockReason::Settling));
}

/// Where there is no indicator, nothing else is told in between that would make the same words news.
#[test]
fn a_link_that_is_left_alone_again_for_the_same_reason_is_told_again() {
    let absent = || look(Prompt::Empty, Indicator::Absent);
    let mut reconnector = linked(RemoteControl::default(), &absent());
    for (round, at) in [(1, 20), (2, 60)] {
        let mut told = reconnector.handle(seconds(at), ReconnectorEvent::File(Some(file(false, "idle"))));
        told.extend(reconnector.handle(seconds(at), ReconnectorEvent::Held(KeyboardState::default())));
        let shown = ScreenSnapshot { written: written(round, taken_over()), ..absent() };
        told.extend(reconnector.handle(seconds(at + 1), ReconnectorEvent::Looked(shown.clone())));
        let notes: Vec<_> = told
            .iter()
            .filter(
                |action| matches!(action, Action::Note(event) if !matches!(event, LinkEvent::Status { .. })),
            )
            .collect();
        assert!(matches!(notes[..], [Action::Note(LinkEvent::GaveUp { .. })]), "{round}: {told:?}");
        // The user asks for it.
        reconnector.handle(seconds(at + 20), ReconnectorEvent::File(Some(file(true, "idle"))));
        reconnector.handle(seconds(at + 21), ReconnectorEvent::Looked(shown));
    }
}

#[test]
fn a_failure_after_a_panel_outweighs_the_panel() {
    for is_written in [false, true] {
        let mut reconnector = linked(RemoteControl::default(), &look(Prompt::Empty, Indicator::Absent));
        reconnector.handle(seconds(20), ReconnectorEvent::File(Some(file(false, "idle"))));
        reconnector.handle(seconds(20), ReconnectorEvent::Held(KeyboardState::default()));
        reconnector.handle(seconds(21), ReconnectorEvent::Looked(look(Prompt::Empty, Indicator::Absent)));
        reconnector.evidence.panel_counts_until = Some(seconds(600));
        assert_eq!(why(&reconnector, seconds(40)), Some(BlockReason::Disagree));
        let mut shown = look(Prompt::Empty, Indicator::Absent);
        if is_written {
            shown.written = written(1, lost());
        } else {
            shown.reading.notice = Some(lost());
        }
        reconnector.handle(seconds(41), ReconnectorEvent::Looked(shown.clone()));
        assert_eq!(why(&reconnector, seconds(41)), None);
        // The same words say nothing new.
        reconnector.evidence.panel_counts_until = Some(seconds(600));
        reconnector.handle(seconds(42), ReconnectorEvent::Looked(shown));
        assert_eq!(why(&reconnector, seconds(42)), Some(BlockReason::Disagree));
    }
}

/// Seen with claude on a machine with far more work than cores: the command runs for seconds, the state file
/// says that a dialog is open, and none is drawn.
#[test]
fn a_command_that_runs_for_long_is_no_dialog() {
    for (drawn, is_closed) in [("there is no input box", false), ("a dialog is open", true)] {
        let mut reconnector = linked(RemoteControl::default(), &look(Prompt::Empty, Indicator::Absent));
        reconnector.handle(seconds(10), ReconnectorEvent::Detached);
        reconnector.handle(seconds(20), ReconnectorEvent::File(Some(file(false, "idle"))));
        let mut at = seconds(40);
        let mut typed = Vec::new();
        let mut shown = look(Prompt::Empty, Indicator::Absent);
        for _ in 0..100 {
            at += ms(50);
            let mut actions = reconnector.handle(at, ReconnectorEvent::Due);
            actions.extend(reconnector.handle(at, ReconnectorEvent::Looked(shown.clone())));
            for action in actions {
                let Action::Type(keys) = action else { continue };
                match &keys {
                    Keystroke::Paste(_) => {
                        shown = ScreenSnapshot {
                            line_before_cursor: true,
                            ..look(prompt(LINE), Indicator::Absent)
                        };
                    }
                    Keystroke::Enter => {
                        shown = look(Prompt::Elsewhere(drawn), Indicator::Absent);
                        let waiting = File { dialog: true, ..file(false, "waiting") };
                        reconnector.handle(at, ReconnectorEvent::File(Some(waiting)));
                    }
                    _ => {}
                }
                typed.push(keys);
            }
        }
        assert!(typed.contains(&Keystroke::Enter), "{typed:?}");
        assert_eq!(typed.contains(&Keystroke::Escape), is_closed, "{drawn}: {typed:?}");
    }
}

/// A link that nobody keeps, which goes down: the state file says so before claude has drawn it.
fn failed_and_not_drawn() -> Reconnector {
    let settings = RemoteControl { policy: ReconnectPolicy::Off, ..RemoteControl::default() };
    let mut reconnector = linked(settings, &look(Prompt::Empty, Indicator::Active));
    reconnector.handle(seconds(10), ReconnectorEvent::File(Some(file(false, "idle"))));
    reconnector.handle(seconds(10), ReconnectorEvent::Looked(look(Prompt::Empty, Indicator::Active)));
    reconnector
}

/// It was said to be up for as long as claude had nothing else to draw.
#[test]
fn a_failure_that_is_drawn_behind_the_look_is_seen_although_the_link_is_not_kept() {
    let mut reconnector = failed_and_not_drawn();
    assert!(reconnector.wants_output());
    reconnector.handle(seconds(11), ReconnectorEvent::Output);
    let due = reconnector.deadline().expect("a look");
    assert!(reconnector.handle(due, ReconnectorEvent::Due).contains(&Action::Look));
    reconnector.handle(due, ReconnectorEvent::Looked(look(Prompt::Empty, Indicator::Failed)));
    assert_eq!(reconnector.report(due).status, LinkStatus::Down);
    assert!(!reconnector.wants_output());
}

/// The user's request waited for its end, because nobody looked again.
#[test]
fn a_request_is_judged_by_the_screen_as_it_is_then() {
    let mut reconnector = failed_and_not_drawn();
    let actions = reconnector.handle(seconds(60), ReconnectorEvent::Requested { cycle: false });
    assert_eq!(actions.iter().filter(|action| **action == Action::Look).count(), 1, "{actions:?}");
    let shown = look(Prompt::Empty, Indicator::Failed);
    // The second look is the one in order to type.
    let actions = reconnector.handle(seconds(60), ReconnectorEvent::Looked(shown));
    assert!(actions.contains(&Action::Look), "{actions:?} {:?}", why(&reconnector, seconds(60)));
}
