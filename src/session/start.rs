//! From `cckw host` to a running session, or to a refusal before anything of claude was started.

mod asked;
mod place;

use std::ffi::OsString;
use std::fmt::Display;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use nix::unistd::{dup2_stdin, getpid, setsid};
use serde_json::json;

use self::asked::Asked;
use self::place::Place;
use super::environment::{Changes, Environment};
use super::events::{self, Events};
use super::host::Host;
use super::launcher::Launcher;
use super::output::Output;
use super::pty::{Child, Pty};
use super::record::{self, Kind, Record, State};
use super::remote::Remote;
use super::revive::{self, Lock};
use super::screen::Screen;
use super::server::Server;
use super::supervisor::{Launch, Supervisor};
use super::turn::Turn;
use super::watch::Wake;
use crate::claude::refused::refused;
use crate::claude::transcript::is_id;
use crate::config::{self, Restart};
use crate::control::{Channel, FromClient, FromHost, Start};
use crate::fleet::Holder;
use crate::platform::process;
use crate::platform::signal_pipe::SignalPipe;
use crate::platform::signals;
use crate::platform::tty::Attributes;
use crate::platform::umask;

/// `cckw host SESSION PROGRAM [ARGUMENT…]`, with the client's socket as stdin. Started by the client only.
pub fn main(args: Vec<OsString>) -> ExitCode {
    // The client has done this before exec; by hand it makes the host independent all the same.
    let _ = setsid();
    // It leads the session of the PTY that it opens. Closed again where claude cannot be started, that hangs up, and
    // would end this process before it has cleared away and said why.
    let _ = signals::ignore(nix::sys::signal::Signal::SIGHUP);
    umask::make_private();
    // Under `ulimit -f` a log that is full is one that cannot be written, and no reason to end.
    let _ = signals::ignore(nix::sys::signal::Signal::SIGXFSZ);
    let Some(client) = take_socket() else {
        eprintln!("cckw: 'host' is started by 'cckw claude', not by hand");
        return ExitCode::from(2);
    };
    serve(client, args);
    // Nothing is left that could be waited for; a thread of the file watcher must not hold the process.
    ExitCode::SUCCESS
}

/// Moves the socket away from stdin, which then reads as empty.
fn take_socket() -> Option<UnixStream> {
    let stdin = io::stdin();
    nix::sys::socket::getpeername::<nix::sys::socket::UnixAddr>(std::os::fd::AsRawFd::as_raw_fd(&stdin))
        .ok()?;
    let socket = stdin.as_fd().try_clone_to_owned().ok()?;
    let null = std::fs::File::open("/dev/null").ok()?;
    dup2_stdin(&null).ok()?;
    Some(UnixStream::from(socket))
}

/// How long a client may take to hear why it was refused.
const PATIENCE: Duration = Duration::from_secs(1);

/// What could not be done, and the status that the client exits with.
struct Refusal {
    reason: String,
    status: u8,
}

fn refuse(reason: impl Display) -> Refusal {
    Refusal { reason: reason.to_string(), status: 1 }
}

fn serve(socket: UnixStream, args: Vec<OsString>) {
    let Ok(mut client) = Channel::new(socket) else { return };
    let (start, fds) = match client.wait_for::<FromClient>(None) {
        Ok(Some((FromClient::Start(start), fds))) => (start, fds),
        // The client is gone, or is not one.
        _ => return,
    };
    let detached = start.detached;
    let lost = start.revive.then(|| asked::session(args.first()?)).flatten();
    match prepare(*start, fds, args) {
        Ok((prepared, server, master)) => {
            client.send(&FromHost::Started, vec![master]);
            // The client has read the same file a moment ago, and refused what is wrong with it.
            let config = config::load().unwrap_or_default();
            Host::new(prepared, Some(client).filter(|_| !detached), &config).run(server);
        }
        Err(Refusal { reason, status }) => {
            if let Some(directory) = lost.and_then(|session| record::directory(&session).ok()) {
                // Whoever has asked may be gone.
                Events::in_directory(&directory).write("not-taken-up", json!({ "reason": reason }));
            }
            client.send(&FromHost::Failed { reason, status }, vec![]);
            client.flush(PATIENCE);
        }
    }
}

/// A session whose claude has just been started.
pub(super) struct Prepared {
    pub(super) record: Record,
    pub(super) directory: PathBuf,
    pub(super) events: Events,
    pub(super) launcher: Launcher,
    pub(super) output: Output,
    pub(super) child: Child,
    pub(super) sigchld: SignalPipe,
    pub(super) wake: Wake,
    pub(super) attributes: Attributes,
    pub(super) supervisor: Supervisor,
    /// What was launched, where the session was another host's.
    pub(super) taken_up: Option<Launch>,
    pub(super) lock: Lock,
}

