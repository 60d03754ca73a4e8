//! The parts of the test child.

pub mod flow;
pub mod inherit;
pub mod report;
pub mod signals;
mod system;
mod taken;
pub mod tty;
