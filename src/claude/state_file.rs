//! Claude's state file: `sessions/PID.json` in its configuration directory.
//!
//! Undocumented, as observed with Claude Code 2.1.329; it is rewritten in place, so a reader can meet half of
//! it. What is missing or of another type than expected is taken as not known, never as an error.

use std::fmt;
use std::fs;
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use nix::unistd::Pid;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::os::process;

/// The most that is read of a state file, in bytes. Those that were seen had less than one KiB.
const MAX_STATE_FILE_BYTES: u64 = 1 << 20;
/// More than those have, in bytes.
const USUAL_STATE_FILE_BYTES: usize = 8 << 10;

/// Whether this value of `status` means an idle prompt.
pub fn is_rest(status: &str) -> bool {
    matches!(status, "idle" | "shell")
}

/// Whether claude is in a turn that its end would break off: it works, or asks something in the middle of it.
pub fn is_in_turn(status: &str, waiting_for: Option<&str>) -> bool {
    status == "busy" || status == "waiting" && waiting_for != Some(OPENED_DIALOG)
}

/// What `waitingFor` says while a dialog is open that the user has opened (`/config`, `/model`).
pub const OPENED_DIALOG: &str = "dialog open";

/// What a state file says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StateFile {
    /// The process that it is about, which also names the file.
    pub pid: Option<i64>,
    /// The conversation that is open now; `/clear` and `/resume` change it.
    pub session_id: Option<String>,
    /// When claude came up, in milliseconds since 1970.
    pub started_at: Option<u64>,
    /// When the process started, in the unit of `process::Process::start`.
    pub proc_start: Option<String>,
    /// Claude's version.
    pub version: Option<String>,
    /// `idle`, `busy`, `waiting`, `shell`, or something newer.
    pub status: Option<String>,
    /// What `waiting` waits for.
    pub waiting_for: Option<String>,
    /// The directory that claude works in.
    pub cwd: Option<PathBuf>,
    /// `interactive`, or what else a session can be.
    pub kind: Option<String>,
    /// What the session was started from; `cli` is a terminal.
    pub entrypoint: Option<String>,
    /// The background job that the conversation moved to when the agents view was opened. With 2.1.332 it
    /// stays until the process ends; see [`background_job`](super::background_job).
    pub parked_job_id: Option<String>,
    /// The background job that this process is.
    pub job_id: Option<String>,
    /// What claude calls its session.
    pub name: Option<String>,
    /// Where that name comes from: `user`, `derived` (from the directory), `auto` (from what is said),
    /// `collision` (another claude has the user's name), or something newer.
    pub name_source: Option<String>,
    /// The link of remote control.
    pub bridge: BridgeId,
}

/// `bridgeSessionId`, as `claude-connection-keeper` 0.1.0 (PyPI) reports it; it could not be seen here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum BridgeId {
    /// Missing, null or empty: claude clears it in more than one way.
    #[default]
    Absent,
    /// The bridge's id.
    Id(String),
    /// Something that is no string, or none that can be read.
    Odd,
}

impl StateFile {
    /// Reads what a state file holds; nothing when it is not (yet) a JSON object.
    ///
    /// Only the values that are wanted are looked into: one elsewhere that no parser likes (half of a
    /// surrogate pair in a name that JavaScript has cut, a number beyond all bounds) does not spoil the rest.
    pub fn parse(contents: &[u8]) -> Option<Self> {
        let contents = str::from_utf8(contents).ok()?;
        let Values(values) = serde_json::from_str(contents).ok()?;
        let value = |key: &str| values[KEYS.iter().position(|known| *known == key)?];
        let raw = |key: &str| value(key).map(RawValue::get).filter(|value| *value != "null");
        let string = |key: &str| serde_json::from_str::<String>(raw(key)?).ok();
        let text = |key: &str| string(key).filter(|text| !text.is_empty());
        // Something that is no string.
        let odd = |key: &str| raw(key).filter(|value| !value.starts_with('"')).map(str::to_owned);
        Some(Self {
            // Seen without the key too, and as a number only.
            pid: raw("pid").and_then(|pid| pid.parse().ok()),
            session_id: text("sessionId"),
            started_at: raw("startedAt").and_then(|at| at.parse().ok()),
            // Seen as a string; a number would mean the same.
            proc_start: text("procStart").or_else(|| odd("procStart").filter(|start| is_number(start))),
            version: text("version"),
            status: text("status"),
            waiting_for: text("waitingFor"),
            cwd: text("cwd").map(PathBuf::from),
            kind: text("kind"),
            entrypoint: text("entrypoint"),
            // Whatever it is: it is not the absence of one.
            parked_job_id: text("parkedJobId").or_else(|| odd("parkedJobId")),
            job_id: text("jobId"),
            name: text("name"),
            name_source: text("nameSource"),
            bridge: match text("bridgeSessionId") {
                Some(id) => BridgeId::Id(id),
                None if raw("bridgeSessionId").is_some_and(|value| value != r#""""#) => BridgeId::Odd,
                None => BridgeId::Absent,
            },
        })
    }

    /// Whether claude has come up. Until then there is no status, and the conversation is a guess: with
    /// `--continue`, and while `--resume` lets the user choose, the file names one that is never begun; with
    /// an id that does not exist it names that id, and is gone a moment later.
    pub fn settled(&self) -> bool {
        self.status.is_some()
    }

    /// The name that the user gave claude's session, by `-n` or `/rename`.
    pub fn user_name(&self) -> Option<&str> {
        self.name.as_deref().filter(|_| self.name_source.as_deref() == Some("user"))
    }

    /// Whether claude waits for a prompt. With the status `shell` a command runs in the background, and the
    /// prompt is idle (seen with 2.1.332).
    pub fn is_at_rest(&self) -> bool {
        self.status.as_deref().is_some_and(is_rest)
    }

    /// Reads a state file from disk; nothing when it is gone, half-written, no plain file, or larger than any
    /// of claude's.
    pub fn read(path: &Path) -> Option<Self> {
        // Somebody may have put a pipe there, which would keep its reader waiting.
        let mut file = fs::OpenOptions::new()
            .read(true)
            .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY)
            .open(path)
            .ok()?;
        let metadata = file.metadata().ok()?;
        if !metadata.is_file() || metadata.len() > MAX_STATE_FILE_BYTES {
            return None;
        }
        // Nearly every one fits, and one read brings it, and its end.
        let mut usual = [0; USUAL_STATE_FILE_BYTES];
        let length = file.read(&mut usual).ok()?;
        if length < USUAL_STATE_FILE_BYTES {
            return Self::parse(&usual[..length]);
        }
        let mut contents = usual.to_vec();
        file.take(MAX_STATE_FILE_BYTES).read_to_end(&mut contents).ok()?;
        Self::parse(&contents)
    }
}

