//! The demo: that it shows what it claims, to whoever watches, and leaves nothing behind however it ends.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::Output;

use nix::sys::signal::Signal;
use nix::sys::termios::{LocalFlags, Termios};
use nix::unistd::geteuid;

use crate::support::{
    Answers, Builder, DEADLINE, Key, Modes, Sandbox, Terminal, cckw_program, process, wait_until,
};

/// With the one about another machine: these tests need an sshd.
const SCENES: usize = 14;

const ENDED_EARLY: &str = "cckw: the demo was ended early; nothing of it is left";

/// A place whose `cckw` is this one, and in which an sshd can run.
fn place() -> Sandbox {
    root_can_run_sshd();
    let sandbox = Sandbox::new();
    sandbox.link("cckw", cckw_program());
    sandbox
}

/// Makes the directory that root's sshd wants. Where the system's own sshd has never run, it is not there.
pub(super) fn root_can_run_sshd() {
    let directory = Path::new("/run/sshd");
    if geteuid().is_root() && !directory.exists() {
        // Another test may be faster.
        let _ = DirBuilder::new().mode(0o755).create(directory);
    }
}

/// Plays the demo as a script.
fn script(sandbox: &Sandbox, args: &[&str]) -> (String, String, Option<i32>) {
    let mut command = sandbox.command(cckw_program());
    let Output { stdout, stderr, status } = command.args(args).output().expect("cckw runs");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    (text(stdout), text(stderr), status.code())
}

/// Every file and directory below this one.
fn files_below(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).expect("a directory") {
        let entry = entry.expect("an entry");
        found.push(entry.path());
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            found.extend(files_below(&entry.path()));
        }
    }
    found
}

/// What was reached over ssh runs without the sandbox's mark, in the demo's own directories.
fn behind_ssh(sandbox: &Sandbox) -> Vec<i32> {
    let below = format!("={}/", sandbox.path("tmp").display());
    let is_there =
        |pid: &i32| process::environment(*pid).iter().any(|entry| entry.to_string_lossy().contains(&below));
    process::all().into_iter().filter(|pid| process::runs(*pid)).filter(is_there).collect()
}

/// No process and no file is left, and nothing was written outside the temporary directory.
#[track_caller]
fn leaves_nothing(sandbox: &Sandbox) {
    sandbox.wait_for_silence();
    wait_until("the end of what ran behind ssh", DEADLINE, || behind_ssh(sandbox).is_empty());
    for dir in ["tmp", "home", "state", "run", "config", "work"] {
        let left = files_below(&sandbox.path(dir));
        assert!(left.is_empty(), "left in {dir}: {left:#?}");
    }
}

/// The shell has its terminal as it was; it is needed no more.
#[track_caller]
fn back_at_the_shell(mut terminal: Terminal, manners: &(Modes, Termios)) {
    terminal.wait_for_prompt();
    terminal.wait_for_manners(manners);
    terminal.run("exit");
    terminal.finish();
}

/// A terminal that answers nothing; the shells in it are dash, which leaves no history behind.
fn small(rows: u16, columns: u16) -> Builder {
    Terminal::builder().size(rows, columns).answers(Answers::Mute)
}

