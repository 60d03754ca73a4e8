//! The header: logo, version, directory. On the alternate screen it has remote control's indicator, while it
//! is on the screen.

use super::Indicator;
use super::footer;
use super::palette;
use crate::vt::screen::view::ScreenCells;

/// What the last row of the logo begins with, set in; the directory stands behind it.
const LOGO_ROW: [&str; 2] = ["▝▝ ", "▘▘ "];

/// What is said of remote control there: `▝▝   ▝▝   /home/you/work · /rc active`.
pub(super) fn indicator(view: &ScreenCells) -> Indicator {
    let (rows, _) = view.size();
    if !view.alternate() {
        return Indicator::Absent;
    }
    let row = (0..rows).find(|row| {
        let text = view.row(*row).trim_end();
        // The logo begins in one of the first two columns. What stands in the conversation is set in further.
        !text.starts_with("  ") && LOGO_ROW.iter().any(|logo| text.trim_start().starts_with(logo))
    });
    let Some(row) = row else { return Indicator::Absent };
    let text = view.row(row).trim_end();
    let Some((before, item)) = text.rsplit_once(" · ") else { return Indicator::Absent };
    // A directory may have any name, but is drawn in grey.
    let cell_at = |place: usize| view.cells(row).iter().find(|cell| view.place(row, cell) == place);
    let first = cell_at(before.len() + " · ".len());
    let directory = view
        .cells(row)
        .iter()
        .rev()
        .find(|cell| !view.blank(cell) && !cell.continues && view.place(row, cell) < before.len());
    let (Some(first), Some(directory)) = (first, directory) else { return Indicator::Absent };
    footer::indicator(item, first, palette::depth(directory), false).unwrap_or(Indicator::Absent)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vt::emulator::Emulator;

    #[test]
    fn the_indicator_stands_behind_the_directory_on_the_alternate_screen_alone() {
        for (start, word, expected) in [
            ("\x1b[?1049h", "/rc active", Indicator::Active),
            ("\x1b[?1049h", "\x1b[38;5;246mx · \x1b[38;5;114m/rc active", Indicator::Active),
            ("\x1b[?1049h", "\x1b[38;5;246mx · \x1b[38;5;246m/rc active", Indicator::Absent),
            ("\x1b[?1049h", "/rc failed", Indicator::Failed),
            ("\x1b[?1049h", "/rc reconnecting", Indicator::Connecting),
            ("\x1b[?1049h", "/rc whatever", Indicator::Absent),
            ("", "/rc active", Indicator::Absent),
        ] {
            let mut emulator = Emulator::new(24, 80, 0);
            let logo = " ▐▛███▛█   Claude Code v2.1.332\r\n▝▜██████▀  Opus 5.5 · Claude Max\r\n";
            emulator.process(format!("{start}{logo} ▝▝   ▝▝   /home/you/work · {word}\r\n").as_bytes());
            assert_eq!(indicator(&ScreenCells::of(&emulator)), expected, "{start:?} {word}");
        }
    }
}
