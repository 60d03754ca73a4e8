//! Signals to other processes.
//!
//! A pid names a process only for as long as that lives; afterwards another one gets it. So a signal goes to
//! a process that was remembered (in a record, in a state file) only after its start and the run of the
//! machine were compared: where one of them is not known, nothing is sent. Children that were not waited for
//! keep their pids, so these need no comparison. This is the only place that calls kill(2):
//! `tests/repo/signals.rs` looks for others.

use std::fmt;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use nix::errno::Errno;
use nix::sys::signal::Signal;
use nix::unistd::{Pid, getpgid, getpid, getsid};

use super::process;
use super::process::boot;

/// A process as it was seen or written down: its pid, its start, and the run of the machine in which both
/// count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    #[serde(with = "process::pid_number")]
    pid: Pid,
    /// As claude writes it as `procStart`, or as [`process::Process::start`].
    start: String,
}

/// Why no signal was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotSent {
    /// When the process started, or in which run of the machine, is not known: its pid may be another
    /// process's by now.
    Unknown,
    /// The process has ended; what has its pid is another one.
    Gone,
    /// The system does not allow it.
    Refused(Errno),
}

impl fmt::Display for NotSent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => {
                f.write_str("when that process started is not known, so its pid may be another one's by now")
            }
            Self::Gone => f.write_str("that process has ended"),
            Self::Refused(error) => write!(f, "the system refused the signal: {error}"),
        }
    }
}

impl Identity {
    /// A process that was written down.
    ///
    /// # Errors
    /// When it cannot be told from a later process with its pid: its start or the run of the machine is
    /// missing or another one, or the pid is one that no process of ours can have.
    pub fn recorded(pid: i32, start: Option<&str>, recorded_boot: Option<&str>) -> Result<Self, NotSent> {
        Self::of_record(pid, start, recorded_boot, boot().as_deref())
    }

    /// The same, where the present run of the machine is this one.
    fn of_record(
        pid: i32,
        start: Option<&str>,
        recorded_boot: Option<&str>,
        now: Option<&str>,
    ) -> Result<Self, NotSent> {
        let known = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(str::to_owned);
        let (Some(start), Some(recorded), Some(now)) = (known(start), known(recorded_boot), known(now))
        else {
            return Err(NotSent::Unknown);
        };
        if recorded != now {
            return Err(NotSent::Gone);
        }
        Self::seen(Pid::from_raw(pid), &start)
    }

    /// A process that was seen in this run of the machine.
    ///
    /// # Errors
    /// When the start is empty, or the pid is this process's own, the first process's, or none.
    pub fn seen(pid: Pid, start: &str) -> Result<Self, NotSent> {
        if pid.as_raw() <= 1 || pid == getpid() || start.is_empty() {
            return Err(NotSent::Unknown);
        }
        Ok(Self { pid, start: start.to_owned() })
    }

    /// A process that only a file of claude's names, which was last written then. Such a file does not say in
    /// which run of the machine it was written, and stays where a machine goes down.
    ///
    /// # Errors
    /// As [`Self::seen`], and when the file is older than this run of the machine, or its age is not known.
    pub fn of_file(pid: Pid, start: &str, written: Option<SystemTime>) -> Result<Self, NotSent> {
        // On macOS a start is a time of day, which comes once.
        if cfg!(target_os = "linux") && !is_since(written, process::booted_at()) {
            return Err(NotSent::Unknown);
        }
        Self::seen(pid, start)
    }

    /// The process that has this pid now.
    pub fn of(pid: Pid) -> Option<Self> {
        Self::seen(pid, &process::look_up(pid)?.start).ok()
    }

    /// Whether the process lives.
    pub fn lives(&self) -> bool {
        self.is(process::look_up(self.pid).as_ref().map(|found| found.start.as_str()))
    }

    /// Whether it is the process that has its pid and started then.
    fn is(&self, found: Option<&str>) -> bool {
        found.is_some_and(|found| process::is_same_start(&self.start, found))
    }

    /// Sends it a signal.
    ///
    /// On Linux the process is held by a descriptor first, then compared, so that no other one can get its
    /// pid in between.
    ///
    /// # Errors
    /// When it was not sent.
    pub fn send(&self, signal: Signal) -> Result<(), NotSent> {
        match hold(self.pid) {
            Ok(held) => {
                if !self.lives() {
                    return Err(NotSent::Gone);
                }
                send_to_held(&held, signal).map_err(refused)
            }
            Err(Errno::ESRCH) => Err(NotSent::Gone),
            // No such call here: then there is a moment between the look and the signal.
            Err(_) if self.lives() => kill(self.pid.as_raw(), signal as i32).map_err(refused),
            Err(_) => Err(NotSent::Gone),
        }
    }
}

