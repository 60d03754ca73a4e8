//! What is needed for a look at claude's screen: when it may be made, whether claude rests, what it has
//! written.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

use crate::claude::remote_log::{RemoteLog, Written};
use crate::fault;
use crate::os::activity;
use crate::os::activity::RestWatch;

/// The fault of a host that looks once in two seconds, for tests.
const SLOW_LOOKS: &str = "slow-looks";
const SLOW_LOOK_INTERVAL: Duration = Duration::from_secs(2);

pub(super) struct ScreenLooks {
    last: Option<Instant>,
    /// A look is to be made once its time has come.
    is_waiting: bool,
    /// Whether claude has drawn what it was sent.
    rest: RestWatch,
    remote_log: RemoteLog,
    /// When the claude that runs was started.
    claude_since: SystemTime,
}

/// The same as it is handed over to the program that goes on with it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct LooksState {
    is_waiting: bool,
    remote_log: RemoteLog,
    claude_since: SystemTime,
}

impl Default for LooksState {
    fn default() -> Self {
        Self { is_waiting: false, remote_log: RemoteLog::default(), claude_since: SystemTime::now() }
    }
}

impl ScreenLooks {
    pub(super) fn hand_over(&self) -> LooksState {
        LooksState {
            is_waiting: self.is_waiting,
            remote_log: self.remote_log.clone(),
            claude_since: self.claude_since,
        }
    }

    pub(super) fn take_over(state: LooksState) -> Self {
        let LooksState { is_waiting, remote_log, claude_since } = state;
        Self { is_waiting, remote_log, claude_since, ..Self::new() }
    }

    pub(super) fn new() -> Self {
        Self {
            last: None,
            is_waiting: false,
            rest: RestWatch::default(),
            remote_log: RemoteLog::default(),
            claude_since: SystemTime::now(),
        }
    }

    pub(super) fn claude_started(&mut self) {
        self.claude_since = SystemTime::now();
    }

    /// Something was typed.
    pub(super) fn disturbed(&mut self) {
        self.rest.disturbed();
    }

    /// When the next look may be made. Only the fault of a test has looks wait.
    pub(super) fn next_at(&self) -> Option<Instant> {
        fault::is_set(SLOW_LOOKS).then(|| self.last.map(|at| at + SLOW_LOOK_INTERVAL)).flatten()
    }

    pub(super) fn is_early(&self) -> bool {
        self.next_at().is_some_and(|at| at > Instant::now())
    }

    /// When a look is to be made that was too early.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.next_at().filter(|_| self.is_waiting)
    }

    /// A look is wanted that is too early.
    pub(super) fn wait(&mut self) {
        self.is_waiting = true;
    }

    pub(super) fn take_waiting(&mut self) -> bool {
        std::mem::take(&mut self.is_waiting)
    }

    /// A look is made, with this transcript.
    pub(super) fn begin(&mut self, transcript: Option<PathBuf>) {
        self.last = Some(Instant::now());
        if let Some(path) = transcript {
            self.remote_log.follow(path);
        }
    }

    /// What this claude has last written of the link.
    pub(super) fn written(&mut self) -> Option<Written> {
        self.remote_log.read(self.claude_since).cloned()
    }

    /// Whether claude has read all that was typed, and has slept since then: what it has to draw is on the
    /// screen.
    pub(super) fn claude_rests(&mut self, claude: Option<Pid>) -> bool {
        let Some(pid) = claude else { return false };
        let unread = activity::unread_input(Path::new("/dev/tty")).unwrap_or(0);
        if fault::is_set(SLOW_LOOKS) {
            self.rest.rests(Instant::now(), pid, activity::look_up(pid), unread);
            std::thread::sleep(activity::MIN_SLEEP);
        }
        self.rest.rests(Instant::now(), pid, activity::look_up(pid), unread)
    }
}
