//! A cckw is not copied to another machine.

use std::fmt::Display;
use std::path::Path;

use super::UserError;
use crate::escape::escape;

/// There is no program for that kind of machine. `is_own_kind` says that this machine is of the same kind.
pub fn no_source(kind: impl Display, is_own_kind: bool) -> UserError {
    let why = match is_own_kind {
        true => "this cckw is not static, and [update] names no release",
        false => "this machine is of another kind, and [update] names no release",
    };
    UserError::new(format!("there is no cckw to be copied ({kind})")).why(why).advice(
        "name a static program with --binary FILE, or install cckw there by hand: docs/user/install.md",
    )
}

/// The file that the user named cannot be copied.
pub fn unfit_binary(path: &Path, why: impl Display) -> UserError {
    UserError::new(format!("{} is not copied", escape(path))).why(why)
}

/// What is there may not be replaced: why, and what to do.
pub fn unwanted(machine: &str, (why, advice): (String, &str)) -> UserError {
    UserError::new(format!("no cckw was copied to {}", escape(machine))).why(why).advice(advice)
}

/// The user has said where the cckw of the machine is, and a copy would be somewhere else.
pub fn named_program(machine: &str, program: &str) -> UserError {
    UserError::new(format!("no cckw was copied to {}", escape(machine)))
        .why(format!("it is to be at {} there, and a copy goes to ~/.local/bin/cckw", escape(program)))
        .advice("copy it there by hand, or remove the machine and add it without --program")
}

/// The copy has failed.
pub fn not_copied(machine: &str, why: &str) -> UserError {
    UserError::new(format!("no cckw was copied to {}", escape(machine)))
        .why(why)
        .advice("nothing was changed there")
}
