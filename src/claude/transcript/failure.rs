//! How a turn failed, as the last line of its transcript says.
//!
//! Undocumented, as seen with Claude Code 2.1.332 against a mock of the API: the line of a failed turn has
//! `isApiErrorMessage`, `error` (a word), `apiErrorStatus` (the status of HTTP, where there was an answer) and
//! its text in the place of the model's words.

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ZonedDateTime};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What went wrong, by what there is to do about it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// The service has too much to do (529).
    Overloaded,
    /// The service had an error of its own (500 and above), or broke off its answer.
    ServerError,
    /// Too much was asked in this time (429), or the limit of a subscription is reached.
    RateLimit,
    /// The key or the login is not accepted (401, 403).
    Unauthorized,
    /// There is no credit left.
    Billing,
    /// The service could not be reached, or the connection broke.
    Network,
    /// The request itself is refused: the conversation is too long for the model, say.
    InvalidRequest,
    /// Anything else.
    #[default]
    #[serde(other)]
    Other,
}

impl FailureKind {
    /// The word for it, as in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Overloaded => "overloaded",
            Self::ServerError => "server_error",
            Self::RateLimit => "rate_limit",
            Self::Unauthorized => "unauthorized",
            Self::Billing => "billing",
            Self::Network => "network",
            Self::InvalidRequest => "invalid_request",
            Self::Other => "other",
        }
    }
}

/// The error that ended a turn.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiFailure {
    /// What it is.
    #[serde(default)]
    pub kind: FailureKind,
    /// The status of HTTP, where there was an answer.
    #[serde(default)]
    pub status: Option<u16>,
    /// What claude told its user.
    #[serde(default)]
    pub text: String,
    /// When a limit is over, in seconds since 1970, where the text says so.
    #[serde(default)]
    pub resets_at: Option<u64>,
}

impl ApiFailure {
    /// What a line with `isApiErrorMessage` says. `text` is its text.
    pub(super) fn of_line(line: &Value, text: String) -> Self {
        let status = line["apiErrorStatus"].as_u64().and_then(|status| u16::try_from(status).ok());
        let is_network = line["apiError"] == "connection_failed" || line["apiError"] == "no_response";
        let kind = match (line["error"].as_str().unwrap_or_default(), status) {
            (_, Some(529)) | ("overloaded", _) => FailureKind::Overloaded,
            ("rate_limit", _) | (_, Some(429)) => FailureKind::RateLimit,
            ("authentication_failed", _) | (_, Some(401)) => FailureKind::Unauthorized,
            ("billing_error", _) => FailureKind::Billing,
            (_, None) if is_network => FailureKind::Network,
            ("server_error", _) | (_, Some(500..)) => FailureKind::ServerError,
            ("invalid_request", _) | (_, Some(400..)) => FailureKind::InvalidRequest,
            _ => FailureKind::Other,
        };
        let at = line["timestamp"].as_str().and_then(|at| at.parse().ok());
        let resets = at.filter(|_| kind == FailureKind::RateLimit).and_then(|at| resets_at(&text, at));
        Self { kind, status, resets_at: resets, text }
    }
}

/// When a limit is over, in seconds since 1970, where a text from that moment says so: `· resets 3pm
/// (Europe/Berlin)`, `resets 3:30pm`, `resets Dec 3, 3pm (UTC)`. As read in the text of the program: the date
/// is there if it is more than a day away. Without a zone, the user's own counts.
fn resets_at(text: &str, said_at: Timestamp) -> Option<u64> {
    let (_, when) = text.rsplit_once("resets ")?;
    let zone = when.split_once('(').and_then(|(_, rest)| rest.split_once(')'));
    let zone = match zone {
        Some((name, _)) => TimeZone::get(name).ok()?,
        None => TimeZone::system(),
    };
    let when = when.split(['(', '\u{b7}']).next()?.replace([',', '.'], " ").to_lowercase();
    let words: Vec<&str> = when.split_whitespace().filter(|word| !matches!(*word, "at" | "on")).collect();
    let said = said_at.to_zoned_datetime(zone.clone());
    let (date, time) = match words[..] {
        [time] => (None, time),
        [month, day, time] => (Some((month, day, None)), time),
        [month, day, year, time] => (Some((month, day, Some(year))), time),
        _ => return None,
    };
    let time = time_of_day(time)?;
    let at = |date: Date| date.to_datetime(time).to_zoned_datetime(zone.clone()).ok();
    let found = match date {
        Some((month, day, year)) => at(Date::new(
            year.map_or(Some(said.year()), |year| year.parse().ok())?,
            month_of(month)?,
            day.parse().ok()?,
        )
        .ok()?)?,
        None => next(&said, at)?,
    };
    u64::try_from(found.timestamp().as_second()).ok()
}

