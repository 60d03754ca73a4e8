//! Days of a session, simulated: 24 hours each, of plausible ones and of hostile ones.
//!
//! The model of the other tests stands beside it: never earlier than the backoff, the conversation that was
//! told last, an end that is the end. Here it is seen that over a long time all of this bounds what happens.

use super::invariants::{Model, at_time};
use super::*;

const HOUR: u64 = 3_600_000;
const DAY: u64 = 24 * HOUR;

/// Numbers that look like chance (splitmix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ mixed >> 31) % limit.max(1)
    }

    fn one_in(&mut self, number: u64) -> bool {
        self.below(number) == 0
    }

    /// Most are short, some are long: as times between events are.
    fn up_to(&mut self, most: u64) -> u64 {
        let size = self.below(64 - u64::from(most.leading_zeros()) + 1);
        self.below(1 << size).min(most)
    }
}

/// What kind of day it is.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Weather {
    /// Hours of work, a crash now and then, a bad spell in which claude crashes at once, sleeps, a quit in
    /// the evening.
    Plausible,
    /// Crashes in any rhythm, a clock that jumps, conversations that vanish or are refused, users who press
    /// everything.
    Hostile,
}

/// A day, in milliseconds. `clock` is what the supervisor is told, `real` what passes.
struct Life {
    dice: Dice,
    weather: Weather,
    limits: Restart,
    supervisor: Supervisor,
    model: Model,
    real: u64,
    clock: u64,
    sessions: u64,
    /// How often the clock was set by somebody: whatever counts on it may begin anew then.
    jumps: u64,
    /// Launches that nobody asked for.
    by_itself: u64,
    by_hand: u64,
    crashes: u64,
    /// The real times of the launches that nobody asked for, since the last jump of the clock.
    recent: Vec<u64>,
    spell_until: u64,
}

impl Life {
    fn new(seed: u64, weather: Weather) -> Self {
        let limits = Restart::default();
        let mut life = Self {
            dice: Dice(seed),
            weather,
            limits,
            supervisor: Supervisor::new(limits, None),
            model: Model::default(),
            real: 0,
            clock: HOUR * 100,
            sessions: 0,
            jumps: 0,
            by_itself: 0,
            by_hand: 0,
            crashes: 0,
            recent: Vec::new(),
            spell_until: 0,
        };
        life.begin();
        life
    }

    /// The user starts claude: a session of its own.
    fn begin(&mut self) {
        self.sessions += 1;
        let pinned = (!self.dice.one_in(4)).then(|| A.to_owned());
        self.supervisor = Supervisor::new(self.limits, pinned.clone());
        self.model = Model { running: true, told: pinned, ..Model::default() };
        self.recent.clear();
        self.comes_up();
    }

    fn tell(&mut self, event: SupervisorEvent) -> Decision {
        let event = at_time(event, Duration::from_millis(self.clock));
        self.model.before(&event, &self.limits);
        let decision = self.supervisor.handle(event.clone());
        let fine = self.model.after(&event, &decision, &self.limits);
        fine.unwrap_or_else(|broken| panic!("{broken} after {event:?} and {decision:?}"));
        assert_eq!(self.supervisor.conversation(), self.model.told.as_deref());
        assert!(self.supervisor.crashes.len() <= self.limits.crash_limit as usize, "what is counted grows");
        decision
    }

    fn pass(&mut self, time: u64) {
        self.real += time;
        self.clock += time;
        if self.weather == Weather::Hostile && self.dice.one_in(20) {
            let by = self.dice.up_to(10 * HOUR);
            self.clock = if self.dice.one_in(2) { self.clock + by } else { self.clock.saturating_sub(by) };
            self.jumps += 1;
            self.recent.clear();
        }
    }

    fn look(&mut self) -> LaunchContext {
        let odd = self.weather == Weather::Hostile && self.dice.one_in(10);
        let transcript = match self.dice.below(3) {
            0 if odd => TranscriptState::Gone,
            1 if odd => TranscriptState::Unusable,
            2 if odd => TranscriptState::NeverThere,
            _ => TranscriptState::Present,
        };
        let held = self.weather == Weather::Hostile && self.dice.one_in(200);
        LaunchContext {
            transcript,
            fresh: Uuid::from_u128(u128::from(self.dice.below(u64::MAX))),
            held,
            read_until: None,
        }
    }

    /// Claude was launched: it starts, and says so, most times.
    fn comes_up(&mut self) {
        self.tell(SupervisorEvent::Started { at: Duration::ZERO });
        let hostile = self.weather == Weather::Hostile;
        if hostile && self.dice.one_in(8) {
            self.tell(SupervisorEvent::Refused);
            return;
        }
        if hostile && self.dice.one_in(4) {
            return;
        }
        // The one that was asked for, or one that the user has taken up.
        let told = self.supervisor.conversation().unwrap_or(A).to_owned();
        let id = match self.dice.below(8) {
            0 => B.to_owned(),
            1 if hostile => "no id".to_owned(),
            _ => told,
        };
        self.tell(SupervisorEvent::StateFile { conversation: Some(id), settled: true });
    }

