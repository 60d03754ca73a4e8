//! The evidence of a link: claude's state file, its screen, and what it writes into the transcript.

mod file;
mod notices;
mod snapshot;

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use file::File;
pub(super) use file::FileNews;
pub use snapshot::ScreenSnapshot;

use super::block_reason::BlockReason;
use super::events::Action;
use crate::claude::remote_control::{Confidence, Link};
use crate::claude::remote_notices::Notice;
use crate::claude::screen::{Indicator, Prompt, Vim};
use crate::registry::link_record::LinkStatus;
use crate::registry::log_event::LinkEvent;
use file::FileEvidence;
use notices::{NewNotices, NoticeBaseline, is_failure};

/// A link that was up for so long is a new beginning: tries are counted anew.
const STABLE_LINK_TIME: Duration = Duration::from_secs(60);

/// What the screen said of the link when it was last looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct IndicatorSeen {
    /// The footer's indicator.
    indicator: Indicator,
    /// What claude said last.
    notice: Option<Notice>,
}

/// What is known of the link, and since when.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Evidence {
    file: FileEvidence,
    seen: Option<IndicatorSeen>,
    notices: NoticeBaseline,
    /// Whether the main prompt was recognised since claude was started.
    is_recognised: bool,
    /// Whether the editor was in vim's insert mode when the footer was last seen.
    in_insert_mode: bool,
    /// All of it together, when it was last assessed.
    status: LinkStatus,
    /// The panel of a link that is up opened where it was to be down. Taken for so until then, or until the
    /// screen says something else: the panel also opens for a moment after a failure.
    pub(super) panel_counts_until: Option<Duration>,
    down_since: Option<Duration>,
    up_since: Option<Duration>,
}

/// What a new state file says of the link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LinkChange {
    /// It is up.
    CameUp,
    /// It was up, and is not. Whether it had been for long.
    WentDown {
        /// Long enough for a new beginning.
        was_stable: bool,
    },
}

/// What a look tells of the link.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct LookNews {
    pub(super) before: Option<Indicator>,
    /// The indicator now.
    pub(super) indicator: Indicator,
    /// A failure was written since the link was up.
    pub(super) is_failure_written: bool,
    /// Claude has said that the link failed.
    pub(super) is_failure: bool,
    /// What else is to be heeded of claude's words, in this order.
    pub(super) heeded: Vec<Notice>,
}

impl Default for Evidence {
    fn default() -> Self {
        Self::new()
    }
}

impl Evidence {
    pub(super) fn new() -> Self {
        Self {
            file: FileEvidence::default(),
            seen: None,
            notices: NoticeBaseline::default(),
            is_recognised: false,
            in_insert_mode: false,
            status: LinkStatus::Unknown,
            panel_counts_until: None,
            down_since: None,
            up_since: None,
        }
    }

    /// Another claude, or none: what the last one said of itself does not hold any more.
    pub(super) fn forget(&mut self) {
        *self = Self {
            notices: std::mem::take(&mut self.notices),
            in_insert_mode: self.in_insert_mode,
            status: self.status,
            ..Self::new()
        };
    }

    /// Another claude runs.
    pub(super) fn new_process(&mut self) {
        self.notices.new_process();
    }

    pub(super) fn deadline(&self) -> Option<Duration> {
        self.file.deadline()
    }

    /// Takes a new state file.
    pub(super) fn handle_file(&mut self, at: Duration, file: Option<File>) -> (FileNews, Option<LinkChange>) {
        let news = self.file.handle(at, file);
        let Some((before, now)) = news.link else { return (news, None) };
        self.panel_counts_until = None;
        if now == Link::Connected {
            self.notices.link_came_up();
            self.up_since = Some(at);
            self.down_since = None;
            // What the screen said was of the link before this one.
            self.seen = None;
            return (news, Some(LinkChange::CameUp));
        }
        self.down_since = Some(at);
        if before != Some(Link::Connected) {
            return (news, None);
        }
        let was_stable = self.up_since.take().is_some_and(|up| at.saturating_sub(up) >= STABLE_LINK_TIME);
        (news, Some(LinkChange::WentDown { was_stable }))
    }

    /// Takes what the screen says of the link, where its footer is to be seen.
    pub(super) fn handle_look(&mut self, at: Duration, look: &ScreenSnapshot) -> LookNews {
        let (indicator, shown, written) =
            (look.reading.indicator, look.reading.notice.as_ref(), look.written.as_ref());
        let before = self.indicator();
        let is_failure_written = matches!(self.notices.newly_written(written), Some(Notice::Failed(_)));
        self.doubt_panel(look);
        let is_up = self.file.link() == Some(Link::Connected);
        if indicator == Indicator::Failed {
            self.down_since.get_or_insert(at);
        } else if is_up {
            self.down_since = None;
        }
        // On the alternate screen the indicator scrolls away: there the first look at a new link tells what
        // is old.
        let is_new_link = self.notices.take_new_link();
        let said =
            if is_up && (indicator == Indicator::Active || is_new_link && indicator != Indicator::Failed) {
                self.notices.set(shown, written);
                NewNotices::default()
            } else {
                self.notices.news(shown, written)
            };
        if before.is_some_and(|before| before != indicator) {
            self.panel_counts_until = None;
        }
        self.seen = Some(IndicatorSeen { indicator, notice: shown.cloned() });
        let NewNotices { heeded, is_failure } = said;
        LookNews { before, indicator, is_failure_written, is_failure, heeded }
    }

