//! `cckw new`: a session without a terminal, for scripts.

use std::ffi::OsString;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::output::{fail, print};
use super::session_watch::{Look, SeenSession, SessionWatch, WaitEnd};
use super::{list, status};
use crate::claude::args;
use crate::claude::args::MAX_PROMPT_BYTES;
use crate::client;
use crate::client::new::NewSession;
use crate::escape::escape;
use crate::near_side;
use crate::os::tty;
use crate::os::tty::Streams;
use crate::paths;
use crate::protocol::{Request, Response};
use crate::registry;
use crate::registry::record::{Record, SessionKind, SessionState};
use crate::registry::{Removable, Session};
use crate::user_error::{UserError, host, new, terminal};

/// How long a Remote Control server has to run to count as up: it says so nowhere. One that may not run ends
/// within a second.
const SERVER_UP_AFTER: Duration = Duration::from_secs(3);

/// How long claude may take to begin with its first prompt, once it is up. Seen: a tenth of a second. A command
/// that it carries out by itself may show nothing.
const PROMPT_TIMEOUT: Duration = Duration::from_secs(2);

/// How many lines of claude's screen are said, where it asks something.
const MAX_QUESTION_LINES: usize = 4;

/// The command line.
pub struct NewArgs<'a> {
    pub name: &'a str,
    pub directory: Option<&'a Path>,
    /// `-` is stdin.
    pub prompt: Option<&'a str>,
    /// Whether this terminal is attached to the session.
    pub attach: bool,
    pub json: bool,
    /// How long claude may take to come up.
    pub timeout: Duration,
    /// Claude's arguments.
    pub args: &'a [OsString],
}

/// Starts a session, and waits until its claude is up.
pub fn main(args: &NewArgs<'_>) -> ExitCode {
    run(args).unwrap_or_else(|error| fail(&error))
}

fn run(args: &NewArgs<'_>) -> Result<ExitCode, UserError> {
    if args.attach {
        match tty::streams() {
            Streams::OneTerminal => {}
            Streams::TwoTerminals => return Err(terminal::two_to_attach()),
            Streams::NoTerminal => return Err(terminal::none_to_attach()),
        }
    }
    let prompt = match args.prompt {
        Some("-") => Some(read_prompt()?),
        prompt => prompt.map(str::to_owned),
    };
    let begun = Instant::now();
    let directory = args.directory.map(below_home);
    let wanted = NewSession {
        name: args.name,
        directory: directory.as_deref(),
        prompt: prompt.as_deref(),
        args: args.args,
    };
    let id = client::new::start(&wanted)?.session;
    let session = find(id)?;
    if args.attach {
        // Whatever claude does or asks, it is seen there.
        return attach(&session);
    }
    let has_prompt = prompt.is_some() || args::parse(args.args).prompt.is_some();
    let start = Start { has_prompt, ..Start::at(begun, args.timeout) };
    come_up(&session, start, |session| tell(session, args.json))
}

/// Waits until the claude of a session is up, and has `tell` say what the session is called, unless that has
/// ended.
///
/// # Errors
/// When it is not up.
pub fn come_up(
    session: &Session,
    mut start: Start,
    tell: impl Fn(&Session) -> ExitCode,
) -> Result<ExitCode, UserError> {
    let timeout = start.timeout;
    let mut watch = SessionWatch::new(vec![session.clone()])?;
    let mut end = watch.until(|now, seen| start.look(now, &seen[0]))?;
    if matches!(end, WaitEnd::Done(Beginning::Asks(None))) && on_its_screen(session).is_empty() {
        // Nothing is drawn yet, so it is a slow start and no question.
        start.needs_question = true;
        end = watch.until(|now, seen| start.look(now, &seen[0]))?;
    }
    let now = registry::again(session).unwrap_or_else(|| session.clone());
    let error = match end {
        WaitEnd::Done(Beginning::Ended(said)) => return Err(ended(&now, said)),
        WaitEnd::Done(Beginning::Up) => return Ok(tell(&now)),
        WaitEnd::Done(Beginning::Asks(what)) => {
            let what = what.unwrap_or_else(|| on_its_screen(&now));
            new::asks_first(&now.word(), &what)
        }
        WaitEnd::Done(Beginning::Late) => new::not_up_yet(&now.word(), timeout.as_secs_f64()),
        WaitEnd::Signalled(signal) => new::interrupted(&now.word(), u8::try_from(128 + signal).unwrap_or(1)),
    };
    // The session is there: its name is said all the same.
    tell(&now);
    Err(error)
}

