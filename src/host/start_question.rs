//! Sees that claude asks something before it begins (`claude/screen/first_question.rs`).
//!
//! There is no state file then, so only the screen says it. It is looked at when something was drawn, and once
//! more a moment later: what is half drawn does not count. What decides is a plain state machine: it does no
//! I/O and reads no clock.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::Host;
use crate::claude::screen;
use crate::claude::screen::Prompt;
use crate::os::moment;
use crate::registry::log_event::LogEvent;
use crate::registry::record::{SessionKind, SessionState};
use crate::sending::{ClaudeStatus, SenderEvent};

/// How long after something was drawn the screen is looked at, and how long after that once more.
const LOOK_DELAY: Duration = Duration::from_millis(300);

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
enum StartQuestionEvent {
    /// Claude, which has said nothing of itself yet, has drawn something.
    Drawn,
    /// This question stands on its screen now, or none.
    Looked(Option<String>),
}

/// The question that claude asks first.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct StartQuestion {
    #[serde(with = "moment::option")]
    look_at: Option<Instant>,
    /// What the last look has found.
    seen: Option<String>,
}

impl StartQuestion {
    /// Notes what happened. Gives what claude asks, or that it asks nothing, where a look has made that
    /// certain.
    fn handle(&mut self, now: Instant, event: StartQuestionEvent) -> Option<Option<String>> {
        match event {
            StartQuestionEvent::Drawn => {
                self.look_at.get_or_insert(now + LOOK_DELAY);
                None
            }
            StartQuestionEvent::Looked(found) => {
                let is_certain = found.is_none() || found == self.seen;
                self.look_at = (!is_certain).then_some(now + LOOK_DELAY);
                self.seen.clone_from(&found);
                is_certain.then_some(found)
            }
        }
    }

    /// When the screen is to be looked at.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.look_at
    }
}

impl Host {
    /// Something was drawn.
    pub(super) fn start_may_ask(&mut self) {
        let record = &self.record;
        let may_ask = self.claude.is_running()
            && record.status.is_none()
            && record.kind == SessionKind::Conversation
            && matches!(record.state, SessionState::Starting | SessionState::Running)
            && !record.state_file_removed
            && !record.state_file_unread;
        if may_ask {
            self.start_question.handle(Instant::now(), StartQuestionEvent::Drawn);
        }
    }

    /// The screen is to be looked at.
    pub(super) fn look_for_start_question(&mut self) {
        let prompt = screen::read(&self.output.screen.view()).prompt;
        let question = match prompt {
            Prompt::Empty | Prompt::Draft(_) => None,
            Prompt::Elsewhere(_) => screen::first_question(&self.output.screen.text()),
        };
        self.note_start_question(StartQuestionEvent::Looked(question));
    }

    /// Claude says what it does, or has ended. The record is not saved.
    pub(super) fn start_is_over(&mut self) {
        self.start_question = StartQuestion::default();
        self.record.asks_first = None;
    }

    fn note_start_question(&mut self, event: StartQuestionEvent) {
        let Some(asks) = self.start_question.handle(Instant::now(), event) else { return };
        if self.record.asks_first == asks {
            return;
        }
        if let Some(question) = &asks {
            self.events.write(LogEvent::AsksFirst { question: question.clone() });
            // It runs, and this is all that can be said of it for now.
            self.record.state = SessionState::Running;
            let asks = ClaudeStatus::Elsewhere(format!("claude asks: {question}"));
            self.tell_sender(SenderEvent::Status(asks));
        }
        self.record.asks_first = asks;
        self.save();
        self.note_activity();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn looked(question: &str) -> StartQuestionEvent {
        StartQuestionEvent::Looked(Some(question.into()))
    }

    #[test]
    fn a_question_counts_when_it_stands_there_twice() {
        let (mut question, start) = (StartQuestion::default(), Instant::now());
        assert_eq!(question.handle(start, StartQuestionEvent::Drawn), None);
        let at = question.deadline().expect("a look");
        // More that is drawn does not put it off.
        assert_eq!(question.handle(at, StartQuestionEvent::Drawn), None);
        assert_eq!(question.deadline(), Some(at));
        assert_eq!(question.handle(at, looked("Do you")), None);
        assert_eq!(question.deadline(), Some(at + LOOK_DELAY));
        assert_eq!(question.handle(at, looked("Do you trust it?")), None);
        assert_eq!(question.handle(at, looked("Do you trust it?")), Some(Some("Do you trust it?".into())));
        assert_eq!(question.deadline(), None);
        assert_eq!(question.handle(at, StartQuestionEvent::Looked(None)), Some(None));
    }

    fn any_event() -> impl Strategy<Value = StartQuestionEvent> {
        prop_oneof![
            Just(StartQuestionEvent::Drawn),
            prop_oneof![Just(None), Just(Some("a".to_owned())), Just(Some("b".to_owned()))]
                .prop_map(StartQuestionEvent::Looked),
        ]
    }

    proptest! {
        /// Whatever comes: a screen that stays as it is leads to one more look at most, and what is said of it
        /// is what stands there.
        #[test]
        fn it_comes_to_rest(
            events in proptest::collection::vec((0..1000u64, any_event()), 0..40),
            last in prop_oneof![Just(None), Just(Some("a".to_owned()))],
        ) {
            let (mut question, mut now) = (StartQuestion::default(), Instant::now());
            for (later, event) in events {
                now += Duration::from_millis(later);
                question.handle(now, event);
            }
            question.handle(now, StartQuestionEvent::Drawn);
            let mut said = None;
            for _ in 0..2 {
                if question.deadline().is_some() {
                    said = question.handle(now, StartQuestionEvent::Looked(last.clone()));
                }
            }
            prop_assert_eq!(said, Some(last));
            prop_assert_eq!(question.deadline(), None);
        }
    }
}
