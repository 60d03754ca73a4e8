//! A claude that runs and was started by somebody else: in a terminal, or by claude itself as a background
//! job. What is known of it, and how it could be started again.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use nix::unistd::Pid;

use super::args;
use super::args::{Resume, Run};
use super::running::RunningClaude;
use super::state_file;
use super::state_file::StateFile;
use super::transcript;
use crate::os::process;

/// The kinds of claude that can be started again with their conversation.
const KINDS: [&str; 2] = ["interactive", "bg"];
/// The interpreters that claude may be a script of.
const INTERPRETERS: [&str; 3] = ["node", "nodejs", "bun"];
/// So many characters of an id are enough to name it.
const MIN_ID_CHARS: usize = 4;

/// A claude with its state file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaudeByHand {
    /// Its process.
    pub process: RunningClaude,
    /// Its state file.
    pub path: PathBuf,
    /// What that says.
    pub file: StateFile,
}

/// Why none is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotFound {
    /// None that runs has this pid, conversation or job.
    None,
    /// Several have; these are their pids.
    Several(Vec<i32>),
}

/// The claude that a word means: the pid of its process, its conversation's id or the beginning of that, or
/// the id of the background job that it is. `sessions` is a directory of state files; a pid is looked for
/// where that process itself keeps its files, too.
///
/// # Errors
/// When that is none, or several.
pub fn find(sessions: Option<&Path>, word: &str) -> Result<ClaudeByHand, NotFound> {
    if let Ok(pid) = word.parse::<i32>()
        && let Some(found) = of_process(Pid::from_raw(pid), sessions)
    {
        return Ok(found);
    }
    let is_meant = |file: &StateFile| {
        let starts = |id: &Option<String>| {
            word.len() >= MIN_ID_CHARS && id.as_ref().is_some_and(|id| id.starts_with(word))
        };
        starts(&file.session_id) || starts(&file.job_id)
    };
    let entries = sessions.and_then(|sessions| std::fs::read_dir(sessions).ok()).into_iter().flatten();
    let found = entries.flatten().filter_map(|entry| ClaudeByHand::read(&entry.path()));
    let mut found: Vec<ClaudeByHand> = found.filter(|claude| is_meant(&claude.file)).collect();
    match (found.pop(), found.is_empty()) {
        (Some(one), true) => Ok(one),
        (None, _) => Err(NotFound::None),
        (Some(one), false) => {
            Err(NotFound::Several(found.iter().chain([&one]).map(|one| one.process.pid.as_raw()).collect()))
        }
    }
}

fn of_process(pid: Pid, sessions: Option<&Path>) -> Option<ClaudeByHand> {
    let own = || {
        let set = |name| process::variable(pid, name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let directory = set("CLAUDE_CONFIG_DIR").or_else(|| Some(set("HOME")?.join(".claude")))?;
        Some(directory.join(state_file::SESSIONS))
    };
    let read = |sessions: &Path| ClaudeByHand::read(&sessions.join(format!("{pid}.json")));
    sessions.and_then(read).or_else(|| read(&own()?))
}

impl ClaudeByHand {
    /// The claude of this state file, if it runs.
    pub fn read(path: &Path) -> Option<Self> {
        let (process, file) = RunningClaude::of_file(path)?;
        Some(Self { process, path: path.to_owned(), file })
    }

    /// It as it is now; nothing when it has ended.
    pub fn again(&self) -> Option<Self> {
        Self::read(&self.path).filter(|now| now.process.start == self.process.start)
    }

    /// Why it cannot be started again, in words.
    pub fn obstacle(&self) -> Option<&'static str> {
        let file = &self.file;
        let is = |value: &Option<String>, known: &[&str]| {
            value.as_deref().is_some_and(|value| known.contains(&value))
        };
        match () {
            () if !is(&file.kind, &KINDS) => Some("it is not a session in a terminal"),
            () if file.job_id.is_none() && !is(&file.entrypoint, &["cli"]) => {
                Some("another program has started it and talks to it")
            }
            () if !file.settled() => Some("it asks something before it begins, or is just starting"),
            () if file.job_id.is_none() && file.parked_job_id.is_some() => {
                Some("its conversation has moved to a background job, which can be adopted instead")
            }
            () if !file.session_id.as_deref().is_some_and(transcript::is_id) => {
                Some("its state file names no conversation")
            }
            () => None,
        }
    }

    /// The directory of claude's files, in which its state file is.
    pub fn claude_dir(&self) -> Option<&Path> {
        self.path.parent()?.parent()
    }

    /// The file of its conversation, if anything was said in it.
    pub fn transcript(&self) -> Option<PathBuf> {
        let projects = self.claude_dir()?.join("projects");
        let found = transcript::find(&projects, self.file.session_id.as_deref()?, self.file.cwd.as_deref());
        match found {
            transcript::TranscriptOnDisk::Conversation(path) => Some(path),
            _ => None,
        }
    }

    /// The arguments that open its conversation again, with what configures it, or begin it anew under its id if
    /// nothing was said in it. Of a background job only the conversation is known. Nothing where it runs without a session (`-p`), or its arguments cannot be read.
    pub fn resume(&self) -> Option<Vec<OsString>> {
        let id = self.file.session_id.as_deref().filter(|id| transcript::is_id(id))?;
        let resume = match self.transcript() {
            Some(_) => Resume::Conversation(id),
            None => Resume::Fresh { id, worktree: None },
        };
        if self.file.job_id.is_some() {
            return Some(args::relaunch(&[], resume));
        }
        let own = without_program(process::arguments(self.process.pid)?);
        (args::parse(&own).run == Run::Interactive).then(|| args::relaunch(&own, resume))
    }
}

