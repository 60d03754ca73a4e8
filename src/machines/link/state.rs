//! What the near side of a link does when: a state machine without I/O and without a clock.
//!
//! [`LinkState::handle`] takes what has happened, and gives what to do. [`LinkState::deadline`] says when it wants
//! to be told the time. Times are those of a clock that counts sleep.

use std::time::Duration;

use super::backoff::Backoff;

/// How often the near side asks the far one for a sign of life.
pub const PING_INTERVAL: Duration = Duration::from_secs(2);
/// After so long without a byte, although one was asked for, the link is dead. The far side gives up earlier
/// (`client::far_end::MAX_SILENCE`), so a key that is still on its way then finds nobody.
pub const ANSWER_TIMEOUT: Duration = Duration::from_secs(9);
/// A link that ends after so long without a byte has died of it.
const LONG_SILENCE: Duration = Duration::from_secs(4);
/// How long a connection may take to come up that nobody answers questions for.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
/// How long a connection may take for which the user is asked for a password or the like. sshd waits for two
/// minutes.
pub const ATTENDED_TIMEOUT: Duration = Duration::from_secs(150);
/// How long the far side may take to let the terminal go. A second press of the key ends that.
const LEAVE_TIMEOUT: Duration = Duration::from_secs(1);
/// The same while it is heard: it waits for claude to read what was typed before.
const BUSY_LEAVE_TIMEOUT: Duration = Duration::from_secs(5);

/// Something that has happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkEvent {
    /// The time was asked for.
    Tick,
    /// This process was asleep, or stopped, for so long.
    Woke(Duration),
    /// The far side has said its first words.
    Hello,
    /// Bytes of the far side have come.
    Heard,
    /// It has answered the ping with this number.
    Pong(u64),
    /// It has said its last words: the status, and whether it has lost this side.
    Bye { status: u8, lost: bool },
    /// ssh has ended, without last words.
    Ended(End),
    /// Claude was stopped by this signal, or this process is to be.
    Stopped(i32),
    /// This process was continued, and has its terminal again.
    Continued,
    /// The user has pressed the detach key.
    DetachKey,
    /// The user has pressed ctrl-c where that is for cckw.
    Interrupt,
    /// The user has pressed Enter where that is for cckw.
    Enter,
    /// The user has typed so many keys that nobody gets.
    Typed(u64),
    /// The user's terminal takes nothing, so the far side is not read. Or it takes something again.
    Blocked(bool),
    /// This process was told to end by this signal.
    Told(i32),
}

/// How ssh has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// In a way that may be over by the next time.
    Passing,
    /// It needs somebody who answers its questions.
    Person,
    /// In a way that stays as it is.
    Lasting,
}

/// Why a link is given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// Nothing has come for so long, although it was asked for.
    Silence(Duration),
    /// ssh has ended.
    Ended,
    /// This process was asleep or stopped for so long.
    Asleep(Duration),
    /// The far side has heard nothing for too long.
    Unheard,
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Start ssh. Whether somebody answers its questions.
    Connect { attended: bool },
    /// End ssh, whatever it does.
    Kill,
    /// Ask the far side for a sign of life.
    Ping(u64),
    /// Say that the terminal is there again, and is to be drawn anew.
    Resume(u64),
    /// Ask the far side to let this terminal go.
    Detach,
    /// The link was lost: undo what is on the terminal, and say so.
    Lost(Loss),
    /// A connection could not be made. Say why.
    NotConnected,
    /// A connection is there again.
    Back,
    /// Stop this process by this signal.
    Suspend(i32),
    /// End, with this status.
    Leave(Leave),
}

/// How this side ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leave {
    /// The far side has said this status, and all words.
    Said(u8),
    /// The user has left a session that goes on.
    Left(u8),
    /// It cannot be connected to. It has been said why, or is said now.
    Failed,
}

