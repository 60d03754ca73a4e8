//! The record of a session on disk: `$XDG_STATE_HOME/cckw/<session>/session.json`.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::remote::Remote;
use crate::escape::escape;
use crate::paths;
use crate::platform::files;

pub use super::events::now;

/// The most that is read of a record, in bytes. Arguments alone can be 2 MiB long, and longer in JSON.
const LARGEST: u64 = 32 << 20;

/// What is known of a session, in a form that outlives its processes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The session's own id: the first conversation's, where cckw chose that.
    pub session: Uuid,
    /// What is kept.
    #[serde(default)]
    pub kind: Kind,
    /// The name given with `-n`.
    #[serde(default)]
    pub name: Option<String>,
    /// The conversation that claude has open now, as its state file says; nothing before claude said so
    /// and where the user chose the conversation.
    pub conversation: Option<String>,
    /// Every conversation that this session had open, oldest first.
    #[serde(default)]
    pub conversations: Vec<String>,
    /// Whether cckw chose the first conversation's id.
    pub pinned: bool,
    /// What the session is doing.
    pub state: State,
    /// What claude says it is doing (`idle`, `busy`, `waiting`…), word for word.
    #[serde(default)]
    pub status: Option<String>,
    /// What it waits for, where it is `waiting`: `permission prompt`, `dialog open`.
    #[serde(default)]
    pub waiting_for: Option<String>,
    /// A restart was asked for, and waits until claude is idle.
    #[serde(default)]
    pub restart_pending: bool,
    /// The conversation that could not be opened any more, where a new one was started instead.
    #[serde(default)]
    pub expired: Option<String>,
    /// How remote control stands.
    #[serde(default)]
    pub remote: Remote,
    /// The program that was started.
    pub program: Text,
    /// Its arguments.
    pub args: Vec<Text>,
    /// The directory that it was started in.
    pub cwd: Text,
    /// Device and inode of that directory, by which it is known under another name.
    #[serde(default)]
    pub cwd_inode: Option<(u64, u64)>,
    /// The directory that claude works in, as its state file says: a worktree of its own, for one.
    #[serde(default)]
    pub claude_cwd: Option<Text>,
    /// Tells one run of the machine from the next.
    #[serde(default)]
    pub boot: Option<String>,
    /// Claude's version, as its state file says.
    #[serde(default)]
    pub claude_version: Option<String>,
    /// The host's pid.
    pub host_pid: i32,
    /// The attached client's pid.
    #[serde(default)]
    pub client_pid: Option<i32>,
    /// The process that was started.
    #[serde(default)]
    pub child_pid: Option<i32>,
    /// The process that wrote the state file: the child, or one that it launched.
    #[serde(default)]
    pub claude_pid: Option<i32>,
    /// When that process started, as in its state file; tells it from a later process with its pid.
    #[serde(default)]
    pub claude_start: Option<String>,
    /// Seconds since 1970.
    pub started_at: u64,
    /// Seconds since 1970; nothing while it runs.
    #[serde(default)]
    pub ended_at: Option<u64>,
    /// How claude ended.
    #[serde(default)]
    pub exit: Option<Exit>,
    /// The conversations of which a transcript was seen: one that is missing later was there once.
    #[serde(default)]
    pub with_transcript: Vec<String>,
    /// How often claude was brought back.
    #[serde(default)]
    pub restarts: u32,
    /// The host's control socket.
    pub socket: Text,
}

/// What a session keeps.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Claude with a conversation.
    #[default]
    Conversation,
    /// The Remote Control server, `claude remote-control`, which has none of its own.
    Server,
}

/// What a session is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Claude was started and has not written a state file.
    Starting,
    /// Claude has written a state file.
    Running,
    /// Claude is stopped, by ctrl-z or a signal.
    Suspended,
    /// Claude has crashed, and is brought back.
    Restarting,
    /// Claude has crashed too often, and was given up.
    Crashed,
    /// Claude has ended.
    Stopped,
}

/// How claude ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Exit {
    /// With this exit code.
    Code(i32),
    /// By this signal.
    Signal(i32),
}

impl Exit {
    /// The status that a shell would show: the code, or 128 and the signal's number.
    pub fn status(self) -> u8 {
        match self {
            Self::Code(code) => code as u8,
            Self::Signal(number) => (128 + number) as u8,
        }
    }
}

