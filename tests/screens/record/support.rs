//! As much of the harness as needs no binary of cckw, which an example has no path of.

#![allow(dead_code, unused_imports)]

#[path = "../../support/before_exec.rs"]
mod before_exec;
#[path = "../../support/display.rs"]
mod display;
#[path = "../../support/escape.rs"]
mod escape;
#[path = "../../support/keys.rs"]
mod keys;
#[path = "../../support/modes.rs"]
mod modes;
#[path = "../../support/process.rs"]
pub mod process;
#[path = "../../support/pty.rs"]
mod pty;
#[path = "../../support/pump.rs"]
mod pump;
#[path = "../../support/sandbox.rs"]
mod sandbox;
#[path = "../../support/terminal.rs"]
mod terminal;
#[path = "../../support/wait.rs"]
mod wait;

pub use display::Screen;
pub use keys::Key;
pub use pty::Size;
pub use sandbox::Sandbox;
pub use terminal::Terminal;
