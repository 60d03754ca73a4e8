//! `cckw self-check`, which no user types: the cckw that is installed runs it of another one, before that takes
//! its place. It says whether this program works on this machine, with what is here already. `cckw self-check sha256`
//! prints the hash of this program, for a machine that has no other program to tell it.

use std::ffi::OsString;
use std::process::ExitCode;

use super::output::print;
use crate::config;
use crate::os::tty::Size;
use crate::registry;
use crate::update::hash;
use crate::vt::screen::Screen;

/// The word that asks for the hash.
const HASH: &str = "sha256";

/// The status is 0 if nothing is wrong; else stderr says what is.
pub fn main(args: &[OsString]) -> ExitCode {
    if args.first().is_some_and(|word| word == HASH) {
        return own_hash();
    }
    match check() {
        Ok(()) => print(concat!("cckw ", env!("CARGO_PKG_VERSION"), " works here\n")),
        Err(why) => {
            crate::client::complain(&why);
            ExitCode::FAILURE
        }
    }
}

fn own_hash() -> ExitCode {
    match std::env::current_exe().and_then(|own| hash::of_file(&own)) {
        Ok(hash) => print(&format!("{hash}\n")),
        Err(why) => {
            crate::client::complain(why);
            ExitCode::FAILURE
        }
    }
}

fn check() -> Result<(), crate::user_error::UserError> {
    // A configuration that this version does not understand keeps claude from being started.
    config::load()?;
    // The records of the sessions. One that cannot be read is shown as such, and is no reason.
    registry::sessions()?;
    if shows_what_it_reads() { Ok(()) } else { Err(crate::user_error::update::emulator_broken()) }
}

/// Whether the screen model does what every attach stands on.
fn shows_what_it_reads() -> bool {
    let mut screen = Screen::new(Size { rows: 4, columns: 20, width: 0, height: 0 });
    screen.push(b"one\r\n\x1b[1;31mtwo\x1b[0m\x1b[4;3Hlast");
    screen.begin_turn();
    screen.catch_up();
    let text = screen.text();
    text.first().is_some_and(|line| line.trim_end() == "one")
        && text.get(1).is_some_and(|line| line.trim_end() == "two")
        && text.get(3).is_some_and(|line| line.trim_end() == "  last")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_emulator_shows_what_it_reads() {
        assert!(shows_what_it_reads());
    }
}
