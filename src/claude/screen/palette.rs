//! The colours in which claude draws the indicator and the notifications of remote control. They tell its own
//! part of the footer from the user's status line, which may hold the same words.

use crate::vt::emulator::style::Color;

use super::Indicator;
use crate::vt::screen::view::Cell;

/// `success`, `error` and `warning` of claude's themes, read in the program's text (2.1.332).
const THEMES: [[(u8, u8, u8); 3]; 4] = [
    [(78, 186, 101), (255, 107, 128), (255, 193, 7)],
    [(44, 122, 57), (171, 43, 63), (150, 108, 30)],
    [(51, 153, 255), (255, 102, 102), (255, 204, 0)],
    [(0, 102, 153), (204, 0, 0), (255, 153, 0)],
];
/// The same of the themes that have the terminal's own colours.
const ANSI_THEMES: [[u8; 3]; 2] = [[2, 1, 3], [10, 9, 11]];

/// How many colours claude draws with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Depth {
    /// None: `NO_COLOR`, or a terminal without.
    Plain,
    /// The terminal's sixteen.
    Ansi,
    /// 256.
    Indexed,
    /// All.
    True,
}

/// With how many colours a cell is drawn.
pub(super) fn depth(cell: &Cell) -> Depth {
    match cell.colour {
        Color::Default => Depth::Plain,
        Color::Idx(0..16) => Depth::Ansi,
        Color::Idx(_) => Depth::Indexed,
        Color::Rgb(..) => Depth::True,
    }
}

/// What a colour says of the link, in any theme; nothing if it is none of these colours.
pub(super) fn meaning(colour: Color) -> Option<Indicator> {
    const MEANINGS: [Indicator; 3] = [Indicator::Active, Indicator::Failed, Indicator::Connecting];
    let themes = THEMES.iter().map(|theme| theme.map(|rgb| is_drawn_as(rgb, colour)));
    let ansi = ANSI_THEMES.iter().map(|theme| theme.map(|index| colour == Color::Idx(index)));
    let place = themes.chain(ansi).find_map(|theme| theme.iter().position(|same| *same))?;
    Some(MEANINGS[place])
}

/// Whether a colour is this one, at any depth that claude reduces it to.
fn is_drawn_as((red, green, blue): (u8, u8, u8), colour: Color) -> bool {
    let index = to_256(red, green, blue);
    colour == Color::Rgb(red, green, blue)
        || colour == Color::Idx(index)
        || colour == Color::Idx(to_16(index))
}

/// As the library does that claude colours with: the nearest colour of the cube. None of the themes' colours
/// is a grey.
fn to_256(red: u8, green: u8, blue: u8) -> u8 {
    let step = |value: u8| ((u16::from(value) * 10 + 255) / 510) as u8;
    16 + 36 * step(red) + 6 * step(green) + step(blue)
}

/// The same from there to the sixteen.
fn to_16(index: u8) -> u8 {
    let cube = index - 16;
    let (red, green, blue) = (cube / 36, cube % 36 / 6, cube % 6);
    let on = |step: u8| u8::from(step >= 3);
    let bright = if red.max(green).max(blue) == 5 { 8 } else { 0 };
    bright + (on(blue) << 2 | on(green) << 1 | on(red))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_colour_is_known_at_every_depth() {
        for (colour, expected) in [
            // As claude 2.1.332 was seen to draw them in its dark theme.
            (Color::Rgb(78, 186, 101), Some(Indicator::Active)),
            (Color::Idx(114), Some(Indicator::Active)),
            (Color::Rgb(255, 107, 128), Some(Indicator::Failed)),
            (Color::Rgb(255, 193, 7), Some(Indicator::Connecting)),
            (Color::Idx(2), Some(Indicator::Active)),
            (Color::Idx(9), Some(Indicator::Failed)),
            (Color::Rgb(153, 153, 153), None),
            (Color::Rgb(0, 255, 0), None),
            (Color::Idx(46), None),
            (Color::Default, None),
        ] {
            assert_eq!(meaning(colour), expected, "{colour:?}");
        }
        assert_eq!((to_256(78, 186, 101), to_16(114), to_16(220)), (114, 2, 11));
    }
}
