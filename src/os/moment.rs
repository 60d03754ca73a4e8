//! Points in time for a program that takes this process over. The clock behind [`Instant`] goes on when a
//! process executes another program, so a point in time is kept as what that clock shows then.
//!
//! For serde: `#[serde(with = "moment")]`, and the modules in here for what holds points in time.

use std::time::{Duration, Instant};

use nix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

#[cfg(target_os = "linux")]
const CLOCK: ClockId = ClockId::CLOCK_MONOTONIC;
/// What the standard library reads there.
#[cfg(not(target_os = "linux"))]
const CLOCK: ClockId = ClockId::from_raw(libc::CLOCK_UPTIME_RAW);

/// What the clock shows, in nanoseconds.
fn clock() -> i128 {
    clock_gettime(CLOCK)
        .map_or(0, |time| i128::from(time.tv_sec()) * 1_000_000_000 + i128::from(time.tv_nsec()))
}

/// A point in time, as it is written.
#[derive(Clone, Copy)]
struct Moment(Instant);

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (clock, now) = (clock(), Instant::now());
        let ahead = |time: Duration| i128::try_from(time.as_nanos()).unwrap_or(i128::MAX);
        let at = if self.0 >= now { clock + ahead(self.0 - now) } else { clock - ahead(now - self.0) };
        i64::try_from(at).unwrap_or(i64::MAX).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let at = i128::from(i64::deserialize(deserializer)?);
        let (clock, now) = (clock(), Instant::now());
        let nanoseconds = |time: i128| Duration::from_nanos(u64::try_from(time).unwrap_or(u64::MAX));
        let moment = if at >= clock {
            now.checked_add(nanoseconds(at - clock))
        } else {
            now.checked_sub(nanoseconds(clock - at))
        };
        Ok(Self(moment.unwrap_or(now)))
    }
}

/// # Errors
/// The serializer's.
pub fn serialize<S: Serializer>(at: &Instant, serializer: S) -> Result<S::Ok, S::Error> {
    Moment(*at).serialize(serializer)
}

/// # Errors
/// The deserializer's.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Instant, D::Error> {
    Moment::deserialize(deserializer).map(|moment| moment.0)
}

/// For a point in time that may be none.
pub mod option {
    use super::{Deserialize, Deserializer, Instant, Moment, Serialize, Serializer};

    /// # Errors
    /// The serializer's.
    pub fn serialize<S: Serializer>(at: &Option<Instant>, serializer: S) -> Result<S::Ok, S::Error> {
        at.map(Moment).serialize(serializer)
    }

    /// # Errors
    /// The deserializer's.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Instant>, D::Error> {
        Ok(Option::<Moment>::deserialize(deserializer)?.map(|moment| moment.0))
    }
}

/// For a point in time with something else behind it, or nothing.
pub mod first_of_two {
    use super::{Deserialize, Deserializer, Instant, Moment, Serialize, Serializer};

    /// # Errors
    /// The serializer's.
    pub fn serialize<T: Serialize, S: Serializer>(
        both: &Option<(Instant, T)>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        both.as_ref().map(|(at, other)| (Moment(*at), other)).serialize(serializer)
    }

    /// # Errors
    /// The deserializer's.
    pub fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<(Instant, T)>, D::Error> {
        Ok(Option::<(Moment, T)>::deserialize(deserializer)?.map(|(moment, other)| (moment.0, other)))
    }
}

/// For a list of things that each have a point in time behind them.
pub mod of_each {
    use super::{Deserialize, Deserializer, Instant, Moment, Serialize, Serializer};

    /// # Errors
    /// The serializer's.
    pub fn serialize<T: Serialize, S: Serializer>(
        list: &[(T, Instant)],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(list.iter().map(|(thing, at)| (thing, Moment(*at))))
    }

    /// # Errors
    /// The deserializer's.
    pub fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<(T, Instant)>, D::Error> {
        let list = Vec::<(T, Moment)>::deserialize(deserializer)?;
        Ok(list.into_iter().map(|(thing, moment)| (thing, moment.0)).collect())
    }
}

/// For a queue of points in time.
pub mod queue {
    use std::collections::VecDeque;

    use super::{Deserialize, Deserializer, Instant, Moment, Serializer};

    /// # Errors
    /// The serializer's.
    pub fn serialize<S: Serializer>(queue: &VecDeque<Instant>, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(queue.iter().map(|at| Moment(*at)))
    }

    /// # Errors
    /// The deserializer's.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<VecDeque<Instant>, D::Error> {
        Ok(Vec::<Moment>::deserialize(deserializer)?.into_iter().map(|moment| moment.0).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_in_time_is_the_same_when_it_is_read_later() {
        let now = Instant::now();
        let second = Duration::from_secs(1);
        for at in [now, now + 3600 * second, now.checked_sub(second).unwrap_or(now)] {
            let text = serde_json::to_string(&Moment(at)).expect("is written");
            std::thread::sleep(Duration::from_millis(2));
            let read: Moment = serde_json::from_str(&text).expect("is read");
            let difference = read.0.max(at) - read.0.min(at);
            assert!(difference < Duration::from_millis(1), "{difference:?}");
        }
    }
}
