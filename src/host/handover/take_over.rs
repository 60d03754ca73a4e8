//! A program goes on in the process of a host that has executed it. If it cannot, it executes the one of before
//! back, once.

use std::io::{self, Write};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use super::document::{Document, MAX_DOCUMENT_BYTES};
use super::parts::Parts;
use super::trial::{REFUSAL_WORDS, TRIAL_WORDS};
use super::{HandOver, arguments};
use crate::config;
use crate::config::Config;
use crate::fault;
use crate::host::Host;
use crate::host::alerts::Alerts;
use crate::host::attachment_state::Attachment;
use crate::host::claude::Claude;
use crate::host::control_server::ControlServer;
use crate::host::files::SessionFiles;
use crate::host::host_signals::HOST_SIGNALS;
use crate::host::journal::Journal;
use crate::host::output::Output;
use crate::host::remote::Remote;
use crate::host::sending::Sending;
use crate::host::state_watch::StateWatch;
use crate::host::timers::Timer;
use crate::host::turn::TurnWatch;
use crate::host::turn_retry::FailedTurn;
use crate::os::fd_store::ReceivedFds;
use crate::os::file_watch::FileWatch;
use crate::os::memory_file;
use crate::os::own_program::called_program;
use crate::os::replace_program::{BlockedSignals, NextProgram, unblock_signals};
use crate::os::signal_pipe::SignalPipe;
use crate::os::{signals, umask};
use crate::protocol::Response;
use crate::registry::log_event::LogEvent;
use crate::registry::recovery_marker;
use crate::update::trial as update_trial;

/// `cckw host --try-hand-over`: reads a state from stdin, and says whether this program could go on with it.
/// Nothing is opened, and nothing is changed.
pub fn try_state() -> ExitCode {
    let stdin = io::stdin().as_fd().try_clone_to_owned();
    let outcome = stdin.map_err(|error| error.to_string()).and_then(|state| {
        let bytes = memory_file::read(state, MAX_DOCUMENT_BYTES).map_err(|error| error.to_string())?;
        read(&bytes)
    });
    let (words, status) = match outcome {
        Ok(_) => (format!("{TRIAL_WORDS}{}\n", env!("CARGO_PKG_VERSION")), ExitCode::SUCCESS),
        Err(reason) => (format!("{REFUSAL_WORDS}{reason}\n"), ExitCode::FAILURE),
    };
    match io::stdout().write_all(words.as_bytes()) {
        Ok(()) => status,
        Err(_) => ExitCode::FAILURE,
    }
}

/// What is needed to go on, before anything is opened.
fn read(bytes: &[u8]) -> Result<(Document, Parts, Config), String> {
    let document = Document::of(bytes)?;
    let parts = Parts::of(&document)?;
    let config = config::load().map_err(|error| error.to_string())?;
    Ok((document, parts, config))
}

/// Goes on with the state behind this descriptor, in the process of the program behind the other one.
pub fn go_on(state: RawFd, program: RawFd) -> ExitCode {
    // SAFETY: the program that has executed this one has left both open for it, and nothing else here owns
    // them.
    let state = unsafe { OwnedFd::from_raw_fd(state) };
    // SAFETY: as above.
    let program = unsafe { OwnedFd::from_raw_fd(program) };
    crate::os::fd_store::set_inherited(&[state.as_raw_fd(), program.as_raw_fd()], false);
    let _ = signals::ignore(nix::sys::signal::Signal::SIGHUP);
    let _ = signals::ignore(nix::sys::signal::Signal::SIGXFSZ);
    let Ok(bytes) = state.try_clone().and_then(|state| memory_file::read(state, MAX_DOCUMENT_BYTES)) else {
        return ExitCode::FAILURE;
    };
    drop(state);
    let taken = catch_unwind(AssertUnwindSafe(|| take_over(&bytes)));
    match taken.unwrap_or_else(|_| Err("it panicked when it had to go on".into())) {
        Ok((host, server)) => {
            drop(program);
            host.go_on(server);
            ExitCode::SUCCESS
        }
        Err(reason) => {
            go_back(&bytes, &program, &reason);
            ExitCode::FAILURE
        }
    }
}

/// Executes the program of before. Returns only if it has been executed back already, or that fails: then the
/// session is one that has lost its host.
fn go_back(bytes: &[u8], program: &OwnedFd, reason: &str) {
    // Also of a form that this program does not know.
    let Ok(serde_json::Value::Object(mut document)) = serde_json::from_slice(bytes) else { return };
    if document.get("returned").is_some_and(|returned| !returned.is_null()) {
        return;
    }
    document.insert("returned".into(), reason.into());
    let fds = document.get("fds").and_then(|fds| serde_json::from_value(fds.clone()).ok());
    let mut kept: Vec<RawFd> = fds.unwrap_or_default();
    let bytes = serde_json::to_vec(&document).unwrap_or_default();
    let Ok(state) = memory_file::with(&bytes) else { return };
    let Ok(blocked) = BlockedSignals::all() else { return };
    kept.extend([state.as_raw_fd(), program.as_raw_fd()]);
    blocked.replace(&NextProgram::Open(program), &arguments(state.as_raw_fd(), program.as_raw_fd()), &kept);
}

