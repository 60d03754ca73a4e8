//! The verbs for scripts: what they print, and what they exit with.

mod adopt;
mod answer;
mod new;
mod rename;
mod screen;
mod transcript;
mod wait;

use std::process::{Output, Stdio};

use crate::support::verb::cckw;
use crate::support::{Record, Sandbox};

/// What a verb says and exits with, without a terminal and with nothing on stdin.
fn run(sandbox: &Sandbox, words: &[&str]) -> (Option<i32>, String, String) {
    told(&cckw(sandbox, words).stdin(Stdio::null()).output().expect("runs"))
}

fn told(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("UTF-8");
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

/// The record of the session with this name.
#[track_caller]
fn named(sandbox: &Sandbox, name: &str) -> Record {
    let found = sandbox.records().into_iter().find(|record| record.json["called"]["name"] == name);
    found.unwrap_or_else(|| panic!("no session is called {name}"))
}
