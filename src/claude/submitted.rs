//! What a transcript gets from the moment on at which a text is typed.

use std::io::{Read, Seek, SeekFrom};
use std::path::PathBuf;

use super::pasted::{PastedText, SubmittedAs};
use super::transcript;
use super::transcript::TranscriptOnDisk;
use crate::os::files::open_plain;

/// How much is read at a time, in bytes. The lines of a long text hold it more than once.
const MAX_READ_BYTES: u64 = 8 << 20;

/// The end of a transcript, from the moment on at which a text was typed.
#[derive(Debug)]
pub struct TranscriptTail {
    conversation: Option<String>,
    cwd: Option<PathBuf>,
    path: Option<PathBuf>,
    position: u64,
}

impl TranscriptTail {
    /// Begins at the end of the transcript of this conversation. One that has none yet begins at nothing.
    pub fn begin(conversation: Option<&str>, cwd: Option<PathBuf>) -> Self {
        let mut tail = Self { conversation: conversation.map(str::to_owned), cwd, path: None, position: 0 };
        tail.path = tail.look_up();
        let length = tail.path.as_ref().and_then(|path| Some(path.metadata().ok()?.len()));
        tail.position = length.unwrap_or(0);
        tail
    }

    /// The same, from a position on that is known from an earlier look.
    pub fn resume(conversation: Option<&str>, cwd: Option<PathBuf>, position: u64) -> Self {
        Self { position, ..Self::begin(conversation, cwd) }
    }

    /// How long the transcript was, in bytes.
    pub fn position(&self) -> u64 {
        self.position
    }

    fn look_up(&self) -> Option<PathBuf> {
        let projects = transcript::directory()?;
        match transcript::find(&projects, self.conversation.as_deref()?, self.cwd.as_deref()) {
            TranscriptOnDisk::Conversation(path) | TranscriptOnDisk::Unusable(path) => Some(path),
            TranscriptOnDisk::Nothing | TranscriptOnDisk::Unknown => None,
        }
    }

    /// How the lines that have come since the last look say that this text was submitted. A line that is not
    /// whole yet is read again.
    pub fn find(&mut self, text: &PastedText) -> Option<SubmittedAs> {
        if self.path.is_none() {
            self.path = self.look_up();
        }
        let mut file = open_plain(self.path.as_ref()?).ok()?;
        file.seek(SeekFrom::Start(self.position)).ok()?;
        let mut bytes = Vec::new();
        file.take(MAX_READ_BYTES).read_to_end(&mut bytes).ok()?;
        let whole = memchr::memrchr(b'\n', &bytes)? + 1;
        self.position += whole as u64;
        bytes[..whole].split(|byte| *byte == b'\n').find_map(|line| text.submitted_in(line))
    }
}
