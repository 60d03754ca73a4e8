//! What the sender is told, and what it says is to be done.

use uuid::Uuid;

use super::look::PromptLook;
use super::message::{Message, SendOutcome};
use super::status::ClaudeStatus;
use crate::claude::pasted::SubmittedAs;
use crate::typing::{KeyboardState, Keystroke};

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum SenderEvent {
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
    /// What the state file says now.
    Status(ClaudeStatus),
    /// Claude has written something. Needed only where [`super::Sender::wants_output`] says so.
    Output,
    /// The answer to [`SenderEffect::Look`].
    Looked(PromptLook),
    /// The client's answer to [`SenderEffect::Hold`].
    Held(KeyboardState),
    /// A key of the user's waits, since now.
    KeyWaits,
    /// The reconnector types, or does not any more.
    OtherTypes(bool),
    /// Somebody has sent a message.
    Requested(Message),
    /// Nobody waits any more for what becomes of it.
    Withdrawn(Uuid),
    /// The answer to [`SenderEffect::ReadTranscript`]: how the transcript says that the text was submitted.
    Transcript(Option<SubmittedAs>),
    /// The time that [`super::Sender::deadline`] named has come.
    Due,
}

/// What to do, in this order.
#[derive(Debug, Clone, PartialEq)]
pub enum SenderEffect {
    /// Ask the client to hold the user's keys.
    Hold,
    /// Let it deliver them.
    Release,
    /// A step was seen to succeed, and a key waits: the client is to go on holding.
    StillHolding,
    /// Look at the screen, and report it at once.
    Look,
    /// The first key of this message is about to be typed. What the transcript gets from here on may be about
    /// it.
    Begin(Uuid),
    /// Type this into claude.
    Type(Keystroke),
    /// Look into the transcript, and report at once.
    ReadTranscript,
    /// Tell whoever sent this message what became of it.
    Answer(Uuid, SendOutcome),
}
