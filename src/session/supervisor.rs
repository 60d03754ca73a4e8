//! Whether claude is brought back after its end, when, and with which conversation.
//!
//! A plain state machine: it is told what happened and what time it is, and answers what to do. It does no I/O, reads no clock
//! and makes no random numbers. Times are counted from any fixed point, the same for all events of one session.
//!
//! What it promises, whatever happens in whatever order: after a crash nothing but the user makes it launch claude before the backoff
//! is over; crashes in a row, and crashes within the window, are bounded; it launches nothing but the conversation that
//! it was last told of, and not while another process has it, and gives one up for a new one at most once before claude has run for a stable while; when the
//! user wants to quit, it launches nothing more.

use std::collections::VecDeque;
use std::time::Duration;

use uuid::Uuid;

use self::server::Server;
use super::record::Exit;
use crate::claude::exits::{End, end};
use crate::claude::transcript::{Found, is_id};
use crate::config::Restart;

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A launch that was decided, or the first one, has been made.
    Started {
        /// When.
        at: Duration,
    },
    /// Claude has written its state file, for the first time or anew. One that was left behind may be reported after the end: it
    /// tells the conversation that was open last.
    StateFile {
        /// The conversation that it names.
        conversation: Option<String>,
        /// Whether claude has come up and it counts, as [`StateFile::settled`](crate::claude::state_file::StateFile::settled)
        /// says.
        settled: bool,
    },
    /// The Remote Control server has said that it gives up waiting for the network. It will end by itself, and nobody wanted that.
    GaveUp,
    /// Claude has said that it does not find the conversation, or that its id is taken. It will end by itself.
    Refused,
    /// Claude has ended, or could not be executed (127 or 126).
    Ended {
        /// How.
        exit: Exit,
        /// When.
        at: Duration,
        /// A random number from 0 to 1.
        jitter: f64,
    },
    /// The time that [`Decision::Wait`] named has come.
    Due {
        /// The time.
        at: Duration,
        /// What there is to launch with.
        look: Look,
    },
    /// The user does not want to wait.
    UserNow {
        /// What there is to launch with.
        look: Look,
    },
    /// Claude is about to be ended in order to be started again: whatever its end looks like, it is none of its own.
    RestartAsked,
    /// The user does not want claude back.
    UserQuit,
}

/// What the caller finds right before a launch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// What is on disk of the conversation that [`Supervisor::conversation`] names.
    pub transcript: Transcript,
    /// An id that was never used.
    pub fresh: Uuid,
    /// Whether another live process has the conversation open.
    pub held: bool,
}

/// What is on disk of a conversation, compared with what was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transcript {
    /// It can be resumed.
    Present,
    /// Nothing, and there never was: it did not get a prompt.
    NeverThere,
    /// Nothing, but there was something.
    Gone,
    /// A file that claude cannot resume from, and whose id it does not take for a new conversation.
    Unusable,
}

impl Transcript {
    /// `there_was` is whether this conversation ever had a transcript, as the record knows: it was seen, or the user
    /// resumed it.
    pub fn new(found: &Found, there_was: bool) -> Self {
        match found {
            Found::Conversation(_) => Self::Present,
            Found::Nothing if there_was => Self::Gone,
            Found::Nothing => Self::NeverThere,
            Found::Unusable(_) => Self::Unusable,
            // What was there is taken to be there still: a mistake costs a start that fails, the other one the conversation.
            Found::Unknown if there_was => Self::Present,
            Found::Unknown => Self::NeverThere,
        }
    }
}

/// What to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Decision {
    /// Nothing.
    Nothing,
    /// Tell the user that claude crashed, and report [`Event::Due`] at that time.
    Wait {
        /// When claude comes back.
        until: Duration,
        /// Which launch in a row that will be, from 1; 0 for a restart that was asked for.
        attempt: u32,
    },
    /// Start claude.
    Launch(Launch),
    /// Claude has opened another conversation than it was to. It is followed from now on; the record keeps both.
    Different {
        /// The conversation that was to be opened.
        asked: String,
        /// The one that was.
        got: String,
    },
    /// End the session.
    Finish {
        /// The exit status: claude's.
        status: u8,
        /// Why it is over. [`Supervisor::conversation`] still says what could be resumed.
        why: Why,
    },
}

/// What claude is started with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Launch {
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

/// Why a conversation cannot be opened any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lost {
    /// Its transcript is gone.
    Gone,
    /// Its transcript holds no message; so nothing, or nothing that was written down, is lost with it.
    Unusable,
    /// Claude refuses it, for whatever reason.
    Refused,
}

