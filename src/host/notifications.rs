//! Tells the user, outside claude's screen, what cckw did or gave up on: in the terminal's title, or as a
//! notification of the desktop.
//!
//! Both are escape sequences between those of claude's output, so a notice waits until the stream stands
//! between two of them. Without a terminal nothing is said: `cckw list` and `cckw logs` tell it then.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::config::Notify;
use crate::escape::escape;

/// How long a notice stays in the title.
const NOTICE_TIME: Duration = Duration::from_secs(30);
/// Longer ones are cut, in characters: a title has little room.
const MAX_NOTICE_CHARS: usize = 160;
/// So many wait at most; older ones are worth less.
const MAX_WAITING_NOTICES: usize = 4;

/// The notices of a session.
#[derive(Debug)]
pub struct Notices {
    how: Notify,
    waiting: VecDeque<String>,
    /// One that is given in the title although no notices are wanted.
    warning: Option<String>,
    /// When claude's own title comes back.
    title_until: Option<Instant>,
}

impl Notices {
    /// Notices are given in this way.
    pub fn new(how: Notify) -> Self {
        Self { how, waiting: VecDeque::new(), warning: None, title_until: None }
    }

    /// Adds one, as soon as it can be given.
    pub fn add(&mut self, text: &str) {
        if self.how != Notify::Off {
            self.waiting.push_back(text.to_owned());
            if self.waiting.len() > MAX_WAITING_NOTICES {
                self.waiting.pop_front();
            }
        }
    }

    /// Adds one that the user must hear, because something is being lost: where no notices are wanted it
    /// stands in the title.
    pub fn warn(&mut self, text: &str) {
        if self.how == Notify::Off {
            self.warning = Some(text.to_owned());
        } else {
            self.add(text);
        }
    }

    pub fn is_waiting(&self) -> bool {
        !self.waiting.is_empty() || self.warning.is_some()
    }

    /// Forgets those that wait: there is no terminal to give them on.
    pub fn forget(&mut self) {
        self.waiting.clear();
        self.warning = None;
        self.title_until = None;
    }

    /// The bytes that give those that wait.
    pub fn take(&mut self, now: Instant) -> String {
        let mut bytes = String::new();
        let how = if self.how == Notify::Off { Notify::Title } else { self.how };
        for text in self.waiting.drain(..).chain(self.warning.take()) {
            let text: String = escape(&text).to_string().chars().take(MAX_NOTICE_CHARS).collect();
            match how {
                Notify::Off => {}
                Notify::Title => {
                    bytes = format!("\x1b]2;cckw: {text}\x07");
                    self.title_until = Some(now + NOTICE_TIME);
                }
                Notify::Osc9 => bytes += &format!("\x1b]9;cckw: {text}\x07"),
                // The text may hold no `;` that would end it.
                Notify::Osc777 => bytes += &format!("\x1b]777;notify;cckw;{}\x07", text.replace(';', ",")),
            }
        }
        bytes
    }

    /// When claude's own title is due to come back.
    pub fn title_until(&self) -> Option<Instant> {
        self.title_until
    }

    pub fn title_is_back(&mut self) {
        self.title_until = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(how: Notify, texts: &[&str]) -> String {
        let mut notices = Notices::new(how);
        for text in texts {
            notices.add(text);
        }
        assert_eq!(notices.is_waiting(), how != Notify::Off && !texts.is_empty());
        notices.take(Instant::now())
    }

    #[test]
    fn each_way_has_its_sequence() {
        assert_eq!(given(Notify::Off, &["a"]), "");
        assert_eq!(given(Notify::Title, &["a", "b"]), "\x1b]2;cckw: b\x07");
        assert_eq!(given(Notify::Osc9, &["a", "b"]), "\x1b]9;cckw: a\x07\x1b]9;cckw: b\x07");
        assert_eq!(given(Notify::Osc777, &["a;b"]), "\x1b]777;notify;cckw;a,b\x07");
    }

    #[test]
    fn a_warning_is_given_in_the_title_where_no_notices_are_wanted() {
        let mut notices = Notices::new(Notify::Off);
        notices.add("a");
        notices.warn("b");
        assert!(notices.is_waiting());
        assert_eq!(notices.take(Instant::now()), "\x1b]2;cckw: b\x07");
        assert!(!notices.is_waiting() && notices.title_until().is_some());
        let mut notices = Notices::new(Notify::Osc9);
        notices.warn("b");
        assert_eq!(notices.take(Instant::now()), "\x1b]9;cckw: b\x07");
    }

    #[test]
    fn nothing_in_a_text_ends_the_sequence() {
        for how in [Notify::Title, Notify::Osc9, Notify::Osc777] {
            let given = given(how, &["x\x07y\x1b\\z\n\u{9c}"]);
            assert!(!given[1..given.len() - 1].chars().any(char::is_control), "{given:?}");
        }
        assert!(given(Notify::Osc9, &[&"long".repeat(1000)]).len() < 200);
        assert_eq!(given(Notify::Osc9, &["a"; 9]).matches("cckw").count(), MAX_WAITING_NOTICES);
    }
}
