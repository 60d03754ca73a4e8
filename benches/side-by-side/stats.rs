//! The few statistics that the tables need. `tests/repo/bench_stats.rs` tests them.

/// Median, smallest and largest of some figures.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// The middle one, or the mean of the two in the middle.
    pub median: f64,
    /// The smallest.
    pub min: f64,
    /// The largest.
    pub max: f64,
}

impl Spread {
    /// Nothing if there are no figures.
    pub fn of(figures: &[f64]) -> Option<Self> {
        let sorted = sorted(figures);
        let (min, max) = (*sorted.first()?, *sorted.last()?);
        let (low, high) = (sorted[(sorted.len() - 1) / 2], sorted[sorted.len() / 2]);
        Some(Self { median: f64::midpoint(low, high), min, max })
    }
}

fn sorted(figures: &[f64]) -> Vec<f64> {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}

/// The smallest figure that at least `percent` percent of the figures do not exceed (nearest rank, never
/// interpolated: it is a latency that somebody had). Nothing if there are no figures.
pub fn percentile(figures: &[f64], percent: f64) -> Option<f64> {
    let sorted = sorted(figures);
    let rank = (percent / 100.0 * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.clamp(1, sorted.len().max(1)) - 1).copied()
}

/// Each figure as a multiple of the one of the same round. A round that one of the two lacks has no pair.
pub fn ratios(figures: &[Option<f64>], base: &[Option<f64>]) -> Vec<f64> {
    pairs(figures, base).filter(|(_, base)| *base > 0.0).map(|(figure, base)| figure / base).collect()
}

/// Each figure less the one of the same round.
pub fn differences(figures: &[Option<f64>], base: &[Option<f64>]) -> Vec<f64> {
    pairs(figures, base).map(|(figure, base)| figure - base).collect()
}

fn pairs<'a>(figures: &'a [Option<f64>], base: &'a [Option<f64>]) -> impl Iterator<Item = (f64, f64)> + 'a {
    figures.iter().zip(base).filter_map(|(figure, base)| Some(((*figure)?, (*base)?)))
}

/// How far a program is from itself: the median distance from 1 of the ratios of two runs of the same
/// program. A difference that is not larger means nothing.
pub fn noise(control: &[f64]) -> f64 {
    let distances: Vec<f64> = control.iter().map(|ratio| (ratio - 1.0).abs()).collect();
    Spread::of(&distances).map_or(0.0, |spread| spread.median)
}
