//! All that knows Claude Code: its flags, its files, its screen.

pub mod args;
pub mod find;
pub mod state_file;
