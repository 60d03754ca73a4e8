//! Asking one machine for a verb, once or until it has been answered.

use super::super::definition::Verb;
use super::place::ask_once;
use super::wait_again;
use crate::machines::call::{CallError, Sink};
use crate::machines::run::Mode;
use crate::machines::store::Machine;
use crate::os::text::LosslessText;

/// Runs a verb on a machine. The status of the verb there.
///
/// # Errors
/// When the machine is not reached, or is lost; or nobody wants the output.
pub async fn ask(
    machine: &Machine,
    verb: &Verb,
    mode: Mode,
    stdin: Option<LosslessText>,
    sink: &mut impl Sink,
) -> Result<u8, CallError> {
    match verb {
        Verb::Wait { .. } => wait_again::ask(machine, verb, mode, sink).await,
        _ => ask_once(machine, verb, mode, stdin, sink).await,
    }
}
