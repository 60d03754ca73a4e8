//! Remote control with a real link: the unmodified claude, and the services that it talks to on loopback.

mod bed;
mod indicator;
mod small_windows;
mod texts;

use cckw::claude::own_command;
use cckw::claude::own_command::Origin;
use cckw::claude::screen::{Panel, read};
use cckw::vt::emulator::Emulator;
use cckw::vt::screen::view::ScreenCells;
use nix::sys::signal::Signal;
use serde_json::json;

use self::bed::Bed;
use crate::driver::{How, prompt_holds, submit};
use crate::slow::Pace;
use crate::support::{DEADLINE, Key, Screen, Size, Terminal, process, wait_until};

/// Short times where they do not matter.
const QUICK: &str = "disconnected_for = \"500ms\"\nrest = \"500ms\"\ncooldown = \"10s\"";

/// A session with a link, in the renderer of this name.
fn linked(tui: &str) -> (Bed, Terminal) {
    linked_at(Pace::Usual, tui)
}

/// The same with a reconnector that looks as often as this pace says.
fn linked_at(pace: Pace, tui: &str) -> (Bed, Terminal) {
    let mut bed = Bed::new(QUICK, &json!({ "tui": tui }));
    pace.prepare(&mut bed.place);
    if pace == Pace::Slow {
        // It comes to rest seldom.
        bed.patience = 6;
    }
    let mut terminal = bed.start();
    bed.connect(&mut terminal);
    (bed, terminal)
}

#[test]
fn a_link_comes_up_and_nothing_is_typed() {
    for tui in ["default", "fullscreen"] {
        let (bed, mut terminal) = linked(tui);
        assert!(
            bed.place.state().is_some_and(|state| state["bridgeSessionId"].is_string()),
            "{:?}",
            bed.place.state()
        );
        terminal.wait_for("an empty prompt", |screen| prompt_holds(screen, ""));
        assert_eq!(bed.place.count("remote-typing"), 0, "{:#?}", bed.place.log());
    }
}

#[test]
fn a_closed_stream_is_opened_again_by_claude() {
    let (bed, terminal) = linked("default");
    let connects = bed.connects();
    assert_eq!(bed.order(&json!(["drop"])), 1);
    bed.wait("another stream", &terminal, Bed::is_linked);
    assert_eq!(bed.connects(), connects);
    bed.stands(&terminal, "connected");
    assert_eq!(bed.place.count("remote-typing"), 0, "{:#?}", bed.place.log());
}

#[test]
fn a_session_that_the_server_has_lost_is_brought_back_as_claude_advises() {
    for pace in Pace::BOTH {
        let (bed, mut terminal) = linked_at(pace, "default");
        let _limit = pace.slow_down(&bed.place);
        bed.order(&json!(["answer", "GET", "/worker/events/stream$", 404, null]));
        bed.order(&json!(["drop"]));
        terminal.wait_for_text("session not found on");
        bed.order(&json!(["mend"]));
        bed.logged(&terminal, "remote-back", 1);
        bed.wait("a link at the services", &terminal, Bed::is_linked);
        bed.stands(&terminal, "connected");
        terminal.wait_for("an active link, and the prompt", |screen| {
            screen.contains("/rc active") && prompt_holds(screen, "")
        });
    }
}

#[test]
fn a_status_line_of_the_user_neither_makes_nor_hides_a_link() {
    let line = "printf 'mine /rc active\\n\\033[32m/rc failed'";
    let status = json!({ "type": "command", "command": line });
    let bed = Bed::new(QUICK, &json!({ "tui": "default", "statusLine": status }));
    let mut terminal = bed.start();
    bed.connect(&mut terminal);
    terminal
        .wait_for("the indicator beside the line", |screen| screen.text().matches("/rc active").count() == 2);
    bed.stands(&terminal, "connected");
    bed.order(&json!(["end", "stale"]));
    terminal.wait_for_text("run /remote-control to reconnect");
    bed.logged(&terminal, "remote-back", 1);
    bed.wait("a link at the services", &terminal, Bed::is_linked);
    bed.stands(&terminal, "connected");
}

