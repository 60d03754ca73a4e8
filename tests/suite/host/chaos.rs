//! Whoever is killed, and whenever: the same conversation is back, and the terminal is usable.
//!
//! The long run is `cargo bench --bench chaos`; it says how to play one round again.

#[path = "../../chaos/game.rs"]
mod game;
#[path = "../../chaos/plan.rs"]
mod plan;

use std::collections::BTreeSet;
use std::panic::{catch_unwind, resume_unwind};

use plan::{BLOCK, Kind, Moment, Plan, Victim};

/// Every victim at every moment once.
const KILLS: u64 = 12;

/// The same rounds each time, so that a failure belongs to the change that is tested. The bench plays other
/// rounds each time.
const SEED: u64 = 20_261_129;

/// Plays every so-manieth round, so that several threads share them.
fn play(first: u64, step: usize) {
    for round in (first..KILLS).step_by(step) {
        play_one(&Plan::new(SEED, round), "");
    }
}

fn play_one(plan: &Plan, more: &str) {
    let Plan { seed, round, .. } = plan;
    println!("{plan}; again: cargo bench --bench chaos -- --seed {seed} --round {round}{more}");
    let outcome = catch_unwind(|| game::play(plan, game::claude::StandIn::new(plan)));
    let outcome = outcome.unwrap_or_else(|panic| match panic.downcast::<game::trouble::Impossible>() {
        Ok(why) => panic!("it cannot be played here: {}; .ci/run installs what is needed", why.0),
        Err(panic) => resume_unwind(panic),
    });
    assert!(outcome.began || plan.moment == Moment::Starting, "there was a session");
    assert_eq!(outcome.lost.unwrap_or(0), 0, "bytes were lost");
    let game::Outcome { back_after, by_hand, left_as_it_was, .. } = outcome;
    println!("  back after {back_after:?}, by hand: {by_hand}, after reset: {left_as_it_was}");
}

/// What needs no file system of its own: that is for the long run, which may not be allowed to mount one
/// everywhere.
#[test]
fn terminals_may_be_closed_unread_and_resized() {
    for kind in [Kind::HangUp, Kind::Unread, Kind::Sizes] {
        play_one(&Plan::of(kind, SEED, 0), &format!(" --kind {kind}"));
    }
}

#[test]
fn processes_may_be_stopped_and_out_of_descriptors() {
    for kind in [Kind::Stopped, Kind::Descriptors] {
        play_one(&Plan::of(kind, SEED, 0), &format!(" --kind {kind}"));
    }
}

#[test]
fn emulators_may_be_closed_and_shells_hung_up() {
    for kind in [Kind::Window, Kind::Sighup] {
        play_one(&Plan::of(kind, SEED, 0), &format!(" --kind {kind}"));
    }
}

#[test]
fn files_of_a_running_session_may_be_taken_away() {
    for kind in [Kind::RuntimeDirectory, Kind::SessionDirectory, Kind::Socket, Kind::Record] {
        play_one(&Plan::of(kind, SEED, 0), &format!(" --kind {kind}"));
    }
}

#[test]
fn the_system_may_stop_everything_and_the_power_may_fail() {
    for kind in [Kind::Sigterm, Kind::PowerCut] {
        play_one(&Plan::of(kind, SEED, 0), &format!(" --kind {kind}"));
    }
}

#[test]
fn a_host_may_hang_for_good() {
    play_one(&Plan::of(Kind::HungHost, SEED, 0), " --kind hung-host");
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
        let plans: Vec<Plan> = (0..2 * BLOCK).map(|round| Plan::new(seed, round)).collect();
        assert_eq!(plans, (0..2 * BLOCK).map(|round| Plan::new(seed, round)).collect::<Vec<_>>());
        for block in plans.chunks(BLOCK as usize) {
            let (dozen, others) = block.split_at(KILLS as usize);
            let others: Vec<Kind> = others.iter().map(|plan| plan.kind).collect();
            assert_eq!(others, Kind::OTHERS);
            let pairs: BTreeSet<String> =
                dozen.iter().map(|plan| format!("{} {}", plan.victim(), plan.moment)).collect();
            assert_eq!(pairs.len(), Victim::ALL.len() * Moment::ALL.len(), "{pairs:?}");
        }
    }
    assert_ne!(Plan::new(1, 0), Plan::new(2, 0));
}
