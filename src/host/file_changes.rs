//! Who in the host is told of changed files. All share one watcher of the system.

use super::Host;
use crate::os::poll::{Poll, Token};

/// Who wants to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Watcher {
    /// What claude does, by its state file.
    State,
    /// The files by which others find the session.
    Files,
    /// How the last turn stands, by the transcript.
    Transcript,
    /// The login of claude's user.
    Login,
    /// The program that claude is started from.
    Program,
    /// The host's own program.
    Own,
}

impl Host {
    /// Passes on what has changed.
    pub(super) fn hear_file_changes(&mut self, poll: &Poll, place: Option<Token>) {
        if place.is_some_and(|place| poll.is_ready(place)) {
            for change in self.file_watch.take() {
                match change.who {
                    Watcher::State => self.watch.note(change),
                    Watcher::Files => self.files.note_change(&change.what),
                    Watcher::Transcript => self.hear_transcript(&change.what),
                    Watcher::Login => self.hear_login(&change.what),
                    Watcher::Program => self.program_has_changed(),
                    // It is looked at together with the files.
                    Watcher::Own => self.files.look_soon(),
                }
            }
        }
        if self.watch.is_due() {
            self.look_at_state_file();
        }
    }
}
