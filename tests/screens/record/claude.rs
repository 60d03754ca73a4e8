//! One run of the real claude in a terminal of a given size, and the screens that are kept of it.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::support::{Key, Sandbox, Screen, Size, Terminal};
use super::{dump, mock};

/// Made up; its last 20 characters stand in the configuration as approved.
const KEY: &str = "sk-ant-api03-abcdefghijklmnopqrst";

/// How long the screen must not have changed to be kept. A spinner would go on: reduced motion is on.
const QUIET: Duration = Duration::from_millis(400);

/// How long an answer to a key is waited for.
const ANSWER: Duration = Duration::from_millis(1500);

/// A name of the same length as that of the folder by chance that everything lies in, which some screens
/// show.
const PLACE: &str = "/srv/people/anna";

/// How claude is set up.
#[derive(Clone)]
pub struct Setup {
    pub rows: u16,
    pub columns: u16,
    /// Whether it draws on the alternate screen.
    pub fullscreen: bool,
    /// Added to `settings.json`.
    pub settings: Value,
    /// Added to `.claude.json`.
    pub config: Value,
    pub arguments: Vec<&'static str>,
}

impl Setup {
    pub fn new(rows: u16, columns: u16) -> Self {
        Self {
            rows,
            columns,
            fullscreen: false,
            settings: json!({}),
            config: json!({}),
            arguments: Vec::new(),
        }
    }

    pub fn fullscreen(self) -> Self {
        Self { fullscreen: true, ..self }
    }

    pub fn vim(self) -> Self {
        self.setting("editorMode", json!("vim"))
    }

    pub fn theme(mut self, theme: &str) -> Self {
        self.config["theme"] = theme.into();
        self.setting("theme", theme.into())
    }

    pub fn setting(mut self, name: &str, value: Value) -> Self {
        self.settings[name] = value;
        self
    }

    pub fn arguments(self, arguments: &[&'static str]) -> Self {
        Self { arguments: arguments.to_vec(), ..self }
    }

    /// Starts it and waits for its prompt.
    pub fn start(&self) -> Claude {
        let mut claude = self.launch();
        claude.wait("❯");
        // The answers of the terminal have to be through before a key is pressed.
        claude.rest();
        claude
    }

    /// Starts it, whatever it shows first.
    pub fn launch(&self) -> Claude {
        static MOCK: OnceLock<String> = OnceLock::new();
        let mut sandbox = Sandbox::new();
        for (name, value) in [
            ("ANTHROPIC_API_KEY", KEY),
            ("ANTHROPIC_BASE_URL", MOCK.get_or_init(mock::start)),
            ("DISABLE_AUTOUPDATER", "1"),
            ("DISABLE_TELEMETRY", "1"),
            ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1"),
            ("COLORTERM", "truecolor"),
        ] {
            sandbox.set(name, value);
        }
        // Below the home, so that it is shown as `~/project`.
        let work = sandbox.path("home/project");
        fs::create_dir(&work).expect("a directory to work in");
        for name in ["notes.md", "main.rs"] {
            fs::write(work.join(name), "text\n").expect("a file");
        }
        let mut config = json!({
            "hasCompletedOnboarding": true,
            "theme": "dark",
            "customApiKeyResponses": {"approved": [&KEY[KEY.len() - 20..]], "rejected": []},
            "projects": {work.to_str().expect("a path"): {"hasTrustDialogAccepted": true}},
        });
        merge(&mut config, &self.config);
        let tui = if self.fullscreen { "fullscreen" } else { "default" };
        let mut settings = json!({"prefersReducedMotion": true, "spinnerTipsEnabled": false, "tui": tui});
        merge(&mut settings, &self.settings);
        fs::create_dir(sandbox.path("home/.claude")).expect("a folder for the settings");
        fs::write(sandbox.path("home/.claude/settings.json"), settings.to_string()).expect("the settings");
        fs::write(sandbox.path("home/.claude.json"), config.to_string()).expect("the configuration");
        let mut command = sandbox.command(program());
        command.args(&self.arguments).current_dir(&work);
        let terminal = Terminal::builder().size(self.rows, self.columns).spawn(command);
        let cells = Size::cells(self.rows, self.columns);
        Claude { sandbox, terminal, parser: parser(cells), size: cells, seen: None }
    }
}

fn merge(into: &mut Value, from: &Value) {
    for (name, value) in from.as_object().expect("an object") {
        into[name] = value.clone();
    }
}

fn parser(size: Size) -> vt100::Parser {
    let number = |number| std::num::NonZeroU16::new(number).expect("a size");
    vt100::Parser::new(number(size.rows), number(size.columns), 0)
}

/// The pinned program, installed if it is not there.
fn program() -> &'static str {
    static PROGRAM: OnceLock<String> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real-claude/install");
        let output = Command::new(script).output().expect("the script that installs it");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("a path").trim().to_owned()
    })
}

