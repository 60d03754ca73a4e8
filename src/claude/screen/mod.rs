//! What claude's screen says: whether the main prompt is there and what stands in it, whether a turn runs,
//! and what is shown of remote control.
//!
//! None of it is an interface of Claude Code, and a release may draw everything anew. So it is read from the
//! inside of what was seen: what is not recognised is [`Prompt::Elsewhere`], and nobody types there. Screens
//! of the real program with the reading that each must get are in `tests/screens`;
//! `docs/internals/claude-code.md` says what is drawn how.

mod conversation;
mod elsewhere;
mod first_question;
mod footer;
mod header;
mod input;
mod notice;
mod palette;
mod panel;
mod room;

use serde::{Deserialize, Serialize};

use crate::vt::screen::view::ScreenCells;
pub use first_question::first_question;
use footer::Footer;
pub use room::Room;

use super::remote_notices::Notice;

/// What a look at the screen found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// The main prompt, if that is where claude is.
    pub prompt: Prompt,
    /// The end of a draft that is taller than the box; the prompt is [`Prompt::Elsewhere`] then.
    pub tail: Option<Box<DraftTail>>,
    /// The editor's mode where the footer says it. In NORMAL mode it says nothing, so that none is either
    /// that or an editor without modes: there a bracketed paste is inserted as it is, while single keys are
    /// commands.
    pub vim: Option<Vim>,
    /// Whether it is to be seen that a turn or a command runs: what is submitted then waits in a queue. Not
    /// every screen has room to say so.
    pub busy: bool,
    /// The list of suggestions for what is typed, if it is open.
    pub menu: Option<Menu>,
    /// Whether it is said that a draft is stashed: ctrl-s at an empty prompt would bring it back.
    pub stashed: bool,
    /// What the footer says of remote control.
    pub indicator: Indicator,
    /// What claude said last of remote control, near the prompt.
    pub notice: Option<Notice>,
    /// The panel that `/remote-control` opens while the link is up.
    pub panel: Option<Panel>,
    /// Whether claude asks whether remote control is to be enabled at all.
    pub first_use: bool,
    /// How much room the screen has for a command at the prompt.
    pub room: Room,
}

impl Reading {
    /// A screen that shows this and nothing else.
    pub fn at(prompt: Prompt) -> Self {
        Self {
            prompt,
            tail: None,
            vim: None,
            busy: false,
            menu: None,
            stashed: false,
            indicator: Indicator::Absent,
            notice: None,
            panel: None,
            first_use: false,
            room: Room::default(),
        }
    }
}

/// The main prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Prompt {
    /// It is there with nothing typed. The dim suggestion that may stand in it is not text.
    Empty,
    /// It is there and holds something.
    Draft(Draft),
    /// It is not there, or not for certain; the words say why, for a line in a log.
    Elsewhere(&'static str),
}

impl Prompt {
    /// Whether a draft that is taller than the window stands there, and its end may be all that is seen.
    pub fn is_tall(&self) -> bool {
        matches!(self, Self::Elsewhere(why) if *why == input::TALL)
    }

    /// What stands in the place of a prompt, where that is nothing that has a name: a version that draws its
    /// prompt in another way looks like this.
    pub fn nameless(&self) -> Option<&'static str> {
        match self {
            Self::Elsewhere(why) if input::NAMELESS.contains(why) => Some(why),
            _ => None,
        }
    }
}

/// What stands at the main prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// As it is drawn, a line of the screen a line; whether a line was wrapped or ended is not to be seen.
    /// Attachments are the marks claude draws for them, such as `[Pasted text #1 +3 lines]`.
    pub text: String,
    /// How many lines of the screen it takes, at least one.
    pub lines: usize,
    /// Whether the cursor is behind its last character.
    pub cursor_at_end: bool,
}

/// The end of a draft that has more rows than its box.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DraftTail {
    /// The rows that are to be seen, a line each.
    pub text: String,
    /// How many those are.
    pub rows: usize,
    /// How many are not to be seen, above them.
    pub hidden_rows: usize,
    /// Whether the cursor is behind the last character.
    pub cursor_at_end: bool,
}

/// The modes of claude's vim editor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Vim {
    /// Keys are text.
    Insert,
    /// Keys are commands. Claude 2.1.329 never says so.
    Normal,
    /// Keys are commands on what is selected.
    Visual,
}

/// The footer's word on remote control. It is documented that it is hidden on a narrow terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Indicator {
    /// `/rc active`: the link is up.
    Active,
    /// The link has failed; this stays until it is up again.
    Failed,
    /// It is being established.
    Connecting,
    /// None is shown: the link is off, or there is no room.
    Absent,
}

/// The panel that `/remote-control` opens while the link is up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Panel {
    /// Its choices, top to bottom, without their marks and numbers.
    pub items: Vec<String>,
    /// Which of them is selected.
    pub selected: usize,
    /// Which of them is the one that disconnects, if there is exactly one.
    pub disconnect: Option<usize>,
    /// Whether it is the panel of a link that is up: some seconds long the one of a link that failed is shown
    /// too.
    pub connected: bool,
}

/// The list of suggestions that claude opens for a `/` or an `@`. Enter may take what is selected in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Menu {
    /// The selected command with its slash. Where its column is too narrow, `…` and the end of its name. None
    /// where nothing matches, or where it is a list of files.
    pub selected: Option<String>,
    /// What is said about the selected command, in one line. Its end may be cut, and then it ends with `…`.
    pub about: String,
}

/// Reads a screen. Cheap enough for every look, and never panics.
///
/// The screen of one moment can be half drawn: claude draws in frames, which the emulator does not wait for.
/// Two looks with rest between them say more than one.
pub fn read(view: &ScreenCells) -> Reading {
    let input = match input::find(view) {
        Ok(input) => input,
        Err(why) => {
            if let Some(reading) = read_tail(view) {
                return reading;
            }
            let panel = panel::find(view);
            let named = panel.as_ref().map(|_| "the panel of remote control is open");
            let place =
                || elsewhere::place(view).filter(|_| matches!(why, input::NONE | input::CUT | input::TALL));
            let first_use = panel::is_first_use(view);
            return Reading {
                panel,
                first_use,
                room: Room::of(view),
                ..Reading::at(Prompt::Elsewhere(named.or_else(place).unwrap_or(why)))
            };
        }
    };
    let footer = Footer::of(view, input);
    let reading = Reading {
        vim: footer.vim(),
        busy: footer.busy() || conversation::runs(view, input),
        room: Room::of(view),
        stashed: footer.stashed(),
        indicator: match footer.indicator() {
            Indicator::Absent => header::indicator(view),
            shown => shown,
        },
        ..Reading::at(footer.objection().map_or_else(|| input::prompt(view, input), Prompt::Elsewhere))
    };
    if matches!(reading.prompt, Prompt::Elsewhere(_)) {
        return reading;
    }
    Reading { notice: notice::find(view, input, &footer), menu: footer.menu(), ..reading }
}

/// The reading of a screen with a draft that is taller than its box.
fn read_tail(view: &ScreenCells) -> Option<Reading> {
    let (input, tail) = input::tail(view)?;
    let footer = Footer::of(view, input);
    let objection = footer.objection();
    Some(Reading {
        tail: objection.is_none().then(|| Box::new(tail)),
        vim: footer.vim(),
        busy: footer.busy() || conversation::runs(view, input),
        room: Room::of(view),
        stashed: footer.stashed(),
        menu: footer.menu(),
        ..Reading::at(Prompt::Elsewhere(objection.unwrap_or(input::TALL)))
    })
}
