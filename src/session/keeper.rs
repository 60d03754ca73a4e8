//! Whether a link that went down is brought back, when, and what is typed for it.
//!
//! A plain state machine: it is told what happened and what time it is, and answers what to do. It does no I/O and reads no
//! clock. Times are counted from any fixed point, the same for all events of one session.
//!
//! What it promises, whatever happens in whatever order:
//! - Enter is pressed only when the look right before it has shown exactly its own command, alone, at the main prompt, with the
//!   cursor behind it (and in the panel only on the choice that disconnects, when that was asked for).
//! - Nothing is typed while the user types or is about to, nor while claude does not run in the foreground of its PTY, nor
//!   where the state file has anything against it, nor where `keep` or the user's own switching-off forbids it.
//! - Nothing is submitted twice without an answer in between, or the time for one. Tries are spaced, and bounded.
//! - What was typed is submitted or taken back; where claude is too slow for that, it is seen to later.
//! - Keys that are held are released, by a deadline, on every path.

mod events;
mod procedure;
mod why;
mod witness;

use std::time::Duration;

pub use self::events::{Action, Event, Keyboard};
pub use self::procedure::{Hold, Keys, LONGEST_HOLD, Owed, Purpose};
pub use self::why::Why;
pub use self::witness::{File, Look, Seen, Standing};

use self::procedure::{End, HOLD_ANSWER, Try};
use crate::claude::remote_control::Link;
use crate::claude::screen::{Indicator, Notice, Prompt};
use crate::config::{Keep, RemoteControl};

/// A link that goes down so soon after the user's keys was switched off by them, unless the screen says that it failed.
const OWN_KEYS: Duration = Duration::from_secs(10);
/// A link that was up for so long is a new beginning: tries are counted anew.
const STABLE: Duration = Duration::from_secs(60);
/// How long the answer to a command may take, and how long a connection that is being made.
const ANSWER: Duration = Duration::from_secs(15);
const CONNECTION: Duration = Duration::from_secs(60);
/// The time between two looks while an answer is awaited.
const ANSWER_PACE: Duration = Duration::from_millis(250);
/// How long a request is good for.
const REQUEST: Duration = Duration::from_secs(30);
/// From output to the look at it, while a link is wanted and while it is up.
const SOON: Duration = Duration::from_millis(400);
const LATER: Duration = Duration::from_secs(10);
/// The time between two looks where nothing seems to happen.
const SLOWLY: Duration = Duration::from_secs(60);
/// How long what was left at the prompt is looked for.
const OWED_FOR: Duration = Duration::from_secs(10 * 60);
/// How long the state file may be missing, or half written, before it counts as that.
const REWRITTEN: Duration = Duration::from_secs(1);
/// From a link that was switched off to the command that brings it back.
const CYCLE_PAUSE: Duration = Duration::from_secs(2);

#[derive(Debug, Clone, PartialEq)]
enum Phase {
    /// Nothing is under way.
    Watching,
    /// The link went down; the client was asked when the user last typed.
    Asking { dropped: Duration, until: Duration },
    /// Keys are held, and typed.
    Trying(Box<Try>),
    /// The command was submitted.
    Answering { since: Duration, until: Duration, before: Option<Notice>, connecting: bool },
}

/// A wish of the user's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Asked {
    until: Duration,
    /// The link is to be switched off first.
    off_first: bool,
    /// Not before.
    from: Duration,
}

