//! Sessions with the stand-in for Claude Code.

use super::{Key, Sandbox, Terminal};

/// A sandbox in which claude is the stand-in.
pub fn sandbox() -> Sandbox {
    let mut sandbox = Sandbox::new();
    let stand_in = sandbox.path("claude-stand-in");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_cckw"), &stand_in).expect("a link");
    sandbox.set("CCKW_CLAUDE", stand_in);
    sandbox
}

/// Starts it through cckw, and waits for its prompt.
pub fn start(sandbox: &Sandbox, args: &[&str]) -> Terminal {
    let mut command = sandbox.cckw_claude();
    command.args(args);
    let mut terminal = Terminal::spawn(command);
    at_prompt(&mut terminal);
    terminal
}

/// Waits for its prompt.
pub fn at_prompt(terminal: &mut Terminal) {
    terminal.wait_for("the prompt", |screen| screen.cursor_row().starts_with('❯'));
}

/// Types a line at its prompt, and presses Enter once it is there.
pub fn submit(terminal: &mut Terminal, text: &str) {
    terminal.type_text(text);
    terminal.wait_for("the text", |screen| screen.cursor_row().ends_with(text));
    terminal.press(Key::Enter);
}
