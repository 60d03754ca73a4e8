//! A session whose record cannot be read: what is known of it all the same.
//!
//! A power cut leaves an empty file, a full disk half of one, and a newer cckw writes what this one does not
//! know. The session is not lost by that. Its directory names it. `first.json` beside the record is the
//! record as it was first written, with the program, the arguments and the directory. The log says which
//! conversation was open last, and whether the session ended. Where there is no `first.json`, the transcript
//! of the conversation says where it was begun.

use std::io;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use uuid::Uuid;

use super::log::Log;
use super::record;
use super::record::{GivenName, Record, SessionState};
use crate::claude::transcript;
use crate::claude::transcript::TranscriptOnDisk as Transcript;
use crate::os::exit::Exit;
use crate::os::files;
use crate::os::text::LosslessText;

/// What was found of a session.
#[derive(Debug, Clone, PartialEq)]
pub struct RecoveredRecord {
    /// The record, or what stands for it.
    pub record: Record,
    /// What is wrong with the record on disk; nothing where it is as it should be.
    pub damage: Option<String>,
    /// The directory has another session's name than its record. It was renamed, or is a copy.
    pub is_renamed: bool,
}

/// Reads what there is to know of a session.
///
/// # Errors
/// When the directory holds nothing of a session: no record, and nothing else either.
pub fn read(directory: &Path) -> io::Result<RecoveredRecord> {
    let error = match Record::read(directory) {
        Ok(record) => return Ok(named_as(directory, record)),
        Err(error) => error,
    };
    if error.kind() == io::ErrorKind::NotFound && !has_traces(directory) {
        return Err(error);
    }
    let rebuilt = rebuild(directory).ok_or(error)?;
    let object = contents(directory).and_then(|contents| {
        serde_json::from_slice::<Map<String, Value>>(&contents).map_err(|error| describe(&contents, &error))
    });
    match object {
        Ok(object) => {
            let (record, unknown) = overlay(rebuilt, &object);
            Ok(RecoveredRecord {
                record,
                damage: Some(describe_unknown(&object, &unknown)),
                is_renamed: false,
            })
        }
        Err(damage) => Ok(RecoveredRecord { record: rebuilt, damage: Some(damage), is_renamed: false }),
    }
}

/// A record as it was read. The name of the directory counts more than what the record says of itself.
fn named_as(directory: &Path, record: Record) -> RecoveredRecord {
    let named = directory.file_name().and_then(|name| Uuid::parse_str(name.to_str()?).ok());
    match named.filter(|named| *named != record.session) {
        None => RecoveredRecord { record, damage: None, is_renamed: false },
        Some(session) => {
            let damage =
                format!("it is that of session {}, whose directory was renamed or copied", record.session);
            RecoveredRecord { record: Record { session, ..record }, damage: Some(damage), is_renamed: true }
        }
    }
}

/// As [`read`], for a host that takes the session up and is going to write the record: with the fields that
/// this version does not know, which are written again as they are.
///
/// # Errors
/// As [`read`].
pub fn read_to_write(directory: &Path) -> io::Result<RecoveredRecord> {
    let mut found = read(directory)?;
    let object: Option<Map<String, Value>> =
        contents(directory).ok().and_then(|contents| serde_json::from_slice(&contents).ok());
    if let (Some(object), Ok(Value::Object(known))) = (object, serde_json::to_value(&found.record)) {
        found.record.unknown = object.into_iter().filter(|(key, _)| !known.contains_key(key)).collect();
    }
    Ok(found)
}

/// Keeps a copy of a record that this version does not understand, beside it, before it is replaced. Gives
/// its path, where one was made.
pub fn keep_copy(directory: &Path) -> Option<PathBuf> {
    let kept = directory.join("session.json.kept");
    let contents = files::read_plain(&record::path(directory), record::MAX_RECORD_BYTES).ok()?;
    crate::paths::write_atomically(&kept, &contents).ok()?;
    Some(kept)
}

