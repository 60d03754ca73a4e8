//! Claude's transcripts: `projects/DIRECTORY/ID.jsonl` in its configuration directory, one for each
//! conversation.
//!
//! Undocumented, as tried with Claude Code 2.1.329. A transcript is made with the first prompt. `--resume ID`
//! finds it from any directory, looking where it was started first. A file that holds no message is a trap:
//! `--resume` does not find a conversation in it, and `--session-id` calls the id taken.

pub mod entry;
pub mod failure;
pub mod growing;
pub mod last_turn;
pub mod message_turn;
pub mod search;
pub mod tail;
pub mod turn;

use std::borrow::Cow;
use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use uuid::Uuid;

use crate::os::files::open_plain;

/// How much of a file is searched for a message, in bytes. The first message comes within the first lines. A
/// longer file without one in this part has a line with a picture in it, and is left to claude to judge. The
/// host's loop reads this, so it is little: a line of 60 MB would stop the loop for a second.
const MAX_SEARCHED_BYTES: u64 = 1 << 20;

/// The longest name of a directory below `projects`, before a hash tells the longer ones apart.
const LONGEST_NAME: usize = 200;

/// What is on disk of a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TranscriptOnDisk {
    /// No file: the id is free.
    Nothing,
    /// A file without a message in it: claude can neither resume it nor begin a conversation with its id.
    Unusable(PathBuf),
    /// A conversation that can be resumed.
    Conversation(PathBuf),
    /// None was found, but not everything could be looked at: no descriptor is left, say. What was there may
    /// well be there.
    Unknown,
}

/// Whether this is a conversation's id: a UUID in its usual form. Only such a one becomes part of a path or
/// an argument.
///
/// Upper and lower case are told apart by claude, so an id is used letter by letter as claude wrote it.
pub fn is_id(text: &str) -> bool {
    text.len() == 36 && Uuid::try_parse(text).is_ok()
}

/// `$CLAUDE_CONFIG_DIR/projects`, else `~/.claude/projects`. It may not exist yet.
pub fn directory() -> Option<PathBuf> {
    Some(super::config_dir()?.join("projects"))
}

/// Looks for the conversation `id` below `projects`: first where it belongs if it was begun in `cwd`, then
/// everywhere else.
///
/// Where several directories hold a file of that name, one with a conversation counts, and of those the one
/// written last. `cwd` is to be a real path, as the state file names it.
pub fn find(projects: &Path, id: &str, cwd: Option<&Path>) -> TranscriptOnDisk {
    if !is_id(id) {
        return TranscriptOnDisk::Nothing;
    }
    let file = format!("{id}.jsonl");
    // A file without a conversation in the way there hides none elsewhere: claude finds that too.
    let (mut unusable, mut unknown) = (None, false);
    if let Some(cwd) = cwd {
        let path = projects.join(directory_name(cwd)).join(&file);
        match holds_conversation(&path) {
            Ok(Some(true)) => return TranscriptOnDisk::Conversation(path),
            Ok(Some(false)) => unusable = Some(path),
            Ok(None) => {}
            Err(_) => unknown = true,
        }
    }
    let mut latest = None;
    let all = fs::read_dir(projects);
    unknown |= all.as_ref().is_err_and(|error| !is_absence(error));
    for project in all.into_iter().flatten().flatten() {
        let path = project.path().join(&file);
        match holds_conversation(&path) {
            Ok(Some(true)) => {
                let written = fs::metadata(&path).and_then(|metadata| metadata.modified()).ok();
                latest = latest.max(Some((written, path)));
            }
            Ok(Some(false)) => {
                unusable.get_or_insert(path);
            }
            Ok(None) => {}
            Err(_) => unknown = true,
        }
    }
    match (latest, unusable) {
        (Some((_, path)), _) => TranscriptOnDisk::Conversation(path),
        (None, _) if unknown => TranscriptOnDisk::Unknown,
        (None, Some(path)) => TranscriptOnDisk::Unusable(path),
        (None, None) => TranscriptOnDisk::Nothing,
    }
}

