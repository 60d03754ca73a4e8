//! Versions of Claude Code before the one that is pinned: what the driver has to see with other eyes, and
//! nothing more.
//!
//! Old are those that have no state file which tells what claude does (2.1.110 has none, 2.1.123 has one).
//! What cckw does without it is what their run is for; tests that ask what only such a file tells fail there,
//! at once where that can be said.

use std::sync::OnceLock;

use super::driver::Place;
use super::install;
use super::mock::REPLY;
use super::support::{DEADLINE, Record, Screen, process, wait_until_some};

/// The first version of those tried whose state file says which process wrote it, and what that does.
const WITH_STATE: [u32; 3] = [2, 1, 123];

/// The version that the suite was written for.
const WRITTEN_FOR: [u32; 3] = [2, 1, 329];

/// Whether it is a version without a state file that counts.
pub fn is_old() -> bool {
    static OLD: OnceLock<bool> = OnceLock::new();
    *OLD.get_or_init(|| is_before(WITH_STATE))
}

/// Whether it is a version before the one that the suite was written for. Seen up to 2.1.243: such a version
/// uses the kitty keyboard only in terminals that it knows by name, and its help lacks what was added since.
pub fn is_earlier() -> bool {
    is_before(WRITTEN_FOR)
}

/// What claude answers to `/remote-control` where there is no account.
pub fn refusal() -> &'static str {
    if is_earlier() {
        "Unknown command: /remote-control"
    } else {
        "/remote-control needs a Claude subscription"
    }
}

fn is_before(other: [u32; 3]) -> bool {
    let version = install::version();
    let numbers = version.split('.').map(|number| number.parse::<u32>().expect("a version"));
    numbers.lt(other)
}

/// The record with the claude that cckw has started in the place of the one that only a state file tells.
pub fn with_claude(mut record: Record) -> Record {
    if is_old() {
        record.json["claude_pid"] = record.json["child_pid"].clone();
    }
    record
}

/// Whether the prompt, the lowest line between two rules or in a box, holds exactly `text`. It may begin with
/// another mark, and the cursor is anywhere.
pub fn old_prompt_holds(screen: &Screen, text: &str) -> bool {
    let is_rule = |row: &String| ["────", "╭───", "╰───"].iter().any(|rule| row.starts_with(rule));
    let Some(lower) = screen.rows.iter().rposition(is_rule) else { return false };
    if lower < 2 || !is_rule(&screen.rows[lower - 2]) {
        return false;
    }
    let line = screen.rows[lower - 1].replace('\u{a0}', " ");
    let line = line.trim_matches(['│', ' ']);
    let Some(typed) = line.strip_prefix(['❯', '>']) else { return false };
    // In an empty prompt stands a suggestion; later on one that the model was asked for, and the mock has one
    // answer only.
    let suggested = typed.trim_start().starts_with("Try \"") || typed.trim() == REPLY;
    typed.trim() == text || (text.is_empty() && suggested)
}

/// Waits until claude, brought back so often, runs. What it does nobody can tell.
#[track_caller]
pub fn old_says(place: &Place, status: &str, restarts: u64) -> Record {
    assert_eq!(status, "idle", "this version does not say when it is {status}");
    wait_until_some("a claude that runs", DEADLINE, || {
        let mut records = place.sandbox.records().into_iter().map(with_claude);
        records.find(|record| {
            record.json["restarts"] == restarts && record.pid("claude_pid").is_some_and(process::runs)
        })
    })
}
