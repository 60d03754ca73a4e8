//! Every session of Claude Code on the machine, wrapped or not, and what can be done about its remote
//! control.

use std::collections::{BTreeSet, HashMap};
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use nix::unistd::Pid;

use super::transport::{Pane, Transports};
use crate::claude::remote_control::{Link, STATUSES, Verdict, classify};
use crate::claude::state_file;
use crate::claude::state_file::{StateFile, pid_of};
use crate::os::kill;
use crate::os::parallel::share;
use crate::os::process;
use crate::os::process::Process;
use crate::registry::Session;

/// The most steps from a process up to the pane that it runs in.
const STEPS: usize = 64;

/// A session that has a state file.
#[derive(Debug, Clone)]
pub struct DetectedClaude {
    /// The process that the file is named after.
    pub pid: Pid,
    /// Where the file is.
    pub path: PathBuf,
    /// What it holds; nothing when it cannot be read, or is half-written.
    pub file: Option<StateFile>,
    /// Whether there is a process with that pid.
    pub alive: bool,
    /// What is to be thought of its link.
    pub verdict: Verdict,
    /// The session of cckw that it runs in.
    pub wrapped: Option<Session>,
    /// The pane of a multiplexer that it runs in; for a wrapped one, where it was started.
    pub pane: Option<Pane>,
    /// Why it cannot be reconnected; nothing when it can.
    pub refusal: Option<String>,
}

impl DetectedClaude {
    /// The status, if it is one of those that mean something.
    pub fn status(&self) -> Option<&str> {
        self.file.as_ref()?.status.as_deref().filter(|status| STATUSES.contains(status))
    }

    /// Whether it can be reconnected.
    pub fn is_eligible(&self) -> bool {
        self.refusal.is_none()
    }
}

/// Which sessions are wanted.
#[derive(Debug, Clone)]
pub struct Wanted<'a> {
    /// The directory of the state files.
    pub directory: &'a Path,
    /// Those in the directories of cckw's own sessions too, whose `CLAUDE_CONFIG_DIR` may be another one.
    pub of_sessions: bool,
    /// Those whose process is gone, too.
    pub dead: bool,
    /// The statuses in which a session may be reconnected.
    pub statuses: &'a [&'a str],
}

/// Finds them, by pid.
pub fn find(wanted: &Wanted<'_>) -> (Vec<DetectedClaude>, Transports) {
    let query = Transports::ask();
    let wrapped = wrapped();
    let (mut found, seen): (Vec<_>, Vec<_>) = read_all(wanted, &wrapped).into_iter().unzip();
    for (pid, session) in wrapped {
        if let Some(found) = found.iter_mut().find(|found| found.pid == pid && is_its(&session, found)) {
            found.wrapped = Some(session);
        }
    }
    let transports = query.finish();
    let mut tree = ProcessTree::default();
    if !transports.is_empty() {
        tree.0 = found.iter().map(|found| found.pid).zip(seen).collect();
    }
    for found in &mut found {
        if found.alive && !transports.is_empty() {
            found.pane = transports.pane(&tree.chain(found.pid));
        }
        found.refusal = refusal(found, wanted.statuses);
    }
    (found, transports)
}

/// The sessions of cckw that run claude, by the process that wrote the state file.
fn wrapped() -> HashMap<Pid, Session> {
    // Without a directory for them there is none.
    let sessions = crate::registry::running().unwrap_or_default().into_iter();
    sessions.filter_map(|session| Some((Pid::from_raw(session.record.claude_pid?), session))).collect()
}

/// Whether a record is about this process, and not about an earlier one with its pid.
fn is_its(session: &Session, found: &DetectedClaude) -> bool {
    let written = found.file.as_ref().and_then(|file| file.proc_start.as_deref());
    let is_same = |start: &str| written.is_some_and(|written| process::is_same_start(written, start));
    found.alive && session.record.claude_start.as_deref().is_none_or(is_same)
}

/// The directories that are looked through.
fn directories(wanted: &Wanted<'_>, wrapped: &HashMap<Pid, Session>) -> BTreeSet<PathBuf> {
    let of_session = |session: &Session| {
        let directory = session.record.claude_dir.clone()?;
        Some(PathBuf::from(OsString::from(directory)).join(state_file::SESSIONS))
    };
    let others = wrapped.values().filter_map(of_session).filter(|_| wanted.of_sessions);
    others.chain([wanted.directory.to_owned()]).collect()
}

/// What is in the directories, with each process as it was seen; those that were not looked at have none.
fn read_all(wanted: &Wanted<'_>, wrapped: &HashMap<Pid, Session>) -> Vec<(DetectedClaude, Option<Process>)> {
    let directories = directories(wanted, wrapped);
    let entries =
        directories.iter().flat_map(|directory| fs::read_dir(directory).into_iter().flatten().flatten());
    let mut paths: Vec<(Pid, bool, PathBuf)> = entries
        .filter_map(|entry| {
            let path = entry.path();
            let pid = pid_of(&path)?;
            let alive = kill::exists(pid);
            (alive || wanted.dead).then_some((pid, alive, path))
        })
        .collect();
    paths.sort_unstable_by_key(|(pid, ..)| *pid);
    share(&paths, |part| part.iter().map(|(pid, alive, path)| read(*pid, *alive, path)).collect())
}

