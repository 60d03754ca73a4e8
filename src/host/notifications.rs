//! Tells the user, outside claude's screen, what cckw did or gave up on: in the terminal's title, or as a
//! notification of the desktop.
//!
//! Both are escape sequences between those of claude's output, so a notice waits until the stream stands
//! between two of them. Claude sets its title every few seconds. While a notice stands there, that is kept
//! back, and the newest one is written afterwards. What mattered is written on the main screen as well when
//! the terminal is given back, because claude's renderer covers that screen until then. Without a terminal
//! nothing is said: `cckw list` and `cckw logs` tell it then.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::Host;
use crate::config::TerminalNotice;
use crate::escape::escape;
use crate::os::clock;
use crate::os::moment;
use crate::registry::event_log;
use crate::registry::record::Notice;

/// How long a notice stays in the title.
const NOTICE_TIME: Duration = Duration::from_secs(30);
/// Longer ones are cut, in characters: a title has little room.
const MAX_NOTICE_CHARS: usize = 160;
/// So many wait at most; older ones are worth less.
const MAX_WAITING_NOTICES: usize = 4;
/// So many are repeated when the terminal is given back.
const MAX_REPEATED: usize = 4;

/// Have a terminal keep its title, and take that one again.
const SAVE_TITLE: &str = "\x1b[22;2t";
const TAKE_SAVED_TITLE: &str = "\x1b[23;2t";
const NO_TITLE: &str = "\x1b]0;\x07";

/// The notices of a session.
#[derive(Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Notices {
    #[serde(skip)]
    how: TerminalNotice,
    waiting: VecDeque<String>,
    /// One that is given in the title although no notices are wanted.
    warning: Option<String>,
    /// The one that stands in the title.
    title: Option<TitleNotice>,
    /// What is repeated when the terminal is given back, oldest first.
    mattered: VecDeque<String>,
}

/// A notice that stands in the title.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct TitleNotice {
    /// Until when; nothing when that is over, and the stream has not stood between two sequences since.
    #[serde(with = "moment::option")]
    until: Option<Instant>,
    /// The terminal was told to keep the title that was there before. Claude had none.
    saved: bool,
}

impl Default for Notices {
    fn default() -> Self {
        Self::new(TerminalNotice::default())
    }
}

impl Notices {
    /// Notices are given in this way.
    pub fn new(how: TerminalNotice) -> Self {
        Self { how, waiting: VecDeque::new(), warning: None, title: None, mattered: VecDeque::new() }
    }

    /// Those that another program has handed over.
    #[must_use]
    pub fn given_by(self, how: TerminalNotice) -> Self {
        Self { how, ..self }
    }

    /// Adds one, as soon as it can be given.
    pub fn add(&mut self, text: &str) {
        if self.how != TerminalNotice::Off {
            self.waiting.push_back(text.to_owned());
            if self.waiting.len() > MAX_WAITING_NOTICES {
                self.waiting.pop_front();
            }
        }
    }

    /// Adds one that the user must hear, because something is being lost: where no notices are wanted it
    /// stands in the title.
    pub fn warn(&mut self, text: &str) {
        if self.how == TerminalNotice::Off {
            self.warning = Some(text.to_owned());
        } else {
            self.add(text);
        }
    }

    /// Has this repeated when the terminal is given back.
    pub fn repeat_later(&mut self, line: String) {
        self.mattered.push_back(line);
        if self.mattered.len() > MAX_REPEATED {
            self.mattered.pop_front();
        }
    }

    /// What is to be repeated, once.
    pub fn repeated(&mut self) -> impl Iterator<Item = String> + use<> {
        std::mem::take(&mut self.mattered).into_iter()
    }

    /// Whether something is to be written as soon as it can be.
    pub fn is_waiting(&self) -> bool {
        !self.waiting.is_empty() || self.warning.is_some() || self.title_is_over()
    }

    /// Forgets those that wait: there is no terminal to give them on.
    pub fn forget(&mut self) {
        self.waiting.clear();
        self.warning = None;
        self.title = None;
    }