/// A path or argument: a string where it is UTF-8, else its bytes. Nothing is lost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Text {
    /// UTF-8.
    String(String),
    /// Anything else.
    Bytes(Vec<u8>),
}

impl From<&OsStr> for Text {
    fn from(value: &OsStr) -> Self {
        value
            .to_str()
            .map_or_else(|| Self::Bytes(value.as_bytes().to_vec()), |text| Self::String(text.to_owned()))
    }
}

impl From<&Path> for Text {
    fn from(value: &Path) -> Self {
        value.as_os_str().into()
    }
}

impl From<Text> for OsString {
    fn from(value: Text) -> Self {
        match value {
            Text::String(text) => text.into(),
            Text::Bytes(bytes) => Self::from_vec(bytes),
        }
    }
}

/// The directory of one session.
///
/// # Errors
/// When there is no state directory.
pub fn directory(session: &Uuid) -> Result<PathBuf, paths::Unusable> {
    Ok(paths::state_dir()?.join(session.to_string()))
}

impl Record {
    /// Writes the record, whole or not at all.
    ///
    /// # Errors
    /// When the directory cannot be written.
    pub fn write(&self, directory: &Path) -> io::Result<()> {
        let mut contents = serde_json::to_vec_pretty(self)?;
        contents.push(b'\n');
        paths::write_atomically(&directory.join("session.json"), &contents)
    }

    /// Reads a record.
    ///
    /// # Errors
    /// When it is not there, or not a record.
    pub fn read(directory: &Path) -> io::Result<Self> {
        let path = directory.join("session.json");
        let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", escape(&path)));
        let contents = files::read_plain(&path, LARGEST).map_err(named)?;
        serde_json::from_slice(&contents).map_err(|error| named(error.into()))
    }

    /// The directory that claude works in, where it has said so.
    pub fn claude_cwd(&self) -> Option<PathBuf> {
        self.claude_cwd.clone().map(|cwd| PathBuf::from(OsString::from(cwd)))
    }

    /// Notes which conversation claude has open. True if that is news.
    pub fn follow(&mut self, conversation: &str) -> bool {
        if self.conversation.as_deref() == Some(conversation) {
            return false;
        }
        self.conversation = Some(conversation.to_owned());
        self.conversations.retain(|known| known != conversation);
        self.conversations.push(conversation.to_owned());
        true
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub fn example() -> Record {
        Record {
            session: Uuid::nil(),
            kind: Kind::default(),
            name: None,
            conversation: None,
            conversations: vec![],
            pinned: true,
            state: State::Starting,
            status: None,
            waiting_for: None,
            restart_pending: false,
            expired: None,
            remote: Remote::default(),
            program: Path::new("/bin/claude").into(),
            args: vec![OsStr::from_bytes(b"\xff\xfe").into(), OsStr::new("caf\u{e9}").into()],
            cwd: Path::new("/").into(),
            cwd_inode: None,
            claude_cwd: None,
            boot: None,
            claude_version: None,
            host_pid: 2,
            client_pid: None,
            child_pid: None,
            claude_pid: None,
            claude_start: None,
            started_at: 1,
            ended_at: None,
            exit: None,
            restarts: 0,
            with_transcript: vec![],
            socket: Path::new("/run/x.sock").into(),
        }
    }

    #[test]
    fn arguments_that_are_not_utf8_survive_the_disk() {
        let scratch = tempfile::tempdir().expect("a directory");
        let record = example();
        record.write(scratch.path()).expect("writes");
        let read = Record::read(scratch.path()).expect("reads");
        assert_eq!(read, record);
        assert_eq!(OsString::from(read.args[0].clone()), OsStr::from_bytes(b"\xff\xfe"));
    }

    #[test]
    fn the_latest_conversation_comes_last_and_once() {
        let mut record = example();
        assert!(record.follow("a"));
        assert!(!record.follow("a"));
        assert!(record.follow("b"));
        assert!(record.follow("a"));
        assert_eq!(
            (record.conversation.as_deref(), record.conversations),
            (Some("a"), vec!["b".into(), "a".into()])
        );
    }

    #[test]
    fn a_shell_s_status_for_both_ends() {
        assert_eq!((Exit::Code(3).status(), Exit::Signal(9).status()), (3, 137));
    }
}
