//! A session that is not wrapped: the keeper of wrapped sessions, with a multiplexer for eyes and hands.

use std::collections::VecDeque;
use std::num::NonZeroU16;
use std::thread;
use std::time::{Duration, Instant};

use super::{Order, Outcome};
use crate::claude::screen::{self, Notice, Prompt, View};
use crate::claude::state_file::StateFile;
use crate::config::{Keep, RemoteControl};
use crate::fleet::detect::Found;
use crate::fleet::transport::{Pane, Sight, Transport};
use crate::platform::{job, process};
use crate::session::keeper::{Action, Event, File, Keeper, Keyboard, Look, Why};

/// The time between two looks at the state file.
const PACE: Duration = Duration::from_millis(50);
/// How long the moment to begin is waited for: a screen that is just being drawn.
const OPPORTUNITY: Duration = Duration::from_secs(5);
/// How long it may take all in all: claude's answer, and taking back what could not be submitted.
const LIMIT: Duration = Duration::from_secs(90);
/// How long is waited, after a failure, for what was left at the prompt to be taken back.
const TIDYING: Duration = Duration::from_secs(15);

/// What looks at a pane, and types into it.
pub struct Hand<'a> {
    found: &'a Found,
    transport: &'a dyn Transport,
    pane: &'a Pane,
    statuses: &'a [&'a str],
    order: Order,
    keeper: Keeper,
    begun: Instant,
    last: Option<Sight>,
    file: Option<File>,
    /// Whether anything was typed.
    typed: bool,
    /// Whether something was left at the prompt.
    left_behind: bool,
    outcome: Option<(Outcome, Instant)>,
}