/// Reads a record, leniently, from what a host says of itself.
///
/// The fields that are not understood are as in `known`; they are named.
pub fn from_host(known: &Record, said: &Value) -> (Record, Vec<String>) {
    if let Ok(record) = serde_json::from_value(said.clone()) {
        return (record, Vec::new());
    }
    match said {
        Value::Object(object) => overlay(known.clone(), object),
        _ => (known.clone(), vec!["session".into()]),
    }
}

/// Takes over each field that is understood. Gives the names of those that are not.
fn overlay(base: Record, object: &Map<String, Value>) -> (Record, Vec<String>) {
    let mut unknown = Vec::new();
    let Ok(Value::Object(template)) = serde_json::to_value(&base) else { return (base, unknown) };
    let is_understood = |key: &str, value: &Value| {
        let mut tried = template.clone();
        tried.insert(key.to_owned(), value.clone());
        serde_json::from_value::<Record>(Value::Object(tried)).is_ok()
    };
    let mut merged = template.clone();
    for (key, value) in object {
        // The directory's name says which session it is.
        if key == "session" || !template.contains_key(key) {
            continue;
        }
        if is_understood(key, value) {
            merged.insert(key.clone(), value.clone());
        } else {
            unknown.push(key.clone());
        }
    }
    (serde_json::from_value(Value::Object(merged)).unwrap_or(base), unknown)
}

/// What can be known of a session without its record; nothing where the directory's name is none of a
/// session.
fn rebuild(directory: &Path) -> Option<Record> {
    let session = Uuid::parse_str(directory.file_name()?.to_str()?).ok()?;
    let first = Record::read_file(&directory.join(record::FIRST_FILE_NAME)).ok();
    let mut record = first.filter(|first| first.session == session).unwrap_or_else(|| blank(session));
    record.state = SessionState::Running;
    (record.host_pid, record.client_pid, record.boot) = (0, None, None);
    follow_log(&mut record, directory);
    if record.cwd == LosslessText::from(Path::new("")) {
        find_transcript(&mut record);
    }
    Some(record)
}

/// The record of a session of which nothing but its id is known.
fn blank(session: Uuid) -> Record {
    let mut record = Record::of(session);
    record.pinned = true;
    record
}

/// Takes over what the log says of the session.
fn follow_log(record: &mut Record, directory: &Path) {
    for line in Log::open(directory).lines().unwrap_or_default() {
        let Ok(event) = serde_json::from_slice::<Map<String, Value>>(&line) else { continue };
        let at = event.get("at").and_then(Value::as_u64).map(|at| at / 1000);
        if record.started_at == 0 {
            record.started_at = at.unwrap_or_default();
        }
        match event.get("event").and_then(Value::as_str).unwrap_or_default() {
            "conversation" => {
                let id = event.get("id").and_then(Value::as_str).filter(|id| transcript::is_id(id));
                if let Some(id) = id {
                    record.follow(id);
                }
            }
            "renamed" => {
                let text = |key: &str| event.get(key).and_then(Value::as_str).map(str::to_owned);
                if let Some(name) = text("name") {
                    let since_ms = event.get("at").and_then(Value::as_u64).unwrap_or_default();
                    record.called =
                        Some(GivenName { name, wanted: text("wanted"), since_ms, to_tell: false });
                }
            }
            "started" | "taken-up" | "restarting" => {
                (record.state, record.ended_at, record.exit) = (SessionState::Running, None, None);
            }
            "ended" => {
                let exit =
                    event.get("exit").and_then(|exit| serde_json::from_value::<Exit>(exit.clone()).ok());
                (record.state, record.ended_at, record.exit) = (SessionState::Stopped, at, exit);
            }
            _ => {}
        }
    }
}

