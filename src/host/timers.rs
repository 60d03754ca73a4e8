//! Everything that the host does because its time has come: which deadlines there are, and what each leads
//! to.

use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::Host;
use super::claude::child::PtyDrain;
use super::control_server::ControlServer;
use super::turn_retry;
use crate::os::moment;
use crate::registry::log_event::LogEvent;
use crate::registry::recovery_marker;
use crate::update::trial;

/// Deadlines by name, each at most once.
#[derive(Debug, Serialize, Deserialize)]
#[serde(bound(serialize = "T: Serialize", deserialize = "T: Deserialize<'de>"))]
pub(super) struct Timers<T>(#[serde(with = "moment::of_each")] Vec<(T, Instant)>);

impl<T: Copy + PartialEq> Timers<T> {
    /// None is set. There is room for so many, so that setting one takes no memory later.
    pub(super) fn with_room_for(count: usize) -> Self {
        Self(Vec::with_capacity(count))
    }

    /// Sets this one to this time, whatever it was set to before.
    pub(super) fn set(&mut self, timer: T, at: Instant) {
        match self.0.iter_mut().find(|(set, _)| *set == timer) {
            Some((_, before)) => *before = at,
            None => self.0.push((timer, at)),
        }
    }

    /// Sets this one where it is not set yet.
    pub(super) fn set_once(&mut self, timer: T, at: Instant) {
        if !self.is_set(timer) {
            self.set(timer, at);
        }
    }

    /// It is not set any more.
    pub(super) fn cancel(&mut self, timer: T) {
        self.0.retain(|(set, _)| *set != timer);
    }

    pub(super) fn is_set(&self, timer: T) -> bool {
        self.at(timer).is_some()
    }

    /// When it is due, if it is set.
    pub(super) fn at(&self, timer: T) -> Option<Instant> {
        self.0.iter().find(|(set, _)| *set == timer).map(|(_, at)| *at)
    }

    /// When the next of all is due.
    pub(super) fn next(&self) -> Option<Instant> {
        self.0.iter().map(|(_, at)| *at).min()
    }

    /// Whether it is due. If so, it is not set any more.
    pub(super) fn due(&mut self, timer: T, now: Instant) -> bool {
        let is_due = self.at(timer).is_some_and(|at| at <= now);
        if is_due {
            self.cancel(timer);
        }
        is_due
    }
}

/// What the host may have to do at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Timer {
    /// The reconnector is asked.
    Remote,
    /// The sender is asked.
    Sending,
    /// A terminal that takes nothing is passed over.
    Stall,
    /// A detached session was idle for as long as it may be.
    Linger,
    /// Claude's own title comes back.
    Title,
    /// The record is written once more, where it could not be.
    SaveRetry,
    /// A client that is let go hears it although the record is not written.
    Parting,
    /// The state file is looked at again, which could not be opened.
    StateRetry,
    /// It is looked whether there is a transcript by now.
    Transcript,
    /// The last turn must be in the transcript.
    TranscriptCheck,
    /// The transcript is read for how the last turn stands.
    Turn,
    /// An answer is looked for on the screen of a claude that does not say what it does.
    Answer,
    /// The state file counts as removed by somebody.
    StateRemoved,
    /// The state file counts as one that says nothing.
    StateUnread,
    /// This host has held a session that was another's for long enough.
    Probation,
    /// The PTY of a claude that has ended counts as read out.
    Drain,
    /// A claude that crashed comes back.
    Relaunch,
    /// Claude is ended for a restart that was asked for.
    Restart,
    /// Claude counts as one that says nothing of itself.
    Startup,
    /// It is looked whether claude asks something before it begins.
    StartQuestion,
    /// Claude gets the next signal of those that end it.
    Kill,
    /// Claude gets the signal that its client got.
    PassOn,
    /// A SIGTERM to the client that has not ended claude is forgotten.
    ClientSignal,
    /// The control server serves what it could not before.
    Accept,
    /// The session's files are looked at.
    Files,
    /// The user's command is to be told something, or takes too long.
    Alerts,
    /// Claude is told to go on with a turn that failed.
    TurnRetry,
    /// It is looked whether a newer claude is installed.
    NewerClaude,
    /// Another program is tried, or goes on here.
    HandOver,
    /// Watchers are sent the screen.
    Frames,
}

impl Timer {
    /// Those that the loop asks for in each turn, together with what else they need. Here they only end its
    /// wait.
    const ASKED_EACH_TURN: [Self; 6] =
        [Self::Remote, Self::Sending, Self::Parting, Self::Accept, Self::HandOver, Self::Frames];

    /// The others, in the order in which they are acted on.
    const RUN: [Self; 24] = [
        Self::Stall,
        Self::Linger,
        Self::Title,
        Self::SaveRetry,
        Self::StateRetry,
        Self::Transcript,
        Self::TranscriptCheck,
        Self::Turn,
        Self::Answer,
        Self::StateRemoved,
        Self::StateUnread,
        Self::Probation,
        Self::Drain,
        Self::Relaunch,
        Self::Restart,
        Self::Startup,
        Self::StartQuestion,
        Self::Kill,
        Self::PassOn,
        Self::ClientSignal,
        Self::Files,
        Self::Alerts,
        Self::TurnRetry,
        Self::NewerClaude,
    ];
}

/// The host's table, with none set.
pub(super) fn timers() -> Timers<Timer> {
    Timers::with_room_for(Timer::RUN.len())
}

impl Host {
    /// When the next thing is to be done.
    pub(super) fn next_timer(&self, server: &ControlServer) -> Option<Instant> {
        let all = Timer::ASKED_EACH_TURN.iter().chain(&Timer::RUN);
        let kept = all.filter_map(|timer| self.kept_elsewhere(*timer, server));
        kept.chain(self.timers.next()).min()
    }

