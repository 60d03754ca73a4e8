//! The static cckw beside the one that is linked to the machine's C library.

use crate::commands::{CCKW, STATIC};
use crate::metric::{METRICS, Metric};
use crate::results::{Question, Results};
use crate::stats::{Spread, ratios};
use crate::table::{Table, number};
use crate::tools::Tool;

/// What stands where one of the two has no figure.
const NONE: &str = "–";

/// The commands that both were asked, and what the row says.
const COMMANDS: [(Question, &str); 3] = [
    (Question::Version, "`cckw --version`"),
    (Question::ListEnded, "`cckw list --all`, ended sessions"),
    (Question::ListLive, "`cckw list`, sessions with a host"),
];

/// All that was measured of both. Without the static one it has no rows.
pub fn table(results: &Results) -> Table {
    let metrics = METRICS.iter().filter_map(|about| {
        let figure = results.figure(about.metric, Tool::Static)?;
        let base = results.figure(about.metric, Tool::Cckw)?;
        let unit = if about.unit.is_empty() { String::new() } else { format!(", {}", about.unit) };
        let ratio = results.ratio_to(about.metric, Tool::Static, Tool::Cckw);
        let spread = spread(results, about.metric);
        Some(row(format!("{}{unit}", about.title), base, figure, ratio, spread))
    });
    let counts = |question| {
        let asked = results.commands.keys().filter(move |command| command.question == question);
        asked.filter(|command| command.program == STATIC).map(|command| command.count)
    };
    let commands = COMMANDS.into_iter().flat_map(|(question, title)| {
        counts(question).filter_map(move |count| {
            let base = results.command(question, CCKW, count)?;
            let figure = results.command(question, STATIC, count)?;
            let title =
                if question == Question::Version { title.into() } else { format!("{title}: {count}") };
            Some(row(format!("{title}, ms"), base, figure, Some(figure / base), None))
        })
    });
    Table {
        title: "The static program".into(),
        head: ["", "cckw", "static", "static as a multiple", "all rounds"].map(str::to_owned).to_vec(),
        rows: metrics.chain(commands).collect(),
    }
}

fn row(title: String, base: f64, figure: f64, ratio: Option<f64>, spread: Option<Spread>) -> Vec<String> {
    let ratio = ratio.map_or_else(|| NONE.into(), |ratio| format!("{ratio:.2}"));
    let spread =
        spread.map_or_else(|| NONE.into(), |spread| format!("{:.2} – {:.2}", spread.min, spread.max));
    vec![title, number(base), number(figure), ratio, spread]
}

/// The ratios of all rounds. What was measured once has no spread.
fn spread(results: &Results, metric: Metric) -> Option<Spread> {
    let ratios = ratios(results.of(metric, Tool::Static), results.of(metric, Tool::Cckw));
    Spread::of(&ratios).filter(|_| ratios.len() > 1)
}
