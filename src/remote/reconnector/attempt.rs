//! One try: from the first look with the keys held to the answer to Enter, or back to where it began.
//!
//! Every step waits for a look that shows what the last keys did. Only a look at a claude that rests counts: a claude that is
//! slow still shows what was before, and what the user typed before may look like what was typed here. What such a look does
//! not show was not done, however long ago it was typed: then the step is given up, and what was typed is taken back.
//!
//! Keys of the user wait for one second at most after the last step that was seen. Then what takes the last keys back is
//! sent, before the user's keys, and what came of it is looked for later.

mod panel;
mod tidy;
mod undo;

use std::time::Duration;

use super::block_reason::BlockReason;
use super::evidence::{File, ScreenSnapshot};
use crate::claude::remote_control::Link;
use crate::claude::remote_notices::Notice;
use crate::claude::screen::{Indicator, Prompt, Vim};

/// How long claude may take to show what keys did, if it rests.
pub const DRAW_TIMEOUT: Duration = Duration::from_secs(2);
/// The same for what has to be undone.
const UNDO_DRAW_TIMEOUT: Duration = Duration::from_secs(8);
/// How much longer a step may take while claude does not rest. With 3 % of a core, 2.1.332 took five seconds to draw a paste.
const SLOW_CLAUDE_EXTRA_TIME: Duration = Duration::from_secs(20);
/// How long a try waits, with nothing typed, for a claude that rests.
const REST_TIMEOUT: Duration = Duration::from_secs(10);
/// The longest that a try takes. Nobody waits for it: see [`KEY_HOLD_LIMIT`].
pub const LONGEST_HOLD: Duration = Duration::from_secs(60);
/// How long a key of the user's waits at most: from the key, or from the last step that was seen.
pub const KEY_HOLD_LIMIT: Duration = Duration::from_secs(1);
/// The same behind Enter, which cannot be taken back. A key that claude gets before it has cleared the prompt is put behind the
/// command, and that in the place of the draft (seen with 2.1.332, vim's normal mode, 3 % of a core).
pub const ENTER_HOLD_LIMIT: Duration = Duration::from_secs(8);
/// How long the client may take to say that it holds.
pub const HOLD_ANSWER_TIMEOUT: Duration = Duration::from_secs(1);
/// The time between two looks, and where a frame is half drawn.
const LOOK_INTERVAL: Duration = Duration::from_millis(40);
const UNSETTLED_LOOK_INTERVAL: Duration = Duration::from_millis(15);
/// How long the prompt is watched after the command has left it, for a dialog that opens a moment later.
const DIALOG_WATCH_TIME: Duration = Duration::from_millis(400);
/// How long claude may be busy with the built-in command before that counts as a turn, if the screen shows one.
const BUSY_COMMAND: Duration = Duration::from_secs(3);
/// The same where an answer would look like the one before.
pub const REPEATED_ANSWER_DELAY: Duration = Duration::from_secs(1);
/// How long claude may take to bring a draft back by itself.
const DRAFT_RESTORE_TIMEOUT: Duration = Duration::from_millis(900);

/// What is typed, for the host to encode as the terminal would.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Keystroke {
    /// ctrl-s: puts a draft aside, or brings it back to an empty prompt.
    Stash,
    /// The line, as a bracketed paste.
    Paste(String),
    /// Enter.
    Enter,
    /// Esc.
    Escape,
    /// ctrl-_: takes the paste back. It works in every mode of the editor, and also where claude reads it together with the
    /// paste and with what follows. Backspaces do not: in one read with ctrl-s they are lost (seen with 2.1.332).
    Undo,
    /// `a` of vim's normal mode: back to insert mode.
    Append,
    /// So many characters before the cursor are deleted.
    Backspaces(usize),
    /// `D` of vim's normal mode: deletes from the cursor to the end of the line.
    DeleteToEnd,
    /// Arrow up.
    Up,
    /// Arrow down.
    Down,
}

/// What a try is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Submitting the command.
    Connect,
    /// Submitting it, and switching the link off in the panel that opens.
    SwitchOff,
    /// Closing a panel that came late.
    Close,
    /// Taking away what an earlier try had to leave.
    Tidy,
}

/// What a try had to leave at the prompt.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PendingCleanup {
    /// The line may be there.
    pub text: bool,
    /// A draft was put aside, and is not back.
    pub stash: bool,
    /// The editor was in vim's insert mode, and may not be any more.
    pub insert: bool,
    /// The keys that undo it were sent, and what they did was not seen. They are read in order, so that what stands there
    /// once claude rests is the user's; but a draft that claude still says is stashed.
    pub unseen: bool,
}

