//! What claude writes down about a background job: `jobs/ID/state.json` in its configuration directory.
//!
//! As seen with Claude Code 2.1.332, and read in its program. `claude agents --json --all` prints what stands in these files. They stay
//! when the job's process has ended, until the user removes the job.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::background_job::is_job_id;
use super::transcript::is_id;
use crate::os::clock;
use crate::os::files::read_plain;

/// The folder of the jobs in claude's configuration directory.
pub const JOBS: &str = "jobs";
/// The most that is read of such a file, in bytes. Those that were seen had less than two KiB.
const MAX_BYTES: u64 = 1 << 20;

/// A job, as its file says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JobFile {
    /// Eight hexadecimal digits.
    pub id: String,
    /// `working`, `done`, `failed`, `stopped`, `crashed`, or something newer.
    pub state: String,
    /// `active`, `idle` or `blocked`, where it has not ended.
    pub tempo: Option<String>,
    /// What it needs of its user.
    pub needs: Option<String>,
    /// What claude calls it, else what it was asked.
    pub name: Option<String>,
    /// What it was asked.
    pub intent: Option<String>,
    /// The directory that it works in.
    pub cwd: Option<PathBuf>,
    /// The conversation that it has open, or would open.
    pub conversation: Option<String>,
    /// When it was started, and when the file was written, in seconds since 1970.
    pub created_at: Option<u64>,
    /// See `created_at`.
    pub updated_at: Option<u64>,
}

impl JobFile {
    /// The job of a directory below [`JOBS`]; nothing where there is none.
    pub fn read(directory: &Path) -> Option<Self> {
        let id = directory.file_name()?.to_str().filter(|id| is_job_id(id))?;
        Self::parse(id, &read_plain(&directory.join("state.json"), MAX_BYTES).ok()?)
    }

    fn parse(id: &str, contents: &[u8]) -> Option<Self> {
        let value: Value = serde_json::from_slice(contents).ok()?;
        let text = |key: &str| value[key].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        let at = |key: &str| value[key].as_str().and_then(clock::seconds_of);
        let conversation = |key: &str| text(key).filter(|id| is_id(id));
        Some(Self {
            id: id.to_owned(),
            state: text("state")?,
            tempo: text("tempo"),
            needs: text("needs"),
            name: text("name").or_else(|| text("displayIntent")).or_else(|| text("intent")),
            intent: text("intent"),
            cwd: text("cwd").map(PathBuf::from),
            conversation: conversation("resumeSessionId").or_else(|| conversation("sessionId")),
            created_at: at("createdAt"),
            updated_at: at("updatedAt"),
        })
    }

    /// What the job does whose process does not live, in a word.
    pub fn state_without_process(&self) -> &str {
        match (self.state.as_str(), self.tempo.as_deref()) {
            // It was broken off in the middle of something.
            ("working", None | Some("active")) => "crashed",
            ("working", Some("blocked")) | ("blocked", _) => "waiting",
            // It goes on when it is opened.
            ("working", Some(_)) => "stopped",
            (state, _) => state,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const ID: &str = "3a0168e6-1111-4111-8111-0123456789ab";

    #[test]
    fn what_was_seen_is_understood() {
        let scratch = tempfile::tempdir().expect("a directory");
        let directory = scratch.path().join("3a0168e6");
        assert_eq!(JobFile::read(&directory), None);
        fs::create_dir(&directory).expect("a directory");
        let contents = format!(
            r#"{{"state":"working","detail":"","template":"bg","intent":"fix it","name":"","sessionId":"{ID}","cwd":"/w",
            "createdAt":"1970-01-01T00:01:00.000Z","updatedAt":7,"later":[]}}"#
        );
        fs::write(directory.join("state.json"), contents).expect("writes");
        let job = JobFile::read(&directory).expect("a job");
        assert_eq!((job.name.as_deref(), job.conversation.as_deref()), (Some("fix it"), Some(ID)));
        assert_eq!((job.created_at, job.updated_at, job.cwd), (Some(60), None, Some("/w".into())));
    }

    #[test]
    fn what_is_no_job_is_none() {
        for contents in [&b"{"[..], b"{}", b"[]", b"{\"state\":7}", b"\xff"] {
            assert_eq!(JobFile::parse("3a0168e6", contents), None);
        }
        assert_eq!(JobFile::read(Path::new("/x/pins.json")), None);
    }

    #[test]
    fn a_job_without_a_process_is_what_its_file_says() {
        let of = |state: &str, tempo: Option<&str>| {
            let job = JobFile { state: state.into(), tempo: tempo.map(str::to_owned), ..JobFile::default() };
            job.state_without_process().to_owned()
        };
        assert_eq!(of("working", None), "crashed");
        assert_eq!(of("working", Some("active")), "crashed");
        assert_eq!(of("working", Some("idle")), "stopped");
        assert_eq!(of("working", Some("blocked")), "waiting");
        assert_eq!(of("done", Some("idle")), "done");
        assert_eq!(of("failed", None), "failed");
    }
}
