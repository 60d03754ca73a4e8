//! Conversations on disk: `projects/<directory>/<id>.jsonl`, and the jobs of the agents view.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde_json::{Value, json};

use super::job::FakeJob;

/// What a turn that its user has broken off leaves.
pub(super) const INTERRUPTED: &str = "[Request interrupted by user]";

/// The stored conversations below one configuration directory, seen from one working directory.
#[derive(Debug, Clone)]
pub struct Store {
    config: PathBuf,
    cwd: PathBuf,
    /// Nothing is written down.
    off: bool,
}

/// One stored conversation, as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    pub id: String,
    /// Its first prompt.
    pub title: String,
}

impl Store {
    /// The conversations below `config` (usually `~/.claude`) for the working directory `cwd`.
    pub fn new(config: PathBuf, cwd: PathBuf) -> Self {
        Self { config, cwd, off: false }
    }

    /// The same, of a claude that takes itself for a part of another one: it writes nothing down.
    #[must_use]
    pub fn off(self) -> Self {
        Self { off: true, ..self }
    }

    /// Starts a background job that goes on with the conversation `id`.
    ///
    /// # Errors
    /// Whatever starting its process meets.
    pub fn start_job(&self, id: &str) -> io::Result<FakeJob> {
        FakeJob::start(&self.config, id)
    }

    fn directory(&self) -> PathBuf {
        self.config.join("projects").join(directory_name(&self.cwd.to_string_lossy()))
    }

    /// Where the conversation `id` is stored, in whichever directory it was begun.
    pub fn find(&self, id: &str) -> Option<PathBuf> {
        let file = format!("{id}.jsonl");
        let here = self.directory().join(&file);
        if here.exists() {
            return Some(here);
        }
        let projects = fs::read_dir(self.config.join("projects")).ok()?;
        projects.flatten().map(|project| project.path().join(&file)).find(|path| path.exists())
    }

    /// The conversations of this working directory, the latest first.
    pub fn list(&self) -> Vec<Summary> {
        let mut found: Vec<(SystemTime, PathBuf)> = fs::read_dir(self.directory())
            .into_iter()
            .flatten()
            .flatten()
            .filter(|entry| entry.path().extension().is_some_and(|e| e == "jsonl"))
            .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
            .collect();
        found.sort_by(|a, b| b.cmp(a));
        found
            .into_iter()
            .filter_map(|(_, path)| {
                let id = path.file_stem()?.to_str()?.to_owned();
                let title = turns(&path).into_iter().next()?.1;
                Some(Summary { id, title })
            })
            .collect()
    }

    /// The id of the conversation of this directory that was used last.
    pub fn newest(&self) -> Option<String> {
        self.list().into_iter().next().map(|summary| summary.id)
    }

    /// The conversation of this working directory that has this title, whatever the case of its letters;
    /// nothing where none or several have it.
    pub fn with_title(&self, title: &str) -> Option<String> {
        let wanted = title.trim().to_lowercase();
        let title = |id: &str| {
            let lines = lines(&self.directory().join(format!("{id}.jsonl")));
            let last = lines.into_iter().rfind(|line| line["type"] == "custom-title")?;
            Some(last["customTitle"].as_str()?.trim().to_lowercase())
        };
        let mut found =
            self.list().into_iter().filter(|summary| title(&summary.id).as_ref() == Some(&wanted));
        let only = found.next()?;
        found.next().is_none().then_some(only.id)
    }

    /// The conversation `id`, to read and to append to. Its file appears with the first line written.
    pub fn open(&self, id: &str) -> FakeTranscript {
        let path = self.find(id).unwrap_or_else(|| self.directory().join(format!("{id}.jsonl")));
        FakeTranscript { path, id: id.to_owned(), cwd: self.cwd.clone(), off: self.off }
    }

    /// Records a background session that the agents view started with `prompt`.
    ///
    /// # Errors
    /// Whatever creating `jobs/<id>/state.json` meets.
    pub fn create_job(&self, prompt: &str) -> io::Result<()> {
        let session = uuid::Uuid::new_v4().to_string();
        let directory = self.config.join("jobs").join(&session[..8]);
        fs::create_dir_all(&directory)?;
        let state = json!({
            "state": "working", "template": "bg", "intent": prompt, "sessionId": session,
            "cwd": self.cwd.to_string_lossy(), "backend": "stand-in",
        });
        fs::write(directory.join("state.json"), state.to_string())
    }
}

/// One conversation's file.
#[derive(Debug, Clone)]
pub struct FakeTranscript {
    path: PathBuf,
    id: String,
    cwd: PathBuf,
    off: bool,
}

impl FakeTranscript {
    /// The conversation's id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Whether a first prompt has created the file.
    pub fn exists(&self) -> bool {
        self.path.exists()
    }