impl PendingCleanup {
    /// Whether there is anything.
    pub fn is_any(self) -> bool {
        self.text || self.stash || self.insert
    }
}

/// How a try ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttemptEnd {
    /// Nothing was typed.
    NotNow(BlockReason),
    /// The command was submitted.
    Submitted,
    /// A dialog opened: the link is up after all. It was closed, or could not be.
    WasUp {
        /// Whether the main prompt is back.
        closed: bool,
    },
    /// The panel of a link that failed opened, and was closed: claude takes the command in some seconds.
    NotYet,
    /// A dialog opened that is not known, and was closed.
    Dialog,
    /// The panel's choice that disconnects was taken.
    SwitchedOff,
    /// The command was not submitted.
    Failed(&'static str),
    /// Enter would submit a command of the user's own of the same name; or it did, and claude works on it.
    OwnCommand,
    /// What was left of an earlier try is gone, or the user's by now.
    Tidied,
    /// The command still stands behind what the user has typed since. It is not taken back from there.
    StillThere,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum AttemptStep {
    Opening,
    Stashing,
    Typing,
    Entered,
    InPanel { moves: u8, expected: usize },
    Leaving,
    Closing { again: bool },
    TakingBack { tried: u8 },
    Restoring { pressed: bool },
    Inserting { before: String },
}

/// Whether the user's keys are held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyGate {
    /// The client was asked, and has until then.
    Asked(Duration),
    /// They are, or there is nobody who types; until then at most.
    Until(Duration),
}

/// A try under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// What for.
    pub purpose: Purpose,
    /// Whether keys are held.
    pub hold: KeyGate,
    /// When to look next.
    pub next_look: Duration,
    /// What is left at the prompt if it ends now.
    pub owed: PendingCleanup,
    /// What claude had said before.
    pub before: Option<Notice>,
    line: String,
    step: AttemptStep,
    until: Duration,
    /// Whether the state file has nothing against typing.
    quiet: bool,
    /// Whether the link is still wanted.
    wanted: bool,
    /// Whether the keys were sent that take the line back, and that bring the draft back.
    taken_back: bool,
    restored: bool,
    /// Whether the last look showed the main prompt.
    at_main: bool,
    /// Since when a key of the user's waits.
    key_since: Option<Duration>,
    /// When the last step was seen to have succeeded.
    step_at: Duration,
    /// Whether the editor was in vim's insert mode.
    was_insert: bool,
    gone_at: Option<Duration>,
    /// How it ends when the draft is back.
    then: AttemptEnd,
}

impl Attempt {
    /// Begins; keys are typed when they are held, and a look has shown that it is safe.
    pub fn new(purpose: Purpose, line: &str, hold: KeyGate, owed: PendingCleanup, at: Duration) -> Self {
        Self {
            purpose,
            hold,
            next_look: at,
            owed,
            before: None,
            line: line.to_owned(),
            step: AttemptStep::Opening,
            until: at + HOLD_ANSWER_TIMEOUT + REST_TIMEOUT,
            quiet: false,
            wanted: true,
            taken_back: false,
            restored: false,
            at_main: false,
            key_since: None,
            step_at: at,
            was_insert: false,
            gone_at: None,
            then: AttemptEnd::Tidied,
        }
    }

    /// Says that the editor was in vim's insert mode before.
    pub fn in_insert_mode(mut self, is: bool) -> Self {
        self.was_insert = is;
        self
    }

    /// A key of the user's waits from now on.
    pub fn key_waits(&mut self, at: Duration) {
        self.key_since.get_or_insert(at);
    }

    /// The client has left, and the key that waited in it: nobody waits any more.
    pub fn client_left(&mut self) {
        self.key_since = None;
    }

    /// Whether a key of the user's waits.
    pub fn has_key_waiting(&self) -> bool {
        self.key_since.is_some()
    }

    /// When the last step was seen to have succeeded.
    pub fn step_at(&self) -> Duration {
        self.step_at
    }

    /// A key has waited for its time. Behind Enter it waits on until claude has taken the command; whether it does.
    pub fn waits_on(&mut self, at: Duration) -> bool {
        let waits = self.step == AttemptStep::Entered
            && self.purpose == Purpose::Connect
            && self.gone_at.is_none()
            && at < self.step_at + ENTER_HOLD_LIMIT;
        if waits {
            self.key_since = Some(at);
        }
        waits
    }

    /// Until when the user's keys may wait, if one does.
    pub fn key_deadline(&self) -> Option<Duration> {
        Some(self.key_since?.max(self.step_at) + KEY_HOLD_LIMIT)
    }

