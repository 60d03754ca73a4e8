//! After a crash: when claude comes back, with which conversation, and what the user sees of it.

use super::launch_choice;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use nix::unistd::Pid;
use uuid::Uuid;

use super::lifecycle::Lifecycle;
use crate::claude::exec_error::refused;
use crate::claude::resume_error::refuses;
use crate::claude::running::RunningClaude;
use crate::claude::server;
use crate::claude::state_file::StateFile;
use crate::claude::transcript;
use crate::claude::transcript::TranscriptOnDisk;
use crate::config::AlertKind;
use crate::fault;
use crate::host::Host;
use crate::host::alerts::MomentEvent;
use crate::host::broken_turn::prepare_launch;
use crate::host::claude::supervisor::{
    ClaudeLaunch, Decision, FinishReason, LaunchContext, Lost, SupervisorEvent,
};
use crate::host::start::later_environment;
use crate::host::state_watch::StateWatch;
use crate::host::timers::Timer;
use crate::host::turn_retry::RetryEvent;
use crate::os::exit::Exit;
use crate::os::{clock, threads};
use crate::protocol::{FromHost, MINOR};
use crate::registry::ConversationOwner;
use crate::registry::last_claude;
use crate::registry::log_event::LogEvent;
use crate::registry::record::{SessionKind, SessionState};
use crate::registry::stop_marker;
use crate::registry::stop_marker::StopRequest;
use crate::vt::modes::ModeTracker;

/// How long after its start an end of claude may be a refusal to open the conversation. Seen: within a
/// second.
const OPEN_REFUSAL_WINDOW: Duration = Duration::from_secs(30);
/// How long somebody at the terminal has to read that the conversation is lost, before claude's screen covers
/// that.
const READING_TIME: Duration = Duration::from_secs(30);
/// What a line of cckw's own begins with.
const OWN_LINE: &str = "[cckw: ";

/// Why claude is restarted where nobody has asked for it.
const UPDATED: &str = "because another one is installed";

impl Host {
    /// The time, as the supervisor and the reconnector count it.
    pub(crate) fn now(&self) -> Duration {
        self.claude.now()
    }

    /// A new host has taken the session up: its user, if there is one, is told what is lost.
    /// `is_asked` is whether its user has asked for that.
    pub(crate) fn taken_up(&mut self, launch: &ClaudeLaunch, is_asked: bool) {
        self.events.write(LogEvent::TakenUp { how: launch.to_string() });
        self.record.restarts += 1;
        self.record.asked_restarts += u32::from(is_asked);
        self.expired(launch);
        if !is_asked {
            self.alert(AlertKind::Crashed, "the session's host was killed; claude was started again");
        }
    }

    /// Tells that a new conversation takes the place of another one, where that is so.
    fn expired(&mut self, launch: &ClaudeLaunch) {
        let ClaudeLaunch::Fresh { id, instead_of, lost } = launch else { return };
        let lost_one = self.lost_one(instead_of, *lost);
        self.say(&format!("{lost_one}; a new one is started"));
        let repeated = format!("{lost_one}; a new one was started at {}", clock::time_of_day());
        self.notice_and_repeat(&repeated, repeated.clone());
        self.events.write(LogEvent::Expired {
            conversation: instead_of.clone(),
            instead: id.clone(),
            why: lost.to_string(),
        });
        self.record.expired = Some(instead_of.clone());
        self.record.follow(id);
    }

    /// The conversation with this id, and why it cannot be opened, in words.
    fn lost_one(&self, id: &str, lost: Lost) -> String {
        let had_messages = self.record.with_transcript.iter().any(|known| known == id);
        let why = match lost {
            Lost::Gone => "is not on disk any more",
            Lost::Unusable if had_messages => "has no message on disk any more",
            Lost::Unusable => "has no message on disk yet, so nothing in it can be resumed",
            Lost::Refused => "is refused by claude",
        };
        format!("the conversation {id} {why}")
    }

    /// Claude was started, for the first time or again.
    pub(crate) fn started(&mut self) {
        let at = self.now();
        self.claude.launched = Instant::now();
        self.claude.supervisor.handle(SupervisorEvent::Started { at });
        self.program_was_started();
        if self.record.kind == SessionKind::Server {
            // Nothing else ever says that it runs.
            self.record.state = SessionState::Running;
            self.save();
        }
    }

    /// Claude's state file names this conversation.
    pub(crate) fn opened(&mut self, file: &StateFile) {
        let event =
            SupervisorEvent::StateFile { conversation: file.session_id.clone(), settled: file.settled() };
        if let Decision::Different { expected, got } = self.claude.supervisor.handle(event) {
            self.events.write(LogEvent::DifferentConversation { asked: expected, got });
        }
    }

