//! When a process started: whether two say the same of it. No I/O.

/// Whether what Claude Code wrote as `procStart`, or cckw in a record, is this start. Nothing that is unknown
/// is the same as anything.
pub fn is_same_start(claimed: &str, start: &str) -> bool {
    let is_same = claimed == start || cfg!(target_os = "macos") && is_same_as_ps_says(claimed, start);
    is_same && !start.is_empty()
}

/// On macOS claude writes what `ps -o lstart=` prints, in UTC and English (read in the program for macOS,
/// 2.1.332): `Sun Nov 29 04:43:22 2026`. ps prints the whole seconds of the kernel's start, and does not round
/// (read in its source, adv_cmds-237). `start` is the same number of seconds since 1970, and behind a point
/// what is left in microseconds. Never run there.
fn is_same_as_ps_says(claimed: &str, start: &str) -> bool {
    let seconds = start.split('.').next().and_then(|seconds| seconds.parse().ok());
    let words = |text: &str| text.split_ascii_whitespace().map(str::to_owned).collect::<Vec<_>>();
    seconds.is_some_and(|seconds| words(claimed) == words(&as_ps_says(seconds)))
}

/// The same time as ps(1) prints it. The days are counted as in
/// <https://howardhinnant.github.io/date_algorithms.html#civil_from_days>.
fn as_ps_says(seconds: u64) -> String {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    let shifted = days + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let day_of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = (from_march + 2) % 12;
    let year = year_of_era + era * 400 + u64::from(month < 2);
    format!(
        "{} {} {day} {:02}:{:02}:{:02} {year}",
        DAYS[(days % 7) as usize],
        MONTHS[month as usize],
        second / 3600,
        second / 60 % 60,
        second % 60
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_is_known_as_ps_says_it() {
        assert_eq!(as_ps_says(0), "Thu Jan 1 00:00:00 1970");
        assert_eq!(as_ps_says(951_782_399), "Mon Feb 28 23:59:59 2000");
        assert_eq!(as_ps_says(951_782_400), "Tue Feb 29 00:00:00 2000");
        assert_eq!(as_ps_says(1_795_927_402), "Sun Nov 29 04:43:22 2026");
        assert!(is_same_as_ps_says("Thu Jan  1 00:00:00 1970", "0.000001"));
        assert!(!is_same_as_ps_says("Thu Jan  1 00:00:01 1970", "0.000001"));
        assert!(!is_same_as_ps_says("4711", "4711"));
    }

    #[test]
    fn only_the_same_start_is_the_same() {
        assert!(is_same_start("4711", "4711"));
        for (claimed, start) in [("4711", "4712"), ("", "4711"), ("4711", ""), ("", "")] {
            assert!(!is_same_start(claimed, start), "{claimed:?} {start:?}");
        }
    }

    #[test]
    fn a_day_of_one_digit_is_padded_as_ps_pads_it_or_not_at_all() {
        // 2026-12-01, and the last second before it.
        let (first, before) = (1_796_083_200, 1_796_083_199);
        for claimed in ["Tue Dec  1 00:00:00 2026", "Tue Dec 1 00:00:00 2026"] {
            assert!(is_same_as_ps_says(claimed, &format!("{first}.000000")), "{claimed}");
            assert!(is_same_as_ps_says(claimed, &format!("{first}.999999")), "{claimed}");
            assert!(!is_same_as_ps_says(claimed, &format!("{before}.999999")), "{claimed}");
        }
        for claimed in ["", "Dec  1 00:00:00 2026", "Tue Dec  1 00:00:00", "Tue Dec  1 00:00:00 2026 UTC"] {
            assert!(!is_same_as_ps_says(claimed, &format!("{first}.000000")), "{claimed}");
        }
        for start in ["", ".", "x", "-1.000000", "1796083200x"] {
            assert!(!is_same_as_ps_says("Tue Dec  1 00:00:00 2026", start), "{start}");
        }
    }

    /// What date(1) says of these seconds, in the form that ps has.
    #[cfg(target_os = "linux")]
    #[test]
    fn the_calendar_is_that_of_date() {
        use std::process::Command;
        let seconds: Vec<u64> = (0..400).map(|n| n * 11_234_567 + n % 86_400).collect();
        let mut list = tempfile::NamedTempFile::new().expect("a file");
        for second in &seconds {
            std::io::Write::write_all(&mut list, format!("@{second}\n").as_bytes()).expect("writes");
        }
        let mut date = Command::new("date");
        date.env("LC_ALL", "C").arg("-u").arg("-f").arg(list.path()).arg("+%a %b %e %H:%M:%S %Y");
        let said = String::from_utf8(date.output().expect("date").stdout).expect("text");
        assert_eq!(said.lines().count(), seconds.len());
        for (second, line) in seconds.iter().zip(said.lines()) {
            assert!(is_same_as_ps_says(line, &format!("{second}.500000")), "{second}: {line}");
            assert!(!is_same_as_ps_says(line, &format!("{}.500000", second + 1)), "{second}: {line}");
        }
    }
}
