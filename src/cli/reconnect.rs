//! `cckw reconnect`.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use super::detect::{directory, statuses};
use super::output::{fail, is_terminal, tell_of_silent_hosts};
use super::target::{as_it_is, reachable, running};
use crate::claude::remote_control::Link;
use crate::config;
use crate::escape::escape;
use crate::os::clock;
use crate::remote::command::{CommandOutcome, Order, Way, lock, reconnect};
use crate::remote::detect;
use crate::remote::detect::{DetectedClaude, Wanted};
use crate::user_error::{UserError, remote};

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
    /// Only these sessions.
    pub sessions: &'a [String],
}

impl ReconnectArgs<'_> {
    /// Whether it is about sessions that were named.
    fn names_some(&self) -> bool {
        !self.pids.is_empty() || !self.sessions.is_empty()
    }
}

/// Who reads what is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reader {
    /// Somebody at a terminal.
    Person,
    /// A log: the lines of `claude-connection-keeper`.
    Log,
}

impl Reader {
    fn of_stdout() -> Self {
        if is_terminal() { Self::Person } else { Self::Log }
    }
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
    let reader = Reader::of_stdout();
    let mut pids: BTreeSet<i64> = asked.pids.iter().copied().collect();
    let mut tally = Tally::default();
    match claudes_of(asked.sessions, asked.apply) {
        Ok(of_sessions) => pids.extend(of_sessions),
        Err(error) => return fail(&error),
    }
    let targets: Vec<&DetectedClaude> = targets(&found, &pids, &mut tally, reader);

    let _lock = match if asked.apply { lock() } else { Ok(None) } {
        Ok(None) if asked.apply => {
            for one in targets.iter().filter(|_| asked.names_some()) {
                skipped(i64::from(one.pid.as_raw()), &found, "another cckw reconnect is at work", reader);
                tally.missing += 1;
            }
            return heartbeat(asked, &found, &tally, " skipped=lock", reader);
        }
        Ok(lock) => lock,
        Err(error) => return fail(&error),
    };
    let order = Order { apply: asked.apply, named: asked.names_some() };
    for found in targets {
        let begun = Instant::now();
        let outcome = reconnect(found, &transports, &statuses, &settings, order);
        tally.count(&outcome, asked);
        match reader {
            Reader::Log => tell(found, &outcome, asked),
            Reader::Person => tell_person(found, &outcome, asked, begun.elapsed()),
        }
    }
    let more = if asked.apply { "" } else { " dry-run" };
    heartbeat(asked, &found, &tally, more, reader)
}

/// The claudes of the sessions that were named, by pid.
///
/// # Errors
/// When one of them does not run, or has no claude that has said how its link stands.
fn claudes_of(words: &[String], apply: bool) -> Result<Vec<i64>, UserError> {
    let claude = |word: &String| {
        // Only to look brings nothing back.
        let session = if apply { running(Some(word))? } else { reachable(as_it_is(word)?, word)? };
        let pid = session.record.claude_pid.ok_or_else(|| remote::nothing_known().about(&session.name))?;
        Ok(i64::from(pid))
    };
    words.iter().map(claude).collect()
}

/// The sessions that it is about. A process that was named and is none of them is told of, with the reason.
fn targets<'a>(
    found: &'a [DetectedClaude],
    pids: &BTreeSet<i64>,
    tally: &mut Tally,
    reader: Reader,
) -> Vec<&'a DetectedClaude> {
    for pid in pids {
        let known = found.iter().find(|found| i64::from(found.pid.as_raw()) == *pid);
        let reason = match known {
            Some(found) => found.refusal.clone(),
            None => Some("no live session file: there is no state file of a process that runs".into()),
        };
        if let Some(reason) = reason {
            skipped(*pid, found, &reason, reader);
            let is_up = known.is_some_and(|found| found.verdict.link == Link::Connected);
            tally.missing += usize::from(!is_up);
        }
    }
    let is_meant = |found: &&DetectedClaude| pids.is_empty() || pids.contains(&i64::from(found.pid.as_raw()));
    found.iter().filter(|found| found.is_eligible()).filter(is_meant).collect()
}

fn skipped(pid: i64, found: &[DetectedClaude], reason: &str, reader: Reader) {
    let reason = escape(reason);
    match reader {
        Reader::Log => complain(format_args!("skipped pid={pid}: {reason}")),
        Reader::Person => {
            let known = found.iter().find(|found| i64::from(found.pid.as_raw()) == pid);
            let name = known.map_or_else(|| format!("process {pid}"), called);
            complain_to_person(format_args!("{name}: left alone: {reason}"));
        }
    }
}

