//! A bracketed paste of which claude got only the beginning.

const PASTE_START: &[u8] = b"\x1b[200~";
pub use crate::host::late_keys::END_OF_PASTE as END;

/// Whether a stream was cut inside a paste. `rest` is what comes behind the cut, and `ends_in_paste` whether
/// that ends inside one.
pub fn is_cut(rest: &[u8], ends_in_paste: bool) -> bool {
    // The cut may be in the middle of the paste's end. A rest that only looks like that costs nothing: claude
    // passes over an end of a paste that has not begun.
    let is_in_end = (1..END.len()).any(|from| rest.starts_with(&END[from..]));
    let mut marks = rest.windows(END.len());
    is_in_end
        || marks.find(|mark| *mark == PASTE_START || *mark == END).map_or(ends_in_paste, |mark| mark == END)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every cut through a stream of keys and pastes: inside a paste, and only there, its end is missing.
    #[test]
    fn the_end_is_missing_inside_a_paste_and_only_there() {
        let stream = b"ab\x1b[A\x1b[200~first\nlines\x1b[201~c\x1b[200~second\x1b[B\x1b[201~\r";
        let place = |mark: &[u8], nth: usize| {
            let mut at = stream.windows(mark.len()).enumerate().filter(|(_, found)| *found == mark);
            at.nth(nth).expect("a mark").0
        };
        for cut in 0..=stream.len() {
            // Once the beginning has gone out whole, until the end has.
            let inside = (0..2).any(|nth| {
                (place(PASTE_START, nth) + PASTE_START.len()..place(END, nth) + END.len()).contains(&cut)
            });
            let in_start = (0..2).any(|nth| {
                (place(PASTE_START, nth) + 1..place(PASTE_START, nth) + PASTE_START.len()).contains(&cut)
            });
            if !in_start {
                assert_eq!(is_cut(&stream[cut..], false), inside, "{cut}");
            }
        }
        assert!(is_cut(b"more of the paste", true) && is_cut(b"", true));
        assert!(!is_cut(b"keys", false) && !is_cut(b"", false));
    }
}
