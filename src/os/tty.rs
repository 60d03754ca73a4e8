//! Terminals: opening, sizes, attributes, and making one the controlling terminal.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::pty::Winsize;
use nix::sys::signal::{SigSet, SigmaskHow, Signal};
use nix::sys::stat::fstat;
use nix::sys::termios::{FlowArg, FlushArg, SetArg, Termios, cfmakeraw, tcflow, tcflush, tcsetattr};
use nix::unistd::{Pid, isatty, tcgetpgrp, tcsetpgrp, ttyname};
use serde::{Deserialize, Serialize};

use crate::user_error::{UserError, terminal};

/// The name under which each process opens its controlling terminal.
const CONTROLLING: &str = "/dev/tty";

/// What stdin and stdout are together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Streams {
    /// One terminal.
    OneTerminal,
    /// A terminal each, and not the same.
    TwoTerminals,
    /// At least one of them is no terminal.
    NoTerminal,
}

/// What stdin and stdout of this process are together.
pub fn streams() -> Streams {
    let (input, output) = (io::stdin(), io::stdout());
    if !isatty(&input).unwrap_or(false) || !isatty(&output).unwrap_or(false) {
        return Streams::NoTerminal;
    }
    if same_terminal(input.as_fd(), output.as_fd()) { Streams::OneTerminal } else { Streams::TwoTerminals }
}

/// Whether stdin and stdout are one and the same terminal.
pub fn is_interactive() -> bool {
    streams() == Streams::OneTerminal
}

/// Whether two descriptors are the same terminal.
///
/// A terminal that was opened as `/dev/tty` has another device number than one that was opened by its own
/// name. So the controlling terminal of this process is recognised by what it answers.
pub fn same_terminal(one: BorrowedFd<'_>, other: BorrowedFd<'_>) -> bool {
    let is_same_node = match (fstat(one), fstat(other)) {
        (Ok(one), Ok(other)) => one.st_rdev == other.st_rdev && one.st_ino == other.st_ino,
        _ => false,
    };
    is_same_node || is_controlling(one) && is_controlling(other)
}

/// Whether this is the controlling terminal of this process. No other terminal answers tcgetpgrp(3), except
/// the master's side of a pseudo-terminal on Linux.
fn is_controlling(tty: BorrowedFd<'_>) -> bool {
    tcgetpgrp(tty).is_ok() && !is_master(tty)
}

/// The terminal's name, of the standard streams that are this terminal: stdin's, where that was not opened as
/// `/dev/tty`, which says nothing to another process.
pub fn name() -> Option<PathBuf> {
    let stdin = io::stdin();
    let (stdout, stderr) = (io::stdout(), io::stderr());
    let streams = [stdin.as_fd(), stdout.as_fd(), stderr.as_fd()];
    let mut same = streams.into_iter().filter(|stream| same_terminal(stdin.as_fd(), *stream));
    same.find_map(|stream| ttyname(stream).ok().filter(|name| name != Path::new(CONTROLLING)))
}

/// Opens the terminal on stdin anew, non-blocking.
///
/// O_NONBLOCK belongs to the open file description, which stdin shares with the user's shell: set
/// there it would outlive a cckw that is killed, and break what reads the terminal next.
///
/// # Errors
/// When the terminal has no name that can be opened (another mount or PID namespace, another owner). After su,
/// macOS has none: there `/dev/tty` cannot be waited for, and its node is another user's.
pub fn reopen() -> io::Result<File> {
    let stdin = io::stdin();
    let mut last = io::Error::from(io::ErrorKind::NotFound);
    for path in names(stdin.as_fd()) {
        let mut options = OpenOptions::new();
        options.read(true).write(true).custom_flags(libc::O_NOCTTY | libc::O_NONBLOCK);
        match options.open(&path) {
            // /dev/tty has a device number of its own until it is opened, so what was opened is compared.
            Ok(tty) if is_same(&tty, &path) => return Ok(tty),
            Ok(_) => {}
            Err(error) => last = io::Error::new(error.kind(), format!("{}: {error}", path.display())),
        }
    }
    Err(last)
}

fn is_same(tty: &File, path: &Path) -> bool {
    if path == Path::new(CONTROLLING) {
        // A process has but one.
        return is_controlling(tty.as_fd());
    }
    let stdin = io::stdin();
    let Ok(node) = fstat(&stdin) else { return false };
    fstat(tty).is_ok_and(|opened| opened.st_rdev == node.st_rdev)
        || is_controlling(tty.as_fd()) && is_controlling(stdin.as_fd())
}

