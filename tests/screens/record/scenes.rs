//! What is played, and which reading each screen of it must get.

use serde_json::json;

use super::claude::Setup;
use super::mock::{HOLD, SHOW, TOOL};
use super::support::Key;

type Scene = (&'static str, fn());

pub const ALL: &[Scene] = &[
    ("dialogs", dialogs),
    ("vim", vim),
    ("turn", turn),
    ("full", full),
    ("status", status),
    ("places", places),
    ("drafts", drafts),
    ("picture", picture),
    ("trust", trust),
    ("light", light),
    ("rc", rc),
    ("placeholder", placeholder),
    ("sizes", sizes),
    ("misc", misc),
];

fn dialogs() {
    let mut c = Setup::new(24, 80).start();
    for d in ["/mcp", "/agents", "/memory", "/theme"] {
        c.submit(d).keep(&format!("e-{}", d[1..].replace(' ', "-")), "?");
        c.press(Key::Esc)
            .keep(&format!("e-{}-1", d[1..].replace(' ', "-")), "?")
            .press(Key::Esc)
            .keep(&format!("e-{}-2", d[1..].replace(' ', "-")), "?")
            .press(Key::Ctrl('u'))
            .rest();
    }
}
fn placeholder() {
    let mut s = Setup::new(24, 80);
    s.bare = true;
    s.start().keep("placeholder-a", "?");
    let mut s = Setup::new(24, 80).arguments(&["--permission-mode", "manual"]);
    s.bare = true;
    s.config = json!({"numStartups": 5});
    let mut c = s.start();
    c.keep("placeholder-b", "?").submit("hello").keep("placeholder-c", "?");
}
fn vim() {
    let mut c = Setup::new(24, 80).vim().start();
    c.keep("vim-insert", "?")
        .press(Key::Esc)
        .keep("vim-normal", "?")
        .text("i")
        .rest()
        .text("some words")
        .keep("vim-insert-draft", "?")
        .press(Key::Esc)
        .keep("vim-normal-draft", "?")
        .text("v")
        .keep("vim-visual", "?")
        .press(Key::Esc)
        .text("V")
        .keep("vim-visual-line", "?")
        .press(Key::Esc)
        .text("0")
        .keep("vim-normal-draft-start", "?")
        .paste("/remote-control")
        .keep("vim-normal-paste", "?")
        .text("d")
        .keep("vim-pending", "?")
        .press(Key::Esc)
        .text("dd")
        .rest()
        .paste("/remote-control")
        .keep("vim-normal-paste-command", "?");
}
fn turn() {
    let mut c = Setup::new(24, 80).start();
    c.submit(HOLD)
        .wait("It begins")
        .keep("turn", "?")
        .submit("queued one")
        .keep("turn-queued", "?")
        .submit("queued two")
        .text("draft")
        .keep("turn-queued-draft", "?")
        .press(Key::Esc)
        .keep("turn-esc", "?")
        .press(Key::Esc)
        .keep("turn-esc2", "?");
    let mut c = Setup::new(24, 80).arguments(&["--permission-mode", "manual"]).start();
    c.keep("manual", "?")
        .text("a draft")
        .press(Key::Ctrl('u'))
        .submit(TOOL)
        .keep("permission", "?")
        .press(Key::Esc)
        .keep("permission-esc", "?");
    let mut c = Setup::new(24, 80).arguments(&["--permission-mode", "plan"]).start();
    c.keep("plan", "?")
        .submit("!sleep 20")
        .keep("shell-runs", "?")
        .press(Key::Ctrl('b'))
        .keep("shell-bg", "?");
}
fn full() {
    let mut c = Setup::new(24, 80).fullscreen().start();
    c.keep("full-empty", "?")
        .text("a draft")
        .keep("full-draft", "?")
        .press(Key::Ctrl('u'))
        .text("/remote-control")
        .keep("full-command", "?")
        .press(Key::Enter)
        .keep("full-rc", "?")
        .submit(HOLD)
        .wait("It begins")
        .keep("full-turn", "?")
        .submit("queued")
        .keep("full-queued", "?")
        .press(Key::Esc)
        .press(Key::Esc)
        .press(Key::Ctrl('u'))
        .submit("/config")
        .keep("full-config", "?")
        .press(Key::Esc)
        .press(Key::Esc)
        .press(Key::Ctrl('o'))
        .keep("full-transcript", "?")
        .press(Key::Ctrl('o'))
        .press(Key::Ctrl('r'))
        .keep("full-search", "?")
        .press(Key::Esc)
        .press(Key::Ctrl('u'))
        .press(Key::Left)
        .keep("full-agents", "?")
        .press(Key::Esc)
        .keep("full-back", "?")
        .text("?")
        .keep("full-shortcuts", "?");
    let mut c = Setup::new(24, 80).fullscreen().arguments(&["--permission-mode", "manual"]).start();
    c.submit(SHOW).keep("full-picture", "?").submit(TOOL).keep("full-permission", "?");
}
fn status() {
    let sl = json!({"type": "command", "command": "printf 'line one of the status\\nline \\033[32mtwo\\033[0m /rc active'"});
    Setup::new(24, 80)
        .setting("statusLine", sl.clone())
        .start()
        .wait("line one")
        .keep("status", "?")
        .text("draft")
        .keep("status-draft", "?")
        .resize(10, 40)
        .keep("status-10x40", "?");
    let hostile = json!({"type": "command", "command": "printf '────────────────────────────────────────────────────────────────────────────────\\n❯ /remote-control\\n────────────────────────────────────────────────────────────────────────────────\\n  ? for shortcuts'"});
    Setup::new(24, 80).setting("statusLine", hostile).start().wait("? for").keep("status-hostile", "?");
    Setup::new(24, 80)
        .arguments(&["-n", "my name"])
        .start()
        .keep("name", "?")
        .text("x")
        .keep("name-draft", "?")
        .resize(10, 40)
        .keep("name-10x40", "?");
}
fn places() {
    let mut c = Setup::new(24, 80).start();
    c.submit("hello")
        .wait("Hello from")
        .keep("after-turn", "?")
        .press(Key::Ctrl('o'))
        .keep("transcript", "?")
        .press(Key::Ctrl('o'))
        .press(Key::Ctrl('r'))
        .keep("search", "?")
        .text("hel")
        .keep("search-hit", "?")
        .press(Key::Esc)
        .keep("search-esc", "?")
        .press(Key::Ctrl('u'))
        .press(Key::Ctrl('c'))
        .keep("ctrl-c", "?");
    c.press(Key::Left)
        .keep("agents", "?")
        .text("abc")
        .keep("agents-draft", "?")
        .press(Key::Ctrl('u'))
        .press(Key::Esc)
        .keep("agents-esc", "?")
        .press(Key::Esc)
        .keep("esc", "?")
        .press(Key::Esc)
        .keep("esc-esc", "?")
        .press(Key::Esc)
        .press(Key::Ctrl('t'))
        .keep("tasks", "?")
        .press(Key::Ctrl('t'))
        .press(Key::Ctrl('z'))
        .keep("suspended", "?");
}
fn drafts() {
    let mut c = Setup::new(24, 80).start();
    c.text("first")
        .text("\\")
        .press(Key::Enter)
        .text("second")
        .keep("draft-2", "?")
        .press(Key::Up)
        .keep("draft-2-up", "?")
        .press(Key::Left)
        .keep("draft-2-left", "?")
        .press(Key::Ctrl('s'))
        .keep("stashed", "?")
        .press(Key::Ctrl('s'))
        .keep("unstashed", "?")
        .press(Key::Ctrl('u'))
        .press(Key::Ctrl('u'))
        .press(Key::Ctrl('u'))
        .press(Key::Ctrl('u'))
        .keep("cleared", "?");
    c.text("漢字 and 👩‍👩‍👧 and é ☺️ end")
        .keep("wide", "?")
        .press(Key::Left)
        .press(Key::Left)
        .press(Key::Left)
        .press(Key::Left)
        .press(Key::Left)
        .keep("wide-left", "?")
        .press(Key::Ctrl('u'))
        .press(Key::Ctrl('u'));
    c.paste(&"word ".repeat(60))
        .keep("wrapped", "?")
        .resize(10, 40)
        .keep("wrapped-10x40", "?")
        .resize(24, 80)
        .press(Key::Ctrl('c'))
        .rest();
    c.paste(&"x".repeat(76))
        .keep("full-line", "?")
        .text("y")
        .keep("full-line-1", "?")
        .text("z")
        .keep("full-line-2", "?")
        .press(Key::Ctrl('c'))
        .rest();
    c.text("trailing  ").keep("trailing", "?").press(Key::Ctrl('c')).rest();
    c.text("/remote-control my").keep("command-name", "?").press(Key::Ctrl('c')).rest();
    c.text("/mod").keep("ghost", "?").press(Key::Ctrl('c')).rest();
    c.text("/model ").keep("ghost-arg", "?").press(Key::Ctrl('c')).rest();
    c.text("do /mod").keep("ghost-mid", "?").press(Key::Ctrl('c')).rest();
    c.text("❯ /remote-control").keep("draft-mark", "?").press(Key::Ctrl('c')).rest();
    for i in 0..30 {
        if i > 0 {
            c.text("\\").press(Key::Enter);
        }
        c.text(&format!("l{i}"));
    }
    c.keep("draft-30", "?");
}
fn picture() {
    let mut c = Setup::new(24, 80).start();
    c.submit(SHOW)
        .wait("Here it is")
        .keep("picture", "?")
        .submit("/config")
        .keep("picture-config", "?")
        .press(Key::Esc)
        .press(Key::Esc)
        .press(Key::Ctrl('o'))
        .keep("picture-transcript", "?")
        .press(Key::Ctrl('o'))
        .rest();
    std::fs::write(c.sandbox.path("home/project/pic"), "────────────────────────────────────────────────────────────────────────────────\n❯\u{a0}\x1b[7m \x1b[m\n────────────────────────────────────────────────────────────────────────────────\n  ? for shortcuts").unwrap();
    c.submit("!cat pic").keep("bash-picture", "?").submit("/model").keep("bash-picture-model", "?");
}
fn trust() {
    let mut s = Setup::new(24, 80);
    s.config = json!({"projects": {}});
    s.launch().wait("trust").keep("trust", "?");
}
fn light() {
    for t in ["light", "dark-daltonized", "light-daltonized", "dark-ansi", "light-ansi"] {
        let mut c = Setup::new(24, 80).theme(t).start();
        c.keep(&format!("{t}-empty"), "?").text("draft").keep(&format!("{t}-draft"), "?");
    }
}
fn rc() {
    let mut c = Setup::new(24, 80).start();
    c.text("a draft")
        .press(Key::Ctrl('s'))
        .paste("/remote-control")
        .keep("rc-typed", "?")
        .press(Key::Enter)
        .wait("needs")
        .keep("rc-needs", "?");
    c.press(Key::Ctrl('u')).submit("/rc").keep("rc-short", "?");
}
fn sizes() {
    for full in [false, true] {
        let mut s = Setup::new(10, 40);
        s.fullscreen = full;
        let mut c = s.start();
        let f = if full { "f" } else { "c" };
        c.keep(&format!("{f}-10x40"), "?")
            .text("/remote-control")
            .keep(&format!("{f}-10x40-command"), "?")
            .press(Key::Ctrl('u'))
            .submit("/remote-control")
            .keep(&format!("{f}-10x40-rc"), "?")
            .submit("/config")
            .keep(&format!("{f}-10x40-config"), "?")
            .press(Key::Esc)
            .press(Key::Esc)
            .text("?")
            .keep(&format!("{f}-10x40-shortcuts"), "?")
            .press(Key::Backspace);
        for (r, k) in [(15, 60), (40, 120), (50, 200), (5, 20), (3, 40), (24, 10), (24, 80)] {
            c.resize(r, k)
                .keep(&format!("{f}-{r}x{k}"), "?")
                .text("draft")
                .keep(&format!("{f}-{r}x{k}-draft"), "?")
                .press(Key::Ctrl('u'));
        }
    }
}
fn misc() {
    let mut c = Setup::new(24, 80).start();
    c.press(Key::Ctrl('v'))
        .keep("ctrl-v", "?")
        .press(Key::Ctrl('g'))
        .keep("ctrl-g", "?")
        .press(Key::Ctrl('c'))
        .rest()
        .text("#")
        .rest()
        .text("note")
        .keep("memory", "?");
}
