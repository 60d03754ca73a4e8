//! What cckw knows of Claude Code: when it is no session, what it is given, what its screen says.

mod long_arguments;
mod passthrough;
mod refusals;
mod screens;
mod unknown_version;
