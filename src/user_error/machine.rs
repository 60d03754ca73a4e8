//! Other machines: they are not known, or not reached.

use std::fmt::Display;
use std::path::Path;

use super::UserError;
use crate::escape::escape;

/// What ssh exits with where it has failed itself, and cckw for the same.
pub const NOT_REACHED: u8 = 255;

/// No machine is called so.
pub fn unknown(name: &str) -> UserError {
    let what = match name {
        "" => "no machine is named".into(),
        name => format!("no machine is called {}", escape(name)),
    };
    UserError::new(what)
        .advice("see `cckw machine list`; a machine is added with: cckw machine add NAME USER@HOST")
}

/// A machine cannot be called so.
pub fn unfit_name(name: &str, why: &str) -> UserError {
    UserError::new(format!("a machine cannot be called {}", escape(name))).why(why).status(2)
}

/// What a machine is to be reached by, or where its cckw is to be, cannot be used.
pub fn unfit(why: &str) -> UserError {
    UserError::new("the machine was not added").why(why).status(2)
}

/// Another machine has the name.
pub fn name_is_taken(name: &str, destination: &str) -> UserError {
    UserError::new(format!("there is a machine {name} already, with the destination {}", escape(destination)))
        .advice(format!("take another name, or remove it: cckw machine rm {name}"))
}

/// There is no machine at all.
pub fn none() -> UserError {
    UserError::new("there is no machine").advice("add one with: cckw machine add NAME USER@HOST")
}

/// The file with the machines cannot be read.
pub fn store_unreadable(path: &Path, why: impl Display) -> UserError {
    UserError::new(format!("the machines cannot be read from {}", escape(path)))
        .why(why)
        .advice("correct the file, or remove it and add the machines again")
}

/// The file with the machines cannot be written.
pub fn store_unwritable(path: &Path, why: impl Display) -> UserError {
    UserError::new(format!("the machines cannot be written to {}", escape(path)))
        .why(why)
        .advice("make it writable, or set XDG_CONFIG_HOME")
}

/// There is nowhere to write them.
pub fn no_configuration_directory() -> UserError {
    UserError::new("there is no directory for the machines")
        .why("HOME is not set and the user has no home directory")
        .advice("set HOME or XDG_CONFIG_HOME")
}

/// A machine did not do what it was asked for.
pub fn not_reached(name: &str, why: &str, advice: &str) -> UserError {
    UserError::new(name).why(why).advice(advice).status(NOT_REACHED)
}

/// A text was on its way when the connection was lost.
pub fn send_unknown(word: &str) -> UserError {
    UserError::new(format!("the connection was lost while the text was on its way to {}", escape(word)))
        .why("it is not known whether it was typed")
        .advice(format!("look before you repeat it: cckw transcript {}", escape(word)))
        .status(2)
}

/// A text was on its way when the user did not wait any more.
pub fn send_interrupted(word: &str) -> UserError {
    UserError::new(format!("interrupted while the text was on its way to {}", escape(word)))
        .why("it is not known whether it was typed")
        .advice(format!("look before you repeat it: cckw transcript {}", escape(word)))
        .status(2)
}

/// A word names a machine and no session, where one must be named.
pub fn no_session_named(word: &str) -> UserError {
    UserError::new(format!("{} names no session", escape(word)))
        .advice(format!("name one behind it: {}NAME", escape(word)))
        .status(2)
}

/// The cckw that starts this one from another machine says something that is not understood.
pub fn senseless_request(why: impl Display) -> UserError {
    UserError::new("the request of the other machine is not understood")
        .why(why)
        .advice("only the cckw of another machine calls this one so")
        .status(2)
}

/// tokio cannot be set up.
pub fn cannot_run(why: impl Display) -> UserError {
    UserError::new("no other machine can be asked now").why(why).advice("try again")
}

/// A session is to have a name of another machine.
pub fn cannot_move() -> UserError {
    UserError::new("a session cannot be moved to another machine")
        .advice("give it a name without a machine, or with its own")
        .status(2)
}
