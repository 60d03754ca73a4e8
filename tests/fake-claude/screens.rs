//! The stand-in's screens, live. They are the only ones with a bridge: the real one needs an account for
//! that.

use cckw::claude::remote_notices::Notice;
use cckw::claude::screen::{Indicator, Panel, Prompt, Reading, Vim, read};
use cckw::vt::emulator::Emulator;
use cckw::vt::screen::view::ScreenCells;

use crate::pty::{Home, Tui};

fn look(tui: &Tui) -> Reading {
    let screen = tui.screen();
    let (rows, columns) = screen.size();
    let mut emulator = Emulator::new(rows.get(), columns.get(), 0);
    if screen.alternate_screen() {
        emulator.process(b"\x1b[?1049h");
    }
    emulator.process(screen.contents_formatted().as_bytes());
    read(&ScreenCells::of(&emulator))
}

/// Looks until what is seen satisfies `done`.
#[track_caller]
fn wait(tui: &mut Tui, what: &str, done: impl Fn(&Reading) -> bool) -> Reading {
    tui.wait(what, |tui| done(&look(tui)));
    look(tui)
}

fn draft(reading: &Reading) -> Option<&str> {
    if let Prompt::Draft(draft) = &reading.prompt { draft.cursor_at_end.then_some(&draft.text) } else { None }
}

#[test]
fn its_prompt_is_the_main_prompt_at_every_size() {
    let home = Home::new();
    for variables in [&[][..], &[("FULLSCREEN", "1")]] {
        let mut tui = home.start_with(&[], variables);
        for (rows, columns) in [(10, 40), (24, 80), (50, 200)] {
            tui.resize(rows, columns);
            tui.wait("its rules", |tui| tui.text().lines().any(|line| line == "─".repeat(columns.into())));
            wait(&mut tui, "the empty prompt", |reading| reading.prompt == Prompt::Empty);
            tui.send("/remote-control");
            wait(&mut tui, "the command", |reading| draft(reading) == Some("/remote-control"));
            tui.send("\x1b[D");
            wait(
                &mut tui,
                "the cursor within",
                |reading| matches!(&reading.prompt, Prompt::Draft(draft) if draft.text == "/remote-control" && !draft.cursor_at_end),
            );
            tui.send("\x15\x1b[C\x7f");
            wait(&mut tui, "the empty prompt again", |reading| reading.prompt == Prompt::Empty);
        }
    }
}

#[test]
fn vim_modes_are_told_where_they_are_shown() {
    let home = Home::new();
    let mut tui = home.start_with(&[], &[("VIM", "1")]);
    wait(&mut tui, "INSERT", |reading| reading.vim == Some(Vim::Insert) && reading.prompt == Prompt::Empty);
    tui.send("\x1b");
    wait(&mut tui, "no mode", |reading| reading.vim.is_none() && reading.prompt == Prompt::Empty);
    tui.send("\x1b[200~/remote-control\x1b[201~");
    wait(&mut tui, "the command", |reading| draft(reading) == Some("/remote-control"));
}

#[test]
fn the_places_where_nobody_may_type_are_elsewhere() {
    let home = Home::new();
    let mut tui = home.start(&[]);
    for (open, place, close) in [
        ("\x0f", "the transcript view is open", "\x0f"),
        ("\x12", "the history search is open", "\x1b"),
        ("?", "the shortcut help is open", "\x1b"),
        ("!", "shell mode is on", "\x7f"),
        ("\x03", "claude asks whether it is to end", ""),
        ("\x1b[D", "the agents view is open", "\x1b"),
    ] {
        wait(&mut tui, "the empty prompt", |reading| reading.prompt == Prompt::Empty);
        tui.send(open);
        wait(&mut tui, place, |reading| reading.prompt == Prompt::Elsewhere(place));
        tui.send(close);
    }
    wait(&mut tui, "the empty prompt", |reading| reading.prompt == Prompt::Empty);
    tui.submit("/config");
    wait(&mut tui, "a dialog", |reading| reading.prompt == Prompt::Elsewhere("a dialog is open"));
    tui.send("\x1b");
    wait(&mut tui, "the empty prompt", |reading| reading.prompt == Prompt::Empty);
    tui.submit("permission");
    wait(&mut tui, "a question", |reading| {
        reading.prompt == Prompt::Elsewhere("claude asks for a permission")
    });
}

#[test]
fn a_running_turn_is_busy() {
    let home = Home::new();
    let mut tui = home.start_with(&[], &[("PACE", "400")]);
    tui.submit("hello");
    wait(&mut tui, "a turn", |reading| reading.busy && reading.prompt == Prompt::Empty);
    wait(&mut tui, "its end", |reading| !reading.busy && reading.prompt == Prompt::Empty);
}

#[test]
fn the_bridge_its_panel_and_its_end_are_seen() {
    let home = Home::new();
    let mut tui = home.start_with(&[], &[("BRIDGE_DELAY", "300")]);
    assert_eq!(look(&tui).indicator, Indicator::Absent);
    tui.submit("/remote-control");
    wait(&mut tui, "connecting", |reading| reading.indicator == Indicator::Connecting);
    let up = wait(&mut tui, "active", |reading| reading.indicator == Indicator::Active);
    assert!(matches!(&up.notice, Some(Notice::Connected(line)) if line.contains("https://")), "{up:?}");

    tui.submit("/remote-control");
    let panel = wait(&mut tui, "the panel", |reading| reading.panel.is_some());
    assert_eq!(panel.prompt, Prompt::Elsewhere("the panel of remote control is open"));
    let items = ["Disconnect this session", "Show QR code", "Continue"].map(str::to_owned).to_vec();
    assert_eq!(panel.panel, Some(Panel { items, selected: 2, disconnect: Some(0), connected: true }));
    tui.send("\x1b[A\x1b[A");
    wait(&mut tui, "the first item", |reading| {
        reading.panel.as_ref().is_some_and(|panel| Some(panel.selected) == panel.disconnect)
    });
    tui.send("\x1b");
    wait(&mut tui, "the prompt", |reading| reading.prompt == Prompt::Empty && reading.panel.is_none());

    for (reason, kind) in [
        ("another connection took over this session", "TakenOver"),
        ("this session was ended or archived from another device or app", "EndedElsewhere"),
        ("the server no longer reports this session", "NotFound"),
        ("could not reach the Remote Control server for about 30 minutes", "Failed"),
    ] {
        tui.submit(&format!("/fault drop {reason}"));
        wait(&mut tui, kind, |reading| {
            let notice = reading.notice.as_ref().map(|notice| format!("{notice:?}"));
            reading.indicator == Indicator::Failed
                && reading.prompt == Prompt::Empty
                && notice.is_some_and(|notice| notice.starts_with(kind) && notice.contains(reason))
        });
        tui.submit("/remote-control");
        wait(&mut tui, "the bridge again", |reading| reading.indicator == Indicator::Active);
    }
}

#[test]
fn a_refusal_for_good_is_read() {
    let home = Home::new();
    let mut tui = home.start_with(&[], &[("SUBSCRIPTION", "none")]);
    tui.submit("/remote-control");
    wait(
        &mut tui,
        "the refusal",
        |reading| matches!(&reading.notice, Some(Notice::NeedsSubscription(line)) if line.ends_with("ANTHROPIC_API_KEY instead.")),
    );
}
