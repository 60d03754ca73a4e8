//! Asking a session's host; and hosts that do not answer: what is said of them, and what helps.

use std::fmt;
use std::io;
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use nix::unistd::Pid;
use uuid::Uuid;

use super::control_socket;
use super::{Session, word_for};
use crate::os::poll::Poll;
use crate::os::process::Process;
use crate::os::{activity, descriptors, process, socket};
use crate::protocol::{Channel, ReceivedMessage, Request, Response, lacks_descriptors};
use crate::registry::lock::Lock;
use crate::user_error::{UserError, host};

/// How long a host may take to answer.
const HOST_ANSWER_TIMEOUT: Duration = Duration::from_secs(4);

/// How long a hand-over may take until it is known what came of it: a host bounds each of its steps by itself.
pub const HAND_OVER_TIMEOUT: Duration = Duration::from_secs(45);

/// How long what a session is called may be looked up where the disk may hang.
const WORD_TIMEOUT: Duration = Duration::from_millis(500);

/// How long all hosts together may take to answer where it is only looked whether they do.
const LOOK_TIMEOUT: Duration = Duration::from_secs(1);
/// How often one is tried again that has no room for a connection.
const RETRY_INTERVAL: Duration = Duration::from_millis(20);

/// How long a process has to wait for a disk without running once, to count as held by it. One that runs waits
/// for a disk again and again for a moment, on a busy machine above all.
const HELD_TIME: Duration = Duration::from_millis(300);

/// A host that has not answered in time, or that cannot because it is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SilentHost {
    pid: Option<Pid>,
    why: SilenceReason,
}

/// What its process does instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SilenceReason {
    Stopped,
    /// It waits for a disk or another machine, and no signal reaches it.
    WaitsForDisk,
    /// It can accept no connection, for it may open no more files. The session itself goes on.
    LacksDescriptors,
    /// Nothing is known.
    Unknown,
}

impl SilentHost {
    /// Looks what state its process is in. Takes a moment longer where that seems to wait for a disk.
    pub fn new(pid: Option<Pid>) -> Self {
        Self::look(pid, || std::thread::sleep(HELD_TIME))
    }

    /// `pause` lets some time pass.
    fn look(pid: Option<Pid>, pause: impl FnOnce()) -> Self {
        let why = match pid.and_then(process::look_up) {
            Some(Process { stopped: true, .. }) => SilenceReason::Stopped,
            Some(Process { waits_for_disk: true, .. }) if pid.is_some_and(|pid| stays_held(pid, pause)) => {
                SilenceReason::WaitsForDisk
            }
            Some(_) if pid.is_some_and(descriptors::are_used_up) => SilenceReason::LacksDescriptors,
            _ => SilenceReason::Unknown,
        };
        Self { pid, why }
    }

    /// Whether its process cannot run at all: it is stopped, or waits for a disk.
    pub fn is_held(&self) -> bool {
        matches!(self.why, SilenceReason::Stopped | SilenceReason::WaitsForDisk)
    }

    /// The host of a session, if it is known not to answer: it was asked ([`silent_hosts`]), or its process
    /// is stopped. Nobody is asked here, so that no host is woken up.
    pub fn known(session: &Session) -> Option<Self> {
        session.silent.or_else(|| Self::stopped(session))
    }

    /// The host of a session, if it cannot answer because its process is stopped.
    fn stopped(session: &Session) -> Option<Self> {
        if !session.has_host() {
            return None;
        }
        // A record of a host that was killed names another process by now, or none.
        let host = Self::new(recorded_host(session));
        (host.why == SilenceReason::Stopped && Lock::is_held(&session.directory)).then_some(host)
    }

    /// The host of a session, if it does not answer within a second.
    pub fn ask(session: &Session) -> Option<Self> {
        silent_hosts(&[session]).pop().flatten()
    }
}

/// The process of a session's host, as the record has it, if it still is that one: the user is told its pid,
/// and how to end it.
fn recorded_host(session: &Session) -> Option<Pid> {
    session.record.host_lives().then(|| Pid::from_raw(session.record.host_pid))
}

