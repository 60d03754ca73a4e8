//! What a client does whose host was killed.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::Client;
use super::complain;
use super::host_hung::HostWish;
use crate::claude::transcript::TranscriptOnDisk;
use crate::client::launch::{EnvironmentFrom, HostLaunch};
use crate::escape::escape;
use crate::os::exit::Exit;
use crate::os::io as nonblocking;
use crate::os::io::Transfer;
use crate::os::process;
use crate::paths;
use crate::registry;
use crate::registry::environment::revival::By;
use crate::registry::record;
use crate::registry::record::{Record, SessionKind, SessionState};
use crate::registry::stop_marker;
use crate::registry::stop_marker::StopRequest;
use crate::registry::{last_claude, recovery};
use crate::update::marker::Swap;
use crate::update::trial;
use crate::user_error;

/// A host that is killed again so soon is not replaced: something is wrong that another one does not mend.
const BETWEEN_REVIVALS: Duration = Duration::from_secs(10);
/// How long a terminal that takes nothing may hold up the end when the host is gone.
const TERMINAL_WRITE_TIMEOUT: Duration = Duration::from_secs(1);
/// How long a host that has refused a session may take to end.
const HOST_END_TIMEOUT: Duration = Duration::from_secs(1);
/// How long a host that was killed may wait for its disk. Until then it has the session's lock.
const LAST_WRITE_TIMEOUT: Duration = Duration::from_secs(5);
const LAST_WRITE_POLL_INTERVAL: Duration = Duration::from_millis(5);

impl Client {
    /// The host was killed, and with it claude, which the kernel has sent SIGHUP: a new host brings the
    /// conversation back.
    ///
    /// Not where this client or the host was told to end. At a shutdown everything is, and a new host would
    /// keep the machine from going down.
    pub(super) fn host_lost(&mut self) -> Option<u8> {
        // First of all: this client may be killed a moment later. Most often the guard is there.
        self.terminal.guard();
        self.undo_modes();
        // Soon, for the claude that ends with its host removes its state file.
        let last_open = self.record().as_ref().and_then(last_claude::last_open);
        self.link.unanswered.forget();
        self.let_all_go();
        self.wait_for_last_write();
        let signal = self.signal_to_end();
        let known = || if signal.is_none() { self.write_known_record() } else { None };
        let record = self.record().or_else(known);
        if let Some(exit) =
            record.as_ref().filter(|record| record.ended_at.is_some()).and_then(|record| record.exit)
        {
            // It had nothing left to do but to say so.
            return Some(exit.status());
        }
        if let Some(status) = self.ended_by_request(signal) {
            return Some(status);
        }
        if let Some(swap) = self.early_end() {
            let (bad, good) = (swap.release, swap.previous);
            self.write_through(&format!(
                "\r\n\x1b[J[cckw: the hosts of cckw {bad} end at their start; {good} is installed again]\r\n"
            ));
            return Some(self.give_up());
        }
        let too_soon = self.revived.is_some_and(|at| at.elapsed() < BETWEEN_REVIVALS);
        // While this client was stopped somebody else has brought it back.
        let has_host = record.as_ref().is_some_and(Record::host_lives);
        if too_soon || has_host || !self.terminal.is_ours() {
            return Some(self.give_up());
        }
        let first = self.launch.take().filter(|_| !self.has_begun(record.as_ref()));
        let first =
            first.and_then(|launch| if record.is_some() { self.as_before(launch) } else { Some(launch) });
        let again = match (record, first) {
            // With its prompt, which a claude that comes back does not get again.
            (_, Some(launch)) => {
                self.write_through(
                    "\r\n\x1b[J[cckw: the process that starts claude was killed; another one starts it]\r\n",
                );
                launch
            }
            (Some(record), None) => {
                self.write_through("\r\n\x1b[J[cckw: the process that held this session was killed; its conversation is brought back]\r\n");
                let revival = record::directory(&self.session).and_then(|directory| {
                    HostLaunch::revival(&record, &directory, By::Client, EnvironmentFrom::Session)
                });
                match revival {
                    Ok(launch) => HostLaunch { last_open, ..launch },
                    Err(_) => return Some(self.give_up()),
                }
            }
            (None, None) => return Some(self.give_up()),
        };
        self.revived = Some(Instant::now());
        match self.start_again(again) {
            Ok(()) => None,
            Err(_) => Some(self.give_up()),
        }
    }

