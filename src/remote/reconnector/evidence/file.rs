//! What claude's state file says.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::claude::remote_control::{Link, Verdict, classify};
use crate::claude::state_file::StateFile;

/// How long the state file may be missing, or half written, before it counts as that.
const STATE_FILE_GAP: Duration = Duration::from_secs(1);

/// What the state file says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    /// Whether it names a bridge.
    pub verdict: Verdict,
    /// Why nobody should type into this session, if so.
    pub obstacle: Option<String>,
    /// Whether a dialog has the keyboard.
    pub dialog: bool,
    /// Whether a turn runs.
    pub busy: bool,
    /// Claude's version.
    pub version: Option<String>,
}

impl File {
    /// Takes down what matters here of a state file that is our child's.
    pub fn of(file: &StateFile) -> Self {
        Self {
            verdict: classify(Some(file)),
            obstacle: obstacle(file),
            dialog: file.status.as_deref() == Some("waiting")
                && file.waiting_for.as_deref() == Some("dialog open"),
            busy: file.status.as_deref() == Some("busy"),
            version: file.version.clone(),
        }
    }
}

/// In the agents view the status is `idle`, and what is submitted there starts a session of its own. Left
/// again, the prompt is that of a background process (seen with 2.1.329), and the session's own file still
/// says that it is parked.
fn obstacle(file: &StateFile) -> Option<String> {
    let is = |value: &Option<String>, wanted: &str| value.as_deref() == Some(wanted);
    let said = |value: &Option<String>| value.clone().unwrap_or_else(|| "not said".into());
    if !is(&file.kind, "interactive") {
        return Some(format!("the kind of the session is {}", said(&file.kind)));
    }
    if !is(&file.entrypoint, "cli") {
        return Some(format!("the session was started from {}", said(&file.entrypoint)));
    }
    if file.parked_job_id.is_some() {
        return Some("the session was moved to the background (agents view)".into());
    }
    if !file.is_at_rest() {
        let waits = file.waiting_for.as_ref().map_or(String::new(), |what| format!(" ({what})"));
        return Some(format!("claude is {}{waits}", said(&file.status)));
    }
    None
}

/// What the state file has said so far.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct FileEvidence {
    current: Option<File>,
    /// The last one that was whole: claude rewrites it in place, which is no news.
    last_whole: Option<File>,
    /// Since when there is none that is whole.
    missing_since: Option<Duration>,
    /// The last thing that the file was sure of.
    link: Option<Link>,
}

/// What a new state file tells.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::remote::reconnector) struct FileNews {
    /// It is not the same as before.
    pub(in crate::remote::reconnector) is_new: bool,
    pub(in crate::remote::reconnector) dialog_opened: bool,
    pub(in crate::remote::reconnector) dialog_closed: bool,
    /// A turn is over.
    pub(in crate::remote::reconnector) turn_ended: bool,
    /// The link is another one than it was: what it was before, and is now.
    pub(in crate::remote::reconnector) link: Option<(Option<Link>, Link)>,
}

impl FileEvidence {
    pub(super) fn handle(&mut self, at: Duration, file: Option<File>) -> FileNews {
        let mut news = FileNews { is_new: self.current != file, ..FileNews::default() };
        if let (Some(before), Some(now)) = (&self.last_whole, &file) {
            news.dialog_opened = now.dialog && !before.dialog;
            news.dialog_closed = before.dialog && !now.dialog;
            news.turn_ended = before.busy && !now.busy;
        }
        // A file that is just being written says nothing; what it said before still holds.
        let link = file.as_ref().map_or(Link::Unknown, |file| file.verdict.link);
        if link != Link::Unknown && self.link != Some(link) {
            news.link = Some((self.link.replace(link), link));
        }
        self.current = file;
        match &self.current {
            Some(file) => {
                self.last_whole = Some(file.clone());
                self.missing_since = None;
            }
            None if self.last_whole.is_some() => drop(self.missing_since.get_or_insert(at)),
            None => {}
        }
        news
    }

    pub(super) fn deadline(&self) -> Option<Duration> {
        self.missing_since.map(|since| since + STATE_FILE_GAP)
    }

    /// Takes a file that has been missing for long for one that is not there.
    pub(super) fn expire(&mut self, at: Duration) {
        if self.deadline().is_some_and(|until| at >= until) {
            self.last_whole = None;
            self.missing_since = None;
        }
    }

    pub(super) fn current(&self) -> Option<&File> {
        self.current.as_ref()
    }

    pub(super) fn last_whole(&self) -> Option<&File> {
        self.last_whole.as_ref()
    }

    pub(super) fn link(&self) -> Option<Link> {
        self.link
    }
}
