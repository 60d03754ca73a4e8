//! The two witnesses of a link: claude's state file, and its screen.

use std::time::Duration;

use super::why::Why;
use crate::claude::remote_control::{Confidence, Link, Verdict, classify};
use crate::claude::screen::{Indicator, Notice, Prompt, Reading, Vim};
use crate::claude::state_file::StateFile;

/// What the state file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Whether it names a bridge.
    pub verdict: Verdict,
    /// Why nobody should type into this session, if so.
    pub obstacle: Option<String>,
    /// Whether a dialog has the keyboard.
    pub dialog: bool,
    /// Claude's version.
    pub version: Option<String>,
}

impl File {
    /// Takes down what matters here of a state file that is our child's.
    pub fn of(file: &StateFile) -> Self {
        Self {
            verdict: classify(Some(file)),
            obstacle: obstacle(file),
            dialog: file.status.as_deref() == Some("waiting")
                && file.waiting_for.as_deref() == Some("dialog open"),
            version: file.version.clone(),
        }
    }
}

/// In the agents view the status is `idle`, and what is submitted there starts a session of its own. Left again, the
/// prompt is that of a background process (seen with 2.1.329), and the session's own file still says that it is parked.
fn obstacle(file: &StateFile) -> Option<String> {
    let is = |value: &Option<String>, wanted: &str| value.as_deref() == Some(wanted);
    let said = |value: &Option<String>| value.clone().unwrap_or_else(|| "not said".into());
    if !is(&file.kind, "interactive") {
        return Some(format!("the kind of the session is {}", said(&file.kind)));
    }
    if !is(&file.entrypoint, "cli") {
        return Some(format!("the session was started from {}", said(&file.entrypoint)));
    }
    if file.parked_job_id.is_some() {
        return Some("the session was moved to the background (agents view)".into());
    }
    if !is(&file.status, "idle") {
        let waits = file.waiting_for.as_ref().map_or(String::new(), |what| format!(" ({what})"));
        return Some(format!("claude is {}{waits}", said(&file.status)));
    }
    None
}

/// One look at the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// What was found.
    pub reading: Reading,
    /// Whether the model has read all output, and no frame is half drawn.
    pub settled: bool,
    /// Whether claude has asked for bracketed pastes.
    pub pastes: bool,
    /// Whether the line that is typed stands right before the cursor, wherever that is.
    pub line_before_cursor: bool,
}

impl Look {
    /// Whether the prompt holds this line and nothing else, with the cursor behind it, and nothing else is going on.
    pub fn shows_exactly(&self, line: &str) -> bool {
        let alone = matches!(&self.reading.prompt, Prompt::Draft(draft)
            if draft.text == line && draft.lines == 1 && draft.cursor_at_end);
        // Enter takes what is selected in the list of commands.
        let selected = self.reading.menu.as_ref().and_then(|menu| menu.selected.as_deref());
        let meant = selected.is_none_or(|selected| line.split(' ').next() == Some(selected));
        alone && meant && self.settled && !self.reading.busy && self.reading.panel.is_none()
    }

    /// Whether the footer, with what it says of the link, is to be seen: in other places than the main prompt it is not,
    /// and not where a list of commands is drawn over it.
    pub fn has_footer(&self) -> bool {
        self.settled && self.reading.menu.is_none() && !matches!(self.reading.prompt, Prompt::Elsewhere(_))
    }

    /// What stands against typing here.
    pub fn obstacle(&self) -> Option<Why> {
        let screen = |what: &str| Some(Why::Screen(what.into()));
        if !self.settled {
            return Some(Why::Unsettled);
        }
        if self.reading.panel.is_some() {
            return screen("the panel of remote control is open");
        }
        if let Prompt::Elsewhere(why) = self.reading.prompt {
            return screen(why);
        }
        if self.reading.busy {
            return screen("a turn runs");
        }
        if self.reading.vim == Some(Vim::Visual) {
            return screen("vim's visual mode");
        }
        // Without them, keys in vim's normal mode are commands, and that mode is not to be seen.
        (!self.pastes).then_some(Why::NoPaste)
    }
}

/// What the screen said of the link when it was last looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// When.
    pub at: Duration,
    /// The footer's indicator.
    pub indicator: Indicator,
    /// What claude said last.
    pub notice: Option<Notice>,
}

/// What both witnesses say together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// The link is up.
    Up,
    /// It is not.
    Down,
    /// Claude is connecting.
    Connecting,
    /// The state file says no, the screen yes.
    Disagree,
    /// Nobody can tell.
    Unknown,
}

/// Weighs the witnesses. The screen's failure indicator outweighs a bridge that the file names.
pub fn weigh(file: Option<&File>, indicator: Option<Indicator>) -> (Standing, Confidence) {
    let link = file.map_or(Link::Unknown, |file| file.verdict.link);
    match (link, indicator.unwrap_or(Indicator::Absent)) {
        (Link::Unknown, _) => (Standing::Unknown, Confidence::None),
        (_, Indicator::Failed) => (Standing::Down, Confidence::High),
        (_, Indicator::Connecting) => (Standing::Connecting, Confidence::High),
        (Link::Connected, _) => (Standing::Up, Confidence::High),
        (Link::Disconnected, Indicator::Active) => (Standing::Disagree, Confidence::Medium),
        (Link::Disconnected, Indicator::Absent) => (Standing::Down, Confidence::Medium),
    }
}

/// The indicator in words, for the record.
pub fn words(indicator: Indicator) -> &'static str {
    match indicator {
        Indicator::Active => "active",
        Indicator::Failed => "failed",
        Indicator::Connecting => "connecting",
        Indicator::Absent => "no indicator",
    }
}

/// What claude said, and whether that leaves anything to be done by somebody else than the user.
pub fn refusal(notice: &Notice) -> Option<&str> {
    match notice {
        Notice::NeedsSubscription(said) | Notice::Unavailable(said) => Some(said),
        _ => None,
    }
}

/// What claude said, if it leaves the link to the user.
pub fn the_users(notice: &Notice) -> Option<&str> {
    match notice {
        Notice::TakenOver(said) | Notice::EndedElsewhere(said) | Notice::NotFound(said) => Some(said),
        _ => None,
    }
}

/// Claude's words.
pub fn said(notice: &Notice) -> &str {
    match notice {
        Notice::NeedsSubscription(said)
        | Notice::Unavailable(said)
        | Notice::TakenOver(said)
        | Notice::EndedElsewhere(said)
        | Notice::NotFound(said)
        | Notice::Failed(said)
        | Notice::Connected(said) => said,
    }
}
