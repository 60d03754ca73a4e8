//! Another cckw goes on in the host's own process: the host executes it (execve), so its pid, its child, its
//! descriptors and its lock stay, and what is in its memory goes along as a [`document`].
//!
//! Before that the program is tried as a child with a copy of the state ([`trial`]). [`schedule`] decides when.
//! If something fails after all when the other program runs, it executes this one back ([`take_over`]).

mod document;
mod parts;
mod schedule;
mod take_over;
mod trial;

use std::ffi::OsString;
use std::os::fd::AsRawFd;
use std::path::PathBuf;
use std::process::Child;
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::Host;
use super::control_server::{ControlServer, Now};
use super::file_changes::Watcher;
use super::timers::Timer;
use crate::config::HostUpdate;
use crate::os::fd_store::FdStore;
use crate::os::file_watch::FileWatch;
use crate::os::memory_file;
use crate::os::own_program::{FileIdentity, ProgramFile};
use crate::os::poll::{Interest, Poll, Token};
use crate::os::replace_program::{BlockedSignals, NextProgram};
use crate::os::text::LosslessText;
use crate::os::umask;
use crate::protocol::Response;
use crate::registry::log_event::LogEvent;
use crate::user_error::host as errors;
use document::Document;
use schedule::{Schedule, ScheduleEffect, ScheduleEvent};
pub(super) use take_over::{go_on, try_state};
use trial::Trial;

pub(super) use trial::TRIAL_ARGUMENT;

/// What an argument of a program begins with that goes on in the process of another one.
pub(super) const ARGUMENT: &str = "--cckw-hand-over=";

/// When it is looked again whether there is a program, where there is none: whoever replaces it may remove it
/// first.
const MISSING_INTERVALS: [Duration; 6] = [
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(3),
    Duration::from_secs(10),
    Duration::from_secs(30),
    Duration::from_secs(120),
];

/// What there is to know for a hand-over.
#[derive(Default)]
pub(super) struct HandOver {
    schedule: Schedule,
    policy: HostUpdate,
    /// The path that this program was started by.
    own: Option<PathBuf>,
    /// The program that is tried, or was.
    program: PathBuf,
    trial: Option<Trial>,
    /// The file that stood there when that began.
    tried: Option<FileIdentity>,
    /// Trials that did not end in time. They were killed.
    killed: Vec<Child>,
    waiting: Vec<Uuid>,
    /// What they are told.
    answer: Option<Response>,
    /// What cannot go on: it is not tried again by itself.
    failed: Option<FileIdentity>,
    /// When it is looked again for a program that is missing, and how often it was.
    missing: Option<(Instant, usize)>,
}

impl HandOver {
    /// For a host that has just been started, by this path.
    pub(super) fn new(known: Option<&LosslessText>, policy: HostUpdate) -> Self {
        Self::known_as(known.map(|path| PathBuf::from(OsString::from(path.clone()))), policy)
    }

    /// For a host that runs a program which is known by this path.
    fn known_as(own: Option<PathBuf>, policy: HostUpdate) -> Self {
        Self { own, policy, ..Self::default() }
    }

    /// The path of the program that goes on, as the next one is to know it.
    pub(super) fn known_path(&self) -> Option<LosslessText> {
        let is_own = self.program.as_os_str().is_empty();
        let path = if is_own { self.own.as_deref() } else { Some(self.program.as_path()) };
        path.map(LosslessText::from)
    }

    /// The path of this program, for the case that it is executed back.
    pub(super) fn own_path(&self) -> Option<LosslessText> {
        self.own.as_deref().map(LosslessText::from)
    }

    /// Has the host told when another program is put at the path of its own, also by way of a link.
    pub(super) fn watch(&self, watch: &mut FileWatch<Watcher>) {
        watch.unwatch_all(Watcher::Own);
        if let Some(own) = self.own.as_deref().filter(|_| self.policy != HostUpdate::Never) {
            watch.watch_path(Watcher::Own, own);
        }
    }

    fn own_file(&self) -> std::io::Result<ProgramFile> {
        ProgramFile::known_as(self.own.as_deref())
    }

