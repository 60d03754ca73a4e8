//! What is shown in which colour.

use std::io;

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};

use crate::near_side;

/// The styles of one output.
#[derive(Debug, Clone, Copy)]
pub struct Colours {
    are_shown: bool,
}

impl Colours {
    /// Those of stdout: none where it is no terminal that has them, or `NO_COLOR` is set
    /// (<https://no-color.org>). `CLICOLOR` and `CLICOLOR_FORCE` count, too.
    pub fn of_stdout() -> Self {
        // Where another machine's user has asked, a pipe leads to what shows it.
        let are_shown = match near_side::get() {
            Some(near_side) => near_side.has_colours,
            None => AutoStream::choice(&io::stdout()) != ColorChoice::Never,
        };
        Self { are_shown }
    }

    /// The same of stderr.
    pub fn of_stderr() -> Self {
        Self { are_shown: AutoStream::choice(&io::stderr()) != ColorChoice::Never }
    }

    /// None at all.
    pub const NONE: Self = Self { are_shown: false };
    #[cfg(test)]
    pub const ALL: Self = Self { are_shown: true };

    /// Whether there are any.
    pub fn are_shown(self) -> bool {
        self.are_shown
    }

    /// The state of a session, or claude's status. One that needs the user stands out.
    pub fn of_state(self, state: &str) -> Style {
        self.shown(match state {
            "waiting" | "asks" => AnsiColor::Yellow.on_default().bold().invert(),
            "crashed" | "hung" | "unreachable" | "unreadable" | "rebooted" | "terminated" | "expired"
            | "failed" | "limited" | "unauthorized" | "not reached" | "not usable" => {
                AnsiColor::Red.on_default()
            }
            "busy" => AnsiColor::Cyan.on_default(),
            "stopped" => Style::new().dimmed(),
            _ => Style::new(),
        })
    }

    /// How a link stands.
    pub fn of_link(self, state: &str) -> Style {
        self.shown(match state {
            "connected" => AnsiColor::Green.on_default(),
            "disconnected" => AnsiColor::Red.on_default(),
            "reconnecting" => AnsiColor::Yellow.on_default(),
            _ => Style::new(),
        })
    }

    /// What is as it should be.
    pub fn good(self) -> Style {
        self.shown(AnsiColor::Green.on_default())
    }

    /// What may not be what the user wants.
    pub fn warning(self) -> Style {
        self.shown(AnsiColor::Yellow.on_default())
    }

    /// What is wrong.
    pub fn bad(self) -> Style {
        self.shown(AnsiColor::Red.on_default().bold())
    }

    /// What is beside the point.
    pub fn quiet(self) -> Style {
        self.shown(Style::new().dimmed())
    }

    fn shown(self, style: Style) -> Style {
        if self.are_shown { style } else { Style::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_needs_the_user_stands_out_and_only_where_colours_are_shown() {
        let all = Colours::ALL;
        assert_ne!(all.of_state("waiting"), all.of_state("idle"));
        assert_ne!(all.of_state("waiting"), all.of_state("crashed"));
        assert_eq!(Colours::NONE.of_state("waiting"), Style::new());
    }
}
