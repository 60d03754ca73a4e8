//! cckw keeps Claude Code running. `docs/internals/architecture.md` draws how the parts fit together.
#![deny(unsafe_op_in_unsafe_fn)]

pub mod claude;
pub mod cli;
pub mod client;
pub mod config;
pub mod escape;
pub mod fake_claude;
pub mod fault;
pub mod host;
pub mod os;
pub mod paths;
pub mod protocol;
pub mod registry;
pub mod remote;
pub mod user_error;
pub mod vt;