/// Keeps the link of one session.
#[derive(Debug, Clone, PartialEq)]
pub struct Keeper {
    settings: RemoteControl,
    phase: Phase,
    started: bool,
    away: bool,
    attached: bool,
    file: Option<File>,
    /// The last one that was whole, and since when there is none: claude rewrites it in place, which is no news.
    known: Option<File>,
    doubt_since: Option<Duration>,
    seen: Option<Seen>,
    /// Whether the main prompt was recognised since claude was started.
    recognised: bool,
    /// Whether it was said that it was not.
    unrecognised_told: bool,
    /// The last thing that the file was sure of.
    link: Option<Link>,
    used: bool,
    turned_off: bool,
    refused: Option<String>,
    left_alone: Option<String>,
    /// The panel of a link that is up opened where it was to be down. Taken for so until then, or until the screen says
    /// something else: the panel also opens for a moment after a failure.
    lags_until: Option<Duration>,
    down_since: Option<Duration>,
    up_since: Option<Duration>,
    tries: u32,
    last_try: Option<(Duration, String)>,
    next_try: Option<Duration>,
    asked: Option<Asked>,
    owed: Owed,
    owed_until: Duration,
    /// What a try ran into, and how long that counts unless something changes.
    blocked: Option<(Why, Duration)>,
    /// When to look although nothing is under way.
    look_at: Option<Duration>,
    /// When the time to type may have come.
    wake: Option<Duration>,
    /// A look was ordered in order to type.
    looking: bool,
    told: Option<Why>,
    standing: Standing,
    /// The link is to be switched off and on.
    doubt: Option<doubt::Doubt>,
    /// Since when claude is idle with its link up.
    idle_since: Option<Duration>,
}

impl Keeper {
    /// `used` and `turned_off` are what a former host of the session has known.
    pub fn new(settings: RemoteControl, used: bool, turned_off: bool) -> Self {
        Self {
            settings,
            phase: Phase::Watching,
            started: false,
            away: false,
            attached: false,
            file: None,
            known: None,
            doubt_since: None,
            seen: None,
            recognised: false,
            unrecognised_told: false,
            link: None,
            used,
            turned_off,
            refused: None,
            left_alone: None,
            lags_until: None,
            down_since: None,
            up_since: None,
            tries: 0,
            last_try: None,
            next_try: None,
            asked: None,
            owed: Owed::default(),
            owed_until: Duration::ZERO,
            blocked: None,
            look_at: None,
            wake: None,
            looking: false,
            told: None,
            standing: Standing::Unknown,
            doubt: None,
            idle_since: None,
        }
    }

    /// When [`Event::Due`] is to be reported; nothing while only other events matter.
    pub fn due(&self) -> Option<Duration> {
        match &self.phase {
            Phase::Watching => {
                let asked = self.asked.map(|asked| asked.until);
                let doubt = self.doubt_since.map(|since| since + REWRITTEN);
                [self.look_at, self.wake, asked, doubt, self.doubt_at()].into_iter().flatten().min()
            }
            Phase::Asking { until, .. } => Some(*until),
            Phase::Trying(attempt) => Some(match attempt.hold {
                Hold::Asked(until) => until,
                Hold::Until(until) => attempt.next_look.min(until),
            }),
            Phase::Answering { until, .. } => Some(self.look_at.map_or(*until, |at| at.min(*until))),
        }
    }

    /// Whether [`Event::Output`] would be news.
    pub fn wants_output(&self) -> bool {
        self.phase == Phase::Watching && self.look_at.is_none() && self.cares()
    }

    /// Takes an event, and says what to do about it. Times never run backwards.
    pub fn on(&mut self, at: Duration, event: Event) -> Vec<Action> {
        let mut actions = Vec::new();
        match event {
            Event::Started => {
                self.started = true;
                self.away = false;
                self.forget();
            }
            Event::Ended => {
                self.started = false;
                self.cut_short(at, "claude has ended", &mut actions);
                self.owed = Owed::default();
                self.forget();
            }
            Event::Away => {
                self.away = true;
                self.cut_short(at, "claude was stopped", &mut actions);
            }
            Event::Back => self.away = false,
            Event::Attached => self.attached(at, &mut actions),
            Event::Detached => self.detached(at),
            Event::File(file) => self.file(at, file, &mut actions),
            Event::Output => {
                let pace = if self.standing == Standing::Up { LATER } else { SOON };
                if self.wants_output() {
                    self.look_at = Some(at + pace);
                }
            }
            Event::Looked(look) => self.looked(at, &look, &mut actions),
            Event::Held(keyboard) => self.held(at, keyboard, &mut actions),
            Event::Asked { cycle } => {
                self.asked = Some(Asked { until: at + REQUEST, off_first: cycle, from: at });
                self.blocked = None;
            }
            Event::Doubtful(occasion) => self.occasion(at, occasion),
            Event::Due => self.is_due(at, &mut actions),
        }
        self.weigh(at, &mut actions);
        self.idleness(at);
        if self.phase == Phase::Watching {
            self.doubted(at, &mut actions);
        }
        if self.phase == Phase::Watching {
            self.consider(at, &mut actions);
        }
        actions
    }

