//! What is done to whom and when, all from a seed and a number: so that a round can be played again.

#[path = "dice.rs"]
pub mod dice;

use std::fmt;
use std::time::Duration;

use dice::Dice;

/// Who is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Victim {
    /// The foreground job of the shell.
    Client,
    /// The process that holds the session.
    Host,
    /// What runs in it.
    Claude,
}

/// What is going on at that time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Claude waits for a prompt.
    Idle,
    /// Claude answers one.
    MidTurn,
    /// The session has just been started, and nothing was said.
    Starting,
    /// Claude or the host was killed just before, and is coming back.
    Restarting,
}

impl Victim {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Client, Self::Host, Self::Claude];
}

impl Moment {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Idle, Self::MidTurn, Self::Starting, Self::Restarting];
}

impl fmt::Display for Victim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Client => "client",
            Self::Host => "host",
            Self::Claude => "claude",
        })
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Idle => "idle",
            Self::MidTurn => "mid-turn",
            Self::Starting => "starting",
            Self::Restarting => "restarting",
        })
    }
}

/// What kind of harm is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A process is killed.
    Kill,
    /// The terminal is closed, and the session taken up in another one.
    HangUp,
    /// The terminal takes nothing for a while.
    Unread,
    /// The host, claude or the client is stopped for a while.
    Stopped,
    /// There is no room on the disk that has the state directory.
    FullDisk,
    /// The state directory cannot be written.
    ReadOnly,
    /// The clocks jump.
    Clock,
    /// Host and client cannot open any file.
    Descriptors,
    /// The window's size changes again and again.
    Sizes,
    /// The window of a real terminal emulator is closed by the window manager.
    Window,
    /// SIGHUP comes first, and the terminal is closed later.
    Sighup,
    /// The runtime directory is removed.
    RuntimeDirectory,
    /// The session's directory is removed.
    SessionDirectory,
    /// The socket is removed.
    Socket,
    /// The record is replaced by one that is empty, is cut off, or is none.
    Record,
    /// SIGTERM to client, host and claude, in any order, and SIGKILL a moment later.
    Sigterm,
    /// The host is stopped, and never continued.
    HungHost,
    /// Everything is killed at once, and the record is damaged.
    PowerCut,
    /// The link to the machine that the session is on is lost.
    #[allow(dead_code)] // The suite has no such machine.
    Link,
}

impl Kind {
    /// Those that are not about kills alone, and need one machine only.
    pub const OTHERS: [Self; 17] = [
        Self::HangUp,
        Self::Unread,
        Self::Stopped,
        Self::FullDisk,
        Self::ReadOnly,
        Self::Clock,
        Self::Descriptors,
        Self::Sizes,
        Self::Window,
        Self::Sighup,
        Self::RuntimeDirectory,
        Self::SessionDirectory,
        Self::Socket,
        Self::Record,
        Self::Sigterm,
        Self::HungHost,
        Self::PowerCut,
    ];

    /// What it is called, also on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Kill => "kill",
            Self::HangUp => "hang-up",
            Self::Unread => "unread",
            Self::Stopped => "stopped",
            Self::FullDisk => "full-disk",
            Self::ReadOnly => "read-only",
            Self::Clock => "clock",
            Self::Descriptors => "descriptors",
            Self::Sizes => "sizes",
            Self::Window => "window",
            Self::Sighup => "sighup",
            Self::RuntimeDirectory => "runtime-directory",
            Self::SessionDirectory => "session-directory",
            Self::Socket => "socket",
            Self::Record => "record",
            Self::Sigterm => "sigterm",
            Self::HungHost => "hung-host",
            Self::PowerCut => "power-cut",
            Self::Link => "link",
        }
    }

    /// Whether the terminal goes, and the session goes on without it.
    pub fn hangs_up(self) -> bool {
        matches!(self, Self::HangUp | Self::Window | Self::Sighup)
    }

    /// Whether a file or a directory of a session that runs is taken away.
    pub fn takes_away(self) -> bool {
        matches!(self, Self::RuntimeDirectory | Self::SessionDirectory | Self::Socket | Self::Record)
    }

    /// Whether claude ends of it, and comes back later.
    pub fn ends_claude(self) -> bool {
        matches!(self, Self::Sigterm | Self::HungHost | Self::PowerCut)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// One kill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Strike {
    /// Who.
    pub victim: Victim,
    /// So long after the moment has begun and the victim is there.
    pub delay: Duration,
}

/// One round: a session of its own, and what happens to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The seed of the run.
    pub seed: u64,
    /// The number of the round.
    pub round: u64,
    /// What kind of harm is done.
    pub kind: Kind,
    /// How long it lasts, where it does.
    pub lasts: Duration,
    /// Which variant of it, a number for [`Plan::variant`].
    choice: u64,
    /// The shell that the session is started from.
    pub shell: &'static str,
    /// Whether a terminal is attached when it begins.
    pub attached: bool,
    /// When.
    pub moment: Moment,
    /// The strike that the round is about comes last; before it, in [`Moment::Restarting`], what makes the
    /// session restart.
    pub strikes: Vec<Strike>,
}

/// So many rounds have everything once: each victim at each moment, and one of each other kind.
pub const BLOCK: u64 = 12 + Kind::OTHERS.len() as u64;

impl Plan {
    /// The round of this number: of each block the first dozen are kills, and the others one of each other
    /// kind.
    pub fn new(seed: u64, round: u64) -> Self {
        let (block, at) = (round / BLOCK, round % BLOCK);
        let kills = BLOCK - Kind::OTHERS.len() as u64;
        let plan = match at.checked_sub(kills) {
            None => Self::kill(seed, block * kills + at),
            Some(other) => Self::trouble(seed, block, Kind::OTHERS[other as usize]),
        };
        Self { round, ..plan }
    }

