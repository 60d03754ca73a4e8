//! The fleet view on a real terminal: `cckw top`, and `cckw` alone.

mod idle;
mod keys;
mod sources;
mod terminal;
mod visits;

use crate::support::stand_in::sandbox;
use crate::support::verb::{cckw, well_said};
use crate::support::{Sandbox, Screen, Terminal};

/// A sandbox with sessions of these names, without a terminal.
fn with_sessions(names: &[&str]) -> Sandbox {
    let sandbox = sandbox();
    for name in names {
        well_said(&sandbox, &["new", name]);
    }
    sandbox
}

/// The view on a terminal of its own, as soon as it shows all of these names.
#[track_caller]
fn view(sandbox: &Sandbox, names: &[&str]) -> Terminal {
    let mut terminal = Terminal::builder().size(24, 80).spawn(cckw(sandbox, &["top"]));
    shown(&mut terminal, names);
    terminal
}

/// Waits until the view is there, with all of these names.
#[track_caller]
fn shown(terminal: &mut Terminal, names: &[&str]) -> Screen {
    terminal.wait_for("the view", |screen| is_view(screen) && names.iter().all(|name| screen.contains(name)))
}

/// Whether this is the view: it alone has the mouse's wheel and no cursor, on the second screen.
fn is_view(screen: &Screen) -> bool {
    [1049, 1000, 1006, 2004].iter().all(|mode| screen.modes.is_on(*mode)) && !screen.modes.is_on(25)
}

/// Waits until claude's prompt is there, and not a picture of it in the view.
#[track_caller]
fn inside(terminal: &mut Terminal) {
    terminal.wait_for("the prompt", |screen| !is_view(screen) && screen.cursor_row().starts_with('❯'));
}

/// Leaves the view by its key, and compares what is left of it in the terminal.
#[track_caller]
fn quit(mut terminal: Terminal) {
    terminal.type_text("q");
    assert_eq!(terminal.finish().code(), Some(0), "{}", terminal.report());
    assert_eq!(terminal.modes().left_on(), Vec::<String>::new(), "{}", terminal.report());
}

/// Ends all sessions.
fn end(sandbox: &Sandbox) {
    well_said(sandbox, &["stop", "--all"]);
    sandbox.wait_for_silence();
}
