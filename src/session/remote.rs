//! What a session's record says about remote control.

use serde::{Deserialize, Serialize};

use crate::claude::remote_control::{Confidence, Link, Verdict};

/// How remote control stands in a session.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remote {
    /// The conclusion.
    #[serde(default)]
    pub state: RemoteState,
    /// How far it can be relied on.
    #[serde(default)]
    pub confidence: Confidence,
    /// Why, in words.
    #[serde(default)]
    pub reasons: Vec<String>,
    /// Whether a link was seen in this session.
    #[serde(default)]
    pub used: bool,
}

/// Remote control, as a user sees it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RemoteState {
    /// The session has a link to claude.ai.
    Connected,
    /// It had one.
    Disconnected,
    /// The link is being brought back.
    Reconnecting,
    /// Claude says that this session cannot have one.
    Unavailable,
    /// It was not asked for, or was switched off.
    Off,
    /// Nobody can tell.
    #[default]
    #[serde(other)]
    Unknown,
}

impl Remote {
    /// Follows what the state file says.
    pub fn follow(&mut self, verdict: Verdict) {
        self.used |= verdict.link == Link::Connected;
        self.state = match verdict.link {
            Link::Connected => RemoteState::Connected,
            Link::Disconnected if self.used => RemoteState::Disconnected,
            Link::Disconnected => RemoteState::Off,
            Link::Unknown => RemoteState::Unknown,
        };
        self.confidence = verdict.confidence;
        self.reasons = verdict.reasons;
    }
}