/// The terminal that another process has sent, in an open file description that is this process's alone and
/// non-blocking: what is written there never blocks, whoever has the descriptor that was sent as well.
///
/// `/dev/tty` is another terminal for each process, so it is taken as it came; to open it makes a description
/// of one's own anyway.
///
/// # Errors
/// When it is no terminal, or is in blocking mode and cannot be opened anew.
pub fn own(sent: OwnedFd) -> Result<OwnedFd, UserError> {
    if !isatty(&sent).unwrap_or(false) || is_master(sent.as_fd()) {
        return Err(terminal::none_was_sent());
    }
    match open_anew(&sent) {
        Ok(own) => Ok(own),
        // Elsewhere what was opened as /dev/tty would be the terminal of this process.
        Err(_) if HAS_INDIRECT_TERMINAL && super::io::is_nonblocking(&sent) => Ok(sent),
        Err(error) => Err(terminal::is_blocking(error)),
    }
}

/// Whether this is the side of a pseudo-terminal that stands for the keyboard and the screen.
fn is_master(tty: BorrowedFd<'_>) -> bool {
    #[cfg(target_os = "linux")]
    let found = {
        let mut number: libc::c_uint = 0;
        // SAFETY: the request fills the number that it is given.
        unsafe { libc::ioctl(tty.as_raw_fd(), libc::TIOCGPTN as _, &raw mut number) == 0 }
    };
    #[cfg(not(target_os = "linux"))]
    let found = ttyname(tty).is_err();
    found
}

fn open_anew(tty: &OwnedFd) -> io::Result<OwnedFd> {
    // Linux leads to the very file that is open, also where its name belongs to something else here (another
    // mount namespace). macOS would only duplicate the descriptor.
    let path = if cfg!(target_os = "linux") {
        PathBuf::from(format!("/proc/self/fd/{}", tty.as_raw_fd()))
    } else {
        ttyname(tty)?
    };
    let device = std::fs::metadata(CONTROLLING).map_or(0, |tty| tty.rdev());
    if std::fs::File::from(tty.try_clone()?).metadata()?.rdev() == device {
        return Err(io::Error::other("it was opened as /dev/tty"));
    }
    let mut options = OpenOptions::new();
    options.read(true).write(true).custom_flags(libc::O_NOCTTY | libc::O_NONBLOCK);
    let own = OwnedFd::from(options.open(path)?);
    if same_terminal(tty.as_fd(), own.as_fd()) {
        Ok(own)
    } else {
        Err(io::Error::other("its name is another one's"))
    }
}

/// The names to try, best first.
fn names(stdin: BorrowedFd<'_>) -> Vec<PathBuf> {
    let controlling = is_controlling(stdin).then(|| PathBuf::from(CONTROLLING));
    in_order(controlling, name(), HAS_INDIRECT_TERMINAL)
}

/// Whether a descriptor of `/dev/tty` is the terminal that it was opened on. On macOS it is the controlling
/// terminal of whoever uses it, and neither kqueue nor poll(2) waits for it (xnu, `bsd/kern/tty_tty.c` and
/// `spec_kqfilter`).
const HAS_INDIRECT_TERMINAL: bool = cfg!(target_os = "linux");

/// /dev/tty opens even where the device node belongs to another user (after su). Where it is of no use, only the
/// node is left.
fn in_order(controlling: Option<PathBuf>, node: Option<PathBuf>, has_indirect: bool) -> Vec<PathBuf> {
    controlling.filter(|_| has_indirect).into_iter().chain(node).collect()
}

/// Whether the process group of this process is the terminal's foreground job.
///
/// A terminal that is nobody's controlling terminal has no jobs; then it is.
pub fn in_foreground(tty: impl AsFd) -> bool {
    match tcgetpgrp(tty.as_fd()) {
        Ok(group) => group == nix::unistd::getpgrp(),
        Err(_) => true,
    }
}

/// A terminal's size, in character cells and in pixels (0 when the terminal does not say).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Size {
    /// Lines of text.
    pub rows: u16,
    /// Characters in a line.
    pub columns: u16,
    /// Pixels across.
    #[serde(default)]
    pub width: u16,
    /// Pixels down.
    #[serde(default)]
    pub height: u16,
}

impl From<Size> for Winsize {
    fn from(size: Size) -> Self {
        Self { ws_row: size.rows, ws_col: size.columns, ws_xpixel: size.width, ws_ypixel: size.height }
    }
}

/// The path of the PTY with this device number, where the system's numbers say it.
///
/// Linux numbers them with 256 minor numbers for each of the major numbers 136 to 143.
#[cfg(target_os = "linux")]
pub fn path_of_pty(device: u64) -> Option<PathBuf> {
    let (major, minor) = (nix::sys::stat::major(device), nix::sys::stat::minor(device));
    (136..144).contains(&major).then(|| format!("/dev/pts/{}", (major - 136) * 256 + minor).into())
}

