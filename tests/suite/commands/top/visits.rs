//! Into a session and back.

use crate::support::stand_in::{say, submit};
use crate::support::verb::well_said;
use crate::support::{DEADLINE, Key, Terminal, cckw_program, process, wait_until};

use super::{end, inside, quit, shown, view, with_sessions};

#[test]
fn enter_goes_in_and_the_detach_key_leads_back() {
    let sandbox = with_sessions(&["api"]);
    let mut terminal = view(&sandbox, &["api"]);
    for round in 0..3 {
        terminal.press(Key::Enter);
        inside(&mut terminal);
        say(&mut terminal, &format!("round {round}"));
        terminal.press(Key::Ctrl('\\'));
        shown(&mut terminal, &["back from api"]);
    }
    quit(terminal);
    // It has gone on without this terminal.
    assert!(well_said(&sandbox, &["transcript", "api"]).contains("You said: round 2"));
    end(&sandbox);
}

#[test]
fn a_look_without_typing_leads_back_by_its_key() {
    let sandbox = with_sessions(&["api"]);
    well_said(&sandbox, &["send", "api", "--wait", "remember the milk"]);
    let mut terminal = view(&sandbox, &["api"]);
    terminal.type_text("w");
    terminal.wait_for("the look", |screen| {
        screen.contains("watching api") && screen.contains("remember the milk")
    });
    terminal.type_text("q");
    shown(&mut terminal, &["back from looking at api"]);
    quit(terminal);
    end(&sandbox);
}

#[test]
fn the_end_of_claude_leads_back() {
    let sandbox = with_sessions(&["api", "web"]);
    let mut terminal = view(&sandbox, &["api", "web"]);
    terminal.press(Key::Enter);
    inside(&mut terminal);
    submit(&mut terminal, "/exit");
    shown(&mut terminal, &["has ended"]);
    terminal.wait_for("the other row alone", |screen| screen.contains("1 session"));
    // The view goes on. The first Enter may have been meant for the row that has gone.
    terminal.press(Key::Enter);
    shown(&mut terminal, &["is selected now"]);
    terminal.press(Key::Enter);
    inside(&mut terminal);
    terminal.press(Key::Ctrl('\\'));
    shown(&mut terminal, &["back from"]);
    quit(terminal);
    end(&sandbox);
}

#[test]
fn what_is_typed_behind_the_key_that_goes_in_reaches_nobody() {
    let sandbox = with_sessions(&["api"]);
    let mut terminal = view(&sandbox, &["api"]);
    terminal.type_text("\rnobody");
    inside(&mut terminal);
    say(&mut terminal, "somebody");
    assert!(!terminal.screen().contains("nobody"), "{}", terminal.report());
    terminal.press(Key::Ctrl('\\'));
    shown(&mut terminal, &["back from api"]);
    quit(terminal);
    end(&sandbox);
}

#[test]
fn a_claude_that_is_suspended_suspends_the_view_with_it() {
    let sandbox = with_sessions(&["api"]);
    let mut terminal = Terminal::shell("bash", &sandbox);
    let cckw = cckw_program();
    terminal.run(&format!("{cckw} top"));
    shown(&mut terminal, &["api"]);
    terminal.press(Key::Enter);
    inside(&mut terminal);
    for round in 0..3 {
        // What claude has asked the terminal at its start is answered by then.
        say(&mut terminal, &format!("round {round}"));
        terminal.press(Key::Ctrl('z'));
        terminal.wait_for_text("Stopped");
        terminal.run("clear; echo shell=$((40+2))");
        terminal.wait_for_text("shell=42");
        terminal.run("clear; fg");
        terminal
            .wait_for("claude", |screen| screen.cursor_row().starts_with('❯') && !screen.contains("ready>"));
    }
    say(&mut terminal, "still here");
    terminal.press(Key::Ctrl('\\'));
    shown(&mut terminal, &["back from api"]);
    terminal.type_text("q");
    terminal.wait_for_prompt();
    terminal.type_text("exit\r");
    terminal.finish();
    end(&sandbox);
}

#[test]
fn a_terminal_that_closes_during_a_visit_ends_the_view_and_not_the_session() {
    let sandbox = with_sessions(&["api"]);
    let mut terminal = view(&sandbox, &["api"]);
    let pid = terminal.pid();
    terminal.press(Key::Enter);
    inside(&mut terminal);
    terminal.hang_up();
    wait_until("the end of the view", DEADLINE, || !process::runs(pid));
    assert!(well_said(&sandbox, &["list"]).contains("api"));
    end(&sandbox);
}

#[test]
fn a_session_that_ends_while_it_is_selected_leaves_the_view_usable() {
    let sandbox = with_sessions(&["api", "web"]);
    let mut terminal = view(&sandbox, &["api", "web"]);
    // The filter selects it, whichever comes first; it stays selected without the filter.
    terminal.type_text("/api\r");
    terminal.wait_for("one row", |screen| screen.contains("api · ") && !screen.contains("web "));
    terminal.press(Key::Esc);
    terminal.wait_for("both rows", |screen| screen.contains("api · ") && screen.contains("web "));
    well_said(&sandbox, &["stop", "api"]);
    shown(&mut terminal, &["api is gone", "web · "]);
    terminal.press(Key::Enter);
    shown(&mut terminal, &["web is selected now"]);
    terminal.press(Key::Enter);
    inside(&mut terminal);
    terminal.press(Key::Ctrl('\\'));
    shown(&mut terminal, &["back from web"]);
    quit(terminal);
    end(&sandbox);
}

#[test]
fn what_is_typed_behind_ctrl_z_is_no_command_to_the_view() {
    let sandbox = with_sessions(&["api"]);
    let mut terminal = Terminal::shell("bash", &sandbox);
    terminal.run(&format!("{} top", cckw_program()));
    shown(&mut terminal, &["api"]);
    // Rename and quit, if the view took them.
    terminal.type_text("\x1aR");
    terminal.wait_for_text("Stopped");
    terminal.run("clear; fg");
    shown(&mut terminal, &["api", "enter attach"]);
    terminal.type_text("?");
    terminal.wait_for("the keys", |screen| screen.contains("show the keys"));
    terminal.press(Key::Esc);
    shown(&mut terminal, &["enter attach"]);
    terminal.type_text("q");
    terminal.run("exit");
    end(&sandbox);
}
