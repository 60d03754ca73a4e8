//! Faults at chosen points of a host's life, for tests. In a release build nothing of this exists.
//!
//! `CCKW_FAULT` names the fault. At a point of that name the host kills itself with SIGKILL: each time, or
//! once where `CCKW_FAULT_ONCE` names a file, into which the one that dies writes its pid.

/// Between any two steps of a host's life, in the order in which it comes to them.
#[cfg(debug_assertions)]
pub const POINTS: [&str; 29] = [
    // The start, of a new session or of one that is taken up.
    "start-received",
    "start-locked",
    "start-recorded",
    "start-bound",
    "start-spawned",
    "start-told",
    "run-saved",
    // The record, in the journal's thread.
    "record-written",
    "record-renamed",
    "state-file-followed",
    // Claude crashes, and comes back.
    "claude-ended",
    "waiting-saved",
    "waiting-asked",
    "relaunch-begun",
    "relaunch-spawned",
    "relaunch-saved",
    "relaunch-told",
    // A client comes and goes.
    "attach-taken",
    "attach-told",
    "attach-saved",
    "detach-begun",
    "detach-undone",
    "detach-saved",
    // Another program goes on in the host's process.
    "taken-over",
    // The end.
    "stop-asked",
    "stop-signalled",
    "end-recorded",
    "end-unbound",
    "end-told",
];

#[cfg(debug_assertions)]
mod faults {
    use std::env;
    use std::fs;
    use std::io::Write;
    use std::os::unix::fs::FileTypeExt;

    use nix::sys::signal::{Signal, raise};

    /// Waits as a disk that hangs would, where `CCKW_FAULT_GATE` is `NAME=PATH` and a FIFO is at that path:
    /// until somebody writes to it.
    pub fn gate(name: &str) {
        let Ok(gate) = env::var("CCKW_FAULT_GATE") else { return };
        let Some((_, path)) = gate.split_once('=').filter(|(gate, _)| *gate == name) else { return };
        if fs::metadata(path).is_ok_and(|found| found.file_type().is_fifo()) {
            let _ = fs::read(path);
        }
    }

    /// Whether this fault is asked for.
    pub fn is_set(name: &str) -> bool {
        env::var("CCKW_FAULT").is_ok_and(|fault| fault == name)
    }

    /// Ends this process here, if that is asked for.
    pub fn point(name: &str) {
        debug_assert!(super::POINTS.contains(&name), "{name} stands in no table");
        if !is_set(name) {
            return;
        }
        let once = env::var_os("CCKW_FAULT_ONCE");
        let make = |path| fs::OpenOptions::new().write(true).create_new(true).open(path);
        // Who has died is in the file.
        let write = |mut file: fs::File| file.write_all(std::process::id().to_string().as_bytes());
        if once.is_none_or(|path| make(path).and_then(write).is_ok()) {
            let _ = raise(Signal::SIGKILL);
        }
    }
}

#[cfg(not(debug_assertions))]
mod faults {
    /// Nothing.
    pub fn gate(_: &str) {}

    /// Never.
    pub fn is_set(_: &str) -> bool {
        false
    }

    /// Nothing.
    pub fn point(_: &str) {}
}

pub use faults::{gate, is_set, point};
