//! The time of day where the user is, and a clock that goes on while the machine sleeps.

use std::fmt;
use std::time::{Duration, SystemTime};

use jiff::tz::TimeZone;
use jiff::{Timestamp, ZonedDateTime};
use nix::time::{ClockId, clock_gettime};

/// A moment as a clock on the wall shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalTime(ZonedDateTime);

/// The local time now, to the second, with what it differs from Greenwich's: `2026-05-31T02:56:08-04:00`.
pub fn timestamp() -> String {
    now().map_or_else(|| "-".into(), |now| now.rfc3339())
}

/// The local time now, to the minute: `14:03`.
pub fn time_of_day() -> String {
    now().map_or_else(|| "-".into(), |now| now.0.strftime("%H:%M").to_string())
}

/// The time since the machine was started, with the time that it slept.
///
/// Linux: `CLOCK_BOOTTIME`, clock_gettime(2). macOS: `CLOCK_MONOTONIC_RAW`.
pub fn with_sleep() -> Duration {
    #[cfg(target_os = "linux")]
    let clock = ClockId::CLOCK_BOOTTIME;
    #[cfg(not(target_os = "linux"))]
    let clock = ClockId::from_raw(libc::CLOCK_MONOTONIC_RAW);
    // It cannot fail for a clock that the system has.
    clock_gettime(clock).map_or(Duration::ZERO, Duration::from)
}

fn now() -> Option<LocalTime> {
    let now = Timestamp::try_from(SystemTime::now()).ok()?;
    Some(LocalTime(now.to_zoned_datetime(TimeZone::system())))
}

/// The seconds since 1970 of a time as RFC 3339 has it.
pub fn seconds_of(rfc3339: &str) -> Option<u64> {
    u64::try_from(rfc3339.parse::<Timestamp>().ok()?.as_second()).ok()
}

/// A time as RFC 3339 has it, in local time to the minute.
pub fn to_the_minute(rfc3339: &str) -> Option<String> {
    LocalTime::at(seconds_of(rfc3339)?.checked_mul(1000)?).map(|time| time.to_the_minute())
}

impl LocalTime {
    /// The local time so many milliseconds after 1970 began in Greenwich, by `TZ` or the system's time zone;
    /// nothing for a time that no calendar has.
    pub fn at(milliseconds: u64) -> Option<Self> {
        let moment = Timestamp::from_millisecond(i64::try_from(milliseconds).ok()?).ok()?;
        Some(Self(moment.to_zoned_datetime(TimeZone::system())))
    }

    /// To the second, with what it differs from Greenwich's: `2026-05-31T02:56:08-04:00`.
    pub fn rfc3339(&self) -> String {
        self.0.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
    }

    /// To the minute: `2026-05-31 02:56`.
    pub fn to_the_minute(&self) -> String {
        self.0.strftime("%Y-%m-%d %H:%M").to_string()
    }
}

impl fmt::Display for LocalTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.strftime("%Y-%m-%d %H:%M:%S.%3f"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_same_minute_and_second_as_in_greenwich() {
        // Zones differ by whole minutes since 1972; the hour and the day depend on where this runs.
        let shown = LocalTime::at(1_700_000_007_042).expect("a time").to_string();
        assert!(shown.starts_with("2023-11-1") && shown.ends_with(":27.042"), "{shown}");
        assert_eq!(shown.len(), "2023-11-14 22:13:27.042".len());
    }

    fn in_zone(zone: &str) -> LocalTime {
        let moment = Timestamp::from_millisecond(1_700_000_007_042).expect("a time");
        LocalTime(moment.to_zoned_datetime(TimeZone::posix(zone).expect("a zone")))
    }

    #[test]
    fn a_timestamp_says_how_far_it_is_from_greenwich() {
        assert_eq!(in_zone("EST4:30").rfc3339(), "2023-11-14T17:43:27-04:30");
        assert_eq!(in_zone("UTC0").rfc3339(), "2023-11-14T22:13:27+00:00");
        assert_eq!(in_zone("GST-4").to_the_minute(), "2023-11-15 02:13");
        assert_eq!(in_zone("GST-4").to_string(), "2023-11-15 02:13:27.042");
    }

    #[test]
    fn a_time_that_nobody_means_does_no_harm() {
        assert_eq!(LocalTime::at(u64::MAX), None);
        assert_eq!(LocalTime::at(i64::MAX.unsigned_abs()), None);
    }
}
