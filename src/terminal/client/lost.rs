//! What a client does whose host was killed.

use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::time::{Duration, Instant};

use super::Client;
use crate::control::Channel;
use crate::platform::io::{self as nonblocking, Outcome};
use crate::platform::tty;
use crate::session::record::{self, Kind, Record};
use crate::terminal::complain;
use crate::terminal::keys::Keys;
use crate::terminal::launch::Launch;

/// The status when cckw itself failed under a running claude, so that claude's own is not known (EX_SOFTWARE).
const FAILED: u8 = 70;
/// A host that is killed again so soon is not replaced: something is wrong that another one does not mend.
const BETWEEN_REVIVALS: Duration = Duration::from_secs(10);
/// How long a terminal that takes nothing may hold up the end when the host is gone.
const PATIENCE_WITH_TERMINAL: Duration = Duration::from_secs(1);

impl Client {
    /// The host was killed, and with it claude, which the kernel has sent SIGHUP: a new host brings the conversation back.
    pub(super) fn host_lost(&mut self) -> Option<u8> {
        self.let_all_go();
        self.undo_modes();
        let record =
            record::directory(&self.session).ok().and_then(|directory| Record::read(&directory).ok());
        let record = record.filter(|record| record.child_pid.is_some());
        if let Some(exit) =
            record.as_ref().filter(|record| record.ended_at.is_some()).and_then(|record| record.exit)
        {
            // It had nothing left to do but to say so.
            return Some(exit.status());
        }
        let too_soon = self.revived.is_some_and(|at| at.elapsed() < BETWEEN_REVIVALS);
        match record {
            Some(record) if !too_soon && self.foreground && !self.terminal_gone => {
                self.write_through("\r\n\x1b[J[cckw: the process that held this session was killed; its conversation is brought back]\r\n");
                self.revived = Some(Instant::now());
                match self.revive(&record) {
                    Ok(()) => None,
                    Err(_) => Some(self.give_up()),
                }
            }
            _ => Some(self.give_up()),
        }
    }

    fn revive(&mut self, record: &Record) -> io::Result<()> {
        let launch = Launch::revival(record);
        self.channel = Channel::new(launch.host()?)?;
        self.restore.set_host(self.channel.as_fd().as_raw_fd());
        self.has_message = false;
        self.is_lost = false;
        self.master = None;
        self.keys = Keys::default();
        self.undo.clear();
        let size = tty::size(&self.tty)?;
        launch.hand_over(&mut self.channel, &self.tty, size, self.restore.original())
    }

    /// Writes to the terminal, which nobody else does while there is no host.
    pub(super) fn write_through(&self, text: &str) {
        let until = Instant::now() + PATIENCE_WITH_TERMINAL;
        let mut left = text.as_bytes();
        while !left.is_empty() && Instant::now() < until {
            match nonblocking::write(&self.tty, left) {
                Outcome::Moved(count) => left = &left[count..],
                Outcome::Blocked => std::thread::sleep(Duration::from_millis(10)),
                Outcome::Gone => break,
            }
        }
    }

    pub(super) fn undo_modes(&mut self) {
        let undo = std::mem::take(&mut self.undo);
        self.write_through(&undo);
    }

    /// Without a host, and without another one. The status to exit with.
    pub(super) fn give_up(&mut self) -> u8 {
        self.undo_modes();
        self.restore.leave_raw();
        let record =
            record::directory(&self.session).ok().and_then(|directory| Record::read(&directory).ok());
        let started = record.as_ref().is_some_and(|record| record.child_pid.is_some() || record.restarts > 0);
        let server = record.as_ref().is_some_and(|record| record.kind == Kind::Server);
        let advice = match record.and_then(|record| record.conversation) {
            _ if server => "start it again with: claude remote-control".into(),
            Some(id) => format!("bring the conversation back with: claude --resume {id}"),
            None => "bring the conversation back with: claude --continue".into(),
        };
        self.write_through("\r\n");
        if started {
            complain(format_args!(
                "the process that held this session was killed, and claude ended with it; {advice}"
            ));
        } else {
            complain("the process that was to hold this session was killed; claude was not started");
        }
        FAILED
    }
}
