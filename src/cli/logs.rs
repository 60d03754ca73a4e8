//! `cckw logs`.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use serde_json::{Map, Value};

use super::inside;
use super::output::{fail, finish, tell_of_silent_hosts};
use super::target::{meant, only_or_last};
use crate::escape::{escape, json};
use crate::os::clock::LocalTime;
use crate::os::poll::{Interest, Poll};
use crate::registry;
use crate::registry::log::Log;
use crate::registry::record::Record;
use crate::registry::{RegistryWatcher, Session};
use crate::user_error::{UserError, files};

/// The time between a host's end and the look for another one.
const HOST_POLL_INTERVAL: Duration = Duration::from_millis(50);

/// Prints a session's log; with `follow`, goes on until the session ends.
pub fn main(word: Option<&str>, follow: bool, as_json: bool) -> ExitCode {
    let session = match pick(word) {
        Ok(session) => session,
        Err(error) => return fail(&error),
    };
    let session = &session;
    tell_of_silent_hosts([session]);
    let mut log = Log::open(&session.directory);
    let followed = if follow && session.record.ended_at.is_none() {
        follow_to_the_end(session, &mut log, as_json)
    } else {
        Ok(Ok(()))
    };
    let written = match followed {
        Ok(written) => written.and_then(|()| print(log.lines()?, as_json)),
        Err(error) => return fail(&error),
    };
    finish(written.and_then(|()| print(log.finish().into_iter().collect(), as_json)))
}

/// The session that is meant. Without a word that is the one inside which this runs, else the only one that
/// runs; where none runs, the one that ended last, for one asks when something has ended.
fn pick(word: Option<&str>) -> Result<Session, UserError> {
    let inside = inside();
    if let Some(word) = word.or(inside.as_deref()) {
        return meant(word);
    }
    only_or_last()
}

/// Prints what comes until the session has ended. The outer error says why nothing can be waited for.
fn follow_to_the_end(session: &Session, log: &mut Log, as_json: bool) -> Result<io::Result<()>, UserError> {
    let mut changes = RegistryWatcher::new()?;
    let mut poll = Poll::default();
    let mut host = session.connect();
    loop {
        changes.take();
        changes.watch([session.directory.clone()].into())?;
        let printed = log.lines().and_then(|lines| print(lines, as_json));
        if printed.is_err() {
            return Ok(printed);
        }
        if host.is_none() {
            // A host that was killed has ended nothing: another one may bring the session back.
            match Record::read(&session.directory) {
                Ok(record) if record.ended_at.is_none() => {
                    host = registry::connect(&session.directory, &record)
                }
                _ => return Ok(Ok(())),
            }
        }
        poll.clear();
        poll.add(&changes, Interest::Reading);
        // The host says nothing on this connection; its end is the host's.
        let end = host.as_ref().map(|host| poll.add(host, Interest::Reading));
        // A reader that leaves ends the wait too.
        let reader = poll.add(io::stdout(), Interest::End);
        poll.wait(None).map_err(files::cannot_wait)?;
        if poll.is_ready(reader) {
            return Ok(Ok(()));
        }
        if end.is_some_and(|end| poll.is_ready(end)) {
            host = None;
            // Also where a host that lives has closed it, having too many of them.
            std::thread::sleep(HOST_POLL_INTERVAL);
        }
    }
}

fn print(lines: Vec<Vec<u8>>, as_json: bool) -> io::Result<()> {
    let text: String =
        lines.iter().filter_map(|line| if as_json { raw(line) } else { Some(readable(line)) }).collect();
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush())
}

/// The line as it is in the file, if it is what it should be; what a terminal would obey is spelt out.
fn raw(line: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(line).ok()?;
    serde_json::from_str::<Map<String, Value>>(text).ok()?;
    Some(format!("{}\n", json(text)))
}

