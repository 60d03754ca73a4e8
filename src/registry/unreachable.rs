//! A session whose host is about to come, or cannot be reached.

use std::thread::sleep;
use std::time::{Duration, Instant};

use super::Session;
use super::lock;
use crate::os::process;
use crate::user_error::{UserError, host};

/// How long a host may take to come, what is left of the last claude included.
const HOST_START_TIMEOUT: Duration = Duration::from_secs(15);
/// How long a host that is alive may take to make its socket anew.
const SOCKET_TIMEOUT: Duration = Duration::from_secs(3);
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// Waits until a session that is about to get a host, or whose host cannot be reached, has a host that can
/// be. Gives the session as it is then.
///
/// # Errors
/// When that does not come in time.
pub fn wait_for_host(session: &Session) -> Result<Session, UserError> {
    let begun = Instant::now();
    let word = session.word();
    loop {
        let now = super::again(session).unwrap_or_else(|| session.clone());
        if now.is_running && now.connect().is_some() {
            return Ok(now);
        }
        if !now.has_host() {
            return Err(host::could_not_revive(&word));
        }
        let timeout = if now.is_unreachable { SOCKET_TIMEOUT } else { HOST_START_TIMEOUT };
        if begun.elapsed() > timeout {
            return Err(if now.is_unreachable {
                why_unreachable(&now)
            } else {
                host::does_not_come_up(&word)
            });
        }
        sleep(POLL_INTERVAL);
    }
}

/// Why the host of a session cannot be reached, and what to do about it.
pub fn why_unreachable(session: &Session) -> UserError {
    let (word, record) = (session.word(), &session.record);
    if record.boot.is_some() && record.boot != process::boot() {
        return host::elsewhere(&word);
    }
    if !record.host_lives() {
        return host::unknown_process(&word, &session.directory.join(lock::LOCK_NAME));
    }
    host::lost_socket(&word, record.host_pid)
}
