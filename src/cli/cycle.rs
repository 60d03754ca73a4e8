//! `cckw reconnect --cycle`.

use std::process::ExitCode;

use super::output::{fail, print};
use super::target::{as_it_is, meant, reachable};
use crate::escape::escape;
use crate::registry::Session;
use crate::remote::command::{CommandOutcome, cycle};
use crate::user_error::remote;

/// Has a session's link switched off and on again, or says whether that would be done. Status 1 if nothing
/// was typed, 2 if it was tried in vain.
pub fn main(word: &str, apply: bool) -> ExitCode {
    // Only to look at it changes nothing.
    let meant = if apply { meant(word) } else { as_it_is(word) };
    match meant.and_then(|session| reachable(session, word)) {
        Ok(session) => cycle_link(&session, apply),
        Err(error) => fail(&error),
    }
}

fn cycle_link(session: &Session, apply: bool) -> ExitCode {
    let name = escape(&session.name);
    match cycle(session, apply) {
        CommandOutcome::Reconnected if apply => {
            print(&format!("{name}: the link was switched off, and is back\n"))
        }
        CommandOutcome::Reconnected => print(&format!(
            "{name}: the link would be switched off and on again; to do it: cckw reconnect --cycle {} --apply\n",
            session.word()
        )),
        CommandOutcome::Left(reason) | CommandOutcome::Up(reason) => {
            fail(&remote::left_alone(&reason).about(&session.name))
        }
        CommandOutcome::Failed(reason) => fail(&remote::failed(&reason).about(&session.name)),
    }
}
