//! After a crash: when claude comes back, with which conversation, and what the user sees of it.

use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;
use uuid::Uuid;

use super::Host;
use super::child::Phase;
use crate::claude::live::Live;
use crate::claude::refusal::refuses;
use crate::claude::refused::refused;
use crate::claude::server;
use crate::claude::state_file::StateFile;
use crate::claude::transcript::{self, Found};
use crate::control::FromHost;
use crate::fleet::Holder;
use crate::platform::tty;
use crate::session::modes::ModeTracker;
use crate::session::pty::Pty;
use crate::session::record::{Exit, Kind, State};
use crate::session::revive;
use crate::session::start::later_environment;
use crate::session::supervisor::{Decision, Event, Launch, Look, Lost, Why};
use crate::session::watch::{StateWatch, Wake};

/// How long after its start an end of claude may be a refusal to open the conversation. Seen: within a second.
const START: Duration = Duration::from_secs(30);
/// What a line of cckw's own begins with.
const OWN_LINE: &str = "[cckw: ";

impl Host {
    /// The time, as the supervisor and the keeper count it.
    pub(super) fn now(&self) -> Duration {
        self.begun.elapsed()
    }

    /// A new host has taken the session up: its user, if there is one, is told what is lost.
    pub(super) fn taken_up(&mut self, launch: &Launch) {
        self.events.write("taken-up", json!({ "how": format!("{launch:?}") }));
        self.record.restarts += 1;
        self.expired(launch);
    }

    /// Tells that a new conversation takes the place of another one, where that is so.
    fn expired(&mut self, launch: &Launch) {
        let Launch::Fresh { id, instead_of, lost } = launch else { return };
        let had_messages = self.record.with_transcript.contains(instead_of);
        let why = match lost {
            Lost::Gone => "is not on disk any more",
            Lost::Unusable if had_messages => "has no message on disk any more",
            Lost::Unusable => "has no message on disk yet, so nothing in it can be resumed",
            Lost::Refused => "is refused by claude",
        };
        self.say(&format!("the conversation {instead_of} {why}; a new one is started"));
        let details = json!({ "conversation": instead_of, "instead": id, "why": format!("{lost:?}") });
        self.events.write("expired", details);
        self.record.expired = Some(instead_of.clone());
        self.record.follow(id);
    }

    /// Claude was started, for the first time or again.
    pub(super) fn started(&mut self) {
        let at = self.now();
        self.launched = Instant::now();
        self.supervisor.on(Event::Started { at });
        if self.record.kind == Kind::Server {
            // Nothing else ever says that it runs.
            self.record.state = State::Running;
            self.save();
        }
    }

    /// Claude's state file names this conversation.
    pub(super) fn opened(&mut self, file: &StateFile) {
        let event = Event::StateFile { conversation: file.session_id.clone(), settled: file.settled() };
        if let Decision::Different { asked, got } = self.supervisor.on(event) {
            self.events.write("different-conversation", json!({ "asked": asked, "got": got }));
        }
    }

