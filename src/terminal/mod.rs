//! The client: the user's terminal, and the job that the shell sees. `docs/architecture.md` draws how it and the host work together.

use std::fmt::Display;
use std::io::{self, Write};

pub mod attach;
mod client;
mod hold;
mod keys;
pub mod launch;
mod question;
mod restore;
pub mod run;
pub mod scanner;
mod signals;
mod straight;

/// Says something on stderr. With that gone or full there is nobody to tell, and no reason to end for it, as `eprintln` does.
pub fn complain(message: impl Display) {
    let _ = writeln!(io::stderr().lock(), "cckw: {message}");
}