    /// The bytes that give those that wait. `has_title` is whether claude has set a title.
    pub fn take(&mut self, now: Instant, has_title: bool) -> String {
        let mut bytes = String::new();
        let how = if self.how == TerminalNotice::Off { TerminalNotice::Title } else { self.how };
        for text in self.waiting.drain(..).chain(self.warning.take()) {
            let text: String = escape(&text).to_string().chars().take(MAX_NOTICE_CHARS).collect();
            match how {
                TerminalNotice::Off => {}
                TerminalNotice::Title => {
                    let before = self.title.replace(TitleNotice {
                        until: Some(now + NOTICE_TIME),
                        saved: self.title.map_or(!has_title, |before| before.saved),
                    });
                    if before.is_none() && !has_title {
                        bytes.push_str(SAVE_TITLE);
                    }
                    bytes += &format!("\x1b]2;cckw: {text}\x07");
                }
                TerminalNotice::Osc9 => bytes += &format!("\x1b]9;cckw: {text}\x07"),
                // The text may hold no `;` that would end it.
                TerminalNotice::Osc777 => {
                    bytes += &format!("\x1b]777;notify;cckw;{}\x07", text.replace(';', ","))
                }
            }
        }
        bytes
    }

    /// When claude's own title is due to come back.
    pub fn title_until(&self) -> Option<Instant> {
        self.title.and_then(|title| title.until)
    }

    /// The one in the title has stood there for long enough.
    pub fn title_was_read(&mut self) {
        if let Some(title) = &mut self.title {
            title.until = None;
        }
    }

    /// Whether the one in the title has stood there for long enough, and is to go.
    pub fn title_is_over(&self) -> bool {
        self.title.is_some_and(|title| title.until.is_none())
    }

    /// Whether one stands in the title.
    pub fn is_in_title(&self) -> bool {
        self.title.is_some()
    }

    /// None stands in the title any more. The bytes that take it away; `title` are those that set claude's
    /// own, where it has one.
    pub fn leave_title(&mut self, title: Option<String>) -> String {
        let Some(TitleNotice { saved, .. }) = self.title.take() else { return String::new() };
        let before = if saved { TAKE_SAVED_TITLE } else { "" };
        match title {
            Some(title) => format!("{before}{title}"),
            None if saved => before.to_owned(),
            // Claude had one, and has taken it away.
            None => NO_TITLE.to_owned(),
        }
    }
}

impl Host {
    /// Tells the user something, and notes it for `cckw list`.
    pub(super) fn notice(&mut self, text: &str) {
        self.notices.add(text);
        self.note_notice(with_time(text));
        self.save();
    }

    /// The same for something that the user should know later, too: it is repeated when the terminal is given
    /// back. `line` says when it was.
    pub(super) fn notice_and_repeat(&mut self, text: &str, line: String) {
        self.notices.add(text);
        self.notices.repeat_later(line.clone());
        self.note_notice(line);
        self.save();
    }

    /// Something is being lost: see [`Notices::warn`]. `cckw list` has that of its own for as long as it is so.
    pub(super) fn warn(&mut self, text: &str) {
        self.notices.warn(text);
        self.notices.repeat_later(with_time(text));
    }

    fn note_notice(&mut self, text: String) {
        self.record.notice = Some(Notice { at: event_log::now(), text });
    }

    /// Gives the notices that wait, if the stream to the terminal stands where they can be given.
    pub(super) fn give_notices(&mut self) {
        if self.output.terminal().is_none() || self.attachment.is_backgrounded() {
            self.notices.forget();
            self.output.let_titles_go();
        } else if self.output.is_between() {
            if self.notices.title_is_over() {
                let title = self.output.modes.has_title().then(|| self.output.modes.title());
                let bytes = self.notices.leave_title(title);
                self.output.let_titles_go();
                self.output.write(bytes.as_bytes());
            }
            let bytes = self.notices.take(Instant::now(), self.output.modes.has_title());
            self.output.write(bytes.as_bytes());
            if self.notices.is_in_title() {
                self.output.hold_titles();
            }
        }
    }

    /// The bytes that undo what claude has switched on in the terminal, and take a notice out of its title.
    pub(super) fn undo(&mut self) -> String {
        self.output.let_titles_go();
        let undo = self.output.modes.undo();
        // Behind that, which takes claude's title away.
        let title = self.output.modes.has_title().then(|| NO_TITLE.to_owned());
        undo + &self.notices.leave_title(title)
    }

    /// The same for the shell of a claude that was stopped: its title stays, as it does without cckw.
    pub(super) fn undo_for_shell(&mut self) -> String {
        self.output.let_titles_go();
        let undo = self.output.modes.undo_but_title();
        let title = self.output.modes.has_title().then(|| self.output.modes.title());
        undo + &self.notices.leave_title(title)
    }

