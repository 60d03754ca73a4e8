//! A claude in cckw, and the hands of its user: into each state, and out of it again.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use super::driver::{How, Place, prompt_holds};
use super::mock::{HOLD, USE_TOOL};
use super::plan::{Setup, State};
use super::prompt::{at_prompt, draft};
use super::support::{Answers, Builder, DEADLINE, Key, Record, Screen, Size, Terminal, wait_until};

/// How long a screen must not change to be complete.
const REST: Duration = Duration::from_millis(250);
/// The pause between two keys of the user: claude takes those of one read for parts of a paste.
const BETWEEN_KEYS: Duration = Duration::from_millis(70);
/// What the footer says while a message waits.
const QUEUED: &str = "edit queued";

/// A session that lasts for some rounds.
pub struct Session {
    pub place: Place,
    pub setup: Setup,
    pub terminal: Terminal,
    size: (u16, u16),
    /// What the user has submitted in this round, and in the rounds before.
    pub submitted: Vec<String>,
    pub submitted_before: Vec<String>,
}

impl Session {
    /// Starts claude through cckw, which asks for the link only when told to, as soon as the keyboard rests
    /// for half a second.
    pub fn start(setup: Setup, size: (u16, u16)) -> Self {
        let place = Place::new();
        let tui = if setup.fullscreen { "fullscreen" } else { "default" };
        let editor = if setup.vim { "vim" } else { "normal" };
        place.settings(&json!({"tui": tui, "editorMode": editor}));
        for name in ["notes.md", "main.rs"] {
            fs::write(place.sandbox.work().join(name), "text\n").expect("a file");
        }
        place.sandbox.configure("[remote_control]\nkeep = \"off\"\nrest = \"500ms\"\n");
        let arguments = ["--permission-mode", "manual"];
        let terminal = place.start_on(builder(setup, size), How::Through, &arguments);
        let mut session =
            Self { place, setup, terminal, size, submitted: Vec::new(), submitted_before: Vec::new() };
        session.rest();
        session
    }

    /// The record of the session.
    pub fn record(&self) -> Record {
        self.place.wait_for_host()
    }

    /// What cckw has written down, each line with its event.
    pub fn log(&self) -> Vec<Value> {
        let [record] = &self.place.sandbox.records()[..] else { return Vec::new() };
        let text = fs::read_to_string(record.path.with_file_name("events.jsonl")).unwrap_or_default();
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
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
        self.place.sandbox.wait_for_record("nobody attached", |record| record.json["client_pid"].is_null());
    }

