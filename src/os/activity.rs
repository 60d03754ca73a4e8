//! Whether a process has done all that it was asked to: it has read what its terminal has for it, and sleeps.

use std::os::fd::{AsFd, AsRawFd};
use std::path::Path;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::unistd::Pid;

/// What a process was doing at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Activity {
    /// It waits for something from outside. A thread that may run and gets no processor does not wait.
    pub asleep: bool,
    /// How long it has run by now, in a unit of the system's: its first thread, where each is known. It only
    /// says whether it ran.
    pub ran: u64,
}

/// For how long a process has to sleep without a pause. Between reading a key and drawing it the real Claude
/// Code 2.1.332 slept for 11 ms at most, also with 3 % of a core.
pub const MIN_SLEEP: Duration = Duration::from_millis(30);

/// Looks again and again whether a process rests.
#[derive(Debug, Default)]
pub struct RestWatch {
    /// Since when it has not run, and how long it had run by then.
    since: Option<(Instant, Pid, u64)>,
}

impl RestWatch {
    /// Something was sent to it, which it may not have yet.
    pub fn disturbed(&mut self) {
        self.since = None;
    }

    /// Takes down what was seen of a process. Whether it has slept since an earlier look at it, for
    /// [`MIN_SLEEP`] at least, and has read its input (`unread` bytes wait for it).
    pub fn rests(&mut self, now: Instant, pid: Pid, activity: Option<Activity>, unread: usize) -> bool {
        let Some(activity) = activity.filter(|activity| activity.asleep && unread == 0) else {
            self.since = None;
            return false;
        };
        match self.since {
            Some((since, of, ran)) if of == pid && ran == activity.ran => {
                now.duration_since(since) >= MIN_SLEEP
            }
            _ => {
                self.since = Some((now, pid, activity.ran));
                false
            }
        }
    }
}

/// Looks a process up; nothing when there is none, or the system does not say.
///
/// It is the first thread that has the event loop. Where that waits for another thread (the garbage
/// collector's, say), or the system does not tell what it waits for, all threads have to be asleep.
#[cfg(target_os = "linux")]
pub fn look_up(pid: Pid) -> Option<Activity> {
    let threads = std::path::PathBuf::from(format!("/proc/{pid}/task"));
    let first = threads.join(pid.to_string());
    let (state, ticks) = parse_stat(&std::fs::read(first.join("stat")).ok()?)?;
    let ran = std::fs::read_to_string(first.join("schedstat")).ok().and_then(|line| number(&line));
    let waits_for = std::fs::read_to_string(first.join("wchan")).unwrap_or_default();
    let asleep = state == 'S' && (is_for_an_event(&waits_for) || all_sleep(&threads));
    Some(Activity { asleep, ran: ran.unwrap_or(ticks) })
}

/// Whether a thread that waits in this function of the kernel's waits for something from outside the process.
#[cfg(any(target_os = "linux", test))]
fn is_for_an_event(function: &str) -> bool {
    let function = function.trim();
    function.contains("poll") || function.contains("select")
}

#[cfg(target_os = "linux")]
fn all_sleep(threads: &Path) -> bool {
    let threads = std::fs::read_dir(threads).into_iter().flatten().flatten();
    // A thread that has ended in the meantime has nothing to do.
    let mut stats = threads.filter_map(|thread| std::fs::read(thread.path().join("stat")).ok());
    stats.all(|stat| parse_stat(&stat).is_some_and(|(state, _)| state == 'S'))
}

/// The state of a thread, and how many clock ticks it has run.
#[cfg(any(target_os = "linux", test))]
fn parse_stat(stat: &[u8]) -> Option<(char, u64)> {
    // The second field is a name in parentheses, which may hold anything.
    let name_ends = stat.iter().rposition(|byte| *byte == b')')?;
    let mut fields = std::str::from_utf8(&stat[name_ends + 1..]).ok()?.split_ascii_whitespace();
    let state = fields.next()?.chars().next()?;
    let user: u64 = fields.nth(10)?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some((state, user.wrapping_add(system)))
}

#[cfg(any(target_os = "linux", test))]
fn number(line: &str) -> Option<u64> {
    line.split_ascii_whitespace().next()?.parse().ok()
}

/// Looks a process up; nothing when there is none. Never run: see `docs/user/platforms.md`.
#[cfg(target_os = "macos")]
pub fn look_up(pid: Pid) -> Option<Activity> {
    let mut info = std::mem::MaybeUninit::<libc::proc_taskinfo>::zeroed();
    let size = i32::try_from(size_of::<libc::proc_taskinfo>()).ok()?;
    // SAFETY: the buffer is as large as its size says.
    let got = unsafe {
        libc::proc_pidinfo(pid.as_raw(), libc::PROC_PIDTASKINFO, 0, info.as_mut_ptr().cast(), size)
    };
    if got != size {
        return None;
    }
    // SAFETY: zeroed before, and filled by the call: plain numbers, for which all bits are valid.
    let info = unsafe { info.assume_init() };
    let ran = info.pti_total_user.wrapping_add(info.pti_total_system);
    Some(Activity { asleep: info.pti_numrunning == 0, ran })
}

