//! A session is not attached inside itself: it would draw itself for ever.

use crate::support::verb::{cckw, well_said};
use crate::support::{Sandbox, Terminal, cckw_program};

/// A sandbox in which claude is a shell, and `cckw` is on `PATH`.
fn sandbox() -> Sandbox {
    let mut sandbox = Sandbox::new();
    sandbox.link("cckw", cckw_program());
    let shell = sandbox.script("claude-as-a-shell", "#!/bin/sh\nPS1='ready$ '; export PS1\nexec sh -i\n");
    sandbox.set("CCKW_CLAUDE", shell);
    sandbox.configure("[restart]\ncrash_limit = 1\n");
    sandbox
}

fn shell(sandbox: &Sandbox, name: &str) -> Terminal {
    let mut command = sandbox.cckw_claude();
    command.args(["-n", name]);
    let mut terminal = Terminal::spawn(command);
    terminal.wait_for_text("ready$");
    terminal
}

fn run(terminal: &mut Terminal, line: &str) {
    terminal.type_text(line);
    terminal.wait_for("the line", |screen| screen.cursor_row().ends_with(line));
    terminal.press(crate::support::Key::Enter);
}

#[test]
fn not_where_the_variable_that_says_so_was_taken_away() {
    let sandbox = sandbox();
    let mut terminal = shell(&sandbox, "one");
    for (number, line) in
        ["cckw attach one", "env -u CCKW_SESSION cckw attach one", "cckw attach --watch one"]
            .into_iter()
            .enumerate()
    {
        run(&mut terminal, line);
        terminal.wait_for("a refusal, and the prompt", |screen| {
            let refusals =
                screen.rows.iter().filter(|row| row.contains("inside the session that you want")).count();
            refusals == number + 1 && screen.cursor_row().trim_end() == "ready$"
        });
    }
    well_said(&sandbox, &["stop", "one"]);
    sandbox.wait_for_silence();
}

#[test]
fn not_by_way_of_another_session_either() {
    let sandbox = sandbox();
    let mut terminal = shell(&sandbox, "one");
    let other = shell(&sandbox, "two");
    well_said(&sandbox, &["detach", "two"]);
    drop(other);
    run(&mut terminal, "env -u CCKW_SESSION cckw attach two");
    // The prompt of the other one, which has no variable of the first one.
    crate::support::wait_until("the other session", crate::support::DEADLINE, || {
        sandbox
            .records()
            .iter()
            .any(|record| record.text("name") == "two" && !record.json["client_pid"].is_null())
    });
    run(&mut terminal, "env -u CCKW_SESSION cckw attach one");
    terminal.wait_for_text("inside the session that you want");
    for name in ["two", "one"] {
        assert!(cckw(&sandbox, &["stop", name]).status().expect("runs").success());
    }
    sandbox.wait_for_silence();
}
