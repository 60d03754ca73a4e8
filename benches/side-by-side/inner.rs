//! The programs that run inside the tools. They are this benchmark itself, told by an environment variable,
//! so that every tool runs the same ones.

use std::io::{self, Read, Write};
use std::os::fd::AsRawFd;
use std::path::Path;

use crate::bare;
use crate::feed::Feed;

/// Chooses the inner program: `idle`, `echo`, `flood`, `paint`, `text:BYTES`, `sgr:BYTES`, `paste:BYTES` or
/// `both:BYTES`.
pub const VARIABLE: &str = "CCKW_BENCH_INNER";

/// Announces that the terminal is raw; the process id follows, and then [`READY_END`].
pub const READY: &str = "bench-ready ";

/// Ends the announcement. No line end: a program that draws anew may draw that as a movement of the cursor.
pub const READY_END: &[u8] = b";";

/// The line behind a bulk transfer.
pub const END_LINE: &[u8] = b"bench-end bench-end bench-end bench-end\r\n";

/// A word of it. There are several, because a program that draws in the middle of a line tears one of them
/// apart.
pub const END: &[u8] = b"bench-end";

/// What comes back when all input was as it should be.
pub const GOOD_LINE: &[u8] = b"GOOD GOOD GOOD GOOD\r\n";

/// A word of it.
pub const GOOD: &[u8] = b"GOOD";

/// What comes back when it was not.
pub const BAD: &[u8] = b"BAD!";

/// A word that is on the last row of the screen that `paint` draws, so that with it the rest is there too.
pub const PAINTED: &[u8] = b"bench-painted";

/// What is in every line of a flood once so many keys were read.
pub fn mark(keys: usize) -> String {
    format!("key{keys:05};")
}

/// Runs the program that the variable named. All of them end at `q`.
pub fn run(mode: &str) -> io::Result<()> {
    bare::raw_terminal()?;
    print(&[READY.as_bytes(), std::process::id().to_string().as_bytes(), READY_END].concat())?;
    let (name, bytes) = mode.split_once(':').unwrap_or((mode, "0"));
    let bytes = bytes.parse().map_err(io::Error::other)?;
    match name {
        "idle" => say_idle()?,
        "echo" => return echo(),
        "flood" => return flood(),
        "paint" => return paint(),
        "text" => blast(Feed::text(bytes))?,
        "sgr" => blast(Feed::sgr(bytes))?,
        "paste" => take(Feed::text(bytes))?,
        "both" => both(Feed::text(bytes), Feed::sgr(bytes))?,
        _ => return Err(io::Error::other(format!("{VARIABLE}={mode}"))),
    }
    wait_for(b'q')
}

/// Writes a state file, as claude does: a host that finds none looks once more after a while.
fn say_idle() -> io::Result<()> {
    let Some(home) = std::env::var_os("HOME") else { return Ok(()) };
    let sessions = Path::new(&home).join(".claude/sessions");
    std::fs::create_dir_all(&sessions)?;
    let pid = nix::unistd::Pid::this();
    let start = cckw::os::process::look_up(pid).map(|process| process.start).unwrap_or_default();
    let id = "00000000-0000-4000-8000-000000000000";
    let state = format!(
        r#"{{"pid":{pid},"procStart":"{start}","sessionId":"{id}","cwd":"/","kind":"interactive","status":"idle"}}"#
    );
    std::fs::write(sessions.join(format!("{pid}.json")), state)
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
    print(END_LINE)
}

/// Writes as much as the terminal takes, once `G` was read, and in every line how many keys were read since.
fn flood() -> io::Result<()> {
    wait_for(b'G')?;
    bare::set_nonblocking(0)?;
    let (mut keys, mut lines, mut at) = (0, Vec::new(), 0);
    loop {
        let mut fds = [libc::pollfd { fd: 0, events: libc::POLLIN | libc::POLLOUT, revents: 0 }];
        // SAFETY: the pointer leads to one descriptor, as the number says.
        unsafe { libc::poll(fds.as_mut_ptr(), 1, -1) };
        if fds[0].revents & !libc::POLLOUT != 0 {
            let mut buffer = [0; 64];
            match nix::unistd::read(io::stdin(), &mut buffer) {
                Ok(0) => return Ok(()),
                Ok(count) if buffer[..count].contains(&b'q') => return blocking(),
                Ok(count) => keys += count,
                Err(nix::Error::EAGAIN | nix::Error::EINTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        if fds[0].revents & libc::POLLOUT != 0 {
            if at == lines.len() {
                let line = format!("{} {:090}\r\n", mark(keys), keys);
                (lines, at) = (line.repeat(10).into_bytes(), 0);
            }
            match nix::unistd::write(io::stdout(), &lines[at..]) {
                Ok(count) => at += count,
                Err(nix::Error::EAGAIN | nix::Error::EINTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// Fills the screen, and does so again whenever the size of the terminal is said to have changed, as Claude
/// Code does.
fn paint() -> io::Result<()> {
    let (changed, change) = std::os::unix::net::UnixStream::pair()?;
    signal_hook::low_level::pipe::register(libc::SIGWINCH, change)?;
    let mut screen = String::from("\x1b[H");
    for row in 1..39 {
        screen += &format!("\x1b[38;5;{row}mrow {row:02}\x1b[39m {}\x1b[K\r\n", "claude says ".repeat(7));
    }
    screen += &format!("{}\x1b[K", String::from_utf8_lossy(PAINTED));
    print(screen.as_bytes())?;
    loop {
        let mut fds =
            [0, changed.as_raw_fd()].map(|fd| libc::pollfd { fd, events: libc::POLLIN, revents: 0 });
        // SAFETY: the pointer leads to two descriptors, as the number says.
        unsafe { libc::poll(fds.as_mut_ptr(), 2, -1) };
        let mut buffer = [0; 64];
        if fds[1].revents != 0 {
            (&changed).read_exact(&mut buffer[..1])?;
            print(screen.as_bytes())?;
        }
        if fds[0].revents != 0 {
            let count = read(&mut buffer)?;
            if count == 0 || buffer[..count].contains(&b'q') {
                return Ok(());
            }
        }
    }
}

/// Makes reads and writes of the terminal wait again: its next reader expects that.
fn blocking() -> io::Result<()> {
    // SAFETY: F_SETFL takes a number; the descriptor is standard input.
    let result = unsafe { libc::fcntl(0, libc::F_SETFL, libc::O_RDWR) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

fn answer(good: bool) -> io::Result<()> {
    if good {
        return print(GOOD_LINE);
    }
    print(BAD)?;
    // What is left of the input is no order to end: the answer is to be seen first.
    while read(&mut [0; 4096])? > 0 {}
    Ok(())
}

fn take(mut feed: Feed) -> io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    let mut good = true;
    while good && !feed.is_done() {
        let count = read(&mut buffer)?;
        good = count > 0 && feed.compare(&buffer[..count]).is_ok();
    }
    answer(good)
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
    blocking()?;
    answer(good)
}
