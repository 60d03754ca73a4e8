//! Whether claude is brought back after its end, when, and with which conversation.
//!
//! A plain state machine: it is told what happened and what time it is, and answers what to do. It does no
//! I/O, reads no clock and makes no random numbers. Times are counted from any fixed point, the same for all
//! events of one session.
//!
//! What it promises, whatever happens in whatever order: after a crash nothing but the user makes it launch
//! claude before the backoff is over; crashes in a row, and crashes within the window, are bounded; it
//! launches nothing but the conversation that it was last told of, and not while another process has it, and
//! gives one up for a new one at most once before claude has run for a stable while; when the user wants to
//! quit, it launches nothing more. An end that follows a signal which cckw has passed on is no crash, and an
//! end by a signal of which cckw knows nothing is one.

mod server;

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use libc::{SIGHUP, SIGTERM};
use uuid::Uuid;

use super::lifecycle::Lifecycle;
use crate::claude::exit_class::{ExitClass, end};
use crate::claude::transcript::{TranscriptOnDisk, is_id};
use crate::claude::trial::TRIAL;
use crate::config::Restart;
use crate::os::exit::Exit;
use server::ServerMemory;

/// How long after a signal was passed on an end of claude counts as its answer. A claude that has gone on for
/// longer than that has not ended because of it. Seen: claude ends within a second, and some seconds on a
/// machine that is busy.
pub const SIGNAL_COUNTS_FOR: Duration = Duration::from_secs(10);

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum SupervisorEvent {
    /// A launch that was decided, or the first one, has been made.
    Started {
        /// When.
        at: Duration,
    },
    /// Claude has written its state file, for the first time or anew. One that was left behind may be
    /// reported after the end: it tells the conversation that was open last.
    StateFile {
        /// The conversation that it names.
        conversation: Option<String>,
        /// Whether claude has come up and it counts, as
        /// [`StateFile::settled`](crate::claude::state_file::StateFile::settled) says.
        settled: bool,
    },
    /// The Remote Control server has said that it gives up waiting for the network. It will end by itself,
    /// and nobody wanted that.
    GaveUp,
    /// Claude has said that it does not find the conversation, or that its id is taken. It will end by
    /// itself.
    Refused,
    /// Claude has ended. What it wrote last is yet to be read; then `Ended` follows.
    Exited {
        /// How.
        exit: Exit,
    },
    /// Claude has ended and all that it wrote was read, or it could not be executed (127 or 126).
    Ended {
        /// How.
        exit: Exit,
        /// When.
        at: Duration,
        /// A random number from 0 to 1.
        jitter: f64,
    },
    /// Claude could not be started for want of something that has nothing to do with it and may be there
    /// again in a while: a process, a descriptor, memory. That is no crash of its own, so none is counted.
    NotStarted {
        /// When.
        at: Duration,
    },
    /// The time that [`Decision::Wait`] named has come.
    Due {
        /// The time.
        at: Duration,
        /// What there is to launch with.
        look: LaunchContext,
    },
    /// The user does not want to wait.
    UserNow {
        /// What there is to launch with.
        look: LaunchContext,
    },
    /// Claude is about to be ended in order to be started again: whatever its end looks like, it is none of
    /// its own.
    RestartAsked,
    /// Cckw or its client has sent or passed on this signal to claude, or the user has typed the key that
    /// stands for it.
    SignalPassed {
        /// The signal's number.
        number: i32,
        /// When.
        at: Duration,
    },
    /// The user does not want claude back.
    UserQuit,
}

/// What the caller finds right before a launch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LaunchContext {
    /// What is on disk of the conversation that [`Supervisor::conversation`] names.
    pub transcript: TranscriptState,
    /// An id that was never used.
    pub fresh: Uuid,
    /// Whether another live process has the conversation open.
    pub held: bool,
    /// Until when somebody who sits at the session's terminal has time to read that the conversation is lost:
    /// claude's renderer covers that. Nothing where nobody does.
    pub read_until: Option<Duration>,
}

