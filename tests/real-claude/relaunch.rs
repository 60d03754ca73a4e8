//! Other ways to crash, what a relaunch keeps beyond the conversation, and where relaunching ends.

use std::fs;
use std::path::Path;

use nix::sys::signal::Signal;
use serde_json::Value;
use serde_json::json;
use uuid::Uuid;

use super::driver::{How, Place, goes_on, leave, prompt_holds, says, submit, wait_for_prompt, written};
use super::mock::REPLY;
use super::restart::{arguments, conversation, crash, drawn_again, git, kill, kill_by, patient};
use super::support::{DEADLINE, Key, Terminal, process, wait_until, wait_until_some};
use super::view::{REST, view};

/// Waits until claude trusts the alternate screen: it is noted as on trial for its first ten seconds there,
/// and a start that finds the note of a claude that is gone takes the main screen instead.
#[track_caller]
fn trusts_its_screen(place: &Place) {
    let on_trial = || {
        let config = fs::read(place.sandbox.path("home/.claude.json")).ok()?;
        let config: Value = serde_json::from_slice(&config).ok()?;
        Some(config["fullscreenBootPending"].is_object())
    };
    wait_until("a claude that is past its trial", DEADLINE, || on_trial() == Some(false));
}

/// The screen is the one that claude draws of this conversation by itself, without anything of what was there
/// before.
#[test]
fn from_the_alternate_screen_to_the_alternate_screen() {
    let place = patient();
    place.settings(&json!({"tui": "fullscreen"}));
    let builder = Terminal::builder().size(30, 100);
    let root = place.sandbox.root().to_str().expect("a path").to_owned();
    let mut terminal = place.start_on(builder, How::Through, &[]);
    terminal.wait_for_modes("the kitty keyboard", |modes| modes.kitty_flags() != 0);
    let id = says(&place, "idle", 0).text("conversation").to_owned();
    goes_on(&place, &mut terminal, &id, "the first words");
    trusts_its_screen(&place);
    let modes = terminal.modes().left_on();
    assert!(terminal.screen().alternate, "{}", terminal.report());

    kill(&place, &mut terminal);
    assert!(!terminal.screen().alternate, "{}", terminal.report());
    terminal.press(Key::Enter);
    assert_eq!(says(&place, "idle", 1).text("conversation"), id);
    wait_for_prompt(&mut terminal);
    terminal.wait_for_modes("the modes of before", |now| now.left_on() == modes);
    assert!(terminal.screen().alternate, "{}", terminal.report());
    terminal
        .wait_for("the conversation", |screen| screen.contains("the first words") && screen.contains(REPLY));
    goes_on(&place, &mut terminal, &id, "the next words");
    let again = view(&terminal.wait_for_rest(REST, |screen| view(screen, &root)), &root);
    leave(&place, terminal);

    let mut direct = place.start_on(builder, How::Direct, &["--resume", &id]);
    direct.wait_for_text("the next words");
    direct.try_wait_for(|screen| view(screen, &root).differences(&again).is_empty());
    let differences = view(&direct.screen(), &root).differences(&again);
    assert!(differences.is_empty(), "{}\n{}", differences.join("\n"), direct.report());
    leave(&place, direct);
}

/// Claude's screen covers all that was written before, and claude sets its title whenever it works or rests.
#[test]
fn what_has_happened_is_seen_over_the_alternate_screen() {
    let place = Place::new();
    place.settings(&json!({"tui": "fullscreen"}));
    place.sandbox.configure("[restart]\ninitial_delay = \"10m\"\nmax_delay = \"10m\"\n");
    let mut terminal = place.start(How::Through, &[]);
    let id = says(&place, "idle", 0).text("conversation").to_owned();
    goes_on(&place, &mut terminal, &id, "the first words");
    trusts_its_screen(&place);
    kill(&place, &mut terminal);
    terminal.press(Key::Enter);
    says(&place, "idle", 1);
    wait_for_prompt(&mut terminal);
    let is_told = |title: &str| {
        title.starts_with("cckw: claude was killed by SIGKILL at ") && title.ends_with(" and came back")
    };
    terminal.wait_for("the notice", |screen| screen.alternate && is_told(&screen.title));
    goes_on(&place, &mut terminal, &id, "the next words");
    let screen = terminal.screen();
    assert!(screen.alternate && is_told(&screen.title), "{}\n{}", screen.title, terminal.report());
    terminal.press(Key::Ctrl('\\'));
    assert_eq!(terminal.finish().code(), Some(0));
    let screen = terminal.screen();
    assert!(screen.contains("[cckw: claude was killed by SIGKILL at "), "{}", terminal.report());
    assert!(screen.contains("[cckw: detached; return with: cckw attach work]"), "{}", terminal.report());
    assert_eq!((screen.title.as_str(), screen.alternate), ("", false), "{}", terminal.report());
    let mut stop = place.sandbox.command(place.sandbox.path("bin/cckw"));
    assert!(stop.arg("stop").output().expect("runs").status.success());
    place.sandbox.wait_for_silence();
}

