//! What the near side finds when it is back: it asks what runs, and believes nothing of what it knew.

use std::time::Instant;

use crate::bed::{Bed, Link, is_idle};
use crate::scene::{attached, connect_now, is_attached, wait_for_loss};
use crate::support::stand_in::{at_prompt, say};

#[test]
fn a_host_that_was_killed_meanwhile_is_revived_with_the_same_conversation() {
    let Some(bed) = Bed::new(&["box"]) else { return };
    let (mut terminal, record) = attached(&bed);
    say(&mut terminal, "remember this");
    let far = bed.far("box");
    bed.link("box", Link::Down);
    wait_for_loss(&mut terminal, Instant::now());
    far.kill(&record, "host_pid");
    bed.link("box", Link::Up);
    connect_now(&mut terminal);
    let now = far.record("api", "a revived session", |now| {
        is_idle(now) && is_attached(now) && now.json["host_pid"] != record.json["host_pid"]
    });
    assert_eq!(now.json["conversation"], record.json["conversation"]);
    terminal.wait_for_text("You said: remember this");
    at_prompt(&mut terminal);
    say(&mut terminal, "and this");
}

#[test]
fn a_machine_that_was_rebooted_brings_the_session_back() {
    let Some(bed) = Bed::new(&["box"]) else { return };
    let (mut terminal, record) = attached(&bed);
    say(&mut terminal, "remember this");
    bed.power_cut("box");
    wait_for_loss(&mut terminal, Instant::now());
    bed.boot("box");
    let far = bed.far("box");
    connect_now(&mut terminal);
    let now = far.record("api", "the session again", |now| is_idle(now) && is_attached(now));
    assert_eq!(now.json["conversation"], record.json["conversation"]);
    terminal.wait_for_text("You said: remember this");
    at_prompt(&mut terminal);
    say(&mut terminal, "and this");
}

#[test]
fn a_conversation_that_is_gone_is_said_and_a_fresh_one_begins() {
    let Some(bed) = Bed::new(&["box"]) else { return };
    let (mut terminal, _) = attached(&bed);
    say(&mut terminal, "remember this");
    let far = bed.far("box");
    // Before the cut: once the machine is up, the link may be back at any moment.
    far.runs(&["rm", "-rf", "/home/ada/.claude/projects"]);
    bed.power_cut("box");
    wait_for_loss(&mut terminal, Instant::now());
    bed.boot("box");
    let far = bed.far("box");
    connect_now(&mut terminal);
    far.record("api", "the session again", |now| is_idle(now) && is_attached(now));
    at_prompt(&mut terminal);
    say(&mut terminal, "a fresh one");
    let shown = terminal.history().join("\n");
    assert!(!shown.contains("You said: remember this"), "{shown}");
    let all = String::from_utf8_lossy(&terminal.output()).into_owned();
    assert!(all.contains("conversation"), "{shown}\n{all}");
}

#[test]
fn a_session_that_was_stopped_meanwhile_is_said_to_have_ended() {
    let Some(bed) = Bed::new(&["box"]) else { return };
    let (mut terminal, _) = attached(&bed);
    let far = bed.far("box");
    bed.link("box", Link::Down);
    wait_for_loss(&mut terminal, Instant::now());
    far.runs(&["cckw", "stop", "api"]);
    bed.link("box", Link::Up);
    connect_now(&mut terminal);
    let code = terminal.finish().code();
    let text = terminal.history().join("\n");
    assert!(code.is_some_and(|code| code != 255) && text.contains("box:api"), "{code:?}\n{text}");
    assert!(text.contains("cckw start box:api"), "{text}");
    far.record("api", "the end", |record| record.text("state") == "stopped");
    assert_eq!(terminal.modes().left_on(), Vec::<String>::new());
}

#[test]
fn a_cckw_that_is_gone_from_there_is_said() {
    let Some(bed) = Bed::new(&["box"]) else { return };
    let (mut terminal, _) = attached(&bed);
    let far = bed.far("box");
    far.kill_sshd();
    far.remove_cckw();
    wait_for_loss(&mut terminal, Instant::now());
    far.start_sshd();
    connect_now(&mut terminal);
    let code = terminal.finish().code();
    let text = terminal.history().join("\n");
    assert!(code == Some(255) && text.contains("there is no cckw"), "{code:?}\n{text}");
}

#[test]
fn a_host_key_that_has_changed_is_said_and_nothing_is_sent_to_that_host() {
    let Some(bed) = Bed::new(&["box"]) else { return };
    let (mut terminal, _) = attached(&bed);
    let far = bed.far("box");
    far.kill_sshd();
    wait_for_loss(&mut terminal, Instant::now());
    far.root(&["sh", "-c", "rm /etc/ssh/bed_key*; ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/bed_key"]);
    let logins = far.ssh_log().matches("Accepted").count();
    far.start_sshd();
    connect_now(&mut terminal);
    terminal.wait_for_history("its host key has changed");
    assert_eq!(far.ssh_log().matches("Accepted").count(), logins);
}
