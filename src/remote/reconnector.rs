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
//! - Keys that are held are released, by a deadline, on every path: one second after the last step that was seen.

mod attempt;
mod block_reason;
mod events;
mod evidence;
mod exhausted;
mod follow;
mod keyboard;
mod outcome;
mod plan;
mod request;
mod stale_link;

use std::time::Duration;

pub use attempt::{KEY_HOLD_LIMIT, KeyGate, Keystroke, LONGEST_HOLD, PendingCleanup, Purpose};
pub use block_reason::BlockReason;
pub use events::{Action, KeyboardState, ReconnectorEvent};
pub use evidence::{File, IndicatorSeen, ScreenSnapshot};

use crate::claude::remote_control::Link;
use crate::claude::remote_notices::Notice;
use crate::claude::screen::{Indicator, Prompt, Vim};
use crate::config::{ReconnectPolicy, RemoteControl};
use crate::registry::link_record::{AttemptOutcome, LinkStatus};
use crate::registry::log_event::LinkEvent;
use attempt::{Attempt, AttemptEnd};

/// A link that was up for so long is a new beginning: tries are counted anew.
const STABLE_LINK_TIME: Duration = Duration::from_secs(60);
/// How long the answer to a command may take, and how long a connection that is being made.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(15);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(60);
/// The time between two looks while an answer is awaited.
const ANSWER_POLL_INTERVAL: Duration = Duration::from_millis(250);
/// How long a request is good for.
const REQUEST_LIFETIME: Duration = Duration::from_secs(30);
/// From output to the look at it, while a link is wanted and while it is up.
const WANTED_LOOK_DELAY: Duration = Duration::from_millis(400);
const UP_LOOK_DELAY: Duration = Duration::from_secs(1);
/// The time between two looks where nothing seems to happen.
const IDLE_LOOK_INTERVAL: Duration = Duration::from_secs(60);
/// How long what was left at the prompt is looked for.
const CLEANUP_LIFETIME: Duration = Duration::from_secs(10 * 60);
/// How long the state file may be missing, or half written, before it counts as that.
const STATE_FILE_GAP: Duration = Duration::from_secs(1);
/// How long the state file may go on naming a link that the screen says has failed: 10 to 12 seconds (seen with 2.1.332). Until
/// then `/remote-control` opens a panel instead of connecting.
const FAILED_LINK_LINGERS: Duration = Duration::from_secs(15);
/// A dialog that opens so soon after a try came of that try, and not of the user.
const OWN_DIALOG: Duration = Duration::from_secs(5);
/// From a link that was switched off to the command that brings it back.
const CYCLE_PAUSE: Duration = Duration::from_secs(2);

#[derive(Debug, Clone, PartialEq)]
enum ReconnectorPhase {
    /// Nothing is under way.
    Watching,
    /// The link went down; the client was asked when the user last typed.
    Asking { dropped: Duration, until: Duration },
    /// Keys are held, and typed.
    Trying(Box<Attempt>),
    /// The command was submitted.
    Answering { since: Duration, until: Duration, before: Option<Notice>, connecting: bool },
}

/// A wish of the user's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct UserRequest {
    until: Duration,
    /// The link is to be switched off first.
    off_first: bool,
    /// Not before.
    from: Duration,
    /// The panel that was to switch it off did not say that a link is up.
    panel_denied: bool,
}

impl UserRequest {
    /// One that is good from now on.
    fn at(at: Duration, off_first: bool) -> Self {
        Self { until: at + REQUEST_LIFETIME, off_first, from: at, panel_denied: false }
    }
}

