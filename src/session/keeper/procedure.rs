//! One try: from the first look with the keys held to the answer to Enter, or back to where it began.
//!
//! Every step waits for a look that shows what the last keys did. What a look does not show was not done, however long
//! ago it was typed: then the step is given up, and what was typed is taken back.

mod undo;

use std::time::Duration;

use super::why::Why;
use super::witness::{self, File, Look};
use crate::claude::remote_control::Link;
use crate::claude::screen::{Indicator, Notice, Panel, Prompt};

/// How long claude may take to show what keys did.
pub const PATIENCE: Duration = Duration::from_secs(2);
/// The same for what has to be undone: as long as keys may be held.
const PATIENCE_BACK: Duration = LONGEST_HOLD;
/// The longest that the user's keys are held. The client lets go by itself a little later.
pub const LONGEST_HOLD: Duration = Duration::from_secs(8);
/// How long the client may take to say that it holds.
pub const HOLD_ANSWER: Duration = Duration::from_secs(1);
/// The time between two looks, and where a frame is half drawn.
const PACE: Duration = Duration::from_millis(40);
const PACE_UNSETTLED: Duration = Duration::from_millis(15);
/// How long the prompt is watched after the command has left it, for a dialog that opens a moment later.
const AFTERMATH: Duration = Duration::from_millis(400);
/// The same where an answer would look like the one before.
pub const REPEATED: Duration = Duration::from_secs(1);
/// How long claude may take to bring a draft back by itself.
const OWN_RESTORE: Duration = Duration::from_millis(900);
/// The most choices that are walked over in the panel.
const MOVES: u8 = 10;

/// What is typed, for the host to encode as the terminal would.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Keys {
    /// ctrl-s: puts a draft aside, or brings it back to an empty prompt.
    Stash,
    /// The line, as a bracketed paste.
    Paste(String),
    /// Enter.
    Enter,
    /// Esc.
    Escape,
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
pub struct Owed {
    /// The line may be there.
    pub text: bool,
    /// A draft was put aside, and is not back.
    pub stash: bool,
}

impl Owed {
    /// Whether there is anything.
    pub fn is_any(self) -> bool {
        self.text || self.stash
    }
}

/// How a try ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// Nothing was typed.
    NotNow(Why),
    /// The command was submitted.
    Submitted,
    /// A dialog opened: the link is up after all. It was closed, or could not be.
    WasUp {
        /// Whether the main prompt is back.
        closed: bool,
    },
    /// A dialog opened that is not known, and was closed.
    Dialog,
    /// The panel's choice that disconnects was taken.
    SwitchedOff,
    /// The command was not submitted.
    Failed(&'static str),
    /// What was left of an earlier try is gone, or the user's by now.
    Tidied,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Opening,
    Stashing,
    Typing,
    Entered,
    InPanel { moves: u8, expected: usize },
    Leaving,
    Closing { again: bool },
    TakingBack { tried: u8 },
    Restoring { pressed: bool },
}

/// Whether the user's keys are held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// The client was asked, and has until then.
    Asked(Duration),
    /// They are, or there is nobody who types; until then at most.
    Until(Duration),
}

/// A try under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Try {
    /// What for.
    pub purpose: Purpose,
    /// Whether keys are held.
    pub hold: Hold,
    /// When to look next.
    pub next_look: Duration,
    /// What is left at the prompt if it ends now.
    pub owed: Owed,
    /// What claude had said before.
    pub before: Option<Notice>,
    line: String,
    step: Step,
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
    gone_at: Option<Duration>,
    /// How it ends when the draft is back.
    then: End,
}

impl Try {
    /// Begins; keys are typed when they are held, and a look has shown that it is safe.
    pub fn new(purpose: Purpose, line: &str, hold: Hold, owed: Owed, at: Duration) -> Self {
        Self {
            purpose,
            hold,
            next_look: at,
            owed,
            before: None,
            line: line.to_owned(),
            step: Step::Opening,
            until: at + HOLD_ANSWER + PATIENCE,
            quiet: false,
            wanted: true,
            taken_back: false,
            restored: false,
            at_main: false,
            gone_at: None,
            then: End::Tidied,
        }
    }

