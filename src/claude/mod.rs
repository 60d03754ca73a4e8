//! All that knows Claude Code: its flags, its files, its screen.

pub mod args;
pub mod background_job;
pub mod by_hand;
pub mod exec_error;
pub mod executable;
pub mod exit_class;
pub mod job_file;
pub mod latest_conversation;
mod lines;
pub mod markers;
pub mod obstacles;
pub mod own_command;
pub mod pasted;
pub mod remote_control;
pub mod remote_log;
pub mod remote_notices;
pub mod resume_error;
pub mod resumed_turn;
pub mod running;
pub mod screen;
pub mod server;
pub mod shim;
pub mod state_file;
pub mod submitted;
pub mod title;
pub mod topic;
pub mod transcript;
pub mod trial;
pub mod unwritten;
pub mod version;

use std::path::PathBuf;

use super::paths;

/// Where claude keeps its files: `$CLAUDE_CONFIG_DIR`, else `~/.claude`. Nothing where the user has no home.
///
/// As tried with Claude Code 2.1.329, a relative `HOME` counts (for cckw's own files it does not), and an
/// empty one is none.
pub fn config_dir() -> Option<PathBuf> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let home = || set("HOME").or_else(paths::home).map(|home| home.join(".claude"));
    // A relative one counts from the working directory, which claude shares with us at its start.
    std::path::absolute(set("CLAUDE_CONFIG_DIR").or_else(home)?).ok()
}
