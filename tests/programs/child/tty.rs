//! The child's terminal: raw mode, sizes, whole writes, and what ended a wait.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout};
use nix::sys::termios::{self, SetArg, Termios};

/// The child reads its terminal here.
pub fn input() -> BorrowedFd<'static> {
    // SAFETY: descriptor 0 stays open for the life of the process.
    unsafe { BorrowedFd::borrow_raw(0) }
}

/// The child writes to its terminal here.
pub fn output() -> BorrowedFd<'static> {
    // SAFETY: descriptor 1 stays open for the life of the process.
    unsafe { BorrowedFd::borrow_raw(1) }
}

/// Says on standard error what is wrong and ends the process with status 64, which no mode uses.
pub fn give_up(reason: &str) -> ! {
    let _ = nix::unistd::write(io::stderr().as_fd(), format!("pty-child: {reason}\r\n").as_bytes());
    std::process::exit(64)
}

/// Puts the terminal in raw mode at once (nothing is flushed) and returns what it was. No terminal: nothing
/// is done.
pub fn raw() -> Option<Termios> {
    let before = termios::tcgetattr(input()).ok()?;
    let mut now = before.clone();
    termios::cfmakeraw(&mut now);
    set(&now);
    Some(before)
}

/// Sets terminal attributes at once.
pub fn set(attributes: &Termios) {
    if let Err(error) = termios::tcsetattr(input(), SetArg::TCSANOW, attributes) {
        give_up(&format!("tcsetattr: {error}"));
    }
}

/// Rows, columns, width and height in pixels; nothing if standard input is no terminal.
pub fn size() -> Option<[u16; 4]> {
    let mut size = libc::winsize { ws_row: 0, ws_col: 0, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: TIOCGWINSZ fills the struct that the pointer leads to, which lives on this stack.
    let result = unsafe { libc::ioctl(0, libc::TIOCGWINSZ, &raw mut size) };
    (result == 0).then_some([size.ws_row, size.ws_col, size.ws_xpixel, size.ws_ypixel])
}

/// Writes everything, whether or not the terminal is non-blocking. Errors end the process: nobody would see
/// the rest.
pub fn write_all(mut bytes: &[u8]) {
    while !bytes.is_empty() {
        match nix::unistd::write(output(), bytes) {
            Ok(count) => bytes = &bytes[count..],
            Err(Errno::EINTR) => {}
            Err(Errno::EAGAIN) => {
                wait(&mut [PollFd::new(output(), PollFlags::POLLOUT)], PollTimeout::NONE);
            }
            Err(error) => give_up(&format!("write: {error}")),
        }
    }
}

/// Writes a line for people and tests to see, as well as it goes: the terminal may be gone.
pub fn say(line: &str) {
    let _ = nix::unistd::write(output(), format!("{line}\r\n").as_bytes());
}

/// One read. Nothing means that the terminal is gone (end of file, or EIO, which is how Linux says it).
pub fn read(buffer: &mut [u8]) -> Option<usize> {
    loop {
        match nix::unistd::read(input(), buffer) {
            Ok(0) | Err(Errno::EIO) => return None,
            Ok(count) => return Some(count),
            Err(Errno::EINTR) => {}
            Err(Errno::EAGAIN) => {
                wait(&mut [PollFd::new(input(), PollFlags::POLLIN)], PollTimeout::NONE);
            }
            Err(error) => give_up(&format!("read: {error}")),
        }
    }
}

/// Waits for one of the descriptors; false when the time is over. A signal does not end the wait.
pub fn wait(fds: &mut [PollFd<'_>], timeout: PollTimeout) -> bool {
    loop {
        match nix::poll::poll(fds, timeout) {
            Ok(ready) => return ready > 0,
            Err(Errno::EINTR) => {}
            Err(error) => give_up(&format!("poll: {error}")),
        }
    }
}

/// Whether poll found something to do on this descriptor, an error included.
pub fn is_ready(fd: &PollFd<'_>) -> bool {
    fd.revents().is_some_and(|events| !events.is_empty())
}