/// What is on disk of a conversation, compared with what was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TranscriptState {
    /// It can be resumed.
    Present,
    /// Nothing, and there never was: it did not get a prompt.
    NeverThere,
    /// Nothing, but there was something.
    Gone,
    /// A file that claude cannot resume from, and whose id it does not take for a new conversation.
    Unusable,
}

impl TranscriptState {
    /// `there_was` is whether this conversation ever had a transcript, as the record knows: it was seen, or
    /// the user resumed it.
    pub fn new(found: &TranscriptOnDisk, there_was: bool) -> Self {
        match found {
            TranscriptOnDisk::Conversation(_) => Self::Present,
            TranscriptOnDisk::Nothing if there_was => Self::Gone,
            TranscriptOnDisk::Nothing => Self::NeverThere,
            TranscriptOnDisk::Unusable(_) => Self::Unusable,
            // What was there is taken to be there still: a mistake costs a start that fails, the other one
            // the conversation.
            TranscriptOnDisk::Unknown if there_was => Self::Present,
            TranscriptOnDisk::Unknown => Self::NeverThere,
        }
    }
}

/// What to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Decision {
    /// Nothing.
    Nothing,
    /// Tell the user that claude crashed, and report [`SupervisorEvent::Due`] at that time.
    Wait {
        /// When claude comes back.
        until: Duration,
        /// Which launch in a row that will be, from 1; 0 for a restart that was asked for.
        attempt: u32,
    },
    /// Tell the user that the conversation cannot be opened, and that a new one is started at that time or
    /// when the user says so; report [`SupervisorEvent::Due`] then.
    Announce {
        /// Why it cannot be opened.
        lost: Lost,
    },
    /// Start claude.
    Launch(ClaudeLaunch),
    /// Claude has opened another conversation than it was to. It is followed from now on; the record keeps
    /// both.
    Different {
        /// The conversation that was to be opened.
        expected: String,
        /// The one that was.
        got: String,
    },
    /// End the session.
    Finish {
        /// The exit status: claude's.
        status: u8,
        /// Why it is over. [`Supervisor::conversation`] still says what could be resumed.
        why: FinishReason,
    },
}

/// What claude is started with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ClaudeLaunch {
    /// The conversation with this id.
    Resume(String),
    /// A new conversation with this id, in which nothing was said yet.
    SessionId(String),
    /// A new conversation with this new id. The session is `expired`: the user is to be told.
    Fresh {
        /// The new conversation.
        id: String,
        /// The one that could not be opened. The record keeps it.
        instead_of: String,
        /// Why not.
        lost: Lost,
    },
    /// What the user's arguments choose: claude ended before it said which conversation that is.
    AsChosen,
    /// The Remote Control server.
    Server {
        /// Whether it is to go on with the session of the last one.
        goes_on: bool,
    },
}

impl fmt::Display for ClaudeLaunch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Resume(id) => write!(f, "the conversation {id}"),
            Self::SessionId(id) => write!(f, "the new conversation {id}, in which nothing was said yet"),
            Self::Fresh { id, instead_of, .. } => {
                write!(f, "the new conversation {id}, because {instead_of} could not be opened")
            }
            Self::AsChosen => f.write_str("what claude's arguments choose"),
            Self::Server { goes_on: true } => f.write_str("the Remote Control server, with its last session"),
            Self::Server { goes_on: false } => f.write_str("the Remote Control server, with a new session"),
        }
    }
}

impl ClaudeLaunch {
    /// Whether it opens a conversation that is on disk.
    pub fn resumes(&self) -> bool {
        matches!(self, Self::Resume(_))
    }
}

/// Why a conversation cannot be opened any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Lost {
    /// Its transcript is gone.
    Gone,
    /// Its transcript holds no message; so nothing, or nothing that was written down, is lost with it.
    Unusable,
    /// Claude refuses it, for whatever reason.
    Refused,
}

