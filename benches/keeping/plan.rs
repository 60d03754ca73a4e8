//! Where claude is when the link is asked for, and what the user does meanwhile, all from a seed and a
//! number.

use std::fmt;
use std::time::Duration;

use super::dice::Dice;

/// How many rounds a session is set up for alike.
pub const BLOCK: u64 = 10;

/// Where claude is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// Nothing at the prompt.
    Empty,
    /// A line at the prompt.
    Draft,
    /// A draft with the cursor in the middle of it.
    Inside,
    /// A draft of three lines.
    Lines,
    /// A draft with the mark of a paste.
    Pasted,
    /// A draft of wide characters.
    Wide,
    /// The beginning of a command, and the list of commands.
    SlashMenu,
    /// The beginning of a file's name, and the list of files.
    FileMenu,
    /// Vim's insert mode, nothing at the prompt.
    InsertEmpty,
    /// Vim's insert mode, with a draft.
    InsertDraft,
    /// Vim's normal mode, nothing at the prompt.
    NormalEmpty,
    /// Vim's normal mode, with a draft.
    NormalDraft,
    /// Vim's visual mode.
    Visual,
    /// A draft with more lines than the window.
    Tall,
    /// The help that `?` opens.
    Shortcuts,
    /// A line for the shell.
    Shell,
    /// The search in the history.
    Search,
    /// The transcript view.
    Transcript,
    /// The agents view.
    Agents,
    /// The settings.
    Config,
    /// The choice of a model.
    Model,
    /// A question whether a tool may run.
    Permission,
    /// A turn that runs.
    Turn,
    /// A turn that runs, and a draft.
    TurnDraft,
    /// A turn that runs, and a message that waits for its end.
    Queued,
    /// ctrl-c was pressed once.
    ExitAsked,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 26] = [
        Self::Empty,
        Self::Draft,
        Self::Inside,
        Self::Lines,
        Self::Pasted,
        Self::Wide,
        Self::SlashMenu,
        Self::FileMenu,
        Self::InsertEmpty,
        Self::InsertDraft,
        Self::NormalEmpty,
        Self::NormalDraft,
        Self::Visual,
        Self::Tall,
        Self::Shortcuts,
        Self::Shell,
        Self::Search,
        Self::Transcript,
        Self::Agents,
        Self::Config,
        Self::Model,
        Self::Permission,
        Self::Turn,
        Self::TurnDraft,
        Self::Queued,
        Self::ExitAsked,
    ];

    /// Whether there is such a state in the editor with vim's modes, or in the one without.
    fn is_of(self, vim: bool) -> bool {
        use State::*;
        match self {
            InsertEmpty | InsertDraft | NormalEmpty | NormalDraft | Visual => vim,
            Transcript | Config | Model | Permission | Turn => true,
            _ => !vim,
        }
    }

    /// Whether the link has to be asked for here. Everywhere else nothing may be typed.
    pub fn is_safe(self) -> bool {
        self < Self::Visual
    }

    /// Whether it ends with nothing being asked for: only a new session leads out of it, or its mock is used
    /// up.
    pub fn wears_out(self) -> bool {
        matches!(self, Self::Agents | Self::Turn | Self::TurnDraft | Self::Queued)
    }

    /// Whether single keys are commands of vim's.
    pub fn is_normal(self) -> bool {
        matches!(self, Self::NormalEmpty | Self::NormalDraft)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Empty => "empty prompt",
            Self::Draft => "draft",
            Self::Inside => "cursor within a draft",
            Self::Lines => "draft of three lines",
            Self::Pasted => "draft with a paste",
            Self::Wide => "draft, wide characters",
            Self::SlashMenu => "list of commands",
            Self::FileMenu => "list of files",
            Self::InsertEmpty => "vim INSERT",
            Self::InsertDraft => "vim INSERT, draft",
            Self::NormalEmpty => "vim NORMAL",
            Self::NormalDraft => "vim NORMAL, draft",
            Self::Visual => "vim VISUAL",
            Self::Tall => "draft that is too tall",
            Self::Shortcuts => "shortcut help",
            Self::Shell => "shell mode",
            Self::Search => "history search",
            Self::Transcript => "transcript view",
            Self::Agents => "agents view",
            Self::Config => "/config",
            Self::Model => "/model",
            Self::Permission => "permission prompt",
            Self::Turn => "running turn",
            Self::TurnDraft => "running turn, draft",
            Self::Queued => "queued message",
            Self::ExitAsked => "ctrl-c once",
        })
    }
}

/// When the user types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Not at all.
    Never,
    /// So long after the link was asked for.
    After(Duration),
    /// When the command is just being typed, and so long after that.
    Midway(Duration),
}