    /// Whether Enter was pressed.
    pub fn is_submitted(&self) -> bool {
        matches!(
            self.step,
            AttemptStep::Entered
                | AttemptStep::InPanel { .. }
                | AttemptStep::Leaving
                | AttemptStep::Closing { .. }
        ) || matches!(
            self.then,
            AttemptEnd::Submitted
                | AttemptEnd::WasUp { .. }
                | AttemptEnd::NotYet
                | AttemptEnd::Dialog
                | AttemptEnd::SwitchedOff
        ) || self.then == AttemptEnd::OwnCommand && self.gone_at.is_some()
    }

    /// When the command had left the prompt, if it was seen to.
    pub fn gone_at(&self) -> Option<Duration> {
        self.gone_at
    }

    /// Whether anything was typed.
    pub fn has_typed(&self) -> bool {
        self.step != AttemptStep::Opening
    }

    /// How it ends when it has to end at once.
    pub fn cut_short(&self, why: &'static str) -> AttemptEnd {
        if self.is_submitted() {
            AttemptEnd::Submitted
        } else if self.purpose == Purpose::Tidy {
            AttemptEnd::Tidied
        } else {
            AttemptEnd::Failed(why)
        }
    }

    /// The hold is over, and claude has not shown what it was sent: the opposite of that is sent after it, and comes before
    /// the user's next key, however slow claude is. Whether it helped is looked at later.
    pub fn last_keys(&mut self) -> Vec<Keystroke> {
        let unseen = matches!(self.step, AttemptStep::Typing | AttemptStep::TakingBack { tried: 0 });
        let taken_back = matches!(self.step, AttemptStep::TakingBack { .. });
        let put_aside =
            matches!(self.step, AttemptStep::Stashing | AttemptStep::Restoring { pressed: false });
        let mut keys = Vec::new();
        if unseen && self.owed.text {
            self.taken_back = true;
            keys.push(Keystroke::Undo);
        }
        // Once the command is submitted claude brings the draft back by itself: another ctrl-s would put it aside again.
        let at_prompt = self.at_main && !self.is_submitted();
        if self.owed.stash && at_prompt && (unseen || taken_back || put_aside) {
            self.restored = true;
            keys.push(Keystroke::Stash);
        }
        // A panel is about to open, or is open: the user's keys are not for that.
        let panel = matches!(self.step, AttemptStep::InPanel { .. })
            || self.step == AttemptStep::Entered && self.purpose == Purpose::SwitchOff;
        if panel {
            self.owed.insert |= self.was_insert;
            keys.push(Keystroke::Escape);
        }
        keys
    }

    /// What is left at the prompt if it ends now, and has to be looked for later: also what was undone, and was not seen to be.
    pub fn still_owed(&self) -> PendingCleanup {
        let sent = self.taken_back || self.restored || self.is_submitted();
        PendingCleanup { unseen: self.owed.is_any() && (self.owed.unseen || sent), ..self.owed }
    }

    /// Whether a step takes too long: a claude that rests has had its time, or it does not come to rest at all.
    fn is_late(&self, at: Duration, look: &ScreenSnapshot) -> bool {
        at >= self.until && (look.settled || at >= self.until + SLOW_CLAUDE_EXTRA_TIME)
    }

    /// A step was seen to have succeeded.
    fn seen(&mut self, at: Duration) {
        self.step_at = at;
    }

    /// Takes a look, and says what to type and whether that was the end. `against` is why the link is not wanted any more.
    pub fn on_look(
        &mut self,
        at: Duration,
        look: &ScreenSnapshot,
        file: Option<&File>,
        against: Option<BlockReason>,
    ) -> (Option<Keystroke>, Option<AttemptEnd>) {
        self.next_look = at + if look.settled { LOOK_INTERVAL } else { UNSETTLED_LOOK_INTERVAL };
        let rested;
        let look = if self.needs_rest() && !look.rested {
            rested = ScreenSnapshot { settled: false, ..look.clone() };
            &rested
        } else {
            look
        };
        if look.settled {
            self.at_main = !matches!(look.reading.prompt, Prompt::Elsewhere(_));
        }
        if look.settled && look.rested && look.has_footer() && look.reading.vim == Some(Vim::Insert) {
            self.was_insert = true;
            self.owed.insert = false;
        }
        self.quiet = file.is_some_and(|file| file.obstacle.is_none());
        self.wanted = against.is_none();
        match (self.step.clone(), against) {
            (AttemptStep::Opening, Some(why)) => (None, Some(AttemptEnd::NotNow(why))),
            (step, _) => self.step(at, look, file, step),
        }
    }

