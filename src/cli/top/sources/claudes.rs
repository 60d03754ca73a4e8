//! The claudes of this machine that cckw does not run, and claude's background jobs: their files are read again when they
//! change, and no claude is run for it.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::claude_row::{JobSeen, Said, job_row, unwrapped_row};
use crate::claude;
use crate::claude::by_hand::ClaudeByHand;
use crate::claude::job_file::{JOBS, JobFile};
use crate::claude::state_file;
use crate::claude::state_file::pid_of;
use crate::cli::top::row::Row;
use crate::os::poll::{Interest, Poll, Token};
use crate::os::process;
use crate::os::process_end::ProcessEnd;
use crate::registry::{Changed, RegistryWatcher, Session};
use crate::user_error::UserError;

/// So many jobs are read at most, the newest first.
const MAX_JOBS: usize = 100;
/// So often it is looked for directories that are made at this moment.
const MAX_LOOKS: usize = 10;
/// The most steps from a process up to the host that it belongs to.
const MAX_ANCESTORS: usize = 64;

/// A claude that runs, and is no session of cckw's.
struct LiveClaude {
    claude: ClaudeByHand,
    /// What its transcript says; nothing where it is to be read.
    said: Option<Said>,
    end: Option<ProcessEnd>,
}

/// Follows the files. It waits for nothing itself.
pub struct ClaudeTracker {
    changes: RegistryWatcher,
    /// Whether everything was read that there was.
    is_begun: bool,
    /// By their state files.
    live: BTreeMap<PathBuf, LiveClaude>,
    /// The state files of claudes that belong to sessions of cckw.
    wrapped: BTreeSet<PathBuf>,
    /// By their directories.
    jobs: BTreeMap<PathBuf, (JobFile, Option<Said>)>,
    /// The jobs that sessions of cckw show.
    jobs_of_sessions: HashSet<String>,
    config: Option<PathBuf>,
    home: Option<PathBuf>,
}

/// What is known of the sessions of cckw, to tell their claudes from others.
struct Sessions<'a> {
    claudes: HashSet<i32>,
    hosts: HashSet<i32>,
    jobs: HashSet<&'a str>,
}

impl<'a> Sessions<'a> {
    fn of(sessions: &'a [Session]) -> Self {
        let records = || sessions.iter().filter(|session| session.has_host()).map(|session| &session.record);
        Self {
            claudes: records().flat_map(|record| [record.claude_pid, record.child_pid]).flatten().collect(),
            hosts: records().map(|record| record.host_pid).filter(|pid| *pid > 1).collect(),
            jobs: records().filter_map(|record| record.background_job.as_deref()).collect(),
        }
    }

    /// Whether this process belongs to one of them, by its pid alone.
    fn has(&self, path: &Path) -> bool {
        pid_of(path).is_some_and(|pid| self.claudes.contains(&pid.as_raw()))
    }

    /// Whether this claude belongs to one of them: it is, or was started by, its claude.
    fn own(&self, claude: &ClaudeByHand) -> bool {
        if let Some(job) = &claude.file.job_id {
            return self.jobs.contains(job.as_str());
        }
        let mut pid = claude.process.pid;
        for _ in 0..MAX_ANCESTORS {
            if self.hosts.contains(&pid.as_raw()) {
                return true;
            }
            match process::look_up(pid).map(|process| process.parent) {
                Some(parent) if parent.as_raw() > 1 => pid = parent,
                _ => return false,
            }
        }
        false
    }
}

impl ClaudeTracker {
    /// Knows nothing yet. `config` is the directory of claude's files.
    ///
    /// # Errors
    /// When the system has no watcher left.
    pub fn new(config: Option<PathBuf>, home: Option<PathBuf>) -> Result<Self, UserError> {
        Ok(Self {
            changes: RegistryWatcher::new()?,
            is_begun: false,
            live: BTreeMap::new(),
            wrapped: BTreeSet::new(),
            jobs: BTreeMap::new(),
            jobs_of_sessions: HashSet::new(),
            config,
            home,
        })
    }

    /// Has a wait end when something has changed.
    pub fn add_to(&self, poll: &mut Poll) -> Vec<Token> {
        let ends = self.live.values().filter_map(|live| live.end.as_ref());
        let mut tokens: Vec<Token> = ends.map(|end| poll.add(end, Interest::Reading)).collect();
        tokens.push(poll.add(&self.changes, Interest::Reading));
        tokens
    }

