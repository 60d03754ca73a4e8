//! What Linux says of a process in `/proc`, and other systems by other ways. The part for macOS was never run.

use std::collections::BTreeMap;

#[cfg(target_os = "linux")]
pub use linux::{arguments, descriptors, environment, limits, status};

#[cfg(not(target_os = "linux"))]
pub use others::{arguments, descriptors, environment, limits, status};

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(target_os = "linux")]
mod linux {
    use super::super::tty;
    use super::{BTreeMap, lossy};

    /// Limits in the order of their numbers.
    const LIMITS: [&str; 16] = [
        "CPU",
        "FSIZE",
        "DATA",
        "STACK",
        "CORE",
        "RSS",
        "NPROC",
        "NOFILE",
        "MEMLOCK",
        "AS",
        "LOCKS",
        "SIGPENDING",
        "MSGQUEUE",
        "NICE",
        "RTPRIO",
        "RTTIME",
    ];

    fn file(path: &str) -> Vec<u8> {
        std::fs::read(path).unwrap_or_else(|error| tty::give_up(&format!("{path}: {error}")))
    }

    fn zero_separated(path: &str) -> Vec<String> {
        let bytes = file(path);
        let bytes = bytes.strip_suffix(b"\0").unwrap_or(&bytes);
        if bytes.is_empty() { Vec::new() } else { bytes.split(|byte| *byte == 0).map(lossy).collect() }
    }

    /// The arguments, the name first.
    pub fn arguments() -> Vec<String> {
        zero_separated("/proc/self/cmdline")
    }

    /// The variables that this process was started with, as `NAME=value`.
    pub fn environment() -> Vec<String> {
        zero_separated("/proc/self/environ")
    }

    /// Open descriptors and what they lead to.
    pub fn descriptors() -> BTreeMap<String, String> {
        let mut open = BTreeMap::new();
        for number in 0..4096 {
            if let Ok(target) = std::fs::read_link(format!("/proc/self/fd/{number}")) {
                open.insert(number.to_string(), target.to_string_lossy().into_owned());
            }
        }
        open
    }

    /// Signals that wait, are blocked, are ignored, have a handler: bit n-1 is signal n. And what cannot be
    /// given up.
    pub fn status() -> BTreeMap<String, String> {
        let text = lossy(&file("/proc/self/status"));
        let wanted = ["SigPnd", "ShdPnd", "SigBlk", "SigIgn", "SigCgt", "NoNewPrivs", "Seccomp"];
        let lines = text.lines().filter_map(|line| line.split_once(":\t"));
        lines.filter(|(key, _)| wanted.contains(key)).map(|(key, value)| (key.into(), value.into())).collect()
    }

    /// Soft and hard limits.
    pub fn limits() -> BTreeMap<&'static str, [u64; 2]> {
        let mut found = BTreeMap::new();
        for (number, name) in LIMITS.iter().enumerate() {
            let mut limit = libc::rlimit64 { rlim_cur: 0, rlim_max: 0 };
            // SAFETY: getrlimit64 fills the struct that the pointer leads to, which lives on this stack.
            if unsafe { libc::getrlimit64(number as _, &raw mut limit) } == 0 {
                found.insert(*name, [limit.rlim_cur, limit.rlim_max]);
            }
        }
        found
    }
}

#[cfg(not(target_os = "linux"))]
mod others {
    use std::mem::MaybeUninit;
    use std::os::unix::ffi::OsStrExt;

    use super::{BTreeMap, lossy};

    const LIMITS: [(&str, libc::c_int); 8] = [
        ("CPU", libc::RLIMIT_CPU),
        ("FSIZE", libc::RLIMIT_FSIZE),
        ("DATA", libc::RLIMIT_DATA),
        ("STACK", libc::RLIMIT_STACK),
        ("CORE", libc::RLIMIT_CORE),
        ("NPROC", libc::RLIMIT_NPROC),
        ("NOFILE", libc::RLIMIT_NOFILE),
        ("MEMLOCK", libc::RLIMIT_MEMLOCK),
    ];

