use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn id(number: u8) -> Uuid {
    Uuid::from_u128(u128::from(number) + 1)
}

fn process(pid: i32) -> Process {
    Process { pid, start: "1".into() }
}

#[test]
fn fifty_that_went_down_come_back_a_few_at_a_time() {
    let mut healer = Healer::default();
    let (mut coming_up, mut back, mut most) = (BTreeSet::new(), 0, 0);
    let mut effects = Vec::new();
    for number in 0..50 {
        effects.extend(healer.handle(SECOND, Event::Stands(id(number), Standing::Due)));
    }
    while let Some(effect) = effects.pop() {
        match effect {
            Effect::Revive(id) => assert!(coming_up.insert(id)),
            Effect::Look(id) => {
                back += 1;
                effects.extend(healer.handle(SECOND, Event::Stands(id, Standing::Hosted(process(7)))));
            }
            Effect::Watch(..) => {}
            other => panic!("{other:?}"),
        }
        most = most.max(coming_up.len());
        if effects.is_empty()
            && let Some(id) = coming_up.pop_first()
        {
            effects.extend(healer.handle(SECOND, Event::RevivalOver(id)));
        }
    }
    assert_eq!((back, most), (50, MAX_AT_ONCE));
    assert_eq!(healer.deadline(), None);
}

#[test]
fn a_killed_one_comes_before_those_that_went_down() {
    let mut healer = Healer::default();
    let mut revived = Vec::new();
    for number in 0..10 {
        revived.extend(healer.handle(SECOND, Event::Stands(id(number), Standing::Due)));
    }
    assert_eq!(revived.len(), MAX_AT_ONCE);
    assert_eq!(healer.handle(2 * SECOND, Event::Stands(id(20), Standing::Lost)), []);
    let effects = healer.handle(2 * SECOND, Event::RevivalOver(id(0)));
    assert_eq!(effects, [Effect::Look(id(0)), Effect::Revive(id(20))]);
}

/// Has the session die early, or not come up, until it is left alone. Says how long it waited each time.
fn die_again_and_again(healer: &mut Healer, mut now: Duration, standing: &Standing) -> Vec<u64> {
    let (mut waits, mut since) = (Vec::new(), now);
    let mut effects = healer.handle(now, Event::Stands(id(0), Standing::Lost));
    loop {
        match effects.pop() {
            Some(Effect::Revive(_)) => {
                waits.push((now - since).as_secs());
                since = now;
                effects = healer.handle(now, Event::RevivalOver(id(0)));
            }
            Some(Effect::Look(_)) => effects = healer.handle(now, Event::Stands(id(0), standing.clone())),
            Some(Effect::LeaveAlone(_)) => return waits,
            Some(other) => panic!("{other:?}"),
            None => {
                now = healer.deadline().expect("a time");
                effects = healer.pass(now);
            }
        }
    }
}

#[test]
fn one_that_dies_early_again_and_again_waits_longer_each_time_and_is_left_alone_then() {
    // With and without a mark of that, and after a boot.
    for standing in [Standing::Unproven, Standing::Lost, Standing::Due] {
        let mut healer = Healer::default();
        assert_eq!(die_again_and_again(&mut healer, SECOND, &standing), [0, 1, 5, 15, 60], "{standing:?}");
        assert_eq!(healer.deadline(), None);
    }
}

#[test]
fn one_that_is_killed_after_it_has_held_for_long_enough_is_back_at_once_however_often() {
    let mut healer = Healer::default();
    for round in 0..100 {
        let now = SECOND * 11 * round;
        let lost = Event::Stands(id(0), Standing::Lost);
        assert_eq!(healer.handle(now, lost), [Effect::Revive(id(0))]);
        assert_eq!(healer.handle(now, Event::RevivalOver(id(0))), [Effect::Look(id(0))]);
        healer.handle(now, Event::Stands(id(0), Standing::Hosted(process(7))));
        assert_eq!(healer.handle(now + 10 * SECOND, Event::Ended(id(0))), [Effect::Look(id(0))]);
    }
}