/// Whether an error says that there is no such file, rather than that it cannot be said.
fn is_absence(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// What claude calls the directory for conversations begun in `cwd`.
///
/// Every UTF-16 unit that is no ASCII letter or digit becomes a `-`, so different directories can share a
/// name. A long name is cut and gets the hash that Java gave to strings, of the whole path, in base 36. A
/// path that is not UTF-8 has no name: claude does not start there.
pub fn directory_name(cwd: &Path) -> OsString {
    let path = cwd.to_string_lossy();
    let letter = |unit| char::from_u32(unit).filter(char::is_ascii_alphanumeric).unwrap_or('-');
    let mut name: String = path.encode_utf16().map(|unit| letter(u32::from(unit))).collect();
    if name.len() > LONGEST_NAME {
        let hash =
            path.encode_utf16().fold(0i32, |hash, unit| hash.wrapping_mul(31).wrapping_add(unit.into()));
        name.truncate(LONGEST_NAME);
        name.push('-');
        name.push_str(&base36(hash.unsigned_abs()));
    }
    name.into()
}

fn base36(mut number: u32) -> String {
    let mut digits = vec![];
    loop {
        digits.extend(char::from_digit(number % 36, 36));
        number /= 36;
        if number == 0 {
            return digits.into_iter().rev().collect();
        }
    }
}

/// The directory that a transcript's conversation was begun in, as its first lines say; nothing where they do
/// not.
pub fn cwd(path: &Path) -> Option<PathBuf> {
    const LINES: usize = 100;
    let file = BufReader::new(open_plain(path).ok()?.take(MAX_SEARCHED_BYTES));
    let lines = file.split(b'\n').map_while(Result::ok).take(LINES);
    let cwd = |line: Vec<u8>| {
        let line: Value = serde_json::from_slice(&line).ok()?;
        Some(PathBuf::from(line.get("cwd")?.as_str()?))
    };
    lines.filter_map(cwd).find(|cwd| cwd.is_absolute())
}

/// Whether this file holds a conversation; nothing when there is no such file.
///
/// # Errors
/// When that cannot be said.
fn holds_conversation(path: &Path) -> io::Result<Option<bool>> {
    let metadata = match fs::metadata(path) {
        // Opening a FIFO of that name would wait for its writer.
        Ok(metadata) if !metadata.is_file() => return Ok(None),
        Err(error) if is_absence(&error) => return Ok(None),
        other => other?,
    };
    let reader = BufReader::new(open_plain(path)?.take(MAX_SEARCHED_BYTES));
    Ok(Some(holds_message(reader)? || metadata.len() > MAX_SEARCHED_BYTES))
}

/// Whether there is a line with a message in what a transcript holds.
///
/// # Errors
/// When it cannot be read.
pub fn holds_message(mut transcript: impl BufRead) -> io::Result<bool> {
    let mut line = vec![];
    while transcript.read_until(b'\n', &mut line)? > 0 {
        if is_message(&line) {
            return Ok(true);
        }
        line.clear();
    }
    Ok(false)
}

/// Whether a line can be resumed from. Claude wants more than a `uuid` (a timestamp, no sidechain); but what
/// is taken for a message by mistake costs a start that fails, and what is missed would cost the
/// conversation.
fn is_message(line: &[u8]) -> bool {
    /// Whether an object has a `uuid` with a text. Of a key that stands there twice the last one counts, as
    /// in JavaScript.
    struct HasUuid(bool);

    impl<'de> Deserialize<'de> for HasUuid {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            deserializer.deserialize_map(TranscriptObject)
        }
    }

    struct TranscriptObject;

    impl<'de> Visitor<'de> for TranscriptObject {
        type Value = HasUuid;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<HasUuid, A::Error> {
            let mut message = HasUuid(false);
            while let Some(key) = map.next_key::<Cow<'_, str>>()? {
                if key == "uuid" {
                    message.0 = map.next_value::<Value>()?.is_string();
                } else {
                    map.next_value::<IgnoredAny>()?;
                }
            }
            Ok(message)
        }
    }

    serde_json::from_slice::<HasUuid>(line).is_ok_and(|message| message.0)
}

