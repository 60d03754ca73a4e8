//! The end of a wait for a session that is not the one that was waited for. The statuses are the same for
//! every verb that waits: docs/user/scripting.md.

/// It asks its user something.
pub const ASKS: u8 = 3;
/// The time is over.
pub const TIMED_OUT: u8 = 5;
