//! The host's loop: every event of a session, in one place and one at a time.

pub mod alerts;
mod attached;
mod attachment;
mod attachment_state;
mod background_job;
mod broken_turn;
pub mod claude;
mod claude_name;
mod control_server;
mod file_changes;
mod files;
mod frames;
mod handover;
mod host_signals;
pub mod job_stop;
mod journal;
pub mod late_keys;
mod notifications;
mod open_twice;
mod output;
mod output_flow;
mod parting;
mod persist;
mod remote;
mod sending;
mod stale_link;
mod start;
mod start_question;
mod startup_timeout;
mod state_removed;
mod state_watch;
mod stopping;
mod timers;
mod transcript;
mod transcript_check;
mod turn;
mod turn_check;
mod turn_retry;
mod typing;
mod unwatched;

use alerts::Alerts;
use attached::restore as restore_terminal;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use super::fault;
use super::registry::event_log::EventLog;
use super::registry::record::{Record, SessionKind, SessionState};
use super::registry::recovery_marker;
use super::remote::reconnector::{File, ReconnectorEvent};
use super::update::trial;
use crate::claude::transcript::is_id;
use crate::config::Config;
use crate::os::descriptors;
use crate::os::file_watch::FileWatch;
use crate::os::poll::{Interest, Poll, Token};
use crate::os::process;
use crate::os::signal_pipe::SignalPipe;
#[cfg(debug_assertions)]
use crate::protocol::FromHost;
use crate::protocol::{Channel, Request, Response};
use crate::registry::log_event::LogEvent;
use crate::sending::{ClaudeStatus, SenderEvent};
use attached::AttachedClient;
use attachment_state::Attachment;
use broken_turn::Continuation;
use claude::Claude;
use claude_name::ClaudeName;
use control_server::{ControlServer, Now};
use file_changes::Watcher;
use files::SessionFiles;
use frames::Frames;
use handover::HandOver;
use host_signals::ends_host;
use journal::{Journal, Promise};
use notifications::Notices;
use output::Output;
use remote::Remote;
use sending::Sending;
use start::{Prepared, Recovered};
use start_question::StartQuestion;
use state_watch::{StateSeen, StateWatch};
use stopping::SystemStop;
use timers::{Timer, Timers, timers};
use transcript::TranscriptWatch;
use turn::TurnWatch;
use turn_retry::FailedTurn;
use typing::HostTyping;

/// `cckw host …`, which is for cckw itself: a new host, or one that goes on in the process of another, or a trial
/// of that.
pub fn main(args: Vec<OsString>) -> ExitCode {
    if args.first().is_some_and(|first| first == handover::TRIAL_ARGUMENT) {
        return handover::try_state();
    }
    match handover::descriptors_in(&args) {
        Some((state, program)) => handover::go_on(state, program),
        None => start::main(args),
    }
}

/// How long a terminal that takes nothing may hold up a suspension, or what is undone for a dead client.
const TERMINAL_WRITE_TIMEOUT: Duration = Duration::from_secs(1);

/// The same where somebody else waits: another terminal that attaches, or claude, whose client was killed.
const SHORT_PATIENCE_WITH_TERMINAL: Duration = Duration::from_millis(200);

/// After a turn, how long claude may take to write it down. Seen: a tenth of a second.
const TRANSCRIPT_DELAY: Duration = Duration::from_secs(1);

/// How long after the state file could not be opened it is looked at again.
const STATE_FILE_RETRY_INTERVAL: Duration = Duration::from_secs(1);

/// So many bytes wait unread until somebody asks for the screen: a timer for each key that is echoed would
/// cost more than all the rest of its way.
const LITTLE: usize = 16 * 1024;
/// When no output has moved for so long, the screen model reads it: a frame of claude's is complete then.
const SCREEN_READ_DELAY: Duration = Duration::from_millis(4);