impl<'a> Hand<'a> {
    /// Nothing is looked at yet.
    pub fn new(
        found: &'a Found,
        transport: &'a dyn Transport,
        pane: &'a Pane,
        statuses: &'a [&'a str],
        settings: &RemoteControl,
        order: Order,
    ) -> Self {
        // Nothing is kept here: what is wanted is asked for.
        let settings = RemoteControl { keep: Keep::Off, ..settings.clone() };
        Self {
            found,
            transport,
            pane,
            statuses,
            order,
            keeper: Keeper::new(settings, false, false),
            begun: Instant::now(),
            last: None,
            file: None,
            typed: false,
            left_behind: false,
            outcome: None,
        }
    }

    /// Looks, types what is to be typed if all is as it has to be, and says what came of it.
    pub fn reconnect(mut self) -> Outcome {
        self.run().unwrap_or_else(|trouble| {
            // What cannot be looked at before anything was typed needs nobody.
            if self.typed { Outcome::Failed(trouble) } else { Outcome::Left(trouble) }
        })
    }

    fn run(&mut self) -> Result<Outcome, String> {
        self.file = self.read_file();
        self.tell(Event::Started)?;
        self.tell(Event::File(self.file.clone()))?;
        // Somebody may be at the keyboard: with a client the keeper asks for it before it types.
        self.tell(Event::Attached)?;
        self.tell(Event::Asked { cycle: false })?;
        loop {
            if let Some(outcome) = self.is_over() {
                return Ok(outcome);
            }
            let due = self.keeper.due().map_or(PACE, |due| due.saturating_sub(self.now()));
            // There is nothing to wait on: a multiplexer does not tell of a change.
            thread::sleep(due.min(PACE));
            let file = self.read_file();
            if file != self.file {
                self.file.clone_from(&file);
                self.tell(Event::File(file))?;
            }
            if self.keeper.due().is_some_and(|due| due <= self.now()) {
                self.tell(Event::Due)?;
            }
        }
    }

    fn is_over(&self) -> Option<Outcome> {
        if let Some((outcome, at)) = &self.outcome {
            let tidy = !self.left_behind || at.elapsed() >= TIDYING;
            return tidy.then(|| outcome.clone());
        }
        if self.begun.elapsed() >= LIMIT {
            return Some(Outcome::Failed("it took too long".into()));
        }
        if self.typed {
            return None;
        }
        let report = self.keeper.report(self.now());
        match report.why {
            Some(why) if !why.is_fleeting() => Some(Outcome::Left(why.to_string())),
            _ if self.begun.elapsed() < OPPORTUNITY => None,
            why => Some(Outcome::Left(why.unwrap_or(Why::Unsettled).to_string())),
        }
    }

    fn now(&self) -> Duration {
        self.begun.elapsed()
    }

    /// What the state file says, if it still is this process's. A status that the user allows counts as idle.
    fn read_file(&self) -> Option<File> {
        let mut file = StateFile::read(&self.found.path)?;
        let live = process::look_up(self.found.pid)?;
        if file.proc_start.as_ref().is_some_and(|claimed| !process::is_same_start(claimed, &live.start)) {
            return None;
        }
        if file.status.as_deref().is_some_and(|status| self.statuses.contains(&status)) {
            file.status = Some("idle".into());
        }
        Some(File::of(&file))
    }

    /// Tells the keeper, and does what it says.
    fn tell(&mut self, event: Event) -> Result<(), String> {
        let mut events = VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            for action in self.keeper.on(self.now(), event) {
                match action {
                    Action::Hold => {
                        // Nobody can hold the keys of a multiplexer: it can be said only when the last one was pressed.
                        let typed = self.transport.look(self.pane)?.typed;
                        events.push_back(Event::Held(Keyboard { typed, ..Keyboard::default() }));
                    }
                    Action::Release => {}
                    Action::Look => {
                        let look = self.look()?;
                        if self.is_not_ours_to_do(&look) {
                            return Ok(());
                        }
                        events.push_back(Event::Looked(look));
                    }
                    Action::Type(_) if !self.order.apply => {
                        // All looks are passed: it would be done.
                        self.finish(Outcome::Reconnected);
                        return Ok(());
                    }
                    Action::Type(keys) => {
                        self.typed = true;
                        if let Some(seen) = &self.last {
                            self.transport.press(self.pane, &keys, seen)?;
                        }
                    }
                    Action::Note(what, why) => self.note(what, &why),
                }
            }
        }
        Ok(())
    }

    /// What claude has said that leaves the link to its user, or makes it impossible; only who names the session wants it
    /// nevertheless.
    fn is_not_ours_to_do(&mut self, look: &Look) -> bool {
        if self.typed || self.order.named || self.outcome.is_some() {
            return false;
        }
        let why = match &look.reading.notice {
            Some(Notice::TakenOver(said) | Notice::EndedElsewhere(said) | Notice::NotFound(said)) => {
                Why::LeftAlone(said.clone())
            }
            Some(Notice::NeedsSubscription(said) | Notice::Unavailable(said)) => Why::Refused(said.clone()),
            _ => return false,
        };
        self.finish(Outcome::Left(why.to_string()));
        true
    }

    fn note(&mut self, what: &str, why: &str) {
        match what {
            "remote-back" => self.finish(Outcome::Reconnected),
            "remote-failed" => {
                let last = self.keeper.report(self.now()).last_try;
                self.finish(Outcome::Failed(last.map_or_else(|| why.into(), |(_, outcome)| outcome)));
            }
            "remote-was-up" => self.finish(Outcome::Left(format!("the link is up after all; {why}"))),
            "remote-request-over" => self.finish(Outcome::Left(why.into())),
            "remote-left-behind" => self.left_behind = true,
            "remote-tidied" => self.left_behind = false,
            _ => {}
        }
    }

    fn finish(&mut self, outcome: Outcome) {
        self.outcome.get_or_insert((outcome, Instant::now()));
    }

    fn look(&mut self) -> Result<Look, String> {
        let sight = self.transport.look(self.pane)?;
        let (view, before_cursor) = show(&sight);
        let mut reading = screen::read(&view);
        if let Some(why) = sight.obstacle.or_else(|| self.against()) {
            reading.prompt = Prompt::Elsewhere(why);
            reading.panel = None;
        }
        // A frame that is half drawn cannot be told; one that stands still is not.
        let settled = self.last.as_ref().is_some_and(|last| same_picture(last, &sight));
        let look = Look {
            reading,
            settled,
            pastes: sight.pastes,
            line_before_cursor: before_cursor.ends_with(&self.keeper.line()),
        };
        self.last = Some(sight);
        Ok(look)
    }

    /// What the process table has against typing: the keys would be for another program.
    fn against(&self) -> Option<&'static str> {
        let Some(job) = job::look_up(self.found.pid) else { return Some("claude has ended") };
        if !job.has_keyboard() {
            return Some("claude is not in the foreground of its terminal");
        }
        // Else a program that has a terminal of its own for claude, such as an editor: its screen is in between.
        (self.pane.terminal != job.terminal).then_some("claude runs on another terminal than the pane")
    }
}

/// Whether nothing was drawn between two looks.
fn same_picture(one: &Sight, other: &Sight) -> bool {
    (&one.lines, one.cursor, one.size) == (&other.lines, other.cursor, other.size)
}

/// The screen of a look, and what stands before the cursor in its line.
fn show(sight: &Sight) -> (View, String) {
    let rows = NonZeroU16::new(sight.size.0).unwrap_or(NonZeroU16::MIN);
    let columns = NonZeroU16::new(sight.size.1).unwrap_or(NonZeroU16::MIN);
    let mut parser = vt100::Parser::new(rows, columns, 0);
    if sight.alternate {
        parser.process(b"\x1b[?1049h");
    }
    for (row, line) in sight.lines.iter().enumerate() {
        parser.process(format!("\x1b[{};1H", row + 1).as_bytes());
        parser.process(line);
    }
    let (row, column) = sight.cursor;
    let shown = if sight.cursor_shown { 'h' } else { 'l' };
    parser.process(format!("\x1b[m\x1b[{};{}H\x1b[?25{shown}", row + 1, column + 1).as_bytes());
    let screen = parser.screen();
    let before = screen.rows(0, column.min(sight.size.1)).nth(row.into()).unwrap_or_default();
    (View::of(screen), before)
}
