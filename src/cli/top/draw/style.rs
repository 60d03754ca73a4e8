//! How things look: the sixteen colours of the terminal and attributes, on whatever ground it has.

use anstyle::{AnsiColor, Effects};
use ratatui::style::{Color, Modifier, Style};

use crate::cli::colours::Colours;
use crate::cli::top::row::Urgency;

/// What stands out.
pub const BOLD: Style = Style::new().add_modifier(Modifier::BOLD);
/// What is beside the point.
pub const QUIET: Style = Style::new().add_modifier(Modifier::DIM);
/// What is selected.
pub const SELECTED: Style = Style::new().add_modifier(Modifier::REVERSED);
/// A key.
pub const KEY: Style = Style::new().add_modifier(Modifier::BOLD);

/// The state of a session, as `cckw list` shows it.
pub fn of_state(colours: Colours, state: &str) -> Style {
    convert(colours.of_state(state))
}

/// The state of a link, as `cckw list` shows it.
pub fn of_link(colours: Colours, state: &str) -> Style {
    convert(colours.of_link(state))
}

/// The number of rows of an urgency.
pub fn of_urgency(colours: Colours, urgency: Urgency) -> Style {
    match urgency {
        Urgency::NeedsYou => convert(colours.of_state("waiting")),
        Urgency::Busy => convert(colours.of_state("busy")),
        Urgency::Idle => Style::new(),
        Urgency::Gone => QUIET,
    }
}

/// What went well.
pub fn good(colours: Colours) -> Style {
    convert(colours.good())
}

/// What the user should know.
pub fn warning(colours: Colours) -> Style {
    convert(colours.warning())
}

/// What went wrong.
pub fn bad(colours: Colours) -> Style {
    convert(colours.bad())
}

/// The same style in ratatui's words.
fn convert(style: anstyle::Style) -> Style {
    let mut converted = Style::new();
    if let Some(anstyle::Color::Ansi(colour)) = style.get_fg_color() {
        converted = converted.fg(ansi(colour));
    }
    let attributes = [
        (Effects::BOLD, Modifier::BOLD),
        (Effects::DIMMED, Modifier::DIM),
        (Effects::INVERT, Modifier::REVERSED),
        (Effects::UNDERLINE, Modifier::UNDERLINED),
    ];
    for (_, modifier) in attributes.iter().filter(|(effect, _)| style.get_effects().contains(*effect)) {
        converted = converted.add_modifier(*modifier);
    }
    converted
}

/// One of the sixteen colours.
fn ansi(colour: AnsiColor) -> Color {
    match colour {
        AnsiColor::Black => Color::Black,
        AnsiColor::Red => Color::Red,
        AnsiColor::Green => Color::Green,
        AnsiColor::Yellow => Color::Yellow,
        AnsiColor::Blue => Color::Blue,
        AnsiColor::Magenta => Color::Magenta,
        AnsiColor::Cyan => Color::Cyan,
        AnsiColor::White => Color::Gray,
        AnsiColor::BrightBlack => Color::DarkGray,
        AnsiColor::BrightRed => Color::LightRed,
        AnsiColor::BrightGreen => Color::LightGreen,
        AnsiColor::BrightYellow => Color::LightYellow,
        AnsiColor::BrightBlue => Color::LightBlue,
        AnsiColor::BrightMagenta => Color::LightMagenta,
        AnsiColor::BrightCyan => Color::LightCyan,
        AnsiColor::BrightWhite => Color::White,
    }
}
