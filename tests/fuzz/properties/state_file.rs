//! Claude's state file: what is read is what stands there, half of a file is none, what is not known is not
//! known, and a file is believed only of the live process that wrote it.
//!
//! Input: the file; `@START@` in it stands for when this process started.

use std::path::Path;

use cckw::claude::remote_control::{Confidence, Link, STATUSES, classify};
use cckw::claude::running::with_conversation;
use cckw::claude::state_file::{BridgeId, StateFile, distance, find, pid_of};
use cckw::os::process::look_up;
use cckw::remote::reconnector::File;
use serde_json::{Map, Value};

pub fn check(data: &[u8]) {
    let me = std::process::id();
    let pid = pid_of(Path::new(&format!("{me}.json"))).expect("a pid");
    let start = look_up(pid).expect("it runs").start;
    let data = replace(data, b"@START@", start.as_bytes());

    let file = StateFile::parse(&data);
    if let Ok(Value::Object(object)) = serde_json::from_slice(&data) {
        is_what_stands_there(file.as_ref().expect("an object"), &object);
    }
    verdict(file.as_ref());
    let Some(file) = file else { return };
    let end = data.trim_ascii_end().len();
    for half in [0, 1, end / 3, end / 2, end.saturating_sub(2), end - 1] {
        assert_eq!(StateFile::parse(&data[..half.min(end - 1)]), None, "half a file");
    }
    believed(&data, &file, me, &start);
}

fn replace(data: &[u8], what: &[u8], with: &[u8]) -> Vec<u8> {
    let Some(at) = data.windows(what.len()).position(|window| window == what) else { return data.to_vec() };
    [&data[..at], with, &data[at + what.len()..]].concat()
}

fn is_what_stands_there(file: &StateFile, object: &Map<String, Value>) {
    let text = |key: &str| object.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
    for (key, read) in [
        ("sessionId", &file.session_id),
        ("version", &file.version),
        ("status", &file.status),
        ("waitingFor", &file.waiting_for),
        ("kind", &file.kind),
        ("entrypoint", &file.entrypoint),
    ] {
        assert_eq!(read.as_deref(), text(key), "{key}");
    }
    assert_eq!(file.cwd.as_deref(), text("cwd").map(Path::new));
    let number = |key: &str| object.get(key).is_some_and(Value::is_number);
    assert!(file.pid.is_none() || number("pid"));
    assert_eq!(file.proc_start.is_some(), text("procStart").is_some() || number("procStart"));
    // A place where typing would do harm is never overlooked.
    let parked = object.get("parkedJobId").is_some_and(|value| !value.is_null() && value != "");
    assert_eq!(file.parked_job_id.is_some(), parked);
    let bridge = match object.get("bridgeSessionId") {
        None | Some(Value::Null) => BridgeId::Absent,
        Some(Value::String(id)) if id.is_empty() => BridgeId::Absent,
        Some(Value::String(id)) => BridgeId::Id(id.clone()),
        Some(_) => BridgeId::Odd,
    };
    assert_eq!(file.bridge, bridge);
}

/// Connected is what names a bridge, disconnected what names none and has a status that is known; all else is
/// not known.
fn verdict(file: Option<&StateFile>) {
    let verdict = classify(file);
    let status = file.and_then(|file| file.status.as_deref());
    let expected = match file.map(|file| &file.bridge) {
        Some(BridgeId::Id(id)) if !id.is_empty() => (Link::Connected, Confidence::High),
        Some(BridgeId::Absent) if status.is_some_and(|status| STATUSES.contains(&status)) => {
            (Link::Disconnected, Confidence::Medium)
        }
        _ => (Link::Unknown, Confidence::None),
    };
    assert_eq!((verdict.link, verdict.confidence), expected);
    // Nobody types where the file does not say all of this.
    let Some(file) = file else { return };
    let is = |value: &Option<String>, wanted: &str| value.as_deref() == Some(wanted);
    let safe = is(&file.kind, "interactive") && is(&file.entrypoint, "cli") && is(&file.status, "idle");
    assert_eq!(File::of(file).obstacle.is_none(), safe && file.parked_job_id.is_none());
}

/// As the file of this process it counts if it names its start; as that of another one never.
fn believed(data: &[u8], file: &StateFile, me: u32, start: &str) {
    let scratch = tempfile::tempdir().expect("a directory");
    let path = |pid: u32| scratch.path().join(format!("{pid}.json"));
    let pid = |number| pid_of(&path(number)).expect("a pid");
    std::fs::write(path(me), data).expect("a file");
    let ours =
        cfg!(target_os = "macos") && file.proc_start.is_some() || file.proc_start.as_deref() == Some(start);
    assert_eq!(distance(&path(me), pid(me)), ours.then_some(0));
    assert_eq!(find(scratch.path(), pid(me)), ours.then(|| path(me)));
    if let Some(id) = &file.session_id {
        let live = with_conversation(scratch.path(), id);
        assert_eq!(live.len(), usize::from(ours));
    }
    // The same file by the name of a process that we did not start.
    std::fs::rename(path(me), path(1)).expect("renames");
    assert_eq!((distance(&path(1), pid(me)), find(scratch.path(), pid(me))), (None, None));
}