    /// The round of this number, where all are of one kind.
    pub fn of(kind: Kind, seed: u64, round: u64) -> Self {
        if kind == Kind::Kill { Self::kill(seed, round) } else { Self::trouble(seed, round, kind) }
    }

    /// Trouble of this kind, with a kill in the middle of it half of the times.
    fn trouble(seed: u64, number: u64, kind: Kind) -> Self {
        let mut dice = Dice::new(seed, number, 2 + kind as u64);
        let choice = dice.below(1 << 32);
        // What the shells make of a job that was stopped or hung up is not the subject; zsh has its own ways
        // there. Nor is it what zsh makes of a client that was killed.
        let shells = if matches!(kind, Kind::Stopped | Kind::Sigterm) { 2 } else { 3 };
        let shell = ["dash", "bash", "zsh"][dice.below(shells) as usize];
        let moment = [Moment::Idle, Moment::MidTurn][dice.below(2) as usize];
        let most = if dice.below(4) == 0 { 1_500 } else { 500 };
        let lasts = Duration::from_millis(100) + dice.up_to(most);
        let victim = match (kind, dice.below(4)) {
            (Kind::Stopped | Kind::Unread, _) | (_, 0 | 1) => None,
            _ if kind.ends_claude() => None,
            (Kind::Descriptors, _) | (_, 2) => Some(Victim::Claude),
            _ => Some(Victim::Host),
        };
        let delay = dice.up_to(lasts.as_millis() as u64 / 2);
        let strikes = victim.map(|victim| Strike { victim, delay }).into_iter().collect();
        let may_be_detached = kind.takes_away() || matches!(kind, Kind::Sigterm | Kind::HungHost);
        let attached = !may_be_detached || dice.below(3) > 0;
        Self { seed, round: number, kind, lasts, choice, shell, attached, moment, strikes }
    }

    /// A number below `of`, the same each time it is asked for.
    pub fn variant(&self, of: u64) -> u64 {
        self.choice % of
    }

    /// As [`Plan::variant`], for the choice of this number; what comes of one says nothing of another.
    pub fn choose(&self, number: u64, of: u64) -> u64 {
        Dice::new(self.choice, number, 0).below(of)
    }

    /// Kills. Each dozen has every victim at every moment once, in an order of its own.
    fn kill(seed: u64, round: u64) -> Self {
        let mut pairs: Vec<(Victim, Moment)> = Vec::new();
        for victim in Victim::ALL {
            pairs.extend(Moment::ALL.map(|moment| (victim, moment)));
        }
        let dozen = pairs.len() as u64;
        let mut dice = Dice::new(seed, round / dozen, 0);
        for at in (1..pairs.len()).rev() {
            pairs.swap(at, dice.below(at as u64 + 1) as usize);
        }
        let (victim, moment) = pairs[(round % dozen) as usize];
        let mut dice = Dice::new(seed, round, 1);
        // zsh takes over the attributes that it finds after any killed program, where it is faster than the
        // host.
        let shells = if victim == Victim::Client { 2 } else { 3 };
        let shell = ["dash", "bash", "zsh"][dice.below(shells) as usize];
        let attached = victim == Victim::Client || moment == Moment::Starting || dice.below(2) == 0;
        let mut strikes = Vec::new();
        if moment == Moment::Restarting {
            let first = [Victim::Host, Victim::Claude][dice.below(2) as usize];
            strikes.push(Strike { victim: first, delay: dice.up_to(300) });
        }
        let most = match moment {
            Moment::Idle => 300,
            Moment::MidTurn => 700,
            // The first milliseconds are those in which half of it is there.
            Moment::Starting => [15, 150][dice.below(2) as usize],
            Moment::Restarting => [30, 400][dice.below(2) as usize],
        };
        strikes.push(Strike { victim, delay: dice.up_to(most) });
        let (kind, lasts, choice) = (Kind::Kill, Duration::ZERO, 0);
        Self { seed, round, kind, lasts, choice, shell, attached, moment, strikes }
    }

    /// The victim that the round is about.
    pub fn victim(&self) -> Victim {
        self.strikes.last().map_or(Victim::Claude, |strike| strike.victim)
    }

    /// Whether the user has a hand in it: a host that dies right after it was brought back is not brought
    /// back again by itself, and neither is a session that never began.
    pub fn needs_a_hand(&self) -> bool {
        let hosts = self.strikes.iter().filter(|strike| strike.victim == Victim::Host).count();
        // Where nothing can be written, nothing is begun that would be tried for ever.
        let unwritable = matches!(self.kind, Kind::FullDisk | Kind::ReadOnly);
        // What the system has stopped waits for the user, as after a reboot.
        let stopped = matches!(self.kind, Kind::Sigterm | Kind::PowerCut);
        hosts > 1
            || stopped
            // Before the host has written another record, nobody knows who the client was: it may live, and
            // bring it back.
            || hosts == 1 && self.kind == Kind::Record && !self.attached
            || hosts == 1 && (self.moment == Moment::Starting || unwritable || self.kind.hangs_up())
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let terminal = if self.attached { "attached" } else { "detached" };
        write!(f, "round {:3}: {:17} {:10} {terminal} {:4}", self.round, self.kind, self.moment, self.shell)?;
        if self.kind != Kind::Kill {
            write!(f, " for {}ms, variant {}", self.lasts.as_millis(), self.variant(12))?;
        }
        for Strike { victim, delay } in &self.strikes {
            write!(f, " {victim}+{}ms", delay.as_millis())?;
        }
        Ok(())
    }
}
