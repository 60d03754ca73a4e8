//! What a session's record says about remote control.

use serde::{Deserialize, Serialize};

use super::keeper::{Report, Standing};
use crate::claude::remote_control::Confidence;

/// How remote control stands in a session.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remote {
    /// The conclusion.
    #[serde(default)]
    pub state: RemoteState,
    /// How far it can be relied on.
    #[serde(default)]
    pub confidence: Confidence,
    /// What the state file says, in words.
    #[serde(default)]
    pub file: String,
    /// What the screen's footer said when it was last looked at, in a word.
    #[serde(default)]
    pub screen: Option<String>,
    /// Why the state is what it is, and why nothing is done about it, in words.
    #[serde(default)]
    pub reasons: Vec<String>,
    /// Whether a link was seen in this session.
    #[serde(default)]
    pub used: bool,
    /// Whether the user has switched it off.
    #[serde(default)]
    pub turned_off: bool,
    /// How many tries to bring it back there were in a row.
    #[serde(default)]
    pub tries: u32,
    /// The last of them.
    #[serde(default)]
    pub last_try: Option<Attempt>,
    /// When there may be another one, in seconds since 1970.
    #[serde(default)]
    pub next_try_at: Option<u64>,
}

/// One try to bring the link back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// Seconds since 1970.
    pub at: u64,
    /// What came of it, in words.
    pub outcome: String,
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
    /// What the keeper reports; its times count from `begun`, in seconds since 1970.
    pub fn new(report: Report, begun: u64) -> Self {
        let state = match report.standing {
            _ if report.reconnecting => RemoteState::Reconnecting,
            Standing::Connecting => RemoteState::Reconnecting,
            Standing::Up | Standing::Disagree => RemoteState::Connected,
            Standing::Unknown => RemoteState::Unknown,
            Standing::Down if report.refused.is_some() => RemoteState::Unavailable,
            Standing::Down if report.turned_off || !report.wanted => RemoteState::Off,
            Standing::Down => RemoteState::Disconnected,
        };
        let mut reasons = vec![report.file.clone()];
        reasons.extend(report.screen.map(|screen| format!("the screen says {screen}")));
        reasons.extend(report.said.map(|said| format!("claude said: {said}")));
        reasons.extend(report.why.map(|why| format!("nothing is typed: {why}")));
        Self {
            state,
            confidence: report.confidence,
            file: report.file,
            screen: report.screen.map(str::to_owned),
            reasons,
            used: report.used,
            turned_off: report.turned_off,
            tries: report.tries,
            last_try: report.last_try.map(|(at, outcome)| Attempt { at: begun + at.as_secs(), outcome }),
            next_try_at: report.next_try.map(|at| begun + at.as_secs()),
        }
    }
}
