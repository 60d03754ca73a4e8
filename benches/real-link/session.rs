//! A claude with a real link in cckw, and the hands of its user.

use std::fs;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::bed::Bed;
use super::driver::{How, prompt_holds};
use super::plan::{Setup, State};
use super::prompt::{at_prompt, draft};
use super::support::{Answers, Builder, Key, Record, Screen, Size, Terminal};
use super::throttle::Throttle;

/// How long a screen must not change to be complete.
const REST: Duration = Duration::from_millis(250);
/// The pause between two keys of the user: claude takes those of one read for parts of a paste.
const BETWEEN_KEYS: Duration = Duration::from_millis(70);
/// The time between two looks at what no descriptor announces.
const POLL_INTERVAL: Duration = Duration::from_millis(20);
/// Short times, where those of cckw's own settings are not wanted.
const SHORT: &str = "disconnected_for = \"500ms\"\nrest = \"500ms\"\n";
/// A link that lasts for less than a minute is brought back later each time. A round is not to wait for the
/// rounds before it.
const NO_BACKOFF: &str = "max_cooldown = \"10s\"\nmax_tries = 1000\n";
/// The prompt with this in it is answered when that is ordered.
const HOLD: &str = "hold the reply";

/// A session that lasts for some rounds.
pub struct Session {
    pub bed: Bed,
    pub setup: Setup,
    pub terminal: Terminal,
    pub size: (u16, u16),
    /// What the user has submitted since the round began.
    pub submitted: Vec<String>,
    /// Connections are refused at the moment.
    pub refuses: bool,
    throttle: Option<Throttle>,
}

impl Session {
    /// Starts claude through cckw, with one turn behind it.
    pub fn start(setup: Setup) -> Self {
        let times = if setup.defaults { "" } else { SHORT };
        let tui = if setup.fullscreen { "fullscreen" } else { "default" };
        let settings = format!("{times}{NO_BACKOFF}restart = {}", setup.restart);
        let bed = Bed::new(&settings, &json!({ "tui": tui }));
        let size = (30, 100);
        let terminal = bed.start_on(builder(setup, size), How::Through, &[]);
        let throttle = setup.processor_share.and_then(Throttle::new);
        let mut session =
            Self { bed, setup, terminal, size, submitted: Vec::new(), refuses: false, throttle };
        session.submit("hello");
        session.terminal.wait_for("the answer", |screen| {
            screen.contains("Hello from the services.") && prompt_holds(screen, "")
        });
        session.rest();
        session
    }

    /// Whether claude can be slowed down here.
    pub fn is_throttled(&self) -> bool {
        self.throttle.is_some()
    }

    /// Gives claude little of the processor, or all of it.
    pub fn slow(&self, on: bool) {
        let Some(throttle) = &self.throttle else { return };
        if on && let Some(claude) = self.record().pid("claude_pid") {
            assert!(throttle.take(claude), "claude cannot be put into its control group");
        }
        assert!(throttle.set(on), "no quota of the processor");
    }

    /// A time in which something has to happen: longer where claude is slow.
    pub fn patience(&self, seconds: u64) -> Duration {
        Duration::from_secs(if self.is_throttled() { 4 * seconds } else { seconds })
    }

    /// Waits until something holds; false after that time.
    pub fn within(&mut self, time: Duration, mut condition: impl FnMut(&mut Self) -> bool) -> bool {
        let end = Instant::now() + time;
        loop {
            if condition(self) {
                return true;
            }
            if Instant::now() >= end {
                return false;
            }
            std::thread::sleep(POLL_INTERVAL);
        }
    }

    // ---- what there is to know ----

    /// The record of the session.
    pub fn record(&self) -> Record {
        self.bed.place.sandbox.records().pop().expect("a record")
    }

