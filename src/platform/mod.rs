//! The operating system: what differs between Linux and macOS, and most calls that need `unsafe`.
//!
//! Everything outside this folder is portable POSIX. What was never run on macOS is listed in `docs/platforms.md`.

pub mod asleep;
pub mod clock;
pub mod command;
pub mod descriptors;
pub mod files;
pub mod io;
pub mod job;
pub mod network;
pub mod poll;
pub mod process;
pub mod share;
pub mod signal_pipe;
pub mod signals;
pub mod socket;
pub mod tty;
pub mod umask;
