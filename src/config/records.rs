//! `[records]`: how long it is remembered what has ended.

use std::time::Duration;

use serde::Deserialize;

use super::duration::or_off;

/// How long cckw's records of sessions are kept that have ended.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Records {
    /// How long after its end a session's record goes; nothing where it stays.
    #[serde(deserialize_with = "or_off")]
    pub keep: Option<Duration>,
}

impl Default for Records {
    fn default() -> Self {
        Self { keep: Some(Duration::from_secs(30 * 24 * 60 * 60)) }
    }
}