    /// What was said: `("user" or "assistant", text)`.
    pub fn turns(&self) -> Vec<(String, String)> {
        turns(&self.path)
    }

    /// Appends a prompt (`role` "user") or an answer ("assistant").
    ///
    /// # Errors
    /// Whatever creating or writing the file meets.
    pub fn say(&self, role: &str, text: &str) -> io::Result<()> {
        let message = json!({
            "type": role, "uuid": uuid::Uuid::new_v4().to_string(), "cwd": self.cwd.to_string_lossy(),
            "sessionId": self.id, "timestamp": now(), "message": { "role": role, "content": text },
        });
        let prompt = json!({"type": "last-prompt", "lastPrompt": text, "sessionId": self.id});
        let lines = [message, prompt];
        self.append(if role == "user" && text != INTERRUPTED { &lines } else { &lines[..1] })
    }

    /// Appends a prompt and its answer.
    ///
    /// # Errors
    /// Whatever creating or writing the file meets.
    pub fn turn(&self, prompt: &str, reply: &str) -> io::Result<()> {
        self.say("user", prompt)?;
        self.say("assistant", reply)
    }

    /// Records that a bridge was put up (`Some`) or taken down by the user (`None`), in a conversation that
    /// has begun.
    ///
    /// # Errors
    /// Whatever writing the file meets.
    pub fn record_bridge(&self, bridge: Option<&str>) -> io::Result<()> {
        if !self.exists() {
            return Ok(());
        }
        self.append(&[json!({"type": "bridge-session", "bridgeSessionId": bridge, "sessionId": self.id})])
    }

    /// The bridge that the conversation had when it was last written.
    pub fn last_bridge(&self) -> Option<String> {
        let last = lines(&self.path).into_iter().rfind(|line| line["type"] == "bridge-session")?;
        last["bridgeSessionId"].as_str().map(str::to_owned)
    }

    /// The title that the user gave it last.
    pub fn title(&self) -> Option<String> {
        let last = lines(&self.path).into_iter().rfind(|line| line["type"] == "custom-title")?;
        last["customTitle"].as_str().map(str::to_owned)
    }

    /// Gives it a title.
    ///
    /// # Errors
    /// Whatever writing the file meets.
    pub fn retitle(&self, title: &str) -> io::Result<()> {
        self.append(&[json!({"type": "custom-title", "customTitle": title, "sessionId": self.id})])
    }

    /// Copies what `other` holds into this conversation.
    ///
    /// # Errors
    /// Whatever writing the file meets.
    pub fn copy_from(&self, other: &Self) -> io::Result<()> {
        other.turns().iter().try_for_each(|(role, text)| self.say(role, text))
    }

    fn append(&self, new: &[Value]) -> io::Result<()> {
        if self.off {
            return Ok(());
        }
        if let Some(parent) = self.path.parent() {
            fs::create_dir_all(parent)?;
        }
        let mut file = fs::OpenOptions::new().create(true).append(true).open(&self.path)?;
        let mode = json!({"type": "mode", "mode": "normal", "sessionId": self.id});
        let first = (file.metadata()?.len() == 0).then_some(&mode);
        let text: String = first.into_iter().chain(new).map(|line| format!("{line}\n")).collect();
        file.write_all(text.as_bytes())
    }
}

/// The time as Claude Code writes it, to the millisecond.
fn now() -> String {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let ms = i64::try_from(since.as_millis()).unwrap_or(i64::MAX);
    jiff::Timestamp::from_millisecond(ms).map(|at| format!("{at:.3}")).unwrap_or_default()
}

/// What Claude Code calls the directory of a working directory: each UTF-16 unit that is no ASCII letter or
/// digit is a `-`. A long name is cut, and gets a hash of the whole path in base 36.
fn directory_name(cwd: &str) -> String {
    const LONGEST_NAME: usize = 200;
    let letter = |unit: u16| char::from_u32(unit.into()).filter(char::is_ascii_alphanumeric).unwrap_or('-');
    let name: String = cwd.encode_utf16().map(letter).collect();
    if name.len() <= LONGEST_NAME {
        return name;
    }
    let hash = cwd.encode_utf16().fold(0i32, |hash, unit| hash.wrapping_mul(31).wrapping_add(unit.into()));
    let mut left = hash.unsigned_abs();
    let mut digits = Vec::new();
    while left > 0 || digits.is_empty() {
        digits.extend(char::from_digit(left % 36, 36));
        left /= 36;
    }
    format!("{}-{}", &name[..LONGEST_NAME], digits.iter().rev().collect::<String>())
}

fn lines(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

fn turns(path: &Path) -> Vec<(String, String)> {
    let said = |line: &Value| {
        let role = line["type"].as_str().filter(|role| matches!(*role, "user" | "assistant"))?;
        Some((role.to_owned(), line["message"]["content"].as_str()?.to_owned()))
    };
    lines(path).iter().filter_map(said).collect()
}
