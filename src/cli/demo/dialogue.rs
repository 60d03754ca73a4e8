//! The demo that plays by itself: what a user would do at a shell, and whether the screen answers as it should.

use std::env;
use std::fmt::Write as _;
use std::num::NonZero;
use std::process::{Command, ExitCode};
use std::time::Duration;

use super::scene::Scene;
use super::stage::{self, Missed, Stage};
use super::{REAL_ONE, describe, variable};
use crate::cli::output;
use crate::escape::escape;
use crate::session::record::Exit;

/// How long one step may take. None of them needs a second.
const STEP: Duration = Duration::from_secs(30);

const ROWS: NonZero<u16> = NonZero::new(20).unwrap();
const COLUMNS: NonZero<u16> = NonZero::new(64).unwrap();
const MORE_COLUMNS: NonZero<u16> = NonZero::new(76).unwrap();

const SHELL_READ: &str = "the shell read: ";

/// A shell with job control that runs cckw, gets its turn when that is stopped, and brings it back.
const SHELL: &str = "\
set -m
cckw claude --name demo
ended=$?
kill -0 %1 2>/dev/null || exit $ended
printf 'the shell is back, with status %s\\n$ ' $ended
read -r line
printf 'the shell read: %s\\n' \"$line\"
fg
exit $?
";

/// Plays the dialogue, prints the screens. Status 1 if anything was not as it should be.
pub fn play(scene: &Scene) -> ExitCode {
    output::print(&format!(
        "cckw demo: `{} cckw claude` on a terminal of its own, {COLUMNS} columns wide.\n",
        variable()
    ));
    let told = tell(scene);
    match told {
        Ok(()) => output::print(&format!("\nAll {} steps went as they should.\n\n{REAL_ONE}", STEPS.len())),
        Err(failure) => output::fail(&failure),
    }
}

/// What happens in a step, and how.
type Step = (&'static str, fn(&mut Stage) -> Result<(), Failure>);

const STEPS: &[Step] = &[
    ("`cckw claude` was started: the prompt is there", starts),
    ("`hello` and Enter: a reply, and the prompt again", replies),
    ("ctrl-z: the shell has the terminal, and gets what is typed", stops),
    ("`fg`: the screen is back", continues),
    ("the window was made wider: so are the rules", widens),
    ("`/exit`: back at the shell", ends),
];

fn tell(scene: &Scene) -> Result<(), String> {
    let mut command = Command::new("sh");
    command.args(["-c", SHELL]);
    scene.furnish(&mut command);
    if env::var_os("TERM").is_none() {
        command.env("TERM", "xterm-256color");
    }
    let mut stage = Stage::start(command, ROWS, COLUMNS).map_err(|error| format!("no terminal: {error}"))?;
    for (number, (what, play)) in STEPS.iter().enumerate() {
        play(&mut stage).map_err(|Failure(reason, screen)| {
            format!("step {} ({what}) failed: {}\n{}", number + 1, escape(&reason), framed(&screen))
        })?;
        output::print(&format!("\n{}. {what}\n{}", number + 1, framed(&stage.text())));
    }
    let memory = scene.memory().map_err(|error| format!("the session left no record: {error}"))?;
    output::print(&format!("\n{}", describe(&memory)));
    let record = &memory.record;
    if record.exit != Some(Exit::Code(0)) || !record.pinned || memory.transcript_lines == 0 {
        return Err("the record does not say what happened".into());
    }
    Ok(())
}

/// Why a step failed, and the screen at that moment.
struct Failure(String, String);

impl From<Missed> for Failure {
    fn from(missed: Missed) -> Self {
        Self(missed.to_string(), missed.screen)
    }
}

fn press(stage: &mut Stage, keys: &str) -> Result<(), Failure> {
    stage.send(keys).map_err(|error| Failure(format!("the keys were not taken: {error}"), stage.text()))
}

/// Waits for a prompt with nothing in it, and with nothing going on above it.
fn at_rest(stage: &mut Stage) -> Result<(), Failure> {
    let empty = |screen: &str| screen.lines().any(|line| line == "❯");
    Ok(stage.wait_for("an empty prompt", STEP, |_, screen| empty(screen) && !screen.contains("Working"))?)
}

fn starts(stage: &mut Stage) -> Result<(), Failure> {
    at_rest(stage)
}

fn replies(stage: &mut Stage) -> Result<(), Failure> {
    press(stage, "hello")?;
    stage.wait_for_text("❯ hello", STEP)?;
    press(stage, "\r")?;
    stage.wait_for_text("You said: hello", STEP)?;
    at_rest(stage)
}

fn stops(stage: &mut Stage) -> Result<(), Failure> {
    press(stage, "\x1a")?;
    stage.wait_for_text("the shell is back", STEP)?;
    press(stage, "typed at the shell\n")?;
    Ok(stage.wait_for_text(&format!("{SHELL_READ}typed at the shell"), STEP)?)
}

fn continues(stage: &mut Stage) -> Result<(), Failure> {
    let drawn_again = |screen: &str| screen.rfind("\n❯") > screen.rfind(SHELL_READ);
    stage.wait_for("a prompt below what the shell said", STEP, |_, screen| drawn_again(screen))?;
    at_rest(stage)
}

fn widens(stage: &mut Stage) -> Result<(), Failure> {
    stage
        .resize(ROWS, MORE_COLUMNS)
        .map_err(|error| Failure(format!("no new size: {error}"), stage.text()))?;
    let is_rule = |line: &str| {
        line.chars().count() == usize::from(MORE_COLUMNS.get()) && line.chars().all(|c| c == '─')
    };
    let what = format!("a rule {MORE_COLUMNS} columns wide");
    stage.wait_for(&what, STEP, |_, screen| screen.lines().any(is_rule))?;
    at_rest(stage)
}

fn ends(stage: &mut Stage) -> Result<(), Failure> {
    press(stage, "/exit")?;
    stage.wait_for_text("❯ /exit", STEP)?;
    press(stage, "\r")?;
    let status = stage.wait_for_end(STEP)?;
    if status.success() {
        return Ok(());
    }
    Err(Failure(format!("it ended with {}", stage::describe(status)), stage.text()))
}

/// The screen, set off from the text around it.
fn framed(screen: &str) -> String {
    screen.lines().fold(String::new(), |mut text, line| {
        let _ = writeln!(text, "{}", format!("   │ {}", escape(line)).trim_end());
        text
    })
}
