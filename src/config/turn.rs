//! `[turn]`: what becomes of a turn that broke off.

use std::fmt;
use std::time::Duration;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer};

use super::duration::positive;
use super::restart::limit;

/// Longer prompts are refused, in bytes.
const MAX_PROMPT_BYTES: usize = 4096;

/// What becomes of a turn that broke off.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TurnPolicy {
    /// Claude crashed or its host was killed, or the machine went down.
    pub crash: OnBrokenTurn,
    /// The service has too much to do, or had an error of its own.
    pub overloaded: OnBrokenTurn,
    /// A usage limit is reached.
    pub limit: OnBrokenTurn,
    /// The service could not be reached.
    pub network: OnBrokenTurn,
    /// The login is not accepted.
    pub unauthorized: OnBrokenTurn,
    /// The pause before claude goes on after an error of the service; each later one is twice as long.
    #[serde(deserialize_with = "positive")]
    pub spacing: Duration,
    /// So many times in a row claude goes on by itself, without a turn that came to its end in between.
    #[serde(deserialize_with = "limit")]
    pub max_tries: u32,
    /// What claude is told, where it does not repeat the last prompt.
    #[serde(deserialize_with = "prompt")]
    pub prompt: String,
}

/// What is done about a turn that broke off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnBrokenTurn {
    /// Nothing. The user can go on with it.
    Off,
    /// The user is told.
    Ask,
    /// Claude goes on with it.
    Continue,
}

impl Default for TurnPolicy {
    fn default() -> Self {
        Self {
            crash: OnBrokenTurn::Off,
            overloaded: OnBrokenTurn::Off,
            limit: OnBrokenTurn::Off,
            network: OnBrokenTurn::Off,
            unauthorized: OnBrokenTurn::Off,
            spacing: Duration::from_secs(60),
            max_tries: 3,
            prompt: "The last turn broke off. Look at what is done already, and go on from there.".into(),
        }
    }
}

fn prompt<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    deserializer.deserialize_any(PromptText)
}

/// A text that is typed or passed in the environment.
struct PromptText;

impl Visitor<'_> for PromptText {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a text of one line, not empty, of at most {MAX_PROMPT_BYTES} bytes")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<String, E> {
        let fits = !text.trim().is_empty() && text.len() <= MAX_PROMPT_BYTES;
        // A command or a shell line would be something else than a prompt.
        let is_prompt = !text.starts_with(['/', '!', '#']) && !text.chars().any(char::is_control);
        if fits && is_prompt {
            return Ok(text.to_owned());
        }
        Err(E::invalid_value(serde::de::Unexpected::Str(text), &self))
    }
}
