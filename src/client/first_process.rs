//! A client that is the first process of a container (or the only child of one such as tini) does not end
//! when it is detached: the container would end with it, and the session too. It gives the terminal back and
//! stays until the session has ended.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use nix::unistd::{Pid, getpid, getppid};
use uuid::Uuid;

use crate::os::kill::Identity;
use crate::os::poll::{Interest, Poll};
use crate::os::process;
use crate::os::signal_pipe::SignalPipe;
use crate::registry::lock::Lock;
use crate::registry::record;
use crate::registry::record::Record;

/// How long the host may take to end its session, once this process was told to end.
const STOP_TIMEOUT: Duration = Duration::from_secs(9);

/// Whether everything ends with this process.
pub(super) fn is_first_process() -> bool {
    let first = Pid::from_raw(1);
    getpid() == first || getppid() == first
}

/// Waits until the session has ended, and passes on to its host what asks this process to end. The status to
/// exit with.
///
/// The host is this process's child, or is adopted by it, so its end is told by SIGCHLD.
pub(super) fn stay_with(session: &Uuid) -> u8 {
    let signals = [libc::SIGCHLD, libc::SIGTERM, libc::SIGINT, libc::SIGQUIT, libc::SIGHUP];
    let (Ok(directory), Ok(mut pipe)) = (record::directory(session), SignalPipe::install(&signals)) else {
        return 0;
    };
    let mut until = None;
    loop {
        process::reap();
        let left = until.map(|until: Instant| until.saturating_duration_since(Instant::now()));
        if !Lock::is_held(&directory) || left.is_some_and(|left| left.is_zero()) {
            break;
        }
        let mut poll = Poll::default();
        poll.add(&pipe, Interest::Reading);
        let _ = poll.wait(left);
        let told = pipe.pending().any(|number| !matches!(number, libc::SIGCHLD | libc::SIGHUP));
        if told && let Ok(record) = Record::read(&directory) {
            let host =
                Identity::recorded(record.host_pid, record.host_start.as_deref(), record.boot.as_deref());
            let _ = host.and_then(|host| host.send(Signal::SIGTERM));
            until.get_or_insert_with(|| Instant::now() + STOP_TIMEOUT);
        }
    }
    let exit = Record::read(&directory).ok().and_then(|record| record.exit);
    exit.map_or(0, |exit| exit.status())
}
