//! `cckw reconnect`.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use super::detect::{directory, statuses};
use super::output::{fail, tell_of_silent_hosts};
use crate::claude::remote_control::Link;
use crate::config;
use crate::escape::escape;
use crate::os::clock;
use crate::remote::command::{CommandOutcome, Order, Way, lock, reconnect};
use crate::remote::detect;
use crate::remote::detect::{DetectedClaude, Wanted};
use crate::user_error::remote;

/// What was asked for.
pub struct ReconnectArgs<'a> {
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
    /// Sessions that were named, have no link, and were not typed into.
    missing: usize,
}

/// Brings the remote control of sessions back. The status is 2 if it failed for one, and 1 if one that was
/// named has no link and nothing was typed into it; else 0.
pub fn main(asked: &ReconnectArgs<'_>) -> ExitCode {
    let settings = match config::load() {
        Ok(config) => config.remote_control,
        Err(error) => return fail(&remote::configuration(error)),
    };
    let directory = match directory(asked.directory) {
        Ok(directory) => directory,
        Err(error) => return fail(&error),
    };
    let statuses = statuses(asked.statuses, &detect::RESTING);
    let (found, transports) = detect::find(&Wanted {
        directory: &directory,
        of_sessions: asked.directory.is_none(),
        dead: false,
        statuses: &statuses,
    });
    tell_of_silent_hosts(found.iter().filter_map(|found| found.wrapped.as_ref()));
    let pids: BTreeSet<i64> = asked.pids.iter().copied().collect();
    let mut tally = Tally::default();
    let targets: Vec<&DetectedClaude> = targets(&found, &pids, &mut tally);

    let _lock = match if asked.apply { lock() } else { Ok(None) } {
        Ok(None) if asked.apply => {
            for found in targets.iter().filter(|_| !pids.is_empty()) {
                skipped(i64::from(found.pid.as_raw()), "another cckw reconnect is at work");
                tally.missing += 1;
            }
            return heartbeat(asked, &found, &tally, " skipped=lock");
        }
        Ok(lock) => lock,
        Err(error) => return fail(&error),
    };
    let order = Order { apply: asked.apply, named: !pids.is_empty() };
    for found in targets {
        let outcome = reconnect(found, &transports, &statuses, &settings, order);
        tell(found, &outcome, asked, &mut tally);
    }
    let more = if asked.apply { "" } else { " dry-run" };
    heartbeat(asked, &found, &tally, more)
}

/// The sessions that it is about. A process that was named and is none of them is told of, with the reason.
fn targets<'a>(
    found: &'a [DetectedClaude],
    pids: &BTreeSet<i64>,
    tally: &mut Tally,
) -> Vec<&'a DetectedClaude> {
    for pid in pids {
        let known = found.iter().find(|found| i64::from(found.pid.as_raw()) == *pid);
        let reason = match known {
            Some(found) => found.refusal.clone(),
            None => Some("no live session file: there is no state file of a process that runs".into()),
        };
        if let Some(reason) = reason {
            skipped(*pid, &reason);
            let is_up = known.is_some_and(|found| found.verdict.link == Link::Connected);
            tally.missing += usize::from(!is_up);
        }
    }
    let is_meant = |found: &&DetectedClaude| pids.is_empty() || pids.contains(&i64::from(found.pid.as_raw()));
    found.iter().filter(|found| found.is_eligible()).filter(is_meant).collect()
}

fn skipped(pid: i64, reason: &str) {
    complain(format_args!("skipped pid={pid}: {}", escape(reason)));
}

fn tell(found: &DetectedClaude, outcome: &CommandOutcome, asked: &ReconnectArgs<'_>, tally: &mut Tally) {
    let (pid, way) = (found.pid, Way::into(found));
    let status = found.status().unwrap_or("-");
    match outcome {
        CommandOutcome::Reconnected if asked.apply => {
            tally.reconnected += 1;
            say(format_args!("reconnected pid={pid} {way} status={status}"));
        }
        CommandOutcome::Reconnected => {
            say(format_args!("[dry-run] would reconnect pid={pid} {way} status={status}"));
        }
        CommandOutcome::Failed(reason) => {
            tally.failed += 1;
            complain(format_args!("FAILED pid={pid} {way}: {}", escape(reason)));
        }
        CommandOutcome::Left(reason) | CommandOutcome::Up(reason) => {
            tally.left += 1;
            let named = !asked.pids.is_empty();
            tally.missing += usize::from(named && matches!(outcome, CommandOutcome::Left(_)));
            let dry = if asked.apply { "" } else { "[dry-run] " };
            // Quiet is for what was done; but who names a session gets an answer.
            if !asked.quiet || named {
                complain(format_args!("{dry}left alone pid={pid} {way}: {}", escape(reason)));
            }
        }
    }
}

/// One line for each run, so that a log which does not grow means that nothing runs, and not that nothing was
/// to be done.
fn heartbeat(asked: &ReconnectArgs<'_>, found: &[DetectedClaude], tally: &Tally, more: &str) -> ExitCode {
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
    ExitCode::from(match tally {
        Tally { failed: 1.., .. } => 2,
        // Who names a session wants it to have a link.
        Tally { missing: 1.., .. } if asked.apply => 1,
        _ => 0,
    })
}

/// A line of the log, at once. A reader that has gone keeps nobody from doing what was asked for.
fn say(line: impl Display) {
    let _ = writeln!(io::stdout().lock(), "{} {line}", clock::timestamp());
}

fn complain(line: impl Display) {
    let _ = writeln!(io::stderr().lock(), "{} {line}", clock::timestamp());
}
