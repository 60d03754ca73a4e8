//! What stands against typing a message now.

use std::fmt;

use super::message::SendWhen;
use super::status::ClaudeStatus;
use crate::typing::KeyboardObstacle;

/// What stands against typing a message now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SendBlock {
    /// Claude does not run.
    NotRunning,
    /// Claude is stopped, or the shell has its terminal.
    Suspended,
    /// Claude has not said yet what it does.
    Starting,
    /// A turn runs.
    Busy,
    /// The state file names something else than the main prompt.
    Status(String),
    /// The screen shows something else.
    Screen(String),
    /// The window is too small to see the text before Enter.
    Window,
    /// The screen is being drawn, or claude has not come to rest.
    Unsettled,
    /// The keyboard does not rest.
    Keyboard(KeyboardObstacle),
    /// The client has not said that it holds the keys.
    NoAnswer,
    /// The reconnector types.
    OtherTypes,
}

impl SendBlock {
    pub(super) fn screen(why: &str) -> Self {
        Self::Screen(why.to_owned())
    }

    /// What the state file has against it.
    pub(super) fn of_status(status: &ClaudeStatus, when: SendWhen) -> Option<Self> {
        match status {
            ClaudeStatus::Idle => None,
            ClaudeStatus::Busy if when == SendWhen::Now => None,
            ClaudeStatus::Busy => Some(Self::Busy),
            ClaudeStatus::Unknown => Some(Self::Starting),
            ClaudeStatus::Elsewhere(why) => Some(Self::Status(why.clone())),
        }
    }

    /// Whether it passes by itself within moments.
    pub(super) fn is_fleeting(&self) -> bool {
        matches!(self, Self::Unsettled | Self::Keyboard(_) | Self::NoAnswer | Self::OtherTypes)
    }

    /// Whether waiting for an idle prompt does not help.
    pub(super) fn is_final(&self) -> bool {
        matches!(self, Self::NotRunning | Self::Suspended)
    }
}

impl fmt::Display for SendBlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotRunning => "claude does not run",
            Self::Suspended => "claude is suspended (ctrl-z); fg in its terminal continues it",
            Self::Starting => "claude has not come up yet",
            Self::Busy => "a turn runs",
            Self::Status(why) | Self::Screen(why) => why,
            Self::Window => "the window is too small to see the whole text before Enter",
            Self::Unsettled => "claude's screen does not come to rest",
            Self::Keyboard(KeyboardObstacle::Paste) => "somebody is pasting at its terminal",
            Self::Keyboard(KeyboardObstacle::Sequence | KeyboardObstacle::Typing) => {
                "somebody is typing at its terminal"
            }
            Self::Keyboard(KeyboardObstacle::Unread) => "claude has not read what was typed at its terminal",
            Self::NoAnswer => "the terminal that has the session does not answer",
            Self::OtherTypes => "cckw is asking for remote control in this session",
        })
    }
}
