//! `cckw reconnect` on a claude in a pane of tmux that cckw does not wrap.

use std::fs;
use std::process::{Command, Output};

use serde_json::{Value, json};

use super::driver::Place;
use super::slow::Pace;
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
    for pace in Pace::BOTH {
        let mut place = place(&json!({"tui": "default"}));
        pace.prepare(&mut place);
        let tmux = start(&place);
        let _limit = pace.slow_down(&place);
        is_refused(&tmux, &place);
    }
}

#[test]
fn in_the_full_screen_it_is_the_same() {
    let place = place(&json!({"tui": "fullscreen"}));
    is_refused(&start(&place), &place);
}

/// It is left alone for this reason, and nothing is typed.
#[track_caller]
fn is_left_alone(place: &Place, tmux: &Tmux<'_>, why: &str) {
    let said = wait_until_some("the reason", DEADLINE, || {
        let (said, status) = reconnect(place, &["--apply"]);
        assert_eq!(status, Some(0), "{said}\n{}", tmux.screen("main"));
        said.contains(why).then_some(said)
    });
    assert!(said.contains("left alone"), "{said}");
    assert!(!tmux.screen("main").contains("remote-control"), "{}", tmux.screen("main"));
}

#[test]
fn a_stash_of_the_user_s_forbids_the_try() {
    for pace in Pace::BOTH {
        let mut place = place(&json!({"tui": "default"}));
        pace.prepare(&mut place);
        let tmux = start(&place);
        let _limit = pace.slow_down(&place);
        press(&tmux, &["-l", "first draft"]);
        tmux.wait_for("main", "the draft", |screen| screen.contains("❯ first draft"));
        press(&tmux, &["C-s"]);
        tmux.wait_for("main", "the stash", |screen| screen.contains("draft stashed"));
        is_left_alone(&place, &tmux, "a draft of the user's is stashed");
        press(&tmux, &["C-s"]);
        tmux.wait_for("main", "the draft again", |screen| screen.contains("❯ first draft"));
    }
}

#[test]
fn in_a_pane_that_is_too_small_nothing_is_typed() {
    let place = place(&json!({"tui": "default"}));
    let tmux = start(&place);
    press(&tmux, &["-l", "delete the"]);
    tmux.wait_for("main", "the draft", |screen| screen.contains("❯ delete the"));
    tmux.run(&["resize-window", "-t", "main", "-x", "60", "-y", "8"]);
    is_left_alone(&place, &tmux, "the window is too small");
    tmux.wait_for("main", "the draft still", |screen| {
        screen.contains("❯ delete the") && !screen.contains("draft stashed")
    });
}

#[test]
fn a_command_of_the_user_s_own_is_not_submitted() {
    let place = place(&json!({"tui": "default"}));
    let path = place.sandbox.path("home/.claude/commands/remote-control.md");
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    fs::write(&path, "---\ndescription: Mine\n---\nSay hello.\n").expect("a command");
    let tmux = start(&place);
    press(&tmux, &["-l", "half a thought"]);
    tmux.wait_for("main", "the draft", |screen| screen.contains("❯ half a thought"));
    let said = wait_until_some("a look that is passed", DEADLINE, || {
        let (said, status) = reconnect(&place, &["--apply"]);
        (status == Some(2)).then_some(said)
    });
    assert!(said.contains("is a command or a skill of your own here"), "{said}");
    tmux.wait_for("main", "the draft again", |screen| {
        screen.contains("❯ half a thought") && !screen.contains("draft stashed")
    });
    assert!(!place.mock.asked(), "{:?}", place.mock.arrived());
}

#[test]
fn beside_a_background_command_it_is_the_same() {
    let place = place(&json!({"tui": "default"}));
    let tmux = start(&place);
    press(&tmux, &["!"]);
    tmux.wait_for("main", "shell mode", |screen| screen.contains("! for shell mode"));
    press(&tmux, &["-l", "sleep 60"]);
    tmux.wait_for("main", "the command", |screen| {
        screen.contains("! sleep 60") || screen.contains("!\u{a0}sleep 60")
    });
    press(&tmux, &["Enter"]);
    tmux.wait_for("main", "the hint", |screen| screen.contains("esc to interrupt"));
    wait_until("a command in the background", DEADLINE, || {
        let status = place.state().map(|state| state["status"].clone());
        if status == Some("busy".into()) {
            press(&tmux, &["C-b"]);
        }
        status == Some("shell".into())
    });
    is_refused(&tmux, &place);
    assert_eq!(place.state().map(|state| state["status"].clone()), Some("shell".into()));
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
