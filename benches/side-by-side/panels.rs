//! What the picture shows of a run.

use crate::commands::{CCK, CCKW};
use crate::metric::{Better, Metric};
use crate::picture::{Bar, Kind, Panel};
use crate::results::{Question, Results};
use crate::table::{number, thousands};
use crate::tables::SHOWN;
use crate::tools::Tool;

/// The metrics that have a panel. The others are in the tables.
const METRICS: [Metric; 10] = [
    Metric::Text,
    Metric::Both,
    Metric::EchoP50,
    Metric::EchoP99,
    Metric::FloodP50,
    Metric::FloodP99,
    Metric::Start,
    Metric::Attach,
    Metric::MemoryStart,
    Metric::MemoryOutput,
];

/// All panels that have figures.
pub fn all(results: &Results) -> Vec<Panel> {
    let tools = METRICS.into_iter().filter_map(|metric| of_metric(results, metric));
    tools.chain([of_detect(results), of_list(results)].into_iter().flatten()).collect()
}

fn of_metric(results: &Results, metric: Metric) -> Option<Panel> {
    let about = metric.about();
    let bars: Vec<Bar> = SHOWN
        .into_iter()
        .filter(|tool| {
            results.figure(metric, *tool).is_some() || results.has_failed(about.suite, tool.name())
        })
        .map(|tool| {
            let failed = results.has_failed(about.suite, tool.name());
            let value = results.figure(metric, tool).filter(|_| !failed);
            let kind = match tool {
                Tool::Cckw => Kind::Ours,
                Tool::Direct | Tool::Bare => Kind::Base,
                _ => Kind::Peer,
            };
            let text = value.map_or_else(|| "failed".into(), number);
            Bar { label: tool.name().into(), value, text, kind }
        })
        .collect();
    let better = if about.better == Better::More { "more is better" } else { "less is better" };
    let note = format!("{}, {better}", about.unit);
    (!bars.is_empty()).then(|| Panel { title: about.title.into(), note, bars, is_logarithmic: false })
}

fn of_detect(results: &Results) -> Option<Panel> {
    let count = results
        .commands
        .keys()
        .filter(|command| command.program == CCK)
        .map(|command| command.count)
        .max()?;
    let rows = [
        (Question::DetectLeft, "gone"),
        (Question::DetectDead, "gone, shown"),
        (Question::DetectLive, "running"),
    ];
    let bars = rows.into_iter().flat_map(|(question, what)| {
        [(CCKW, Kind::Ours), (CCK, Kind::Peer)].into_iter().filter_map(move |(program, kind)| {
            let value = results.command(question, program, count)?;
            let label = if kind == Kind::Ours { what.to_owned() } else { "cck".into() };
            Some(Bar { label, value: Some(value), text: number(value), kind })
        })
    });
    let title = format!("detect, {} sessions", thousands(count as u64));
    Some(Panel {
        title,
        note: "ms, less is better, logarithmic".into(),
        bars: bars.collect(),
        is_logarithmic: true,
    })
}

fn of_list(results: &Results) -> Option<Panel> {
    let bars: Vec<Bar> = results
        .commands
        .keys()
        .filter(|command| matches!(command.question, Question::ListEnded | Question::ListLive))
        .filter_map(|command| {
            let value = results.command(command.question, command.program, command.count)?;
            let what = if command.question == Question::ListLive { "live" } else { "ended" };
            let label = format!("{} {what}", thousands(command.count as u64));
            Some(Bar { label, value: Some(value), text: number(value), kind: Kind::Ours })
        })
        .collect();
    let note = "ms, less is better".into();
    (!bars.is_empty()).then(|| Panel { title: "list".into(), note, bars, is_logarithmic: false })
}
