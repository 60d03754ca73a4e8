//! A transcript cannot be shown.

use std::fmt::Display;
use std::path::Path;

use super::UserError;
use crate::escape::escape;
use crate::near_side;

/// No session and no conversation is called so.
pub fn unknown(word: &str) -> UserError {
    UserError::new(format!("no session and no conversation is called {}", escape(&near_side::on(word))))
        .why("sessions have names and ids, conversations only ids, of which four characters are enough")
        .advice(format!("see `{} --all`", near_side::list()))
}

/// Several conversations have ids that begin so.
pub fn several_conversations(ids: &[&str]) -> UserError {
    const MAX_LISTED: usize = 8;
    let more = if ids.len() > MAX_LISTED { ", \u{2026}" } else { "" };
    let ids: Vec<String> = ids.iter().take(MAX_LISTED).map(|id| escape(id).to_string()).collect();
    UserError::new("the ids of several conversations begin so")
        .advice(format!("type more of one of these: {}{more}", ids.join(", ")))
}

/// Nothing was said in a session, as far as is known.
pub fn nothing_said(word: &str) -> UserError {
    UserError::new("the conversation of this session is not known")
        .why("claude has not said yet which one it has open")
        .advice(format!("see what it shows: cckw screen {word}"))
}

/// There is no transcript of a conversation.
pub fn not_on_disk(conversation: &str) -> UserError {
    UserError::new(format!("there is no transcript of the conversation {}", escape(conversation)))
        .why("nothing was said in it yet, or claude could not write it, or it was removed")
        .advice(format!("see `{} --all`", near_side::list()))
}

/// A transcript cannot be read.
pub fn cannot_be_read(path: &Path, error: impl Display) -> UserError {
    UserError::new(format!("the transcript {} cannot be read", escape(path))).why(error)
}

/// There is no answer; `failure` is what claude said in its place.
pub fn no_answer(failure: Option<&str>) -> UserError {
    let error = UserError::new("there is no answer in this conversation yet");
    match failure {
        Some(failure) => error.why(format!("the last turn failed: {}", escape(failure))),
        None => error.advice("see all of it: the same command without --last"),
    }
}
