//! `cckw attach MACHINE:SESSION`: all that an attach here does.

use std::time::Duration;

use nix::sys::signal::Signal;

use crate::bed::{Bed, Far};
use crate::random::{self, BLOCK, TO_CHILD};
use crate::scene::{attached, is_attached, wait_for_detachment};
use crate::support::stand_in::{at_prompt, say};
use crate::support::{DEADLINE, Key, Size, Terminal, process, wait_or_report, wait_until};

/// A session of the host whose claude is the raw child in this mode, and a terminal that is attached to it.
fn with_child(bed: &Bed, mode: &str) -> Terminal {
    let far = bed.far("box");
    start_child(far, mode);
    let mut terminal = bed.attach("box:api");
    terminal.wait_for("the child", |screen| !screen.text().trim().is_empty());
    far.record("api", "an attached client", is_attached);
    terminal
}

fn start_child(far: Far<'_>, mode: &str) {
    far.write(
        ".config/cckw/config.toml",
        "claude = \"/usr/local/lib/bed/pty-child\"\n[restart]\ncrash_limit = 1\n",
    );
    let report = far.home("report.json");
    let line = format!("PTY_CHILD={mode} PTY_CHILD_REPORT={report} cckw claude -n api");
    let mut login = Terminal::spawn(far.bed.near(&["ssh", "-tt", "ada@box", &line]));
    login.wait_for("the child", |screen| !screen.text().trim().is_empty());
    login.hang_up();
    far.record("api", "a child and nobody attached", |record| {
        record.pid("child_pid").is_some() && !is_attached(record)
    });
}

#[test]
fn it_is_attached_typed_to_and_left_by_the_detach_key() {
    let Some(bed) = Bed::new(&["box"]) else { return };
    let (mut terminal, record) = attached(&bed);
    say(&mut terminal, "hello");
    terminal.press(Key::Ctrl('\\'));
    assert_eq!(terminal.finish().code(), Some(0));
    assert_eq!(terminal.modes().left_on(), Vec::<String>::new());
    assert!(terminal.screen().contains("cckw attach box:api"), "{}", terminal.report());
    wait_for_detachment(bed.far("box"));
    let mut terminal = bed.attach("box:api");
    terminal.wait_for_text("You said: hello");
    let now = bed.far("box").record("api", "the terminal", is_attached);
    assert_eq!(now.json["claude_pid"], record.json["claude_pid"]);
    terminal.press(Key::Ctrl('\\'));
    assert_eq!(terminal.finish().code(), Some(0));
    // Nothing of the link stays but the connection that is shared.
    let is_left = |pid: &i32| process::arguments(*pid).iter().any(|word| word.contains("attach"));
    wait_until("the end of ssh", DEADLINE, || !bed.processes().iter().any(is_left));
    wait_until("the end of the far side", DEADLINE, || !bed.far("box").processes().contains("far attach"));
}

#[test]
fn a_connection_that_takes_its_time_is_said_to_be_made() {
    let Some(bed) = Bed::new(&["box"]) else { return };
    let (mut terminal, _) = attached(&bed);
    terminal.press(Key::Ctrl('\\'));
    assert_eq!(terminal.finish().code(), Some(0));
    let far = bed.far("box");
    far.write(".bashrc", "until [ -e ~/go ]; do sleep 0.1; done\n");
    // ctrl-c leaves it.
    let mut terminal = bed.attach("box:api");
    terminal.wait_for_text("[cckw: connecting to box; ctrl-c: leave]");
    terminal.press(Key::Ctrl('c'));
    assert_eq!(terminal.finish().code(), Some(130));
    assert!(!terminal.screen().contains("connecting"), "{}", terminal.report());
    // Without that, the session takes its place.
    let mut terminal = bed.attach("box:api");
    terminal.wait_for_text("[cckw: connecting to box; ctrl-c: leave]");
    far.write("go", "");
    at_prompt(&mut terminal);
    assert!(!terminal.screen().contains("connecting"), "{}", terminal.report());
    terminal.press(Key::Ctrl('\\'));
    assert_eq!(terminal.finish().code(), Some(0));
}

#[test]
fn sizes_go_there_with_their_pixels_and_at_once() {
    let Some(bed) = Bed::new(&["box"]) else { return };
    let mut terminal = with_child(&bed, "winsize");
    terminal.wait_for_text("SIZE 40 120 1080 720");
    for (rows, columns) in [(30, 90), (31, 91), (50, 200), (24, 80)] {
        let size = Size::cells(rows, columns);
        terminal.resize(size);
        terminal.wait_for_text(&format!("SIZE {rows} {columns} {} {}", size.width, size.height));
    }
    terminal.type_text("q");
    assert_eq!(terminal.finish().code(), Some(0), "{}", terminal.report());
}

