//! `cckw adopt`: a claude that was started without cckw becomes a session.

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use nix::unistd::Pid;
use uuid::Uuid;

use super::list;
use super::new;
use super::output::{fail, print};
use super::waiter::{SessionActivity, SessionLook, WaitFor, WaitOutcome, Waiter};
use crate::claude::by_hand;
use crate::claude::by_hand::{ClaudeByHand, NotFound};
use crate::claude::state_file;
use crate::claude::state_file::is_rest;
use crate::claude::transcript::last_turn;
use crate::claude::transcript::turn::{TurnEnd, TurnStatus};
use crate::client::{adopt as client, complain};
use crate::escape::escape;
use crate::os::poll::{Interest, Poll};
use crate::os::process;
use crate::os::signal_pipe::SignalPipe;
use crate::registry;
use crate::registry::event_log::now_ms;
use crate::registry::{RegistryWatcher, Session};
use crate::user_error::{UserError, adopt, files};

/// How long claude may take to come up in its session.
const START_TIMEOUT: Duration = Duration::from_secs(30);

/// The command line.
pub struct AdoptArgs<'a> {
    /// A pid, a conversation or a background job.
    pub word: &'a str,
    /// Whether the conversation is copied, and the claude goes on. Otherwise the session takes its place.
    pub fork: bool,
    /// Whether it is ended whatever it does.
    pub now: bool,
    pub json: bool,
    /// How long it may take to come to rest.
    pub timeout: Duration,
}

/// Adopts a claude.
pub fn main(args: &AdoptArgs<'_>) -> ExitCode {
    run(args).unwrap_or_else(|error| fail(&error))
}

fn run(args: &AdoptArgs<'_>) -> Result<ExitCode, UserError> {
    let claude = find(args.word)?;
    let pid = claude.process.pid;
    if let Some(session) = session_of(&claude) {
        return Err(adopt::is_session(&session.word()));
    }
    let refuse = |why| adopt::not_adoptable(pid.as_raw(), why);
    if let Some(why) = claude.obstacle() {
        return Err(refuse(why));
    }
    if args.fork && claude.transcript().is_none() {
        return Err(refuse("nothing was said in it yet, so there is nothing to copy"));
    }
    let resume = claude.resume().ok_or_else(|| refuse("its arguments cannot be read, or run no session"))?;
    let launch = if args.fork {
        let launch = client::launch(&claude, &by_hand::fork(&resume, &Uuid::new_v4().to_string()))?;
        client::start(&launch)?;
        launch
    } else {
        if process::distance(Pid::this(), pid).is_some() {
            return Err(adopt::runs_in_it());
        }
        let launch = client::launch(&claude, &resume)?;
        let claude = if args.now { claude } else { wait_for_rest(claude, args.timeout)? };
        let before = last_turn(&claude);
        client::end(&claude, &launch)?;
        let id = claude.file.session_id.as_deref().unwrap_or_default();
        client::start(&launch).map_err(|error| adopt::ended_without_session(error, id))?;
        tell_what_is_lost(args.now, &before, &last_turn(&claude));
        launch
    };
    let session = new::find(launch.session)?;
    new::come_up(&session, new::Start::at(Instant::now(), START_TIMEOUT), |session| tell(session, args))
}

fn find(word: &str) -> Result<ClaudeByHand, UserError> {
    by_hand::find(state_file::directory().as_deref(), word).map_err(|why| match why {
        NotFound::None => match registry::sessions() {
            Ok(sessions) => match registry::pick(&sessions, Some(word)) {
                Ok(session) if session.has_host() => adopt::is_session(&session.word()),
                _ => adopt::unknown(word),
            },
            Err(error) => error,
        },
        NotFound::Several(pids) => adopt::several(word, &pids),
    })
}

/// The session of cckw that this claude belongs to.
fn session_of(claude: &ClaudeByHand) -> Option<Session> {
    let pid = claude.process.pid;
    let is_its = |session: &Session| {
        let record = &session.record;
        let host = Pid::from_raw(record.host_pid);
        [record.claude_pid, record.child_pid].contains(&Some(pid.as_raw()))
            || claude.file.job_id.is_some() && record.background_job == claude.file.job_id
            || host.as_raw() > 1 && process::distance(pid, host).is_some()
    };
    registry::running().unwrap_or_default().into_iter().find(is_its)
}