    /// Another window of the same size.
    pub fn attach(&mut self) {
        let mut command: Command = self.place.sandbox.command(self.place.sandbox.path("bin/cckw"));
        command.arg("attach");
        self.terminal = builder(self.setup, self.size).spawn(command);
        self.place
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
            pause();
        }
    }

    fn wait(&mut self, what: &str, condition: impl Fn(&Screen) -> bool) {
        self.terminal.wait_for(what, condition);
    }

    /// Types at the prompt, and waits until it stands there.
    fn draft(&mut self, text: &str) {
        self.terminal.type_text(text);
        self.wait(text, |screen| draft(screen).as_deref() == Some(text));
        self.rest();
    }

    fn submit(&mut self, text: &str) {
        self.draft(text);
        self.terminal.press(Key::Enter);
    }

    // ---- into a state, and out of it ----

    /// Goes into a state from the empty prompt. `token` makes what is typed there unlike that of other
    /// rounds.
    pub fn enter(&mut self, state: State, token: &str) {
        match state {
            State::Empty | State::InsertEmpty => {}
            State::Draft | State::InsertDraft => self.draft(&format!("words {token}")),
            State::Inside => {
                self.draft(&format!("words {token}"));
                for _ in 0..3 {
                    self.terminal.press(Key::Left);
                    pause();
                }
            }
            State::Lines => {
                for line in ["one", "two"] {
                    self.terminal.type_text(&format!("{line}\\"));
                    self.rest();
                    self.terminal.press(Key::Enter);
                    self.rest();
                }
                self.terminal.type_text(token);
                let wanted = format!("one\ntwo\n{token}");
                self.wait("three lines", |screen| draft(screen).as_deref() == Some(&wanted));
            }
            State::Pasted => {
                self.terminal.paste(&format!("a\nb\nc\nd\n{token}\nf\n"));
                self.wait("the mark of a paste", |screen| {
                    draft(screen).is_some_and(|text| text.contains("[Pasted"))
                });
            }
            State::Wide => self.draft(&format!("漢字 é {token}")),
            State::SlashMenu => {
                self.draft("/re");
                self.wait("the list of commands", |screen| screen.contains("/rename"));
            }
            State::FileMenu => {
                self.draft("@no");
                self.wait("the list of files", |screen| screen.contains("notes.md"));
            }
            State::Tall => {
                for number in 0..12 {
                    self.terminal.type_text(&format!("{number}\\"));
                    self.rest();
                    self.terminal.press(Key::Enter);
                    self.rest();
                }
                self.terminal.type_text(token);
            }
            State::NormalEmpty => self.normal(),
            State::NormalDraft => {
                self.draft(&format!("words {token}"));
                self.normal();
            }
            State::Visual => {
                self.draft(&format!("words {token}"));
                self.normal();
                self.terminal.type_text("v");
            }
            State::Shortcuts => self.terminal.type_text("?"),
            State::Shell => {
                self.terminal.type_text("!");
                self.rest();
                self.terminal.type_text("echo hello");
            }
            State::Search => self.terminal.press(Key::Ctrl('r')),
            State::Transcript => self.terminal.press(Key::Ctrl('o')),
            State::Agents => {
                self.terminal
                    .press_until(Key::Left, "the agents view", |screen| holds(State::Agents, screen));
            }
            State::Config => self.submit("/config"),
            State::Model => self.submit("/model"),
            State::Permission => {
                let prompt = format!("{USE_TOOL} {token}");
                self.submit(&prompt);
                self.submitted.push(prompt);
            }
            State::Turn | State::TurnDraft | State::Queued => {
                let prompt = format!("{HOLD} {token}");
                self.submit(&prompt);
                self.submitted.push(prompt.clone());
                wait_until("the prompt at the mock", DEADLINE, || {
                    self.place.mock.arrived().iter().any(|arrived| arrived.contains(&prompt))
                });
                if state != State::Turn {
                    let more = format!("more {token}");
                    self.terminal.type_text(&more);
                    self.wait("the draft", |screen| draft(screen).as_deref() == Some(&more));
                    if state == State::Queued {
                        self.terminal.press(Key::Enter);
                        self.submitted.push(more);
                    }
                }
            }
            State::ExitAsked => self.terminal.press(Key::Ctrl('c')),
        }
        self.wait(&format!("{state}"), |screen| holds(state, screen));
        if state == State::ExitAsked {
            // It passes by itself.
            return;
        }
        self.rest();
    }

    fn normal(&mut self) {
        self.wait("insert mode", |screen| screen.contains("-- INSERT --"));
        self.terminal.press(Key::Esc);
        self.wait("normal mode", |screen| !screen.contains("-- INSERT --"));
    }

    /// Out of a state in which nothing is typed, as far as the main prompt. False where only a new session
    /// helps.
    pub fn leave(&mut self, state: State) -> bool {
        match state {
            State::Agents => return false,
            State::ExitAsked => {}
            State::Turn | State::TurnDraft | State::Queued => self.place.mock.release(),
            State::Shortcuts => self.terminal.press(Key::Backspace),
            State::Shell => {
                self.terminal.press(Key::Ctrl('u'));
                self.rest();
                self.terminal.press(Key::Backspace);
            }
            State::Search => {
                // Esc takes what was found, in the footer's search.
                self.terminal.press(Key::Esc);
                self.rest();
            }
            State::Transcript => self.terminal.press(Key::Ctrl('o')),
            State::Config => {
                self.terminal.press_until(Key::Esc, "the prompt", at_prompt);
            }
            State::Model | State::Permission => {
                self.terminal.press_until(Key::Esc, "the prompt", at_prompt);
            }
            State::Visual => self.terminal.press(Key::Esc),
            State::Tall => self.terminal.press(Key::Ctrl('c')),
            _ => {}
        }
        self.wait("the main prompt", |screen| at_prompt(screen) && !screen.contains("-- VISUAL"));
        true
    }

    /// Back to the empty prompt, in insert mode where there are modes. False if that does not succeed.
    pub fn clear(&mut self) -> bool {
        for _ in 0..4 {
            // That hint stands where the mode does, and is an offer not to be taken.
            self.rest();
            self.wait("the end of a hint", |screen| !holds(State::ExitAsked, screen));
            let screen = self.rest();
            match draft(&screen).as_deref() {
                Some("") if self.setup.vim && !screen.contains("-- INSERT --") => {
                    self.terminal.type_text("i");
                }
                Some("") => return true,
                Some(_) => self.terminal.press(Key::Ctrl('c')),
                None => self.terminal.press(Key::Esc),
            }
        }
        false
    }

    // ---- cckw ----

    /// Asks the host for the link, as the verb does, whatever stands against it now.
    pub fn request(&self) {
        let record = self.record();
        let mut stream = UnixStream::connect(record.text("socket")).expect("its socket");
        let request = json!({"v": 1, "op": "reconnect", "apply": true});
        stream.write_all(format!("{request}\n").as_bytes()).expect("asks");
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).expect("an answer");
        let answer: Value = serde_json::from_str(&line).expect("JSON");
        assert_eq!(answer["begun"], true, "{answer}");
    }

    /// Starts `cckw reconnect --apply --pid` for this claude.
    pub fn run_verb(&self) -> Child {
        let claude = self.record().pid("claude_pid").expect("a claude");
        let mut command = self.place.sandbox.command(self.place.sandbox.path("bin/cckw"));
        command.args(["reconnect", "--apply", "--pid", &claude.to_string()]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().expect("cckw")
    }
}