/// What the list of suggestions says of the command tells the built-in one from one of the user's.
#[test]
fn the_built_in_command_is_known_by_what_the_list_says_of_it() {
    let bed = Bed::new(&format!("keep = \"off\"\n{QUICK}"), &json!({ "tui": "default" }));
    let mut terminal = bed.start();
    for is_linked in [false, true] {
        if is_linked {
            bed.connect(&mut terminal);
        }
        terminal.type_text("/remote-control");
        terminal.wait_for("the list", |screen| {
            screen.rows.iter().any(|row| row.starts_with("  ❯ /remote-control"))
        });
        let mut emulator = Emulator::new(30, 100, 0);
        emulator.process(&terminal.drawn());
        let menu = read(&ScreenCells::of(&emulator)).menu;
        assert_eq!(own_command::origin(menu.as_ref()), Origin::BuiltIn, "linked: {is_linked}, {menu:?}");
        for _ in "/remote-control".chars() {
            terminal.press(Key::Backspace);
        }
        terminal.wait_for("an empty prompt", |screen| prompt_holds(screen, ""));
    }
}

/// The panel that a screen of this size shows.
fn panel(screen: &Screen, rows: u16, columns: u16) -> Option<Panel> {
    let mut emulator = Emulator::new(rows, columns, 0);
    emulator.process(screen.text().replace('\n', "\r\n").as_bytes());
    read(&ScreenCells::of(&emulator)).panel
}

#[test]
fn the_panel_is_known_in_windows_of_all_widths() {
    for tui in ["default", "fullscreen"] {
        let (bed, mut terminal) = linked(tui);
        // In 12 rows of 28 columns it is cut: claude shows the end with the pointer or the beginning, by
        // chance.
        for (rows, columns) in [(30, 20), (30, 28), (30, 34), (30, 59), (30, 60), (30, 300), (12, 60)] {
            // Opened anew each time: in one that has become smaller claude may leave the pointer outside of
            // the window.
            terminal.resize(Size::cells(rows, columns));
            terminal.wait_for("an empty prompt", |screen| prompt_holds(screen, ""));
            submit(&mut terminal, "/remote-control");
            let known = |screen: &Screen| panel(screen, rows, columns).is_some_and(|panel| panel.connected);
            terminal.wait_for(&format!("the panel in a window of {rows}x{columns}"), known);
            terminal.press(Key::Esc);
            terminal.wait_for("no panel", |screen| panel(screen, rows, columns).is_none());
        }
        assert_eq!(bed.place.count("remote-typing"), 0, "{:#?}", bed.place.log());
    }
}

#[test]
fn a_session_that_was_taken_over_is_left_alone() {
    let (bed, mut terminal) = linked("default");
    bed.order(&json!(["end", "taken-over"]));
    terminal.wait_for_text("took over this");
    bed.says_why_not(&terminal, "only the user can know");
    // Until the state file agrees, and longer.
    bed.wait("a file without a bridge", &terminal, |bed| {
        bed.place.state().is_some_and(|state| state["bridgeSessionId"].is_null())
    });
    bed.stands(&terminal, "disconnected");
    assert_eq!(bed.place.count("remote-typing"), 0, "{:#?}", bed.place.log());
    assert!(!bed.is_linked());
}

#[test]
fn a_session_that_was_taken_over_in_mid_turn_is_left_alone() {
    for pace in Pace::BOTH {
        let (bed, mut terminal) = linked_at(pace, "default");
        let _limit = pace.slow_down(&bed.place);
        submit(&mut terminal, "hold the reply");
        bed.wait("a busy claude", &terminal, |bed| {
            bed.place.state().is_some_and(|state| state["status"] == "busy")
        });
        bed.order(&json!(["end", "taken-over"]));
        terminal.wait_for_text("took over this");
        bed.wait("a file without a bridge", &terminal, |bed| {
            bed.place.state().is_some_and(|state| state["bridgeSessionId"].is_null())
        });
        // The answer stands below the notice, and the notification beside the prompt is gone.
        bed.order(&json!(["release"]));
        terminal.wait_for("the answer", |screen| {
            screen.contains("Hello from the services.") && prompt_holds(screen, "")
        });
        bed.says_why_not(&terminal, "only the user can know");
        assert_eq!(bed.place.count("remote-typing"), 0, "{:#?}", bed.place.log());
    }
}

