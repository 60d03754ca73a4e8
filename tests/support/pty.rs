//! A pseudo-terminal pair, its size, and a child that has the slave as its controlling terminal.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use nix::fcntl::OFlag;
use nix::pty::{Winsize, grantpt, posix_openpt, ptsname_r, unlockpt};
use nix::sys::termios::{Termios, tcgetattr};

/// The size of a terminal: cells, and pixels of the whole window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Lines of text.
    pub rows: u16,
    /// Characters in a line.
    pub columns: u16,
    /// Width of the window in pixels, 0 where the terminal does not say.
    pub width: u16,
    /// Height of the window in pixels, 0 where the terminal does not say.
    pub height: u16,
}

impl Size {
    /// A size in cells, with pixels as of a font of 9 by 18.
    pub fn cells(rows: u16, columns: u16) -> Self {
        Self { rows, columns, width: columns * 9, height: rows * 18 }
    }

    fn winsize(self) -> Winsize {
        Winsize { ws_row: self.rows, ws_col: self.columns, ws_xpixel: self.width, ws_ypixel: self.height }
    }
}

/// Both ends. The slave is let go with the first child, so that its end is the end of the terminal.
pub struct Pair {
    pub master: OwnedFd,
    pub slave: Option<OwnedFd>,
    pub path: PathBuf,
}

/// Opens a pair of `size`; the master does not block and neither end is inherited. Both are close-on-exec
/// from the beginning: openpty(3) would leave them to a child that another test starts in that moment.
pub fn open(size: Size) -> Pair {
    let flags = OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
    let master = posix_openpt(flags).expect("a pseudo-terminal");
    grantpt(&master).expect("a slave of this user's");
    unlockpt(&master).expect("a slave that can be opened");
    let path = PathBuf::from(ptsname_r(&master).expect("the name of the terminal"));
    let slave = open_slave(&path);
    let master = OwnedFd::from(master);
    resize(&master, size);
    Pair { master, slave: Some(slave.into()), path }
}

fn open_slave(path: &Path) -> File {
    let mut options = OpenOptions::new();
    options.read(true).write(true).custom_flags(libc::O_NOCTTY).open(path).expect("the slave")
}

/// Gives the terminal a new size; its foreground process group gets SIGWINCH if it is really new.
pub fn resize(master: &OwnedFd, size: Size) {
    let winsize = size.winsize();
    // SAFETY: the descriptor is open and the argument is a winsize that lives during the call.
    let result = unsafe { libc::ioctl(master.as_raw_fd(), libc::TIOCSWINSZ, &winsize) };
    assert_eq!(result, 0, "resize: {}", io::Error::last_os_error());
}

/// The attributes that programs on the slave see (asking the master gives the same).
pub fn attributes(master: &OwnedFd) -> Termios {
    tcgetattr(master.as_fd()).expect("terminal attributes")
}

/// Starts `command` as leader of a session that has the slave as its controlling terminal and as 0, 1 and 2.
pub fn spawn(pair: &mut Pair, mut command: Command) -> Child {
    let slave: File = match pair.slave.take() {
        Some(slave) => slave.into(),
        None => open_slave(&pair.path),
    };
    let end = || Stdio::from(slave.try_clone().expect("a copy of the slave"));
    command.stdin(end()).stdout(end()).stderr(end());
    // SAFETY: the closure only calls functions that are safe between fork and exec.
    unsafe { command.pre_exec(lead_session) };
    command.spawn().unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"))
}

fn lead_session() -> io::Result<()> {
    // SAFETY: takes no arguments; a fresh child is no group leader, so it succeeds.
    if unsafe { libc::setsid() } < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: descriptor 0 is the slave by now, and the argument 0 means "do not steal".
    if unsafe { libc::ioctl(0, libc::TIOCSCTTY, 0) } < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}
