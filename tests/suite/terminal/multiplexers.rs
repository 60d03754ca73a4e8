//! Inside tmux, GNU screen and script(1).

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::support::stand_in::{at_prompt, sandbox, submit};
use crate::support::verb::{cckw, well_said};
use crate::support::{DEADLINE, Key, Sandbox, Terminal, Tmux, cckw_program, wait_until};

/// What runs in the pane or the window: the terminal is looked at before and after.
const SCRIPT: &str =
    r#"stty -g >before; cckw claude; echo $? >status; stty -g >after; echo all do''ne; exec cat"#;

fn with_cckw() -> Sandbox {
    let mut sandbox = sandbox();
    sandbox.link("cckw", cckw_program());
    sandbox.set("SHELL", "/bin/sh");
    sandbox
}

#[track_caller]
fn is_as_before(sandbox: &Sandbox, status: &str) {
    let note = |name: &str| fs::read_to_string(sandbox.work().join(name)).unwrap_or_default();
    wait_until("the shell's last note", DEADLINE, || note("after").ends_with('\n'));
    assert_eq!(note("after"), note("before"));
    assert_eq!(note("status").trim(), status);
}

/// A claude in a pane that has answered something.
fn in_tmux(sandbox: &Sandbox) -> Tmux<'_> {
    let tmux = Tmux::start(sandbox, 90, 24, &["sh", "-c", SCRIPT]);
    tmux.wait_for("main", "the prompt", |screen| screen.contains("\n❯"));
    say(&tmux, "words");
    tmux.wait_for("main", "the answer", |screen| screen.contains("You said: words"));
    tmux
}

fn say(tmux: &Tmux<'_>, words: &str) {
    tmux.run(&["send-keys", "-t", "main", "-l", words]);
    tmux.wait_for("main", "the words", |screen| screen.contains(&format!("❯ {words}")));
    tmux.run(&["send-keys", "-t", "main", "Enter"]);
}

#[test]
fn a_pane_of_tmux_is_a_terminal_like_any_other() {
    let mut sandbox = with_cckw();
    Tmux::prepare(&mut sandbox);
    let tmux = in_tmux(&sandbox);
    // Split and made narrow, claude draws in the new width.
    tmux.run(&["split-window", "-h", "-l", "40", "-t", "main", "cat"]);
    let rule = format!("\n{}\n", "─".repeat(49));
    tmux.wait_for("main.0", "a narrow screen", |screen| screen.contains(&rule));
    tmux.run(&["kill-pane", "-t", "main.1"]);
    tmux.run(&["send-keys", "-t", "main", "C-z"]);
    // Without job control in the shell nobody could continue it: it stays, or goes on at once.
    say(&tmux, "/exit");
    tmux.wait_for("main", "the end", |screen| screen.contains("all done"));
    is_as_before(&sandbox, "0");
    let flags = "#{alternate_on}#{mouse_any_flag}#{keypad_flag}#{keypad_cursor_flag}#{insert_flag}#{origin_flag}\
                 #{cursor_flag}#{wrap_flag}";
    assert_eq!(tmux.run(&["display-message", "-p", "-t", "main", flags]).trim(), "00000011");
    drop(tmux);
    sandbox.wait_for_silence();
}

#[test]
fn the_end_of_a_pane_is_not_the_end_of_the_session() {
    let mut sandbox = with_cckw();
    Tmux::prepare(&mut sandbox);
    let tmux = in_tmux(&sandbox);
    drop(tmux);
    sandbox.wait_for_record("nobody attached", |record| record.json["client_pid"].is_null());
    // In another tmux, by its keys, and back in no tmux at all.
    let tmux = Tmux::start(&sandbox, 70, 20, &["sh", "-c", "cckw attach; exec cat"]);
    tmux.wait_for("main", "what was said", |screen| screen.contains("You said: words"));
    tmux.run(&["send-keys", "-t", "main", "C-\\"]);
    tmux.wait_for("main", "a word of it", |screen| screen.contains("[cckw: detached"));
    let mut terminal = Terminal::spawn(cckw(&sandbox, &["attach"]));
    terminal.wait_for_text("You said: words");
    at_prompt(&mut terminal);
    submit(&mut terminal, "/exit");
    assert_eq!(terminal.finish().code(), Some(0), "{}", terminal.report());
    drop(tmux);
    sandbox.wait_for_silence();
}

