//! Noticing that the machine slept, without looking at a clock again and again.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

/// For how long the machine was asleep since it was started; a later answer is larger by what it slept
/// meanwhile.
///
/// Linux: the clock that counts sleep (`CLOCK_BOOTTIME`, clock_gettime(2)) less the one that does not. macOS:
/// the same of `CLOCK_MONOTONIC_RAW` and `CLOCK_UPTIME_RAW`.
///
/// # Errors
/// When the system lacks one of the clocks.
pub fn asleep() -> io::Result<Duration> {
    #[cfg(target_os = "linux")]
    let (all, awake) = (ClockId::CLOCK_BOOTTIME, ClockId::CLOCK_MONOTONIC);
    #[cfg(not(target_os = "linux"))]
    let (all, awake) =
        (ClockId::from_raw(libc::CLOCK_MONOTONIC_RAW), ClockId::from_raw(libc::CLOCK_UPTIME_RAW));
    // The one that is behind is read first: what passes between the two calls is no sleep, and less than
    // anybody asks for.
    let awake = Duration::from(clock_gettime(awake)?);
    let all = Duration::from(clock_gettime(all)?);
    Ok(all.saturating_sub(awake))
}

/// Has something to read when the machine has woken up, or its clock was set.
pub struct Wakeup {
    #[cfg(target_os = "linux")]
    timer: nix::sys::timerfd::TimerFd,
    /// A sleep takes the network down and up again, and that is told.
    #[cfg(not(target_os = "linux"))]
    network: super::network::Network,
}

impl Wakeup {
    /// Whether a sleep wakes whoever listens, always. Where it does not, the clocks are looked at with whatever
    /// happens next.
    pub const IS_CERTAIN: bool = cfg!(target_os = "linux");

    /// Begins to listen. On macOS it is the network that is listened to: never run there, see
    /// `docs/user/platforms.md`.
    ///
    /// # Errors
    /// When the process is out of descriptors.
    pub fn listen() -> io::Result<Self> {
        #[cfg(target_os = "linux")]
        {
            use nix::sys::timerfd::{ClockId, TimerFd, TimerFlags};
            let flags = TimerFlags::TFD_CLOEXEC | TimerFlags::TFD_NONBLOCK;
            let wakeup = Self { timer: TimerFd::new(ClockId::CLOCK_REALTIME, flags)? };
            wakeup.arm()?;
            Ok(wakeup)
        }
        #[cfg(not(target_os = "linux"))]
        Ok(Self { network: super::network::Network::listen()? })
    }

    /// A timer that never comes due, but is cancelled when the clock jumps, as it does with the end of a
    /// sleep (timerfd_create(2), `TFD_TIMER_CANCEL_ON_SET`).
    #[cfg(target_os = "linux")]
    fn arm(&self) -> io::Result<()> {
        use nix::sys::time::TimeSpec;
        use nix::sys::timerfd::{Expiration, TimerSetTimeFlags};
        let never = Expiration::OneShot(TimeSpec::new(i64::from(i32::MAX) * 64, 0));
        let flags = TimerSetTimeFlags::TFD_TIMER_ABSTIME | TimerSetTimeFlags::TFD_TIMER_CANCEL_ON_SET;
        Ok(self.timer.set(never, flags)?)
    }

    /// Takes note of what was there to read, and listens on.
    ///
    /// # Errors
    /// When the timer cannot be set again.
    pub fn hear(&self) -> io::Result<()> {
        #[cfg(target_os = "linux")]
        {
            // Cancelled, it says ECANCELED, once.
            let _ = nix::unistd::read(&self.timer, &mut [0; 8]);
            self.arm()?;
        }
        #[cfg(not(target_os = "linux"))]
        self.network.hear();
        Ok(())
    }
}

impl AsFd for Wakeup {
    fn as_fd(&self) -> BorrowedFd<'_> {
        #[cfg(target_os = "linux")]
        return self.timer.as_fd();
        #[cfg(not(target_os = "linux"))]
        return self.network.as_fd();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::os::poll::{Interest, Poll};

    #[test]
    fn while_nobody_sleeps_the_answer_stays() {
        let before = asleep().expect("clocks");
        let after = asleep().expect("clocks");
        assert!(after.abs_diff(before) < Duration::from_secs(1), "{before:?} {after:?}");
    }

    #[test]
    fn a_clock_that_runs_wakes_nobody() {
        let wakeup = Wakeup::listen().expect("a descriptor");
        for _ in 0..2 {
            let mut poll = Poll::default();
            let place = poll.add(&wakeup, Interest::Reading);
            poll.wait(Some(Duration::from_millis(20))).expect("polls");
            assert!(!poll.is_ready(place));
            wakeup.hear().expect("listens on");
        }
    }
}
