//! All that knows Claude Code: its flags, its files, its screen.

pub mod args;
pub mod find;
pub mod refused;
pub mod state_file;
