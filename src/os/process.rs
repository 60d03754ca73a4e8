//! What the system knows about a process.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::time::{Duration, Instant, SystemTime};

use nix::unistd::Pid;

pub use super::process_start::is_same_start;

/// How often it is looked whether a child has ended.
const CHILD_POLL_INTERVAL: Duration = Duration::from_millis(5);

/// What this program asks of the process table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// The process that started it, or the one that adopted it.
    pub parent: Pid,
    /// Stopped by a signal: SIGSTOP, SIGTSTP, SIGTTIN or SIGTTOU.
    pub stopped: bool,
    /// Waits for a disk or another machine, and hears no signal, not even SIGKILL, before that has answered
    /// (Linux: state D).
    pub waits_for_disk: bool,
    /// When it started, in the unit that Claude Code writes as `procStart` (Linux: field 22 of
    /// `/proc/PID/stat`, clock ticks since boot; macOS: seconds since 1970 with microseconds, and
    /// [`is_same_start`] knows claude's form). Tells a process from a later one with its pid.
    pub start: String,
}

/// Looks a process up; nothing when there is none, or it is a zombie.
#[cfg(target_os = "linux")]
pub fn look_up(pid: Pid) -> Option<Process> {
    use std::io::Read;
    // One read brings all of it; asking for its size first, and for its end afterwards, would cost as much
    // again.
    let mut stat = [0; 2048];
    let length = std::fs::File::open(stat_path(pid)).ok()?.read(&mut stat).ok()?;
    parse_stat(&stat[..length])
}

/// Where the system says what a process is. The first thread of this one says the same of it: qemu, which runs
/// programs of other machines, makes up what a process reads of itself at the usual place.
#[cfg(target_os = "linux")]
fn stat_path(pid: Pid) -> String {
    if pid == nix::unistd::getpid() {
        format!("/proc/{pid}/task/{pid}/stat")
    } else {
        format!("/proc/{pid}/stat")
    }
}

/// Waits until a child of this process has ended, but not longer than this.
pub fn wait_for_child(child: Pid, timeout: Duration) {
    use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
    let until = Instant::now() + timeout;
    while waitpid(child, Some(WaitPidFlag::WNOHANG)) == Ok(WaitStatus::StillAlive) && Instant::now() < until {
        std::thread::sleep(CHILD_POLL_INTERVAL);
    }
}

/// A process that is looked at again and again.
pub struct Watched {
    pid: Pid,
    /// Its place in the process table, kept open: to find it takes longer than to read it.
    #[cfg(target_os = "linux")]
    stat: Option<std::fs::File>,
}

impl Watched {
    /// Nothing is asked of the system yet.
    pub fn new(pid: Pid) -> Self {
        Self {
            pid,
            #[cfg(target_os = "linux")]
            stat: None,
        }
    }

    /// As [`look_up`]. Once looked up it is never another one with its pid.
    pub fn look_up(&mut self) -> Option<Process> {
        #[cfg(target_os = "linux")]
        {
            use std::os::unix::fs::FileExt;
            if self.stat.is_none() {
                self.stat = Some(std::fs::File::open(stat_path(self.pid)).ok()?);
            }
            let mut stat = [0; 2048];
            let length = self.stat.as_ref()?.read_at(&mut stat, 0).ok()?;
            parse_stat(&stat[..length])
        }
        #[cfg(not(target_os = "linux"))]
        look_up(self.pid)
    }
}

#[cfg(any(target_os = "linux", test))]
fn parse_stat(stat: &[u8]) -> Option<Process> {
    // The second field is the program's name in parentheses, which may hold anything, parentheses too.
    let name_ends = stat.iter().rposition(|byte| *byte == b')')?;
    let rest = std::str::from_utf8(&stat[name_ends + 1..]).ok()?;
    let mut fields = rest.split_ascii_whitespace();
    let state = fields.next()?;
    if state == "Z" || state == "X" {
        return None;
    }
    let parent = Pid::from_raw(fields.next()?.parse().ok()?);
    Some(Process {
        parent,
        stopped: state == "T",
        waits_for_disk: state == "D",
        start: fields.nth(17)?.to_owned(),
    })
}

/// Looks a process up; nothing when there is none, or it is a zombie. Never run: see
/// `docs/user/platforms.md`.
#[cfg(target_os = "macos")]
pub fn look_up(pid: Pid) -> Option<Process> {
    let info = bsd_info(pid)?;
    if info.pbi_status == libc::SZOMB {
        return None;
    }
    Some(Process {
        parent: Pid::from_raw(info.pbi_ppid as i32),
        stopped: info.pbi_status == libc::SSTOP,
        // Not told apart from other sleep there.
        waits_for_disk: false,
        start: format!("{}.{:06}", info.pbi_start_tvsec, info.pbi_start_tvusec),
    })
}

