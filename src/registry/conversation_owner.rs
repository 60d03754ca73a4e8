//! Who has a conversation open: a second claude would write into it too, and each would lose what the other
//! says.

use std::fmt;
use std::path::PathBuf;

use uuid::Uuid;

use super::log_event::OpenElsewhere;
use super::next_conversation;
use super::{Session, sessions, with_host};
use crate::claude::background_job::is_job_id;
use crate::claude::running;
use crate::claude::running::RunningClaude;
use crate::claude::state_file;
use crate::claude::transcript;
use crate::claude::transcript::TranscriptOnDisk;
use crate::escape::escape;
use crate::os::process;
use crate::registry::record::{Record, SessionState};
use crate::user_error::{UserError, session};

#[derive(Debug, Clone)]
pub struct ConversationOwner {
    conversation: String,
    /// Its claude; nothing while the session that has it is only about to start one.
    claude: Option<RunningClaude>,
    session: Option<Session>,
}

impl ConversationOwner {
    /// Whoever has this conversation open, or is about to: a live claude, whoever started it, or another
    /// session of cckw than `own`.
    ///
    /// For a session of cckw its lock and its record are evidence enough, whatever it does at the moment:
    /// claude's state file may have been removed by somebody, and the processes of another PID namespace with
    /// the same home cannot be seen from here.
    ///
    /// Of two starts at the same moment the hosts see each other, which take turns at this.
    pub fn of(conversation: &str, own: Option<&Uuid>) -> Option<Self> {
        let live = || Self::live(conversation, |_| true);
        // A session's record says that it has come up a moment after claude's state file does, so whoever
        // looks at one and then at the other may see neither, or a claude that is nobody's.
        live()
            .filter(|holder| holder.session.is_some())
            .or_else(|| Self::recorded(conversation, |record| own != Some(&record.session)))
            .or_else(live)
    }

    /// Who keeps the session of this record from bringing its claude back: a live claude that `counts` holds
    /// for, or another session whose record names the conversation. Of two sessions that both wait to bring
    /// it back, the older one may.
    pub fn against(
        conversation: &str,
        own: &Record,
        counts: impl Fn(&RunningClaude) -> bool,
    ) -> Option<Self> {
        let age = |record: &Record| (record.started_at, record.session);
        let waits = |record: &Record| record.state == SessionState::Restarting && record.child_pid.is_none();
        let rivals =
            |record: &Record| record.session != own.session && (!waits(record) || age(record) < age(own));
        Self::live(conversation, counts).or_else(|| Self::recorded(conversation, rivals))
    }

    /// The session of cckw whose host has its lock and whose record names the conversation.
    fn recorded(conversation: &str, counts: impl Fn(&Record) -> bool) -> Option<Self> {
        let names = |record: &Record| {
            counts(record) && next_conversation::candidates(record).iter().any(|id| id == conversation)
        };
        let session = session(names)?;
        Some(Self { conversation: conversation.to_owned(), claude: None, session: Some(session) })
    }

    /// The live claude that has it open, of those that `counts` holds for.
    pub fn live(conversation: &str, counts: impl Fn(&RunningClaude) -> bool) -> Option<Self> {
        let found = running::with_conversation(&state_file::directory()?, conversation);
        let claude = found.into_iter().find(counts)?;
        let pid = Some(claude.pid.as_raw());
        let session = session(|record| {
            let is_same = |start: &String| process::is_same_start(start, &claude.start);
            record.claude_pid == pid && record.claude_start.as_ref().is_some_and(is_same)
                // Its host has not yet read what claude has written of itself.
                || record.child_pid == pid
                || claude.job.is_some() && record.background_job == claude.job
        });
        Some(Self { conversation: conversation.to_owned(), claude: Some(claude), session })
    }

    /// The conversation.
    pub fn conversation(&self) -> &str {
        &self.conversation
    }

    /// The session that has it, where that goes on without a terminal and can be taken.
    pub fn without_terminal(&self) -> Option<&Session> {
        self.session.as_ref().filter(|session| session.record.client_pid.is_none() && session.is_running)
    }

    /// For the log.
    pub fn details(&self) -> OpenElsewhere {
        OpenElsewhere {
            conversation: self.conversation.clone(),
            pid: self.claude.as_ref().map(|claude| claude.pid.as_raw()),
            session: self.session.as_ref().map(|session| session.record.session),
        }
    }

    /// Why the conversation is not opened, and what to do.
    pub fn error(&self) -> UserError {
        session::is_open_elsewhere(self, &self.advice())
    }

    /// The same in words, for a terminal that a host writes to.
    pub fn refusal(&self) -> String {
        self.error().to_string()
    }

    /// Whether there is a transcript, as far as can be said.
    fn is_on_disk(&self) -> bool {
        let of_session = self
            .session
            .as_ref()
            .and_then(|session| session.record.claude_dir.clone())
            .map(|directory| PathBuf::from(std::ffi::OsString::from(directory)).join("projects"));
        let Some(projects) = of_session.or_else(transcript::directory) else { return true };
        transcript::find(&projects, &self.conversation, None) != TranscriptOnDisk::Nothing
    }

    /// What the user can do.
    fn advice(&self) -> String {
        // Claude copies nothing in which nothing was said.
        let copy = match self.is_on_disk() {
            true => format!("; for a copy of it: claude --resume {} --fork-session", self.conversation),
            false => String::new(),
        };
        let job = self.claude.as_ref().and_then(|claude| claude.job.as_deref()).filter(|job| is_job_id(job));
        match (&self.session, job) {
            (Some(session), _) => format!("to take it: cckw attach {}{copy}", session.word()),
            (None, Some(job)) => {
                format!("to open it: claude attach {job}; to end it there: claude stop {job}{copy}")
            }
            (None, None) => format!("go on there, or end it and try again{copy}"),
        }
    }
}

/// Whether a claude runs or is about to, other than that of the session `own`: it may write into any
/// conversation at any moment.
pub fn another_claude_runs(own: &Uuid) -> bool {
    let has_session = || with_host().is_ok_and(|all| all.iter().any(|other| other.record.session != *own));
    state_file::directory().is_some_and(|sessions| running::any(&sessions)) || has_session()
}

/// Who it is: `session work (process 4711 in /home/you/work, detached)`, `another claude (…)`.
impl fmt::Display for ConversationOwner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cwd = self.claude.as_ref().and_then(|claude| claude.cwd.clone());
        let cwd = cwd.or_else(|| {
            Some(PathBuf::from(std::ffi::OsString::from(self.session.as_ref()?.record.cwd.clone())))
        });
        match &self.session {
            Some(session) => write!(f, "session {} (", escape(&session.name))?,
            None if self.claude.as_ref().is_some_and(|claude| claude.job.is_some()) => {
                f.write_str("a background job of claude's (")?;
            }
            None => f.write_str("another claude (")?,
        }
        match &self.claude {
            Some(claude) => write!(f, "process {}", claude.pid)?,
            None => {
                f.write_str(self.session.as_ref().map_or(
                    "just starting",
                    |session| match session.record.state {
                        SessionState::Starting | SessionState::Restarting => "just starting",
                        SessionState::Suspended => "suspended",
                        _ => "its claude cannot be seen from here",
                    },
                ))?
            }
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

/// The session that has a host and whose record this holds for, with the name that `cckw list` gives it.
fn session(holds: impl Fn(&Record) -> bool) -> Option<Session> {
    let found = with_host().ok()?.into_iter().find(|session| holds(&session.record))?;
    let all = sessions().unwrap_or_default();
    let named = all.into_iter().find(|session| session.record.session == found.record.session);
    Some(named.unwrap_or(found))
}
