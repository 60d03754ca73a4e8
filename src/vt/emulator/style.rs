//! How text looks: colours and attributes, and the sequences (SGR) that switch them on.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

/// A colour of text, of what is behind it, or of its underline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum Color {
    /// The terminal's own.
    #[default]
    Default,
    /// One of the terminal's 256.
    Idx(u8),
    /// Red, green and blue.
    Rgb(u8, u8, u8),
}

/// How text is underlined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum Underline {
    /// Not at all: `24`
    #[default]
    None,
    /// `4`
    Single,
    /// `21`. Terminals differ in which of the two forms of a double line they know, so the one that the
    /// program chose is kept.
    Double,
    /// `4:2`
    DoubleSubparameter,
    /// `4:3`
    Curly,
    /// `4:4`
    Dotted,
    /// `4:5`
    Dashed,
}

/// Attributes that are on or off, as bits of [`Style::flags`].
pub const BOLD: u16 = 1;
/// Drawn faint.
pub const DIM: u16 = 1 << 1;
/// Drawn in italics.
pub const ITALIC: u16 = 1 << 2;
/// Text and background swapped.
pub const INVERSE: u16 = 1 << 3;
/// Blinks (`5`).
pub const BLINK: u16 = 1 << 4;
/// Blinks fast (`6`).
pub const FAST_BLINK: u16 = 1 << 5;
/// Not shown (`8`).
pub const CONCEALED: u16 = 1 << 6;
/// Struck through.
pub const STRUCK: u16 = 1 << 7;
/// A line above.
pub const OVERLINE: u16 = 1 << 8;

/// The numbers of the attributes that nearly every terminal knows. They are sent in one sequence.
const COMMON: [(u16, u8); 4] = [(BOLD, 1), (DIM, 2), (ITALIC, 3), (INVERSE, 7)];
/// The others are sent each by itself: a terminal that does not know one leaves out nothing else.
const RARE: [(u16, u8); 5] = [(BLINK, 5), (FAST_BLINK, 6), (CONCEALED, 8), (STRUCK, 9), (OVERLINE, 53)];

/// The style of a piece of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Style {
    /// The colour of the text.
    pub foreground: Color,
    /// The colour behind it.
    pub background: Color,
    /// The colour of the underline.
    pub underline_colour: Color,
    /// How it is underlined.
    pub underline: Underline,
    /// The other attributes.
    pub flags: u16,
    /// The number of its hyperlink, 0 for none.
    pub link: u32,
}

/// The style of a terminal that was just switched on.
pub const PLAIN: Style = Style {
    foreground: Color::Default,
    background: Color::Default,
    underline_colour: Color::Default,
    underline: Underline::None,
    flags: 0,
    link: 0,
};

impl Style {
    /// Whether an attribute is on.
    pub fn has(&self, flag: u16) -> bool {
        self.flags & flag != 0
    }

    /// What erasing leaves behind: the background alone, as in xterm.
    pub fn erased(&self) -> Self {
        Self { background: self.background, ..PLAIN }
    }

    /// Writes what changes a terminal from `before` to this style. The hyperlink is not looked at.
    pub fn write(&self, before: &Self, out: &mut String) {
        let now = Self { link: 0, ..*self };
        let mut before = Self { link: 0, ..*before };
        if now == before {
            return;
        }
        if before.has_what_is_off_in(&now) {
            out.push_str("\x1b[m");
            before = PLAIN;
        }
        now.write_common(&before, out);
        let added = now.flags & !before.flags;
        for (_, number) in RARE.iter().filter(|(flag, _)| added & flag != 0) {
            let _ = write!(out, "\x1b[{number}m");
        }
        if now.underline != before.underline {
            out.push_str(match now.underline {
                Underline::None | Underline::Single => "",
                Underline::Double => "\x1b[21m",
                Underline::DoubleSubparameter => "\x1b[4:2m",
                Underline::Curly => "\x1b[4:3m",
                Underline::Dotted => "\x1b[4:4m",
                Underline::Dashed => "\x1b[4:5m",
            });
        }
        if now.underline_colour != before.underline_colour {
            // With colons: a terminal that does not know it takes none of the numbers for something else.
            let _ = match now.underline_colour {
                Color::Default => Ok(()),
                Color::Idx(index) => write!(out, "\x1b[58:5:{index}m"),
                Color::Rgb(red, green, blue) => write!(out, "\x1b[58:2::{red}:{green}:{blue}m"),
            };
        }
    }

    fn has_what_is_off_in(&self, other: &Self) -> bool {
        let lost = |before: Color, after: Color| before != Color::Default && after == Color::Default;
        self.flags & !other.flags != 0
            || self.underline != Underline::None && self.underline != other.underline
            || lost(self.foreground, other.foreground)
            || lost(self.background, other.background)
            || lost(self.underline_colour, other.underline_colour)
    }

    fn write_common(&self, before: &Self, out: &mut String) {
        let begin = out.len();
        let added = self.flags & !before.flags;
        for (_, number) in COMMON.iter().filter(|(flag, _)| added & flag != 0) {
            let _ = write!(out, ";{number}");
        }
        if self.underline == Underline::Single && before.underline != Underline::Single {
            out.push_str(";4");
        }
        for (now, before, base) in
            [(self.foreground, before.foreground, 30), (self.background, before.background, 40)]
        {
            if now != before {
                write_colour(now, base, out);
            }
        }
        if out.len() > begin {
            out.replace_range(begin..=begin, "\x1b[");
            out.push('m');
        }
    }
}

fn write_colour(colour: Color, base: u8, out: &mut String) {
    let _ = match colour {
        Color::Default => Ok(()),
        Color::Idx(index @ 0..8) => write!(out, ";{}", base + index),
        Color::Idx(index @ 8..16) => write!(out, ";{}", base + 52 + index),
        Color::Idx(index) => write!(out, ";{};5;{index}", base + 8),
        Color::Rgb(red, green, blue) => write!(out, ";{};2;{red};{green};{blue}", base + 8),
    };
}
