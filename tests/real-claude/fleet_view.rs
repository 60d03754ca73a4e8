//! The fleet view, with the real claude in it.

use super::driver::{Place, goes_on, prompt_holds, wait_for_prompt};
use super::mock::REPLY;
use super::support::{Builder, DEADLINE, Key, Screen, Terminal, process, wait_until};

/// The row of the list with this name in it.
fn row<'a>(screen: &'a Screen, name: &str) -> Option<&'a String> {
    let is_of = |row: &&String| row.split_whitespace().take(2).any(|word| word == name);
    screen.rows.iter().skip(1).find(is_of)
}

fn row_says(screen: &Screen, name: &str, words: &str) -> bool {
    row(screen, name).is_some_and(|row| row.split_whitespace().any(|word| word == words))
}

/// How the line with these words looks: its text in runs, each with its colours, up to the last one.
fn look(screen: &Screen, words: &str) -> Option<String> {
    let at = screen.rows.iter().position(|row| row.contains(words))?;
    Some(screen.looks[at].trim_end().trim_end_matches("{-/Default}").trim_end().to_owned())
}

fn view(place: &Place, builder: Builder) -> Terminal {
    let mut command = place.sandbox.command(place.sandbox.path("bin/cckw"));
    command.arg("top");
    builder.spawn(command)
}

#[test]
fn it_shows_a_session_leads_in_and_back_and_stops_it() {
    let place = Place::new();
    place.verb(&["new", "api", "--prompt", "the first words"]);
    let id = place.wait_for_host().text("conversation").to_owned();
    // Large enough for all of the screen that a new session has, and the list above it.
    let builder = Terminal::builder().size(60, 130);
    let mut terminal = view(&place, builder);
    let shown = terminal.wait_for("the session at rest, and its screen", |screen| {
        row_says(screen, "api", "idle") && screen.contains("Claude Code v") && screen.contains(REPLY)
    });
    let preview = look(&shown, "Claude Code v").expect("claude's first line");
    terminal.press(Key::Enter);
    terminal.wait_for("claude itself", |screen| {
        row(screen, "NAME").is_none() && screen.contains(REPLY) && prompt_holds(screen, "")
    });
    let inside = terminal.screen();
    assert_eq!(look(&inside, "Claude Code v").as_deref(), Some(preview.as_str()), "{}", terminal.report());
    assert!(["Idx(", "Rgb("].iter().any(|colour| preview.contains(colour)), "no colours: {preview}");
    goes_on(&place, &mut terminal, &id, "words from within");
    terminal.type_text("a draft");
    terminal.wait_for("the draft", |screen| prompt_holds(screen, "a draft"));
    terminal.press(Key::Ctrl('\\'));
    terminal.wait_for("the view, with claude's screen in it", |screen| {
        row_says(screen, "api", "idle") && screen.contains("back from api") && screen.contains("a draft")
    });
    // It asks first, and Enter is no answer.
    terminal.type_text("x");
    terminal.wait_for_text("Stop api?");
    terminal.press(Key::Enter);
    terminal.wait_for("no question", |screen| !screen.contains("Stop api?"));
    let claude = place.wait_for_host().pid("claude_pid").expect("a claude");
    terminal.type_text("x");
    terminal.wait_for_text("Stop api?");
    terminal.type_text("y");
    terminal.wait_for("a list without the session", |screen| {
        !screen.contains("Stop api?") && row(screen, "api").is_none()
    });
    wait_until("the end of claude", DEADLINE, || !process::runs(claude));
    terminal.type_text("e");
    terminal.wait_for("the row of a session that has ended", |screen| row_says(screen, "api", "stopped"));
    // Brought back, it has the whole conversation.
    terminal.type_text("r");
    terminal.wait_for_text("Bring api back?");
    terminal.type_text("y");
    terminal.wait_for("the session at rest again", |screen| row_says(screen, "api", "idle"));
    terminal.press(Key::Enter);
    wait_for_prompt(&mut terminal);
    terminal.wait_for_text("words from within");
    terminal.press(Key::Ctrl('\\'));
    terminal.wait_for_text("back from api");
    terminal.type_text("q");
    assert_eq!(terminal.finish().code(), Some(0), "{}", terminal.report());
    assert_eq!(terminal.modes().left_on(), Vec::<String>::new());
    place.verb(&["stop", "api"]);
    place.sandbox.wait_for_silence();
}