/// Nothing: macOS was not looked at.
#[cfg(not(target_os = "linux"))]
pub fn path_of_pty(_device: u64) -> Option<PathBuf> {
    None
}

/// Asks a terminal for its size.
///
/// # Errors
/// When it is not a terminal, or gone.
pub fn size(tty: impl AsFd) -> io::Result<Size> {
    let mut size = Winsize { ws_row: 0, ws_col: 0, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: the request fills the struct that it is given.
    Errno::result(unsafe { libc::ioctl(tty.as_fd().as_raw_fd(), libc::TIOCGWINSZ, &mut size) })?;
    Ok(Size { rows: size.ws_row, columns: size.ws_col, width: size.ws_xpixel, height: size.ws_ypixel })
}

/// Sets a terminal's size; the kernel sends SIGWINCH to its foreground job only if that is a change.
///
/// # Errors
/// When it is not a terminal, or gone.
pub fn set_size(tty: impl AsFd, size: Size) -> io::Result<()> {
    let size = Winsize::from(size);
    // macOS lets only the foreground job do this, also through the master (xnu, bsd/kern/tty.c).
    also_in_background(|| {
        // SAFETY: the request reads the struct that it is given.
        Errno::result(unsafe { libc::ioctl(tty.as_fd().as_raw_fd(), libc::TIOCSWINSZ, &size) })
    })??;
    Ok(())
}

/// Runs `act`, which changes a terminal, also where this process is in the background of that terminal. Else
/// such a process is stopped by SIGTTOU, or gets EIO where it is of an orphaned job.
fn also_in_background<T>(act: impl FnOnce() -> T) -> io::Result<T> {
    let mut background = SigSet::empty();
    background.add(Signal::SIGTTOU);
    let before = background.thread_swap_mask(SigmaskHow::SIG_BLOCK)?;
    let done = act();
    before.thread_set_mask()?;
    Ok(done)
}

/// Makes a terminal of this session as a new one is: what was typed or written there and not read is gone,
/// output goes on that ctrl-s has stopped, and it has these attributes.
///
/// # Errors
/// When it is not a terminal, or gone.
pub fn make_as_new(tty: impl AsFd, attributes: &Attributes) -> io::Result<()> {
    also_in_background(|| {
        tcflow(tty.as_fd(), FlowArg::TCOON)?;
        tcflush(tty.as_fd(), FlushArg::TCIOFLUSH)?;
        attributes.apply(tty.as_fd())
    })?
}

/// Hangs up the foreground job of a PTY, and continues it where it is stopped, as Linux does when the leader
/// of a session lets go of its terminal. The kernel knows the job, so no number is needed.
#[cfg(target_os = "macos")]
pub fn hang_up_foreground(master: impl AsFd) {
    for signal in [Signal::SIGHUP, Signal::SIGCONT] {
        // SAFETY: the request takes a number, and no memory is touched.
        let _ = unsafe { libc::ioctl(master.as_fd().as_raw_fd(), libc::TIOCSIG as _, signal as libc::c_int) };
    }
}

/// Nothing: [`leave_controlling`] does it here.
#[cfg(not(target_os = "macos"))]
pub fn hang_up_foreground(_master: impl AsFd) {}

/// Makes `tty` the controlling terminal of this process, which must be a session leader without one.
///
/// # Errors
/// As TIOCSCTTY in tty_ioctl(4).
pub fn make_controlling(tty: impl AsFd) -> io::Result<()> {
    // The type of a request is another one in musl and on macOS.
    // SAFETY: the request takes a number, and no memory is touched.
    Errno::result(unsafe { libc::ioctl(tty.as_fd().as_raw_fd(), libc::TIOCSCTTY as _, 0) })?;
    Ok(())
}

/// Lets go of the controlling terminal of this process, a session leader: its foreground job is hung up, and
/// another terminal can be made the controlling one.
///
/// # Errors
/// As TIOCNOTTY in tty_ioctl(4), or when there is none.
pub fn leave_controlling() -> io::Result<()> {
    let tty = OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(libc::O_NOCTTY | libc::O_NONBLOCK)
        .open(CONTROLLING)?;
    // SAFETY: the request takes no argument.
    Errno::result(unsafe { libc::ioctl(tty.as_raw_fd(), libc::TIOCNOTTY) })?;
    Ok(())
}

/// A terminal's attributes as the C library has them. Two that are the same are equal.
///
/// Not by nix: musl fills the part of the struct that the kernel knows, and leaves the rest of it as it was. nix gives it
/// memory that nobody has set.
///
/// # Errors
/// When it is not a terminal, or gone.
pub fn termios(tty: impl AsFd) -> io::Result<Termios> {
    // SAFETY: plain numbers, for which all zero is valid.
    let mut termios = unsafe { std::mem::zeroed::<libc::termios>() };
    // SAFETY: fills the struct, which is ours.
    Errno::result(unsafe { libc::tcgetattr(tty.as_fd().as_raw_fd(), &raw mut termios) })?;
    Ok(Termios::from(termios))
}

/// A terminal's attributes in a form that can be sent to another process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attributes {
    input: u64,
    output: u64,
    control: u64,
    local: u64,
    characters: Vec<u8>,
    input_speed: u64,
    output_speed: u64,
}

