//! What the watchers of a session are shown: the rows of its screen, and since when each looks as it does.

use crate::protocol::ScreenFrame;
use crate::vt::screen::lines::ScreenLines;

/// The screen as it was taken down last. It is numbered: each change of it is a new edition.
#[derive(Debug, Default)]
pub(super) struct Picture {
    edition: u64,
    /// The edition that nothing older is worth anything for: the size is another one since.
    whole_since: u64,
    size: (u16, u16),
    cursor: Option<(u16, u16)>,
    /// Each with the edition that it is of.
    rows: Vec<(u64, String)>,
}

impl Picture {
    /// Takes down what the screen shows now.
    pub(super) fn update(&mut self, now: ScreenLines) {
        let next = self.edition + 1;
        let ScreenLines { size, cursor, lines } = now;
        if size != self.size {
            (self.edition, self.whole_since) = (next, next);
            self.size = size;
            self.rows = lines.into_iter().map(|line| (next, line)).collect();
        } else {
            for (row, line) in self.rows.iter_mut().zip(lines).filter(|(row, line)| row.1 != *line) {
                *row = (next, line);
                self.edition = next;
            }
        }
        if cursor != self.cursor {
            (self.edition, self.cursor) = (next, cursor);
        }
    }

    /// The edition that it is now; 0 where nothing was ever taken down.
    pub(super) fn edition(&self) -> u64 {
        self.edition
    }

    /// What somebody does not know who has seen this edition; 0 for one who has seen nothing. Nothing where that is
    /// nothing.
    pub(super) fn frame_since(&self, seen: u64) -> Option<ScreenFrame> {
        if seen == self.edition {
            return None;
        }
        let is_whole = seen < self.whole_since;
        let is_told = |(_, (edition, line)): &(u16, &(u64, String))| match is_whole {
            // What is left out is blank.
            true => !line.is_empty(),
            false => *edition > seen,
        };
        let changed = (0..).zip(&self.rows).filter(is_told).map(|(row, (_, line))| (row, line.clone()));
        let (rows, columns) = self.size;
        Some(ScreenFrame { rows, columns, is_whole, cursor: self.cursor, changed: changed.collect() })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn screen(columns: u16, lines: &[&str]) -> ScreenLines {
        let rows = u16::try_from(lines.len()).expect("few");
        let lines = lines.iter().map(|line| (*line).to_owned()).collect();
        ScreenLines { size: (rows, columns), cursor: None, lines }
    }

    fn changed(frame: &ScreenFrame) -> Vec<(u16, &str)> {
        frame.changed.iter().map(|(row, line)| (*row, line.as_str())).collect()
    }

    #[test]
    fn the_first_frame_is_whole_and_the_next_is_what_has_changed() {
        let mut picture = Picture::default();
        picture.update(screen(80, &["a", "", "c"]));
        let first = picture.frame_since(0).expect("a frame");
        assert!(first.is_whole);
        assert_eq!((first.rows, first.columns, changed(&first)), (3, 80, vec![(0, "a"), (2, "c")]));
        let seen = picture.edition();
        assert_eq!(picture.frame_since(seen), None);
        picture.update(screen(80, &["a", "", "c"]));
        assert_eq!(picture.edition(), seen);
        picture.update(screen(80, &["a", "b", ""]));
        let next = picture.frame_since(seen).expect("a frame");
        assert!(!next.is_whole);
        assert_eq!(changed(&next), [(1, "b"), (2, "")]);
        // The cursor alone is a change, too.
        let seen = picture.edition();
        picture.update(ScreenLines { cursor: Some((1, 1)), ..screen(80, &["a", "b", ""]) });
        let next = picture.frame_since(seen).expect("a frame");
        assert_eq!((next.cursor, next.changed.len()), (Some((1, 1)), 0));
    }

    #[test]
    fn another_size_is_a_whole_frame() {
        let mut picture = Picture::default();
        picture.update(screen(80, &["a", "b"]));
        let seen = picture.edition();
        picture.update(screen(81, &["a", "b"]));
        let next = picture.frame_since(seen).expect("a frame");
        assert!(next.is_whole);
        assert_eq!((next.columns, changed(&next)), (81, vec![(0, "a"), (1, "b")]));
    }

    proptest! {
        /// Whoever misses any number of editions knows the screen after the next frame.
        #[test]
        fn what_was_missed_is_made_up_for(
            screens in prop::collection::vec((1..3u16, prop::collection::vec("[ab]?", 1..4)), 1..20),
            takes in prop::collection::vec(any::<bool>(), 20),
        ) {
            let mut picture = Picture::default();
            let (mut seen, mut known): (u64, Vec<String>) = (0, Vec::new());
            for ((columns, lines), takes) in screens.iter().zip(takes) {
                let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
                picture.update(screen(*columns, &lines));
                if !takes {
                    continue;
                }
                if let Some(frame) = picture.frame_since(seen) {
                    if frame.is_whole {
                        known = vec![String::new(); frame.rows.into()];
                    }
                    for (row, line) in frame.changed {
                        known[usize::from(row)] = line;
                    }
                    seen = picture.edition();
                }
                prop_assert_eq!(&known, &lines);
            }
        }
    }
}
