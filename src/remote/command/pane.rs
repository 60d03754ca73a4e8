//! A session that is not wrapped: the reconnector of wrapped sessions, with a multiplexer for eyes and hands.

use std::collections::VecDeque;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::{CommandOutcome, Order};
use crate::claude::own_command;
use crate::claude::remote_control::Link;
use crate::claude::remote_log::RemoteLog;
use crate::claude::remote_notices::Notice;
use crate::claude::screen;
use crate::claude::screen::Prompt;
use crate::claude::state_file::StateFile;
use crate::claude::transcript;
use crate::config::{ReconnectPolicy, RemoteControl};
use crate::fault;
use crate::os::activity;
use crate::os::activity::RestWatch;
use crate::os::{job, process};
use crate::registry::link_record::AttemptOutcome;
use crate::registry::log_event::LinkEvent;
use crate::remote::detect::DetectedClaude;
use crate::remote::reconnector::{Action, BlockReason, File, Reconnector, ReconnectorEvent, ScreenSnapshot};
use crate::remote::transport::{Pane, Sight, Transport};
use crate::typing::KeyboardState;
use crate::vt::emulator::Emulator;
use crate::vt::screen::view::ScreenCells;

/// The time between two looks at the state file.
const POLL_INTERVAL: Duration = Duration::from_millis(50);
/// How long the moment to begin is waited for: a screen that is just being drawn, a claude that does not
/// rest.
const OPPORTUNITY_TIMEOUT: Duration = Duration::from_secs(15);
/// How long it may take all in all: claude's answer, and taking back what could not be submitted.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(90);
/// How long is waited, after a failure, for what was left at the prompt to be taken back.
const CLEANUP_TIMEOUT: Duration = Duration::from_secs(15);

/// What looks at a pane, and types into it.
pub struct Hand<'a> {
    found: &'a DetectedClaude,
    transport: &'a dyn Transport,
    pane: &'a Pane,
    statuses: &'a [&'a str],
    order: Order,
    reconnector: Reconnector,
    begun: Instant,
    last: Option<Sight>,
    file: Option<File>,
    /// What claude writes about the link into the transcript of the conversation that is open.
    remote_log: RemoteLog,
    /// When this claude came up: what was written before is of another one.
    since: SystemTime,
    /// Whether anything was typed.
    typed: bool,
    /// Whether something was left at the prompt.
    left_behind: bool,
    outcome: Option<(CommandOutcome, Instant)>,
    /// Whether claude has drawn what it was sent.
    rest: RestWatch,
    looked_at: Option<Instant>,
}

