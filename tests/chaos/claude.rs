//! What runs in the session: the stand-in, or, in the long run, the real one.

use std::path::Path;

use super::super::plan::{Kind, Plan};
use crate::support::stand_in::{self, at_prompt, submit};
use crate::support::{Sandbox, Terminal, cckw_program};

/// What the game has to know of a claude.
pub trait Claude {
    /// Where it lives.
    fn sandbox(&self) -> &Sandbox;
    /// What its process is called.
    fn program(&self) -> &str;
    /// Waits until it waits for a prompt.
    fn at_prompt(&self, terminal: &mut Terminal);
    /// Types a line, and presses Enter once it is there.
    fn submit(&self, terminal: &mut Terminal, words: &str);
    /// What it answers to these words.
    fn reply(&self, words: &str) -> String;
    /// Words whose answer takes long.
    fn long(&self) -> &'static str {
        "some words whose answer takes so long that it may well be cut off"
    }
    /// An answer that was held back comes now.
    fn release(&self) {}
}

/// The stand-in of the tests.
pub struct StandIn(Sandbox);

impl StandIn {
    /// One with quick restarts, whose answers take long enough to be interrupted.
    pub fn new(plan: &Plan) -> Self {
        let mut sandbox = stand_in::sandbox();
        sandbox.configure(&configuration(plan));
        sandbox.set("CCKW_STANDIN_PACE", "50");
        let cckw = Path::new(cckw_program()).parent().expect("a directory");
        sandbox.set("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", cckw.display()));
        Self(sandbox)
    }
}

/// Quick restarts, and no question at a start. A terminal that takes nothing is passed over soon in one variant, and in the others never.
pub fn configuration(plan: &Plan) -> String {
    let soon = plan.kind == Kind::Unread && passes_over(plan);
    let stall = if soon { "300ms" } else { "5m" };
    format!(
        "stall_after = \"{stall}\"\n[restart]\ninitial_delay = \"150ms\"\nmax_delay = \"300ms\"\ncrash_limit = 30\n\
         [start]\nexisting = \"new\"\n"
    )
}

/// Whether the host is to give up on a terminal that takes nothing.
pub fn passes_over(plan: &Plan) -> bool {
    plan.variant(3) == 0
}

impl Claude for StandIn {
    fn sandbox(&self) -> &Sandbox {
        &self.0
    }

    fn program(&self) -> &str {
        "claude-stand-in"
    }

    fn at_prompt(&self, terminal: &mut Terminal) {
        at_prompt(terminal);
    }

    fn submit(&self, terminal: &mut Terminal, words: &str) {
        submit(terminal, words);
    }

    fn reply(&self, words: &str) -> String {
        format!("You said: {words}")
    }
}