/// When, what, and the details.
fn readable(line: &[u8]) -> String {
    let Ok(mut event) = serde_json::from_slice::<Map<String, Value>>(line) else {
        return format!("not an event: {}\n", escape(&String::from_utf8_lossy(line).into_owned()));
    };
    let at = event.remove("at").and_then(|at| LocalTime::at(at.as_u64()?));
    let mut text = at.map_or_else(|| "-".into(), |at| at.to_string());
    let name = event.remove("event");
    let name = name.as_ref().and_then(Value::as_str).unwrap_or("-");
    let _ = write!(text, "  {}", escape(name));
    for (key, value) in &event {
        let _ = write!(text, "  {}={}", escape(key), escape(&shown(key, value)));
    }
    text.push('\n');
    text
}

/// A value for reading: signals by their names, how claude ended in a word.
fn shown(key: &str, value: &Value) -> String {
    let signal = |number: &Value| {
        let number = i32::try_from(number.as_i64()?).ok()?;
        nix::sys::signal::Signal::try_from(number).ok().map(|signal| signal.as_str().to_owned())
    };
    let by_name = match (key, value) {
        ("signal", number) => signal(number),
        ("exit", Value::Object(exit)) => match (exit.get("signal"), exit.get("code")) {
            (Some(number), None) => signal(number),
            (None, Some(code)) => Some(format!("status {code}")),
            _ => None,
        },
        _ => None,
    };
    by_name.unwrap_or_else(|| match value {
        Value::String(value) => value.clone(),
        // What is not there, or not known.
        Value::Null => "-".into(),
        // A path that is no UTF-8.
        Value::Array(bytes) => bytes_as_text(bytes).unwrap_or_else(|| value.to_string()),
        value => value.to_string(),
    })
}

fn bytes_as_text(bytes: &[Value]) -> Option<String> {
    let bytes: Option<Vec<u8>> = bytes.iter().map(|byte| u8::try_from(byte.as_u64()?).ok()).collect();
    Some(String::from_utf8_lossy(&bytes?).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_for_reading_has_nothing_that_a_terminal_obeys() {
        let line =
            readable(br#"{"at":0,"event":"x\u001b[2J","why":"a\nb\u009b","more":{"a":"\u202e"},"count":3}"#);
        let (_, rest) = line.split_once("  ").expect("a time");
        assert_eq!(rest, "x\\u{1b}[2J  count=3  more={\"a\":\"\\u{202e}\"}  why=a\\nb\\u{9b}\n");
        assert!(readable(b"{\x1b").contains("not an event: {\\u{1b}"));
    }

    #[test]
    fn signals_have_names() {
        for (event, text) in [
            (r#""event":"suspended","signal":20"#, "suspended  signal=SIGTSTP"),
            (r#""event":"ended","exit":{"signal":9}"#, "ended  exit=SIGKILL"),
            (r#""event":"ended","exit":{"code":3}"#, "ended  exit=status 3"),
            (r#""event":"suspended","signal":4711"#, "suspended  signal=4711"),
            (
                r#""event":"x","signal":"\u001b[2J","exit":{"a":"\u001b"}"#,
                "x  exit={\"a\":\"\\u001b\"}  signal=\\u{1b}[2J",
            ),
        ] {
            let line = readable(format!("{{\"at\":0,{event}}}").as_bytes());
            assert_eq!(line.split_once("  ").map(|(_, rest)| rest), Some(format!("{text}\n").as_str()));
        }
    }

    #[test]
    fn each_event_is_printed_in_words() {
        let events = crate::registry::log_event::samples();
        assert!(events.len() > 50);
        for event in events {
            let line = readable(&event.line(1));
            assert!(!line.contains(['{', '(', '"', '[', '<']) && !line.contains("null"), "{line}");
        }
    }

    #[test]
    fn for_programs_there_is_nothing_but_json() {
        assert_eq!(raw(b"{\"at\":1}").as_deref(), Some("{\"at\":1}\n"));
        assert_eq!(raw("{\"a\":\"\u{9b}1m\"}".as_bytes()).as_deref(), Some("{\"a\":\"\\u009b1m\"}\n"));
        assert_eq!((raw(b"{\"at\":"), raw(b"[]"), raw(b"\xff")), (None, None, None));
    }
}
