//! What happens to the link, where claude is then, and what the user does, all from a seed and a number.

use std::fmt;
use std::time::Duration;

use super::dice::Dice;

/// How many rounds one session is used for.
pub const BLOCK: u64 = 10;

/// What is done to the link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// The event stream is closed.
    Drop,
    /// Connections are refused for so many seconds.
    Refuse(u64),
    /// Nothing is written into the event stream for so many seconds.
    Silent(u64),
    /// Nothing is answered for so many seconds.
    Freeze(u64),
    /// Requests of the session's worker are answered with 401.
    Unauthorized,
    /// The event stream is answered with 403.
    Forbidden,
    /// The event stream is answered with 404.
    NotFound,
    /// The registration went stale.
    Stale,
    /// The registration went stale, and so many connects after it fail.
    FailedConnects(u32),
    /// The registration went stale, and no connection is accepted for so many seconds.
    Outage(u64),
    /// Another device took the session over.
    TakenOver,
    /// The session was archived.
    Archived,
    /// The session moved away with its organisation.
    Moved,
    /// claude is killed.
    Killed,
    /// claude is killed, and no connection is accepted until its tries are used up.
    KilledOffline,
}

/// What has to become of the link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// claude mends it by itself, and nothing is typed.
    ClaudeMends,
    /// claude advises to reconnect, and cckw does it.
    BroughtBack,
    /// It is the user's, and nothing is typed.
    LeftAlone,
    /// cckw stops before claude's third failed connect, and says that a restart helps.
    NeedsRestart,
}

impl Fault {
    /// The names in the tally, in its order.
    pub const NAMES: [&str; 15] = [
        "drop",
        "refuse",
        "silent",
        "freeze",
        "401",
        "403",
        "404",
        "stale",
        "one failed connect",
        "failed connects",
        "outage",
        "taken over",
        "archived",
        "moved",
        "claude killed",
    ];

    fn draw(dice: &mut Dice) -> Self {
        match dice.below(60) {
            0..3 => Self::Drop,
            3..6 => Self::Refuse(3 + dice.below(20)),
            6 => Self::Silent(10 + dice.below(60)),
            7 => Self::Freeze(10 + dice.below(80)),
            8..10 => Self::Unauthorized,
            10..18 => Self::Forbidden,
            18..26 => Self::NotFound,
            26..36 => Self::Stale,
            36..38 => Self::FailedConnects(1),
            38..40 => Self::FailedConnects(2 + dice.below(3) as u32),
            40..42 => Self::Outage(15 + dice.below(20)),
            42..49 => Self::TakenOver,
            49..53 => Self::Archived,
            53..57 => Self::Moved,
            57..59 => Self::Killed,
            _ => Self::KilledOffline,
        }
    }

    /// Its name in the tally.
    pub fn name(self) -> &'static str {
        match self {
            Self::Drop => "drop",
            Self::Refuse(_) => "refuse",
            Self::Silent(_) => "silent",
            Self::Freeze(_) => "freeze",
            Self::Unauthorized => "401",
            Self::Forbidden => "403",
            Self::NotFound => "404",
            Self::Stale => "stale",
            Self::FailedConnects(1) => "one failed connect",
            Self::FailedConnects(_) => "failed connects",
            Self::Outage(_) => "outage",
            Self::TakenOver => "taken over",
            Self::Archived => "archived",
            Self::Moved => "moved",
            Self::Killed | Self::KilledOffline => "claude killed",
        }
    }

    /// Whether it ends the claude that runs.
    pub fn kills(self) -> bool {
        matches!(self, Self::Killed | Self::KilledOffline)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refuse(seconds) | Self::Silent(seconds) | Self::Freeze(seconds) | Self::Outage(seconds) => {
                write!(f, "{} {seconds} s", self.name())
            }
            Self::FailedConnects(count) => write!(f, "stale, {count} failed connects"),
            Self::KilledOffline => f.write_str("claude killed, no network"),
            _ => f.write_str(self.name()),
        }
    }
}