    /// Those who have asked, and wait.
    pub(super) fn waiting(&self) -> &[Uuid] {
        &self.waiting
    }

    /// When something is to be done.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let trial = self.trial.as_ref().map(Trial::deadline);
        [self.schedule.deadline(), trial, self.missing.map(|(at, _)| at)].into_iter().flatten().min()
    }

    /// Adds what a trial says.
    pub(super) fn prepare(&self, poll: &mut Poll) -> Option<Token> {
        self.trial.as_ref()?.output().map(|output| poll.add(output, Interest::Reading))
    }
}

impl Host {
    /// Somebody wants the cckw on disk to go on here.
    pub(super) fn ask_hand_over(&mut self, force: bool, program: Option<&LosslessText>) -> Now {
        let refused = |reason: String| Now::Answer(Response::Refused { reason }, None);
        if self.claude.has_quit() || self.system_stop.is_under_way() {
            return refused("the session is being ended".into());
        }
        let own = match self.handover.own_file() {
            Ok(own) => own,
            Err(error) => return refused(errors::own_program_is_unknown(&error).to_string()),
        };
        let asked = program.map(|program| PathBuf::from(OsString::from(program.clone())));
        let next = match own.replacement() {
            Ok(None) if !force => {
                let version = env!("CARGO_PKG_VERSION").into();
                return Now::Answer(Response::HandedOver { version, is_new: false }, None);
            }
            Ok(_) => own.path().to_owned(),
            Err(error) => {
                match asked.filter(|asked| asked.is_absolute() && FileIdentity::at(asked).is_ok()) {
                    Some(asked) => asked,
                    None => return refused(errors::own_program_is_gone(own.path(), &error).to_string()),
                }
            }
        };
        let id = Uuid::new_v4();
        self.handover.waiting.push(id);
        if self.handover.schedule.is_idle() || self.handover.schedule.waits_for_rest() {
            self.handover.program = next;
        }
        self.schedule_hand_over(ScheduleEvent::Asked);
        Now::Deferred(id)
    }

    /// The program on disk may be another one by now.
    pub(super) fn look_at_program(&mut self) {
        let count = self.handover.missing.take().map_or(0, |(_, count)| count);
        if self.handover.policy == HostUpdate::Never {
            return;
        }
        // Anew, because a link may lead elsewhere now. Before it is looked, so that nothing is missed.
        self.handover.watch(&mut self.file_watch);
        let Ok(own) = self.handover.own_file() else { return };
        match own.replacement() {
            Ok(Some(there)) if self.handover.failed != Some(there) => {
                if self.handover.schedule.is_idle() {
                    self.handover.program = own.path().to_owned();
                }
                self.schedule_hand_over(ScheduleEvent::Found);
            }
            Ok(_) => {
                self.schedule_hand_over(ScheduleEvent::Lost);
            }
            Err(_) => {
                let next = MISSING_INTERVALS.get(count);
                self.handover.missing = next.map(|interval| (Instant::now() + *interval, count + 1));
            }
        }
    }

    /// Goes on with what is under way. Called in every turn of the loop, so it costs nothing where that is
    /// nothing. Returns if no other program goes on here.
    pub(super) fn follow_hand_over(&mut self, had_output: bool, server: &mut ControlServer) {
        self.answer_hand_over(server);
        if self.handover.schedule.is_idle() && self.handover.missing.is_none() {
            return;
        }
        if self.handover.schedule.waits_for_rest() {
            let in_turn = self.record.status.as_deref() == Some("busy");
            self.schedule_hand_over(ScheduleEvent::InTurn(in_turn));
            if had_output {
                self.schedule_hand_over(ScheduleEvent::Moved);
            }
        }
        if let Some(outcome) = self.handover.trial.as_mut().and_then(Trial::look) {
            self.trial_is_over(outcome);
        }
        if self.handover.schedule.is_passed() && self.is_ending() {
            self.hand_over_failed("the session is being ended");
        }
        if self.handover.schedule.is_passed() && self.half_done(server).is_none() {
            let error = self.execute(server);
            self.hand_over_failed(&error);
        }
        let now = Instant::now();
        if self.handover.schedule.deadline().is_some_and(|at| at <= now) {
            let half_done = self.half_done(server);
            if self.schedule_hand_over(ScheduleEvent::Due) == Some(ScheduleEffect::GiveUp) {
                let what = half_done.unwrap_or("something is half done");
                self.note_failure(&format!("the moment did not come: {what}; try again later"));
            }
        }
        if self.handover.missing.is_some_and(|(at, _)| at <= now) {
            self.look_at_program();
        }
        self.answer_hand_over(server);
    }