/// For the log.
impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gone => "its transcript is gone",
            Self::Unusable => "its transcript holds no message",
            Self::Refused => "claude refuses it",
        })
    }
}

/// Why a session is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum FinishReason {
    /// Claude's end was wanted.
    Clean,
    /// Claude has refused to start, and said why.
    OwnError,
    /// Too many crashes.
    CrashLoop {
        /// How many there were: in the window, or in a row.
        crashes: u32,
    },
    /// The conversation cannot be opened, and neither could the new one in its place.
    Lost(Lost),
    /// Another process has opened the conversation meanwhile.
    Held,
    /// The user did not want it back.
    Quit,
    /// It could not be started again, and each try would end like this one.
    CannotStart,
}

/// For the log.
impl fmt::Display for FinishReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Clean => f.write_str("claude has ended as wanted"),
            Self::OwnError => f.write_str("claude has refused to start"),
            Self::CrashLoop { crashes: 1 } => f.write_str("claude crashed once"),
            Self::CrashLoop { crashes } => write!(f, "claude crashed {crashes} times"),
            Self::Lost(lost) => write!(f, "the conversation cannot be opened: {lost}"),
            Self::Held => f.write_str("the conversation is open elsewhere"),
            Self::Quit => f.write_str("its user did not want claude back"),
            Self::CannotStart => f.write_str("claude cannot be started"),
        }
    }
}

/// How long after a launch that failed for want of a process, a descriptor or memory the next one is tried.
const SHORTAGE_DELAY: Duration = Duration::from_secs(5);
/// The exit of a claude that could not be executed.
const NOT_EXECUTED: Exit = Exit::Code(126);

/// One session's supervisor.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default)]
pub struct Supervisor {
    #[serde(skip)]
    limits: Restart,
    lifecycle: Lifecycle,
    conversation: Option<String>,
    /// Whether claude has ever come up in this session.
    came_up: bool,
    /// Crashes since claude last ran for a stable while.
    in_a_row: u32,
    /// When the crashes were that still count.
    crashes: VecDeque<Duration>,
    /// The launch that claude refused.
    refused: Option<ClaudeLaunch>,
    /// Whether the conversation was replaced since claude last ran for a stable while.
    replaced: bool,
    /// The user was told that it is about to be replaced, and why.
    announced: Option<Lost>,
    restart_requested: bool,
    /// The signals that claude was sent with cckw's knowledge, and when last.
    passed: Vec<(i32, Duration)>,
    /// The end that comes is not wanted, whatever its status.
    gave_up: bool,
    /// What is kept is the Remote Control server.
    server: Option<ServerMemory>,
}

impl Default for Supervisor {
    fn default() -> Self {
        Self::new(Restart::default(), None)
    }
}

impl Supervisor {
    /// The supervisor of a session whose first launch is being made. `conversation` is the one that was
    /// pinned.
    pub fn new(limits: Restart, conversation: Option<String>) -> Self {
        Self {
            limits,
            lifecycle: Lifecycle::launching(None),
            conversation,
            came_up: false,
            in_a_row: 0,
            crashes: VecDeque::new(),
            refused: None,
            replaced: false,
            announced: None,
            restart_requested: false,
            passed: Vec::new(),
            gave_up: false,
            server: None,
        }
    }

    /// The same for the Remote Control server instead of a conversation.
    #[must_use]
    pub fn of_server(self) -> Self {
        Self { server: Some(ServerMemory::default()), ..self }
    }

    /// The supervisor of a session that is taken up again by a new host. It waits for
    /// [`SupervisorEvent::Due`] (or [`SupervisorEvent::UserNow`]), and is due at once.
    pub fn taken_up(limits: Restart, conversation: Option<String>) -> Self {
        let lifecycle = Lifecycle::Waiting { until: Duration::ZERO, exit: Exit::Code(0) };
        Self { lifecycle, came_up: true, ..Self::new(limits, conversation) }
    }

