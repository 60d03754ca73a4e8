//! `cckw wait`: until sessions are idle, ask something, have answered, or have ended.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use crate::claude::transcript::last_turn;
use crate::claude::transcript::turn::TurnStatus;
use crate::client::complain;
use crate::escape::escape;
use crate::registry::Session;
use crate::registry::event_log::now_ms;
use crate::registry::record::{Record, SessionKind, SessionState};
use crate::user_error::{UserError, wait};

use super::output::{fail, print};
use super::session_watch::{Look, SeenSession, SessionWatch, WaitEnd};
use super::target::all_meant;
use super::{revive, status, topic};

use super::waiter::{SessionActivity, SessionLook, WaitFor, WaitOutcome, Waiter};

/// The command line.
pub struct WaitArgs<'a> {
    pub sessions: &'a [String],
    pub wanted: WaitFor,
    /// Whether the first of several ends the wait.
    pub any: bool,
    /// How long the wait may take.
    pub timeout: Duration,
}

/// Waits, and prints what came of it.
pub fn main(args: &WaitArgs<'_>) -> ExitCode {
    run(args).unwrap_or_else(|error| fail(&error))
}

fn run(args: &WaitArgs<'_>) -> Result<ExitCode, UserError> {
    let sessions = all_meant(args.sessions).into_iter().collect::<Result<Vec<_>, _>>()?;
    for session in &sessions {
        if session.record.kind == SessionKind::Server && args.wanted != WaitFor::Ended {
            return Err(wait::server_has_no_turns(&session.word()));
        }
    }
    let begun = Instant::now();
    let mut waits: Vec<Wait> = sessions.iter().map(|_| Wait::new(args.wanted)).collect();
    let mut watch = SessionWatch::new(sessions.clone())?;
    let end = watch.until(|now, seen| {
        for (wait, seen) in waits.iter_mut().zip(seen) {
            wait.look(now, seen, args.wanted);
        }
        let count = waits.iter().filter(|wait| wait.outcome.is_some()).count();
        if count == waits.len() || args.any && count > 0 {
            return Look::Done(true);
        }
        if now.saturating_duration_since(begun) >= args.timeout {
            return Look::Done(false);
        }
        let deadlines = waits.iter().filter(|wait| wait.outcome.is_none());
        Look::Wait(deadlines.filter_map(|wait| wait.waiter.deadline()).chain([begun + args.timeout]).min())
    })?;
    match end {
        WaitEnd::Done(true) => Ok(status_of(&waits, args.any)),
        WaitEnd::Done(false) => {
            for (wait, session) in waits.iter().zip(&sessions).filter(|(wait, _)| wait.outcome.is_none()) {
                print(&format!("{}\ttimeout\t{}\n", escape(&session.name), wait.last_state));
            }
            Err(wait::timed_out(args.timeout.as_secs_f64()))
        }
        WaitEnd::Signalled(signal) => Err(wait::interrupted(u8::try_from(128 + signal).unwrap_or(1))),
    }
}

/// The status of the first session, in the order of the command line, that has not come to what was waited
/// for. Where any is enough, it is 0 if one has come to it.
fn status_of(waits: &[Wait], any: bool) -> ExitCode {
    let statuses = waits.iter().filter_map(|wait| wait.outcome.as_ref()).map(WaitOutcome::exit_status);
    let statuses: Vec<u8> = statuses.collect();
    if any && statuses.contains(&0) {
        return ExitCode::SUCCESS;
    }
    ExitCode::from(statuses.into_iter().find(|status| *status != 0).unwrap_or(0))
}

/// The wait for one session.
struct Wait {
    waiter: Waiter,
    outcome: Option<WaitOutcome>,
    /// What it did when it was looked at last.
    last_state: String,
    was_brought_back: bool,
}

impl Wait {
    fn new(wanted: WaitFor) -> Self {
        Self {
            waiter: Waiter::new(wanted),
            outcome: None,
            last_state: String::new(),
            was_brought_back: false,
        }
    }

