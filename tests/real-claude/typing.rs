//! What stands at the prompt is the user's, and stays as it is: their own stash, words that look like the
//! command, a command of their own that is named like it, a window in which the command would not be seen.

use std::fs;

use serde_json::json;

use super::driver::{How, Place, prompt_holds};
use super::keep::{keeping, waits_for, was_refused};
use super::slow::Pace;
use super::support::{DEADLINE, Key, Size, Terminal, wait_until};

fn default_screen() -> serde_json::Value {
    json!({ "tui": "default" })
}

#[track_caller]
fn nothing_was_typed(place: &Place) {
    assert_eq!(place.count("remote-typing"), 0, "{:#?}", place.log());
}

#[test]
fn a_stash_of_the_user_s_forbids_the_try() {
    for tui in ["default", "fullscreen"] {
        let place = keeping("3s", &json!({ "tui": tui }), Pace::Usual);
        let mut terminal = place.start(How::Through, &[]);
        terminal.type_text("first draft ");
        terminal.wait_for_text("first draft");
        terminal.press(Key::Ctrl('s'));
        terminal.wait_for("a stash", |screen| screen.contains("draft stashed") && prompt_holds(screen, ""));
        waits_for(&place, "a draft of the user's is stashed");
        nothing_was_typed(&place);
        terminal.type_text("yes");
        terminal.press(Key::Enter);
        wait_until("the prompt of the user", DEADLINE, || place.mock.asked());
        let arrived = place.mock.arrived();
        assert!(arrived[0].contains("yes") && !arrived[0].contains("first draft"), "{arrived:?}");
        // Claude has brought the stash back, and the way is free.
        wait_until("the command", DEADLINE, || place.count("remote-entering") == 1);
        terminal.wait_for("the draft of before", |screen| screen.contains("❯\u{a0}first draft"));
    }
}

#[test]
fn in_a_window_that_is_too_small_nothing_is_typed() {
    for (rows, columns) in [(9, 80), (8, 60), (11, 30)] {
        let place = keeping("2s", &default_screen(), Pace::Usual);
        let builder = Terminal::builder().size(24, columns);
        let mut terminal = place.start_on(builder, How::Through, &[]);
        terminal.resize(Size::cells(rows, columns));
        terminal.type_text("delete the");
        terminal.wait_for("the draft", |screen| prompt_holds(screen, "delete the"));
        waits_for(&place, "the window is too small");
        terminal.type_text(" temp files only");
        terminal.wait_for_text("files only");
        nothing_was_typed(&place);
        terminal.resize(Size::cells(24, 80));
        was_refused(&place, &mut terminal, "delete the temp files only");
    }
}

#[test]
fn the_command_in_the_user_s_own_words_is_left_alone() {
    for pace in Pace::BOTH {
        let place = keeping("1s", &default_screen(), pace);
        let mut terminal = place.start_on(Terminal::builder(), How::Through, &[]);
        let _limit = pace.slow_down(&place);
        // Claude draws late, and the keyboard rests meanwhile.
        terminal.type_text("/remote-control");
        waits_for(&place, "the command stands at the prompt already");
        terminal.wait_for("the words of the user", |screen| prompt_holds(screen, "/remote-control"));
        assert_eq!(place.count("remote-entering"), 0, "{:#?}", place.log());
        assert!(!place.mock.asked(), "{:?}", place.mock.arrived());
        place.sandbox.wait_for_record("a link that is not being brought back", |record| {
            record.json["remote"]["state"] == "disconnected"
        });
    }
}

#[test]
fn with_nothing_but_a_blank_at_the_prompt_nothing_is_typed() {
    let place = keeping("2s", &default_screen(), Pace::Usual);
    let mut terminal = place.start(How::Through, &[]);
    terminal.type_text(" ");
    waits_for(&place, "nothing but blanks stands at the prompt");
    nothing_was_typed(&place);
    terminal.type_text("x");
    was_refused(&place, &mut terminal, " x");
}

#[test]
fn a_command_of_the_user_s_own_is_not_submitted() {
    for file in [
        "home/.claude/commands/remote-control.md",
        "home/.claude/skills/remote-control/SKILL.md",
        "work/.claude/commands/remote-control.md",
    ] {
        for columns in [100, 40] {
            let place = keeping("2s", &default_screen(), Pace::Usual);
            let path = place.sandbox.path(file);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            fs::write(&path, "---\nname: remote-control\ndescription: Mine\n---\nSay hello.\n")
                .expect("a command");
            let mut terminal = place.start_on(Terminal::builder().size(24, columns), How::Through, &[]);
            terminal.type_text("a draft");
            waits_for(&place, "is a command or a skill of your own here");
            terminal.wait_for("the draft", |screen| prompt_holds(screen, "a draft"));
            assert_eq!((place.count("remote-typing"), place.count("remote-entering")), (1, 0), "{file}");
            assert!(!place.mock.asked(), "{:?}", place.mock.arrived());
        }
    }
}

#[test]
fn keys_that_wait_for_a_second_have_the_draft_kept_and_nothing_submitted() {
    let place = keeping("1s", &json!({"tui": "default", "editorMode": "vim"}), Pace::Slow);
    let mut terminal = place.start(How::Through, &[]);
    terminal.type_text("hello draft");
    terminal.wait_for("the draft", |screen| prompt_holds(screen, "hello draft"));
    terminal.press(Key::Esc);
    terminal.wait_for("normal mode", |screen| !screen.contains("-- INSERT --"));
    let limit = Pace::Slow.slow_down(&place);
    wait_until("the command", DEADLINE, || place.count("remote-typing") >= 1);
    // `A` of the normal mode, and a word: nothing of the command is before it.
    terminal.type_text("A");
    terminal.type_text("z");
    wait_until("the end of the try", DEADLINE, || {
        place.count("remote-failed") + place.count("remote-submitted") >= 1
    });
    drop(limit);
    terminal
        .wait_for("the draft, and nothing of the command", |screen| screen.contains("❯\u{a0}hello draft"));
    assert!(!place.mock.asked(), "{:?}", place.mock.arrived());
    // What was left is seen to, and no stash stands.
    wait_until("a prompt that is in order", DEADLINE, || {
        place.count("remote-left-behind") == place.count("remote-tidied") + place.count("remote-not-tidied")
    });
    assert!(!terminal.screen().contains("draft stashed"), "{}", terminal.report());
}