/// A pause of a person.
pub fn pause() {
    std::thread::sleep(BETWEEN_KEYS);
}

fn builder(setup: Setup, size: (u16, u16)) -> Builder {
    let answers = if setup.kitty { Answers::Kitty } else { Answers::Xterm };
    Terminal::builder().size(size.0, size.1).answers(answers)
}

/// Whether claude is in this state, by what it shows.
pub fn holds(state: State, screen: &Screen) -> bool {
    let any = |words: &[&str]| words.iter().any(|words| screen.contains(words));
    match state {
        State::Empty | State::InsertEmpty | State::NormalEmpty => draft(screen).as_deref() == Some(""),
        State::Draft
        | State::Inside
        | State::Lines
        | State::Pasted
        | State::Wide
        | State::InsertDraft
        | State::NormalDraft
        | State::SlashMenu
        | State::FileMenu => draft(screen).is_some_and(|text| !text.is_empty()),
        State::Visual => any(&["-- VISUAL"]),
        State::Tall => screen.rows.iter().any(|row| row.starts_with("  t")),
        State::Shortcuts => any(&["! for ", "/ for commands", "/keybinding"]),
        State::Shell => screen.cursor_row().starts_with('!'),
        State::Search => any(&["search prompts:", "Search prompts", "search history", "no matching"]),
        State::Transcript => any(&["Showing detailed", "detailed transcript"]),
        State::Agents => any(&["enter to return", "describe a task", "describe a"]),
        State::Config => any(&["Search settings", "Esc to c", "to switch tabs", "Settings"]),
        State::Model => any(&["Select model", "Enter to save", "Medium effort"]),
        State::Permission => any(&["Do you want to proceed?", "Esc to cancel"]),
        State::Turn => draft(screen).as_deref() == Some(""),
        State::TurnDraft => draft(screen).is_some_and(|text| !text.is_empty()),
        State::Queued => any(&[QUEUED]),
        State::ExitAsked => any(&["again to exit"]),
    }
}
