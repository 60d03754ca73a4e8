//! The user's command that is told what happens (`[notify]`): what it gets, and that it harms nothing.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::support::stand_in::{at_prompt, exit, idle, say, start, submit};
use crate::support::verb::{cckw, well_said};
use crate::support::{DEADLINE, Key, Sandbox, process, wait_until, wait_until_some};

/// A sandbox whose sessions run this script for alerts.
fn sandbox(script: &str, more: &str) -> Sandbox {
    let sandbox = crate::support::stand_in::sandbox();
    let script = sandbox.script("told", script);
    sandbox.configure(&format!(
        "[notify]\ncommand = [\"{}\", \"an argument\"]\n{more}\n[start]\nexisting = \"new\"\n",
        script.display()
    ));
    sandbox
}

/// Writes each alert to `alerts/NAME-OF-THE-EVENT.PID`, first its line.
const WRITES_DOWN: &str = r#"#!/bin/sh
mkdir -p "$HOME/alerts"
file="$HOME/alerts/$CCKW_EVENT.$$"
{
    cat
    echo "argument=$1 session=$CCKW_SESSION name=$CCKW_NAME text=$CCKW_TEXT attached=$CCKW_ATTACHED"
    for fd in /proc/$$/fd/*; do echo "fd ${fd##*/} $(readlink "$fd")"; done
    (: </dev/tty) 2>/dev/null && echo "has a terminal"
    echo "umask $(umask)"
    grep SigIgn /proc/$$/status
} >"$file.part"
mv "$file.part" "$file"
"#;

/// What was written down about events of this name, when there are so many.
fn told(sandbox: &Sandbox, event: &str, count: usize) -> Vec<String> {
    let prefix = format!("{event}.");
    wait_until_some(&format!("{count} of {event}"), DEADLINE, || {
        let files = std::fs::read_dir(sandbox.path("home/alerts")).ok()?.flatten().map(|file| file.path());
        let is_one = |path: &std::path::PathBuf| {
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            name.starts_with(&prefix) && !name.ends_with(".part")
        };
        let mut texts: Vec<String> =
            files.filter(is_one).map(|path| std::fs::read_to_string(path).expect("text")).collect();
        texts.sort();
        (texts.len() == count).then_some(texts)
    })
}

fn line(text: &str) -> Value {
    serde_json::from_str(text.lines().next().expect("a line")).expect("JSON")
}

#[test]
fn the_command_is_told_of_a_question_and_of_the_end_of_a_turn() {
    let sandbox = sandbox(WRITES_DOWN, "");
    let mut terminal = start(&sandbox, &["-n", "my work"]);
    let record = idle(&sandbox, 0);
    submit(&mut terminal, "permission");
    terminal.wait_for_text("Do you want to proceed?");
    let asks = told(&sandbox, "asks", 1).remove(0);
    let alert = line(&asks);
    assert_eq!(
        (&alert["v"], &alert["event"], &alert["session"], &alert["name"], &alert["attached"]),
        (&1.into(), &"asks".into(), &record.json["session"], &"my work".into(), &true.into())
    );
    assert_eq!(alert["text"], "claude waits for you: permission prompt");
    assert_eq!(alert["conversation"], record.json["conversation"]);
    assert_eq!(alert["dir"], sandbox.work().to_str().expect("text"));
    let said = format!(
        "argument=an argument session={} name=my work text=claude waits for you: permission prompt attached=1",
        record.text("session")
    );
    assert!(asks.lines().any(|line| line == said), "{asks}");
    terminal.type_text("1");
    at_prompt(&mut terminal);
    let done = told(&sandbox, "done", 1).remove(0);
    assert_eq!(line(&done)["text"], "You said: permission");
    // Nothing of ours is open there: pipes and files of the shell's own, no socket, terminal or lock.
    let mut targets =
        done.lines().filter_map(|line| line.strip_prefix("fd ")?.split_once(' ').map(|fd| fd.1));
    let is_own = |target: &str| {
        let (home, bin) = (sandbox.path("home/alerts"), sandbox.path("bin"));
        target.starts_with("pipe:")
            || target == "/dev/null"
            || [home, bin].iter().any(|own| std::path::Path::new(target).starts_with(own))
    };
    assert!(targets.all(is_own), "{done}");
    assert!(!done.contains("has a terminal"), "{done}");
    assert!(done.contains("umask 0022"), "{done}");
    let ignored = done.lines().find_map(|line| line.strip_prefix("SigIgn:")).expect("a mask").trim();
    let ignored = u64::from_str_radix(ignored, 16).expect("a number");
    let bit = |signal: Signal| 1_u64 << (signal as u32 - 1);
    assert_eq!(ignored & (bit(Signal::SIGPIPE) | bit(Signal::SIGHUP) | bit(Signal::SIGXFSZ)), 0, "{done}");
    wait_until("both in the log", DEADLINE, || {
        well_said(&sandbox, &["logs"]).matches("alert-sent").count() == 2
    });
    exit(terminal);
    sandbox.wait_for_silence();
}