/// Keeps the link of one session.
#[derive(Debug, Clone, PartialEq)]
pub struct Reconnector {
    settings: RemoteControl,
    phase: ReconnectorPhase,
    started: bool,
    away: bool,
    attached: bool,
    file: Option<File>,
    /// The last one that was whole, and since when there is none: claude rewrites it in place, which is no news.
    known: Option<File>,
    doubt_since: Option<Duration>,
    seen: Option<IndicatorSeen>,
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
    /// What the screen showed, and the number of what was written, while the link was up.
    old_notice: Option<Notice>,
    old_written: u64,
    /// The number of the last thing that was written, whoever of claude's processes has written it.
    last_written: u64,
    /// The link came up, and nobody has looked since.
    is_new_link: bool,
    /// Claude's words, if this process of it connects no more.
    exhausted: Option<String>,
    /// Connects that failed in a row in this process of claude's, and whether a link was up in it.
    failed_connects: u32,
    was_up: bool,
    /// The last of them was counted by what claude wrote: no indicator had shown it so far.
    is_counted_by_text: bool,
    /// When claude is to be restarted, whether that was asked for, and how often so far without a link that lasted.
    restart_at: Option<Duration>,
    restart_asked: bool,
    restarts: u32,
    /// The panel of a link that is up opened where it was to be down. Taken for so until then, or until the screen says
    /// something else: the panel also opens for a moment after a failure.
    lags_until: Option<Duration>,
    down_since: Option<Duration>,
    up_since: Option<Duration>,
    tries: u32,
    last_try: Option<(Duration, AttemptOutcome)>,
    next_try: Option<Duration>,
    asked: Option<UserRequest>,
    /// How the last request ended without a try: its number, when, and why.
    last_request: Option<(u32, Duration, String)>,
    owed: PendingCleanup,
    owed_since: Duration,
    owed_until: Duration,
    /// Whether the editor was in vim's insert mode when the footer was last seen.
    in_insert_mode: bool,
    /// Enter would submit a command of the user's own.
    own_command: bool,
    /// The dialog that is open was opened by the user.
    user_dialog: bool,
    /// What a try ran into, and how long that counts unless something changes.
    blocked: Option<(BlockReason, Duration)>,
    /// When to look although nothing is under way.
    look_at: Option<Duration>,
    /// When the time to type may have come.
    wake: Option<Duration>,
    /// A look was ordered in order to type.
    looking: bool,
    told: Option<BlockReason>,
    standing: LinkStatus,
    /// The link is to be switched off and on.
    doubt: Option<stale_link::Doubt>,
    /// Since when claude is idle with its link up.
    idle_since: Option<Duration>,
}

impl Reconnector {
    /// `used` and `turned_off` are what a former host of the session has known.
    pub fn new(settings: RemoteControl, used: bool, turned_off: bool) -> Self {
        Self {
            settings,
            phase: ReconnectorPhase::Watching,
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
            old_notice: None,
            old_written: 0,
            last_written: 0,
            is_new_link: false,
            exhausted: None,
            failed_connects: 0,
            was_up: false,
            is_counted_by_text: false,
            restart_at: None,
            restart_asked: false,
            restarts: 0,
            lags_until: None,
            down_since: None,
            up_since: None,
            tries: 0,
            last_try: None,
            next_try: None,
            asked: None,
            last_request: None,
            owed: PendingCleanup::default(),
            owed_since: Duration::ZERO,
            owed_until: Duration::ZERO,
            in_insert_mode: false,
            own_command: false,
            user_dialog: false,
            blocked: None,
            look_at: None,
            wake: None,
            looking: false,
            told: None,
            standing: LinkStatus::Unknown,
            doubt: None,
            idle_since: None,
        }
    }

    /// When [`ReconnectorEvent::Due`] is to be reported; nothing while only other events matter.
    pub fn due(&self) -> Option<Duration> {
        match &self.phase {
            ReconnectorPhase::Watching => {
                let asked = self.asked.map(|asked| asked.until);
                let doubt = self.doubt_since.map(|since| since + STATE_FILE_GAP);
                [self.look_at, self.wake, asked, doubt, self.doubt_at()].into_iter().flatten().min()
            }
            ReconnectorPhase::Asking { until, .. } => Some(*until),
            ReconnectorPhase::Trying(attempt) => Some(match attempt.hold {
                KeyGate::Asked(until) => until,
                KeyGate::Until(until) => {
                    attempt.key_deadline().unwrap_or(until).min(attempt.next_look.min(until))
                }
            }),
            ReconnectorPhase::Answering { until, .. } => {
                Some(self.look_at.map_or(*until, |at| at.min(*until)))
            }
        }
    }