/// Where claude is when it happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// Nothing at the prompt.
    Idle,
    /// A line at the prompt.
    Draft,
    /// The user types on until some seconds after the failure.
    Typing,
    /// A turn runs.
    Busy,
    /// A turn runs, and a line stands at the prompt.
    BusyDraft,
    /// The settings are open.
    Config,
    /// The choice of a model is open.
    Model,
    /// The transcript view is open.
    Transcript,
    /// There is no terminal.
    Detached,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Idle,
        Self::Draft,
        Self::Typing,
        Self::Busy,
        Self::BusyDraft,
        Self::Config,
        Self::Model,
        Self::Transcript,
        Self::Detached,
    ];

    /// Whether the link may be asked for here.
    pub fn is_safe(self) -> bool {
        matches!(self, Self::Idle | Self::Draft | Self::Typing | Self::Detached)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Idle => "idle",
            Self::Draft => "draft",
            Self::Typing => "typing",
            Self::Busy => "busy",
            Self::BusyDraft => "busy, draft",
            Self::Config => "/config",
            Self::Model => "/model",
            Self::Transcript => "transcript view",
            Self::Detached => "no terminal",
        })
    }
}

/// When the user types while the link is brought back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Not at all.
    Never,
    /// So long after the failure.
    After(Duration),
    /// When the command is just being typed, and so long after that.
    Midway(Duration),
}

/// How a session is set up for its block of rounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setup {
    /// Whether claude draws on the alternate screen.
    pub fullscreen: bool,
    /// Whether the terminal has the kitty keyboard.
    pub kitty: bool,
    /// Whether cckw has its own settings; else it waits half a second where it would wait 15 and 3 seconds.
    pub defaults: bool,
    /// Whether claude is restarted where only that helps.
    pub restart: bool,
    /// How much of a core claude has once it runs, in per cent; all of it without.
    pub processor_share: Option<u32>,
}

/// One round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The seed of the run.
    pub seed: u64,
    /// The number of the round.
    pub round: u64,
    pub setup: Setup,
    pub fault: Fault,
    pub state: State,
    /// Rows and columns.
    pub size: (u16, u16),
    pub moment: Moment,
    /// What the user types at that moment.
    pub keys: String,
    /// Whether the user presses Enter after it.
    pub enter: bool,
    /// How long a state in which nothing may be typed lasts after the failure, and how long a link that is
    /// left alone is watched.
    pub dwell: Duration,
}

impl Plan {
    /// The round of this number.
    pub fn new(seed: u64, round: u64) -> Self {
        let mut dice = Dice::new(seed, round / BLOCK, 5);
        let mut coin = |of: u64| dice.below(of) == 0;
        let mut setup = Setup {
            fullscreen: coin(2),
            kitty: !coin(3),
            defaults: coin(5),
            restart: coin(3),
            processor_share: None,
        };
        if coin(8) {
            setup.processor_share = Some(3 + dice.below(6) as u32);
        }
        let mut dice = Dice::new(seed, round, 6);
        let fault = Fault::draw(&mut dice);
        let mut state = State::ALL[dice.below(State::ALL.len() as u64) as usize];
        if fault.kills() && !matches!(state, State::Idle | State::Draft | State::Detached) {
            state = State::Idle;
        }
        let sizes =
            [(10, 40), (24, 50), (12, 60), (24, 60), (24, 80), (12, 100), (30, 100), (40, 140), (50, 200)];
        let size = sizes[dice.below(sizes.len() as u64) as usize];
        let moment = match dice.below(3) {
            _ if state == State::Detached || fault.kills() => Moment::Never,
            0 => Moment::Never,
            1 => Moment::After(dice.up_to(16_000)),
            _ => Moment::Midway(dice.up_to(250)),
        };
        let letters = ["a", "b", "c", "D", "7", " ", "-", "z", "é"];
        let count = 1 + dice.below(6);
        let mut keys: String =
            (0..count).map(|_| letters[dice.below(letters.len() as u64) as usize]).collect();
        // A blank at an end is not to be seen.
        keys.insert(0, 'k');
        keys.push('.');
        let enter = moment != Moment::Never && dice.below(3) == 0;
        let dwell = dice.up_to(12_000);
        Self { seed, round, setup, fault, state, size, moment, keys, enter, dwell }
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (rows, columns) = self.size;
        let screen = if self.setup.fullscreen { "fullscreen" } else { "default" };
        write!(f, "round {:4}: {}, {}, {columns}x{rows} {screen}", self.round, self.fault, self.state)?;
        if self.setup.defaults {
            write!(f, ", default times")?;
        }
        if let Some(share) = self.setup.processor_share {
            write!(f, ", claude at {share} %")?;
        }
        let enter = if self.enter { "+Enter" } else { "" };
        match self.moment {
            Moment::Never => Ok(()),
            Moment::After(time) => write!(f, ", {:?}{enter} after {} ms", self.keys, time.as_millis()),
            Moment::Midway(time) => write!(f, ", {:?}{enter} midway+{} ms", self.keys, time.as_millis()),
        }
    }
}
