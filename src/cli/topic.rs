//! What sessions are about: a title, or the last prompt.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use crate::claude::{topic, transcript};
use crate::os::parallel::share;
use crate::registry::Session;

/// What each of these sessions is about; nothing where that is not known. Of each transcript only a little is
/// read.
pub fn of_all(sessions: &[&Session]) -> Vec<Option<String>> {
    let of = |session: &&Session| topic::of_transcript(&transcript_of(session)?, None);
    share(sessions, |part| part.iter().map(of).collect())
}

/// The same beside the names of the sessions: a title that is the name is not said again.
pub fn beside_names(sessions: &[&Session]) -> Vec<Option<String>> {
    let of = |session: &&Session| topic::of_transcript(&transcript_of(session)?, Some(&session.own_name));
    share(sessions, |part| part.iter().map(of).collect())
}

/// The transcript of the conversation that is open, or was open last.
pub fn transcript_of(session: &Session) -> Option<PathBuf> {
    let record = &session.record;
    let id = record.conversation.as_deref().filter(|id| transcript::is_id(id))?;
    let file = format!("{id}.jsonl");
    let own =
        record.claude_dir.clone().map(|directory| PathBuf::from(OsString::from(directory)).join("projects"));
    let projects = own.or_else(transcript::directory)?;
    let cwd = PathBuf::from(OsString::from(record.cwd.clone()));
    let of_directory = |cwd: &Path| projects.join(transcript::directory_name(cwd)).join(&file);
    let known = record.claude_cwd().into_iter().chain([cwd]).map(|cwd| of_directory(&cwd));
    let mut found = known.into_iter().find(|path| path.is_file());
    if found.is_none() && session.lives {
        // A conversation that was begun elsewhere. Of all ended ones that would be too many to look for.
        let projects = fs::read_dir(&projects).into_iter().flatten().flatten();
        found = projects.map(|project| project.path().join(&file)).find(|path| path.is_file());
    }
    found
}
