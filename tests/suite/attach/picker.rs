//! `cckw attach` asks which session is meant.

use crate::support::stand_in::{at_prompt, sandbox, start};
use crate::support::verb::cckw;
use crate::support::{DEADLINE, Key, Sandbox, Terminal, cckw_program, wait_until};

const QUESTION: &str = "number or name, q:";

#[track_caller]
fn well(sandbox: &Sandbox, words: &[&str]) {
    let output = cckw(sandbox, words).output().expect("runs");
    assert!(output.status.success(), "{words:?}: {output:?}");
}

/// Sessions `one` (attached, in the terminal that is given), `two` and `three`.
fn three() -> (Sandbox, Terminal) {
    let mut sandbox = sandbox();
    let cckw = std::path::Path::new(cckw_program()).parent().expect("a directory").to_owned();
    sandbox.set("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", cckw.display()));
    let terminal = start(&sandbox, &["-n", "one"]);
    for name in ["two", "three"] {
        let mut terminal = start(&sandbox, &["-n", name]);
        well(&sandbox, &["detach", name]);
        assert_eq!(terminal.finish().code(), Some(0));
    }
    wait_until("three idle sessions", DEADLINE, || {
        sandbox.records().iter().filter(|record| record.text("status") == "idle").count() == 3
    });
    (sandbox, terminal)
}

/// Who is attached, by name.
fn attached(sandbox: &Sandbox) -> Vec<String> {
    let records = sandbox.records();
    let attached = records.iter().filter(|record| record.pid("client_pid").is_some());
    let mut names: Vec<String> = attached.map(|record| record.text("name").to_owned()).collect();
    names.sort();
    names
}

/// Waits for the question, and gives the lines above it.
fn question(terminal: &mut Terminal) -> Vec<String> {
    let screen = terminal.wait_for("the question", |screen| screen.cursor_row() == QUESTION);
    let at = screen.rows.iter().rposition(|row| row == QUESTION).expect("the question");
    screen.rows[..at].to_vec()
}

/// The number before the one line that names it. Which of two comes first is chance, if they began in one
/// second.
fn number(lines: &[String], name: &str) -> String {
    let line = lines.iter().find(|line| line.split_whitespace().nth(1) == Some(name)).expect("a line");
    line.split_whitespace().next().expect("a number").to_owned()
}

fn stop_all(sandbox: &Sandbox) {
    for name in ["one", "two", "three"] {
        well(sandbox, &["stop", name]);
    }
    sandbox.wait_for_silence();
}

#[test]
fn by_number_with_those_that_have_no_terminal_first() {
    let (sandbox, _one) = three();
    let mut terminal = Terminal::spawn(cckw(&sandbox, &["attach"]));
    let lines = question(&mut terminal);
    // Rows that can be told apart: where each was started, and how long ago.
    assert_eq!(lines[0], "   NAME   STATE  TERMINAL  AGE  DIRECTORY", "{}", terminal.report());
    assert!(lines[3].starts_with("3  one    idle   attached  "), "{}", terminal.report());
    let two = format!("{}  two    idle   -         ", number(&lines, "two"));
    let row =
        lines.iter().find(|line| line.starts_with(&two)).unwrap_or_else(|| panic!("{}", terminal.report()));
    assert!(row.ends_with("/work") && row.contains("s  "), "{row}");
    terminal.type_text(&format!("{}\r", number(&lines, "three")));
    at_prompt(&mut terminal);
    wait_until("the second", DEADLINE, || attached(&sandbox) == ["one", "three"]);
    stop_all(&sandbox);
    terminal.finish();
}

#[test]
fn by_name_or_its_beginning_after_as_many_mistakes_as_one_likes() {
    let (sandbox, mut one) = three();
    let mut terminal = Terminal::spawn(cckw(&sandbox, &["attach"]));
    question(&mut terminal);
    for (typed, said) in [
        ("", "1 to 3"),
        ("0", "none: 0"),
        ("4", "none: 4"),
        ("t", "none: t"),
        ("\u{202e}x", "none: \\u{202e}x"),
    ] {
        terminal.type_text(&format!("{typed}\r"));
        terminal.wait_for("the question again", |screen| {
            screen.rows.iter().any(|row| row == said) && screen.cursor_row() == QUESTION
        });
    }
    // Corrected like everything else that is typed at a terminal.
    terminal.type_text("onf\x7fe\r");
    at_prompt(&mut terminal);
    // Whoever had it is told.
    assert_eq!(one.finish().code(), Some(0));
    assert!(one.screen().contains("attached on"), "{}", one.report());
    well(&sandbox, &["detach", "one"]);
    terminal.finish();
    let mut terminal = Terminal::spawn(cckw(&sandbox, &["attach"]));
    question(&mut terminal);
    terminal.type_text("th\r");
    at_prompt(&mut terminal);
    wait_until("the third", DEADLINE, || attached(&sandbox) == ["three"]);
    stop_all(&sandbox);
    terminal.finish();
}

