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
///
/// As tried with Claude Code 2.1.329, a relative `HOME` counts (for cckw's own files it does not), and an empty one is none.
pub fn config_dir() -> Option<PathBuf> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let home = || set("HOME").or_else(paths::home).map(|home| home.join(".claude"));
    // A relative one counts from the working directory, which claude shares with us at its start.
    std::path::absolute(set("CLAUDE_CONFIG_DIR").or_else(home)?).ok()
}
