//! The places where typing is not safe, most of which call themselves idle.

use crate::pty::{Home, Tui};

/// What a careless keeper types.
fn type_carelessly(tui: &mut Tui) {
    tui.send("\x13");
    tui.send("/remote-control");
    tui.send("\r");
}

fn settled(tui: &mut Tui, status: &str) {
    tui.wait_state("status", status);
}

#[test]
fn the_transcript_view_swallows_what_is_typed() {
    let home = Home::new();
    let mut tui = home.start(&[]);
    tui.send("\x0f");
    tui.wait_for("Showing detailed transcript");
    assert_eq!(tui.prompt(), None);
    settled(&mut tui, "idle");
    type_carelessly(&mut tui);
    tui.send("\x0f");
    tui.wait("the prompt", |tui| tui.prompt().is_some());
    assert_eq!(tui.prompt().as_deref(), Some(""));
    assert!(!tui.text().contains("Remote Control"));
}

#[test]
fn the_history_search_shows_what_is_typed_in_the_footer() {
    let home = Home::new();
    let mut tui = home.start(&["find me again"]);
    tui.wait_for("● You said: find me again");
    tui.wait_state("status", "idle");
    tui.send("\x12");
    tui.wait_for("search prompts:");
    tui.send("me");
    tui.wait_for("search prompts: me");
    settled(&mut tui, "idle");
    tui.wait("the hit", |tui| tui.prompt().as_deref() == Some("find me again"));
    tui.send("\x1b");
    tui.wait("the empty prompt", |tui| tui.prompt().as_deref() == Some(""));
}

#[test]
fn the_agents_view_makes_a_session_of_what_is_typed() {
    let home = Home::new();
    let mut tui = home.start(&[]);
    tui.send("\x1b[D");
    tui.wait_for("describe a task for a new session");
    tui.wait("a parked job", |tui| tui.state().is_some_and(|state| state["parkedJobId"].is_string()));
    settled(&mut tui, "idle");
    assert_eq!(home.jobs(), 0);
    type_carelessly(&mut tui);
    tui.wait("a job", |_| home.jobs() == 1);
    tui.send("\x1b");
    tui.wait_state("parkedJobId", serde_json::Value::Null);
    tui.wait("the main prompt", |tui| tui.text().contains("? for shortcuts"));
}

#[test]
fn help_and_bash_mode_are_idle_too() {
    let home = Home::new();
    let mut tui = home.start(&[]);
    tui.send("?");
    tui.wait_for("ctrl+s to stash prompt");
    tui.send("?");
    tui.wait_for("? for shortcuts");
    tui.send("!");
    tui.wait_for("! for shell mode");
    settled(&mut tui, "idle");
    assert!(tui.text().lines().any(|line| line.starts_with("! ")));
    tui.submit("/remote-control");
    tui.wait_for("! /remote-control");
    tui.wait_for("⎿");
    assert!(!tui.text().contains("Remote Control"));
}

#[test]
fn vim_normal_mode_takes_characters_as_commands_and_a_paste_as_text() {
    let home = Home::new();
    let mut tui = home.start(&[]);
    tui.submit("/vim");
    tui.wait_for("-- INSERT --");
    tui.send("\x1b");
    tui.wait("normal mode", |tui| !tui.text().contains("-- INSERT --"));
    tui.send("/remote-control");
    tui.wait("what is left", |tui| tui.prompt().as_deref() == Some("te-control"));
    tui.send("\x03");
    tui.wait("an empty prompt", |tui| tui.prompt().as_deref() == Some(""));
    tui.send("\x1b");
    tui.wait("normal mode", |tui| !tui.text().contains("-- INSERT --"));
    tui.send("\x1b[200~/remote-control\x1b[201~");
    tui.wait("the command", |tui| tui.prompt().as_deref() == Some("/remote-control"));
    tui.send("\r");
    tui.wait_for("/rc active");
}

#[test]
fn a_folder_that_is_not_trusted_comes_before_everything() {
    let home = Home::new();
    let mut command = home.standin(&[]);
    command.env("CCKW_STANDIN_UNTRUSTED", "1");
    let mut tui = Tui::spawn(&home, command);
    tui.wait_for("Do you trust the files in this folder?");
    tui.send("/remote-control");
    tui.resize(24, 70);
    tui.wait_for(&"▔".repeat(70));
    assert_eq!(home.state_files().len(), 0);
    tui.send("\r");
    tui.wait_state("status", "idle");
    tui.wait("an empty prompt", |tui| tui.prompt().as_deref() == Some(""));
}

#[test]
fn dialogs_and_permission_prompts_wait() {
    let home = Home::new();
    let mut tui = home.start(&[]);
    tui.submit("/config");
    tui.wait_state("waitingFor", "dialog open");
    tui.wait("no prompt", |tui| tui.prompt().is_none());
    assert_eq!(tui.state().unwrap()["status"], "waiting");
    tui.send("\x1b");
    tui.wait_state("status", "idle");
    assert!(tui.state().unwrap()["waitingFor"].is_null());

    tui.submit("permission");
    tui.wait_state("waitingFor", "permission prompt");
    tui.wait_for("Do you want to proceed?");
    tui.send("1");
    tui.wait_for("● You said: permission");
    tui.wait_state("status", "idle");
    tui.submit("permission");
    tui.wait_state("status", "waiting");
    tui.send("\x1b");
    tui.wait_for("Interrupted");
    tui.wait_state("status", "idle");
}

#[test]
fn a_stashed_draft_comes_back_after_the_next_command() {
    let home = Home::new();
    let mut tui = home.start_with(&[], &[("SUBSCRIPTION", "none")]);
    tui.send("my draft");
    tui.wait("the draft", |tui| tui.prompt().as_deref() == Some("my draft"));
    tui.send("\x13");
    tui.wait_written("draft stashed");
    tui.wait("an empty prompt", |tui| tui.prompt().as_deref() == Some(""));
    tui.submit("/remote-control");
    tui.wait_for(
        "/remote-control needs a Claude subscription. This session uses\n  ANTHROPIC_API_KEY instead.",
    );
    tui.wait_written("draft restored");
    tui.wait("the draft", |tui| tui.prompt().as_deref() == Some("my draft"));
    // By hand: ctrl-s on an empty prompt, in the kitty encoding.
    tui.send("\x1b[115;5u");
    tui.wait("an empty prompt", |tui| tui.prompt().as_deref() == Some(""));
    tui.send("\x1b[115;5u");
    tui.wait("the draft", |tui| tui.prompt().as_deref() == Some("my draft"));
    assert!(tui.state().unwrap()["bridgeSessionId"].is_null());
}
