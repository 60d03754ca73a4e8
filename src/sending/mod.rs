//! Getting a text to claude: once, whole, and seen to be submitted. The [`Sender`] decides; its host types,
//! looks, and reads the transcript.

mod attempt;
mod block;
mod elsewhere;
mod events;
mod follow_up;
mod look;
mod message;
mod sender;
mod status;
pub mod text;

pub use events::{SenderEffect, SenderEvent};
pub use look::PromptLook;
pub use message::{Message, SendOutcome, SendWhen};
pub use sender::Sender;
pub use status::ClaudeStatus;

#[cfg(test)]
mod tests;
