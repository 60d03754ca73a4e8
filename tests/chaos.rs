//! Whoever is killed, and whenever: the same conversation is back, and the terminal is usable.
//!
//! The long run is `cargo bench --bench chaos`; it says how to play one round again.

mod support;

#[path = "chaos/game.rs"]
mod game;
#[path = "chaos/plan.rs"]
mod plan;

use std::collections::BTreeSet;
use std::time::{SystemTime, UNIX_EPOCH};

use plan::{Moment, Plan, Victim};

/// Every victim at every moment once.
const ROUNDS: u64 = 12;

/// Plays every so-manieth round, so that several threads share them.
fn play(first: u64, step: usize) {
    let seed = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos() as u64);
    for round in (first..ROUNDS).step_by(step) {
        let plan = Plan::new(seed, round);
        println!("{plan}; again: cargo bench --bench chaos -- --seed {seed} --round {round}");
        let outcome = game::play(&plan);
        assert!(outcome.began || plan.moment == Moment::Starting, "there was a session");
        println!("  back after {:?}, by hand: {}", outcome.back_after, outcome.by_hand);
    }
}

#[test]
fn any_process_may_be_killed_at_any_time() {
    play(0, 3);
}

#[test]
fn any_process_may_be_killed_at_any_other_time() {
    play(1, 3);
}

#[test]
fn any_process_may_be_killed_at_any_third_time() {
    play(2, 3);
}

#[test]
fn a_seed_says_all_that_happens() {
    for seed in [0, 1, 7, u64::MAX] {
        let plans: Vec<Plan> = (0..24).map(|round| Plan::new(seed, round)).collect();
        assert_eq!(plans, (0..24).map(|round| Plan::new(seed, round)).collect::<Vec<_>>());
        for dozen in plans.chunks(12) {
            let pairs: BTreeSet<String> =
                dozen.iter().map(|plan| format!("{} {}", plan.victim(), plan.moment)).collect();
            assert_eq!(pairs.len(), Victim::ALL.len() * Moment::ALL.len(), "{pairs:?}");
        }
    }
    assert_ne!(Plan::new(1, 0), Plan::new(2, 0));
}
