//! What keys and the mouse do, one after the other.

use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};

use super::testing::{NOW, fleet, key, loaded, press, row, rows};
use super::{Overlay, View};
use crate::cli::top::event::{Effect, Event, Outcome, VerbLine};
use crate::cli::top::row::{Kind, Source, Urgency};

/// The words of the verb that is run.
fn run(effects: &[Effect]) -> Vec<String> {
    let mut verbs = effects.iter().filter_map(|effect| match effect {
        Effect::Run(VerbLine { words, .. }) => Some(words.clone()),
        _ => None,
    });
    verbs.next_back().unwrap_or_else(|| panic!("{effects:?} runs nothing"))
}

fn finished(label: &str, is_done: bool) -> Event {
    Event::Finished(Outcome { label: label.into(), is_done, text: "said".into(), select: None })
}

fn mouse(kind: MouseEventKind, column: u16, row: u16) -> Event {
    Event::Mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE })
}

fn selected(view: &View) -> String {
    view.list().selected().expect("a row").full_name()
}

#[test]
fn what_is_dangerous_asks_first_and_enter_does_nothing() {
    let mut view = loaded((80, 24), [row("a", Urgency::Busy)]);
    for key in ["x", "r"] {
        assert_eq!(press(&mut view, &format!("{key}\r")), []);
        assert_eq!(press(&mut view, &format!("{key}\x1b")), []);
        assert_eq!(press(&mut view, &format!("{key}n")), []);
        assert!(matches!(view.overlay(), Overlay::None));
    }
    assert_eq!(run(&press(&mut view, "xy")), ["stop", "id-a"]);
    assert_eq!(run(&press(&mut view, "ry")), ["restart", "id-a"]);
    assert_eq!(view.under_way(), ["stopping a", "restarting a"]);
    view.handle(NOW, finished("stopping a", true));
    assert_eq!(view.under_way(), ["restarting a"]);
}

#[test]
fn a_session_that_dies_while_it_is_asked_about_is_left_alone() {
    let mut view = loaded((80, 24), [row("a", Urgency::Idle), row("b", Urgency::Idle)]);
    press(&mut view, "x");
    view.handle(NOW, rows(Source::Here, [row("b", Urgency::Idle)]));
    assert_eq!(press(&mut view, "y"), []);
    assert!(view.status().expect("a line").text.contains("gone"));
    assert_eq!(selected(&view), "b");
}

#[test]
fn a_key_for_a_session_that_has_just_gone_is_not_for_its_neighbour() {
    for key in ["\r", "c"] {
        let mut view = loaded((80, 24), [row("a", Urgency::Idle), row("b", Urgency::Idle)]);
        press(&mut view, "j");
        view.handle(NOW, rows(Source::Here, [row("a", Urgency::Idle)]));
        assert_eq!(press(&mut view, key).iter().filter(|effect| is_about_a_row(effect)).count(), 0);
        assert!(view.status().expect("a line").text.contains("a is selected now"));
        assert_eq!(press(&mut view, key).iter().filter(|effect| is_about_a_row(effect)).count(), 1);
    }
    // Whoever goes to a row knows which one it is.
    let mut view = loaded((80, 24), [row("a", Urgency::Idle), row("b", Urgency::Idle)]);
    view.handle(NOW, rows(Source::Here, [row("b", Urgency::Idle)]));
    assert_eq!(press(&mut view, "k\r").iter().filter(|effect| is_about_a_row(effect)).count(), 1);
    // So does whoever has waited for it.
    let mut view = loaded((80, 24), [row("a", Urgency::Idle), row("b", Urgency::Idle)]);
    let made = Outcome { label: String::new(), is_done: true, text: "made".into(), select: Some("c".into()) };
    view.handle(NOW, Event::Finished(made));
    view.handle(NOW, rows(Source::Here, [row("b", Urgency::Idle), row("c", Urgency::Idle)]));
    assert_eq!(selected(&view), "c");
    assert_eq!(press(&mut view, "\r").iter().filter(|effect| is_about_a_row(effect)).count(), 1);
}

fn is_about_a_row(effect: &Effect) -> bool {
    matches!(effect, Effect::Attach { .. } | Effect::Run(_))
}

#[test]
fn what_makes_no_sense_for_a_row_is_refused_in_words() {
    let mut view = loaded((80, 24), [row("a", Urgency::Gone)]);
    for key in ["w", "s", "x"] {
        assert_eq!(press(&mut view, key), []);
        assert_eq!(view.status().expect("a line").text, "a does not run (stopped); r brings it back");
    }
    assert_eq!(press(&mut view, "a"), []);
    assert_eq!(run(&press(&mut view, "ry")), ["start", "id-a"]);
    let mut by_hand = row("4711", Urgency::Idle);
    by_hand.kind = Kind::Unwrapped;
    view.handle(NOW, rows(Source::Unwrapped, [by_hand]));
    press(&mut view, "g");
    assert_eq!(press(&mut view, "R"), []);
    assert!(view.status().expect("a line").text.contains("a makes a session of it"));
    assert_eq!(run(&press(&mut view, "at")), ["adopt", "--takeover", "id-4711"]);
    assert_eq!(run(&press(&mut view, "af")), ["adopt", "--fork", "id-4711"]);
}

