//! Requests to machines, one or many at once. The runtime of tokio is made here and nowhere else: only a verb that
//! asks another machine pays for it.

use std::future::Future;
use std::io;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::cache;
use super::call::{Answer, Call, CallError, Shown, Sink};
use super::failure::Failure;
use super::store::Machine;
use super::wire::Ask;
use crate::user_error::{UserError, machine as error};

pub use super::ssh::{Mode, Purpose};

/// The most that is kept of the answer of one machine, in bytes.
const MAX_ANSWER_BYTES: usize = 64 << 20;

/// How long a signal may come after the end of what it has ended, too.
const SIGNAL_TIMEOUT: Duration = Duration::from_millis(50);

/// What a machine said, all of it.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Said {
    /// On stdout.
    pub stdout: Vec<u8>,
    /// On stderr.
    pub stderr: Vec<u8>,
}

impl Sink for Said {
    fn stdout(&mut self, bytes: &[u8]) -> io::Result<()> {
        add(&mut self.stdout, bytes)
    }

    fn stderr(&mut self, bytes: &[u8]) -> io::Result<()> {
        add(&mut self.stderr, bytes)
    }
}

fn add(to: &mut Vec<u8>, bytes: &[u8]) -> io::Result<()> {
    if to.len() + bytes.len() > MAX_ANSWER_BYTES {
        return Err(io::Error::other("it says too much"));
    }
    to.extend_from_slice(bytes);
    Ok(())
}

/// The answer of a machine that was asked beside others.
pub type Answered = Result<(Answer, Said), Failure>;

/// Runs something that waits for several things at once, on one thread.
///
/// # Errors
/// When the system has no descriptors for it.
pub fn block_on<F: Future>(future: F) -> Result<F::Output, UserError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    Ok(runtime.map_err(error::cannot_run)?.block_on(future))
}

/// Runs something until it is done, or one of the signals comes that end a process: then that signal.
///
/// # Errors
/// The signal.
pub async fn until_signal<T, E>(future: impl Future<Output = Result<T, E>>) -> Result<Result<T, E>, i32> {
    let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
    let [int, term, hup] = kinds.map(signal);
    let (Ok(mut int), Ok(mut term), Ok(mut hup)) = (int, term, hup) else { return Ok(future.await) };
    tokio::pin!(future);
    let ended = tokio::select! {
        biased;
        done = &mut future => Ok(done),
        _ = int.recv() => Err(libc::SIGINT),
        _ = term.recv() => Err(libc::SIGTERM),
        _ = hup.recv() => Err(libc::SIGHUP),
    };
    match ended {
        // ctrl-c ends ssh as well, which may be seen first.
        Ok(Err(error)) => match timeout(SIGNAL_TIMEOUT, int.recv()).await {
            Ok(_) => Err(libc::SIGINT),
            Err(_) => Ok(Err(error)),
        },
        ended => ended,
    }
}

/// Asks machines at once, each for the same, and waits for each so long at most. The answers come in the order of
/// the machines.
///
/// # Errors
/// When nothing can be asked at all.
pub fn ask_all(
    machines: &[Machine],
    ask: &Ask,
    shown: Shown,
    within: Duration,
) -> Result<Vec<Answered>, UserError> {
    ask_each(machines, ask, shown, Mode::Unattended(within), within)
}

/// Asks one machine. With a terminal, ssh may ask its user something meanwhile.
///
/// # Errors
/// When nothing can be asked at all.
pub fn ask_one(machine: &Machine, ask: &Ask, mode: Mode, within: Duration) -> Result<Answered, UserError> {
    let mut answers = ask_each(std::slice::from_ref(machine), ask, Shown::default(), mode, within)?;
    Ok(answers.pop().unwrap_or(Err(Failure::TimedOut(within))))
}

fn ask_each(
    machines: &[Machine],
    ask: &Ask,
    shown: Shown,
    mode: Mode,
    within: Duration,
) -> Result<Vec<Answered>, UserError> {
    let answers = block_on(async {
        let mut tasks = JoinSet::new();
        for (at, machine) in machines.iter().enumerate() {
            let (machine, ask) = (machine.clone(), ask.clone());
            let call = Call { machine, ask, mode, purpose: Purpose::Short, shown };
            tasks.spawn(async move { (at, ask_within(&call, within).await) });
        }
        let mut answers: Vec<Answered> = vec![Err(Failure::TimedOut(within)); machines.len()];
        while let Some(done) = tasks.join_next().await {
            if let Ok((at, answer)) = done {
                answers[at] = answer;
            }
        }
        answers
    })?;
    for (machine, answer) in machines.iter().zip(&answers) {
        if let Ok((answer, _)) = answer {
            cache::note(&machine.name, &answer.hello, now_ms(), None);
        }
    }
    Ok(answers)
}

async fn ask_within(call: &Call, within: Duration) -> Answered {
    let mut said = Said::default();
    match timeout(within, call.run(&mut said)).await {
        Ok(Ok(answer)) => Ok((answer, said)),
        Ok(Err(CallError::Failed(failure))) => Err(failure),
        Ok(Err(CallError::Output(error))) => Err(Failure::NotUnderstood(error.to_string())),
        Err(_) => Err(Failure::TimedOut(within)),
    }
}

fn now_ms() -> u64 {
    crate::registry::event_log::now_ms()
}