    /// Says of a program on trial that its host has ended. Gives what came back in its place, if that was one
    /// end too many.
    fn early_end(&self) -> Option<Swap> {
        let marked =
            record::directory(&self.session).ok().and_then(|directory| trial::host_ended_early(&directory));
        // Without a mark the host has not come so far.
        let unmarked = || if self.was_started { None } else { trial::host_did_not_come_up(self.link.pid()?) };
        marked.or_else(unmarked)
    }

    /// Waits until the host has ended with its last thread. Its sockets are closed before that, while the
    /// thread may wait for the disk; only then claude is hung up on, and the lock is free. Ends early where
    /// this client is told to end.
    fn wait_for_last_write(&mut self) {
        let until = Instant::now() + LAST_WRITE_TIMEOUT;
        while let Some(host) = self.link.pid()
            && !process::has_ended(host)
            && Instant::now() < until
            && self.signal_to_end().is_none()
        {
            std::thread::sleep(LAST_WRITE_POLL_INTERVAL);
        }
    }

    /// What to exit with where this client or the host was told to end, so that nothing is brought back.
    fn ended_by_request(&mut self, signal: Option<i32>) -> Option<u8> {
        let host_was_told = || {
            let directory = record::directory(&self.session).ok();
            // As claude would have ended: `cckw stop` ends it by SIGHUP first.
            Some(match directory.and_then(|directory| stop_marker::read(&directory))? {
                StopRequest::System => libc::SIGTERM,
                StopRequest::User => libc::SIGHUP,
            })
        };
        let number = signal.or_else(host_was_told)?;
        self.terminal.raw_mode().leave_raw();
        let began = self.has_begun(self.record().as_ref());
        if began && !self.hang_up.has_come() && !self.terminal.is_gone() {
            let name = self.record().map_or_else(|| self.session.to_string(), |record| record.plain_name());
            let id = &self.session.to_string()[..8];
            self.write_last(&format!(
                "\r\n\x1b[J[cckw: session {} was told to end; bring the conversation back with: cckw start {id}]\r\n",
                escape(&name)
            ));
        }
        Some(Exit::Signal(number).status())
    }

    /// The same start once more, with its prompt. Nothing where a claude has begun the conversation although
    /// its host was killed before it could say so: then that is brought back.
    fn as_before(&self, mut launch: HostLaunch) -> Option<HostLaunch> {
        if !launch.pinned {
            return Some(launch);
        }
        let id = self.session.to_string();
        match last_claude::left_behind(&id) {
            TranscriptOnDisk::Nothing => Some(launch),
            TranscriptOnDisk::Unusable(_) => {
                // Its file has no message, so claude neither resumes it nor begins it again.
                let fresh = OsString::from(Uuid::new_v4().to_string());
                let pinned = launch.args.iter_mut().filter(|arg| **arg == id.as_str());
                pinned.for_each(|arg| arg.clone_from(&fresh));
                launch.pinned = false;
                Some(launch)
            }
            TranscriptOnDisk::Conversation(_) | TranscriptOnDisk::Unknown => None,
        }
    }

    /// What is on disk of this session; also where somebody has damaged the record, and the host was killed
    /// before it could write another one.
    fn record(&self) -> Option<Record> {
        let directory = record::directory(&self.session).ok()?;
        let found = recovery::read(&directory).ok()?;
        if found.damage.is_some() && found.record.args.is_empty() && found.record.started_at == 0 {
            // Nothing says how it was started but what this client knows.
            let conversation = found.record.conversation.or_else(|| self.known.conversation.clone());
            return Some(Record { conversation, ..self.known.clone() });
        }
        Some(found.record)
    }

    /// Somebody has removed the session's directory, and the host was killed before it could make it anew.
    /// Claude was there, so the session is written down again as this client knows it. Gives its record.
    fn write_known_record(&self) -> Option<Record> {
        if !self.was_started {
            return None;
        }
        let directory = record::directory(&self.session).ok()?;
        paths::make_private(directory.parent()?).ok()?;
        paths::make_private(&directory).ok()?;
        self.known.write(&directory).ok()?;
        Some(self.known.clone())
    }