/// Whether a process that waits for a disk still does after the pause, and has not run meanwhile.
fn stays_held(pid: Pid, pause: impl FnOnce()) -> bool {
    let ran = || activity::look_up(pid).map(|activity| activity.ran);
    let before = ran();
    pause();
    process::look_up(pid).is_some_and(|process| process.waits_for_disk) && ran() == before
}

impl From<SilentHost> for UserError {
    fn from(silent: SilentHost) -> Self {
        let Some(pid) = silent.pid.map(Pid::as_raw) else { return host::silent() };
        match silent.why {
            SilenceReason::Stopped => host::stopped(pid),
            SilenceReason::WaitsForDisk => host::waits_for_disk(pid),
            SilenceReason::LacksDescriptors => host::lacks_descriptors(pid),
            SilenceReason::Unknown => host::hangs(pid),
        }
    }
}

impl fmt::Display for SilentHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        UserError::from(*self).fmt(f)
    }
}

/// Which of these sessions have a host that does not answer, in their order. One that is stopped is known
/// without being asked. The others are asked all at once, and have a second for it together; where all is
/// well it takes as long as the slowest answer.
pub fn silent_hosts(sessions: &[&Session]) -> Vec<Option<SilentHost>> {
    let mut silent: Vec<_> = sessions.iter().map(|session| SilentHost::known(session)).collect();
    let to_ask: Vec<usize> =
        (0..sessions.len()).filter(|at| sessions[*at].is_running && silent[*at].is_none()).collect();
    let sockets: Vec<PathBuf> =
        to_ask.iter().map(|at| control_socket::of(&sessions[*at].directory, &sessions[*at].record)).collect();
    for (nth, pid) in mute(&sockets, LOOK_TIMEOUT) {
        let at = to_ask[nth];
        silent[at] = Some(SilentHost::new(pid.or_else(|| recorded_host(sessions[at]))));
    }
    silent
}

/// Notes in the sessions whose hosts do not answer.
pub fn note_silent_hosts(sessions: &mut [Session]) {
    let silent = silent_hosts(&sessions.iter().collect::<Vec<_>>());
    for (session, silent) in sessions.iter_mut().zip(silent) {
        session.silent = silent;
    }
}

/// Which of these sockets give no answer in this time, and which process listens there, where that is known.
/// A socket at which nobody listens any more is none of them: its host has gone.
fn mute(sockets: &[PathBuf], timeout: Duration) -> Vec<(usize, Option<Pid>)> {
    let until = Instant::now() + timeout;
    let mut waiting: Vec<usize> = (0..sockets.len()).collect();
    let mut pending: Vec<(usize, Channel)> = Vec::new();
    let mut poll = Poll::default();
    loop {
        let mut is_full = false;
        waiting.retain(|at| {
            if is_full {
                return true;
            }
            match socket::connect_to_own_at_once(&sockets[*at]).and_then(Channel::new) {
                Ok(mut channel) => {
                    channel.send(&Request::Ping, vec![]);
                    pending.push((*at, channel));
                    false
                }
                // It has no room for a connection more.
                Err(error) if error.kind() == io::ErrorKind::TimedOut => true,
                // This process has none: those that have answered make room.
                Err(error) if lacks_descriptors(&error) => {
                    is_full = true;
                    true
                }
                Err(_) => false,
            }
        });
        if pending.is_empty() && (waiting.is_empty() || is_full) {
            return Vec::new();
        }
        let left = until.saturating_duration_since(Instant::now());
        poll.clear();
        let tokens: Vec<_> =
            pending.iter().map(|(_, channel)| poll.add(channel, channel.interest())).collect();
        let time = if waiting.is_empty() { left } else { left.min(RETRY_INTERVAL) };
        if poll.wait(Some(time)).is_err() {
            return Vec::new();
        }
        let mut tokens = tokens.into_iter();
        pending.retain_mut(|(_, channel)| {
            let is_ready = tokens.next().is_some_and(|place| poll.is_ready(place));
            // Whatever it says or does, it is there.
            !is_ready || matches!(channel.receive::<Response>(), Ok(ReceivedMessage::Nothing))
        });
        if left.is_zero() {
            // Those that could not be asked for want of a descriptor are not known.
            let busy = waiting.into_iter().filter(|_| !is_full).map(|at| (at, None));
            let silent = pending.iter().map(|(at, channel)| (*at, channel.peer_process()));
            return silent.chain(busy).collect();
        }
    }
}

