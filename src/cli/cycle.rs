//! `cckw reconnect --cycle`.

use std::process::ExitCode;

use super::output::{fail, print};
use super::pick_running;
use crate::escape::escape;
use crate::remote::command::{CommandOutcome, cycle};
use crate::user_error::remote;

/// Has a session's link switched off and on again, or says whether that would be done. Status 1 if nothing
/// was typed, 2 if it was tried in vain.
pub fn main(word: &str, apply: bool) -> ExitCode {
    pick_running(Some(word), |session| {
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
    })
}
