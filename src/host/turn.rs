//! Keeps the record's word on how the last turn stands (`host/turn_check.rs`).
//!
//! The transcript is read in a thread of its own: it may be on a disk that hangs, and the host's loop must not.

use std::ffi::OsString;
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Instant;

use super::Host;
use super::file_changes::Watcher;
use crate::claude::state_file::{is_in_turn, is_rest};
use crate::claude::transcript::turn::{TurnEnd, TurnStatus};
use crate::claude::transcript::{self, TranscriptOnDisk, last_turn};
use crate::host::turn_check::{TurnCheck, TurnCheckEffect, TurnCheckEvent};
use crate::os::file_watch::{Change, Told};
use crate::registry::record::SessionState;

/// The longest text that the record has of a prompt, an answer or an error, in characters.
const MAX_TEXT_CHARS: usize = 300;

/// How the last turn stands, as far as it was read.
pub(super) struct TurnWatch {
    check: TurnCheck,
    readings: Receiver<TurnReading>,
    sender: Sender<TurnReading>,
    /// What of the transcript is watched; nothing while nothing is.
    watched: Option<(PathBuf, Told)>,
    /// What the thread that reads writes to, and the loop waits for. Nothing where there was no descriptor
    /// for it: then the loop reads itself.
    wake: Option<(UnixStream, UnixStream)>,
}

/// What a reading has found.
#[derive(Default)]
struct TurnReading {
    status: Option<TurnStatus>,
    /// What is to be watched of the transcript, or of the place where it is to appear.
    target: Option<(PathBuf, Told)>,
}

impl TurnReading {
    /// Reads the transcript of this conversation.
    fn of(projects: &Path, id: &str, cwd: Option<&Path>) -> Self {
        match transcript::find(projects, id, cwd) {
            TranscriptOnDisk::Conversation(path) => {
                Self { status: last_turn::of_file(&path, false).ok(), target: Some((path, Told::Contents)) }
            }
            TranscriptOnDisk::Unusable(path) => Self { status: None, target: Some((path, Told::Contents)) },
            TranscriptOnDisk::Nothing | TranscriptOnDisk::Unknown => {
                let expected = cwd.map(|cwd| projects.join(transcript::directory_name(cwd)));
                let file = expected.map(|directory| directory.join(format!("{id}.jsonl")));
                Self { status: None, target: file.and_then(|file| place_of(&file)) }
            }
        }
    }
}

/// Where the first part of this path is to appear that is missing.
fn place_of(path: &Path) -> Option<(PathBuf, Told)> {
    let mut missing = path;
    loop {
        let above = missing.parent()?;
        if above.is_dir() {
            return Some((above.to_owned(), Told::Arrival(missing.file_name()?.to_owned())));
        }
        missing = above;
    }
}

impl TurnWatch {
    pub(super) fn new() -> Self {
        let (sender, readings) = channel();
        let pair = || {
            let (woken, wake) = UnixStream::pair()?;
            woken.set_nonblocking(true)?;
            wake.set_nonblocking(true)?;
            io::Result::Ok((woken, wake))
        };
        Self { check: TurnCheck::default(), readings, sender, watched: None, wake: pair().ok() }
    }

    /// All that is needed to go on. Handed over while nothing is read ([`Self::is_reading`]).
    pub(super) fn hand_over(&self) -> &TurnCheck {
        &self.check
    }

    /// Goes on with what another program has handed over.
    pub(super) fn take_over(check: TurnCheck) -> Self {
        Self { check, ..Self::new() }
    }

    /// Whether the transcript is being read.
    pub(super) fn is_reading(&self) -> bool {
        self.check.is_reading()
    }

    /// What says that a reading is there.
    pub(super) fn woken(&self) -> Option<BorrowedFd<'_>> {
        self.wake.as_ref().map(|(woken, _)| woken.as_fd())
    }

    /// When the transcript is to be read.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.check.deadline()
    }

    /// Reads the transcript of this conversation. The reading comes later, or at once.
    fn read(&self, projects: PathBuf, id: String, cwd: Option<PathBuf>) -> bool {
        let read = move || TurnReading::of(&projects, &id, cwd.as_deref());
        let sender = self.sender.clone();
        let wake = self.wake.as_ref().and_then(|(_, wake)| wake.try_clone().ok());
        if let Some(mut wake) = wake {
            let in_thread = {
                let read = read.clone();
                move || {
                    // The host may have ended.
                    let _ = sender.send(read());
                    let _ = wake.write(&[0]);
                }
            };
            if std::thread::Builder::new().name("transcript".into()).spawn(in_thread).is_ok() {
                return false;
            }
        }
        let _ = self.sender.send(read());
        true
    }
}

