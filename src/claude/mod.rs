//! All that knows Claude Code: its flags, its files, its screen.

pub mod state_file;