    /// One that another program has handed over.
    #[must_use]
    pub fn with_limits(self, limits: Restart) -> Self {
        Self { limits, ..self }
    }

    /// The conversation that is open, or will be opened; nothing while it is not known.
    pub fn conversation(&self) -> Option<&str> {
        self.conversation.as_deref()
    }

    /// Why the conversation is about to be replaced by a new one, where the user was told so.
    pub fn announced(&self) -> Option<Lost> {
        self.announced
    }

    /// How far the session is.
    pub fn lifecycle(&self) -> &Lifecycle {
        &self.lifecycle
    }

    /// The launch that is waited for is put off.
    pub fn put_off(&mut self, later: Duration) {
        if let Lifecycle::Waiting { until, .. } = &mut self.lifecycle {
            *until = later;
        }
    }

    /// Claude cannot be started again, for a reason that does not pass.
    pub fn give_up(&mut self, exit: Exit) {
        self.lifecycle = Lifecycle::Ended { exit, why: FinishReason::CannotStart };
    }

    /// Takes note of what happened, and decides what to do. Events that make no sense at the moment change
    /// nothing.
    pub fn handle(&mut self, event: SupervisorEvent) -> Decision {
        match event {
            _ if matches!(self.lifecycle, Lifecycle::Ended { .. }) => Decision::Nothing,
            SupervisorEvent::StateFile { conversation, settled: true } => self.state_file(conversation),
            SupervisorEvent::Ended { exit, at, jitter } => {
                let Some(launched) = self.lifecycle.launched_mut() else { return Decision::Nothing };
                let (ran, quit) = (launched.started.map(|started| at.saturating_sub(started)), launched.quit);
                self.ended(exit, at, ran, jitter, quit)
            }
            SupervisorEvent::NotStarted { at } => self.not_started(at),
            SupervisorEvent::Due { at, look } => match self.lifecycle {
                Lifecycle::Waiting { until, .. } if at < until => {
                    Decision::Wait { until, attempt: self.in_a_row }
                }
                Lifecycle::Waiting { exit, .. } => self.launch(look, exit),
                _ => Decision::Nothing,
            },
            SupervisorEvent::UserNow { look } => match self.lifecycle {
                Lifecycle::Waiting { exit, .. } => self.launch(look, exit),
                _ => Decision::Nothing,
            },
            SupervisorEvent::UserQuit => match &mut self.lifecycle {
                Lifecycle::Waiting { exit, .. } => {
                    let exit = *exit;
                    self.finish(exit, FinishReason::Quit)
                }
                lifecycle => {
                    if let Some(launched) = lifecycle.launched_mut() {
                        launched.quit = true;
                    }
                    Decision::Nothing
                }
            },
            event => {
                self.note(event);
                Decision::Nothing
            }
        }
    }

    /// Takes note of what matters when claude has ended.
    fn note(&mut self, event: SupervisorEvent) {
        if let (SupervisorEvent::Exited { exit }, Lifecycle::Running(launched)) =
            (&event, &mut self.lifecycle)
        {
            self.lifecycle = Lifecycle::Draining { launched: std::mem::take(launched), exit: *exit };
            return;
        }
        let is_server = self.server.is_some();
        let Some(launched) = self.lifecycle.launched_mut() else { return };
        match event {
            SupervisorEvent::Started { at } => {
                launched.started.get_or_insert(at);
            }
            SupervisorEvent::Refused if !launched.is_up => self.refused.clone_from(&launched.launch),
            SupervisorEvent::GaveUp if is_server => self.gave_up = true,
            SupervisorEvent::RestartAsked => self.restart_requested = true,
            SupervisorEvent::SignalPassed { number, at } => {
                self.passed.retain(|(other, _)| *other != number);
                self.passed.push((number, at));
            }
            _ => {}
        }
    }

    fn not_started(&mut self, at: Duration) -> Decision {
        if self.lifecycle.launched_mut().is_none_or(|launched| launched.started.is_some()) {
            return Decision::Nothing;
        }
        let until = at + SHORTAGE_DELAY.min(self.limits.max_delay);
        self.lifecycle = Lifecycle::Waiting { until, exit: NOT_EXECUTED };
        Decision::Wait { until, attempt: self.in_a_row }
    }