/// How long a request waits for the screen model to catch up. Then the model gives up what has cost it so
/// much.
const MODEL_WAIT: Duration = Duration::from_millis(500);

/// One session.
struct Host {
    record: Record,
    /// Writes the record and the log.
    journal: Journal,
    directory: PathBuf,
    events: EventLog,
    /// What is to be done at a time, where nothing else says when.
    timers: Timers<Timer>,
    claude: Claude,
    attachment: Attachment,
    output: Output,
    signals: SignalPipe,
    /// Tells of changed files.
    file_watch: FileWatch<Watcher>,
    watch: StateWatch,
    files: SessionFiles,
    transcript: TranscriptWatch,
    turn: TurnWatch,
    typing: HostTyping,
    start_question: StartQuestion,
    remote: Remote,
    sending: Sending,
    /// Whether the host, or the client, was told to end by SIGTERM.
    system_stop: SystemStop,
    /// What the user is told outside claude's screen.
    notices: Notices,
    /// What claude calls its session.
    claude_name: ClaudeName,
    /// What the user's command is told.
    alerts: Alerts,
    /// Whether claude goes on with a turn that broke off.
    continuation: Continuation,
    /// Whether claude is told to go on with a turn that failed.
    failed_turn: FailedTurn,
    /// Whether another cckw goes on in this process.
    handover: HandOver,
    /// What those are shown who watch the screen.
    frames: Frames,
}

impl Host {
    /// Takes over a session whose claude has just been started, for this client or for none.
    pub fn new(prepared: Prepared, client: Option<Channel>, config: &Config) -> Self {
        let Prepared {
            record,
            directory,
            journal,
            events,
            launcher,
            output,
            child,
            signals,
            attributes,
            supervisor,
            taken_up: _,
            continuation,
            lock,
        } = prepared;
        let client = client.map(|channel| {
            let pid = attached::peer(&channel);
            AttachedClient::new(channel, pid)
        });
        let mut file_watch = FileWatch::open();
        let watch = StateWatch::new(&mut file_watch, child.pid());
        let mut output = output;
        let remote = Remote::new(&config.remote_control, &record.remote);
        output.stall_after = config.stall_after;
        if client.is_none() {
            output.leave_terminal();
        }
        let handover = HandOver::new(record.host_program.as_ref(), config.update.hosts);
        let files = SessionFiles::new(&mut file_watch, &directory, lock, config.records.keep);
        Self {
            record,
            journal,
            directory,
            events,
            timers: timers(),
            claude: Claude::new(launcher, child, supervisor, config.claude.restart_when_newer),
            attachment: Attachment::new(client, attributes, config),
            output,
            signals,
            file_watch,
            watch,
            files,
            transcript: TranscriptWatch::default(),
            turn: TurnWatch::new(),
            typing: HostTyping::default(),
            start_question: StartQuestion::default(),
            remote,
            sending: Sending::new(config.remote_control.rest),
            system_stop: SystemStop::default(),
            notices: Notices::new(config.notify.terminal),
            claude_name: ClaudeName::default(),
            alerts: Alerts::new(&config.notify),
            failed_turn: FailedTurn::new(&config.turn),
            continuation,
            handover,
            frames: Frames::default(),
        }
    }

    /// Runs the session to its end. Where it was another host's, `recovered` is how claude was launched for
    /// it.
    pub fn run(mut self, server: ControlServer, recovered: Option<&Recovered>) {
        self.events.write(LogEvent::Started { child: self.claude.child().pid().as_raw() });
        if recovered.is_some() || trial::file_of(&self.directory).is_some() {
            self.timers.set(Timer::Probation, Instant::now() + recovery_marker::PROBATION);
        }
        if let Some(launch) = recovered {
            self.taken_up(&launch.how, launch.is_asked);
            self.note_recovered_turn(launch.goes_on);
        }
        self.save();
        fault::point("run-saved");
        self.started();
        self.serve(server);
    }

