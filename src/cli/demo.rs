//! `cckw demo`: sessions on the stand-in, by hand or played.

mod audience;
mod by_hand;
mod elsewhere;
mod machine;
mod scenes;
mod scratch;
mod show;
mod stage;

use std::io::{self, Write};
use std::process::ExitCode;

use super::advice::{Called, quoted};
use super::output;
use crate::escape::escape;
use crate::os::exit::Exit;
use crate::os::signal_pipe::SignalPipe;
use crate::user_error::{files, verb};

use audience::Audience;
use by_hand::Early;
use scratch::{Memory, Scratch};
use show::{Show, Trouble};

/// In the show it must live on for a moment. Should the demo itself be killed, it does not for long. The line
/// that says when claude comes back is there to be read; and so is, by whoever watches, the footer that says
/// that the link is gone.
fn shown(watched: bool) -> String {
    let down_for = if watched { "4s" } else { "1s" };
    format!(
        "linger = \"1m\"\n[restart]\ninitial_delay = \"2s\"\nearly_delay = \"0s\"\n[remote_control]\ndisconnected_for = \"{down_for}\"\nrest = \"1s\"\n"
    )
}

/// What to type after the show.
fn try_it(called: &Called) -> String {
    format!("To try it yourself, on the stand-in:\n  {} demo --by-hand\n\n", called.word())
}

/// What to type for the real Claude Code. Where `cckw` is no command yet, how it becomes one.
fn real_one(called: &Called) -> String {
    let real = "With the real Claude Code:\n  npm install -g @anthropic-ai/claude-code\n";
    let for_good = "eval \"$(cckw shell-init bash)\"";
    let on_path = match called {
        Called::ByName => return format!("{real}  cckw claude               (for good: {for_good})\n"),
        Called::Built { source, .. } => format!(
            "This puts cckw into ~/.cargo/bin, which has to be on PATH:\n  cargo install --path {} --locked\n",
            quoted(source)
        ),
        Called::ByPath(program) => format!(
            "cckw is not on PATH. This puts it there:\n  export PATH={}:\"$PATH\"\n",
            quoted(program.parent().unwrap_or(program))
        ),
    };
    format!(
        "{real}  {} claude\n\n{on_path}Then `claude` can mean `cckw claude`:\n  {for_good}\n",
        called.word()
    )
}

/// That there was no scene about another machine, and why.
fn left_out(why: &str) -> String {
    format!("The scene about another machine was left out: {why}.\n")
}

/// Shows what cckw does; `script` as text alone. `by_hand` gives the user a shell instead.
pub fn main(script: bool, by_hand: bool) -> ExitCode {
    // From before there is something to clean up.
    if by_hand {
        return match by_hand::signals() {
            Ok(signals) => in_scratch(by_hand::CONFIG, |scratch| try_by_hand(scratch, signals)),
            Err(error) => output::fail(&files::cannot_handle_signals(error)),
        };
    }
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

/// Gives the user a shell; an error is the signal that ended it.
fn try_by_hand(scratch: &Scratch, signals: SignalPipe) -> Result<ExitCode, i32> {
    match by_hand::main(scratch, signals) {
        Ok(()) => {}
        Err(Early::Refused(error)) => return Ok(output::fail(&error)),
        Err(Early::Signal(signal)) => return Err(signal),
    }
    scratch.end_sessions();
    let kept = scratch.memory().map_or_else(|_| String::new(), |memory| describe(&memory) + "\n");
    let real_one = real_one(&Called::now());
    Ok(output::print(&format!("\n{kept}The demo is over. Nothing of it is left.\n\n{real_one}")))
}

/// Plays the scenes. Status 1 if anything that is claimed did not happen; an error is the signal that ended
/// it.
fn show(scratch: &Scratch, script: bool, signals: SignalPipe) -> Result<ExitCode, i32> {
    let machine = machine::make(scratch);
    let scenes = scenes::all(machine.is_ok());
    let whys: Vec<&str> = scenes.iter().map(|scene| scene.why).collect();
    let mut show = Show::new(scratch, Audience::new(script, &whys), signals);
    let mut played = scenes.iter().enumerate().try_for_each(|(at, scene)| {
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
            let all = scenes.len();
            let left_out = machine.err().map_or_else(String::new, |why| left_out(&why));
            let called = Called::now();
            let (try_it, real_one) = (try_it(&called), real_one(&called));
            let text =
                format!("\nAll {all} scenes went as they should.\n{left_out}\n{report}\n{try_it}{real_one}");
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_to_be_typed_works_without_cckw_on_path() {
        let built = Called::Built { program: "/my src/target/debug/cckw".into(), source: "/my src".into() };
        assert!(try_it(&built).contains("\n  '/my src/target/debug/cckw' demo --by-hand\n"));
        let text = real_one(&built);
        assert!(text.contains("\n  '/my src/target/debug/cckw' claude\n"), "{text}");
        assert!(text.contains("\n  cargo install --path '/my src' --locked\n"), "{text}");
        let text = real_one(&Called::ByPath("/opt/cckw".into()));
        assert!(text.contains("\n  /opt/cckw claude\n"), "{text}");
        assert!(text.contains("\n  export PATH=/opt:\"$PATH\"\n"), "{text}");
        assert!(try_it(&Called::ByName).contains("\n  cckw demo --by-hand\n"));
    }
}
