//! The user's terminal: what is said on it, giving it to the shell, and leaving it.

use std::os::fd::AsFd;

use nix::sys::signal::Signal;

use super::super::super::failure::Failure;
use super::super::state::{ATTENDED_TIMEOUT, CONNECT_TIMEOUT, Leave, LinkEvent, Loss};
use super::super::words;
use super::{Relay, parser};
use crate::client::{complain, stop_for_terminal};
use crate::os::{clock, kill, signals, tty};
use crate::user_error::machine::NOT_REACHED;

impl Relay {
    pub(super) fn lost(&mut self, loss: Loss) {
        self.terminal.undo();
        self.parser = parser(self.detach_key);
        self.early.clear();
        self.dropped = 0;
        let last = self.last_words.as_deref();
        let text = words::lost(self.machine.name.as_str(), loss, last, self.arrived.open());
        self.terminal.say(&text);
        self.failure = None;
    }

    pub(super) fn not_connected(&mut self) {
        let failure = self.failure.clone().unwrap_or(Failure::TimedOut(CONNECT_TIMEOUT));
        let why = failure.short();
        if self.said.as_ref() != Some(&why) {
            let text = words::not_connected(self.machine.name.as_str(), &why);
            self.terminal.say(&text);
            self.said = Some(why);
        }
    }

    /// Writes the line that counts, where it changes.
    pub(super) fn count_down(&mut self) {
        let seconds = self.state.countdown(clock::with_sleep());
        let count = seconds.map(|seconds| (seconds, self.state.discarded()));
        if let Some((seconds, discarded)) = count.filter(|_| count != self.counted) {
            let columns = self.terminal.size().map_or(0, |size| size.columns);
            self.terminal.say(&words::countdown(seconds, discarded, columns));
        }
        self.counted = count;
    }

    pub(super) fn note_blocked(&mut self) {
        let blocked = self.terminal.is_blocked();
        self.tell(LinkEvent::Blocked(blocked));
    }

    pub(super) fn resize(&mut self) {
        if let (Ok(size), Some(connection)) = (self.terminal.size(), &self.connection) {
            connection.resize(size);
        }
        self.counted = None;
    }

    /// Continued after a signal that cannot be caught: the shell may have changed the terminal.
    pub(super) fn continued(&mut self) {
        if tty::in_foreground(self.terminal.tty()) && self.terminal.enter_raw().is_ok() {
            self.resize();
            self.tell(LinkEvent::Continued);
        }
    }

    /// Gives the terminal to the shell, and takes it again when this process is continued.
    pub(super) fn suspend(&mut self, number: i32) {
        // Nothing is on where the far side has undone it.
        let redo = self.terminal.undo();
        self.terminal.leave_raw();
        let signal = Signal::try_from(number).unwrap_or(Signal::SIGTSTP);
        let _ = signals::with_default(signal, || kill::to_own_group(signal));
        let mut politely = true;
        while !tty::in_foreground(self.terminal.tty()) {
            let ends =
                |number: &i32| matches!(*number, libc::SIGHUP | libc::SIGINT | libc::SIGQUIT | libc::SIGTERM);
            let told = self.signals.pending().find(ends);
            if let Some(number) = told.or_else(|| {
                let stopped = stop_for_terminal(self.terminal.tty().as_fd(), politely);
                stopped.is_err().then_some(libc::SIGHUP)
            }) {
                self.seen = clock::with_sleep();
                return self.tell(LinkEvent::Told(number));
            }
            politely = !politely;
        }
        // It has slept as it was told to.
        self.seen = clock::with_sleep();
        if self.terminal.enter_raw().is_err() {
            return self.tell(LinkEvent::Told(libc::SIGHUP));
        }
        self.terminal.redo(&redo);
        self.resize();
        self.tell(LinkEvent::Continued);
    }

    pub(super) fn leave(&mut self, how: Leave) {
        let held = std::mem::take(&mut self.held);
        let unsent = self.dropped;
        self.terminal.say("");
        self.first.heard(&mut self.terminal);
        match how {
            Leave::Said(status) => {
                if self.state.was_up() && !held.is_empty() {
                    // The words stand in the place of the line that says that it is being connected to.
                    self.terminal.say("\r\x1b[K");
                }
                self.terminal.show(&held);
                self.terminal.undo();
                self.status = Some(status);
            }
            Leave::Left(status) => {
                self.terminal.undo();
                if self.state.was_up() {
                    let text = words::left(&self.word, unsent);
                    self.terminal.say(&text);
                } else {
                    self.terminal.say("\r\n");
                }
                self.status = Some(status);
            }
            Leave::Failed => {
                self.terminal.undo();
                if self.state.was_up() {
                    self.terminal.say("\r\x1b[K");
                }
                self.status = Some(NOT_REACHED);
            }
        }
        self.terminal.leave_raw();
        if how == Leave::Failed {
            let within = if self.attended { ATTENDED_TIMEOUT } else { CONNECT_TIMEOUT };
            let failure = self.failure.take().unwrap_or(Failure::TimedOut(within));
            complain(failure.error(&self.machine));
        }
    }
}