/// What is wanted of a state file.
const KEYS: [&str; 15] = [
    "pid",
    "sessionId",
    "startedAt",
    "procStart",
    "version",
    "status",
    "waitingFor",
    "cwd",
    "kind",
    "entrypoint",
    "parkedJobId",
    "jobId",
    "name",
    "nameSource",
    "bridgeSessionId",
];

/// The values of these keys, as they stand there.
struct Values<'a>([Option<&'a RawValue>; KEYS.len()]);

impl<'de> Deserialize<'de> for Values<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(StateFileObject)
    }
}

struct StateFileObject;

impl<'de> Visitor<'de> for StateFileObject {
    type Value = Values<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut values = [None; KEYS.len()];
        while let Some(WantedKey(key)) = map.next_key()? {
            let value: &RawValue = map.next_value()?;
            // Of a key that stands there twice the last one counts, as in JavaScript.
            if let Some(at) = key {
                values[at] = Some(value);
            }
        }
        Ok(Values(values))
    }
}

/// Where a key stands in [`KEYS`], if it is wanted.
struct WantedKey(Option<usize>);

impl<'de> Deserialize<'de> for WantedKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Name;
        impl Visitor<'_> for Name {
            type Value = WantedKey;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }

            fn visit_str<E>(self, name: &str) -> Result<WantedKey, E> {
                Ok(WantedKey(KEYS.iter().position(|known| *known == name)))
            }
        }
        deserializer.deserialize_identifier(Name)
    }
}

fn is_number(text: &str) -> bool {
    text.starts_with(|c: char| c == '-' || c.is_ascii_digit())
}

/// The folder of the state files in claude's configuration directory.
pub const SESSIONS: &str = "sessions";

/// `$CLAUDE_CONFIG_DIR/sessions`, else `~/.claude/sessions`. It may not exist yet.
pub fn directory() -> Option<PathBuf> {
    Some(super::config_dir()?.join(SESSIONS))
}

/// The pid that a state file is named after.
pub fn pid_of(path: &Path) -> Option<Pid> {
    if path.extension()? != "json" {
        return None;
    }
    path.file_stem()?.to_str()?.parse().ok().filter(|pid| *pid > 0).map(Pid::from_raw)
}

/// How far below `child` the live process is that wrote this file; nothing when it is not below it, when the
/// file is left over from an earlier process with that pid, or when it is a background job: claude's daemon,
/// which starts those, is itself a child of the first claude that needed it.
pub fn distance(path: &Path, child: Pid) -> Option<usize> {
    let pid = pid_of(path)?;
    let distance = process::distance(pid, child)?;
    let file = StateFile::read(path)?;
    let claimed = file.proc_start.filter(|_| file.job_id.is_none())?;
    let live = process::look_up(pid)?;
    process::is_same_start(&claimed, &live.start).then_some(distance)
}

/// The state file that `child`, or the nearest process below it, has written.
pub fn find(directory: &Path, child: Pid) -> Option<PathBuf> {
    let entries = fs::read_dir(directory).ok()?;
    let found = entries.flatten().filter_map(|entry| {
        let path = entry.path();
        distance(&path, child).map(|distance| (distance, path))
    });
    found.min().map(|(_, path)| path)
}

