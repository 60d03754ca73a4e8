//! The sources of this machine, in a thread of their own: reading the disk and asking hosts never holds up the view.

use std::io;
use std::path::PathBuf;
use std::thread;
use std::time::Instant;

use tokio::sync::mpsc::Sender;

use super::claudes::ClaudeTracker;
use super::control::{Command, Commands, Control, pair};
use super::json_row::row_of;
use crate::claude;
use crate::cli::list;
use crate::cli::list::pace::UpdatePace;
use crate::cli::list::tracker::{Depth, SessionTracker};
use crate::cli::top::event::{Event, Update};
use crate::cli::top::row::{Row, Source};
use crate::os::poll::{Interest, Poll, Token};
use crate::paths;
use crate::registry::record;
use crate::user_error::{UserError, files};

/// Starts the thread. It ends when the control is dropped, or nobody takes its events any more.
///
/// # Errors
/// When no thread or descriptor is left.
pub fn start(sender: Sender<Event>) -> io::Result<Control> {
    let (control, commands) = pair()?;
    let run = move || LocalSources { sender, commands, home: paths::home() }.run();
    thread::Builder::new().name("sources".into()).spawn(run)?;
    Ok(control)
}

struct LocalSources {
    sender: Sender<Event>,
    commands: Commands,
    home: Option<PathBuf>,
}

/// The claudes that are no sessions, with the rows that were sent last.
struct Claudes {
    tracker: ClaudeTracker,
    unwrapped: Vec<Row>,
    jobs: Vec<Row>,
}

impl Claudes {
    fn new(home: Option<PathBuf>) -> Result<Self, UserError> {
        Ok(Self {
            tracker: ClaudeTracker::new(claude::config_dir(), home)?,
            unwrapped: Vec::new(),
            jobs: Vec::new(),
        })
    }
}

/// Why following has ended.
enum Stop {
    /// Nobody wants the rows any more.
    Unwanted,
    Failed(UserError),
}

impl From<UserError> for Stop {
    fn from(error: UserError) -> Self {
        Self::Failed(error)
    }
}

impl LocalSources {
    fn run(self) {
        // What is wrong may be mended by then.
        while let Err(Stop::Failed(error)) = self.follow() {
            let told = self.tell_trouble(&error).and_then(|()| self.wait_for_refresh());
            if told.is_err() {
                return;
            }
        }
    }

    /// Sends the rows, and sends them again when they have changed.
    fn follow(&self) -> Result<(), Stop> {
        let Command::GoOn { mut all, .. } = self.commands.take() else { return Ok(()) };
        let mut sessions = SessionTracker::new(all)?;
        sessions.update(Depth::Records)?;
        self.send_sessions(&sessions)?;
        let mut claudes = Claudes::new(self.home.clone())?;
        let mut pace = UpdatePace::default();
        loop {
            if sessions.update(Depth::Everything)? {
                self.send_sessions(&sessions)?;
            }
            claudes.tracker.update(sessions.sessions())?;
            self.send_claudes(&mut claudes, all)?;
            pace.note_sent(Instant::now(), 0);
            match self.wait(&sessions, &claudes.tracker, &mut pace)? {
                Command::End => return Ok(()),
                Command::GoOn { refresh, all: is_all } => {
                    all = is_all;
                    sessions.set_all(all);
                    if refresh {
                        sessions.read_all_again();
                        claudes.tracker.read_all_again();
                    }
                }
            }
        }
    }

    /// Waits until something is to be read again.
    fn wait(
        &self,
        sessions: &SessionTracker,
        claudes: &ClaudeTracker,
        pace: &mut UpdatePace,
    ) -> Result<Command, UserError> {
        let mut poll = Poll::default();
        loop {
            poll.clear();
            let commands = poll.add(&self.commands, Interest::Reading);
            // While a change waits to be told, others may join it.
            let mut changes: Vec<Token> = Vec::new();
            if pace.deadline().is_none() {
                changes.extend(sessions.add_to(&mut poll));
                changes.extend(claudes.add_to(&mut poll));
            }
            let until = pace.deadline().or_else(|| sessions.deadline());
            let time = until.map(|until| until.saturating_duration_since(Instant::now()));
            poll.wait(time).map_err(files::cannot_wait)?;
            let now = Instant::now();
            if poll.is_ready(commands) || pace.take_due(now) {
                return Ok(self.commands.take());
            }
            let is_changed = changes.iter().any(|token| poll.is_ready(*token));
            if is_changed || sessions.deadline().is_some_and(|at| at <= now) {
                pace.note_change(now);
            }
        }
    }

    fn send_sessions(&self, sessions: &SessionTracker) -> Result<(), Stop> {
        let lines = sessions.lines();
        let rows = lines.iter().filter_map(|line| row_of(&Source::Here, line, self.home.as_deref()));
        self.send(Update::Rows(Source::Here, rows.collect()))
    }

    /// Sends the rows of the claudes that are no sessions, and of the jobs, if they have changed.
    fn send_claudes(&self, claudes: &mut Claudes, all: bool) -> Result<(), Stop> {
        let (unwrapped, jobs) = claudes.tracker.rows(all, record::now());
        for (source, rows, sent) in
            [(Source::Unwrapped, unwrapped, &mut claudes.unwrapped), (Source::Jobs, jobs, &mut claudes.jobs)]
        {
            if rows != *sent {
                sent.clone_from(&rows);
                self.send(Update::Rows(source, rows))?;
            }
        }
        Ok(())
    }

    fn send(&self, update: Update) -> Result<(), Stop> {
        self.sender.blocking_send(Event::Update(update)).map_err(|_| Stop::Unwanted)
    }

    /// Says why nothing can be followed, with the rows as they are now if they can be read.
    fn tell_trouble(&self, error: &UserError) -> Result<(), Stop> {
        if let Ok(lines) = list::lines(false) {
            let rows: Vec<Row> =
                lines.iter().filter_map(|line| row_of(&Source::Here, line, self.home.as_deref())).collect();
            self.send(Update::Rows(Source::Here, rows))?;
        }
        self.send(Update::Trouble(Source::Here, error.to_string()))
    }

    fn wait_for_refresh(&self) -> Result<(), Stop> {
        loop {
            let mut poll = Poll::default();
            poll.add(&self.commands, Interest::Reading);
            poll.wait(None).map_err(files::cannot_wait)?;
            match self.commands.take() {
                Command::End => return Err(Stop::Unwanted),
                Command::GoOn { refresh: true, .. } => return Ok(()),
                Command::GoOn { .. } => {}
            }
        }
    }
}