/// A directory that was typed on another machine may begin with `~`, which no shell has read here.
fn below_home(directory: &Path) -> PathBuf {
    let below = directory.strip_prefix("~").ok().filter(|_| near_side::get().is_some());
    match (below, paths::home()) {
        (Some(below), Some(home)) => home.join(below),
        _ => directory.to_owned(),
    }
}

/// The prompt on stdin, without the line ends behind it.
fn read_prompt() -> Result<String, UserError> {
    let mut bytes = Vec::new();
    // A little more than is allowed, so that it is seen to be too long.
    let most = MAX_PROMPT_BYTES as u64 + 4096;
    std::io::stdin().take(most).read_to_end(&mut bytes).map_err(new::prompt_is_no_text)?;
    let text = String::from_utf8(bytes).map_err(|_| new::prompt_is_no_text("it is not valid UTF-8"))?;
    Ok(text.trim_end_matches(['\n', '\r']).to_owned())
}

/// The session that has just been started.
///
/// # Errors
/// When it has ended and is forgotten already.
pub fn find(id: Uuid) -> Result<Session, UserError> {
    let mut sessions = registry::sessions()?;
    sessions.retain(|session| session.record.session == id);
    sessions.pop().ok_or_else(host::gone)
}

fn attach(session: &Session) -> Result<ExitCode, UserError> {
    client::attach::main(session).map_err(|error| match registry::again(session) {
        Some(now) if now.record.ended_at.is_some() => ended(&now, now.record.last_words.clone()),
        _ => error,
    })
}

/// How a session has begun.
#[derive(Debug, PartialEq, Eq)]
enum Beginning {
    /// Claude is up.
    Up,
    /// It asks something first; what, where that is known.
    Asks(Option<String>),
    /// It has ended, with these last words.
    Ended(Vec<String>),
    /// The time is over.
    Late,
}

/// A start that is waited for.
pub struct Start {
    begun: Instant,
    timeout: Duration,
    /// Whether claude gets a prompt with its start.
    has_prompt: bool,
    /// Since when it is up and does nothing.
    idle_since: Option<Instant>,
    /// Whether a claude that says nothing of itself counts as one that asks only if the question is known.
    needs_question: bool,
}

impl Start {
    /// A start at this moment, without a prompt.
    pub fn at(begun: Instant, timeout: Duration) -> Self {
        Self { begun, timeout, has_prompt: false, idle_since: None, needs_question: false }
    }

    fn counts(&self, found: &Beginning) -> bool {
        !self.needs_question || *found != Beginning::Asks(None)
    }

    fn look(&mut self, now: Instant, seen: &SeenSession) -> Look<Beginning> {
        let record = &seen.session.record;
        let has_ended = seen.is_removed || !seen.session.lives;
        let found = beginning(record, has_ended, now.saturating_duration_since(self.begun));
        let found = found.filter(|found| self.counts(found));
        // Claude says that it is idle before it takes its prompt. Whoever waits for the turn next should see it.
        let is_idle = found == Some(Beginning::Up) && record.status.as_deref() == Some("idle");
        let may_begin = self.has_prompt && is_idle && record.with_transcript.is_empty();
        let prompt_due = may_begin.then(|| *self.idle_since.get_or_insert(now) + PROMPT_TIMEOUT);
        match found {
            Some(beginning) if prompt_due.is_none_or(|due| due <= now) => return Look::Done(beginning),
            _ => {}
        }
        let late = self.begun + self.timeout;
        if now >= late {
            return Look::Done(found.unwrap_or(Beginning::Late));
        }
        let server = (record.kind == SessionKind::Server).then_some(self.begun + SERVER_UP_AFTER);
        Look::Wait(prompt_due.into_iter().chain(server.filter(|at| *at > now)).chain([late]).min())
    }
}