impl<'a> Hand<'a> {
    /// Nothing is looked at yet.
    pub fn new(
        found: &'a DetectedClaude,
        transport: &'a dyn Transport,
        pane: &'a Pane,
        statuses: &'a [&'a str],
        settings: &RemoteControl,
        order: Order,
    ) -> Self {
        // Nothing is kept here: what is wanted is asked for.
        let settings = RemoteControl { policy: ReconnectPolicy::Off, ..settings.clone() };
        Self {
            found,
            transport,
            pane,
            statuses,
            order,
            reconnector: Reconnector::new(settings, false, false),
            begun: Instant::now(),
            last: None,
            file: None,
            remote_log: RemoteLog::default(),
            since: SystemTime::now(),
            typed: false,
            left_behind: false,
            outcome: None,
            rest: RestWatch::default(),
            looked_at: None,
        }
    }

    /// Looks, types what is to be typed if all is as it has to be, and says what came of it.
    pub fn reconnect(mut self) -> CommandOutcome {
        self.run().unwrap_or_else(|trouble| {
            // What cannot be looked at before anything was typed needs nobody.
            if self.typed { CommandOutcome::Failed(trouble) } else { CommandOutcome::Left(trouble) }
        })
    }

    fn run(&mut self) -> Result<CommandOutcome, String> {
        self.file = self.read_file();
        self.tell(ReconnectorEvent::Started)?;
        self.tell(ReconnectorEvent::File(self.file.clone()))?;
        // Somebody may be at the keyboard: with a client the reconnector asks for it before it types.
        self.tell(ReconnectorEvent::Attached)?;
        self.tell(ReconnectorEvent::Requested { cycle: false })?;
        loop {
            if let Some(outcome) = self.is_over() {
                return Ok(outcome);
            }
            let due = self.reconnector.deadline().map_or(POLL_INTERVAL, |due| due.saturating_sub(self.now()));
            // There is nothing to wait on: a multiplexer does not tell of a change.
            thread::sleep(due.min(POLL_INTERVAL));
            let file = self.read_file();
            if file != self.file {
                self.file.clone_from(&file);
                self.tell(ReconnectorEvent::File(file))?;
            }
            if self.reconnector.deadline().is_some_and(|due| due <= self.now()) {
                self.tell(ReconnectorEvent::Due)?;
            }
        }
    }

    fn is_over(&self) -> Option<CommandOutcome> {
        if let Some((outcome, at)) = &self.outcome {
            let tidy = !self.left_behind || at.elapsed() >= CLEANUP_TIMEOUT;
            return tidy.then(|| outcome.clone());
        }
        if self.begun.elapsed() >= COMMAND_TIMEOUT {
            return Some(CommandOutcome::Failed("it took too long".into()));
        }
        if self.typed {
            return None;
        }
        let report = self.reconnector.report(self.now());
        match report.why {
            Some(why) if !why.is_fleeting() => Some(CommandOutcome::Left(why.to_string())),
            _ if self.begun.elapsed() < OPPORTUNITY_TIMEOUT => None,
            why => Some(CommandOutcome::Left(why.unwrap_or(BlockReason::Unsettled).to_string())),
        }
    }

    fn now(&self) -> Duration {
        self.begun.elapsed()
    }

    /// What the state file says, if it still is this process's. A status that the user allows counts as idle.
    fn read_file(&mut self) -> Option<File> {
        let mut file = StateFile::read(&self.found.path)?;
        let live = process::look_up(self.found.pid)?;
        if file.proc_start.as_ref().is_some_and(|claimed| !process::is_same_start(claimed, &live.start)) {
            return None;
        }
        self.follow_transcript(&file);
        if file.status.as_deref().is_some_and(|status| self.statuses.contains(&status)) {
            file.status = Some("idle".into());
        }
        Some(File::of(&file))
    }

    /// Has the transcript of the conversation followed that is open now. It is where this claude keeps its
    /// state file, too.
    fn follow_transcript(&mut self, file: &StateFile) {
        let (Some(id), Some(cwd), Some(home)) =
            (&file.session_id, &file.cwd, self.found.path.parent().and_then(Path::parent))
        else {
            return;
        };
        if let Some(started) = file.started_at {
            self.since = UNIX_EPOCH + Duration::from_millis(started);
        }
        if transcript::is_id(id) {
            let folder = home.join("projects").join(transcript::directory_name(cwd));
            self.remote_log.follow(folder.join(format!("{id}.jsonl")));
        }
    }

    /// Tells the reconnector, and does what it says.
    fn tell(&mut self, event: ReconnectorEvent) -> Result<(), String> {
        let mut events = VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            for action in self.reconnector.handle(self.now(), event) {
                match action {
                    Action::Hold => {
                        // Nobody can hold the keys of a multiplexer: it can be said only when the last one
                        // was pressed.
                        let typed = self.transport.look(self.pane)?.typed;
                        events.push_back(ReconnectorEvent::Held(KeyboardState {
                            typed,
                            ..KeyboardState::default()
                        }));
                    }
                    Action::Release | Action::StillHolding | Action::Restart => {}
                    Action::Look => {
                        let look = self.look()?;
                        if self.is_not_ours_to_do(&look) {
                            return Ok(());
                        }
                        events.push_back(ReconnectorEvent::Looked(look));
                    }
                    Action::Type(_) if !self.order.apply => {
                        // All looks are passed: it would be done.
                        self.finish(CommandOutcome::Reconnected);
                        return Ok(());
                    }
                    Action::Type(keys) => {
                        self.typed = true;
                        self.rest.disturbed();
                        if let Some(seen) = &self.last {
                            self.transport.press(self.pane, &keys, seen)?;
                        }
                    }
                    Action::Note(event) => self.note(event),
                }
            }
        }
        Ok(())
    }

    /// What claude has said that leaves the link to its user, or makes it impossible; only who names the
    /// session wants it nevertheless.
    fn is_not_ours_to_do(&mut self, look: &ScreenSnapshot) -> bool {
        if self.typed || self.order.named || self.outcome.is_some() {
            return false;
        }
        let against = |notice: &Notice| {
            let left = notice.left_to_the_user().map(|said| BlockReason::LeftAlone(said.to_owned()));
            left.or_else(|| notice.refusal().map(|said| BlockReason::Refused(said.to_owned())))
        };
        // On the screen the answer of a turn may stand below the notice. The transcript has it all the same.
        let written = look.written.as_ref().map(|written| &written.notice);
        let Some(why) = [look.reading.notice.as_ref(), written].into_iter().flatten().find_map(against)
        else {
            return false;
        };
        self.finish(CommandOutcome::Left(why.to_string()));
        true
    }

    fn note(&mut self, event: LinkEvent) {
        match event {
            LinkEvent::Back => self.finish(CommandOutcome::Reconnected),
            LinkEvent::Failed { what } => {
                let last = self.reconnector.report(self.now()).last_try;
                self.finish(CommandOutcome::Failed(last.map_or(what, |(.., outcome)| outcome.to_string())));
            }
            LinkEvent::WasUp { what } => {
                self.finish(CommandOutcome::Up(AttemptOutcome::WasUp(what).to_string()));
            }
            LinkEvent::RequestOver { what } => {
                let is_up = self.file.as_ref().is_some_and(|file| file.verdict.link == Link::Connected);
                self.finish(if is_up { CommandOutcome::Up(what) } else { CommandOutcome::Left(what) });
            }
            LinkEvent::LeftBehind { .. } => self.left_behind = true,
            LinkEvent::Tidied => self.left_behind = false,
            _ => {}
        }
    }

    fn finish(&mut self, outcome: CommandOutcome) {
        self.outcome.get_or_insert((outcome, Instant::now()));
    }

    fn look(&mut self) -> Result<ScreenSnapshot, String> {
        // Before the look: what claude has drawn when it rests is in it.
        let rested = self.claude_rests();
        let sight = self.transport.look(self.pane)?;
        let (view, before_cursor) = show(&sight);
        let mut reading = screen::read(&view);
        if let Some(why) = sight.obstacle.or_else(|| self.against()) {
            reading.prompt = Prompt::Elsewhere(why);
            reading.panel = None;
        }
        // A frame that is half drawn cannot be told; one that stands still is not.
        let settled = self.last.as_ref().is_some_and(|last| same_picture(last, &sight));
        let look = ScreenSnapshot {
            reading,
            settled,
            rested,
            pastes: sight.pastes,
            line_before_cursor: before_cursor.ends_with(&self.reconnector.line()),
            own_command: self.reconnector.asks_for_own_command() && self.has_own_command(),
            written: self.remote_log.read(self.since).cloned(),
        };
        self.last = Some(sight);
        Ok(look)
    }

    /// Whether claude has read all that was typed, and has slept since then.
    fn claude_rests(&mut self) -> bool {
        let pid = self.found.pid;
        let unread = activity::unread_input(Path::new(&format!("/proc/{pid}/fd/0"))).unwrap_or(0);
        if fault::is_set("slow-looks") {
            let next = self.looked_at.map(|at: Instant| at + Duration::from_secs(2));
            thread::sleep(next.map_or(Duration::ZERO, |at| at.saturating_duration_since(Instant::now())));
            self.looked_at = Some(Instant::now());
            self.rest.rests(Instant::now(), pid, activity::look_up(pid), unread);
            thread::sleep(activity::MIN_SLEEP);
        }
        self.rest.rests(Instant::now(), pid, activity::look_up(pid), unread)
    }

    fn has_own_command(&self) -> bool {
        let line = self.reconnector.line();
        let name = line.split(' ').next().unwrap_or_default().trim_start_matches('/');
        let config = self.found.path.parent().and_then(Path::parent);
        let cwd = StateFile::read(&self.found.path).and_then(|file| file.cwd);
        own_command::find(name, config, cwd.as_deref()).is_some()
    }

    /// What the process table has against typing: the keys would be for another program.
    fn against(&self) -> Option<&'static str> {
        let Some(job) = job::look_up(self.found.pid) else { return Some("claude has ended") };
        if !job.has_keyboard() {
            return Some("claude is not in the foreground of its terminal");
        }
        // Else a program that has a terminal of its own for claude, such as an editor: its screen is in
        // between.
        (self.pane.terminal != job.terminal).then_some("claude runs on another terminal than the pane")
    }
}

/// Whether nothing was drawn between two looks.
fn same_picture(one: &Sight, other: &Sight) -> bool {
    (&one.lines, one.cursor, one.size) == (&other.lines, other.cursor, other.size)
}

/// The screen of a look, and what stands before the cursor in its line.
fn show(sight: &Sight) -> (ScreenCells, String) {
    let mut emulator = Emulator::new(sight.size.0, sight.size.1, 0);
    if sight.alternate {
        emulator.process(b"\x1b[?1049h");
    }
    for (row, line) in sight.lines.iter().enumerate() {
        emulator.process(format!("\x1b[{};1H", row + 1).as_bytes());
        emulator.process(line);
    }
    let (row, column) = sight.cursor;
    let shown = if sight.cursor_shown { 'h' } else { 'l' };
    emulator.process(format!("\x1b[m\x1b[{};{}H\x1b[?25{shown}", row + 1, column + 1).as_bytes());
    (ScreenCells::of(&emulator), emulator.row_text(row, column))
}
