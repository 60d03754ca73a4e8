//! Links that are lost in every way: it is noticed in time, the terminal is usable, and the session comes back.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::bed::{Bed, Link};
use crate::scene::{
    LEEWAY, LOST, NOTICED_WITHIN, attached, connect_now, is_attached, wait_for_detachment, wait_for_loss,
};
use crate::support::stand_in::{at_prompt, say};
use crate::support::{DEADLINE, Key, Terminal, process, wait_until};

/// Waits until the screen is as it was before the link was lost, and a dialogue goes on.
#[track_caller]
fn goes_on(terminal: &mut Terminal, before: &str, words: &str) {
    terminal.wait_for("the screen as it was", |screen| screen.text() == before);
    say(terminal, words);
}

#[test]
fn a_silent_link_is_noticed_in_time_and_the_screen_is_the_same_after_it() {
    let Some(bed) = Bed::new(&["box"]) else { return };
    let (mut terminal, record) = attached(&bed);
    say(&mut terminal, "before");
    let (before, modes) = (terminal.screen(), terminal.modes());
    bed.link("box", Link::Silent);
    let took = wait_for_loss(&mut terminal, Instant::now());
    assert!(took < NOTICED_WITHIN + LEEWAY, "{took:?}");
    assert_eq!(terminal.modes().left_on(), Vec::<String>::new(), "{}", terminal.report());
    wait_for_detachment(bed.far("box"));
    bed.link("box", Link::Heard);
    connect_now(&mut terminal);
    goes_on(&mut terminal, &before.text(), "after");
    assert_eq!(terminal.modes(), modes);
    let now = bed.far("box").record("api", "the terminal", is_attached);
    for key in ["host_pid", "claude_pid", "conversation"] {
        assert_eq!(now.json[key], record.json[key]);
    }
}

#[test]
fn an_interface_that_goes_down_is_noticed_in_time() {
    let Some(bed) = Bed::new(&["box"]) else { return };
    let (mut terminal, _) = attached(&bed);
    let before = terminal.screen().text();
    bed.link("box", Link::Down);
    let took = wait_for_loss(&mut terminal, Instant::now());
    assert!(took < NOTICED_WITHIN + LEEWAY, "{took:?}");
    // While it is down, no attempt helps, and each says why.
    connect_now(&mut terminal);
    terminal.wait_for_text("no way leads to it");
    bed.link("box", Link::Up);
    connect_now(&mut terminal);
    goes_on(&mut terminal, &before, "after");
}

#[test]
fn a_killed_sshd_is_noticed_at_once_and_the_session_is_back_without_a_key() {
    let Some(bed) = Bed::new(&["box"]) else { return };
    let (mut terminal, _) = attached(&bed);
    let before = terminal.screen().text();
    let far = bed.far("box");
    far.kill_sshd();
    let took = wait_for_loss(&mut terminal, Instant::now());
    assert!(took < Duration::from_secs(2) + LEEWAY, "{took:?}");
    far.start_sshd();
    goes_on(&mut terminal, &before, "after");
    // Once more, on a connection that is shared with nobody: ssh's own last words are said, and not drawn over claude.
    far.kill_sshd();
    terminal.wait_for("the second loss", |screen| screen.text().contains(LOST));
    let words = "closed by remote host";
    let stray = |line: &String| line.contains(words) && !line.contains("[cckw:");
    assert!(!terminal.history().iter().any(stray), "{}", terminal.report());
    far.start_sshd();
    terminal.wait_for("the screen of the session", |screen| !screen.text().contains(LOST));
    at_prompt(&mut terminal);
    say(&mut terminal, "again");
}

#[test]
fn a_near_side_that_was_asleep_takes_nothing_for_live() {
    let Some(bed) = Bed::new(&["box"]) else { return };
    let (mut terminal, _) = attached(&bed);
    let before = terminal.screen().text();
    process::signal(terminal.pid(), Signal::SIGSTOP);
    wait_until("the near side to be stopped", DEADLINE, || process::is_stopped(terminal.pid()));
    wait_for_detachment(bed.far("box"));
    terminal.offer(b"typed while asleep", Duration::from_secs(5));
    process::signal(terminal.pid(), Signal::SIGCONT);
    terminal.wait_for_text(LOST);
    connect_now(&mut terminal);
    terminal.wait_for("the screen as it was", |screen| screen.text() == before);
    say(&mut terminal, "after");
    let text = terminal.screen().text();
    assert!(!text.contains("typed while asleep"), "{text}");
}

