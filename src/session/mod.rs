//! The host: the process that owns the PTY of one session. `docs/architecture.md` draws a byte's way through it.

pub mod answers;
mod ending;
mod environment;
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
mod renewal;
pub mod revive;
pub mod screen;
mod server;
pub mod stamp;
mod start;
pub mod supervisor;
mod turn;
mod watch;

pub use start::main;
