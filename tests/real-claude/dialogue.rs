//! The main job, and that it looks the same with cckw between.

use serde_json::json;

use super::driver::{How, Place, prompt_holds, submit, wait_for_prompt};
use super::mock::{AFTER_TOOL, REPLY, USE_TOOL};
use super::support::{Answers, Key, Size, Terminal};
use super::view::{REST, View, view};

/// One dialogue, written down or held against one that was.
struct Dialogue<'a> {
    place: &'a Place,
    terminal: Terminal,
    steps: Vec<(&'static str, View)>,
    expected: Option<std::vec::IntoIter<(&'static str, View)>>,
}

impl Dialogue<'_> {
    /// The screen is now as it stays: write it down, or wait until it is as it was written down.
    #[track_caller]
    fn step(&mut self, name: &'static str) {
        let root = self.place.sandbox.root().to_str().expect("a path").to_owned();
        match self.expected.as_mut().map(|steps| steps.next().expect("as many steps")) {
            None => {
                let screen = self.terminal.wait_for_rest(REST, |screen| view(screen, &root));
                self.steps.push((name, view(&screen, &root)));
            }
            Some((expected_name, expected)) => {
                assert_eq!(name, expected_name);
                self.terminal.try_wait_for(|screen| expected.differences(&view(screen, &root)).is_empty());
                let differences = expected.differences(&view(&self.terminal.screen(), &root));
                assert!(
                    differences.is_empty(),
                    "at {name}:\n{}\n{}",
                    differences.join("\n"),
                    self.terminal.report()
                );
            }
        }
    }
}

fn play(
    how: How,
    answers: Answers,
    tui: &str,
    expected: Option<Vec<(&'static str, View)>>,
) -> Vec<(&'static str, View)> {
    let place = Place::new();
    place.settings(&json!({"tui": tui}));
    let builder = Terminal::builder().size(45, 110).answers(answers);
    let terminal = place.start_on(builder, how, &["--permission-mode", "manual"]);
    let expected = expected.map(Vec::into_iter);
    let mut dialogue = Dialogue { place: &place, terminal, steps: Vec::new(), expected };
    dialogue.terminal.wait_for_text("? for shortcuts");
    dialogue.step("start");

    submit(&mut dialogue.terminal, "hello");
    dialogue.terminal.wait_for_text(REPLY);
    wait_for_prompt(&mut dialogue.terminal);
    dialogue.step("reply");

    submit(&mut dialogue.terminal, USE_TOOL);
    dialogue.terminal.wait_for_text("Do you want to proceed?");
    dialogue.step("permission");
    assert!(!place.sandbox.work().join("made-by-the-tool").exists());
    dialogue.terminal.press_until(Key::Enter, "the end of the question", |screen| {
        !screen.contains("Do you want to proceed?")
    });
    dialogue.terminal.wait_for_text(AFTER_TOOL);
    wait_for_prompt(&mut dialogue.terminal);
    dialogue.step("tool");
    assert!(place.sandbox.work().join("made-by-the-tool").exists());

    submit(&mut dialogue.terminal, "/config");
    dialogue.terminal.wait_for_text("Search settings");
    dialogue.step("config");
    dialogue.terminal.press(Key::Esc);
    dialogue.terminal.wait_for_text("Esc to close");
    dialogue.step("config, in the list");
    dialogue.terminal.press(Key::Esc);
    wait_for_prompt(&mut dialogue.terminal);
    dialogue.step("closed");

    dialogue.terminal.resize(Size::cells(30, 80));
    dialogue.terminal.wait_for("a prompt as wide as the window", |screen| {
        prompt_holds(screen, "") && screen.rows[usize::from(screen.cursor.0) - 1].chars().count() == 80
    });
    dialogue.step("resized");

    // How far the list below the prompt is drawn decides where the last screen stands.
    dialogue.terminal.type_text("/exit");
    dialogue
        .terminal
        .wait_for("the list", |screen| prompt_holds(screen, "/exit") && screen.contains("Exit the CLI"));
    dialogue.step("list");
    dialogue.terminal.press(Key::Enter);
    let exit = dialogue.terminal.finish();
    assert_eq!(exit.code(), Some(0), "{}", dialogue.terminal.report());
    dialogue.step("exit");
    let shown = dialogue.terminal.history().join("\n");
    assert!(shown.contains("Resume this session with:"), "{shown}");
    assert_eq!(dialogue.terminal.modes().left_on(), Vec::<String>::new());
    place.sandbox.wait_for_silence();
    dialogue.steps
}

#[test]
fn the_main_job_looks_the_same_on_the_main_screen() {
    let direct = play(How::Direct, Answers::Kitty, "default", None);
    play(How::Through, Answers::Kitty, "default", Some(direct));
}

#[test]
fn the_main_job_looks_the_same_on_the_alternate_screen() {
    let direct = play(How::Direct, Answers::Kitty, "fullscreen", None);
    play(How::Through, Answers::Kitty, "fullscreen", Some(direct));
}

#[test]
fn the_main_job_looks_the_same_on_a_terminal_that_answers_nothing() {
    let direct = play(How::Direct, Answers::Mute, "default", None);
    play(How::Through, Answers::Mute, "default", Some(direct));
}