/// Why a session is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
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
}

/// One session's supervisor.
#[derive(Debug, Clone)]
pub struct Supervisor {
    limits: Restart,
    phase: Phase,
    conversation: Option<String>,
    /// Whether claude has ever come up in this session.
    came_up: bool,
    /// Crashes since claude last ran for a stable while.
    in_a_row: u32,
    /// When the crashes were that still count.
    crashes: VecDeque<Duration>,
    /// The launch that claude refused.
    refused: Option<Launch>,
    /// Whether the conversation was replaced since claude last ran for a stable while.
    replaced: bool,
    restart_asked: bool,
    /// The end that comes is not wanted, whatever its status.
    gave_up: bool,
    quit: bool,
    /// What is kept is the Remote Control server.
    server: Option<Server>,
}

#[derive(Debug, Clone, PartialEq)]
enum Phase {
    /// Claude runs, or is about to.
    Launched {
        /// With what; nothing for the first launch.
        launch: Option<Launch>,
        /// Nothing until it was executed.
        started: Option<Duration>,
        /// Whether it has written a state file that counts.
        up: bool,
    },
    /// Claude is to be launched at that time.
    Waiting {
        until: Duration,
        /// The last exit status.
        status: u8,
    },
    Finished,
}

impl Supervisor {
    /// The supervisor of a session whose first launch is being made. `conversation` is the one that was pinned.
    pub fn new(limits: Restart, conversation: Option<String>) -> Self {
        Self {
            limits,
            phase: Phase::Launched { launch: None, started: None, up: false },
            conversation,
            came_up: false,
            in_a_row: 0,
            crashes: VecDeque::new(),
            refused: None,
            replaced: false,
            restart_asked: false,
            gave_up: false,
            quit: false,
            server: None,
        }
    }

    /// The same for the Remote Control server instead of a conversation.
    #[must_use]
    pub fn of_server(self) -> Self {
        Self { server: Some(Server::default()), ..self }
    }

    /// The supervisor of a session that is taken up again by a new host. It waits for [`Event::Due`] (or
    /// [`Event::UserNow`]), and is due at once.
    pub fn taken_up(limits: Restart, conversation: Option<String>) -> Self {
        let phase = Phase::Waiting { until: Duration::ZERO, status: 0 };
        Self { phase, came_up: true, ..Self::new(limits, conversation) }
    }

    /// The conversation that is open, or will be opened; nothing while it is not known.
    pub fn conversation(&self) -> Option<&str> {
        self.conversation.as_deref()
    }

    /// Takes note of what happened, and decides what to do. Events that make no sense at the moment change nothing.
    pub fn on(&mut self, event: Event) -> Decision {
        match (event, &mut self.phase) {
            (_, Phase::Finished) => Decision::Nothing,
            (Event::Started { at }, Phase::Launched { started, .. }) => {
                started.get_or_insert(at);
                Decision::Nothing
            }
            (Event::StateFile { conversation, settled: true }, _) => self.state_file(conversation),
            (Event::Refused, Phase::Launched { launch, up: false, .. }) => {
                self.refused = launch.clone();
                Decision::Nothing
            }
            (Event::GaveUp, Phase::Launched { .. }) if self.server.is_some() => {
                self.gave_up = true;
                Decision::Nothing
            }
            (Event::Ended { exit, at, jitter }, Phase::Launched { started, .. }) => {
                let ran = started.map(|started| at.saturating_sub(started));
                self.ended(exit, at, ran, jitter)
            }
            (Event::Due { at, .. }, Phase::Waiting { until, .. }) if at < *until => {
                Decision::Wait { until: *until, attempt: self.in_a_row }
            }
            (Event::Due { look, .. } | Event::UserNow { look }, Phase::Waiting { status, .. }) => {
                let status = *status;
                self.launch(look, status)
            }
            (Event::RestartAsked, Phase::Launched { .. }) => {
                self.restart_asked = true;
                Decision::Nothing
            }
            (Event::UserQuit, Phase::Waiting { status, .. }) => {
                let status = *status;
                self.finish(status, Why::Quit)
            }
            (Event::UserQuit, Phase::Launched { .. }) => {
                self.quit = true;
                Decision::Nothing
            }
            _ => Decision::Nothing,
        }
    }

