//! What the black-box tests stand on: a terminal, a shell in it, a home directory of its own, and a look at
//! the processes. Nothing here uses code of cckw, so that a mistake there cannot hide itself here.
//!
//! ```ignore
//! use crate::support::{Key, Sandbox, Terminal};     // #[path = "../support/mod.rs"] mod support; in main.rs
//!
//! let sandbox = Sandbox::new();                       // HOME, XDG dirs, cwd, an empty PATH folder first in PATH
//! sandbox.link("claude", "/path/to/some/claude");     // what `claude` is in there
//! let mut command = sandbox.command(cckw_program());
//! command.arg("claude");
//! let mut terminal = Terminal::builder().size(40, 120).spawn(command); // session leader on a new PTY
//! terminal.wait_for("the prompt", |screen| screen.contains("❯"));
//! terminal.type_text("hello");                        // one write, as from a keyboard
//! terminal.press(Key::Enter);                         // encoded as the modes then on ask for
//! assert_eq!(terminal.finish().code(), Some(0));      // exit, and every byte of output read
//! assert_eq!(terminal.modes().left_on(), Vec::<String>::new());
//! ```
//!
//! * A thread reads the terminal all the time, as a terminal does; [`Terminal::stop_reading`] holds it.
//!   For floods build with `.emulate(false)` (the screen model is slow in a debug build) and use
//!   [`Terminal::take_output`].
//! * A program that is to leave its terminal behind (ctrl-z, a killed client) runs in a shell:
//!   [`Terminal::shell`] starts one without start-up files, whose prompt is [`PROMPT`]; the end of a session
//!   leader hangs the terminal up, and what a host then still writes is lost.
//! * A shell sets its own modes and attributes after its prompt is shown: keep [`Terminal::manners`] at one
//!   prompt and hold those of a later one against them with [`Terminal::wait_for_manners`].
//! * Every wait takes its own name for the message and ends by [`DEADLINE`], which no passing test reaches.
//! * Dropping a [`Sandbox`] kills, by pid, every process that carries its mark in its environment.
//!
//! What Linux alone has is in `mounts`, `system`, `refused_calls`, and in files below `process` and `pty`.

// Each test program compiles this module anew and uses a part of it.
#![allow(dead_code, unused_imports)]

pub mod advice;
pub mod bed_script;
mod before_exec;
pub mod cck;
mod child;
mod display;
mod escape;
mod keys;
mod modes;
pub mod mounts;
pub mod other_user;
pub mod own_process;
pub mod process;
mod program;
pub mod pty;
mod pump;
#[cfg(target_os = "linux")]
pub mod refused_calls;
mod sandbox;
mod shell;
pub mod stand_in;
pub mod system;
mod terminal;
mod tmux;
pub mod verb;
mod wait;

pub use before_exec::{before_exec, limit};
pub use child::{MORE_THAN_BUFFERS_HOLD, TALKATIVE, pty_child};
pub use display::{Answers, Screen};
pub use keys::Key;
pub use modes::Modes;
pub use program::{cckw_program, has_faults, system_words};
pub use pty::Size;
pub use sandbox::{Record, Sandbox, pid};
pub use shell::PROMPT;
pub use terminal::{Builder, Terminal};
pub use tmux::Tmux;
pub use wait::{DEADLINE, wait_or_report, wait_until, wait_until_some};
