//! Durations as the configuration writes them: a whole number and a unit, `"250ms"`, `"10s"`, `"5m"`, `"8h"`,
//! `"30d"`.

use std::time::Duration;

use serde::{Deserializer, de::Error};

use crate::escape::escape;

/// The longest duration, ten years. Far from where adding durations could overflow.
const MAX_DURATION: Duration = Duration::from_secs(87_600 * 60 * 60);

/// Reads the text of a duration.
///
/// # Errors
/// When it is none, in words that say what one is.
pub fn parse(text: &str) -> Result<Duration, String> {
    let wrong = || {
        format!(
            "\"{}\" is not a duration, expected a whole number and ms, s, m, h or d: \"250ms\"",
            escape(text)
        )
    };
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let milliseconds: u64 = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60 * 1000,
        "h" => 60 * 60 * 1000,
        "d" => 24 * 60 * 60 * 1000,
        _ => return Err(wrong()),
    };
    if number.is_empty() {
        return Err(wrong());
    }
    // A number too long for the type is a duration, but too long.
    let number = number.parse::<u64>().ok().and_then(|number| number.checked_mul(milliseconds));
    match number.map(Duration::from_millis) {
        Some(duration) if duration <= MAX_DURATION => Ok(duration),
        _ => Err(format!("\"{text}\" is too long, expected at most \"87600h\" (ten years)")),
    }
}

/// A duration that may be zero.
pub(super) fn any<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    // A value of another type is to be told what is expected, too.
    struct Text;
    impl serde::de::Visitor<'_> for Text {
        type Value = Duration;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a duration such as \"250ms\", \"10s\", \"5m\" or \"8h\"")
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<Duration, E> {
            parse(text).map_err(E::custom)
        }
    }
    deserializer.deserialize_str(Text)
}

/// A duration above zero.
pub(super) fn positive<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let duration = any(deserializer)?;
    if duration.is_zero() { Err(D::Error::custom("it must be longer than zero")) } else { Ok(duration) }
}

/// A duration above zero, or `"off"` for none.
pub(super) fn or_off<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    struct Text;
    impl serde::de::Visitor<'_> for Text {
        type Value = Option<Duration>;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a duration such as \"90s\" or \"6h\", or \"off\"")
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
            match text {
                "off" => Ok(None),
                text => match parse(text).map_err(E::custom)? {
                    Duration::ZERO => Err(E::custom("it must be longer than zero, or \"off\"")),
                    duration => Ok(Some(duration)),
                },
            }
        }
    }
    deserializer.deserialize_str(Text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_number_and_a_unit() {
        for (text, milliseconds) in [
            ("250ms", 250),
            ("0s", 0),
            ("10s", 10_000),
            ("5m", 300_000),
            ("8h", 28_800_000),
            ("30d", 2_592_000_000),
            ("007s", 7000),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_millis(milliseconds)), "{text}");
        }
    }

    #[test]
    fn nothing_else() {
        for text in [
            "", "s", "10", " 10s", "10 s", "10s ", "1.5s", "-1s", "+1s", "1e3s", "10S", "1h30m", "1w",
            "\u{661}s",
        ] {
            let said = parse(text).expect_err("refuses");
            assert!(said.contains("ms, s, m, h or d"), "{said}");
        }
        for text in ["87601h", "18446744073709551616ms", "5124095576030431h"] {
            assert!(parse(text).expect_err("refuses").contains("at most \"87600h\""), "{text}");
        }
        assert_eq!(parse("87600h"), Ok(MAX_DURATION));
    }

    proptest! {
        #[test]
        fn no_text_is_trouble(text in "\\PC{0,12}|[0-9]{0,25}(ms|s|m|h|d)?") {
            if let Ok(duration) = parse(&text) {
                prop_assert!(duration <= MAX_DURATION);
            }
        }
    }
}