/// Whether the last line of a transcript has no end: the disk had no room for the rest. False where that
/// cannot be told.
pub fn is_torn(path: &Path) -> bool {
    let last = || {
        let mut file = open_plain(path).ok()?;
        file.seek(SeekFrom::End(-1)).ok()?;
        let mut last = [0];
        file.read_exact(&mut last).ok()?;
        Some(last[0])
    };
    last().is_some_and(|last| last != b'\n')
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::fs::File;
    use std::time::{Duration, SystemTime};

    use proptest::prelude::*;

    use super::*;

    const ID: &str = "0f0e0d0c-1111-4111-8111-0123456789ab";
    const MESSAGE: &str = "{\"type\":\"mode\"}\n{\"type\":\"user\",\"uuid\":\"x\",\"timestamp\":\"t\"}\n";

    fn write(projects: &Path, cwd: &str, contents: &str) -> PathBuf {
        let directory = projects.join(directory_name(Path::new(cwd)));
        fs::create_dir_all(&directory).expect("makes it");
        let path = directory.join(format!("{ID}.jsonl"));
        fs::write(&path, contents).expect("writes");
        path
    }

    #[test]
    fn directories_are_named_as_claude_names_them() {
        let name = |cwd: &str| directory_name(Path::new(cwd)).into_string().expect("is UTF-8");
        assert_eq!(name("/home/u/a b_c-d+e"), "-home-u-a-b-c-d-e");
        assert_eq!(name("/w/UPPER.dot..x"), "-w-UPPER-dot--x");
        assert_eq!(name("/w/\u{fc}n\u{ef}code"), "-w--n-code");
        assert_eq!(name("/w/\u{65e5}\u{672c}"), "-w---");
        // Two UTF-16 units, and a combining mark that is left as it is.
        assert_eq!(name("/w/emoji\u{1f600}x"), "-w-emoji--x");
        assert_eq!(name("/w/decompe\u{301}"), "-w-decompe-");
    }

    #[test]
    fn long_names_are_cut_and_hashed() {
        // Both as claude named them.
        let name = |path: &str| directory_name(Path::new(path)).into_string().expect("is UTF-8");
        let long = name(&format!("/tmp/{}", "directory/".repeat(30).trim_end_matches('/')));
        assert_eq!((long.len(), &long[195..]), (207, "direc-wggl8s"));
        let long = name(&format!("/tmp/{}", "x".repeat(196)));
        assert_eq!((long.len(), &long[195..]), (207, "xxxxx-diaimx"));
        assert_eq!(name(&format!("/tmp/{}", "x".repeat(195))), format!("-tmp-{}", "x".repeat(195)));
        assert_eq!((base36(0), base36(35), base36(36)), ("0".into(), "z".into(), "10".into()));
    }

    #[test]
    fn only_uuids_are_ids() {
        assert!(is_id(ID) && is_id(&ID.to_uppercase()));
        for other in ["", "..", "../x", &ID[1..], &ID.replace('-', ""), &format!("{{{ID}}}"), "--resume"] {
            assert!(!is_id(other), "{other}");
        }
    }

    #[test]
    fn it_is_found_where_it_belongs_and_from_anywhere() {
        let scratch = tempfile::tempdir().expect("a directory");
        let find = |cwd: Option<&str>| find(scratch.path(), ID, cwd.map(Path::new));
        assert_eq!(find(Some("/w")), TranscriptOnDisk::Nothing);
        let here = write(scratch.path(), "/w", MESSAGE);
        assert_eq!(find(Some("/w")), TranscriptOnDisk::Conversation(here.clone()));
        assert_eq!(find(Some("/elsewhere")), TranscriptOnDisk::Conversation(here.clone()));
        assert_eq!(find(None), TranscriptOnDisk::Conversation(here.clone()));
        // One's own directory first, else the one written last.
        let newer = write(scratch.path(), "/x", MESSAGE);
        let later = SystemTime::now() + Duration::from_secs(60);
        File::open(&newer).and_then(|file| file.set_modified(later)).expect("is dated");
        assert_eq!(find(Some("/w")), TranscriptOnDisk::Conversation(here));
        assert_eq!(find(None), TranscriptOnDisk::Conversation(newer));
    }

    #[test]
    fn a_file_without_a_message_is_no_conversation() {
        let scratch = tempfile::tempdir().expect("a directory");
        let message = MESSAGE.lines().last().expect("a line");
        for contents in ["", "\n", "junk\n", "{\"type\":\"mode\"}\n", &message[..message.len() - 1]] {
            let path = write(scratch.path(), "/w", contents);
            assert_eq!(find(scratch.path(), ID, None), TranscriptOnDisk::Unusable(path), "{contents}");
        }
        // The last line's end may not have been written, and other lines may be broken.
        let path = write(scratch.path(), "/w", &format!("{{\"half\n{message}"));
        assert_eq!(find(scratch.path(), ID, None), TranscriptOnDisk::Conversation(path));
        // As JavaScript reads it, the last of two counts.
        for (line, found) in [(r#"{"uuid":1,"uuid":"x"}"#, true), (r#"{"uuid":"x","uuid":1}"#, false)] {
            assert_eq!(holds_message(line.as_bytes()).expect("memory"), found, "{line}");
        }
        // What is in the way where it belongs hides nothing.
        let other = write(scratch.path(), "/here", "");
        let found = find(scratch.path(), ID, Some(Path::new("/here")));
        assert!(matches!(found, TranscriptOnDisk::Conversation(path) if path != other));
    }

    #[test]
    fn a_line_of_many_megabytes_is_not_read() {
        let scratch = tempfile::tempdir().expect("a directory");
        let line = format!("{{\"type\":\"api-request-blob\",\"data\":\"{}\"}}\n", "x".repeat(48 << 20));
        let path = write(scratch.path(), "/w", &line);
        let begun = std::time::Instant::now();
        let mut reader = CountingReader(File::open(&path).expect("opens"), 0);
        assert!(!holds_message(BufReader::new((&mut reader).take(MAX_SEARCHED_BYTES))).expect("reads"));
        assert!(reader.1 <= MAX_SEARCHED_BYTES, "{} bytes in {:?}", reader.1, begun.elapsed());
        assert_eq!(find(scratch.path(), ID, None), TranscriptOnDisk::Conversation(path));
    }

    /// Counts what is read.
    struct CountingReader(File, u64);

    impl Read for CountingReader {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = self.0.read(buffer)?;
            self.1 += count as u64;
            Ok(count)
        }
    }

    #[test]
    fn what_is_no_file_is_not_waited_for() {
        let scratch = tempfile::tempdir().expect("a directory");
        let path = write(scratch.path(), "/w", "");
        fs::remove_file(&path).expect("removes");
        nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).expect("makes a FIFO");
        assert_eq!(find(scratch.path(), ID, Some(Path::new("/w"))), TranscriptOnDisk::Nothing);
    }

    proptest! {
        #[test]
        fn a_name_stays_below_projects(path in "\\PC{0,300}", id in "\\PC{0,40}") {
            let name = directory_name(Path::new(OsStr::new(&path)));
            let name = name.to_str().expect("is ASCII");
            prop_assert!(name.len() <= 200 + 1 + 7 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'));
            prop_assert!(!is_id(&id) || !id.contains(['/', '.']));
        }
    }
}
