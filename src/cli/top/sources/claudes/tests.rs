use std::process::{Child, Command, Stdio};
use std::time::Instant;

use super::*;
use crate::cli::top::row::{Kind, Urgency};

const TIMEOUT: Duration = Duration::from_secs(60);
const ID: &str = "3a0168e6-1111-4111-8111-0123456789ab";

/// Claude's directory, with a process in claude's place.
struct Place {
    scratch: tempfile::TempDir,
    process: Child,
    tracker: ClaudeTracker,
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Place {
    fn new() -> Self {
        let scratch = tempfile::tempdir().expect("a directory");
        let process = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().expect("cat");
        let config = scratch.path().canonicalize().expect("a path").join(".claude");
        fs::create_dir(&config).expect("a directory");
        let tracker = ClaudeTracker::new(Some(config), None).expect("watches");
        let mut place = Self { scratch, process, tracker };
        place.tracker.update(&[]).expect("reads");
        assert_eq!(place.rows(true), [], "nothing is there yet");
        place
    }

    fn pid(&self) -> i32 {
        i32::try_from(self.process.id()).expect("a pid")
    }

    fn path(&self, below: &str) -> PathBuf {
        let path = self.scratch.path().join(".claude").join(below);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a directory");
        path
    }

    /// Writes the state file of the process, with this in it.
    fn write_state(&self, more: &str) {
        let start = process::look_up(nix::unistd::Pid::from_raw(self.pid())).expect("runs").start;
        let text = format!(
            r#"{{"procStart":"{start}","sessionId":"{ID}","kind":"interactive","entrypoint":"cli","cwd":"/w/api",{more}}}"#
        );
        fs::write(self.path(&format!("sessions/{}.json", self.pid())), text).expect("writes");
    }

    fn write_job(&self, state: &str) {
        let text = format!(r#"{{"state":"{state}","intent":"fix it","sessionId":"{ID}","cwd":"/w"}}"#);
        fs::write(self.path("jobs/3a0168e6/state.json"), text).expect("writes");
    }

    fn rows(&mut self, all: bool) -> Vec<Row> {
        let (unwrapped, jobs) = self.tracker.rows(all, 0);
        unwrapped.into_iter().chain(jobs).collect()
    }

    /// Waits as the source does, until the only row holds this.
    #[track_caller]
    fn wait_for(&mut self, what: &str, holds: impl Fn(Option<&Row>) -> bool) {
        let end = Instant::now() + TIMEOUT;
        loop {
            let rows = self.rows(true);
            if holds(rows.first()) && rows.len() <= 1 {
                return;
            }
            let mut poll = Poll::default();
            let tokens = self.tracker.add_to(&mut poll);
            poll.wait(Some(end.saturating_duration_since(Instant::now()))).expect("waits");
            assert!(tokens.iter().any(|token| poll.is_ready(*token)), "no {what}: {rows:?}");
            self.tracker.update(&[]).expect("reads");
        }
    }
}

#[test]
fn a_claude_that_cckw_does_not_run_is_followed_to_its_end() {
    let mut place = Place::new();
    place.write_state(r#""status":"idle","name":"parser","nameSource":"user","startedAt":60000"#);
    place.wait_for("idle claude", |row| row.is_some_and(|row| row.state == "idle" && row.name == "parser"));
    let row = place.rows(false).remove(0);
    assert_eq!((row.kind, row.urgency, row.active_at), (Kind::Unwrapped, Urgency::Idle, Some(60)));
    assert_eq!((row.id.word(), row.directory), (place.pid().to_string(), "/w/api".into()));
    let advice = format!("cckw adopt {} --takeover", place.pid());
    assert!(row.hint.as_ref().is_some_and(|hint| hint.ends_with(&advice)), "{:?}", row.hint);
    place.write_state(r#""status":"busy""#);
    place.wait_for("busy claude", |row| row.is_some_and(|row| row.state == "busy" && row.name == "api"));
    place.write_state(r#""status":"waiting","waitingFor":"permission prompt""#);
    place.wait_for("question", |row| {
        row.is_some_and(|row| {
            row.urgency == Urgency::NeedsYou
                && row.hint.as_deref() == Some("it waits for you (permission prompt) in its terminal")
        })
    });
    // Its file stays where it is.
    place.process.kill().expect("ends");
    place.wait_for("end", |row| row.is_none());
}

#[test]
fn a_claude_that_is_no_session_in_a_terminal_is_not_shown() {
    let mut place = Place::new();
    for more in [
        r#""status":"idle","kind":"print""#,
        r#""status":"idle","entrypoint":"sdk-py""#,
        r#""status":"idle","parkedJobId":"3a0168e6""#,
        r#""status":"idle","procStart":"1""#,
    ] {
        place.write_state(more);
        place.tracker.read_all_again();
        place.tracker.update(&[]).expect("reads");
        assert_eq!(place.rows(true), [], "{more}");
    }
}

#[test]
fn a_job_is_one_row_with_or_without_its_process() {
    let mut place = Place::new();
    place.write_job("working");
    place.wait_for("job without a process", |row| {
        row.is_some_and(|row| row.kind == Kind::Job && row.state == "crashed" && row.name == "fix it")
    });
    // It ended long ago.
    assert_eq!(place.rows(false), []);
    place.write_state(r#""status":"busy","kind":"bg","jobId":"3a0168e6""#);
    place.wait_for("job at work", |row| row.is_some_and(|row| row.state == "busy"));
    let row = place.rows(false).remove(0);
    assert_eq!((row.id.word(), row.kind, row.urgency), ("3a0168e6".into(), Kind::Job, Urgency::Busy));
    place.process.kill().expect("ends");
    place.write_job("done");
    place.wait_for("end of the job", |row| row.is_some_and(|row| row.state == "done"));
    assert_eq!(place.rows(true)[0].urgency, Urgency::Gone);
    assert_eq!(place.rows(false), []);
    fs::remove_dir_all(place.path("jobs/3a0168e6")).expect("removes");
    place.wait_for("no job", |row| row.is_none());
}
