//! Keys, mouse and pastes, from the bytes that a terminal sends.
//!
//! crossterm's `EventStream` is not used: it never ends when its terminal is gone, and holds back what is typed beyond its
//! buffer. Its words for keys are used. docs/internals/dependencies.md has what was measured.

mod sequence;

#[cfg(test)]
mod tests;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::event::Event;
use crate::sending::text::MAX_TEXT_BYTES;
use crate::vt::tokenizer::ESC;

use sequence::Found;

/// Where a paste begins.
const PASTE_BEGIN: &[u8] = b"\x1b[200~";
/// Where it ends.
const PASTE_END: &[u8] = b"\x1b[201~";
/// What is typed alone to leave, also where a paste does not end.
const CTRL_C: &[u8] = b"\x03";
/// What is kept of a paste, in bytes. The rest is dropped, and what is kept is more than a text may have.
const MAX_PASTE_BYTES: usize = MAX_TEXT_BYTES + PASTE_END.len();

/// Takes what was read from a terminal, cut anywhere, and gives what the user did.
#[derive(Debug, Default)]
pub struct InputDecoder {
    /// The beginning of a sequence or of a character.
    waiting: Vec<u8>,
    /// The paste so far, inside one.
    paste: Option<Vec<u8>>,
}

impl InputDecoder {
    /// Takes a read.
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<Event> {
        let mut events = Vec::new();
        if self.paste.is_some() && bytes == CTRL_C {
            // The end of the paste was lost. Nobody could leave otherwise.
            self.clear();
        }
        self.waiting.extend_from_slice(bytes);
        let all = std::mem::take(&mut self.waiting);
        let mut rest = &all[..];
        while !rest.is_empty() {
            let taken = if self.paste.is_some() {
                self.take_paste(rest, &mut events)
            } else if rest.starts_with(PASTE_BEGIN) {
                self.paste = Some(Vec::new());
                PASTE_BEGIN.len()
            } else {
                match sequence::first(rest) {
                    Found::Event(event, length) => {
                        events.extend(event);
                        length
                    }
                    Found::Incomplete => break,
                }
            };
            if taken == 0 {
                break;
            }
            rest = &rest[taken..];
        }
        self.waiting = rest.to_vec();
        events
    }

    /// Whether a sequence is half through, so that [`Self::flush`] should be called when nothing has come for a moment. A
    /// paste is waited for without a bound.
    pub fn is_waiting(&self) -> bool {
        self.paste.is_none() && !self.waiting.is_empty()
    }

    /// Nothing more has come: what looked like a sequence was keys.
    pub fn flush(&mut self) -> Vec<Event> {
        if !self.is_waiting() {
            return Vec::new();
        }
        let bytes = std::mem::take(&mut self.waiting);
        match bytes.strip_prefix(&[ESC]) {
            Some([]) => vec![Event::Key(KeyEvent::new(KeyCode::Esc, KeyModifiers::NONE))],
            Some([key]) => sequence::alt(&[*key]).into_iter().collect(),
            // More of a sequence than two keys: its end was lost.
            _ => Vec::new(),
        }
    }

    /// Forgets what is half through.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Takes bytes of a paste. Says how many; nothing where its end may have begun.
    fn take_paste(&mut self, bytes: &[u8], events: &mut Vec<Event>) -> usize {
        let Some(paste) = &mut self.paste else { return 0 };
        let end = memchr::memmem::find(bytes, PASTE_END);
        let length = end.unwrap_or_else(|| bytes.len() - begun(bytes, PASTE_END));
        let room = MAX_PASTE_BYTES.saturating_sub(paste.len());
        paste.extend_from_slice(&bytes[..length.min(room)]);
        if end.is_none() {
            return length;
        }
        let text = String::from_utf8_lossy(paste).into_owned();
        events.push(Event::Paste(text.replace("\r\n", "\n").replace('\r', "\n")));
        self.paste = None;
        length + PASTE_END.len()
    }
}

/// How many bytes at the end may begin this mark.
fn begun(bytes: &[u8], mark: &[u8]) -> usize {
    (1..mark.len()).rev().find(|length| bytes.ends_with(&mark[..*length])).unwrap_or_default()
}
