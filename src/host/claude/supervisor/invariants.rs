//! What the supervisor promises, held against events in any order and at any time.

use proptest::prelude::*;

use super::*;
use crate::claude::trial::TRIAL;
use crate::config::OnSigterm;

fn a_transcript() -> impl Strategy<Value = TranscriptState> {
    use TranscriptState::{Gone, NeverThere, Present, Unusable};
    proptest::sample::select(vec![Present, Present, NeverThere, Gone, Unusable])
}

fn an_exit() -> impl Strategy<Value = Exit> {
    prop_oneof![
        4 => Just(SEGV),
        2 => Just(Exit::Code(1)),
        2 => proptest::sample::select(vec![Exit::Code(0), Exit::Signal(15), Exit::Code(143), Exit::Code(127)]),
        1 => proptest::sample::select(vec![Exit::Signal(1), Exit::Code(129), Exit::Signal(2), Exit::Code(130)]),
    ]
}

/// An event at a time that is yet to be filled in.
fn an_event() -> impl Strategy<Value = SupervisorEvent> {
    let look = || {
        (a_transcript(), 100..120u128, proptest::bool::weighted(0.05), proptest::option::of(0..2_000u64))
            .prop_map(|(transcript, id, held, until)| LaunchContext {
                transcript,
                fresh: Uuid::from_u128(id),
                held,
                read_until: until.map(Duration::from_secs),
            })
    };
    let id = proptest::sample::select(vec![Some(A), Some(B), Some("no id"), None]);
    let at = Duration::ZERO;
    prop_oneof![
        4 => Just(SupervisorEvent::Started { at }),
        4 => (an_exit(), prop_oneof![0.0..=1.0, Just(f64::NAN), Just(-3.0), Just(9.0)])
            .prop_map(move |(exit, jitter)| SupervisorEvent::Ended { exit, at, jitter }),
        4 => look().prop_map(move |look| SupervisorEvent::Due { at, look }),
        2 => (id, any::<bool>())
            .prop_map(|(id, settled)| SupervisorEvent::StateFile { conversation: id.map(str::to_owned), settled }),
        1 => look().prop_map(|look| SupervisorEvent::UserNow { look }),
        1 => Just(SupervisorEvent::Refused),
        1 => Just(SupervisorEvent::GaveUp),
        1 => proptest::sample::select(vec![1, 2, 3, 10, 15])
            .prop_map(move |number| SupervisorEvent::SignalPassed { number, at }),
        1 => prop_oneof![9 => Just(SupervisorEvent::RestartAsked), 1 => Just(SupervisorEvent::UserQuit)],
    ]
}

/// How the clock moves between two events; now and then it goes back.
fn a_step() -> impl Strategy<Value = i64> {
    prop_oneof![6 => 0..3_000i64, 3 => 0..100_000i64, 1 => 0..2_000_000i64, 1 => -100_000..0i64]
}

pub(super) fn at_time(event: SupervisorEvent, at: Duration) -> SupervisorEvent {
    match event {
        SupervisorEvent::Started { .. } => SupervisorEvent::Started { at },
        SupervisorEvent::Ended { exit, jitter, .. } => SupervisorEvent::Ended { exit, at, jitter },
        SupervisorEvent::Due { look, .. } => SupervisorEvent::Due { at, look },
        SupervisorEvent::SignalPassed { number, .. } => SupervisorEvent::SignalPassed { number, at },
        other => other,
    }
}

fn some_limits() -> impl Strategy<Value = Restart> {
    let numbers = (
        (1..5_000u64, 0..20_000u64),
        0..100_000u64,
        1.0..10.0f64,
        0.0..=1.0f64,
        1..100_000u64,
        1..12u32,
        1..1_000_000u64,
    );
    (numbers, proptest::sample::select(vec![OnSigterm::Restart, OnSigterm::End])).prop_map(
        |(((initial, early), more, factor, jitter, stable, crash_limit, window), on_sigterm)| Restart {
            initial_delay: Duration::from_millis(initial),
            early_delay: Duration::from_millis(early),
            max_delay: Duration::from_millis(initial + more),
            factor,
            jitter,
            stable_after: Duration::from_millis(stable),
            crash_limit,
            crash_window: Duration::from_millis(window),
            on_sigterm,
        },
    )
}

/// What an end by a signal means.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Meaning {
    /// Cckw has passed the signal on, or one that asks claude to end.
    Wanted,
    /// It came from elsewhere.
    Unknown,
}