/// The arguments of a command line, without the program: that may be a script, of an interpreter.
fn without_program(words: Vec<OsString>) -> Vec<OsString> {
    let name = words.first().and_then(|word| Path::new(word).file_name()).unwrap_or_default();
    let is_interpreter = INTERPRETERS.iter().any(|known| name == *known);
    words.into_iter().skip(if is_interpreter { 2 } else { 1 }).collect()
}

/// The arguments for a copy of the conversation under another id.
pub fn fork(resume: &[OsString], copy: &str) -> Vec<OsString> {
    let (chosen, others) = resume.split_at(resume.len().min(2));
    let fork = ["--fork-session".into(), "--session-id".into(), copy.into()];
    [chosen, &fork, others].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claude::args::{ConversationChoice, choice};

    const ID: &str = "0f0e0d0c-1111-4111-8111-0123456789ab";
    const COPY: &str = "0f0e0d0c-1111-4111-8111-0123456789cd";

    fn words(line: &[&str]) -> Vec<OsString> {
        line.iter().map(OsString::from).collect()
    }

    #[test]
    fn the_program_may_be_a_script() {
        assert_eq!(without_program(words(&["claude", "-c"])), words(&["-c"]));
        assert_eq!(without_program(words(&["/usr/bin/node", "/x/cli.js", "-c"])), words(&["-c"]));
        assert_eq!(without_program(vec![]), words(&[]));
    }

    #[test]
    fn a_copy_has_the_new_id() {
        let forked = fork(&words(&["--resume", ID, "--model", "opus"]), COPY);
        assert_eq!(choice(&forked), Some(ConversationChoice::Id(COPY.into())));
        assert_eq!(forked[..2], words(&["--resume", ID]));
        assert_eq!(forked[5..], words(&["--model", "opus"]));
    }

    #[test]
    fn what_cannot_be_started_again_is_told() {
        let file = StateFile {
            session_id: Some(ID.into()),
            kind: Some("interactive".into()),
            entrypoint: Some("cli".into()),
            status: Some("idle".into()),
            ..StateFile::default()
        };
        let obstacle = |file: StateFile| {
            let process = RunningClaude { pid: Pid::from_raw(2), start: "1".into(), cwd: None, job: None };
            ClaudeByHand { process, path: "/c/sessions/2.json".into(), file }.obstacle()
        };
        assert_eq!(obstacle(file.clone()), None);
        let job = Some("0123abcd".to_owned());
        let bg = StateFile { kind: Some("bg".into()), job_id: job.clone(), entrypoint: None, ..file.clone() };
        assert_eq!(obstacle(bg), None);
        for other in [
            StateFile { kind: Some("print".into()), ..file.clone() },
            StateFile { entrypoint: Some("sdk-ts".into()), ..file.clone() },
            StateFile { status: None, ..file.clone() },
            StateFile { parked_job_id: job, ..file.clone() },
            StateFile { session_id: Some("x".into()), ..file },
        ] {
            assert!(obstacle(other.clone()).is_some(), "{other:?}");
        }
    }
}
