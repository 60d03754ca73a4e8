//! How claude ended, as far as bringing it back is concerned.
//!
//! The exit statuses are those seen with Claude Code 2.1.329: it takes SIGINT, SIGTERM and SIGHUP as requests
//! to end and exits with 0, 143 and 129; of other signals it dies.

use libc::SIGTERM;

use crate::config::OnSigterm;
use crate::os::exit::Exit;

/// What an end of claude means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitClass {
    /// Somebody wanted it: the session ends with the same status.
    Clean,
    /// Nobody did: claude is brought back.
    Crash,
    /// Claude refused to start and has said why (a flag that it does not know, no login): the session ends
    /// with the same status, because the next start would say the same.
    OwnError,
}

/// What this end of claude means. `came_up` is whether a settled state file was seen since the session's
/// first launch: one appears for a moment also where `--resume` or `--continue` finds nothing. `was_passed`
/// is whether cckw or its client has sent or passed on the signal of this number a moment ago.
///
/// A signal that cckw knows nothing of was sent to claude alone, by somebody who has not told cckw that the
/// session is to end: that is a crash. For SIGTERM the user decides, by `on_sigterm`.
///
/// Only an exit code can be claude's own error: a signal is no answer. Claude itself and a launcher that
/// stands between report the signal that ended claude as 128 and its number, so such a code counts as the
/// signal.
pub fn end(exit: Exit, came_up: bool, on_sigterm: OnSigterm, was_passed: impl Fn(i32) -> bool) -> ExitClass {
    let signal = match exit {
        Exit::Code(0) => return ExitClass::Clean,
        Exit::Code(code @ 129..=192) => code - 128,
        Exit::Code(_) if came_up => return ExitClass::Crash,
        Exit::Code(_) => return ExitClass::OwnError,
        Exit::Signal(number) => number,
    };
    if was_passed(signal) || signal == SIGTERM && on_sigterm == OnSigterm::End {
        ExitClass::Clean
    } else {
        ExitClass::Crash
    }
}

#[cfg(test)]
mod tests {
    use libc::{SIGHUP, SIGINT, SIGQUIT};
    use proptest::prelude::*;

    use super::*;

    /// The end of a claude to which cckw has sent nothing.
    fn alone(exit: Exit, came_up: bool) -> ExitClass {
        end(exit, came_up, OnSigterm::Restart, |_| false)
    }

    #[test]
    fn exit_0_is_clean_at_any_time() {
        assert_eq!(
            (alone(Exit::Code(0), false), alone(Exit::Code(0), true)),
            (ExitClass::Clean, ExitClass::Clean)
        );
    }

    #[test]
    fn a_signal_is_clean_if_cckw_passed_it_on_and_else_a_crash() {
        for signal in [SIGHUP, SIGINT, SIGQUIT, SIGTERM] {
            for exit in [Exit::Signal(signal), Exit::Code(128 + signal)] {
                for came_up in [false, true] {
                    let passed = |number| end(exit, came_up, OnSigterm::Restart, |other| other == number);
                    assert_eq!(passed(signal), ExitClass::Clean, "{exit:?}");
                    assert_eq!(passed(9), ExitClass::Crash, "{exit:?}: another signal was passed on");
                    assert_eq!(alone(exit, came_up), ExitClass::Crash, "{exit:?}");
                }
            }
        }
    }

    #[test]
    fn a_sigterm_from_elsewhere_ends_the_session_where_the_user_wants_that() {
        for exit in [Exit::Signal(SIGTERM), Exit::Code(143)] {
            assert_eq!(end(exit, true, OnSigterm::End, |_| false), ExitClass::Clean);
        }
        for exit in [Exit::Signal(SIGHUP), Exit::Code(130), Exit::Code(1)] {
            assert_eq!(end(exit, true, OnSigterm::End, |_| false), ExitClass::Crash, "{exit:?}");
        }
    }

    #[test]
    fn a_signal_that_nobody_sends_to_end_a_program_is_a_crash() {
        for exit in [6, 9, 11].map(Exit::Signal).into_iter().chain([134, 137, 139].map(Exit::Code)) {
            assert_eq!(
                (alone(exit, false), alone(exit, true)),
                (ExitClass::Crash, ExitClass::Crash),
                "{exit:?}"
            );
        }
    }

    #[test]
    fn an_exit_code_is_its_own_error_until_it_has_come_up() {
        for exit in [1, 2, 126, 127, 128, 255].map(Exit::Code) {
            assert_eq!(
                (alone(exit, false), alone(exit, true)),
                (ExitClass::OwnError, ExitClass::Crash),
                "{exit:?}"
            );
        }
    }

    proptest! {
        #[test]
        fn having_come_up_changes_nothing_but_the_blame(
            number in any::<i32>(), signal in any::<bool>(), passed in any::<bool>(), ends in any::<bool>(),
        ) {
            let exit = if signal { Exit::Signal(number) } else { Exit::Code(number.max(-1)) };
            let on_sigterm = if ends { OnSigterm::End } else { OnSigterm::Restart };
            let (before, after) =
                (end(exit, false, on_sigterm, |_| passed), end(exit, true, on_sigterm, |_| passed));
            prop_assert_ne!(after, ExitClass::OwnError);
            prop_assert!(before == after || (before, after) == (ExitClass::OwnError, ExitClass::Crash));
        }
    }
}
