//! A pseudo-terminal pair, its size, and a child that has the slave as its controlling terminal.

#[path = "pty/system.rs"]
mod system;

use std::fs::{File, OpenOptions};
use std::io::{self, IoSlice, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixDatagram;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;

use nix::cmsg_space;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::pty::{Winsize, grantpt, posix_openpt, unlockpt};
use nix::sys::socket::{ControlMessage, ControlMessageOwned, MsgFlags, recvmsg, sendmsg};
use nix::sys::termios::{Termios, tcgetattr};
use portable_pty::{CommandBuilder, NativePtySystem, PtySize, PtySystem};

pub use system::{RECEIVE, keep_private};

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

/// Both ends of a terminal without a program.
pub struct Pair {
    pub master: OwnedFd,
    pub slave: OwnedFd,
    pub path: PathBuf,
}

/// Opens a pair of `size`; the master does not block and neither end is inherited. Both are close-on-exec
/// from the beginning: openpty(3) would leave them to a child that another test starts in that moment.
pub fn open(size: Size) -> Pair {
    let flags = OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
    let master = posix_openpt(flags).expect("a pseudo-terminal");
    grantpt(&master).expect("a slave of this user's");
    unlockpt(&master).expect("a slave that can be opened");
    let path = system::path_of(&master).expect("the name of the terminal");
    let slave = open_slave(&path);
    let master = OwnedFd::from(master);
    resize(&master, size);
    Pair { master, slave: slave.into(), path }
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

/// A terminal with a program in it.
pub struct Started {
    pub master: OwnedFd,
    pub path: PathBuf,
    pub child: Child,
}

/// Has portable-pty open a terminal and start `command` as leader of its session. Of the command count program,
/// arguments, variables and directory: what cannot be asked of it (a closure between fork and exec, another
/// argument 0) needs [`fork`].
///
/// portable-pty makes descriptors close-on-exec only after it has opened them. A child that another test
/// starts in that moment would keep the terminal open. So this happens in a thread that has descriptors of
/// its own: no other thread's child gets them.
pub fn start(size: Size, command: Command) -> Started {
    let (here, there) = UnixDatagram::pair().expect("a pair of sockets");
    let apart = thread::spawn(move || {
        system::own_descriptors().map_err(|error| error.to_string())?;
        start_here(size, command, &there).map_err(|error| error.to_string())
    });
    let started = apart.join().expect("the thread that starts a program");
    let (path, child) =
        started.unwrap_or_else(|error| panic!("cannot start a program in a terminal: {error}"));
    let master = receive(&here);
    let flags = OFlag::from_bits_retain(fcntl(&master, FcntlArg::F_GETFL).expect("flags"));
    fcntl(&master, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK)).expect("a master that does not block");
    Started { master, path, child }
}

type Failed = Box<dyn std::error::Error + Send + Sync>;

fn start_here(size: Size, command: Command, to: &UnixDatagram) -> Result<(PathBuf, Child), Failed> {
    let size =
        PtySize { rows: size.rows, cols: size.columns, pixel_width: size.width, pixel_height: size.height };
    let pair = NativePtySystem::default().openpty(size)?;
    let child: Box<dyn portable_pty::Child> = pair.slave.spawn_command(builder(command)?)?;
    // The crate's own status has a signal only as text.
    let child = child.downcast::<Child>().map_err(|_| "the child is no child process")?;
    let number = pair.master.as_raw_fd().ok_or("a master without a descriptor")?;
    let message = [ControlMessage::ScmRights(&[number])];
    sendmsg::<()>(to.as_raw_fd(), &[IoSlice::new(&[0])], &message, MsgFlags::empty(), None)?;
    Ok((pair.master.tty_name().ok_or("a terminal without a name")?, *child))
}

/// The same command in the crate's own form.
fn builder(mut command: Command) -> Result<CommandBuilder, Failed> {
    const PROBE: &str = "CCKW_TEST_PROBE";
    let mut builder = CommandBuilder::new(command.get_program());
    builder.args(command.get_args());
    // That a variable is to be removed is remembered only where the others are inherited.
    command.env_remove(PROBE);
    if !command.get_envs().any(|(name, _)| name == PROBE) {
        builder.env_clear();
    }
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => builder.env(name, value),
            None => builder.env_remove(name),
        }
    }
    // Without a directory that is there, the crate would take the home directory.
    let directory =
        command.get_current_dir().map_or_else(std::env::current_dir, |path| Ok(path.to_owned()))?;
    if !directory.is_dir() {
        return Err(format!("{} is no directory", directory.display()).into());
    }
    builder.cwd(directory);
    Ok(builder)
}

fn receive(from: &UnixDatagram) -> OwnedFd {
    let mut byte = [0];
    let mut space = cmsg_space!(RawFd);
    let mut parts = [IoSliceMut::new(&mut byte)];
    let message = recvmsg::<()>(from.as_raw_fd(), &mut parts, Some(&mut space), RECEIVE).expect("a message");
    for part in message.cmsgs().expect("control messages") {
        if let ControlMessageOwned::ScmRights(numbers) = part {
            // SAFETY: the kernel has just made this descriptor for this process, and nobody else owns it.
            let received = unsafe { OwnedFd::from_raw_fd(numbers[0]) };
            keep_private(&received);
            return received;
        }
    }
    panic!("no descriptor came");
}

/// Starts `command` as it is, with all that was set in it, as leader of the session of a new terminal.
pub fn fork(size: Size, mut command: Command) -> Started {
    let Pair { master, slave, path } = open(size);
    let end = || Stdio::from(slave.try_clone().expect("a copy of the slave"));
    command.stdin(end()).stdout(end()).stderr(end());
    // SAFETY: the closure only calls functions that are safe between fork and exec.
    unsafe { command.pre_exec(system::lead_session) };
    let child = command.spawn().unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
    Started { master, path, child }
}