/// Whether a file was written in the run of the machine that began then.
fn is_since(written: Option<SystemTime>, booted: Option<SystemTime>) -> bool {
    matches!((written, booted), (Some(written), Some(booted)) if written >= booted)
}

fn refused(error: Errno) -> NotSent {
    if error == Errno::ESRCH { NotSent::Gone } else { NotSent::Refused(error) }
}

/// Sends a signal to this process's own group: the job that it belongs to.
///
/// # Errors
/// When the system does not allow it.
pub fn to_own_group(signal: Signal) -> nix::Result<()> {
    kill(0, signal as i32)
}

/// Sends a signal to a child of this process that was not waited for. Async-signal-safe.
///
/// # Errors
/// When the system does not allow it.
pub fn to_child(child: Pid, number: i32) -> nix::Result<()> {
    if child.as_raw() <= 1 {
        return Err(Errno::ESRCH);
    }
    kill(child.as_raw(), number)
}

/// Sends a signal to the process group of a child that was not waited for and leads it.
///
/// # Errors
/// When the system does not allow it.
pub fn to_group(leader: Pid, number: i32) -> nix::Result<()> {
    if leader.as_raw() <= 1 {
        return Err(Errno::ESRCH);
    }
    kill(-leader.as_raw(), number)
}

/// Sends a signal to the process group that the kernel names as the foreground one of a terminal whose session
/// this process leads. The kernel goes on naming a group whose processes have all ended, and its number may be
/// another group's by then. So its leader must be there, and of this session.
///
/// # Errors
/// When it is not, or the system does not allow it.
pub fn to_foreground_group(group: Pid, number: i32) -> nix::Result<()> {
    let is_ours = group.as_raw() > 1
        && getpgid(Some(group)) == Ok(group)
        && getsid(Some(group)).is_ok_and(|session| getsid(None) == Ok(session));
    if is_ours { kill(-group.as_raw(), number) } else { Err(Errno::ESRCH) }
}

/// Whether there is a process with this pid: also another user's, and one that has ended and was not waited
/// for.
pub fn exists(pid: Pid) -> bool {
    pid.as_raw() > 0 && matches!(kill(pid.as_raw(), 0), Ok(()) | Err(Errno::EPERM))
}

/// Whether there is one that this user may signal.
pub fn is_ours(pid: Pid) -> bool {
    pid.as_raw() > 0 && kill(pid.as_raw(), 0).is_ok()
}

/// By number: nix knows no real-time signals.
fn kill(to: i32, number: i32) -> nix::Result<()> {
    // SAFETY: kill(2) takes two numbers and touches no memory.
    Errno::result(unsafe { libc::kill(to, number) }).map(drop)
}

#[cfg(target_os = "linux")]
fn hold(pid: Pid) -> nix::Result<std::os::fd::OwnedFd> {
    use std::os::fd::{FromRawFd, RawFd};
    // SAFETY: pidfd_open(2) takes two numbers and touches no memory.
    let fd = Errno::result(unsafe { libc::syscall(libc::SYS_pidfd_open, pid.as_raw(), 0) })?;
    // SAFETY: the call has just made this descriptor, and nobody else has it.
    Ok(unsafe { std::os::fd::OwnedFd::from_raw_fd(fd as RawFd) })
}

#[cfg(target_os = "linux")]
fn send_to_held(held: &std::os::fd::OwnedFd, signal: Signal) -> nix::Result<()> {
    use std::os::fd::AsRawFd;
    let none = std::ptr::null::<libc::siginfo_t>();
    // SAFETY: the descriptor is open, and no information comes with the signal.
    let sent =
        unsafe { libc::syscall(libc::SYS_pidfd_send_signal, held.as_raw_fd(), signal as i32, none, 0) };
    Errno::result(sent).map(drop)
}

#[cfg(not(target_os = "linux"))]
fn hold(_pid: Pid) -> nix::Result<std::convert::Infallible> {
    Err(Errno::ENOSYS)
}

