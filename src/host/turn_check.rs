//! When the end of a transcript is read for how the last turn stands.
//!
//! As seen with 2.1.332, claude's state file says `idle` up to a tenth of a second before the end of the turn
//! is in the transcript, and a turn that fails at once may have written nothing by then. So a reading counts
//! when it says how the turn ended and is newer than the one before; until then there is another one, for as
//! long as a machine that is busy may need. A plain state machine: it does no I/O and reads no clock.

use std::time::{Duration, Instant};

use crate::claude::transcript::turn::{TurnEnd, TurnStatus};

/// How long after claude has come to rest the transcript is read, if the readings before did not say all.
const READ_DELAYS: [Duration; 5] = [
    Duration::from_millis(50),
    Duration::from_millis(250),
    Duration::from_millis(700),
    Duration::from_secs(2),
    Duration::from_secs(5),
];

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TurnCheckEvent<'a> {
    /// Claude works, with this conversation.
    Works(&'a str),
    /// Claude rests, with this conversation.
    Rests(&'a str),
    /// The time that [`TurnCheck::deadline`] gave has come.
    Due,
    /// The reading that was asked for last says this; nothing where there is no transcript.
    Read(Option<TurnStatus>),
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TurnCheckEffect {
    /// Read the transcript.
    Read,
    /// This is known of the last turn.
    Publish(Option<TurnStatus>),
    /// A turn runs.
    Running,
}

/// What is known of one session's turns.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TurnCheck {
    conversation: Option<String>,
    is_busy: bool,
    /// A turn has run since the last reading that counted, or may have: one that is short can be over before
    /// the host has seen it begin.
    has_worked: bool,
    /// When something was said last, as of the last reading that counted.
    known_until: Option<u64>,
    /// Since when claude rests, and how many readings there were; nothing where all is known.
    pending: Option<(Instant, usize)>,
    is_reading: bool,
}

impl TurnCheck {
    /// Notes what happened.
    pub fn handle(&mut self, now: Instant, event: TurnCheckEvent<'_>) -> Option<TurnCheckEffect> {
        match event {
            TurnCheckEvent::Works(conversation) => {
                self.follow(conversation);
                self.pending = None;
                self.has_worked = true;
                (!std::mem::replace(&mut self.is_busy, true)).then_some(TurnCheckEffect::Running)
            }
            TurnCheckEvent::Rests(conversation) => {
                let is_other = self.follow(conversation);
                if std::mem::replace(&mut self.is_busy, false) || is_other {
                    self.pending = Some((now, 0));
                } else {
                    // A short turn may be over before the host has seen it begin: the state file was written,
                    // and says the same as before. Its end may not be in the transcript yet.
                    self.has_worked = true;
                    self.pending.get_or_insert((now, 1));
                }
                None
            }
            TurnCheckEvent::Due if self.deadline().is_some_and(|at| at <= now) => {
                self.is_reading = true;
                Some(TurnCheckEffect::Read)
            }
            TurnCheckEvent::Due => None,
            TurnCheckEvent::Read(status) => self.read(status),
        }
    }

    /// When to read.
    pub fn deadline(&self) -> Option<Instant> {
        let (since, count) = self.pending.filter(|_| !self.is_reading)?;
        READ_DELAYS.get(count).map(|delay| since + *delay)
    }

    /// Whether the conversation is another one than before.
    fn follow(&mut self, conversation: &str) -> bool {
        if self.conversation.as_deref() == Some(conversation) {
            return false;
        }
        let is_reading = self.is_reading;
        *self = Self { conversation: Some(conversation.to_owned()), is_reading, ..Self::default() };
        true
    }

    fn read(&mut self, status: Option<TurnStatus>) -> Option<TurnCheckEffect> {
        self.is_reading = false;
        // Claude works again, or has another conversation: this reading is of no use.
        let (_, count) = self.pending.as_mut()?;
        *count += 1;
        let is_last = *count >= READ_DELAYS.len();
        if !is_last && self.has_worked && !self.counts(status.as_ref()) {
            return None;
        }
        self.pending = None;
        self.has_worked = false;
        self.known_until = status.as_ref().and_then(|status| status.last_at);
        Some(TurnCheckEffect::Publish(status))
    }

    fn counts(&self, status: Option<&TurnStatus>) -> bool {
        status.is_some_and(|status| {
            let ended = matches!(
                status.end,
                Some(TurnEnd::Done | TurnEnd::Failed(_) | TurnEnd::Interrupted | TurnEnd::Unknown)
            );
            ended && status.last_at > self.known_until
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn status(end: TurnEnd, at: u64) -> TurnStatus {
        TurnStatus { end: Some(end), last_at: Some(at), ..TurnStatus::default() }
    }

    /// Lets the next reading say this.
    fn reading(check: &mut TurnCheck, said: Option<TurnStatus>) -> Option<TurnCheckEffect> {
        let at = check.deadline().expect("a reading is due");
        assert_eq!(check.handle(at, TurnCheckEvent::Due), Some(TurnCheckEffect::Read));
        assert_eq!(check.deadline(), None);
        check.handle(at, TurnCheckEvent::Read(said))
    }

    fn publish(status: TurnStatus) -> Option<TurnCheckEffect> {
        Some(TurnCheckEffect::Publish(Some(status)))
    }

    #[test]
    fn a_turn_is_known_when_its_end_is_written() {
        let (mut check, now) = (TurnCheck::default(), Instant::now());
        check.handle(now, TurnCheckEvent::Rests("a"));
        assert_eq!(reading(&mut check, None), Some(TurnCheckEffect::Publish(None)));
        assert_eq!(check.deadline(), None);
        for at in [10, 20] {
            assert_eq!(check.handle(now, TurnCheckEvent::Works("a")), Some(TurnCheckEffect::Running));
            assert_eq!(check.handle(now, TurnCheckEvent::Works("a")), None);
            check.handle(now, TurnCheckEvent::Rests("a"));
            // The end of the turn before, then the prompt of this one.
            assert_eq!(reading(&mut check, Some(status(TurnEnd::Done, 0))).is_some(), at == 10);
            if at == 10 {
                continue;
            }
            assert_eq!(reading(&mut check, Some(status(TurnEnd::BrokenOff, at))), None);
            assert_eq!(
                reading(&mut check, Some(status(TurnEnd::Interrupted, at))),
                publish(status(TurnEnd::Interrupted, at))
            );
        }
    }

    #[test]
    fn a_turn_that_has_no_end_is_broken_off_after_a_while() {
        let (mut check, now) = (TurnCheck::default(), Instant::now());
        check.handle(now, TurnCheckEvent::Works("a"));
        check.handle(now, TurnCheckEvent::Rests("a"));
        let open = status(TurnEnd::BrokenOff, 1);
        for _ in 1..READ_DELAYS.len() {
            assert_eq!(reading(&mut check, Some(open.clone())), None);
        }
        assert_eq!(reading(&mut check, Some(open.clone())), publish(open.clone()));
        // Right after a start nothing is being written.
        let mut check = TurnCheck::default();
        check.handle(now, TurnCheckEvent::Rests("a"));
        assert_eq!(reading(&mut check, Some(open.clone())), publish(open));
    }

    #[test]
    fn a_turn_that_was_over_before_it_was_seen_is_read() {
        let (mut check, now) = (TurnCheck::default(), Instant::now());
        check.handle(now, TurnCheckEvent::Rests("a"));
        reading(&mut check, Some(status(TurnEnd::Done, 1)));
        check.handle(now, TurnCheckEvent::Rests("a"));
        // Its end may be written late.
        assert_eq!(reading(&mut check, Some(status(TurnEnd::Done, 1))), None);
        let failed = status(TurnEnd::Unknown, 2);
        assert_eq!(reading(&mut check, Some(failed.clone())), publish(failed));
    }

    #[test]
    fn a_reading_that_is_late_does_not_count() {
        let (mut check, now) = (TurnCheck::default(), Instant::now());
        check.handle(now, TurnCheckEvent::Rests("a"));
        let at = check.deadline().expect("a time");
        check.handle(at, TurnCheckEvent::Due);
        check.handle(at, TurnCheckEvent::Works("a"));
        assert_eq!(check.handle(at, TurnCheckEvent::Read(Some(status(TurnEnd::Done, 1)))), None);
    }

    proptest! {
        /// Whatever happens: it asks for one reading at a time, and at rest it comes to an end.
        #[test]
        fn it_comes_to_an_end(steps in prop::collection::vec((0..5u8, 0..3_000u64), 0..60)) {
            let (mut check, mut now, mut open) = (TurnCheck::default(), Instant::now(), 0);
            for (what, amount) in steps {
                now += Duration::from_millis(amount);
                let effect = match what {
                    0 => check.handle(now, TurnCheckEvent::Works("a")),
                    1 => check.handle(now, TurnCheckEvent::Rests("a")),
                    2 => check.handle(now, TurnCheckEvent::Rests("b")),
                    3 => check.handle(now, TurnCheckEvent::Due),
                    _ if open > 0 => {
                        open -= 1;
                        check.handle(now, TurnCheckEvent::Read(Some(status(TurnEnd::BrokenOff, amount))))
                    }
                    _ => None,
                };
                open += i32::from(effect == Some(TurnCheckEffect::Read));
                prop_assert!(open <= 1);
            }
            check.handle(now, TurnCheckEvent::Rests("a"));
            check.handle(now, TurnCheckEvent::Read(None));
            for _ in 0..READ_DELAYS.len() {
                if let Some(at) = check.deadline() {
                    prop_assert_eq!(check.handle(at, TurnCheckEvent::Due), Some(TurnCheckEffect::Read));
                    check.handle(at, TurnCheckEvent::Read(None));
                }
            }
            prop_assert_eq!(check.deadline(), None);
        }
    }
}
