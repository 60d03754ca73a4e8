//! What claude has said of the link since it was up.

use serde::{Deserialize, Serialize};

use crate::claude::remote_log::Written;
use crate::claude::remote_notices::Notice;

/// Which of claude's words are old: those of the link that is up, and those of the process before.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct NoticeBaseline {
    /// What the screen showed while the link was up.
    shown: Option<Notice>,
    /// The number of what was written by then.
    written: u64,
    /// The number of the last thing that was written, whoever of claude's processes has written it.
    last_written: u64,
    /// The link came up, and nobody has looked since.
    is_new_link: bool,
}

/// What was said that is new.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct NewNotices {
    /// In this order, as far as it is to be heeded.
    pub(super) heeded: Vec<Notice>,
    /// The link has failed.
    pub(super) is_failure: bool,
}

pub(super) fn is_failure(notice: &Notice) -> bool {
    !matches!(notice, Notice::Connected(_))
}

impl NoticeBaseline {
    pub(super) fn link_came_up(&mut self) {
        self.is_new_link = true;
    }

    /// What the last process has written is no news of this one.
    pub(super) fn new_process(&mut self) {
        self.written = self.last_written;
    }

    /// Whether this is the first look since the link came up.
    pub(super) fn take_new_link(&mut self) -> bool {
        std::mem::take(&mut self.is_new_link)
    }

    /// What was written since the link was up.
    pub(super) fn newly_written<'a>(&self, written: Option<&'a Written>) -> Option<&'a Notice> {
        written.filter(|written| written.number > self.written).map(|written| &written.notice)
    }

    /// What is shown and written now is of the link that is up. A claude that reconnects to the same session
    /// says nothing.
    pub(super) fn set(&mut self, shown: Option<&Notice>, written: Option<&Written>) {
        self.shown = shown.cloned();
        self.written = written.map_or(self.written, |written| written.number);
    }

    /// Whether a failure was written since the last look.
    pub(super) fn follow_written(&mut self, written: Option<&Written>) -> bool {
        let number = written.map_or(self.last_written, |written| written.number);
        let before = std::mem::replace(&mut self.last_written, number);
        number != before && written.is_some_and(|written| is_failure(&written.notice))
    }

    /// What was said since the link was up. What is written is whole, and outweighs a failure on the screen,
    /// where the notice may be cut; but not what leaves the link to the user, which the screen may show a
    /// moment earlier.
    pub(super) fn news(&self, shown: Option<&Notice>, written: Option<&Written>) -> NewNotices {
        let written = self.newly_written(written);
        let is_new = |notice: &&Notice| Some(*notice) != self.shown.as_ref();
        let failed = written.is_some_and(is_failure) || shown.filter(is_new).is_some_and(is_failure);
        let shown = shown.filter(|notice| written.is_none() || !matches!(notice, Notice::Failed(_)));
        NewNotices { heeded: written.into_iter().chain(shown).cloned().collect(), is_failure: failed }
    }
}
