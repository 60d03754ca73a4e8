//! The bare relay: the least that a program between a terminal and a PTY can do. One process, one poll loop,
//! no screen model, no session, no recovery. What is measured is compared with it, because every relay pays
//! for a second PTY and for one more process to be woken, whatever it does.

use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::Command;

/// The largest read. The kernel gives at most 4095 bytes of a PTY anyway.
const BUFFER: usize = 64 * 1024;

/// Runs the program on a PTY of its own until that PTY is closed, and returns the exit status. With `split`,
/// keys and output are moved by two processes, as cckw does it.
pub fn run(program: &str, split: bool) -> io::Result<i32> {
    let mut size = libc::winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: TIOCGWINSZ fills the struct that the pointer leads to, which lives on this stack.
    unsafe { libc::ioctl(0, libc::TIOCGWINSZ, &raw mut size) };
    let pty = nix::pty::openpty(Some(&size), None)?;
    let (master, slave) = (pty.master, pty.slave);
    let slave_number = slave.as_raw_fd();
    nix::fcntl::fcntl(&master, nix::fcntl::FcntlArg::F_SETFD(nix::fcntl::FdFlag::FD_CLOEXEC))?;
    let mut command = Command::new(program);
    command.stdin(slave.try_clone()?).stdout(slave.try_clone()?).stderr(slave);
    // SAFETY: the closure makes system calls only, and allocates nothing.
    unsafe { command.pre_exec(move || own_session(slave_number)) };
    let before = raw_terminal()?;
    let mut child = command.spawn()?;
    drop(command);
    let moved = if split { relay_split(master.as_raw_fd()) } else { relay(master.as_raw_fd()) };
    set_terminal(&before)?;
    moved?;
    let status = child.wait()?;
    Ok(status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0)))
}

/// Makes the calling process the leader of a session whose terminal is `terminal`.
pub fn own_session(terminal: RawFd) -> io::Result<()> {
    nix::unistd::setsid()?;
    // The type of a request is another one in musl and on macOS.
    // SAFETY: TIOCSCTTY takes a number, not a pointer.
    let result = unsafe { libc::ioctl(terminal, libc::TIOCSCTTY as _, 0) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Puts the terminal in raw mode and returns its attributes from before.
pub fn raw_terminal() -> io::Result<nix::sys::termios::Termios> {
    let before = nix::sys::termios::tcgetattr(io::stdin())?;
    let mut raw = before.clone();
    nix::sys::termios::cfmakeraw(&mut raw);
    set_terminal(&raw)?;
    Ok(before)
}

fn set_terminal(attributes: &nix::sys::termios::Termios) -> io::Result<()> {
    Ok(nix::sys::termios::tcsetattr(io::stdin(), nix::sys::termios::SetArg::TCSANOW, attributes)?)
}

/// Moves bytes until the PTY is closed. Keys that the program does not take yet wait; output is written at
/// once.
fn relay(master: RawFd) -> io::Result<()> {
    let mut buffer = vec![0u8; BUFFER];
    let mut keys = vec![0u8; BUFFER];
    let (mut from, mut to) = (0, 0);
    set_nonblocking(master)?;
    loop {
        let waiting = from < to;
        let mut fds = [
            libc::pollfd { fd: if waiting { -1 } else { 0 }, events: libc::POLLIN, revents: 0 },
            libc::pollfd {
                fd: master,
                events: libc::POLLIN | if waiting { libc::POLLOUT } else { 0 },
                revents: 0,
            },
        ];
        // SAFETY: the pointer leads to two descriptors, as the number says.
        if unsafe { libc::poll(fds.as_mut_ptr(), 2, -1) } < 0 {
            continue;
        }
        if fds[1].revents & !libc::POLLOUT != 0 {
            match read(master, &mut buffer) {
                Some(0) => return Ok(()),
                Some(count) => write_all(1, &buffer[..count])?,
                None => {}
            }
        }
        if fds[0].revents != 0 {
            (from, to) = (0, read(0, &mut keys).unwrap_or(0));
            if to == 0 {
                return Ok(());
            }
        }
        if from < to {
            // SAFETY: the pointer and the length are those of a part of the buffer.
            let count = unsafe { libc::write(master, keys[from..to].as_ptr().cast(), to - from) };
            from += usize::try_from(count).unwrap_or(0);
        }
    }
}

/// The same with a process for each direction. Each blocks in its reads and writes, and needs no poll.
fn relay_split(master: RawFd) -> io::Result<()> {
    let mut buffer = vec![0u8; BUFFER];
    // SAFETY: this process has one thread, so the child may go on as the parent could have.
    match unsafe { nix::unistd::fork() }? {
        nix::unistd::ForkResult::Child => {
            while let Some(count @ 1..) = read(0, &mut buffer) {
                if write_all(master, &buffer[..count]).is_err() {
                    break;
                }
            }
            std::process::exit(0);
        }
        nix::unistd::ForkResult::Parent { child } => {
            while let Some(count @ 1..) = read(master, &mut buffer) {
                write_all(1, &buffer[..count])?;
            }
            nix::sys::signal::kill(child, nix::sys::signal::Signal::SIGKILL)?;
            nix::sys::wait::waitpid(child, None)?;
            Ok(())
        }
    }
}

/// How much was read: 0 at the end, nothing if there was nothing.
fn read(fd: RawFd, buffer: &mut [u8]) -> Option<usize> {
    // SAFETY: the pointer and the length are those of the buffer.
    let count = unsafe { libc::read(fd, buffer.as_mut_ptr().cast(), buffer.len()) };
    if count >= 0 {
        return usize::try_from(count).ok();
    }
    match io::Error::last_os_error().raw_os_error() {
        Some(libc::EAGAIN | libc::EINTR) => None,
        // EIO: the last program that had the PTY open is gone.
        _ => Some(0),
    }
}

fn write_all(fd: RawFd, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        // SAFETY: the pointer and the length are those of the slice.
        let count = unsafe { libc::write(fd, bytes.as_ptr().cast(), bytes.len()) };
        match usize::try_from(count) {
            Ok(count) => bytes = &bytes[count..],
            Err(_) if io::Error::last_os_error().kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return Err(io::Error::last_os_error()),
        }
    }
    Ok(())
}

/// Makes reads and writes of this open file description return at once.
pub fn set_nonblocking(fd: RawFd) -> io::Result<()> {
    // SAFETY: F_SETFL takes a number; the descriptor is one of ours.
    let result = unsafe { libc::fcntl(fd, libc::F_SETFL, libc::O_RDWR | libc::O_NONBLOCK) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
