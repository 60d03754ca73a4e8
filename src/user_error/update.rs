//! cckw cannot be updated, or is not updated by itself.

use std::fmt::Display;
use std::path::Path;

use super::UserError;
use crate::escape::escape;

/// Something else looks after this program.
const MANAGED: u8 = 4;

/// A key of `[update]` is missing.
pub fn not_configured(key: &str, file: Option<&Path>) -> UserError {
    let file = file.map_or_else(|| "config.toml".into(), |file| escape(file).to_string());
    UserError::new("cckw does not know where new versions come from")
        .why(format!("`{key}` is not set"))
        .advice(format!("set `url` and `public_key` in the table [update] of {file}"))
}

/// A package manager has installed it.
pub fn managed(program: &Path, by: &str, command: &str) -> UserError {
    UserError::new(format!("{} is not updated by itself", escape(program)))
        .why(format!("{by} looks after it"))
        .advice(format!("to update it, run: {command}"))
        .status(MANAGED)
}

/// Where this program is installed is not known.
pub fn no_program(error: impl Display) -> UserError {
    UserError::new("cckw does not find its own program").why(error)
}

/// Another update runs.
pub fn busy() -> UserError {
    UserError::new("another update runs").advice("wait for its end, and try again")
}

/// Something cannot be read from where it should be.
pub fn unreadable(url: &str, why: impl Display) -> UserError {
    UserError::new(format!("{} cannot be read", escape(url))).why(why)
}

/// The manifest is not signed as it must be.
pub fn bad_signature(url: &str, why: &str) -> UserError {
    UserError::new(format!("the signature of {} is not accepted", escape(url)))
        .why(why)
        .advice("nothing was installed; ask whoever publishes it")
}

/// The manifest is signed and of no use.
pub fn bad_manifest(url: &str, why: impl Display) -> UserError {
    UserError::new(format!("{} cannot be used", escape(url))).why(why)
}

/// The release is older than what is installed.
pub fn older(url: &str, release: impl Display, installed: impl Display) -> UserError {
    UserError::new(format!("{} offers cckw {release}", escape(url)))
        .why(format!("{installed} is installed, and is newer"))
        .advice("to go back to the program before this one: cckw update --rollback")
}

/// The download has come to its end too early.
pub fn cut_off(url: &str, got: u64, size: u64, why: &str) -> UserError {
    UserError::new(format!("{} has come only in part, {got} of {size} bytes", escape(url)))
        .why(why)
        .advice("to go on from there: cckw update")
}

/// The program has another size than the manifest says.
pub fn other_size(url: &str, size: u64) -> UserError {
    UserError::new(format!("{} is not installed", escape(url)))
        .why(format!("it has more than the {size} bytes that the manifest says"))
}

/// The program has another hash than the manifest says.
pub fn other_hash(url: &str) -> UserError {
    UserError::new(format!("{} is not installed", escape(url)))
        .why("its SHA-256 is not the one that the manifest says")
        .advice("try again later; the release may just be being published")
}

/// The new program does not work here.
pub fn unfit(release: impl Display, why: impl Display) -> UserError {
    UserError::new(format!("cckw {release} is not installed")).why(why)
}

/// The program before this one does not work.
pub fn old_unfit(path: &Path, why: impl Display) -> UserError {
    UserError::new(format!("{} is not installed", escape(path))).why(why)
}

/// There is no program to go back to.
pub fn nothing_to_roll_back(old: &Path) -> UserError {
    UserError::new("there is no program to go back to")
        .why(format!("{} is not there, or is the installed one", escape(old)))
}

/// The user may not replace the program.
pub fn not_writable(program: &Path, error: impl Display) -> UserError {
    UserError::new(format!("{} cannot be replaced", escape(program)))
        .why(error)
        .advice("run `cckw update` as the user who owns its directory")
}

/// A directory has a name that the exchange of programs needs.
pub fn in_the_way(path: &Path) -> UserError {
    let path = escape(path);
    UserError::new("the program cannot be replaced")
        .why(format!("{path} is a directory, and cckw keeps a program under that name"))
        .advice("move the directory away, and try again")
}

/// Something of the update cannot be written.
pub fn not_written(path: &Path, error: impl Display, advice: &str) -> UserError {
    UserError::new(format!("{} cannot be written", escape(path))).why(error).advice(advice)
}

/// This program does not show what claude draws.
pub fn emulator_broken() -> UserError {
    UserError::new("the screen model of this cckw does not work here")
}