/// What the promises are held against: counted from the events and decisions alone.
#[derive(Default)]
pub(super) struct Model {
    pub(super) now: Duration,
    pub(super) running_since: Option<Duration>,
    pub(super) running: bool,
    pub(super) in_a_row: u32,
    pub(super) crashes: Vec<Duration>,
    pub(super) earliest: Option<Duration>,
    pub(super) replaced: bool,
    pub(super) quit: bool,
    pub(super) restart: bool,
    /// The end that was just told was one of a restart that was asked for.
    pub(super) restarts: bool,
    pub(super) finished: bool,
    /// The signals that claude was sent with cckw's knowledge.
    pub(super) passed: Vec<(i32, Duration)>,
    /// What the end that was just told means, where a signal decides that.
    pub(super) meaning: Option<Meaning>,
    pub(super) told: Option<String>,
}

impl Model {
    pub(super) fn before(&mut self, event: &SupervisorEvent, limits: &Restart) {
        (self.restarts, self.meaning) = (false, None);
        match event {
            SupervisorEvent::SignalPassed { number, at } if self.running => self.passed.push((*number, *at)),
            SupervisorEvent::Started { at } if self.running => {
                self.running_since.get_or_insert(*at);
            }
            SupervisorEvent::StateFile { conversation: Some(id), settled: true }
                if !self.finished && is_id(id) =>
            {
                self.told = Some(id.clone())
            }
            SupervisorEvent::Ended { at, exit, .. } if self.running => {
                self.running = false;
                self.meaning = self.meaning_of(*exit, *at, limits);
                let lived = self.running_since.take().map(|since| at.saturating_sub(since));
                let ran = lived.unwrap_or_default();
                if ran >= limits.stable_after {
                    (self.in_a_row, self.replaced) = (0, false);
                }
                if std::mem::take(&mut self.restart) {
                    (self.earliest, self.restarts) = (None, true);
                    return;
                }
                self.in_a_row += 1;
                let mut delay = limits.initial_delay.as_secs_f64();
                for _ in 1..self.in_a_row {
                    delay = (delay * limits.factor).min(limits.max_delay.as_secs_f64());
                }
                if lived.is_some_and(|lived| lived < TRIAL) {
                    delay = delay.max(limits.early_delay.min(limits.max_delay).as_secs_f64());
                }
                self.crashes.push(*at);
                self.crashes.retain(|crash| at.saturating_sub(*crash) <= limits.crash_window);
                // A nanosecond each for what the two ways of reckoning round.
                self.earliest =
                    Some(*at + Duration::from_secs_f64(delay).saturating_sub(Duration::from_nanos(20)));
            }
            SupervisorEvent::UserQuit if !self.finished => self.quit = true,
            SupervisorEvent::RestartAsked if self.running => self.restart = true,
            _ => {}
        }
    }

    fn meaning_of(&mut self, exit: Exit, at: Duration, limits: &Restart) -> Option<Meaning> {
        let mut passed = std::mem::take(&mut self.passed);
        // Of one signal the last counts; the clock may have been set back in between.
        passed.reverse();
        let mut seen = vec![];
        passed.retain(|(number, _)| !seen.contains(number) && (seen.push(*number), true).1);
        passed.retain(|(_, passed)| at.saturating_sub(*passed) <= Duration::from_secs(10));
        let signal = match exit {
            Exit::Signal(number) => Some(number),
            Exit::Code(code) => (129..=192).contains(&code).then(|| code - 128),
        };
        let asked = passed.iter().any(|(number, _)| [1, 15].contains(number) || Some(*number) == signal);
        let ends = signal == Some(15) && limits.on_sigterm == OnSigterm::End;
        match signal {
            _ if asked || ends => Some(Meaning::Wanted),
            Some(_) => Some(Meaning::Unknown),
            None => None,
        }
    }

