//! `cckw service run`: the loop. One process for a user and a state directory.
//!
//! It waits in one poll for the pipe into which hosts write when they begin, for the ends of the hosts, for
//! signals, and for the removal of its own files. At rest there is no timer.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::unistd::{Pid, getppid};
use uuid::Uuid;

use super::healer::{Effect, Event, Healer, Process};
use super::journal::say;
use super::new_program::{NewProgram, Outcome};
use super::standing;
use super::updates::Updates;
use crate::config;
use crate::os::file_watch::FileWatch;
use crate::os::own_program::{called_program, own_program};
use crate::os::poll::{Interest, Poll};
use crate::os::process;
use crate::os::process_end::ProcessEnd;
use crate::os::replace_program::unblock_signals;
use crate::os::signal_pipe::SignalPipe;
use crate::os::umask;
use crate::paths;
use crate::registry;
use crate::registry::event_log::EventLog;
use crate::registry::log_event::LogEvent;
use crate::registry::record;
use crate::registry::recovery_marker;
use crate::registry::service_bell;
use crate::registry::service_bell::{Bell, Rung};
use crate::registry::service_state::{Moment, ServiceLock, ServiceState};
use crate::update::trial;
use crate::user_error::{UserError, files, service};

/// What ends the service, and what says that a child has ended.
const SIGNALS: [i32; 4] = [libc::SIGTERM, libc::SIGINT, libc::SIGHUP, libc::SIGCHLD];

/// How long the wait is after an error of the system's, which is out of memory at worst.
const ERROR_PAUSE: Duration = Duration::from_millis(100);

/// How often its own files are made anew at once, where somebody removes them again and again.
const MOST_REPAIRS: u32 = 3;

/// The variable by which systemd tells what runs below a user manager which one that is.
const MANAGER_PID: &str = "MANAGERPID";

/// When this process starts a service, or installs one.
pub fn moment() -> Moment {
    Moment {
        boot: process::boot(),
        boot_before: registry::boot_before(),
        manager: manager(),
        now: record::now(),
    }
}

/// The user manager that has started this process.
fn manager() -> Option<String> {
    let pid: i32 = std::env::var(MANAGER_PID).ok()?.parse().ok()?;
    let pid = Some(Pid::from_raw(pid)).filter(|pid| *pid == getppid())?;
    Some(format!("{pid} {}", process::look_up(pid)?.start))
}

/// Runs the service until it is told to end.
///
/// # Errors
/// When another one runs, or it cannot wait for anything.
pub fn main() -> Result<(), UserError> {
    umask::make_private();
    let signals = SignalPipe::install(&SIGNALS).map_err(files::cannot_handle_signals)?;
    // A service of before that goes on as this one has blocked them.
    unblock_signals();
    let program = NewProgram::watched();
    let state = paths::state_dir()?;
    paths::make_private(&state)?;
    let lock = ServiceLock::take(&state).map_err(|error| cannot_write(&state, &error))?;
    let last = ServiceState::read(&state);
    let Some(_lock) = lock else { return Err(service::runs_already(last.map(|last| last.pid))) };
    let own = Pid::this();
    let known = ServiceState {
        pid: own.as_raw(),
        start: process::look_up(own).map(|own| own.start),
        since: record::now(),
        cckw: env!("CARGO_PKG_VERSION").into(),
        program: program.own().cloned(),
        ..ServiceState::at_start(last.as_ref(), &moment())
    };
    // Not written down, the sessions would come back again and again.
    known.write(&state).map_err(|error| cannot_write(&state, &error))?;
    if let Some(swap) = trial::service_started() {
        // The unit starts the program that came back.
        say(&format!("cckw {} ended too often, and {} is installed again", swap.release, swap.previous));
        return Ok(());
    }
    let bell = Bell::make(&state).map_err(|error| cannot_write(&state, &error))?;
    let mut service = Service {
        files: watch(&state),
        state,
        known,
        bell,
        signals,
        healer: Healer::default(),
        ends: BTreeMap::new(),
        revivals: BTreeMap::new(),
        since: Instant::now(),
        updates: Updates::new(),
        program,
    };
    service.look_at_all();
    service.check_files();
    service.run();
    Ok(())
}

fn cannot_write(state: &Path, error: &io::Error) -> UserError {
    files::unusable(state, error, paths::advice_for(error))
}

/// Has something to read when the service's files are removed or moved.
fn watch(state: &Path) -> FileWatch<()> {
    let mut watch = FileWatch::open();
    watch.watch_path((), &service_bell::path(state));
    watch
}

struct Service {
    state: PathBuf,
    known: ServiceState,
    bell: Bell,
    signals: SignalPipe,
    files: FileWatch<()>,
    healer: Healer,
    /// The ends of processes that are waited for.
    ends: BTreeMap<Uuid, ProcessEnd>,
    /// The processes that bring sessions back.
    revivals: BTreeMap<Uuid, Child>,
    since: Instant,
    updates: Updates,
    program: NewProgram,
}

