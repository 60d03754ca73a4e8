//! How claude ended, as far as bringing it back is concerned.
//!
//! The exit statuses are those seen with Claude Code 2.1.329: it takes SIGINT, SIGTERM and SIGHUP as requests to end and exits with
//! 0, 143 and 129; of other signals it dies.

use libc::{SIGHUP, SIGINT, SIGTERM};

use crate::session::record::Exit;

/// What an end of claude means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Somebody wanted it: the session ends with the same status.
    Clean,
    /// Nobody did: claude is brought back.
    Crash,
    /// Claude refused to start and has said why (a flag that it does not know, no login): the session ends with the same
    /// status, because the next start would say the same.
    OwnError,
}

/// What this end of claude means. `came_up` is whether a settled state file was seen since the session's first
/// launch: one appears for a moment also where `--resume` or `--continue` finds nothing.
///
/// Only an exit code can be claude's own error: a signal is no answer. A launcher that stands between reports the signal
/// that ended claude as 128 and its number, so such a code counts as the signal.
pub fn end(exit: Exit, came_up: bool) -> End {
    match exit {
        Exit::Code(0) => End::Clean,
        Exit::Code(code) => match code - 128 {
            SIGINT | SIGTERM | SIGHUP => End::Clean,
            1..=64 => End::Crash,
            _ if came_up => End::Crash,
            _ => End::OwnError,
        },
        Exit::Signal(SIGINT | SIGTERM | SIGHUP) => End::Clean,
        Exit::Signal(_) => End::Crash,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_was_asked_for_is_clean_at_any_time() {
        for exit in [0, 129, 130, 143].map(Exit::Code).into_iter().chain([1, 2, 15].map(Exit::Signal)) {
            assert_eq!((end(exit, false), end(exit, true)), (End::Clean, End::Clean), "{exit:?}");
        }
    }

    #[test]
    fn a_signal_that_nobody_sends_to_end_a_program_is_a_crash() {
        for exit in [3, 6, 9, 11].map(Exit::Signal).into_iter().chain([131, 134, 137, 139].map(Exit::Code)) {
            assert_eq!((end(exit, false), end(exit, true)), (End::Crash, End::Crash), "{exit:?}");
        }
    }

    #[test]
    fn an_exit_code_is_its_own_error_until_it_has_come_up() {
        for exit in [1, 2, 126, 127, 128, 255].map(Exit::Code) {
            assert_eq!((end(exit, false), end(exit, true)), (End::OwnError, End::Crash), "{exit:?}");
        }
    }

    proptest! {
        #[test]
        fn having_come_up_changes_nothing_but_the_blame(number in any::<i32>(), signal in any::<bool>()) {
            let exit = if signal { Exit::Signal(number) } else { Exit::Code(number.max(-1)) };
            let (before, after) = (end(exit, false), end(exit, true));
            prop_assert_ne!(after, End::OwnError);
            prop_assert!(before == after || (before, after) == (End::OwnError, End::Crash));
        }
    }
}