    /// Another claude, or none: what the last one said of itself does not hold any more.
    fn forget(&mut self) {
        self.file = None;
        self.known = None;
        self.doubt_since = None;
        self.seen = None;
        self.recognised = false;
        self.link = None;
        self.lags_until = None;
        self.down_since = None;
        self.up_since = None;
        self.blocked = None;
        self.look_at = None;
        self.no_doubt();
        self.phase = Phase::Watching;
    }

    /// Whether the link is any business of ours.
    fn cares(&self) -> bool {
        let kept = match self.settings.keep {
            Keep::Off => false,
            Keep::IfUsed => self.used,
            Keep::Always => true,
        };
        self.started && !self.away && (kept || self.asked.is_some() || self.owed.is_any())
    }

    fn indicator(&self) -> Option<Indicator> {
        self.seen.as_ref().map(|seen| seen.indicator)
    }

    fn weigh(&mut self, at: Duration, actions: &mut Vec<Action>) {
        if self.doubt_since.is_some_and(|since| at >= since + REWRITTEN) {
            self.known = None;
            self.doubt_since = None;
        }
        let (standing, _) = witness::weigh(self.known.as_ref(), self.indicator());
        if standing != self.standing {
            self.standing = standing;
            actions.push(Action::Note("remote-link", format!("{standing:?}").to_lowercase()));
        }
    }

    fn is_due(&mut self, at: Duration, actions: &mut Vec<Action>) {
        match &self.phase {
            Phase::Watching => {
                if self.look_at.is_some_and(|look| look <= at) {
                    self.look_at = None;
                    actions.push(Action::Look);
                }
                if self.wake.is_some_and(|wake| wake <= at) {
                    self.wake = None;
                    // What the screen said may be old by now.
                    if self.cares() && !actions.contains(&Action::Look) {
                        actions.push(Action::Look);
                    }
                }
            }
            Phase::Asking { until, .. } if *until <= at => {
                // It cannot be said that it was not the user; what the screen says may tell.
                self.turned_off = true;
                self.phase = Phase::Watching;
                actions.push(Action::Release);
            }
            Phase::Asking { .. } => {}
            Phase::Trying(attempt) => match attempt.hold {
                Hold::Asked(until) if until <= at => self.end(at, End::NotNow(Why::NoAnswer), actions),
                Hold::Asked(_) => {}
                Hold::Until(until) if until <= at => self.expired(at, actions),
                Hold::Until(_) if attempt.next_look <= at => actions.push(Action::Look),
                Hold::Until(_) => {}
            },
            Phase::Answering { until, .. } => {
                if *until <= at {
                    self.failed(at, "claude did not answer in time", actions);
                } else if self.look_at.is_none_or(|look| look <= at) {
                    self.look_at = Some(at + ANSWER_PACE);
                    actions.push(Action::Look);
                }
            }
        }
    }

    fn attached(&mut self, at: Duration, actions: &mut Vec<Action>) {
        self.attached = true;
        // Whoever is new here does not hold anything yet.
        match &mut self.phase {
            Phase::Asking { until, .. } => *until = at + HOLD_ANSWER,
            Phase::Trying(attempt) => attempt.hold = Hold::Asked(at + HOLD_ANSWER),
            Phase::Watching | Phase::Answering { .. } => return,
        }
        actions.push(Action::Hold);
    }

    /// Nobody types any more.
    fn detached(&mut self, at: Duration) {
        self.attached = false;
        match &mut self.phase {
            Phase::Asking { .. } => self.phase = Phase::Watching,
            Phase::Trying(attempt) => {
                if let Hold::Asked(_) = attempt.hold {
                    attempt.hold = Hold::Until(at + LONGEST_HOLD);
                    attempt.next_look = at;
                }
            }
            Phase::Watching | Phase::Answering { .. } => {}
        }
    }