    fn step(
        &mut self,
        at: Duration,
        look: &ScreenSnapshot,
        file: Option<&File>,
        step: AttemptStep,
    ) -> (Option<Keystroke>, Option<AttemptEnd>) {
        match step {
            AttemptStep::Opening => self.opening(at, look, file),
            AttemptStep::Stashing => self.stashing(at, look),
            AttemptStep::Typing => self.typing(at, look),
            AttemptStep::Entered => self.entered(at, look, file),
            AttemptStep::InPanel { moves, expected } => self.in_panel(at, look, moves, expected),
            AttemptStep::Leaving => self.leaving(at, look),
            AttemptStep::Closing { again } => self.closing(at, look, again),
            AttemptStep::TakingBack { tried } => self.taking_back(at, look, tried),
            AttemptStep::Restoring { pressed } => self.restoring(at, look, pressed),
            AttemptStep::Inserting { before } => self.inserting(at, look, &before),
        }
    }

    /// Whether only a claude that rests shows what this step waits for. Behind Enter nothing but the command can have changed
    /// the screen, and claude may draw on and on while it connects.
    fn needs_rest(&self) -> bool {
        match self.step {
            AttemptStep::Opening => self.purpose != Purpose::Close,
            AttemptStep::Entered
            | AttemptStep::InPanel { .. }
            | AttemptStep::Leaving
            | AttemptStep::Closing { .. } => false,
            _ => true,
        }
    }

    fn go(&mut self, step: AttemptStep, until: Duration) {
        self.step = step;
        self.until = until;
    }

    fn opening(
        &mut self,
        at: Duration,
        look: &ScreenSnapshot,
        file: Option<&File>,
    ) -> (Option<Keystroke>, Option<AttemptEnd>) {
        let not_now = |why| (None, Some(AttemptEnd::NotNow(why)));
        if self.purpose == Purpose::Close {
            return match (&look.reading.panel, look.settled) {
                (Some(panel), true) => {
                    let then =
                        if panel.connected { AttemptEnd::WasUp { closed: true } } else { AttemptEnd::NotYet };
                    let closed = self.close(at);
                    self.then = then;
                    closed
                }
                (None, true) if look.reading.first_use => {
                    let closed = self.close(at);
                    self.then = AttemptEnd::Dialog;
                    closed
                }
                (_, false) if at < self.until => (None, None),
                _ => not_now(BlockReason::Unsettled),
            };
        }
        match file {
            None => return not_now(BlockReason::Unknown),
            Some(File { obstacle: Some(obstacle), .. }) => {
                return not_now(BlockReason::Session(obstacle.clone()));
            }
            _ => {}
        }
        match look.obstacle() {
            Some(BlockReason::Unsettled) if at < self.until => return (None, None),
            Some(BlockReason::Unsettled) if !look.rested => return not_now(BlockReason::Restless),
            Some(why) => return not_now(why),
            None => {}
        }
        self.before.clone_from(&look.reading.notice);
        if self.purpose == Purpose::Tidy {
            return self.tidy(at, look);
        }
        if let Some(why) = look.against_line(&self.line) {
            return not_now(why);
        }
        self.seen(at);
        match &look.reading.prompt {
            Prompt::Empty => self.paste(at),
            Prompt::Draft(_) => {
                self.owed.stash = true;
                self.go(AttemptStep::Stashing, at + DRAW_TIMEOUT);
                (Some(Keystroke::Stash), None)
            }
            Prompt::Elsewhere(why) => not_now(BlockReason::Screen((*why).into())),
        }
    }

    fn stashing(&mut self, at: Duration, look: &ScreenSnapshot) -> (Option<Keystroke>, Option<AttemptEnd>) {
        let fits = look.reading.room.fits(&self.line);
        if self.wanted
            && fits
            && self.quiet
            && look.obstacle().is_none()
            && look.reading.prompt == Prompt::Empty
        {
            self.seen(at);
            return self.paste(at);
        }
        if self.wanted && fits && !self.is_late(at, look) {
            return (None, None);
        }
        self.then = AttemptEnd::Failed("the draft at the prompt was not put aside in time");
        self.go(AttemptStep::Restoring { pressed: false }, Self::until_undone(at));
        self.restoring(at, look, false)
    }

    fn paste(&mut self, at: Duration) -> (Option<Keystroke>, Option<AttemptEnd>) {
        self.owed.text = true;
        self.go(AttemptStep::Typing, at + DRAW_TIMEOUT);
        (Some(Keystroke::Paste(self.line.clone())), None)
    }

