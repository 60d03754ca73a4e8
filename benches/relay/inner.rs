//! The programs that run inside the tools. They are this benchmark itself, told by an environment variable, so that
//! every tool runs the same ones.

use std::io::{self, Read, Write};

use crate::bare;
use crate::feed::Feed;

/// Chooses the inner program: `idle`, `echo`, `text:BYTES`, `sgr:BYTES`, `paste:BYTES` or `both:BYTES`.
pub const VARIABLE: &str = "CCKW_BENCH_INNER";

/// Announces that the terminal is raw; the process id and a line end follow.
pub const READY: &str = "bench-ready ";

/// What comes back when all input was as it should be.
pub const GOOD: &[u8] = b"GOOD\r\n";

/// What comes back when it was not.
const BAD: &[u8] = b"BAD!\r\n";

/// Runs the program that the variable named. All of them end at `q`.
pub fn run(mode: &str) -> io::Result<()> {
    bare::raw_terminal()?;
    print(format!("{READY}{}\r\n", std::process::id()).as_bytes())?;
    let (name, bytes) = mode.split_once(':').unwrap_or((mode, "0"));
    let bytes = bytes.parse().map_err(io::Error::other)?;
    match name {
        "idle" => {}
        "echo" => return echo(),
        "text" => blast(Feed::text(bytes))?,
        "sgr" => blast(Feed::sgr(bytes))?,
        "paste" => take(Feed::text(bytes))?,
        "both" => both(Feed::text(bytes), Feed::sgr(bytes))?,
        _ => return Err(io::Error::other(format!("{VARIABLE}={mode}"))),
    }
    wait_for(b'q')
}

fn print(bytes: &[u8]) -> io::Result<()> {
    let mut output = io::stdout().lock();
    output.write_all(bytes)?;
    output.flush()
}

fn wait_for(byte: u8) -> io::Result<()> {
    let mut buffer = [0; 1];
    loop {
        io::stdin().lock().read_exact(&mut buffer)?;
        if buffer[0] == byte {
            return Ok(());
        }
    }
}

fn read(buffer: &mut [u8]) -> io::Result<usize> {
    Ok(nix::unistd::read(io::stdin(), buffer)?)
}

fn echo() -> io::Result<()> {
    let mut buffer = [0; 4096];
    loop {
        let count = read(&mut buffer)?;
        if count == 0 || buffer[..count].contains(&b'q') {
            return Ok(());
        }
        nix::unistd::write(io::stdout(), &buffer[..count])?;
    }
}

fn blast(mut feed: Feed) -> io::Result<()> {
    wait_for(b'G')?;
    while !feed.is_done() {
        let rest = feed.rest();
        let count = nix::unistd::write(io::stdout(), &rest[..rest.len().min(64 * 1024)])?;
        feed.advance(count);
    }
    Ok(())
}

fn take(mut feed: Feed) -> io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    let mut good = true;
    while good && !feed.is_done() {
        let count = read(&mut buffer)?;
        good = count > 0 && feed.compare(&buffer[..count]).is_ok();
    }
    print(if good { GOOD } else { BAD })
}

fn both(mut input: Feed, mut output: Feed) -> io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    let mut good = true;
    bare::set_nonblocking(0)?;
    while good && !(input.is_done() && output.is_done()) {
        let wanted = if output.is_done() { libc::POLLIN } else { libc::POLLIN | libc::POLLOUT };
        let mut fds = [libc::pollfd { fd: 0, events: wanted, revents: 0 }];
        // SAFETY: the pointer leads to one descriptor, as the number says.
        unsafe { libc::poll(fds.as_mut_ptr(), 1, -1) };
        if fds[0].revents & libc::POLLOUT != 0 {
            let rest = output.rest();
            match nix::unistd::write(io::stdout(), &rest[..rest.len().min(64 * 1024)]) {
                Ok(count) => output.advance(count),
                Err(nix::Error::EAGAIN | nix::Error::EINTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        if fds[0].revents & !libc::POLLOUT != 0 {
            match nix::unistd::read(io::stdin(), &mut buffer) {
                Ok(count) => good = count > 0 && input.compare(&buffer[..count]).is_ok(),
                Err(nix::Error::EAGAIN | nix::Error::EINTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
    // SAFETY: F_SETFL takes a number; the descriptor is standard input.
    unsafe { libc::fcntl(0, libc::F_SETFL, libc::O_RDWR) };
    print(if good { GOOD } else { BAD })
}
