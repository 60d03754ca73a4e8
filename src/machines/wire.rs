//! What near side and far side say to each other.
//!
//! The near side starts the far one with a command line that is always the same, and writes one line of JSON to it: the
//! [`Request`]. The far side answers with one line on stdout and one on stderr ([`Hello`]). What comes before them is
//! of the far shell (a banner) or of ssh; what comes after them is of the verb that was asked for. When the far side
//! reads the end of its stdin, the near side is gone, and it ends.
//!
//! A verb that changes something is not run before the near side has read the hello, and has said so with the line
//! [`GO`]. So without a hello nothing was done, whatever became of the connection.

use serde::{Deserialize, Serialize};

use crate::os::text::LosslessText;

/// The version of what is said here. Within a major one, fields are added and none changes its meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Protocol {
    /// Another one is not understood.
    pub major: u32,
    /// A higher one knows more.
    pub minor: u32,
}

/// What this cckw speaks.
pub const PROTOCOL: Protocol = Protocol { major: 1, minor: 1 };

/// The longest request, in bytes: a text of half a megabyte, each byte of which may be written as six.
pub const MAX_REQUEST_BYTES: usize = 16 << 20;
/// The longest line of a [`Hello`], in bytes.
const MAX_HELLO_BYTES: usize = 64 << 10;
/// The longest nonce, in bytes.
const MAX_NONCE_BYTES: usize = 64;
/// What the near side says when it has read the hello.
pub const GO: &[u8] = b"go\n";
/// The verbs that change nothing.
const READING_VERBS: [&str; 7] = ["detect", "doctor", "list", "logs", "screen", "transcript", "wait"];

/// What the line of the far side begins with. No shell's banner begins so, and the nonce makes sure of it.
const HELLO_MARK: &str = "\u{1e}cckw-far ";

/// What the near side wants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// What the near side speaks.
    pub protocol: Protocol,
    /// Made anew for each request; it stands in the answer.
    pub nonce: String,
    /// What the far machine is called on the near side.
    pub machine: String,
    /// What is to be done.
    pub ask: Ask,
    /// Whether the output is shown in colours.
    #[serde(default)]
    pub has_colours: bool,
    /// How many columns the terminal has that shows it; nothing where it goes somewhere else.
    #[serde(default)]
    pub columns: Option<usize>,
    /// Whether nothing is done before the near side has said [`GO`].
    #[serde(default)]
    pub waits: bool,
}

/// What is to be done on the far side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ask {
    /// A verb, as if it was typed there.
    Verb {
        /// Its command line, without the name of the program.
        args: Vec<LosslessText>,
        /// What it reads on stdin.
        #[serde(default)]
        stdin: Option<LosslessText>,
    },
    /// How the machine is: the answer on stdout is a line of JSON, [`Condition`].
    Condition,
}

impl Ask {
    /// Whether it may change something on the far side.
    pub fn may_change(&self) -> bool {
        match self {
            Self::Verb { args, .. } => !matches!(
                args.first(),
                Some(LosslessText::String(verb)) if READING_VERBS.contains(&verb.as_str())
            ),
            Self::Condition => false,
        }
    }
}

/// What the far side says first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// What it speaks.
    pub protocol: Protocol,
    /// Its version.
    pub version: String,
    /// Its operating system, as Rust calls it.
    #[serde(default)]
    pub os: String,
    /// Its processor, as Rust calls it.
    #[serde(default)]
    pub arch: String,
}

impl Hello {
    /// That of this cckw.
    pub fn own() -> Self {
        Self {
            protocol: PROTOCOL,
            version: env!("CARGO_PKG_VERSION").into(),
            os: std::env::consts::OS.into(),
            arch: std::env::consts::ARCH.into(),
        }
    }
}

/// How a machine is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Condition {
    /// The claude that would run there: what it says of its version.
    #[serde(default)]
    pub claude: Option<String>,
    /// Why there is none.
    #[serde(default)]
    pub no_claude: Option<String>,
    /// The sessions that run.
    #[serde(default)]
    pub sessions: Vec<SeenSession>,
    /// Where the cckw is that answers.
    #[serde(default)]
    pub program: Option<String>,
}

/// A session of a machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenSession {
    /// What it is called there.
    pub name: String,
    /// Its id.
    pub session: String,
    /// What it did, in a word.
    #[serde(default)]
    pub state: String,
}

