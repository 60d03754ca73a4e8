//! Tables and targets.

use crate::measure::{Metric, Results};
use crate::stats::{Spread, differences, noise, percentile, ratios};
use crate::tools::Tool;

/// The most that is forgiven as noise, as a part of 1.
const MOST_NOISE: f64 = 0.10;

/// Prints one table for each metric that has figures.
pub fn print(results: &Results, tools: &[Tool], markdown: bool) {
    for (metric, title, _) in Metric::ALL {
        let mut rows = Vec::new();
        for tool in tools {
            let figures: Vec<f64> = results.of(metric, *tool).iter().flatten().copied().collect();
            let Some(spread) = Spread::of(&figures) else { continue };
            let ratios = ratios(results.of(metric, *tool), results.of(metric, Tool::Bare));
            let ratio = Spread::of(&ratios).map(|spread| (pooled_ratio(results, metric, *tool), spread));
            rows.push([
                tool.name().to_owned(),
                number(pooled(results, metric, *tool).unwrap_or(spread.median)),
                format!("{} – {}", number(spread.min), number(spread.max)),
                ratio.map_or(String::new(), |(pooled, spread)| {
                    format!("{:.2}", pooled.unwrap_or(spread.median))
                }),
                ratio.map_or(String::new(), |(_, spread)| format!("{:.2} – {:.2}", spread.min, spread.max)),
            ]);
        }
        if !rows.is_empty() {
            rows.insert(0, ["tool", "median", "rounds", "× bare", "rounds"].map(str::to_owned));
            println!("{}", if markdown { format!("### {title}\n") } else { title.to_owned() });
            lay_out(&rows, markdown);
            println!();
        }
    }
}

fn lay_out(rows: &[[String; 5]], markdown: bool) {
    if markdown {
        for (index, row) in rows.iter().enumerate() {
            println!("| {} |", row.join(" | "));
            if index == 0 {
                println!("| --- | ---: | ---: | ---: | ---: |");
            }
        }
        return;
    }
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    for row in rows {
        let mut line = format!("  {:<1$}", row[0], width(0));
        for (column, cell) in row.iter().enumerate().skip(1) {
            line += &format!("  {cell:>0$}", width(column));
        }
        println!("{}", line.trim_end());
    }
}

fn number(figure: f64) -> String {
    if figure.abs() >= 100.0 { format!("{figure:.0}") } else { format!("{figure:.1}") }
}

/// The percentile over the keys of all rounds. Other metrics have nothing to pool.
fn pooled(results: &Results, metric: Metric, tool: Tool) -> Option<f64> {
    let percent = match metric {
        Metric::EchoP50 => 50.0,
        Metric::EchoP90 => 90.0,
        Metric::EchoP99 => 99.0,
        Metric::EchoMax => 100.0,
        _ => return None,
    };
    percentile(results.keys.get(tool.name())?, percent)
}

fn pooled_ratio(results: &Results, metric: Metric, tool: Tool) -> Option<f64> {
    Some(pooled(results, metric, tool)? / pooled(results, metric, Tool::Bare)?)
}

/// What cckw promises, with the figures. True if nothing that was measured missed its target.
pub fn targets(results: &Results) -> bool {
    let mut lines = Vec::new();
    let mut check = |what: &str, figure: Option<f64>, target: String, reached: &dyn Fn(f64) -> bool| {
        if let Some(figure) = figure {
            let reached = reached(figure);
            let word = if reached { "reached" } else { "MISSED" };
            lines.push((reached, format!("{word:<8} {what}: {figure:.2} ({target})")));
        }
    };
    for (metric, what) in [
        (Metric::Text, "text output, × bare"),
        (Metric::Sgr, "output with colours, × bare"),
        (Metric::Both, "both directions, × bare"),
        (Metric::Paste, "input, × bare"),
    ] {
        let bare = results.of(metric, Tool::Bare);
        // On a machine so busy that the noise is larger, no figure may pass for a good one.
        let noise = noise(&ratios(results.of(metric, Tool::Control), bare)).min(MOST_NOISE);
        let ratio = Spread::of(&ratios(results.of(metric, Tool::Cckw), bare)).map(|spread| spread.median);
        check(what, ratio, format!("at least 1 less the noise of {noise:.2}"), &|ratio| ratio >= 1.0 - noise);
    }
    for (metric, what) in [(Metric::EchoP50, "echo, median, × bare"), (Metric::EchoP99, "echo, p99, × bare")]
    {
        let control = pooled_ratio(results, metric, Tool::Control).unwrap_or(1.0);
        let target = format!("at most 1.10; bare against itself: {control:.2}");
        check(what, pooled_ratio(results, metric, Tool::Cckw), target, &|ratio| ratio <= 1.10);
    }
    let more = differences(results.of(Metric::Start, Tool::Cckw), results.of(Metric::Start, Tool::Bare));
    let more = Spread::of(&more).map(|spread| spread.median);
    check("start-up over bare, ms", more, "at most 3".into(), &|more| more <= 3.0);
    let single = |metric| results.of(metric, Tool::Cckw).first().copied().flatten();
    check("context switches a minute at rest", single(Metric::Idle), "0".into(), &|count| count <= 0.0);
    for (metric, what) in [
        (Metric::MemoryStart, "memory after the start, MiB"),
        (Metric::MemoryOutput, "memory after 200 MB of output, MiB"),
    ] {
        check(what, single(metric), "at most 6".into(), &|mib| mib <= 6.0);
    }
    for (_, line) in &lines {
        println!("{line}");
    }
    lines.iter().all(|(reached, _)| *reached)
}