#[test]
fn sessions_of_machines_are_named_with_the_machine() {
    let mut view = View::new((80, 24), NOW);
    view.handle(NOW, rows(Source::Machine("box".into()), [row("a", Urgency::Idle)]));
    assert_eq!(run(&press(&mut view, "c")), ["continue", "box:id-a"]);
    let effects = press(&mut view, "l");
    assert!(
        matches!(&effects[..], [Effect::OpenPager(verb), Effect::Preview(None)] if verb.words == ["logs", "box:id-a"])
    );
    assert_eq!(press(&mut view, "q")[0], Effect::ClosePager);
    // A new one is offered on the machine that is shown.
    press(&mut view, "mjj\r");
    assert_eq!(run(&press(&mut view, "nnext\t\t/srv/x\r")), ["new", "box:next", "~/srv/x"]);
}

#[test]
fn a_text_is_sent_as_it_was_typed_and_is_not_lost() {
    let mut view = loaded((80, 24), [row("a", Urgency::Idle)]);
    assert_eq!(press(&mut view, "s \r"), [], "there is nothing to send");
    press(&mut view, "\x7fone");
    view.handle(NOW, Event::Paste("\r\ntwo".into()));
    press(&mut view, "\x1b");
    let effects = press(&mut view, "s!\r");
    let [Effect::Run(verb)] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!(
        (&verb.words[..], verb.stdin.as_deref()),
        (&["send".into(), "id-a".into(), "-".into()][..], Some("one\ntwo!"))
    );
    view.handle(NOW, finished("sending to a", false));
    assert!(view.status().expect("a line").text.contains("s has the text still"));
    let effects = press(&mut view, "s\t\r");
    let [Effect::Run(verb)] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!((verb.words[3..].join(" "), verb.stdin.as_deref()), ("--when now".into(), Some("one\ntwo!")));
    view.handle(NOW, finished("sending to a", true));
    assert_eq!(press(&mut view, "s\r"), [], "what was sent is gone from the form");
}

#[test]
fn a_new_session_has_a_name_a_directory_and_a_prompt() {
    let open = || {
        loaded((80, 24), [row("api", Urgency::Idle)])
            .in_directory("~/src/cckw".into(), Some("/home/you".into()))
    };
    let mut view = open();
    assert_eq!(
        run(&press(&mut view, "n\r")),
        ["new", "cckw", "/home/you/src/cckw"],
        "the directory names it"
    );
    assert_eq!(press(&mut view, "n-x\r"), [], "that is no name");
    press(&mut view, "\x1b");
    let asked = press(&mut view, "nx\t\t");
    assert_eq!(asked, [Effect::Complete("~/src/cckw".into())]);
    // The first Tab takes what is offered first: where a session was a moment ago.
    let effects = press(&mut view, "\t\r");
    assert_eq!(run(&effects), ["new", "x", "/home/you/src/api"]);
    press(&mut view, "ny\t\t");
    view.handle(NOW, Event::Directories(vec!["~/src/cckw/".into()]));
    let effects = press(&mut view, "\tdocs\r");
    assert_eq!(run(&effects), ["new", "y", "/home/you/src/cckw/docs"]);
    let made =
        Outcome { label: "starting y".into(), is_done: true, text: "y".into(), select: Some("y".into()) };
    view.handle(NOW, Event::Finished(made));
    view.handle(NOW, rows(Source::Here, [row("api", Urgency::NeedsYou), row("y", Urgency::Idle)]));
    assert_eq!(selected(&view), "y");
}

#[test]
fn tab_goes_from_the_name_to_the_prompt_and_a_form_that_failed_is_there_again() {
    let mut view = loaded((80, 24), []).in_directory("/srv".into(), None);
    let effects = press(&mut view, "nx\tgo on\r");
    let [Effect::Run(verb)] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!(
        (verb.words.join(" "), verb.stdin.as_deref()),
        ("new x /srv --prompt -".into(), Some("go on"))
    );
    view.handle(NOW, finished("starting x", false));
    assert_eq!(view.status().expect("a line").text, "said (n has the form still)");
    assert_eq!(press(&mut view, "n\r"), effects, "it is as it was typed");
    view.handle(NOW, finished("starting x", true));
    assert_eq!(
        run(&press(&mut view, "n\r")),
        ["new", "srv", "/srv"],
        "what was started is gone from the form"
    );
}

