//! A record that cannot be written: the disk is full, or was mounted read-only. The session goes on with what it knows.

use std::time::{Duration, Instant};

use serde_json::json;

use super::Host;

/// How long after a failure it is tried again. Only then does an idle session wake up for it.
const PACE: Duration = Duration::from_secs(2);

/// What keeps the record from being written; nothing where it is on disk.
#[derive(Debug, Default)]
pub(super) struct Unsaved {
    why: Option<String>,
    again_at: Option<Instant>,
}

impl Unsaved {
    /// When it is to be tried again.
    pub(super) fn again_at(&self) -> Option<Instant> {
        self.again_at
    }
}

impl Host {
    /// Writes the record. Where that fails it is said once, and tried again until it works.
    pub(super) fn save(&mut self) {
        match self.record.write(&self.directory) {
            Ok(()) => {
                if std::mem::take(&mut self.unsaved).why.is_some() {
                    self.events.write("record-written", json!({}));
                }
            }
            Err(error) => {
                let why = error.to_string();
                if self.unsaved.why.is_none() {
                    self.events.write("record-not-written", json!({ "error": why }));
                    self.notices
                        .add(&format!("the session goes on, but its record cannot be written: {why}"));
                }
                self.unsaved = Unsaved { why: Some(why), again_at: Some(Instant::now() + PACE) };
            }
        }
    }

    /// The session is over, and its record says something else: the user hears it here, because nothing will tell it later.
    pub(super) fn say_what_is_unsaved(&mut self) {
        if let Some(why) = self.unsaved.why.take() {
            self.say(&format!("the end of this session could not be written down: {why}"));
        }
    }
}