/// What becomes of the user's keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyUse {
    /// They are for the session.
    Pass,
    /// They wait in the terminal.
    Wait,
    /// They are for ssh if it asks. Otherwise they are kept for the session.
    Keep,
    /// They are for cckw: Enter, ctrl-c, the detach key.
    Control,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Connecting {
        until: Duration,
    },
    Up {
        /// When something last came.
        heard: Duration,
        /// When the next ping is due.
        next: Duration,
        /// Something was asked for since `heard`.
        asked: bool,
        blocked: bool,
        /// Keys wait for the answer with this number: the terminal was away for a while.
        waits_for: Option<u64>,
    },
    /// The shell has the terminal.
    Shell,
    /// The time of the next attempt; nothing where it waits for Enter.
    Down {
        next: Option<Duration>,
    },
    /// The far side was asked to let go.
    Leaving {
        until: Duration,
        /// At the latest.
        limit: Duration,
        status: u8,
        /// The status is that of a signal.
        is_told: bool,
    },
    Left,
}

/// The near side of a link.
#[derive(Debug)]
pub struct LinkState {
    phase: Phase,
    /// When the session of this link, or the last one, was there; nothing before the first one.
    up_since: Option<Duration>,
    backoff: Backoff,
    number: u64,
    discarded: u64,
}

impl LinkState {
    /// Begins with a connection for which the user answers ssh's questions. It is being made.
    pub fn new(now: Duration) -> Self {
        Self {
            phase: Phase::Connecting { until: now + ATTENDED_TIMEOUT },
            up_since: None,
            backoff: Backoff::default(),
            number: 0,
            discarded: 0,
        }
    }

    /// What becomes of the next key.
    pub fn key_use(&self) -> KeyUse {
        match self.phase {
            Phase::Connecting { .. } if !self.was_up() => KeyUse::Keep,
            // Also here ssh may ask.
            Phase::Connecting { .. } | Phase::Down { .. } | Phase::Leaving { .. } => KeyUse::Control,
            Phase::Up { waits_for: None, .. } => KeyUse::Pass,
            Phase::Up { .. } | Phase::Shell | Phase::Left => KeyUse::Wait,
        }
    }

    /// Whether a connection is being made.
    pub fn is_connecting(&self) -> bool {
        matches!(self.phase, Phase::Connecting { .. })
    }

    /// Whether there was a session on this link.
    pub fn was_up(&self) -> bool {
        self.up_since.is_some()
    }

    /// How many keys were discarded since the link was lost.
    pub fn discarded(&self) -> u64 {
        self.discarded
    }

    /// When the link is down: the time until the next attempt, in whole seconds; nothing where it waits for Enter.
    pub fn countdown(&self, now: Duration) -> Option<Option<u64>> {
        match self.phase {
            Phase::Down { next } => {
                Some(next.map(|next| next.saturating_sub(now).as_millis().div_ceil(1000) as u64))
            }
            _ => None,
        }
    }

    /// When it wants to be told the time.
    pub fn deadline(&self) -> Option<Duration> {
        match self.phase {
            Phase::Connecting { until } | Phase::Leaving { until, .. } => Some(until),
            Phase::Up { heard, next, asked: true, blocked: false, .. } => {
                Some(next.min(heard + ANSWER_TIMEOUT))
            }
            Phase::Up { next, .. } => Some(next),
            Phase::Down { next } => next,
            Phase::Shell | Phase::Left => None,
        }
    }

    /// Takes note of what has happened. Gives what to do, in this order.
    pub fn handle(&mut self, event: LinkEvent, now: Duration) -> Vec<Action> {
        match self.phase {
            Phase::Left => Vec::new(),
            Phase::Connecting { until } => self.while_connecting(&event, until, now),
            Phase::Up { .. } => self.while_up(&event, now),
            Phase::Shell => self.in_the_shell(&event, now),
            Phase::Down { next } => self.while_down(&event, next, now),
            Phase::Leaving { .. } => self.while_leaving(&event, now),
        }
    }