    /// The lines of the transcripts about a link that was lost or did not come about, in the order of their
    /// times.
    pub fn notices(&self) -> Vec<String> {
        let place = &self.bed.place;
        let text: String = place.transcripts().iter().map(|id| place.transcript(id)).collect();
        let lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let mut notices: Vec<(String, String)> = lines
            .filter(|line| line["type"] == "system")
            .filter_map(|line| Some((line["timestamp"].as_str()?.into(), line["content"].as_str()?.into())))
            .filter(|(_, said): &(String, String)| {
                said.contains("Remote Control") && !said.ends_with("Remote Control disconnected.")
            })
            .collect();
        notices.sort();
        notices.into_iter().map(|(_, said)| said).collect()
    }

    /// What has reached the model in the user's name.
    pub fn prompts(&self) -> Vec<String> {
        let prompts = self.bed.order(&json!(["prompts"]));
        let prompts = prompts.as_array().cloned().unwrap_or_default();
        let prompts = prompts.iter().filter_map(Value::as_str).map(|text| text.trim().to_owned());
        // A claude asks for its limits with a word of its own when it starts.
        prompts.filter(|text| text != "quota").collect()
    }

    /// Whether the state file names a bridge.
    pub fn file_names_bridge(&self) -> bool {
        let claude = self.record().pid("claude_pid").unwrap_or_default();
        self.bed.place.state_of(claude).is_some_and(|state| state["bridgeSessionId"].is_string())
    }

    // ---- the link ----

    /// Everything works again.
    pub fn mend(&mut self) {
        if std::mem::take(&mut self.refuses) {
            self.bed.order(&json!(["accept"]));
        }
        for order in ["mend", "speak", "thaw"] {
            self.bed.order(&json!([order]));
        }
    }

    /// Connections are refused from now on.
    pub fn refuse(&mut self) {
        self.refuses = true;
        self.bed.order(&json!(["refuse"]));
    }

    /// Sees to it that the link is up, by the user's hand where it must.
    pub fn link(&mut self) {
        self.slow(false);
        self.mend();
        self.bed.order(&json!(["restore"]));
        self.bed.order(&json!(["release"]));
        assert!(self.clear(), "no empty prompt\n{}", self.terminal.report());
        let stands = |session: &mut Self| {
            session.bed.is_linked()
                && session.file_names_bridge()
                && session.bed.remote()["state"] == "connected"
        };
        if self.within(Duration::from_secs(1), stands) {
            return;
        }
        for _ in 0..4 {
            // What cckw is at may end first. After a failure the command only opens a panel for some seconds.
            self.within(Duration::from_secs(15), |session| {
                !session.file_names_bridge() && session.bed.remote()["state"] != "reconnecting"
            });
            assert!(self.clear(), "no empty prompt\n{}", self.terminal.report());
            if stands(self) {
                return;
            }
            self.submit("/remote-control");
            if self.within(Duration::from_secs(15), stands) {
                assert!(self.clear(), "no empty prompt\n{}", self.terminal.report());
                return;
            }
        }
        panic!("the user asks for a link in vain\n{:#?}\n{}", self.bed.place.log(), self.terminal.report());
    }

    // ---- the terminal ----

    /// Another window size, at the empty prompt.
    pub fn resize(&mut self, size: (u16, u16)) {
        if size != self.size {
            self.size = size;
            self.terminal.resize(Size::cells(size.0, size.1));
            self.terminal.wait_for("a prompt as wide as the window", |screen| {
                let above = usize::from(screen.cursor.0).saturating_sub(1);
                prompt_holds(screen, "") && screen.rows[above].chars().count() == usize::from(size.1)
            });
        }
        self.rest();
    }

    /// The window is closed.
    pub fn detach(&mut self) {
        self.terminal.hang_up();
        self.bed
            .place
            .sandbox
            .wait_for_record("nobody attached", |record| record.json["client_pid"].is_null());
    }

    /// Another window of the same size, where there is none.
    pub fn attach(&mut self) {
        if !self.record().json["client_pid"].is_null() {
            return;
        }
        self.terminal = builder(self.setup, self.size).spawn(self.bed.verb(&["attach"]));
        self.bed
            .place
            .sandbox
            .wait_for_record("somebody attached", |record| !record.json["client_pid"].is_null());
    }

