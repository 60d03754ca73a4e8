//! The signals that a client gets, and what each asks of it.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use crate::os::signal_pipe::SignalPipe;

/// What a signal asks of the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignalAction {
    /// The terminal may have a new size.
    Resize,
    /// The client was continued.
    Continue,
    /// This signal is meant for claude.
    Forward(i32),
}

impl From<i32> for SignalAction {
    fn from(number: i32) -> Self {
        match number {
            libc::SIGWINCH => Self::Resize,
            libc::SIGCONT => Self::Continue,
            number => Self::Forward(number),
        }
    }
}

/// Whether a signal asks a program to end.
fn ends(number: i32) -> bool {
    matches!(number, libc::SIGHUP | libc::SIGINT | libc::SIGQUIT | libc::SIGTERM)
}

/// The signals that have come.
pub struct Signals {
    pipe: SignalPipe,
    /// What they asked for, and was not done yet.
    pending: VecDeque<SignalAction>,
    /// The last by which this client was told to end, and when.
    told_to_end: Option<(i32, Instant)>,
}

impl Signals {
    /// Installs handlers for the signals that would end or stop claude, that it may have a use for, or that
    /// are about the terminal.
    ///
    /// # Errors
    /// When the system refuses one.
    pub fn install() -> io::Result<Self> {
        use libc::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGUSR1, SIGUSR2, SIGWINCH};
        let numbers = [SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2, SIGTERM, SIGCONT, SIGTSTP, SIGWINCH];
        let pipe = SignalPipe::install(&numbers)?;
        Ok(Self { pipe, pending: VecDeque::new(), told_to_end: None })
    }

    /// Takes note of the signals that have come.
    pub fn collect(&mut self) {
        self.pending.extend(self.pipe.pending().map(SignalAction::from));
    }

    /// The next thing that one asked for.
    pub fn next(&mut self) -> Option<SignalAction> {
        self.pending.pop_front()
    }

    /// Those that ask for an end and were not looked at yet.
    pub fn pending_ends(&self) -> Vec<i32> {
        let numbers = self.pending.iter().filter_map(|asked| match asked {
            SignalAction::Forward(number) => Some(*number),
            _ => None,
        });
        numbers.filter(|number| ends(*number)).collect()
    }

    /// This client was told to end by this signal now.
    pub fn tell_to_end(&mut self, number: i32) {
        self.told_to_end = Some((number, Instant::now()));
    }

    /// The last signal by which it was told to end, if that was no longer ago than this.
    pub fn told_to_end(&self, within: Duration) -> Option<i32> {
        self.told_to_end.filter(|(_, at)| at.elapsed() <= within).map(|(number, _)| number)
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pipe.as_fd()
    }
}