    fn while_connecting(&mut self, event: &LinkEvent, until: Duration, now: Duration) -> Vec<Action> {
        match *event {
            LinkEvent::Hello => {
                let back = self.was_up();
                self.up_since = Some(now);
                self.phase = up(now, None);
                let ping = self.ping();
                if back { vec![Action::Back, ping] } else { vec![ping] }
            }
            LinkEvent::Bye { lost: true, .. } => self.not_connected(End::Passing, now),
            LinkEvent::Bye { status, .. } => self.leave(Leave::Said(status)),
            LinkEvent::Ended(end) => self.not_connected(end, now),
            LinkEvent::Tick if now >= until => self.not_connected(End::Passing, now),
            LinkEvent::Woke(_) if self.was_up() => self.not_connected(End::Passing, now),
            LinkEvent::Enter if self.was_up() => Vec::new(),
            _ => self.while_waiting(event),
        }
    }

    /// What the user wants while there is no link.
    fn while_waiting(&mut self, event: &LinkEvent) -> Vec<Action> {
        match *event {
            LinkEvent::Interrupt => self.leave(Leave::Left(128 + libc::SIGINT as u8)),
            LinkEvent::DetachKey => self.leave(Leave::Left(0)),
            LinkEvent::Told(signal) => self.leave(Leave::Left(status_of(signal))),
            LinkEvent::Typed(count) => {
                self.discarded += count;
                Vec::new()
            }
            LinkEvent::Stopped(signal) => vec![Action::Suspend(signal)],
            _ => Vec::new(),
        }
    }

    fn while_up(&mut self, event: &LinkEvent, now: Duration) -> Vec<Action> {
        let Phase::Up { heard, next, asked, blocked, waits_for } = &mut self.phase else {
            return Vec::new();
        };
        match *event {
            LinkEvent::Heard => {
                (*heard, *asked) = (now, false);
                Vec::new()
            }
            LinkEvent::Pong(number) => {
                (*heard, *asked) = (now, false);
                waits_for.take_if(|waited| *waited == number);
                Vec::new()
            }
            LinkEvent::Blocked(is) => {
                // What has come meanwhile was not read.
                if *blocked && !is {
                    *heard = now;
                }
                *blocked = is;
                Vec::new()
            }
            LinkEvent::Tick => {
                let silent = *asked && !*blocked && now >= *heard + ANSWER_TIMEOUT;
                if silent {
                    let time = now.saturating_sub(*heard);
                    return self.lost(Loss::Silence(time), now);
                }
                if now < *next {
                    return Vec::new();
                }
                if !*asked && now >= *heard + ANSWER_TIMEOUT {
                    // It was not asked for so long, so it need not have said anything.
                    *heard = now;
                }
                (*asked, *next) = (true, now + PING_INTERVAL);
                vec![self.ping()]
            }
            LinkEvent::Woke(time) if time >= ANSWER_TIMEOUT => self.lost(Loss::Asleep(time), now),
            LinkEvent::Bye { lost: true, .. } => self.lost(Loss::Unheard, now),
            LinkEvent::Bye { status, .. } => self.leave(Leave::Said(status)),
            LinkEvent::Ended(_) => {
                let silent = now.saturating_sub(*heard);
                // ssh looks for signs of life, too, and says little of it.
                let loss = if silent >= LONG_SILENCE { Loss::Silence(silent) } else { Loss::Ended };
                self.lost(loss, now)
            }
            LinkEvent::Stopped(signal) => {
                self.phase = Phase::Shell;
                vec![Action::Suspend(signal)]
            }
            LinkEvent::Continued => self.resume(now),
            LinkEvent::DetachKey => self.ask_to_let_go(0, false, now),
            LinkEvent::Told(signal) => self.ask_to_let_go(status_of(signal), true, now),
            _ => Vec::new(),
        }
    }

