//! Signals that come as bytes on a descriptor, with the pid of the sender.

use std::os::fd::{AsFd, BorrowedFd, IntoRawFd, OwnedFd};
use std::sync::atomic::{AtomicI32, Ordering};

use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};

use super::tty;

/// The writing end, for the handler.
static END: AtomicI32 = AtomicI32::new(-1);

/// Bytes of one signal: its number, and the sender.
const LENGTH: usize = 8;

/// Signals that have no effect but to be here. There is one value of this kind in a process.
pub struct Taken(OwnedFd);

/// Takes these from now on. One that was ignored before stays so.
pub fn take(signals: &[Signal]) -> Taken {
    let (read, write) = nix::unistd::pipe().unwrap_or_else(|error| tty::give_up(&format!("pipe: {error}")));
    END.store(write.into_raw_fd(), Ordering::SeqCst);
    // While the handler runs no other signal comes, so they come in their order.
    let action = SigAction::new(SigHandler::SigAction(note), SaFlags::SA_RESTART, SigSet::all());
    for signal in signals {
        // SAFETY: the handler makes one system call, and touches no memory but its own.
        let before = unsafe { sigaction(*signal, &action) };
        match before {
            Ok(before) if matches!(before.handler(), SigHandler::SigIgn) => {
                // SAFETY: an action that was there.
                let _ = unsafe { sigaction(*signal, &before) };
            }
            Ok(_) => {}
            Err(error) => tty::give_up(&format!("sigaction: {error}")),
        }
    }
    let set: SigSet = signals.iter().copied().collect();
    let _ = set.thread_unblock();
    Taken(read)
}

extern "C" fn note(signal: libc::c_int, info: *mut libc::siginfo_t, _: *mut libc::c_void) {
    // SAFETY: the system hands a handler of this kind a struct that lives during the call.
    let info = unsafe { &*info };
    // SAFETY: it is a number in every such struct; for a signal that nobody has sent it means nothing.
    let from = unsafe { info.si_pid() };
    let mut bytes = [0; LENGTH];
    bytes[..4].copy_from_slice(&signal.to_ne_bytes());
    bytes[4..].copy_from_slice(&from.to_ne_bytes());
    let end = END.load(Ordering::SeqCst);
    // SAFETY: the pointer and the length are those of the array; the descriptor stays open for ever.
    unsafe { libc::write(end, bytes.as_ptr().cast(), LENGTH) };
}

impl Taken {
    /// The next one, and who has sent it.
    pub fn next(&self) -> (Signal, i32) {
        let mut bytes = [0; LENGTH];
        // Writes of so few bytes are whole, so reads are too.
        loop {
            match nix::unistd::read(&self.0, &mut bytes) {
                Ok(LENGTH) => break,
                Err(nix::Error::EINTR) => {}
                other => tty::give_up(&format!("a signal: {other:?}")),
            }
        }
        let number = |at: usize| i32::from_ne_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
        match Signal::try_from(number(0)) {
            Ok(signal) => (signal, number(4)),
            Err(error) => tty::give_up(&format!("signal {}: {error}", number(0))),
        }
    }
}

impl AsFd for Taken {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
