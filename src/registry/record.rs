//! The record of a session on disk: `$XDG_STATE_HOME/cckw/<session>/session.json`.

use crate::os::exit::Exit;
use crate::os::text::LosslessText;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use nix::unistd::Pid;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::broken_turn::BrokenTurn;
use super::link_record::LinkRecord;
use super::names;
use super::process_attributes::ProcessAttributes;
use crate::claude::state_file;
use crate::claude::transcript::turn::TurnStatus;
use crate::escape::escape;
use crate::os::{files, process};
use crate::paths;
use crate::user_error::UserError;

pub use super::event_log::now;

/// The most that is read of a record, in bytes. Arguments alone can be 2 MiB long, and longer in JSON.
pub const MAX_RECORD_BYTES: u64 = 32 << 20;

/// The version of the form. Fields may be added within a version; what exists keeps its meaning.
pub const RECORD_VERSION: u32 = 1;

/// The name of the record in the session's directory.
pub const FILE_NAME: &str = "session.json";
/// The name of the record as it was first written. It is what a record that was lost is rebuilt from.
pub const FIRST_FILE_NAME: &str = "first.json";

/// The longest arguments that are told whoever asks for the status, in bytes: a message of the control
/// protocol has a bound, and the arguments of a program can be longer. The record on disk has them all.
const MAX_SHOWN_ARGS: usize = 64 << 10;

/// What is known of a session, in a form that outlives its processes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The version of the form: [`RECORD_VERSION`], or nothing before there was one.
    #[serde(default)]
    pub version: u32,
    /// The session's own id: the first conversation's, where cckw chose that.
    pub session: Uuid,
    /// What is kept.
    #[serde(default)]
    pub kind: SessionKind,
    /// The name given with `-n`.
    #[serde(default)]
    pub name: Option<String>,
    /// What the session is called; nothing in the record of an earlier version. See [`Self::plain_name`].
    #[serde(default)]
    pub called: Option<GivenName>,
    /// The conversation that claude has open now, as its state file says; nothing before claude said so
    /// and where the user chose the conversation.
    pub conversation: Option<String>,
    /// The conversations that claude may open, as was decided when it was started, where the user chose one.
    /// The likeliest one comes first. Empty once claude has said which it is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub opening: Vec<String>,
    /// Every conversation that this session had open, oldest first.
    #[serde(default)]
    pub conversations: Vec<String>,
    /// Whether cckw chose the first conversation's id.
    pub pinned: bool,
    /// What the session is doing.
    pub state: SessionState,
    /// What claude says it is doing (`idle`, `busy`, `waiting`…), word for word.
    #[serde(default)]
    pub status: Option<String>,
    /// What it waits for, where it is `waiting`: `permission prompt`, `dialog open`.
    #[serde(default)]
    pub waiting_for: Option<String>,
    /// What claude asks before it begins, in one line, while it does so.
    #[serde(default)]
    pub asks_first: Option<String>,
    /// The background job of claude's that the conversation moved to: its id. It is to be ended before the
    /// conversation is opened again.
    #[serde(default)]
    pub background_job: Option<String>,
    /// Somebody has removed claude's state file, so that what claude does is not known.
    #[serde(default)]
    pub state_file_removed: bool,
    /// Claude's state file is there and says nothing (it is empty, cut, or cannot be read), so that what
    /// claude does is not known.
    #[serde(default)]
    pub state_file_unread: bool,
    /// Whether the system tells the host of no changed file, so that what claude does may be seen late.
    #[serde(default)]
    pub unwatched: bool,
    /// Why what is said is not on disk.
    #[serde(default)]
    pub transcript_problem: Option<String>,
    /// How the last turn stands, as the transcript said when claude came to rest. Its texts are cut.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turn: Option<TurnStatus>,
    /// The transcript was removed or cut while this claude had the conversation: what was said before is in
    /// its memory alone.
    #[serde(default)]
    pub transcript_cut: bool,
    /// Why claude was given up, where it was, in words.
    #[serde(default)]
    pub given_up: Option<String>,
    /// What claude wrote last, a string a line, where it ended with an error of its own before there was
    /// anything of a session.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub last_words: Vec<String>,
    /// Who else has the conversation open, in words.
    #[serde(default)]
    pub also_open: Option<String>,
    /// A restart was asked for, and waits until claude is idle.
    #[serde(default)]
    pub restart_pending: bool,
    /// The conversation that could not be opened any more, where a new one was started instead.
    #[serde(default)]
    pub expired: Option<String>,
    /// The conversation that was not found when a command brought the session back, which left it as it was.
    #[serde(default)]
    pub missing: Option<String>,
    /// What the user was told last, outside claude's screen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice: Option<Notice>,
    /// How remote control stands.
    #[serde(default)]
    pub remote: LinkRecord,
    /// The program that was started.
    pub program: LosslessText,
    /// Its arguments.
    pub args: Vec<LosslessText>,
    /// The directory that it was started in.
    pub cwd: LosslessText,
    /// What else it inherited; nothing in the record of an earlier version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attributes: Option<ProcessAttributes>,
    /// Device and inode of that directory, by which it is known under another name.
    #[serde(default)]
    pub cwd_inode: Option<(u64, u64)>,
    /// The directory that claude works in, as its state file says: a worktree of its own, for one.
    #[serde(default)]
    pub claude_cwd: Option<LosslessText>,
    /// Where claude keeps its files in this session: its `CLAUDE_CONFIG_DIR`, or what stands for it.
    #[serde(default)]
    pub claude_dir: Option<LosslessText>,
    /// Tells one run of the machine from the next.
    #[serde(default)]
    pub boot: Option<String>,
    /// Claude's version, as its state file says.
    #[serde(default)]
    pub claude_version: Option<String>,
    /// The host's pid.
    pub host_pid: i32,
    /// When the host started; tells it from a later process with its pid.
    #[serde(default)]
    pub host_start: Option<String>,
    /// The path by which its program is known: another file that stands there is a newer one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_program: Option<LosslessText>,
    /// The attached client's pid.
    #[serde(default)]
    pub client_pid: Option<i32>,
    /// When that client started; tells it from a later process with its pid.
    #[serde(default)]
    pub client_start: Option<String>,
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
    /// The last turn, if it broke off and nobody has gone on with it.
    #[serde(default)]
    pub broken_turn: Option<BrokenTurn>,
    /// How often in a row claude has gone on by itself with a turn that broke off.
    #[serde(default)]
    pub turn_tries: u32,
    /// How often claude has gone on with a turn that broke off.
    #[serde(default)]
    pub turns_continued: u32,
    /// How often claude was brought back.
    #[serde(default)]
    pub restarts: u32,
    /// How many of these somebody asked for: `cckw restart`, `cckw start`.
    #[serde(default)]
    pub asked_restarts: u32,
    /// The host's control socket.
    pub socket: LosslessText,
    /// The session's directory, by the path that its host uses. Under another path, with the host alive, it
    /// is a copy, or was moved away.
    #[serde(default)]
    pub directory: Option<LosslessText>,
    /// What a newer version has written, and this one does not know. It is written again as it is.
    #[serde(skip)]
    pub unknown: serde_json::Map<String, serde_json::Value>,
}