    fn in_the_shell(&mut self, event: &LinkEvent, now: Duration) -> Vec<Action> {
        match *event {
            LinkEvent::Continued => self.resume(now),
            LinkEvent::Told(signal) => self.ask_to_let_go(status_of(signal), true, now),
            LinkEvent::Bye { lost: false, status } => self.leave(Leave::Said(status)),
            LinkEvent::Bye { .. } => self.lost(Loss::Unheard, now),
            LinkEvent::Ended(_) => self.lost(Loss::Ended, now),
            _ => Vec::new(),
        }
    }

    fn while_down(&mut self, event: &LinkEvent, next: Option<Duration>, now: Duration) -> Vec<Action> {
        match *event {
            LinkEvent::Enter => self.connect(next.is_none(), now),
            LinkEvent::Tick if next.is_some_and(|next| next <= now) => self.connect(false, now),
            _ => self.while_waiting(event),
        }
    }

    fn while_leaving(&mut self, event: &LinkEvent, now: Duration) -> Vec<Action> {
        let Phase::Leaving { until, limit, status, is_told } = &mut self.phase else { return Vec::new() };
        let left = Leave::Left(*status);
        match *event {
            LinkEvent::Bye { lost: true, .. } => self.leave(left),
            LinkEvent::Bye { status: said, .. } if !*is_told => self.leave(Leave::Said(said)),
            LinkEvent::Bye { .. } => {
                let status = *status;
                self.leave(Leave::Said(status))
            }
            LinkEvent::Ended(_) | LinkEvent::DetachKey => self.leave(left),
            LinkEvent::Told(signal) => self.leave(Leave::Left(status_of(signal))),
            LinkEvent::Heard | LinkEvent::Pong(_) => {
                *until = (now + LEAVE_TIMEOUT).min(*limit);
                Vec::new()
            }
            LinkEvent::Tick if now >= *until => self.leave(left),
            _ => Vec::new(),
        }
    }

    fn ping(&mut self) -> Action {
        self.number += 1;
        Action::Ping(self.number)
    }

    fn resume(&mut self, now: Duration) -> Vec<Action> {
        self.number += 1;
        self.phase = up(now, Some(self.number));
        vec![Action::Resume(self.number)]
    }

    fn ask_to_let_go(&mut self, status: u8, is_told: bool, now: Duration) -> Vec<Action> {
        self.phase =
            Phase::Leaving { until: now + LEAVE_TIMEOUT, limit: now + BUSY_LEAVE_TIMEOUT, status, is_told };
        vec![Action::Detach]
    }

    fn lost(&mut self, loss: Loss, now: Duration) -> Vec<Action> {
        self.backoff.note_up(now.saturating_sub(self.up_since.unwrap_or(now)));
        self.discarded = 0;
        self.phase = Phase::Down { next: Some(now + self.backoff.next()) };
        vec![Action::Kill, Action::Lost(loss)]
    }

    fn not_connected(&mut self, end: End, now: Duration) -> Vec<Action> {
        match end {
            _ if !self.was_up() => return self.leave(Leave::Failed),
            End::Lasting => return self.leave(Leave::Failed),
            End::Person => self.phase = Phase::Down { next: None },
            End::Passing => self.phase = Phase::Down { next: Some(now + self.backoff.next()) },
        }
        vec![Action::Kill, Action::NotConnected]
    }

    fn connect(&mut self, attended: bool, now: Duration) -> Vec<Action> {
        let timeout = if attended { ATTENDED_TIMEOUT } else { CONNECT_TIMEOUT };
        self.phase = Phase::Connecting { until: now + timeout };
        vec![Action::Connect { attended }]
    }

    fn leave(&mut self, how: Leave) -> Vec<Action> {
        self.phase = Phase::Left;
        vec![Action::Kill, Action::Leave(how)]
    }
}

/// A link that was asked for a sign of life just now.
fn up(now: Duration, waits_for: Option<u64>) -> Phase {
    Phase::Up { heard: now, next: now + PING_INTERVAL, asked: true, blocked: false, waits_for }
}

fn status_of(signal: i32) -> u8 {
    (128 + signal) as u8
}

#[cfg(test)]
mod tests;
