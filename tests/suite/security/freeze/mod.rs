//! No input freezes the host or ends it: what claude writes, what comes through the control socket, what
//! takes the place of a file.

mod attach;
mod connections;
mod output;
mod places;
mod processes;

use std::path::PathBuf;

use crate::support::{Record, Sandbox, Terminal};

/// A session of the raw child, and its record.
fn session(mode: &str) -> (Sandbox, Terminal, Record) {
    let mut sandbox = Sandbox::new();
    sandbox.use_child(mode);
    // A session outlives its terminal here, as it does where nothing is configured.
    sandbox.configure("stall_after = \"300ms\"\n");
    let mut terminal = Terminal::spawn(sandbox.cckw_claude());
    terminal.wait_for_text(if mode.starts_with("ticker") { "tick 3" } else { "READY" });
    let record = sandbox.wait_for_record("a child", |record| record.pid("child_pid").is_some());
    (sandbox, terminal, record)
}

fn socket(record: &Record) -> PathBuf {
    PathBuf::from(record.text("socket"))
}
