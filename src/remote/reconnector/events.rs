//! What the reconnector is told, and what it says is to be done.

use super::evidence::{File, ScreenSnapshot};
use super::stale_link::StaleTrigger;
use crate::registry::log_event::LinkEvent;
use crate::typing::{KeyboardState, Keystroke};

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum ReconnectorEvent {
    /// Claude was started, for the first time or again.
    Started,
    /// Claude has ended.
    Ended,
    /// Claude is stopped, or the shell has its terminal.
    Away,
    /// Claude runs on, in the foreground.
    Back,
    /// There is a client. One that takes another's place is news as well.
    Attached,
    /// There is none any more.
    Detached,
    /// What the state file says now; nothing where there is none that is whole and our child's.
    File(Option<File>),
    /// Claude has written something. Needed only where
    /// [`Reconnector::wants_output`](super::Reconnector::wants_output) says so.
    Output,
    /// The answer to [`Action::Look`].
    Looked(ScreenSnapshot),
    /// The client's answer to [`Action::Hold`].
    Held(KeyboardState),
    /// A key of the user's waits, since now.
    KeyWaits,
    /// Somebody else types into this session, or does not any more.
    OtherTypes(bool),
    /// The user asks for the link now.
    Requested {
        /// Whether a link that seems to be up is switched off first.
        cycle: bool,
    },
    /// Something happened after which a link that looks alive may be dead.
    MayBeStale(StaleTrigger),
    /// The time that [`Reconnector::deadline`](super::Reconnector::deadline) named has come.
    Due,
}

/// What to do, in this order.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Ask the client to hold the user's keys.
    Hold,
    /// Let it deliver them.
    Release,
    /// A step was seen to succeed, and a key waits: the client is to go on holding.
    StillHolding,
    /// Look at the screen, and report it at once.
    Look,
    /// Type this into claude.
    Type(Keystroke),
    /// Restart claude when it is idle.
    Restart,
    /// Write down that this happened.
    Note(LinkEvent),
}
