//! What the list knows of a session beside its record.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde_json::Value;

use super::super::{last_turn, topic};
use super::json::{Installed, line, record_line};
use crate::os::parallel::share;
use crate::registry::Session;

/// How much is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// The records alone, to have something to show.
    Records,
    /// What the transcripts say, too; and the hosts are asked whether they answer.
    Everything,
}

/// What is known of a session beside its record.
pub struct Known {
    /// Its line.
    pub line: Value,
    /// How much of it was read.
    pub depth: Depth,
    /// Where its transcript is.
    pub transcript: Option<PathBuf>,
    /// How long that was, in bytes.
    pub transcript_bytes: u64,
    /// When it was read.
    pub read_at: Instant,
}

impl Known {
    /// Whether its transcript is not as long as it was.
    pub fn is_grown(&self) -> bool {
        self.transcript.as_deref().is_some_and(|path| bytes_of(path) != self.transcript_bytes)
    }

    fn of(session: &Session, depth: Depth, now: Instant, installed: &mut Installed) -> Self {
        let (mut transcript, mut transcript_bytes) = (None, 0);
        let line = match depth {
            Depth::Records => record_line(session, None, session.record.turn.as_ref()),
            Depth::Everything => {
                transcript = topic::transcript_of(session);
                // Before it is read: what comes behind this is seen to be more.
                transcript_bytes = transcript.as_deref().map_or(0, bytes_of);
                let about = topic::of_all(&[session]).pop().flatten();
                line(session, about.as_deref(), last_turn::of(session).as_ref(), installed)
            }
        };
        Self { line, depth, transcript, transcript_bytes, read_at: now }
    }
}

/// What is known of these sessions, in their order.
pub fn known_of(sessions: &[&Session], depth: Depth, now: Instant) -> Vec<Known> {
    share(sessions, |part| {
        let mut installed = Installed::default();
        part.iter().map(|session| Known::of(session, depth, now, &mut installed)).collect()
    })
}

fn bytes_of(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |found| found.len())
}