    fn look(&mut self, now: Instant, seen: &SeenSession, wanted: WaitFor) {
        if self.outcome.is_some() {
            return;
        }
        let session = &seen.session;
        if session.lives && !session.has_host() && !self.was_brought_back {
            // Its host was killed. Any verb brings it back then. A host that is still dying cannot be replaced
            // yet: then this is done at the next look, which comes soon.
            self.was_brought_back = revive::lost().contains(&session.record.session);
        }
        self.last_state = status::state(session);
        self.outcome = self.waiter.handle(now, &look(seen));
        if let Some(outcome) = &self.outcome {
            tell(session, outcome, wanted);
        }
    }
}

impl WaitOutcome {
    fn exit_status(&self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Asks(_) => wait::ASKS,
            Self::Failed(..) => wait::TURN_FAILED,
            Self::Ended(_) => wait::ENDED,
        }
    }
}

/// Prints what came of the wait for a session: its name, a word, and what there is to say.
fn tell(session: &Session, outcome: &WaitOutcome, wanted: WaitFor) {
    let (word, more) = match outcome {
        WaitOutcome::Done if wanted == WaitFor::Asks => (done_word(wanted), question(&session.record)),
        WaitOutcome::Done => (done_word(wanted), String::new()),
        WaitOutcome::Asks(what) => ("asks", what.clone()),
        WaitOutcome::Failed(kind, text) => ("failed", format!("{kind}: {text}")),
        WaitOutcome::Ended(how) => ("ended", how.clone()),
    };
    let more = if more.is_empty() { more } else { format!("\t{}", escape(&more)) };
    print(&format!("{}\t{word}{more}\n", escape(&session.name)));
    if let Some(problem) = &session.record.transcript_problem {
        complain(format_args!(
            "{}: what was said there last is not saved: {}",
            escape(&session.name),
            escape(problem)
        ));
    }
}

fn done_word(wanted: WaitFor) -> &'static str {
    match wanted {
        WaitFor::Idle => "idle",
        WaitFor::Asks => "asks",
        WaitFor::Turn => "done",
        WaitFor::Ended => "ended",
    }
}

/// What a session does. Its transcript is read only where claude rests.
pub fn look(seen: &SeenSession) -> SessionLook {
    let activity = if seen.is_removed {
        SessionActivity::Ended("its record was removed".into())
    } else if !seen.session.lives {
        SessionActivity::Ended(status::how_it_ended(&seen.session))
    } else {
        activity(&seen.session.record)
    };
    let turn =
        if activity == SessionActivity::Rests { last_turn(&seen.session) } else { TurnStatus::default() };
    let quiet_for = turn.last_at.map(|at| Duration::from_millis(now_ms().saturating_sub(at)));
    let record = &seen.session.record;
    SessionLook { activity, turn, quiet_for, goes_on: goes_on(record), restarts: record.restart_pending }
}

/// Whether claude was started to go on by itself with the turn that broke off, and has not come to that yet.
fn goes_on(record: &Record) -> bool {
    record.turn_tries > 0 && record.broken_turn.is_none()
}

/// What the claude of this record asks.
fn question(record: &Record) -> String {
    let (known, unknown) = match record.status {
        Some(_) => (&record.waiting_for, "it waits for its user"),
        None => (&record.asks_first, "it asks something before it begins"),
    };
    known.clone().unwrap_or_else(|| unknown.into())
}

/// What the claude of this record does.
fn activity(record: &Record) -> SessionActivity {
    match (record.state, record.status.as_deref()) {
        (SessionState::Running, Some("busy")) => SessionActivity::Busy,
        (SessionState::Running, Some("idle" | "shell")) => SessionActivity::Rests,
        (SessionState::Running, Some("waiting")) => SessionActivity::Asks(question(record)),
        (SessionState::Running, None) if record.kind == SessionKind::Conversation => {
            SessionActivity::Asks(question(record))
        }
        // A newer claude: nobody knows whether that is an end of work.
        _ => SessionActivity::Elsewhere,
    }
}

/// How the last turn of a session stands, as its transcript has it now.
pub fn last_turn(session: &Session) -> TurnStatus {
    let path: Option<PathBuf> = topic::transcript_of(session);
    path.and_then(|path| last_turn::of_file(&path, false).ok()).unwrap_or_default()
}
