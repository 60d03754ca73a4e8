//! The session: what is on the screen, what the file says, and what is under way.

use std::time::{Duration, Instant};

use super::bridge::FakeBridge;
use super::editor::{Editor, VimMode};
use super::faults;
use super::faults::Fault;
use super::job::FakeJob;
use super::state_file::FakeFacts;
use super::transcript::{FakeTranscript, INTERRUPTED, Store, Summary};

/// What has the keyboard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FakeView {
    /// Whether the folder is trusted: the first screen in a new one, before there is a state file.
    Trust,
    /// The main prompt.
    Main,
    /// The detailed transcript (ctrl-o).
    Transcript,
    /// The list of background sessions (←), with a prompt of its own.
    Agents,
    /// The history search (ctrl-r), with what was typed into it.
    Search(String),
    /// `/config` or `/model`.
    Config,
    /// A question whether a tool may run.
    Permission,
    /// The panel of a bridge that is up, with the selected line.
    Panel(usize),
    /// The list of stored conversations, with the selected one.
    Resume(Vec<Summary>, usize),
}

/// What the main loop has to do, because it reaches beyond the session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// End cleanly with this status.
    Exit(u8),
    /// ctrl-z.
    Suspend,
    /// A fault was ordered.
    Fault(Fault),
}

/// A turn, or a `!` command, that runs.
#[derive(Debug, Clone)]
pub(super) struct FakeTurn {
    pub(super) reply: Vec<char>,
    pub(super) shown: usize,
    pub(super) next: Instant,
    pub(super) asks: bool,
    pub(super) shell: bool,
}

/// How long ctrl-c waits for the second one.
pub(super) const CTRL_C_WINDOW: Duration = Duration::from_millis(800);
pub(super) const NOTICE: Duration = Duration::from_secs(3);
pub(super) const CTRL_C_HINT: &str = "Press Ctrl-C again to exit";
const CHUNK: usize = 4;
/// What a turn that its user has broken off leaves on the screen.
pub(super) const INTERRUPTED_LINE: &str = "Interrupted · What should Claude do instead?";

/// One session of the stand-in.
#[derive(Debug)]
pub struct App {
    /// The conversation as printed, one entry a line, not yet wrapped.
    pub lines: Vec<String>,
    /// The draft at the main prompt, or at the agents view's.
    pub editor: Editor,
    /// What has the keyboard.
    pub view: FakeView,
    /// Whether the prompt is in bash mode.
    pub bash: bool,
    /// Whether the shortcut help is open.
    pub help: bool,
    /// A passing remark in the footer, and when it goes.
    pub notice: Option<(&'static str, Instant)>,
    /// The remote-control bridge.
    pub bridge: FakeBridge,
    /// What the main loop has to do next.
    pub effects: Vec<Effect>,
    /// The name given by `--name`.
    pub name: Option<String>,
    /// What the user calls the conversation, by `--name` or `/rename`.
    pub title: Option<String>,
    /// Whether it is drawn on the alternate screen, with the bridge's indicator in the header.
    pub fullscreen: bool,
    /// Whether the prompt is drawn like none that Claude Code is known to have.
    pub unknown_look: bool,
    pub(super) store: Store,
    pub(super) transcript: FakeTranscript,
    pub(super) turn: Option<FakeTurn>,
    pub(super) queue: Vec<String>,
    pub(super) stash: Option<String>,
    pub(super) history: Vec<String>,
    pub(super) parked: Option<String>,
    /// The background job that the conversation has moved to.
    pub job: Option<FakeJob>,
    pub(super) pace: Duration,
    /// The state file says of no turn, as where turns are so short that Claude Code does not come to that.
    pub(super) hides_turns: bool,
}

impl App {
    /// A session on the conversation `id`, with what is stored of it.
    ///
    /// `pace` is the pause between two pieces of a reply.
    pub fn new(store: Store, id: &str, bridge: FakeBridge, pace: Duration) -> Self {
        let mut app = Self {
            lines: Vec::new(),
            editor: Editor::default(),
            view: FakeView::Main,
            bash: false,
            help: false,
            notice: None,
            bridge,
            effects: Vec::new(),
            name: None,
            title: None,
            fullscreen: false,
            unknown_look: false,
            transcript: store.open(id),
            store,
            turn: None,
            queue: Vec::new(),
            stash: None,
            history: Vec::new(),
            parked: None,
            job: None,
            pace,
            hides_turns: faults::switch("HIDES_TURNS"),
        };
        app.open(id);
        app
    }

    /// Shows the conversation `id` in place of the present one.
    pub fn open(&mut self, id: &str) {
        self.transcript = self.store.open(id);
        self.lines.clear();
        for (role, text) in self.transcript.turns() {
            if text == INTERRUPTED {
                self.print("  ⎿  ", INTERRUPTED_LINE);
                continue;
            }
            self.print(if role == "user" { "❯ " } else { "● " }, &text);
            if role == "user" {
                self.history.push(text);
            }
        }
    }

    /// The last prompt, if it was not answered and its user has not broken the turn off.
    pub fn interrupted_prompt(&self) -> Option<String> {
        let (role, text) = self.transcript.turns().pop()?;
        (role == "user" && text != INTERRUPTED && !text.starts_with('!')).then_some(text)
    }

