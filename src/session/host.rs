//! The host's loop: every event of a session, in one place and one at a time.

mod child;
mod client;
mod doubts;
mod keep;
mod renew;
mod restart;
mod silent;
mod unsaved;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use nix::unistd::Pid;
use serde_json::json;

use self::child::Phase;
use self::client::Client;
use self::keep::Keep;
use self::unsaved::Unsaved;
use super::ending::Ending;
use super::events::Events;
use super::keeper::{Event, File};
use super::launcher::Launcher;
use super::notices::Notices;
use super::output::{Output, Turn};
use super::pty::Child;
use super::record::{Kind, Record, State};
use super::renewal::Renewal;
use super::revive::Lock;
use super::server::Server;
use super::stamp;
use super::start::Prepared;
use super::supervisor::{Launch, Supervisor};
use super::watch::StateWatch;
use crate::claude::live::Live;
use crate::claude::state_file::StateFile;
use crate::claude::transcript::is_id;
use crate::config::{Config, OnHangup};
#[cfg(debug_assertions)]
use crate::control::FromHost;
use crate::control::{Answer, Channel, Request};
use crate::fleet::Holder;
use crate::platform::descriptors;
use crate::platform::poll::{For, Place, Poll};
use crate::platform::signal_pipe::SignalPipe;
use crate::platform::tty::Attributes;

/// How long a terminal that takes nothing may hold up a suspension, or what is undone for a dead client.
const PATIENCE_WITH_TERMINAL: Duration = Duration::from_secs(1);

/// After a turn, how long claude may take to write it down. Seen: a tenth of a second.
const TRANSCRIPT_DELAY: Duration = Duration::from_secs(1);

/// How long after the state file could not be opened it is looked at again.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// So many bytes wait unread until somebody asks for the screen: a timer for each key that is echoed would cost more
/// than all the rest of its way.
const LITTLE: usize = 16 * 1024;
/// When no output has moved for so long, the screen model reads it: a frame of claude's is complete then.
const REST: Duration = Duration::from_millis(4);

/// One session.
pub struct Host {
    record: Record,
    /// Whether the record on disk is an older one.
    unsaved: Unsaved,
    /// When to look at the state file again, which could not be opened.
    look_again_at: Option<Instant>,
    directory: PathBuf,
    events: Events,
    launcher: Launcher,
    client: Option<Client>,
    attributes: Attributes,
    output: Output,
    child: Child,
    sigchld: SignalPipe,
    watch: StateWatch,
    /// What a host launched first that has taken up another one's session.
    taken_up: Option<Launch>,
    _lock: Lock,
    phase: Phase,
    ending: Ending,
    ending_at: Option<Instant>,
    /// The shell has the terminal, because the client is stopped, or about to be. Claude's modes are undone on it, and
    /// what claude writes waits, or is not for the terminal any more (`Output::muted`).
    lent: bool,
    /// What becomes of the session when its terminal goes.
    on_hangup: OnHangup,
    /// How long a detached session may be idle.
    linger: Duration,
    /// When that time is over.
    linger_at: Option<Instant>,
    /// When to look whether there is a transcript by now.
    transcript_at: Option<Instant>,
    /// When this host has held a session that was another's for long enough.
    proven_at: Option<Instant>,
    supervisor: Supervisor,
    keep: Keep,
    /// When this host began; the supervisor's times count from here.
    begun: Instant,
    /// Nobody wants claude back: it was stopped on request, or the user said so.
    quit: bool,
    /// Claude crashed too often.
    gave_up: bool,
    /// It was said that claude says nothing of itself.
    told_silent: bool,
    /// A restart that was asked for.
    renewal: Renewal,
    /// Why claude could not be started last, where it could not.
    not_started: Option<String>,
    /// Who has opened the conversation while claude was gone.
    holder: Option<Holder>,
    /// What a launcher that was killed has left behind: the claude that it had started.
    left: Option<Live>,
    /// When claude was started last.
    launched: Instant,
    /// What the user is told outside claude's screen.
    notices: Notices,
    /// Output has rested, and the screen model reads what is left, a little at a time.
    catching_up: bool,
}

