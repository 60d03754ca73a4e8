#[path = "invariants.rs"]
mod invariants;
#[path = "soak.rs"]
mod soak;

use super::*;
use invariants::at_time;

const A: &str = "0f0e0d0c-1111-4111-8111-0000000000aa";
const B: &str = "0f0e0d0c-1111-4111-8111-0000000000bb";
const SEGV: Exit = Exit::Signal(11);

fn seconds(number: u64) -> Duration {
    Duration::from_secs(number)
}

fn look(transcript: TranscriptState) -> LaunchContext {
    LaunchContext { transcript, fresh: Uuid::from_u128(7), held: false, read_until: None }
}

fn fresh() -> String {
    Uuid::from_u128(7).to_string()
}

fn state_file(id: &str) -> SupervisorEvent {
    SupervisorEvent::StateFile { conversation: Some(id.into()), settled: true }
}

/// What claude writes before it has come up.
fn guess(id: &str) -> SupervisorEvent {
    SupervisorEvent::StateFile { conversation: Some(id.into()), settled: false }
}

fn started(at: u64) -> SupervisorEvent {
    SupervisorEvent::Started { at: seconds(at) }
}

fn ended(exit: Exit, at: u64) -> SupervisorEvent {
    SupervisorEvent::Ended { exit, at: seconds(at), jitter: 0.0 }
}

fn due(at: u64, transcript: TranscriptState) -> SupervisorEvent {
    SupervisorEvent::Due { at: seconds(at), look: look(transcript) }
}

fn wait(until: u64, attempt: u32) -> Decision {
    Decision::Wait { until: seconds(until), attempt }
}

/// The defaults, without the time that a claude makes wait which ended early.
fn limits() -> Restart {
    Restart { early_delay: Duration::ZERO, ..Restart::default() }
}

/// A session that has come up with the pinned conversation A.
fn up() -> Supervisor {
    let mut supervisor = Supervisor::new(limits(), Some(A.into()));
    assert_eq!(supervisor.handle(started(0)), Decision::Nothing);
    assert_eq!(supervisor.handle(state_file(A)), Decision::Nothing);
    supervisor
}

/// The same after a crash, waiting.
fn crashed() -> Supervisor {
    let mut supervisor = up();
    assert_eq!(supervisor.handle(ended(SEGV, 10)), wait(11, 1));
    supervisor
}

#[test]
fn a_session_goes_through_its_lifecycle_once_for_each_claude() {
    let mut supervisor = up();
    assert!(supervisor.lifecycle().is_running());
    supervisor.handle(SupervisorEvent::Exited { exit: SEGV });
    assert!(matches!(supervisor.lifecycle(), Lifecycle::Draining { exit: SEGV, .. }));
    // What it wrote last is still followed, and what the user wants meanwhile counts.
    supervisor.handle(state_file(B));
    assert_eq!((supervisor.conversation(), supervisor.lifecycle().has_quit()), (Some(B), false));
    let mut unwanted = supervisor.clone();
    unwanted.handle(SupervisorEvent::UserQuit);
    assert!(unwanted.lifecycle().has_quit());
    supervisor.handle(ended(SEGV, 100));
    assert!(supervisor.lifecycle().is_waiting() && supervisor.lifecycle().unhandled_exit().is_none());
    unwanted.handle(ended(SEGV, 100));
    let quit = Lifecycle::Ended { exit: SEGV, why: FinishReason::Quit };
    assert_eq!(unwanted.lifecycle(), &quit);
    assert!(quit.has_quit() && !quit.gave_up());
    supervisor.handle(SupervisorEvent::UserQuit);
    assert_eq!(supervisor.lifecycle(), &quit);
    // Whatever happens then, it stays over.
    supervisor.handle(SupervisorEvent::Exited { exit: Exit::Code(0) });
    assert_eq!(supervisor.lifecycle(), &quit);
}

#[test]
fn a_crash_is_followed_by_the_same_conversation_when_it_is_due() {
    let mut supervisor = crashed();
    let early =
        SupervisorEvent::Due { at: Duration::from_millis(10_999), look: look(TranscriptState::Present) };
    assert_eq!(supervisor.handle(early), wait(11, 1));
    assert_eq!(
        supervisor.handle(due(11, TranscriptState::Present)),
        Decision::Launch(ClaudeLaunch::Resume(A.into()))
    );
    assert_eq!(supervisor.handle(due(12, TranscriptState::Present)), Decision::Nothing, "once");
}

