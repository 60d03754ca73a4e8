//! What claude has written into the conversation's transcript about remote control.
//!
//! Seen with 2.1.332: each notice is a line of the type `system`, a link that came up with the subtype
//! `bridge_status`, one that was lost with `informational`. On the screen a notice scrolls away, or stands
//! above the answer of a turn; here it does not.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::remote_notices::{Notice, classify};
use crate::os::files::open_plain;

/// How much of a file is read at once, in bytes. What was written before that is passed over.
const MAX_READ_BYTES: u64 = 1 << 20;
/// No line with a notice is longer than this, in bytes.
const MAX_LINE_BYTES: usize = 16 << 10;

/// A notice, with a number that tells it from an earlier one in the same words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Written {
    /// Counts from 1.
    pub number: u64,
    /// What was said.
    pub notice: Notice,
}

/// Follows one conversation's transcript.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RemoteLog {
    path: Option<PathBuf>,
    /// How much of it was read.
    offset: u64,
    last: Option<Written>,
    count: u64,
}

#[derive(Deserialize)]
struct RemoteLogLine {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    content: Option<String>,
    #[serde(default)]
    timestamp: Option<String>,
}

impl RemoteLog {
    /// Follows this file from now on. It may not exist yet.
    pub fn follow(&mut self, path: PathBuf) {
        if self.path.as_deref() != Some(&path) {
            self.path = Some(path);
            self.offset = 0;
            self.last = None;
        }
    }

    /// Reads on, and gives the last notice that was written since `begin`: older ones are of an earlier
    /// claude. A file that cannot be read says nothing new.
    pub fn read(&mut self, begin: SystemTime) -> Option<&Written> {
        if let Some(bytes) = self.path.clone().and_then(|path| self.new_bytes(&path)) {
            let since = begin.duration_since(UNIX_EPOCH).unwrap_or_default();
            for notice in bytes.split(|byte| *byte == b'\n').filter_map(|line| notice(line, since)) {
                self.count += 1;
                self.last = Some(Written { number: self.count, notice });
            }
        }
        self.last.as_ref()
    }

    /// Whole lines that were appended since the last time.
    fn new_bytes(&mut self, path: &Path) -> Option<Vec<u8>> {
        // Most looks find nothing new, and need no descriptor.
        let length = std::fs::metadata(path).ok()?.len();
        if length < self.offset {
            self.offset = 0;
        }
        if length == self.offset {
            return None;
        }
        let start = self.offset.max(length.saturating_sub(MAX_READ_BYTES));
        let mut file: File = open_plain(path).ok()?;
        file.seek(SeekFrom::Start(start)).ok()?;
        let mut bytes = Vec::new();
        file.take(MAX_READ_BYTES).read_to_end(&mut bytes).ok()?;
        let whole = memchr::memrchr(b'\n', &bytes).map_or(0, |at| at + 1);
        // The beginning of a line that is longer than one read is no notice, and is not read again at each
        // look.
        let passed = if whole == 0 && bytes.len() as u64 == MAX_READ_BYTES { bytes.len() } else { whole };
        bytes.truncate(whole);
        self.offset = start + passed as u64;
        Some(bytes)
    }
}

/// The notice in a line that is as young as that, in time since 1970.
fn notice(line: &[u8], since: Duration) -> Option<Notice> {
    // Lines with a conversation in them are long, and most are none of these.
    if line.len() > MAX_LINE_BYTES || memchr::memmem::find(line, b"\"system\"").is_none() {
        return None;
    }
    let line: RemoteLogLine = serde_json::from_slice(line).ok()?;
    let is_new = line.timestamp.as_deref().and_then(since_1970).is_some_and(|at| at >= since);
    (line.kind == "system" && is_new).then(|| classify(line.content.as_deref()?)).flatten()
}

/// Reads `2026-11-29T05:39:06.672Z`.
fn since_1970(text: &str) -> Option<Duration> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let numbers = |text: &str, mark| text.split(mark).map(str::parse).collect::<Result<Vec<u64>, _>>().ok();
    let (clock, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let (date, clock) = (numbers(date, '-')?, numbers(clock, ':')?);
    let (&[year, month @ 1..=12, day @ 1..=31], &[hours, minutes, seconds]) = (&date[..], &clock[..]) else {
        return None;
    };
    let milliseconds: u64 = format!("{fraction:0<3}").get(..3)?.parse().ok()?;
    // Days of the Gregorian calendar, in years that begin with March.
    let (year, month): (u64, u64) =
        if month > 2 { (year, month - 3) } else { (year.checked_sub(1)?, month + 9) };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1;
    let days = days.checked_sub(719_468)?;
    Some(Duration::from_millis((((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000 + milliseconds))
}

#[cfg(test)]
mod tests {
    use std::fs::OpenOptions;
    use std::io::Write as _;

    use super::*;

    fn line(at: &str, content: &str) -> String {
        format!(r#"{{"type":"system","subtype":"informational","content":"{content}","timestamp":"{at}"}}"#)
    }

    #[test]
    fn times_are_read() {
        for (text, expected) in [
            ("1970-01-01T00:00:00.000Z", Some(0)),
            ("2026-11-29T05:39:06.672Z", Some(1_795_930_746_672)),
            ("2024-02-29T23:59:59Z", Some(1_709_251_199_000)),
            ("2026-11-29", None),
            ("2026-13-29T05:39:06.672Z", None),
            ("x-11-29T05:39:06.672Z", None),
        ] {
            assert_eq!(since_1970(text), expected.map(Duration::from_millis), "{text}");
        }
    }

    #[test]
    fn the_last_notice_of_this_claude_counts() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("conversation.jsonl");
        let mut file = OpenOptions::new().create(true).append(true).open(&path).expect("a file");
        let begin = UNIX_EPOCH + Duration::from_millis(1_795_930_000_000);
        let mut log = RemoteLog::default();
        log.follow(path.clone());
        assert_eq!(log.read(begin), None);
        let lost = "Remote Control disconnected — x — run /remote-control to reconnect";
        writeln!(file, "{}", line("2020-11-29T05:39:06.672Z", lost)).expect("writes");
        writeln!(
            file,
            r#"{{"type":"user","message":"Remote Control disconnected — a quote of \"system\""}}"#
        )
        .expect("writes");
        assert_eq!(log.read(begin), None);
        writeln!(file, "{}", line("2026-11-29T05:39:06.672Z", lost)).expect("writes");
        let taken =
            line("2026-11-29T05:40:00.000Z", "Remote Control disconnected — another connection took over");
        write!(file, "{}", &taken[..40]).expect("writes");
        assert_eq!(log.read(begin), Some(&Written { number: 1, notice: Notice::Failed(lost.into()) }));
        writeln!(file, "{}", &taken[40..]).expect("writes");
        let last = log.read(begin).expect("a notice");
        assert!(last.number == 2 && matches!(last.notice, Notice::TakenOver(_)), "{last:?}");
        // A line that is longer than one read hides nothing behind it, and is passed over.
        let long = format!("{{\"type\":\"user\",\"text\":\"{}\"", "x".repeat(3 << 20));
        write!(file, "{long}").expect("writes");
        assert_eq!(log.read(begin).expect("a notice").number, 2);
        assert_eq!(log.offset, std::fs::metadata(&path).expect("a file").len());
        writeln!(file, "}}\n{}", line("2026-11-29T05:41:00.000Z", lost)).expect("writes");
        assert_eq!(log.read(begin).expect("a notice").number, 3);
        // Another conversation has said nothing yet.
        log.follow(folder.path().join("another.jsonl"));
        assert_eq!(log.read(begin), None);
    }
}