#[test]
fn it_is_told_of_each_crash_and_of_the_last_one_when_the_session_ends() {
    let sandbox =
        sandbox(WRITES_DOWN, "on = [\"crashed\"]\n[restart]\nearly_delay = \"0s\"\ncrash_limit = 2");
    let mut terminal = start(&sandbox, &[]);
    say(&mut terminal, "words");
    let kill =
        |restarts| process::signal(idle(&sandbox, restarts).pid("claude_pid").expect("one"), Signal::SIGKILL);
    kill(0);
    let first = told(&sandbox, "crashed", 1).remove(0);
    let text = line(&first)["text"].as_str().expect("text").to_owned();
    assert!(text.starts_with("claude was killed by SIGKILL; back in "), "{text}");
    kill(1);
    terminal.finish();
    let texts = told(&sandbox, "crashed", 2);
    assert!(texts.iter().any(|text| text.contains("crashed 2 times and is not started again")), "{texts:?}");
    sandbox.wait_for_silence();
}

#[test]
fn it_is_told_of_a_host_that_was_killed() {
    let sandbox = sandbox(WRITES_DOWN, "on = [\"crashed\"]");
    let mut terminal = start(&sandbox, &[]);
    say(&mut terminal, "words");
    process::signal(idle(&sandbox, 0).pid("host_pid").expect("a host"), Signal::SIGKILL);
    idle(&sandbox, 1);
    let text = told(&sandbox, "crashed", 1).remove(0);
    assert!(text.contains("the session's host was killed"), "{text}");
    at_prompt(&mut terminal);
    exit(terminal);
    sandbox.wait_for_silence();
}

/// It hangs, and so does what it has started; it reads nothing and ignores SIGTERM.
const HANGS: &str =
    "#!/bin/sh\ntrap '' TERM\necho $$ >>\"$HOME/hung\"\nsleep 1000 &\nsleep 1000\nsleep 1000\n";

fn hung(sandbox: &Sandbox) -> Option<i32> {
    std::fs::read_to_string(sandbox.path("home/hung")).ok()?.lines().next()?.parse().ok()
}

#[test]
fn one_that_hangs_holds_up_nothing_and_is_ended_with_all_it_has_started() {
    let sandbox = sandbox(HANGS, "");
    let mut terminal = start(&sandbox, &[]);
    say(&mut terminal, "words");
    let pid = wait_until_some("the command", DEADLINE, || hung(&sandbox));
    let begun = Instant::now();
    terminal.type_text("more words");
    terminal.wait_for("them", |screen| screen.cursor_row().ends_with("more words"));
    terminal.press(Key::Ctrl('u'));
    // It has its time, and no more.
    wait_until("the end of the first run", DEADLINE, || !process::runs(pid));
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(60), "{took:?}");
    wait_until("124 in the log", DEADLINE, || {
        well_said(&sandbox, &["logs", "--json"]).contains(r#""alert":"done","at""#)
    });
    assert!(well_said(&sandbox, &["logs", "--json"]).contains(r#""exit":{"code":124}"#));
    exit(terminal);
    sandbox.wait_for_silence();
}

#[test]
fn the_end_of_a_session_does_not_wait_for_one_that_hangs() {
    let sandbox = sandbox(HANGS, "");
    let mut terminal = start(&sandbox, &[]);
    say(&mut terminal, "words");
    wait_until_some("the command", DEADLINE, || hung(&sandbox));
    let record = idle(&sandbox, 0);
    let begun = Instant::now();
    process::signal(record.pid("host_pid").expect("a host"), Signal::SIGTERM);
    terminal.finish();
    wait_until("the host's end", DEADLINE, || !process::runs(record.pid("host_pid").expect("a host")));
    assert!(begun.elapsed() < Duration::from_secs(9), "{:?}", begun.elapsed());
    sandbox.wait_for_silence();
}

#[test]
fn one_that_is_missing_is_complained_of_and_the_session_goes_on() {
    let sandbox = crate::support::stand_in::sandbox();
    sandbox.configure("[notify]\ncommand = [\"no-such-program\"]\n[start]\nexisting = \"new\"\n");
    let mut terminal = start(&sandbox, &[]);
    say(&mut terminal, "words");
    sandbox.wait_for_record("a complaint", |record| {
        record.json["notice"]["text"].as_str().is_some_and(|text| {
            text.contains("`command` in [notify] does not work: no-such-program was not found")
        })
    });
    say(&mut terminal, "more words");
    exit(terminal);
    sandbox.wait_for_silence();
}

#[test]
fn a_mistake_in_the_table_is_said_before_claude_is_started() {
    let sandbox = crate::support::stand_in::sandbox();
    sandbox.configure("[notify]\ncommand = [\"./push\"]\n");
    let output = cckw(&sandbox, &["doctor"]).output().expect("runs");
    let said =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("`command` begins with a relative path"), "{said}");
}