    /// Claude has ended, and all that it wrote is where it belongs. Its exit, if the session ends with it.
    pub(crate) fn after(&mut self, exit: Exit) -> Option<Exit> {
        if self.claude.has_quit() {
            return Some(exit);
        }
        if self.files.displaced {
            self.say("another host has this session, so this one does not bring claude back; see: cckw list");
            return Some(exit);
        }
        // Killed, claude leaves its state file: it says what was open last, also where nobody has looked
        // since.
        self.look_at_state_file();
        self.note_moment(MomentEvent::Ended);
        self.note_retry_event(RetryEvent::Dropped);
        self.note_transcript();
        self.note_refusal(exit);
        if self.claude.restart.is_under_way() {
            // Where a launcher stood between and has ended first: what it started gets its time to end, too.
            last_claude::end_what_is_left(&self.record, &self.events);
        }
        if self.record.kind == SessionKind::Server && server::gave_up(&self.said_since_launch()) {
            self.events.write(LogEvent::GaveUp);
            self.claude.supervisor.handle(SupervisorEvent::GaveUp);
        }
        let event = SupervisorEvent::Ended { exit, at: self.now(), jitter: random() };
        match self.claude.supervisor.handle(event) {
            Decision::Wait { until, attempt } => {
                self.begin_waiting(exit, until, attempt);
                None
            }
            Decision::Finish { why, .. } => {
                self.explain(why);
                Some(exit)
            }
            // Nothing else answers an end; if it ever did, the session would better end than hang.
            _ => Some(exit),
        }
    }

    /// Whether claude has ended because it does not open the conversation.
    fn note_refusal(&mut self, exit: Exit) {
        let Some(id) = self.claude.supervisor.conversation().map(str::to_owned) else { return };
        let at_once = self.claude.launched.elapsed() < OPEN_REFUSAL_WINDOW
            && matches!(exit, Exit::Code(code) if code != 0);
        if at_once && refuses(&self.said_since_launch(), &id) && !self.output.screen.is_stale() {
            self.events.write(LogEvent::Refused { conversation: id });
            self.claude.supervisor.handle(SupervisorEvent::Refused);
        }
    }

    /// A launcher was killed, and the claude that it had started still lives and has the conversation: it is
    /// ended, as it would be by its terminal's end.
    fn end_what_is_left(&mut self) {
        let (pid, start) = (self.record.claude_pid, self.record.claude_start.clone());
        let (Some(pid), Some(start)) = (pid.filter(|pid| *pid != self.claude.child.pid().as_raw()), start)
        else {
            return;
        };
        let left = RunningClaude { pid: Pid::from_raw(pid), start, cwd: None, job: None };
        if left.lives() {
            self.events.write(LogEvent::LeftBehind { pid });
            left.send(Signal::SIGHUP);
            left.go_on_if_stopped();
            self.claude.left = Some(left);
        }
    }

    /// The lines on the screen that this launch has written, where one of cckw's own stands before them.
    pub(super) fn said_since_launch(&mut self) -> Vec<String> {
        let mut lines = self.output.screen.written_lines();
        let before = lines.iter().rposition(|line| line.starts_with(OWN_LINE)).map_or(0, |own| own + 1);
        lines.split_off(before)
    }

    fn begin_waiting(&mut self, exit: Exit, until: Duration, attempt: u32) {
        self.end_what_is_left();
        self.end_background_job();
        self.note_broken_turn();
        let delay = until.saturating_sub(self.now());
        self.events.write(LogEvent::Restarting { exit, delay_ms: delay.as_millis() as u64, attempt });
        self.record.state = SessionState::Restarting;
        self.record.status = None;
        self.record.waiting_for = None;
        self.start_is_over();
        self.record.restart_pending = false;
        self.record.exit = Some(exit);
        self.record.claude_pid = None;
        self.record.child_pid = None;
        self.save();
        fault::point("waiting-saved");
        self.claude.drain = None;
        self.ask();
        fault::point("waiting-asked");
        if !self.claude.restart.is_under_way() {
            let what = self.claude.not_started.clone().unwrap_or_else(|| ended(exit));
            self.alert(AlertKind::Crashed, &format!("claude {what}; back in {}", seconds(delay)));
        }
    }

