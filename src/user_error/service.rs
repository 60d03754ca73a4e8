//! What the service, and its installation, cannot do.

use super::UserError;

/// The status of a second service: the unit of systemd does not start it again then.
pub const RUNS_ALREADY: u8 = 3;

/// There is one.
pub fn runs_already(pid: Option<i32>) -> UserError {
    let who = pid.map_or_else(String::new, |pid| format!(" (process {pid})"));
    UserError::new(format!("a service of cckw runs already{who}"))
        .advice("one is enough for all sessions")
        .status(RUNS_ALREADY)
}
