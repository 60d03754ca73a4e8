//! What claude's state file says about remote control.
//!
//! Undocumented. Nobody could look at a connected session here: the rule is that of
//! `claude-connection-keeper` 0.1.0 (PyPI), made stricter where a value is not one that it was seen to have.

use serde::{Deserialize, Serialize};

use super::state_file::{BridgeId, StateFile};

/// The values of `status` that mean an interactive session in a known state.
pub const STATUSES: [&str; 4] = ["busy", "shell", "idle", "waiting"];

/// Whether the session has a link to claude.ai.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Link {
    /// A bridge is associated.
    Connected,
    /// None is, in a session that could have one.
    Disconnected,
    /// The file does not say.
    Unknown,
}

impl Link {
    /// As a user reads it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Connected => "connected",
            Self::Disconnected => "disconnected",
            Self::Unknown => "unknown",
        }
    }
}

/// How far a [`Link`] can be relied on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Confidence {
    /// Not at all.
    #[default]
    None,
    /// The file can lag behind the link.
    Medium,
    /// The file names the bridge.
    High,
}

impl Confidence {
    /// As a user reads it.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// What was concluded, and from what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// The conclusion.
    pub link: Link,
    /// How far it can be relied on.
    pub confidence: Confidence,
    /// Why, in words; what comes from the file is in it as it stands there, control characters and all.
    pub reasons: Vec<String>,
}

impl Verdict {
    /// Nothing can be concluded, for this reason.
    pub fn unknown(reason: impl Into<String>) -> Self {
        Self::new(Link::Unknown, Confidence::None, reason)
    }

    fn new(link: Link, confidence: Confidence, reason: impl Into<String>) -> Self {
        Self { link, confidence, reasons: vec![reason.into()] }
    }
}

/// Classifies what a state file holds; nothing stands for a file that is not there, or not whole.
pub fn classify(file: Option<&StateFile>) -> Verdict {
    let Some(file) = file else {
        return Verdict::new(Link::Unknown, Confidence::None, "no whole state file");
    };
    match (&file.bridge, file.status.as_deref()) {
        (BridgeId::Id(id), _) => {
            Verdict::new(Link::Connected, Confidence::High, format!("the state file names the bridge {id}"))
        }
        (BridgeId::Odd, _) => {
            Verdict::new(Link::Unknown, Confidence::None, "bridgeSessionId is of an unknown type")
        }
        (BridgeId::Absent, Some(status)) if STATUSES.contains(&status) => Verdict::new(
            Link::Disconnected,
            Confidence::Medium,
            format!("the state file names no bridge, with status {status}"),
        ),
        (BridgeId::Absent, Some(status)) => Verdict::new(
            Link::Unknown,
            Confidence::None,
            format!("no bridge, and an unrecognized status {status}"),
        ),
        (BridgeId::Absent, None) => Verdict::new(Link::Unknown, Confidence::None, "no bridge, and no status"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(contents: &str) -> (Link, Confidence) {
        let file = StateFile::parse(contents.as_bytes());
        let verdict = classify(file.as_ref());
        assert!(!verdict.reasons.is_empty());
        (verdict.link, verdict.confidence)
    }

    #[test]
    fn a_named_bridge_is_a_link() {
        assert_eq!(verdict(r#"{"bridgeSessionId":"b"}"#), (Link::Connected, Confidence::High));
        assert_eq!(
            verdict(r#"{"bridgeSessionId":"b","status":"later"}"#),
            (Link::Connected, Confidence::High)
        );
    }

    #[test]
    fn no_bridge_with_a_known_status_is_no_link() {
        for bridge in ["", r#","bridgeSessionId":null"#, r#","bridgeSessionId":"""#] {
            for status in STATUSES {
                let contents = format!(r#"{{"status":"{status}"{bridge}}}"#);
                assert_eq!(verdict(&contents), (Link::Disconnected, Confidence::Medium), "{contents}");
            }
        }
    }

    #[test]
    fn anything_else_is_not_known() {
        for contents in
            ["", "{", "[]", "{}", r#"{"status":"later"}"#, r#"{"bridgeSessionId":7,"status":"idle"}"#]
        {
            assert_eq!(verdict(contents), (Link::Unknown, Confidence::None), "{contents}");
        }
    }
}