    /// While claude is gone: says so, and has the client ask whether to wait.
    pub(crate) fn ask(&mut self) {
        let (Lifecycle::Waiting { exit, .. }, Some(until)) = (self.claude.lifecycle(), self.claude.back_at())
        else {
            return;
        };
        let exit = *exit;
        self.await_answer();
        let left = until.saturating_duration_since(Instant::now());
        let announced = self.claude.supervisor.announced().zip(self.claude.supervisor.conversation());
        if let Some((lost, id)) = announced {
            let lost_one = self.lost_one(id, lost);
            self.say(&format!(
                "{lost_one}; a new one is started in {}. Enter: now, ctrl-c: quit",
                seconds(left)
            ));
        } else if self.claude.restart.is_under_way() {
            let why = if self.claude.restart.is_unasked() { UPDATED } else { "as asked" };
            self.say(&format!("claude is restarted, {why}; its conversation comes back"));
        } else {
            let what = self.claude.not_started.clone().unwrap_or_else(|| ended(exit));
            self.say(&format!("claude {what}; back in {}. Enter: now, ctrl-c: quit", seconds(left)));
        }
        if let Some(words) = self.turn_words() {
            self.say(words);
        }
    }

    /// While claude is gone, keys are answers. The client knows before the question is seen: who sees it may
    /// answer at once.
    pub(crate) fn await_answer(&mut self) {
        if let Some(client) = self.attachment.client_mut().filter(|_| self.claude.is_waiting()) {
            client.send(&FromHost::Waiting { can_continue: self.continuation.broken().is_some() });
        }
    }

    /// Says why a session is over, where that is not plain to see.
    fn explain(&mut self, why: FinishReason) {
        if !matches!(why, FinishReason::Clean | FinishReason::OwnError | FinishReason::Quit) {
            self.note_broken_turn();
        }
        self.events.write(LogEvent::Finished { why: why.to_string() });
        let word: String = match why {
            FinishReason::CrashLoop { crashes: 1 } => "claude crashed and is not started again".into(),
            FinishReason::CrashLoop { crashes } => {
                format!("claude crashed {crashes} times and is not started again")
            }
            FinishReason::Held => {
                if let Some(holder) = self.claude.holder.take() {
                    self.record.given_up = Some(format!("its conversation was open in {holder}, too"));
                    self.events.write(LogEvent::Held(holder.details()));
                    let refusal = holder.refusal();
                    self.say(&refusal);
                    self.alert(AlertKind::Crashed, &format!("claude does not come back: {refusal}"));
                }
                return;
            }
            FinishReason::Lost(_) => {
                "neither the conversation nor a new one in its place can be opened".into()
            }
            FinishReason::Clean | FinishReason::OwnError | FinishReason::Quit | FinishReason::CannotStart => {
                return;
            }
        };
        self.record.given_up.get_or_insert_with(|| word.clone());
        self.alert(AlertKind::Crashed, &word);
        self.say(&format!("{word}; to try again: {}", self.again()));
        self.notice(&word);
        self.give_notices();
    }

    /// How the user brings claude back.
    fn again(&self) -> String {
        match self.claude.supervisor.conversation() {
            _ if self.record.kind == SessionKind::Server => "claude remote-control".into(),
            Some(id) if last_claude::can_be_resumed(&self.record, id) => format!("claude --resume {id}"),
            // Claude opens none that has no message on disk.
            Some(_) => format!("cckw start {}", &self.record.session.to_string()[..8]),
            None => "claude --continue".into(),
        }
    }

    /// A line of cckw's own, on a terminal whose modes are undone. Not where the shell has the terminal.
    ///
    /// Claude leaves the cursor in its input box: what it had drawn below is cleared, or the line would be
    /// written over it.
    pub(crate) fn say(&mut self, line: &str) {
        if self.attachment.is_backgrounded() {
            return;
        }
        // In the model too: the next claude need not draw on the screen that this one drew on.
        let undo = self.undo();
        self.output.say(&undo);
        self.output.modes = ModeTracker::default();
        self.output.say(&format!("\r\n\x1b[J{OWN_LINE}{line}]\r\n"));
    }

    /// The user does not want to wait.
    pub(crate) fn restart_now(&mut self) {
        if let Lifecycle::Waiting { exit, .. } = *self.claude.lifecycle() {
            if self.waits_for_background_job() {
                return;
            }
            let look = self.look();
            let decision = self.claude.supervisor.handle(SupervisorEvent::UserNow { look });
            self.carry_out(decision, exit);
        }
    }

    /// The user does not want claude back. Whose ctrl-c was meant for claude learns what to do.
    pub(crate) fn answered_no(&mut self) {
        if self.claude.is_waiting() && (self.record.kind == SessionKind::Server || self.note_transcript()) {
            self.say(&format!("not started again; to go on: {}", self.again()));
        }
        self.stop();
    }

