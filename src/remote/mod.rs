//! Remote control: the link of a session, whether it is up, and how it is asked for again.

pub mod command;
pub mod detect;
pub mod reconnector;
pub mod transport;
