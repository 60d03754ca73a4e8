//! From `cckw host` to a running session, or to a refusal before anything of claude was started.

mod attributes;
mod request;
mod scope;
mod session_paths;

use crate::host::claude::launch_choice;
use std::ffi::OsString;
use std::fmt::Display;
use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::unistd::{Pid, dup2_stdin, getpid, setsid};

use super::Host;
use super::broken_turn;
use super::broken_turn::{Continuation, TurnEvent};
use super::claude::launcher::Launcher;
use super::claude::pty::{Child, Pty};
use super::claude::supervisor::{ClaudeLaunch, Supervisor};
use super::control_server::ControlServer;
use super::host_signals::{HOST_SIGNALS, ends_host};
use super::job_stop::JobStop;
use super::journal::Journal;
use super::output::Output;
use crate::claude::exec_error::refused;
use crate::claude::transcript::is_id;
use crate::config;
use crate::config::Restart;
use crate::escape::escape;
use crate::fault;
use crate::os::exit::Exit;
use crate::os::own_program::called_program;
use crate::os::process;
use crate::os::signal_pipe::SignalPipe;
use crate::os::signals;
use crate::os::tty::Attributes;
use crate::os::umask;
use crate::paths;
use crate::protocol::{Channel, FromClient, FromHost, MINOR, Start};
use crate::registry::ConversationOwner;
use crate::registry::control_socket;
use crate::registry::environment::{Environment, Variables, recorded};
use crate::registry::event_log;
use crate::registry::event_log::EventLog;
use crate::registry::last_claude;
use crate::registry::lock::Lock;
use crate::registry::log_event::LogEvent;
use crate::registry::naming;
use crate::registry::next_conversation;
use crate::registry::open_lock::{NAME_LOCK_TIMEOUT, OPEN_LOCK_TIMEOUT, OpenLock};
use crate::registry::record;
use crate::registry::record::{Record, SessionKind, SessionState};
use crate::registry::recovery;
use crate::registry::recovery::RecoveredRecord;
use crate::registry::service_bell;
use crate::registry::stop_marker;
use crate::registry::stop_marker::StopRequest;
use crate::user_error::{host, session};
use crate::vt::screen::Screen;
use request::StartRequest;
use session_paths::SessionPaths;

