//! The rounds in which the tools take turns.

use crate::effort::Effort;
use crate::metric::{Keys, Metric};
use crate::results::Results;
use crate::tools::Tool;
use crate::{bulk, echo, fleet, hosts, open, rest};

/// Runs everything that is asked for.
pub fn run(tools: &[Tool], effort: &Effort, only: &[String], progress: &dyn Fn(&str)) -> Results {
    let wants = |suite: &str| only.is_empty() || only.iter().any(|wanted| wanted == suite);
    let mut results = Results::default();
    let in_rounds = ["text", "sgr", "both", "paste", "echo", "flood", "start"];
    // The first round warms up, and is thrown away but for its failures.
    let rounds = if in_rounds.into_iter().any(wants) { effort.rounds + 1 } else { 0 };
    for round in 0..rounds {
        let progress = |suite: &str| progress(&format!("round {round} of {}: {suite}", effort.rounds));
        let mut figures = Results::default();
        let order = order(tools, round);
        for metric in [Metric::Text, Metric::Sgr, Metric::Both, Metric::Paste] {
            if wants(metric.about().suite) {
                progress(metric.about().suite);
                for tool in &order {
                    figures.add(metric, *tool, bulk::transfer(metric, *tool, effort.bulk));
                }
            }
        }
        if wants("echo") {
            progress("echo");
            echo::at_rest(&order, effort.keys, round, &mut figures);
        }
        if wants("flood") {
            progress("flood");
            for tool in &order {
                match echo::in_flood(*tool, effort.flood_keys, round) {
                    Ok(times) => figures.add_keys(Keys::InFlood, *tool, times),
                    Err(failure) => figures.fail(tool.name(), "flood", failure),
                }
            }
        }
        if wants("start") {
            progress("start");
            open::starts(&order, effort.starts, &mut figures);
        }
        results.take(figures, round > 0);
    }
    // What follows has no use for a second look at the bare relay.
    let is_copy = |tool: &Tool| matches!(tool, Tool::Control | Tool::Split);
    let wrappers: Vec<Tool> =
        tools.iter().copied().filter(|tool| *tool != Tool::Direct && !is_copy(tool)).collect();
    if wants("attach") {
        progress("attach");
        let attaching: Vec<Tool> = wrappers.iter().copied().filter(|tool| tool.attaches()).collect();
        open::attaches(&attaching, effort.attaches, &mut results);
    }
    if wants("idle") {
        progress("at rest");
        rest::idle(&wrappers, effort.idle, &mut results);
    }
    if wants("memory") {
        progress("memory");
        for tool in wrappers {
            rest::memory(tool, effort.flood, &mut results);
        }
    }
    if wants("detect") {
        progress("detect");
        fleet::detect(effort, &mut results);
    }
    if wants("list") {
        progress("list");
        fleet::version(effort, &mut results);
        fleet::list_ended(effort, &mut results);
        hosts::list_live(effort, &mut results);
    }
    results
}

/// No tool always follows the same one, and none is always first.
fn order(tools: &[Tool], round: usize) -> Vec<Tool> {
    let mut order = tools.to_vec();
    order.rotate_left(round % tools.len());
    if round % 2 == 1 {
        order.reverse();
    }
    order
}