#[test]
fn before_its_first_prompt_the_id_is_used_again() {
    let decision = crashed().handle(due(11, TranscriptState::NeverThere));
    assert_eq!(decision, Decision::Launch(ClaudeLaunch::SessionId(A.into())));
}

#[test]
fn the_conversation_that_was_open_last_comes_back() {
    let mut supervisor = up();
    supervisor.handle(state_file(B));
    supervisor.handle(SupervisorEvent::StateFile { conversation: None, settled: true });
    supervisor.handle(state_file("--resume"));
    supervisor.handle(ended(SEGV, 10));
    assert_eq!(
        supervisor.handle(due(11, TranscriptState::Present)),
        Decision::Launch(ClaudeLaunch::Resume(B.into()))
    );
    // Also if it is only read after the end.
    let mut supervisor = crashed();
    assert_eq!(supervisor.handle(state_file(B)), Decision::Nothing);
    assert_eq!(
        supervisor.handle(due(11, TranscriptState::Present)),
        Decision::Launch(ClaudeLaunch::Resume(B.into()))
    );
}

#[test]
fn without_a_known_conversation_the_user_s_choice_is_repeated() {
    let mut supervisor = Supervisor::new(limits(), None);
    supervisor.handle(started(0));
    assert_eq!(supervisor.handle(ended(Exit::Signal(9), 0)), wait(1, 1));
    assert_eq!(
        supervisor.handle(due(1, TranscriptState::NeverThere)),
        Decision::Launch(ClaudeLaunch::AsChosen)
    );
    // It is refused: nothing else could be tried.
    supervisor.handle(started(1));
    supervisor.handle(SupervisorEvent::Refused);
    supervisor.handle(ended(Exit::Signal(9), 2));
    let why = FinishReason::Lost(Lost::Refused);
    assert_eq!(supervisor.handle(due(4, TranscriptState::NeverThere)), Decision::Finish { status: 137, why });
}

#[test]
fn a_state_file_that_is_a_guess_changes_nothing() {
    // `--continue`, killed before it has found what to continue.
    let mut supervisor = Supervisor::new(limits(), None);
    supervisor.handle(started(0));
    assert_eq!(supervisor.handle(guess(A)), Decision::Nothing);
    assert_eq!(supervisor.conversation(), None);
    let mut killed = supervisor.clone();
    killed.handle(ended(Exit::Signal(9), 1));
    assert_eq!(killed.handle(due(2, TranscriptState::NeverThere)), Decision::Launch(ClaudeLaunch::AsChosen));
    // The same, where there is nothing to continue.
    let own = Decision::Finish { status: 1, why: FinishReason::OwnError };
    assert_eq!(supervisor.handle(ended(Exit::Code(1), 1)), own);
    // A resume that is refused has named the conversation before.
    let mut supervisor = crashed();
    supervisor.handle(due(11, TranscriptState::Present));
    supervisor.handle(guess(A));
    supervisor.handle(SupervisorEvent::Refused);
    supervisor.handle(ended(Exit::Code(1), 12));
    let decision = supervisor.handle(due(14, TranscriptState::Present));
    assert!(
        matches!(decision, Decision::Launch(ClaudeLaunch::Fresh { lost: Lost::Refused, .. })),
        "{decision:?}"
    );
}

#[test]
fn wanted_ends_and_claude_s_own_errors_end_the_session() {
    assert_eq!(
        up().handle(ended(Exit::Code(0), 9)),
        Decision::Finish { status: 0, why: FinishReason::Clean }
    );
    let mut supervisor = Supervisor::new(limits(), Some(A.into()));
    supervisor.handle(started(0));
    let own = Decision::Finish { status: 1, why: FinishReason::OwnError };
    assert_eq!(supervisor.handle(ended(Exit::Code(1), 9)), own);
    // A program that cannot be executed was never started.
    let own = Decision::Finish { status: 127, why: FinishReason::OwnError };
    assert_eq!(Supervisor::new(limits(), None).handle(ended(Exit::Code(127), 0)), own);
    // Once it has come up, the same is a crash, also of a later launch.
    let mut supervisor = crashed();
    supervisor.handle(due(11, TranscriptState::Present));
    assert_eq!(supervisor.handle(ended(Exit::Code(127), 11)), wait(13, 2));
}

