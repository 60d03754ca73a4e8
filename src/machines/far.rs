//! The far side: what another machine's cckw has started here, through ssh.
//!
//! It reads one request from stdin, says its hello, and leaves the request to the caller. From then on it watches stdin:
//! its end means that the near side is gone, and this process ends as by a hang-up.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, raise};

use super::name::MachineName;
use super::wire::{self, Ask, Hello, PROTOCOL, Request};
use crate::near_side::{self, MARK, NearSide};
use crate::os::memory_file;
use crate::os::poll::{Interest, Poll};
use crate::user_error::{UserError, machine as error};

/// How long the request, and what lets it be done, may take to come. The near side writes them at once.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a verb may take to end after a hang-up.
const END_TIMEOUT: Duration = Duration::from_secs(3);
/// The status after a hang-up.
const HUNG_UP: i32 = 128 + libc::SIGHUP;

/// Reads the request, answers that it has come, and makes this process one that speaks to the machine which has
/// asked: its names have a prefix, its stdin is what the request says, and it ends with the connection.
///
/// # Errors
/// When no request comes, or it cannot be understood.
pub fn begin() -> Result<Ask, UserError> {
    let stdin = io::stdin().as_fd().try_clone_to_owned().map_err(error::senseless_request)?;
    let line = read_line(File::from(stdin.try_clone().map_err(error::senseless_request)?))?;
    let request: Request = serde_json::from_slice(&line).map_err(error::senseless_request)?;
    check(&request).map_err(error::senseless_request)?;
    say_hello(&request.nonce);
    if request.waits {
        // Without this the near side is gone, or does not know that it is answered: then nothing is done.
        read_line(File::from(stdin.try_clone().map_err(error::senseless_request)?))?;
    }
    near_side::set(NearSide {
        machine: request.machine,
        has_colours: request.has_colours,
        columns: request.columns,
    });
    if let Ask::Verb { stdin: text, .. } = &request.ask {
        let text = text.clone().map(std::ffi::OsString::from).unwrap_or_default();
        replace_stdin(text.as_encoded_bytes()).map_err(error::senseless_request)?;
    }
    end_with(stdin);
    Ok(request.ask)
}

/// Reads up to the first end of a line. What comes behind it is nobody's.
fn read_line(mut stdin: File) -> Result<Vec<u8>, UserError> {
    let until = Instant::now() + REQUEST_TIMEOUT;
    let mut line = Vec::new();
    let mut buffer = [0; 16 << 10];
    loop {
        let mut poll = Poll::default();
        let token = poll.add(&stdin, Interest::Reading);
        poll.wait(Some(until.saturating_duration_since(Instant::now()))).map_err(error::senseless_request)?;
        if !poll.is_ready(token) {
            if Instant::now() >= until {
                return Err(error::senseless_request("it does not come"));
            }
            continue;
        }
        let count = stdin.read(&mut buffer).map_err(error::senseless_request)?;
        if count == 0 {
            return Err(error::senseless_request("there is none"));
        }
        if let Some(end) = memchr::memchr(b'\n', &buffer[..count]) {
            line.extend_from_slice(&buffer[..end]);
            return Ok(line);
        }
        line.extend_from_slice(&buffer[..count]);
        if line.len() > wire::MAX_REQUEST_BYTES {
            return Err(error::senseless_request("it is too long"));
        }
    }
}

/// Whether a request can be answered. One of another major version is answered with the hello alone, by which the near side
/// sees it.
fn check(request: &Request) -> Result<(), String> {
    if !wire::is_nonce(&request.nonce) {
        return Err("its nonce is none".into());
    }
    let parts = request.machine.split(MARK);
    for part in parts {
        MachineName::new(part).map_err(|why| format!("this machine cannot be called so: {why}"))?;
    }
    if request.protocol.major != PROTOCOL.major {
        say_hello(&request.nonce);
        return Err(format!("it is of protocol {}, and this is {}", request.protocol.major, PROTOCOL.major));
    }
    Ok(())
}

/// Says on stdout who answers, and on stderr that what follows is of the verb.
fn say_hello(nonce: &str) {
    let line = wire::hello_line(nonce, &Hello::own());
    let _ = io::stderr().lock().write_all(line.as_bytes());
    let mut stdout = io::stdout().lock();
    let _ = stdout.write_all(line.as_bytes()).and_then(|()| stdout.flush());
}

/// Has this process read these bytes from stdin.
fn replace_stdin(bytes: &[u8]) -> io::Result<()> {
    let file = memory_file::with(bytes)?;
    nix::unistd::dup2_stdin(&file)?;
    Ok(())
}

/// Ends this process when nothing comes from `link` any more.
fn end_with(link: OwnedFd) {
    // Without a thread the verb goes on after its link, and ends as it does.
    let _ = thread::Builder::new().name("link".into()).spawn(move || {
        let mut link = File::from(link);
        let mut buffer = [0; 1024];
        while link.read(&mut buffer).is_ok_and(|count| count > 0) {}
        // A verb that has something to undo has a handler.
        let _ = raise(Signal::SIGHUP);
        thread::sleep(END_TIMEOUT);
        std::process::exit(HUNG_UP);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(nonce: &str, machine: &str) -> Request {
        Request {
            protocol: PROTOCOL,
            nonce: nonce.into(),
            machine: machine.into(),
            ask: Ask::Condition,
            has_colours: false,
            columns: None,
            waits: false,
        }
    }

    #[test]
    fn a_request_names_this_machine_in_a_way_that_can_be_printed() {
        assert_eq!(check(&request("a0", "box")), Ok(()));
        assert_eq!(check(&request("a0", "box:pi")), Ok(()));
        for (nonce, machine) in [("a0", "a b"), ("a0", ""), ("a0", "box:"), ("", "box"), ("a\n", "box")] {
            assert!(check(&request(nonce, machine)).is_err(), "{nonce} {machine}");
        }
    }
}
