//! Which session a word means.

use super::Session;
use crate::user_error::{UserError, selector};

/// The shortest part of an id that is taken for one, in characters.
const MIN_ID_CHARS: usize = 4;

/// Why no session was picked.
#[derive(Debug, PartialEq, Eq)]
pub enum NotPicked {
    None,
    /// None is meant by this word.
    Unknown(String),
    /// Several are meant, or nothing was said and there are several: these, by name.
    Several(Vec<String>),
}

impl NotPicked {
    /// The same, where ended sessions were to pick from too.
    pub fn among_all(&self) -> UserError {
        match self {
            Self::None => selector::none(),
            Self::Unknown(word) => selector::unknown(word),
            Self::Several(names) => selector::several(names),
        }
    }
}

impl From<&NotPicked> for UserError {
    /// Those that run were to pick from.
    fn from(error: &NotPicked) -> Self {
        match error {
            NotPicked::None => selector::none_running(),
            NotPicked::Unknown(word) => selector::unknown_running(word),
            NotPicked::Several(names) => selector::several_running(names),
        }
    }
}

/// The session that is meant: by its name, the beginning of its id or of its conversation's, or a pid of it.
/// Without a word the only one.
///
/// # Errors
/// When that is none, or several.
pub fn pick<'a>(sessions: &'a [Session], word: Option<&str>) -> Result<&'a Session, NotPicked> {
    let meant: Vec<&Session> = match word {
        None => sessions.iter().collect(),
        Some(word) => {
            // An exact name goes before everything that it might be the beginning of.
            let named: Vec<&Session> = sessions.iter().filter(|session| session.name == word).collect();
            if named.is_empty() {
                sessions.iter().filter(|session| means(session, word)).collect()
            } else {
                named
            }
        }
    };
    match (&meant[..], word) {
        ([one], _) => Ok(one),
        ([], None) => Err(NotPicked::None),
        ([], Some(word)) => Err(NotPicked::Unknown(word.to_owned())),
        (several, _) => Err(NotPicked::Several(several.iter().map(|session| session.name.clone()).collect())),
    }
}

fn means(session: &Session, word: &str) -> bool {
    let record = &session.record;
    let ids = std::iter::once(record.session.to_string()).chain(record.conversation.clone());
    if word.len() >= MIN_ID_CHARS && ids.into_iter().any(|id| id.starts_with(word)) {
        return true;
    }
    let pids = [Some(record.host_pid), record.client_pid, record.child_pid, record.claude_pid];
    word.parse().is_ok_and(|pid: i32| pids.contains(&Some(pid)))
}
