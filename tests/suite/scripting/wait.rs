//! `cckw wait`.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use super::{named, run, told};
use crate::support::stand_in::{at_prompt, sandbox, submit};
use crate::support::verb::{cckw, well_said};
use crate::support::{DEADLINE, Sandbox, Terminal, process, wait_until};

/// A wait that has begun.
fn spawn(sandbox: &Sandbox, words: &[&str]) -> Child {
    let mut command = cckw(sandbox, words);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("runs")
}

fn end(child: Child) -> (Option<i32>, String, String) {
    told(&child.wait_with_output().expect("ends"))
}

/// Lets the session answer in a terminal, which ends the wait for its turn, and ends it.
#[track_caller]
fn the_next_turn_ends(sandbox: &Sandbox, turn: Child) {
    let mut terminal = Terminal::spawn(cckw(sandbox, &["attach", "api"]));
    at_prompt(&mut terminal);
    submit(&mut terminal, "and now");
    assert_eq!(end(turn), (Some(0), "api\tdone\n".into(), String::new()));
    well_said(sandbox, &["stop", "api"]);
    terminal.finish();
    sandbox.wait_for_silence();
}

/// Waits until the wait is one: it watches the session. That is seen by its signal handlers.
fn waits(child: &Child) {
    let path = format!("/proc/{}/status", child.id());
    wait_until("a wait", DEADLINE, || {
        let status = std::fs::read_to_string(&path).unwrap_or_default();
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:\t")).unwrap_or("0");
        u64::from_str_radix(caught, 16).is_ok_and(|caught| caught & (1 << (libc::SIGINT - 1)) != 0)
    });
}

#[test]
fn it_ends_with_the_turn() {
    let mut sandbox = sandbox();
    sandbox.set("CCKW_STANDIN_PACE", "100");
    // The turn of the first prompt has begun when `new` returns.
    well_said(
        &sandbox,
        &["new", "api", "--prompt", "ten words that are answered in a second or two, slowly"],
    );
    let begun = Instant::now();
    let said = well_said(&sandbox, &["wait", "api"]);
    assert_eq!(said, "api\tidle\n");
    assert!(begun.elapsed() > Duration::from_millis(500), "the turn was not waited for");
    let record = named(&sandbox, "api");
    assert_eq!(
        (record.text("status"), record.json["with_transcript"].as_array().map(Vec::len)),
        ("idle", Some(1))
    );
    // Nothing runs any more.
    assert_eq!(well_said(&sandbox, &["wait", "api", "--timeout", "0s"]), "api\tidle\n");
    // The next turn has not come.
    let (code, stdout, stderr) = run(&sandbox, &["wait", "--for", "turn", "--timeout", "300ms", "api"]);
    assert_eq!((code, &*stdout), (Some(5), "api\ttimeout\tidle\n"), "{stderr}");
    let turn = spawn(&sandbox, &["wait", "--for", "turn", "api"]);
    waits(&turn);
    the_next_turn_ends(&sandbox, turn);
}

#[test]
fn a_question_of_claude_s_ends_it() {
    let sandbox = sandbox();
    well_said(&sandbox, &["new", "api", "--prompt", "permission"]);
    let (code, stdout, _) = run(&sandbox, &["wait", "api"]);
    assert_eq!((code, &*stdout), (Some(3), "api\tasks\tpermission prompt\n"));
    assert_eq!(well_said(&sandbox, &["wait", "--for", "asks", "api"]), "api\tasks\tpermission prompt\n");
    // One that rests is enough, where any is.
    well_said(&sandbox, &["new", "web"]);
    let said = "api\tasks\tpermission prompt\nweb\tidle\n";
    for (words, status) in [(&["wait", "--any", "api", "web"][..], 0), (&["wait", "api", "web"], 3)] {
        let (code, stdout, stderr) = run(&sandbox, words);
        assert_eq!((code, &*stdout), (Some(status), said), "{words:?}: {stderr}");
    }
    well_said(&sandbox, &["stop", "api", "web"]);
    sandbox.wait_for_silence();
}

#[test]
fn the_end_of_a_session_ends_it() {
    let sandbox = sandbox();
    well_said(&sandbox, &["new", "api"]);
    let wait = spawn(&sandbox, &["wait", "--for", "ended", "api"]);
    let turn = spawn(&sandbox, &["wait", "--for", "turn", "api"]);
    waits(&wait);
    waits(&turn);
    well_said(&sandbox, &["stop", "api"]);
    assert_eq!(end(wait), (Some(0), "api\tended\n".into(), String::new()));
    let (code, stdout, _) = end(turn);
    assert_eq!(code, Some(1));
    assert!(stdout.starts_with("api\tended\tstopped"), "{stdout}");
    // It has ended already.
    assert_eq!(run(&sandbox, &["wait", "--for", "ended", "api"]).0, Some(0));
    assert_eq!(run(&sandbox, &["wait", "api"]).0, Some(1));
    sandbox.wait_for_silence();
}

#[test]
fn of_several_all_or_the_first_are_waited_for() {
    let sandbox = sandbox();
    for name in ["one", "two"] {
        well_said(&sandbox, &["new", name]);
    }
    let all = spawn(&sandbox, &["wait", "--for", "ended", "one", "two"]);
    let any = spawn(&sandbox, &["wait", "--for", "ended", "--any", "one", "two"]);
    waits(&all);
    waits(&any);
    well_said(&sandbox, &["stop", "two"]);
    assert_eq!(end(any), (Some(0), "two\tended\n".into(), String::new()));
    well_said(&sandbox, &["stop", "one"]);
    // On a busy machine both may be seen in one look.
    let (code, stdout, stderr) = end(all);
    let lines: std::collections::BTreeSet<_> = stdout.lines().collect();
    assert_eq!((code, &*stderr), (Some(0), ""));
    assert_eq!(lines.into_iter().collect::<Vec<_>>(), ["one\tended", "two\tended"]);
    sandbox.wait_for_silence();
}