#[test]
fn while_it_is_down_keys_are_discarded_with_a_word_and_ctrl_c_leaves() {
    let Some(bed) = Bed::new(&["box"]) else { return };
    let (mut terminal, _) = attached(&bed);
    bed.link("box", Link::Down);
    bed.far("box").kill_sshd();
    wait_for_loss(&mut terminal, Instant::now());
    terminal.type_text("abc");
    terminal.wait_for_text("3 keys discarded");
    terminal.press(Key::Ctrl('c'));
    assert_eq!(terminal.finish().code(), Some(130));
    assert!(terminal.screen().contains("cckw attach box:api"), "{}", terminal.report());
    assert_eq!(terminal.modes().left_on(), Vec::<String>::new());
}

#[test]
fn the_detach_key_works_while_the_link_is_silent_and_while_it_is_down() {
    let Some(bed) = Bed::new(&["box"]) else { return };
    let (mut terminal, _) = attached(&bed);
    bed.link("box", Link::Silent);
    let begin = Instant::now();
    terminal.press(Key::Ctrl('\\'));
    assert_eq!(terminal.finish().code(), Some(0), "{}", terminal.report());
    assert!(begin.elapsed() < Duration::from_secs(6) + LEEWAY, "{:?}", begin.elapsed());
    assert!(terminal.screen().contains("cckw attach box:api"), "{}", terminal.report());
    bed.link("box", Link::Heard);
    wait_for_detachment(bed.far("box"));

    let mut terminal = bed.attach("box:api");
    at_prompt(&mut terminal);
    bed.link("box", Link::Down);
    wait_for_loss(&mut terminal, Instant::now());
    terminal.press(Key::Ctrl('\\'));
    assert_eq!(terminal.finish().code(), Some(0), "{}", terminal.report());
    assert!(terminal.screen().contains("cckw attach box:api"), "{}", terminal.report());
}

#[test]
fn the_first_connection_is_tried_once_and_why_it_failed_is_said() {
    let Some(bed) = Bed::new(&["box"]) else { return };
    bed.link("box", Link::Down);
    let mut terminal = bed.attach("box:api");
    assert_eq!(terminal.finish().code(), Some(255), "{}", terminal.report());
    assert!(terminal.screen().contains("no way leads to it"), "{}", terminal.report());
    bed.link("box", Link::Up);
    let mut terminal = bed.attach("box:api");
    assert_eq!(terminal.finish().code(), Some(1), "{}", terminal.report());
}

#[test]
fn an_answer_that_streams_while_the_link_is_cut_is_complete_and_written_once() {
    let Some(bed) = Bed::new(&["box"]) else { return };
    let (mut terminal, record) = attached(&bed);
    let words = "an answer of some length ".repeat(24);
    terminal.type_text(words.trim());
    let squeezed = words.replace(' ', "");
    terminal.wait_for("the text", |screen| screen.text().replace([' ', '\n'], "").contains(&squeezed));
    terminal.press(Key::Enter);
    let far = bed.far("box");
    far.record("api", "a turn", |record| record.text("status") == "busy");
    bed.link("box", Link::Silent);
    wait_for_loss(&mut terminal, Instant::now());
    bed.link("box", Link::Heard);
    connect_now(&mut terminal);
    at_prompt(&mut terminal);
    let now = far.record("api", "the end of the turn", |record| record.text("status") == "idle");
    assert_eq!(now.json["claude_pid"], record.json["claude_pid"]);
    let answer = far.runs(&["cckw", "transcript", "api", "--last"]);
    assert_eq!(answer.trim(), format!("You said: {}", words.trim()));
}

#[test]
fn a_terminal_that_is_closed_while_the_link_is_down_leaves_nothing_behind() {
    let Some(bed) = Bed::new(&["box"]) else { return };
    let (mut terminal, _) = attached(&bed);
    bed.link("box", Link::Silent);
    wait_for_loss(&mut terminal, Instant::now());
    terminal.hang_up();
    let near = |pid: &i32| process::arguments(*pid).iter().any(|word| word == "attach");
    wait_until("the end of the near side", DEADLINE, || !bed.processes().iter().any(near));
    bed.link("box", Link::Heard);
    wait_for_detachment(bed.far("box"));
    let mut terminal: Terminal = bed.attach("box:api");
    at_prompt(&mut terminal);
    say(&mut terminal, "after");
}
