//! One run of the real claude: its home, its mock, its terminal, directly or through cckw.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex};

use serde_json::{Value, json};

use super::install;
use super::mock::{Mock, REPLY};
use super::support::{
    Builder, DEADLINE, Key, Record, Sandbox, Screen, Terminal, process, wait_until, wait_until_some,
};
use super::versions;
use crate::support::cckw_program;

/// Made up; its last 20 characters stand in the configuration as approved.
const KEY: &str = "sk-ant-api03-abcdefghijklmnopqrst";

/// How many claudes may run at a time: each takes 250 MB and most of a core while it starts.
static AT_ONCE: AtomicUsize = AtomicUsize::new(3);

/// Lets so many run at a time, for a program whose claudes rest most of the time.
pub fn allow_at_once(count: usize) {
    AT_ONCE.store(count, Ordering::Relaxed);
}

static RUNNING: (Mutex<usize>, Condvar) = (Mutex::new(0), Condvar::new());

/// The right to run one claude.
struct Turn;

impl Turn {
    fn take() -> Self {
        let running = RUNNING.0.lock().expect("no poison");
        let mut running = RUNNING
            .1
            .wait_while(running, |running| *running >= AT_ONCE.load(Ordering::Relaxed))
            .expect("no poison");
        *running += 1;
        Self
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        *RUNNING.0.lock().expect("no poison") -= 1;
        RUNNING.1.notify_one();
    }
}

/// Lets another claude run as long as this lives, for the one of this test gets hardly anything of a core.
/// Afterwards it goes on without waiting: there is one claude too many for a moment.
pub struct TurnForAnother(());

impl TurnForAnother {
    pub fn give() -> Self {
        *RUNNING.0.lock().expect("no poison") -= 1;
        RUNNING.1.notify_one();
        Self(())
    }
}

impl Drop for TurnForAnother {
    fn drop(&mut self) {
        *RUNNING.0.lock().expect("no poison") += 1;
    }
}

/// Whether cckw stands between.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// `claude …`
    Direct,
    /// `cckw claude …`
    Through,
}

impl How {
    /// Both, for tests that compare.
    pub const BOTH: [Self; 2] = [Self::Direct, Self::Through];

    /// What a user types.
    pub fn words(self) -> &'static str {
        match self {
            Self::Direct => "claude",
            Self::Through => "cckw claude",
        }
    }
}

/// A home in which claude runs offline, and the API that it talks to.
pub struct Place {
    pub sandbox: Sandbox,
    pub mock: Mock,
    _turn: Turn,
}

impl Place {
    /// Makes one where `claude` is the pinned program.
    pub fn new() -> Self {
        let program = install::program();
        let mock = Mock::start();
        let mut sandbox = Sandbox::new();
        sandbox.link("claude", program);
        sandbox.link("cckw", cckw_program());
        for (name, value) in [
            ("ANTHROPIC_API_KEY", KEY),
            ("ANTHROPIC_BASE_URL", &mock.url()),
            ("DISABLE_AUTOUPDATER", "1"),
            ("DISABLE_TELEMETRY", "1"),
            ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1"),
        ] {
            sandbox.set(name, value);
        }
        if versions::is_earlier() {
            sandbox.set("TERM_PROGRAM", "kitty");
        }
        let config = json!({
            "hasCompletedOnboarding": true,
            "theme": "dark",
            "customApiKeyResponses": {"approved": [&KEY[KEY.len() - 20..]], "rejected": []},
            // Versions before about 2.0.50 do not start with a project that has no list of tools.
            "projects": {sandbox.work().to_str().expect("a path"): {"hasTrustDialogAccepted": true, "allowedTools": []}},
        });
        fs::write(sandbox.path("home/.claude.json"), config.to_string()).expect("its configuration");
        let place = Self { sandbox, mock, _turn: Turn::take() };
        place.settings(&json!({}));
        place
    }

    /// Writes the user's settings: `more` beside what keeps the screen from changing by itself.
    pub fn settings(&self, more: &Value) {
        let mut settings = json!({"prefersReducedMotion": true, "spinnerTipsEnabled": false});
        for (name, value) in more.as_object().expect("an object") {
            settings[name] = value.clone();
        }
        let folder = self.sandbox.path("home/.claude");
        fs::create_dir_all(&folder).expect("a folder for the settings");
        fs::write(folder.join("settings.json"), settings.to_string()).expect("the settings");
    }