#[test]
fn one_that_somebody_has_started_meanwhile_has_all_its_tries_again() {
    let mut healer = Healer::default();
    let stands = |standing| Event::Stands(id(0), standing);
    for _ in 0..20 {
        healer.handle(SECOND, stands(Standing::Hosted(process(7))));
        assert_eq!(healer.handle(SECOND, Event::Ended(id(0))), [Effect::Look(id(0))]);
        assert_eq!(healer.handle(SECOND, stands(Standing::Unproven)), []);
        assert_eq!(healer.deadline(), Some(2 * SECOND));
    }
}

#[test]
fn a_client_that_lives_brings_its_own_host_back() {
    let mut healer = Healer::default();
    let stands = |standing| Event::Stands(id(0), standing);
    assert_eq!(
        healer.handle(SECOND, stands(Standing::Hosted(process(7)))),
        [Effect::Watch(id(0), process(7))]
    );
    assert_eq!(healer.handle(SECOND, Event::Ended(id(0))), [Effect::Look(id(0))]);
    let client = stands(Standing::LeftToClient(process(8)));
    assert_eq!(healer.handle(SECOND, client), [Effect::Watch(id(0), process(8))]);
    assert_eq!(healer.deadline(), None);
    // It has ended without that.
    assert_eq!(healer.handle(SECOND, Event::Ended(id(0))), [Effect::Look(id(0))]);
    assert_eq!(healer.handle(SECOND, stands(Standing::Lost)), [Effect::Revive(id(0))]);
}

#[test]
fn a_lock_that_somebody_has_is_looked_at_less_and_less_often_and_not_for_ever() {
    let (mut healer, mut looks) = (Healer::default(), 0);
    healer.handle(SECOND, Event::Stands(id(0), Standing::Coming));
    while let Some(at) = healer.deadline() {
        for effect in healer.pass(at) {
            assert_eq!(effect, Effect::Look(id(0)));
            looks += 1;
            healer.handle(at, Event::Stands(id(0), Standing::Coming));
        }
    }
    assert!((8..20).contains(&looks), "{looks}");
}

/// What happens in the world around the healer.
#[derive(Debug, Clone)]
enum Step {
    Begins(u8),
    Killed(u8),
    Stopped(u8),
    RevivalEnds { which: u8, works: bool },
    Waits(u16),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        (0..8_u8).prop_map(Step::Begins),
        (0..8_u8).prop_map(Step::Killed),
        (0..8_u8).prop_map(Step::Stopped),
        (0..8_u8, any::<bool>()).prop_map(|(which, works)| Step::RevivalEnds { which, works }),
        (0..200_u16).prop_map(Step::Waits),
    ];
    proptest::collection::vec(step, 1..120)
}

/// What really is with a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Truth {
    Over,
    Runs(i32),
    Lost,
    /// Its host has died early.
    Unproven,
    GivenUp,
}

#[derive(Default)]
struct World {
    healer: Healer,
    now: Duration,
    truth: BTreeMap<Uuid, Truth>,
    watched: BTreeMap<Uuid, i32>,
    coming_up: BTreeSet<Uuid>,
    /// When the hosts began.
    begun: BTreeMap<Uuid, Duration>,
    /// How often it was brought back since a host of its has lived for long enough.
    tries: BTreeMap<Uuid, usize>,
    /// How often since then one has died early, or did not come up.
    early_ends: BTreeMap<Uuid, usize>,
    left_alone: BTreeSet<Uuid>,
    next_pid: i32,
}

impl World {
    fn standing(&self, id: Uuid) -> Standing {
        match self.truth.get(&id) {
            None | Some(Truth::Over | Truth::GivenUp) => Standing::Over,
            Some(Truth::Runs(pid)) => Standing::Hosted(process(*pid)),
            Some(Truth::Lost) => Standing::Lost,
            Some(Truth::Unproven) => Standing::Unproven,
        }
    }

    fn tell(&mut self, event: Event) {
        let effects = self.healer.handle(self.now, event);
        self.follow(effects);
    }

