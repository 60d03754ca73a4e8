//! `cckw demo`: a session on the stand-in, by hand or played.

mod audience;
mod scenes;
mod scratch;
mod show;
mod signals;
mod stage;

use std::io::{self, Write};
use std::process::{Command, ExitCode};

use super::output;
use crate::escape::escape;
use crate::os::exit::Exit;
use crate::os::signal_pipe::SignalPipe;
use crate::user_error::{files, verb};

use audience::Audience;
use scenes::SCENES;
use scratch::{Memory, Scratch};
use show::{Show, Trouble};

const INTRODUCTION: &str = "\
A stand-in for Claude Code starts now, inside cckw, in a scratch directory. It
echoes what you say and needs no account. Try:

  hello, then Enter      ctrl-z, look around, fg
  /fault crash 9         resize the window
  ctrl-\\ to detach: claude goes on without a terminal, and Enter takes it back
  /exit to come back here

";

const DETACHED: &str = "
You have detached: claude goes on without a terminal. Of a session of yours `cckw list` shows
that, and `cckw attach` takes it back. Here: Enter takes it back, q and Enter end the demo.
";

/// By hand the directory goes with the terminal, so nothing may live on in it.
const BY_HAND: &str = "on_hangup = \"exit\"\n";

/// In the show it must live on for a moment. Should the demo itself be killed, it does not for long. The line
/// that says when claude comes back is there to be read; and so is, by whoever watches, the footer that says
/// that the link is gone.
fn shown(watched: bool) -> String {
    let down_for = if watched { "4s" } else { "1s" };
    format!(
        "linger = \"1m\"\n[restart]\ninitial_delay = \"2s\"\nearly_delay = \"0s\"\n[remote_control]\ndisconnected_for = \"{down_for}\"\nrest = \"1s\"\n"
    )
}

const TRY_IT: &str = "\
To try it yourself, on the stand-in:
  cckw demo --by-hand

";

const REAL_ONE: &str = "\
With the real Claude Code:
  npm install -g @anthropic-ai/claude-code
  cckw claude               (for good: eval \"$(cckw shell-init bash)\")
";

/// Shows what cckw does; `script` as text alone. `try_it` leaves a session to the user instead.
pub fn main(script: bool, try_it: bool) -> ExitCode {
    if try_it {
        return in_scratch(BY_HAND, |scratch| Ok(by_hand(scratch)));
    }
    // From before there is something to clean up.
    match show::signals() {
        Ok(signals) => {
            in_scratch(&shown(Audience::watches(script)), |scratch| show(scratch, script, signals))
        }
        Err(error) => output::fail(&files::cannot_handle_signals(error)),
    }
}

/// Does something in a scratch directory, of which nothing is left afterwards. An error is the signal that
/// ended it.
fn in_scratch(config: &str, act: impl FnOnce(&Scratch) -> Result<ExitCode, i32>) -> ExitCode {
    let scratch = match Scratch::new(config) {
        Ok(scratch) => scratch,
        Err(error) => return output::fail(&verb::demo_cannot_be_set_up(error)),
    };
    let played = act(&scratch);
    if let Err(error) = scratch.remove() {
        return output::fail(&verb::demo_cannot_be_removed(error));
    }
    played.unwrap_or_else(|signal| {
        // With the terminal gone there is nobody to tell.
        let _ = writeln!(io::stderr(), "cckw: the demo was ended early; nothing of it is left");
        ExitCode::from(u8::try_from(128 + signal).unwrap_or(1))
    })
}

/// Plays the scenes. Status 1 if anything that is claimed did not happen; an error is the signal that ended
/// it.
fn show(scratch: &Scratch, script: bool, signals: SignalPipe) -> Result<ExitCode, i32> {
    let whys: Vec<&str> = SCENES.iter().map(|scene| scene.why).collect();
    let mut show = Show::new(scratch, Audience::new(script, &whys), signals);
    let mut played = SCENES.iter().enumerate().try_for_each(|(at, scene)| {
        let told = |trouble| match trouble {
            Trouble::Missed(why, screen) => {
                let why = escape(&why).to_string();
                Trouble::Missed(format!("scene {} ({}) failed: {why}", at + 1, scene.title), screen)
            }
            signal => signal,
        };
        show.play(at + 1, scene).map_err(told)
    });
    // The terminal is given back before anything is said, and the shells on the stage end. The signals'
    // handlers stay, so that an impatient second ctrl-c does not keep anyone from cleaning up.
    drop(show);
    let mut report = String::new();
    if played.is_ok() {
        match scratch.memory() {
            Ok(memory) => {
                report = describe(&memory);
                if !as_shown(&memory) {
                    played =
                        Err(Trouble::Missed("the record does not say what happened".into(), report.clone()));
                }
            }
            Err(error) => {
                played = Err(Trouble::Missed(format!("the session left no record: {error}"), String::new()));
            }
        }
    }
    match played {
        Ok(()) => {
            let all = SCENES.len();
            let text = format!("\nAll {all} scenes went as they should.\n\n{report}\n{TRY_IT}{REAL_ONE}");
            Ok(output::print(&text))
        }
        Err(Trouble::Missed(why, screen)) => {
            let status = output::fail(&verb::demo_failed(&why));
            let _ = writeln!(io::stderr(), "{}", audience::framed(&screen));
            Ok(status)
        }
        Err(Trouble::Signal(signal)) => Err(signal),
    }
}

/// Whether the record and the transcript say what the scenes have shown.
fn as_shown(memory: &Memory) -> bool {
    let record = &memory.record;
    record.exit == Some(Exit::Code(0))
        && record.pinned
        && record.restarts == 1
        && record.conversations.len() == 1
        && memory.transcript_lines > 0
}

fn by_hand(scratch: &Scratch) -> ExitCode {
    output::print(INTRODUCTION);
    let mut words = &["claude", "--name", "demo"][..];
    let status = loop {
        let mut command = Command::new(&scratch.cckw);
        command.args(words);
        scratch.furnish(&mut command);
        let status = match signals::run(command) {
            Ok(status) => status,
            Err(error) => return output::fail(&verb::demo_cannot_run(words[0], error)),
        };
        if !scratch.goes_on() {
            break status;
        }
        output::print(DETACHED);
        if !signals::enter_is_pressed() {
            scratch.end_session();
            break status;
        }
        words = &["attach", "demo"];
    };
    let mut out = io::stdout().lock();
    // Nobody reading it is no reason to leave the directory behind.
    let _ = match scratch.memory() {
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
    let restarts = match record.restarts {
        0 => "never".into(),
        1 => "once".into(),
        number => format!("{number} times"),
    };
    format!(
        "What cckw kept of the session:\n  \
         conversation  {conversation}\n                {pinned}; {said}\n  \
         brought back  {restarts}\n  \
         ended         {ended}\n  \
         host          pid {}, which owned the terminal that claude ran in\n",
        record.host_pid
    )
}