    fn state_file(&mut self, conversation: Option<String>) -> Decision {
        self.came_up = true;
        let mut asked = None;
        if let Phase::Launched { launch, up, .. } = &mut self.phase {
            if !*up {
                asked = launch.as_ref().and_then(Launch::id).map(str::to_owned);
                self.refused = None;
            }
            *up = true;
        }
        // What is no id can be neither resumed nor looked for.
        let Some(got) = conversation.filter(|id| is_id(id)) else {
            return Decision::Nothing;
        };
        self.conversation = Some(got.clone());
        match asked {
            Some(asked) if asked != got => Decision::Different { asked, got },
            _ => Decision::Nothing,
        }
    }

    /// `ran` is nothing where claude could not be executed.
    fn ended(&mut self, exit: Exit, at: Duration, ran: Option<Duration>, jitter: f64) -> Decision {
        let executed = ran.is_some();
        let ran = ran.unwrap_or_default();
        if ran >= self.limits.stable_after {
            self.in_a_row = 0;
            self.replaced = false;
        }
        let asked = std::mem::take(&mut self.restart_asked);
        let gave_up = std::mem::take(&mut self.gave_up);
        // Neither an end that was asked for nor a program that is not there is an answer of the server's.
        if let Some(server) = self.server.as_mut().filter(|_| executed && !asked) {
            self.came_up |= server.ended(exit, ran, self.limits.stable_after, gave_up);
        }
        if self.quit {
            return self.finish(exit.status(), Why::Quit);
        }
        if asked {
            self.phase = Phase::Waiting { until: at, status: exit.status() };
            return Decision::Wait { until: at, attempt: 0 };
        }
        match end(exit, self.came_up || self.server.is_some_and(Server::went_on)) {
            End::Clean if gave_up => self.crashed(exit, at, executed, jitter),
            End::Clean => self.finish(exit.status(), Why::Clean),
            End::OwnError => self.finish(exit.status(), Why::OwnError),
            End::Crash => self.crashed(exit, at, executed, jitter),
        }
    }

    fn crashed(&mut self, exit: Exit, at: Duration, executed: bool, jitter: f64) -> Decision {
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
            return self.finish(exit.status(), Why::CrashLoop { crashes });
        }
        let until = at.saturating_add(self.delay(jitter));
        self.phase = Phase::Waiting { until, status: exit.status() };
        Decision::Wait { until, attempt: self.in_a_row }
    }

    /// How long to wait after the crash that was the last in a row. Jitter is only ever added.
    fn delay(&self, jitter: f64) -> Duration {
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
        let jitter = if jitter.is_nan() { 0.0 } else { jitter.clamp(0.0, 1.0) };
        delay + delay.mul_f64(limits.jitter * jitter)
    }

    fn launch(&mut self, look: Look, status: u8) -> Decision {
        if look.held {
            return self.finish(status, Why::Held);
        }
        if let Some(server) = &mut self.server {
            let launch = Launch::Server { goes_on: server.next() };
            self.phase = Phase::Launched { launch: Some(launch.clone()), started: None, up: false };
            return Decision::Launch(launch);
        }
        let launch = match self.conversation.clone() {
            None => Ok(Launch::AsChosen),
            Some(id) => match look.transcript {
                Transcript::Present => Ok(Launch::Resume(id)),
                Transcript::NeverThere => Ok(Launch::SessionId(id)),
                Transcript::Gone => Err(Lost::Gone),
                Transcript::Unusable => Err(Lost::Unusable),
            },
        };
        // What was refused is tried in another way, if there is one by now, but not again in the same.
        let refused = self.refused.take();
        let launch = launch.and_then(|launch| match refused {
            Some(refused) if refused == launch => Err(Lost::Refused),
            _ => Ok(launch),
        });
        let launch = match (launch, &self.conversation) {
            (Ok(launch), _) => launch,
            (Err(lost), Some(id)) if !self.replaced => {
                self.replaced = true;
                Launch::Fresh { id: look.fresh.to_string(), instead_of: id.clone(), lost }
            }
            (Err(lost), _) => return self.finish(status, Why::Lost(lost)),
        };
        if let Launch::Fresh { id, .. } = &launch {
            self.conversation = Some(id.clone());
        }
        self.phase = Phase::Launched { launch: Some(launch.clone()), started: None, up: false };
        Decision::Launch(launch)
    }

    fn finish(&mut self, status: u8, why: Why) -> Decision {
        self.phase = Phase::Finished;
        Decision::Finish { status, why }
    }
}

impl Launch {
    /// The conversation that it opens; nothing where that is not known.
    pub fn id(&self) -> Option<&str> {
        match self {
            Self::Resume(id) | Self::SessionId(id) | Self::Fresh { id, .. } => Some(id),
            Self::AsChosen | Self::Server { .. } => None,
        }
    }
}

mod server;
#[cfg(test)]
mod tests;