/// Without the first record only the transcript says where the conversation was begun. An id that cckw chose
/// is the session's.
fn find_transcript(record: &mut Record) {
    let id = record.conversation.clone().unwrap_or_else(|| record.session.to_string());
    let projects = transcript::directory();
    if let Some(Transcript::Conversation(path)) =
        projects.map(|projects| transcript::find(&projects, &id, None))
    {
        record.follow(&id);
        if let Some(cwd) = transcript::cwd(&path) {
            record.cwd = cwd.as_path().into();
        }
    }
}

/// Whether the directory has anything of a session but a record.
fn has_traces(directory: &Path) -> bool {
    [record::FIRST_FILE_NAME, "events.jsonl", "events.old.jsonl"]
        .iter()
        .any(|name| directory.join(name).is_file())
}

fn contents(directory: &Path) -> Result<Vec<u8>, String> {
    files::read_plain(&record::path(directory), record::MAX_RECORD_BYTES).map_err(|error| error.to_string())
}

/// What is wrong with contents that are no JSON object.
fn describe(contents: &[u8], error: &serde_json::Error) -> String {
    if contents.iter().all(|byte| *byte == 0 || byte.is_ascii_whitespace()) {
        return "it is empty, as after a power cut".into();
    }
    format!("it is damaged: {error}")
}

/// What is wrong with an object.
fn describe_unknown(object: &Map<String, Value>, unknown: &[String]) -> String {
    let version = object.get("version").and_then(Value::as_u64).unwrap_or_default();
    let newer =
        if version > u64::from(record::RECORD_VERSION) { "a newer cckw has written it; " } else { "" };
    let fields: Vec<String> =
        unknown.iter().map(|key| format!("{key} = {}", shortened(&object[key].to_string()))).collect();
    match fields.is_empty() {
        true => format!("{newer}a field is missing"),
        false => format!("{newer}this cckw does not understand {}", fields.join(", ")),
    }
}