/// A claude that runs.
pub struct Claude {
    pub sandbox: Sandbox,
    pub terminal: Terminal,
    parser: vt100::Parser,
    size: Size,
    /// How much output there was when something was last typed that has not been answered yet.
    seen: Option<usize>,
}

impl Claude {
    /// Types text, in one write.
    pub fn text(&mut self, text: &str) -> &mut Self {
        self.settle();
        self.terminal.type_text(text);
        self
    }

    /// Pastes text.
    pub fn paste(&mut self, text: &str) -> &mut Self {
        self.settle();
        self.terminal.paste(text);
        self
    }

    /// Presses a key when what was typed before has been drawn: keys of one read are one key for claude.
    pub fn press(&mut self, key: Key) -> &mut Self {
        self.settle();
        self.terminal.press(key);
        self
    }

    /// Waits until a line contains `text`.
    pub fn wait(&mut self, text: &str) -> &mut Self {
        self.terminal.wait_for_text(text);
        self
    }

    /// Before a key: waits for the end of what the last one did.
    fn settle(&mut self) {
        self.rest();
        self.seen = Some(self.output());
    }

    fn output(&self) -> usize {
        self.terminal.output_length()
    }

    /// Waits until what was typed has been answered, and nothing changes any more. Some keys have no answer.
    pub fn rest(&mut self) -> &mut Self {
        if let Some(seen) = self.seen.take() {
            let end = Instant::now() + ANSWER;
            while self.output() == seen && Instant::now() < end {
                self.terminal
                    .wait_for_rest(Duration::from_millis(20), |screen: &Screen| screen.looks.clone());
            }
        }
        self.terminal.wait_for_rest(QUIET, |screen: &Screen| screen.looks.clone());
        self
    }

    /// Opens the agents view; sometimes claude wants the key twice.
    pub fn agents(&mut self) -> &mut Self {
        self.settle();
        self.terminal.press_until(Key::Left, "the agents view", |screen| screen.contains("describe a"));
        self
    }

    /// Waits for the end of the agents view.
    pub fn back(&mut self) -> &mut Self {
        self.terminal.wait_for("the conversation", |screen| {
            screen.contains("Hello from") && !screen.contains("describe a") && !screen.contains("esc returns")
        });
        self
    }

    /// Types a prompt and sends it.
    pub fn submit(&mut self, text: &str) -> &mut Self {
        self.text(text).press(Key::Enter)
    }

    /// Changes the size of the window.
    pub fn resize(&mut self, rows: u16, columns: u16) -> &mut Self {
        self.show();
        self.settle();
        self.size = Size::cells(rows, columns);
        self.terminal.resize(self.size);
        let number = |number| std::num::NonZeroU16::new(number).expect("a size");
        self.parser.set_size(number(rows), number(columns));
        self
    }

    fn show(&mut self) {
        self.parser.process(&self.terminal.take_output());
    }

    /// Keeps the screen once it has come to rest, under a name and with the reading it must get: lines
    /// `key: value`, as `tests/screens/README.md` explains them, with `; ` between.
    pub fn keep(&mut self, name: &str, verdict: &str) -> &mut Self {
        self.rest();
        self.keep_now(name, verdict)
    }

    /// Keeps the screen as it is.
    pub fn keep_now(&mut self, name: &str, verdict: &str) -> &mut Self {
        self.show();
        let folder = std::env::var("RECORD_TO")
            .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/tests/screens/recorded").to_owned());
        fs::create_dir_all(&folder).expect("a folder for the screens");
        let path = Path::new(&folder).join(format!("{name}.screen"));
        let file = dump::file(self.parser.screen(), verdict);
        let root = self.sandbox.root().to_str().expect("a path");
        assert_eq!(root.len(), PLACE.len(), "a temporary folder has a name of another length");
        fs::write(path, file.replace(root, PLACE)).expect("the screen");
        println!("  {name}");
        self
    }
}
