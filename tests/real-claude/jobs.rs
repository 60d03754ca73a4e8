//! claude as a job of a shell that is not only stopped and continued: killed, sent to the background, started
//! there.

use std::time::Duration;

use nix::sys::termios::Termios;

use super::driver::{How, Place, submit, wait_for_prompt};
use super::support::{DEADLINE, Key, Modes, Screen, Terminal, process, wait_until};

/// How long the terminal has to be quiet to count as left alone: claude redraws and asks the terminal within
/// it.
const QUIET: Duration = Duration::from_millis(1500);

/// What the shell has said since claude was stopped, as it would say it of `claude`.
fn said_by_the_shell(terminal: &Terminal, how: How) -> Vec<String> {
    let lines = terminal.history().into_iter().map(|row| row.replace(how.words(), "claude"));
    // Bash pads the word `Stopped` to the length of the command.
    let lines = lines.map(|row| row.split_whitespace().collect::<Vec<_>>().join(" "));
    let lines =
        lines.skip_while(|row| !row.contains("Claude Code is suspended")).filter(|row| !row.is_empty());
    lines.collect()
}

/// Starts claude from bash and stops it by ctrl-z; the terminal, and its manners at the shell's prompt.
fn stopped(place: &Place, how: How) -> (Terminal, (Modes, Termios)) {
    // The main screen, so that what claude draws stays in what the terminal has shown.
    place.settings(&serde_json::json!({"tui": "default"}));
    let mut terminal = Terminal::shell("bash", &place.sandbox);
    let manners = terminal.manners();
    terminal.run(how.words());
    wait_for_prompt(&mut terminal);
    terminal.wait_for_modes("the kitty keyboard", |modes| modes.kitty_flags() != 0);
    terminal.press(Key::Ctrl('z'));
    terminal.wait_for_prompt();
    (terminal, manners)
}

/// The shell has the terminal and every key typed at it, and nothing has been drawn over it.
#[track_caller]
fn assert_left_alone(terminal: &mut Terminal, manners: &(Modes, Termios)) {
    terminal.wait_for_rest(QUIET, Screen::text);
    terminal.run("echo the shell has its keys");
    terminal.wait_for("what the shell was told", |screen| {
        screen.rows.iter().any(|row| row == "the shell has its keys")
    });
    terminal.wait_for_prompt();
    terminal.wait_for_manners(manners);
    let drawn = terminal.history().into_iter().filter(|row| row.contains("Claude Code v")).count();
    assert_eq!(drawn, 1, "claude drew over the shell\n{}", terminal.report());
}

#[test]
fn killed_while_stopped_it_leaves_the_shell_alone_and_ends() {
    for how in How::BOTH {
        let place = Place::new();
        let (mut terminal, manners) = stopped(&place, how);
        terminal.run("kill %1");
        assert_left_alone(&mut terminal, &manners);
        // Claude itself is still stopped, for it needs the terminal to end; in the foreground it has it.
        terminal.run("fg");
        wait_until(&format!("{how:?}: nobody but the shell"), DEADLINE, || {
            place.sandbox.processes() == [terminal.pid()]
        });
        terminal.wait_for_prompt();
        terminal.wait_for_manners(&manners);
        assert_eq!(place.state(), None, "{how:?}: the state file is removed");
    }
}

#[test]
fn sent_to_the_background_it_stops_for_the_terminal() {
    let [direct, through] = How::BOTH.map(|how| {
        let place = Place::new();
        let (mut terminal, manners) = stopped(&place, how);
        terminal.run("bg");
        assert_left_alone(&mut terminal, &manners);
        let job = process::children(terminal.pid())[0];
        assert!(process::is_stopped(job), "{how:?}: {:?}", process::stat(job));
        // Bash tells of the stop before this prompt or before the next one, as it comes.
        let mut shown = said_by_the_shell(&terminal, how);
        shown.sort();
        terminal.run("fg");
        wait_for_prompt(&mut terminal);
        submit(&mut terminal, "/exit");
        terminal.wait_for_prompt();
        terminal.wait_for_manners(&manners);
        shown
    });
    assert_eq!(through, direct);
}

#[test]
fn started_in_the_background_it_stops_for_the_terminal() {
    for how in How::BOTH {
        let place = Place::new();
        let mut terminal = Terminal::shell("bash", &place.sandbox);
        let manners = terminal.manners();
        terminal.run(&format!("{} &", how.words()));
        wait_until(&format!("{how:?}: a stopped job"), DEADLINE, || {
            let jobs = process::children(terminal.pid());
            jobs.len() == 1 && process::is_stopped(jobs[0])
        });
        terminal.run("echo the shell has its keys");
        terminal.wait_for("what the shell was told", |screen| {
            screen.rows.iter().any(|row| row == "the shell has its keys")
        });
        terminal.wait_for_prompt();
        terminal.wait_for_manners(&manners);
        terminal.run("fg");
        wait_for_prompt(&mut terminal);
        submit(&mut terminal, "/exit");
        terminal.wait_for_prompt();
        terminal.wait_for_manners(&manners);
        terminal.run("echo status $?");
        terminal.wait_for_text("status 0");
    }
}