    /// The loop.
    fn serve(mut self, mut server: ControlServer) {
        let mut poll = Poll::default();
        // Output has rested, and the screen model reads what is left, a little at a time.
        let mut catching_up = false;
        loop {
            poll.clear();
            let output =
                if self.is_held() { None } else { self.output.prepare(&mut poll, self.is_reading()) };
            let room = self.output.prepare_room(&mut poll);
            let typing = self.typing.prepare(&mut poll, self.output.master());
            let stale_link = self.remote.stale_link.prepare(&mut poll);
            let client =
                self.attachment.client().map(|client| poll.add(&client.channel, client.channel.interest()));
            let departed = self.attachment.departures.prepare(&mut poll);
            let signals = poll.add(&self.signals, Interest::Reading);
            let changes = self.file_watch.fd().map(|fd| poll.add(fd, Interest::Reading));
            let journal = poll.add(&self.journal, Interest::Reading);
            let turn = self.turn.woken().map(|woken| poll.add(woken, Interest::Reading));
            let files = self.files.prepare(&mut poll);
            let _ = self.handover.prepare(&mut poll);
            let requests = server.prepare(&mut poll);
            if let Err(error) = poll.wait(self.time(&server, catching_up)) {
                // Out of memory for a moment, at worst; without a rest it would only get worse.
                self.events.write(LogEvent::CannotWait { error: error.to_string() });
                std::thread::sleep(SCREEN_READ_DELAY);
                continue;
            }
            fault::gate("turn");
            self.output.screen.begin_turn();
            let is_ready = |place: Option<Token>| place.is_some_and(|place| poll.is_ready(place));
            self.output.client_is_heard();
            if is_ready(client) || self.attachment.client().is_some_and(AttachedClient::has_more) {
                self.hear_client();
            }
            self.hear_departed(&poll, &departed);
            // The client may have said a moment ago that the terminal is the shell's.
            if is_ready(output) && !self.is_held() {
                self.move_output();
                self.look_soon_if_unwatched();
                self.look_at_busy_server();
            }
            if is_ready(room) {
                self.draw_passed_over();
            }
            if is_ready(typing) {
                self.type_on();
            }
            if let Some(trigger) = self.remote.stale_link.hear(&poll, &stale_link) {
                self.tell_reconnector(ReconnectorEvent::MayBeStale(trigger));
            }
            if poll.is_ready(signals) {
                for number in self.signals.pending().filter(|number| ends_host(*number)) {
                    self.system_stop(number);
                }
                while let Some(change) = self.claude.poll_child() {
                    self.child_changed(change);
                }
                self.look_at_alert_run();
                self.reap_trials();
            }
            self.hear_file_changes(&poll, changes);
            if poll.is_ready(journal) {
                self.hear_journal();
            }
            if is_ready(turn) {
                self.hear_turn();
            }
            self.files.hear(&poll, &files);
            for attaching in
                server.serve(&poll, &requests, |request, waited| self.answer_now(request, waited))
            {
                self.attach(attaching);
            }
            server.keep_promises(|promise| self.journal.is_kept(promise));
            self.follow_remote(is_ready(output));
            self.follow_sending(is_ready(output), &mut server);
            let waiting = self.output.screen.waiting();
            catching_up = !is_ready(output) && (waiting > LITTLE || catching_up && waiting > 0);
            if catching_up {
                self.output.screen.work();
            }
            self.follow_watchers(&mut server);
            if self.notices.is_waiting() {
                self.give_notices();
            }
            self.say_goodbye();
            self.run_timers(&mut server);
            self.follow_hand_over(is_ready(output), &mut server);
            if let Some(exit) = self.drained_exit()
                && let Some(exit) = self.after(exit)
            {
                return self.finish(exit, server);
            }
        }
    }