#[test]
fn modes_are_on_here_and_undone_on_every_way_out() {
    let Some(bed) = Bed::new(&["box"]) else { return };
    let mut terminal = with_child(&bed, "modes:wait");
    let on = |terminal: &mut Terminal| {
        terminal.wait_for_modes("mouse, paste and focus", |modes| {
            [1004, 1006, 2004].iter().all(|mode| modes.is_on(*mode))
        })
    };
    let modes = on(&mut terminal);
    terminal.press(Key::Ctrl('\\'));
    assert_eq!(terminal.finish().code(), Some(0), "{}", terminal.report());
    assert_eq!(terminal.modes().left_on(), Vec::<String>::new(), "{}", terminal.report());
    wait_for_detachment(bed.far("box"));
    for signal in [Signal::SIGTERM, Signal::SIGHUP] {
        let mut terminal = bed.attach("box:api");
        assert_eq!(on(&mut terminal), modes);
        process::signal(terminal.pid(), signal);
        let code = terminal.finish().code();
        assert_eq!(code, Some(128 + signal as i32), "{}", terminal.report());
        assert_eq!(terminal.modes().left_on(), Vec::<String>::new(), "{}", terminal.report());
        wait_for_detachment(bed.far("box"));
    }
}

#[test]
fn a_mebibyte_of_keys_gets_there_whole_and_once() {
    let Some(bed) = Bed::new(&["box"]) else { return };
    // ctrl-\ may be among them.
    bed.configure("detach_key = \"none\"\n");
    let far = bed.far("box");
    // It begins to read a second later: the way there has to wait.
    let mut terminal = with_child(&bed, &format!("sink:{BLOCK}:1000"));
    let mut typed = vec![0; BLOCK];
    random::block(TO_CHILD, 0, &mut typed);
    terminal.type_bytes(&typed);
    let read = || serde_json::from_slice(&std::fs::read(far.path(far.home("report.json"))).ok()?).ok();
    let is_done = |report: &serde_json::Value| report["done"] == true;
    let report = wait_or_report(
        "the end of the child",
        DEADLINE,
        || read().filter(is_done),
        || format!("{:?}, and here {}", read(), terminal.report()),
    );
    assert_eq!((&report["read"], &report["mismatch"]), (&BLOCK.into(), &serde_json::Value::Null), "{report}");
    assert_eq!(terminal.finish().code(), Some(0), "{}", terminal.report());
}

#[test]
fn a_flood_arrives_whole() {
    let Some(bed) = Bed::new(&["box"]) else { return };
    start_child(bed.far("box"), "ticker:0:110");
    let mut terminal = Terminal::builder().emulate(false).spawn(bed.cckw(&["attach", "box:api"]));
    terminal.wait_for_length(2 << 20, DEADLINE);
    terminal.type_text("q");
    assert_eq!(terminal.finish().code(), Some(0), "{}", terminal.report());
    let output = String::from_utf8_lossy(&terminal.output()).into_owned();
    let number = |line: &str| line.strip_prefix("tick ")?.split_once(" ...")?.0.parse::<u64>().ok();
    let ticks: Vec<u64> = output.split("\r\n").filter_map(number).collect();
    // What was drawn at first is a picture of the last lines.
    let broken = ticks.windows(2).skip(5_000).find(|pair| pair[1] != pair[0] + 1);
    assert!(ticks.len() > 10_000 && broken.is_none(), "{broken:?} in {}", ticks.len());
}

#[test]
fn the_status_of_claude_is_the_status_here() {
    let Some(bed) = Bed::new(&["box"]) else { return };
    let far = bed.far("box");
    far.write_program("/usr/local/lib/bed/talker", include_str!("talker.py"));
    far.write(
        ".config/cckw/config.toml",
        "claude = \"/usr/local/lib/bed/talker\"\n[restart]\ncrash_limit = 1\n",
    );
    let mut login = Terminal::spawn(bed.near(&["ssh", "-tt", "ada@box", "cckw claude -n api"]));
    login.wait_for_text("tick 1");
    login.hang_up();
    let mut terminal = bed.attach("box:api");
    terminal.wait_for_text("tick");
    terminal.press(Key::Ctrl('d'));
    assert_eq!(terminal.finish().code(), Some(7), "{}", terminal.report());
}

#[test]
fn another_terminal_takes_it_over_and_this_one_is_told() {
    let Some(bed) = Bed::new(&["box"]) else { return };
    let (mut terminal, record) = attached(&bed);
    let mut other = bed.attach("box:api");
    at_prompt(&mut other);
    assert!(terminal.exits_within(DEADLINE), "{}", terminal.report());
    let text = terminal.history().join("\n");
    assert!(text.contains("cckw: detached, attached on /dev/pts/"), "{text}");
    // It does not fight for it.
    assert!(!other.exits_within(Duration::from_secs(3)), "{}", other.report());
    say(&mut other, "taken");
    let now = bed.far("box").record("api", "the other terminal", is_attached);
    assert_eq!(now.json["claude_pid"], record.json["claude_pid"]);
}

#[test]
fn a_terminal_here_that_is_closed_detaches_the_session_there() {
    let Some(bed) = Bed::new(&["box"]) else { return };
    let (mut terminal, _) = attached(&bed);
    terminal.hang_up();
    wait_for_detachment(bed.far("box"));
}
