//! The tables of a run.

use crate::commands::{CCK, CCKW, STATIC};
use crate::metric::{About, METRICS, Metric};
use crate::results::{Command, Question, Results};
use crate::static_program;
use crate::stats::{Spread, ratios};
use crate::table::{Table, number, thousands};
use crate::tools::Tool;

/// What stands where nothing was measured because the program is missing.
const MISSING: &str = "not installed";

/// What stands where something was measured and went wrong.
const FAILED: &str = "failed";

/// What stands where there is nothing to measure, or nobody asked.
const NONE: &str = "–";

/// The tools of the overview: the copies of the bare relay are for the targets.
pub const SHOWN: [Tool; 8] =
    [Tool::Direct, Tool::Bare, Tool::Script, Tool::Dtach, Tool::Screen, Tool::Tmux, Tool::Shpool, Tool::Cckw];

/// All tables that have figures.
pub fn all(results: &Results) -> Vec<Table> {
    [overview(results), relative(results), static_program::table(results), commands(results)]
        .into_iter()
        .filter(|table| !table.rows.is_empty())
        .collect()
}

/// Whether anything of this metric was measured.
fn has_figures(results: &Results, metric: Metric) -> bool {
    Tool::ALL.into_iter().any(|tool| results.figure(metric, tool).is_some())
}

fn heading(about: &About) -> String {
    let unit = if about.unit.is_empty() { String::new() } else { format!(", {}", about.unit) };
    format!("{}{unit}", about.title)
}

fn overview(results: &Results) -> Table {
    let rows = METRICS.iter().filter(|about| has_figures(results, about.metric)).map(|about| {
        let cells = SHOWN.into_iter().map(|tool| cell(results, about, tool));
        std::iter::once(heading(about)).chain(cells).collect()
    });
    let names = SHOWN.into_iter().map(|tool| tool.name().to_owned());
    Table {
        title: "Side by side".into(),
        head: std::iter::once(String::new()).chain(names).collect(),
        rows: rows.collect(),
    }
}

fn cell(results: &Results, about: &About, tool: Tool) -> String {
    // A failure tells more than what the other rounds have brought.
    if results.has_failed(about.suite, tool.name()) {
        return FAILED.into();
    }
    match results.figure(about.metric, tool) {
        Some(figure) => number(figure),
        None if !tool.is_installed() => MISSING.into(),
        None => NONE.into(),
    }
}

/// What can be compared with the bare relay, as its multiple.
fn relative(results: &Results) -> Table {
    let is_compared = |tool: &Tool| *tool != Tool::Bare && tool.is_asked_for();
    let tools: Vec<Tool> = Tool::ALL.into_iter().filter(is_compared).collect();
    let rows = METRICS.iter().filter(|about| is_relative(about.metric)).filter_map(|about| {
        let ratios: Vec<_> = tools.iter().map(|tool| results.ratio(about.metric, *tool)).collect();
        ratios.iter().flatten().next()?;
        let cells = tools.iter().zip(ratios).map(|(tool, ratio)| match ratio {
            _ if results.has_failed(about.suite, tool.name()) => FAILED.into(),
            Some(ratio) => format!("{ratio:.2}"),
            None if !tool.is_installed() => MISSING.into(),
            None => NONE.into(),
        });
        let spread = Spread::of(&ratios_of(results, about.metric));
        let spread =
            spread.map_or_else(|| NONE.into(), |spread| format!("{:.2} – {:.2}", spread.min, spread.max));
        Some(std::iter::once(about.title.to_owned()).chain(cells).chain([spread]).collect())
    });
    let rows = rows.collect();
    let names = tools.iter().map(|tool| tool.name().to_owned());
    let head = std::iter::once(String::new()).chain(names).chain(["cckw, all rounds".into()]).collect();
    Table { title: "As multiples of the bare relay".into(), head, rows }
}

fn ratios_of(results: &Results, metric: Metric) -> Vec<f64> {
    ratios(results.of(metric, Tool::Cckw), results.of(metric, Tool::Bare))
}

fn is_relative(metric: Metric) -> bool {
    matches!(metric, Metric::Text | Metric::Sgr | Metric::Both | Metric::Paste | Metric::Start)
        || metric.percentile().is_some_and(|(_, percent)| percent < 100.0)
}

/// The kinds of sessions that commands were asked about, with the programs, and what the row says.
const ROWS: [(Question, &str, &str); 12] = [
    (Question::Version, CCKW, "`cckw --version`"),
    (Question::Version, STATIC, "`cckw --version`, static program"),
    (Question::DetectLeft, CCKW, "`cckw detect`, processes gone"),
    (Question::DetectLeft, CCK, "`cck detect`, processes gone"),
    (Question::DetectDead, CCKW, "`cckw detect --include-dead`, processes gone"),
    (Question::DetectDead, CCK, "`cck detect --include-dead`, processes gone"),
    (Question::DetectLive, CCKW, "`cckw detect`, processes that run"),
    (Question::DetectLive, CCK, "`cck detect`, processes that run"),
    (Question::ListEnded, CCKW, "`cckw list --all`, ended sessions"),
    (Question::ListEnded, STATIC, "`cckw list --all`, ended sessions, static program"),
    (Question::ListLive, CCKW, "`cckw list`, sessions with a host"),
    (Question::ListLive, STATIC, "`cckw list`, sessions with a host, static program"),
];

fn commands(results: &Results) -> Table {
    let mut counts: Vec<usize> = results.commands.keys().map(|command| command.count).collect();
    counts.sort_unstable();
    counts.dedup();
    let rows = ROWS.into_iter().filter_map(|(question, program, title)| {
        let is_static = program == STATIC;
        let of_row =
            |command: &&Command| command.question == question && (!is_static || command.program == STATIC);
        let asked = results.commands.keys().any(|command| of_row(&command));
        let is_detect =
            matches!(question, Question::DetectLeft | Question::DetectDead | Question::DetectLive);
        let suite = if is_detect { "detect" } else { "list" };
        let cell = |count: &usize| match results.command(question, program, *count) {
            Some(time) => number(time),
            None if results.has_failed(suite, program) => FAILED.into(),
            None if program == CCK && crate::fleet::keeper().is_none() => MISSING.into(),
            None => NONE.into(),
        };
        asked.then(|| std::iter::once(title.to_owned()).chain(counts.iter().map(cell)).collect())
    });
    let rows = rows.collect();
    let head = std::iter::once("ms for so many sessions".into())
        .chain(counts.iter().map(|count| thousands(*count as u64)));
    Table { title: "Commands".into(), head: head.collect(), rows }
}
