//! The client: the user's terminal, and the job that the shell sees. `docs/architecture.md` draws how it and the host work together.

pub mod attach;
mod client;
mod hold;
mod keys;
pub mod launch;
mod restore;
pub mod run;
pub mod scanner;
mod signals;
pub(crate) mod straight;