#[test]
fn it_plays_as_a_text_and_leaves_nothing() {
    root_can_run_sshd();
    // As by `cargo run`: without cckw on PATH.
    let sandbox = Sandbox::new();
    let (out, err, status) = script(&sandbox, &["demo"]);
    assert_eq!((status, err.as_str()), (Some(0), ""), "{out}");
    let mut rest = out.as_str();
    for needed in [
        "--session-id ",
        "● You said: hello",
        "the shell read this",
        "kill -9 ",
        "[cckw: claude was killed by SIGKILL",
        "● You said: hello",
        "Remote Control disconnected",
        "❯ a draft of yours",
        "/rc failed",
        "❯ a draft of yours",
        "/rc active",
        "Do you want to proceed?",
        "run on)",
        "$ cckw list",
        "cckw attach demo",
        "$ cckw new other",
        "$ cckw send other --wait",
        "You said: how are you?",
        "$ cckw transcript other --last",
        "kill -9 ",
        "its host was process ",
        "$ cckw list",
        "$ cckw machine add box",
        "box: added; ",
        "(kill -9 of the sshd that serves this link)",
        "● You said: how are you?",
        "[cckw: the link to box was lost (",
        "● You said: how are you?",
        "[cckw: detached; return with: cckw attach box:other]",
        "Do you want to proceed?",
        "● You said: permission",
        "Resume this session with:",
        &format!("All {SCENES} scenes"),
        "pinned by cckw",
        "brought back  once",
        &format!("  {} demo --by-hand\n", cckw_program()),
        &format!("  {} claude\n", cckw_program()),
    ] {
        let at = rest.find(needed).unwrap_or_else(|| panic!("{needed} is missing or too early: {out}"));
        rest = &rest[at + needed.len()..];
    }
    assert!(!out.chars().any(|c| c.is_control() && c != '\n'));
    leaves_nothing(&sandbox);
}

/// A demo in a place with these programs alone, which has no scene about another machine; returns why.
fn without_a_machine(sandbox: &mut Sandbox) -> String {
    sandbox.set("PATH", sandbox.path("bin"));
    let (out, err, status) = script(sandbox, &["demo"]);
    assert_eq!((status, err.as_str()), (Some(0), ""), "{out}");
    assert!(out.contains(&format!("All {} scenes", SCENES - 1)) && !out.contains("machine add"), "{out}");
    leaves_nothing(sandbox);
    let mut lines =
        out.lines().filter_map(|line| line.strip_prefix("The scene about another machine was left out: "));
    let why = lines.next().unwrap_or_else(|| panic!("it does not say so: {out}"));
    assert_eq!(lines.next(), None, "{out}");
    why.to_owned()
}

#[test]
fn without_ssh_a_scene_is_left_out_and_the_demo_says_so() {
    let mut sandbox = place();
    // The show clears its screen.
    for name in ["sh", "clear"] {
        sandbox.link(name, Path::new("/usr/bin").join(name));
    }
    assert_eq!(without_a_machine(&mut sandbox), "there is no ssh here.");
}

/// What sshd says of itself is told, escaped and in one line.
#[test]
fn where_sshd_cannot_run_a_scene_is_left_out_and_the_demo_says_why() {
    for (sshd, told) in [
        ("echo first >&2; printf 'no \\033[31mroom\\n' >&2; exit 1", "no \\u{1b}[31mroom."),
        ("exec sleep 60", "no answer in time."),
    ] {
        let mut sandbox = place();
        for name in ["sh", "clear", "ssh", "ssh-keygen", "sleep"] {
            sandbox.link(name, Path::new("/usr/bin").join(name));
        }
        sandbox.script("sshd", &format!("#!/bin/sh\n{sshd}\n"));
        assert_eq!(without_a_machine(&mut sandbox), format!("no login to an sshd of its own: {told}"));
    }
}

#[test]
fn one_that_goes_wrong_says_so() {
    let mut sandbox = place();
    sandbox.set("CCKW_STANDIN_CRASH_STARTS", format!("1:{}", sandbox.path("starts").display()));
    let (out, err, status) = script(&sandbox, &["demo", "--script"]);
    assert_eq!(status, Some(1), "{out}");
    assert!(err.starts_with("cckw: scene ") && err.contains("claude crashed by itself"), "{err}");
    leaves_nothing(&sandbox);
}