    /// Whether claude was there in this session. The record may not say so yet: it is written after claude
    /// was started.
    fn has_begun(&self, record: Option<&Record>) -> bool {
        let says_so = |record: &Record| {
            record.child_pid.is_some() || record.restarts > 0 || record.state != SessionState::Starting
        };
        self.was_started || record.is_some_and(says_so)
    }

    fn start_again(&mut self, launch: HostLaunch) -> io::Result<()> {
        let (socket, host) = launch.host().map_err(io::Error::other)?;
        self.link.replace(socket, host)?;
        self.terminal.raw_mode().set_host(self.link.number());
        self.input.host_is_gone();
        self.terminal.undo_later(String::new());
        let (size, original) = (self.terminal.size()?, self.terminal.raw_mode().original());
        launch.hand_over(self.link.channel_mut(), self.terminal.tty(), size, original)?;
        if !launch.revive {
            self.launch = Some(launch);
        }
        self.expect(HostWish::Start);
        Ok(())
    }

    /// Claude is to be started in the place of this process, because there can be no session. Gives the
    /// status to exit with where this client was told to end meanwhile.
    pub(super) fn go_without_session(&mut self, reason: String, status: u8) -> u8 {
        if let Some(number) = self.signal_to_end() {
            return Exit::Signal(number).status();
        }
        // Claude is not to be the parent of a process that it does not know.
        if let Some(host) = self.link.pid() {
            process::wait_for_child(host, HOST_END_TIMEOUT);
        }
        self.no_session = Some(reason);
        status
    }

    /// Writes to the terminal, which nobody else does while there is no host.
    pub(super) fn write_through(&self, text: &str) {
        let until = Instant::now() + TERMINAL_WRITE_TIMEOUT;
        let mut left = text.as_bytes();
        while !left.is_empty() && Instant::now() < until {
            match nonblocking::write(self.terminal.tty(), left) {
                Transfer::Moved(count) => left = &left[count..],
                Transfer::Blocked => std::thread::sleep(Duration::from_millis(10)),
                Transfer::Gone => break,
            }
        }
    }

    pub(super) fn undo_modes(&mut self) {
        let undo = self.terminal.take_undo();
        self.write_last(&undo);
        self.terminal.undo_later(String::new());
    }

    /// Without a host, and without another one. The status to exit with.
    pub(super) fn give_up(&mut self) -> u8 {
        let signal = self.signal_to_end();
        self.undo_modes();
        self.terminal.raw_mode().leave_raw();
        if let Some(status) = self.ended_by_request(signal) {
            return status;
        }
        let record = self.record();
        // Claude leaves the cursor in its input box. What it had drawn below would stand behind the words, and
        // be taken along with the command that they end with.
        self.write_through("\r\n\x1b[J");
        let error = if self.has_begun(record.as_ref()) {
            user_error::client::host_killed(&self.advice())
        } else if record.is_some() {
            // Whether claude was there for a moment, nobody can tell.
            user_error::client::host_killed_at_the_start()
        } else {
            user_error::client::host_killed_before_the_start()
        };
        complain(&error);
        error.exit_status()
    }

    /// What the user can do to have the conversation back.
    pub(super) fn advice(&self) -> String {
        if self.record().as_ref().is_some_and(Record::host_lives) {
            return format!(
                "it was brought back meanwhile: cckw attach {}",
                registry::word_within(&self.session)
            );
        }
        let Some(record) = self.record() else {
            return "bring the conversation back with: claude --continue".into();
        };
        if record.kind == SessionKind::Server {
            return "start it again with: claude remote-control".into();
        }
        let Some(id) = last_claude::conversation(&record) else {
            return "bring the conversation back with: claude --continue".into();
        };
        // Claude does not resume what has no message.
        if !last_claude::can_be_resumed(&record, &id) {
            let word = registry::word_within(&self.session);
            return format!(
                "bring the conversation back with: cckw start {word}; cckw attach {word} (claude --resume works once \
                 something was said in it)"
            );
        }
        let directory = PathBuf::from(OsString::from(record.cwd.clone()));
        let is_here = std::env::current_dir().is_ok_and(|here| here == directory);
        let place = if is_here { String::new() } else { format!(" (in {})", escape(&directory)) };
        format!("bring the conversation back with: claude --resume {id}{place}")
    }
}