    /// Claude has ended, and all that it wrote is where it belongs. Its exit, if the session ends with it.
    pub(super) fn after(&mut self, exit: Exit) -> Option<Exit> {
        if self.quit {
            return Some(exit);
        }
        // Killed, claude leaves its state file: it says what was open last, also where nobody has looked since.
        self.look_at_state_file();
        self.note_transcript();
        self.note_refusal(exit);
        if self.renewal.is_under_way() {
            // Where a launcher stood between and has ended first: what it started gets its time to end, too.
            revive::end_what_is_left(&self.record);
        }
        if self.record.kind == Kind::Server && server::gave_up(&self.said_since_launch()) {
            self.events.write("gave-up", json!({}));
            self.supervisor.on(Event::GaveUp);
        }
        let event = Event::Ended { exit, at: self.now(), jitter: random() };
        match self.supervisor.on(event) {
            Decision::Wait { until, attempt } => {
                self.wait(exit, until, attempt);
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
        let Some(id) = self.supervisor.conversation().map(str::to_owned) else { return };
        let at_once = self.launched.elapsed() < START && matches!(exit, Exit::Code(code) if code != 0);
        if at_once && refuses(&self.said_since_launch(), &id) && !self.output.screen.is_stale() {
            self.events.write("refused", json!({ "conversation": id }));
            self.supervisor.on(Event::Refused);
        }
    }

    /// A launcher was killed, and the claude that it had started still lives and has the conversation: it is ended, as it
    /// would be by its terminal's end.
    fn end_what_is_left(&mut self) {
        let (pid, start) = (self.record.claude_pid, self.record.claude_start.clone());
        let (Some(pid), Some(start)) = (pid.filter(|pid| *pid != self.child.pid().as_raw()), start) else {
            return;
        };
        let left = Live { pid: Pid::from_raw(pid), start, cwd: None };
        if left.lives() {
            self.events.write("left-behind", json!({ "pid": pid }));
            for signal in [Signal::SIGHUP, Signal::SIGCONT] {
                let _ = kill(left.pid, signal);
            }
            self.left = Some(left);
        }
    }

    /// The lines on the screen that this launch has written, where one of cckw's own stands before them.
    fn said_since_launch(&mut self) -> Vec<String> {
        let mut lines = self.output.screen.text();
        let before = lines.iter().rposition(|line| line.starts_with(OWN_LINE)).map_or(0, |own| own + 1);
        lines.split_off(before)
    }

    fn wait(&mut self, exit: Exit, until: Duration, attempt: u32) {
        self.end_what_is_left();
        let delay = until.saturating_sub(self.now());
        let details = json!({ "exit": exit, "delay_ms": delay.as_millis() as u64, "attempt": attempt });
        self.events.write("restarting", details);
        self.record.state = State::Restarting;
        self.record.status = None;
        self.record.waiting_for = None;
        self.record.restart_pending = false;
        self.record.exit = Some(exit);
        self.record.claude_pid = None;
        self.record.child_pid = None;
        self.save();
        self.phase = Phase::Waiting { exit, until: self.begun + until };
        self.ask();
    }

    /// While claude is gone: says so, and has the client ask whether to wait.
    pub(super) fn ask(&mut self) {
        let Phase::Waiting { exit, until } = self.phase else { return };
        self.await_answer();
        let left = until.saturating_duration_since(Instant::now());
        if self.renewal.is_under_way() {
            self.say("claude is restarted, as asked; its conversation comes back");
        } else {
            let what = self.not_started.clone().unwrap_or_else(|| ended(exit));
            self.say(&format!("claude {what}; it comes back in {}. Enter: now, ctrl-c: quit", seconds(left)));
        }
    }

    /// While claude is gone, keys are answers. The client knows before the question is seen: who sees it may answer at once.
    pub(super) fn await_answer(&mut self) {
        if let (Phase::Waiting { .. }, Some(client)) = (self.phase, &mut self.client) {
            client.send(&FromHost::Waiting);
        }
    }

    /// Says why a session is over, where that is not plain to see.
    fn explain(&mut self, why: Why) {
        self.events.write("finished", json!({ "why": format!("{why:?}") }));
        let word: String = match why {
            Why::CrashLoop { crashes: 1 } => "claude crashed and is not started again".into(),
            Why::CrashLoop { crashes } => format!("claude crashed {crashes} times and is not started again"),
            Why::Held => {
                self.gave_up = true;
                if let Some(holder) = self.holder.take() {
                    self.events.write("held", holder.details());
                    self.say(&holder.refusal());
                }
                return;
            }
            Why::Lost(_) => "neither the conversation nor a new one in its place can be opened".into(),
            Why::Clean | Why::OwnError | Why::Quit => return,
        };
        self.gave_up = true;
        self.say(&format!("{word}; to try again: {}", self.again()));
        self.notices.add(&word);
        self.give_notices();
    }

    /// How the user brings claude back.
    fn again(&self) -> String {
        match self.supervisor.conversation() {
            _ if self.record.kind == Kind::Server => "claude remote-control".into(),
            Some(id) => format!("claude --resume {id}"),
            None => "claude --continue".into(),
        }
    }

    /// A line of cckw's own, on a terminal whose modes are undone. Not where the shell has the terminal.
    ///
    /// Claude leaves the cursor in its input box: what it had drawn below is cleared, or the line would be written over it.
    pub(super) fn say(&mut self, line: &str) {
        if self.lent {
            return;
        }
        // In the model too: the next claude need not draw on the screen that this one drew on.
        let undo = self.output.modes.undo();
        self.output.say(&undo);
        self.output.modes = ModeTracker::default();
        self.output.say(&format!("\r\n\x1b[J{OWN_LINE}{line}]\r\n"));
    }

    /// The user does not want to wait.
    pub(super) fn restart_now(&mut self) {
        if let Phase::Waiting { .. } = self.phase {
            let look = self.look();
            let decision = self.supervisor.on(Event::UserNow { look });
            self.carry_out(decision);
        }
    }

    /// The user does not want claude back. Whose ctrl-c was meant for claude learns what to do.
    pub(super) fn answered_no(&mut self) {
        if let Phase::Waiting { .. } = self.phase
            && (self.record.kind == Kind::Server || self.note_transcript())
        {
            self.say(&format!("not started again; to go on: {}", self.again()));
        }
        self.stop();
    }

    /// The time has come.
    pub(super) fn restart_due(&mut self) {
        let (at, look) = (self.now(), self.look());
        let decision = self.supervisor.on(Event::Due { at, look });
        self.carry_out(decision);
    }

    /// Claude is not to come back.
    pub(super) fn quit(&mut self) {
        self.quit = true;
        self.supervisor.on(Event::UserQuit);
        if let Phase::Waiting { exit, .. } = self.phase {
            self.phase = Phase::Flushing { exit };
        }
    }

    fn carry_out(&mut self, decision: Decision) {
        let Phase::Waiting { exit, .. } = self.phase else { return };
        match decision {
            Decision::Launch(launch) => {
                if let Err(reason) = revive::check_directory(&self.record) {
                    // Each try would end like this one.
                    self.events.write("relaunch-failed", json!({ "reason": reason }));
                    self.say(&format!("claude cannot be started again: {reason}"));
                    self.gave_up = true;
                    self.quit = true;
                    self.phase = Phase::Flushing { exit };
                    return;
                }
                let asked = self.renewal.is_under_way();
                match self.relaunch(&launch) {
                    Ok(()) if asked => self.notices.add("claude was restarted, as asked"),
                    Ok(()) => self.notices.add(&format!("claude {}, and is back", ended(exit))),
                    Err((reason, status)) => self.not_relaunched(reason, status),
                }
            }
            Decision::Wait { until, .. } => self.phase = Phase::Waiting { exit, until: self.begun + until },
            Decision::Finish { why, .. } => {
                self.explain(why);
                self.quit = true;
                self.phase = Phase::Flushing { exit };
            }
            Decision::Nothing | Decision::Different { .. } => {}
        }
    }

    /// Claude could not be started again: for the supervisor a crash like any other, for an update may be replacing it at the
    /// moment.
    fn not_relaunched(&mut self, reason: String, status: u8) {
        self.events.write("relaunch-failed", json!({ "reason": reason }));
        self.renewed();
        self.not_started = Some(format!("could not be started: {reason}"));
        let exit = Exit::Code(status.into());
        let event = Event::Ended { exit, at: self.now(), jitter: random() };
        match self.supervisor.on(event) {
            Decision::Wait { until, attempt } => self.wait(exit, until, attempt),
            decision => {
                self.say(&format!("claude cannot be started again: {reason}"));
                if let Decision::Finish { why, .. } = decision {
                    self.explain(why);
                }
                self.gave_up = true;
                self.quit = true;
                self.phase = Phase::Flushing { exit };
            }
        }
    }

    fn look(&mut self) -> Look {
        if let Some(left) = self.left.take().filter(Live::lives) {
            // It had until now to end by itself.
            let _ = kill(left.pid, Signal::SIGKILL);
            self.left = Some(left);
        }
        let conversation = revive::conversation(&self.record);
        let ours = |live: &Live| self.left.as_ref().is_some_and(|left| left.pid == live.pid);
        self.holder = conversation.and_then(|id| Holder::live(&id, |live| !ours(live)));
        revive::look(&self.supervisor, &self.record, self.holder.is_some())
    }

    /// Notes whether the open conversation has a transcript by now: one that is missing later was there once.
    /// Whether it has, or had, one.
    pub(super) fn note_transcript(&mut self) -> bool {
        self.transcript_at = None;
        let Some(id) = self.record.conversation.clone() else { return false };
        if self.record.with_transcript.contains(&id) {
            return true;
        }
        let Some(projects) = transcript::directory() else { return false };
        let cwd = self.record.claude_cwd();
        let found = matches!(transcript::find(&projects, &id, cwd.as_deref()), Found::Conversation(_));
        if found {
            self.record.with_transcript.push(id);
            self.save();
        }
        found
    }

    /// Starts claude again, on a PTY of its own: what is left of the last one cannot write into its screen, and nothing
    /// that was typed at the last one reaches it.
    ///
    /// # Errors
    /// Why not, and the status that a shell would exit with.
    fn relaunch(&mut self, launch: &Launch) -> Result<(), (String, u8)> {
        let said = |what: &'static str| move |error: std::io::Error| (format!("{what}: {error}"), 126);
        self.find_again();
        let args = revive::arguments(&self.launcher.args, launch, &self.record);
        self.expired(launch);
        // Without one there is nothing to leave; then taking the next one shows what is wrong.
        let _ = tty::leave_controlling();
        let pty = Pty::open(self.launcher.size, &self.attributes).map_err(said("no PTY can be opened"))?;
        let for_client = pty.master.try_clone().map_err(said("no descriptor is left"))?;
        let wake = Wake::new().map_err(said("no descriptor is left"))?;
        let cwd = revive::directory(&self.record);
        let changes = later_environment(&self.launcher.environment, &self.events);
        let launched = self.launcher.spawn(pty, &args, &self.record.session, cwd.as_deref(), changes);
        let (master, child) = launched.map_err(|error| refused(&self.launcher.program, &error))?;
        self.events
            .write("relaunched", json!({ "child": child.pid().as_raw(), "how": format!("{launch:?}") }));
        self.watch = StateWatch::new(child.pid(), wake);
        self.record.child_pid = Some(child.pid().as_raw());
        self.record.restarts += 1;
        self.record.exit = None;
        self.record.state = State::Starting;
        self.renewed();
        self.not_started = None;
        self.child = child;
        self.output.take_master(master);
        self.output.muted = self.lent;
        self.phase = Phase::Running;
        self.save();
        self.started();
        if let Some(client) = &mut self.client {
            client.send_with(&FromHost::Started, vec![for_client]);
        }
        Ok(())
    }
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