    /// Reads everything again at the next update.
    pub fn read_all_again(&mut self) {
        self.is_begun = false;
        self.live.clear();
        self.wrapped.clear();
        self.jobs.clear();
    }

    /// Reads what has changed. `sessions` are those of cckw, whose claudes are not told.
    ///
    /// # Errors
    /// When the system has no watches left.
    pub fn update(&mut self, sessions: &[Session]) -> Result<(), UserError> {
        let changed = self.changes.take();
        let mut directories = state_directories(sessions);
        directories.extend(self.config.as_ref().map(|config| config.join(state_file::SESSIONS)));
        let sessions = Sessions::of(sessions);
        let jobs = self.config.as_ref().map(|config| config.join(JOBS));
        let before = self.changes.watched().clone();
        let listed = self.watch(&directories, jobs.as_deref())?;
        let new = match std::mem::replace(&mut self.is_begun, true) {
            true => self.changes.watched().difference(&before).cloned().collect(),
            false => self.changes.watched().clone(),
        };
        let is_stale = |path: &Path| changed.has(path) || path.parent().is_some_and(|dir| new.contains(dir));
        self.jobs_of_sessions = sessions.jobs.iter().map(|id| (*id).to_owned()).collect();
        self.drop_ended();
        self.read_claudes(&directories, &sessions, is_stale);
        self.read_jobs(&listed, &changed, &new);
        Ok(())
    }

    /// Watches these directories, and those of the jobs, which it gives. They are read after that: what changes from here on
    /// is told.
    fn watch(
        &mut self,
        directories: &BTreeSet<PathBuf>,
        jobs: Option<&Path>,
    ) -> Result<BTreeSet<PathBuf>, UserError> {
        let mut listed = BTreeSet::new();
        for _ in 0..MAX_LOOKS {
            listed = jobs.map_or_else(BTreeSet::new, job_directories);
            let roots = directories.iter().map(PathBuf::as_path).chain(jobs);
            // Where one is missing, the way to it begins in a directory above.
            let (mut watched, missing): (BTreeSet<PathBuf>, BTreeSet<PathBuf>) =
                roots.map(Path::to_owned).partition(|path| path.is_dir());
            watched.extend(listed.iter().cloned());
            let above: BTreeSet<PathBuf> = missing.iter().filter_map(|path| nearest(path)).collect();
            if watched.union(&above).cloned().collect::<BTreeSet<_>>() == *self.changes.watched() {
                break;
            }
            // A directory may have been made in one of them before it was watched: so it is looked again.
            self.changes.watch_some_by_names(watched, above)?;
        }
        Ok(listed)
    }

    /// The claudes that are no sessions, and the jobs. With `all` those too that have ended long ago.
    pub fn rows(&mut self, all: bool, now: u64) -> (Vec<Row>, Vec<Row>) {
        self.read_transcripts(all, now);
        let home = self.home.as_deref();
        let jobs = self.jobs_seen();
        let jobs = jobs.values().filter(|job| all || job.is_of_interest(now));
        let jobs = jobs.map(|job| job_row(job, home)).collect();
        let unwrapped = self.live.values();
        let unwrapped = unwrapped.filter_map(|live| unwrapped_row(&live.claude, live.said.as_ref()?, home));
        (unwrapped.collect(), jobs)
    }

    /// Reads the transcripts that are to be read.
    fn read_transcripts(&mut self, all: bool, now: u64) {
        for live in self.live.values_mut() {
            live.said.get_or_insert_with(|| Said::of(live.claude.transcript(), &live.claude.file));
        }
        for (job, said) in self.jobs.values_mut() {
            let is_wanted = all || JobSeen { file: Some(job), ..JobSeen::default() }.is_of_interest(now);
            if is_wanted && said.is_none() {
                *said = Some(Said::of_job(job, self.config.as_deref()));
            }
        }
    }

