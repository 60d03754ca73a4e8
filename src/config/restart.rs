//! `[restart]`: how claude is brought back after a crash.

use std::fmt;
use std::time::Duration;

use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer};

use super::duration::{any, positive};

/// When claude is brought back after a crash, and when no more.
///
/// The defaults cost a single crash a second, and outlast what is over in a minute or two (an update that is
/// replacing claude at the moment): ten crashes in a row take about four minutes.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Restart {
    /// How long the first crash after a stable while makes wait.
    #[serde(deserialize_with = "positive")]
    pub initial_delay: Duration,
    /// How long a claude that crashed soon after its start makes wait at least, as far as `max_delay` allows.
    /// Two that are killed so may make claude give up its fullscreen renderer.
    #[serde(deserialize_with = "any")]
    pub early_delay: Duration,
    /// What the delay never grows beyond (jitter may be added to it).
    #[serde(deserialize_with = "positive")]
    pub max_delay: Duration,
    /// How many times longer each delay is than the one before.
    #[serde(deserialize_with = "factor")]
    pub factor: f64,
    /// The largest part of the delay that is added at random.
    #[serde(deserialize_with = "jitter")]
    pub jitter: f64,
    /// How long claude has to have run to count as stable, which resets the delay.
    #[serde(deserialize_with = "positive")]
    pub stable_after: Duration,
    /// The crash that is one too many: this many within `crash_window`, or this many in a row without a
    /// stable while.
    #[serde(deserialize_with = "limit")]
    pub crash_limit: u32,
    /// How long a crash is counted.
    #[serde(deserialize_with = "positive")]
    pub crash_window: Duration,
    /// What a SIGTERM to claude alone means, which neither cckw nor its client has sent or passed on.
    pub on_sigterm: OnSigterm,
}

/// What a SIGTERM to claude alone means (earlyoom, an administrator). Nobody has told cckw that claude is to
/// end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnSigterm {
    /// It is a crash: claude is brought back.
    Restart,
    /// Somebody wants the session to end.
    End,
}

impl Default for Restart {
    fn default() -> Self {
        Self {
            initial_delay: Duration::from_secs(1),
            early_delay: Duration::from_secs(10),
            max_delay: Duration::from_secs(60),
            factor: 2.0,
            jitter: 0.1,
            stable_after: Duration::from_secs(60),
            crash_limit: 10,
            crash_window: Duration::from_secs(10 * 60),
            on_sigterm: OnSigterm::Restart,
        }
    }
}

impl Restart {
    /// What in the combination of keys makes no sense: the key, why, and what to do.
    pub(super) fn check(&self) -> Result<(), (&'static str, String, &'static str)> {
        if self.max_delay < self.initial_delay {
            let reason = format!(
                "`max_delay` ({:?}) is shorter than `initial_delay` ({:?})",
                self.max_delay, self.initial_delay
            );
            return Err(("max_delay", reason, "make it at least as long"));
        }
        Ok(())
    }
}

fn factor<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    deserializer.deserialize_any(Number { least: 1, most: 100, whole: false })
}

fn jitter<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    deserializer.deserialize_any(Number { least: 0, most: 1, whole: false })
}

/// A number of times.
pub(super) fn limit<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let number = Number { least: 1, most: 1000, whole: true };
    deserializer.deserialize_any(number).map(|limit| limit as u32)
}

/// A number that is allowed.
struct Number {
    least: u16,
    most: u16,
    whole: bool,
}

impl Visitor<'_> for Number {
    type Value = f64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.whole { "whole number" } else { "number" };
        write!(f, "a {kind} from {} to {}", self.least, self.most)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<f64, E> {
        if (i64::from(self.least)..=i64::from(self.most)).contains(&number) {
            return Ok(number as f64);
        }
        Err(E::invalid_value(Unexpected::Signed(number), &self))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<f64, E> {
        if !self.whole && (f64::from(self.least)..=f64::from(self.most)).contains(&number) {
            return Ok(number);
        }
        Err(E::invalid_value(Unexpected::Float(number), &self))
    }
}
