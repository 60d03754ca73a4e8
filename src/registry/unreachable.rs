//! A session whose host is about to come, or cannot be reached.

use std::thread::sleep;
use std::time::{Duration, Instant};

use super::Session;
use super::lock;
use crate::escape::escape;
use crate::os::process;

/// How long a host may take to come, what is left of the last claude included.
const HOST_START_TIMEOUT: Duration = Duration::from_secs(15);
/// How long a host that is alive may take to make its socket anew.
const SOCKET_TIMEOUT: Duration = Duration::from_secs(3);
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// Waits until a session that is about to get a host, or whose host cannot be reached, has a host that can be. Gives the session
/// as it is then.
///
/// # Errors
/// When that does not come in time; the reason is for the user.
pub fn wait_for_host(session: &Session) -> Result<Session, String> {
    let begun = Instant::now();
    let word = session.word();
    loop {
        let now = super::read(&session.directory).unwrap_or_else(|| session.clone());
        if now.is_running && now.connect().is_some() {
            return Ok(Session { name: session.name.clone(), ..now });
        }
        if !now.has_host() {
            return Err(format!("the new host of {word} could not bring it back; see: cckw logs {word}"));
        }
        let timeout = if now.is_unreachable { SOCKET_TIMEOUT } else { HOST_START_TIMEOUT };
        if begun.elapsed() > timeout {
            return Err(if now.is_unreachable {
                why_unreachable(&now)
            } else {
                format!("the new host of {word} does not come up; see: cckw logs {word}")
            });
        }
        sleep(POLL_INTERVAL);
    }
}

/// Why the host of a session cannot be reached, and what to do about it.
pub fn why_unreachable(session: &Session) -> String {
    let (word, record) = (session.word(), &session.record);
    if record.boot.is_some() && record.boot != process::boot() {
        return format!(
            "{word} runs on another machine that has this directory too, or its host was started by another version of cckw: go on there"
        );
    }
    if !record.host_lives() {
        return format!(
            "{word} has a host that cannot be reached, and its record does not say which process that is; see who has the lock: \
             fuser {}",
            escape(&session.directory.join(lock::LOCK_NAME))
        );
    }
    let pid = record.host_pid;
    format!(
        "the host of {word} (process {pid}) is alive, but has lost its socket and does not make a new one: it is stopped, or hangs; if \
         `ps -o stat= -p {pid}` says T: kill -CONT {pid}; else end it and bring the conversation back: kill -KILL {pid}; cckw start {word}"
    )
}