/// Plays it all in a window, going on as soon as there is something to see.
#[track_caller]
fn watched(rows: u16, columns: u16) {
    let sandbox = place();
    let mut terminal = small(rows, columns).shell("dash", &sandbox);
    let manners = terminal.manners();
    terminal.run("cckw demo; echo status $?");
    for number in 1..=SCENES {
        let header = format!("cckw demo · {number} of {SCENES}");
        let shown = terminal.press_until(Key::Enter, &header, |screen| screen.contains(&header));
        assert!(shown.alternate && !shown.cursor_visible, "{}", terminal.report());
        // Nothing is drawn beyond the window: its frame is whole.
        let framed = terminal.wait_for("a frame", |screen| screen.last_row().starts_with('└'));
        let edges = |edge: char| framed.rows.iter().filter(|row| row.ends_with(edge)).count();
        assert_eq!((edges('┐'), edges('┘')), (1, 1), "{}", terminal.report());
        // Keys are not shown, and need no Enter.
        let shown = LocalFlags::ECHO | LocalFlags::ICANON;
        assert!(!terminal.attributes().local_flags.intersects(shown), "{}", terminal.report());
    }
    terminal.wait_for_text("status 0");
    assert!(
        terminal.history().iter().any(|row| row.contains(&format!("All {SCENES} scenes"))),
        "{}",
        terminal.report()
    );
    back_at_the_shell(terminal, &manners);
    leaves_nothing(&sandbox);
}

#[test]
fn it_can_be_watched_in_a_window_of_the_usual_size() {
    watched(24, 80);
}

#[test]
fn it_can_be_watched_in_a_small_window() {
    watched(20, 44);
}

/// Where nothing can be drawn in place, the scenes are printed.
#[track_caller]
fn printed(sandbox: &Sandbox, builder: Builder) {
    let mut command = sandbox.command(cckw_program());
    command.arg("demo");
    let mut terminal = builder.spawn(command);
    // In a low window it is soon above the screen.
    let wait_for = |terminal: &Terminal, text: &str| {
        wait_until(text, DEADLINE, || String::from_utf8_lossy(&terminal.output()).contains(text));
    };
    wait_for(&terminal, "1. `cckw claude`");
    wait_for(&terminal, "│ ❯");
    terminal.type_text("\n");
    wait_for(&terminal, "2. A prompt");
    terminal.press(Key::Ctrl('c'));
    assert_eq!(terminal.finish().code(), Some(130), "{}", terminal.report());
    assert!(!terminal.output().contains(&0x1b), "{}", terminal.report());
    leaves_nothing(sandbox);
}

#[test]
fn it_is_printed_on_a_dumb_terminal() {
    let mut sandbox = place();
    sandbox.set("TERM", "dumb");
    printed(&sandbox, small(24, 80));
}

#[test]
fn it_is_printed_in_a_window_too_small_to_draw_in() {
    printed(&place(), small(8, 30));
}

/// Pressed when the beginning of a scene is seen, and so somewhere in it or the next, for nobody waits there.
/// Not in the last two, which may be over by then.
#[test]
fn ctrl_c_ends_it_at_any_scene() {
    // All at once, for they mostly wait.
    std::thread::scope(|scope| {
        for number in 1..SCENES - 1 {
            scope.spawn(move || ctrl_c_ends_it_at(number));
        }
    });
}

fn ctrl_c_ends_it_at(number: usize) {
    let mut sandbox = place();
    sandbox.set("CCKW_STANDIN_SLOW_ECHO", "150");
    let mut terminal = small(60, 100).shell("dash", &sandbox);
    let manners = terminal.manners();
    terminal.run("cckw demo --script; echo status $?");
    terminal.wait_for_text(&format!("{number}. "));
    terminal.press(Key::Ctrl('c'));
    terminal.wait_for_text(ENDED_EARLY);
    terminal.wait_for_text("status 130");
    back_at_the_shell(terminal, &manners);
    leaves_nothing(&sandbox);
}

#[test]
fn ctrl_c_and_ctrl_z_give_the_terminal_back() {
    let sandbox = place();
    let mut terminal = small(24, 80).shell("dash", &sandbox);
    let manners = terminal.manners();
    terminal.run("cckw demo; echo status $?");
    terminal.wait_for_text(&format!("cckw demo · 2 of {SCENES}"));
    terminal.press(Key::Ctrl('z'));
    terminal.wait_for_prompt();
    terminal.wait_for_manners(&manners);
    terminal.run("fg; echo status $?");
    terminal.wait_for("the scene", |screen| screen.alternate && screen.contains("cckw demo · "));
    terminal.wait_for_text("● You said: hello");
    terminal.press(Key::Ctrl('c'));
    terminal.wait_for_text(ENDED_EARLY);
    terminal.wait_for_text("status 130");
    back_at_the_shell(terminal, &manners);
    leaves_nothing(&sandbox);
}