#[test]
fn a_claude_that_is_killed_and_comes_back_is_waited_for() {
    let sandbox = sandbox();
    well_said(&sandbox, &["new", "api"]);
    let turn = spawn(&sandbox, &["wait", "--for", "turn", "api"]);
    waits(&turn);
    let claude = named(&sandbox, "api").pid("claude_pid").expect("a claude");
    process::signal(claude, Signal::SIGKILL);
    wait_until("another claude", DEADLINE, || {
        let record = named(&sandbox, "api");
        record.json["restarts"] == 1 && record.text("status") == "idle"
    });
    the_next_turn_ends(&sandbox, turn);
}

/// `[turn]` has claude go on with it: it has not failed.
#[test]
fn a_turn_that_claude_goes_on_with_by_itself_is_waited_for() {
    let mut sandbox = sandbox();
    sandbox.set("CCKW_STANDIN_PACE", "200");
    sandbox.configure(
        "[turn]\ncrash = \"continue\"\n[restart]\ninitial_delay = \"10ms\"\nearly_delay = \"0s\"\nmax_delay = \"10ms\"\n",
    );
    well_said(&sandbox, &["new", "api"]);
    let send = spawn(&sandbox, &["send", "api", "--wait", "words that take a while"]);
    sandbox.wait_for_record("a turn", |record| record.text("status") == "busy");
    let wait = spawn(&sandbox, &["wait", "api"]);
    waits(&wait);
    process::signal(named(&sandbox, "api").pid("claude_pid").expect("a claude"), Signal::SIGKILL);
    assert_eq!(end(wait), (Some(0), "api\tidle\n".into(), String::new()));
    let (code, stdout, stderr) = end(send);
    assert_eq!(code, Some(0), "{stderr}");
    assert!(stdout.contains("You said: words that take a while"), "{stdout}");
    assert_eq!(named(&sandbox, "api").json["turns_continued"], 1);
    well_said(&sandbox, &["stop", "api"]);
    sandbox.wait_for_silence();
}

/// A claude that is to be restarted still rests when `cckw restart` has returned.
#[test]
fn a_claude_that_was_asked_to_be_restarted_is_waited_for() {
    let sandbox = sandbox();
    well_said(&sandbox, &["new", "api", "--prompt", "words"]);
    assert_eq!(well_said(&sandbox, &["wait", "api"]), "api\tidle\n");
    for restarts in 1..=3 {
        let before = named(&sandbox, "api");
        assert!(well_said(&sandbox, &["restart", "api"]).starts_with("api: claude is restarted"));
        assert_eq!(well_said(&sandbox, &["wait", "api"]), "api\tidle\n");
        let record = named(&sandbox, "api");
        assert_ne!(record.json["claude_pid"], before.json["claude_pid"]);
        assert_eq!((record.text("status"), &record.json["restarts"]), ("idle", &restarts.into()));
    }
    well_said(&sandbox, &["stop", "api"]);
    sandbox.wait_for_silence();
}

#[test]
fn a_session_whose_host_is_killed_is_brought_back_meanwhile() {
    let sandbox = sandbox();
    well_said(&sandbox, &["new", "api"]);
    let wait = spawn(&sandbox, &["wait", "--for", "turn", "api"]);
    waits(&wait);
    let before = named(&sandbox, "api");
    process::signal(before.pid("host_pid").expect("a host"), Signal::SIGKILL);
    wait_until("another host", DEADLINE, || {
        let record = named(&sandbox, "api");
        record.pid("host_pid") != before.pid("host_pid") && record.text("status") == "idle"
    });
    well_said(&sandbox, &["stop", "api"]);
    assert_eq!(end(wait).0, Some(1));
    sandbox.wait_for_silence();
}

#[test]
fn ctrl_c_ends_the_wait_alone() {
    let sandbox = sandbox();
    well_said(&sandbox, &["new", "api"]);
    let wait = spawn(&sandbox, &["wait", "--for", "turn", "api"]);
    waits(&wait);
    process::signal(i32::try_from(wait.id()).expect("a pid"), Signal::SIGINT);
    let (code, stdout, stderr) = end(wait);
    assert_eq!((code, &*stdout), (Some(130), ""), "{stderr}");
    assert_eq!(named(&sandbox, "api").text("status"), "idle");
    well_said(&sandbox, &["stop", "api"]);
    sandbox.wait_for_silence();
}

#[test]
fn a_server_has_no_turns_and_what_is_unknown_is_said() {
    let sandbox = sandbox();
    well_said(&sandbox, &["new", "office", "--", "rc"]);
    let (code, _, stderr) = run(&sandbox, &["wait", "office"]);
    assert_eq!(code, Some(1));
    assert!(stderr.contains("cckw wait --for ended office"), "{stderr}");
    assert_eq!(run(&sandbox, &["wait", "nothing"]).0, Some(1));
    assert_eq!(run(&sandbox, &["wait"]).0, Some(2));
    well_said(&sandbox, &["stop", "office"]);
    sandbox.wait_for_silence();
}