    /// Whether Enter was pressed.
    pub fn is_submitted(&self) -> bool {
        matches!(self.step, Step::Entered | Step::InPanel { .. } | Step::Leaving | Step::Closing { .. })
            || matches!(self.then, End::Submitted | End::WasUp { .. } | End::Dialog | End::SwitchedOff)
    }

    /// When the command had left the prompt, if it was seen to.
    pub fn gone_at(&self) -> Option<Duration> {
        self.gone_at
    }

    /// Whether anything was typed.
    pub fn has_typed(&self) -> bool {
        self.step != Step::Opening
    }

    /// How it ends when it has to end at once.
    pub fn cut_short(&self, why: &'static str) -> End {
        if self.is_submitted() {
            End::Submitted
        } else if self.purpose == Purpose::Tidy {
            End::Tidied
        } else {
            End::Failed(why)
        }
    }

    /// The hold is over, and claude has not shown what it was sent: the opposite of that is sent after it, and comes before
    /// the user's next key, however slow claude is. Whether it helped is looked at later.
    pub fn last_keys(&mut self) -> Vec<Keys> {
        let unseen = matches!(self.step, Step::Typing | Step::TakingBack { tried: 0 });
        let put_aside = matches!(self.step, Step::Stashing | Step::Restoring { pressed: false });
        let mut keys = Vec::new();
        if unseen && self.owed.text {
            self.taken_back = true;
            keys.push(Keys::Backspaces(self.line.chars().count()));
        }
        if self.owed.stash && self.at_main && (unseen || put_aside) {
            self.restored = true;
            keys.push(Keys::Stash);
        }
        keys
    }

    /// What is left at the prompt if it ends now, and has to be looked for later. What was undone, though that was not
    /// seen yet, will be: keys are read in order. Undoing it once more would do it again.
    pub fn still_owed(&self) -> Owed {
        Owed { text: self.owed.text && !self.taken_back, stash: self.owed.stash && !self.restored }
    }

    /// Takes a look, and says what to type and whether that was the end. `against` is why the link is not wanted any more.
    pub fn on_look(
        &mut self,
        at: Duration,
        look: &Look,
        file: Option<&File>,
        against: Option<Why>,
    ) -> (Option<Keys>, Option<End>) {
        self.next_look = at + if look.settled { PACE } else { PACE_UNSETTLED };
        if look.settled {
            self.at_main = !matches!(look.reading.prompt, Prompt::Elsewhere(_));
        }
        self.quiet = file.is_some_and(|file| file.obstacle.is_none());
        self.wanted = against.is_none();
        match (self.step.clone(), against) {
            (Step::Opening, Some(why)) => (None, Some(End::NotNow(why))),
            (step, _) => self.step(at, look, file, step),
        }
    }

    fn step(
        &mut self,
        at: Duration,
        look: &Look,
        file: Option<&File>,
        step: Step,
    ) -> (Option<Keys>, Option<End>) {
        match step {
            Step::Opening => self.opening(at, look, file),
            Step::Stashing => self.stashing(at, look),
            Step::Typing => self.typing(at, look),
            Step::Entered => self.entered(at, look, file),
            Step::InPanel { moves, expected } => self.in_panel(at, look, moves, expected),
            Step::Leaving => self.leaving(at, look),
            Step::Closing { again } => self.closing(at, look, again),
            Step::TakingBack { tried } => self.taking_back(at, look, tried),
            Step::Restoring { pressed } => self.restoring(at, look, pressed),
        }
    }

    fn go(&mut self, step: Step, until: Duration) {
        self.step = step;
        self.until = until;
    }

