//! Days of a session, simulated: 24 hours each, of plausible ones and of hostile ones.

use std::time::Duration;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::super::{Action, ReconnectorEvent, StaleTrigger};
use super::any_order;
use super::any_order::World;
use super::model::{Happens, ModelSession, Press, found};
use super::{ms, seconds};
use crate::config::{ReconnectPolicy, RemoteControl};
use crate::typing::Keystroke;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// What happens on a plausible day, beside what a user types.
#[derive(Debug, Clone)]
enum Hour {
    /// The user writes: so many keys, with such pauses between them, and perhaps Enter.
    Writes(Vec<(u64, Press)>),
    /// Nothing happens for so long.
    Rests(u64),
    /// The link goes, and the footer says so.
    Drops,
    /// The machine sleeps for so long, and the link is dead without a word.
    Sleeps(u64),
    /// The reconnector's clock has jumped: the machine stood still for so long, and nobody was told.
    Jumps(u64),
    /// Claude crashes, and is back with its link up.
    Crashes,
    /// The terminal is closed, and another one attached after so long.
    Away(u64),
}

fn hour() -> impl Strategy<Value = Hour> {
    let press = proptest::sample::select(vec![
        Press::Letter('a'),
        Press::Letter('b'),
        Press::Letter('c'),
        Press::Letter('a'),
        Press::Enter,
        Press::CtrlO,
        Press::Escape,
    ]);
    let minutes = 60_000u64;
    prop_oneof![
        8 => proptest::collection::vec((20u64..1_500, press), 1..40).prop_map(Hour::Writes),
        6 => (1_000..30 * minutes).prop_map(Hour::Rests),
        4 => Just(Hour::Drops),
        1 => (10 * minutes..300 * minutes).prop_map(Hour::Sleeps),
        1 => (1_000..120 * minutes).prop_map(Hour::Jumps),
        1 => Just(Hour::Crashes),
        1 => (1_000..60 * minutes).prop_map(Hour::Away),
    ]
}

/// Lives through a day, and says how it was at its end, and what the reconnector did.
fn live(policy: ReconnectPolicy, day: &[Hour]) -> ModelSession {
    let mut session = ModelSession::new(policy, ms(40), true, true);
    session.link_is_up();
    session.until(seconds(3));
    for hour in day {
        match hour {
            Hour::Writes(keys) => {
                for (after, press) in keys {
                    session.until(session.now + ms(*after));
                    session.press(*press);
                }
                session.until(session.now + seconds(30));
                session.back_to_the_prompt();
            }
            Hour::Rests(long) => session.until(session.now + ms(*long)),
            Hour::Drops => session.happens(Happens::Drop),
            Hour::Sleeps(long) => {
                session.tell(ReconnectorEvent::MayBeStale(StaleTrigger::Slept(ms(*long))));
                session.until(session.now + seconds(120));
            }
            Hour::Jumps(long) => session.now += ms(*long),
            Hour::Crashes => session.crashes(),
            Hour::Away(long) => {
                session.tell(ReconnectorEvent::Detached);
                session.let_go();
                session.until(session.now + ms(*long));
                session.tell(ReconnectorEvent::Attached);
            }
        }
        session.until(session.now + seconds(1));
    }
    session.back_to_the_prompt();
    session.until(session.now + seconds(3600));
    session
}

/// A day of at least 24 hours.
fn a_day(runner: &mut TestRunner) -> Vec<Hour> {
    let (mut day, mut long) = (Vec::new(), Duration::ZERO);
    while long < DAY {
        let hour = hour().new_tree(runner).expect("an hour").current();
        long += match &hour {
            Hour::Writes(keys) => ms(keys.iter().map(|(after, _)| after).sum::<u64>()) + seconds(30),
            Hour::Rests(time) | Hour::Jumps(time) | Hour::Away(time) => ms(*time),
            Hour::Sleeps(_) => seconds(120),
            Hour::Drops | Hour::Crashes => Duration::ZERO,
        };
        day.push(hour);
    }
    day
}

