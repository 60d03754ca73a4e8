//! Signals to cckw reach claude as if cckw were claude; and the terminal is left as it was.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;

use nix::sys::signal::Signal;

use super::driver::{How, Place, wait_for_prompt};
use super::support::{Key, Terminal, process};

/// Where a crash and a closed terminal end the session, as they end claude. That they need not is what
/// `restart.rs` and `attach.rs` are about.
fn place() -> Place {
    let place = Place::new();
    place.sandbox.configure("on_hangup = \"exit\"\n[restart]\ncrash_limit = 1\n");
    place
}

/// The status as a shell shows it: a death by signal n is 128+n.
fn status(exit: ExitStatus) -> i32 {
    exit.code().or_else(|| exit.signal().map(|signal| 128 + signal)).expect("a status")
}

/// Starts claude, sends `signal` to the process that was started, and returns the status and the modes left
/// on.
fn killed_by(how: How, signal: Signal) -> (i32, Vec<String>, bool) {
    let place = place();
    let mut terminal = place.start(how, &[]);
    terminal.wait_for_modes("the kitty keyboard", |modes| modes.kitty_flags() != 0);
    assert!(process::signal(terminal.pid(), signal));
    let exit = terminal.finish();
    place.sandbox.wait_for_silence();
    (status(exit), terminal.modes().left_on(), place.state().is_some())
}

fn compare(signal: Signal, expected: i32) {
    let (direct, _, state_left) = killed_by(How::Direct, signal);
    assert_eq!(direct, expected, "claude itself, by {signal}");
    let (through, modes, state_left_through) = killed_by(How::Through, signal);
    assert_eq!(through, direct, "by {signal}");
    assert_eq!(modes, Vec::<String>::new(), "by {signal}");
    assert_eq!(state_left_through, state_left, "the state file, by {signal}");
}

#[test]
fn term_ends_it_with_143() {
    compare(Signal::SIGTERM, 143);
}

#[test]
fn hup_ends_it_with_129() {
    compare(Signal::SIGHUP, 129);
}

#[test]
fn int_ends_it_with_0() {
    compare(Signal::SIGINT, 0);
}

#[test]
fn quit_kills_claude_and_cckw_undoes_its_modes() {
    compare(Signal::SIGQUIT, 131);
}

#[test]
fn ctrl_c_twice_ends_it_with_0() {
    for how in How::BOTH {
        let place = Place::new();
        let mut terminal = place.start(how, &[]);
        // The second one counts for less than a second, which a busy machine may miss.
        let mut ended = false;
        for _ in 0..10 {
            terminal.press(Key::Ctrl('c'));
            terminal.wait_for_text("Press Ctrl-C again to exit");
            terminal.press(Key::Ctrl('c'));
            ended = terminal.exits_within(Duration::from_secs(3));
            if ended {
                break;
            }
        }
        assert!(ended, "{how:?}: {}", terminal.report());
        assert_eq!(terminal.finish().code(), Some(0), "{how:?}");
        assert_eq!(terminal.modes().left_on(), Vec::<String>::new(), "{how:?}");
    }
}

#[test]
fn a_killed_claude_ends_cckw_with_137_and_its_modes_are_undone() {
    let place = place();
    let mut terminal = Terminal::shell("dash", &place.sandbox);
    let manners = terminal.manners();
    terminal.run("cckw claude");
    wait_for_prompt(&mut terminal);
    terminal.wait_for_modes("the kitty keyboard", |modes| modes.kitty_flags() != 0);
    let claude = place.wait_for_host().pid("claude_pid").expect("a pid");
    assert!(process::signal(claude, Signal::SIGKILL));
    terminal.wait_for_prompt();
    terminal.wait_for_manners(&manners);
    terminal.run("echo status $?");
    terminal.wait_for_text("status 137");
}

#[test]
fn closing_the_terminal_ends_the_session() {
    for how in How::BOTH {
        let place = place();
        let mut terminal = place.start(how, &[]);
        terminal.hang_up();
        place.sandbox.wait_for_silence();
        assert_eq!(place.state(), None, "{how:?}: a clean end removes the state file");
    }
}