fn shortened(text: &str) -> String {
    const LONGEST: usize = 60;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::registry::event_log::EventLog;
    use crate::registry::log_event::LogEvent;
    use crate::registry::record::tests::example;

    const ID: &str = "6f1c1d1e-0000-4000-8000-000000000001";
    const OTHER: &str = "6f1c1d1e-0000-4000-8000-000000000002";

    /// A session's directory with a record, and the record.
    fn session(scratch: &Path) -> (PathBuf, Record) {
        let directory = scratch.join(ID);
        fs::create_dir(&directory).expect("makes it");
        let mut record = example();
        record.session = ID.parse().expect("an id");
        record.follow(ID);
        record.name = Some("work".into());
        record.write(&directory).expect("writes");
        (directory, record)
    }

    fn damage(directory: &Path, contents: &str) -> RecoveredRecord {
        fs::write(record::path(directory), contents).expect("writes");
        read(directory).expect("is found")
    }

    #[test]
    fn a_record_as_it_should_be_is_read_as_it_is() {
        let scratch = tempfile::tempdir().expect("a directory");
        let (directory, record) = session(scratch.path());
        assert_eq!(
            read(&directory).expect("reads"),
            RecoveredRecord { record, damage: None, is_renamed: false }
        );
    }

    #[test]
    fn an_empty_or_half_record_is_rebuilt_from_the_first_one_and_the_log() {
        let scratch = tempfile::tempdir().expect("a directory");
        let (directory, mut record) = session(scratch.path());
        // A later one, so that the first one is another file.
        record.restarts = 7;
        record.write(&directory).expect("writes");
        let events = EventLog::in_directory(&directory);
        events.write(LogEvent::Started { child: 7 });
        events.write(LogEvent::Conversation { id: OTHER.into(), job: None });
        events.write(LogEvent::Renamed { name: "play-2".into(), wanted: Some("play".into()) });
        for contents in ["", "\0\0\0", "{\"session\":", "[]", "7"] {
            let RecoveredRecord { record, damage, .. } = damage(&directory, contents);
            assert!(damage.is_some(), "{contents:?}");
            assert_eq!(record.name.as_deref(), Some("work"), "{contents:?}");
            assert_eq!((record.plain_name(), record.renamed_to()), ("play-2".into(), Some("play")));
            assert_eq!(record.args, example().args);
            assert_eq!(record.conversation.as_deref(), Some(OTHER));
            assert_eq!((record.state, record.ended_at), (SessionState::Running, None));
        }
        fs::remove_file(record::path(&directory)).expect("removes");
        assert_eq!(read(&directory).expect("is found").record.name.as_deref(), Some("work"));
        events.write(LogEvent::Ended { exit: Exit::Code(3) });
        let ended = damage(&directory, "").record;
        assert_eq!((ended.state, ended.exit), (SessionState::Stopped, Some(Exit::Code(3))));
    }

    #[test]
    fn what_a_newer_one_has_written_is_taken_as_far_as_it_is_understood() {
        let scratch = tempfile::tempdir().expect("a directory");
        let (directory, record) = session(scratch.path());
        for (key, value, version) in [
            ("state", serde_json::json!("paused"), 2),
            ("kind", serde_json::json!("batch"), 1),
            ("restarts", serde_json::json!({ "total": 3 }), 1),
            ("exit", serde_json::json!({ "oom": 1 }), 1),
        ] {
            let mut object = serde_json::to_value(&record).expect("JSON");
            object[key] = value;
            object["version"] = version.into();
            object["claude_version"] = "9.9.9".into();
            let RecoveredRecord { record, damage, .. } = damage(&directory, &object.to_string());
            let damage = damage.expect("a word about it");
            assert!(damage.contains(key), "{damage}");
            assert_eq!(damage.contains("a newer cckw"), version == 2, "{damage}");
            assert_eq!(record.claude_version.as_deref(), Some("9.9.9"), "the rest is lost");
            assert_eq!(record.conversation.as_deref(), Some(ID));
        }
    }

    #[test]
    fn what_is_not_known_is_written_again() {
        let scratch = tempfile::tempdir().expect("a directory");
        let (directory, record) = session(scratch.path());
        let mut object = serde_json::to_value(&record).expect("JSON");
        object["of_the_future"] = serde_json::json!({ "a": [1, 2] });
        fs::write(record::path(&directory), object.to_string()).expect("writes");
        let mut found = read_to_write(&directory).expect("reads");
        assert_eq!(found.damage, None);
        found.record.restarts += 1;
        found.record.write(&directory).expect("writes");
        let written: Value =
            serde_json::from_slice(&fs::read(record::path(&directory)).expect("reads")).expect("JSON");
        assert_eq!(written["of_the_future"], serde_json::json!({ "a": [1, 2] }));
        assert_eq!(written["restarts"], 1);
    }

    #[test]
    fn a_record_of_another_session_is_not_as_it_should_be() {
        let scratch = tempfile::tempdir().expect("a directory");
        let (directory, record) = session(scratch.path());
        let renamed = scratch.path().join(OTHER);
        fs::rename(&directory, &renamed).expect("renames");
        let found = read(&renamed).expect("is found");
        assert!(found.is_renamed && found.damage.is_some_and(|damage| damage.contains(ID)));
        assert_eq!((found.record.session.to_string(), found.record.name), (OTHER.into(), record.name));
        assert_eq!(found.record.conversation.as_deref(), Some(ID));
    }

    #[test]
    fn a_directory_with_nothing_in_it_is_no_session() {
        let scratch = tempfile::tempdir().expect("a directory");
        let directory = scratch.path().join(ID);
        fs::create_dir(&directory).expect("makes it");
        assert!(read(&directory).is_err());
        fs::write(record::path(&directory), "").expect("writes");
        let found = read(&directory).expect("is found");
        assert_eq!(found.record.session.to_string(), ID);
        assert!(found.damage.is_some_and(|damage| damage.contains("empty")));
    }
}
