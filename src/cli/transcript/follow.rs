//! `cckw transcript --follow`: prints what is said until the session ends. It waits for changes, and never
//! looks when nothing has changed.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::PathBuf;

use super::printer::Printer;
use super::source::{Source, folder, on_disk};
use crate::claude::transcript::growing::{FileChange, GrowingFile};
use crate::client::complain;
use crate::os::poll::{Interest, Poll};
use crate::os::signal_pipe::SignalPipe;
use crate::registry;
use crate::registry::RegistryWatcher;
use crate::user_error::{UserError, files};

/// How the following has ended.
pub enum FollowEnd {
    /// The session has ended, or the reader has gone.
    Over,
    /// By this signal.
    Signalled(i32),
}

/// A conversation that is followed.
pub struct Follower {
    source: Source,
    file: Option<GrowingFile>,
    changes: RegistryWatcher,
    signals: SignalPipe,
}

impl Follower {
    /// Goes on with this file; without one, the transcript is waited for.
    ///
    /// # Errors
    /// When the system has no watcher or no handler left.
    pub fn new(source: Source, file: Option<GrowingFile>) -> Result<Self, UserError> {
        let signals = SignalPipe::install(&[libc::SIGINT, libc::SIGTERM, libc::SIGHUP]);
        let signals = signals.map_err(files::cannot_handle_signals)?;
        Ok(Self { source, file, changes: RegistryWatcher::new()?, signals })
    }

    /// Prints until the session ends. A conversation that no session has is followed until a signal comes or
    /// the reader leaves. The inner error is one of writing or reading.
    ///
    /// # Errors
    /// When nothing can be waited for.
    pub fn run<W: Write>(&mut self, printer: &mut Printer<W>) -> Result<io::Result<FollowEnd>, UserError> {
        let mut poll = Poll::default();
        loop {
            self.changes.take();
            let (paths, by_names) = self.to_watch();
            self.changes.watch_some_by_names(paths, by_names)?;
            // What the session does is read first: once it has ended, its transcript is whole.
            let is_over = self.look_at_session();
            if let Err(error) = self.print(printer) {
                return Ok(Err(error));
            }
            if is_over {
                return Ok(Ok(FollowEnd::Over));
            }
            poll.clear();
            poll.add(&self.changes, Interest::Reading);
            poll.add(&self.signals, Interest::Reading);
            let reader = poll.add(io::stdout(), Interest::End);
            poll.wait(None).map_err(files::cannot_wait)?;
            if let Some(signal) = self.signals.pending().next() {
                return Ok(Ok(FollowEnd::Signalled(signal)));
            }
            if poll.is_ready(reader) {
                return Ok(Ok(FollowEnd::Over));
            }
        }
    }

    /// The file that is printed.
    pub fn file(&self) -> Option<&GrowingFile> {
        self.file.as_ref()
    }

    /// What to watch: the session's record and its transcript. By its names the directory where the transcript is or
    /// will be, because many others are there.
    fn to_watch(&self) -> (BTreeSet<PathBuf>, BTreeSet<PathBuf>) {
        let session = self.source.session.as_ref();
        let own = session.map(|session| session.directory.clone());
        let file = self.source.path.clone();
        let of_file = file.as_ref().and_then(|path| Some(path.parent()?.to_owned()));
        let by_names = of_file.into_iter().chain(session.and_then(folder)).collect();
        (own.into_iter().chain(file).collect(), by_names)
    }

    /// Whether the session is over.
    fn look_at_session(&mut self) -> bool {
        let Some(session) = &self.source.session else { return false };
        let Some(now) = registry::again(session) else { return true };
        // A host that was killed has ended nothing: another one may bring the session back.
        let is_over = now.record.ended_at.is_some();
        self.source.session = Some(now);
        is_over
    }

    fn print<W: Write>(&mut self, printer: &mut Printer<W>) -> io::Result<()> {
        if let Some(file) = &mut self.file {
            printer.print(file)?;
            match file.change() {
                FileChange::None => {}
                FileChange::Shorter => {
                    complain("the transcript has become shorter; what is new in it follows");
                    file.resume()?;
                    printer.print(file)?;
                }
                FileChange::Replaced | FileChange::Gone => {
                    printer.finish(file)?;
                    complain("the transcript was replaced or removed; what is in the new one follows");
                    self.file = None;
                }
            }
        }
        self.follow_conversation(printer)?;
        if self.file.is_none() {
            self.open()?;
            if let Some(file) = &mut self.file {
                printer.print(file)?;
            }
        }
        Ok(())
    }

    /// Goes over to the conversation that the session has open by now (`/clear`, `/resume`).
    fn follow_conversation<W: Write>(&mut self, printer: &mut Printer<W>) -> io::Result<()> {
        let open = self.source.session.as_ref().and_then(|session| session.record.conversation.clone());
        let Some(open) = open.filter(|open| *open != self.source.conversation) else { return Ok(()) };
        if let Some(file) = self.file.take() {
            printer.finish(&file)?;
        }
        printer.begin(&open)?;
        (self.source.conversation, self.source.path) = (open, None);
        Ok(())
    }

    fn open(&mut self) -> io::Result<()> {
        let session = self.source.session.as_ref();
        let found = session.and_then(|session| on_disk(session, &self.source.conversation));
        let Some(path) = found.or_else(|| self.source.path.clone()) else { return Ok(()) };
        self.file = match GrowingFile::open(&path, 0) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            other => Some(other?),
        };
        self.source.path = Some(path);
        Ok(())
    }
}