/// Whether there is a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// All the time.
    Attached,
    /// It goes before the link is asked for, and another one comes when all is over.
    Away,
    /// It goes before, and another one comes while the command is being typed.
    Returns,
    /// It goes while the command is being typed.
    Leaves,
}

/// How claude is set up for a block of rounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setup {
    /// Whether it draws on the alternate screen.
    pub fullscreen: bool,
    /// Whether the editor is vim's.
    pub vim: bool,
    /// Whether the terminal has the kitty keyboard.
    pub kitty: bool,
}

/// One round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The seed of the run.
    pub seed: u64,
    /// The number of the round.
    pub round: u64,
    pub setup: Setup,
    pub state: State,
    /// Rows and columns.
    pub size: (u16, u16),
    pub presence: Presence,
    pub moment: Moment,
    /// What the user types at that moment.
    pub keys: String,
    /// Whether the user presses Enter after it.
    pub enter: bool,
    /// Whether the verb is run; else the request that it makes is sent.
    pub verb: bool,
    /// How long an unsafe state is left as it is after nothing was typed.
    pub dwell: Duration,
}

impl Plan {
    /// The round of this number.
    pub fn new(seed: u64, round: u64) -> Self {
        let mut dice = Dice::new(seed, round / BLOCK, 2);
        let mut coin = |of: u64| dice.below(of) == 0;
        let setup = Setup { fullscreen: coin(2), vim: coin(3), kitty: !coin(3) };
        // Each block has its states in an order of its own, so that all come about equally often.
        let mut states: Vec<_> = State::ALL.into_iter().filter(|state| state.is_of(setup.vim)).collect();
        let mut dice = Dice::new(seed, round / BLOCK, 3);
        for at in (1..states.len()).rev() {
            states.swap(at, dice.below(at as u64 + 1) as usize);
        }
        let state = states[(round % BLOCK) as usize];
        let mut dice = Dice::new(seed, round, 4);
        let sizes = [(10, 40), (15, 60), (24, 80), (30, 100), (40, 120), (50, 200)];
        let size = match (state, sizes[dice.below(sizes.len() as u64) as usize]) {
            (State::Tall, _) => sizes[0],
            // There is no room for the lower end of the box, or for the answer beside the list.
            (State::Lines, (10, _)) if setup.fullscreen => sizes[1],
            (State::SlashMenu, (10, _)) => sizes[2],
            (_, size) => size,
        };
        let mut presence = [Presence::Attached, Presence::Away, Presence::Returns, Presence::Leaves]
            [dice.below(8).saturating_sub(4) as usize];
        if !state.is_safe() && matches!(presence, Presence::Returns | Presence::Leaves) {
            presence = Presence::Away;
        }
        let moment = match dice.below(3) {
            _ if presence != Presence::Attached || !state.is_safe() => Moment::Never,
            0 => Moment::Never,
            1 => Moment::After(dice.up_to(2500)),
            _ => Moment::Midway(dice.up_to(250)),
        };
        let letters = ["a", "b", "c", "D", "7", " ", "-", "z", "é"];
        let count = 1 + dice.below(6);
        let mut keys: String =
            (0..count).map(|_| letters[dice.below(letters.len() as u64) as usize]).collect();
        // A blank at an end is not to be seen.
        keys.insert(0, 'k');
        keys.push('.');
        let enter = moment != Moment::Never && dice.below(3) == 0 && takes_enter(state);
        let (verb, dwell) = (dice.below(2) == 0, dice.up_to(1500));
        Self { seed, round, setup, state, size, presence, moment, keys, enter, verb, dwell }
    }
}

/// Where Enter sends what stands at the prompt, and nothing else.
fn takes_enter(state: State) -> bool {
    !matches!(state, State::SlashMenu | State::FileMenu | State::NormalEmpty | State::NormalDraft)
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (rows, columns) = self.size;
        let screen = if self.setup.fullscreen { "alternate" } else { "main" };
        let vim = if self.setup.vim { " vim" } else { "" };
        let by = if self.verb { "verb" } else { "request" };
        write!(f, "round {:3}: {:22} {columns}x{rows} {screen}{vim} {by}", self.round, self.state)?;
        match self.presence {
            Presence::Attached => {}
            Presence::Away => write!(f, ", detached")?,
            Presence::Returns => write!(f, ", attached midway")?,
            Presence::Leaves => write!(f, ", detached midway")?,
        }
        let enter = if self.enter { "+Enter" } else { "" };
        match self.moment {
            Moment::Never => Ok(()),
            Moment::After(time) => write!(f, ", {:?}{enter} after {} ms", self.keys, time.as_millis()),
            Moment::Midway(time) => write!(f, ", {:?}{enter} midway+{} ms", self.keys, time.as_millis()),
        }
    }
}
