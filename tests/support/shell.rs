//! An interactive shell without anybody's start-up files.

use std::process::Command;

use super::{Builder, Sandbox, Screen, Terminal};

/// What each shell prints when it waits for a command.
pub const PROMPT: &str = "ready> ";

impl Terminal {
    /// Starts `bash`, `zsh`, `dash` or `fish` with job control in `sandbox`, and waits for its prompt.
    pub fn shell(name: &str, sandbox: &Sandbox) -> Self {
        Self::builder().shell(name, sandbox)
    }

    /// Waits for the prompt, types a command line, and presses Enter once the line is echoed; so a prompt
    /// seen afterwards ([`Terminal::wait_for_prompt`]) is the one after the command.
    #[track_caller]
    pub fn run(&mut self, line: &str) {
        self.wait_for_prompt();
        self.type_text(line);
        let tail: String = line.chars().skip(line.chars().count().saturating_sub(20)).collect();
        self.wait_for("the echo of the command", |screen| screen.cursor_row().ends_with(tail.trim_end()));
        self.type_text("\r");
    }

    /// Waits until the shell waits for a command: its prompt, alone, before the cursor.
    #[track_caller]
    pub fn wait_for_prompt(&mut self) -> Screen {
        self.wait_for("the shell's prompt", at_prompt)
    }
}

fn at_prompt(screen: &Screen) -> bool {
    // Several in a row where an empty line was typed ahead of the first one.
    let column = usize::from(screen.cursor.1);
    let prompts = column / PROMPT.len();
    prompts > 0
        && column == prompts * PROMPT.len()
        && screen.cursor_row() == PROMPT.repeat(prompts).trim_end()
}

impl Builder {
    /// As [`Terminal::shell`], on a terminal made to measure.
    pub fn shell(self, name: &str, sandbox: &Sandbox) -> Terminal {
        let mut terminal = self.spawn(command(name, sandbox));
        terminal.wait_for_prompt();
        if name == "zsh" {
            // It switches that on behind its first prompt; what is compared with the terminal as it was comes
            // after.
            terminal.wait_for_modes("zsh's line editor", |modes| modes.is_on(2004));
        }
        terminal
    }
}

fn command(name: &str, sandbox: &Sandbox) -> Command {
    let mut command = sandbox.command(name);
    match name {
        "bash" => command.args(["--noprofile", "--norc", "-i"]),
        // Without its mark for output that does not end in a newline, which it pads with a line of blanks.
        "zsh" => command.args(["-f", "-i", "-o", "no_prompt_sp"]),
        "dash" => command.args(["-i", "-m"]),
        // Its prompt is a function, and what it would suggest stands behind the cursor.
        "fish" => command.args(["--no-config", "--private", "-i", "-C"]).arg(format!(
            "function fish_prompt; echo -n '{PROMPT}'; end; set -g fish_greeting; set -g fish_autosuggestion_enabled 0"
        )),
        other => panic!("no rule for the shell {other}"),
    };
    command.env("PS1", PROMPT).env("INPUTRC", "/dev/null").env_remove("ENV");
    command
}