    /// The last signal that is looked at.
    const LAST: libc::c_int = 31;

    /// The arguments, the name first.
    pub fn arguments() -> Vec<String> {
        std::env::args_os().map(|word| lossy(word.as_bytes())).collect()
    }

    /// The variables, as `NAME=value`. Nothing here has changed them.
    pub fn environment() -> Vec<String> {
        let entry = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            format!("{}={}", lossy(name.as_bytes()), lossy(value.as_bytes()))
        };
        std::env::vars_os().map(entry).collect()
    }

    /// Open descriptors and the files that they lead to; no more than that it is one, where it is none.
    pub fn descriptors() -> BTreeMap<String, String> {
        let mut open = BTreeMap::new();
        for number in 0..4096 {
            // SAFETY: touches no memory, and fails on a number that is not open.
            if unsafe { libc::fcntl(number, libc::F_GETFD) } >= 0 {
                open.insert(number.to_string(), path_of(number).unwrap_or_else(|| "?".into()));
            }
        }
        open
    }

    #[cfg(target_os = "macos")]
    fn path_of(number: libc::c_int) -> Option<String> {
        let mut path = [0_u8; libc::PATH_MAX as usize];
        // SAFETY: the call fills at most PATH_MAX bytes.
        let done = unsafe { libc::fcntl(number, libc::F_GETPATH, path.as_mut_ptr()) };
        let length = path.iter().position(|byte| *byte == 0)?;
        (done == 0).then(|| lossy(&path[..length]))
    }

    #[cfg(not(target_os = "macos"))]
    fn path_of(_number: libc::c_int) -> Option<String> {
        None
    }

    /// Signals that are blocked, are ignored, have a handler: bit n-1 is signal n, in hexadecimal.
    pub fn status() -> BTreeMap<String, String> {
        let bit = |signal: libc::c_int| 1_u64 << (signal - 1);
        let (mut blocked, mut ignored, mut caught) = (0, 0, 0);
        let mut mask = MaybeUninit::<libc::sigset_t>::zeroed();
        // SAFETY: no new mask is given, and the old one is written to a place that is there for it.
        unsafe { libc::sigprocmask(libc::SIG_BLOCK, std::ptr::null(), mask.as_mut_ptr()) };
        for signal in 1..=LAST {
            // SAFETY: the set was made by the call above, or is zero, which is an empty one.
            if unsafe { libc::sigismember(mask.as_ptr(), signal) } == 1 {
                blocked |= bit(signal);
            }
            match disposition(signal) {
                Some(libc::SIG_IGN) => ignored |= bit(signal),
                Some(libc::SIG_DFL) | None => {}
                Some(_) => caught |= bit(signal),
            }
        }
        let masks = [("SigBlk", blocked), ("SigIgn", ignored), ("SigCgt", caught)];
        masks.map(|(name, mask)| (name.to_owned(), format!("{mask:016x}"))).into()
    }

    fn disposition(signal: libc::c_int) -> Option<libc::sighandler_t> {
        let mut action = MaybeUninit::<libc::sigaction>::zeroed();
        // SAFETY: no new action is given, and the old one is written to a place that is there for it.
        let done = unsafe { libc::sigaction(signal, std::ptr::null(), action.as_mut_ptr()) };
        // SAFETY: zeroed before, and filled by the call: plain numbers, for which all bits are valid.
        let action = unsafe { action.assume_init() };
        (done == 0).then_some(action.sa_sigaction)
    }

    /// Soft and hard limits.
    pub fn limits() -> BTreeMap<&'static str, [u64; 2]> {
        let found = LIMITS.iter().filter_map(|(name, of)| {
            let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
            // SAFETY: getrlimit fills the struct that the pointer leads to, which lives on this stack.
            let done = unsafe { libc::getrlimit(*of, &raw mut limit) };
            (done == 0).then_some((*name, [limit.rlim_cur, limit.rlim_max]))
        });
        found.collect()
    }
}
