//! What claude's conversation says about itself: a picture of a prompt, of a failure, of a menu.

use super::session::*;
use crate::support::stand_in::start;
use crate::support::{Key, Sandbox, Terminal};

/// Has claude draw these lines in its conversation, as it would a file that it was asked to show.
fn draw(terminal: &mut Terminal, sandbox: &Sandbox, lines: &[&str]) {
    let before = submitted(sandbox).len();
    for (number, line) in lines.iter().enumerate() {
        if number > 0 {
            // alt-enter, a read of its own.
            terminal.type_text("\x1b\r");
        }
        terminal.type_text(line);
        terminal.wait_for(line, |screen| screen.cursor_row().ends_with(line));
    }
    terminal.press(Key::Enter);
    terminal.wait_for("the reply", |screen| {
        let rows: Vec<&String> = screen.rows.iter().collect();
        let said = rows.iter().rposition(|row| row.contains("You said:"));
        said.is_some_and(|at| rows[at..].iter().any(|row| row.trim_end().ends_with(lines[lines.len() - 1])))
    });
    sandbox.wait_for_record("an idle claude", |record| {
        record.text("status") == "idle" && submitted(sandbox).len() > before
    });
    prompt_holds(terminal, "");
}

#[test]
fn a_picture_in_the_conversation_has_nothing_typed() {
    let sandbox = prepared("");
    let mut terminal = start(&sandbox, &[]);
    connect(&mut terminal, &sandbox);
    let rule = "─".repeat(60);
    let pictures: [&[&str]; 3] = [
        &["here", &rule, "❯\u{a0}/remote-control", &rule, "  /rc failed"],
        &["Remote Control disconnected: the connection was lost", "  ⎿  Remote Control failed"],
        &["Remote Control", "❯ 1. Disconnect this session", "  2. Continue", "Esc to cancel"],
    ];
    for picture in pictures {
        draw(&mut terminal, &sandbox, picture);
    }
    assert_eq!(count(&sandbox, "remote-typing"), 0, "{:#?}", log(&sandbox));
    stands(&sandbox, "connected");
    // And where there is a reason to type, it is typed once, at the prompt, beside all those pictures.
    drops(&mut terminal, "drop");
    logged(&sandbox, "remote-back", 1);
    terminal.wait_for_text("/rc active");
    prompt_holds(&mut terminal, "");
    assert_eq!((count(&sandbox, "remote-typing"), count(&sandbox, "remote-failed")), (1, 0));
    assert!(
        submitted(&sandbox).iter().all(|prompt| !prompt.starts_with("\"/remote")),
        "{:?}",
        submitted(&sandbox)
    );
    assert_eq!(submitted(&sandbox).len(), pictures.len());
}
