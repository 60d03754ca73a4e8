//! Keys, what they do, and where no view can be shown.

use crate::support::stand_in::sandbox;
use crate::support::verb::{cckw, well_said};
use crate::support::{Key, Terminal};

use super::{end, is_view, quit, shown, view, with_sessions};

#[test]
fn cckw_alone_opens_the_view_on_a_terminal_and_elsewhere_prints_the_help() {
    let sandbox = with_sessions(&["api"]);
    let mut terminal = Terminal::builder().size(24, 80).spawn(cckw(&sandbox, &[]));
    shown(&mut terminal, &["api"]);
    quit(terminal);
    let help = well_said(&sandbox, &[]);
    assert!(help.contains("First steps:") && !help.contains('\x1b'), "{help}");
    let output = cckw(&sandbox, &["top"]).output().expect("runs");
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("must be one terminal") && said.contains("cckw list --json"), "{said}");
    end(&sandbox);
}

#[test]
fn a_view_without_sessions_says_what_to_do_first() {
    let sandbox = sandbox();
    let mut terminal = Terminal::builder().size(24, 80).spawn(cckw(&sandbox, &[]));
    terminal.wait_for("the first step", |screen| is_view(screen) && screen.contains("cckw claude"));
    quit(terminal);
    sandbox.wait_for_silence();
}

#[test]
fn no_key_is_lost_of_many_that_come_at_once() {
    let sandbox = with_sessions(&["api", "web"]);
    let mut terminal = view(&sandbox, &["api", "web"]);
    // A stream of events that holds 1024 bytes back would leave the last one there.
    terminal.type_text(&format!("{}q", "j".repeat(3000)));
    assert_eq!(terminal.finish().code(), Some(0), "{}", terminal.report());
    end(&sandbox);
}

#[test]
fn a_verb_says_on_one_line_what_came_of_it() {
    let sandbox = with_sessions(&["api"]);
    let mut terminal = view(&sandbox, &["api"]);
    terminal.type_text("x");
    terminal.wait_for("a question", |screen| screen.contains("y"));
    terminal.type_text("y");
    terminal
        .wait_for("what came of it", |screen| screen.contains("api: stopped") || screen.contains("api has"));
    quit(terminal);
    sandbox.wait_for_silence();
}

#[test]
fn the_transcript_can_be_read_and_left() {
    let sandbox = with_sessions(&["api"]);
    well_said(&sandbox, &["send", "api", "--wait", "remember the milk"]);
    let mut terminal = view(&sandbox, &["api"]);
    terminal.type_text("t");
    // The picture of its screen has these words as well.
    terminal.wait_for("the transcript", |screen| {
        screen.contains("transcript of api") && screen.contains("You said: remember the milk")
    });
    terminal.press(Key::Esc);
    terminal.wait_for("the list", |screen| screen.contains("1 session"));
    quit(terminal);
    end(&sandbox);
}
