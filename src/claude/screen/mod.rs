//! What claude's screen says: whether the main prompt is there and what stands in it, whether a turn runs, and what is
//! shown of remote control.
//!
//! None of it is an interface of Claude Code, and a release may draw everything anew. So it is read from the inside of
//! what was seen: what is not recognised is [`Prompt::Elsewhere`], and nobody types there. Screens of the real program
//! with the reading that each must get are in `tests/screens`; `docs/claude-code.md` says what is drawn how.

mod conversation;
mod elsewhere;
mod footer;
mod input;
mod notice;
mod panel;
mod view;

use footer::Footer;
pub use view::View;

/// What a look at the screen found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// The main prompt, if that is where claude is.
    pub prompt: Prompt,
    /// The editor's mode where the footer says it. In NORMAL mode it says nothing, so that none is either that or an
    /// editor without modes: there a bracketed paste is inserted as it is, while single keys are commands.
    pub vim: Option<Vim>,
    /// Whether it is to be seen that a turn or a command runs: what is submitted then waits in a queue. Not every
    /// screen has room to say so.
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
}

impl Reading {
    /// A screen that shows this and nothing else.
    pub fn at(prompt: Prompt) -> Self {
        Self {
            prompt,
            vim: None,
            busy: false,
            menu: None,
            stashed: false,
            indicator: Indicator::Absent,
            notice: None,
            panel: None,
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
    /// What stands in the place of a prompt, where that is nothing that has a name: a version that draws its prompt in another
    /// way looks like this.
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

/// What claude answered last, with the line that says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// This login has no subscription for it: asking again changes nothing.
    NeedsSubscription(String),
    /// Not available for another reason that only the user can change.
    Unavailable(String),
    /// Another device or session has taken it over.
    TakenOver(String),
    /// It was ended or archived elsewhere.
    EndedElsewhere(String),
    /// The server cannot find it.
    NotFound(String),
    /// It failed, for a reason that may pass.
    Failed(String),
    /// It is up.
    Connected(String),
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
}

/// The list of suggestions that claude opens for a `/` or an `@`. Enter may take what is selected in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Menu {
    /// The selected command with its slash. None where nothing matches, or where it is a list of files.
    pub selected: Option<String>,
}

/// Reads a screen. Cheap enough for every look, and never panics.
///
/// The screen of one moment can be half drawn: claude draws in frames, which the emulator does not wait for. Two looks
/// with rest between them say more than one.
pub fn read(view: &View) -> Reading {
    let input = match input::find(view) {
        Ok(input) => input,
        Err(why) => {
            let panel = panel::find(view);
            let named = panel.as_ref().map(|_| "the panel of remote control is open");
            let place = || elsewhere::place(view).filter(|_| matches!(why, input::NONE | input::CUT));
            return Reading { panel, ..Reading::at(Prompt::Elsewhere(named.or_else(place).unwrap_or(why))) };
        }
    };
    let footer = Footer::of(view, input);
    let reading = Reading {
        vim: footer.vim(),
        busy: footer.busy() || conversation::runs(view, input),
        stashed: footer.stashed(),
        indicator: footer.indicator(),
        ..Reading::at(footer.objection().map_or_else(|| input::prompt(view, input), Prompt::Elsewhere))
    };
    if matches!(reading.prompt, Prompt::Elsewhere(_)) {
        return reading;
    }
    Reading { notice: notice::find(view, input, &footer), menu: footer.menu(), ..reading }
}