#[test]
fn it_ends_with_its_window() {
    let sandbox = place();
    let mut command = sandbox.command(cckw_program());
    command.arg("demo");
    let mut terminal = small(24, 80).spawn(command);
    terminal.wait_for_text("● You said: hello");
    terminal.hang_up();
    leaves_nothing(&sandbox);
}

/// How the demo's own shell asks.
const PROMPT: &str = "[cckw demo, exit to leave] $";

/// The shell of a demo by hand, at its prompt.
fn by_hand(sandbox: &Sandbox) -> Terminal {
    let mut command = sandbox.command(cckw_program());
    command.args(["demo", "--by-hand"]);
    // Not what the user's own shells have.
    command.env("PS1", "mine").env("PROMPT_COMMAND", "PS1=other").env("HISTFILE", sandbox.path("history"));
    let mut terminal = Terminal::builder().size(40, 100).spawn(command);
    asked(&mut terminal);
    terminal
}

/// Waits until the shell asks.
#[track_caller]
fn asked(terminal: &mut Terminal) {
    terminal.wait_for("the demo's prompt", |screen| screen.cursor_row() == PROMPT && !screen.alternate);
}

/// Runs a line in the shell.
#[track_caller]
fn run(terminal: &mut Terminal, line: &str) {
    asked(terminal);
    terminal.type_text(line);
    terminal.wait_for("the line", |screen| screen.cursor_row().ends_with(line));
    terminal.press(Key::Enter);
}

/// Starts a session in it, and says hello.
#[track_caller]
fn start_and_say_hello(terminal: &mut Terminal) {
    run(terminal, "claude");
    terminal.wait_for_text("? for shortcuts");
    say_hello(terminal);
}

#[track_caller]
fn say_hello(terminal: &mut Terminal) {
    // As in Claude Code, the space behind ❯ is one that does not break.
    terminal.type_text("hello");
    terminal.wait_for_text("❯\u{a0}hello");
    terminal.press(Key::Enter);
    back_in_claude(terminal);
}

#[track_caller]
fn back_in_claude(terminal: &mut Terminal) {
    terminal.wait_for("a reply and an empty prompt", |screen| {
        screen.contains("You said: hello")
            && screen.contains("? for shortcuts")
            && !screen.contains("Working")
    });
}

#[test]
fn by_hand_all_that_is_told_works() {
    let sandbox = place();
    let mut terminal = by_hand(&sandbox);
    for told in ["cckw list", "cckw attach", "cckw stop", "cckw detach", "ctrl-\\ ", "exit or ctrl-d"] {
        assert!(terminal.screen().contains(told), "{told}: {}", terminal.report());
    }
    start_and_say_hello(&mut terminal);
    terminal.type_text("\x1c");
    run(&mut terminal, "clear; cckw list");
    terminal.wait_for_text("detached");
    run(&mut terminal, "cckw attach");
    back_in_claude(&mut terminal);
    terminal.press(Key::Ctrl('z'));
    // Before that the screen shows what it is waited for.
    run(&mut terminal, "clear");
    terminal.wait_for("an empty screen", |screen| !screen.contains("You said: hello"));
    run(&mut terminal, "fg");
    back_in_claude(&mut terminal);
    terminal.press(Key::Ctrl('z'));
    // The job ends in the background, so what it says may come after the prompt.
    run(&mut terminal, "cckw detach; while jobs %%; do sleep .1; done; clear");
    run(&mut terminal, "clear; cckw list");
    terminal.wait_for_text("detached");
    run(&mut terminal, "clear; cckw stop; echo status $?");
    terminal.wait_for_text("status 0");
    run(&mut terminal, "exit 3");
    assert!(terminal.finish().success(), "{}", terminal.report());
    let screen = terminal.screen();
    assert!(screen.contains("What cckw kept of the session"), "{}", terminal.report());
    assert!(screen.contains("The demo is over."), "{}", terminal.report());
    assert_eq!(terminal.modes().left_on(), Vec::<String>::new());
    assert!(!sandbox.path("history").exists());
    leaves_nothing(&sandbox);
}

