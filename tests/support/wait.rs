//! Waiting for a condition that no descriptor announces.

use std::thread;
use std::time::{Duration, Instant};

/// How long a wait may take before the test fails: long enough for a loaded machine, never reached otherwise.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// Time between two looks. Only here: what has a descriptor is waited for with poll(2).
const POLL_INTERVAL: Duration = Duration::from_millis(5);

/// Waits until `condition` holds; panics with `what` when it does not within `deadline`.
#[track_caller]
pub fn wait_until(what: &str, deadline: Duration, mut condition: impl FnMut() -> bool) {
    wait_until_some(what, deadline, || condition().then_some(()));
}

/// Waits until `look` returns something, and returns that; panics with `what` after `deadline`.
#[track_caller]
pub fn wait_until_some<T>(what: &str, deadline: Duration, look: impl FnMut() -> Option<T>) -> T {
    wait_or_report(what, deadline, look, String::new)
}

/// The same; what it panics with ends with what there is to say about the state of things.
#[track_caller]
pub fn wait_or_report<T>(
    what: &str,
    deadline: Duration,
    mut look: impl FnMut() -> Option<T>,
    report: impl Fn() -> String,
) -> T {
    let end = Instant::now() + deadline;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < end, "waited {deadline:?} in vain for {what}\n{}", report());
        thread::sleep(POLL_INTERVAL);
    }
}
