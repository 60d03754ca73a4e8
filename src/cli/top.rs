//! `cckw top`, the fleet view: every session at a glance, and inside in one key.
//!
//! `view` decides, and does no I/O: events go in, effects come out, and `draw` shows what it knows. The sources bring
//! rows, the preview brings a session's screen, the actions run verbs of cckw, and the loop joins them.

pub mod actions;
#[cfg(test)]
mod any_order;
pub mod draw;
pub mod event;
pub mod feed;
pub mod home;
pub mod input;
pub mod keys;
pub mod order;
pub mod pace;
pub mod preview;
pub mod ready;
pub mod row;
pub mod run;
pub mod screen_copy;
pub mod sources;
pub mod terminal;
pub mod view;
pub mod visit;

use std::process::ExitCode;

use super::list;
use super::output::fail;
use crate::machines::run::block_on;
use crate::os::signals;
use crate::os::tty::{self, Streams};
use crate::user_error::{self, UserError};

use run::Fleet;
use terminal::FleetTerminal;

/// What a terminal calls itself that can do nothing but print lines.
const PRINTS_LINES: &str = "dumb";

/// Whether a view can be shown: stdin and stdout are one terminal.
pub fn has_terminal() -> bool {
    tty::is_interactive()
}

/// Shows the view until it is left. A terminal that only prints lines gets the table of `cckw list`.
pub fn main() -> ExitCode {
    signals::inherited();
    match tty::streams() {
        Streams::OneTerminal if std::env::var_os("TERM").is_some_and(|term| term == PRINTS_LINES) => {
            list::main(false, false, &[])
        }
        Streams::OneTerminal => show().map_or_else(|error| fail(&error), ExitCode::from),
        Streams::TwoTerminals => fail(&user_error::terminal::two_for_the_view()),
        Streams::NoTerminal => fail(&user_error::terminal::none_for_the_view()),
    }
}

fn show() -> Result<u8, UserError> {
    let terminal = FleetTerminal::open().map_err(user_error::terminal::cannot_be_opened)?;
    block_on(async { Fleet::new(terminal)?.run().await })?
}
