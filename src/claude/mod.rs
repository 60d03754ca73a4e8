//! All that knows Claude Code: its flags, its files, its screen.

use std::path::PathBuf;

use crate::paths;

pub mod args;
pub mod exits;
pub mod find;
pub mod installed;
pub mod live;
pub mod newest;
pub mod obstacles;
pub mod refusal;
pub mod refused;
pub mod remote_control;
pub mod screen;
pub mod server;
pub mod state_file;
pub mod transcript;

/// Where claude keeps its files: `$CLAUDE_CONFIG_DIR`, else `~/.claude`. Nothing where the user has no home.
pub fn config_dir() -> Option<PathBuf> {
    match std::env::var_os("CLAUDE_CONFIG_DIR").filter(|value| !value.is_empty()) {
        // A relative one counts from the working directory, which claude shares with us at its start.
        Some(path) => std::path::absolute(path).ok(),
        None => Some(paths::home()?.join(".claude")),
    }
}
