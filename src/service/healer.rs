//! Which session is brought back, and when: never two at once for one, few at once for all, and one that dies
//! again and again later each time, until it is left alone. No I/O, and no clock: time is what it is told.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

use uuid::Uuid;

/// So many sessions come up at once. A claude that comes up takes a core for about a second.
pub const MAX_AT_ONCE: usize = 4;

/// How long a session waits whose host has died early so often in a row; one more time, and it is left alone. One
/// whose host was killed after it had held the session for long enough does not wait.
const PAUSES: [Duration; 4] =
    [Duration::from_secs(1), Duration::from_secs(5), Duration::from_secs(15), Duration::from_secs(60)];

/// How long the process may take that brings a session back. It gives up by itself before.
const REVIVAL_TIMEOUT: Duration = Duration::from_secs(90);

/// How often, and after what time first, it is looked again at a session whose lock somebody has and whose host
/// is not known. The time is doubled with each look.
const MAX_LOOKS: u32 = 12;
const FIRST_LOOK: Duration = Duration::from_millis(250);
const LONGEST_LOOK: Duration = Duration::from_secs(60);

/// A process, which may be another one later with the same pid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    pub pid: i32,
    pub start: String,
}

/// How a session stands, as its files and the process table say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It has ended, was told to end, was given up, or was removed.
    Over,
    /// This is its host.
    Hosted(Process),
    /// Its host is gone. This client of its has its terminal, and brings it back.
    LeftToClient(Process),
    /// Somebody has its lock, and is about to be its host.
    Coming,
    /// Its host was killed.
    Lost,
    /// It went down with the machine or its login, and is to come back.
    Due,
    /// It is one of the two, and its last host has died early, or did not come up.
    Unproven,
}

/// What happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// It was looked at a session.
    Stands(Uuid, Standing),
    /// A process that was watched for a session has ended.
    Ended(Uuid),
    /// The process that brings a session back has ended.
    RevivalOver(Uuid),
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Look how the session stands.
    Look(Uuid),
    /// Watch for the end of this process.
    Watch(Uuid, Process),
    /// Bring it back.
    Revive(Uuid),
    /// The process that brings it back takes too long: end it.
    Abandon(Uuid),
    /// It is left alone, because its hosts die.
    LeaveAlone(Uuid),
}

/// What is known of a session that has not ended.
#[derive(Debug, Default)]
struct Session {
    phase: Phase,
    /// How often in a row its host has died early, or did not come up.
    early_ends: usize,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum Phase {
    #[default]
    Quiet,
    /// A process of its is watched.
    Watched,
    /// It is looked at again then.
    Coming { look_at: Duration, looks: u32 },
    /// It is to be brought back, not before then.
    Paused(Duration),
    /// It waited for long enough, and is looked at.
    Rested,
    /// It waits for its turn. A killed one comes before one that went down: it was in use a moment ago.
    Queued { since: Duration, was_killed: bool },
    /// A process is bringing it back, until then.
    Reviving(Duration),
    /// That process has ended, and it is looked what came of it.
    Tried,
}

/// All sessions that have not ended.
#[derive(Debug, Default)]
pub struct Healer {
    sessions: BTreeMap<Uuid, Session>,
}

impl Healer {
    /// Takes note of what has happened, and says what follows.
    pub fn handle(&mut self, now: Duration, event: Event) -> Vec<Effect> {
        let mut effects = Vec::new();
        match event {
            Event::Stands(id, standing) => self.stands(now, id, standing, &mut effects),
            Event::Ended(id) => {
                if let Some(session) = self.sessions.get_mut(&id).filter(|it| it.phase == Phase::Watched) {
                    session.phase = Phase::Quiet;
                    effects.push(Effect::Look(id));
                }
            }
            Event::RevivalOver(id) => {
                let session = self.sessions.get_mut(&id);
                if let Some(session) = session.filter(|it| matches!(it.phase, Phase::Reviving(_))) {
                    session.phase = Phase::Tried;
                    effects.push(Effect::Look(id));
                }
            }
        }
        self.begin_revivals(now, &mut effects);
        effects
    }

