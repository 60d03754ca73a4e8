//! Ending a background job of claude's, so that its conversation can be opened again and has one writer.
//!
//! `claude stop ID` does it, also while claude's daemon does not run (tried with 2.1.332: half a second to a
//! second). It answers before the job's process has ended. A job that goes on all the same is ended by
//! SIGTERM, then by SIGKILL.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::claude::background_job::{BackgroundJob, is_job_id};
use crate::os::kill::Identity;

/// How long `claude stop` may take.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(10);
/// How long the job's process may take to end, once `claude stop` has ended, before it is sent SIGTERM; and
/// SIGKILL after that.
const EXIT_TIMEOUT: Duration = Duration::from_secs(3);
/// How often it is looked whether it has ended.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// What to do next about a job that is being ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum JobStopStep {
    /// It has ended.
    Done,
    /// Look again a little later.
    Wait,
    /// `claude stop` takes too long.
    KillCommand,
    /// Its process is sent this.
    Send(Signal),
    /// It does not end.
    GiveUp,
}

/// The order of the steps. It does no I/O and reads no clock.
#[derive(Debug, Clone, Copy, Default)]
struct Steps {
    command_ended: Option<Duration>,
    sent: Option<Signal>,
}

impl Steps {
    /// `elapsed` is the time since the beginning.
    fn next(&mut self, elapsed: Duration, command_runs: bool, job_lives: bool) -> JobStopStep {
        if command_runs {
            return if elapsed < COMMAND_TIMEOUT { JobStopStep::Wait } else { JobStopStep::KillCommand };
        }
        if !job_lives {
            return JobStopStep::Done;
        }
        let since = elapsed.saturating_sub(*self.command_ended.get_or_insert(elapsed));
        let signal = match self.sent {
            None if since >= EXIT_TIMEOUT => Signal::SIGTERM,
            Some(Signal::SIGTERM) if since >= EXIT_TIMEOUT * 2 => Signal::SIGKILL,
            Some(Signal::SIGKILL) if since >= EXIT_TIMEOUT * 3 => return JobStopStep::GiveUp,
            _ => return JobStopStep::Wait,
        };
        self.sent = Some(signal);
        JobStopStep::Send(signal)
    }
}

/// A job that is being ended.
pub struct JobStop {
    id: String,
    command: Option<Child>,
    begun: Instant,
    steps: Steps,
}

impl JobStop {
    /// Begins to end the job `id`, by this claude.
    pub fn begin(program: &Path, id: &str) -> Self {
        let mut command = Command::new(program);
        command.args(["stop", id]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let command = is_job_id(id).then(|| command.spawn().ok()).flatten();
        Self { id: id.to_owned(), command, begun: Instant::now(), steps: Steps::default() }
    }

    /// Does what is to be done now. Gives when to look again; after its end, whether the job has ended.
    pub fn look(&mut self) -> Result<Instant, bool> {
        let command_runs = match &mut self.command {
            Some(command) => matches!(command.try_wait(), Ok(None)),
            None => false,
        };
        let job = BackgroundJob::look_up(&self.id, None);
        match self.steps.next(self.begun.elapsed(), command_runs, job.process.is_some()) {
            JobStopStep::Done => return Err(true),
            JobStopStep::GiveUp => return Err(false),
            JobStopStep::Wait => {}
            JobStopStep::KillCommand => {
                if let Some(mut command) = self.command.take() {
                    let _ = command.kill();
                    let _ = command.wait();
                }
            }
            JobStopStep::Send(signal) => {
                let written = job.path().and_then(|file| fs::metadata(file).ok()?.modified().ok());
                if let Some((pid, start)) = job.process
                    && let Ok(process) = Identity::of_file(pid, &start, written)
                {
                    // Where it is not sent, the job has ended.
                    let _ = process.send(signal);
                }
            }
        }
        Ok(Instant::now() + POLL_INTERVAL)
    }

    /// Waits until the job has ended, at most for some twenty seconds. Whether it has.
    pub fn wait(mut self) -> bool {
        loop {
            match self.look() {
                Ok(again) => sleep(again.saturating_duration_since(Instant::now())),
                Err(ended) => return ended,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn it_is_done_when_command_and_job_have_ended() {
        let mut steps = Steps::default();
        assert_eq!(steps.next(at(0), true, true), JobStopStep::Wait);
        assert_eq!(steps.next(at(1), true, false), JobStopStep::Wait);
        assert_eq!(steps.next(at(1), false, true), JobStopStep::Wait);
        assert_eq!(steps.next(at(2), false, false), JobStopStep::Done);
    }

    #[test]
    fn one_that_goes_on_gets_signals_and_then_is_given_up() {
        let mut steps = Steps::default();
        assert_eq!(steps.next(at(10), true, true), JobStopStep::KillCommand);
        let taken: Vec<JobStopStep> = (10..20)
            .map(|second| steps.next(at(second), false, true))
            .filter(|step| *step != JobStopStep::Wait)
            .collect();
        assert_eq!(
            taken,
            [JobStopStep::Send(Signal::SIGTERM), JobStopStep::Send(Signal::SIGKILL), JobStopStep::GiveUp]
        );
    }
}
