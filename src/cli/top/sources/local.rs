//! The sources of this machine, in a thread of their own: reading the disk and asking hosts never holds up the view.

use std::io;
use std::path::PathBuf;
use std::thread;
use std::time::Instant;

use tokio::sync::mpsc::Sender;

use super::control::{Command, Commands, Control, pair};
use super::json_row::row_of;
use crate::cli::list;
use crate::cli::list::pace::UpdatePace;
use crate::cli::list::tracker::{Depth, SessionTracker};
use crate::cli::top::event::{Event, Update};
use crate::cli::top::row::{Row, Source};
use crate::os::poll::{Interest, Poll, Token};
use crate::paths;
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
        let Command::GoOn { all, .. } = self.commands.take() else { return Ok(()) };
        let mut tracker = SessionTracker::new(all)?;
        tracker.update(Depth::Records)?;
        self.send_sessions(&tracker)?;
        if tracker.update(Depth::Everything)? {
            self.send_sessions(&tracker)?;
        }
        let mut pace = UpdatePace::default();
        pace.note_sent(Instant::now(), 0);
        loop {
            match self.wait(&mut tracker, &mut pace)? {
                Command::End => return Ok(()),
                Command::GoOn { refresh, all } => {
                    tracker.set_all(all);
                    if refresh {
                        tracker.read_all_again();
                    }
                }
            }
            if tracker.update(Depth::Everything)? {
                self.send_sessions(&tracker)?;
                pace.note_sent(Instant::now(), 0);
            }
        }
    }

    /// Waits until something is to be read again.
    fn wait(&self, tracker: &mut SessionTracker, pace: &mut UpdatePace) -> Result<Command, UserError> {
        let mut poll = Poll::default();
        loop {
            poll.clear();
            let commands = poll.add(&self.commands, Interest::Reading);
            // While a change waits to be told, others may join it.
            let changes: Vec<Token> = match pace.deadline() {
                None => tracker.add_to(&mut poll),
                Some(_) => Vec::new(),
            };
            let until = pace.deadline().or_else(|| tracker.deadline());
            let time = until.map(|until| until.saturating_duration_since(Instant::now()));
            poll.wait(time).map_err(files::cannot_wait)?;
            let now = Instant::now();
            if poll.is_ready(commands) || pace.take_due(now) {
                return Ok(self.commands.take());
            }
            let is_changed = changes.iter().any(|token| poll.is_ready(*token));
            if is_changed || tracker.deadline().is_some_and(|at| at <= now) {
                pace.note_change(now);
            }
        }
    }

    fn send_sessions(&self, tracker: &SessionTracker) -> Result<(), Stop> {
        let lines = tracker.lines();
        let rows = lines.iter().filter_map(|line| row_of(&Source::Here, line, self.home.as_deref()));
        self.send(Update::Rows(Source::Here, rows.collect()))
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