impl Host {
    /// Takes over a session whose claude has just been started, for this client or for none.
    pub fn new(prepared: Prepared, client: Option<Channel>, config: &Config) -> Self {
        let Prepared {
            record,
            directory,
            events,
            launcher,
            output,
            child,
            sigchld,
            wake,
            attributes,
            supervisor,
            taken_up,
            lock,
        } = prepared;
        let pid = Pid::from_raw(record.client_pid.unwrap_or(0));
        let client = client.map(|channel| Client::new(channel, pid));
        let watch = StateWatch::new(child.pid(), wake);
        let mut output = output;
        let keep = Keep::new(&config.remote_control, &record.remote);
        output.stall_after = config.stall_after;
        if client.is_none() {
            output.leave_terminal();
        }
        let proven_at = taken_up.as_ref().map(|_| Instant::now() + stamp::PROOF);
        Self {
            record,
            unsaved: Unsaved::default(),
            look_again_at: None,
            directory,
            events,
            launcher,
            client,
            attributes,
            output,
            child,
            sigchld,
            watch,
            taken_up,
            _lock: lock,
            phase: Phase::Running,
            ending: Ending::Begun,
            ending_at: None,
            lent: false,
            on_hangup: config.on_hangup,
            linger: config.linger,
            linger_at: None,
            transcript_at: None,
            proven_at,
            supervisor,
            keep,
            begun: Instant::now(),
            quit: false,
            gave_up: false,
            told_silent: false,
            renewal: Renewal::default(),
            not_started: None,
            holder: None,
            left: None,
            launched: Instant::now(),
            notices: Notices::new(config.notify),
            catching_up: false,
        }
    }

    /// Runs the session to its end.
    pub fn run(mut self, mut server: Server) {
        self.events.write("started", json!({ "child": self.child.pid().as_raw() }));
        if let Some(launch) = self.taken_up.take() {
            self.taken_up(&launch);
        }
        self.save();
        self.started();
        let mut poll = Poll::default();
        loop {
            poll.clear();
            let output =
                if self.is_held() { None } else { self.output.prepare(&mut poll, self.is_reading()) };
            let room = self.output.prepare_room(&mut poll);
            let typing = self.keep.prepare(&mut poll, self.output.master());
            let doubts = self.keep.doubts.prepare(&mut poll);
            let client =
                self.client.as_ref().map(|client| poll.add(&client.channel, client.channel.interest()));
            let signals = poll.add(&self.sigchld, For::Reading);
            let changes = poll.add(&self.watch, For::Reading);
            let requests = server.prepare(&mut poll);
            if let Err(error) = poll.wait(self.time(&server)) {
                // Out of memory for a moment, at worst; without a rest it would only get worse.
                self.events.write("cannot-wait", json!({ "error": error.to_string() }));
                std::thread::sleep(REST);
                continue;
            }
            let is_ready = |place: Option<Place>| place.is_some_and(|place| poll.is_ready(place));
            if is_ready(client) {
                self.hear_client();
            }
            if is_ready(output) {
                self.move_output();
            }
            if is_ready(room) {
                self.output.catch_up();
            }
            if is_ready(typing) {
                self.type_on();
            }
            if let Some(occasion) = self.keep.doubts.hear(&poll, &doubts) {
                self.tell_keeper(Event::Doubtful(occasion));
            }
            if poll.is_ready(signals) {
                let _ = self.sigchld.pending().count();
                while let Some(change) = self.child.poll() {
                    self.child_changed(change);
                }
            }
            if poll.is_ready(changes) {
                self.look_at_state_file();
            }
            for attaching in server.serve(&poll, &requests, |request| self.answer(request)) {
                self.attach(attaching);
            }
            self.keep_up(is_ready(output));
            let waiting = self.output.screen.waiting();
            self.catching_up = !is_ready(output) && (waiting > LITTLE || self.catching_up && waiting > 0);
            if self.catching_up {
                self.output.screen.work();
            }
            if self.notices.is_waiting() {
                self.give_notices();
            }
            self.deadlines();
            if let Some(exit) = self.finished()
                && let Some(exit) = self.after(exit)
            {
                return self.finish(exit, server);
            }
        }
    }

    /// How long the next wait may last. While output waits for the screen model, a moment: when no more of it comes in
    /// that time, the model reads. Before, it would take the core from the terminal, for a screen that nobody sees.
    fn time(&self, server: &Server) -> Option<Duration> {
        let model = self.output.screen.waiting() > LITTLE;
        let draining = match self.phase {
            Phase::Draining { quiet_at, .. } if !self.is_held() => Some(quiet_at),
            Phase::Waiting { until, .. } => Some(until),
            _ => None,
        };
        let stalls_at = if self.is_held() { None } else { self.output.stalls_at() };
        let deadlines = [
            draining,
            self.ending_at,
            stalls_at,
            self.linger_at,
            self.transcript_at,
            self.proven_at,
            self.notices.title_until(),
            server.deadline(),
            self.keep_at(),
            self.renewal_at(),
            self.silent_at(),
            self.unsaved.again_at(),
            self.look_again_at,
        ];
        let deadline = deadlines.into_iter().flatten().min();
        let until = deadline.map(|at| at.saturating_duration_since(Instant::now()));
        match (model, self.catching_up) {
            (false, false) => until,
            (true, false) => Some(until.map_or(REST, |until| until.min(REST))),
            (_, true) => Some(Duration::ZERO),
        }
    }

