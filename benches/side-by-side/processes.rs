//! The processes of a run: found by a mark in their environment, because a host or a server leaves the
//! process tree of the terminal that started it.

use std::fs;
use std::io;

use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

/// The variable that marks all processes of a run.
pub const MARK: &str = "CCKW_BENCH_RUN";

/// Makes orphans children of this process, so that none of them is lost sight of.
#[cfg(target_os = "linux")]
pub fn adopt_orphans() -> io::Result<()> {
    Ok(nix::sys::prctl::set_child_subreaper(true)?)
}

/// The same; only Linux has that.
#[cfg(not(target_os = "linux"))]
pub fn adopt_orphans() -> io::Result<()> {
    Err(io::Error::other("the processes of a benchmark can be found on Linux only"))
}

/// Has this process killed when the one that started it ends.
#[cfg(target_os = "linux")]
pub fn end_with_parent() -> io::Result<()> {
    Ok(nix::sys::prctl::set_pdeathsig(nix::sys::signal::Signal::SIGKILL)?)
}

/// The same; only Linux has that.
#[cfg(not(target_os = "linux"))]
pub fn end_with_parent() -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Collects all children that have ended, orphans included: otherwise they would stay in the process table.
pub fn reap() {
    while waitpid(None::<Pid>, Some(WaitPidFlag::WNOHANG))
        .is_ok_and(|status| status != WaitStatus::StillAlive)
    {}
}

/// Whether a process runs that was started by this one.
pub fn runs(pid: i32) -> bool {
    matches!(waitpid(Pid::from_raw(pid), Some(WaitPidFlag::WNOHANG)), Ok(WaitStatus::StillAlive))
}

/// Ids of the living processes that carry the mark. One that was only forked, and not yet exec'ed, is not
/// among them.
pub fn marked(mark: &str) -> Vec<i32> {
    let wanted = format!("{MARK}={mark}");
    with_environment(|entry| entry == wanted.as_bytes())
}

/// Ids of the living processes that carry this mark or one of a directory below it, but for this process.
pub fn below(root: &str) -> Vec<i32> {
    let wanted = format!("{MARK}={root}");
    let is_below = |rest: &[u8]| rest.is_empty() || rest[0] == b'/';
    let mut found = with_environment(|entry| entry.strip_prefix(wanted.as_bytes()).is_some_and(is_below));
    found.retain(|pid| *pid != std::process::id() as i32);
    found
}

fn with_environment(is_wanted: impl Fn(&[u8]) -> bool) -> Vec<i32> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|pid: &i32| {
            let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            environment.split(|byte| *byte == 0).any(&is_wanted)
        })
        .collect()
}

/// Proportional set size of the processes, in MiB: what they use alone and their share of what they share.
pub fn memory(pids: &[i32]) -> io::Result<f64> {
    let mut kib = 0.0;
    for pid in pids {
        let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
        kib += field(&text, "Pss:");
    }
    Ok(kib / 1024.0)
}

/// How often the threads of the processes were switched to, by their own waiting or not.
pub fn wakeups(pids: &[i32]) -> io::Result<f64> {
    let mut count = 0.0;
    for pid in pids {
        for task in fs::read_dir(format!("/proc/{pid}/task"))? {
            let text = fs::read_to_string(task?.path().join("status"))?;
            count += field(&text, "voluntary_ctxt_switches:") + field(&text, "nonvoluntary_ctxt_switches:");
        }
    }
    Ok(count)
}

fn field(text: &str, name: &str) -> f64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or(0.0)
}