    pub(super) fn after(
        &mut self,
        event: &SupervisorEvent,
        decision: &Decision,
        limits: &Restart,
    ) -> Result<(), TestCaseError> {
        if self.finished {
            prop_assert_eq!(decision, &Decision::Nothing);
            return Ok(());
        }
        if let (SupervisorEvent::Ended { at, .. }, true, false) = (event, self.restarts, self.quit) {
            // However claude ended, and however often it has crashed.
            prop_assert_eq!(decision, &Decision::Wait { until: *at, attempt: 0 });
        }
        if let (Some(meaning), false, false) = (self.meaning, self.restarts, self.quit) {
            match decision {
                Decision::Finish { why: FinishReason::Clean, .. } => {
                    prop_assert_eq!(meaning, Meaning::Wanted)
                }
                Decision::Finish { why: FinishReason::CrashLoop { .. }, .. } | Decision::Wait { .. } => {
                    prop_assert_eq!(meaning, Meaning::Unknown)
                }
                other => prop_assert!(false, "{other:?}"),
            }
        }
        match decision {
            Decision::Launch(launch) => {
                prop_assert!(!self.running && !self.quit);
                match event {
                    SupervisorEvent::Due { at, look } => {
                        prop_assert!(self.earliest.is_none_or(|earliest| *at >= earliest) && !look.held)
                    }
                    SupervisorEvent::UserNow { look } => prop_assert!(!look.held),
                    other => prop_assert!(false, "{other:?}"),
                }
                prop_assert!(self.in_a_row < limits.crash_limit);
                prop_assert!(self.crashes.len() < limits.crash_limit as usize);
                match launch {
                    ClaudeLaunch::Fresh { id, instead_of, .. } => {
                        prop_assert!(!std::mem::replace(&mut self.replaced, true));
                        prop_assert_eq!(Some(instead_of), self.told.as_ref());
                        self.told = Some(id.clone());
                    }
                    other => prop_assert_eq!(other.id(), self.told.as_deref()),
                }
                self.running = true;
            }
            Decision::Wait { until, .. } => {
                if let (SupervisorEvent::Ended { at, .. }, Some(earliest)) = (event, self.earliest) {
                    prop_assert!(*until >= earliest);
                    let most = limits.max_delay.mul_f64(1.0 + limits.jitter) + Duration::from_nanos(20);
                    prop_assert!(*until <= *at + most);
                }
            }
            Decision::Announce { .. } => {
                prop_assert!(!self.replaced, "a conversation is replaced once");
                // The backoff is over, or the user has said that it is.
                let (SupervisorEvent::Due { look, .. } | SupervisorEvent::UserNow { look }) = event else {
                    return Err(TestCaseError::fail(format!("{event:?}")));
                };
                self.earliest = look.read_until;
            }
            Decision::Finish { .. } => self.finished = true,
            Decision::Different { expected, got } => {
                prop_assert!(expected != got && self.told.as_ref() == Some(got));
            }
            Decision::Nothing => {}
        }
        if matches!(event, SupervisorEvent::Ended { .. }) && self.quit {
            prop_assert!(self.finished, "an end after the user's quit is the last");
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn the_promises_hold_whatever_happens(
        limits in some_limits(),
        pinned in any::<bool>(),
        events in proptest::collection::vec((an_event(), a_step()), 0..120),
    ) {
        let pinned = pinned.then(|| A.to_owned());
        let mut supervisor = Supervisor::new(limits, pinned.clone());
        let mut model = Model { running: true, told: pinned, ..Model::default() };
        for (event, step) in events {
            let step_by = Duration::from_millis(step.unsigned_abs());
            model.now = if step < 0 { model.now.saturating_sub(step_by) } else { model.now + step_by };
            let event = at_time(event, model.now);
            model.before(&event, &limits);
            let decision = supervisor.handle(event.clone());
            model.after(&event, &decision, &limits)?;
            prop_assert_eq!(supervisor.conversation(), model.told.as_deref());
            prop_assert!(supervisor.crashes.len() <= limits.crash_limit as usize);
        }
        // Quitting always ends it.
        supervisor.handle(SupervisorEvent::UserQuit);
        supervisor.handle(SupervisorEvent::Ended { exit: SEGV, at: model.now, jitter: 0.5 });
        let is_over = matches!(supervisor.lifecycle(), Lifecycle::Ended { .. });
        prop_assert!(is_over);
    }

    /// A claude that always crashes before it is stable: however the launches come about, they end.
    #[test]
    fn nothing_crashes_for_ever(
        limits in some_limits(),
        runs in proptest::collection::vec((0.0..1.0f64, a_transcript(), any::<bool>(), any::<bool>(), any::<bool>()), 12),
    ) {
        let mut supervisor = up();
        supervisor.limits = limits;
        let mut now = Duration::ZERO;
        let mut launches = 0;
        for (part, transcript, comes_up, refused, hurried) in runs {
            supervisor.handle(SupervisorEvent::Started { at: now });
            if refused {
                supervisor.handle(SupervisorEvent::Refused);
            } else if comes_up {
                supervisor.handle(state_file(B));
            }
            now += limits.stable_after.mul_f64(part).saturating_sub(Duration::from_nanos(1));
            let Decision::Wait { until, .. } = supervisor.handle(SupervisorEvent::Ended { exit: SEGV, at: now, jitter: part }) else {
                break;
            };
            let look = LaunchContext { transcript, fresh: Uuid::from_u128(launches.into()), held: false, read_until: None };
            let event = if hurried { SupervisorEvent::UserNow { look } } else { SupervisorEvent::Due { at: until, look } };
            now = now.max(until);
            match supervisor.handle(event) {
                Decision::Launch(_) => launches += 1,
                _ => break,
            }
        }
        prop_assert!(launches < limits.crash_limit);
        let is_over = matches!(supervisor.lifecycle(), Lifecycle::Ended { .. });
        prop_assert!(is_over);
    }
}