    /// What is to be done because time has passed.
    pub fn pass(&mut self, now: Duration) -> Vec<Effect> {
        let mut effects = Vec::new();
        for (id, session) in &mut self.sessions {
            match session.phase {
                Phase::Paused(until) if until <= now => {
                    session.phase = Phase::Rested;
                    effects.push(Effect::Look(*id));
                }
                Phase::Coming { look_at, looks } if look_at <= now => {
                    let wait = (FIRST_LOOK * 2_u32.pow(looks)).min(LONGEST_LOOK);
                    session.phase = Phase::Coming { look_at: now + wait, looks: looks + 1 };
                    effects.push(Effect::Look(*id));
                }
                Phase::Reviving(until) if until <= now => {
                    session.phase = Phase::Reviving(now + REVIVAL_TIMEOUT);
                    effects.push(Effect::Abandon(*id));
                }
                _ => {}
            }
        }
        self.begin_revivals(now, &mut effects);
        effects
    }

    /// When something is to be done even if nothing happens; at rest there is no such time.
    pub fn deadline(&self) -> Option<Duration> {
        let at = |session: &Session| match session.phase {
            Phase::Paused(at) | Phase::Reviving(at) | Phase::Coming { look_at: at, .. } => Some(at),
            Phase::Quiet | Phase::Watched | Phase::Rested | Phase::Tried | Phase::Queued { .. } => None,
        };
        self.sessions.values().filter_map(at).min()
    }

    /// Whether a process of this session's is watched.
    pub fn watches(&self, id: &Uuid) -> bool {
        self.sessions.get(id).is_some_and(|session| session.phase == Phase::Watched)
    }

    fn stands(&mut self, now: Duration, id: Uuid, standing: Standing, effects: &mut Vec<Effect>) {
        let session = self.sessions.entry(id).or_default();
        // Whoever brings it back says when that is over, and then it is looked at.
        if matches!(session.phase, Phase::Reviving(_)) {
            return;
        }
        match standing {
            Standing::Over => drop(self.sessions.remove(&id)),
            Standing::Hosted(process) | Standing::LeftToClient(process) => {
                // Somebody else has started it meanwhile, who knows more of it.
                if matches!(session.phase, Phase::Paused(_) | Phase::Rested | Phase::Queued { .. }) {
                    session.early_ends = 0;
                }
                session.phase = Phase::Watched;
                effects.push(Effect::Watch(id, process));
            }
            Standing::Coming => match session.phase {
                Phase::Coming { looks, .. } if looks >= MAX_LOOKS => session.phase = Phase::Quiet,
                Phase::Coming { .. } => {}
                _ => session.phase = Phase::Coming { look_at: now + FIRST_LOOK, looks: 1 },
            },
            Standing::Lost | Standing::Due | Standing::Unproven => {
                let was_killed = standing != Standing::Due;
                let is_early = standing == Standing::Unproven || session.phase == Phase::Tried;
                match session.phase {
                    Phase::Queued { .. } | Phase::Paused(_) => {}
                    Phase::Rested => session.phase = Phase::Queued { since: now, was_killed },
                    _ if !is_early => {
                        session.early_ends = 0;
                        session.phase = Phase::Queued { since: now, was_killed };
                    }
                    _ => match PAUSES.get(session.early_ends) {
                        Some(pause) => {
                            session.early_ends += 1;
                            session.phase = Phase::Paused(now + *pause);
                        }
                        None => {
                            *session = Session::default();
                            effects.push(Effect::LeaveAlone(id));
                        }
                    },
                }
            }
        }
    }

    /// Has the next ones brought back, as many as may come up at once.
    fn begin_revivals(&mut self, now: Duration, effects: &mut Vec<Effect>) {
        let coming_up =
            self.sessions.values().filter(|session| matches!(session.phase, Phase::Reviving(_))).count();
        for _ in coming_up..MAX_AT_ONCE {
            let place = |session: &Session| match session.phase {
                Phase::Queued { since, was_killed } => Some((!was_killed, since)),
                _ => None,
            };
            let queued = self.sessions.iter_mut().filter_map(|(id, it)| Some((place(it)?, id, it)));
            let Some((_, id, session)) = queued.min_by_key(|(place, id, _)| (*place, **id)) else { return };
            session.phase = Phase::Reviving(now + REVIVAL_TIMEOUT);
            effects.push(Effect::Revive(*id));
        }
    }
}