    fn opening(&mut self, at: Duration, look: &Look, file: Option<&File>) -> (Option<Keys>, Option<End>) {
        let not_now = |why| (None, Some(End::NotNow(why)));
        if self.purpose == Purpose::Close {
            return match (&look.reading.panel, look.settled) {
                (Some(_), true) => self.close(at),
                (_, false) if at < self.until => (None, None),
                _ => not_now(Why::Unsettled),
            };
        }
        match file {
            None => return not_now(Why::Unknown),
            Some(File { obstacle: Some(obstacle), .. }) => {
                return not_now(Why::Session(obstacle.clone()));
            }
            _ => {}
        }
        match look.obstacle() {
            Some(Why::Unsettled) if at < self.until => return (None, None),
            Some(why) => return not_now(why),
            None => {}
        }
        self.before.clone_from(&look.reading.notice);
        match (&look.reading.prompt, self.purpose) {
            (Prompt::Empty, Purpose::Tidy) if self.owed.stash => {
                self.owed.text = false;
                self.restore(at, look)
            }
            (Prompt::Draft(draft), Purpose::Tidy) if self.owed.text && draft.text == self.line => {
                self.take_back(at, look)
            }
            (_, Purpose::Tidy) => {
                // Whatever stands there is the user's. A draft that is still put aside comes back with what they submit.
                self.owed = Owed::default();
                (None, Some(End::Tidied))
            }
            (Prompt::Empty, _) => self.paste(at),
            // There is room for one.
            (Prompt::Draft(_), _) if look.reading.stashed => {
                not_now(Why::Screen("another draft is put aside already".into()))
            }
            (Prompt::Draft(_), _) => {
                self.owed.stash = true;
                self.go(Step::Stashing, at + PATIENCE);
                (Some(Keys::Stash), None)
            }
            (Prompt::Elsewhere(why), _) => not_now(Why::Screen((*why).into())),
        }
    }

    fn stashing(&mut self, at: Duration, look: &Look) -> (Option<Keys>, Option<End>) {
        if self.wanted && self.quiet && look.obstacle().is_none() && look.reading.prompt == Prompt::Empty {
            return self.paste(at);
        }
        if self.wanted && at < self.until {
            return (None, None);
        }
        self.then = End::Failed("the draft at the prompt was not put aside in time");
        self.go(Step::Restoring { pressed: false }, at + PATIENCE_BACK);
        self.restoring(at, look, false)
    }

    fn paste(&mut self, at: Duration) -> (Option<Keys>, Option<End>) {
        self.owed.text = true;
        self.go(Step::Typing, at + PATIENCE);
        (Some(Keys::Paste(self.line.clone())), None)
    }

    fn typing(&mut self, at: Duration, look: &Look) -> (Option<Keys>, Option<End>) {
        if !self.wanted {
            self.then = End::Failed("it is not wanted any more");
            return self.take_back(at, look);
        }
        if at >= self.until {
            self.then = End::Failed("the command did not appear alone at the prompt in time");
            return self.take_back(at, look);
        }
        if self.quiet && look.obstacle().is_none() && look.shows_exactly(&self.line) {
            self.go(Step::Entered, at + PATIENCE);
            return (Some(Keys::Enter), None);
        }
        (None, None)
    }