#[test]
fn enter_brings_back_what_has_ended_and_goes_in_unless_a_key_was_pressed() {
    let open = || loaded((80, 24), [row("a", Urgency::Gone), row("b", Urgency::Gone)]);
    let goes_in = |effects: Vec<Effect>| effects.iter().any(|effect| matches!(effect, Effect::Attach { .. }));
    let mut view = open();
    assert_eq!(run(&press(&mut view, "\r")), ["start", "id-a"]);
    assert!(!goes_in(view.handle(NOW, finished("starting b", true))), "that is another one");
    let effects = view.handle(NOW, finished("starting a", true));
    let attach = Effect::Attach { id: row("a", Urgency::Gone).id, name: "a".into(), is_watch: false };
    assert_eq!(effects, [attach]);
    for (keys, is_done) in [("\r", false), ("\rj", true), ("\r?", true), ("ry", true)] {
        let mut view = open();
        press(&mut view, keys);
        assert!(!goes_in(view.handle(NOW, finished("starting a", is_done))), "{keys}");
    }
}

#[test]
fn a_rename_needs_a_name() {
    let mut view = loaded((80, 24), [row("a", Urgency::Idle)]);
    assert_eq!(press(&mut view, "R\r"), [], "the same name");
    assert_eq!(press(&mut view, "R:\r"), [], "that is no name");
    assert_eq!(run(&press(&mut view, "\x7f-2\r")), ["rename", "id-a", "a-2"]);
}

#[test]
fn a_filter_shows_rows_with_its_words() {
    let mut view = fleet((80, 24));
    press(&mut view, "/SRC we\r");
    assert_eq!(selected(&view), "web");
    assert_eq!(view.list().shown().len(), 1);
    press(&mut view, "\x1b");
    assert_eq!((selected(&view).as_str(), view.list().shown().len()), ("web", 8));
    press(&mut view, "/q\x1b");
    assert_eq!(view.list().filter(), "", "Esc drops what is typed");
}

#[test]
fn one_machine_is_shown_alone() {
    let mut view = fleet((80, 24));
    press(&mut view, "mjj\r");
    assert_eq!((selected(&view).as_str(), view.list().shown().len()), ("box:train", 1));
    press(&mut view, "\x1b");
    assert_eq!(view.list().shown().len(), 8);
}

#[test]
fn tab_goes_to_what_needs_its_user() {
    let mut view = fleet((80, 24));
    let order: Vec<String> = (0..4)
        .map(|_| {
            press(&mut view, "\t");
            selected(&view)
        })
        .collect();
    assert_eq!(order, ["nightly-build-of-everything", "old", "api", "nightly-build-of-everything"]);
}

#[test]
fn the_mouse_selects_attaches_and_scrolls() {
    let click = MouseEventKind::Down(MouseButton::Left);
    let mut view = fleet((80, 24));
    let list = view.areas().list;
    let at = list.y + 5;
    assert_eq!(view.handle(NOW, mouse(click, 4, at)).len(), 1, "the preview follows");
    assert_eq!(selected(&view), "web");
    view.handle(NOW + 2000, mouse(click, 4, at));
    assert_eq!(selected(&view), "web", "two slow clicks are none");
    let effects = view.handle(NOW + 2300, mouse(click, 4, at));
    assert!(
        effects.iter().any(|effect| matches!(effect, Effect::Attach { name, .. } if name == "web")),
        "{effects:?}"
    );
    view.handle(NOW + 3000, mouse(MouseEventKind::ScrollDown, 4, at));
    assert_eq!(view.list().top, 1, "there is one row more than has room");
    view.handle(NOW + 3000, mouse(click, 4, 0));
    assert_eq!(selected(&view), "web", "the header is no row");
    press(&mut view, "x");
    view.handle(NOW + 4000, mouse(click, 4, list.y));
    assert!(matches!(view.overlay(), Overlay::Dialog(_)), "a click answers nothing");
}

#[test]
fn the_preview_is_hidden_and_shown() {
    let mut view = loaded((80, 24), [row("a", Urgency::Idle)]);
    assert_eq!(press(&mut view, "p"), [Effect::Preview(None)]);
    assert!(matches!(&press(&mut view, "p")[..], [Effect::Preview(Some(_))]));
    view.handle(NOW, Event::Resized { columns: 60, rows: 15 });
    assert!(!view.areas().preview.is_empty(), "it was asked for");
}

#[test]
fn everywhere_ctrl_z_suspends() {
    for keys in ["", "n", "s", "x", "m", "t", "?", "/", "?/"] {
        let mut view = loaded((80, 24), [row("a", Urgency::Idle)]);
        press(&mut view, keys);
        let Event::Key(mut key) = key('z') else { panic!("a key") };
        key.modifiers = KeyModifiers::CONTROL;
        assert_eq!(view.handle(NOW, Event::Key(key)), [Effect::Suspend], "{keys}");
    }
}

#[test]
fn the_first_row_stays_selected_while_the_sources_come() {
    let mut view = loaded((80, 24), [row("b", Urgency::Idle)]);
    view.handle(NOW + 500, rows(Source::Machine("box".into()), [row("asks", Urgency::NeedsYou)]));
    assert_eq!(selected(&view), "box:asks");
    view.handle(NOW + 5000, rows(Source::Jobs, [row("a", Urgency::NeedsYou)]));
    assert_eq!(
        (selected(&view).as_str(), view.list().at()),
        ("box:asks", 1),
        "from then on it stays on its row"
    );
}
