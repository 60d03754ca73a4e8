//! Whether a command that is pasted will be seen. The list of suggestions opens with it, and takes rows for
//! itself.

use crate::vt::screen::view::ScreenCells;

/// The size of a screen, and which one it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    rows: usize,
    columns: usize,
    alternate: bool,
}

/// As large as any.
impl Default for Room {
    fn default() -> Self {
        Self { rows: usize::MAX, columns: usize::MAX, alternate: false }
    }
}

/// The rows that are needed for the box and the list (seen with 2.1.332). On the main screen the list is
/// below the box and pushes its top off a lower screen; below 40 columns its texts take more rows. On the
/// alternate screen the list is above the box.
const ROWS: usize = 10;
const ROWS_NARROW: usize = 12;
const ROWS_ALTERNATE: usize = 8;
const NARROW: usize = 40;
/// The columns beside the text: the margin of the box, the cursor, and one that is left free.
const COLUMNS_BESIDE: usize = 4;

impl Room {
    /// That of a screen of this size.
    pub fn new(rows: usize, columns: usize, alternate: bool) -> Self {
        Self { rows, columns, alternate }
    }

    pub(super) fn of(view: &ScreenCells) -> Self {
        let (rows, columns) = view.size();
        Self::new(rows, columns, view.alternate())
    }

    /// Whether it is the alternate screen, where a tall draft scrolls in its box.
    pub fn is_alternate(self) -> bool {
        self.alternate
    }

    /// Rows and columns of the window.
    pub fn size(self) -> (usize, usize) {
        (self.rows, self.columns)
    }

    /// Whether this line will be seen whole in the box, with both rules.
    pub fn fits(self, line: &str) -> bool {
        let rows = match () {
            () if self.alternate => ROWS_ALTERNATE,
            () if self.columns < NARROW => ROWS_NARROW,
            () => ROWS,
        };
        self.rows >= rows && self.columns >= line.chars().count().saturating_add(COLUMNS_BESIDE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_room_is_as_seen_with_the_real_claude() {
        let fits = |rows, columns, alternate| Room::new(rows, columns, alternate).fits("/remote-control");
        for (rows, columns, alternate, expected) in [
            (10, 80, false, true),
            (9, 80, false, false),
            (10, 40, false, true),
            (10, 24, false, false),
            (12, 24, false, true),
            (8, 80, true, true),
            (7, 80, true, false),
            (50, 19, false, true),
            (50, 18, true, false),
        ] {
            assert_eq!(fits(rows, columns, alternate), expected, "{rows} {columns} {alternate}");
        }
        assert!(Room::default().fits("/remote-control"));
    }
}