#[test]
fn a_window_of_tmux_is_called_claude_after_an_attach_too() {
    let mut sandbox = with_cckw();
    Tmux::prepare(&mut sandbox);
    drop(in_tmux(&sandbox));
    sandbox.wait_for_record("nobody attached", |record| record.json["client_pid"].is_null());
    let tmux = Tmux::start(&sandbox, 70, 20, &["cckw", "attach"]);
    tmux.wait_for("main", "what was said", |screen| screen.contains("You said: words"));
    let name = tmux.run(&["display-message", "-p", "-t", "main", "#{pane_current_command}"]);
    assert_eq!(name.trim(), "claude");
    say(&tmux, "/exit");
    sandbox.wait_for_silence();
}

/// A folder for screen's sockets, and settings without its messages.
fn prepare_screen(sandbox: &mut Sandbox) {
    let folder = sandbox.path("tmp/screens");
    fs::create_dir(&folder).expect("a directory");
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).expect("made private");
    sandbox.set("SCREENDIR", folder);
    let configuration = "deflogin off\nstartup_message off\nescape ^Aa\n";
    fs::write(sandbox.path("home/.screenrc"), configuration).expect("a configuration");
}

fn screen(sandbox: &Sandbox, words: &[&str]) -> Terminal {
    let mut command = sandbox.command("screen");
    command.arg("-U").args(words);
    Terminal::builder().size(30, 90).spawn(command)
}

#[test]
fn a_window_of_screen_is_one_too_and_outlives_its_display() {
    let mut sandbox = with_cckw();
    prepare_screen(&mut sandbox);
    let mut terminal = screen(&sandbox, &["-S", "box", "--", "sh", "-c", SCRIPT]);
    at_prompt(&mut terminal);
    submit(&mut terminal, "words");
    terminal.wait_for_text("You said: words");
    // Its display goes, and another one of another size comes.
    terminal.hang_up();
    let detached = || {
        let output = sandbox.command("screen").arg("-ls").output().expect("lists");
        String::from_utf8_lossy(&output.stdout).contains("(Detached)")
    };
    wait_until("a session without displays", DEADLINE, detached);
    let mut terminal = screen(&sandbox, &["-r", "box"]);
    terminal.resize(crate::support::Size::cells(20, 60));
    terminal.wait_for_text("You said: words");
    at_prompt(&mut terminal);
    sandbox.wait_for_record("a client", |record| record.pid("client_pid").is_some());
    // ctrl-\ is cckw's, in screen as well.
    terminal.press(Key::Ctrl('\\'));
    terminal.wait_for_text("all done");
    is_as_before(&sandbox, "0");
    assert!(well_said(&sandbox, &["list"]).contains("detached"));
    well_said(&sandbox, &["stop"]);
    let quit = sandbox.command("screen").args(["-S", "box", "-X", "quit"]).status().expect("quits");
    assert!(quit.success());
    terminal.finish();
    sandbox.wait_for_silence();
}

/// The status is claude's, and what is kept is all that was seen.
#[test]
fn script_keeps_what_claude_draws() {
    let sandbox = with_cckw();
    sandbox.configure("[restart]\ncrash_limit = 1\n");
    let mut command = sandbox.command("script");
    command.args([
        "--quiet",
        "--return",
        "--command",
        "stty -g >before; cckw claude; s=$?; stty -g >after; exit $s",
    ]);
    command.arg("kept");
    let before = Terminal::spawn(sandbox.command("true")).attributes();
    let mut terminal = Terminal::spawn(command);
    at_prompt(&mut terminal);
    submit(&mut terminal, "words");
    terminal.wait_for_text("You said: words");
    at_prompt(&mut terminal);
    terminal.resize(crate::support::Size::cells(20, 60));
    let rule = "─".repeat(60);
    terminal.wait_for("a narrow screen", |screen| screen.rows.contains(&rule));
    submit(&mut terminal, "/fault exit 3");
    assert_eq!(terminal.finish().code(), Some(3), "{}", terminal.report());
    assert_eq!(terminal.modes().left_on(), Vec::<String>::new());
    assert_eq!(terminal.attributes(), before);
    let note = |name: &str| fs::read_to_string(sandbox.work().join(name)).expect("a note");
    assert_eq!(note("after"), note("before"));
    let kept = String::from_utf8_lossy(&fs::read(sandbox.work().join("kept")).expect("kept")).into_owned();
    assert!(kept.contains("You said: "), "{kept}");
    sandbox.wait_for_silence();
}