    /// A child has ended: perhaps a trial that was killed.
    pub(super) fn reap_trials(&mut self) {
        self.handover.killed.retain_mut(|child| matches!(child.try_wait(), Ok(None)));
    }

    fn schedule_hand_over(&mut self, event: ScheduleEvent) -> Option<ScheduleEffect> {
        let effect = self.handover.schedule.handle(Instant::now(), event);
        if effect == Some(ScheduleEffect::Try)
            && let Err(error) = self.begin_trial()
        {
            self.hand_over_failed(&error);
        }
        effect
    }

    fn begin_trial(&mut self) -> Result<(), String> {
        let program = self.handover.program.clone();
        self.handover.tried = FileIdentity::at(&program).ok();
        // It is only read: the descriptors in it are this process's.
        let mut document = Document::new(umask::inherited());
        self.write_state(None, &FdStore::default(), &mut document)?;
        let trial = Trial::begin(&program, &document.bytes()?)
            .map_err(|error| format!("it cannot be executed: {error}"))?;
        self.handover.trial = Some(trial);
        Ok(())
    }

    fn trial_is_over(&mut self, outcome: Result<String, String>) {
        if let Some(killed) = self.handover.trial.take().and_then(Trial::end) {
            self.handover.killed.push(killed);
        }
        match outcome {
            Ok(_) => {
                self.schedule_hand_over(ScheduleEvent::Passed);
            }
            Err(why) => self.hand_over_failed(&why),
        }
    }

    /// Whether nothing goes on here for long.
    fn is_ending(&self) -> bool {
        self.claude.has_quit() || self.system_stop.is_under_way()
    }

