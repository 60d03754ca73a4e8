//! The signal state that this process was started with, so that a program it starts gets the same.

use std::io;
use std::process::{Child, Command};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::sys::signal::{
    SaFlags, SigAction, SigHandler, SigSet, SigmaskHow, Signal, pthread_sigmask, sigaction, sigprocmask,
};
use serde::{Deserialize, Serialize};

/// Every number that a signal can have; nix knows no real-time signals. The C library refuses those that it
/// keeps for itself.
const NUMBERS: std::ops::RangeInclusive<i32> = 1..=if cfg!(target_os = "linux") { 64 } else { 31 };

/// Which signals were blocked and which ignored when this process began.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignalState {
    blocked: Vec<i32>,
    ignored: Vec<i32>,
}

/// Rust's start-up ignores SIGPIPE before `main`; what it was is known only to code that runs earlier.
static PIPE_WAS_IGNORED: AtomicBool = AtomicBool::new(false);

extern "C" fn note_sigpipe() {
    if handler(Signal::SIGPIPE) == libc::SIG_IGN {
        PIPE_WAS_IGNORED.store(true, Ordering::Relaxed);
    }
}

// SAFETY: the section is the platform's list of functions to call before `main`; this one has the
// signature that is expected there, and does one system call and one atomic store.
#[used]
#[cfg_attr(target_os = "linux", unsafe(link_section = ".init_array"))]
#[cfg_attr(target_os = "macos", unsafe(link_section = "__DATA,__mod_init_func"))]
static NOTE_SIGPIPE: extern "C" fn() = note_sigpipe;

static INHERITED: OnceLock<SignalState> = OnceLock::new();

/// The state at the first call, which `main` makes before anything else.
pub fn inherited() -> &'static SignalState {
    INHERITED.get_or_init(|| {
        let mut mask = SigSet::empty();
        // Without a new mask this only reads, and cannot fail.
        let _ = sigprocmask(SigmaskHow::SIG_BLOCK, None, Some(&mut mask));
        let ignored = Signal::iterator().filter(|signal| match signal {
            Signal::SIGPIPE => PIPE_WAS_IGNORED.load(Ordering::Relaxed),
            _ => handler(*signal) == libc::SIG_IGN,
        });
        SignalState {
            blocked: NUMBERS.filter(|number| holds(&mask, *number)).collect(),
            ignored: ignored.map(|signal| signal as i32).collect(),
        }
    })
}

fn holds(set: &SigSet, number: i32) -> bool {
    // SAFETY: reads the set; a number that is no signal is an error.
    unsafe { libc::sigismember(set.as_ref(), number) == 1 }
}

fn handler(signal: Signal) -> libc::sighandler_t {
    let mut now = std::mem::MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: without a new action sigaction(2) only fills `now`, which is large enough.
    let done = unsafe { libc::sigaction(signal as i32, std::ptr::null(), now.as_mut_ptr()) };
    if done != 0 {
        return libc::SIG_DFL;
    }
    // SAFETY: zeroed before, filled by the call.
    unsafe { now.assume_init() }.sa_sigaction
}

impl SignalState {
    /// Gives this process the dispositions and the mask of this state, for the program that it is about to
    /// become.
    ///
    /// Only async-signal-safe calls, and no allocation: it runs between fork(2) and exec(2).
    ///
    /// # Errors
    /// When a signal cannot be set; SIGKILL and SIGSTOP are left out.
    pub fn restore(&self) -> io::Result<()> {
        for signal in Signal::iterator() {
            if matches!(signal, Signal::SIGKILL | Signal::SIGSTOP) {
                continue;
            }
            let ignored = self.ignored.contains(&(signal as i32));
            set(signal, if ignored { SigHandler::SigIgn } else { SigHandler::SigDfl })?;
        }
        let mut mask = *SigSet::empty().as_ref();
        for number in &self.blocked {
            // SAFETY: changes the set, which is ours; a number that is no signal is an error.
            unsafe { libc::sigaddset(&raw mut mask, *number) };
        }
        // SAFETY: the set was made by the C library's own functions.
        unsafe { SigSet::from_sigset_t_unchecked(mask) }.thread_set_mask()?;
        Ok(())
    }
}

fn set(signal: Signal, handler: SigHandler) -> nix::Result<SigAction> {
    let action = SigAction::new(handler, SaFlags::empty(), SigSet::empty());
    // SAFETY: only SIG_DFL, SIG_IGN and actions that were in force before are set through this function.
    unsafe { sigaction(signal, &action) }
}

/// Has this process ignore a signal from now on. Programs that it starts do not, where
/// [`SignalState::restore`] is called.
///
/// # Errors
/// When the action cannot be changed.
pub fn ignore(signal: Signal) -> nix::Result<()> {
    set(signal, SigHandler::SigIgn).map(drop)
}

/// Runs `act` while `signal` has its default action, then puts back what was there.
///
/// # Errors
/// When the action cannot be changed.
pub fn with_default<T>(signal: Signal, act: impl FnOnce() -> T) -> nix::Result<T> {
    let before = set(signal, SigHandler::SigDfl)?;
    let result = act();
    // SAFETY: the action was in force before this function was called.
    unsafe { sigaction(signal, &before) }?;
    Ok(result)
}

/// The signal of ctrl-z.
fn key_that_stops() -> SigSet {
    let mut set = SigSet::empty();
    set.add(Signal::SIGTSTP);
    set
}

/// Starts a program that ctrl-z cannot stop before it has begun. This process waits for that beginning, so a child that
/// is stopped earlier would stop it for ever. The program calls [`let_keys_stop`] when it has begun.
///
/// # Errors
/// When no process can be started.
pub fn start_unstopped(command: &mut Command) -> io::Result<Child> {
    let mut before = SigSet::empty();
    pthread_sigmask(SigmaskHow::SIG_BLOCK, Some(&key_that_stops()), Some(&mut before))?;
    let child = command.spawn();
    pthread_sigmask(SigmaskHow::SIG_SETMASK, Some(&before), None)?;
    child
}

/// Lets ctrl-z stop this process. To be called before [`inherited`], and before any thread is started.
pub fn let_keys_stop() {
    // A known signal can be unblocked.
    let _ = pthread_sigmask(SigmaskHow::SIG_UNBLOCK, Some(&key_that_stops()), None);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_begins_with_ctrl_z_held() {
        let mut command = Command::new("sh");
        command.args(["-c", "kill -TSTP $$; echo on"]).stdout(std::process::Stdio::piped());
        let child = start_unstopped(&mut command).expect("starts");
        assert_eq!(child.wait_with_output().expect("ends").stdout, b"on\n");
        let mut now = SigSet::empty();
        pthread_sigmask(SigmaskHow::SIG_BLOCK, None, Some(&mut now)).expect("reads");
        assert!(!now.contains(Signal::SIGTSTP));
    }

    #[test]
    fn the_default_action_is_in_force_only_inside() {
        set(Signal::SIGUSR2, SigHandler::SigIgn).expect("sets");
        let inside = with_default(Signal::SIGUSR2, || handler(Signal::SIGUSR2)).expect("sets");
        assert_eq!((inside, handler(Signal::SIGUSR2)), (libc::SIG_DFL, libc::SIG_IGN));
    }
}