    fn state_file(&mut self, conversation: Option<String>) -> Decision {
        self.came_up = true;
        let mut expected = None;
        if let Some(launched) = self.lifecycle.launched_mut() {
            if !launched.is_up {
                expected = launched.launch.as_ref().and_then(ClaudeLaunch::id).map(str::to_owned);
                self.refused = None;
            }
            launched.is_up = true;
        }
        // What is no id can be neither resumed nor looked for.
        let Some(got) = conversation.filter(|id| is_id(id)) else {
            return Decision::Nothing;
        };
        self.conversation = Some(got.clone());
        match expected {
            Some(expected) if expected != got => Decision::Different { expected, got },
            _ => Decision::Nothing,
        }
    }

    /// `ran` is nothing where claude could not be executed.
    fn ended(
        &mut self,
        exit: Exit,
        at: Duration,
        ran: Option<Duration>,
        jitter: f64,
        quit: bool,
    ) -> Decision {
        let executed = ran.is_some();
        let lived = ran;
        let ran = ran.unwrap_or_default();
        if ran >= self.limits.stable_after {
            self.in_a_row = 0;
            self.replaced = false;
        }
        let is_restart = std::mem::take(&mut self.restart_requested);
        let outage = matches!(exit, Exit::Code(status) if crate::claude::server::is_outage(status));
        let gave_up = std::mem::take(&mut self.gave_up) || self.server.is_some() && executed && outage;
        let mut passed = std::mem::take(&mut self.passed);
        passed.retain(|(_, passed)| at.saturating_sub(*passed) <= SIGNAL_COUNTS_FOR);
        // Neither an end that was asked for nor a program that is not there is an answer of the server's.
        if let Some(server) = self.server.as_mut().filter(|_| executed && !is_restart) {
            self.came_up |= server.ended(exit, ran, self.limits.stable_after, gave_up);
        }
        if quit {
            return self.finish(exit, FinishReason::Quit);
        }
        if is_restart {
            self.lifecycle = Lifecycle::Waiting { until: at, exit };
            return Decision::Wait { until: at, attempt: 0 };
        }
        if passed.iter().any(|(number, _)| matches!(*number, SIGTERM | SIGHUP)) {
            // It was asked to end, and has. How does not matter.
            return self.finish(exit, FinishReason::Clean);
        }
        let was_passed = |signal| passed.iter().any(|(number, _)| *number == signal);
        let came_up = self.came_up || self.server.is_some_and(ServerMemory::went_on);
        match end(exit, came_up, self.limits.on_sigterm, was_passed) {
            ExitClass::Clean if gave_up => self.crashed(exit, at, lived, jitter),
            ExitClass::Clean => self.finish(exit, FinishReason::Clean),
            ExitClass::OwnError => self.finish(exit, FinishReason::OwnError),
            ExitClass::Crash => self.crashed(exit, at, lived, jitter),
        }
    }

    fn crashed(&mut self, exit: Exit, at: Duration, lived: Option<Duration>, jitter: f64) -> Decision {
        let executed = lived.is_some();
        self.in_a_row += 1;
        // A server that exits because there is no network is started again until there is one.
        let endless = self.server.is_some() && executed && matches!(exit, Exit::Code(_));
        if !endless {
            self.crashes.push_back(at);
        }
        let window = self.limits.crash_window;
        self.crashes.retain(|crash| at.saturating_sub(*crash) <= window);
        let in_a_row = if self.server.is_some() { 0 } else { self.in_a_row };
        let crashes = in_a_row.max(self.crashes.len() as u32);
        if crashes >= self.limits.crash_limit {
            return self.finish(exit, FinishReason::CrashLoop { crashes });
        }
        let until = at.saturating_add(self.delay(lived, jitter));
        self.lifecycle = Lifecycle::Waiting { until, exit };
        Decision::Wait { until, attempt: self.in_a_row }
    }