    /// Whether [`ReconnectorEvent::Output`] would be news.
    pub fn wants_output(&self) -> bool {
        self.phase == ReconnectorPhase::Watching && self.look_at.is_none() && self.cares()
    }

    /// Takes an event, and says what to do about it. Times never run backwards.
    pub fn on(&mut self, at: Duration, event: ReconnectorEvent) -> Vec<Action> {
        let mut actions = Vec::new();
        match event {
            ReconnectorEvent::Started => {
                self.started = true;
                self.away = false;
                self.forget();
                self.new_process();
            }
            ReconnectorEvent::Ended => {
                self.started = false;
                self.cut_short(at, "claude has ended", &mut actions);
                self.owed = PendingCleanup::default();
                self.forget();
            }
            ReconnectorEvent::Away => {
                self.away = true;
                self.cut_short(at, "claude was stopped", &mut actions);
            }
            ReconnectorEvent::Back => self.away = false,
            ReconnectorEvent::Attached => self.attached(at, &mut actions),
            ReconnectorEvent::Detached => self.detached(at),
            ReconnectorEvent::File(file) => self.file(at, file, &mut actions),
            ReconnectorEvent::Output => {
                let pace = if self.standing == LinkStatus::Up { UP_LOOK_DELAY } else { WANTED_LOOK_DELAY };
                if self.wants_output() {
                    self.look_at = Some(at + pace);
                }
            }
            ReconnectorEvent::Looked(look) => self.looked(at, &look, &mut actions),
            ReconnectorEvent::Held(keyboard) => self.held(at, keyboard, &mut actions),
            ReconnectorEvent::KeyWaits => self.key_waits(at, &mut actions),
            ReconnectorEvent::Asked { cycle } => {
                self.asked = Some(UserRequest::at(at, cycle));
                self.blocked = None;
            }
            ReconnectorEvent::Doubtful(occasion) => self.occasion(at, occasion),
            ReconnectorEvent::Due => self.is_due(at, &mut actions),
        }
        self.weigh(at, &mut actions);
        self.idleness(at);
        if self.phase == ReconnectorPhase::Watching {
            self.doubted(at, &mut actions);
        }
        if self.phase == ReconnectorPhase::Watching {
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
        self.exhausted = None;
        self.down_since = None;
        self.up_since = None;
        self.blocked = None;
        self.look_at = None;
        self.no_doubt();
        self.phase = ReconnectorPhase::Watching;
    }

    /// Whether the link is any business of ours.
    fn cares(&self) -> bool {
        let kept = match self.settings.keep {
            ReconnectPolicy::Off => false,
            ReconnectPolicy::IfUsed => self.used,
            ReconnectPolicy::Always => true,
        };
        self.started && !self.away && (kept || self.asked.is_some() || self.owed.is_any())
    }

    fn indicator(&self) -> Option<Indicator> {
        self.seen.as_ref().map(|seen| seen.indicator)
    }

    fn weigh(&mut self, at: Duration, actions: &mut Vec<Action>) {
        if self.doubt_since.is_some_and(|since| at >= since + STATE_FILE_GAP) {
            self.known = None;
            self.doubt_since = None;
        }
        let (standing, _) = evidence::weigh(self.known.as_ref(), self.indicator());
        if standing != self.standing {
            self.standing = standing;
            actions.push(Action::Note(LinkEvent::Status { what: standing }));
        }
    }

    fn is_due(&mut self, at: Duration, actions: &mut Vec<Action>) {
        match &mut self.phase {
            ReconnectorPhase::Watching => {
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
            ReconnectorPhase::Asking { until, .. } if *until <= at => {
                // It cannot be said that it was not the user; what the screen says may tell.
                self.turned_off = true;
                self.phase = ReconnectorPhase::Watching;
                actions.push(Action::Release);
            }
            ReconnectorPhase::Asking { .. } => {}
            ReconnectorPhase::Trying(attempt) => match attempt.hold {
                KeyGate::Asked(until) if until <= at => {
                    self.end(at, AttemptEnd::NotNow(BlockReason::NoAnswer), actions)
                }
                KeyGate::Asked(_) => {}
                KeyGate::Until(until) if until.min(attempt.key_deadline().unwrap_or(until)) <= at => {
                    if until > at && attempt.waits_on(at) {
                        actions.extend([Action::StillHolding, Action::Look]);
                    } else {
                        self.expired(at, actions);
                    }
                }
                KeyGate::Until(_) if attempt.next_look <= at => actions.push(Action::Look),
                KeyGate::Until(_) => {}
            },
            ReconnectorPhase::Answering { until, .. } => {
                if *until <= at {
                    self.failed(at, "claude did not answer in time", actions);
                } else if self.look_at.is_none_or(|look| look <= at) {
                    self.look_at = Some(at + ANSWER_POLL_INTERVAL);
                    actions.push(Action::Look);
                }
            }
        }
    }

    fn looked(&mut self, at: Duration, look: &ScreenSnapshot, actions: &mut Vec<Action>) {
        if look.has_footer() {
            self.take_down(at, look);
            self.in_insert_mode = look.reading.vim == Some(Vim::Insert);
        }
        self.own_command &= look.own_command;
        self.recognised |= look.settled && !matches!(look.reading.prompt, Prompt::Elsewhere(_));
        self.weigh(at, actions);
        let against = self.wanted(at).err().map(|(why, _)| why);
        match &mut self.phase {
            ReconnectorPhase::Trying(attempt) => {
                match attempt.hold {
                    KeyGate::Asked(_) => return,
                    KeyGate::Until(until) if until.min(attempt.key_deadline().unwrap_or(until)) <= at => {
                        if until <= at || !attempt.waits_on(at) {
                            return self.expired(at, actions);
                        }
                        actions.push(Action::StillHolding);
                    }
                    KeyGate::Until(_) => {}
                }
                let linked = matches!(attempt.purpose, Purpose::Connect | Purpose::SwitchOff);
                let against = against.filter(|_| linked);
                let step_at = attempt.step_at();
                let (keys, end) = attempt.on_look(at, look, self.file.as_ref(), against);
                if attempt.has_key_waiting() && attempt.step_at() > step_at && end.is_none() {
                    actions.push(Action::StillHolding);
                }
                if let Some(keys) = keys {
                    self.type_keys(keys, actions);
                }
                if let Some(end) = end {
                    self.end(at, end, actions);
                    // The user's next key may move the answer out of sight.
                    if let ReconnectorPhase::Answering { .. } = self.phase {
                        self.answered(at, look, actions);
                    }
                }
            }
            ReconnectorPhase::Answering { .. } => self.answered(at, look, actions),
            ReconnectorPhase::Watching => {
                if std::mem::take(&mut self.looking) {
                    self.ready(at, look, actions);
                } else if let Some((why, _)) = &self.blocked
                    && why.is_of_the_screen()
                {
                    let against = self.against_typing(look).filter(|why| *why != BlockReason::Unsettled);
                    self.blocked = against.map(|why| (why, at + IDLE_LOOK_INTERVAL));
                }
            }
            ReconnectorPhase::Asking { .. } => {}
        }
    }

    fn type_keys(&mut self, keys: Keystroke, actions: &mut Vec<Action>) {
        match &keys {
            Keystroke::Paste(line) => actions.push(Action::Note(LinkEvent::Typing { what: line.clone() })),
            Keystroke::Enter => actions.push(Action::Note(LinkEvent::Entering)),
            _ => {}
        }
        actions.push(Action::Type(keys));
    }
}

pub use outcome::Report;
pub use request::RequestPreview;
pub use stale_link::StaleTrigger;

#[cfg(test)]
mod tests;
