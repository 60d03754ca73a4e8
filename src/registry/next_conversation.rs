//! Which conversation the next launch of a session opens.

use std::ffi::OsString;
use std::path::PathBuf;

use super::record::Record;
use crate::claude::latest_conversation::chosen_below;
use crate::claude::transcript;

/// The one that was open last, else those that were chosen when the session was started, else those that the
/// user's arguments choose now: several conversations can have one title.
pub fn candidates(record: &Record) -> Vec<String> {
    if let Some(id) = record.conversation.clone().filter(|id| transcript::is_id(id)) {
        return vec![id];
    }
    if !record.opening.is_empty() {
        return record.opening.clone();
    }
    let args: Vec<OsString> = record.args.iter().cloned().map(OsString::from).collect();
    let own =
        record.claude_dir.clone().map(|directory| PathBuf::from(OsString::from(directory)).join("projects"));
    let projects = own.or_else(transcript::directory);
    chosen_below(projects.as_deref(), &args, &PathBuf::from(OsString::from(record.cwd.clone())))
}
