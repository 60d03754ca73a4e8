//! A verb at several places at once.

use std::process::ExitCode;

use tokio::task::JoinSet;

use super::super::output::{fail, finish};
use super::ask::ask;
use super::lost;
use super::output::Lines;
use super::place::{self, Part, UNATTENDED_TIMEOUT};
use crate::machines::call::CallError;
use crate::machines::run::{self, Mode};
use crate::machines::store::Machine;
use crate::user_error::UserError;

/// Runs the verb at each place. The status is the first in the order of the places that is not 0. Where any is
/// enough, the first place that comes to 0 ends it.
///
/// # Errors
/// When nothing can be run at all.
pub fn run(parts: &mut [Part], any: bool) -> Result<ExitCode, UserError> {
    let all = async {
        let mut tasks = JoinSet::new();
        for (at, part) in parts.iter_mut().enumerate() {
            let part = Part { machine: part.machine.take(), verb: part.verb.clone() };
            tasks.spawn(async move { (at, status(part).await) });
        }
        let mut statuses = vec![1; parts.len()];
        while let Some(done) = tasks.join_next().await {
            let Ok((at, status)) = done else { continue };
            statuses[at] = status;
            if any && status == 0 {
                return Ok::<u8, CallError>(0);
            }
        }
        Ok(statuses.into_iter().find(|status| *status != 0).unwrap_or(0))
    };
    Ok(match run::block_on(run::until_signal(all))? {
        Ok(status) => ExitCode::from(status.unwrap_or(1)),
        Err(signal) => ExitCode::from(u8::try_from(128 + signal).unwrap_or(1)),
    })
}

/// Runs a part. Its status; what is wrong is said.
async fn status(part: Part) -> u8 {
    let prefix = part.machine.as_ref().map_or_else(String::new, Machine::mark);
    let mut lines = Lines::of(prefix);
    let done = match &part.machine {
        Some(machine) => {
            ask(machine, &part.verb, Mode::Unattended(UNATTENDED_TIMEOUT), None, &mut lines).await
        }
        None => place::here(&part.verb, &mut lines).await,
    };
    lines.finish();
    match (done, &part.machine) {
        (Ok(status), _) => status,
        (Err(CallError::Failed(failure)), Some(machine)) => {
            let error = lost(&part.verb, machine, &failure);
            fail(&error);
            error.exit_status()
        }
        (Err(CallError::Failed(failure)), None) => {
            crate::client::complain(failure.short());
            1
        }
        (Err(CallError::Output(error)), _) => u8::from(finish(Err(error)) != ExitCode::SUCCESS),
    }
}