    fn follow(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Look(id) => {
                    let standing = self.standing(id);
                    self.tell(Event::Stands(id, standing));
                }
                Effect::Watch(id, process) => drop(self.watched.insert(id, process.pid)),
                Effect::Revive(id) => {
                    let standing = self.standing(id);
                    // One that was stopped while it waited for its turn is known to be over only by the process
                    // that would bring it back.
                    assert!(!matches!(standing, Standing::Hosted(_)), "{id} for no reason");
                    assert!(self.coming_up.insert(id), "{id} is brought back twice at once");
                    assert!(self.coming_up.len() <= MAX_AT_ONCE);
                    let tries = self.tries.entry(id).or_default();
                    *tries += 1;
                    assert!(*tries <= PAUSES.len() + 1, "{id} is brought back again and again");
                }
                Effect::Abandon(id) => {
                    self.coming_up.remove(&id);
                    *self.early_ends.entry(id).or_default() += 1;
                    self.tell(Event::RevivalOver(id));
                }
                Effect::LeaveAlone(id) => {
                    self.left_alone.insert(id);
                    self.truth.insert(id, Truth::GivenUp);
                    assert!(self.early_ends.remove(&id) > Some(PAUSES.len()), "{id} is left alone too early");
                    self.tries.remove(&id);
                }
            }
        }
    }

    fn starts_anew(&mut self, id: Uuid) {
        self.tries.remove(&id);
        self.early_ends.remove(&id);
    }

    fn begins(&mut self, id: Uuid) {
        self.next_pid += 1;
        self.truth.insert(id, Truth::Runs(self.next_pid));
        self.begun.insert(id, self.now);
    }

    fn end_process(&mut self, id: Uuid, pid: i32) {
        if self.watched.get(&id) == Some(&pid) {
            self.watched.remove(&id);
            self.tell(Event::Ended(id));
        }
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Begins(number) => {
                let id = id(number);
                // Its lock keeps others away while it is brought back.
                if matches!(self.truth.get(&id), Some(Truth::Runs(_))) || self.coming_up.contains(&id) {
                    return;
                }
                self.starts_anew(id);
                self.begins(id);
                let standing = self.standing(id);
                self.tell(Event::Stands(id, standing));
            }
            Step::Killed(number) => {
                if let Some(Truth::Runs(pid)) = self.truth.get(&id(number)).copied() {
                    let is_early = self.now - self.begun[&id(number)] < 10 * SECOND;
                    let truth = if is_early { Truth::Unproven } else { Truth::Lost };
                    if is_early {
                        *self.early_ends.entry(id(number)).or_default() += 1;
                    } else {
                        self.starts_anew(id(number));
                    }
                    self.truth.insert(id(number), truth);
                    self.end_process(id(number), pid);
                }
            }
            Step::Stopped(number) => {
                let before = self.truth.insert(id(number), Truth::Over);
                self.starts_anew(id(number));
                if let Some(Truth::Runs(pid)) = before {
                    self.end_process(id(number), pid);
                }
            }
            Step::RevivalEnds { which, works } => {
                let all: Vec<Uuid> = self.coming_up.iter().copied().collect();
                let Some(id) = all.get(usize::from(which) % all.len().max(1)).copied() else { return };
                self.coming_up.remove(&id);
                if works && matches!(self.truth.get(&id), Some(Truth::Lost | Truth::Unproven)) {
                    self.begins(id);
                } else if !works && matches!(self.truth.get(&id), Some(Truth::Lost | Truth::Unproven)) {
                    *self.early_ends.entry(id).or_default() += 1;
                }
                self.tell(Event::RevivalOver(id));
            }
            Step::Waits(seconds) => {
                let until = self.now + SECOND * u32::from(seconds);
                while let Some(at) = self.healer.deadline().filter(|at| *at <= until) {
                    self.now = at;
                    let effects = self.healer.pass(at);
                    self.follow(effects);
                }
                self.now = until;
            }
        }
    }
}

proptest! {
    #[test]
    fn whatever_happens_each_lost_session_comes_back_or_is_left_alone(steps in steps()) {
        let mut world = World::default();
        for step in &steps {
            world.step(step);
        }
        // Everything that is begun comes to its end.
        for _ in 0..100 {
            world.step(&Step::RevivalEnds { which: 0, works: true });
            world.step(&Step::Waits(200));
        }
        for (id, truth) in &world.truth {
            match truth {
                Truth::Runs(pid) => prop_assert_eq!(world.watched.get(id), Some(pid), "{} is not watched", id),
                Truth::Lost | Truth::Unproven => prop_assert!(false, "{} was forgotten", id),
                Truth::GivenUp => prop_assert!(world.left_alone.contains(id)),
                Truth::Over => {}
            }
        }
        // At rest nothing wakes the service up.
        prop_assert_eq!(world.healer.deadline(), None);
    }
}