/// Puts the host together.
fn take_over(bytes: &[u8]) -> Result<(Host, ControlServer), String> {
    let said = |error: io::Error| error.to_string();
    let (document, parts, config) = read(bytes)?;
    fault::gate("take-over");
    fault::point("taken-over");
    if fault::is_set("take-over-fails") && document.returned.is_none() {
        return Err("a test wants it so".into());
    }
    umask::take_over(document.umask);
    let fds = ReceivedFds::new(document.fds.clone());
    let signals = SignalPipe::install(&HOST_SIGNALS).map_err(said)?;
    let directory = PathBuf::from(std::ffi::OsString::from(parts.directory));
    let attachment = Attachment::take_over(parts.attachment, &fds, &config).map_err(said)?;
    let mut output = Output::take_over(parts.output, parts.modes, parts.screen, &fds).map_err(said)?;
    output.stall_after = config.stall_after;
    let mut file_watch = FileWatch::open();
    let files = SessionFiles::take_over(parts.files, &mut file_watch, &directory, config.records.keep, &fds)
        .map_err(said)?;
    let (journal, events) = Journal::new(&directory, Some(files.lock().as_fd())).map_err(said)?;
    let server = parts.server.ok_or("it is the state of a trial")?;
    let child = parts.claude.pid();
    // Dropped, the two remove what others find the session and its agent by. So nothing may fail behind them.
    let claude = Claude::take_over(parts.claude, &fds, &config).map_err(said)?;
    let server = match ControlServer::take_over(server, &fds) {
        Ok(server) => server,
        Err(error) => {
            std::mem::forget(claude);
            return Err(error.to_string());
        }
    };
    let watch = StateWatch::taken_over(&mut file_watch, child, parts.state_file_was_removed);
    let failed_turn = FailedTurn::take_over(parts.failed_turn, &mut file_watch, &config.turn);
    // One that was executed back is known by the path of before.
    let own = if document.returned.is_none() { parts.program } else { parts.own_program };
    let own = own.or_else(|| Some(called_program().ok()?.as_path().into()));
    let mut record = parts.record;
    record.host_program.clone_from(&own);
    let own = own.map(|path| PathBuf::from(std::ffi::OsString::from(path)));
    let mut host = Host {
        record,
        journal,
        directory,
        events,
        timers: parts.timers,
        claude,
        attachment,
        output,
        signals,
        file_watch,
        watch,
        files,
        transcript: parts.transcript,
        turn: TurnWatch::take_over(parts.turn),
        typing: parts.typing,
        start_question: parts.start_question,
        remote: Remote::take_over(parts.remote, &config.remote_control),
        sending: Sending::take_over(parts.sending, config.remote_control.rest),
        system_stop: parts.system_stop,
        notices: parts.notices.given_by(config.notify.terminal),
        claude_name: parts.claude_name,
        alerts: Alerts::take_over(parts.alerts, &config.notify),
        continuation: parts.continuation.with_policy(&config.turn),
        failed_turn,
        handover: HandOver::known_as(own, config.update.hosts),
        frames: super::super::frames::Frames::default(),
    };
    host.is_taken_over(&document, parts.waiting);
    fds.close();
    Ok((host, server))
}

impl Host {
    /// Notes who goes on here, and who is to hear of it.
    fn is_taken_over(&mut self, document: &Document, waiting: Vec<uuid::Uuid>) {
        let version = env!("CARGO_PKG_VERSION").to_owned();
        self.handover.waiting = waiting;
        match &document.returned {
            Some(reason) => {
                self.handover.program = self.handover.own.clone().unwrap_or_default();
                self.hand_over_failed(reason);
            }
            None => {
                let from = document.program.clone();
                self.events.write(LogEvent::HandedOver { from, version: version.clone() });
                self.handover.answer = Some(Response::HandedOver { version, is_new: true });
            }
        }
    }

    /// Goes on where the other program has stopped.
    fn go_on(mut self, server: ControlServer) {
        unblock_signals();
        update_trial::host_started(&self.directory);
        if update_trial::file_of(&self.directory).is_some() {
            self.timers.set(Timer::Probation, Instant::now() + recovery_marker::PROBATION);
        }
        // Its state may have changed while nobody could be told.
        while let Some(change) = self.claude.poll_child() {
            self.child_changed(change);
        }
        self.program_has_changed();
        self.transcript_may_have_grown();
        self.save();
        self.serve(server);
    }
}