    fn looked(&mut self, at: Duration, look: &Look, actions: &mut Vec<Action>) {
        if look.has_footer() {
            self.take_down(at, look);
        }
        self.recognised |= look.settled && !matches!(look.reading.prompt, Prompt::Elsewhere(_));
        self.weigh(at, actions);
        let against = self.wanted(at).err().map(|(why, _)| why);
        match &mut self.phase {
            Phase::Trying(attempt) => {
                match attempt.hold {
                    Hold::Asked(_) => return,
                    Hold::Until(until) if until <= at => return self.expired(at, actions),
                    Hold::Until(_) => {}
                }
                let linked = matches!(attempt.purpose, Purpose::Connect | Purpose::SwitchOff);
                let against = against.filter(|_| linked);
                let (keys, end) = attempt.on_look(at, look, self.file.as_ref(), against);
                if let Some(keys) = keys {
                    self.type_keys(keys, actions);
                }
                if let Some(end) = end {
                    self.end(at, end, actions);
                    // The user's next key may move the answer out of sight.
                    if let Phase::Answering { .. } = self.phase {
                        self.answered(at, look, actions);
                    }
                }
            }
            Phase::Answering { .. } => self.answered(at, look, actions),
            Phase::Watching => {
                if std::mem::take(&mut self.looking) {
                    self.ready(at, look, actions);
                } else if let Some((why, _)) = &self.blocked
                    && why.is_of_the_screen()
                {
                    let against = self.against_typing(look).filter(|why| *why != Why::Unsettled);
                    self.blocked = against.map(|why| (why, at + SLOWLY));
                }
            }
            Phase::Asking { .. } => {}
        }
    }

    fn type_keys(&mut self, keys: Keys, actions: &mut Vec<Action>) {
        match &keys {
            Keys::Paste(line) => actions.push(Action::Note("remote-typing", line.clone())),
            Keys::Enter => actions.push(Action::Note("remote-entering", String::new())),
            _ => {}
        }
        actions.push(Action::Type(keys));
    }

    fn held(&mut self, at: Duration, keyboard: Keyboard, actions: &mut Vec<Action>) {
        match &mut self.phase {
            Phase::Asking { dropped, .. } => {
                let typed = keyboard.typed.map(|ago| at.saturating_sub(ago));
                let own = typed.is_some_and(|typed| typed + OWN_KEYS >= *dropped);
                // Unless the screen was quicker to say that it failed.
                let told = self.seen.as_ref().map(|seen| seen.indicator);
                let failed = matches!(told, Some(Indicator::Failed | Indicator::Connecting));
                self.turned_off |= own && !failed;
                self.phase = Phase::Watching;
                actions.push(Action::Release);
            }
            Phase::Trying(attempt) => {
                let Hold::Asked(_) = attempt.hold else { return };
                attempt.hold = Hold::Until(at + LONGEST_HOLD);
                attempt.next_look = at;
                let rest = self.settings.rest;
                let wait = match keyboard {
                    Keyboard { in_paste: true, .. } => Some(Why::Paste),
                    Keyboard { in_sequence: true, .. } => Some(Why::Sequence),
                    Keyboard { unread: true, .. } => Some(Why::Unread),
                    Keyboard { typed: Some(ago), .. } if ago < rest => Some(Why::Keyboard),
                    _ => None,
                };
                match wait {
                    None => actions.push(Action::Look),
                    // What is half through is the user's new keys, which ours must not fall between.
                    Some(_) if attempt.has_typed() => {
                        let end = attempt.cut_short("another terminal was attached in the middle of it");
                        self.end(at, end, actions);
                    }
                    Some(why) => {
                        let left = keyboard.typed.map_or(rest, |ago| rest.saturating_sub(ago)).max(SOON);
                        self.not_now(at, why, at + left, actions);
                    }
                }
            }
            // Too late, or nobody asked.
            Phase::Watching | Phase::Answering { .. } => actions.push(Action::Release),
        }
    }
}

mod decide;
mod doubt;
mod follow;
mod outcome;

pub use doubt::Occasion;
pub use outcome::{BACK, Report};

#[cfg(test)]
mod tests;
