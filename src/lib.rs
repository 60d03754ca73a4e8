//! cckw keeps Claude Code running. `docs/internals/architecture.md` draws how the parts fit together.
#![deny(unsafe_op_in_unsafe_fn)]

pub mod claude;
pub mod cli;
mod client;
pub mod config;
mod escape;
mod fake_claude;
pub mod fault;
mod host;
pub mod machines;
mod near_side;
pub mod os;
pub mod paths;
pub mod protocol;
mod registry;
pub mod remote;
mod sending;
mod service;
pub mod typing;
pub mod update;
mod user_error;
pub mod vt;