/// Sessions that are left behind end with the shell, also several.
#[test]
fn by_hand_ctrl_d_ends_what_goes_on() {
    let sandbox = place();
    let mut terminal = by_hand(&sandbox);
    for number in 0..2 {
        run(&mut terminal, "clear; claude; clear");
        if number > 0 {
            terminal.wait_for_text("n: start another");
            terminal.type_text("n");
        }
        terminal.wait_for_text("? for shortcuts");
        terminal.type_text("\x1c");
    }
    asked(&mut terminal);
    terminal.press(Key::Ctrl('d'));
    assert!(terminal.finish().success(), "{}", terminal.report());
    leaves_nothing(&sandbox);
}

/// Wherever it is: at its prompt or in a session, whose terminal this is.
#[test]
fn by_hand_a_signal_or_a_closed_window_ends_all() {
    for in_session in [false, true] {
        for signal in [None, Some(Signal::SIGINT), Some(Signal::SIGTERM)] {
            let sandbox = place();
            let mut terminal = by_hand(&sandbox);
            if in_session {
                start_and_say_hello(&mut terminal);
            }
            match signal {
                None => terminal.hang_up(),
                Some(signal) => {
                    assert!(process::signal(terminal.pid(), signal));
                    assert_eq!(terminal.finish().code(), Some(128 + signal as i32), "{}", terminal.report());
                    assert!(terminal.screen().contains(ENDED_EARLY), "{}", terminal.report());
                    assert_eq!(terminal.modes().left_on(), Vec::<String>::new(), "{}", terminal.report());
                }
            }
            leaves_nothing(&sandbox);
        }
    }
}

/// The terminal is given back also by a shell that was killed.
#[test]
fn by_hand_a_shell_that_is_killed_leaves_the_terminal_as_it_was() {
    let sandbox = place();
    let mut terminal = small(40, 100).shell("dash", &sandbox);
    let manners = terminal.manners();
    terminal.run("cckw demo --by-hand; echo status $?");
    run(&mut terminal, "kill -9 $$");
    terminal.wait_for_text("status 0");
    back_at_the_shell(terminal, &manners);
    leaves_nothing(&sandbox);
}

#[test]
fn by_hand_it_needs_a_terminal() {
    let sandbox = place();
    let (out, err, status) = script(&sandbox, &["demo", "--by-hand"]);
    assert_eq!((out.as_str(), status), ("", Some(1)));
    assert!(err.contains("no terminal") && err.lines().count() == 1, "{err}");
    leaves_nothing(&sandbox);
}

/// Whoever ran it by `cargo run` has no cckw on PATH.
#[test]
fn the_advice_works_without_cckw_on_path() {
    let sandbox = crate::support::stand_in::sandbox();
    let mut terminal = by_hand(&sandbox);
    run(&mut terminal, "exit");
    assert!(terminal.finish().success(), "{}", terminal.report());
    let rows = terminal.screen().rows.clone();
    let claude =
        rows.iter().find_map(|row| row.strip_prefix("  ").filter(|row| row.ends_with("/cckw claude")));
    let claude = claude.unwrap_or_else(|| panic!("no advice: {}", terminal.report())).to_owned();
    let mut shell = Terminal::builder().size(40, 100).shell("bash", &sandbox);
    shell.run(&claude);
    crate::support::stand_in::at_prompt(&mut shell);
    crate::support::stand_in::submit(&mut shell, "/exit");
    shell.run("exit");
    shell.finish();
    sandbox.wait_for_silence();
}