    /// How long the next wait may last. While output waits for the screen model, a moment: when no more of it
    /// comes in that time, the model reads. Before, it would take the core from the terminal, for a screen
    /// that nobody sees.
    fn time(&self, server: &ControlServer, catching_up: bool) -> Option<Duration> {
        let model = self.output.screen.waiting() > LITTLE;
        let deadline = self.next_timer(server);
        let until = deadline.map(|at| at.saturating_duration_since(Instant::now()));
        let client_has_more = self.attachment.client().is_some_and(AttachedClient::has_more);
        match (model, catching_up || client_has_more || self.watch.is_due()) {
            (false, false) => until,
            (true, false) => Some(until.map_or(SCREEN_READ_DELAY, |until| until.min(SCREEN_READ_DELAY))),
            (_, true) => Some(Duration::ZERO),
        }
    }

    /// What is said now to a request that has waited for so long. What needs the screen waits for the model,
    /// which may be behind after a flood; the loop goes round meanwhile.
    fn answer_now(&mut self, request: &Request, waited: Duration) -> Now {
        let needs_screen = matches!(request, Request::Status | Request::Attach(_) | Request::Watch);
        if needs_screen && waited < MODEL_WAIT && !self.output.screen.catch_up() {
            return Now::Later;
        }
        match request {
            Request::Attach(_) => Now::Attach,
            Request::Ping => Now::Last(Response::Done),
            Request::Send(send) => self.take_message(send),
            Request::HandOver { force, program } => self.ask_hand_over(*force, program.as_ref()),
            Request::Watch => self.begin_watch(),
            request => {
                let (answer, promise) = self.answer(request);
                Now::Answer(answer, promise)
            }
        }
    }

    /// The answer to a request, and what it waits for: whoever hears that something was done looks at the
    /// record next.
    fn answer(&mut self, request: &Request) -> (Response, Option<Promise>) {
        let answer = self.carry_out_request(request);
        let promise = match request {
            // These say nothing of the record.
            Request::Ping | Request::Status | Request::Stop => None,
            _ => self.journal.promise(),
        };
        (answer, promise)
    }

    fn carry_out_request(&mut self, request: &Request) -> Response {
        match request {
            Request::Ping => Response::Done,
            Request::Status => Response::Status {
                record: self.record.to_show(),
                screen: self.output.screen.text(),
                formatted: self.output.screen.formatted(),
                stale: self.output.screen.is_stale(),
            },
            // It is answered when the message was typed, or could not be.
            Request::Send(_) => Response::Refused { reason: "this message cannot wait here".into() },
            // It is answered when it is known what came of it.
            Request::HandOver { .. } => Response::Refused { reason: "this request cannot wait here".into() },
            // It is answered again and again.
            Request::Watch => Response::Refused { reason: "this connection cannot watch the screen".into() },
            // The server gives the connection itself to `attach`.
            Request::Attach(_) => {
                Response::Refused { reason: "this connection cannot attach a terminal".into() }
            }
            Request::Reconnect { apply, cycle } => self.reconnect(*apply, *cycle),
            Request::Detach if self.attachment.is_attached() => {
                self.detach("asked to by `cckw detach`");
                Response::Done
            }
            Request::Detach => Response::Refused { reason: "no terminal is attached to this session".into() },
            Request::Restart { now, program } => self.request_restart(*now, program.as_ref()),
            Request::CancelRestart => self.call_off_restart(),
            Request::Rename { name } => self.rename(name),
            Request::ContinueTurn => self.continue_turn(),
            Request::SaveRecord => self.save_again(),
            Request::Stop => {
                fault::point("stop-asked");
                self.stop();
                Response::Done
            }
            #[cfg(debug_assertions)]
            Request::Slept { seconds } => {
                let long = std::time::Duration::from_secs(*seconds);
                self.tell_reconnector(ReconnectorEvent::MayBeStale(
                    crate::remote::reconnector::StaleTrigger::Slept(long),
                ));
                Response::Done
            }
            #[cfg(debug_assertions)]
            Request::Panic => panic!("asked to, by a test"),
            #[cfg(debug_assertions)]
            Request::PanicClient => {
                self.attachment.tell(&FromHost::Panic);
                Response::Refused { reason: "asked the client".into() }
            }
        }
    }

