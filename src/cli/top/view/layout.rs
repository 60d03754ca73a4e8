//! Where what stands on the screen.

use ratatui::layout::Rect;

/// From this width on the preview stands beside the list.
const BESIDE_COLUMNS: u16 = 150;
/// The list beside the preview is at least and at most so wide.
const LIST_COLUMNS: [u16; 2] = [70, 118];
/// From this height on the preview is shown without being asked for.
const PREVIEW_ROWS: u16 = 20;
/// From this height on the header has room for several troubles.
const TALL_ROWS: u16 = 40;
/// A preview has at least so many rows, its title aside.
const MIN_PREVIEW_ROWS: u16 = 4;

/// What decides where things stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Needs {
    /// How many rows the list has.
    pub rows: usize,
    /// How many sources have a trouble.
    pub troubles: usize,
    /// Whether the preview is wanted; nothing where the room decides.
    pub wants_preview: Option<bool>,
}

/// The parts of the screen. What has no room is empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Areas {
    /// Counts, and what is filtered.
    pub header: Rect,
    /// Troubles of the sources.
    pub troubles: Rect,
    /// The titles of the columns.
    pub titles: Rect,
    /// The rows.
    pub list: Rect,
    /// What is known of the selected row.
    pub detail: Rect,
    /// The line above the preview.
    pub preview_title: Rect,
    /// The line between list and preview, where they stand side by side.
    pub divider: Rect,
    /// The screen of the selected session.
    pub preview: Rect,
    /// What came of the last thing that was done.
    pub status: Rect,
    /// The keys.
    pub footer: Rect,
}

impl Areas {
    /// Everything between the header and the status line.
    pub fn body(&self) -> Rect {
        Rect { y: self.titles.y, height: self.status.y.saturating_sub(self.titles.y), ..self.header }
    }
}

/// Whether the preview is shown where nobody has said so.
pub fn shows_preview(size: Rect) -> bool {
    size.width >= BESIDE_COLUMNS || size.height >= PREVIEW_ROWS
}

/// Divides the screen.
pub fn areas(size: Rect, needs: &Needs) -> Areas {
    let mut rest = size;
    let footer = take_bottom(&mut rest, 1);
    let header = take_top(&mut rest, 1);
    let status = take_bottom(&mut rest, 1);
    let most = if size.height >= TALL_ROWS { 3 } else { 1 };
    let troubles = take_top(&mut rest, u16::try_from(needs.troubles).unwrap_or(most).min(most));
    let areas = Areas { header, troubles, status, footer, ..Areas::default() };
    let has_preview = needs.wants_preview.unwrap_or_else(|| shows_preview(size));
    match (has_preview, size.width >= BESIDE_COLUMNS) {
        (true, true) => beside(areas, rest),
        (true, false) => below(areas, rest, needs.rows),
        (false, _) => alone(areas, rest, size.height),
    }
}

/// The list on the left, the preview on the right.
fn beside(areas: Areas, body: Rect) -> Areas {
    let width = (body.width / 5 * 2).clamp(LIST_COLUMNS[0], LIST_COLUMNS[1]);
    let mut left = Rect { width, ..body };
    let divider = Rect { x: body.x + width, width: 1, ..body };
    let mut right = Rect { x: body.x + width + 1, width: body.width - width - 1, ..body };
    let preview_title = take_top(&mut right, 1);
    let titles = take_top(&mut left, 1);
    let detail = take_bottom(&mut left, if body.height >= 24 { 8 } else { 4 });
    Areas { titles, list: left, detail, preview_title, divider, preview: right, ..areas }
}

/// The list above the preview: it gets as many rows as it needs, and not much more than half of them all.
fn below(areas: Areas, mut body: Rect, rows: usize) -> Areas {
    let titles = take_top(&mut body, 1);
    let detail = match body.height {
        0..=11 => 1,
        12..=29 => 3,
        _ => 5,
    };
    let room = body.height.saturating_sub(detail + 1);
    let most = (room / 2).max(room.saturating_sub(26)).max(3);
    let most = most.min(room.saturating_sub(MIN_PREVIEW_ROWS).max(1));
    let list = take_top(&mut body, u16::try_from(rows).unwrap_or(most).clamp(3.min(most), most));
    let detail = take_top(&mut body, detail);
    let preview_title = take_top(&mut body, 1);
    Areas { titles, list, detail, preview_title, preview: body, ..areas }
}

/// The list without a preview.
fn alone(areas: Areas, mut body: Rect, height: u16) -> Areas {
    let titles = take_top(&mut body, 1);
    let detail = take_bottom(&mut body, if height >= PREVIEW_ROWS { 5 } else { 2 });
    Areas { titles, list: body, detail, ..areas }
}

/// Cuts rows off the top, as many as there are.
fn take_top(rest: &mut Rect, rows: u16) -> Rect {
    let rows = rows.min(rest.height);
    let taken = Rect { height: rows, ..*rest };
    rest.y += rows;
    rest.height -= rows;
    taken
}

/// Cuts rows off the bottom, as many as there are.
fn take_bottom(rest: &mut Rect, rows: u16) -> Rect {
    let rows = rows.min(rest.height);
    rest.height -= rows;
    Rect { y: rest.y + rest.height, height: rows, ..*rest }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn divided(width: u16, height: u16, rows: usize, wants_preview: Option<bool>) -> Areas {
        areas(Rect::new(0, 0, width, height), &Needs { rows, troubles: 1, wants_preview })
    }

    fn parts(areas: &Areas) -> [Rect; 10] {
        let Areas { header, troubles, titles, list, detail, preview_title, divider, preview, status, footer } =
            *areas;
        [header, troubles, titles, list, detail, preview_title, divider, preview, status, footer]
    }

    #[test]
    fn the_parts_cover_the_screen_and_not_each_other() {
        for (width, height) in
            (0..260).step_by(7).flat_map(|width| (0..70).map(move |height| (width, height)))
        {
            for (rows, wanted) in [(0, None), (3, Some(true)), (200, Some(false)), (200, None)] {
                let parts = parts(&divided(width, height, rows, wanted));
                let screen = Rect::new(0, 0, width, height);
                assert!(
                    parts.iter().all(|part| part.is_empty() || screen.union(*part) == screen),
                    "{parts:?}"
                );
                let covered: u32 = parts.iter().map(|part| part.area()).sum();
                assert_eq!(covered, screen.area(), "{width}x{height}, {rows} rows: {parts:?}");
            }
        }
    }

    #[test]
    fn every_usual_size_has_room_for_what_matters() {
        let small = divided(60, 15, 20, None);
        assert_eq!((small.list.height, small.detail.height, small.preview.height), (8, 2, 0));
        let asked = divided(60, 15, 20, Some(true));
        assert!(asked.list.height >= 3 && asked.preview.height >= 4, "{asked:?}");
        let usual = divided(80, 24, 20, None);
        assert!(usual.list.height >= 6 && usual.preview.height >= 7, "{usual:?}");
        let few = divided(80, 24, 3, None);
        assert_eq!((few.list.height, few.preview.height), (3, 12));
        let large = divided(250, 60, 100, None);
        assert!(large.list.height >= 40 && large.preview.width >= 132 && large.preview.height >= 50);
        let tall = divided(100, 60, 100, None);
        assert!(tall.preview.height >= 24 && tall.list.height >= 20, "{tall:?}");
    }
}
