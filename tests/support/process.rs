//! What `/proc` says about a process, and signals by pid.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use nix::sys::resource::Resource;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// The fields of `/proc/<pid>/stat` that tests look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stat {
    /// Name of the program, at most 15 bytes.
    pub name: String,
    /// `R`unning, `S`leeping, `T` stopped, `Z`ombie …
    pub state: char,
    /// Parent process.
    pub parent: i32,
    /// Process group.
    pub group: i32,
    /// Session.
    pub session: i32,
    /// Device number of the controlling terminal, 0 for none.
    pub terminal: i32,
    /// Foreground process group of that terminal, -1 for none.
    pub foreground: i32,
    /// How many threads it has; one for a zombie whose other threads are gone.
    pub threads: u64,
    /// Start in clock ticks after boot, field 22: with the pid it names a process for good.
    pub started: u64,
}

/// Reads the state of `pid`; none when there is no such process.
pub fn stat(pid: i32) -> Option<Stat> {
    let text = String::from_utf8_lossy(&fs::read(format!("/proc/{pid}/stat")).ok()?).into_owned();
    // The name stands in parentheses and may hold any character, a closing one too.
    let (before, after) = text.rsplit_once(')')?;
    let name = before.split_once('(')?.1.to_owned();
    let fields: Vec<&str> = after.split_whitespace().collect();
    let number = |index: usize| fields.get(index)?.parse().ok();
    Some(Stat {
        name,
        state: fields.first()?.chars().next()?,
        parent: number(1)?,
        group: number(2)?,
        session: number(3)?,
        terminal: number(4)?,
        foreground: number(5)?,
        threads: fields.get(17)?.parse().ok()?,
        started: fields.get(19)?.parse().ok()?,
    })
}

/// Whether `pid` exists and has not ended (a zombie has). The first thread of a process that is killed may be a
/// zombie a moment before the others are gone. Until then the files of the process are open and its locks are
/// held, so it counts as one that runs.
pub fn runs(pid: i32) -> bool {
    stat(pid).is_some_and(|stat| !matches!(stat.state, 'Z' | 'X') || stat.threads > 1)
}

/// Whether the first thread of `pid` has ended, though others may be a moment behind.
pub fn first_thread_has_ended(pid: i32) -> bool {
    stat(pid).is_none_or(|stat| matches!(stat.state, 'Z' | 'X'))
}

/// Whether `pid` is stopped, as by ctrl-z.
pub fn is_stopped(pid: i32) -> bool {
    stat(pid).is_some_and(|stat| stat.state == 'T')
}

/// One of the masks in `/proc/<pid>/status`: `SigBlk`, `SigIgn`, `SigCgt`. Bit n-1 is signal n.
pub fn signal_mask(pid: i32, name: &str) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    u64::from_str_radix(value.trim(), 16).ok()
}

/// The open descriptors of `pid` and what each is of.
pub fn descriptors(pid: i32) -> BTreeMap<i32, PathBuf> {
    let Ok(entries) = fs::read_dir(format!("/proc/{pid}/fd")) else { return BTreeMap::new() };
    entries
        .flatten()
        .filter_map(|entry| {
            let number = entry.file_name().to_str()?.parse().ok()?;
            Some((number, fs::read_link(entry.path()).ok()?))
        })
        .collect()
}

/// The program file that `pid` runs.
pub fn executable(pid: i32) -> Option<PathBuf> {
    fs::read_link(format!("/proc/{pid}/exe")).ok()
}

/// The arguments of `pid`, its name first.
pub fn arguments(pid: i32) -> Vec<String> {
    strings(pid, "cmdline").into_iter().map(|text| text.to_string_lossy().into_owned()).collect()
}

/// The environment that `pid` was started with, as `NAME=value`.
pub fn environment(pid: i32) -> Vec<OsString> {
    strings(pid, "environ")
}

fn strings(pid: i32, file: &str) -> Vec<OsString> {
    let bytes = fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
    let mut parts: Vec<OsString> =
        bytes.split(|byte| *byte == 0).map(|part| OsString::from_vec(part.to_vec())).collect();
    parts.pop();
    parts
}

/// Every process there is.
pub fn all() -> Vec<i32> {
    let entries = fs::read_dir("/proc").expect("/proc");
    entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

/// The processes whose parent is `pid`.
pub fn children(pid: i32) -> Vec<i32> {
    all().into_iter().filter(|other| stat(*other).is_some_and(|stat| stat.parent == pid)).collect()
}

/// The children of `pid`, their children, and so on; those that have ended and not been waited for too.
pub fn descendants(pid: i32) -> Vec<i32> {
    let parents: Vec<(i32, i32)> =
        all().into_iter().filter_map(|other| Some((other, stat(other)?.parent))).collect();
    let mut found = vec![pid];
    let mut next = 0;
    while let Some(parent) = found.get(next).copied() {
        found.extend(parents.iter().filter(|(_, of)| *of == parent).map(|(child, _)| *child));
        next += 1;
    }
    found.split_off(1)
}

/// Sends `signal` to the one process `pid`; false when it is gone.
pub fn signal(pid: i32, signal: Signal) -> bool {
    assert!(pid > 1, "{pid} is no process of a test");
    kill(Pid::from_raw(pid), signal).is_ok()
}

/// How long the first thread of a process has run on a processor.
pub fn processor_time(pid: i32) -> std::time::Duration {
    let text =
        String::from_utf8_lossy(&fs::read(format!("/proc/{pid}/schedstat")).expect("a process")).into_owned();
    let first = text.split_whitespace().next().and_then(|text| text.parse().ok());
    std::time::Duration::from_nanos(first.expect("nanoseconds"))
}

/// How often the first thread of a process has gone to sleep.
pub fn sleeps(pid: i32) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).expect("a process");
    let line = text.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
    line.and_then(|count| count.trim().parse().ok()).expect("a count")
}

/// Gives another process the soft limit `soft` from now on; returns the limit of before.
///
/// # Errors
/// When the process is gone, or the system cannot do this: only Linux can (prlimit(2)).
#[cfg(target_os = "linux")]
pub fn limit(pid: i32, resource: Resource, soft: u64) -> io::Result<u64> {
    let check = |result| if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) };
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: fills the struct that it is given.
    check(unsafe { libc::prlimit(pid, resource as _, std::ptr::null(), &raw mut limit) })?;
    let before = std::mem::replace(&mut limit.rlim_cur, soft);
    // SAFETY: reads the struct that it is given.
    check(unsafe { libc::prlimit(pid, resource as _, &raw const limit, std::ptr::null_mut()) })?;
    Ok(before)
}

/// The same.
#[cfg(not(target_os = "linux"))]
pub fn limit(_pid: i32, _resource: Resource, _soft: u64) -> io::Result<u64> {
    Err(io::ErrorKind::Unsupported.into())
}
