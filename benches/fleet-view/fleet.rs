//! The sessions that the view shows: some run, the others were lost when the machine went down.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use uuid::Uuid;

use crate::source;
use crate::support::verb::cckw;
use crate::support::{DEADLINE, Record, Sandbox, stand_in, wait_until};

/// Each name begins so. Nothing else on the screen does.
pub const NAME: &str = "row-";

/// What a session is about begins so, and its number stands behind.
pub const TOPIC: &str = "Topic";

/// The session whose program writes as much as it is told.
pub const SOURCE: &str = "source";

/// A directory of its own with so many sessions, one of which can flood its screen.
pub struct Fleet {
    /// The files and the processes.
    pub sandbox: Sandbox,
    /// How many sessions there are.
    pub count: usize,
    /// How many of them run.
    pub running: usize,
}

impl Fleet {
    /// Starts those that run, and makes the files of the others.
    pub fn new(count: usize, running: usize) -> Self {
        let sandbox = stand_in::sandbox();
        let fleet = Self { sandbox, count, running: running.clamp(2, count) };
        for number in 1..fleet.running {
            let topic = topic(number);
            fleet.start(&[&name(number), "--prompt", &topic], None);
        }
        source::furnish(&fleet.sandbox);
        fleet.start(&[SOURCE], Some(&source::program(&fleet.sandbox)));
        let is_well = |record: &Record| record.text("name") == SOURCE || record.text("status") == "idle";
        wait_until("all sessions at rest", DEADLINE, || {
            let records = fleet.sandbox.records();
            records.len() == fleet.running && records.iter().all(is_well)
        });
        let records = fleet.sandbox.records();
        let pattern =
            records.iter().find(|record| record.text("name") == name(1)).expect("the first session");
        for number in fleet.running..count {
            fleet.lose(pattern, number);
        }
        fleet
    }

    /// The record of this session.
    pub fn record(&self, name: &str) -> Record {
        let records = self.sandbox.records();
        records.into_iter().find(|record| record.text("name") == name).expect("a session of that name")
    }

    /// The view.
    pub fn view(&self) -> Command {
        cckw(&self.sandbox, &["top"])
    }

    fn start(&self, words: &[&str], claude: Option<&Path>) {
        let mut command = cckw(&self.sandbox, &["new"]);
        command.args(words).stdin(Stdio::null());
        command.envs(claude.map(|claude| ("CCKW_CLAUDE", claude)));
        let output = command.output().expect("cckw runs");
        // It ends with 3 where the program does not begin as claude does.
        let is_started = matches!((output.status.code(), claude), (Some(0), _) | (Some(3), Some(_)));
        assert!(is_started, "{words:?}: {output:?}");
    }

    /// A session as this one, but of before the machine went down; its transcript is a long one.
    fn lose(&self, pattern: &Record, number: usize) {
        let id = Uuid::new_v4().to_string();
        let old = pattern.text("session");
        let renew = |text: &str| {
            text.replace(old, &id).replace(&name(1), &name(number)).replace(&topic(1), &topic(number))
        };
        let boot = pattern.text("boot");
        let record = renew(&pattern.json.to_string()).replace(boot, &Uuid::new_v4().to_string());
        let directory = self.sandbox.path("state/cckw").join(&id);
        fs::create_dir(&directory).expect("a directory");
        fs::write(directory.join("session.json"), record).expect("a record");
        let transcript = stand_in::transcript(&self.sandbox, old);
        let text = renew(&fs::read_to_string(&transcript).expect("a transcript"));
        // About 100 KB: a conversation of some hours.
        let long = text.repeat(100_000 / text.len().max(1) + 1);
        fs::write(transcript.with_file_name(format!("{id}.jsonl")), long).expect("a transcript");
    }
}

/// The name of the session with this number.
pub fn name(number: usize) -> String {
    format!("{NAME}{number:03}")
}

/// What that session is about.
pub fn topic(number: usize) -> String {
    format!("{TOPIC}{number:03}: read all of it")
}
