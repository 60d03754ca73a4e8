//! `cckw attach MACHINE:SESSION`: the near side of a link. The far side is a client there (`client/far_end.rs`).
//!
//! ssh runs on a terminal that this process plays. Between it and the user's terminal the relay passes everything
//! on as it comes, but for the markers that the two sides send each other. They tell when the link is dead. Then the
//! terminal is put in order, and the link is made anew.

mod arrived;
mod backoff;
mod connection;
mod keys;
mod near_terminal;
mod relay;
pub mod request;
mod state;
mod words;

use super::ssh::Settings;
use super::store;
use crate::config;
use crate::os::tty::Streams;
use crate::os::{descriptors, signals, tty};
use crate::user_error::{UserError, terminal};
use relay::Relay;

/// Attaches this terminal to a session of a machine, until it is detached or claude ends. Without a session it is the
/// only one that runs there. Gives the status to exit with.
///
/// # Errors
/// When this is not a terminal, or there is no such machine.
pub fn attach(machine: &str, session: Option<&str>) -> Result<u8, UserError> {
    signals::inherited();
    let machine = store::find(machine)?;
    match tty::streams() {
        Streams::OneTerminal => {}
        Streams::TwoTerminals => return Err(terminal::two_to_attach()),
        Streams::NoTerminal => return Err(terminal::none_to_attach()),
    }
    let tty = tty::reopen().map_err(terminal::cannot_be_opened)?;
    descriptors::close_on_exec(&[]);
    let config = config::load()?;
    let settings = Settings::of(&machine);
    let relay = Relay::new(tty, machine, settings, session.map(str::to_owned), config.detach_key);
    Ok(relay.map_err(terminal::cannot_be_opened)?.run())
}