    /// The conversation that is open.
    pub fn transcript(&self) -> &FakeTranscript {
        &self.transcript
    }

    /// What the state file has to say now.
    ///
    /// Where the conversation is in a job, the front says nothing of it but which job that is.
    pub fn facts(&self) -> FakeFacts {
        let open = self.facts_of_conversation();
        match &self.job {
            Some(job) => {
                FakeFacts { session_id: job.front_session.clone(), status: "idle", waiting_for: None, ..open }
            }
            None => open,
        }
    }

    /// What is done in the conversation that is open.
    pub fn facts_of_conversation(&self) -> FakeFacts {
        let (status, waiting_for) = match self.view {
            FakeView::Permission => ("waiting", Some("permission prompt")),
            FakeView::Config | FakeView::Panel(_) | FakeView::Resume(..) => ("waiting", Some("dialog open")),
            _ if self.turn.is_some() && !self.hides_turns => ("busy", None),
            _ => ("idle", None),
        };
        FakeFacts {
            session_id: self.transcript.id().to_owned(),
            status,
            waiting_for,
            parked_job_id: self.parked.clone(),
            bridge_session_id: self.bridge.id_in_file(),
            name: self.title.clone(),
        }
    }

    /// Takes the name of `--name`, which the conversation has from then on, or else that of the conversation.
    pub fn begin_with_name(&mut self, name: Option<&str>) {
        match name {
            Some(name) => self.rename(name),
            None => self.title = self.transcript.title(),
        }
    }

    /// Gives the conversation a name. It is on disk with the first words, or at once where these are there.
    pub(super) fn rename(&mut self, name: &str) {
        self.title = Some(name.to_owned());
        if self.transcript.exists() {
            let saved = self.transcript.retitle(name);
            self.report(saved);
        }
    }

    /// The part of the running reply that is shown. Its last piece is shown when the turn has ended: who sees
    /// the whole reply can rely on that it is stored.
    pub fn partial_reply(&self) -> Option<String> {
        let shown = |turn: &FakeTurn| turn.shown.min(turn.reply.len().saturating_sub(CHUNK));
        self.turn.as_ref().map(|turn| turn.reply[..shown(turn)].iter().collect())
    }

    /// The prompt in the history that the search has found.
    pub fn search_hit(&self) -> Option<&str> {
        let FakeView::Search(query) = &self.view else { return None };
        self.history
            .iter()
            .rev()
            .find(|prompt| !query.is_empty() && prompt.contains(query))
            .map(String::as_str)
    }

    /// When [`Self::tick`] is due; `None` while nothing is under way.
    pub fn deadline(&self) -> Option<Instant> {
        let turn = self.turn.as_ref().filter(|_| self.view != FakeView::Permission).map(|turn| turn.next);
        [turn, self.notice.map(|(_, until)| until), self.bridge.deadline()].into_iter().flatten().min()
    }

    /// Does what is due at `now`.
    pub fn tick(&mut self, now: Instant) {
        if self.notice.is_some_and(|(_, until)| until <= now) {
            self.notice = None;
        }
        if let Some(line) = self.bridge.tick(now) {
            if !line.is_empty() {
                self.print("● ", &line);
            }
            self.record_bridge();
        }
        self.advance_turn(now);
    }

    /// Whether the prompt is in vim's normal mode.
    pub fn in_normal_mode(&self) -> bool {
        self.editor.vim() == Some(VimMode::Normal)
    }

    fn advance_turn(&mut self, now: Instant) {
        let Some(turn) = self.turn.as_mut().filter(|turn| turn.next <= now) else { return };
        if turn.asks && self.view != FakeView::Permission {
            self.view = FakeView::Permission;
            self.help = false;
            return;
        }
        if turn.shown < turn.reply.len() {
            turn.shown = (turn.shown + CHUNK).min(turn.reply.len());
            turn.next = now + self.pace;
            return;
        }
        let reply: String = turn.reply.iter().collect();
        let shell = turn.shell;
        self.turn = None;
        self.print(if shell { "  ⎿  " } else { "● " }, &reply);
        let saved = self.transcript.say("assistant", &reply);
        self.report(saved);
        if !self.queue.is_empty() {
            let next = self.queue.remove(0);
            self.begin_turn(&next, now);
        }
    }

    /// Adds an entry to the conversation, after a blank line.
    pub fn print(&mut self, mark: &str, text: &str) {
        self.lines.push(String::new());
        let indent = " ".repeat(mark.chars().count());
        for (number, line) in text.split('\n').enumerate() {
            self.lines.push(format!("{}{line}", if number == 0 { mark } else { &indent }));
        }
    }

    /// Shows `text` in the footer for a while.
    pub(super) fn notify(&mut self, text: &'static str, now: Instant) {
        self.notice = Some((text, now + if text == CTRL_C_HINT { CTRL_C_WINDOW } else { NOTICE }));
    }

    /// Tells of a file that could not be written.
    pub(super) fn report(&mut self, result: std::io::Result<()>) {
        if let Err(error) = result {
            self.print("● ", &format!("The conversation could not be saved: {error}"));
        }
    }

    pub(super) fn record_bridge(&mut self) {
        let recorded = self.transcript.record_bridge(self.bridge.id_in_file().as_deref());
        self.report(recorded);
    }
}