    /// What is half done, and must be over before another program can go on.
    fn half_done(&self, server: &ControlServer) -> Option<&'static str> {
        let is_steady = (self.claude.is_running() || self.claude.is_waiting())
            && !self.timers.is_set(Timer::Kill)
            && self.system_stop.passes_on_at().is_none()
            && !self.claude.is_in_between();
        [
            (!is_steady, "claude is being ended or started"),
            (!self.remote.is_quiet(), "remote control is being brought back"),
            (!self.sending.is_quiet(), "a message is being typed"),
            (self.alerts.is_running(), "the command of [notify] runs"),
            (self.turn.is_reading(), "the transcript is being read"),
            (!self.attachment.departures.are_told(), "a client is being let go"),
            (!self.handover.killed.is_empty(), "a program that did not pass its trial is being ended"),
            (server.holds_answers(), "a request is being answered"),
            (!self.journal.is_at_rest(), "the disk has not taken the record and the log yet"),
        ]
        .into_iter()
        .find_map(|(is_so, what)| is_so.then_some(what))
    }

    /// Executes the other program. Returns only why that was not possible.
    fn execute(&mut self, server: &ControlServer) -> String {
        match self.try_to_execute(server) {
            Ok(never) => match never {},
            Err(error) => error,
        }
    }

    fn try_to_execute(&mut self, server: &ControlServer) -> Result<std::convert::Infallible, String> {
        let said = |error: std::io::Error| error.to_string();
        if FileIdentity::at(&self.handover.program).ok() != self.handover.tried {
            return Err("another program was put in its place after it was tried; try again".into());
        }
        let own = self.handover.own_file().map_err(said)?;
        let blocked = BlockedSignals::all().map_err(said)?;
        // What has come until now stands in the pipe of this program, which the next one does not read.
        if self.is_told_to_end() {
            return Err("the session is being ended".into());
        }
        let (fds, mut document) = (FdStore::default(), Document::new(umask::inherited()));
        self.write_state(Some(server), &fds, &mut document)?;
        document.fds = fds.numbers();
        let state = memory_file::with(&document.bytes()?).map_err(said)?;
        let mut kept = document.fds.clone();
        kept.extend([state.as_raw_fd(), own.file().as_raw_fd()]);
        let arguments = arguments(state.as_raw_fd(), own.file().as_raw_fd());
        let program = self.handover.program.clone();
        Err(said(blocked.replace(&NextProgram::At(&program), &arguments, &kept)))
    }

    /// It does not go on here. Those who have asked are told, and it is not tried again by itself.
    pub(super) fn hand_over_failed(&mut self, why: &str) {
        let there = FileIdentity::at(&self.handover.program).ok();
        self.handover.failed = self.handover.tried.take().or(there);
        self.schedule_hand_over(ScheduleEvent::Failed);
        self.note_failure(why);
        if there != self.handover.failed {
            // Meanwhile there is another one, which was not tried yet.
            self.look_at_program();
        }
        // A change of claude's may have been taken note of, and not acted on.
        while let Some(change) = self.claude.poll_child() {
            self.child_changed(change);
        }
    }

    fn note_failure(&mut self, why: &str) {
        let program = LosslessText::from(self.handover.program.as_path());
        self.events.write(LogEvent::NotHandedOver { program, error: why.to_owned() });
        let reason = errors::not_handed_over(&self.handover.program, why).to_string();
        self.handover.answer = Some(Response::Refused { reason });
    }

    /// Tells those who wait what has come of it.
    fn answer_hand_over(&mut self, server: &mut ControlServer) {
        if let Some(answer) = self.handover.answer.take() {
            for id in std::mem::take(&mut self.handover.waiting) {
                server.tell(&id, &answer, true);
            }
        }
    }
}

/// What the other program is executed with: as this one was, for those who look for hosts among the
/// processes, and behind the session where its state is.
fn arguments(state: i32, program: i32) -> Vec<OsString> {
    with_descriptors(std::env::args_os().collect(), state, program)
}

/// Where that stands among the arguments: before the program and its own arguments, which may be any.
/// They follow `cckw host SESSION`.
const PLACE: usize = 3;

fn with_descriptors(mut own: Vec<OsString>, state: i32, program: i32) -> Vec<OsString> {
    if own.get(PLACE).is_some_and(|argument| descriptors(argument).is_some()) {
        own.remove(PLACE);
    }
    own.insert(PLACE.min(own.len()), format!("{ARGUMENT}{state},{program}").into());
    own
}

fn descriptors(argument: &OsString) -> Option<(i32, i32)> {
    let (state, program) = argument.to_str()?.strip_prefix(ARGUMENT)?.split_once(',')?;
    Some((state.parse().ok()?, program.parse().ok()?))
}

/// The descriptors that the arguments behind `cckw host` name: the state, and the program of before.
pub(super) fn descriptors_in(arguments: &[OsString]) -> Option<(i32, i32)> {
    descriptors(arguments.get(PLACE - 2)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_the_state_is_stands_before_the_program_and_once() {
        let words = |text: &str| text.split(' ').map(OsString::from).collect::<Vec<_>>();
        let first = words("cckw host an-id /bin/claude -- --cckw-hand-over=1,2");
        assert_eq!(descriptors_in(&first[2..]), None);
        let second = with_descriptors(first, 10, 5);
        assert_eq!(
            second,
            words("cckw host an-id --cckw-hand-over=10,5 /bin/claude -- --cckw-hand-over=1,2")
        );
        assert_eq!(descriptors_in(&second[2..]), Some((10, 5)));
        let third = with_descriptors(second, 7, 8);
        assert_eq!(third, words("cckw host an-id --cckw-hand-over=7,8 /bin/claude -- --cckw-hand-over=1,2"));
    }
}