/// How many bytes wait in a terminal for the program that runs there.
///
/// # Errors
/// When the device cannot be opened, or does not say (FIONREAD in tty_ioctl(4)).
pub fn unread_input(device: &Path) -> std::io::Result<usize> {
    use std::os::unix::fs::OpenOptionsExt;
    let flags = libc::O_NOCTTY | libc::O_NONBLOCK;
    let tty = std::fs::OpenOptions::new().read(true).custom_flags(flags).open(device)?;
    let mut count: libc::c_int = 0;
    // SAFETY: the descriptor is open for the call, which writes one number to a place that lives longer.
    Errno::result(unsafe { libc::ioctl(tty.as_fd().as_raw_fd(), libc::FIONREAD, &raw mut count) })?;
    Ok(usize::try_from(count).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_rests_that_has_slept_between_two_looks_with_nothing_to_read() {
        let (begin, pid) = (Instant::now(), Pid::from_raw(7));
        let at = |ms| begin + Duration::from_millis(ms);
        let asleep = |ran| Some(Activity { asleep: true, ran });
        let mut watch = RestWatch::default();
        assert!(!watch.rests(at(0), pid, asleep(5), 0));
        assert!(!watch.rests(at(29), pid, asleep(5), 0));
        assert!(watch.rests(at(30), pid, asleep(5), 0));
        // It has run in between, or runs, or is to run, or is another one.
        assert!(!watch.rests(at(70), pid, asleep(6), 0));
        assert!(watch.rests(at(110), pid, asleep(6), 0));
        assert!(!watch.rests(at(120), pid, Some(Activity { asleep: false, ran: 6 }), 0));
        assert!(!watch.rests(at(200), pid, asleep(6), 0));
        assert!(!watch.rests(at(250), pid, asleep(6), 1));
        assert!(!watch.rests(at(300), pid, asleep(6), 0));
        watch.disturbed();
        assert!(!watch.rests(at(400), pid, asleep(6), 0));
        assert!(!watch.rests(at(500), Pid::from_raw(8), asleep(6), 0));
        assert!(!watch.rests(at(600), pid, None, 0));
    }

    #[test]
    fn a_thread_is_read_as_proc_has_it() {
        let stat = b"7 (a) b) S 5 70 6 34822 71 4194304 1 2 3 4 15 6 7 8 20 0 1 0 4711 100 2";
        assert_eq!(parse_stat(stat), Some(('S', 21)));
        assert_eq!(number("4711 12 3\n"), Some(4711));
        for (function, expected) in [
            ("do_epoll_wait", true),
            ("ep_poll", true),
            ("do_sys_poll", true),
            ("futex_do_wait", false),
            ("0", false),
        ] {
            assert_eq!(is_for_an_event(function), expected, "{function}");
        }
    }

    #[test]
    fn who_looks_is_not_asleep() {
        let this = look_up(Pid::this()).expect("this process");
        assert!(!this.asleep);
        assert_eq!(look_up(Pid::from_raw(i32::MAX)), None);
    }

    #[test]
    fn a_process_that_waits_is_asleep_and_does_not_run() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().expect("sleep");
        let pid = Pid::from_raw(i32::try_from(child.id()).expect("a pid"));
        let end = std::time::Instant::now() + std::time::Duration::from_secs(20);
        let mut last = None;
        loop {
            let now = look_up(pid);
            if now.is_some_and(|now| now.asleep) && now == last {
                break;
            }
            assert!(std::time::Instant::now() < end, "{now:?}");
            last = now;
            std::thread::yield_now();
        }
        let _ = child.kill();
        let _ = child.wait();
    }

    #[test]
    fn what_a_terminal_has_for_its_program_is_counted() {
        use std::io::Write;
        let pty = nix::pty::openpty(None, None).expect("a PTY");
        let mut raw = nix::sys::termios::tcgetattr(&pty.slave).expect("attributes");
        nix::sys::termios::cfmakeraw(&mut raw);
        nix::sys::termios::tcsetattr(&pty.slave, nix::sys::termios::SetArg::TCSANOW, &raw).expect("raw mode");
        let device = nix::unistd::ttyname(&pty.slave).expect("a name");
        assert_eq!(unread_input(&device).expect("an answer"), 0);
        std::fs::File::from(pty.master.try_clone().expect("a copy")).write_all(b"four").expect("writes");
        let end = std::time::Instant::now() + std::time::Duration::from_secs(20);
        while unread_input(&device).expect("an answer") != 4 {
            assert!(std::time::Instant::now() < end);
            std::thread::yield_now();
        }
    }
}
