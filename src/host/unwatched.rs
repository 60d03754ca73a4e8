//! A host whom the system tells of no changed file, because a limit of watchers is reached. The session runs
//! all the same, and claude's state file is looked at when claude has written something.

use std::time::{Duration, Instant};

use super::Host;
use super::timers::Timer;
use crate::registry::log_event::LogEvent;

/// How long after output of claude's the state file is looked at: it is written a moment after what is on the
/// screen. There is no look while claude writes nothing, and no more than one in this time.
const LOOK_DELAY: Duration = Duration::from_millis(300);

impl Host {
    /// Claude has written something.
    pub(super) fn look_soon_if_unwatched(&mut self) {
        if self.record.unwatched {
            self.timers.set_once(Timer::StateRetry, Instant::now() + LOOK_DELAY);
        }
    }

    /// Says, when that changes, whether the system tells of changed files.
    pub(super) fn note_notifications(&mut self) {
        let unwatched = self.watch.is_blind();
        if unwatched != self.record.unwatched {
            self.record.unwatched = unwatched;
            self.events.write(if unwatched {
                LogEvent::NoFileNotifications
            } else {
                LogEvent::FileNotifications
            });
            self.save();
        }
    }
}
