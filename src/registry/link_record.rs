//! What a session's record says about remote control.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::claude::remote_control::Confidence;

/// How remote control stands in a session.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkRecord {
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
    pub last_try: Option<AttemptRecord>,
    /// When there may be another one, in seconds since 1970.
    #[serde(default)]
    pub next_try_at: Option<u64>,
    /// The last request of `cckw reconnect` that ended without a try.
    #[serde(default)]
    pub last_request: Option<RequestEnd>,
}

/// How a request ended without a try.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestEnd {
    /// Counts such ends, from 1.
    pub number: u32,
    /// Seconds since 1970.
    pub at: u64,
    /// Why, in words.
    pub outcome: String,
}

/// One try to bring the link back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptRecord {
    /// Counts such records, from 1: two tries may have the same outcome within a second. 0 where a version wrote
    /// it that did not count.
    #[serde(default)]
    pub number: u32,
    /// Seconds since 1970.
    pub at: u64,
    /// What came of it.
    pub outcome: AttemptOutcome,
}

/// How the link stands, as far as state file and screen tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LinkStatus {
    Up,
    /// It is not.
    Down,
    /// Claude is connecting.
    Connecting,
    /// The state file says no, the screen yes.
    Disagree,
    /// Nobody can tell.
    Unknown,
}

/// What came of a try. In the record it is the sentence that [`fmt::Display`] gives: users read it there, and
/// scripts compare it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", from = "String")]
pub enum AttemptOutcome {
    /// The command was submitted; claude has not answered yet.
    Submitted,
    /// The link is up.
    Back,
    /// The link was up all the time. Claude has opened its panel.
    WasUp(PanelLeft),
    /// It came too early, and is made again.
    NotYet,
    /// It failed, for this reason: claude's words, or ours.
    Failed(String),
}

impl AttemptOutcome {
    /// All that have a sentence of their own.
    const FIXED: [Self; 5] = [
        Self::Submitted,
        Self::Back,
        Self::WasUp(PanelLeft::Closed),
        Self::WasUp(PanelLeft::Open),
        Self::NotYet,
    ];
}

impl fmt::Display for AttemptOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Submitted => f.write_str("submitted"),
            Self::Back => f.write_str("the link is up"),
            Self::WasUp(panel) => write!(f, "the link is up after all; {panel}"),
            Self::NotYet => f.write_str("claude still counts the link that failed as on"),
            Self::Failed(why) => f.write_str(why),
        }
    }
}

impl From<AttemptOutcome> for String {
    fn from(outcome: AttemptOutcome) -> Self {
        outcome.to_string()
    }
}

/// A sentence that is none of the fixed ones says why the try failed.
impl From<String> for AttemptOutcome {
    fn from(said: String) -> Self {
        Self::FIXED.into_iter().find(|outcome| outcome.to_string() == said).unwrap_or(Self::Failed(said))
    }
}

/// What became of the panel that claude opens where the link is up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(into = "String")]
pub enum PanelLeft {
    /// It was closed again.
    Closed,
    /// It could not be closed.
    Open,
}

impl fmt::Display for PanelLeft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed => "its panel was closed",
            Self::Open => "its panel is still open",
        })
    }
}

impl From<PanelLeft> for String {
    fn from(panel: PanelLeft) -> Self {
        panel.to_string()
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outcome_is_a_sentence_in_the_record_and_is_known_again() {
        let failed = AttemptOutcome::Failed("claude did not answer in time".into());
        let written = [
            (AttemptOutcome::Submitted, "submitted"),
            (AttemptOutcome::Back, "the link is up"),
            (AttemptOutcome::WasUp(PanelLeft::Closed), "the link is up after all; its panel was closed"),
            (AttemptOutcome::WasUp(PanelLeft::Open), "the link is up after all; its panel is still open"),
            (AttemptOutcome::NotYet, "claude still counts the link that failed as on"),
            (failed, "claude did not answer in time"),
        ];
        for (outcome, sentence) in written {
            let record = AttemptRecord { number: 2, at: 7, outcome };
            let json = serde_json::json!({ "number": 2, "at": 7, "outcome": sentence });
            assert_eq!(serde_json::to_value(&record).expect("JSON"), json);
            assert_eq!(serde_json::from_value::<AttemptRecord>(json).expect("a record"), record);
        }
    }
}
