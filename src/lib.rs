//! cckw keeps Claude Code running. `docs/architecture.md` draws how the parts fit together.
#![deny(unsafe_op_in_unsafe_fn)]

pub mod claude;
pub mod cli;
pub mod config;
pub mod control;
pub mod escape;
pub mod fleet;
pub mod paths;
pub mod platform;
pub mod session;
pub mod standin;
pub mod terminal;
