//! The table `[remote_control]`: whether a link that went down is brought back, and how patiently.

use std::time::Duration;

use serde::{Deserialize, Deserializer, de::Error};

use super::duration;
use super::restart::limit;

/// The shortest pause between two tries.
const LEAST_COOLDOWN: Duration = Duration::from_secs(10);
/// The most characters of the command and its name: what is typed has to fit on one line to be recognised.
const MAX_COMMAND_CHARS: usize = 60;

/// How remote control is kept.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RemoteControl {
    /// Whether at all.
    #[serde(rename = "keep")]
    pub policy: ReconnectPolicy,
    /// How long the link must have been down before anything is typed: claude mends a lot by itself.
    #[serde(deserialize_with = "duration::positive")]
    pub disconnected_for: Duration,
    /// How long the keyboard must have been at rest.
    #[serde(deserialize_with = "duration::positive")]
    pub rest: Duration,
    /// The pause after the first try that failed; each further one is twice as long.
    #[serde(deserialize_with = "duration::positive")]
    pub cooldown: Duration,
    /// What the pause never grows beyond.
    #[serde(deserialize_with = "duration::positive")]
    pub max_cooldown: Duration,
    /// How many tries in a row may fail.
    #[serde(deserialize_with = "limit")]
    pub max_tries: u32,
    /// What is typed.
    #[serde(deserialize_with = "command")]
    pub command: String,
    /// How long the machine must have slept for a link to be switched off and on afterwards; nothing for
    /// never.
    #[serde(deserialize_with = "duration::or_off")]
    pub cycle_after_sleep: Option<Duration>,
    /// How long the network must have been away for the same.
    #[serde(deserialize_with = "duration::or_off")]
    pub cycle_after_outage: Option<Duration>,
    /// How long claude must have been idle, with its link up, for the same.
    #[serde(deserialize_with = "duration::or_off")]
    pub cycle_after_idle: Option<Duration>,
    /// Whether claude is restarted, when it is idle, where nothing else brings the link back.
    pub restart: bool,
    /// What is typed behind it, which names the session on the other device; empty for nothing.
    #[serde(deserialize_with = "name")]
    pub name: String,
}

/// When a link is brought back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReconnectPolicy {
    /// Never.
    Off,
    /// If there was one in the session.
    IfUsed,
    /// Whenever there is none, also the first time.
    Always,
}

impl Default for RemoteControl {
    fn default() -> Self {
        Self {
            policy: ReconnectPolicy::IfUsed,
            disconnected_for: Duration::from_secs(15),
            rest: Duration::from_secs(3),
            cooldown: LEAST_COOLDOWN,
            max_cooldown: Duration::from_secs(10 * 60),
            max_tries: 8,
            command: "/remote-control".into(),
            cycle_after_sleep: Some(Duration::from_secs(60)),
            cycle_after_outage: None,
            cycle_after_idle: None,
            restart: false,
            name: String::new(),
        }
    }
}

impl RemoteControl {
    /// What in the combination of keys makes no sense: the key, why, and what to do.
    pub(super) fn check(&self) -> Result<(), (&'static str, String, &'static str)> {
        if self.cooldown < LEAST_COOLDOWN {
            let reason = format!("`cooldown` ({:?}) is shorter than 10s", self.cooldown);
            return Err(("cooldown", reason, "give claude and its server that much time"));
        }
        if self.max_cooldown < self.cooldown {
            let reason = format!(
                "`max_cooldown` ({:?}) is shorter than `cooldown` ({:?})",
                self.max_cooldown, self.cooldown
            );
            return Err(("max_cooldown", reason, "make it at least as long"));
        }
        Ok(())
    }

    /// The line that is typed at claude's prompt.
    pub fn line(&self) -> String {
        format!("{} {}", self.command, self.name).trim_end().to_owned()
    }
}

fn command<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.strip_prefix('/').is_some_and(|rest| !rest.is_empty() && rest.chars().all(is_of_a_command)) {
        return Ok(text);
    }
    Err(D::Error::custom("expected a slash command in one word, such as \"/remote-control\" or \"/rc\""))
}

fn is_of_a_command(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '-' | '_' | ':')
}

fn name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    // Printable ASCII alone: what is typed is compared with what is drawn, cell by cell.
    let plain = text.chars().all(|character| character == ' ' || character.is_ascii_graphic());
    if plain && text.trim() == text && text.len() <= MAX_COMMAND_CHARS {
        return Ok(text);
    }
    Err(D::Error::custom(
        "expected at most 60 letters, digits and signs of ASCII, without spaces at its ends",
    ))
}