    /// How long claude runs this time, and how it ends.
    fn fate(&mut self) -> (u64, Exit) {
        let spell = self.real < self.spell_until;
        match self.weather {
            Weather::Plausible if spell => (self.dice.below(5_000), SEGV),
            Weather::Plausible => {
                let exit = match self.dice.below(10) {
                    0 => Exit::Code(0),
                    1 => Exit::Signal(15),
                    _ => SEGV,
                };
                if self.dice.one_in(12) {
                    self.spell_until = self.real + self.dice.below(HOUR / 4);
                }
                (self.dice.below(2 * HOUR), exit)
            }
            Weather::Hostile => {
                let exit = [SEGV, SEGV, SEGV, Exit::Code(1), Exit::Signal(9), Exit::Code(127), Exit::Code(0)];
                let kinds = if self.dice.one_in(30) { 7 } else { 6 };
                let exit = exit[self.dice.below(kinds) as usize];
                // Just below and just above what counts as stable, too.
                let ran =
                    if self.dice.one_in(4) { 59_000 + self.dice.below(2_000) } else { self.dice.up_to(HOUR) };
                (ran, exit)
            }
        }
    }

    /// One run of claude and what follows, until it runs again or the session is over.
    fn run(&mut self) {
        let (ran, exit) = self.fate();
        self.pass(ran);
        if self.dice.one_in(15) {
            self.tell(SupervisorEvent::RestartAsked);
        }
        if self.weather == Weather::Hostile && self.dice.one_in(60) {
            self.tell(SupervisorEvent::UserQuit);
        }
        self.crashes += 1;
        let jitter = self.dice.below(1_001) as f64 / 1_000.0;
        let mut decision = self.tell(SupervisorEvent::Ended { exit, at: Duration::ZERO, jitter });
        let mut looks = 0;
        while let Decision::Wait { until, .. } = decision {
            looks += 1;
            let until = until.as_millis() as u64 + 1;
            let asked = self.model.restarts;
            // The host asks when it is due; by its clock, which somebody may set meanwhile.
            let early = self.weather == Weather::Hostile && self.dice.one_in(5);
            let wait = until.saturating_sub(self.clock);
            let longest = self.limits.max_delay.mul_f64(1.0 + self.limits.jitter).as_millis() as u64 + 2;
            let jumps = self.jumps;
            assert!(wait <= longest || jumps > 0, "{wait} ms until it comes back");
            let wait = if early { self.dice.below(wait) } else { wait };
            self.pass(wait);
            // A clock that was set back makes the wait longer, and no more than that: the host waits by one
            // that nobody sets.
            if self.jumps != jumps && self.clock < until {
                self.clock = until;
            }
            let look = self.look();
            let what = self.dice.below(20);
            decision = match what {
                0 => self.tell(SupervisorEvent::UserNow { look }),
                1 if self.weather == Weather::Hostile => self.tell(SupervisorEvent::UserQuit),
                _ => self.tell(SupervisorEvent::Due { at: Duration::ZERO, look }),
            };
            match &decision {
                Decision::Launch(_) if asked || what == 0 => self.by_hand += 1,
                Decision::Launch(_) => {
                    self.by_itself += 1;
                    self.recent.push(self.real);
                    let window = self.limits.crash_window.as_millis() as u64;
                    let real = self.real;
                    self.recent.retain(|at| real - at < window);
                    // The crash before the first of them may be a little older than the window.
                    assert!(
                        self.recent.len() <= self.limits.crash_limit as usize,
                        "it launches again and again"
                    );
                }
                _ => {}
            }
            assert!(looks < 50, "it waits for ever");
        }
        match decision {
            Decision::Launch(_) => self.comes_up(),
            Decision::Finish { .. } => {
                // Nothing brings back what is over.
                for event in [due(0, TranscriptState::Present), started(0), ended(SEGV, 0), state_file(B)] {
                    let before = self.supervisor.clone();
                    assert_eq!(self.supervisor.handle(event), Decision::Nothing);
                    self.supervisor = before;
                }
                self.pass(1_000);
                self.begin();
            }
            other => panic!("{other:?} leads nowhere"),
        }
    }

    fn live(&mut self) {
        let mut runs = 0_u64;
        while self.real < DAY {
            self.run();
            runs += 1;
            // Every round takes a second at least, for there is a backoff in it or a new session.
            assert!(runs <= DAY / 900 + self.jumps + self.by_hand, "time stands still");
        }
    }
}

/// Days of both kinds; what happened in them.
fn days(weather: Weather, first: u64, count: u64) -> (u64, u64, u64) {
    let mut sum = (0, 0, 0);
    for seed in first..first + count {
        let lived = std::panic::catch_unwind(|| {
            let mut life = Life::new(seed, weather);
            life.live();
            (life.crashes, life.by_itself, life.sessions)
        });
        let (crashes, launches, sessions) =
            lived.unwrap_or_else(|_| panic!("the {weather:?} day of seed {seed}, as said above"));
        assert!(launches <= crashes);
        sum = (sum.0 + crashes, sum.1 + launches, sum.2 + sessions);
    }
    sum
}

/// Not the same days each time.
fn a_seed() -> u64 {
    Uuid::new_v4().as_u64_pair().0 >> 1
}

#[test]
fn plausible_days_of_24_hours() {
    let (crashes, launches, sessions) = days(Weather::Plausible, a_seed(), 100);
    // Such a day has about twenty ends.
    assert!(crashes > 1_000 && launches > 500 && sessions > 100, "{crashes} {launches} {sessions}");
}

#[test]
fn hostile_days_of_24_hours() {
    let (crashes, launches, sessions) = days(Weather::Hostile, a_seed(), 25);
    assert!(crashes > 2_500 && launches > 1_000 && sessions > 250, "{crashes} {launches} {sessions}");
}
