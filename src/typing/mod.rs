//! Typing into claude for somebody who is not at the keyboard: what is typed, how long the user's keys wait
//! for it, and how long a step may take. Both the reconnector and the sender are built on this.

mod hold;
mod keyboard;
mod keystroke;
pub mod pace;

pub use hold::{HOLD_ANSWER_TIMEOUT, KEY_HOLD_LIMIT, KeyGate, KeyHold, LONGEST_HOLD};
pub use keyboard::{KeyboardObstacle, KeyboardState};
pub use keystroke::Keystroke;
