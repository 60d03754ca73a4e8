//! The operating system: what differs between Linux and macOS, and most calls that need `unsafe`.
//!
//! Everything outside this folder is portable POSIX. What was never run on macOS is listed in
//! `docs/user/platforms.md`.

pub mod account;
pub mod activity;
pub mod async_fd;
pub mod clock;
pub mod command;
pub mod descriptors;
pub mod disk;
pub mod environ;
pub mod exit;
pub mod fd_store;
pub mod file_watch;
pub mod files;
pub mod inner_terminal;
pub mod io;
pub mod job;
pub mod kill;
pub mod limits;
pub mod listed_name;
pub mod logout;
pub mod memory_file;
pub mod moment;
pub mod mounts;
pub mod network;
pub mod own_program;
pub mod own_scope;
pub mod parallel;
pub mod poll;
pub mod process;
pub mod process_end;
pub mod process_start;
pub mod processes;
pub mod raw_text;
pub mod replace_program;
#[cfg(any(target_os = "macos", test))]
mod routes;
pub mod running_program;
pub mod signal_pipe;
pub mod signals;
pub mod socket;
pub mod suspend;
pub mod terminal_guard;
pub mod text;
pub mod threads;
pub mod tty;
pub mod umask;