/// The name that a session has, from its start to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GivenName {
    /// The name. No other session has it that has not ended.
    pub name: String,
    /// What the user wants it to be called, by `-n` or by claude's `/rename`; nothing where its directory
    /// names it.
    #[serde(default)]
    pub wanted: Option<String>,
    /// Since when it has the name, in milliseconds since 1970: two sessions may begin and end in one second.
    #[serde(default)]
    pub since_ms: u64,
    /// Claude has not heard of it: it was given by `cckw rename`. Claude gets it with its next launch.
    #[serde(default, skip_serializing_if = "is_false")]
    pub to_tell: bool,
}

fn is_false(value: &bool) -> bool {
    !value
}

/// Something that the user was told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// When, in seconds since 1970.
    pub at: u64,
    /// In words, with the time of day.
    pub text: String,
}

/// What a session keeps.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SessionKind {
    /// Claude with a conversation.
    #[default]
    Conversation,
    /// The Remote Control server, `claude remote-control`, which has none of its own.
    Server,
}

/// What a session is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SessionState {
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
    /// The host was told to end by SIGTERM: the machine went down, or its login did. `cckw start --all`
    /// brings it back.
    Terminated,
    /// Claude has ended.
    Stopped,
}

/// The directory of one session.
///
/// # Errors
/// When there is no state directory.
pub fn directory(session: &Uuid) -> Result<PathBuf, UserError> {
    Ok(paths::state_dir()?.join(session.to_string()))
}

/// The path of the record in a session's directory.
pub fn path(directory: &Path) -> PathBuf {
    directory.join(FILE_NAME)
}