    /// How long to wait after the crash that was the last in a row, of a claude that has lived for so long.
    /// Jitter is only ever added.
    fn delay(&self, lived: Option<Duration>, jitter: f64) -> Duration {
        let limits = &self.limits;
        // Not `powf`: for that alone libm would be loaded with each start.
        let grown_by = limits.factor.powi(i32::try_from(self.in_a_row - 1).unwrap_or(i32::MAX));
        let grown = limits.initial_delay.as_secs_f64() * grown_by;
        // Comparing first keeps the numbers that a Duration cannot hold out of it, and the others exact.
        let delay = if grown < limits.max_delay.as_secs_f64() {
            Duration::from_secs_f64(grown)
        } else {
            limits.max_delay
        };
        // The server draws no screen, and a claude that could not be executed has drawn none.
        let was_on_trial = self.server.is_none() && lived.is_some_and(|lived| lived < TRIAL);
        let delay = if was_on_trial { delay.max(limits.early_delay.min(limits.max_delay)) } else { delay };
        let jitter = if jitter.is_nan() { 0.0 } else { jitter.clamp(0.0, 1.0) };
        delay + delay.mul_f64(limits.jitter * jitter)
    }

    fn launch(&mut self, look: LaunchContext, exit: Exit) -> Decision {
        if look.held {
            return self.finish(exit, FinishReason::Held);
        }
        if let Some(server) = &mut self.server {
            let launch = ClaudeLaunch::Server { goes_on: server.next() };
            self.lifecycle = Lifecycle::launching(Some(launch.clone()));
            return Decision::Launch(launch);
        }
        let launch = match self.conversation.clone() {
            None => Ok(ClaudeLaunch::AsChosen),
            Some(id) => match look.transcript {
                TranscriptState::Present => Ok(ClaudeLaunch::Resume(id)),
                TranscriptState::NeverThere => Ok(ClaudeLaunch::SessionId(id)),
                TranscriptState::Gone => Err(Lost::Gone),
                TranscriptState::Unusable => Err(Lost::Unusable),
            },
        };
        // What was refused is tried in another way, if there is one by now, but not again in the same.
        let refused = self.refused.take();
        let launch = launch.and_then(|launch| match &refused {
            Some(refused) if *refused == launch => Err(Lost::Refused),
            _ => Ok(launch),
        });
        let announced = self.announced.take().is_some();
        if let (Err(lost), Some(_), Some(until)) = (&launch, &self.conversation, look.read_until)
            && !self.replaced
            && !announced
        {
            (self.announced, self.refused) = (Some(*lost), refused);
            self.lifecycle = Lifecycle::Waiting { until, exit };
            return Decision::Announce { lost: *lost };
        }
        let launch = match (launch, &self.conversation) {
            (Ok(launch), _) => launch,
            (Err(lost), Some(id)) if !self.replaced => {
                self.replaced = true;
                ClaudeLaunch::Fresh { id: look.fresh.to_string(), instead_of: id.clone(), lost }
            }
            (Err(lost), _) => return self.finish(exit, FinishReason::Lost(lost)),
        };
        if let ClaudeLaunch::Fresh { id, .. } = &launch {
            self.conversation = Some(id.clone());
        }
        self.lifecycle = Lifecycle::launching(Some(launch.clone()));
        Decision::Launch(launch)
    }

    fn finish(&mut self, exit: Exit, why: FinishReason) -> Decision {
        self.lifecycle = Lifecycle::Ended { exit, why };
        Decision::Finish { status: exit.status(), why }
    }
}

impl ClaudeLaunch {
    /// The conversation that it opens; nothing where that is not known.
    pub fn id(&self) -> Option<&str> {
        match self {
            Self::Resume(id) | Self::SessionId(id) | Self::Fresh { id, .. } => Some(id),
            Self::AsChosen | Self::Server { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests;
