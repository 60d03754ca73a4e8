//! `cckw service`.

use std::process::ExitCode;

use super::definition::ServiceAction;
use super::output;
use crate::service;

/// Does what is asked for.
pub fn main(action: &ServiceAction) -> ExitCode {
    match action {
        ServiceAction::Run => match service::run::main() {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => output::fail(&error),
        },
    }
}