/// `cckw host SESSION PROGRAM [ARGUMENT…]`, with the client's socket as stdin. Started by the client only.
pub fn main(args: Vec<OsString>) -> ExitCode {
    // The client has done this before exec; by hand it makes the host independent all the same.
    let _ = setsid();
    // It leads the session of the PTY that it opens. Closed again where claude cannot be started, that hangs
    // up, and would end this process before it has cleared away and said why.
    let _ = signals::ignore(nix::sys::signal::Signal::SIGHUP);
    umask::make_private();
    // Under `ulimit -f` a log that is full is one that cannot be written, and no reason to end.
    let _ = signals::ignore(nix::sys::signal::Signal::SIGXFSZ);
    // Before anything is started. SIGTERM asks the host to end the session; see `host/stopping.rs`.
    let signals = SignalPipe::install(&HOST_SIGNALS);
    let Some(client) = take_socket() else {
        let error = host::not_by_hand();
        let _ = writeln!(io::stderr(), "cckw: {error}");
        return ExitCode::from(error.exit_status());
    };
    match signals {
        Ok(signals) => serve(client, args, signals),
        Err(error) => {
            let reason = host::cannot_catch_signals(error).to_string();
            Channel::new(client).into_iter().for_each(|mut client| {
                let failed = FromHost::Failed { reason: reason.clone(), status: 1, claude_can_run: true };
                client.send(&failed, vec![]);
                client.flush(REFUSAL_READ_TIMEOUT);
            });
        }
    }
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
const REFUSAL_READ_TIMEOUT: Duration = Duration::from_secs(1);

/// What could not be done, and the status that the client exits with.
struct StartRefusal {
    reason: String,
    status: u8,
    /// Only what the session needs is missing. Claude itself can be started.
    claude_can_run: bool,
}

fn refuse(reason: impl Display) -> StartRefusal {
    StartRefusal { reason: reason.to_string(), status: 1, claude_can_run: false }
}

/// A refusal for a reason that does not concern claude: the session has no place for its files, or no PTY.
fn refuse_session(reason: impl Display) -> StartRefusal {
    StartRefusal { claude_can_run: true, ..refuse(reason) }
}

fn serve(socket: UnixStream, args: Vec<OsString>, signals: SignalPipe) {
    let Ok(mut client) = Channel::new(socket) else { return };
    let (start, fds) = match client.wait_for::<FromClient>(None) {
        Ok(Some((FromClient::Start(start), fds))) => (start, fds),
        // The client is gone, or is not one.
        _ => return,
    };
    fault::gate("start");
    fault::point("start-received");
    let mut start = start;
    // What the system says cannot be wrong. It says nothing of a process in another PID namespace.
    start.client = client.peer_process().map_or(start.client, Pid::as_raw);
    let detached = start.detached;
    let lost = start.revive.then(|| request::session(args.first()?)).flatten();
    // For a client that is killed in raw mode before there is a session.
    let terminal = fds.first().filter(|_| !detached).and_then(|terminal| terminal.try_clone().ok());
    let attributes = start.attributes.clone();
    match prepare(*start, fds, args, signals, &client) {
        Ok((mut prepared, server, master)) => {
            drop(terminal);
            client.send(&FromHost::Started { minor: MINOR }, vec![master]);
            fault::point("start-told");
            // The client has read the same file a moment ago, and refused what is wrong with it.
            let config = config::load().unwrap_or_default();
            let recovered = prepared.taken_up.take();
            let host = Host::new(prepared, Some(client).filter(|_| !detached), &config);
            host.run(server, recovered.as_ref());
        }
        Err(StartRefusal { reason, status, claude_can_run }) => {
            if let Some(directory) = lost.as_ref().and_then(|session| record::directory(session).ok()) {
                // Whoever has asked may be gone.
                EventLog::in_directory(&directory).write(LogEvent::NotTakenUp { reason: reason.clone() });
            }
            let claude_can_run = claude_can_run && lost.is_none();
            client.send(&FromHost::Failed { reason, status, claude_can_run }, vec![]);
            client.flush(REFUSAL_READ_TIMEOUT);
            if let Some(terminal) = terminal.filter(|_| client.is_abandoned()) {
                super::restore_terminal(&terminal, &attributes);
            }
        }
    }
}

/// A session whose claude has just been started.
pub(super) struct Prepared {
    pub(super) record: Record,
    pub(super) directory: PathBuf,
    pub(super) journal: Journal,
    pub(super) events: EventLog,
    pub(super) launcher: Launcher,
    pub(super) output: Output,
    pub(super) child: Child,
    /// SIGCHLD, and what asks the host to end.
    pub(super) signals: SignalPipe,
    pub(super) attributes: Attributes,
    pub(super) supervisor: Supervisor,
    /// What was launched, where the session was another host's.
    pub(super) taken_up: Option<Recovered>,
    /// Whether claude goes on with a turn that broke off.
    pub(super) continuation: Continuation,
    pub(super) lock: Lock,
}

/// A session that was another host's.
pub(super) struct Recovered {
    /// How claude was launched for it.
    pub(super) how: ClaudeLaunch,
    /// Its user has asked for it.
    pub(super) is_asked: bool,
    /// Claude was launched to go on with a turn that broke off.
    pub(super) goes_on: bool,
}

/// Everything that can be refused, in an order that leaves nothing half-started: claude comes last.
fn prepare(
    start: Start,
    fds: Vec<OwnedFd>,
    args: Vec<OsString>,
    mut signals: SignalPipe,
    client: &Channel,
) -> Result<(Prepared, ControlServer, OwnedFd), StartRefusal> {
    let mut request = StartRequest::of(start, fds, args)?;
    let place = SessionPaths::take(&mut request)?;
    fault::point("start-locked");
    let config = config::load().unwrap_or_default();
    let (mut record, mut supervisor) = begin(&request, &place, config.restart)?;
    let signal_state = attributes::choose(&request.start, &mut record);
    let mut turn = broken_turn::of_record(&config.turn, &record);
    // What the claude of before said of itself. Until here it tells whether a turn broke off.
    (record.status, record.waiting_for, record.asks_first) = (None, None, None);
    if request.start.continue_turn {
        turn.handle(TurnEvent::Asked);
    }
    let mut taken_up = if request.start.revive {
        let how = take_up(&mut supervisor, &record, &place, request.start.may_expire)?;
        Some(Recovered { how, is_asked: request.start.is_asked, goes_on: false })
    } else {
        None
    };
    let server = open(&request, &place, &mut record)?;
    service_bell::ring(&place.state, &request.session);
    fault::point("start-bound");
    let StartRequest { start, terminal, stderr, session, program, args, .. } = request;
    let pty = Pty::open(start.size, &start.attributes).map_err(|error| {
        place.refuse_session(format!(
            "no PTY can be opened: {error}; end some programs that run in terminals, or raise kernel.pty.max"
        ))
    })?;
    // Nothing may fail once claude runs: a claude that was started and taken away again would be
    // half-started.
    let for_client = pty.master.try_clone().map_err(|error| place.refuse_session(error))?;
    let lock = Some(place.lock.as_fd());
    let (mut journal, events) =
        Journal::new(&place.directory, lock).map_err(|error| place.refuse_session(error))?;
    let environment = Environment::new(&place.directory, &session, &config);
    if start.record_environment {
        match environment.record(&place.directory) {
            Ok(()) => {
                let directory = place.directory.clone();
                journal.run(move || drop(recorded::sync(&directory)));
            }
            // Of a session that was there before one is on disk already.
            Err(error) if start.revive => {
                events.write(LogEvent::EnvironmentNotRecorded { error: error.to_string() });
            }
            Err(error) => {
                return Err(place.refuse_session(format!("{error}; {}", paths::advice_for(&error))));
            }
        }
    }
    let mut variables =
        if start.revive { later_environment(&environment, &events) } else { environment.first() };
    if let Some(recovered) = &mut taken_up {
        recovered.goes_on = broken_turn::prepare_launch(&mut turn, recovered.how.resumes(), &mut variables);
    }
    let first_args: Vec<OsString> = record.args.iter().cloned().map(OsString::from).collect();
    let args = match &taken_up {
        Some(recovered) => launch_choice::arguments(&first_args, &recovered.how, &record),
        None => launch_choice::with_decided(args, &record),
    };
    let directory = last_claude::directory(&record).filter(|_| start.revive);
    let mut launcher = Launcher {
        environment,
        program,
        args: first_args,
        stderr,
        signals: signal_state,
        size: start.size,
        slave: None,
    };
    scope::choose(&place.state, &session, &events);
    if !start.revive && client.is_abandoned() {
        return Err(place.refuse("the client has given up this start"));
    }
    if let Some(number) = signals.pending().find(|number| ends_host(*number)) {
        let _ = stop_marker::set(&place.directory, StopRequest::System);
        let reason = "the system ends cckw (SIGTERM), so claude is not started";
        return Err(StartRefusal { status: Exit::Signal(number).status(), ..place.refuse(reason) });
    }
    let (master, child) =
        launcher.spawn(pty, &args, &session, directory.as_deref(), variables).map_err(|error| {
            let (reason, status) = refused(&launcher.program, &error);
            StartRefusal { status, ..place.refuse(reason) }
        })?;
    fault::point("start-spawned");
    record.child_pid = Some(child.pid().as_raw());
    let prepared = Prepared {
        record,
        directory: place.directory,
        journal,
        events,
        launcher,
        output: Output::new(master, Some(terminal), Screen::new(start.size)),
        child,
        signals,
        attributes: start.attributes,
        supervisor,
        taken_up,
        continuation: turn,
        lock: place.lock,
    };
    Ok((prepared, server, for_client))
}

/// The session's record as it begins, or as it was left, and who decides about its launches.
fn begin(
    request: &StartRequest,
    place: &SessionPaths,
    limits: Restart,
) -> Result<(Record, Supervisor), StartRefusal> {
    let start = &request.start;
    let (mut record, mut supervisor) = if start.revive {
        let mut record = take_record(place)?;
        let events = EventLog::in_directory(&place.directory);
        // First, for a claude that ends removes its state file.
        last_claude::follow_the_last_one(&mut record, start.last_open.clone(), &events);
        check_host(&record, place)?;
        last_claude::wait_for_the_last_one(&record, &events);
        if let Some(job) = record.background_job.take() {
            // Two of them would write into one conversation.
            let ended = JobStop::begin(&request.program, &job).wait();
            events.write(LogEvent::BackgroundJobEnded { job: Some(job.clone()), ended });
            last_claude::follow_job(&mut record, &job, &events);
        }
        let conversation = record.conversation.clone().filter(|id| is_id(id));
        (record, Supervisor::taken_up(limits, conversation))
    } else {
        let record = fresh(request, place);
        let conversation = record.conversation.clone();
        (record, Supervisor::new(limits, conversation))
    };
    if record.kind == SessionKind::Server {
        supervisor = supervisor.of_server();
    }
    record.state = SessionState::Starting;
    record.restart_pending = false;
    (record.state_file_removed, record.transcript_problem, record.also_open) = (false, None, None);
    (record.unwatched, record.state_file_unread, record.transcript_cut) = (false, false, false);
    record.given_up = None;
    record.last_words = vec![];
    record.program = request.program.as_path().into();
    record.version = record::RECORD_VERSION;
    record.host_pid = getpid().as_raw();
    record.host_start = process::look_up(getpid()).map(|host| host.start);
    record.host_program = start.called.clone().or_else(|| Some(called_program().ok()?.as_path().into()));
    record.set_client(Some(start.client).filter(|_| !start.detached));
    record.boot = process::boot();
    record.socket = control_socket::in_directory(&place.directory).as_path().into();
    record.directory = Some(place.directory.as_path().into());
    record.claude_dir = crate::claude::config_dir().map(|directory| directory.as_path().into());
    record.missing = None;
    (record.child_pid, record.claude_pid, record.ended_at, record.exit) = (None, None, None, None);
    Ok((record, supervisor))
}

/// The record of a session that is taken up. One that cannot be read is rebuilt; what it was is kept beside
/// it.
fn take_record(place: &SessionPaths) -> Result<Record, StartRefusal> {
    let RecoveredRecord { record, damage, .. } =
        recovery::read_to_write(&place.directory).map_err(|error| place.refuse(error))?;
    if damage.is_some() || record.version > record::RECORD_VERSION {
        let kept = recovery::keep_copy(&place.directory);
        let kept = kept.as_deref().map(|kept| escape(kept).to_string());
        EventLog::in_directory(&place.directory).write(LogEvent::RecordRebuilt {
            why: damage,
            version: record.version,
            kept,
        });
    }
    Ok(record)
}

/// How long the host that is to be replaced may take to be gone, after its lock has gone.
const OLD_HOST_TIMEOUT: Duration = Duration::from_secs(2);
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// Makes sure that the host of before is gone. Where it lives its lock was removed, and it makes that anew in
/// a moment: two hosts would each start a claude.
fn check_host(record: &Record, place: &SessionPaths) -> Result<(), StartRefusal> {
    let until = Instant::now() + OLD_HOST_TIMEOUT;
    while record.host_lives() {
        if Instant::now() >= until {
            return Err(place.refuse(format!(
                "the session's host (process {}) is alive, but its lock was removed; try again, or see: cckw list",
                record.host_pid
            )));
        }
        sleep(POLL_INTERVAL);
    }
    Ok(())
}

/// What is launched first in a session whose host is gone.
fn take_up(
    supervisor: &mut Supervisor,
    record: &Record,
    place: &SessionPaths,
    may_expire: bool,
) -> Result<ClaudeLaunch, StartRefusal> {
    let launch = launch_choice::launch(supervisor, record).map_err(|holder| {
        EventLog::in_directory(&place.directory).write(LogEvent::Held(holder.details()));
        place.refuse(holder.refusal())
    })?;
    if let ClaudeLaunch::Fresh { instead_of, .. } = &launch
        && !may_expire
    {
        return Err(leave_as_it_is(place, instead_of));
    }
    Ok(launch)
}

/// A command that has to do something else has brought the session back, and its conversation is not found.
/// Perhaps it is elsewhere, or its disk is not there at the moment: that is for the user to say.
fn leave_as_it_is(place: &SessionPaths, conversation: &str) -> StartRefusal {
    if let Ok(record) = Record::read(&place.directory) {
        let record = Record { missing: Some(conversation.to_owned()), ..record };
        // Without it the list says less, and the log says it all the same.
        let _ = record.write(&place.directory);
    }
    place.refuse(format!(
        "the conversation {conversation} was not found in {}, and was left as it is",
        crate::claude::config_dir().map_or_else(|| "~/.claude".into(), |dir| escape(&dir).to_string())
    ))
}

/// Makes sure that nobody else has the conversation, and lets others see who has it now: by the record and
/// the socket.
fn open(
    request: &StartRequest,
    place: &SessionPaths,
    record: &mut Record,
) -> Result<ControlServer, StartRefusal> {
    let start = &request.start;
    // From here to the socket nobody else may come to have the name, or the conversation, where that has not
    // got a new id; and what "the newest one" is stays as it is decided here.
    let chooses = start.revive || !start.pinned;
    let _turn = OpenLock::take(&place.state, if chooses { OPEN_LOCK_TIMEOUT } else { NAME_LOCK_TIMEOUT });
    let chosen = if chooses { next_conversation::candidates(record) } else { Vec::new() };
    if record.conversation.is_none() {
        record.opening.clone_from(&chosen);
    }
    if let Some(holder) = chosen.iter().find_map(|id| ConversationOwner::of(id, Some(&record.session))) {
        if start.revive {
            EventLog::in_directory(&place.directory).write(LogEvent::Held(holder.details()));
        }
        return Err(place.refuse(holder.refusal()));
    }
    if start.name_is_fixed && naming::is_taken(record) {
        return Err(place.refuse(session::name_is_taken(&record.plain_name())));
    }
    if naming::give(record) && start.revive {
        EventLog::in_directory(&place.directory).write(naming::renamed(record));
    }
    // Written before claude is there: a state directory that cannot be written is found out now.
    let write = |record: &Record| match record.write_unsynced(&place.directory) {
        // Of a session that was there before a record is on disk, and this one is written when the disk takes
        // it.
        Err(_) if start.revive => Ok(()),
        written => {
            let advice = paths::advice_for;
            written.map_err(|error| place.refuse_session(format!("{error}; {}", advice(&error))))
        }
    };
    write(record)?;
    fault::point("start-recorded");
    let server = ControlServer::bind(&place.directory, &request.session)
        .map_err(|error| place.refuse_session(error))?;
    let socket = server.path().into();
    if record.socket != socket {
        record.socket = socket;
        write(record)?;
    }
    Ok(server)
}

/// The environment of a launch that is not the session's first. What is left out is in the log.
pub(super) fn later_environment(environment: &Environment, events: &EventLog) -> Variables {
    let (variables, gone) = environment.later();
    if !gone.is_empty() {
        let gone = gone.into_iter().map(|gone| (gone.name, gone.why)).collect();
        events.write(LogEvent::VariablesDropped(gone));
    }
    variables
}

/// The record of a session that begins.
fn fresh(request: &StartRequest, place: &SessionPaths) -> Record {
    let StartRequest { start, session, program, args, .. } = request;
    let conversation = start.pinned.then(|| session.to_string());
    Record {
        kind: if start.server { SessionKind::Server } else { SessionKind::Conversation },
        name: start.name.clone(),
        conversations: conversation.clone().into_iter().collect(),
        conversation,
        pinned: start.pinned,
        program: program.as_path().into(),
        args: args.iter().map(|arg| arg.as_os_str().into()).collect(),
        cwd: place.cwd.as_path().into(),
        cwd_inode: last_claude::inode(&place.cwd),
        host_pid: getpid().as_raw(),
        client_pid: Some(start.client),
        started_at: event_log::now(),
        ..Record::of(*session)
    }
}