    /// The command for `claude arguments…`.
    pub fn command(&self, how: How, arguments: &[&str]) -> Command {
        let mut command = match how {
            How::Direct => self.sandbox.command(self.sandbox.path("bin/claude")),
            How::Through => {
                let mut command = self.sandbox.command(self.sandbox.path("bin/cckw"));
                command.arg("claude");
                command
            }
        };
        command.args(arguments);
        command
    }

    /// Starts it on a terminal and waits for its prompt.
    pub fn start(&self, how: How, arguments: &[&str]) -> Terminal {
        self.start_on(Terminal::builder(), how, arguments)
    }

    /// The same on a terminal made to measure.
    pub fn start_on(&self, builder: Builder, how: How, arguments: &[&str]) -> Terminal {
        let mut terminal = builder.spawn(self.command(how, arguments));
        wait_for_prompt(&mut terminal);
        if how == How::Through {
            self.wait_for_host();
        }
        terminal
    }

    /// Waits until a host of cckw has claude: what is tested is not a cckw that has stepped aside.
    #[track_caller]
    pub fn wait_for_host(&self) -> Record {
        let record = wait_until_some("a record of a session that runs", DEADLINE, || {
            let runs = |record: &Record, key| record.pid(key).is_some_and(process::runs);
            let mut records = self.sandbox.records().into_iter().map(versions::with_claude);
            records.find(|record| runs(record, "host_pid") && runs(record, "claude_pid"))
        });
        assert_ne!(record.pid("host_pid"), record.pid("claude_pid"));
        record
    }

    /// The state file of the one claude that runs here; none when there is no readable one.
    pub fn state(&self) -> Option<Value> {
        let entries = fs::read_dir(self.sandbox.path("home/.claude/sessions")).ok()?;
        let mut states = entries.flatten().filter_map(|entry| {
            let path = entry.path();
            (path.extension()? == "json")
                .then(|| serde_json::from_slice(&fs::read(path).ok()?).ok())
                .flatten()
        });
        states.next()
    }

    /// The state files of all claudes, those of background jobs too.
    pub fn states(&self) -> Vec<Value> {
        let entries =
            fs::read_dir(self.sandbox.path("home/.claude/sessions")).into_iter().flatten().flatten();
        let paths = entries.map(|entry| entry.path());
        paths.filter_map(|path| serde_json::from_slice(&fs::read(path).ok()?).ok()).collect()
    }

    /// The conversation that a background job has open.
    #[track_caller]
    pub fn job_conversation(&self, job: &str) -> String {
        wait_until_some("the job's conversation", DEADLINE, || {
            let state = self.states().into_iter().find(|state| state["jobId"] == job)?;
            state["sessionId"].as_str().map(str::to_owned)
        })
    }

    /// Runs a verb of cckw's, which has nothing to complain about.
    #[track_caller]
    pub fn verb(&self, words: &[&str]) {
        let output = self.sandbox.command(self.sandbox.path("bin/cckw")).args(words).output().expect("runs");
        assert!(output.status.success(), "{words:?}: {output:?}");
    }

    /// Ends claude's daemon and the jobs that it keeps ready, which outlive every claude in a terminal.
    #[track_caller]
    pub fn end_daemon(&self) {
        let claude = self.sandbox.path("bin/claude");
        let stopped = self.sandbox.command(claude).args(["daemon", "stop", "--any"]).output().expect("runs");
        assert!(stopped.status.success(), "{stopped:?}");
        self.sandbox.wait_for_silence();
    }

    /// The state file of this claude; none when there is no readable one.
    pub fn state_of(&self, claude: i32) -> Option<Value> {
        let path = self.sandbox.path(format!("home/.claude/sessions/{claude}.json"));
        serde_json::from_slice(&fs::read(path).ok()?).ok()
    }