impl Record {
    /// The record of a session of which nothing else is known.
    pub fn of(session: Uuid) -> Self {
        let nothing = || LosslessText::from(Path::new(""));
        Self {
            version: RECORD_VERSION,
            session,
            kind: SessionKind::default(),
            name: None,
            called: None,
            conversation: None,
            opening: vec![],
            conversations: vec![],
            pinned: false,
            state: SessionState::Starting,
            status: None,
            waiting_for: None,
            asks_first: None,
            background_job: None,
            state_file_removed: false,
            state_file_unread: false,
            unwatched: false,
            transcript_problem: None,
            turn: None,
            transcript_cut: false,
            given_up: None,
            last_words: vec![],
            also_open: None,
            restart_pending: false,
            expired: None,
            missing: None,
            notice: None,
            remote: LinkRecord::default(),
            program: nothing(),
            args: vec![],
            cwd: nothing(),
            attributes: None,
            cwd_inode: None,
            claude_cwd: None,
            claude_dir: None,
            boot: None,
            claude_version: None,
            host_pid: 0,
            host_start: None,
            host_program: None,
            client_pid: None,
            client_start: None,
            child_pid: None,
            claude_pid: None,
            claude_start: None,
            started_at: 0,
            ended_at: None,
            exit: None,
            broken_turn: None,
            turn_tries: 0,
            turns_continued: 0,
            restarts: 0,
            asked_restarts: 0,
            with_transcript: vec![],
            socket: nothing(),
            directory: None,
            unknown: serde_json::Map::new(),
        }
    }

    /// Whether the host that has written this is alive. Another process with its pid is not, nor is one that
    /// was killed and has not come to its end: its sockets and its lock may be free by then.
    pub fn host_lives(&self) -> bool {
        let same_boot = self.boot.is_some() && self.boot == process::boot();
        let start = self.host_start.as_ref().filter(|_| same_boot && self.host_pid > 0);
        start.is_some_and(|start| {
            let pid = Pid::from_raw(self.host_pid);
            process::look_up(pid).is_some_and(|host| host.start == *start) && !process::is_exiting(pid)
        })
    }

    /// Writes the record, whole or not at all, and waits until it is on the disk.
    ///
    /// # Errors
    /// When the directory cannot be written.
    pub fn write(&self, directory: &Path) -> io::Result<()> {
        self.write_and_identify(directory).map(drop)
    }

    /// The same. Gives the metadata of the file, as [`paths::write_and_identify`].
    ///
    /// # Errors
    /// As `write`.
    pub fn write_and_identify(&self, directory: &Path) -> io::Result<fs::Metadata> {
        let written = paths::write_and_identify(&path(directory), &self.contents()?)?;
        keep_first(directory);
        Ok(written)
    }

    /// The same without waiting for the disk: for the record that is written before claude is started. The
    /// journal makes it durable a moment later.
    ///
    /// # Errors
    /// As `write`.
    pub fn write_unsynced(&self, directory: &Path) -> io::Result<()> {
        paths::write_unsynced(&path(directory), &self.contents()?)
    }

    fn contents(&self) -> io::Result<Vec<u8>> {
        let mut contents = if self.unknown.is_empty() {
            serde_json::to_vec_pretty(self)?
        } else {
            let mut all = self.unknown.clone();
            if let serde_json::Value::Object(known) = serde_json::to_value(self)? {
                all.extend(known);
            }
            serde_json::to_vec_pretty(&all)?
        };
        contents.push(b'\n');
        Ok(contents)
    }

    /// Reads a record.
    ///
    /// # Errors
    /// When it is not there, or not a record.
    pub fn read(directory: &Path) -> io::Result<Self> {
        Self::read_file(&path(directory))
    }

