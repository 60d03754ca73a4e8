//! What a process costs: its processor time, its memory, and how often it wakes.

use std::fs;
use std::io;
use std::time::Duration;

use crate::processes;
use crate::screen::{Missing, Screen};

/// Memory of some processes, in MiB.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    /// What is in memory of them, counted in full.
    pub rss: f64,
    /// The same, but what several processes share is divided among them.
    pub pss: f64,
}

/// The memory of these processes.
///
/// # Errors
/// When one is gone.
pub fn memory(pids: &[i32]) -> io::Result<Memory> {
    let mut rss = 0.0;
    for pid in pids {
        let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
        let line = text.lines().find_map(|line| line.strip_prefix("Rss:"));
        let kib = line.and_then(|rest| rest.split_whitespace().next()?.parse::<f64>().ok());
        rss += kib.unwrap_or(0.0) / 1024.0;
    }
    Ok(Memory { rss, pss: processes::memory(pids)? })
}

/// The time that these processes have had a processor, threads that have ended included.
///
/// # Errors
/// When one is gone.
pub fn processor_time(pids: &[i32]) -> Result<Duration, Missing> {
    pids.iter().map(|pid| time_of(*pid)).sum::<nix::Result<Duration>>().map_err(|error| error.to_string())
}

#[cfg(target_os = "linux")]
fn time_of(pid: i32) -> nix::Result<Duration> {
    nix::time::clock_getcpuclockid(nix::unistd::Pid::from_raw(pid))?.now().map(Duration::from)
}

/// Not asked here: [`memory`] reads `/proc`, so there is no measurement without it.
#[cfg(not(target_os = "linux"))]
fn time_of(_pid: i32) -> nix::Result<Duration> {
    Err(nix::Error::ENOTSUP)
}

/// What some processes did while nothing happened.
#[derive(Clone, Copy, Debug)]
pub struct Rest {
    /// How often their threads were switched to.
    pub wakeups: f64,
    /// How often in the one second in which that was most often: the minute's tick, where there is one.
    pub tick: f64,
    /// Processor time.
    pub processor: Duration,
}

/// Looks once a second, for so many seconds.
///
/// # Errors
/// When one is gone.
pub fn rest(screen: &mut Screen, pids: &[i32], seconds: usize) -> Result<Rest, Missing> {
    let words = |error: io::Error| error.to_string();
    let (first, time_before) = (processes::wakeups(pids).map_err(words)?, processor_time(pids)?);
    let (mut before, mut tick) = (first, 0.0_f64);
    for _ in 0..seconds {
        screen.rest(Duration::from_secs(1))?;
        let now = processes::wakeups(pids).map_err(words)?;
        tick = tick.max(now - before);
        before = now;
    }
    Ok(Rest { wakeups: before - first, tick, processor: processor_time(pids)?.saturating_sub(time_before) })
}
