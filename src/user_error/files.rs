//! A file or directory cannot be used, or nothing can be waited for.

use std::fmt::Display;
use std::path::Path;

use super::UserError;
use super::system_limits::System;
use crate::escape::escape;

/// A directory or file of cckw's cannot be used.
pub fn unusable(path: &Path, why: impl Display, advice: &str) -> UserError {
    UserError::new(escape(path).to_string()).why(why).advice(advice)
}

/// A mistake in the configuration; `place` is line and column, counted from 1.
pub fn configuration(path: &Path, place: Option<(usize, usize)>, why: &str, advice: &str) -> UserError {
    let place = place.map_or_else(String::new, |(line, column)| format!(":{line}:{column}"));
    UserError::new(format!("{}{place}", escape(path))).why(why).advice(advice)
}

/// Stdout does not take what is written.
pub fn cannot_write_stdout(error: impl Display) -> UserError {
    UserError::new("cannot write to stdout").why(error)
}

/// The manual pages cannot be written there.
pub fn cannot_write_pages(directory: &Path, error: impl Display) -> UserError {
    UserError::new(format!("cannot write the man pages to {}", escape(directory))).why(error)
}

/// The system has no watcher left.
pub fn cannot_be_watched(error: impl Display) -> UserError {
    UserError::new("cckw cannot watch files for changes").why(error).advice(System::HERE.for_watches())
}

/// There is no descriptor for what wakes the one who waits.
pub fn nothing_can_be_waited_for(error: impl Display) -> UserError {
    UserError::new("cckw cannot wait for events").why(error)
}

/// The system does not wait.
pub fn cannot_wait(error: impl Display) -> UserError {
    UserError::new("cannot wait").why(error)
}

/// Signals cannot be caught.
pub fn cannot_handle_signals(error: impl Display) -> UserError {
    UserError::new("signals cannot be handled").why(error)
}

/// A file cannot be locked.
pub fn cannot_be_locked(path: &Path, error: impl Display, advice: &str) -> UserError {
    UserError::new(format!("{} cannot be locked", escape(path))).why(error).advice(advice)
}

/// A file cannot be locked, for its file system has no locks.
pub fn has_no_locks(path: &Path, error: impl Display) -> UserError {
    let advice =
        "the file system has no file locks (flock): set XDG_STATE_HOME to a directory on one that has them";
    cannot_be_locked(path, error, advice)
}
