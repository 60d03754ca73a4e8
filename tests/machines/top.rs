//! The fleet view with sessions of another machine.

use std::time::Instant;

use crate::bed::{Bed, Link};
use crate::scene::{wait_for_detachment, wait_for_loss};
use crate::support::stand_in::say;
use crate::support::{Key, Screen, Terminal};

/// Whether the view has the terminal.
fn is_view(screen: &Screen) -> bool {
    screen.modes.is_on(1049) && screen.modes.is_on(1000)
}

#[track_caller]
fn inside(terminal: &mut Terminal) {
    terminal.wait_for("the prompt", |screen| !is_view(screen) && screen.cursor_row().starts_with('❯'));
}

#[test]
fn a_session_elsewhere_is_seen_and_visited_and_a_lost_link_leads_back() {
    let Some(bed) = Bed::new(&["box"]) else { return };
    bed.far("box").new_session("api");
    let mut terminal = Terminal::spawn(bed.cckw(&["top"]));
    // The list, and the picture of the screen there.
    terminal.wait_for("the session and its screen", |screen| {
        is_view(screen) && screen.contains("box:api") && screen.contains("Claude Code stand-in")
    });
    terminal.press(Key::Enter);
    inside(&mut terminal);
    say(&mut terminal, "before");
    bed.link("box", Link::Silent);
    wait_for_loss(&mut terminal, Instant::now());
    terminal.press(Key::Ctrl('c'));
    terminal.wait_for("the view, and a line about it", |screen| {
        is_view(screen) && screen.contains("left box:api while its link was lost")
    });
    wait_for_detachment(bed.far("box"));
    bed.link("box", Link::Heard);
    // Asked again, the machine answers.
    terminal.press(Key::Ctrl('r'));
    terminal.wait_for("the screen there", |screen| screen.contains("You said: before"));
    terminal.press(Key::Enter);
    inside(&mut terminal);
    say(&mut terminal, "after");
    terminal.press(Key::Ctrl('\\'));
    terminal.wait_for("the view", |screen| is_view(screen) && screen.contains("back from box:api"));
    terminal.type_text("q");
    assert_eq!(terminal.finish().code(), Some(0), "{}", terminal.report());
    assert_eq!(terminal.modes().left_on(), Vec::<String>::new(), "{}", terminal.report());
}

#[test]
fn a_machine_that_is_lost_is_told_and_comes_back_by_itself() {
    let Some(bed) = Bed::new(&["box"]) else { return };
    bed.far("box").new_session("api");
    let mut terminal = Terminal::spawn(bed.cckw(&["top"]));
    terminal.wait_for("the session", |screen| is_view(screen) && screen.contains("box:api"));
    bed.link("box", Link::Silent);
    // Its rows stay.
    terminal.wait_for("the loss", |screen| {
        screen.contains("box: the connection was lost") && screen.contains("box:api")
    });
    bed.link("box", Link::Heard);
    terminal.wait_for("the machine", |screen| {
        screen.contains("box:api") && !screen.contains("box: the") && !screen.contains("box: no")
    });
    // What happens there is told from then on, as before.
    bed.far("box").new_session("web");
    terminal.wait_for_text("box:web");
    bed.well_said(&["machine", "rm", "box"]);
    terminal.wait_for_text("No session runs.");
    terminal.type_text("q");
    assert_eq!(terminal.finish().code(), Some(0), "{}", terminal.report());
}
