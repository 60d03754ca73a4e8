//! `cckw list --watch --json`: the sessions as one JSON array a line, at once and whenever something has changed.

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Instant;

use serde_json::Value;

use super::super::output::{fail, finish};
use super::pace::UpdatePace;
use super::tracker::{Depth, SessionTracker};
use crate::escape::json;
use crate::os::poll::{Interest, Poll, Token};
use crate::os::signal_pipe::SignalPipe;
use crate::user_error::{UserError, files};

/// How the watch has ended.
enum WatchEnd {
    Signal(i32),
    /// Nobody reads any more, or stdout cannot be written.
    Output(io::Result<()>),
}

/// Prints until a signal comes, or nobody reads any more.
pub fn main(all: bool) -> ExitCode {
    match watch(all) {
        // The way to end it is no failure of it.
        Ok(WatchEnd::Signal(libc::SIGINT)) => ExitCode::SUCCESS,
        Ok(WatchEnd::Signal(signal)) => ExitCode::from(u8::try_from(128 + signal).unwrap_or(1)),
        Ok(WatchEnd::Output(written)) => finish(written),
        Err(error) => fail(&error),
    }
}

fn watch(all: bool) -> Result<WatchEnd, UserError> {
    let mut signals = SignalPipe::install(&[libc::SIGHUP, libc::SIGINT, libc::SIGQUIT, libc::SIGTERM])
        .map_err(files::cannot_handle_signals)?;
    let mut tracker = SessionTracker::new(all)?;
    let mut pace = UpdatePace::default();
    tracker.update(Depth::Everything)?;
    let mut wanted = Some(array(&tracker.lines()));
    let mut poll = Poll::default();
    loop {
        if let Some(text) = wanted.take() {
            let mut stdout = io::stdout().lock();
            let written = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
            if written.is_err() {
                return Ok(WatchEnd::Output(written));
            }
            pace.note_sent(Instant::now(), text.len());
        }
        poll.clear();
        poll.add(&signals, Interest::Reading);
        let reader = poll.add(io::stdout(), Interest::End);
        // While a change waits to be told, others may join it.
        let changes = if pace.deadline().is_none() { tracker.add_to(&mut poll) } else { Vec::new() };
        let until = pace.deadline().or_else(|| tracker.deadline());
        let time = until.map(|until| until.saturating_duration_since(Instant::now()));
        poll.wait(time).map_err(files::cannot_wait)?;
        if let Some(signal) = signals.pending().next() {
            return Ok(WatchEnd::Signal(signal));
        }
        if poll.is_ready(reader) {
            return Ok(WatchEnd::Output(Ok(())));
        }
        let now = Instant::now();
        if pace.take_due(now) {
            wanted = tracker.update(Depth::Everything)?.then(|| array(&tracker.lines()));
        } else if is_any_ready(&poll, &changes) || tracker.deadline().is_some_and(|at| at <= now) {
            pace.note_change(now);
        }
    }
}

fn is_any_ready(poll: &Poll, tokens: &[Token]) -> bool {
    tokens.iter().any(|token| poll.is_ready(*token))
}

/// The line for these sessions.
fn array(lines: &[&Value]) -> String {
    let objects: Vec<String> = lines.iter().map(|line| line.to_string()).collect();
    format!("{}\n", json(&format!("[{}]", objects.join(","))))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_sessions_are_one_line_in_which_nothing_deceives() {
        assert_eq!(array(&[]), "[]\n");
        let (one, two) = (json!({"name": "a\n\u{9b}"}), json!({"name": "b"}));
        assert_eq!(array(&[&one, &two]), "[{\"name\":\"a\\n\\u009b\"},{\"name\":\"b\"}]\n");
    }
}
