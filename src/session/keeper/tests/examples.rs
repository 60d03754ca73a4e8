//! The course of things, step by step.

use super::super::{Action, Event, Keeper, Keyboard, Keys, Standing};
use super::{LINE, file, look, ms, prompt, seconds};
use crate::claude::screen::{Draft, Indicator, Prompt};
use crate::config::RemoteControl;

/// What is typed in answer to an event, and whether a look is wanted.
fn typed(actions: &[Action]) -> Vec<Keys> {
    actions
        .iter()
        .filter_map(|action| if let Action::Type(keys) = action { Some(keys.clone()) } else { None })
        .collect()
}

/// A session whose link has gone, with the keys held and everything ready.
fn about_to_type() -> (Keeper, std::time::Duration) {
    let mut keeper = Keeper::new(RemoteControl::default(), true, false);
    keeper.on(ms(0), Event::Started);
    keeper.on(ms(0), Event::Attached);
    keeper.on(ms(0), Event::File(Some(file(false, "idle"))));
    assert_eq!(keeper.due(), Some(seconds(15)));
    assert_eq!(keeper.on(seconds(15), Event::Due), [Action::Look]);
    let ready = look(Prompt::Empty, Indicator::Failed);
    assert!(keeper.on(seconds(15), Event::Looked(ready)).contains(&Action::Hold));
    assert_eq!(keeper.on(seconds(15), Event::Held(Keyboard::default())), [Action::Look]);
    (keeper, seconds(15))
}

#[test]
fn an_empty_prompt_gets_no_ctrl_s() {
    let (mut keeper, at) = about_to_type();
    let seen = |keeper: &mut Keeper, at, shown| keeper.on(at, Event::Looked(look(shown, Indicator::Failed)));
    assert_eq!(typed(&seen(&mut keeper, at, Prompt::Empty)), [Keys::Paste(LINE.into())]);
    assert_eq!(typed(&seen(&mut keeper, at + ms(50), Prompt::Empty)), []);
    assert_eq!(typed(&seen(&mut keeper, at + ms(100), prompt(LINE))), [Keys::Enter]);
    assert_eq!(typed(&seen(&mut keeper, at + ms(150), prompt(LINE))), []);
    let connecting = look(Prompt::Empty, Indicator::Connecting);
    assert!(keeper.on(at + ms(200), Event::Looked(connecting)).contains(&Action::Release));
    let up = keeper.on(at + ms(900), Event::File(Some(file(true, "idle"))));
    assert!(up.contains(&Action::Note("remote-back", String::new())), "{up:?}");
    assert_eq!(keeper.report(at + seconds(1)).standing, Standing::Up);
}

#[test]
fn in_vim_s_normal_mode_what_backspace_does_not_delete_is_deleted_otherwise() {
    let (mut keeper, at) = about_to_type();
    let seen =
        |keeper: &mut Keeper, at, shown| typed(&keeper.on(at, Event::Looked(look(shown, Indicator::Failed))));
    let with =
        |text: &str, cursor_at_end| Prompt::Draft(Draft { text: text.into(), lines: 1, cursor_at_end });
    assert_eq!(seen(&mut keeper, at, Prompt::Empty), [Keys::Paste(LINE.into())]);
    // Nothing but the cursor is in the way of Enter; in time it is taken back.
    assert_eq!(seen(&mut keeper, at + ms(100), with(LINE, false)), []);
    assert_eq!(seen(&mut keeper, at + ms(2100), with(LINE, true)), [Keys::Backspaces(LINE.len())]);
    assert_eq!(seen(&mut keeper, at + ms(2200), with(LINE, false)), [Keys::DeleteToEnd]);
    let done = keeper.on(at + ms(2300), Event::Looked(look(Prompt::Empty, Indicator::Failed)));
    assert!(done.contains(&Action::Release), "{done:?}");
    assert_eq!(keeper.report(at + seconds(3)).tries, 1);
    assert_eq!(keeper.report(at + seconds(3)).next_try, Some(at + ms(2300) + seconds(10)));
}

#[test]
fn an_enter_that_would_take_another_command_is_not_pressed() {
    let (mut keeper, at) = about_to_type();
    keeper.on(at, Event::Looked(look(Prompt::Empty, Indicator::Failed)));
    let mut menu = look(prompt(LINE), Indicator::Absent);
    menu.reading.menu = Some(crate::claude::screen::Menu { selected: Some("/remote-env".into()) });
    assert_eq!(typed(&keeper.on(at + ms(100), Event::Looked(menu.clone()))), []);
    menu.reading.menu = Some(crate::claude::screen::Menu { selected: Some(LINE.into()) });
    assert_eq!(typed(&keeper.on(at + ms(150), Event::Looked(menu))), [Keys::Enter]);
}