/// Waits until a claude is at rest, and gives it as it is then.
///
/// # Errors
/// When it asks for something, ends, opens another conversation, or does not come to rest in time.
fn wait_for_rest(claude: ClaudeByHand, timeout: Duration) -> Result<ClaudeByHand, UserError> {
    let pid = claude.process.pid.as_raw();
    let id = claude.file.session_id.clone().unwrap_or_default();
    let until = Instant::now() + timeout;
    let mut changes = RegistryWatcher::new()?;
    let mut signals = SignalPipe::install(&[libc::SIGINT, libc::SIGTERM, libc::SIGHUP, libc::SIGQUIT])
        .map_err(files::cannot_handle_signals)?;
    let mut waiter = Waiter::new(WaitFor::Idle);
    let mut poll = Poll::default();
    loop {
        changes.take();
        let directories: BTreeSet<_> = claude.path.parent().map(ToOwned::to_owned).into_iter().collect();
        changes.watch(directories)?;
        let Some(now) = claude.again() else { return Err(adopt::has_ended(&id)) };
        if let Some(why) = now.obstacle() {
            return Err(adopt::not_adoptable(pid, why));
        }
        if now.file.session_id != claude.file.session_id {
            return Err(adopt::not_adoptable(pid, "it has opened another conversation"));
        }
        match waiter.handle(Instant::now(), &look(&now)) {
            Some(WaitOutcome::Asks(what)) => return Err(adopt::asks(pid, &what)),
            // However its last turn has ended, it rests.
            Some(_) => return Ok(now),
            None if Instant::now() >= until => return Err(adopt::never_rests(pid, timeout.as_secs_f64())),
            None => {}
        }
        poll.clear();
        poll.add(&changes, Interest::Reading);
        poll.add(&signals, Interest::Reading);
        let next = waiter.deadline().into_iter().chain([until]).min();
        poll.wait(next.map(|at| at.saturating_duration_since(Instant::now()))).map_err(files::cannot_wait)?;
        if let Some(signal) = signals.pending().next() {
            return Err(adopt::interrupted(u8::try_from(128 + signal).unwrap_or(1)));
        }
    }
}

fn look(claude: &ClaudeByHand) -> SessionLook {
    let file = &claude.file;
    let activity = match file.status.as_deref() {
        Some("busy") => SessionActivity::Busy,
        Some(status) if is_rest(status) => SessionActivity::Rests,
        Some("waiting") => SessionActivity::Asks(file.waiting_for.clone().unwrap_or_default()),
        _ => SessionActivity::Elsewhere,
    };
    let turn = last_turn(claude);
    let quiet_for = turn.last_at.map(|at| Duration::from_millis(now_ms().saturating_sub(at)));
    SessionLook { activity, turn, quiet_for, goes_on: false, restarts: false }
}

fn last_turn(claude: &ClaudeByHand) -> TurnStatus {
    let path = claude.transcript();
    path.and_then(|path| last_turn::of_file(&path, false).ok()).unwrap_or_default()
}

/// Says what has become of a turn that ran to the end. All that is in the transcript is in the session.
fn tell_what_is_lost(now: bool, before: &TurnStatus, after: &TurnStatus) {
    if !now && may_be_lost(before, after) {
        complain("something was said to it at the last moment; see whether it has answered");
    }
}

/// Whether something was said that was not answered. Claude writes the end of a turn a moment after it rests, so
/// another line alone means nothing.
fn may_be_lost(before: &TurnStatus, after: &TurnStatus) -> bool {
    let is_same = (&before.last_prompt, before.last_at) == (&after.last_prompt, after.last_at);
    !is_same && !matches!(after.end, Some(TurnEnd::Done | TurnEnd::Failed(_)))
}

/// Says what the session is called.
fn tell(session: &Session, args: &AdoptArgs<'_>) -> ExitCode {
    if args.json {
        return print(&list::json_line(session));
    }
    let what = match args.fork {
        true => "a copy of the conversation, in a session without a terminal. The original goes on",
        false => "taken over, into a session without a terminal",
    };
    print(&format!("{}: {what}. To use it here: cckw attach {}\n", escape(&session.name), session.word()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_late_end_of_a_turn_is_no_loss() {
        let status = |prompt: &str, at, end| TurnStatus {
            last_prompt: Some(prompt.into()),
            last_at: Some(at),
            end: Some(end),
            ..TurnStatus::default()
        };
        let before = status("one", 1, TurnEnd::Done);
        assert!(!may_be_lost(&before, &before));
        assert!(!may_be_lost(&before, &status("one", 2, TurnEnd::Done)));
        assert!(!may_be_lost(&TurnStatus::default(), &before));
        for lost in [status("two", 2, TurnEnd::BrokenOff), status("one", 2, TurnEnd::Interrupted)] {
            assert!(may_be_lost(&before, &lost), "{lost:?}");
        }
        let open = status("one", 1, TurnEnd::BrokenOff);
        assert!(!may_be_lost(&open, &open));
    }
}