/// Whether a text may stand in a line as a nonce.
pub fn is_nonce(text: &str) -> bool {
    !text.is_empty() && text.len() <= MAX_NONCE_BYTES && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// The line that the far side says first.
pub fn hello_line(nonce: &str, hello: &Hello) -> String {
    format!("{HELLO_MARK}{nonce} {}\n", serde_json::to_string(hello).unwrap_or_default())
}

/// Finds the line of the far side in what comes. What comes before it is kept, for whoever wants to know why no
/// such line came.
pub struct HelloFinder {
    mark: Vec<u8>,
    seen: Vec<u8>,
    /// Before this the mark does not begin.
    from: usize,
}

/// What is known of the far side's line.
#[derive(Debug, PartialEq, Eq)]
pub enum Found {
    /// It has not come yet.
    Nothing,
    /// It has come, and this came behind it.
    Hello(Hello, Vec<u8>),
    /// Something has come that begins like it and is none; or too much else.
    Unreadable,
}

impl HelloFinder {
    /// How much may come before the line, in bytes.
    const MAX_BANNER_BYTES: usize = 1 << 20;

    /// For the answer to the request with this nonce.
    pub fn new(nonce: &str) -> Self {
        Self { mark: format!("{HELLO_MARK}{nonce} ").into_bytes(), seen: Vec::new(), from: 0 }
    }

    /// Takes what has come.
    pub fn take(&mut self, bytes: &[u8]) -> Found {
        // Whoever goes on all the same, as with stderr, keeps no more of it.
        if self.seen.len() > Self::MAX_BANNER_BYTES + MAX_HELLO_BYTES {
            return Found::Unreadable;
        }
        self.seen.extend_from_slice(bytes);
        let Some(at) = memchr::memmem::find(&self.seen[self.from..], &self.mark) else {
            // It may have begun at the end.
            self.from = self.seen.len().saturating_sub(self.mark.len()).max(self.from);
            return if self.seen.len() > Self::MAX_BANNER_BYTES { Found::Unreadable } else { Found::Nothing };
        };
        let at = self.from + at;
        self.from = at;
        let line = &self.seen[at + self.mark.len()..];
        let Some(end) = memchr::memchr(b'\n', line) else {
            return if line.len() > MAX_HELLO_BYTES { Found::Unreadable } else { Found::Nothing };
        };
        match serde_json::from_slice(&line[..end]) {
            Ok(hello) => {
                let behind = line[end + 1..].to_vec();
                self.seen.truncate(at);
                Found::Hello(hello, behind)
            }
            Err(_) => Found::Unreadable,
        }
    }

    /// What came before the line.
    pub fn before(&self) -> &[u8] {
        &self.seen
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all(pieces: &[&[u8]]) -> Found {
        let mut finder = HelloFinder::new("n0");
        let mut last = Found::Nothing;
        let mut behind_all = Vec::new();
        for piece in pieces {
            match last {
                Found::Nothing => last = finder.take(piece),
                Found::Hello(..) => behind_all.extend_from_slice(piece),
                Found::Unreadable => {}
            }
        }
        match last {
            Found::Hello(hello, mut behind) => {
                behind.extend(behind_all);
                Found::Hello(hello, behind)
            }
            other => other,
        }
    }

    proptest! {
        #[test]
        fn the_line_is_found_however_it_comes(
            banner in prop::collection::vec(any::<u8>(), 0..200),
            behind in prop::collection::vec(any::<u8>(), 0..50),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
        ) {
            let line = hello_line("n0", &Hello::own());
            let whole = [&banner[..], line.as_bytes(), &behind].concat();
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(whole.len())).collect();
            cuts.sort_unstable();
            let mut pieces = Vec::new();
            let mut from = 0;
            for cut in cuts.into_iter().chain([whole.len()]) {
                pieces.push(&whole[from..cut]);
                from = cut;
            }
            prop_assert_eq!(all(&pieces), Found::Hello(Hello::own(), behind));
        }
    }

    #[test]
    fn of_a_flood_before_the_answer_no_more_is_kept_than_a_banner() {
        let mut finder = HelloFinder::new("n");
        let chunk = vec![b'x'; 64 << 10];
        let found: Vec<Found> = (0..100).map(|_| finder.take(&chunk)).collect();
        assert!(matches!(found.last(), Some(Found::Unreadable)));
        assert!(finder.before().len() < 2 << 20, "{}", finder.before().len());
    }

    #[test]
    fn another_answer_is_none() {
        let other = hello_line("n1", &Hello::own());
        assert_eq!(all(&[other.as_bytes()]), Found::Nothing);
        assert_eq!(all(&[b"\x1ecckw-far n0 {\n"]), Found::Unreadable);
        assert_eq!(all(&[b"\x1ecckw-far n0 ", &vec![b'x'; 70_000]]), Found::Unreadable);
        assert_eq!(all(&[&vec![b'x'; 2 << 20]]), Found::Unreadable);
    }

    #[test]
    fn a_later_minor_version_is_read() {
        let text = r#"{"protocol":{"major":1,"minor":9},"version":"9.0.0","more":[1]}"#;
        let hello: Hello = serde_json::from_str(text).expect("is read");
        assert_eq!((hello.protocol.minor, hello.os.as_str()), (9, ""));
    }

    #[test]
    fn a_verb_that_is_not_known_to_change_nothing_may_change_something() {
        let verb = |line: &[&str]| Ask::Verb {
            args: line.iter().map(|word| LosslessText::String((*word).to_owned())).collect(),
            stdin: None,
        };
        for line in [&["send", "--", "api", "list"][..], &["new", "api"], &["stop"], &["later"], &[]] {
            assert!(verb(line).may_change(), "{line:?}");
        }
        for line in [&["list", "--json"][..], &["wait", "--", "api"], &["screen"]] {
            assert!(!verb(line).may_change(), "{line:?}");
        }
        assert!(!Ask::Condition.may_change());
    }

    #[test]
    fn only_plain_text_is_a_nonce() {
        assert!(is_nonce("0a9Z"));
        for bad in ["", "a b", "a\n", "a\u{1e}", &"a".repeat(65)] {
            assert!(!is_nonce(bad), "{bad}");
        }
    }
}