/// What the kernel tells of a process. Never run.
#[cfg(target_os = "macos")]
pub(super) fn bsd_info(pid: Pid) -> Option<libc::proc_bsdinfo> {
    let mut info = std::mem::MaybeUninit::<libc::proc_bsdinfo>::zeroed();
    let size = i32::try_from(size_of::<libc::proc_bsdinfo>()).ok()?;
    // SAFETY: the buffer is as large as its size says.
    let got = unsafe {
        libc::proc_pidinfo(pid.as_raw(), libc::PROC_PIDTBSDINFO, 0, info.as_mut_ptr().cast(), size)
    };
    // SAFETY: zeroed before, and filled by the call: plain numbers, for which all bits are valid.
    (got == size).then(|| unsafe { info.assume_init() })
}

/// A pid, for serde.
pub mod pid_number {
    use nix::unistd::Pid;
    use serde::{Deserialize, Deserializer, Serializer};

    /// # Errors
    /// The serializer's.
    pub fn serialize<S: Serializer>(pid: &Pid, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i32(pid.as_raw())
    }

    /// # Errors
    /// The deserializer's.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Pid, D::Error> {
        i32::deserialize(deserializer).map(Pid::from_raw)
    }

    /// One that may be none.
    pub mod option {
        use super::{Deserialize, Deserializer, Pid, Serializer};
        use serde::Serialize;

        /// # Errors
        /// The serializer's.
        pub fn serialize<S: Serializer>(pid: &Option<Pid>, serializer: S) -> Result<S::Ok, S::Error> {
            pid.map(Pid::as_raw).serialize(serializer)
        }

        /// # Errors
        /// The deserializer's.
        pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Pid>, D::Error> {
            Ok(Option::<i32>::deserialize(deserializer)?.map(Pid::from_raw))
        }
    }
}

/// Whether a process is on its way out: it was killed, and has closed what it had open or is about to. What
/// its last thread has open may stay so until a disk has answered. False where that is not known.
#[cfg(not(target_os = "macos"))]
pub fn is_exiting(pid: Pid) -> bool {
    /// `PF_EXITING` of the kernel's `include/linux/sched.h`, in the seventh field behind the name
    /// (proc_pid_stat(5): "flags").
    const EXITING: u64 = 0x4;
    let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else { return false };
    let Some((_, rest)) = stat.rsplit_once(')') else { return false };
    let mut fields = rest.split_ascii_whitespace();
    let is_over = fields.next().is_some_and(|state| state == "Z" || state == "X");
    let flags = fields.nth(5).and_then(|flags| flags.parse::<u64>().ok());
    is_over || flags.is_some_and(|flags| flags & EXITING != 0)
}

/// The same. The leader of a session may be long in this state: it waits until its terminal was read out (xnu,
/// `proc_exit`). Never run.
#[cfg(target_os = "macos")]
pub fn is_exiting(pid: Pid) -> bool {
    /// `PROC_FLAG_INEXIT` of xnu's `bsd/sys/proc_info.h`.
    const EXITING: u32 = 4;
    bsd_info(pid).is_some_and(|info| info.pbi_flags & EXITING != 0)
}

/// Whether a process that was killed has ended with all its threads: one that waits for a disk ends when the
/// disk has answered, and only then does the kernel hang up on what runs in its terminal. True where that is
/// not known.
pub fn has_ended(pid: Pid) -> bool {
    let Ok(threads) = std::fs::read_dir(format!("/proc/{pid}/task")) else { return true };
    let is_over = |stat: Vec<u8>| {
        let state = stat.iter().rposition(|byte| *byte == b')').and_then(|at| stat.get(at + 2));
        matches!(state, None | Some(b'Z' | b'X'))
    };
    threads.flatten().all(|thread| std::fs::read(thread.path().join("stat")).map_or(true, is_over))
}

/// A variable of the environment that a process was started with; nothing where it is not UTF-8, or cannot be
/// known.
pub fn variable(pid: Pid, name: &str) -> Option<String> {
    if cfg!(not(target_os = "linux")) {
        return None;
    }
    let environment = std::fs::read(format!("/proc/{pid}/environ")).ok()?;
    let found = environment
        .split(|byte| *byte == 0)
        .find_map(|variable| variable.strip_prefix(name.as_bytes())?.strip_prefix(b"="))?;
    String::from_utf8(found.to_vec()).ok()
}

/// The whole environment that a process was started with, in its order; nothing where it cannot be known.
pub fn environment(pid: Pid) -> Option<Vec<(OsString, OsString)>> {
    let split = |entry: OsString| {
        let bytes = entry.as_bytes();
        let at = memchr::memchr(b'=', bytes)?;
        Some((OsString::from_vec(bytes[..at].to_vec()), OsString::from_vec(bytes[at + 1..].to_vec())))
    };
    Some(words(pid, "environ")?.into_iter().filter_map(split).collect())
}

