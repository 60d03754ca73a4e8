//! When the times on the screen change.

use super::View;

/// A minute of the clock.
const MINUTE_MS: u64 = 60_000;

impl View {
    /// When a time that is shown changes, in milliseconds since 1970: at a full minute. Nothing where none is shown.
    pub fn next_minute(&self) -> Option<u64> {
        let now = self.now_ms / 1000;
        let shown = self.list.shown().iter().skip(self.list.top).take(self.list.height);
        let next = shown.filter_map(|row| Some(changes_at(row.active_at?, now))).min()?;
        Some(next.saturating_mul(1000).div_ceil(MINUTE_MS).saturating_mul(MINUTE_MS))
    }
}

/// When the words for an age change next, in seconds since 1970.
fn changes_at(since: u64, now: u64) -> u64 {
    let age = now.saturating_sub(since);
    let unit = match age {
        0..3600 => 60,
        3600..86400 => 3600,
        _ => 86400,
    };
    since.saturating_add((age / unit + 1) * unit).max(now + 1)
}

#[cfg(test)]
mod tests {
    use crate::cli::top::row::Urgency;
    use crate::cli::top::view::testing::{NOW, loaded, row};

    use super::*;

    #[test]
    fn a_tick_comes_with_the_minute_in_which_a_shown_time_changes() {
        let mut old = row("a", Urgency::Idle);
        old.active_at = Some(NOW / 1000 - 90);
        let view = loaded((80, 24), [old.clone()]);
        let next = view.next_minute().expect("a time is shown");
        assert!(next.is_multiple_of(MINUTE_MS) && next > NOW && next < NOW + 2 * MINUTE_MS, "{next}");
        old.active_at = Some(NOW / 1000 - 3 * 3600 - 60);
        let view = loaded((80, 24), [old]);
        assert!(view.next_minute().expect("a time is shown") > NOW + 50 * MINUTE_MS);
        assert_eq!(View::new((80, 24), NOW).next_minute(), None);
    }
}