    fn typing(&mut self, at: Duration, look: &ScreenSnapshot) -> (Option<Keystroke>, Option<AttemptEnd>) {
        if !self.wanted {
            self.then = AttemptEnd::Failed("it is not wanted any more");
            return self.take_back(at, look);
        }
        if self.quiet && look.obstacle().is_none() && look.shows_exactly(&self.line) {
            self.seen(at);
            if look.reading.stashed && !self.owed.stash {
                self.then = AttemptEnd::Failed("a draft was stashed meanwhile, which is not cckw's");
                return self.take_back(at, look);
            }
            if look.is_own_command() {
                self.then = AttemptEnd::OwnCommand;
                return self.take_back(at, look);
            }
            self.go(AttemptStep::Entered, at + DRAW_TIMEOUT);
            return (Some(Keystroke::Enter), None);
        }
        if self.is_late(at, look) {
            self.then = AttemptEnd::Failed("the command did not appear alone at the prompt in time");
            return self.take_back(at, look);
        }
        (None, None)
    }

    fn entered(
        &mut self,
        at: Duration,
        look: &ScreenSnapshot,
        file: Option<&File>,
    ) -> (Option<Keystroke>, Option<AttemptEnd>) {
        if !look.settled {
            return (None, None);
        }
        match (&look.reading.panel, self.purpose) {
            (Some(panel), _) if !panel.connected => {
                let closed = self.close(at);
                self.then = AttemptEnd::NotYet;
                return closed;
            }
            (Some(panel), Purpose::SwitchOff) => {
                self.owed.text = false;
                self.seen(at);
                self.go(AttemptStep::InPanel { moves: 0, expected: panel.selected }, at + DRAW_TIMEOUT);
                return self.in_panel(at, look, 0, panel.selected);
            }
            (Some(_), _) => return self.close(at),
            (None, _) => {}
        }
        let draft = match &look.reading.prompt {
            // A dialog that is not known, which the state file knows of: it came with our Enter. While claude runs the command the file says the
            // same, and no dialog is drawn: Esc would mean something else there.
            Prompt::Elsewhere(_)
                if look.reading.first_use
                    || file.is_some_and(|file| file.dialog)
                        && at >= self.until
                        && look.reading.prompt.nameless().is_none() =>
            {
                let closed = self.close(at);
                self.then = AttemptEnd::Dialog;
                return closed;
            }
            Prompt::Elsewhere(_) => return (None, None),
            Prompt::Draft(draft) if draft.text == self.line => return (None, None),
            Prompt::Draft(_) => true,
            Prompt::Empty => false,
        };
        self.owed.text = false;
        if self.gone_at.is_none() {
            self.seen(at);
        }
        let gone_at = self.gone_at.unwrap_or(at);
        self.gone_at = Some(gone_at);
        self.owed.stash &= !draft;
        // For a moment the command itself stands where the answer will.
        let answered = look.reading.notice.is_some() && look.reading.notice != self.before
            || matches!(look.reading.indicator, Indicator::Connecting | Indicator::Active)
            || file.is_some_and(|file| file.verdict.link == Link::Connected);
        // Where it had refused before, the same words once more are no news: they get the time to come.
        let pause = match &self.before {
            _ if answered => Duration::ZERO,
            Some(notice) if notice.refusal().is_some() => REPEATED_ANSWER_DELAY,
            _ => DIALOG_WATCH_TIME,
        };
        if at < gone_at + pause {
            return (None, None);
        }
        // The built-in command begins no turn.
        let busy = !answered && self.purpose == Purpose::Connect && file.is_some_and(|file| file.busy);
        // The state file says so for a moment with every command.
        if busy && at < gone_at + BUSY_COMMAND {
            return (None, None);
        }
        let own_command = busy && look.reading.busy;
        if own_command {
            self.then = AttemptEnd::OwnCommand;
        }
        if !self.owed.stash {
            return (None, Some(if own_command { AttemptEnd::OwnCommand } else { AttemptEnd::Submitted }));
        }
        if at < gone_at + DRAFT_RESTORE_TIMEOUT {
            return (None, None);
        }
        if !own_command {
            self.then = AttemptEnd::Submitted;
        }
        self.restore(at, look)
    }

    /// At the main prompt again: ends, with the draft back.
    fn finish_with_draft(
        &mut self,
        at: Duration,
        look: &ScreenSnapshot,
    ) -> (Option<Keystroke>, Option<AttemptEnd>) {
        if matches!(look.reading.prompt, Prompt::Draft(_)) {
            self.owed.stash = false;
        }
        if self.owed.stash {
            return self.restore(at, look);
        }
        (None, Some(self.then.clone()))
    }
}
