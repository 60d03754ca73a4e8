//! The statistics of the benchmark, which has no test harness of its own.

#[path = "../../benches/side-by-side/stats.rs"]
mod stats;

use stats::{Spread, differences, noise, percentile, ratios};

#[test]
fn the_median_is_the_middle_or_between_the_two_middles() {
    assert_eq!(Spread::of(&[]), None);
    assert_eq!(Spread::of(&[3.0]), Some(Spread { median: 3.0, min: 3.0, max: 3.0 }));
    assert_eq!(Spread::of(&[9.0, 1.0, 4.0]), Some(Spread { median: 4.0, min: 1.0, max: 9.0 }));
    assert_eq!(Spread::of(&[9.0, 1.0, 4.0, 5.0]), Some(Spread { median: 4.5, min: 1.0, max: 9.0 }));
}

#[test]
fn a_percentile_is_the_nearest_rank() {
    let hundred: Vec<f64> = (1..=100).rev().map(f64::from).collect();
    assert_eq!(percentile(&hundred, 50.0), Some(50.0));
    assert_eq!(percentile(&hundred, 90.0), Some(90.0));
    assert_eq!(percentile(&hundred, 99.0), Some(99.0));
    assert_eq!(percentile(&hundred, 100.0), Some(100.0));
    assert_eq!(percentile(&hundred, 0.0), Some(1.0));
    assert_eq!(percentile(&[7.0, 5.0], 50.0), Some(5.0));
    assert_eq!(percentile(&[7.0, 5.0], 51.0), Some(7.0));
    assert_eq!(percentile(&[], 50.0), None);
}

#[test]
fn only_figures_of_the_same_round_are_compared() {
    let figures = [Some(10.0), None, Some(30.0), Some(1.0), Some(8.0)];
    let base = [Some(5.0), Some(1.0), None, Some(0.0), Some(16.0)];
    assert_eq!(ratios(&figures, &base), [2.0, 0.5]);
    assert_eq!(differences(&figures, &base), [5.0, 1.0, -8.0]);
}

#[test]
fn noise_is_how_far_a_program_is_from_itself() {
    assert_eq!(noise(&[]), 0.0);
    assert_eq!(noise(&[1.0, 1.0]), 0.0);
    assert!((noise(&[0.9, 1.2, 1.0]) - 0.1).abs() < 1e-9);
}