    /// Whether claude's output has to wait.
    fn is_held(&self) -> bool {
        self.lent && !self.output.muted
    }

    fn is_reading(&self) -> bool {
        matches!(self.phase, Phase::Running | Phase::Draining { .. })
    }

    fn move_output(&mut self) {
        if !self.lent && self.client_is_stopped() {
            self.lend_terminal();
            return;
        }
        let turn = self.turn();
        self.draining(turn);
    }

    fn turn(&mut self) -> Turn {
        let reading = self.is_reading();
        let client = &mut self.client;
        self.output.turn(reading, |modes| {
            if let Some(client) = client {
                client.tell_undo(modes);
            }
        })
    }

    fn answer(&mut self, request: &Request) -> Answer {
        match request {
            Request::Status => Answer::Status {
                record: serde_json::to_value(&self.record).unwrap_or_default(),
                screen: self.output.screen.text(),
                formatted: self.output.screen.formatted(),
                stale: self.output.screen.is_stale(),
            },
            // The server gives the connection itself to `attach`.
            Request::Attach(_) => Answer::Refused { reason: "this is no connection to attach with".into() },
            Request::Reconnect { apply, cycle } => self.reconnect(*apply, *cycle),
            Request::Detach if self.client.is_some() => {
                self.detach("asked to by `cckw detach`");
                Answer::Done
            }
            Request::Detach => Answer::Refused { reason: "no terminal is attached to this session".into() },
            Request::Restart { now, program } => self.renew(*now, program.as_ref()),
            Request::CancelRestart => self.cancel_renewal(),
            Request::Stop => {
                self.stop();
                Answer::Done
            }
            #[cfg(debug_assertions)]
            Request::Slept { seconds } => {
                let long = std::time::Duration::from_secs(*seconds);
                self.tell_keeper(Event::Doubtful(super::keeper::Occasion::Slept(long)));
                Answer::Done
            }
            #[cfg(debug_assertions)]
            Request::Panic => panic!("asked to, by a test"),
            #[cfg(debug_assertions)]
            Request::PanicClient => {
                if let Some(client) = &mut self.client {
                    client.send(&FromHost::Panic);
                }
                Answer::Refused { reason: "asked the client".into() }
            }
        }
    }

    /// Gives the notices that wait, if the stream to the terminal stands where they can be given.
    fn give_notices(&mut self) {
        if self.output.terminal().is_none() || self.lent {
            self.notices.forget();
        } else if self.output.is_between() {
            let bytes = self.notices.take(Instant::now());
            self.output.write(bytes.as_bytes());
        }
    }

    fn look_at_state_file(&mut self) {
        // Below a server there are claudes too; what they write down is not about it.
        if self.record.kind == Kind::Server {
            return;
        }
        let found = self.watch.look();
        // What was missed for want of a descriptor is not told again.
        let missed = found.is_none() && descriptors::check_room(1).is_err();
        self.look_again_at = missed.then(|| Instant::now() + LOOK_AGAIN);
        if let Some((pid, file)) = &found {
            self.follow(*pid, file);
        }
        self.tell_keeper(Event::File(found.map(|(_, file)| File::of(&file))));
    }

    /// Notes what claude's state file says.
    fn follow(&mut self, pid: Pid, file: &StateFile) {
        self.opened(file);
        self.rests(file);
        let before = self.record.clone();
        let record = &mut self.record;
        record.claude_pid = Some(pid.as_raw());
        record.claude_start.clone_from(&file.proc_start);
        if file.version.is_some() {
            record.claude_version.clone_from(&file.version);
        }
        if let Some(cwd) = &file.cwd {
            record.claude_cwd = Some(cwd.as_path().into());
        }
        record.status.clone_from(&file.status);
        record.waiting_for.clone_from(&file.waiting_for);
        if record.state == State::Starting && file.settled() {
            record.state = State::Running;
        }
        if let Some(conversation) = file.session_id.as_ref().filter(|id| file.settled() && is_id(id))
            && record.follow(conversation)
        {
            self.events.write("conversation", json!({ "id": conversation }));
            // Chosen in claude's own list, say: there nobody could have refused it.
            if let Some(other) = Holder::live(conversation, |live| live.pid != pid) {
                self.events.write("open-twice", other.details());
            }
        }
        if self.record != before {
            self.save();
        }
        self.linger();
        if file.status.as_deref() == Some("idle") {
            // Claude is idle again before it has written down the first turn: so there is a second look.
            let noted = self.note_transcript();
            self.transcript_at = (!noted).then(|| Instant::now() + TRANSCRIPT_DELAY);
        }
    }
}
