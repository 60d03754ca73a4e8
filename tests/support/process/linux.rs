//! The process table of Linux: `/proc`.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::time::Duration;

use nix::sys::resource::Resource;

use super::Stat;

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

/// How long the first thread of a process has run on a processor.
pub fn processor_time(pid: i32) -> Duration {
    let text =
        String::from_utf8_lossy(&fs::read(format!("/proc/{pid}/schedstat")).expect("a process")).into_owned();
    let first = text.split_whitespace().next().and_then(|text| text.parse().ok());
    Duration::from_nanos(first.expect("nanoseconds"))
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
/// When the process is gone.
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