/// How the session of this record has begun, so long after its start; nothing where that is not known yet.
fn beginning(record: &Record, has_ended: bool, age: Duration) -> Option<Beginning> {
    if has_ended || record.ended_at.is_some() {
        return Some(Beginning::Ended(record.last_words.clone()));
    }
    if record.kind == SessionKind::Server {
        return (record.state == SessionState::Running && age >= SERVER_UP_AFTER).then_some(Beginning::Up);
    }
    match (record.state, &record.status) {
        (SessionState::Running | SessionState::Suspended, Some(_)) => Some(Beginning::Up),
        // Its host has seen the question, or has waited for a state file in vain.
        (SessionState::Running, None) => Some(Beginning::Asks(record.asks_first.clone())),
        _ => None,
    }
}

/// What claude's screen says, in a line.
fn on_its_screen(session: &Session) -> String {
    let Ok(Response::Status { screen, .. }) = registry::ask(session, &Request::Status) else {
        return "its screen cannot be read".into();
    };
    let is_text = |line: &&str| line.chars().any(char::is_alphanumeric);
    let lines: Vec<&str> =
        screen.iter().map(|line| line.trim()).filter(is_text).take(MAX_QUESTION_LINES).collect();
    lines.join(" / ")
}

/// Prints what the session is called.
fn tell(session: &Session, json: bool) -> ExitCode {
    if json {
        return print(&list::json_line(session));
    }
    print(&format!("{}\t{}\n", escape(&session.name), session.record.session))
}

/// That claude has ended at once. What is left of a session that never began is removed.
fn ended(session: &Session, said: Vec<String>) -> UserError {
    let record = &session.record;
    let how = match (record.exit, &record.given_up) {
        (_, Some(given_up)) => given_up.clone(),
        (Some(exit), None) => format!("exit status {}", exit.status()),
        (None, None) => status::state(session),
    };
    let has_begun = !record.with_transcript.is_empty();
    if (!said.is_empty() || !has_begun)
        && let Ok(removable) = Removable::new(session)
    {
        // Otherwise it is listed, and can be removed by hand.
        let _ = removable.remove();
    }
    let said: Vec<&str> = said.iter().map(|line| line.trim()).collect();
    new::ended_at_once(how, &said.join(" / "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(state: SessionState, status: Option<&str>) -> Record {
        Record { state, status: status.map(str::to_owned), ..Record::of(Uuid::nil()) }
    }

    #[test]
    fn it_is_up_when_claude_says_what_it_does() {
        let at = |record: &Record| beginning(record, false, Duration::from_secs(1));
        assert_eq!(at(&record(SessionState::Starting, None)), None);
        assert_eq!(at(&record(SessionState::Restarting, None)), None);
        assert_eq!(at(&record(SessionState::Running, Some("busy"))), Some(Beginning::Up));
        assert_eq!(at(&record(SessionState::Running, None)), Some(Beginning::Asks(None)));
        let ended = Record {
            ended_at: Some(1),
            last_words: vec!["no".into()],
            ..record(SessionState::Stopped, None)
        };
        assert_eq!(at(&ended), Some(Beginning::Ended(vec!["no".into()])));
    }

    #[test]
    fn on_an_empty_screen_only_a_known_question_counts() {
        let mut start = Start::at(Instant::now(), Duration::from_secs(30));
        assert!(start.counts(&Beginning::Asks(None)));
        start.needs_question = true;
        assert!(!start.counts(&Beginning::Asks(None)));
        assert!(start.counts(&Beginning::Asks(Some("Do you trust it?".into()))));
        assert!(start.counts(&Beginning::Up));
    }

    #[test]
    fn a_server_is_up_when_it_has_run_for_a_while() {
        let server = Record { kind: SessionKind::Server, ..record(SessionState::Running, None) };
        assert_eq!(beginning(&server, false, Duration::ZERO), None);
        assert_eq!(beginning(&server, false, SERVER_UP_AFTER), Some(Beginning::Up));
        assert_eq!(beginning(&server, true, SERVER_UP_AFTER), Some(Beginning::Ended(vec![])));
    }
}