/// A session to which cckw has passed this signal on, at 5 s.
fn signalled(number: i32) -> Supervisor {
    let mut supervisor = up();
    assert_eq!(
        supervisor.handle(SupervisorEvent::SignalPassed { number, at: seconds(5) }),
        Decision::Nothing
    );
    supervisor
}

#[test]
fn an_end_by_a_signal_that_was_passed_on_is_wanted() {
    for (number, exit) in [
        (15, Exit::Code(143)),
        (15, Exit::Signal(15)),
        (1, Exit::Code(129)),
        (2, Exit::Signal(2)),
        (2, Exit::Code(130)),
        (3, Exit::Signal(3)),
    ] {
        let clean = Decision::Finish { status: exit.status(), why: FinishReason::Clean };
        assert_eq!(signalled(number).handle(ended(exit, 6)), clean, "{exit:?}");
        assert_eq!(signalled(number).handle(ended(exit, 15)), clean, "{exit:?}");
        assert_eq!(
            signalled(number).handle(ended(exit, 16)),
            wait(17, 1),
            "{exit:?}: it has gone on for too long"
        );
        assert_eq!(up().handle(ended(exit, 6)), wait(7, 1), "{exit:?} from elsewhere");
    }
}

#[test]
fn a_claude_that_was_asked_to_end_ends_the_session_however_it_ends() {
    for number in [15, 1] {
        for exit in [SEGV, Exit::Code(1), Exit::Signal(9)] {
            let clean = Decision::Finish { status: exit.status(), why: FinishReason::Clean };
            assert_eq!(signalled(number).handle(ended(exit, 6)), clean);
        }
    }
    assert_eq!(signalled(2).handle(ended(SEGV, 6)), wait(7, 1), "an interruption is not meant to end it");
}

#[test]
fn a_signal_that_was_passed_on_counts_for_one_end() {
    let mut supervisor = signalled(2);
    assert_eq!(supervisor.handle(ended(SEGV, 6)), wait(7, 1));
    supervisor.handle(SupervisorEvent::SignalPassed { number: 2, at: seconds(6) });
    supervisor.handle(due(7, TranscriptState::Present));
    supervisor.handle(started(7));
    assert_eq!(supervisor.handle(ended(Exit::Signal(2), 8)), wait(10, 2));
}

#[test]
fn a_sigterm_from_elsewhere_is_what_the_user_says_it_is() {
    let mut supervisor = up();
    supervisor.limits.on_sigterm = crate::config::OnSigterm::End;
    assert_eq!(
        supervisor.handle(ended(Exit::Code(143), 9)),
        Decision::Finish { status: 143, why: FinishReason::Clean }
    );
    assert_eq!(up().handle(ended(Exit::Code(143), 9)), wait(10, 1));
}