#[test]
fn plausible_days_of_24_hours() {
    let mut runner = TestRunner::new(ProptestConfig::default());
    let (mut drops, mut tries) = (0, 0);
    for _ in 0..6 {
        let day = a_day(&mut runner);
        let occasions = day
            .iter()
            .filter(|hour| matches!(hour, Hour::Drops | Hour::Sleeps(_) | Hour::Crashes | Hour::Jumps(_)))
            .count();
        let kept = live(ReconnectPolicy::IfUsed, &day);
        let alone = live(ReconnectPolicy::Off, &day);
        assert_eq!(found(&kept), found(&alone), "{day:?}");
        assert!(kept.is_linked(), "{day:?}");
        let typed = &kept.typed;
        let pastes: Vec<Duration> =
            typed.iter().filter(|(_, keys)| matches!(keys, Keystroke::Paste(_))).map(|(at, _)| *at).collect();
        // A link that is switched off and on is asked for twice; what is taken back because the user comes is
        // typed again.
        let bound = 4 * (occasions + 1) * RemoteControl::default().max_tries as usize;
        assert!(pastes.len() <= bound, "{} for {occasions} occasions: {day:?}", pastes.len());
        assert!(typed.len() <= bound * 8, "{} keys: {day:?}", typed.len());
        assert_eq!(alone.typed, [], "nobody wanted that");
        drops += occasions;
        tries += pastes.len();
    }
    assert!(drops > 200 && tries > 80, "{drops} occasions, {tries} tries");
}

/// Events in any order for a day; the world that they are told to holds every promise against them.
#[test]
fn hostile_days_of_24_hours() {
    hostile_days(&mut TestRunner::new(ProptestConfig::default()));
    // Bounded by what was asked for and by the links that came and went, as the world has seen to at each of
    // them. That something is typed at all is a matter of chance, so it is asked of days that are always the same.
    let (pasted, entered) = hostile_days(&mut TestRunner::deterministic());
    assert!(pasted > 5 && entered > 0, "{pasted} and {entered}");
}

/// What was pasted in such days, and how often Enter was pressed.
fn hostile_days(runner: &mut TestRunner) -> (usize, usize) {
    let (mut pasted, mut entered) = (0, 0);
    for policy in [ReconnectPolicy::IfUsed, ReconnectPolicy::Always, ReconnectPolicy::Always] {
        let mut world = World::new(policy, true);
        let end = world.at + DAY;
        while world.at < end {
            let (after, stimulus) = any_order::stimulus().new_tree(runner).expect("a stimulus").current();
            // Most of a day nothing happens.
            let after = ms(after) * if after % 5 == 0 { 20 } else { 1 };
            world.happens(after, stimulus);
        }
        world.until(world.at + seconds(100));
        pasted += world.pasted;
        entered += world.entered;
    }
    (pasted, entered)
}

/// A clock that is set back is none that the host has; it would do no harm either.
#[test]
fn a_clock_that_goes_back_does_no_harm() {
    let mut runner = TestRunner::new(ProptestConfig::default());
    for _ in 0..5 {
        let mut reconnector = super::super::Reconnector::new(RemoteControl::default(), true, false);
        let (mut at, mut typed) = (seconds(100_000), 0);
        reconnector.handle(at, ReconnectorEvent::Started);
        for _ in 0..600 {
            let (after, stimulus) =
                any_order::stimulus().new_tree(&mut runner).expect("a stimulus").current();
            at = if after % 3 == 0 { at.saturating_sub(ms(after * 50)) } else { at + ms(after) };
            let mut events = match stimulus {
                any_order::Stimulus::Event(event) => vec![*event],
                any_order::Stimulus::Sees(looks) => looks.into_iter().map(ReconnectorEvent::Looked).collect(),
                any_order::Stimulus::Answers(_) => vec![ReconnectorEvent::Due],
            };
            while let Some(event) = events.pop() {
                typed += reconnector
                    .handle(at, event)
                    .iter()
                    .filter(|action| matches!(action, Action::Type(_)))
                    .count();
            }
        }
        assert!(typed < 600, "{typed} keys");
    }
}
