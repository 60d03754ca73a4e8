//! When the end of a transcript is read for how the last turn stands.
//!
//! As seen with 2.1.332, claude's state file says `idle` up to a tenth of a second before the end of the turn
//! is in the transcript, on a busy machine much later. A turn that fails at once may have written nothing by
//! then. One that is short enough is not in the state file at all, because claude writes there what it shows,
//! and shows what it does every now and then. Two short turns can follow each other so closely that the state file is seen once for both. So no
//! single reading settles the matter. There are several readings after claude has come to rest, and the last
//! one comes when claude must have written everything. Each of them begins after the last thing that happened,
//! or it does not count. So in the end the record says what the transcript's end says. A plain state machine:
//! it does no I/O and reads no clock.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::claude::transcript::turn::{TurnEnd, TurnStatus};
use crate::os::moment;

/// How long after the last thing that happened the transcript is read. One that says how a turn ended may
/// be about the turn before, of which claude has just written another line.
const READ_DELAYS: [Duration; 5] = [
    Duration::from_millis(50),
    Duration::from_millis(250),
    Duration::from_millis(700),
    Duration::from_secs(2),
    LAST_READ_DELAY,
];
/// By then claude has written the end of its turn, also on a machine that is busy.
const LAST_READ_DELAY: Duration = Duration::from_secs(5);

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TurnCheckEvent<'a> {
    /// Claude works, with this conversation.
    Works(&'a str),
    /// Claude rests, with this conversation.
    Rests(&'a str),
    /// Something was written into the transcript, perhaps. A turn that is over before claude has come to say
    /// that it works is in no state file.
    Grown,
    /// Claude has ended.
    Left,
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
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TurnCheck {
    conversation: Option<String>,
    is_busy: bool,
    /// A turn has run since its end was published, or may have: one that is short can be over before the host
    /// has seen it begin.
    has_worked: bool,
    /// What was published last.
    known: Option<TurnStatus>,
    /// When the last thing happened, while the last reading after it has not been made.
    #[serde(with = "moment::option")]
    since: Option<Instant>,
    /// When to read next.
    #[serde(with = "moment::option")]
    next: Option<Instant>,
    reading: Reading,
}

/// The reading that was asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
enum Reading {
    /// There is none.
    #[default]
    None,
    /// It sees all that happened.
    Current {
        /// Claude must have written everything when it began.
        is_last: bool,
    },
    /// Something has happened since it began.
    Outdated,
}

impl TurnCheck {
    /// Notes what happened.
    pub fn handle(&mut self, now: Instant, event: TurnCheckEvent<'_>) -> Option<TurnCheckEffect> {
        match event {
            TurnCheckEvent::Works(conversation) => {
                self.follow(conversation);
                self.outdate();
                (self.since, self.next) = (None, None);
                self.has_worked = true;
                (!std::mem::replace(&mut self.is_busy, true)).then_some(TurnCheckEffect::Running)
            }
            TurnCheckEvent::Rests(conversation) => {
                // Right after a start nothing is being written. Later, a short turn may be over before the
                // host has seen it begin: the state file was written, and says the same as before.
                self.has_worked |= !self.follow(conversation);
                self.is_busy = false;
                self.read_from(now);
                None
            }
            // While claude works, its end is waited for.
            TurnCheckEvent::Grown if self.is_busy || self.conversation.is_none() => None,
            TurnCheckEvent::Grown => {
                self.has_worked = true;
                self.read_from(now);
                None
            }
            TurnCheckEvent::Left => {
                self.forget();
                None
            }
            TurnCheckEvent::Due => self.due(now),
            TurnCheckEvent::Read(status) => self.read(now, status),
        }
    }

    /// Whether a reading was asked for, and has not come.
    pub fn is_reading(&self) -> bool {
        self.reading != Reading::None
    }

    /// When to read.
    pub fn deadline(&self) -> Option<Instant> {
        self.next.filter(|_| self.reading == Reading::None)
    }

    /// Whether the conversation is another one than before.
    fn follow(&mut self, conversation: &str) -> bool {
        if self.conversation.as_deref() == Some(conversation) {
            return false;
        }
        self.forget();
        self.conversation = Some(conversation.to_owned());
        true
    }

    /// A reading that is under way comes to its end, and there is one at a time.
    fn forget(&mut self) {
        self.outdate();
        *self = Self { reading: self.reading, ..Self::default() };
    }

    fn outdate(&mut self) {
        if self.reading != Reading::None {
            self.reading = Reading::Outdated;
        }
    }

    /// Something has happened that the next readings are to see. A reading that is due before is not put off.
    fn read_from(&mut self, now: Instant) {
        self.outdate();
        let soon = now + READ_DELAYS[0];
        self.since = Some(now);
        self.next = Some(self.next.map_or(soon, |next| next.min(soon)));
    }

    fn due(&mut self, now: Instant) -> Option<TurnCheckEffect> {
        self.deadline().filter(|at| *at <= now)?;
        let is_last = self.since.is_none_or(|since| since + LAST_READ_DELAY <= now);
        self.next = None;
        self.reading = Reading::Current { is_last };
        Some(TurnCheckEffect::Read)
    }

    fn read(&mut self, now: Instant, status: Option<TurnStatus>) -> Option<TurnCheckEffect> {
        let Reading::Current { is_last } = std::mem::take(&mut self.reading) else { return None };
        let since = self.since?;
        let counts = is_last || !self.has_worked || self.is_new_end(status.as_ref());
        if is_last {
            self.since = None;
        } else {
            let later = READ_DELAYS.iter().map(|delay| since + *delay).find(|at| *at > now);
            self.next = Some(later.unwrap_or(since + LAST_READ_DELAY));
        }
        if !counts {
            return None;
        }
        self.has_worked = false;
        self.known.clone_from(&status);
        Some(TurnCheckEffect::Publish(status))
    }

    /// Whether this says how a turn ended, and not what was known before.
    fn is_new_end(&self, status: Option<&TurnStatus>) -> bool {
        status.is_some_and(|status| {
            let ended = matches!(
                status.end,
                Some(TurnEnd::Done | TurnEnd::Failed(_) | TurnEnd::Interrupted | TurnEnd::Unknown)
            );
            ended && self.known.as_ref() != Some(status)
        })
    }
}

#[cfg(test)]
mod tests;