#[cfg(not(target_os = "linux"))]
fn send_to_held(held: &std::convert::Infallible, _signal: Signal) -> nix::Result<()> {
    match *held {}
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::{CommandExt, ExitStatusExt};
    use std::process::{Child, Command, Stdio};
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    /// What a record may say, or the system: nothing, something empty, or one of two.
    fn word() -> impl Strategy<Value = Option<&'static str>> {
        proptest::sample::select(vec![None, Some(""), Some("1"), Some("2")])
    }

    proptest! {
        #[test]
        fn a_signal_goes_only_to_a_process_whose_start_and_boot_are_known_and_the_same(
            (start, found) in (word(), word()),
            (boot, now) in (word(), word()),
            pid in proptest::sample::select(vec![-1, 0, 1, 2, 4711, getpid().as_raw()]),
        ) {
            let identity = Identity::of_record(pid, start, boot, now);
            let is_sent = identity.is_ok_and(|identity| identity.is(found));
            let is_known = |text: Option<&str>| matches!(text, Some("1" | "2"));
            let is_same = is_known(start) && start == found && is_known(boot) && boot == now;
            let may_be_anothers = pid > 1 && pid != getpid().as_raw();
            prop_assert_eq!(is_sent, is_same && may_be_anothers);
        }

        #[test]
        fn a_file_of_another_run_of_the_machine_says_nothing(written: Option<u32>, booted: Option<u32>) {
            let at = |seconds: u32| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds.into());
            let is_known = written.zip(booted).is_some_and(|(written, booted)| written >= booted);
            prop_assert_eq!(is_since(written.map(at), booted.map(at)), is_known);
        }
    }

    #[test]
    fn a_foreground_group_of_another_session_gets_none() {
        let own = getsid(None).expect("a session");
        let mut other = Command::new("cat");
        other.stdin(Stdio::piped()).stdout(Stdio::null());
        // SAFETY: setsid(2) is async-signal-safe.
        unsafe { other.pre_exec(|| Ok(nix::unistd::setsid().map(drop)?)) };
        let mut other = other.spawn().expect("cat runs");
        let mut ours = Command::new("cat");
        ours.stdin(Stdio::piped()).stdout(Stdio::null()).process_group(0);
        let mut ours = ours.spawn().expect("cat runs");
        let pid = |child: &Child| Pid::from_raw(child.id().cast_signed());
        assert_eq!(getsid(Some(pid(&ours))), Ok(own));
        for group in [pid(&other), Pid::from_raw(0), Pid::from_raw(1), Pid::from_raw(-1)] {
            assert_eq!(to_foreground_group(group, libc::SIGKILL), Err(Errno::ESRCH));
        }
        assert_eq!(other.try_wait().expect("waits"), None);
        to_foreground_group(pid(&ours), libc::SIGKILL).expect("sent");
        assert_eq!(ours.wait().expect("ends").signal(), Some(libc::SIGKILL));
        // It has ended, and the number may be anybody's.
        assert_eq!(to_foreground_group(pid(&ours), libc::SIGKILL), Err(Errno::ESRCH));
        other.kill().expect("ends");
        other.wait().expect("ends");
    }

    fn running() -> (Child, Pid, String) {
        let child =
            Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().expect("cat runs");
        let pid = Pid::from_raw(child.id() as i32);
        let start = process::look_up(pid).expect("runs").start;
        (child, pid, start)
    }

    #[test]
    fn a_process_that_is_the_same_gets_the_signal() {
        let (mut child, pid, start) = running();
        let identity = Identity::recorded(pid.as_raw(), Some(&start), boot().as_deref()).expect("known");
        assert!(identity.lives());
        identity.send(Signal::SIGTERM).expect("sent");
        assert_eq!(child.wait().expect("ends").signal(), Some(libc::SIGTERM));
        assert!(!identity.lives());
        assert_eq!(identity.send(Signal::SIGTERM), Err(NotSent::Gone));
    }

    #[test]
    fn another_process_with_its_pid_gets_none() {
        let (mut child, pid, start) = running();
        let now = boot();
        let recorded = |start: Option<&str>, boot: Option<&str>| {
            Identity::recorded(pid.as_raw(), start, boot).and_then(|identity| identity.send(Signal::SIGKILL))
        };
        assert_eq!(recorded(Some("1"), now.as_deref()), Err(NotSent::Gone));
        assert_eq!(recorded(Some(&start), Some("another")), Err(NotSent::Gone));
        for (start, boot) in
            [(None, now.as_deref()), (Some(start.as_str()), None), (Some(""), now.as_deref())]
        {
            assert_eq!(recorded(start, boot), Err(NotSent::Unknown));
        }
        assert_eq!(child.try_wait().expect("waits"), None);
        child.kill().expect("ends");
        child.wait().expect("ends");
    }

    #[test]
    fn no_pid_means_everybody_or_ourselves() {
        let start = process::look_up(getpid()).expect("runs").start;
        for pid in [-1, 0, 1, -getpid().as_raw(), getpid().as_raw()] {
            assert_eq!(
                Identity::recorded(pid, Some(&start), boot().as_deref()),
                Err(NotSent::Unknown),
                "{pid}"
            );
        }
        for pid in [-1, 0, 1] {
            let pid = Pid::from_raw(pid);
            assert!(to_child(pid, 0).is_err() && to_group(pid, 0).is_err());
        }
        assert!(!exists(Pid::from_raw(-1)) && !exists(Pid::from_raw(0)) && exists(getpid()));
    }
}
