//! Which transcript is meant: that of a session, or of any conversation of Claude Code.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::super::inside;
use super::super::target::only_or_last;
use crate::claude::transcript::search::{by_beginning, id_of};
use crate::claude::transcript::{self, TranscriptOnDisk, is_id};
use crate::registry;
use crate::registry::{NotPicked, Session};
use crate::user_error::{UserError, transcript as error};

/// The shortest part of an id that is taken for one, in characters.
const MIN_ID_CHARS: usize = 4;

/// A conversation, and where it is written.
pub struct Source {
    /// The session that has it open, or had it open last.
    pub session: Option<Session>,
    /// Its id.
    pub conversation: String,
    /// Its transcript; nothing where it is not on disk.
    pub path: Option<PathBuf>,
}

/// What a word means: a whole id of a conversation; a session; the beginning of the id of a conversation that
/// no session has. Without a word it is the session inside which this runs, the only one that runs, or the one
/// that ended last.
///
/// # Errors
/// When that is none, or several.
pub fn find(word: Option<&str>) -> Result<Source, UserError> {
    let inside = inside();
    let Some(word) = word.or(inside.as_deref()) else { return of_session(only_or_last()?) };
    let sessions = registry::sessions()?;
    let picked = registry::pick(&sessions, Some(word));
    if let Ok(session) = picked
        && (!is_id(word) || session.record.conversation.as_deref() == Some(word))
    {
        return of_session(session.clone());
    }
    // An id that names a file means this conversation, also if the session that is called so has left it.
    let may_be_id = word.len() >= MIN_ID_CHARS && word.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
    let places = if may_be_id { places(&sessions) } else { BTreeSet::new() };
    let mut found: Vec<PathBuf> = places.iter().flat_map(|projects| by_beginning(projects, word)).collect();
    found.sort_by(|one, other| one.file_name().cmp(&other.file_name()));
    found.dedup_by(|one, other| one.file_name() == other.file_name());
    match (&found[..], picked) {
        ([path], Err(NotPicked::Unknown(_)) | Ok(_)) => Ok(Source {
            session: None,
            conversation: id_of(path).unwrap_or_default().to_owned(),
            path: Some(path.clone()),
        }),
        (_, Ok(session)) => of_session(session.clone()),
        ([_, _, ..], Err(NotPicked::Unknown(_))) => {
            let ids: Vec<&str> = found.iter().filter_map(|path| id_of(path)).collect();
            Err(error::several_conversations(&ids))
        }
        (_, Err(NotPicked::Unknown(word))) => Err(error::unknown(&word)),
        (_, Err(other)) => Err(other.among_all()),
    }
}

/// The conversation that a session has open, or had open last.
pub fn of_session(session: Session) -> Result<Source, UserError> {
    let Some(conversation) = session.record.conversation.clone() else {
        return Err(error::nothing_said(&session.word()));
    };
    let path = on_disk(&session, &conversation);
    Ok(Source { session: Some(session), conversation, path })
}

/// The transcript of a conversation of this session.
pub fn on_disk(session: &Session, conversation: &str) -> Option<PathBuf> {
    let cwd = session.record.claude_cwd().or_else(|| Some(cwd(session)));
    match transcript::find(&projects(session)?, conversation, cwd.as_deref()) {
        TranscriptOnDisk::Conversation(path) | TranscriptOnDisk::Unusable(path) => Some(path),
        _ => None,
    }
}

/// The nearest directory that is there of those in which a transcript of this session will appear.
pub fn folder(session: &Session) -> Option<PathBuf> {
    let cwd = session.record.claude_cwd().unwrap_or_else(|| cwd(session));
    let folder = projects(session)?.join(transcript::directory_name(&cwd));
    folder.ancestors().find(|folder| folder.is_dir()).map(Path::to_owned)
}

fn cwd(session: &Session) -> PathBuf {
    PathBuf::from(OsString::from(session.record.cwd.clone()))
}

/// Where claude keeps its conversations in this session.
fn projects(session: &Session) -> Option<PathBuf> {
    let own = session.record.claude_dir.clone();
    own.map(|own| PathBuf::from(OsString::from(own)).join("projects")).or_else(transcript::directory)
}

/// All places in which claude may have conversations: that of this command, and those of the sessions.
fn places(sessions: &[Session]) -> BTreeSet<PathBuf> {
    sessions.iter().filter_map(projects).chain(transcript::directory()).collect()
}
