//! Reads SGR (`CSI … m`): how text looks from here on.

use super::style::{self, Color, PLAIN, Style, Underline};

/// Applies one sequence to a style. Its parameters come with their subparameters (`4:3`). What is not known
/// is passed over; a colour that is none ends the sequence.
pub fn apply<'a>(style: &mut Style, mut params: impl Iterator<Item = &'a [u16]>) {
    let mut is_empty = true;
    while let Some(param) = params.next() {
        is_empty = false;
        match *param {
            [number @ (38 | 48 | 58)] => {
                let Some(colour) = separate_colour(&mut params) else { return };
                *place(style, number) = colour;
            }
            [number @ (38 | 48 | 58), ref rest @ ..] => {
                let Some(colour) = joined_colour(rest) else { return };
                *place(style, number) = colour;
            }
            [4, kind] => underline(style, kind),
            [number] => number_alone(style, number),
            _ => {}
        }
    }
    if is_empty {
        number_alone(style, 0);
    }
}

fn number_alone(style: &mut Style, number: u16) {
    match number {
        0 => *style = Style { link: style.link, ..PLAIN },
        1 => style.flags |= style::BOLD,
        2 => style.flags |= style::DIM,
        3 => style.flags |= style::ITALIC,
        4 => style.underline = Underline::Single,
        5 => style.flags |= style::BLINK,
        6 => style.flags |= style::FAST_BLINK,
        7 => style.flags |= style::INVERSE,
        8 => style.flags |= style::CONCEALED,
        9 => style.flags |= style::STRUCK,
        21 => style.underline = Underline::Double,
        22 => style.flags &= !(style::BOLD | style::DIM),
        23 => style.flags &= !style::ITALIC,
        24 => style.underline = Underline::None,
        25 => style.flags &= !(style::BLINK | style::FAST_BLINK),
        27 => style.flags &= !style::INVERSE,
        28 => style.flags &= !style::CONCEALED,
        29 => style.flags &= !style::STRUCK,
        39 => style.foreground = Color::Default,
        49 => style.background = Color::Default,
        53 => style.flags |= style::OVERLINE,
        55 => style.flags &= !style::OVERLINE,
        59 => style.underline_colour = Color::Default,
        30..=37 => style.foreground = of_palette(number - 30),
        40..=47 => style.background = of_palette(number - 40),
        90..=97 => style.foreground = of_palette(number - 82),
        100..=107 => style.background = of_palette(number - 92),
        _ => {}
    }
}

fn underline(style: &mut Style, kind: u16) {
    style.underline = match kind {
        0 => Underline::None,
        1 => Underline::Single,
        2 => Underline::DoubleSubparameter,
        3 => Underline::Curly,
        4 => Underline::Dotted,
        5 => Underline::Dashed,
        _ => return,
    };
}

fn place(style: &mut Style, number: u16) -> &mut Color {
    match number {
        38 => &mut style.foreground,
        48 => &mut style.background,
        _ => &mut style.underline_colour,
    }
}

fn of_palette(index: u16) -> Color {
    Color::Idx(u8::try_from(index).unwrap_or(u8::MAX))
}

/// `38;5;n` and `38;2;r;g;b`.
fn separate_colour<'a>(params: &mut impl Iterator<Item = &'a [u16]>) -> Option<Color> {
    let mut next = || match *params.next()? {
        [number] => Some(number),
        _ => None,
    };
    match next()? {
        5 => Some(Color::Idx(byte(next()?)?)),
        2 => Some(Color::Rgb(byte(next()?)?, byte(next()?)?, byte(next()?)?)),
        _ => None,
    }
}

/// `38:5:n`, `38:2:r:g:b`, and with a colour space `38:2:space:r:g:b`, behind which tolerances may stand.
fn joined_colour(rest: &[u16]) -> Option<Color> {
    match *rest {
        [5, index, ..] => Some(Color::Idx(byte(index)?)),
        [2, red, green, blue] | [2, _, red, green, blue, ..] => {
            Some(Color::Rgb(byte(red)?, byte(green)?, byte(blue)?))
        }
        _ => None,
    }
}

fn byte(number: u16) -> Option<u8> {
    number.try_into().ok()
}