#[test]
fn whoever_leaves_finds_the_shell_as_it_was() {
    let (sandbox, _one) = three();
    let mut shell = Terminal::shell("bash", &sandbox);
    let before = shell.manners();
    let (esc, up) = (b"\x1b".as_slice(), b"\x1b[A".as_slice());
    for (keys, status) in
        [(b"q\r".as_slice(), 1), (b"q", 1), (esc, 1), (b"tw\x1b", 1), (up, 1), (b"\x04", 1), (b"\x03", 130)]
    {
        shell.run("clear; cckw attach; echo status $?");
        question(&mut shell);
        shell.type_bytes(keys);
        shell.wait_for_text(&format!("status {status}"));
        shell.wait_for_prompt();
        shell.wait_for_manners(&before);
    }
    assert_eq!(attached(&sandbox), ["one"]);
    shell.run("exit 0");
    stop_all(&sandbox);
}

#[test]
fn it_is_a_job_like_any_other() {
    let (sandbox, _one) = three();
    for name in ["bash", "zsh", "dash"] {
        let mut shell = Terminal::shell(name, &sandbox);
        if name != "dash" {
            // zsh sets it after its prompt.
            shell.wait_for_modes("the line editor", |modes| modes.is_on(2004));
        }
        let before = shell.manners();
        shell.run("cckw attach");
        question(&mut shell);
        shell.press(Key::Ctrl('z'));
        shell.wait_for_prompt();
        shell.wait_for_manners(&before);
        shell.run("fg");
        shell.wait_for("the question again", |screen| {
            screen.text().matches(QUESTION).count() == 2 && screen.cursor_row() == QUESTION
        });
        shell.press(Key::Esc);
        shell.wait_for_prompt();
        shell.wait_for_manners(&before);
        shell.run("exit 0");
        shell.finish();
    }
    stop_all(&sandbox);
}

#[test]
fn in_a_terminal_of_twenty_columns() {
    let (sandbox, _one) = three();
    let mut terminal = Terminal::builder().size(10, 20).spawn(cckw(&sandbox, &["attach"]));
    let lines = question(&mut terminal);
    assert_eq!((lines.len(), lines[3].as_str()), (4, "3  one    idle"));
    terminal.type_text("1\r");
    at_prompt(&mut terminal);
    stop_all(&sandbox);
    terminal.finish();
}

#[test]
fn without_anybody_to_ask_they_are_named() {
    let (sandbox, _one) = three();
    let output = cckw(&sandbox, &["attach"]).output().expect("runs");
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(said.contains("name one of them: ") && said.contains("three"), "{said}");
    // The same where nobody could read the question.
    let mut shell = Terminal::shell("bash", &sandbox);
    shell.run("cckw attach 2>/dev/null; echo status $?");
    shell.wait_for_text("status 1");
    shell.run("exit 0");
    stop_all(&sandbox);
}

#[test]
fn inside_a_session_the_others_are_asked_for() {
    let (sandbox, _one) = three();
    let records = sandbox.records();
    let inside = records.iter().find(|record| record.text("name") == "two").expect("a record");
    let mut command = cckw(&sandbox, &["attach"]);
    command.env("CCKW_SESSION", inside.text("session"));
    let mut terminal = Terminal::spawn(command);
    let lines = question(&mut terminal);
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert!(
        lines[1].starts_with("1  three  idle   - ") && lines[2].starts_with("2  one    idle   attached ")
    );
    terminal.type_text("q\r");
    assert_eq!(terminal.finish().code(), Some(1));
    stop_all(&sandbox);
}

/// A name with a q in it can be typed; q by itself needs Enter then.
#[test]
fn a_name_with_q_can_be_typed() {
    let sandbox = sandbox();
    for name in ["sql", "other"] {
        let mut terminal = start(&sandbox, &["-n", name]);
        well(&sandbox, &["detach", name]);
        assert_eq!(terminal.finish().code(), Some(0));
    }
    let mut terminal = Terminal::spawn(cckw(&sandbox, &["attach"]));
    question(&mut terminal);
    terminal.type_text("q\r");
    assert_eq!(terminal.finish().code(), Some(1));
    let mut terminal = Terminal::spawn(cckw(&sandbox, &["attach"]));
    question(&mut terminal);
    terminal.type_text("sql\r");
    at_prompt(&mut terminal);
    wait_until("the one with q", DEADLINE, || attached(&sandbox) == ["sql"]);
    well(&sandbox, &["stop", "--all"]);
    terminal.finish();
    sandbox.wait_for_silence();
}