#[test]
fn by_other_signals() {
    let place = patient();
    let mut terminal = place.start(How::Through, &[]);
    let id = says(&place, "idle", 0).text("conversation").to_owned();
    goes_on(&place, &mut terminal, &id, "the first words");
    for (signal, restarts) in [Signal::SIGSEGV, Signal::SIGABRT, Signal::SIGQUIT].into_iter().zip(1..) {
        kill_by(signal, &place, &mut terminal);
        terminal.press(Key::Enter);
        let again = says(&place, "idle", restarts);
        assert_eq!(again.text("conversation"), id);
        assert_eq!(arguments(&again), ["--resume", &id]);
        wait_for_prompt(&mut terminal);
        assert!(drawn_again(&terminal, REPLY), "{}", terminal.report());
    }
    leave(&place, terminal);
}

#[test]
fn in_the_list_of_conversations() {
    let place = patient();
    let other = conversation(&place, "words of another day");
    let line = ["--resume", "--model", "opus"];
    let mut terminal = Terminal::spawn(place.command(How::Through, &line));
    terminal.wait_for_text("words of another day");
    let child = place.sandbox.wait_for_record("a child", |record| record.pid("child_pid").is_some());
    assert!(process::signal(child.pid("child_pid").expect("a child"), Signal::SIGKILL));
    terminal.wait_for_text("[cckw: claude was killed by SIGKILL");
    terminal.press(Key::Enter);
    let child = place.sandbox.wait_for_record("another child", |record| {
        record.json["restarts"] == 1 && record.pid("child_pid").is_some_and(process::runs)
    });
    // Nothing was chosen, so the choice is given again.
    let child = child.pid("child_pid").expect("a child");
    wait_until("the arguments of claude", DEADLINE, || process::arguments(child).split_off(1) == line);
    wait_until("the list", DEADLINE, || drawn_again(&terminal, "words of another day"));
    terminal.press_until(Key::Enter, "the conversation", |screen| {
        screen.contains(REPLY) && prompt_holds(screen, "")
    });
    assert_eq!(says(&place, "idle", 1).text("conversation"), other);
    goes_on(&place, &mut terminal, &other, "words of today");
    assert_eq!(place.transcripts(), [other]);
    leave(&place, terminal);
}

#[test]
fn a_conversation_that_the_user_named() {
    let place = patient();
    let (old, new) = (conversation(&place, "words of another day"), Uuid::new_v4().to_string());
    for (flag, id) in [("--resume", &old), ("--session-id", &new)] {
        let mut terminal = place.start(How::Through, &["--model", "opus", flag, id]);
        wait_until("the record of this session", DEADLINE, || {
            place
                .sandbox
                .records()
                .iter()
                .any(|record| record.text("status") == "idle" && record.text("conversation") == id)
        });
        goes_on(&place, &mut terminal, id, "words of today");
        assert!(process::signal(claude_of(&place, id), Signal::SIGKILL));
        terminal.wait_for_text("[cckw: claude was killed by SIGKILL");
        terminal.press(Key::Enter);
        wait_until("the conversation again", DEADLINE, || drawn_again(&terminal, "words of today"));
        wait_for_prompt(&mut terminal);
        let again = process::arguments(claude_of(&place, id)).split_off(1);
        assert_eq!(again, ["--resume", id, "--model", "opus"]);
        goes_on(&place, &mut terminal, id, "words of tomorrow");
        leave(&place, terminal);
        fs::remove_dir_all(place.sandbox.path("state/cckw")).expect("the records");
    }
}

/// The claude that has this conversation open.
#[track_caller]
fn claude_of(place: &Place, id: &str) -> i32 {
    wait_until_some("a claude with the conversation", DEADLINE, || {
        place.sandbox.records().iter().find(|record| record.text("conversation") == id)?.pid("claude_pid")
    })
}

#[test]
fn in_a_worktree_with_a_name_and_a_prompt() {
    let place = patient();
    git(&place, &["init", "-q"]);
    git(&place, &["commit", "-q", "--allow-empty", "-m", "The first"]);
    let mut terminal = place.start(How::Through, &["-w", "tree", "a prompt in the arguments"]);
    terminal.wait_for_text(REPLY);
    let id = says(&place, "idle", 0).text("conversation").to_owned();
    written(&place, &id, REPLY);
    let tree = place.sandbox.work().join(".claude/worktrees/tree");
    let again = crash(&place, &mut terminal, 0);
    assert_eq!(again.text("conversation"), id);
    assert_eq!(arguments(&again), ["--resume", &id]);
    let state = place.state_of(again.pid("claude_pid").expect("a claude")).expect("its state file");
    assert_eq!(state["cwd"].as_str(), tree.to_str());
    assert!(drawn_again(&terminal, "a prompt in the arguments"), "{}", terminal.report());
    goes_on(&place, &mut terminal, &id, "typed words");
    assert_eq!(place.mock.arrived(), ["a prompt in the arguments", "typed words"]);
    let trees = fs::read_dir(tree.parent().expect("worktrees")).expect("worktrees").count();
    assert_eq!(trees, 1);
    leave(&place, terminal);
}

