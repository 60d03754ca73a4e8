#[path = "days.rs"]
mod day;

use proptest::prelude::*;

use super::*;

const A: &str = "0f0e0d0c-1111-4111-8111-0000000000aa";
const B: &str = "0f0e0d0c-1111-4111-8111-0000000000bb";
const SEGV: Exit = Exit::Signal(11);

fn seconds(number: u64) -> Duration {
    Duration::from_secs(number)
}

fn look(transcript: Transcript) -> Look {
    Look { transcript, fresh: Uuid::from_u128(7), held: false }
}

fn fresh() -> String {
    Uuid::from_u128(7).to_string()
}

fn state_file(id: &str) -> Event {
    Event::StateFile { conversation: Some(id.into()), settled: true }
}

/// What claude writes before it has come up.
fn guess(id: &str) -> Event {
    Event::StateFile { conversation: Some(id.into()), settled: false }
}

fn started(at: u64) -> Event {
    Event::Started { at: seconds(at) }
}

fn ended(exit: Exit, at: u64) -> Event {
    Event::Ended { exit, at: seconds(at), jitter: 0.0 }
}

fn due(at: u64, transcript: Transcript) -> Event {
    Event::Due { at: seconds(at), look: look(transcript) }
}

fn wait(until: u64, attempt: u32) -> Decision {
    Decision::Wait { until: seconds(until), attempt }
}

/// A session that has come up with the pinned conversation A.
fn up() -> Supervisor {
    let mut supervisor = Supervisor::new(Restart::default(), Some(A.into()));
    assert_eq!(supervisor.on(started(0)), Decision::Nothing);
    assert_eq!(supervisor.on(state_file(A)), Decision::Nothing);
    supervisor
}

/// The same after a crash, waiting.
fn crashed() -> Supervisor {
    let mut supervisor = up();
    assert_eq!(supervisor.on(ended(SEGV, 10)), wait(11, 1));
    supervisor
}

#[test]
fn a_crash_is_followed_by_the_same_conversation_when_it_is_due() {
    let mut supervisor = crashed();
    let early = Event::Due { at: Duration::from_millis(10_999), look: look(Transcript::Present) };
    assert_eq!(supervisor.on(early), wait(11, 1));
    assert_eq!(supervisor.on(due(11, Transcript::Present)), Decision::Launch(Launch::Resume(A.into())));
    assert_eq!(supervisor.on(due(12, Transcript::Present)), Decision::Nothing, "once");
}

#[test]
fn before_its_first_prompt_the_id_is_used_again() {
    let decision = crashed().on(due(11, Transcript::NeverThere));
    assert_eq!(decision, Decision::Launch(Launch::SessionId(A.into())));
}

#[test]
fn the_conversation_that_was_open_last_comes_back() {
    let mut supervisor = up();
    supervisor.on(state_file(B));
    supervisor.on(Event::StateFile { conversation: None, settled: true });
    supervisor.on(state_file("--resume"));
    supervisor.on(ended(SEGV, 10));
    assert_eq!(supervisor.on(due(11, Transcript::Present)), Decision::Launch(Launch::Resume(B.into())));
    // Also if it is only read after the end.
    let mut supervisor = crashed();
    assert_eq!(supervisor.on(state_file(B)), Decision::Nothing);
    assert_eq!(supervisor.on(due(11, Transcript::Present)), Decision::Launch(Launch::Resume(B.into())));
}

#[test]
fn without_a_known_conversation_the_user_s_choice_is_repeated() {
    let mut supervisor = Supervisor::new(Restart::default(), None);
    supervisor.on(started(0));
    assert_eq!(supervisor.on(ended(Exit::Signal(9), 0)), wait(1, 1));
    assert_eq!(supervisor.on(due(1, Transcript::NeverThere)), Decision::Launch(Launch::AsChosen));
    // It is refused: nothing else could be tried.
    supervisor.on(started(1));
    supervisor.on(Event::Refused);
    supervisor.on(ended(Exit::Signal(9), 2));
    let why = Why::Lost(Lost::Refused);
    assert_eq!(supervisor.on(due(4, Transcript::NeverThere)), Decision::Finish { status: 137, why });
}