impl Host {
    /// Claude's state file says what it does.
    pub(super) fn note_turn_status(&mut self) {
        let Some(id) = self.record.conversation.clone() else { return };
        let event = match self.record.status.as_deref() {
            Some(status) if is_rest(status) => TurnCheckEvent::Rests(&id),
            // A question in the middle of a turn is not its end.
            Some(status) if is_in_turn(status, self.record.waiting_for.as_deref()) => {
                TurnCheckEvent::Works(&id)
            }
            _ => return,
        };
        let effect = self.turn.check.handle(Instant::now(), event);
        self.follow_turn_check(effect);
    }

    /// The transcript is to be read.
    pub(super) fn turn_due(&mut self) {
        let effect = self.turn.check.handle(Instant::now(), TurnCheckEvent::Due);
        self.follow_turn_check(effect);
    }

    /// A reading of the transcript is there.
    pub(super) fn hear_turn(&mut self) {
        if let Some((woken, _)) = &self.turn.wake {
            let mut bytes = [0; 16];
            while (&*woken).read(&mut bytes).is_ok_and(|count| count == bytes.len()) {}
        }
        while let Ok(TurnReading { status, target }) = self.turn.readings.try_recv() {
            let effect = self.turn.check.handle(Instant::now(), TurnCheckEvent::Read(status));
            self.follow_turn_check(effect);
            self.watch_transcript(target);
        }
    }

    /// Is told from now on when the transcript grows.
    fn watch_transcript(&mut self, target: Option<(PathBuf, Told)>) {
        if self.turn.watched == target {
            return;
        }
        self.file_watch.unwatch_all(Watcher::Transcript);
        self.turn.watched = target
            .filter(|(path, told)| self.file_watch.watch(Watcher::Transcript, path, told.clone()).is_ok());
        if self.turn.watched.is_some() {
            // It may have grown before the watch was there.
            self.transcript_may_have_grown();
        }
    }

    /// What is watched of the transcript has changed.
    pub(super) fn hear_transcript(&mut self, change: &Change) {
        if matches!(change, Change::Itself | Change::Missed) {
            // Another file may have its name, or the next directory on the way to it is there.
            self.turn.watched = None;
        }
        self.transcript_may_have_grown();
    }

    /// Something was written into the transcript, perhaps.
    pub(super) fn transcript_may_have_grown(&mut self) {
        let effect = self.turn.check.handle(Instant::now(), TurnCheckEvent::Grown);
        self.follow_turn_check(effect);
    }

    /// Its claude has ended: what it was doing is not done any more.
    pub(super) fn turn_is_left(&mut self) {
        self.turn.check.handle(Instant::now(), TurnCheckEvent::Left);
        if let Some(turn) = &mut self.record.turn
            && turn.end == Some(TurnEnd::Running)
        {
            turn.end = None;
        }
    }

    fn follow_turn_check(&mut self, effect: Option<TurnCheckEffect>) {
        match effect {
            None => {}
            Some(TurnCheckEffect::Running) => {
                let end = Some(TurnEnd::Running);
                let turn = self.record.turn.get_or_insert_default();
                if turn.end != end {
                    turn.end = end;
                    self.save();
                }
            }
            Some(TurnCheckEffect::Read) => {
                let is_there = match (self.projects(), self.record.conversation.clone()) {
                    (Some(projects), Some(id)) => self.turn.read(projects, id, self.record.claude_cwd()),
                    _ => self.turn.sender.send(TurnReading::default()).is_ok(),
                };
                if is_there {
                    self.hear_turn();
                }
            }
            Some(TurnCheckEffect::Publish(status)) => {
                let turn = status.map(|status| status.shortened(MAX_TEXT_CHARS));
                if self.record.turn != turn && self.record.state != SessionState::Stopped {
                    self.record.turn = turn;
                    self.follow_turn_end();
                    self.save();
                }
            }
        }
    }

    /// Where claude keeps its conversations in this session.
    fn projects(&self) -> Option<PathBuf> {
        let own = self.record.claude_dir.clone();
        let own = own.map(|directory| PathBuf::from(OsString::from(directory)).join("projects"));
        own.or_else(transcript::directory)
    }
}