    /// Reads a record from a file of any name.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn read_file(path: &Path) -> io::Result<Self> {
        let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", escape(path)));
        let contents = files::read_plain(path, MAX_RECORD_BYTES).map_err(named)?;
        serde_json::from_slice(&contents).map_err(|error| named(error.into()))
    }

    /// How often claude was brought back although nobody asked for it: after a crash, or another host's end.
    pub fn unasked_restarts(&self) -> u32 {
        self.restarts.saturating_sub(self.asked_restarts)
    }

    /// The name that the session was given; nothing where an earlier version has written the record.
    pub fn own_name(&self) -> Option<&str> {
        self.called.as_ref().map(|called| called.name.as_str())
    }

    /// What the session is called. Others that have ended, or that an earlier version has started, may be
    /// called so, too.
    pub fn plain_name(&self) -> String {
        self.own_name().map_or_else(|| self.wanted_name(None), names::typable)
    }

    /// What the session would be called if there was no other one: what the user wants, as this name has it
    /// or else as `-n` said, or what its directory is called.
    pub fn wanted_name(&self, called: Option<&GivenName>) -> String {
        let wanted = called.map_or(self.name.as_deref(), |called| called.wanted.as_deref());
        if let Some(name) = wanted.and_then(names::tidy) {
            return names::typable(&name);
        }
        let cwd = PathBuf::from(OsString::from(self.cwd.clone()));
        match cwd.file_name() {
            Some(name) => names::typable(&name.to_string_lossy()),
            // Of a record that was lost the directory may be unknown.
            None if cwd.as_os_str().is_empty() => self.session.to_string(),
            None => "session".into(),
        }
    }

    /// What the user has renamed the session to, after it was started; nothing where that was not done.
    pub fn renamed_to(&self) -> Option<&str> {
        let wanted = self.called.as_ref()?.wanted.as_deref();
        wanted.filter(|wanted| self.name.as_deref().and_then(names::tidy).as_deref() != Some(*wanted))
    }

    /// The directory that claude works in, where it has said so.
    pub fn claude_cwd(&self) -> Option<PathBuf> {
        self.claude_cwd.clone().map(|cwd| PathBuf::from(OsString::from(cwd)))
    }

    /// The record for whoever asks for the status: without the arguments where these are very long.
    pub fn to_show(&self) -> serde_json::Value {
        let length = |text: &LosslessText| match text {
            LosslessText::String(text) => text.len(),
            LosslessText::Bytes(bytes) => bytes.len() * 4,
        };
        if self.args.iter().map(length).sum::<usize>() <= MAX_SHOWN_ARGS {
            return serde_json::to_value(self).unwrap_or_default();
        }
        serde_json::to_value(Self { args: vec![], ..self.clone() }).unwrap_or_default()
    }

    /// Notes which client is attached, if any.
    pub fn set_client(&mut self, client: Option<i32>) {
        self.client_pid = client;
        self.client_start =
            client.and_then(|pid| process::look_up(Pid::from_raw(pid))).map(|found| found.start);
    }

    /// Whether the client that it names lives. Of a record that does not say when it started, the pid alone
    /// counts.
    pub fn client_lives(&self) -> bool {
        let found = self.client_pid.and_then(|pid| process::look_up(Pid::from_raw(pid)));
        found.is_some_and(|found| {
            self.client_start.as_ref().is_none_or(|start| process::is_same_start(start, &found.start))
        })
    }

    /// Whether claude was in a turn when it was last heard of.
    pub fn is_in_turn(&self) -> bool {
        let status = self.status.as_deref();
        self.kind == SessionKind::Conversation
            && self.ended_at.is_none()
            && status.is_some_and(|status| state_file::is_in_turn(status, self.waiting_for.as_deref()))
    }

    /// Notes which conversation claude has open. True if that is news.
    pub fn follow(&mut self, conversation: &str) -> bool {
        if self.conversation.as_deref() == Some(conversation) {
            return false;
        }
        self.conversation = Some(conversation.to_owned());
        self.opening.clear();
        self.conversations.retain(|known| known != conversation);
        self.conversations.push(conversation.to_owned());
        true
    }
}

/// Lets the record as it is now have a second name, where there is no first record yet. The next one is
/// another file.
fn keep_first(directory: &Path) {
    let first = directory.join(FIRST_FILE_NAME);
    if fs::symlink_metadata(&first).is_err() && fs::hard_link(path(directory), &first).is_err() {
        // A file system without hard links.
        if let Ok(contents) = files::read_plain(&path(directory), MAX_RECORD_BYTES) {
            let _ = paths::write_atomically(&first, &contents);
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    use super::*;

    pub fn example() -> Record {
        Record {
            pinned: true,
            program: Path::new("/bin/claude").into(),
            args: vec![OsStr::from_bytes(b"\xff\xfe").into(), OsStr::new("caf\u{e9}").into()],
            cwd: Path::new("/").into(),
            host_pid: 2,
            started_at: 1,
            socket: Path::new("/run/x.sock").into(),
            ..Record::of(Uuid::nil())
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
    fn no_session_is_called_like_one_on_another_machine() {
        let called = |name: &str| {
            let (name, wanted) = (name.to_owned(), Some(name.to_owned()));
            Some(GivenName { name, wanted, since_ms: 0, to_tell: false })
        };
        // As an earlier version has written it.
        let given = Record { called: called("box:api"), ..example() };
        let with_flag = Record { name: Some("box:api".into()), ..example() };
        let in_directory = Record { cwd: Path::new("/src/box:api").into(), ..example() };
        for record in [&given, &with_flag, &in_directory] {
            assert_eq!(record.plain_name(), "box-api");
        }
        // Claude's title stays as its user has it.
        assert_eq!(given.renamed_to(), Some("box:api"));
    }

    #[test]
    fn very_long_arguments_are_not_told_with_the_status() {
        let mut record = example();
        assert_eq!(record.to_show()["args"].as_array().map(Vec::len), Some(2));
        record.args.push(OsStr::new(&"x".repeat(MAX_SHOWN_ARGS)).into());
        let shown = record.to_show();
        assert_eq!(shown["args"], serde_json::json!([]));
        assert_eq!(shown["session"], serde_json::json!(record.session));
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
