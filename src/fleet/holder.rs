//! Who has a conversation open: a second claude would write into it too, and each would lose what the other says.

use std::fmt;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::{Session, connect, sessions, waiting};
use crate::claude::live::{self, Live};
use crate::claude::state_file;
use crate::escape::escape;
use crate::session::record::{Record, State};
use crate::session::revive;

/// Who has a conversation.
#[derive(Debug, Clone)]
pub struct Holder {
    conversation: String,
    /// Its claude; nothing while the session that has it is only about to start one.
    claude: Option<Live>,
    session: Option<Session>,
}

impl Holder {
    /// Whoever has this conversation open, or is about to: a live claude, whoever started it, or a session of cckw whose
    /// claude is starting or coming back.
    ///
    /// Of two starts at the same moment the hosts see each other, which take turns at this.
    pub fn of(conversation: &str) -> Option<Self> {
        let live = || Self::live(conversation, |_| true);
        // A session's record says that it has come up a moment after claude's state file does, so whoever looks at one and then
        // at the other may see neither, or a claude that is nobody's.
        live()
            .filter(|holder| holder.session.is_some())
            .or_else(|| Self::starting(conversation))
            .or_else(live)
    }

    /// The session of cckw that is about to open it.
    fn starting(conversation: &str) -> Option<Self> {
        let has_it = |record: &Record| {
            matches!(record.state, State::Starting | State::Restarting)
                && revive::conversation(record).as_deref() == Some(conversation)
        };
        let record = waiting::with_sockets().find(|record| has_it(record) && connect(record).is_some())?;
        let session = session(|other| other.session == record.session);
        Some(Self { conversation: conversation.to_owned(), claude: None, session })
    }

    /// The live claude that has it open, of those that `counts` holds for.
    pub fn live(conversation: &str, counts: impl Fn(&Live) -> bool) -> Option<Self> {
        let found = live::with_conversation(&state_file::directory()?, conversation);
        let claude = found.into_iter().find(counts)?;
        let pid = Some(claude.pid.as_raw());
        let session =
            session(|record| record.claude_pid == pid && record.claude_start.as_ref() == Some(&claude.start));
        Some(Self { conversation: conversation.to_owned(), claude: Some(claude), session })
    }

    /// For the log.
    pub fn details(&self) -> Value {
        json!({
            "conversation": self.conversation,
            "pid": self.claude.as_ref().map(|claude| claude.pid.as_raw()),
            "session": self.session.as_ref().map(|session| session.record.session),
        })
    }

    /// Why the conversation is not opened, and what to do.
    pub fn refusal(&self) -> String {
        format!("the conversation is open in {self} already, and is not opened twice; {}", self.advice())
    }

    /// What the user can do.
    fn advice(&self) -> String {
        let copy = format!("for a copy of it: claude --resume {} --fork-session", self.conversation);
        match &self.session {
            Some(session) => format!("to take it: cckw attach {}; {copy}", session.word()),
            None => format!("go on there, or end it and try again; {copy}"),
        }
    }
}

/// Who it is: `session work (process 4711 in /home/you/work, detached)`, `another claude (…)`.
impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cwd = self.claude.as_ref().and_then(|claude| claude.cwd.clone());
        let cwd = cwd.or_else(|| {
            Some(PathBuf::from(std::ffi::OsString::from(self.session.as_ref()?.record.cwd.clone())))
        });
        match &self.session {
            Some(session) => write!(f, "session {} (", escape(&session.name))?,
            None => f.write_str("another claude (")?,
        }
        match &self.claude {
            Some(claude) => write!(f, "process {}", claude.pid)?,
            None => f.write_str("just starting")?,
        }
        if let Some(cwd) = cwd {
            write!(f, " in {}", escape(&cwd))?;
        }
        if let Some(session) = &self.session {
            f.write_str(if session.record.client_pid.is_some() { ", attached" } else { ", detached" })?;
        }
        f.write_str(")")
    }
}

/// The session that runs and whose record this holds for.
fn session(holds: impl Fn(&Record) -> bool) -> Option<Session> {
    sessions().ok()?.into_iter().find(|session| session.is_running && holds(&session.record))
}