impl Attributes {
    /// Reads the attributes of a terminal.
    ///
    /// # Errors
    /// When it is not a terminal, or gone.
    pub fn of(tty: impl AsFd) -> io::Result<Self> {
        Ok(Self::from(libc::termios::from(termios(tty)?)))
    }

    /// The attributes that the system gives a new terminal.
    ///
    /// # Errors
    /// When no PTY can be opened.
    pub fn of_a_new_terminal() -> io::Result<Self> {
        Self::of(nix::pty::openpty(None, None)?.slave)
    }

    /// The same, as raw mode has them (cfmakeraw(3)).
    pub fn raw(&self) -> Self {
        let mut termios = self.to_termios();
        cfmakeraw(&mut termios);
        Self::from(libc::termios::from(termios))
    }

    /// Gives them to a terminal, at once, and without discarding what was typed.
    ///
    /// From a background job of that terminal this stops the job by SIGTTOU, as it should.
    ///
    /// # Errors
    /// When it is not a terminal, or gone, or (EIO) the job is orphaned in the background.
    pub fn apply(&self, tty: impl AsFd) -> io::Result<()> {
        loop {
            match tcsetattr(tty.as_fd(), SetArg::TCSANOW, &self.to_termios()) {
                Ok(()) => return Ok(()),
                Err(nix::Error::EINTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// The attributes as the C library has them.
    pub fn to_termios(&self) -> Termios {
        // SAFETY: plain numbers, for which all zero is valid.
        let mut termios = unsafe { std::mem::zeroed::<libc::termios>() };
        termios.c_iflag = self.input as libc::tcflag_t;
        termios.c_oflag = self.output as libc::tcflag_t;
        termios.c_cflag = self.control as libc::tcflag_t;
        termios.c_lflag = self.local as libc::tcflag_t;
        for (to, from) in termios.c_cc.iter_mut().zip(&self.characters) {
            *to = *from;
        }
        // SAFETY: the struct is ours; an unknown speed is refused and changes nothing.
        unsafe { libc::cfsetispeed(&mut termios, self.input_speed as libc::speed_t) };
        // SAFETY: as above.
        unsafe { libc::cfsetospeed(&mut termios, self.output_speed as libc::speed_t) };
        Termios::from(termios)
    }
}

// Linux has numbers of 32 bits here, macOS of 64.
#[cfg_attr(target_os = "macos", expect(clippy::useless_conversion))]
impl From<libc::termios> for Attributes {
    fn from(termios: libc::termios) -> Self {
        Self {
            input: termios.c_iflag.into(),
            output: termios.c_oflag.into(),
            control: termios.c_cflag.into(),
            local: termios.c_lflag.into(),
            characters: termios.c_cc.to_vec(),
            // SAFETY: reads a field of the struct.
            input_speed: unsafe { libc::cfgetispeed(&termios) }.into(),
            // SAFETY: reads a field of the struct.
            output_speed: unsafe { libc::cfgetospeed(&termios) }.into(),
        }
    }
}

/// Makes the process group of this process the terminal's foreground job, from the background too.
///
/// # Errors
/// When it is not this process's controlling terminal.
pub fn take_foreground(tty: impl AsFd) -> io::Result<()> {
    Ok(also_in_background(|| tcsetpgrp(tty, nix::unistd::getpgrp()))??)
}

/// The process group that is in the terminal's foreground, where there is one.
pub fn foreground_group(tty: impl AsFd) -> Option<Pid> {
    tcgetpgrp(tty).ok().filter(|group| group.as_raw() > 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_dev_tty_is_of_no_use_only_the_node_is_opened() {
        let (controlling, node) = (Some(PathBuf::from(CONTROLLING)), Some(PathBuf::from("/dev/ttys003")));
        let all = |has_indirect| in_order(controlling.clone(), node.clone(), has_indirect);
        assert_eq!(all(true), [Path::new(CONTROLLING), Path::new("/dev/ttys003")]);
        assert_eq!(all(false), [Path::new("/dev/ttys003")]);
        // Then there is an error to be shown, and nothing that would have to be polled.
        assert!(in_order(controlling.clone(), None, false).is_empty());
    }
}