#[test]
fn a_crash_loop_ends_once_and_says_how_to_resume() {
    let place = Place::new();
    place.sandbox.configure("[restart]\ninitial_delay = \"1ms\"\nmax_delay = \"1ms\"\ncrash_limit = 4\n");
    let mut terminal = place.start(How::Through, &[]);
    let id = says(&place, "idle", 0).text("conversation").to_owned();
    goes_on(&place, &mut terminal, &id, "the first words");
    // Once at its prompt, then as soon as it is started.
    for restarts in 0..4 {
        let record = place.sandbox.wait_for_record("a claude", |record| {
            record.json["restarts"] == restarts && record.pid("child_pid").is_some_and(process::runs)
        });
        assert!(process::signal(record.pid("child_pid").expect("a claude"), Signal::SIGKILL));
    }
    assert_eq!(terminal.finish().code(), Some(128 + Signal::SIGKILL as i32), "{}", terminal.report());
    assert_eq!(terminal.modes().left_on(), Vec::<String>::new());
    let output = String::from_utf8_lossy(&terminal.output()).replace("\r\n", " ");
    let word =
        format!("claude crashed 4 times and is not started again; to try again: claude --resume {id}]");
    assert_eq!(output.matches("is not started again; to try again").count(), 1, "{output}");
    assert!(output.contains(&word), "{output}");
    let record =
        place.sandbox.wait_for_record("a session given up", |record| record.text("state") == "crashed");
    assert_eq!((&record.json["restarts"], &record.json["exit"]), (&json!(3), &json!({"signal": 9})));
    place.sandbox.wait_for_silence();

    let mut again = place.start(How::Direct, &["--resume", &id]);
    again.wait_for_text(REPLY);
    submit(&mut again, "/exit");
    assert_eq!(again.finish().code(), Some(0));
}

/// Trusts another directory beside the working directory.
fn trust(place: &Place, directory: &Path) {
    let path = place.sandbox.path("home/.claude.json");
    let mut config: Value = serde_json::from_slice(&fs::read(&path).expect("it")).expect("an object");
    config["projects"][directory.to_str().expect("a path")] = json!({"hasTrustDialogAccepted": true});
    fs::write(path, config.to_string()).expect("its configuration");
}

/// The transcript lies where the directory's old name says.
#[test]
fn in_a_directory_that_was_renamed() {
    let place = patient();
    let renamed = place.sandbox.path("renamed");
    trust(&place, &renamed);
    let mut terminal = place.start(How::Through, &[]);
    let id = says(&place, "idle", 0).text("conversation").to_owned();
    goes_on(&place, &mut terminal, &id, "the first words");
    fs::rename(place.sandbox.work(), &renamed).expect("another name");
    let again = crash(&place, &mut terminal, 0);
    assert_eq!(again.text("conversation"), id);
    assert_eq!(arguments(&again), ["--resume", &id]);
    assert!(drawn_again(&terminal, REPLY), "{}", terminal.report());
    let claude = again.pid("claude_pid").expect("a claude");
    assert_eq!(fs::read_link(format!("/proc/{claude}/cwd")).expect("its directory"), renamed);
    goes_on(&place, &mut terminal, &id, "the next words");
    assert_eq!(place.transcripts(), [id]);
    leave(&place, terminal);
}

#[test]
fn in_a_directory_that_was_removed() {
    let place = patient();
    let mut terminal = place.start(How::Through, &[]);
    let id = says(&place, "idle", 0).text("conversation").to_owned();
    goes_on(&place, &mut terminal, &id, "the first words");
    fs::remove_dir_all(place.sandbox.work()).expect("no more");
    kill(&place, &mut terminal);
    terminal.press(Key::Enter);
    // Claude would refuse to start, again and again.
    assert_eq!(terminal.finish().code(), Some(128 + Signal::SIGKILL as i32), "{}", terminal.report());
    let output = String::from_utf8_lossy(&terminal.output()).replace("\r\n", " ");
    assert!(output.contains("[cckw: claude cannot be started again: its directory "), "{output}");
    assert!(output.contains(&format!(" is gone; to go on elsewhere: claude --resume {id}]")), "{output}");
    place.sandbox.wait_for_record("a session given up", |record| record.text("state") == "crashed");
    place.sandbox.wait_for_silence();

    // What was advised works.
    fs::create_dir(place.sandbox.work()).expect("another directory, for the shell to be in");
    let elsewhere = place.sandbox.path("elsewhere");
    fs::create_dir(&elsewhere).expect("a directory");
    trust(&place, &elsewhere);
    let mut command = place.command(How::Direct, &["--resume", &id]);
    command.current_dir(&elsewhere);
    let mut again = Terminal::spawn(command);
    again.wait_for_text(REPLY);
    wait_for_prompt(&mut again);
    leave(&place, again);
}