#[test]
fn a_state_file_that_is_a_guess_changes_nothing() {
    // `--continue`, killed before it has found what to continue.
    let mut supervisor = Supervisor::new(Restart::default(), None);
    supervisor.on(started(0));
    assert_eq!(supervisor.on(guess(A)), Decision::Nothing);
    assert_eq!(supervisor.conversation(), None);
    let mut killed = supervisor.clone();
    killed.on(ended(Exit::Signal(9), 1));
    assert_eq!(killed.on(due(2, Transcript::NeverThere)), Decision::Launch(Launch::AsChosen));
    // The same, where there is nothing to continue.
    let own = Decision::Finish { status: 1, why: Why::OwnError };
    assert_eq!(supervisor.on(ended(Exit::Code(1), 1)), own);
    // A resume that is refused has named the conversation before.
    let mut supervisor = crashed();
    supervisor.on(due(11, Transcript::Present));
    supervisor.on(guess(A));
    supervisor.on(Event::Refused);
    supervisor.on(ended(Exit::Code(1), 12));
    let decision = supervisor.on(due(14, Transcript::Present));
    assert!(matches!(decision, Decision::Launch(Launch::Fresh { lost: Lost::Refused, .. })), "{decision:?}");
}

#[test]
fn wanted_ends_and_claude_s_own_errors_end_the_session() {
    assert_eq!(up().on(ended(Exit::Code(143), 9)), Decision::Finish { status: 143, why: Why::Clean });
    let mut supervisor = Supervisor::new(Restart::default(), Some(A.into()));
    supervisor.on(started(0));
    let own = Decision::Finish { status: 1, why: Why::OwnError };
    assert_eq!(supervisor.on(ended(Exit::Code(1), 9)), own);
    // A program that cannot be executed was never started.
    let own = Decision::Finish { status: 127, why: Why::OwnError };
    assert_eq!(Supervisor::new(Restart::default(), None).on(ended(Exit::Code(127), 0)), own);
    // Once it has come up, the same is a crash, also of a later launch.
    let mut supervisor = crashed();
    supervisor.on(due(11, Transcript::Present));
    assert_eq!(supervisor.on(ended(Exit::Code(127), 11)), wait(13, 2));
}