impl Tally {
    fn count(&mut self, outcome: &CommandOutcome, asked: &ReconnectArgs<'_>) {
        match outcome {
            CommandOutcome::Reconnected => self.reconnected += usize::from(asked.apply),
            CommandOutcome::Failed(_) => self.failed += 1,
            CommandOutcome::Left(_) | CommandOutcome::Up(_) => {
                self.left += 1;
                let is_missing = asked.names_some() && matches!(outcome, CommandOutcome::Left(_));
                self.missing += usize::from(is_missing);
            }
        }
    }
}

/// A line of the log for a session.
fn tell(found: &DetectedClaude, outcome: &CommandOutcome, asked: &ReconnectArgs<'_>) {
    let (pid, way) = (found.pid, Way::into(found));
    let status = found.status().unwrap_or("-");
    match outcome {
        CommandOutcome::Reconnected if asked.apply => {
            say(format_args!("reconnected pid={pid} {way} status={status}"));
        }
        CommandOutcome::Reconnected => {
            say(format_args!("[dry-run] would reconnect pid={pid} {way} status={status}"));
        }
        CommandOutcome::Failed(reason) => {
            complain(format_args!("FAILED pid={pid} {way}: {}", escape(reason)));
        }
        CommandOutcome::Left(reason) | CommandOutcome::Up(reason) => {
            let dry = if asked.apply { "" } else { "[dry-run] " };
            // Quiet is for what was done; but who names a session gets an answer.
            if !asked.quiet || asked.names_some() {
                complain(format_args!("{dry}left alone pid={pid} {way}: {}", escape(reason)));
            }
        }
    }
}

/// The same for somebody at a terminal.
fn tell_person(found: &DetectedClaude, outcome: &CommandOutcome, asked: &ReconnectArgs<'_>, took: Duration) {
    let name = called(found);
    match outcome {
        CommandOutcome::Reconnected if asked.apply => {
            say_to_person(format_args!(
                "{name}: the link is back after {:.0} s",
                took.as_secs_f64().max(1.0)
            ));
        }
        CommandOutcome::Reconnected => {
            let which = match &found.wrapped {
                Some(session) => session.word(),
                None => format!("--pid {}", found.pid),
            };
            say_to_person(format_args!(
                "{name}: the link is down. To bring it back: cckw reconnect --apply {which}"
            ));
        }
        CommandOutcome::Failed(reason) => {
            complain_to_person(format_args!("{name}: the link is not back: {}", escape(reason)));
        }
        CommandOutcome::Up(reason) if !asked.quiet || asked.names_some() => {
            say_to_person(format_args!("{name}: nothing was to be done: {}", escape(reason)));
        }
        CommandOutcome::Left(reason) if !asked.quiet || asked.names_some() => {
            complain_to_person(format_args!("{name}: left alone: {}", escape(reason)));
        }
        CommandOutcome::Up(_) | CommandOutcome::Left(_) => {}
    }
}

/// What a user calls it.
fn called(found: &DetectedClaude) -> String {
    match (&found.wrapped, &found.pane) {
        (Some(session), _) => escape(&session.name).to_string(),
        (None, Some(pane)) => format!("pane {}", escape(&pane.target)),
        (None, None) => format!("process {}", found.pid),
    }
}

/// One line for each run, so that a log which does not grow means that nothing runs, and not that nothing was
/// to be done.
fn heartbeat(
    asked: &ReconnectArgs<'_>,
    found: &[DetectedClaude],
    tally: &Tally,
    more: &str,
    reader: Reader,
) -> ExitCode {
    let count = |link| found.iter().filter(|found| found.verdict.link == link).count();
    let (up, down, unknown) = (count(Link::Connected), count(Link::Disconnected), count(Link::Unknown));
    match reader {
        _ if asked.quiet => {}
        Reader::Log => say(format_args!(
            "cycle checked={} connected={up} disconnected={down} unknown={unknown} eligible={} reconnected={} failed={} left={}{more}",
            found.len(),
            found.iter().filter(|found| found.is_eligible()).count(),
            tally.reconnected,
            tally.failed,
            tally.left,
        )),
        // Who names sessions has an answer for each.
        Reader::Person if asked.names_some() => {}
        Reader::Person => say_to_person(format_args!(
            "{} looked at: {up} with a link, {down} without, {unknown} unknown",
            match found.len() {
                1 => "1 session".to_owned(),
                number => format!("{number} sessions"),
            },
        )),
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

fn say_to_person(line: impl Display) {
    let _ = writeln!(io::stdout().lock(), "{line}");
}

fn complain_to_person(line: impl Display) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}
