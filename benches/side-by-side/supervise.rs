//! Whatever happens to the measuring (a panic, ctrl-c, a signal), nothing that it started outlives it: it
//! runs in a process below this one, which ends all that is left, and removes the files.

use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Child, Command, ExitCode, ExitStatus};
use std::time::{Duration, Instant};
use std::{io, thread};

use nix::sys::signal::{SigSet, Signal, kill};
use nix::unistd::Pid;

use crate::processes;

/// Makes this program the one that measures; its value is the directory for all files.
const VARIABLE: &str = "CCKW_BENCH_ROOT";

/// Longest wait until the last process is gone, once it was killed.
const DEADLINE: Duration = Duration::from_secs(30);

/// The directory for all files, in the process that measures.
pub fn root() -> Option<PathBuf> {
    std::env::var_os(VARIABLE).map(PathBuf::from)
}

/// Runs this program again, with the same arguments, and cleans up behind it. The status is its status, 1 if
/// it was ended, or if something could not be ended.
pub fn run() -> ExitCode {
    match supervise() {
        Ok(status) => {
            let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0));
            ExitCode::from(u8::try_from(code).unwrap_or(1))
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn supervise() -> io::Result<ExitStatus> {
    // A short name: the path of a socket below it has to fit into a hundred bytes.
    let root = tempfile::Builder::new().prefix("cb").tempdir()?;
    processes::adopt_orphans()?;
    let mut signals = SigSet::empty();
    for signal in [Signal::SIGCHLD, Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGQUIT] {
        signals.add(signal);
    }
    // Blocked first, so that none is lost before it is waited for.
    signals.thread_block()?;
    let mut command = Command::new(std::env::current_exe()?);
    command.args(std::env::args_os().skip(1)).env(VARIABLE, root.path()).env(processes::MARK, root.path());
    // SAFETY: the closure makes system calls only, and allocates nothing.
    unsafe {
        command.pre_exec(move || {
            processes::end_with_parent()?;
            Ok(signals.thread_unblock()?)
        })
    };
    let mut worker = command.spawn()?;
    let status = wait(&mut worker, &signals)?;
    sweep(&root.path().display().to_string())?;
    Ok(status)
}

/// Waits for the worker, which a signal for this process ends.
fn wait(worker: &mut Child, signals: &SigSet) -> io::Result<ExitStatus> {
    loop {
        if let Some(status) = worker.try_wait()? {
            return Ok(status);
        }
        if signals.wait()? != Signal::SIGCHLD {
            worker.kill()?;
        }
    }
}

/// Ends all processes of all runs below this directory.
fn sweep(root: &str) -> io::Result<()> {
    let end = Instant::now() + DEADLINE;
    loop {
        processes::reap();
        let left = processes::below(root);
        if left.is_empty() {
            return Ok(());
        }
        if Instant::now() > end {
            return Err(io::Error::other(format!("these processes cannot be ended: {left:?}")));
        }
        for pid in left {
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
        thread::sleep(Duration::from_millis(5));
    }
}