    /// The deadlines that follow from something else, and are not set in the table.
    fn kept_elsewhere(&self, timer: Timer, server: &ControlServer) -> Option<Instant> {
        match timer {
            Timer::Remote => self.remote_deadline(),
            Timer::Sending => self.sending_deadline(),
            Timer::Stall => self.output.stalls_at().filter(|_| !self.is_held()),
            Timer::Title => self.notices.title_until(),
            Timer::SaveRetry => self.journal.retry_at(),
            Timer::Parting => self.attachment.departures.deadline(),
            Timer::TranscriptCheck => self.transcript.deadline(),
            Timer::Turn => self.turn.deadline(),
            Timer::Drain => self.claude.drain().map(PtyDrain::quiet_at).filter(|_| !self.is_held()),
            Timer::Relaunch => self.claude.back_at(),
            Timer::Restart => self.restart_at(),
            Timer::Startup => self.silent_at(),
            Timer::StartQuestion => self.start_question.deadline(),
            Timer::PassOn => self.system_stop.passes_on_at(),
            Timer::ClientSignal => self.system_stop.forget_at(),
            Timer::Accept => server.deadline(),
            Timer::Files => self.files.look_at(),
            Timer::Alerts => self.alerts.deadline(),
            Timer::TurnRetry => self.failed_turn.deadline(),
            Timer::HandOver => self.handover.deadline(),
            Timer::Frames => self.frames_deadline(server),
            Timer::Linger
            | Timer::StateRetry
            | Timer::Transcript
            | Timer::Answer
            | Timer::StateRemoved
            | Timer::StateUnread
            | Timer::Probation
            | Timer::NewerClaude
            | Timer::Kill => None,
        }
    }

    /// Does what is due.
    pub(super) fn run_timers(&mut self, server: &mut ControlServer) {
        let now = Instant::now();
        for timer in Timer::RUN {
            let is_due = self.kept_elsewhere(timer, server).is_some_and(|at| at <= now);
            if is_due || self.timers.due(timer, now) {
                self.on_timer(timer, now, server);
            }
        }
    }

    fn on_timer(&mut self, timer: Timer, now: Instant, server: &mut ControlServer) {
        match timer {
            Timer::Remote
            | Timer::Sending
            | Timer::Parting
            | Timer::Accept
            | Timer::HandOver
            | Timer::Frames => {}
            Timer::Stall => {
                self.events.write(LogEvent::TerminalPassedOver);
                self.output.pass_over();
            }
            Timer::Linger => {
                self.events.write(LogEvent::Lingered);
                self.quit();
                if self.claude.is_running() {
                    self.end_claude();
                }
            }
            Timer::Title => {
                self.notices.title_was_read();
                self.give_notices();
            }
            Timer::SaveRetry => {
                self.journal.retry();
                self.hear_journal();
            }
            Timer::StateRetry => self.look_at_state_file(),
            Timer::Transcript => self.look_for_transcript(),
            Timer::TranscriptCheck => self.check_transcript(),
            Timer::Turn => self.turn_due(),
            Timer::Answer => self.look_for_answer(),
            Timer::StateRemoved => self.is_removed(),
            Timer::StateUnread => self.is_unread(),
            Timer::Probation => {
                let marks = [Some(recovery_marker::path(&self.directory)), trial::file_of(&self.directory)];
                self.journal.run(move || {
                    for mark in marks.into_iter().flatten() {
                        let _ = std::fs::remove_file(mark);
                    }
                });
            }
            Timer::Drain => self.pty_is_silent(now),
            Timer::Relaunch => self.restart_due(),
            Timer::Restart => self.begin_restart(),
            Timer::Startup => self.is_silent(),
            Timer::StartQuestion => self.look_for_start_question(),
            Timer::Kill => self.end_claude(),
            Timer::PassOn => self.pass_on_now(),
            Timer::ClientSignal => self.forget_request_to_end(),
            Timer::Files => self.look_after_files(server),
            Timer::Alerts => self.alerts_due(),
            Timer::TurnRetry => self.note_retry_event(turn_retry::RetryEvent::Due),
            Timer::NewerClaude => self.look_for_newer_claude(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn each_is_due_once_and_the_first_is_next() {
        let start = Instant::now();
        let second = |number| start + Duration::from_secs(number);
        let mut timers = timers();
        assert_eq!(timers.next(), None);
        timers.set(Timer::Kill, second(5));
        timers.set(Timer::Linger, second(3));
        assert_eq!(timers.next(), Some(second(3)));
        // Later than before, and still there once.
        timers.set(Timer::Linger, second(9));
        assert_eq!((timers.next(), timers.at(Timer::Linger)), (Some(second(5)), Some(second(9))));
        timers.set_once(Timer::Linger, second(1));
        assert_eq!(timers.at(Timer::Linger), Some(second(9)));
        assert!(!timers.due(Timer::Kill, second(4)) && timers.is_set(Timer::Kill));
        assert!(timers.due(Timer::Kill, second(5)) && !timers.is_set(Timer::Kill));
        assert!(!timers.due(Timer::Kill, second(6)));
        timers.cancel(Timer::Linger);
        assert_eq!((timers.next(), timers.due(Timer::Linger, second(99))), (None, false));
    }

    #[test]
    fn there_is_room_for_all_of_them() {
        let mut timers = timers();
        let room = timers.0.capacity();
        for (at, timer) in Timer::RUN.into_iter().enumerate() {
            assert!(!Timer::RUN[..at].contains(&timer), "{timer:?} stands there twice");
            timers.set(timer, Instant::now());
        }
        assert_eq!(timers.0.capacity(), room);
    }
}