    /// The time has come.
    pub(crate) fn restart_due(&mut self) {
        let Lifecycle::Waiting { exit, .. } = *self.claude.lifecycle() else { return };
        if self.waits_for_background_job() {
            return;
        }
        let (at, look) = (self.now(), self.look());
        let decision = self.claude.supervisor.handle(SupervisorEvent::Due { at, look });
        self.carry_out(decision, exit);
    }

    /// Claude is not to come back.
    pub(crate) fn quit(&mut self) {
        if !self.claude.has_quit()
            && !self.system_stop.is_under_way()
            && let Err(error) = stop_marker::set_soon(&self.directory, StopRequest::User)
        {
            // Without it, a host that is killed before claude has ended is taken for one that was to go on.
            self.events.write(LogEvent::MarkerNotWritten { error: error.to_string() });
        }
        self.claude.supervisor.handle(SupervisorEvent::UserQuit);
    }

    /// Carries out what was decided while claude was gone, which had ended like this.
    fn carry_out(&mut self, decision: Decision, exit: Exit) {
        match decision {
            Decision::Launch(launch) => {
                if let Err(reason) = last_claude::check_directory(&self.record) {
                    // Each try would end like this one.
                    self.events.write(LogEvent::RelaunchFailed { reason: reason.clone() });
                    self.say(&format!("claude cannot be started again: {reason}"));
                    self.record.given_up = Some("claude crashed".into());
                    self.claude.supervisor.give_up(exit);
                    return;
                }
                let (is_requested, is_unasked) =
                    (self.claude.restart.is_under_way(), self.claude.restart.is_unasked());
                match self.relaunch(&launch) {
                    Ok(()) if is_unasked => self.notice(&format!("claude was restarted, {UPDATED}")),
                    Ok(()) if is_requested => self.notice("claude was restarted, as asked"),
                    Ok(()) => {
                        let goes_on =
                            if self.continuation.is_launched() { ", and goes on with its turn" } else { "" };
                        let what = format!(
                            "claude {} at {} and came back{goes_on}",
                            ended(exit),
                            clock::time_of_day()
                        );
                        match launch {
                            // That its conversation was lost is the greater news, and stays in the list.
                            ClaudeLaunch::Fresh { .. } => self.notices.repeat_later(what),
                            _ => self.notice_and_repeat(&what.clone(), what),
                        }
                        self.tell_broken_turn();
                    }
                    Err(failure) => self.not_relaunched(failure),
                }
            }
            Decision::Announce { .. } => self.ask(),
            Decision::Finish { why, .. } => self.explain(why),
            Decision::Wait { .. } | Decision::Nothing | Decision::Different { .. } => {}
        }
    }

    /// Claude could not be started again. Where its program is to blame, that is a crash like any other for
    /// the supervisor, for an update may be replacing it at the moment; where the machine is out of
    /// something, it is waited for.
    fn not_relaunched(&mut self, failure: NotStarted) {
        let NotStarted { reason, status, is_shortage } = failure;
        self.events.write(LogEvent::RelaunchFailed { reason: reason.clone() });
        self.restart_is_over();
        self.claude.not_started = Some(format!("could not be started: {reason}"));
        let exit = Exit::Code(status.into());
        let at = self.now();
        let event = match is_shortage {
            true => SupervisorEvent::NotStarted { at },
            false => SupervisorEvent::Ended { exit, at, jitter: random() },
        };
        match self.claude.supervisor.handle(event) {
            Decision::Wait { until, attempt } => self.begin_waiting(exit, until, attempt),
            decision => {
                self.say(&format!("claude cannot be started again: {reason}"));
                self.record.given_up = Some(format!("claude could not be started again ({reason})"));
                if let Decision::Finish { why, .. } = decision {
                    self.explain(why);
                }
                self.claude.supervisor.give_up(exit);
            }
        }
    }

    /// What was said of the last claude does not hold for the next one.
    fn forget_last_claude(&mut self) {
        self.record.state_file_removed = false;
        self.record.state_file_unread = false;
        self.record.transcript_problem = None;
        self.record.transcript_cut = false;
        self.record.also_open = None;
        self.timers.cancel(Timer::StateRemoved);
        self.timers.cancel(Timer::StateUnread);
        self.timers.cancel(Timer::Answer);
        self.transcript.begin_anew();
        self.turn_is_left();
    }

