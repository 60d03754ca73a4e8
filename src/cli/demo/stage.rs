//! A terminal of our own with a program in it: keys go in, and what the screen shows is looked at.

use std::fs::File;
use std::io::{self, PipeReader, Read, Write};
use std::num::NonZero;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::pty::openpty;
use nix::unistd::setsid;

use super::scratch;
use crate::os::poll::{Interest, Poll};
use crate::os::tty;
use crate::os::tty::Size;
use crate::vt::emulator::{Emulator, WholeCharacters};
use crate::vt::screen::colours;

/// How long a program may take to end when its terminal is closed.
const ENDS_WITHIN: Duration = Duration::from_secs(5);

/// The terminal, the program, and the screen that it drew.
pub struct Stage {
    /// Nothing when the terminal is closed, or has nothing more to say.
    master: Option<File>,
    child: Child,
    /// Ends with the last of the programs that were started in the terminal. A host is none of them: it
    /// closes what it is not told to keep.
    programs: PipeReader,
    screen: Emulator,
    characters: WholeCharacters,
}

impl Stage {
    /// Starts the program as the leader of a session of its own, with a terminal of this size.
    pub fn start(mut command: Command, rows: NonZero<u16>, columns: NonZero<u16>) -> io::Result<Self> {
        let size = Size { rows: rows.get(), columns: columns.get(), width: 0, height: 0 };
        let pty = openpty(Some(&size.into()), None)?;
        let (master, slave) = (close_on_exec(pty.master)?, close_on_exec(pty.slave)?);
        command.stdin(Stdio::from(slave.try_clone()?)).stdout(Stdio::from(slave.try_clone()?)).stderr(slave);
        let (programs, inherited) = io::pipe()?;
        // SAFETY: setsid, one ioctl and fcntl, all async-signal-safe; nothing is allocated.
        unsafe {
            command.pre_exec(move || {
                setsid()?;
                fcntl(&inherited, FcntlArg::F_SETFD(FdFlag::empty()))?;
                tty::make_controlling(io::stdin())
            });
        }
        let child = command.spawn()?;
        // With the command its copies of the slave and of the pipe are closed, so that the end of the
        // programs can be seen.
        drop(command);
        let screen = Emulator::new(rows.get(), columns.get(), 0);
        Ok(Self {
            master: Some(master.into()),
            child,
            programs,
            screen,
            characters: WholeCharacters::default(),
        })
    }

    /// Types.
    pub fn send(&mut self, keys: &str) -> io::Result<()> {
        self.master.as_mut().ok_or(io::ErrorKind::BrokenPipe)?.write_all(keys.as_bytes())
    }

    /// What to wait for before [`Stage::take_in`]; nothing when nothing more will come.
    pub fn source(&self) -> Option<BorrowedFd<'_>> {
        self.master.as_ref().map(AsFd::as_fd)
    }

    /// Takes in what the program has written: the next piece of it, for which this waits.
    pub fn take_in(&mut self) {
        let Some(master) = &mut self.master else { return };
        let mut buffer = [0; 16 * 1024];
        match master.read(&mut buffer) {
            Ok(count) if count > 0 => self.screen.process(&self.characters.join(&buffer[..count])),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // Linux says EIO when the last program has closed the terminal.
            _ => self.master = None,
        }
    }

    /// What the screen shows, without the spaces at the ends of lines and the empty lines at its end. Spaces
    /// that do not break are shown as others.
    pub fn text(&self) -> String {
        let lines: Vec<_> = self.screen.text().collect();
        let lines: Vec<_> = lines.iter().map(|line| line.trim_end()).collect();
        plain(lines.join("\n").trim_end())
    }

    /// The same, with lines that were too long for the screen in one piece.
    pub fn unwrapped(&self) -> String {
        plain(self.screen.unwrapped_text().trim_end())
    }

    /// The lines of the screen with their colours.
    pub fn coloured(&self) -> Vec<String> {
        colours::lines(&self.screen).collect()
    }

    /// How the program has ended; nothing while it runs, or while there is still output of it to be taken in.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        let status = self.child.try_wait().ok().flatten()?;
        self.master.is_none().then_some(status)
    }

    /// Closes the terminal, as a closed window does, and waits for the end of the programs in it.
    pub fn close(&mut self) {
        self.master = None;
        scratch::wait_for(&mut self.child, ENDS_WITHIN);
        // A client that hears of it while it starts a session goes on until the host is there.
        let mut poll = Poll::default();
        poll.add(&self.programs, Interest::End);
        let _ = poll.wait(Some(ENDS_WITHIN));
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.close();
    }
}

fn plain(text: &str) -> String {
    text.replace('\u{a0}', " ")
}

fn close_on_exec(fd: OwnedFd) -> io::Result<OwnedFd> {
    fcntl(&fd, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))?;
    Ok(fd)
}

/// In the words of a report: "status 1", "signal 9".
pub fn describe(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("status {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => status.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use nix::unistd::Pid;

    use super::*;

    fn shell(script: &str) -> Stage {
        let of = |cells| NonZero::new(cells).unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        Stage::start(command, of(5), of(20)).unwrap()
    }

    fn watch(stage: &mut Stage, text: &str) {
        while !stage.text().contains(text) {
            assert!(stage.source().is_some(), "no {text:?}: {}", stage.text());
            stage.take_in();
        }
    }

    #[test]
    fn the_screen_and_the_end_are_seen() {
        let mut stage = shell("stty -echo; echo ready; read line; echo \"got $line\"; stty size; exit 7");
        watch(&mut stage, "ready");
        assert_eq!(stage.ended(), None);
        stage.send("hello\n").unwrap();
        while stage.source().is_some() {
            stage.take_in();
        }
        assert_eq!(stage.text(), "ready\ngot hello\n5 20");
        let status = loop {
            if let Some(status) = stage.ended() {
                break status;
            }
        };
        assert_eq!(status.code(), Some(7));
    }

    #[test]
    fn a_long_line_can_be_had_in_one_piece() {
        let mut stage = shell("echo 'a line longer than the screen is wide'; read line");
        watch(&mut stage, "wide");
        assert_eq!(stage.text(), "a line longer than t\nhe screen is wide");
        assert_eq!(stage.unwrapped(), "a line longer than the screen is wide");
    }

    #[test]
    fn a_program_does_not_outlive_its_stage() {
        let mut stage = shell("echo ready; while :; do read line; done");
        watch(&mut stage, "ready");
        let pid = Pid::from_raw(stage.child.id().cast_signed());
        drop(stage);
        assert!(!crate::os::kill::exists(pid));
    }
}