    fn look_at_state_file(&mut self) {
        // Also of a server: until it has been looked at, a change wakes the host again and again.
        let seen = self.watch.look(&mut self.file_watch);
        // Below a server there are claudes too; what they write down is not about it.
        if self.record.kind == SessionKind::Server {
            return;
        }
        self.note_notifications();
        // What was missed for want of a descriptor is not told again.
        let missed = seen.is_none() && descriptors::check_room(1).is_err();
        if missed {
            self.timers.set(Timer::StateRetry, Instant::now() + STATE_FILE_RETRY_INTERVAL);
        } else {
            self.timers.cancel(Timer::StateRetry);
        }
        if let Some(seen) = &seen {
            self.follow(seen);
        }
        self.note_removal();
        self.note_unread(seen.is_some() || missed);
        let status = seen.as_ref().map(|seen| ClaudeStatus::of(&seen.file)).unwrap_or_default();
        self.tell_reconnector(ReconnectorEvent::File(seen.map(|seen| File::of(&seen.file))));
        self.tell_sender(SenderEvent::Status(status));
    }

    /// Notes what claude's state file says.
    fn follow(&mut self, seen: &StateSeen) {
        let (pid, file) = (seen.pid, &self.with_job(seen));
        self.opened(file);
        self.rests(file, seen.job.as_ref());
        let before = self.record.clone();
        self.follow_name(seen);
        self.start_is_over();
        let record = &mut self.record;
        record.claude_pid = Some(pid.as_raw());
        let known = record.claude_start.take();
        record.claude_start = file.proc_start.as_deref().map(|claimed| {
            known
                .filter(|known| process::is_same_start(claimed, known))
                .unwrap_or_else(|| process::exact_start(pid, claimed))
        });
        if file.version.is_some() {
            record.claude_version.clone_from(&file.version);
        }
        if let Some(cwd) = &file.cwd {
            record.claude_cwd = Some(cwd.as_path().into());
        }
        record.status.clone_from(&file.status);
        record.waiting_for.clone_from(&file.waiting_for);
        record.background_job = seen.job.as_ref().map(|job| job.id.clone());
        (record.state_file_removed, record.state_file_unread) = (false, false);
        if record.state == SessionState::Starting && file.settled() {
            record.state = SessionState::Running;
        }
        if let Some(conversation) = file.session_id.as_ref().filter(|id| file.settled() && is_id(id)) {
            let is_new = record.follow(conversation);
            if is_new {
                self.events.write(LogEvent::Conversation {
                    id: conversation.clone(),
                    job: self.record.background_job.clone(),
                });
            }
            if is_new || self.record.also_open.is_some() {
                self.note_other(conversation, seen);
            }
            self.follow_turn(file, is_new);
        }
        if self.record.background_job != before.background_job {
            self.events.write(LogEvent::BackgroundJob { job: self.record.background_job.clone() });
        }
        if self.record != before {
            self.save();
            fault::point("state-file-followed");
        }
        self.linger();
        self.note_turn();
        self.note_turn_status();
        self.note_activity();
        if file.is_at_rest() && self.record.status != before.status {
            self.look_for_newer_claude();
        }
        if file.is_at_rest() {
            // Claude is idle again before it has written down the first turn: so there is a second look.
            let noted = self.note_transcript();
            if !noted {
                self.timers.set(Timer::Transcript, Instant::now() + TRANSCRIPT_DELAY);
            }
        }
        if self.is_behind_job(seen) {
            self.timers.set(Timer::Transcript, Instant::now() + TRANSCRIPT_DELAY);
        }
    }
}
