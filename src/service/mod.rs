//! The service: it brings back what went down with the machine, and the sessions whose host was killed.
//!
//! `healer.rs` decides, without I/O and without a clock. `standing.rs` says how a session stands, `run.rs` waits
//! and does what was decided. A session is brought back by a process of its own, `cckw revive`. The service
//! holds nothing of a session: it can be killed at any time, and another one goes on. `updates.rs` has new
//! versions of cckw looked for, and `new_program.rs` goes on as one that was installed.
//!
//! `definition.rs` is what systemd, launchd and cron are told of it, `service_manager.rs` speaks with them, and
//! `install.rs` does the verbs.

mod definition;
mod healer;
pub mod install;
mod journal;
mod new_program;
pub mod run;
pub mod service_manager;
mod standing;
mod updates;