#[test]
fn the_delays_grow_to_their_limit_and_crashes_in_a_row_end_it() {
    let mut supervisor = up();
    let mut at = 0;
    let mut delays = vec![];
    let last = loop {
        match supervisor.handle(ended(SEGV, at)) {
            Decision::Wait { until, attempt } => {
                delays.push((until - seconds(at)).as_secs());
                assert_eq!(attempt as usize, delays.len());
                at = until.as_secs();
            }
            decision => break decision,
        }
        assert!(matches!(supervisor.handle(due(at, TranscriptState::Present)), Decision::Launch(_)));
        supervisor.handle(started(at));
        supervisor.handle(state_file(A));
    };
    assert_eq!(delays, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
    assert_eq!(last, Decision::Finish { status: 139, why: FinishReason::CrashLoop { crashes: 10 } });
    assert_eq!(supervisor.conversation(), Some(A));
}

/// Two that end so within ten seconds of their starts make claude give up its fullscreen renderer.
#[test]
fn one_that_ends_early_makes_wait_for_ten_seconds() {
    let after = |restart: Restart, lived: u64| {
        let mut supervisor = Supervisor::new(restart, Some(A.into()));
        supervisor.handle(started(100));
        supervisor.handle(state_file(A));
        match supervisor.handle(ended(SEGV, 100 + lived)) {
            Decision::Wait { until, .. } => (until - seconds(100 + lived)).as_millis(),
            other => panic!("{other:?}"),
        }
    };
    let usual = Restart::default();
    assert_eq!([0, 14, 15, 600].map(|lived| after(usual, lived)), [10_000, 10_000, 1_000, 1_000]);
    // Not where the configuration has shorter delays, or longer ones.
    assert_eq!(after(Restart { max_delay: seconds(2), ..usual }, 1), 2_000);
    assert_eq!(after(Restart { early_delay: Duration::ZERO, ..usual }, 1), 1_000);
    assert_eq!(after(Restart { initial_delay: seconds(30), ..usual }, 1), 30_000);
}

/// Claude's renderer covers the line that says so, from the moment at which claude is there.
#[test]
fn somebody_at_the_terminal_has_time_to_read_that_the_conversation_is_lost() {
    let watched = |transcript| LaunchContext { read_until: Some(seconds(50)), ..look(transcript) };
    let announced = || {
        let mut supervisor = crashed();
        let due = SupervisorEvent::Due { at: seconds(20), look: watched(TranscriptState::Gone) };
        assert_eq!(supervisor.handle(due.clone()), Decision::Announce { lost: Lost::Gone });
        assert_eq!(supervisor.announced(), Some(Lost::Gone));
        let early = at_time(due, seconds(49));
        assert!(matches!(supervisor.handle(early), Decision::Wait { until, .. } if until == seconds(50)));
        supervisor
    };
    let fresh = ClaudeLaunch::Fresh { id: fresh(), instead_of: A.into(), lost: Lost::Gone };
    let look = watched(TranscriptState::Gone);
    let mut supervisor = announced();
    let decision = supervisor.handle(SupervisorEvent::Due { at: seconds(50), look });
    assert_eq!((decision, supervisor.announced()), (Decision::Launch(fresh.clone()), None));
    // The user does not wait, or somebody has put the file back meanwhile.
    assert_eq!(announced().handle(SupervisorEvent::UserNow { look }), Decision::Launch(fresh));
    let back = SupervisorEvent::UserNow { look: watched(TranscriptState::Present) };
    assert_eq!(announced().handle(back), Decision::Launch(ClaudeLaunch::Resume(A.into())));
    assert!(matches!(announced().handle(SupervisorEvent::UserQuit), Decision::Finish { .. }));
}

#[test]
fn a_claude_that_cannot_be_executed_is_not_early() {
    let mut supervisor = crashed();
    supervisor.limits = Restart::default();
    supervisor.handle(due(11, TranscriptState::Present));
    assert_eq!(supervisor.handle(ended(Exit::Code(126), 11)), wait(13, 2));
}

#[test]
fn a_stable_while_resets_the_delay_but_not_the_window() {
    let mut supervisor = up();
    let mut at = 0;
    for crash in 1..=10 {
        at += 60;
        let decision = supervisor.handle(ended(SEGV, at));
        if crash == 10 {
            assert_eq!(
                decision,
                Decision::Finish { status: 139, why: FinishReason::CrashLoop { crashes: 10 } }
            );
            break;
        }
        assert_eq!(decision, wait(at + 1, 1));
        at += 1;
        supervisor.handle(due(at, TranscriptState::Present));
        supervisor.handle(started(at));
    }
}

#[test]
fn the_user_may_skip_the_delay_or_quit() {
    let now = SupervisorEvent::UserNow { look: look(TranscriptState::Present) };
    assert_eq!(crashed().handle(now.clone()), Decision::Launch(ClaudeLaunch::Resume(A.into())));
    assert_eq!(up().handle(now), Decision::Nothing);
    assert_eq!(
        crashed().handle(SupervisorEvent::UserQuit),
        Decision::Finish { status: 139, why: FinishReason::Quit }
    );
    let mut supervisor = up();
    assert_eq!(supervisor.handle(SupervisorEvent::UserQuit), Decision::Nothing);
    assert_eq!(supervisor.handle(ended(SEGV, 1)), Decision::Finish { status: 139, why: FinishReason::Quit });
}

#[test]
fn what_another_process_has_is_not_opened() {
    for launch in
        [look(TranscriptState::Present), look(TranscriptState::NeverThere), look(TranscriptState::Gone)]
    {
        let held = LaunchContext { held: true, ..launch };
        let finish = Decision::Finish { status: 139, why: FinishReason::Held };
        assert_eq!(crashed().handle(SupervisorEvent::Due { at: seconds(11), look: held }), finish);
        assert_eq!(crashed().handle(SupervisorEvent::UserNow { look: held }), finish);
    }
}

#[test]
fn a_restart_that_was_asked_for_is_no_crash_and_waits_for_nothing() {
    let mut supervisor = up();
    supervisor.handle(SupervisorEvent::RestartAsked);
    assert_eq!(supervisor.handle(ended(Exit::Code(143), 5)), wait(5, 0));
    assert_eq!(
        supervisor.handle(due(5, TranscriptState::Present)),
        Decision::Launch(ClaudeLaunch::Resume(A.into()))
    );
    supervisor.handle(started(5));
    assert_eq!(supervisor.handle(ended(SEGV, 6)), wait(7, 1), "it counts once");
}

#[test]
fn a_lost_conversation_is_replaced_once() {
    for (transcript, lost) in
        [(TranscriptState::Gone, Lost::Gone), (TranscriptState::Unusable, Lost::Unusable)]
    {
        let mut supervisor = crashed();
        let replaced = ClaudeLaunch::Fresh { id: fresh(), instead_of: A.into(), lost };
        assert_eq!(supervisor.handle(due(11, transcript)), Decision::Launch(replaced));
        assert_eq!(supervisor.conversation(), Some(&*fresh()));
        supervisor.handle(started(11));
        supervisor.handle(ended(SEGV, 12));
        // Nothing was said in the new one: its id still serves. But it is not replaced as well.
        let mut again = supervisor.clone();
        let launch = ClaudeLaunch::SessionId(fresh());
        assert_eq!(again.handle(due(14, TranscriptState::NeverThere)), Decision::Launch(launch));
        let finish = Decision::Finish { status: 139, why: FinishReason::Lost(lost) };
        assert_eq!(supervisor.handle(due(14, transcript)), finish);
    }
}

#[test]
fn after_a_stable_while_another_may_be_replaced() {
    let mut supervisor = crashed();
    supervisor.handle(due(11, TranscriptState::Gone));
    supervisor.handle(started(11));
    supervisor.handle(state_file(B));
    supervisor.handle(ended(SEGV, 71));
    let decision = supervisor.handle(due(72, TranscriptState::Gone));
    assert!(
        matches!(&decision, Decision::Launch(ClaudeLaunch::Fresh { instead_of, .. }) if instead_of == B),
        "{decision:?}"
    );
}

#[test]
fn what_claude_refuses_is_tried_in_the_other_way_or_replaced() {
    let mut supervisor = crashed();
    supervisor.handle(due(11, TranscriptState::NeverThere));
    supervisor.handle(started(11));
    supervisor.handle(SupervisorEvent::Refused);
    supervisor.handle(ended(Exit::Code(1), 12));
    // The id is taken, because there is a transcript by now.
    let mut other = supervisor.clone();
    assert_eq!(
        other.handle(due(14, TranscriptState::Present)),
        Decision::Launch(ClaudeLaunch::Resume(A.into()))
    );
    let replaced = ClaudeLaunch::Fresh { id: fresh(), instead_of: A.into(), lost: Lost::Refused };
    assert_eq!(supervisor.handle(due(14, TranscriptState::NeverThere)), Decision::Launch(replaced));
    // Once it is up, it was not refused.
    let mut supervisor = crashed();
    supervisor.handle(due(11, TranscriptState::Present));
    supervisor.handle(SupervisorEvent::Refused);
    supervisor.handle(state_file(A));
    supervisor.handle(ended(SEGV, 12));
    assert_eq!(
        supervisor.handle(due(14, TranscriptState::Present)),
        Decision::Launch(ClaudeLaunch::Resume(A.into()))
    );
}

#[test]
fn another_conversation_than_asked_for_is_noticed_and_followed() {
    let mut supervisor = crashed();
    supervisor.handle(due(11, TranscriptState::Present));
    assert_eq!(supervisor.handle(guess(B)), Decision::Nothing);
    let different = Decision::Different { expected: A.into(), got: B.into() };
    assert_eq!(supervisor.handle(state_file(B)), different);
    assert_eq!(supervisor.conversation(), Some(B));
    // Later changes are the user's.
    assert_eq!(supervisor.handle(state_file(A)), Decision::Nothing);
}

#[test]
fn a_session_that_a_new_host_takes_up_is_due_at_once() {
    let mut supervisor = Supervisor::taken_up(limits(), Some(A.into()));
    assert_eq!(
        supervisor.handle(due(0, TranscriptState::Present)),
        Decision::Launch(ClaudeLaunch::Resume(A.into()))
    );
    assert_eq!(supervisor.handle(ended(Exit::Code(1), 1)), wait(2, 1), "it has come up before");
}

fn a_server() -> Supervisor {
    let mut supervisor = Supervisor::new(limits(), None).of_server();
    assert_eq!(supervisor.handle(started(0)), Decision::Nothing);
    supervisor
}

fn server(goes_on: bool) -> Decision {
    Decision::Launch(ClaudeLaunch::Server { goes_on })
}

#[test]
fn a_server_that_gave_up_goes_on_however_it_exits() {
    for exit in [Exit::Code(0), Exit::Code(1)] {
        let mut supervisor = a_server();
        supervisor.handle(SupervisorEvent::GaveUp);
        assert_eq!(supervisor.handle(ended(exit, 600)), wait(601, 1));
        assert_eq!(supervisor.handle(due(601, TranscriptState::NeverThere)), server(true));
    }
    let mut wanted = a_server();
    let clean = Decision::Finish { status: 0, why: FinishReason::Clean };
    assert_eq!(wanted.handle(ended(Exit::Code(0), 600)), clean);
}

#[test]
fn a_server_that_starts_without_a_network_is_started_again() {
    for status in [4, 69] {
        let mut supervisor = a_server();
        assert_eq!(supervisor.handle(ended(Exit::Code(status), 1)), wait(2, 1));
        assert_eq!(supervisor.handle(due(2, TranscriptState::NeverThere)), server(true));
    }
}

#[test]
fn a_server_that_cannot_go_on_begins_anew() {
    let mut supervisor = a_server();
    assert_eq!(supervisor.handle(ended(SEGV, 5)), wait(6, 1));
    assert_eq!(supervisor.handle(due(6, TranscriptState::NeverThere)), server(true));
    supervisor.handle(started(6));
    assert_eq!(supervisor.handle(ended(Exit::Code(1), 7)), wait(9, 2));
    assert_eq!(supervisor.handle(due(9, TranscriptState::NeverThere)), server(false));
}

#[test]
fn a_server_without_a_network_is_started_for_ever_but_not_one_that_crashes() {
    let refused = Decision::Finish { status: 1, why: FinishReason::OwnError };
    assert_eq!(a_server().handle(ended(Exit::Code(1), 1)), refused, "no login");
    let runs = |exit| {
        let mut supervisor = a_server();
        supervisor.handle(SupervisorEvent::GaveUp);
        let mut at = 600;
        for round in 0..200 {
            match supervisor.handle(ended(exit, at)) {
                Decision::Wait { until, .. } => at = until.as_secs() + 1,
                _ => return round,
            }
            supervisor.handle(due(at, TranscriptState::NeverThere));
            supervisor.handle(started(at));
        }
        200
    };
    assert_eq!(runs(Exit::Code(1)), 200);
    assert_eq!(runs(SEGV), 9);
}

/// A machine that has no process left for an hour is no crash loop.
#[test]
fn what_is_missing_is_waited_for_without_counting_crashes() {
    let limits = Restart { crash_limit: 2, ..limits() };
    let mut supervisor = Supervisor::new(limits, Some("c".into()));
    supervisor.handle(SupervisorEvent::Started { at: Duration::ZERO });
    supervisor.handle(SupervisorEvent::StateFile { conversation: Some("c".into()), settled: true });
    let mut now = Duration::from_secs(100);
    let crash = SupervisorEvent::Ended { exit: Exit::Signal(9), at: now, jitter: 0.5 };
    let Decision::Wait { until, .. } = supervisor.handle(crash) else { panic!("no wait") };
    now = until;
    for _ in 0..500 {
        let Decision::Launch(_) =
            supervisor.handle(SupervisorEvent::Due { at: now, look: look(TranscriptState::Present) })
        else {
            panic!("no launch")
        };
        let Decision::Wait { until, .. } = supervisor.handle(SupervisorEvent::NotStarted { at: now }) else {
            panic!("no wait")
        };
        assert!(until > now && until <= now + Duration::from_secs(5));
        now = until;
    }
}