/// The words of a process's command line, its program first; nothing where they cannot be known.
pub fn arguments(pid: Pid) -> Option<Vec<OsString>> {
    words(pid, "cmdline").filter(|words| !words.is_empty())
}

/// The words of a file of the process, each of which a zero byte ends.
fn words(pid: Pid, file: &str) -> Option<Vec<OsString>> {
    if cfg!(not(target_os = "linux")) {
        return None;
    }
    let mut bytes = std::fs::read(format!("/proc/{pid}/{file}")).ok()?;
    if bytes.last() == Some(&0) {
        bytes.pop();
    }
    let of_bytes = |word: &[u8]| OsString::from_vec(word.to_vec());
    Some(if bytes.is_empty() { vec![] } else { bytes.split(|byte| *byte == 0).map(of_bytes).collect() })
}

/// The start of this process in cckw's own form, where it is the one that claude has claimed. On macOS claude
/// knows it to the second only, and the kernel to the microsecond. Where the process has gone it stays as it
/// was claimed.
pub fn exact_start(pid: Pid, claimed: &str) -> String {
    let exact = || look_up(pid).map(|found| found.start).filter(|start| is_same_start(claimed, start));
    // On Linux the two forms are one.
    let found = if cfg!(target_os = "linux") { None } else { exact() };
    found.unwrap_or_else(|| claimed.to_owned())
}

/// When this run of the machine began, by its present clock. Nothing on macOS, where the start of a process
/// says it.
pub fn booted_at() -> Option<SystemTime> {
    #[cfg(target_os = "linux")]
    {
        use nix::time::{ClockId, clock_gettime};
        let runs_for = Duration::from(clock_gettime(ClockId::CLOCK_BOOTTIME).ok()?);
        SystemTime::now().checked_sub(runs_for)
    }
    #[cfg(not(target_os = "linux"))]
    None
}

/// Tells one run of the machine from the next.
#[cfg(target_os = "linux")]
pub fn boot() -> Option<String> {
    use std::io::Read;
    use std::sync::OnceLock;
    static BOOT: OnceLock<Option<String>> = OnceLock::new();
    let read = || {
        let mut id = [0; 64];
        let length = std::fs::File::open("/proc/sys/kernel/random/boot_id").ok()?.read(&mut id).ok()?;
        Some(std::str::from_utf8(&id[..length]).ok()?.trim().to_owned())
    };
    BOOT.get_or_init(read).clone()
}

/// Tells one run of the machine from the next. Never run.
#[cfg(target_os = "macos")]
pub fn boot() -> Option<String> {
    let mut id = [0u8; 64];
    let mut length = id.len();
    let name = c"kern.bootsessionuuid";
    // SAFETY: the name ends with a zero byte, the buffer is as large as `length` says, and nothing is set.
    let failed = unsafe {
        libc::sysctlbyname(name.as_ptr(), id.as_mut_ptr().cast(), &mut length, std::ptr::null_mut(), 0)
    };
    let id = std::str::from_utf8(id.get(..length)?).ok()?.trim_end_matches('\0').trim();
    (failed == 0 && !id.is_empty()).then(|| id.to_owned())
}

/// Tells one run of the machine from the next; not known here.
#[cfg(not(any(target_os = "linux", target_os = "macos")))]
pub fn boot() -> Option<String> {
    None
}

/// Takes note of the children that have ended, also of those that this process has adopted, so that the
/// system can forget them.
pub fn reap() {
    use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
    while let Ok(status) = waitpid(None, Some(WaitPidFlag::WNOHANG)) {
        if status == WaitStatus::StillAlive {
            return;
        }
    }
}

/// How many steps up the process tree from `pid` to `ancestor`: 0 for the same process, nothing
/// when `ancestor` is not above it.
pub fn distance(pid: Pid, ancestor: Pid) -> Option<usize> {
    const MAX_STEPS: usize = 64;
    let mut current = pid;
    for steps in 0..MAX_STEPS {
        if current == ancestor {
            return Some(steps);
        }
        if current.as_raw() <= 1 {
            return None;
        }
        current = look_up(current)?.parent;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_does_not_shift_the_fields() {
        let stat = "7 (a) b) T 5 7 7 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 4711 100 2";
        let process = parse_stat(stat.as_bytes()).expect("parses");
        assert_eq!(
            process,
            Process { parent: Pid::from_raw(5), stopped: true, waits_for_disk: false, start: "4711".into() }
        );
    }

    #[test]
    fn a_zombie_is_not_a_process() {
        assert_eq!(parse_stat(b"7 (a) Z 5 7 7 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 4711 100 2"), None);
    }

    #[test]
    fn this_process_descends_from_its_parent() {
        let me = Pid::this();
        assert_eq!(distance(me, me), Some(0));
        assert_eq!(distance(me, Pid::parent()), Some(1));
        assert_eq!(distance(Pid::parent(), me), None);
    }
}
