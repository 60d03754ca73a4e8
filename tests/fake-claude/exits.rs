//! How it ends, how it stops, and what it leaves.

use std::os::unix::process::ExitStatusExt as _;

use nix::sys::signal::Signal;
use nix::sys::termios::LocalFlags;

use crate::pty::{Home, Tui};

fn modes_are_off(tui: &Tui) {
    assert!(!tui.screen().bracketed_paste());
    assert!(!tui.screen().hide_cursor());
    let raw = String::from_utf8_lossy(&tui.raw).into_owned();
    for (on, off) in [("\x1b[?1004h", "\x1b[?1004l"), ("\x1b[?2031h", "\x1b[?2031l"), ("\x1b[?u", "\x1b[<u")]
    {
        assert!(raw.rfind(off) > raw.rfind(on), "{off:?} comes after {on:?}");
    }
}

#[test]
fn clean_ends_undo_everything() {
    // Both ctrl-c at once: the second one has to come within a second, however busy the machine is.
    for keys in ["/exit\r", "\x03\x03", "\x1b[99;5u\x1b[99;5u"] {
        let home = Home::new();
        let mut tui = home.start(&[]);
        assert!(!tui.attributes().local_flags.contains(LocalFlags::ICANON));
        tui.submit("hello");
        tui.wait_for("● You said: hello");
        tui.wait_state("status", "idle");
        let id = tui.state().unwrap()["sessionId"].as_str().unwrap().to_owned();
        tui.send(keys);
        assert_eq!(tui.end().code(), Some(0), "{keys:?}");
        tui.wait_for(&format!("Resume this session with:\nclaude --resume {id}"));
        assert_eq!(home.state_files().len(), 0);
        assert!(tui.attributes().local_flags.contains(LocalFlags::ICANON | LocalFlags::ECHO));
        modes_are_off(&tui);
    }
}

#[test]
fn ctrl_c_clears_a_draft_and_a_second_one_in_time_ends_the_session() {
    let home = Home::new();
    let mut tui = home.start(&[]);
    tui.send("draft");
    tui.wait("the draft", |tui| tui.prompt().as_deref() == Some("draft"));
    tui.send("\x03");
    tui.wait("an empty prompt", |tui| tui.prompt().as_deref() == Some(""));
    tui.wait_written("Press Ctrl-C again");
    // The offer stands for less than a second.
    tui.wait("the end of the offer", |tui| !tui.text().contains("Press Ctrl-C again"));
    assert!(!tui.has_ended());
    tui.send("draft");
    tui.wait("the draft", |tui| tui.prompt().as_deref() == Some("draft"));
    tui.send("\x03\x03");
    assert_eq!(tui.end().code(), Some(0));
    assert!(!tui.text().contains("Resume this session"));
}

#[test]
fn asked_to_end_it_removes_its_file() {
    for (signal, code) in [(Signal::SIGTERM, 143), (Signal::SIGHUP, 129), (Signal::SIGINT, 0)] {
        let home = Home::new();
        let mut tui = home.start(&[]);
        tui.signal(signal);
        assert_eq!(tui.end().code(), Some(code), "{signal}");
        assert_eq!(home.state_files().len(), 0, "{signal}");
        modes_are_off(&tui);
    }
}

#[test]
fn killed_it_leaves_its_file_and_its_modes() {
    for signal in [Signal::SIGQUIT, Signal::SIGSEGV, Signal::SIGABRT, Signal::SIGKILL] {
        let home = Home::new();
        let mut tui = home.start(&[]);
        tui.signal(signal);
        assert_eq!(tui.end().signal(), Some(signal as i32), "{signal}");
        assert_eq!(home.state_files().len(), 1, "{signal}");
        assert!(tui.screen().bracketed_paste());
    }
}

#[test]
fn ctrl_z_stops_the_job_and_fg_brings_the_screen_back() {
    for key in ["\x1a", "\x1b[122;5u"] {
        let home = Home::new();
        let mut shell = home.command("sh");
        let job = "set -m; ./claude-stand-in; echo back in the shell; read go; fg; echo fg gave $?";
        shell.args(["-c", job]).current_dir(home.path(""));
        let mut tui = Tui::spawn(&home, shell);
        tui.wait("the prompt", |tui| tui.prompt().is_some());
        tui.send("draft");
        tui.wait("the draft", |tui| tui.prompt().as_deref() == Some("draft"));
        tui.send(key);
        tui.wait_for("Claude Code is suspended. Run `fg` to bring it back.");
        tui.wait_for("back in the shell");
        assert!(tui.attributes().local_flags.contains(LocalFlags::ICANON | LocalFlags::ECHO));
        modes_are_off(&tui);

        tui.send("go\n");
        tui.wait("the modes", |tui| tui.screen().bracketed_paste());
        tui.wait("the draft again", |tui| tui.prompt().as_deref() == Some("draft"));
        tui.send("!");
        tui.wait("a key after fg", |tui| tui.prompt().as_deref() == Some("draft!"));
        tui.send("\x03");
        tui.wait("an empty prompt", |tui| tui.prompt().as_deref() == Some(""));
        tui.submit("/exit");
        tui.wait_for("fg gave 0");
        assert_eq!(tui.end().code(), Some(0));
    }
}

/// A session leader's stop is discarded by the kernel: neither the real one nor this one survives that
/// unharmed.
#[test]
fn without_a_shell_ctrl_z_leaves_it_dead_until_continued() {
    let home = Home::new();
    let mut tui = home.start(&[]);
    tui.send("\x1a");
    tui.wait_for("Claude Code is suspended");
    tui.signal(Signal::SIGCONT);
    tui.wait("the prompt", |tui| tui.screen().bracketed_paste() && tui.prompt().is_some());
    tui.send("alive");
    tui.wait("the text", |tui| tui.prompt().as_deref() == Some("alive"));
}
