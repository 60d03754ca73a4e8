//! `cckw demo`: a session on the stand-in, by hand or played.

use std::io::{self, IsTerminal, Write};
use std::process::{Command, ExitCode};

use super::output;
use crate::claude::find;
use crate::escape::escape;
use crate::session::record::Exit;

mod dialogue;
mod scene;
mod signals;
mod stage;

use scene::{Memory, Scene};

const INTRODUCTION: &str = "\
A stand-in for Claude Code starts now, inside cckw, in a scratch directory. It
echoes what you say and needs no account. Try:

  hello, then Enter      ctrl-z, look around, fg
  resize the window      /exit to come back here

";

const REAL_ONE: &str = "\
With the real Claude Code:
  npm install -g @anthropic-ai/claude-code
  cckw claude                       (or, for good: eval \"$(cckw shell-init bash)\")
";

/// Runs the demo; `script` plays a dialogue instead of leaving the session to the user.
pub fn main(script: bool) -> ExitCode {
    let scene = match Scene::new() {
        Ok(scene) => scene,
        Err(error) => return output::fail(&format!("the demo cannot be set up: {error}")),
    };
    let status = if script || !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        dialogue::play(&scene)
    } else {
        by_hand(&scene)
    };
    if let Err(error) = scene.remove() {
        return output::fail(&format!("the demo's directory cannot be removed: {error}"));
    }
    status
}

fn by_hand(scene: &Scene) -> ExitCode {
    output::print(INTRODUCTION);
    let mut command = Command::new(&scene.cckw);
    command.arg("claude").arg("--name").arg("demo");
    scene.furnish(&mut command);
    let status = match signals::run(command) {
        Ok(status) => status,
        Err(error) => return output::fail(&format!("cckw claude could not be run: {error}")),
    };
    let mut out = io::stdout().lock();
    // Nobody reading it is no reason to leave the directory behind.
    let _ = match scene.memory() {
        Ok(memory) => write!(out, "\n{}\n{REAL_ONE}", describe(&memory)),
        Err(error) => write!(out, "\nThe session left no record: {}\n", escape(&error.to_string())),
    };
    match status.code().and_then(|code| u8::try_from(code).ok()) {
        Some(code) => ExitCode::from(code),
        None => ExitCode::FAILURE,
    }
}

/// What is known of the session afterwards, for reading.
fn describe(memory: &Memory) -> String {
    let record = &memory.record;
    let conversation = escape(record.conversation.as_deref().unwrap_or("unknown")).to_string();
    let ended = match record.exit {
        Some(Exit::Code(code)) => format!("with status {code}"),
        Some(Exit::Signal(number)) => format!("by signal {number}"),
        None => "not yet".to_owned(),
    };
    let pinned = if record.pinned { "pinned by cckw with --session-id" } else { "chosen by you" };
    let said = match memory.transcript_lines {
        0 => "nothing was said".to_owned(),
        lines => format!("{lines} lines of transcript"),
    };
    format!(
        "What cckw kept of the session:\n  \
         conversation  {conversation}\n                {pinned}; {said}\n  \
         ended         {ended}\n  \
         host          pid {}, which owned the terminal that claude ran in\n",
        record.host_pid
    )
}

/// The name under which cckw is the stand-in, as a command line shows it.
fn variable() -> String {
    format!("{}=claude-stand-in", find::VARIABLE)
}
