//! Why nothing is typed.

use std::fmt;

/// What stands against typing now, or at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BlockReason {
    /// `keep = "off"`.
    Off,
    /// No link was up in this session, and `keep` is `if-used`.
    NeverUsed,
    /// The user switched it off.
    TurnedOff,
    /// Claude has said that this session cannot have a link.
    Refused(String),
    /// What claude said leaves it to the user.
    LeftAlone(String),
    /// This claude does not try to connect any more, whatever is typed.
    NeedsRestart(String),
    /// Tried in vain as often as is configured.
    TooOften,
    /// Claude does not run, or is stopped, or the shell has its terminal.
    NotRunning,
    /// A message is being sent to this session.
    OtherTypes,
    /// The link is up.
    Up,
    /// The state file does not say whether there is a link.
    Unknown,
    /// The state file says that there is no link, the screen that there is.
    Disagree,
    /// Claude is connecting by itself.
    Connecting,
    /// It has not been down for long enough.
    Settling,
    /// The last try was too short a time ago.
    Cooling,
    /// The state file says what else the session is, or is doing.
    Session(String),
    /// The screen model does not show what claude shows.
    Unsettled,
    /// Claude always has something to do, so that the screen may be older than what was typed.
    Restless,
    /// The screen shows something else than the main prompt.
    Screen(String),
    /// The main prompt was never recognised since claude was started: another version may draw another one.
    Unrecognised {
        /// Claude's version, where it is known.
        version: Option<String>,
        /// What was seen in its place.
        what: &'static str,
    },
    /// Claude takes a paste for single keys.
    NoPaste,
    /// The user has a command or a skill of that name.
    OwnCommand(String),
    /// The user is typing.
    Keyboard,
    /// A paste is half through.
    Paste,
    /// An escape sequence is half through.
    Sequence,
    /// Claude has not read what the user typed.
    Unread,
    /// The client did not answer.
    NoAnswer,
}

impl BlockReason {
    /// Whether the next look at the screen may say something else.
    pub fn is_of_the_screen(&self) -> bool {
        matches!(self, Self::Screen(_) | Self::Unrecognised { .. } | Self::NoPaste | Self::Unsettled)
    }

    /// Whether it passes by itself within moments, and is no news.
    pub fn is_fleeting(&self) -> bool {
        matches!(
            self,
            Self::Up | Self::OtherTypes | Self::Settling | Self::Cooling | Self::Unsettled | Self::Sequence
        )
    }
}

impl fmt::Display for BlockReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = match self {
            Self::Off => "remote_control.keep is \"off\"",
            Self::NeverUsed => "no link was up in this session so far",
            Self::TurnedOff => "the user switched it off",
            Self::Refused(said) => return write!(f, "claude refuses it: {said}"),
            Self::LeftAlone(said) => return write!(f, "only the user can know whether it is wanted: {said}"),
            Self::NeedsRestart(said) => {
                return write!(f, "only a restart of claude (`cckw restart`) brings it back: {said}");
            }
            Self::TooOften => "it failed as often as remote_control.max_tries allows",
            Self::NotRunning => "claude does not run in the foreground",
            Self::OtherTypes => "a message is being sent to this session",
            Self::Up => "the link is up",
            Self::Unknown => "the state file does not say whether there is a link",
            Self::Disagree => "the state file says that there is no link, the screen that there is",
            Self::Connecting => "claude is connecting by itself",
            Self::Settling => "it has not been down for long",
            Self::Cooling => "the last try was a short time ago",
            Self::Session(what) => return f.write_str(what),
            Self::Unsettled => "the screen is just being drawn",
            Self::Restless => "claude does not come to rest, so the screen may be older than what was typed",
            Self::Screen(what) => return write!(f, "not at the main prompt: {what}"),
            Self::Unrecognised { version, what } => {
                let version = version.as_ref().map_or(String::new(), |version| format!(" {version}"));
                return write!(f, "the screen of claude{version} is not recognised: {what}");
            }
            Self::NoPaste => "claude has not asked for bracketed pastes",
            Self::OwnCommand(line) => {
                return write!(
                    f,
                    "{line} is a command or a skill of your own here, and not claude's (rename it, or enable Remote Control)"
                );
            }
            Self::Keyboard => "the user is typing",
            Self::Paste => "a paste is half through",
            Self::Sequence => "an escape sequence is half through",
            Self::Unread => "claude has not read what was typed",
            Self::NoAnswer => "the client did not say whether the keyboard rests",
        };
        f.write_str(words)
    }
}
