//! What is done to whom and when, all from a seed and a number: so that a round can be played again.

use std::fmt;
use std::time::Duration;

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
    /// The shell that the session is started from.
    pub shell: &'static str,
    /// Whether a terminal is attached when it begins.
    pub attached: bool,
    /// When.
    pub moment: Moment,
    /// The strike that the round is about comes last; before it, in [`Moment::Restarting`], what makes the session restart.
    pub strikes: Vec<Strike>,
}

impl Plan {
    /// The round of this number. Each dozen has every victim at every moment once, in an order of its own.
    pub fn new(seed: u64, round: u64) -> Self {
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
        // zsh takes over the attributes that it finds after any killed program, where it is faster than the host.
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
        Self { seed, round, shell, attached, moment, strikes }
    }

    /// The victim that the round is about.
    pub fn victim(&self) -> Victim {
        self.strikes.last().map_or(Victim::Claude, |strike| strike.victim)
    }

    /// Whether the user has a hand in it: a host that dies right after it was brought back is not brought back again by
    /// itself, and neither is a session that never began.
    pub fn needs_a_hand(&self) -> bool {
        let hosts = self.strikes.iter().filter(|strike| strike.victim == Victim::Host).count();
        hosts > 1 || hosts == 1 && self.moment == Moment::Starting
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let terminal = if self.attached { "attached" } else { "detached" };
        write!(f, "round {:3}: {:10} {terminal} {:4}", self.round, self.moment, self.shell)?;
        for Strike { victim, delay } in &self.strikes {
            write!(f, " {victim}+{}ms", delay.as_millis())?;
        }
        Ok(())
    }
}

/// Numbers that look like chance and are the same every time (splitmix64).
struct Dice(u64);

impl Dice {
    fn new(seed: u64, round: u64, stream: u64) -> Self {
        let mut dice = Self(seed ^ round.wrapping_mul(0xd1b5_4a32_d192_ed03) ^ stream << 56);
        dice.next();
        dice
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    /// A time of up to so many milliseconds, in microseconds.
    fn up_to(&mut self, most: u64) -> Duration {
        Duration::from_micros(self.below(most * 1000 + 1))
    }
}