    fn look(&mut self) -> LaunchContext {
        if let Some(left) = self.claude.left.take().filter(RunningClaude::lives) {
            // It had until now to end by itself.
            left.send(Signal::SIGKILL);
            self.claude.left = Some(left);
        }
        let conversation = last_claude::conversation(&self.record);
        let ours = |live: &RunningClaude| self.claude.left.as_ref().is_some_and(|left| left.pid == live.pid);
        self.claude.holder =
            conversation.and_then(|id| ConversationOwner::against(&id, &self.record, |live| !ours(live)));
        let look = launch_choice::look(&self.claude.supervisor, &self.record, self.claude.holder.is_some());
        let is_watched = self.output.terminal().is_some() && !self.attachment.is_backgrounded();
        LaunchContext { read_until: is_watched.then(|| self.now() + READING_TIME), ..look }
    }

    /// Notes whether the open conversation has a transcript by now: one that is missing later was there once.
    /// Whether it has, or had, one.
    pub(crate) fn note_transcript(&mut self) -> bool {
        self.timers.cancel(Timer::Transcript);
        let Some(id) = self.record.conversation.clone() else { return false };
        if self.record.with_transcript.contains(&id) {
            return true;
        }
        let Some(projects) = transcript::directory() else { return false };
        let cwd = self.record.claude_cwd();
        let found =
            matches!(transcript::find(&projects, &id, cwd.as_deref()), TranscriptOnDisk::Conversation(_));
        if found {
            self.record.with_transcript.push(id);
            self.save();
        }
        found
    }

    /// Starts claude again. Nothing that was typed at the last one reaches it. Where it gets a PTY of its own,
    /// what is left of the last one cannot write into its screen.
    ///
    /// # Errors
    /// Why not, and the status that a shell would exit with.
    fn relaunch(&mut self, launch: &ClaudeLaunch) -> Result<(), NotStarted> {
        let said = |what: &'static str| {
            move |error: std::io::Error| NotStarted {
                reason: format!("{what}: {error}"),
                status: 126,
                is_shortage: threads::is_shortage(&error),
            }
        };
        self.find_again();
        let args = launch_choice::arguments(&self.claude.launcher.args, launch, &self.record);
        self.expired(launch);
        let pty = self.claude.launcher.next_pty(self.output.master(), self.attachment.attributes());
        let pty = pty.map_err(said("no PTY can be opened"))?;
        let for_client = pty.master.try_clone().map_err(said("no descriptor is left"))?;
        let cwd = last_claude::directory(&self.record);
        let mut variables = later_environment(&self.claude.launcher.environment, &self.events);
        let goes_on = prepare_launch(&mut self.continuation, launch.resumes(), &mut variables);
        fault::point("relaunch-begun");
        let launched =
            self.claude.launcher.spawn(pty, &args, &self.record.session, cwd.as_deref(), variables);
        let (master, child) = launched.map_err(|error| {
            let (reason, status) = refused(&self.claude.launcher.program, &error);
            NotStarted { reason, status, is_shortage: threads::is_shortage(&error) }
        })?;
        fault::point("relaunch-spawned");
        self.events.write(LogEvent::Relaunched { child: child.pid().as_raw(), how: launch.to_string() });
        if goes_on {
            self.told_to_go_on();
        }
        self.watch = StateWatch::new(&mut self.file_watch, child.pid());
        self.record.child_pid = Some(child.pid().as_raw());
        self.record.restarts += 1;
        self.record.asked_restarts += u32::from(self.claude.restart.is_under_way());
        self.record.exit = None;
        self.record.state = SessionState::Starting;
        self.forget_last_claude();
        self.restart_is_over();
        self.claude.not_started = None;
        self.claude.child = child;
        self.output.take_master(master);
        self.output.model_only = self.attachment.is_backgrounded();
        self.save();
        fault::point("relaunch-saved");
        self.started();
        if let Some(client) = self.attachment.client_mut() {
            client.send_with(&FromHost::Started { minor: MINOR }, vec![for_client]);
        }
        fault::point("relaunch-told");
        Ok(())
    }
}

/// Why claude could not be started.
struct NotStarted {
    reason: String,
    /// The status that a shell would show for it.
    status: u8,
    /// The machine, or a limit, is out of something.
    is_shortage: bool,
}

/// From 0 to 1; good enough to keep a crowd of sessions from coming back at one moment.
fn random() -> f64 {
    f64::from(Uuid::new_v4().as_fields().0) / f64::from(u32::MAX)
}

fn ended(exit: Exit) -> String {
    match exit {
        Exit::Code(code) => format!("exited with status {code}"),
        Exit::Signal(number) => match nix::sys::signal::Signal::try_from(number) {
            Ok(signal) => format!("was killed by {signal}"),
            Err(_) => format!("was killed by signal {number}"),
        },
    }
}

fn seconds(delay: Duration) -> String {
    format!("{:.1} s", delay.as_secs_f64())
}
