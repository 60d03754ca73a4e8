//! What cckw promises, held against what came out.

use crate::commands::{CCK, CCKW};
use crate::metric::{Better, Metric};
use crate::results::{Question, Results};
use crate::stats::{Spread, differences, noise, ratios};
use crate::table::{Table, number};
use crate::tools::Tool;

/// The most that is forgiven as noise, as a part of 1: on a machine so busy that the noise is larger, no
/// figure may pass for a good one.
const MOST_NOISE: f64 = 0.10;

/// The most that a start may take longer than with the bare relay, ms.
const START: f64 = 3.0;

/// The most memory, MiB.
const MEMORY: f64 = 6.0;

/// How many sessions `detect` is compared at, and how many times faster it has to be.
const DETECT: (usize, f64) = (1000, 40.0);

/// How many hosts `list` is measured at, and what it may take, ms.
const LIST: (usize, f64) = (200, 20.0);

/// One promise.
pub struct Target {
    /// What is promised.
    what: String,
    /// What came out.
    figure: String,
    /// What it is held against.
    wanted: String,
    /// Whether it was kept.
    pub is_reached: bool,
}

/// All promises for which there are figures.
pub fn check(results: &Results) -> Vec<Target> {
    let mut targets = Vec::new();
    for metric in [
        Metric::Text,
        Metric::Sgr,
        Metric::Both,
        Metric::Paste,
        Metric::EchoP50,
        Metric::EchoP99,
        Metric::FloodP50,
        Metric::FloodP99,
    ] {
        targets.extend(against_bare(results, metric));
        targets.extend(against_peers(results, metric));
    }
    let more = differences(results.of(Metric::Start, Tool::Cckw), results.of(Metric::Start, Tool::Bare));
    if let Some(Spread { median, .. }) = Spread::of(&more) {
        targets.push(at_most("start-up, ms more than bare", median, START));
    }
    for (metric, most) in [(Metric::Idle, 0.0), (Metric::MemoryStart, MEMORY), (Metric::MemoryOutput, MEMORY)]
    {
        if let Some(figure) = results.figure(metric, Tool::Cckw) {
            let (title, unit) = (metric.about().title, metric.about().unit);
            let what = if unit.is_empty() { title.to_owned() } else { format!("{title}, {unit}") };
            targets.push(at_most(&what, figure, most));
        }
    }
    for (question, what) in [
        (Question::DetectLeft, "processes gone"),
        (Question::DetectDead, "processes gone, `--include-dead`"),
        (Question::DetectLive, "processes that run"),
    ] {
        let (count, wanted) = DETECT;
        let times = (results.command(question, CCK, count), results.command(question, CCKW, count));
        if let (Some(theirs), Some(ours)) = times {
            targets.push(Target {
                what: format!("detect, {count} {what}: times faster than cck"),
                figure: number(theirs / ours),
                wanted: format!("≥ {wanted}"),
                is_reached: theirs / ours >= wanted,
            });
        }
    }
    if let Some(time) = results.command(Question::ListLive, CCKW, LIST.0) {
        targets.push(Target {
            what: format!("list, {} hosts, ms", LIST.0),
            figure: number(time),
            wanted: format!("< {}", LIST.1),
            is_reached: time < LIST.1,
        });
    }
    targets
}

fn at_most(what: &str, figure: f64, most: f64) -> Target {
    Target {
        what: what.to_owned(),
        figure: number(figure),
        wanted: format!("≤ {most}"),
        is_reached: figure <= most,
    }
}

/// No worse than the bare relay, less how far that is from itself.
fn against_bare(results: &Results, metric: Metric) -> Option<Target> {
    let ratio = results.ratio(metric, Tool::Cckw)?;
    let control = ratios(results.of(metric, Tool::Control), results.of(metric, Tool::Bare));
    let noise = noise(&control).min(MOST_NOISE);
    let (wanted, is_reached) = match metric.about().better {
        Better::More => (format!("≥ {:.2}", 1.0 - noise), ratio >= 1.0 - noise),
        Better::Less => (format!("≤ {:.2}", 1.0 + noise), ratio <= 1.0 + noise),
    };
    let what = format!("{}, × bare", metric.about().title);
    Some(Target { what, figure: format!("{ratio:.2}"), wanted, is_reached })
}

/// Better than the best of the peers that were measured.
fn against_peers(results: &Results, metric: Metric) -> Option<Target> {
    let about = metric.about();
    let ratio = results.ratio(metric, Tool::Cckw)?;
    let peers = Tool::PEERS.into_iter().filter(|tool| !results.has_failed(about.suite, tool.name()));
    let peers = peers.filter_map(|tool| Some((tool, results.ratio(metric, tool)?)));
    let is_better = |one: f64, other: f64| match about.better {
        Better::More => one > other,
        Better::Less => one < other,
    };
    let (tool, best) = peers.reduce(|one, other| if is_better(other.1, one.1) { other } else { one })?;
    let sign = if about.better == Better::More { '>' } else { '<' };
    Some(Target {
        what: format!("{}, better than every peer", about.title),
        figure: format!("{ratio:.2}"),
        wanted: format!("{sign} {best:.2} ({})", tool.name()),
        is_reached: is_better(ratio, best),
    })
}

/// As a table.
pub fn table(targets: &[Target]) -> Table {
    let rows = targets.iter().map(|target| {
        let word = if target.is_reached { "reached" } else { "missed" };
        vec![target.what.clone(), target.figure.clone(), target.wanted.clone(), word.to_owned()]
    });
    Table {
        title: "Targets".into(),
        head: ["", "figure", "wanted", ""].map(str::to_owned).to_vec(),
        rows: rows.collect(),
    }
}
