//! Small, dumb and foreign terminals, a strange directory, and what stands around cckw: a turn looks as
//! without cckw.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use serde_json::{Value, json};

use super::driver::{How, Place};
use super::mock::REPLY;
use super::support::{Builder, DEADLINE, Key, Terminal, Tmux, wait_until, wait_until_some};
use super::view::{REST, View, view};

/// Without a notice about other modes, which takes all the room that there is.
const MANUAL: [&str; 2] = ["--permission-mode", "manual"];

/// Claude in some surroundings: the command that the terminal gets.
type Around = dyn Fn(&mut Place, How) -> Command;

/// Waits until the line of the cursor ends like this: a small terminal has no room for the frame of the
/// prompt.
#[track_caller]
fn typed(terminal: &mut Terminal, text: &str) {
    terminal.wait_for(&format!("{text:?} at the prompt"), |screen| {
        let row = screen.cursor_row().replace('\u{a0}', " ");
        row.trim_start_matches('❯').trim() == text && row.starts_with('❯')
    });
}

/// A turn from the start to the end; gives what was to be seen at the prompt, in the draft and after the
/// answer, and which modes were left on. Where it is known what is to be seen, that is waited for.
fn turn(how: How, builder: Builder, around: &Around, expected: &[View]) -> (Vec<View>, Vec<String>) {
    let mut place = Place::new();
    let command = around(&mut place, how);
    let root = place.sandbox.root().to_str().expect("a path").to_owned();
    let mut terminal = builder.spawn(command);
    let mut steps = Vec::new();
    let mut step = |terminal: &mut Terminal| {
        let screen = match expected.get(steps.len()) {
            None => terminal.wait_for_rest(REST, |screen| view(screen, &root)),
            Some(expected) => {
                terminal.try_wait_for(|screen| expected.differences(&view(screen, &root)).is_empty());
                terminal.screen()
            }
        };
        steps.push(view(&screen, &root));
    };
    let state = wait_until_some("an idle claude", DEADLINE, || {
        place.state().filter(|state| state["status"] == "idle" && state["sessionId"].is_string())
    });
    if how == How::Through {
        place.wait_for_host();
    }
    typed(&mut terminal, "");
    terminal.type_text("hello");
    typed(&mut terminal, "hello");
    step(&mut terminal);
    terminal.press(Key::Enter);
    let id = state["sessionId"].as_str().expect("an id").to_owned();
    wait_until("the reply in the transcript", DEADLINE, || place.transcript(&id).contains(REPLY));
    typed(&mut terminal, "");
    step(&mut terminal);
    terminal.type_text("/exit");
    typed(&mut terminal, "/exit");
    terminal.press(Key::Enter);
    assert_eq!(terminal.finish().code(), Some(0), "{}", terminal.report());
    place.sandbox.wait_for_silence();
    assert!(place.sandbox.sockets().is_empty());
    (steps, terminal.modes().left_on())
}

#[track_caller]
fn same(builder: Builder, around: &Around) {
    let direct = turn(How::Direct, builder, around, &[]);
    let through = turn(How::Through, builder, around, &direct.0);
    for (direct, through) in direct.0.iter().zip(&through.0) {
        assert_eq!(direct.differences(through), Vec::<String>::new());
    }
    // tmux and screen leave margins, of the whole window.
    assert_eq!(through.1, direct.1);
    assert!(through.1.iter().all(|mode| mode == "margins 1;40"), "{:?}", through.1);
}

/// Claude itself, with these variables.
fn with(variables: &'static [(&'static str, &'static str)]) -> impl Fn(&mut Place, How) -> Command {
    move |place, how| {
        for (name, value) in variables {
            place.sandbox.set(name, value);
        }
        place.command(how, &MANUAL)
    }
}

#[test]
fn in_a_terminal_of_five_lines_and_twenty_columns() {
    same(Terminal::builder().size(5, 20), &|place, how| {
        // On the alternate screen the prompt is below the last line.
        place.settings(&json!({"tui": "default"}));
        place.command(how, &MANUAL)
    });
}

#[test]
fn on_a_dumb_terminal() {
    same(Terminal::builder(), &with(&[("TERM", "dumb")]));
}

#[test]
fn in_a_language_without_utf8() {
    same(Terminal::builder(), &with(&[("LANG", "C"), ("LC_ALL", "C")]));
}

#[test]
fn in_a_directory_with_a_strange_name() {
    same(Terminal::builder(), &|place, how| {
        let cwd = place.sandbox.path("-a 'strange' \"name\" $HOME `x` ü\t*\nline");
        fs::create_dir(&cwd).expect("a folder");
        let path = place.sandbox.path("home/.claude.json");
        let mut config: Value = serde_json::from_slice(&fs::read(&path).expect("it")).expect("JSON");
        config["projects"][cwd.to_str().expect("UTF-8")] = json!({"hasTrustDialogAccepted": true});
        fs::write(path, config.to_string()).expect("its configuration");
        let mut command = place.command(how, &MANUAL);
        command.current_dir(cwd);
        command
    });
}

#[test]
fn in_a_pane_of_tmux() {
    same(Terminal::builder(), &|place, how| {
        Tmux::prepare(&mut place.sandbox);
        let mut command = place.sandbox.command("tmux");
        command.args(["-u", "-f", "/dev/null", "new-session", how.words(), ";", "set", "status", "off"]);
        command
    });
}

#[test]
fn in_a_window_of_screen() {
    same(Terminal::builder(), &|place, how| {
        let folder = place.sandbox.path("tmp/screens");
        fs::create_dir(&folder).expect("a directory");
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).expect("made private");
        place.sandbox.set("SCREENDIR", folder);
        fs::write(place.sandbox.path("home/.screenrc"), "deflogin off\nstartup_message off\n")
            .expect("settings");
        let mut command = place.sandbox.command("screen");
        command.arg("-U").arg("--").args(how.words().split(' '));
        command
    });
}

#[test]
fn under_script() {
    same(Terminal::builder(), &|place, how| {
        let mut command = place.sandbox.command("script");
        command.args(["--quiet", "--return", "--command", how.words(), "/dev/null"]);
        command
    });
}
