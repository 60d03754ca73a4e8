//! The real claude, with the mock of its API.

use super::driver::{self, Place};
use super::game::claude::{Claude, configuration};
use super::mock::{HELD, HOLD, REPLY};
use super::plan::Plan;
use super::support::{Sandbox, Terminal};

/// A home in which it runs.
pub struct Real(Place);

impl Real {
    /// One with quick restarts.
    pub fn new(plan: &Plan) -> Self {
        let place = Place::new();
        place.sandbox.configure(&configuration(plan));
        Self(place)
    }
}

impl Claude for Real {
    fn sandbox(&self) -> &Sandbox {
        &self.0.sandbox
    }

    fn program(&self) -> &str {
        "claude"
    }

    fn at_prompt(&self, terminal: &mut Terminal) {
        driver::wait_for_prompt(terminal);
    }

    fn submit(&self, terminal: &mut Terminal, words: &str) {
        driver::wait_for_prompt(terminal);
        driver::submit(terminal, words);
    }

    fn reply(&self, words: &str) -> String {
        if words.contains(HOLD) { HELD.into() } else { REPLY.into() }
    }

    /// Held back until all has happened.
    fn long(&self) -> &'static str {
        HOLD
    }

    fn release(&self) {
        self.0.mock.release();
    }
}
