//! `cckw reconnect`.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use super::detect::{directory, statuses};
use super::output::fail;
use crate::claude::remote_control::Link;
use crate::config;
use crate::escape::escape;
use crate::fleet::detect::{self, Found, Wanted};
use crate::fleet::reconnect::{Order, Outcome, Way, lock, reconnect};
use crate::platform::clock;

/// What was asked for.
pub struct Asked<'a> {
    /// The directory of the state files; without one, claude's own.
    pub directory: Option<&'a Path>,
    /// The statuses in which a session may be reconnected, with commas between them.
    pub statuses: &'a str,
    /// Whether to do it, or only to say what would be done.
    pub apply: bool,
    /// Without the line about the whole run.
    pub quiet: bool,
    /// Only these processes.
    pub pids: &'a [i64],
}

/// What came of the sessions of one run.
#[derive(Default)]
struct Tally {
    reconnected: usize,
    failed: usize,
    left: usize,
}

/// Brings the remote control of sessions back. The status is 0, or 2 if it failed for one.
pub fn main(asked: &Asked<'_>) -> ExitCode {
    let settings = match config::load() {
        Ok(config) => config.remote_control,
        Err(error) => {
            fail(&error.to_string());
            return ExitCode::from(2);
        }
    };
    let Some(directory) = directory(asked.directory) else { return ExitCode::from(2) };
    let statuses = statuses(asked.statuses);
    let (found, transports) =
        detect::find(&Wanted { directory: &directory, dead: false, statuses: &statuses });
    let pids: BTreeSet<i64> = asked.pids.iter().copied().collect();
    let targets: Vec<&Found> = targets(&found, &pids);

    let _lock = match if asked.apply { lock() } else { Ok(None) } {
        Ok(None) if asked.apply => {
            for found in targets.iter().filter(|_| !pids.is_empty()) {
                skipped(i64::from(found.pid.as_raw()), "another cckw reconnect is at work");
            }
            return heartbeat(asked, &found, &Tally::default(), " skipped=lock");
        }
        Ok(lock) => lock,
        Err(error) => {
            fail(&format!("no lock can be had, and without one nothing is typed: {error}"));
            return ExitCode::from(2);
        }
    };
    let order = Order { apply: asked.apply, named: !pids.is_empty() };
    let mut tally = Tally::default();
    for found in targets {
        let outcome = reconnect(found, &transports, &statuses, &settings, order);
        tell(found, &outcome, asked, &mut tally);
    }
    let more = if asked.apply { "" } else { " dry-run" };
    heartbeat(asked, &found, &tally, more)
}

/// The sessions that it is about. A process that was named and is none of them is told of, with the reason.
fn targets<'a>(found: &'a [Found], pids: &BTreeSet<i64>) -> Vec<&'a Found> {
    for pid in pids {
        let reason = match found.iter().find(|found| i64::from(found.pid.as_raw()) == *pid) {
            Some(found) => found.refusal.clone(),
            None => Some("there is no state file of a process that runs".into()),
        };
        if let Some(reason) = reason {
            skipped(*pid, &reason);
        }
    }
    let is_meant = |found: &&Found| pids.is_empty() || pids.contains(&i64::from(found.pid.as_raw()));
    found.iter().filter(|found| found.is_eligible()).filter(is_meant).collect()
}

fn skipped(pid: i64, reason: &str) {
    complain(format_args!("skipped pid={pid}: {}", escape(reason)));
}

fn tell(found: &Found, outcome: &Outcome, asked: &Asked<'_>, tally: &mut Tally) {
    let (pid, way) = (found.pid, Way::into(found));
    let status = found.status().unwrap_or("-");
    match outcome {
        Outcome::Reconnected if asked.apply => {
            tally.reconnected += 1;
            say(format_args!("reconnected pid={pid} {way} status={status}"));
        }
        Outcome::Reconnected => {
            say(format_args!("[dry-run] would reconnect pid={pid} {way} status={status}"));
        }
        Outcome::Failed(reason) => {
            tally.failed += 1;
            complain(format_args!("FAILED pid={pid} {way}: {}", escape(reason)));
        }
        Outcome::Left(reason) => {
            tally.left += 1;
            let dry = if asked.apply { "" } else { "[dry-run] " };
            // Quiet is for what was done; but who names a session gets an answer.
            if !asked.quiet || !asked.pids.is_empty() {
                complain(format_args!("{dry}left alone pid={pid} {way}: {}", escape(reason)));
            }
        }
    }
}

/// One line for each run, so that a log which does not grow means that nothing runs, and not that nothing was to be done.
fn heartbeat(asked: &Asked<'_>, found: &[Found], tally: &Tally, more: &str) -> ExitCode {
    if !asked.quiet {
        let count = |link| found.iter().filter(|found| found.verdict.link == link).count();
        say(format_args!(
            "cycle checked={} connected={} disconnected={} unknown={} eligible={} reconnected={} failed={} left={}{more}",
            found.len(),
            count(Link::Connected),
            count(Link::Disconnected),
            count(Link::Unknown),
            found.iter().filter(|found| found.is_eligible()).count(),
            tally.reconnected,
            tally.failed,
            tally.left,
        ));
    }
    ExitCode::from(if tally.failed > 0 { 2 } else { 0 })
}

/// A line of the log, at once. A reader that has gone keeps nobody from doing what was asked for.
fn say(line: impl Display) {
    let _ = writeln!(io::stdout().lock(), "{} {line}", clock::timestamp());
}

fn complain(line: impl Display) {
    let _ = writeln!(io::stderr().lock(), "{} {line}", clock::timestamp());
}
