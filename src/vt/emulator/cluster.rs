//! How wide a character is, and which characters are one to a reader: a letter and its accents, a flag, a
//! family.
//!
//! Terminals differ here. What counts is that claude and the model agree, because claude places what comes
//! behind such a character. Claude takes a flag, and emoji that are joined to one (ZWJ), for two columns; so
//! do kitty, Ghostty, foot and WezTerm.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// Longest cluster, in bytes: a couple with skin tones has 35. What comes behind that is left out.
pub const MAX_CLUSTER_BYTES: usize = 48;

const ZERO_WIDTH_JOINER: char = '\u{200d}';
/// Has an emoji drawn in colours, which makes it two columns wide.
pub const EMOJI_PRESENTATION: char = '\u{fe0f}';

fn is_regional_indicator(char: char) -> bool {
    matches!(char, '\u{1f1e6}'..='\u{1f1ff}')
}

fn is_skin_tone(char: char) -> bool {
    matches!(char, '\u{1f3fb}'..='\u{1f3ff}')
}

/// How many columns a character takes: 0 for one that goes with the one before it; nothing for a control
/// character.
pub fn width(char: char) -> Option<usize> {
    if is_regional_indicator(char) {
        // The first half of a flag is as wide as the flag, so that the second half moves nothing.
        return Some(2);
    }
    match char.width() {
        Some(width) => Some(width.min(2)),
        None if u32::from(char) < 0x100 => None,
        None => Some(1),
    }
}

/// How many columns a cluster takes.
pub fn is_wide(cluster: &str) -> bool {
    cluster.chars().next().is_some_and(|first| width(first) == Some(2)) || cluster.width() > 1
}

/// Whether a character with a width of its own may belong to the one before it. Of nearly every character
/// this is all there is to ask.
pub fn may_join(char: char) -> bool {
    matches!(char, '\u{2190}'..='\u{2bff}' | '\u{1f000}'..='\u{1faff}')
}

/// Whether a character with a width of its own belongs to the cluster before it.
pub fn joins(before: &str, char: char) -> bool {
    let mut chars = before.chars();
    match (chars.next(), chars.next_back()) {
        (Some(first), None) if is_regional_indicator(first) => is_regional_indicator(char),
        (Some(first), last) if is_skin_tone(char) => {
            let last = last.unwrap_or(first);
            may_join(first) && !is_skin_tone(last) && fits(before, char)
        }
        (Some(first), Some(ZERO_WIDTH_JOINER)) => may_join(first) && may_join(char) && fits(before, char),
        _ => false,
    }
}

/// Whether it is no wider with this character, in the tables of Unicode.
fn fits(before: &str, char: char) -> bool {
    let mut all = String::with_capacity(MAX_CLUSTER_BYTES + 4);
    all.push_str(before);
    all.push(char);
    all.width() <= 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_reader_takes_for_one_is_one() {
        for (before, char, expected) in [
            ("🇩", '🇪', true),
            ("🇩🇪", '🇫', false),
            ("a", '🇪', false),
            ("👨\u{200d}", '👩', true),
            ("👨\u{200d}👩\u{200d}", '👧', true),
            ("❤\u{fe0f}\u{200d}", '🔥', true),
            ("👨", '👩', false),
            ("a\u{200d}", '👩', false),
            ("👍", '🏽', true),
            ("a", '🏽', false),
            ("👍🏽", '🏽', false),
        ] {
            assert_eq!(joins(before, char), expected, "{before:?} {char:?}");
            assert!(!expected || may_join(char));
        }
        assert!(is_wide("🇩🇪") && is_wide("❤\u{fe0f}") && !is_wide("❤") && !is_wide("e\u{301}"));
    }
}
