//! A verb at several places at once.

use std::process::ExitCode;

use super::Part;
use crate::user_error::{UserError, machine};

/// Runs the verb at each place.
pub fn several(_parts: &[Part]) -> Result<ExitCode, UserError> {
    Err(machine::several("sessions of several machines in one command are not understood yet"))
}