#[cfg(test)]
mod tests {
    use std::process::{Child, Command, Stdio};

    use proptest::prelude::*;

    use super::*;

    /// Shaped as Claude Code 2.1.329 wrote it, with made-up values.
    const SEEN: &str = r#"{"pid":7,"sessionId":"0b0e","cwd":"/w","startedAt":1763700000000,"procStart":"4711","version":"2.1.329",
        "kind":"interactive","entrypoint":"cli","status":"waiting","waitingFor":"dialog open","updatedAt":1,"later":{}}"#;

    #[test]
    fn what_was_seen_is_understood() {
        let file = StateFile::parse(SEEN.as_bytes()).expect("an object");
        assert_eq!(file.session_id.as_deref(), Some("0b0e"));
        assert_eq!(file.proc_start.as_deref(), Some("4711"));
        assert_eq!(
            (file.status.as_deref(), file.waiting_for.as_deref()),
            (Some("waiting"), Some("dialog open"))
        );
    }

    #[test]
    fn half_a_file_is_nothing_and_odd_values_are_unknown() {
        for end in 0..SEEN.len() {
            assert_eq!(StateFile::parse(&SEEN.as_bytes()[..end]), None);
        }
        let odd = StateFile::parse(br#"{"sessionId":7,"procStart":4711,"status":"","cwd":null}"#)
            .expect("an object");
        assert_eq!(odd, StateFile { proc_start: Some("4711".into()), ..StateFile::default() });
        assert_eq!(StateFile::parse(b"[]"), None);
        assert!(!odd.settled() && StateFile::parse(SEEN.as_bytes()).is_some_and(|file| file.settled()));
    }

    #[test]
    fn what_is_not_wanted_may_be_anything() {
        let cut =
            r#"{"name":"caf\ud83d","x":1e999,"y":[[[]]],"status":"busy","status":"idle","parkedJobId":7}"#;
        let file = StateFile::parse(cut.as_bytes()).expect("an object");
        assert_eq!((file.status.as_deref(), file.parked_job_id.as_deref()), (Some("idle"), Some("7")));
        assert_eq!(StateFile::parse(b"{\"x\":\"\xff\"}"), None);
        let half = StateFile::parse(br#"{"cwd":"/w\udc00","bridgeSessionId":"\ud800"}"#).expect("an object");
        assert_eq!(half, StateFile { bridge: BridgeId::Odd, ..StateFile::default() });
    }

    #[test]
    fn only_a_name_that_the_user_gave_is_the_user_s() {
        let name = |contents: &str| {
            StateFile::parse(contents.as_bytes()).expect("an object").user_name().map(str::to_owned)
        };
        assert_eq!(name(r#"{"name":"parser","nameSource":"user"}"#).as_deref(), Some("parser"));
        for source in ["derived", "auto", "collision", "peer", "hook", "of the future", ""] {
            assert_eq!(name(&format!(r#"{{"name":"parser","nameSource":"{source}"}}"#)), None, "{source}");
        }
        assert_eq!(name(r#"{"name":"parser"}"#), None);
    }

    #[test]
    fn what_is_no_plain_file_is_not_read() {
        let scratch = tempfile::tempdir().expect("a directory");
        let pipe = scratch.path().join("7.json");
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).expect("a pipe");
        assert_eq!(StateFile::read(&pipe), None);
        assert_eq!(StateFile::read(scratch.path()), None);
    }

    #[test]
    fn only_pids_name_state_files() {
        assert_eq!(pid_of(Path::new("/x/12.json")), Some(Pid::from_raw(12)));
        for other in ["12.ab.key", "x.json", "-1.json", "0.json", "12"] {
            assert_eq!(pid_of(Path::new(other)), None, "{other}");
        }
    }

    struct Running(Child);

    impl Drop for Running {
        fn drop(&mut self) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }

    fn running() -> Running {
        Running(Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().expect("cat runs"))
    }

    #[test]
    fn a_file_is_ours_only_if_its_process_is_below_and_started_then() {
        let scratch = tempfile::tempdir().expect("a directory");
        let child = running();
        let pid = Pid::from_raw(child.0.id() as i32);
        let path = scratch.path().join(format!("{pid}.json"));
        let start = process::look_up(pid).expect("runs").start;
        assert_eq!(find(scratch.path(), Pid::this()), None);
        fs::write(&path, format!(r#"{{"procStart":"{start}"}}"#)).expect("writes");
        assert_eq!(find(scratch.path(), pid), Some(path.clone()));
        assert_eq!(find(scratch.path(), Pid::this()), Some(path.clone()));
        let other = running();
        assert_eq!(find(scratch.path(), Pid::from_raw(other.0.id() as i32)), None);
        if cfg!(target_os = "linux") {
            fs::write(&path, r#"{"procStart":"1"}"#).expect("writes");
            assert_eq!(find(scratch.path(), pid), None);
        }
    }

    proptest! {
        #[test]
        fn no_contents_are_an_error(contents in prop::collection::vec(any::<u8>(), 0..100)) {
            let _ = StateFile::parse(&contents);
        }
    }
}
