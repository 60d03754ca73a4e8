//! What a user is told when something cannot be done. Each file here has all texts of one subject, and
//! nothing else makes such an error; `src/cli/messages.rs` shows them one after another.

pub mod adopt;
pub mod claude;
pub mod client;
pub mod copy;
pub mod files;
pub mod host;
pub mod machine;
pub mod new;
pub mod remote;
pub mod selector;
pub mod send;
pub mod service;
pub mod session;
pub mod shim;
pub mod shortage;
pub mod system_limits;
pub mod terminal;
pub mod transcript;
pub mod turn;
pub mod update;
pub mod verb;
pub mod wait;

use std::fmt;

use crate::escape::escape;

/// The status of whatever has no other one.
const FAILURE: u8 = 1;

/// What has happened, why, and what to do about it; and the status that a verb exits with for it. It is
/// displayed in one line, in which a terminal obeys nothing: `what: why; advice`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserError {
    what: String,
    why: Option<String>,
    advice: Option<String>,
    status: u8,
}

impl UserError {
    /// Something that has happened; the status is 1.
    fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), why: None, advice: None, status: FAILURE }
    }

    fn why(self, why: impl ToString) -> Self {
        Self { why: Some(why.to_string()), ..self }
    }

    /// What to do. Behind what has been advised already it is one thing more.
    fn advice(self, advice: impl fmt::Display) -> Self {
        let advice = match self.advice {
            Some(before) => format!("{before}; {advice}"),
            None => advice.to_string(),
        };
        Self { advice: Some(advice), ..self }
    }

    fn status(self, status: u8) -> Self {
        Self { status, ..self }
    }

    /// The same, of this session: the line begins with its name.
    #[must_use]
    pub fn about(self, name: &str) -> Self {
        Self { what: format!("{}: {}", escape(name), self.what), ..self }
    }

    /// The status that a verb exits with.
    pub fn exit_status(&self) -> u8 {
        self.status
    }
}

impl fmt::Display for UserError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The only place where it is made safe to print. What came here as an escaped path stays as it is.
        write!(f, "{}", escape(&self.what))?;
        if let Some(why) = &self.why {
            write!(f, ": {}", escape(why))?;
        }
        if let Some(advice) = &self.advice {
            write!(f, "; {}", escape(advice))?;
        }
        Ok(())
    }
}

impl std::error::Error for UserError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_all_parts_and_nothing_that_a_terminal_obeys() {
        let error =
            UserError::new("no \u{1b}[2J").why("a\nb").advice("do \u{202e}x").advice("or y").status(7);
        assert_eq!(error.to_string(), "no \\u{1b}[2J: a\\nb; do \\u{202e}x; or y");
        assert_eq!(error.exit_status(), 7);
        assert_eq!(error.about("\u{9b}").to_string(), "\\u{9b}: no \\u{1b}[2J: a\\nb; do \\u{202e}x; or y");
    }

    #[test]
    fn a_path_that_is_no_text_is_spelt_out_once() {
        use std::os::unix::ffi::OsStrExt;
        let path = std::path::Path::new(std::ffi::OsStr::from_bytes(b"/a\xff\x1b"));
        assert_eq!(UserError::new(escape(path).to_string()).to_string(), "/a\\xff\\u{1b}");
    }
}