/// Everything that can be refused, in an order that leaves nothing half-started: claude comes last.
fn prepare(
    start: Start,
    fds: Vec<OwnedFd>,
    args: Vec<OsString>,
) -> Result<(Prepared, Server, OwnedFd), Refusal> {
    let mut asked = Asked::of(start, fds, args)?;
    let place = Place::take(&mut asked)?;
    let config = config::load().unwrap_or_default();
    let (mut record, mut supervisor) = begin(&asked, &place, config.restart)?;
    let taken_up = if asked.start.revive { Some(take_up(&mut supervisor, &record, &place)?) } else { None };
    let server = open(&asked, &place, &record)?;
    // Before the spawn, so that an end right after it is seen.
    let sigchld = SignalPipe::install(&[libc::SIGCHLD]).map_err(|error| place.refuse(error))?;
    let Asked { start, terminal, stderr, session, program, args, .. } = asked;
    let pty = Pty::open(start.size, &start.attributes).map_err(|error| {
        place.refuse(format!(
            "no PTY can be opened: {error}; end some programs that run in terminals, or raise kernel.pty.max"
        ))
    })?;
    // Nothing may fail once claude runs: a claude that was started and taken away again would be half-started.
    let for_client = pty.master.try_clone().map_err(|error| place.refuse(error))?;
    let wake = Wake::new().map_err(|error| place.refuse(error))?;
    let events = Events::in_directory(&place.directory);
    let environment = Environment::new(&place.runtime, &session, config.ssh_agent);
    let changes = if start.revive { later_environment(&environment, &events) } else { environment.changes() };
    let first_args: Vec<OsString> = record.args.iter().cloned().map(OsString::from).collect();
    let args = taken_up.as_ref().map_or(args, |launch| revive::arguments(&first_args, launch, &record));
    let directory = revive::directory(&record).filter(|_| start.revive);
    let launcher =
        Launcher { environment, program, args: first_args, stderr, signals: start.signals, size: start.size };
    let (master, child) =
        launcher.spawn(pty, &args, &session, directory.as_deref(), changes).map_err(|error| {
            let (reason, status) = refused(&launcher.program, &error);
            Refusal { status, ..place.refuse(reason) }
        })?;
    record.child_pid = Some(child.pid().as_raw());
    let prepared = Prepared {
        record,
        directory: place.directory,
        events,
        launcher,
        output: Output::new(master, terminal, Screen::new(start.size)),
        child,
        sigchld,
        wake,
        attributes: start.attributes,
        supervisor,
        taken_up,
        lock: place.lock,
    };
    Ok((prepared, server, for_client))
}

/// The session's record as it begins, or as it was left, and who decides about its launches.
fn begin(asked: &Asked, place: &Place, limits: Restart) -> Result<(Record, Supervisor), Refusal> {
    let start = &asked.start;
    let (mut record, mut supervisor) = if start.revive {
        let record = Record::read(&place.directory).map_err(|error| place.refuse(error))?;
        revive::wait_for_the_last_one(&record);
        let conversation = record.conversation.clone().filter(|id| is_id(id));
        (record, Supervisor::taken_up(limits, conversation))
    } else {
        let record = fresh(asked, place);
        let conversation = record.conversation.clone();
        (record, Supervisor::new(limits, conversation))
    };
    if record.kind == Kind::Server {
        supervisor = supervisor.of_server();
    }
    record.state = State::Starting;
    record.restart_pending = false;
    record.program = asked.program.as_path().into();
    record.host_pid = getpid().as_raw();
    record.client_pid = Some(start.client).filter(|_| !start.detached);
    record.boot = process::boot();
    record.socket = place.socket.as_path().into();
    (record.child_pid, record.claude_pid, record.ended_at, record.exit) = (None, None, None, None);
    Ok((record, supervisor))
}

/// What is launched first in a session whose host is gone.
fn take_up(supervisor: &mut Supervisor, record: &Record, place: &Place) -> Result<Launch, Refusal> {
    revive::launch(supervisor, record).map_err(|holder| {
        Events::in_directory(&place.directory).write("held", holder.details());
        place.refuse(holder.refusal())
    })
}

/// Makes sure that nobody else has the conversation, and lets others see who has it now: by the record and the socket.
fn open(asked: &Asked, place: &Place, record: &Record) -> Result<Server, Refusal> {
    let start = &asked.start;
    // A new id is nobody else's. Where it is another one, from here to the socket nobody else may come to have it.
    let chosen = if start.revive || !start.pinned { revive::conversation(record) } else { None };
    let _turn = chosen.is_some().then(|| Turn::take(&place.runtime));
    if let Some(holder) = chosen.and_then(|id| Holder::of(&id)) {
        if start.revive {
            Events::in_directory(&place.directory).write("held", holder.details());
        }
        return Err(place.refuse(holder.refusal()));
    }
    // Written before claude is there: a state directory that cannot be written is found out now.
    record
        .write(&place.directory)
        .map_err(|error| place.refuse(format!("{error}; make it writable, or set XDG_STATE_HOME")))?;
    Server::bind(&place.socket).map_err(|error| place.refuse(error))
}

/// What is changed in the environment of a launch that is not the session's first. What is left out is in the log.
pub(super) fn later_environment(environment: &Environment, events: &Events) -> Changes {
    let (changes, gone) = environment.later();
    if !gone.is_empty() {
        let gone: serde_json::Map<_, _> =
            gone.into_iter().map(|gone| (gone.name.to_owned(), gone.why.into())).collect();
        events.write("variables-dropped", gone.into());
    }
    changes
}

/// The record of a session that begins.
fn fresh(asked: &Asked, place: &Place) -> Record {
    let Asked { start, session, program, args, .. } = asked;
    let conversation = start.pinned.then(|| session.to_string());
    Record {
        session: *session,
        kind: if start.server { Kind::Server } else { Kind::Conversation },
        name: start.name.clone(),
        conversations: conversation.clone().into_iter().collect(),
        conversation,
        pinned: start.pinned,
        state: State::Starting,
        status: None,
        waiting_for: None,
        restart_pending: false,
        expired: None,
        remote: Remote::default(),
        program: program.as_path().into(),
        args: args.iter().map(|arg| arg.as_os_str().into()).collect(),
        cwd: place.cwd.as_path().into(),
        cwd_inode: revive::inode(&place.cwd),
        claude_cwd: None,
        boot: None,
        claude_version: None,
        host_pid: getpid().as_raw(),
        client_pid: Some(start.client),
        child_pid: None,
        claude_pid: None,
        claude_start: None,
        started_at: events::now(),
        ended_at: None,
        exit: None,
        restarts: 0,
        with_transcript: vec![],
        socket: Path::new("").into(),
    }
}
