//! `cckw list` where every session has a host that runs.

use std::path::Path;
use std::rc::Rc;

use crate::commands::{CCKW, compare};
use crate::effort::Effort;
use crate::fleet::ours;
use crate::outer::{Run, kill_all};
use crate::processes;
use crate::results::{Question, Results};
use crate::tools::{self, Tool};

/// Starts real sessions, of a program that does nothing, and asks for the list at each number. All are ended,
/// whatever comes.
pub fn list_live(effort: &Effort, results: &mut Results) {
    let scratch = match tools::scratch() {
        Ok(scratch) => Rc::new(scratch),
        Err(error) => return results.fail(CCKW, "list", error.to_string()),
    };
    if let Err(error) = start_another_each_time(scratch.path()) {
        return results.fail(CCKW, "list", error.to_string());
    }
    let mut running = 0;
    for count in effort.hosts {
        while running < *count {
            let started = Run::start_in(Rc::clone(&scratch), Tool::Cckw, "idle").and_then(Run::hang_up);
            if let Err(failure) = started {
                results.fail(CCKW, "list", format!("session {}: {failure}", running + 1));
                return end(scratch.path());
            }
            running += 1;
        }
        let named = Tool::Static.named();
        let asked = ours(&["list", "--json"], running, named.as_deref());
        compare(&asked, (Question::ListLive, running), scratch.path(), effort, results);
    }
    end(scratch.path());
}

/// A start does not ask whether one of those that go on without a terminal is meant.
fn start_another_each_time(scratch: &Path) -> std::io::Result<()> {
    let directory = scratch.join("config/cckw");
    std::fs::create_dir_all(&directory)?;
    std::fs::write(directory.join("config.toml"), "[start]\nexisting = \"new\"\n")
}

/// By force: nobody keeps their conversations.
fn end(scratch: &Path) {
    while !processes::marked(&scratch.display().to_string()).is_empty() {
        kill_all(scratch);
    }
}