    fn entered(&mut self, at: Duration, look: &Look, file: Option<&File>) -> (Option<Keys>, Option<End>) {
        if !look.settled {
            return (None, None);
        }
        match (&look.reading.panel, self.purpose) {
            (Some(panel), Purpose::SwitchOff) => {
                self.owed.text = false;
                self.go(Step::InPanel { moves: 0, expected: panel.selected }, at + PATIENCE);
                return self.in_panel(at, look, 0, panel.selected);
            }
            (Some(_), _) => return self.close(at),
            (None, _) => {}
        }
        let draft = match &look.reading.prompt {
            // A dialog that is not known, which the state file knows of: it came with our Enter.
            Prompt::Elsewhere(_) if file.is_some_and(|file| file.dialog) && at >= self.until => {
                let closed = self.close(at);
                self.then = End::Dialog;
                return closed;
            }
            Prompt::Elsewhere(_) => return (None, None),
            Prompt::Draft(draft) if draft.text == self.line => return (None, None),
            Prompt::Draft(_) => true,
            Prompt::Empty => false,
        };
        self.owed.text = false;
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
            Some(notice) if witness::refusal(notice).is_some() => REPEATED,
            _ => AFTERMATH,
        };
        if at < gone_at + pause {
            return (None, None);
        }
        if !self.owed.stash {
            return (None, Some(End::Submitted));
        }
        if at < gone_at + OWN_RESTORE {
            return (None, None);
        }
        self.then = End::Submitted;
        self.restore(at, look)
    }

    /// Walks to the choice that disconnects, one step a look, and takes it when it is seen to be selected.
    fn in_panel(
        &mut self,
        at: Duration,
        look: &Look,
        moves: u8,
        expected: usize,
    ) -> (Option<Keys>, Option<End>) {
        let late = at >= self.until;
        let panel = look.reading.panel.as_ref().filter(|_| look.settled);
        let Some(panel) = panel.filter(|panel| panel.selected == expected) else {
            return if late { self.close_if_seen(at, look) } else { (None, None) };
        };
        let Panel { selected, disconnect: Some(wanted), .. } = *panel else { return self.close(at) };
        if selected == wanted {
            self.go(Step::Leaving, at + PATIENCE);
            return (Some(Keys::Enter), None);
        }
        if moves >= MOVES {
            return self.close(at);
        }
        let (keys, expected) =
            if selected < wanted { (Keys::Down, selected + 1) } else { (Keys::Up, selected - 1) };
        self.go(Step::InPanel { moves: moves + 1, expected }, at + PATIENCE);
        (Some(keys), None)
    }

    fn leaving(&mut self, at: Duration, look: &Look) -> (Option<Keys>, Option<End>) {
        if look.obstacle().is_none() {
            self.then = End::SwitchedOff;
            return self.finish_with_draft(at, look);
        }
        if at < self.until { (None, None) } else { self.close_if_seen(at, look) }
    }

    /// Closes a panel that is still there. Where none is seen, Esc might mean something else, and it is waited for what shows.
    fn close_if_seen(&mut self, at: Duration, look: &Look) -> (Option<Keys>, Option<End>) {
        let (keys, end) = self.close(at);
        let seen = look.settled && look.reading.panel.is_some();
        (keys.filter(|_| seen), end)
    }

    fn close(&mut self, at: Duration) -> (Option<Keys>, Option<End>) {
        self.owed.text = false;
        self.go(Step::Closing { again: false }, at + PATIENCE);
        self.then = End::WasUp { closed: true };
        (Some(Keys::Escape), None)
    }

    fn closing(&mut self, at: Duration, look: &Look, again: bool) -> (Option<Keys>, Option<End>) {
        if look.obstacle().is_none() {
            return self.finish_with_draft(at, look);
        }
        if at < self.until {
            return (None, None);
        }
        // Only what is still seen there is closed once more.
        if !again && look.settled && look.reading.panel.is_some() {
            self.go(Step::Closing { again: true }, at + PATIENCE);
            return (Some(Keys::Escape), None);
        }
        let dialog = self.then == End::Dialog;
        (None, Some(if dialog { End::Dialog } else { End::WasUp { closed: false } }))
    }

    /// At the main prompt again: ends, with the draft back.
    fn finish_with_draft(&mut self, at: Duration, look: &Look) -> (Option<Keys>, Option<End>) {
        if matches!(look.reading.prompt, Prompt::Draft(_)) {
            self.owed.stash = false;
        }
        if self.owed.stash {
            return self.restore(at, look);
        }
        (None, Some(self.then.clone()))
    }
}
