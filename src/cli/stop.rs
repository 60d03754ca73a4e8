//! `cckw stop`.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use super::output::fail;
use super::pick_running;
use crate::control::{Answer, Request};
use crate::fleet;

/// Longer than a host takes to end a claude that does not want to: three signals, five seconds apart.
const PATIENCE: Duration = Duration::from_secs(20);
const PACE: Duration = Duration::from_millis(20);

/// Ends a session, and waits until it has ended. Its conversation stays.
pub fn main(word: Option<&str>) -> ExitCode {
    pick_running(word, |session| {
        match fleet::ask(session, &Request::Stop) {
            Some(Answer::Refused { reason }) => return fail(&reason),
            Some(_) => {}
            None => return fail("the session does not answer"),
        }
        let until = Instant::now() + PATIENCE;
        while fleet::connect(&session.record).is_some() {
            if Instant::now() > until {
                return fail("claude does not end; see the session's events.jsonl");
            }
            std::thread::sleep(PACE);
        }
        ExitCode::SUCCESS
    })
}
