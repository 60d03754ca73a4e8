//! What the user's command is told of one alert: a line of JSON, and variables.

use serde::{Deserialize, Serialize};

use crate::config::AlertKind;
use crate::escape::escape;
use crate::registry::record::Record;

/// The version of the line. Fields may be added within a version.
const ALERT_VERSION: u32 = 1;
/// Longer texts are cut, in characters. So the line fits into the smallest pipe that there is.
const MAX_TEXT_CHARS: usize = 500;

/// One alert, as the line has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    /// The version of the line.
    pub v: u32,
    /// What happened.
    pub event: AlertKind,
    /// When, in milliseconds since 1970.
    pub at: u64,
    /// The session's id.
    pub session: String,
    /// The session's name.
    pub name: String,
    /// What happened, in words, on one line.
    pub text: String,
    /// The directory that the session was started in.
    pub dir: String,
    /// Whether a terminal has the session.
    pub attached: bool,
    /// The id of the conversation that is open, if that is known.
    pub conversation: Option<String>,
}

impl Alert {
    /// Something that happened to the session of this record. `at` is in milliseconds since 1970.
    pub fn new(record: &Record, at: u64, event: AlertKind, text: &str) -> Self {
        let short = |text: &str| escape(text).to_string().chars().take(MAX_TEXT_CHARS).collect::<String>();
        let dir = std::ffi::OsString::from(record.cwd.clone());
        Self {
            v: ALERT_VERSION,
            event,
            at,
            session: record.session.to_string(),
            name: short(&record.plain_name()),
            text: short(text),
            dir: short(&dir.to_string_lossy()),
            attached: record.client_pid.is_some(),
            conversation: record.conversation.clone(),
        }
    }

    /// The line, with its end.
    pub fn line(&self) -> String {
        // Plain data always has a line.
        serde_json::to_string(self).unwrap_or_default() + "\n"
    }

    /// What a line says; nothing if it is none.
    pub fn of_line(line: &str) -> Option<Self> {
        serde_json::from_str(line).ok()
    }

    /// The variables of the command.
    pub fn variables(&self) -> [(&'static str, String); 6] {
        [
            ("CCKW_EVENT", self.event.name().to_owned()),
            ("CCKW_SESSION", self.session.clone()),
            ("CCKW_NAME", self.name.clone()),
            ("CCKW_TEXT", self.text.clone()),
            ("CCKW_DIR", self.dir.clone()),
            ("CCKW_ATTACHED", u8::from(self.attached).to_string()),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::record::tests::example;

    #[test]
    fn a_line_is_one_line_whatever_the_text_holds() {
        let alert = Alert::new(&example(), 7, AlertKind::Asks, "a\n\u{1b}]0;x\u{7}\0\"b\"");
        let line = alert.line();
        assert_eq!(line.matches('\n').count(), 1);
        assert_eq!(Alert::of_line(&line), Some(alert.clone()));
        assert!(alert.variables().iter().all(|(_, value)| !value.chars().any(char::is_control)));
        assert!(line.starts_with(r#"{"v":1,"event":"asks","at":7,"session":"00000000-"#), "{line}");
        assert_eq!(Alert::of_line("{}"), None);
    }

    #[test]
    fn a_long_text_fits_into_the_smallest_pipe() {
        let alert = Alert::new(&example(), 7, AlertKind::Done, &"\"".repeat(100_000));
        assert!(alert.line().len() < 4096, "{}", alert.line().len());
    }
}