#[test]
fn the_delays_grow_to_their_limit_and_crashes_in_a_row_end_it() {
    let mut supervisor = up();
    let mut at = 0;
    let mut delays = vec![];
    let last = loop {
        match supervisor.on(ended(SEGV, at)) {
            Decision::Wait { until, attempt } => {
                delays.push((until - seconds(at)).as_secs());
                assert_eq!(attempt as usize, delays.len());
                at = until.as_secs();
            }
            decision => break decision,
        }
        assert!(matches!(supervisor.on(due(at, Transcript::Present)), Decision::Launch(_)));
        supervisor.on(started(at));
        supervisor.on(state_file(A));
    };
    assert_eq!(delays, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
    assert_eq!(last, Decision::Finish { status: 139, why: Why::CrashLoop { crashes: 10 } });
    assert_eq!(supervisor.conversation(), Some(A));
}

#[test]
fn a_stable_while_resets_the_delay_but_not_the_window() {
    let mut supervisor = up();
    let mut at = 0;
    for crash in 1..=10 {
        at += 60;
        let decision = supervisor.on(ended(SEGV, at));
        if crash == 10 {
            assert_eq!(decision, Decision::Finish { status: 139, why: Why::CrashLoop { crashes: 10 } });
            break;
        }
        assert_eq!(decision, wait(at + 1, 1));
        at += 1;
        supervisor.on(due(at, Transcript::Present));
        supervisor.on(started(at));
    }
}

#[test]
fn the_user_may_skip_the_delay_or_quit() {
    let now = Event::UserNow { look: look(Transcript::Present) };
    assert_eq!(crashed().on(now.clone()), Decision::Launch(Launch::Resume(A.into())));
    assert_eq!(up().on(now), Decision::Nothing);
    assert_eq!(crashed().on(Event::UserQuit), Decision::Finish { status: 139, why: Why::Quit });
    let mut supervisor = up();
    assert_eq!(supervisor.on(Event::UserQuit), Decision::Nothing);
    assert_eq!(supervisor.on(ended(SEGV, 1)), Decision::Finish { status: 139, why: Why::Quit });
}

#[test]
fn what_another_process_has_is_not_opened() {
    for launch in [look(Transcript::Present), look(Transcript::NeverThere), look(Transcript::Gone)] {
        let held = Look { held: true, ..launch };
        let finish = Decision::Finish { status: 139, why: Why::Held };
        assert_eq!(crashed().on(Event::Due { at: seconds(11), look: held }), finish);
        assert_eq!(crashed().on(Event::UserNow { look: held }), finish);
    }
}

#[test]
fn a_restart_that_was_asked_for_is_no_crash_and_waits_for_nothing() {
    let mut supervisor = up();
    supervisor.on(Event::RestartAsked);
    assert_eq!(supervisor.on(ended(Exit::Code(143), 5)), wait(5, 0));
    assert_eq!(supervisor.on(due(5, Transcript::Present)), Decision::Launch(Launch::Resume(A.into())));
    supervisor.on(started(5));
    assert_eq!(supervisor.on(ended(SEGV, 6)), wait(7, 1), "it counts once");
}

#[test]
fn a_lost_conversation_is_replaced_once() {
    for (transcript, lost) in [(Transcript::Gone, Lost::Gone), (Transcript::Unusable, Lost::Unusable)] {
        let mut supervisor = crashed();
        let replaced = Launch::Fresh { id: fresh(), instead_of: A.into(), lost };
        assert_eq!(supervisor.on(due(11, transcript)), Decision::Launch(replaced));
        assert_eq!(supervisor.conversation(), Some(&*fresh()));
        supervisor.on(started(11));
        supervisor.on(ended(SEGV, 12));
        // Nothing was said in the new one: its id still serves. But it is not replaced as well.
        let mut again = supervisor.clone();
        let launch = Launch::SessionId(fresh());
        assert_eq!(again.on(due(14, Transcript::NeverThere)), Decision::Launch(launch));
        let finish = Decision::Finish { status: 139, why: Why::Lost(lost) };
        assert_eq!(supervisor.on(due(14, transcript)), finish);
    }
}

#[test]
fn after_a_stable_while_another_may_be_replaced() {
    let mut supervisor = crashed();
    supervisor.on(due(11, Transcript::Gone));
    supervisor.on(started(11));
    supervisor.on(state_file(B));
    supervisor.on(ended(SEGV, 71));
    let decision = supervisor.on(due(72, Transcript::Gone));
    assert!(
        matches!(&decision, Decision::Launch(Launch::Fresh { instead_of, .. }) if instead_of == B),
        "{decision:?}"
    );
}

#[test]
fn what_claude_refuses_is_tried_in_the_other_way_or_replaced() {
    let mut supervisor = crashed();
    supervisor.on(due(11, Transcript::NeverThere));
    supervisor.on(started(11));
    supervisor.on(Event::Refused);
    supervisor.on(ended(Exit::Code(1), 12));
    // The id is taken, because there is a transcript by now.
    let mut other = supervisor.clone();
    assert_eq!(other.on(due(14, Transcript::Present)), Decision::Launch(Launch::Resume(A.into())));
    let replaced = Launch::Fresh { id: fresh(), instead_of: A.into(), lost: Lost::Refused };
    assert_eq!(supervisor.on(due(14, Transcript::NeverThere)), Decision::Launch(replaced));
    // Once it is up, it was not refused.
    let mut supervisor = crashed();
    supervisor.on(due(11, Transcript::Present));
    supervisor.on(Event::Refused);
    supervisor.on(state_file(A));
    supervisor.on(ended(SEGV, 12));
    assert_eq!(supervisor.on(due(14, Transcript::Present)), Decision::Launch(Launch::Resume(A.into())));
}

#[test]
fn another_conversation_than_asked_for_is_noticed_and_followed() {
    let mut supervisor = crashed();
    supervisor.on(due(11, Transcript::Present));
    assert_eq!(supervisor.on(guess(B)), Decision::Nothing);
    let different = Decision::Different { asked: A.into(), got: B.into() };
    assert_eq!(supervisor.on(state_file(B)), different);
    assert_eq!(supervisor.conversation(), Some(B));
    // Later changes are the user's.
    assert_eq!(supervisor.on(state_file(A)), Decision::Nothing);
}

#[test]
fn a_session_that_a_new_host_takes_up_is_due_at_once() {
    let mut supervisor = Supervisor::taken_up(Restart::default(), Some(A.into()));
    assert_eq!(supervisor.on(due(0, Transcript::Present)), Decision::Launch(Launch::Resume(A.into())));
    assert_eq!(supervisor.on(ended(Exit::Code(1), 1)), wait(2, 1), "it has come up before");
}

fn a_transcript() -> impl Strategy<Value = Transcript> {
    use Transcript::{Gone, NeverThere, Present, Unusable};
    proptest::sample::select(vec![Present, Present, NeverThere, Gone, Unusable])
}

fn a_server() -> Supervisor {
    let mut supervisor = Supervisor::new(Restart::default(), None).of_server();
    assert_eq!(supervisor.on(started(0)), Decision::Nothing);
    supervisor
}

fn server(goes_on: bool) -> Decision {
    Decision::Launch(Launch::Server { goes_on })
}

#[test]
fn a_server_that_gave_up_goes_on_however_it_exits() {
    for exit in [Exit::Code(0), Exit::Code(1)] {
        let mut supervisor = a_server();
        supervisor.on(Event::GaveUp);
        assert_eq!(supervisor.on(ended(exit, 600)), wait(601, 1));
        assert_eq!(supervisor.on(due(601, Transcript::NeverThere)), server(true));
    }
    let mut wanted = a_server();
    let clean = Decision::Finish { status: 0, why: Why::Clean };
    assert_eq!(wanted.on(ended(Exit::Code(0), 600)), clean);
}

#[test]
fn a_server_that_cannot_go_on_begins_anew() {
    let mut supervisor = a_server();
    assert_eq!(supervisor.on(ended(SEGV, 5)), wait(6, 1));
    assert_eq!(supervisor.on(due(6, Transcript::NeverThere)), server(true));
    supervisor.on(started(6));
    assert_eq!(supervisor.on(ended(Exit::Code(1), 7)), wait(9, 2));
    assert_eq!(supervisor.on(due(9, Transcript::NeverThere)), server(false));
}

#[test]
fn a_server_without_a_network_is_started_for_ever_but_not_one_that_crashes() {
    let refused = Decision::Finish { status: 1, why: Why::OwnError };
    assert_eq!(a_server().on(ended(Exit::Code(1), 1)), refused, "no login");
    let runs = |exit| {
        let mut supervisor = a_server();
        supervisor.on(Event::GaveUp);
        let mut at = 600;
        for round in 0..200 {
            match supervisor.on(ended(exit, at)) {
                Decision::Wait { until, .. } => at = until.as_secs() + 1,
                _ => return round,
            }
            supervisor.on(due(at, Transcript::NeverThere));
            supervisor.on(started(at));
        }
        200
    };
    assert_eq!(runs(Exit::Code(1)), 200);
    assert_eq!(runs(SEGV), 9);
}

fn an_exit() -> impl Strategy<Value = Exit> {
    prop_oneof![
        4 => Just(SEGV),
        2 => Just(Exit::Code(1)),
        1 => proptest::sample::select(vec![Exit::Code(0), Exit::Signal(15), Exit::Code(127)]),
    ]
}

/// An event at a time that is yet to be filled in.
fn an_event() -> impl Strategy<Value = Event> {
    let look = || {
        (a_transcript(), 100..120u128, proptest::bool::weighted(0.05))
            .prop_map(|(transcript, id, held)| Look { transcript, fresh: Uuid::from_u128(id), held })
    };
    let id = proptest::sample::select(vec![Some(A), Some(B), Some("no id"), None]);
    let at = Duration::ZERO;
    prop_oneof![
        4 => Just(Event::Started { at }),
        4 => (an_exit(), prop_oneof![0.0..=1.0, Just(f64::NAN), Just(-3.0), Just(9.0)])
            .prop_map(move |(exit, jitter)| Event::Ended { exit, at, jitter }),
        4 => look().prop_map(move |look| Event::Due { at, look }),
        2 => (id, any::<bool>())
            .prop_map(|(id, settled)| Event::StateFile { conversation: id.map(str::to_owned), settled }),
        1 => look().prop_map(|look| Event::UserNow { look }),
        1 => Just(Event::Refused),
        1 => Just(Event::GaveUp),
        1 => prop_oneof![9 => Just(Event::RestartAsked), 1 => Just(Event::UserQuit)],
    ]
}

/// How the clock moves between two events; now and then it goes back.
fn a_step() -> impl Strategy<Value = i64> {
    prop_oneof![6 => 0..3_000i64, 3 => 0..100_000i64, 1 => 0..2_000_000i64, 1 => -100_000..0i64]
}

fn at_time(event: Event, at: Duration) -> Event {
    match event {
        Event::Started { .. } => Event::Started { at },
        Event::Ended { exit, jitter, .. } => Event::Ended { exit, at, jitter },
        Event::Due { look, .. } => Event::Due { at, look },
        other => other,
    }
}

fn some_limits() -> impl Strategy<Value = Restart> {
    (1..5_000u64, 0..100_000u64, 1.0..10.0f64, 0.0..=1.0f64, 1..100_000u64, 1..12u32, 1..1_000_000u64)
        .prop_map(|(initial, more, factor, jitter, stable, crash_limit, window)| Restart {
            initial_delay: Duration::from_millis(initial),
            max_delay: Duration::from_millis(initial + more),
            factor,
            jitter,
            stable_after: Duration::from_millis(stable),
            crash_limit,
            crash_window: Duration::from_millis(window),
        })
}

/// What the promises are held against: counted from the events and decisions alone.
#[derive(Default)]
struct Witness {
    now: Duration,
    running_since: Option<Duration>,
    running: bool,
    in_a_row: u32,
    crashes: Vec<Duration>,
    earliest: Option<Duration>,
    replaced: bool,
    quit: bool,
    restart: bool,
    /// The end that was just told was one of a restart that was asked for.
    restarts: bool,
    finished: bool,
    told: Option<String>,
}

impl Witness {
    fn before(&mut self, event: &Event, limits: &Restart) {
        self.restarts = false;
        match event {
            Event::Started { at } if self.running => {
                self.running_since.get_or_insert(*at);
            }
            Event::StateFile { conversation: Some(id), settled: true } if !self.finished && is_id(id) => {
                self.told = Some(id.clone())
            }
            Event::Ended { at, .. } if self.running => {
                self.running = false;
                let ran = self.running_since.take().map_or(Duration::ZERO, |since| at.saturating_sub(since));
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
                self.crashes.push(*at);
                self.crashes.retain(|crash| at.saturating_sub(*crash) <= limits.crash_window);
                // A nanosecond each for what the two ways of reckoning round.
                self.earliest =
                    Some(*at + Duration::from_secs_f64(delay).saturating_sub(Duration::from_nanos(20)));
            }
            Event::UserQuit if !self.finished => self.quit = true,
            Event::RestartAsked if self.running => self.restart = true,
            _ => {}
        }
    }

    fn after(&mut self, event: &Event, decision: &Decision, limits: &Restart) -> Result<(), TestCaseError> {
        if self.finished {
            prop_assert_eq!(decision, &Decision::Nothing);
            return Ok(());
        }
        if let (Event::Ended { at, .. }, true, false) = (event, self.restarts, self.quit) {
            // However claude ended, and however often it has crashed.
            prop_assert_eq!(decision, &Decision::Wait { until: *at, attempt: 0 });
        }
        match decision {
            Decision::Launch(launch) => {
                prop_assert!(!self.running && !self.quit);
                match event {
                    Event::Due { at, look } => {
                        prop_assert!(self.earliest.is_none_or(|earliest| *at >= earliest) && !look.held)
                    }
                    Event::UserNow { look } => prop_assert!(!look.held),
                    other => prop_assert!(false, "{other:?}"),
                }
                prop_assert!(self.in_a_row < limits.crash_limit);
                prop_assert!(self.crashes.len() < limits.crash_limit as usize);
                match launch {
                    Launch::Fresh { id, instead_of, .. } => {
                        prop_assert!(!std::mem::replace(&mut self.replaced, true));
                        prop_assert_eq!(Some(instead_of), self.told.as_ref());
                        self.told = Some(id.clone());
                    }
                    other => prop_assert_eq!(other.id(), self.told.as_deref()),
                }
                self.running = true;
            }
            Decision::Wait { until, .. } => {
                if let (Event::Ended { at, .. }, Some(earliest)) = (event, self.earliest) {
                    prop_assert!(*until >= earliest);
                    let most = limits.max_delay.mul_f64(1.0 + limits.jitter) + Duration::from_nanos(20);
                    prop_assert!(*until <= *at + most);
                }
            }
            Decision::Finish { .. } => self.finished = true,
            Decision::Different { asked, got } => {
                prop_assert!(asked != got && self.told.as_ref() == Some(got));
            }
            Decision::Nothing => {}
        }
        if matches!(event, Event::Ended { .. }) && self.quit {
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
        let mut witness = Witness { running: true, told: pinned, ..Witness::default() };
        for (event, step) in events {
            let step_by = Duration::from_millis(step.unsigned_abs());
            witness.now = if step < 0 { witness.now.saturating_sub(step_by) } else { witness.now + step_by };
            let event = at_time(event, witness.now);
            witness.before(&event, &limits);
            let decision = supervisor.on(event.clone());
            witness.after(&event, &decision, &limits)?;
            prop_assert_eq!(supervisor.conversation(), witness.told.as_deref());
            prop_assert!(supervisor.crashes.len() <= limits.crash_limit as usize);
        }
        // Quitting always ends it.
        supervisor.on(Event::UserQuit);
        supervisor.on(Event::Ended { exit: SEGV, at: witness.now, jitter: 0.5 });
        prop_assert_eq!(&supervisor.phase, &Phase::Finished);
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
            supervisor.on(Event::Started { at: now });
            if refused {
                supervisor.on(Event::Refused);
            } else if comes_up {
                supervisor.on(state_file(B));
            }
            now += limits.stable_after.mul_f64(part).saturating_sub(Duration::from_nanos(1));
            let Decision::Wait { until, .. } = supervisor.on(Event::Ended { exit: SEGV, at: now, jitter: part }) else {
                break;
            };
            let look = Look { transcript, fresh: Uuid::from_u128(launches.into()), held: false };
            let event = if hurried { Event::UserNow { look } } else { Event::Due { at: until, look } };
            now = now.max(until);
            match supervisor.on(event) {
                Decision::Launch(_) => launches += 1,
                _ => break,
            }
        }
        prop_assert!(launches < limits.crash_limit);
        prop_assert_eq!(&supervisor.phase, &Phase::Finished);
    }
}