fn read(pid: Pid, alive: bool, path: &Path) -> (DetectedClaude, Option<Process>) {
    let file = StateFile::read(path);
    let process = alive.then(|| process::look_up(pid)).flatten();
    let verdict = judge(pid, file.as_ref(), alive, process.as_ref());
    let path = path.to_owned();
    (DetectedClaude { pid, path, file, alive, verdict, wrapped: None, pane: None, refusal: None }, process)
}

/// What the file says, unless it is about another process than the one that has its pid.
fn judge(pid: Pid, file: Option<&StateFile>, alive: bool, process: Option<&Process>) -> Verdict {
    let mut verdict = classify(file);
    let Some(file) = file.filter(|_| verdict.link != Link::Unknown) else { return verdict };
    if let Some(other) = file.pid.filter(|other| *other != i64::from(pid.as_raw())) {
        return Verdict::unknown(format!("the state file is about process {other}, and named after {pid}"));
    }
    if !alive {
        verdict.reasons.push("there is no such process any more: the state file was left behind".into());
        return verdict;
    }
    match (process, &file.proc_start) {
        (None, _) => Verdict::unknown("the process has ended, and its parent has not noticed yet"),
        (Some(process), Some(claimed)) if !process::is_same_start(claimed, &process.start) => {
            Verdict::unknown(format!(
                "recycled pid: the state file is about a process that started at {claimed}, this one started at {}",
                process.start
            ))
        }
        _ => verdict,
    }
}

/// Why a session cannot be reconnected. Everything has to be as it was seen to be; what is not known speaks
/// against it.
fn refusal(found: &DetectedClaude, statuses: &[&str]) -> Option<String> {
    let Some(file) = &found.file else { return Some("the state file cannot be read".into()) };
    match found.verdict.link {
        Link::Connected => return Some("remote control is connected, not disconnected".into()),
        Link::Unknown => {
            let reason = found.verdict.reasons.first().map_or("", String::as_str);
            return Some(format!("remote control is unknown, not disconnected: {reason}"));
        }
        Link::Disconnected => {}
    }
    if !found.alive {
        return Some("its process is gone".into());
    }
    let other = |what: &str, wanted: &str, value: Option<&str>| match value {
        Some(value) if value == wanted => None,
        Some(value) => Some(format!("its {what} is {value}, not {wanted}")),
        None => Some(format!("it has no {what}, and {wanted} is needed")),
    };
    if let Some(reason) = other("kind", "interactive", file.kind.as_deref()) {
        return Some(reason);
    }
    if let Some(reason) = other("entrypoint", "cli", file.entrypoint.as_deref()) {
        return Some(reason);
    }
    let status = found.status().unwrap_or_default();
    if !statuses.contains(&status) {
        return Some(match statuses {
            [] => format!("its status is {status}, and none is allowed"),
            _ => format!("its status is {status}; allowed: {}", statuses.join(", ")),
        });
    }
    if file.parked_job_id.is_some() {
        return Some("parkedJobId: its agents view is open, where typing starts a session of its own".into());
    }
    let has_way = found.wrapped.is_some() || found.pane.is_some();
    (!has_way).then(|| "it is not wrapped by cckw, and in no pane of tmux or GNU screen".into())
}

/// The process table as far as it was looked at, so that nothing in it is looked at twice.
#[derive(Default)]
struct ProcessTree(HashMap<Pid, Option<Process>>);

impl ProcessTree {
    fn look_up(&mut self, pid: Pid) -> Option<&Process> {
        self.0.entry(pid).or_insert_with(|| process::look_up(pid)).as_ref()
    }

    /// A process, its parent, and so on.
    fn chain(&mut self, pid: Pid) -> Vec<Pid> {
        let mut chain = vec![pid];
        while chain.len() < STEPS {
            let last = chain[chain.len() - 1];
            match self.look_up(last).map(|process| process.parent) {
                Some(parent) if parent.as_raw() > 1 => chain.push(parent),
                _ => break,
            }
        }
        chain
    }
}

/// The statuses that a comma-separated list names, each once; and those of its words that are none.
///
/// An empty list means `default`.
pub fn statuses<'a>(list: &'a str, default: &[&'static str]) -> (Vec<&'static str>, Vec<&'a str>) {
    let words = || list.split(',').map(str::trim).filter(|word| !word.is_empty());
    if words().next().is_none() {
        return (default.to_vec(), vec![]);
    }
    let named = STATUSES.into_iter().filter(|status| words().any(|word| word == *status)).collect();
    (named, words().filter(|word| !STATUSES.contains(word)).collect())
}

/// The statuses in which `cckw detect` calls a session reconnectable unless something else is asked for: as
/// `claude-connection-keeper` does.
pub const ALLOWED: [&str; 1] = ["idle"];
/// Those in which `cckw reconnect` types unless something else is asked for. With `shell` the prompt is idle
/// as well.
pub const RESTING: [&str; 2] = ["idle", "shell"];

/// Whether the directory can be read.
///
/// # Errors
/// When it is there, and cannot. One that is not there is one without sessions.
pub fn check(directory: &Path) -> io::Result<()> {
    match fs::read_dir(directory) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
