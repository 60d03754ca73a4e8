//! The program `claude` that leads to cckw cannot be made or removed.

use std::fmt::Display;
use std::path::Path;

use super::UserError;
use crate::escape::escape;

/// A place that is nobody else's.
const ELSEWHERE: &str = "choose another directory, and put it before this one in PATH: \
                         cckw shell-init --shim ~/.local/share/cckw/bin";

/// Something else has the name. `what` says what it is: "a link to …".
pub fn name_is_taken(path: &Path, what: &str) -> UserError {
    UserError::new(format!("{} is there already and is not cckw's: it is {what}", escape(path)))
        .advice(ELSEWHERE)
}

/// It would not stay there.
pub fn installers_directory(directory: &Path) -> UserError {
    UserError::new(format!("a shim in {} would be lost", escape(directory)))
        .why("Claude Code's installer and its updates put their own claude there")
        .advice(ELSEWHERE)
}

/// Others could put what they like in the place of the shim.
pub fn directory_is_open(directory: &Path) -> UserError {
    UserError::new(format!("{} is no place for programs", escape(directory)))
        .why("everybody can write there")
        .advice("choose another directory, or run chmod o-w on it")
}

/// The directory is not there and cannot be made, or is no directory.
pub fn no_directory(directory: &Path, error: impl Display) -> UserError {
    UserError::new(format!("{} cannot be used", escape(directory)))
        .why(error)
        .advice("choose a directory that you can write in")
}

/// The running program has another name, by which no cckw would know the shim again.
pub fn program_is_renamed(program: &Path) -> UserError {
    UserError::new(format!("a shim cannot lead to {}", escape(program)))
        .why("the program is not called cckw")
        .advice("install cckw under its own name, and run that")
}

/// The link cannot be made.
pub fn cannot_be_made(path: &Path, error: impl Display) -> UserError {
    UserError::new(format!("{} cannot be made", escape(path)))
        .why(error)
        .advice("choose a directory that you can write in")
}

/// There is nothing to remove.
pub fn none_there(path: &Path) -> UserError {
    UserError::new(format!("there is no {}", escape(path)))
        .advice("`cckw doctor` names the shims that are on PATH")
}

/// What is there is not ours.
pub fn not_removed(path: &Path, what: &str) -> UserError {
    UserError::new(format!("{} is not cckw's and stays: it is {what}", escape(path)))
        .advice("`cckw doctor` names the shims that are on PATH")
}

/// It cannot be removed.
pub fn cannot_be_removed(path: &Path, error: impl Display) -> UserError {
    UserError::new(format!("{} cannot be removed", escape(path))).why(error)
}
