//! What a session leaves in the world: prompts at the API, transcripts, jobs, settings, files.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::session::Session;

/// What is typed, which must never reach the API, a transcript's prompt, or a job.
const COMMAND: &str = "remote-control";
/// Of claude's own configuration: what it counts and caches by itself.
const WHAT_USERS_SET: [&str; 8] = [
    "theme",
    "editorMode",
    "model",
    "autoCompactEnabled",
    "verbose",
    "preferredNotifChannel",
    "remoteControlAtStartup",
    "permissionMode",
];

/// Everything at one moment.
pub struct Evidence {
    /// How many prompts had arrived at the API.
    prompts: usize,
    /// Files of claude's settings, and those in the directory it works in.
    files: BTreeMap<PathBuf, Vec<u8>>,
    /// What users set in claude's own configuration.
    config: BTreeMap<&'static str, Value>,
    /// State files of sessions.
    sessions: Vec<PathBuf>,
    /// What the user has said, as the transcripts have it.
    said: Vec<String>,
}

impl Evidence {
    pub fn take(session: &Session) -> Self {
        let path = |below: &str| session.place.sandbox.path(below);
        let mut files = BTreeMap::new();
        collect(&path("work"), &mut files);
        for name in ["home/.claude/settings.json", "home/.claude/settings.local.json"] {
            files.insert(path(name), fs::read(path(name)).unwrap_or_default());
        }
        let config: Value = serde_json::from_slice(&fs::read(path("home/.claude.json")).unwrap_or_default())
            .unwrap_or_default();
        let mut state_files = BTreeMap::new();
        collect(&path("home/.claude/sessions"), &mut state_files);
        let is_json = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "json");
        Self {
            prompts: session.place.mock.arrived().len(),
            files,
            config: WHAT_USERS_SET.map(|name| (name, config[name].clone())).into(),
            sessions: state_files.into_keys().filter(is_json).collect(),
            said: said(&path("home/.claude/projects")),
        }
    }

    /// What has come since then that the user did not ask for. The agents view makes jobs and sessions by
    /// itself.
    pub fn wrongs(&self, after: &Self, session: &Session, made_jobs: bool) -> Vec<String> {
        let mut wrongs = Vec::new();
        // The agents view has what was said before summed up.
        let is_the_users = |text: &str| {
            let mut submitted = session.submitted.iter().chain(&session.submitted_before);
            submitted.any(|words| text.contains(words.as_str()))
        };
        let arrived = session.place.mock.arrived();
        for prompt in arrived.iter().skip(self.prompts).filter(|prompt| !is_the_users(prompt)) {
            wrongs.push(format!("a prompt that nobody submitted: {prompt:?}"));
        }
        for words in &session.submitted {
            if !arrived.iter().skip(self.prompts).any(|prompt| prompt.contains(words.as_str())) {
                wrongs.push(format!("the user's prompt {words:?} never arrived"));
            }
        }
        for said in after.said.iter().skip(self.said.len()) {
            let command = said.contains("<command-name>") || said.contains("<local-command");
            let notice = said.contains("[Request interrupted") || said.contains("tool_result");
            if !(is_the_users(said) || command || notice) {
                wrongs.push(format!("said in the user's name: {said:?}"));
            }
        }
        for (path, contents) in &after.files {
            if self.files.get(path) != Some(contents) {
                wrongs.push(format!("{} has changed", path.display()));
            }
        }
        if self.config != after.config {
            wrongs.push(format!("settings: {:?} became {:?}", self.config, after.config));
        }
        if !made_jobs && self.sessions != after.sessions {
            wrongs.push(format!("sessions: {:?} became {:?}", self.sessions, after.sessions));
        }
        let mut jobs = BTreeMap::new();
        collect(&session.place.sandbox.path("home/.claude/jobs"), &mut jobs);
        if !made_jobs && !jobs.is_empty() {
            wrongs.push(format!("jobs: {:?}", jobs.keys()));
        }
        for (path, contents) in jobs {
            if String::from_utf8_lossy(&contents).contains(COMMAND) {
                wrongs.push(format!("a job out of the command: {}", path.display()));
            }
        }
        wrongs
    }
}

/// All files below a directory, with their contents.
fn collect(directory: &Path, files: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, files);
        } else if let Ok(contents) = fs::read(&path) {
            files.insert(path, contents);
        }
    }
}

/// The user's lines of all transcripts, in the order of their times.
fn said(projects: &Path) -> Vec<String> {
    let mut files = BTreeMap::new();
    collect(projects, &mut files);
    files.retain(|path, _| path.extension().is_some_and(|extension| extension == "jsonl"));
    let mut said = Vec::new();
    for contents in files.values() {
        let text = String::from_utf8_lossy(contents);
        let lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        said.extend(lines.filter(|line| line["type"] == "user").map(|line| {
            let time = line["timestamp"].as_str().unwrap_or_default().to_owned();
            let content = match &line["message"]["content"] {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            (time, content)
        }));
    }
    said.sort();
    said.into_iter().map(|(_, content)| content).collect()
}