impl Service {
    fn run(&mut self) {
        let mut poll = Poll::default();
        loop {
            poll.clear();
            let signals = poll.add(&self.signals, Interest::Reading);
            let bell = poll.add(&self.bell, Interest::Reading);
            let files = self.files.fd().map(|fd| poll.add(fd, Interest::Reading));
            let ends: Vec<_> =
                self.ends.iter().map(|(id, end)| (*id, poll.add(end, Interest::Reading))).collect();
            for fd in self.program.fds() {
                poll.add(fd, Interest::Reading);
            }
            let healing = self.healer.deadline().map(|at| at.saturating_sub(self.since.elapsed()));
            let deadline = healing.into_iter().chain(self.updates.wait()).chain(self.program.wait()).min();
            if poll.wait(deadline).is_err() {
                std::thread::sleep(ERROR_PAUSE);
                continue;
            }
            if poll.is_ready(signals) {
                let told = self.signals.pending().filter(|number| *number != libc::SIGCHLD).last();
                if let Some(number) = told {
                    say(&format!("the service ends, for it was told to (signal {number}); sessions go on"));
                    // What brings a session back goes on by itself.
                    trial::service_ends();
                    return;
                }
                self.take_note_of_revivals();
                self.updates.take_note();
            }
            self.updates.look_if_due();
            for (id, end) in ends {
                if poll.is_ready(end) {
                    self.ends.remove(&id);
                    self.tell(Event::Ended(id));
                }
            }
            if files.is_some_and(|files| poll.is_ready(files)) {
                self.check_files();
            }
            if poll.is_ready(bell) {
                match self.bell.take() {
                    Rung::Sessions(sessions) => sessions.into_iter().for_each(|id| self.look(id)),
                    Rung::TooMany => self.look_at_all(),
                }
            }
            let effects = self.healer.pass(self.since.elapsed());
            self.follow(effects);
            if self.goes_on_as_another() {
                trial::service_ends();
                return;
            }
        }
    }

    /// Goes on as the program that was installed meanwhile. Returns if there is none, or it is not taken; true if
    /// the service was told to end.
    fn goes_on_as_another(&mut self) -> bool {
        let is_quiet = self.revivals.is_empty() && self.updates.is_quiet();
        let outcome = self.program.follow(is_quiet, &mut self.signals);
        let not_taken = self.program.refusal();
        if self.known.not_taken.as_deref() != not_taken {
            self.known.not_taken = not_taken.map(Into::into);
            let _ = self.known.write(&self.state);
        }
        if outcome.is_some() {
            // A child may have ended, and its signal was taken from the pipe.
            self.take_note_of_revivals();
            self.updates.take_note();
        }
        matches!(outcome, Some(Outcome::ToldToEnd))
    }

    /// Somebody may have removed or moved the state directory, or what hosts write into.
    fn check_files(&mut self) {
        self.files.take();
        // Nobody tells of what is removed once more before it is watched.
        for _ in 0..MOST_REPAIRS {
            if self.bell.is_in_place(&self.state) {
                return;
            }
            // Where it cannot be made anew, the next change is waited for.
            let made =
                paths::make_private(&self.state).is_ok().then(|| Bell::make(&self.state).ok()).flatten();
            if let Some(bell) = made {
                self.bell = bell;
                let _ = self.known.write(&self.state);
            }
            self.files = watch(&self.state);
            self.look_at_all();
        }
    }

    fn look_at_all(&mut self) {
        for directory in registry::session_directories() {
            if let Some(id) = registry::session_of(&directory) {
                self.look(id);
            }
        }
    }

    fn look(&mut self, id: Uuid) {
        let on_hangup = config::load().unwrap_or_default().on_hangup;
        let standing = standing::of(&self.directory(id), &self.known, on_hangup);
        self.tell(Event::Stands(id, standing));
    }

    fn directory(&self, id: Uuid) -> PathBuf {
        self.state.join(id.to_string())
    }

    fn tell(&mut self, event: Event) {
        let effects = self.healer.handle(self.since.elapsed(), event);
        self.follow(effects);
    }

    fn follow(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Look(id) => self.look(id),
                Effect::Watch(id, process) => self.watch_end(id, &process),
                Effect::Revive(id) => self.revive(id),
                Effect::Abandon(id) => {
                    if let Some(revival) = self.revivals.get_mut(&id) {
                        let _ = revival.kill();
                    }
                }
                Effect::LeaveAlone(id) => self.leave_alone(id),
            }
        }
        self.ends.retain(|id, _| self.healer.watches(id));
    }

    fn watch_end(&mut self, id: Uuid, process: &Process) {
        match ProcessEnd::watch(Pid::from_raw(process.pid), &process.start) {
            Ok(Some(end)) => drop(self.ends.insert(id, end)),
            Ok(None) => self.tell(Event::Ended(id)),
            Err(error) => say(&format!("session {id}: its host cannot be watched: {error}")),
        }
    }

    fn revive(&mut self, id: Uuid) {
        let started = own_program().and_then(|program| {
            let mut command = Command::new(program);
            // Its hosts are known by the path of the service.
            command.arg0(called_program().unwrap_or_else(|_| "cckw".into()));
            // Not in a directory that a session could take for its own under another name.
            command.arg("revive").arg(id.to_string()).current_dir("/").stdin(Stdio::null()).spawn()
        });
        match started {
            Ok(child) => drop(self.revivals.insert(id, child)),
            Err(error) => {
                say(&format!("session {id} cannot be brought back: {error}"));
                self.tell(Event::RevivalOver(id));
            }
        }
    }

    fn take_note_of_revivals(&mut self) {
        let is_over = |child: &mut Child| !matches!(child.try_wait(), Ok(None));
        let over: Vec<Uuid> =
            self.revivals.iter_mut().filter_map(|(id, child)| is_over(child).then_some(*id)).collect();
        for id in over {
            self.revivals.remove(&id);
            self.tell(Event::RevivalOver(id));
        }
    }

    fn leave_alone(&mut self, id: Uuid) {
        let directory = self.directory(id);
        // So that no command tries it again.
        let _ = recovery_marker::give_up(&directory);
        let reason =
            "its host has died early each time, or did not come up; the service leaves it alone".to_owned();
        say(&format!("session {id}: {reason}"));
        EventLog::in_directory(&directory).write(LogEvent::NotTakenUp { reason });
    }
}