    /// Waits until the screen is complete.
    pub fn rest(&mut self) -> Screen {
        self.terminal.wait_for_rest(REST, |screen| (screen.rows.clone(), screen.cursor))
    }

    /// Types as people do.
    pub fn keys(&mut self, text: &str) {
        let mut bytes = [0; 4];
        for key in text.chars() {
            self.terminal.type_text(key.encode_utf8(&mut bytes));
            std::thread::sleep(BETWEEN_KEYS);
        }
    }

    /// Types at the prompt, and waits until it stands there.
    fn draft(&mut self, text: &str) {
        self.terminal.type_text(text);
        self.terminal.wait_for(text, |screen| draft(screen).as_deref() == Some(text));
        self.rest();
    }

    fn submit(&mut self, text: &str) {
        self.draft(text);
        self.terminal.press(Key::Enter);
    }

    // ---- into a state, and out of it ----

    /// Goes into a state from the empty prompt, and returns what stands at the prompt then. `token` makes it
    /// unlike that of other rounds.
    pub fn enter(&mut self, state: State, token: &str) -> String {
        let mut held = String::new();
        match state {
            State::Idle | State::Typing => {}
            State::Detached => self.detach(),
            State::Draft => {
                held = format!("words {token}");
                self.draft(&held);
            }
            State::Busy | State::BusyDraft => {
                self.bed.order(&json!(["hold"]));
                let prompt = format!("{HOLD} {token}");
                self.submit(&prompt);
                self.submitted.push(prompt);
                let is_busy = |session: &mut Self| {
                    let claude = session.record().pid("claude_pid").unwrap_or_default();
                    session.bed.place.state_of(claude).is_some_and(|state| state["status"] == "busy")
                };
                assert!(self.within(Duration::from_secs(30), is_busy), "{}", self.terminal.report());
                self.terminal.wait_for("an empty prompt", |screen| draft(screen).as_deref() == Some(""));
                if state == State::BusyDraft {
                    held = format!("more {token}");
                    self.draft(&held);
                }
            }
            State::Config => self.submit("/config"),
            State::Model => self.submit("/model"),
            State::Transcript => self.terminal.press(Key::Ctrl('o')),
        }
        if matches!(state, State::Config | State::Model | State::Transcript) {
            self.terminal.wait_for(&state.to_string(), |screen| !at_prompt(screen));
            self.rest();
        }
        held
    }

    /// Out of a state in which nothing is typed, to the main prompt.
    pub fn leave(&mut self, state: State) {
        match state {
            State::Busy | State::BusyDraft => drop(self.bed.order(&json!(["release"]))),
            State::Transcript => self.terminal.press(Key::Ctrl('o')),
            State::Config | State::Model => {
                self.terminal.press_until(Key::Esc, "the prompt", at_prompt);
            }
            State::Detached => self.attach(),
            _ => {}
        }
        self.terminal.wait_for("the main prompt", at_prompt);
    }

    /// Back to the empty prompt. False if that does not succeed.
    pub fn clear(&mut self) -> bool {
        self.attach();
        for _ in 0..6 {
            self.rest();
            self.terminal.wait_for("the end of a hint", |screen| !screen.contains("again to exit"));
            let screen = self.rest();
            match draft(&screen).as_deref() {
                Some("") => return true,
                Some(_) => {
                    // Twice would end claude: the second one has to wait until the first was taken.
                    self.terminal.press(Key::Ctrl('c'));
                    let gone = |session: &mut Self| draft(&session.terminal.screen()).as_deref() == Some("");
                    self.within(Duration::from_secs(20), gone);
                }
                None => self.terminal.press(Key::Esc),
            }
        }
        false
    }

    /// What cckw has written down.
    pub fn log(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.record().path.with_file_name("events.jsonl")).unwrap_or_default();
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }
}

fn builder(setup: Setup, size: (u16, u16)) -> Builder {
    let answers = if setup.kitty { Answers::Kitty } else { Answers::Xterm };
    Terminal::builder().size(size.0, size.1).answers(answers)
}
