//! What the system knows about a process.

use nix::unistd::Pid;

/// What this program asks of the process table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// The process that started it, or the one that adopted it.
    pub parent: Pid,
    /// Stopped by a signal: SIGSTOP, SIGTSTP, SIGTTIN or SIGTTOU.
    pub stopped: bool,
    /// When it started, in the unit that Claude Code writes as `procStart` (Linux: field 22 of
    /// `/proc/PID/stat`, clock ticks since boot). Tells a process from a later one with its pid.
    pub start: String,
}

/// Looks a process up; nothing when there is none, or it is a zombie.
#[cfg(target_os = "linux")]
pub fn look_up(pid: Pid) -> Option<Process> {
    use std::io::Read;
    // One read brings all of it; asking for its size first, and for its end afterwards, would cost as much again.
    let mut stat = [0; 2048];
    let length = std::fs::File::open(format!("/proc/{pid}/stat")).ok()?.read(&mut stat).ok()?;
    parse_stat(&stat[..length])
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
                self.stat = Some(std::fs::File::open(format!("/proc/{}/stat", self.pid)).ok()?);
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
    Some(Process { parent, stopped: state == "T", start: fields.nth(17)?.to_owned() })
}

/// Looks a process up; nothing when there is none, or it is a zombie. Never run: see `docs/platforms.md`.
#[cfg(target_os = "macos")]
pub fn look_up(pid: Pid) -> Option<Process> {
    let info = bsd_info(pid)?;
    if info.pbi_status == libc::SZOMB {
        return None;
    }
    Some(Process {
        parent: Pid::from_raw(info.pbi_ppid as i32),
        stopped: info.pbi_status == libc::SSTOP,
        start: info.pbi_start_tvsec.to_string(),
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

/// A variable of the environment that a process was started with; nothing where it is not UTF-8, or cannot be known.
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

/// Whether what Claude Code wrote as `procStart` is this start.
///
/// What it writes on macOS was never seen, so there the process tree alone decides.
pub fn is_same_start(claimed: &str, start: &str) -> bool {
    cfg!(target_os = "macos") || claimed == start
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

/// Tells one run of the machine from the next; not known here.
#[cfg(not(target_os = "linux"))]
pub fn boot() -> Option<String> {
    None
}

/// How many steps up the process tree from `pid` to `ancestor`: 0 for the same process, nothing
/// when `ancestor` is not above it.
pub fn distance(pid: Pid, ancestor: Pid) -> Option<usize> {
    const LIMIT: usize = 64;
    let mut current = pid;
    for steps in 0..LIMIT {
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
        assert_eq!(process, Process { parent: Pid::from_raw(5), stopped: true, start: "4711".into() });
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