    /// The jobs by their ids, without those that sessions of cckw show.
    fn jobs_seen(&self) -> BTreeMap<&str, JobSeen<'_>> {
        let mut seen: BTreeMap<&str, JobSeen<'_>> = BTreeMap::new();
        for (job, said) in self.jobs.values().filter(|(job, _)| !self.jobs_of_sessions.contains(&job.id)) {
            seen.insert(&job.id, JobSeen { file: Some(job), live: None, said: said.as_ref() });
        }
        for live in self.live.values() {
            let Some(id) = live.claude.file.job_id.as_deref() else { continue };
            let job = seen.entry(id).or_default();
            (job.live, job.said) = (Some(&live.claude), live.said.as_ref());
        }
        seen
    }

    /// Forgets the claudes whose processes have ended.
    fn drop_ended(&mut self) {
        let mut poll = Poll::default();
        let watched = self.live.iter().filter_map(|(path, live)| Some((path.clone(), live.end.as_ref()?)));
        let tokens: Vec<(PathBuf, Token)> =
            watched.map(|(path, end)| (path, poll.add(end, Interest::Reading))).collect();
        if tokens.is_empty() || poll.wait(Some(Duration::ZERO)).is_err() {
            return;
        }
        for (path, _) in tokens.into_iter().filter(|(_, token)| poll.is_ready(*token)) {
            self.live.remove(&path);
        }
    }

    fn read_claudes(
        &mut self,
        directories: &BTreeSet<PathBuf>,
        sessions: &Sessions<'_>,
        is_stale: impl Fn(&Path) -> bool,
    ) {
        let entries = directories.iter().flat_map(|path| fs::read_dir(path).into_iter().flatten().flatten());
        let there: BTreeSet<PathBuf> =
            entries.map(|entry| entry.path()).filter(|path| pid_of(path).is_some()).collect();
        self.live
            .retain(|path, live| there.contains(path) && !sessions.has(path) && !sessions.own(&live.claude));
        let were_wrapped = std::mem::take(&mut self.wrapped);
        for path in there {
            let is_wrapped = sessions.has(&path);
            let is_freed = !is_wrapped && were_wrapped.contains(&path);
            if !is_wrapped && (is_stale(&path) || is_freed) {
                self.live.remove(&path);
                match ClaudeByHand::read(&path) {
                    Some(claude) if sessions.own(&claude) => drop(self.wrapped.insert(path)),
                    Some(claude) => drop(self.live.insert(path, LiveClaude::new(claude))),
                    None => {}
                }
            } else if is_wrapped || were_wrapped.contains(&path) {
                self.wrapped.insert(path);
            }
        }
    }

    fn read_jobs(&mut self, listed: &BTreeSet<PathBuf>, changed: &Changed, new: &BTreeSet<PathBuf>) {
        self.jobs.retain(|directory, _| listed.contains(directory));
        for directory in listed.iter().filter(|path| changed.has(path) || new.contains(*path)) {
            match JobFile::read(directory) {
                Some(job) => drop(self.jobs.insert(directory.clone(), (job, None))),
                None => drop(self.jobs.remove(directory)),
            }
        }
    }
}

impl LiveClaude {
    fn new(claude: ClaudeByHand) -> Self {
        let end = ProcessEnd::watch(claude.process.pid, &claude.process.start).ok().flatten();
        Self { claude, said: None, end }
    }
}

/// The directories of state files of the sessions that run, which may have another configuration.
fn state_directories(sessions: &[Session]) -> BTreeSet<PathBuf> {
    let of_session = |session: &Session| {
        let directory = session.record.claude_dir.clone()?;
        Some(PathBuf::from(OsString::from(directory)).join(state_file::SESSIONS))
    };
    let running = sessions.iter().filter(|session| session.is_running);
    running.filter_map(of_session).collect()
}

/// The directories of the newest jobs.
fn job_directories(jobs: &Path) -> BTreeSet<PathBuf> {
    let entries = fs::read_dir(jobs).into_iter().flatten().flatten();
    let mut found: Vec<_> = entries
        .filter(|entry| entry.file_name().to_str().is_some_and(claude::background_job::is_job_id))
        .map(|entry| (entry.metadata().and_then(|found| found.modified()).ok(), entry.path()))
        .collect();
    found.sort();
    found.into_iter().rev().take(MAX_JOBS).map(|(_, path)| path).collect()
}

/// This directory; where it is not there, the nearest one above it, in which the way to it would begin.
fn nearest(path: &Path) -> Option<PathBuf> {
    path.ancestors().find(|path| path.is_dir()).map(Path::to_owned)
}

#[cfg(test)]
mod tests;