#[test]
fn a_failure_while_the_user_types_is_no_switching_off() {
    let (bed, mut terminal) = linked("fullscreen");
    bed.order(&json!(["end", "stale"]));
    // Until the state file names no bridge any more.
    wait_until("a file without a bridge", DEADLINE, || {
        terminal.type_text("x");
        terminal.wait_for("the key", |screen| prompt_holds(screen, "x"));
        terminal.type_text("\x7f");
        terminal.wait_for("the prompt without it", |screen| prompt_holds(screen, ""));
        bed.place.state().is_some_and(|state| state["bridgeSessionId"].is_null())
    });
    bed.logged(&terminal, "remote-back", 1);
    assert_eq!(bed.remote()["turned_off"], false);
}

#[test]
fn the_third_strike_is_left_alone_and_a_restart_begins_anew() {
    let mut bed = Bed::new(&format!("{QUICK}\nrestart = true"), &json!({ "tui": "default" }));
    // Three connects have to fail, one after the other.
    bed.patience = 3;
    let mut terminal = bed.start();
    bed.connect(&mut terminal);
    submit(&mut terminal, "some words");
    terminal.wait_for("the answer", |screen| {
        screen.contains("Hello from the services.") && prompt_holds(screen, "")
    });
    bed.order(&json!(["refuse"]));
    let claude = bed.place.sandbox.records()[0].pid("claude_pid").expect("a claude");
    process::signal(claude, Signal::SIGKILL);
    bed.logged(&terminal, "remote-restart", 1);
    bed.order(&json!(["accept"]));
    bed.wait("a link at the services", &terminal, Bed::is_linked);
    bed.stands(&terminal, "connected");
    for id in bed.place.transcripts() {
        let text = bed.place.transcript(&id);
        assert!(!text.contains("disabled after repeated failures"), "{text}");
    }
}

#[test]
fn a_link_is_switched_off_and_on_although_the_file_lags() {
    let (bed, mut terminal) = linked("default");
    let verb = bed.verb(&["reconnect", "--apply", "--cycle", &session(&bed)]).output().expect("the verb");
    assert!(verb.status.success(), "{verb:?}\n{:#?}", bed.place.log());
    bed.wait("a link at the services", &terminal, Bed::is_linked);
    terminal.wait_for("an active link", |screen| screen.contains("/rc active") && prompt_holds(screen, ""));
    assert_eq!(bed.place.count("remote-switched-off"), 1, "{:#?}", bed.place.log());
    assert_eq!(bed.place.count("remote-back"), 1, "{:#?}", bed.place.log());
}

/// The session's id.
fn session(bed: &Bed) -> String {
    bed.place.sandbox.records()[0].text("session").to_owned()
}

#[test]
fn the_question_before_the_first_use_is_closed_and_left_to_the_user() {
    let bed = Bed::new(&format!("{QUICK}\nkeep = \"always\""), &json!({ "tui": "default" }));
    bed.sign_in(&json!({ "remoteDialogSeen": false }));
    let mut terminal = bed.start();
    bed.logged(&terminal, "remote-failed", 1);
    terminal.wait_for("the prompt", |screen| prompt_holds(screen, ""));
    // A line of the user's is a line, and no answer.
    submit(&mut terminal, "some words");
    terminal.wait_for("the answer", |screen| {
        screen.contains("Hello from the services.") && prompt_holds(screen, "")
    });
    assert!(!bed.is_linked());
    assert_eq!(bed.place.count("remote-entering"), 1, "{:#?}", bed.place.log());
}

#[test]
fn a_server_that_starts_without_a_network_is_started_until_there_is_one() {
    let bed = Bed::new("", &json!({}));
    // It has to know the account's features: without them it does not try at all.
    let mut first = Terminal::builder().size(30, 100).spawn(bed.command(How::Direct, &["remote-control"]));
    first.wait_for_text("Capacity: 0/32");
    first.press(Key::Ctrl('c'));
    first.finish();
    bed.order(&json!(["refuse"]));
    let mut terminal =
        Terminal::builder().size(30, 100).spawn(bed.command(How::Through, &["remote-control"]));
    bed.logged(&terminal, "relaunched", 1);
    bed.order(&json!(["accept"]));
    terminal.wait_for_text("Capacity: 0/32");
    assert_eq!(bed.place.sandbox.records()[0].text("kind"), "server");
}
