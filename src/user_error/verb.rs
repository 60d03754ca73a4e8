//! What single verbs cannot do: `man`, `demo`.

use std::fmt::Display;

use super::UserError;
use crate::escape::escape;

pub fn no_page(name: &str) -> UserError {
    UserError::new(format!("no man page for `{}`", escape(name)))
        .advice("`cckw --help` lists the verbs")
        .status(2)
}

/// The demo has no place.
pub fn demo_cannot_be_set_up(error: impl Display) -> UserError {
    UserError::new("the demo cannot be set up").why(error)
}

/// Something of the demo is left.
pub fn demo_cannot_be_removed(error: impl Display) -> UserError {
    UserError::new("the demo's directory cannot be removed").why(error)
}

/// In the demo the shell could not be started.
pub fn demo_cannot_run_shell(error: impl Display) -> UserError {
    UserError::new("the demo's shell could not be started").why(error).advice("check that /bin/sh can be run")
}

/// Nobody could type in the demo's shell.
pub fn demo_needs_a_terminal() -> UserError {
    UserError::new("`cckw demo --by-hand` gives you a shell, and stdin or stdout is no terminal")
        .advice("run it in a terminal; `cckw demo --script` needs none")
}

/// A scene of the demo did not go as it should, in its own words.
pub fn demo_failed(why: &str) -> UserError {
    UserError::new(why)
}
