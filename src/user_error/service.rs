//! What the service, and its installation, cannot do.

use std::fmt::Display;
use std::path::Path;

use super::UserError;
use crate::escape::escape;

/// The status of a second service: the unit of systemd does not start it again then.
pub const RUNS_ALREADY: u8 = 3;

/// There is one.
pub fn runs_already(pid: Option<i32>) -> UserError {
    let who = pid.map_or_else(String::new, |pid| format!(" (process {pid})"));
    UserError::new(format!("a service of cckw runs already{who}"))
        .advice("see: cckw service status")
        .status(RUNS_ALREADY)
}

/// Nobody knows where this program is.
pub fn no_program(why: impl Display) -> UserError {
    UserError::new("the path of this program is not known").why(why).advice("install cckw, and run that")
}

/// There is no place for the file.
pub fn no_home() -> UserError {
    UserError::new("you have no home directory").advice("set HOME")
}

/// A path that cannot stand in a unit.
pub fn unfit(path: &Path) -> UserError {
    UserError::new(format!("{} cannot be named in a file of the system's", escape(path)))
        .why("it is not UTF-8, or it has a control character, a quote or a backslash in it")
        .advice("give it another name")
}

/// Something else has the name.
pub fn foreign(path: &Path) -> UserError {
    UserError::new(format!("{} is there already and is not cckw's", escape(path)))
        .advice("move it away, or remove it; it was left as it is")
}

/// There is nobody who starts it. `who` is "systemd user manager".
pub fn nobody_starts_it(who: &str, why: impl Display) -> UserError {
    UserError::new(format!("the service was not installed: no {who} answers"))
        .why(why)
        .advice("log in by ssh or at a console, or have cron start it")
}

/// The file cannot be written or removed.
pub fn cannot_write(path: &Path, why: impl Display) -> UserError {
    UserError::new(escape(path).to_string()).why(why).advice("make the directory writable")
}

/// It was not started.
pub fn not_begun(who: &str, why: impl Display) -> UserError {
    UserError::new(format!("the {who} does not start the service")).why(why).advice("nothing was installed")
}

/// It was started, and is not there.
pub fn does_not_come_up() -> UserError {
    UserError::new("the service was started, and does not come up")
        .advice("see what it says: cckw service run")
}

/// It cannot be ended.
pub fn not_ended(who: &str, why: impl Display) -> UserError {
    UserError::new(format!("the {who} does not end the service")).why(why)
}
