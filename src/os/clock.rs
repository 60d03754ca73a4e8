//! The time of day where the user is.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

/// A moment as a clock on the wall shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LocalTime {
    year: i32,
    month: i32,
    day: i32,
    hour: i32,
    minute: i32,
    second: i32,
    millisecond: u64,
    /// Seconds east of Greenwich.
    east: i64,
}

/// The local time now, to the second, with what it differs from Greenwich's: `2026-05-31T02:56:08-04:00`.
pub fn timestamp() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now = u64::try_from(now.as_millis()).ok().and_then(LocalTime::at);
    now.map_or_else(|| "-".into(), |now| now.rfc3339())
}

/// The local time now, to the minute: `14:03`.
pub fn time_of_day() -> String {
    timestamp().get(11..16).unwrap_or("-").to_owned()
}

impl LocalTime {
    /// To the second, with what it differs from Greenwich's: `2026-05-31T02:56:08-04:00`.
    pub fn rfc3339(&self) -> String {
        let Self { year, month, day, hour, minute, second, east, .. } = self;
        let (sign, off) = (if *east < 0 { '-' } else { '+' }, east.abs() / 60);
        let (hours, minutes) = (off / 60, off % 60);
        format!(
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{sign}{hours:02}:{minutes:02}"
        )
    }

    /// To the minute: `2026-05-31 02:56`.
    pub fn to_the_minute(&self) -> String {
        let Self { year, month, day, hour, minute, .. } = self;
        format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}")
    }

    /// The local time so many milliseconds after 1970 began in Greenwich, by `TZ` or the system's time zone;
    /// nothing for a time that no calendar has.
    pub fn at(milliseconds: u64) -> Option<Self> {
        // Not by its name: musl's alias of the type is deprecated, because it changes.
        let seconds = (milliseconds / 1000).try_into().ok()?;
        let mut parts = std::mem::MaybeUninit::<libc::tm>::uninit();
        // SAFETY: both pointers are valid for the call, which keeps neither.
        let filled = unsafe { libc::localtime_r(&raw const seconds, parts.as_mut_ptr()) };
        if filled.is_null() {
            return None;
        }
        // SAFETY: not null says that all of it was filled in.
        let parts = unsafe { parts.assume_init() };
        Some(Self {
            year: parts.tm_year.checked_add(1900)?,
            month: parts.tm_mon + 1,
            day: parts.tm_mday,
            hour: parts.tm_hour,
            minute: parts.tm_min,
            second: parts.tm_sec,
            millisecond: milliseconds % 1000,
            east: parts.tm_gmtoff,
        })
    }
}

impl fmt::Display for LocalTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { year, month, day, hour, minute, second, millisecond, .. } = self;
        write!(f, "{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}.{millisecond:03}")
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

    #[test]
    fn a_timestamp_says_how_far_it_is_from_greenwich() {
        let time = LocalTime::at(1_700_000_007_042).expect("a time");
        let shown = |east| LocalTime { hour: 2, day: 14, east, ..time }.rfc3339();
        assert_eq!(shown(-16_200), "2023-11-14T02:13:27-04:30");
        assert_eq!(shown(0), "2023-11-14T02:13:27+00:00");
        assert_eq!(LocalTime { hour: 2, day: 14, ..time }.to_the_minute(), "2023-11-14 02:13");
    }

    #[test]
    fn a_time_that_nobody_means_does_no_harm() {
        let shown = LocalTime::at(u64::MAX).map(|time| time.to_string());
        assert!(shown.is_none_or(|shown| shown.ends_with(".615")));
    }
}