    /// Takes from any look how the editor stands.
    pub(super) fn handle_editor(&mut self, look: &ScreenSnapshot) {
        if look.has_footer() {
            self.in_insert_mode = look.reading.vim == Some(Vim::Insert);
        }
        self.is_recognised |= look.settled && !matches!(look.reading.prompt, Prompt::Elsewhere(_));
    }

    /// A failure that was told after a panel had said that the link is up: it is not.
    fn doubt_panel(&mut self, look: &ScreenSnapshot) {
        let is_written = self.notices.follow_written(look.written.as_ref());
        let is_shown = self.seen.as_ref().is_some_and(|seen| {
            let now = look.reading.notice.as_ref();
            now.is_some_and(is_failure) && now != seen.notice.as_ref()
        });
        if is_written || is_shown {
            self.panel_counts_until = None;
        }
    }

    /// Puts the evidence together. A status that is another one is to be written down.
    pub(super) fn assess(&mut self, at: Duration) -> Option<Action> {
        self.file.expire(at);
        let (status, _) = assess(self.file.last_whole(), self.indicator());
        if status == self.status {
            return None;
        }
        self.status = status;
        Some(Action::Note(LinkEvent::Status { what: status }))
    }

    /// What it says together, when it was last assessed.
    pub(super) fn status(&self) -> LinkStatus {
        self.status
    }

    /// Whether the state file as it is now and the screen say that the link is up.
    pub(super) fn is_up_now(&self) -> bool {
        assess(self.file.current(), self.indicator()).0 == LinkStatus::Up
    }

    /// What it says together, with what a panel has said, and how far that can be relied on.
    pub(super) fn status_and_confidence(&self, at: Duration) -> (LinkStatus, Confidence) {
        let assessed = assess(self.file.last_whole(), self.indicator());
        if self.is_denied_by_panel(at) && assessed.0 == LinkStatus::Down {
            return (LinkStatus::Disagree, Confidence::Medium);
        }
        assessed
    }

    /// Whether a panel has said that the link is up, and nothing newer speaks against that.
    pub(super) fn is_denied_by_panel(&self, at: Duration) -> bool {
        self.panel_counts_until.is_some_and(|until| at < until) && !self.has_failed()
    }

    /// Whether the screen says that the link has failed.
    pub(super) fn has_failed(&self) -> bool {
        self.indicator() == Some(Indicator::Failed)
    }

    /// Since when the link is down, as far as that is known.
    pub(super) fn down_since(&self) -> Option<Duration> {
        self.down_since
    }

    /// Whether the link has come up since then, and the file still says so.
    pub(super) fn came_up_since(&self, then: Duration) -> bool {
        self.link() == Some(Link::Connected) && self.up_since.is_some_and(|up| up >= then)
    }

    pub(super) fn indicator(&self) -> Option<Indicator> {
        self.seen.as_ref().map(|seen| seen.indicator)
    }

    /// What claude said last on the screen.
    pub(super) fn notice(&self) -> Option<&Notice> {
        self.seen.as_ref().and_then(|seen| seen.notice.as_ref())
    }

    /// The state file as it is now.
    pub(super) fn file(&self) -> Option<&File> {
        self.file.current()
    }

    /// The last thing that the file was sure of.
    pub(super) fn link(&self) -> Option<Link> {
        self.file.link()
    }

    /// What the state file says of the link, in words.
    pub(super) fn file_in_words(&self) -> String {
        let file = self.file.last_whole();
        file.map_or_else(|| "no whole state file".into(), |file| file.verdict.reasons.join("; "))
    }

    /// What the screen says of it, in words.
    pub(super) fn screen_in_words(&self) -> Option<&'static str> {
        self.indicator().map(words)
    }

    pub(super) fn is_in_insert_mode(&self) -> bool {
        self.in_insert_mode
    }

    /// What is drawn in the main prompt's place may be another version's main prompt, if none was recognised
    /// so far.
    pub(super) fn name_unrecognised(&self, why: BlockReason, look: &ScreenSnapshot) -> BlockReason {
        let nameless = look.reading.prompt.nameless().filter(|_| !self.is_recognised);
        match (why, nameless) {
            (BlockReason::Screen(_), Some(what)) => {
                let version = self.file().and_then(|file| file.version.clone());
                BlockReason::Unrecognised { version, what }
            }
            (why, _) => why,
        }
    }
}

/// Puts the evidence together. The screen's failure indicator outweighs a bridge that the file names.
fn assess(file: Option<&File>, indicator: Option<Indicator>) -> (LinkStatus, Confidence) {
    let link = file.map_or(Link::Unknown, |file| file.verdict.link);
    match (link, indicator.unwrap_or(Indicator::Absent)) {
        (Link::Unknown, _) => (LinkStatus::Unknown, Confidence::None),
        (_, Indicator::Failed) => (LinkStatus::Down, Confidence::High),
        (_, Indicator::Connecting) => (LinkStatus::Connecting, Confidence::High),
        (Link::Connected, _) => (LinkStatus::Up, Confidence::High),
        (Link::Disconnected, Indicator::Active) => (LinkStatus::Disagree, Confidence::Medium),
        (Link::Disconnected, Indicator::Absent) => (LinkStatus::Down, Confidence::Medium),
    }
}

/// The indicator in words, for the record.
fn words(indicator: Indicator) -> &'static str {
    match indicator {
        Indicator::Active => "active",
        Indicator::Failed => "failed",
        Indicator::Connecting => "connecting",
        Indicator::Absent => "no indicator",
    }
}
