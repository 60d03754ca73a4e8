//! A message on its way to claude, and what becomes of it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use uuid::Uuid;

use crate::claude::pasted::{PastedText, SubmittedAs};

/// When a message is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum SendWhen {
    /// At an idle main prompt, for which it waits.
    Idle,
    /// At once: a turn that runs has claude put it into its own queue.
    Now,
}

/// A text that somebody has sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Which one. A request that is repeated has the same.
    pub id: Uuid,
    /// What is typed.
    pub text: PastedText,
    /// When.
    pub when: SendWhen,
    /// Whether it also waits while claude is somewhere else than at its main prompt and works on nothing.
    pub is_patient: bool,
    /// When the sender gives up waiting for the moment to type.
    pub until: Duration,
}

/// What became of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SendOutcome {
    /// It was seen to be submitted.
    Submitted(SubmittedAs),
    /// It was not submitted, and nothing of it is left at the prompt.
    NotSent(String),
    /// It was typed, and it is not known whether it was submitted, or still stands at the prompt.
    Unknown(String),
}