    /// The transcripts of all directories.
    fn transcript_files(&self) -> Vec<PathBuf> {
        fs::read_dir(self.sandbox.path("home/.claude/projects"))
            .into_iter()
            .flatten()
            .flatten()
            .flat_map(|project| fs::read_dir(project.path()).into_iter().flatten().flatten())
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "jsonl"))
            .collect()
    }

    /// The log of the one session: what cckw did by itself.
    pub fn log(&self) -> Vec<Value> {
        let [record] = &self.sandbox.records()[..] else { return vec![] };
        let text = fs::read_to_string(record.path.with_file_name("events.jsonl")).unwrap_or_default();
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// How often this stands in it.
    pub fn count(&self, event: &str) -> usize {
        self.log().iter().filter(|line| line["event"] == event).count()
    }

    /// The names (conversation ids) of the transcripts, sorted.
    pub fn transcripts(&self) -> Vec<String> {
        let files = self.transcript_files();
        let mut names: Vec<String> =
            files.iter().filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned())).collect();
        names.sort();
        names
    }

    /// What is written down of a conversation; empty when nothing is.
    #[track_caller]
    pub fn transcript(&self, id: &str) -> String {
        let mut files = self.transcript_files();
        files.retain(|path| path.file_stem().is_some_and(|stem| stem == id));
        assert!(files.len() <= 1, "more than one transcript of {id}: {files:?}");
        files.pop().and_then(|file| fs::read_to_string(file).ok()).unwrap_or_default()
    }

    /// Gives the transcript of a conversation other contents.
    #[track_caller]
    pub fn rewrite(&self, id: &str, contents: &str) {
        let files = self.transcript_files();
        let file = files.iter().find(|path| path.file_stem().is_some_and(|stem| stem == id));
        fs::write(file.expect("a transcript"), contents).expect("other contents");
    }
}

/// Whether the main prompt is shown and holds exactly `text`, the cursor behind it.
pub fn prompt_holds(screen: &Screen, text: &str) -> bool {
    if versions::is_old() {
        return versions::old_prompt_holds(screen, text);
    }
    let row = usize::from(screen.cursor.0);
    let rule = |row: Option<&String>| row.is_some_and(|row| row.starts_with("────"));
    let line = screen.rows[row].replace('\u{a0}', " ");
    row > 0
        && rule(screen.rows.get(row - 1))
        && rule(screen.rows.get(row + 1))
        && line.trim_end() == format!("❯ {text}").trim_end()
}

/// Waits until claude waits for a prompt.
#[track_caller]
pub fn wait_for_prompt(terminal: &mut Terminal) -> Screen {
    terminal.wait_for("claude's prompt", |screen| prompt_holds(screen, ""))
}

/// Types a prompt, waits until it stands there, and sends it.
#[track_caller]
pub fn submit(terminal: &mut Terminal, text: &str) {
    terminal.type_text(text);
    terminal.wait_for("the prompt as typed", |screen| prompt_holds(screen, text));
    terminal.press(Key::Enter);
}

/// Waits until claude, brought back so often, says that it is `status`.
#[track_caller]
pub fn says(place: &Place, status: &str, restarts: u64) -> Record {
    if versions::is_old() {
        return versions::old_says(place, status, restarts);
    }
    place.sandbox.wait_for_record(&format!("a claude that is {status}"), |record| {
        record.text("state") == "running"
            && record.text("status") == status
            && record.json["restarts"] == restarts
            && record.pid("claude_pid").is_some_and(process::runs)
    })
}

/// Waits until claude has written down `text`: it does so with a delay, and what came later is lost with it.
#[track_caller]
pub fn written(place: &Place, id: &str, text: &str) {
    wait_until("the words in the transcript", DEADLINE, || messages(place, id).contains(text));
}

/// The messages in a transcript, as they stand there. Other lines hold a prompt too, and earlier: what was
/// sent for it, for one.
pub fn messages(place: &Place, id: &str) -> String {
    let is_message = |line: &&str| {
        let kind = serde_json::from_str::<serde_json::Value>(line).ok().map(|line| line["type"].clone());
        kind.is_some_and(|kind| kind == "user" || kind == "assistant")
    };
    let text = place.transcript(id);
    text.lines().filter(is_message).collect::<Vec<_>>().join("\n")
}

/// A prompt and its answer, which end up in the conversation with this id.
#[track_caller]
pub fn goes_on(place: &Place, terminal: &mut Terminal, id: &str, prompt: &str) {
    submit(terminal, prompt);
    wait_until("the reply in the transcript", DEADLINE, || {
        let text = messages(place, id);
        text.split_once(prompt).is_some_and(|(_, after)| after.contains(REPLY))
    });
    wait_for_prompt(terminal);
}

/// Leaves claude as a user does, and cckw with it.
#[track_caller]
pub fn leave(place: &Place, mut terminal: Terminal) {
    submit(&mut terminal, "/exit");
    assert_eq!(terminal.finish().code(), Some(0), "{}", terminal.report());
    assert_eq!(terminal.modes().left_on(), Vec::<String>::new());
    place.sandbox.wait_for_silence();
}