/// Why there is no answer to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoAnswer {
    Gone,
    /// It has not answered in time. What was asked for is not done later either.
    Silent(SilentHost),
}

impl From<NoAnswer> for UserError {
    fn from(error: NoAnswer) -> Self {
        match error {
            NoAnswer::Gone => host::gone(),
            NoAnswer::Silent(silent) => silent.into(),
        }
    }
}

impl fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        UserError::from(*self).fmt(f)
    }
}

impl std::error::Error for NoAnswer {}

/// Asks a session's host.
///
/// # Errors
/// When it is gone, or does not answer in time. Then what was asked for is not done later either: the host
/// sees that nobody waits for it.
pub fn ask(session: &Session, request: &Request) -> Result<Response, NoAnswer> {
    ask_and_stay(session, request).map(|(answer, _)| answer)
}

/// The same, with the connection: it ends with the host.
///
/// # Errors
/// As [`ask`].
pub fn ask_and_stay(session: &Session, request: &Request) -> Result<(Response, Channel), NoAnswer> {
    ask_for(session, request, HOST_ANSWER_TIMEOUT)
}

/// As [`ask`], for what takes longer.
///
/// # Errors
/// As [`ask`].
pub fn ask_within(session: &Session, request: &Request, time: Duration) -> Result<Response, NoAnswer> {
    ask_for(session, request, time).map(|(answer, _)| answer)
}

fn ask_for(session: &Session, request: &Request, time: Duration) -> Result<(Response, Channel), NoAnswer> {
    let silent = |pid| NoAnswer::Silent(SilentHost::new(pid));
    let stream = match socket::connect_to_own(&control_socket::of(&session.directory, &session.record)) {
        Ok(stream) => stream,
        // Somebody listens who accepts no connection any more.
        Err(error) if error.kind() == io::ErrorKind::TimedOut => return Err(silent(recorded_host(session))),
        Err(_) => return Err(NoAnswer::Gone),
    };
    let peer = socket::peer_process(stream.as_fd());
    let mut channel = Channel::new(stream).map_err(|_| NoAnswer::Gone)?;
    channel.send(request, vec![]);
    match channel.wait_for::<Response>(Some(time)) {
        Ok(Some((answer, _))) => Ok((answer, channel)),
        Ok(None) if !channel.is_abandoned() => Err(silent(peer.or_else(|| recorded_host(session)))),
        _ => Err(NoAnswer::Gone),
    }
}

