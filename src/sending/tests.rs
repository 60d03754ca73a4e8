mod any_order;
mod scenarios;

use std::time::Duration;

use uuid::Uuid;

use super::*;
use crate::claude::pasted::PastedText;
use crate::claude::screen::{Draft, Prompt, Reading};

const TEXT: &str = "do the next step";

fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn message(number: u128, text: &str, when: SendWhen, until: Duration) -> Message {
    Message { id: id(number), text: PastedText::new(text.into()), when, is_patient: number % 2 == 1, until }
}

fn draft(text: &str) -> Prompt {
    Prompt::Draft(Draft { text: text.into(), lines: 1, cursor_at_end: true })
}

/// A look at a claude that rests.
fn look(prompt: Prompt) -> PromptLook {
    PromptLook { reading: Reading::at(prompt), settled: true, rested: true, pastes: true }
}
