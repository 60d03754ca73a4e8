//! The host: the process that owns the PTY of one session.
pub mod modes;
