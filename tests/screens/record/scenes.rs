//! What is played, and which reading each screen of it must get.

use std::fs;

use serde_json::json;

use super::claude::Setup;
use super::mock::{HOLD, SHOW, TOOL};
use super::support::Key;

/// A name to choose it by, and what is done.
type Scene = (&'static str, fn());

pub const ALL: &[Scene] = &[
    ("sizes", sizes),
    ("themes", themes),
    ("more-themes", more_themes),
    ("help", help),
    ("drafts", drafts),
    ("long-drafts", long_drafts),
    ("menus", menus),
    ("vim", vim),
    ("turns", turns),
    ("places", places),
    ("agents", agents),
    ("dialogs", dialogs),
    ("first-dialogs", first_dialogs),
    ("refusal", refusal),
    ("footers", footers),
    ("pictures", pictures),
    ("fullscreen", fullscreen),
];

const EMPTY: &str = "prompt: empty";
const COMMAND: &str = "prompt: draft; text: /remote-control; at: end; menu: open";
const NO_TOP: &str = "prompt: elsewhere, the top of the input box is not on the screen";
const NO_BOX: &str = "prompt: elsewhere, there is no input box";
const DIALOG: &str = "prompt: elsewhere, a dialog is open";
const PERMISSION: &str = "prompt: elsewhere, claude asks for a permission";
const SHELL: &str = "prompt: elsewhere, shell mode is on";
const SEARCH: &str = "prompt: elsewhere, the history search is open";
const HELP: &str = "prompt: elsewhere, the shortcut help is open";
const AGENTS: &str = "prompt: elsewhere, the input box is another one than the main prompt";
const TRANSCRIPT: &str = "prompt: elsewhere, the transcript view is open";
const REFUSAL: &str = "notice: NeedsSubscription /remote-control needs a Claude subscription. This session uses ANTHROPIC_API_KEY instead.";

/// Blanks at its end are written as `␠`.
fn draft(text: &str) -> String {
    format!("prompt: draft; text: {text}; at: end")
}

fn sizes() {
    for (kind, fullscreen) in [("classic", false), ("fullscreen", true)] {
        let setup = |rows, columns| Setup { fullscreen, ..Setup::new(rows, columns) };
        for (rows, columns) in [(10, 40), (15, 60), (24, 80), (40, 120), (50, 200)] {
            let name = |what: &str| format!("{kind}-{columns}x{rows}-{what}");
            let mut claude = setup(rows, columns).start();
            claude.keep(&name("empty"), EMPTY);
            claude.text("a draft").keep(&name("draft"), &draft("a draft")).press(Key::Ctrl('u'));
            claude.paste("/remote-control").keep(&name("command"), COMMAND);
        }
        // Another size than the one it was drawn at, and sizes at which there is no room.
        let mut claude = setup(24, 80).start();
        claude.text("a draft").resize(12, 50).keep(&format!("{kind}-smaller"), &draft("a draft"));
        claude.resize(30, 100).keep(&format!("{kind}-larger"), &draft("a draft"));
        claude.resize(24, 10).keep(&format!("{kind}-10x24"), &draft("a\\ndraft"));
        claude.resize(5, 20).keep(&format!("{kind}-20x5"), NO_TOP);
        claude.resize(2, 20).keep(&format!("{kind}-20x2"), NO_BOX);
    }
}

fn themes() {
    for theme in ["light", "dark-daltonized", "light-daltonized", "dark-ansi", "light-ansi"] {
        let mut claude = Setup::new(24, 80).theme(theme).start();
        claude.keep(&format!("{theme}-empty"), EMPTY);
        claude.text("a draft").keep(&format!("{theme}-draft"), &draft("a draft")).press(Key::Ctrl('u'));
        claude
            .text("/model ")
            .keep(&format!("{theme}-argument-hint"), &draft("/model␠"))
            .press(Key::Ctrl('u'));
        claude.text("do /mod").keep(&format!("{theme}-completion"), &draft("do /mod")).press(Key::Ctrl('u'));
        claude
            .paste("/remote-control")
            .press(Key::Enter)
            .wait("needs")
            .keep(&format!("{theme}-refusal"), &format!("{EMPTY}; {REFUSAL}"));
        claude.agents().keep(&format!("{theme}-agents"), AGENTS);
    }
}

fn drafts() {
    let mut claude = Setup::new(24, 80).start();
    let inside = |text: &str| format!("prompt: draft; text: {text}; at: inside");
    claude.text("first\\").press(Key::Enter).text("second").keep("lines-2", &draft("first\\nsecond"));
    claude.press(Key::Up).keep("lines-2-cursor-above", &inside("first\\nsecond"));
    claude.press(Key::Left).keep("lines-2-cursor-within", &inside("first\\nsecond"));
    claude.press(Key::Ctrl('s')).wait("stashed").keep("stashed", &format!("{EMPTY}; stashed: yes"));
    claude.press(Key::Ctrl('s')).wait("second").keep("stash-back", &inside("first\\nsecond"));
    claude.press(Key::Ctrl('c')).rest();
    claude
        .text("first\\")
        .press(Key::Enter)
        .keep("lines-2-second-empty", &draft("first\\n"))
        .press(Key::Ctrl('c'))
        .rest();
    claude
        .text("\\")
        .press(Key::Enter)
        .keep("lines-2-both-empty", &draft("\\n"))
        .press(Key::Ctrl('c'))
        .rest();
    claude.text("漢字 and é ☺️ end").keep("wide", &draft("漢字 and é ☺️ end"));
    for _ in 0..5 {
        claude.press(Key::Left);
    }
    claude.keep("wide-cursor-within", &inside("漢字 and é ☺️ end")).press(Key::Ctrl('c')).rest();
    claude.text("漢").press(Key::Left).keep("wide-cursor-on-it", &inside("漢")).press(Key::Ctrl('c')).rest();
    claude.text("   ").keep("blanks", &draft("␠␠␠")).press(Key::Ctrl('c')).rest();
    claude.text("trailing  ").keep("trailing-blanks", &draft("trailing␠␠")).press(Key::Ctrl('c')).rest();
    claude
        .text("❯ /remote-control")
        .keep("mark-typed", &draft("❯ /remote-control"))
        .press(Key::Ctrl('c'))
        .rest();
    claude.text("#").keep("hash", &draft("#")).press(Key::Ctrl('c')).rest();
    claude
        .paste("a\nb\nc\nd\ne\nf\n")
        .keep("pasted-lines", &draft("[Pasted text #1 +6 lines]"))
        .press(Key::Ctrl('a'))
        .keep("pasted-lines-cursor-before", &inside("[Pasted text #1 +6 lines]"))
        .press(Key::Ctrl('c'))
        .rest();
    claude
        .text("note to @notes.md and ultrathink ")
        .keep("highlighted", &draft("note to @notes.md and ultrathink␠"));
}

fn long_drafts() {
    let mut claude = Setup::new(24, 80).start();
    let words = "word ".repeat(15);
    let wrapped = [words.trim_end(); 4].join("\\n");
    claude.paste(&"word ".repeat(60)).keep("wrapped", &draft(&format!("{wrapped}␠")));
    claude.resize(10, 40).keep("wrapped-40x10", NO_TOP).resize(24, 80).press(Key::Ctrl('c')).rest();
    let line = "x".repeat(76);
    claude.paste(&line).keep("row-full", &draft(&line));
    claude.text("y").keep("row-full-and-one", &draft(&format!("{line}\\ny"))).press(Key::Ctrl('c')).rest();
    for number in 0..30 {
        claude.text(&format!("l{number}\\")).press(Key::Enter);
    }
    claude.keep("lines-31", NO_TOP);
}

fn menus() {
    for (kind, fullscreen) in [("classic", false), ("fullscreen", true)] {
        let mut claude = Setup { fullscreen, ..Setup::new(24, 80) }.start();
        let name = |what: &str| format!("{kind}-menu-{what}");
        claude
            .text("/")
            .keep(&name("slash"), &format!("{}; menu: /add-dir", draft("/")))
            .press(Key::Ctrl('u'));
        claude.text("/re").keep(&name("commands"), &format!("{}; menu: /recap", draft("/re")));
        claude
            .press(Key::Down)
            .keep(&name("second"), &format!("{}; menu: /rename", draft("/re")))
            .press(Key::Ctrl('u'));
        claude
            .text("/model")
            .keep(&name("exact"), &format!("{}; menu: /model", draft("/model")))
            .press(Key::Ctrl('u'));
        claude.text("/remote-control").keep(&name("none"), COMMAND).press(Key::Ctrl('u'));
        claude
            .text("/remote-control my name")
            .keep(&name("argument"), &draft("/remote-control my name"))
            .press(Key::Ctrl('u'));
        claude.text("@no").wait("notes.md").keep(&name("files"), &format!("{}; menu: open", draft("@no")));
    }
}

fn vim() {
    let mut claude = Setup::new(24, 80).vim().start();
    claude.keep("vim-insert", &format!("{EMPTY}; vim: Insert"));
    claude.press(Key::Esc).keep("vim-normal", EMPTY);
    claude.paste("/remote-control").keep("vim-normal-command", COMMAND).press(Key::Ctrl('u'));
    claude
        .text("i")
        .rest()
        .text("some words")
        .keep("vim-insert-draft", &format!("{}; vim: Insert", draft("some words")));
    let within = "prompt: draft; text: some words; at: inside";
    claude.press(Key::Esc).keep("vim-normal-draft", within);
    claude.text("v").keep("vim-visual", &format!("{within}; vim: Visual")).press(Key::Esc);
    claude.text("V").keep("vim-visual-line", &format!("{within}; vim: Visual")).press(Key::Esc);
    claude
        .text("0")
        .rest()
        .paste("/remote-control")
        .keep("vim-normal-paste", "prompt: draft; text: /remote-controlsome words; at: inside");
    let mut claude = Setup::new(10, 40).vim().fullscreen().start();
    claude.keep("vim-fullscreen-insert", &format!("{EMPTY}; vim: Insert"));
    claude.paste("/remote-control").keep("vim-fullscreen-command", &format!("{COMMAND}; vim: Insert"));
}

fn turns() {
    for (kind, fullscreen) in [("classic", false), ("fullscreen", true)] {
        let name = |what: &str| format!("{kind}-{what}");
        let setup = || Setup { fullscreen, ..Setup::new(24, 80) };
        let mut claude = setup().start();
        claude.submit("hello").wait("Hello from").keep(&name("answered"), EMPTY);
        claude.submit(HOLD).wait("esc to interrupt").keep_now(&name("turn"), &format!("{EMPTY}; busy: yes"));
        claude
            .text("a draft")
            .wait("a draft")
            .keep_now(&name("turn-draft"), &format!("{}; busy: yes", draft("a draft")));
        claude.terminal.press(Key::Enter);
        claude.wait("edit queued").keep_now(&name("turn-queued"), &format!("{EMPTY}; busy: yes"));
        let mut claude = setup().arguments(&["--permission-mode", "manual"]).start();
        claude.keep(&name("manual"), EMPTY);
        claude.submit(TOOL).wait("Do you want").keep(&name("permission"), PERMISSION);
        claude.press(Key::Tab).keep(&name("permission-amend"), PERMISSION);
        let mut claude = setup().arguments(&["--permission-mode", "plan"]).start();
        claude.keep(&name("plan"), EMPTY);
        claude.text("!").keep(&name("shell"), SHELL).text("sleep 40").keep(&name("shell-draft"), SHELL);
        claude
            .press(Key::Enter)
            .wait("esc to interrupt")
            .keep_now(&name("shell-runs"), &format!("{EMPTY}; busy: yes"));
    }
}

fn more_themes() {
    for theme in ["light", "dark-ansi", "light-ansi"] {
        let mut claude = Setup::new(24, 80).theme(theme).start();
        claude.paste("a\nb\nc\nd\ne\nf\n").press(Key::Ctrl('a'));
        claude.keep(&format!("{theme}-paste"), "prompt: draft; text: [Pasted text #1 +6 lines]; at: inside");
        claude.press(Key::Ctrl('c')).rest();
        claude.submit("hello").wait("Hello from").rest();
        claude.submit(HOLD).wait("esc to interrupt").text("a draft").wait("a draft");
        claude.keep_now(&format!("{theme}-turn-draft"), &format!("{}; busy: yes", draft("a draft")));
    }
}

fn help() {
    for (kind, fullscreen) in [("classic", false), ("fullscreen", true)] {
        for (rows, columns) in [(24, 40), (15, 60), (40, 120), (50, 200)] {
            let mut claude = Setup { fullscreen, ..Setup::new(rows, columns) }.start();
            let verdict = if rows == 15 && !fullscreen { NO_TOP } else { HELP };
            claude.text("?").keep(&format!("{kind}-shortcuts-{columns}x{rows}"), verdict);
        }
    }
}

fn places() {
    let mut claude = Setup::new(24, 80).start();
    claude.submit("hello").wait("Hello from").rest();
    claude.press(Key::Ctrl('o')).wait("Showing").keep("transcript", TRANSCRIPT).press(Key::Ctrl('o')).rest();
    claude.press(Key::Ctrl('r')).wait("search").keep("search", SEARCH).text("hel").keep("search-hit", SEARCH);
    claude
        .press(Key::Esc)
        .keep("search-taken", "prompt: draft; text: hello; at: inside")
        .press(Key::Ctrl('c'))
        .rest();
    claude.text("?").wait("for commands").keep("shortcuts", HELP).press(Key::Backspace).rest();
    claude.terminal.press(Key::Ctrl('c'));
    claude
        .wait("again to exit")
        .keep_now("exit-asked", "prompt: elsewhere, claude asks whether it is to end");
    claude.terminal.wait_for("the end of the question", |screen| !screen.contains("again to exit"));
    claude
        .text("\x1b[O")
        .keep("no-focus", EMPTY)
        .text("x")
        .keep("no-focus-draft", &draft("x"))
        .press(Key::Ctrl('u'))
        .text("\x1b[I");
    claude.press(Key::Ctrl('t')).keep("tasks", EMPTY).press(Key::Ctrl('t'));
    claude.press(Key::Ctrl('v')).wait("clipboard").keep("note-at-the-edge", EMPTY);
}

fn agents() {
    let mut claude = Setup::new(24, 80).start();
    claude.submit("hello").wait("Hello from").agents().keep("agents", AGENTS);
    claude.paste("/remote-control").keep("agents-command", AGENTS).press(Key::Ctrl('u'));
    claude.press(Key::Esc).back().keep("agents-left", EMPTY);
    let mut claude = Setup::new(10, 40).fullscreen().start();
    claude.agents().keep("agents-40x10", AGENTS);
}

fn dialogs() {
    for (kind, fullscreen) in [("classic", false), ("fullscreen", true)] {
        let mut claude = Setup { fullscreen, ..Setup::new(24, 80) }.start();
        for name in [
            "config",
            "model",
            "help",
            "permissions",
            "memory",
            "theme",
            "resume",
            "rewind",
            "export",
            "hooks",
            "effort",
        ] {
            claude.submit(&format!("/{name}"));
            if name == "config" {
                claude.wait("Search settings");
            }
            claude.keep(&format!("{kind}-dialog-{name}"), DIALOG);
            claude.press(Key::Esc).press(Key::Esc).rest();
        }
    }
    let mut claude = Setup::new(10, 40).start();
    claude.submit("/config").wait("Esc").keep("classic-40x10-dialog", DIALOG);
    let mut claude = Setup::new(10, 40).fullscreen().start();
    claude.submit("/config").wait("Settings").keep("fullscreen-40x10-dialog", NO_BOX);
}

fn first_dialogs() {
    Setup { config: json!({"projects": {}}), ..Setup::new(24, 80) }
        .launch()
        .wait("trust")
        .keep("trust", "prompt: elsewhere, claude asks whether to trust the directory");
    Setup { config: json!({"hasCompletedOnboarding": false}), ..Setup::new(24, 80) }
        .launch()
        .wait("Dark")
        .keep("onboarding", NO_BOX);
    Setup::new(24, 80).arguments(&["--resume"]).launch().wait("No sessions").keep("resume-nothing", DIALOG);
}

fn refusal() {
    for (kind, fullscreen) in [("classic", false), ("fullscreen", true)] {
        let mut claude = Setup { fullscreen, ..Setup::new(24, 80) }.start();
        claude
            .text("a draft")
            .press(Key::Ctrl('s'))
            .wait("stashed")
            .paste("/remote-control")
            .press(Key::Enter)
            .wait("needs");
        claude
            .keep(&format!("{kind}-refusal"), &format!("{}; {REFUSAL}", draft("a draft")))
            .press(Key::Ctrl('u'));
        claude.submit("hello").wait("Hello from").keep(&format!("{kind}-refusal-past"), EMPTY);
        let mut claude = Setup { fullscreen, ..Setup::new(10, 40) }.start();
        let cut = "notice: NeedsSubscription subscription. This session uses ANTHROPIC_API_KEY instead.";
        claude.paste("/remote-control").press(Key::Enter).wait("instead.").keep(
            &format!("{kind}-refusal-40x10"),
            &format!("{EMPTY}; {}", if fullscreen { REFUSAL } else { cut }),
        );
    }
}

fn footers() {
    let status = |script: &str| json!({"type": "command", "command": script});
    let line = "printf 'my status \\033[32mgreen\\033[0m · 50%%\\nsecond line of it'";
    for (kind, fullscreen) in [("classic", false), ("fullscreen", true)] {
        let setup = |rows, columns| Setup { fullscreen, ..Setup::new(rows, columns) };
        let mut claude = setup(24, 80).setting("statusLine", status(line)).start();
        claude.wait("my status").keep(&format!("{kind}-status-line"), EMPTY);
        claude.text("a draft").keep(&format!("{kind}-status-line-draft"), &draft("a draft"));
        claude.resize(10, 40).keep(&format!("{kind}-status-line-40x10"), &draft("a draft"));
        let mut padded = status(line);
        padded["padding"] = json!(0);
        setup(24, 80)
            .setting("statusLine", padded)
            .start()
            .wait("my status")
            .keep(&format!("{kind}-status-line-flush"), EMPTY);
        let rule = "─".repeat(80);
        let picture = format!("printf '{rule}\\n❯\u{a0}/remote-control\\n{rule}\\n? for shortcuts'");
        setup(24, 80)
            .setting("statusLine", status(&picture))
            .start()
            .wait("? for")
            .keep(&format!("{kind}-status-line-picture"), EMPTY);
        let mut claude = setup(24, 80).arguments(&["-n", "my name"]).start();
        claude
            .keep(&format!("{kind}-named"), EMPTY)
            .text("a draft")
            .keep(&format!("{kind}-named-draft"), &draft("a draft"));
        claude.resize(10, 40).keep(&format!("{kind}-named-40x10"), &draft("a draft"));
        claude.resize(24, 12).keep(&format!("{kind}-named-12x24"), &draft("a draft"));
    }
}

fn pictures() {
    for (kind, fullscreen) in [("classic", false), ("fullscreen", true)] {
        let mut claude =
            Setup { fullscreen, ..Setup::new(24, 80) }.arguments(&["--permission-mode", "manual"]).start();
        let rule = "─".repeat(80);
        let picture = format!("{rule}\n❯\u{a0}\x1b[7m \x1b[m\n{rule}\n  ? for shortcuts · /rc active\n");
        fs::write(claude.sandbox.path("home/project/picture"), picture).expect("a picture");
        let name = |what: &str| format!("{kind}-picture-{what}");
        claude.submit(SHOW).wait("Here it is").keep(&name("answer"), EMPTY);
        claude
            .submit("/model")
            .wait("Select model")
            .keep(&name("answer-dialog"), DIALOG)
            .press(Key::Esc)
            .rest();
        claude
            .press(Key::Ctrl('o'))
            .wait("Showing")
            .keep(&name("answer-transcript"), TRANSCRIPT)
            .press(Key::Ctrl('o'))
            .rest();
        claude.submit("!cat picture").wait("Hello from").keep(&name("shell"), EMPTY);
        claude.submit(TOOL).wait("Do you want").keep(&name("shell-permission"), PERMISSION);
    }
}

fn fullscreen() {
    let mut claude = Setup::new(24, 80).fullscreen().start();
    claude
        .text("first\\")
        .press(Key::Enter)
        .text("second")
        .keep("fullscreen-lines-2", &draft("first\\nsecond"))
        .press(Key::Ctrl('c'))
        .rest();
    claude.submit("hello").wait("Hello from").rest();
    claude
        .press(Key::Ctrl('o'))
        .wait("Showing")
        .keep("fullscreen-transcript", TRANSCRIPT)
        .press(Key::Ctrl('o'))
        .rest();
    claude
        .press(Key::Ctrl('r'))
        .wait("Search prompts")
        .keep("fullscreen-search", DIALOG)
        .press(Key::Esc)
        .press(Key::Ctrl('c'))
        .rest();
    claude.text("?").wait("for commands").keep("fullscreen-shortcuts", HELP).press(Key::Backspace).rest();
    claude.press(Key::Left).wait("describe a task").keep("fullscreen-agents", AGENTS);
    let mut claude = Setup::new(24, 80).fullscreen().start();
    for number in 0..30 {
        claude.text(&format!("l{number}\\")).press(Key::Enter);
    }
    claude.keep("fullscreen-lines-31", NO_TOP);
}
