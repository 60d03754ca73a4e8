//! How long one waits for a session: for a new one, and for one that was left.

use std::collections::BTreeMap;

use crate::feed::Feed;
use crate::inner;
use crate::metric::Metric;
use crate::outer::{Expect, Run};
use crate::results::Results;
use crate::stats::percentile;
use crate::tools::Tool;

/// The median start of a few, ms. The tools take turns start by start.
pub fn starts(order: &[Tool], count: usize, results: &mut Results) {
    let mut times: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for _ in 0..count {
        for tool in order {
            let start = Run::start(*tool, "idle").and_then(|run| {
                let time = run.start;
                run.end().map(|()| time)
            });
            match start {
                Ok(time) => times.entry(tool.name()).or_default().push(time.as_secs_f64() * 1e3),
                Err(failure) => results.fail(tool.name(), "start", failure),
            }
        }
    }
    for tool in order {
        let figures = times.get(tool.name()).map_or(&[][..], Vec::as_slice);
        results.add(Metric::Start, *tool, percentile(figures, 50.0).ok_or_else(|| "never started".into()));
    }
}

/// From the start of a client until the screen of a session that somebody left is there, ms. The terminal is
/// closed after each.
pub fn attaches(tools: &[Tool], count: usize, results: &mut Results) {
    for tool in tools {
        match attach_often(*tool, count) {
            Ok(times) => times.into_iter().for_each(|time| results.add(Metric::Attach, *tool, Ok(time))),
            Err(failure) => results.add(Metric::Attach, *tool, Err(failure)),
        }
    }
}

fn attach_often(tool: Tool, count: usize) -> Result<Vec<f64>, String> {
    let mut run = Run::start(tool, "paint")?;
    if let Err(failure) = run.transfer(Feed::once(b""), Expect::Mark(inner::PAINTED)) {
        run.abort();
        return Err(failure);
    }
    let mut times = Vec::with_capacity(count);
    for number in 0..=count {
        let (attached, time) = run.hang_up()?.attach(inner::PAINTED)?;
        run = attached;
        if number > 0 {
            times.push(time.as_secs_f64() * 1e3);
        }
    }
    run.end().map(|()| times)
}