/// As [`word_for`], within half a second, for a moment when the disk may hang: then the beginning of the id.
pub fn word_within(session: &Uuid) -> String {
    let (sender, receiver) = mpsc::channel();
    let id = *session;
    let look_up = move || {
        // Should it wait for the disk when this process ends, that does not hold the terminal open.
        let _ = descriptors::unshare_in_this_thread(&[]);
        let _ = sender.send(word_for(&id));
    };
    let started = std::thread::Builder::new().spawn(look_up);
    let word = started.ok().and_then(|_| receiver.recv_timeout(WORD_TIMEOUT).ok());
    word.unwrap_or_else(|| session.to_string()[..8].to_owned())
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn all_are_asked_at_once_and_only_those_that_say_nothing_are_silent() {
        // Enough for those that answer, on a busy machine.
        const TIMEOUT: Duration = Duration::from_secs(2);
        let scratch = tempfile::tempdir().expect("a directory");
        let sockets: Vec<PathBuf> = (0..20).map(|nth| scratch.path().join(nth.to_string())).collect();
        let mut listeners = Vec::new();
        for (nth, socket) in sockets.iter().enumerate().filter(|(nth, _)| *nth != 7) {
            let listener = UnixListener::bind(socket).expect("binds");
            if nth % 2 == 0 {
                // Nobody accepts here.
                listeners.push(listener);
                continue;
            }
            std::thread::spawn(move || {
                let (stream, _) = listener.accept().expect("a connection");
                let mut channel = Channel::new(stream).expect("a channel");
                let request = channel.wait_for::<Request>(Some(Duration::from_secs(20)));
                assert!(matches!(request, Ok(Some((Request::Ping, _)))), "{request:?}");
                match nth {
                    // An older host does not know the question, and another one ends.
                    1 => drop(channel.send(&Response::Refused { reason: "what?".into() }, vec![])),
                    3 => {}
                    _ => drop(channel.send(&Response::Done, vec![])),
                }
                channel.flush(Duration::from_secs(20));
            });
        }
        let begun = Instant::now();
        let mut silent = mute(&sockets, TIMEOUT);
        assert!(begun.elapsed() < TIMEOUT * 10, "{:?}", begun.elapsed());
        silent.sort_unstable_by_key(|(at, _)| *at);
        let ours = Some(Pid::this());
        assert_eq!(silent, (0..20).step_by(2).map(|at| (at, ours)).collect::<Vec<_>>());
    }

    /// A process in the state of one that waits for a disk, until somebody writes to the pipe: its child, which
    /// has to be another program before it goes on, cannot open its input.
    #[cfg(target_os = "linux")]
    fn held(pipe: &std::path::Path) -> std::process::Child {
        const SCRIPT: &str = "import os, sys
input = (os.POSIX_SPAWN_OPEN, 0, sys.argv[1], os.O_RDONLY, 0)
os.posix_spawn('/bin/true', ['true'], {}, file_actions=[input])
sys.stdin.read()";
        nix::unistd::mkfifo(pipe, nix::sys::stat::Mode::S_IRWXU).expect("a pipe");
        let mut command = std::process::Command::new("python3");
        command.args(["-c", SCRIPT]).arg(pipe).stdin(std::process::Stdio::piped());
        let child = command.spawn().expect("python3");
        let end = Instant::now() + Duration::from_secs(60);
        // Where it is seen in the moment in which it begins to wait, it has run between the two looks.
        while SilentHost::new(Some(pid_of(&child))).why != SilenceReason::WaitsForDisk {
            assert!(Instant::now() < end, "it never waits");
            std::thread::sleep(Duration::from_millis(5));
        }
        child
    }

    #[cfg(target_os = "linux")]
    fn pid_of(child: &std::process::Child) -> Pid {
        Pid::from_raw(i32::try_from(child.id()).expect("a pid"))
    }

    /// A host that was slow, and read a page of its program in that moment, was said to be held by a disk.
    #[cfg(target_os = "linux")]
    #[test]
    fn only_a_process_that_goes_on_waiting_for_a_disk_is_held_by_it() {
        let scratch = tempfile::tempdir().expect("a directory");
        let pipe = scratch.path().join("pipe");
        let mut child = held(&pipe);
        let pid = pid_of(&child);
        let goes_on = || {
            drop(std::fs::OpenOptions::new().write(true).open(&pipe).expect("a writer"));
            let end = Instant::now() + Duration::from_secs(60);
            while process::look_up(pid).is_some_and(|process| process.waits_for_disk) {
                assert!(Instant::now() < end, "it waits for ever");
                std::thread::sleep(Duration::from_millis(5));
            }
        };
        assert_eq!(SilentHost::look(Some(pid), goes_on).why, SilenceReason::Unknown);
        drop(child.stdin.take());
        assert!(child.wait().expect("ends").success());
    }

    #[test]
    fn the_advice_fits_what_the_process_does() {
        let said = |why| SilentHost { pid: Some(Pid::from_raw(7)), why }.to_string();
        assert!(said(SilenceReason::Stopped).contains("kill -CONT 7"));
        assert!(said(SilenceReason::WaitsForDisk).contains("when the disk or machine answers"));
        assert!(said(SilenceReason::LacksDescriptors).contains("prlimit --nofile=1024 --pid 7"));
        assert!(said(SilenceReason::Unknown).contains("kill -KILL 7"));
        assert_eq!(
            SilentHost { pid: None, why: SilenceReason::Unknown }.to_string(),
            "the session's host does not answer"
        );
    }
}
