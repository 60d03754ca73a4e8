//! Waits for claude's state file to appear and to change, without looking when nothing happened.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use nix::unistd::Pid;

use super::file_changes::Watcher;
use crate::claude::background_job::{BackgroundJob, is_job_id};
use crate::claude::state_file;
use crate::claude::state_file::StateFile;
use crate::os::file_watch::{Change, FileChange, FileWatch, Told};

/// More changed paths than this, and the directory is searched instead.
const MOST_PATHS: usize = 64;

/// The state file of one child, and of the background job that its conversation moved to.
///
/// Until a file is found its directory is watched, which all of the user's sessions write to; then the file
/// alone.
pub struct StateWatch {
    child: Pid,
    directory: PathBuf,
    /// What has changed since the last look.
    noted: Noted,
    /// There is something to look at.
    is_due: bool,
    /// What was to be watched last; what could not be is missing in `watched`.
    aimed: Vec<PathBuf>,
    watched: Vec<PathBuf>,
    file: Option<PathBuf>,
    /// The child's file was there, and is not any more.
    removed: bool,
    /// The job's file; outside `None` while the conversation is in no job.
    job: Option<Option<PathBuf>>,
}

/// What the files say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateSeen {
    /// The process that wrote the state file: the child, or one below it.
    pub pid: Pid,
    /// What it says.
    pub file: StateFile,
    /// The background job that the conversation moved to.
    pub job: Option<BackgroundJob>,
}

#[derive(Default)]
struct Noted {
    paths: HashSet<PathBuf>,
    /// What was watched has been removed or replaced, so that nothing is watched any more.
    lost: bool,
}

impl StateWatch {
    /// Begins to watch. Without a directory to watch, or where the system refuses (its limit of watches is
    /// reached), nothing is ever found, and the session runs all the same.
    pub fn new(files: &mut FileWatch<Watcher>, child: Pid) -> Self {
        files.unwatch_all(Watcher::State);
        let mut watch = Self {
            child,
            directory: state_file::directory().unwrap_or_default(),
            noted: Noted::default(),
            // What is there already raises no event.
            is_due: true,
            aimed: Vec::new(),
            watched: Vec::new(),
            file: None,
            removed: false,
            job: None,
        };
        watch.aim(files);
        watch
    }

    /// The same, where another program has watched before. `was_removed` is what it said of
    /// [`Self::is_removed`].
    pub fn taken_over(files: &mut FileWatch<Watcher>, child: Pid, was_removed: bool) -> Self {
        Self { removed: was_removed, ..Self::new(files, child) }
    }

    /// Takes note of a change.
    pub fn note(&mut self, change: FileChange<Watcher>) {
        let FileChange { path, what, .. } = change;
        self.is_due = true;
        self.noted.lost |= matches!(what, Change::Itself | Change::Left(_) | Change::Missed);
        // So many that the directory is searched; more are of no use.
        if self.noted.paths.len() < MOST_PATHS {
            self.noted.paths.insert(match what {
                Change::Came(name) | Change::Left(name) | Change::Written(name) => path.join(name),
                Change::Itself | Change::Contents | Change::Missed => path,
            });
        }
    }

    /// Whether there is something to look at.
    pub fn is_due(&self) -> bool {
        self.is_due
    }

    /// Whether nothing is watched, so that no change is ever told.
    pub fn is_blind(&self) -> bool {
        self.watched.is_empty()
    }

    /// Whether the state file was there, and somebody has removed it. Claude does so itself right before it
    /// ends.
    pub fn is_removed(&self) -> bool {
        self.removed
    }

    /// Whether there is a state file, whatever it says.
    pub fn has_file(&self) -> bool {
        self.file.is_some()
    }

    /// Looks at what changed. What the state file says, when it is there and whole.
    pub fn look(&mut self, files: &mut FileWatch<Watcher>) -> Option<StateSeen> {
        self.is_due = false;
        let Noted { paths, lost } = std::mem::take(&mut self.noted);
        if lost || self.is_blind() {
            self.stop_watching(files);
            // What was missing may be there by now.
            files.try_again();
            self.aim(files);
        }
        if self
            .file
            .as_ref()
            .is_some_and(|file| state_file::distance(file, self.child).is_none() && !file.exists())
        {
            self.file = None;
            self.removed = true;
        }
        if self.file.is_none() {
            self.aim(files);
            let direct = paths.iter().all(|path| path.parent() == Some(&self.directory));
            self.file = if direct && !paths.is_empty() && paths.len() < MOST_PATHS {
                let nearest =
                    paths.iter().filter_map(|path| Some((state_file::distance(path, self.child)?, path)));
                nearest.min().map(|(_, path)| path.clone())
            } else {
                state_file::find(&self.directory, self.child)
            };
            if self.file.is_some() {
                self.removed = false;
                self.aim(files);
            }
        }
        let path = self.file.as_ref()?;
        let (pid, file) = (state_file::pid_of(path)?, StateFile::read(path)?);
        let job = file.parked_job_id.as_deref().filter(|id| is_job_id(id)).map(|id| self.look_at_job(id));
        if job.is_none() {
            self.job = None;
        }
        self.aim(files);
        Some(StateSeen { pid, file, job })
    }

    fn look_at_job(&mut self, id: &str) -> BackgroundJob {
        let known = self.job.take().flatten();
        let job = BackgroundJob::look_up(id, known.as_deref());
        self.job = Some(job.path());
        job
    }

    fn stop_watching(&mut self, files: &mut FileWatch<Watcher>) {
        files.unwatch_all(Watcher::State);
        self.watched.clear();
        self.aimed.clear();
    }

    /// What is told of a path. In a directory above, as a home directory, only the next one is waited for.
    fn told_of(&self, path: &Path) -> Told {
        let mut rest = self.directory.strip_prefix(path).into_iter().flat_map(Path::components);
        rest.next().map_or(Told::Contents, |next| Told::Arrival(next.as_os_str().to_owned()))
    }

    /// Watches what there is to watch: each file, or its directory, or the nearest directory above that
    /// exists.
    fn aim(&mut self, files: &mut FileWatch<Watcher>) {
        let above = || self.directory.ancestors().find(|path| path.is_dir()).map(Path::to_path_buf);
        let mut targets: Vec<PathBuf> = self.file.clone().or_else(above).into_iter().collect();
        if let Some(job) = &self.job {
            targets.extend(job.clone().or_else(above));
        }
        targets.dedup();
        if self.aimed == targets {
            return;
        }
        self.stop_watching(files);
        for target in &targets {
            if files.watch(Watcher::State, target, self.told_of(target)).is_ok() {
                self.watched.push(target.clone());
            }
        }
        self.aimed = targets;
        // A file may have changed, or the next directory may have been made, before the watch was there.
        let is_above = |path: &PathBuf| self.directory.starts_with(path) && *path != self.directory;
        if self.job.is_some() || self.watched.first().is_some_and(is_above) && above_changed(self) {
            self.is_due = true;
        }
    }
}

/// Whether a directory is there by now that is nearer than the one that is watched.
fn above_changed(watch: &StateWatch) -> bool {
    let nearest = watch.directory.ancestors().find(|path| path.is_dir());
    watch.file.is_none() && nearest != watch.watched.first().map(PathBuf::as_path)
}
