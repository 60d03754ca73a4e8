//! The host: the process that owns the PTY of one session. `docs/architecture.md` draws a byte's way through it.

pub mod answers;
mod ending;
mod events;
mod host;
pub mod keeper;
mod launcher;
pub mod log;
pub mod modes;
mod notices;
mod output;
mod pty;
pub mod record;
pub mod remote;
pub mod revive;
pub mod screen;
mod server;
mod start;
pub mod supervisor;
mod watch;

pub use start::main;
