//! Claude's fullscreen renderer is on trial after each start.
//!
//! As read in Claude Code 2.1.332, and tried: from its start on `fullscreenBootPending` in `.claude.json`
//! names the process, until ten seconds after its first frame, or until it ends by itself (also by SIGHUP or
//! SIGTERM). A start that finds there a process that is gone counts a strike, and takes the classic renderer
//! once. The second strike (`fullscreenAutoDisabled`) switches the fullscreen renderer off until claude's next
//! version. Only a claude that gets through its trial takes a strike away.

use std::time::Duration;

/// How long after its launch a claude may still be on trial: ten seconds, and what it takes to its first
/// frame on a machine that is busy.
pub const TRIAL: Duration = Duration::from_secs(15);