/// The first such time of day that is not over; a few minutes are forgiven.
fn next(said: &ZonedDateTime, at: impl Fn(Date) -> Option<ZonedDateTime>) -> Option<ZonedDateTime> {
    let today = at(said.date())?;
    let slack = SignedDuration::from_mins(5);
    if today.timestamp().checked_add(slack).ok()? >= said.timestamp() {
        return Some(today);
    }
    at(said.date().tomorrow().ok()?)
}

/// `3pm`, `3:30am`.
fn time_of_day(word: &str) -> Option<Time> {
    let (clock, is_pm) = match (word.strip_suffix("am"), word.strip_suffix("pm")) {
        (Some(clock), _) => (clock, false),
        (_, Some(clock)) => (clock, true),
        _ => return None,
    };
    let (hour, minute) = clock.split_once(':').unwrap_or((clock, "0"));
    let hour: i8 = hour.parse().ok().filter(|hour| (1..=12).contains(hour))?;
    Time::new(hour % 12 + if is_pm { 12 } else { 0 }, minute.parse().ok()?, 0, 0).ok()
}

fn month_of(word: &str) -> Option<i8> {
    const MONTHS: [&str; 12] =
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let found = MONTHS.iter().position(|month| word.get(..3) == Some(month))?;
    i8::try_from(found + 1).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn seconds(time: &str) -> u64 {
        time.parse::<Timestamp>().expect("a time").as_second().try_into().expect("after 1970")
    }

    fn resets(text: &str) -> Option<u64> {
        resets_at(text, "2026-11-30T12:34:56Z".parse().expect("a time"))
    }

    #[test]
    fn the_end_of_a_limit_is_read_from_the_text() {
        for (text, at) in [
            ("You've hit your session limit \u{b7} resets 3pm (UTC)", "2026-11-30T15:00:00Z"),
            ("You've hit your weekly limit \u{b7} resets Dec 3, 3:30pm (UTC)", "2026-12-03T15:30:00Z"),
            ("It resets Jan 2, 2027, 12am (UTC). More", "2027-01-02T00:00:00Z"),
            ("limit \u{b7} resets 12pm (UTC) \u{b7} progress saved", "2026-12-01T12:00:00Z"),
            ("limit \u{b7} resets 12:34pm (UTC)", "2026-11-30T12:34:00Z"),
        ] {
            assert_eq!(resets(text), Some(seconds(at)), "{text}");
        }
        for text in ["", "resets", "resets soon", "resets 13pm (UTC)", "resets 3pm (Nowhere/At_all)", "3pm"] {
            assert_eq!(resets(text), None, "{text}");
        }
    }

    #[test]
    fn a_time_zone_has_its_own_clock() {
        // Berlin is an hour ahead of Greenwich in winter.
        if TimeZone::get("Europe/Berlin").is_ok() {
            let at = resets("limit \u{b7} resets 3pm (Europe/Berlin)");
            assert_eq!(at, Some(seconds("2026-11-30T14:00:00Z")));
        }
    }

    #[test]
    fn failures_are_told_apart_as_they_were_seen() {
        for (line, kind) in [
            (json!({"error": "server_error", "apiErrorStatus": 529}), FailureKind::Overloaded),
            (json!({"error": "server_error", "apiErrorStatus": 500}), FailureKind::ServerError),
            (json!({"error": "server_error", "truncatedAfterOutput": true}), FailureKind::ServerError),
            (json!({"error": "rate_limit", "apiErrorStatus": 429}), FailureKind::RateLimit),
            (json!({"error": "authentication_failed", "apiErrorStatus": 401}), FailureKind::Unauthorized),
            (json!({"error": "authentication_failed", "apiErrorStatus": 403}), FailureKind::Unauthorized),
            (json!({"error": "billing_error", "apiErrorStatus": 400}), FailureKind::Billing),
            (json!({"error": "invalid_request", "apiErrorStatus": 413}), FailureKind::InvalidRequest),
            (json!({"error": "server_error", "apiError": "connection_failed"}), FailureKind::Network),
            (json!({"error": 7, "apiErrorStatus": "x"}), FailureKind::Other),
        ] {
            assert_eq!(ApiFailure::of_line(&line, String::new()).kind, kind, "{line}");
        }
        let word = |kind: FailureKind| serde_json::to_value(kind).expect("a word");
        assert_eq!(word(FailureKind::RateLimit), FailureKind::RateLimit.word());
        let newer: FailureKind = serde_json::from_str("\"of_a_newer_version\"").expect("is read");
        assert_eq!(newer, FailureKind::Other);
    }

    proptest! {
        #[test]
        fn no_text_is_an_error(text in any::<String>(), words in "resets [a-zA-Z]{0,4} ?[0-9]{0,3},? ?[0-9:]{0,6}(am|pm)?( \\([A-Za-z/]{0,9}\\))?") {
            let _ = (resets(&text), resets(&words));
        }
    }
}
