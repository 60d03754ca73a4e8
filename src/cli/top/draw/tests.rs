//! What the view looks like, as text.

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::style::{Color, Modifier, Style};

use super::draw;
use crate::cli::colours::Colours;
use crate::cli::top::event::{Event, Outcome};
use crate::cli::top::row::{Source, Urgency};
use crate::cli::top::view::View;
use crate::cli::top::view::testing::{NOW, drawn, fleet, frame, loaded, press, row};

/// The screen, with a mark where each row ends.
fn screen(view: &View) -> String {
    let columns = usize::from(view.size().width);
    drawn(view, draw).into_iter().map(|row| format!("{row}\n")).collect::<String>() + &"=".repeat(columns)
}

/// The fleet with the screen of the selected session.
fn with_screen(size: (u16, u16)) -> View {
    let mut view = fleet(size);
    let id = view.list().selected().expect("a row").id.clone();
    let lines = [
        "\x1b[1m Claude Code\x1b[m",
        "",
        "> \x1b[31mrun\x1b[m the tests 日本",
        "",
        "  Allow this? 1. Yes  2. No",
    ];
    view.handle(NOW, Event::Preview(id, frame(24, 80, &lines)));
    view
}

#[test]
fn the_usual_sizes() {
    insta::assert_snapshot!("80x24", screen(&with_screen((80, 24))));
    insta::assert_snapshot!("60x15", screen(&with_screen((60, 15))));
    insta::assert_snapshot!("250x60", screen(&with_screen((250, 60))));
}

#[test]
fn rows_of_every_kind_offer_what_can_be_done() {
    let mut view = fleet((100, 20));
    let footers: Vec<String> = (0..view.list().shown().len())
        .map(|at| {
            let footer = drawn(&view, draw).last().expect("a footer").clone();
            let name = view.list().selected().expect("a row").full_name();
            press(&mut view, "j");
            format!("{at} {name}: {footer}")
        })
        .collect();
    insta::assert_snapshot!("footers", footers.join("\n"));
}

#[test]
fn without_sessions_it_says_what_to_do_first() {
    insta::assert_snapshot!("loading", screen(&View::new((80, 15), NOW)));
    insta::assert_snapshot!("empty", screen(&loaded((80, 24), [])));
    let mut view = fleet((80, 15));
    press(&mut view, "/nothing like this\r");
    insta::assert_snapshot!("filtered_away", screen(&view));
}

#[test]
fn dialogs_say_what_their_keys_do() {
    let dialog = |keys: &str| {
        let mut view = fleet((80, 24));
        view = view.in_directory("~/src/cckw".into(), Some("/home/you".into()));
        press(&mut view, keys);
        screen(&view)
    };
    insta::assert_snapshot!("stop", dialog("x"));
    insta::assert_snapshot!("restart", dialog("r"));
    insta::assert_snapshot!(
        "send",
        dialog("srun the tests, then say which of them fail and why; and be quick about it, please")
    );
    insta::assert_snapshot!("rename", dialog("R-2"));
    insta::assert_snapshot!("new", dialog("nparser\t\t"));
    insta::assert_snapshot!("machines", dialog("m"));
    insta::assert_snapshot!("adopt", dialog("Ga"));
    insta::assert_snapshot!("filter", dialog("/src"));
}

#[test]
fn the_keys_can_be_read() {
    let mut view = fleet((80, 24));
    press(&mut view, "?");
    insta::assert_snapshot!("keys", screen(&view));
}

#[test]
fn a_transcript_can_be_read_and_searched() {
    let mut view = fleet((60, 15));
    press(&mut view, "t");
    let lines: String = (1..=40)
        .map(|at| format!("{at} you: what is the answer to question {at}, and why is it so?\n"))
        .collect();
    view.handle(NOW, Event::PagerText(lines));
    insta::assert_snapshot!("transcript", screen(&view));
    press(&mut view, "g/question 7\r");
    insta::assert_snapshot!("transcript_found", screen(&view));
}

#[test]
fn an_outcome_stands_above_the_keys() {
    let mut view = fleet((80, 24));
    press(&mut view, "c");
    let last = |view: &View| drawn(view, draw)[22].clone();
    assert_eq!(last(&view), "continuing api…");
    let outcome = |is_done, text: &str| {
        Event::Finished(Outcome { label: "continuing api".into(), is_done, text: text.into(), select: None })
    };
    view.handle(NOW, outcome(false, "api: there is nothing to go on with"));
    assert_eq!(last(&view), "api: there is nothing to go on with");
    press(&mut view, "j");
    assert_eq!(last(&view), "");
}

#[test]
fn nothing_that_a_terminal_obeys_reaches_the_screen() {
    let evil = "a\x1b[31m\u{9b}2J\u{202e}\n\tb";
    let mut hostile = row(evil, Urgency::NeedsYou);
    for text in [&mut hostile.state, &mut hostile.shown_state, &mut hostile.directory] {
        *text = evil.into();
    }
    let texts = [&mut hostile.hint, &mut hostile.title, &mut hostile.remote, &mut hostile.model];
    for text in texts.into_iter().chain([&mut hostile.last_prompt, &mut hostile.last_answer]) {
        *text = Some(evil.into());
    }
    for keys in ["", "x", "s", "R", "n\t", "m", "t", "l", "r", "/a\r"] {
        let mut view = loaded((200, 50), [hostile.clone()]);
        let trouble = crate::cli::top::event::Update::Trouble(Source::Machine(evil.into()), evil.into());
        view.handle(NOW, Event::Update(trouble));
        press(&mut view, keys);
        view.handle(NOW, Event::Paste(evil.into()));
        view.handle(NOW, Event::PagerText(format!("{evil}\n")));
        view.handle(NOW, Event::PagerEnd(Some(evil.into())));
        let shown = drawn(&view, draw).concat();
        assert!(shown.contains("\\u{1b}[31m"), "{keys}: {shown}");
        assert!(!shown.contains(|c: char| c.is_control() || c == '\u{202e}'), "{keys}: {shown:?}");
    }
}

/// The looks of all cells of the screen.
fn looks(view: &View) -> Vec<Style> {
    let mut terminal =
        Terminal::new(TestBackend::new(view.size().width, view.size().height)).expect("a backend");
    terminal.draw(|frame| draw(view, frame)).expect("draws");
    terminal.backend().buffer().content().iter().map(ratatui::buffer::Cell::style).collect()
}

#[test]
fn colours_are_those_of_the_terminal_and_without_them_the_selection_is_seen_all_the_same() {
    for keys in ["", "x", "s", "n", "m", "?", "t"] {
        let mut plain = with_screen((100, 30));
        press(&mut plain, keys);
        let has_no_colour = |style: &Style| style.fg == Some(Color::Reset) && style.bg == Some(Color::Reset);
        let looks_plain = looks(&plain);
        assert!(looks_plain.iter().all(has_no_colour), "{keys}");
        assert!(looks_plain.iter().any(|style| style.add_modifier.contains(Modifier::REVERSED)), "{keys}");
        let mut coloured = fleet((100, 30)).with_colours(Colours::ALL);
        press(&mut coloured, keys);
        // No ground is set, so that all is read on a dark one and on a light one.
        let is_the_terminals = |style: &Style| {
            style.bg == Some(Color::Reset) && !matches!(style.fg, Some(Color::Rgb(..) | Color::Indexed(_)))
        };
        assert!(looks(&coloured).iter().all(is_the_terminals), "{keys}");
    }
    let coloured = fleet((100, 30)).with_colours(Colours::ALL);
    assert!(looks(&coloured).iter().any(|style| style.fg == Some(Color::Red)));
}
