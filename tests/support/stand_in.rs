//! Sessions with the stand-in for Claude Code.

use std::path::PathBuf;

use super::{DEADLINE, Key, Record, Sandbox, Terminal, cckw_program, process, wait_until};

/// A sandbox in which claude is the stand-in. It comes back a second after a crash, however soon that is, and
/// a start asks nothing; a test that is about one of the two has a configuration of its own.
pub fn sandbox() -> Sandbox {
    let mut sandbox = Sandbox::new();
    let stand_in = sandbox.path("claude-stand-in");
    std::os::unix::fs::symlink(cckw_program(), &stand_in).expect("a link");
    sandbox.set("CCKW_CLAUDE", stand_in);
    sandbox.configure("[restart]\nearly_delay = \"0s\"\n[start]\nexisting = \"new\"\n");
    sandbox
}

/// Starts it through cckw, and waits for its prompt.
#[track_caller]
pub fn start(sandbox: &Sandbox, args: &[&str]) -> Terminal {
    let mut command = sandbox.cckw_claude();
    command.args(args);
    let mut terminal = Terminal::spawn(command);
    at_prompt(&mut terminal);
    terminal
}

/// Waits for its prompt.
#[track_caller]
pub fn at_prompt(terminal: &mut Terminal) {
    terminal.wait_for("the prompt", |screen| screen.cursor_row().starts_with('❯'));
}

/// Types a line at its prompt, and presses Enter once it is there.
#[track_caller]
pub fn submit(terminal: &mut Terminal, text: &str) {
    terminal.type_text(text);
    terminal.wait_for("the text", |screen| screen.cursor_row().ends_with(text));
    terminal.press(Key::Enter);
}

/// Says these words, and waits for the answer and for the prompt.
#[track_caller]
pub fn say(terminal: &mut Terminal, words: &str) {
    submit(terminal, words);
    terminal.wait_for_text(&format!("You said: {words}"));
    at_prompt(terminal);
}

/// Ends it by `/exit` at its prompt.
#[track_caller]
pub fn exit(mut terminal: Terminal) {
    at_prompt(&mut terminal);
    submit(&mut terminal, "/exit");
    assert_eq!(terminal.finish().code(), Some(0), "{}", terminal.report());
}

/// Waits until the claude of the one session is idle after so many restarts. Gives the record.
#[track_caller]
pub fn idle(sandbox: &Sandbox, restarts: u64) -> Record {
    sandbox.wait_for_record("an idle claude", |record| {
        record.text("state") == "running"
            && record.text("status") == "idle"
            && record.json["restarts"] == restarts
    })
}

/// The arguments that claude was started with, without the name of its program.
pub fn arguments(record: &Record) -> Vec<String> {
    process::arguments(record.pid("child_pid").expect("a child")).split_off(1)
}

/// The stand-in without cckw, at its prompt.
#[track_caller]
pub fn direct(sandbox: &Sandbox, words: &[&str]) -> Terminal {
    let mut command = sandbox.command(sandbox.path("claude-stand-in"));
    command.args(words);
    let mut terminal = Terminal::spawn(command);
    at_prompt(&mut terminal);
    terminal
}

/// What the terminal has shown, without spaces, so that it does not matter how it is wrapped.
pub fn said(terminal: &Terminal) -> String {
    terminal.history().concat().replace(' ', "")
}

/// Waits until the terminal has shown these words, however they are wrapped.
#[track_caller]
pub fn says(terminal: &Terminal, words: &str) {
    let squeezed = words.replace(' ', "");
    wait_until(&format!("{words:?} on the screen"), DEADLINE, || said(terminal).contains(&squeezed));
}

/// The transcript of this conversation, in whichever directory.
pub fn transcript(sandbox: &Sandbox, id: &str) -> PathBuf {
    let folders = std::fs::read_dir(sandbox.path("home/.claude/projects")).expect("projects").flatten();
    let files = folders.map(|folder| folder.path().join(format!("{id}.jsonl")));
    files.into_iter().find(|file| file.exists()).expect("a transcript")
}
