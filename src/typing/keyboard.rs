//! What the client knows of the keyboard, and what of it stands against typing.

use std::time::Duration;

/// What the client knows of the keyboard.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct KeyboardState {
    /// How long ago the user typed; nothing if they have not, in this client.
    pub typed: Option<Duration>,
    /// Whether a paste is half through.
    pub in_paste: bool,
    /// Whether an escape sequence is half through.
    pub in_sequence: bool,
    /// Whether keys wait that claude has not read.
    pub unread: bool,
    /// How long ago the user pressed ctrl-s.
    pub stashed: Option<Duration>,
}

/// Why nobody else may type now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyboardObstacle {
    /// A paste is half through.
    Paste,
    /// An escape sequence is half through.
    Sequence,
    /// Keys wait that claude has not read.
    Unread,
    /// The user typed a moment ago.
    Typing,
}

impl KeyboardState {
    /// What stands against typing, where the keyboard has to rest for `rest` before.
    pub fn obstacle(self, rest: Duration) -> Option<KeyboardObstacle> {
        match self {
            Self { in_paste: true, .. } => Some(KeyboardObstacle::Paste),
            Self { in_sequence: true, .. } => Some(KeyboardObstacle::Sequence),
            Self { unread: true, .. } => Some(KeyboardObstacle::Unread),
            Self { typed: Some(ago), .. } if ago < rest => Some(KeyboardObstacle::Typing),
            _ => None,
        }
    }
}
