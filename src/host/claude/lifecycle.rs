//! How far a session is with its claude. The supervisor owns it, and nothing else keeps the same facts.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::supervisor::{ClaudeLaunch, FinishReason};
use crate::os::exit::Exit;

/// How far a session is. It goes from each of these to the next one, and from `Waiting` also back to
/// `Running`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Lifecycle {
    /// Claude runs, is stopped, or is about to be started.
    Running(Launched),
    /// Claude has ended. What it wrote last is read, and written to the terminal.
    Draining {
        /// The launch that has ended.
        launched: Launched,
        /// How it ended.
        exit: Exit,
    },
    /// Claude is gone, and is to be launched at that time.
    Waiting {
        /// How the last one ended.
        exit: Exit,
        /// When the next one is launched.
        until: Duration,
    },
    /// Nothing is launched any more.
    Ended {
        /// How the last one ended.
        exit: Exit,
        /// Why the session is over.
        why: FinishReason,
    },
}

/// A launch, until what comes of it is decided.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Launched {
    /// With what; nothing for the first launch.
    pub launch: Option<ClaudeLaunch>,
    /// Nothing until it was executed.
    pub started: Option<Duration>,
    /// Whether it has written a state file that counts.
    pub is_up: bool,
    /// The user does not want claude back.
    pub quit: bool,
}

impl Lifecycle {
    /// A launch that is about to be made.
    pub fn launching(launch: Option<ClaudeLaunch>) -> Self {
        Self::Running(Launched { launch, ..Launched::default() })
    }

    /// Whether claude runs, or is about to.
    pub fn is_running(&self) -> bool {
        matches!(self, Self::Running(_))
    }

    /// Whether claude is gone, and is to come back.
    pub fn is_waiting(&self) -> bool {
        matches!(self, Self::Waiting { .. })
    }

    /// The launch that nothing was decided about yet.
    pub fn launched_mut(&mut self) -> Option<&mut Launched> {
        match self {
            Self::Running(launched) | Self::Draining { launched, .. } => Some(launched),
            Self::Waiting { .. } | Self::Ended { .. } => None,
        }
    }

    /// How claude ended, where nothing more is launched before that is handled.
    pub fn unhandled_exit(&self) -> Option<Exit> {
        match self {
            Self::Draining { exit, .. } | Self::Ended { exit, .. } => Some(*exit),
            Self::Running(_) | Self::Waiting { .. } => None,
        }
    }

    /// Whether nobody wants claude back: the user has said so, or it could not be brought back when its time
    /// had come.
    pub fn has_quit(&self) -> bool {
        match self {
            Self::Running(launched) | Self::Draining { launched, .. } => launched.quit,
            Self::Waiting { .. } => false,
            Self::Ended { why, .. } => matches!(
                why,
                FinishReason::Quit | FinishReason::Held | FinishReason::Lost(_) | FinishReason::CannotStart
            ),
        }
    }

    /// Whether claude was wanted, and is not brought back.
    pub fn gave_up(&self) -> bool {
        let Self::Ended { why, .. } = self else { return false };
        match why {
            FinishReason::CrashLoop { .. }
            | FinishReason::Held
            | FinishReason::Lost(_)
            | FinishReason::CannotStart => true,
            FinishReason::Clean | FinishReason::OwnError | FinishReason::Quit => false,
        }
    }
}
