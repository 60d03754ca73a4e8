//! Commands that look at many sessions: how long one takes from start to end.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::effort::Effort;
use crate::results::{self, Question, Results};
use crate::tools;

/// cckw, in the tables.
pub const CCKW: &str = "cckw";

/// The static cckw, in the tables.
pub const STATIC: &str = "cckw-static";

/// `claude-connection-keeper`, in the tables.
pub const CCK: &str = "cck";

/// One program that is asked.
pub struct Asked<'a> {
    /// Its name in the tables.
    pub name: &'static str,
    /// Its file.
    pub program: &'a Path,
    /// What it is asked.
    pub arguments: Vec<&'a str>,
    /// How many lines it has to print: fewer mean that something was not seen.
    pub lines: usize,
}

/// Asks some programs the same, in turns, the first time without counting it. A program that has taken its
/// time is not asked again.
pub fn compare(
    asked: &[Asked<'_>],
    key: (Question, usize),
    scratch: &Path,
    effort: &Effort,
    results: &mut Results,
) {
    let suite = match key.0 {
        Question::DetectLeft | Question::DetectDead | Question::DetectLive => "detect",
        Question::Version | Question::ListEnded | Question::ListLive => "list",
    };
    let mut spent = vec![0.0; asked.len()];
    for round in 0..=effort.commands {
        for (asked, spent) in asked.iter().zip(&mut spent) {
            if *spent > effort.patience.as_secs_f64() * 1e3 {
                continue;
            }
            match ask(asked, scratch) {
                Ok(time) => {
                    *spent += time;
                    // One that takes so long is not the faster for a second time.
                    if round > 0 || *spent > effort.patience.as_secs_f64() * 1e3 {
                        let command = results::Command { question: key.0, program: asked.name, count: key.1 };
                        results.commands.entry(command).or_default().push(time);
                    }
                }
                Err(why) => {
                    *spent = f64::INFINITY;
                    results.fail(asked.name, suite, format!("{} sessions: {why}", key.1));
                }
            }
        }
    }
}

/// Milliseconds from the start to the end.
fn ask(asked: &Asked<'_>, scratch: &Path) -> Result<f64, String> {
    let mut command = Command::new(asked.program);
    command.args(&asked.arguments).stdin(Stdio::null());
    let before = Instant::now();
    let output = tools::environment(&mut command, scratch).output().map_err(|error| error.to_string())?;
    let time = before.elapsed().as_secs_f64() * 1e3;
    // `detect` ends with 1 if it finds nothing.
    let good = matches!((output.status.code(), asked.lines), (Some(0), _) | (Some(1), 0));
    let lines = output.stdout.iter().filter(|byte| **byte == b'\n').count();
    if good && lines == asked.lines {
        return Ok(time);
    }
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(format!("{}, {lines} lines instead of {}: {said:.300}", output.status, asked.lines))
}
