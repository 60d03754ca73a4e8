//! The parts of the test child.

pub mod flow;
pub mod inherit;
pub mod report;
pub mod signals;
pub mod tty;
