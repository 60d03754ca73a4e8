//! `cckw reconnect` on a claude in a pane of tmux that cckw does not wrap.

use std::fs;
use std::process::{Command, Output};

use serde_json::{Value, json};

use super::driver::Place;
use super::support::{DEADLINE, Tmux, wait_until, wait_until_some};
use super::versions::refusal;

fn place(settings: &Value) -> Place {
    let mut place = Place::new();
    Tmux::prepare(&mut place.sandbox);
    place.settings(settings);
    place
}

fn start(place: &Place) -> Tmux<'_> {
    let claude = place.sandbox.path("bin/claude");
    let tmux = Tmux::start(&place.sandbox, 100, 30, &[claude.to_str().expect("a path"), "--verbose"]);
    tmux.wait_for("main", "the prompt", |screen| screen.contains("\n❯"));
    wait_until("an idle claude", DEADLINE, || place.state().is_some_and(|state| state["status"] == "idle"));
    tmux
}

fn reconnect(place: &Place, words: &[&str]) -> (String, Option<i32>) {
    let mut command = place.sandbox.command(place.sandbox.path("bin/cckw"));
    let Output { stdout, stderr, status } = command.arg("reconnect").args(words).output().expect("runs");
    (String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned(), status.code())
}

fn press(tmux: &Tmux<'_>, keys: &[&str]) {
    tmux.run(&[&["send-keys", "-t", "main"][..], keys].concat());
}

/// It is submitted, the answer is read, and the draft is there again.
fn is_refused(tmux: &Tmux<'_>, place: &Place) {
    press(tmux, &["-l", "half a thought"]);
    tmux.wait_for("main", "the draft", |screen| screen.contains("❯ half a thought"));
    let said = wait_until_some("a look that is passed", DEADLINE, || {
        let (said, status) = reconnect(place, &["--apply"]);
        // The hints below the prompt come and go in the first seconds.
        assert!(status == Some(2) || said.contains("left alone"), "{said}\n{}", tmux.screen("main"));
        (status == Some(2)).then_some(said)
    });
    assert!(said.contains(" FAILED pid=") && said.contains(refusal()), "{said}");
    tmux.wait_for("main", "the draft again", |screen| screen.contains("❯ half a thought"));
    assert_eq!(tmux.screen("main").matches(refusal()).count(), 1);
    assert!(place.transcripts().iter().all(|id| !place.transcript(id).contains("half a thought")));
}

#[test]
fn at_the_main_prompt_it_is_asked_and_answered_with_the_draft_kept() {
    let place = place(&json!({"tui": "default"}));
    is_refused(&start(&place), &place);
}

#[test]
fn in_the_full_screen_it_is_the_same() {
    let place = place(&json!({"tui": "fullscreen"}));
    is_refused(&start(&place), &place);
}

#[test]
fn in_other_views_nothing_is_typed() {
    let place = place(&json!({"tui": "default"}));
    let tmux = start(&place);
    let pid = place.state().and_then(|state| state["pid"].as_i64()).expect("a state file");
    let pid = i32::try_from(pid).expect("a pid");
    let named = pid.to_string();
    let look = || reconnect(&place, &["--apply", "--pid", &named]);
    let views = [
        ("C-o", "detailed transcript", "C-o"),
        ("C-r", "search prompts:", "Escape"),
        ("Left", "enter", "Right"),
    ];
    for (key, shown, back) in views {
        press(&tmux, &[key]);
        tmux.wait_for("main", "another view", |screen| screen.contains(shown));
        if key == "Left" {
            wait_until("the agents view", DEADLINE, || {
                place.state_of(pid).is_some_and(|state| state["parkedJobId"].is_string())
            });
            assert!(look().0.contains("parkedJobId"));
            forget_the_job(&place, pid);
        }
        for _ in 0..3 {
            let (said, status) = reconnect(&place, &["--apply"]);
            assert!(
                said.contains("left alone") && status == Some(0),
                "{key}: {said}\n{}",
                tmux.screen("main")
            );
        }
        assert!(!tmux.screen("main").contains("remote-control"), "{}", tmux.screen("main"));
        press(&tmux, &[back]);
        tmux.wait_for("main", "the prompt", |screen| screen.contains("\n❯") && !screen.contains(shown));
    }
    // The agents view has jobs of its own; none of them is about what would have been typed.
    let jobs = Command::new("grep")
        .args(["-rl", "remote-control"])
        .arg(place.sandbox.path("home/.claude/jobs"))
        .output();
    let jobs = jobs.expect("grep");
    assert_eq!((String::from_utf8_lossy(&jobs.stdout).as_ref(), jobs.status.code()), ("", Some(1)));
    assert_eq!(place.transcripts(), Vec::<String>::new());
}

/// As a state file that is late would be: the screen has to know.
fn forget_the_job(place: &Place, pid: i32) {
    let mut state = place.state_of(pid).expect("a state file");
    state.as_object_mut().expect("an object").remove("parkedJobId");
    let path = place.sandbox.path(format!("home/.claude/sessions/{pid}.json"));
    fs::write(path, state.to_string()).expect("writes");
}
