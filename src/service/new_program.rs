//! The program of the service is replaced on disk, by an update or a package: the service goes on as the new one,
//! in its own process (execve). So its pid stays, and what has started it does not notice.
//!
//! The path is watched, so nothing is done while nothing happens. `decision.rs` says what is done and when. What
//! died during the exchange is found by the look with which each service begins.

mod decision;

use std::env;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::journal::say;
use crate::escape::escape;
use crate::os::file_watch::FileWatch;
use crate::os::own_program::{FileIdentity, ProgramFile, own_program};
use crate::os::replace_program::{BlockedSignals, NextProgram};
use crate::os::signal_pipe::SignalPipe;
use crate::registry::service_state::ServiceProgram;
use crate::update::candidate;
use decision::{Decision, Effect, Event, Seen};

/// What has come of it, where this program goes on.
pub enum Outcome {
    /// The service was told to end a moment before.
    ToldToEnd,
    /// The program on disk is not taken.
    Refused,
}

/// The program of this process, and the one that is to take its place.
pub struct NewProgram {
    own: Option<ServiceProgram>,
    watch: FileWatch<()>,
    decision: Decision<FileIdentity>,
    trial: Option<Trial>,
    /// Why what was found last is not taken.
    why: String,
    since: Instant,
}

impl NewProgram {
    /// Watches the path by which this process was started.
    pub fn watched() -> Self {
        let mut new = Self {
            own: own().ok(),
            watch: FileWatch::open(),
            decision: Decision::default(),
            trial: None,
            why: String::new(),
            since: Instant::now(),
        };
        new.look();
        new
    }

    /// The program of this process.
    pub fn own(&self) -> Option<&ServiceProgram> {
        self.own.as_ref()
    }

    /// What has something to read when something has happened.
    pub fn fds(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.watch.fd().into_iter().chain(self.trial.as_ref().map(|trial| trial.end.as_fd()))
    }

    /// How long there is nothing to do by itself.
    pub fn wait(&self) -> Option<Duration> {
        self.decision.deadline().map(|at| at.saturating_sub(self.since.elapsed()))
    }

    /// Why the program on disk is not taken, if it is not.
    pub fn refusal(&self) -> Option<&str> {
        self.decision.is_refused().then_some(&*self.why)
    }

    /// Goes on with what is under way. `is_quiet` is whether no other child of this process works. Returns if no
    /// other program goes on here.
    pub fn follow(&mut self, is_quiet: bool, signals: &mut SignalPipe) -> Option<Outcome> {
        if !self.watch.take().is_empty() {
            self.look();
        }
        if let Some(trial) = self.trial.take_if(|trial| trial.is_over()) {
            let outcome = trial.outcome();
            self.tell(Event::Tried(outcome.is_ok(), self.seen()));
            if let Err(why) = outcome {
                return Some(self.refuse(why));
            }
        }
        self.decision.deadline()?;
        if self.decision.is_ready() {
            // The path may lead somewhere else by now.
            self.tell(Event::Looked(self.seen()));
        }
        let passed = self.tell(Event::Passed);
        let effect = passed.or_else(|| if is_quiet { self.tell(Event::Quiet) } else { None })?;
        let path = self.own.as_ref()?.path();
        match effect {
            Effect::Try => match Trial::begin(path) {
                Ok(trial) => {
                    self.trial = Some(trial);
                    None
                }
                Err(error) => {
                    self.tell(Event::Tried(false, self.seen()));
                    Some(self.refuse(error.to_string()))
                }
            },
            Effect::Execute => {
                let Some(error) = execute(&path, signals) else { return Some(Outcome::ToldToEnd) };
                self.tell(Event::NotExecuted);
                Some(self.refuse(format!("it cannot be executed: {error}")))
            }
        }
    }

    fn refuse(&mut self, why: String) -> Outcome {
        let path = self.own.as_ref().map(ServiceProgram::path).unwrap_or_default();
        self.why = why;
        say(&format!(
            "the cckw at {} is another one by now. It is not taken: {}. The service goes on as cckw {}",
            escape(&path),
            escape(&self.why),
            env!("CARGO_PKG_VERSION"),
        ));
        Outcome::Refused
    }

    /// Watches all that the path leads through now, and then looks what stands there.
    fn look(&mut self) {
        let Some(own) = &self.own else { return };
        self.watch.unwatch_all(());
        self.watch.watch_path((), &own.path());
        self.tell(Event::Looked(self.seen()));
    }

    fn seen(&self) -> Seen<FileIdentity> {
        match self.own.as_ref().map(ServiceProgram::replacement) {
            Some(Ok(None)) => Seen::Own,
            Some(Ok(Some(file))) => Seen::Other(file),
            Some(Err(_)) | None => Seen::Nothing,
        }
    }

    fn tell(&mut self, event: Event<FileIdentity>) -> Option<Effect> {
        self.decision.handle(self.since.elapsed(), event)
    }
}

/// The program of this process, by the path with which it was started: a link that a package manager lets lead
/// to the next version, perhaps.
fn own() -> io::Result<ServiceProgram> {
    let found = ProgramFile::known_as(None)?;
    let named = env::args_os().next().map(PathBuf::from).filter(|path| path.is_absolute());
    let is_it = |path: &PathBuf| FileIdentity::at(path).is_ok_and(|file| file.is_same_file(found.identity()));
    let path = named.filter(is_it).unwrap_or_else(|| found.path().to_owned());
    Ok(ServiceProgram::new(&path, *found.identity()))
}

/// Executes the program at this path with the words of this one. Returns why that was not possible; nothing if
/// the service was told to end.
fn execute(path: &Path, signals: &mut SignalPipe) -> Option<io::Error> {
    let blocked = match BlockedSignals::all() {
        Ok(blocked) => blocked,
        Err(error) => return Some(error),
    };
    // What has come until now stands in the pipe of this program, which the next one does not read.
    if signals.pending().any(|number| number != libc::SIGCHLD) {
        return None;
    }
    let words: Vec<_> = env::args_os().collect();
    Some(blocked.replace(&NextProgram::At(path), &words, &[]))
}

/// A program that is tried. The service goes on with its work meanwhile.
struct Trial {
    /// Closed when it is over.
    end: UnixStream,
    thread: JoinHandle<Result<(), String>>,
}

impl Trial {
    fn begin(program: PathBuf) -> io::Result<Self> {
        let (end, other) = UnixStream::pair()?;
        end.set_nonblocking(true)?;
        let own = own_program()?;
        let thread = thread::Builder::new().name("trial".into()).spawn(move || {
            let works = candidate::works(&program, &own).map_err(|why| why.to_string());
            drop(other);
            works
        })?;
        Ok(Self { end, thread })
    }

    fn is_over(&self) -> bool {
        matches!(io::Read::read(&mut &self.end, &mut [0]), Ok(0))
    }

    fn outcome(self) -> Result<(), String> {
        self.thread.join().unwrap_or_else(|_| Err("the trial has failed".into()))
    }
}