    /// Writes once more, on the main screen, what has mattered since this was done last.
    pub(super) fn repeat_notices(&mut self) {
        for line in self.notices.repeated() {
            self.output.write(format!("\r\n\x1b[J[cckw: {}]\r\n", escape(&line)).as_bytes());
        }
    }
}

/// What happened just now, with the time of day.
fn with_time(text: &str) -> String {
    format!("{text} (at {})", clock::time_of_day())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(how: TerminalNotice, texts: &[&str]) -> String {
        let mut notices = Notices::new(how);
        for text in texts {
            notices.add(text);
        }
        assert_eq!(notices.is_waiting(), how != TerminalNotice::Off && !texts.is_empty());
        notices.take(Instant::now(), true)
    }

    #[test]
    fn each_way_has_its_sequence() {
        assert_eq!(given(TerminalNotice::Off, &["a"]), "");
        assert_eq!(given(TerminalNotice::Title, &["a", "b"]), "\x1b]2;cckw: a\x07\x1b]2;cckw: b\x07");
        assert_eq!(given(TerminalNotice::Osc9, &["a", "b"]), "\x1b]9;cckw: a\x07\x1b]9;cckw: b\x07");
        assert_eq!(given(TerminalNotice::Osc777, &["a;b"]), "\x1b]777;notify;cckw;a,b\x07");
    }

    #[test]
    fn a_warning_is_given_in_the_title_where_no_notices_are_wanted() {
        let mut notices = Notices::new(TerminalNotice::Off);
        notices.add("a");
        notices.warn("b");
        assert!(notices.is_waiting());
        assert_eq!(notices.take(Instant::now(), true), "\x1b]2;cckw: b\x07");
        assert!(!notices.is_waiting() && notices.title_until().is_some());
        let mut notices = Notices::new(TerminalNotice::Osc9);
        notices.warn("b");
        assert_eq!(notices.take(Instant::now(), true), "\x1b]9;cckw: b\x07");
    }

    #[test]
    fn the_title_that_was_there_comes_back() {
        let now = Instant::now();
        for (had, has, back) in [
            (true, Some("\x1b]0;x\x07"), "\x1b]0;x\x07"),
            (true, None, "\x1b]0;\x07"),
            (false, Some("\x1b]0;x\x07"), "\x1b[23;2t\x1b]0;x\x07"),
            (false, None, "\x1b[23;2t"),
        ] {
            let mut notices = Notices::new(TerminalNotice::Title);
            notices.add("a");
            let given = notices.take(now, had);
            assert_eq!(given.starts_with("\x1b[22;2t"), !had, "{given:?}");
            notices.add("b");
            assert_eq!(notices.take(now, true), "\x1b]2;cckw: b\x07", "saved once");
            assert_eq!(notices.title_until(), Some(now + NOTICE_TIME));
            notices.title_was_read();
            assert!(notices.is_waiting() && notices.title_is_over() && notices.title_until().is_none());
            assert_eq!(notices.leave_title(has.map(str::to_owned)), back);
            assert!(!notices.is_waiting() && !notices.is_in_title());
            assert_eq!(notices.leave_title(None), "");
        }
    }

    #[test]
    fn what_mattered_is_repeated_once_and_bounded() {
        let mut notices = Notices::new(TerminalNotice::Off);
        for number in 0..9 {
            notices.repeat_later(number.to_string());
        }
        notices.forget();
        assert_eq!(notices.repeated().collect::<Vec<_>>(), ["5", "6", "7", "8"]);
        assert_eq!(notices.repeated().count(), 0);
    }

    #[test]
    fn nothing_in_a_text_ends_the_sequence() {
        for how in [TerminalNotice::Title, TerminalNotice::Osc9, TerminalNotice::Osc777] {
            let given = given(how, &["x\x07y\x1b\\z\n\u{9c}"]);
            assert!(!given[1..given.len() - 1].chars().any(char::is_control), "{given:?}");
        }
        assert!(given(TerminalNotice::Osc9, &[&"long".repeat(1000)]).len() < 200);
        assert_eq!(given(TerminalNotice::Osc9, &["a"; 9]).matches("cckw").count(), MAX_WAITING_NOTICES);
    }
}
