//! Claude does not go on with a turn: `cckw continue`.

use super::UserError;

/// No turn of the session broke off. `runs` is whether the session runs.
pub fn none_broke_off(word: &str, runs: bool) -> UserError {
    UserError::new("no turn of this session broke off, so there is nothing to go on with").advice(
        match runs {
            true => format!("to see what it does: cckw screen {word}"),
            false => format!("to bring the session back: cckw start {word}"),
        },
    )
}

/// Claude was started, and has not gone on.
pub fn nothing_to_go_on_with(word: &str) -> UserError {
    UserError::new("claude was started again, and found no turn to go on with")
        .advice(format!("to see its screen: cckw screen {word}"))
}

/// The session has ended meanwhile.
pub fn ended_meanwhile(word: &str) -> UserError {
    UserError::new("the session has ended before claude went on")
        .advice(format!("to see why: cckw logs {word}"))
        .status(2)
}

/// Nobody knows whether claude goes on.
pub fn went_unseen(word: &str, seconds: u64) -> UserError {
    UserError::new("it is not known whether claude goes on with the turn")
        .why(format!("within {seconds} s claude did not begin a turn"))
        .advice(format!("to see its screen: cckw screen {word}"))
        .status(2)
}
