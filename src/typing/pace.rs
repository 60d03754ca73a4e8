//! How long claude gets for what it has to draw, and how often it is looked at meanwhile.

use std::time::Duration;

/// How long claude may take to show what keys did, if it rests.
pub const DRAW_TIMEOUT: Duration = Duration::from_secs(2);
/// The same for what has to be undone.
pub const UNDO_DRAW_TIMEOUT: Duration = Duration::from_secs(8);
/// How much longer a step may take while claude does not rest. With 3 % of a core, 2.1.332 took five seconds
/// to draw a paste.
pub const SLOW_CLAUDE_EXTRA_TIME: Duration = Duration::from_secs(20);
/// How long a try waits, with nothing typed, for a claude that rests.
pub const REST_TIMEOUT: Duration = Duration::from_secs(10);
/// The time between two looks.
pub const LOOK_INTERVAL: Duration = Duration::from_millis(40);
/// The same where a frame is half drawn.
pub const UNSETTLED_LOOK_INTERVAL: Duration = Duration::from_millis(15);
/// How long claude may take to bring a draft back by itself, once a command was submitted.
pub const DRAFT_RESTORE_TIMEOUT: Duration = Duration::from_millis(900);
