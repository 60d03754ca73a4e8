//! `cckw new`.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::{named, run, told};
use crate::support::stand_in::{arguments, at_prompt, idle, sandbox, transcript};
use crate::support::verb::{cckw, well_said};
use crate::support::{DEADLINE, Key, Sandbox, Terminal, cckw_program, process, wait_until};

/// That nothing is left of a session that was refused.
#[track_caller]
fn nothing_is_left(sandbox: &Sandbox) {
    sandbox.wait_for_silence();
    let left: Vec<_> = fs::read_dir(sandbox.path("state/cckw")).into_iter().flatten().flatten().collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn it_starts_a_session_and_says_what_it_is_called() {
    let sandbox = sandbox();
    let said = well_said(&sandbox, &["new", "api", "--", "--model", "opus"]);
    let record = idle(&sandbox, 0);
    let id = record.text("session").to_owned();
    assert_eq!(said, format!("api\t{id}\n"));
    assert_eq!(arguments(&record), ["--session-id", &id, "--name=api", "--model", "opus"]);
    assert_eq!((record.text("conversation"), record.json["pinned"].as_bool()), (&*id, Some(true)));
    assert!(record.json["client_pid"].is_null(), "{}", record.json);
    // It has no terminal, and is taken into one as any other.
    let mut terminal = Terminal::spawn(cckw(&sandbox, &["attach", "api"]));
    at_prompt(&mut terminal);
    well_said(&sandbox, &["stop", "api"]);
    terminal.finish();
    sandbox.wait_for_silence();
}

#[test]
fn the_directory_and_the_environment_are_as_after_cd() {
    let mut sandbox = sandbox();
    let project = sandbox.path("home/project");
    fs::create_dir(&project).expect("a directory");
    for (name, value) in
        [("TERM", "dumb"), ("CLAUDECODE", "1"), ("CLAUDE_CODE_CHILD_SESSION", "1"), ("MINE", "kept")]
    {
        sandbox.set(name, value);
    }
    let said = well_said(&sandbox, &["new", "api", project.to_str().expect("a path"), "--json"]);
    let said: Value = serde_json::from_str(&said).expect("one object");
    assert_eq!((&said["name"], &said["state"]), (&"api".into(), &"idle".into()));
    let record = named(&sandbox, "api");
    assert_eq!(record.text("cwd"), project.to_str().expect("a path"));
    let environment = process::environment(record.pid("child_pid").expect("a claude"));
    let has = |line: &str| environment.iter().any(|found| found == line);
    assert!(has("TERM=xterm-256color") && has("MINE=kept"), "{environment:?}");
    assert!(has(&format!("PWD={}", project.display())) && !has("CLAUDECODE=1"), "{environment:?}");
    well_said(&sandbox, &["stop", "api"]);
    sandbox.wait_for_silence();
}

/// Whether claude may work in this folder: seen at once, said by each verb, and never answered.
#[test]
fn a_question_before_the_start_is_said_everywhere_and_left_to_the_user() {
    let mut sandbox = sandbox();
    sandbox.set("CCKW_STANDIN_UNTRUSTED", "1");
    let question = "Do you trust the files in this folder?";
    let begun = Instant::now();
    let (status, stdout, stderr) = run(&sandbox, &["new", "api"]);
    assert_eq!(status, Some(3), "{stderr}");
    assert!(begun.elapsed() < Duration::from_secs(15), "it was waited for, and not seen");
    assert!(stdout.starts_with("api\t"), "{stdout}");
    assert!(stderr.contains(question) && stderr.contains("cckw attach api"), "{stderr}");
    let listed: Value = serde_json::from_str(&well_said(&sandbox, &["list", "--json"])).expect("a row");
    assert_eq!((&listed["state"], &listed["waiting_for"]), (&"asks".into(), &question.into()));
    let table = well_said(&sandbox, &["list"]);
    assert!(table.contains(&format!("({question}): cckw attach api")), "{table}");
    let waited = run(&sandbox, &["wait", "api"]);
    assert_eq!((waited.0, &*waited.1), (Some(3), &*format!("api\tasks\t{question}\n")), "{}", waited.2);
    assert_eq!(run(&sandbox, &["wait", "--for", "asks", "api"]).0, Some(0));
    let mut terminal = Terminal::spawn(cckw(&sandbox, &["attach", "api"]));
    terminal.wait_for_text("trust");
    terminal.press(Key::Enter);
    at_prompt(&mut terminal);
    let record = idle(&sandbox, 0);
    assert!(record.json["asks_first"].is_null(), "{}", record.json);
    well_said(&sandbox, &["stop", "api"]);
    terminal.finish();
    sandbox.wait_for_silence();
}

#[test]
fn it_needs_no_terminal_and_no_open_descriptor() {
    let sandbox = sandbox();
    // In a session of its own there is no controlling terminal; SIGINT and SIGHUP are ignored as for a job of a
    // script.
    let mut shell = sandbox.command("/usr/bin/setsid");
    shell.args(["--wait", "/bin/sh", "-c", r#"trap '' HUP INT; exec "$0" new api <&- >&- 2>&-"#]);
    shell.arg(cckw_program()).stdin(Stdio::null());
    assert_eq!(shell.status().expect("runs").code(), Some(0));
    let record = idle(&sandbox, 0);
    let claude = record.pid("child_pid").expect("a claude");
    let status = fs::read_to_string(format!("/proc/{claude}/status")).expect("its status");
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:\t")).expect("a line");
    let ignored = u64::from_str_radix(ignored, 16).expect("a mask");
    assert_eq!(ignored & (1 | 1 << 1), 0, "SIGHUP or SIGINT is ignored: {ignored:x}");
    well_said(&sandbox, &["stop", "api"]);
    sandbox.wait_for_silence();
}

#[test]
fn the_prompt_may_be_anything_and_come_from_stdin() {
    for prompt in ["-x --model", "mcp", "two\nlines", "日本 👩‍👩‍👧"] {
        let sandbox = sandbox();
        let mut command = cckw(&sandbox, &["new", "api", "--prompt", "-"]);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("runs");
        let text = format!("{prompt}\n");
        child.stdin.take().expect("its stdin").write_all(text.as_bytes()).expect("takes the prompt");
        let (code, _, stderr) = told(&child.wait_with_output().expect("ends"));
        assert_eq!((code, &*stderr), (Some(0), ""), "{prompt}");
        let id = named(&sandbox, "api").text("conversation").to_owned();
        let first = prompt.lines().next().expect("a line").trim();
        wait_until("the prompt in the transcript", DEADLINE, || {
            let text = sandbox.records()[0].json["with_transcript"][0]
                .is_string()
                .then(|| fs::read_to_string(transcript(&sandbox, &id)).unwrap_or_default());
            text.is_some_and(|text| text.contains(first))
        });
        well_said(&sandbox, &["stop", "api"]);
        sandbox.wait_for_silence();
    }
}

#[test]
fn a_refusal_says_why_and_leaves_nothing() {
    let sandbox = sandbox();
    let long = "x".repeat(131_072);
    for (words, status, why) in [
        (&["new", "api", "/no/such/directory"][..], 1, "/no/such/directory cannot be entered"),
        (&["new", "4711"], 2, "looks like an id or a pid"),
        (&["new", ""], 2, "it is empty"),
        (&["new", "a\x1bb"], 2, "control character"),
        (&["new", "api", "--", "-p", "hello"], 2, "without a session"),
        (&["new", "api", "--", "mcp"], 2, "without a session"),
        (&["new", "api", "--", "-n", "web"], 2, "another name"),
        (&["new", "api", "--prompt", " "], 2, "the prompt is empty"),
        (&["new", "api", "--prompt", "a", "--", "b"], 2, "two prompts"),
        (&["new", "api", "--prompt", &long], 2, "131072 bytes"),
        (&["new", "api", "--attach"], 1, "terminal"),
        (&["new", "api", "--timeout", "soon"], 2, "not a duration"),
        (&["new", "api", "--", "--frob"], 1, "error: unknown option '--frob'"),
        (
            &["new", "api", "--", "--resume", "0f0e0d0c-1111-4111-8111-0123456789ab"],
            1,
            "No conversation found with session ID",
        ),
    ] {
        let shown = &words[..words.len().min(4)];
        // The longest argument is longer than the system takes: that is a refusal of the system's.
        let Ok(output) = cckw(&sandbox, words).stdin(Stdio::null()).output() else {
            assert!(words.contains(&long.as_str()), "{shown:?}");
            continue;
        };
        let (code, stdout, stderr) = told(&output);
        assert_eq!((code, &*stdout), (Some(status), ""), "{shown:?}: {stderr}");
        assert!(stderr.contains(why), "{shown:?}: {stderr}");
        nothing_is_left(&sandbox);
    }
}

#[test]
fn without_claude_nothing_is_started() {
    let mut sandbox = sandbox();
    sandbox.set("CCKW_CLAUDE", sandbox.path("no-such-claude"));
    let (code, _, stderr) = run(&sandbox, &["new", "api"]);
    assert_eq!(code, Some(127), "{stderr}");
    nothing_is_left(&sandbox);
}

#[test]
fn of_several_with_one_name_one_starts() {
    let sandbox = sandbox();
    let spawn = || {
        let mut command = cckw(&sandbox, &["new", "api"]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("runs")
    };
    let started: Vec<_> = (0..4).map(|_| spawn()).collect();
    let mut ends: Vec<_> =
        started.into_iter().map(|child| told(&child.wait_with_output().expect("ends"))).collect();
    ends.sort();
    assert_eq!(ends.iter().filter(|(code, _, _)| *code == Some(0)).count(), 1, "{ends:?}");
    for (_, _, stderr) in ends.iter().filter(|(code, _, _)| *code != Some(0)) {
        assert!(stderr.contains("is called api already"), "{stderr}");
    }
    assert_eq!(sandbox.records().len(), 1);
    // An ended session gives way.
    well_said(&sandbox, &["stop", "api"]);
    well_said(&sandbox, &["new", "api"]);
    well_said(&sandbox, &["stop", "api"]);
    sandbox.wait_for_silence();
}

#[test]
fn a_claude_that_does_not_come_up_is_waited_for_so_long_and_goes_on() {
    let mut sandbox = sandbox();
    sandbox.set("CCKW_STANDIN_NO_STATE", "1");
    let begun = Instant::now();
    let (code, stdout, stderr) = run(&sandbox, &["new", "api", "--timeout", "500ms"]);
    assert!(begun.elapsed() >= Duration::from_millis(500));
    assert_eq!(code, Some(5), "{stderr}");
    assert!(stdout.starts_with("api\t") && stderr.contains("within 0.5 s"), "{stdout}{stderr}");
    assert!(named(&sandbox, "api").pid("child_pid").is_some_and(process::runs));
    well_said(&sandbox, &["stop", "api"]);
    sandbox.wait_for_silence();
}

#[test]
fn it_attaches_the_terminal_at_once() {
    let sandbox = sandbox();
    let mut terminal = Terminal::spawn(cckw(&sandbox, &["new", "api", "--attach"]));
    at_prompt(&mut terminal);
    wait_until("its client", DEADLINE, || named(&sandbox, "api").pid("client_pid").is_some());
    well_said(&sandbox, &["stop", "api"]);
    terminal.finish();
    sandbox.wait_for_silence();
}

/// What it said is in one piece, also where it is longer than a row of the screen.
#[test]
fn what_a_claude_that_ends_at_once_has_said_is_not_taken_apart() {
    let mut sandbox = sandbox();
    let claude = sandbox.path("bin/talkative");
    let words = "a word and another one ".repeat(10);
    fs::write(&claude, format!("#!/bin/sh\necho 'Error: {words}'\necho next\nexit 1\n")).expect("writes");
    fs::set_permissions(&claude, fs::Permissions::from_mode(0o755)).expect("sets");
    sandbox.set("CCKW_CLAUDE", claude.to_str().expect("a path"));
    let (code, stdout, stderr) = run(&sandbox, &["new", "api"]);
    assert_eq!((code, &*stdout), (Some(1), ""), "{stderr}");
    assert!(stderr.contains(&format!("Error: {} / next", words.trim_end())), "{stderr}");
    nothing_is_left(&sandbox);
}

/// A claude that ends without a word leaves no session either.
#[test]
fn nothing_is_left_of_a_claude_that_ends_in_silence() {
    let mut sandbox = sandbox();
    let claude = sandbox.path("bin/silent");
    for status in [0, 1] {
        fs::write(&claude, format!("#!/bin/sh\nexit {status}\n")).expect("writes");
        fs::set_permissions(&claude, fs::Permissions::from_mode(0o755)).expect("sets");
        sandbox.set("CCKW_CLAUDE", claude.to_str().expect("a path"));
        let (code, stdout, stderr) = run(&sandbox, &["new", "api"]);
        assert_eq!((code, &*stdout), (Some(1), ""), "{stderr}");
        assert!(stderr.contains(&format!("ended at once (exit status {status})")), "{stderr}");
        nothing_is_left(&sandbox);
    }
}

#[test]
fn a_server_is_kept_too() {
    let sandbox = sandbox();
    let said = well_said(&sandbox, &["new", "office", "--", "remote-control"]);
    let record = named(&sandbox, "office");
    assert_eq!(said, format!("office\t{}\n", record.text("session")));
    assert_eq!((record.text("kind"), arguments(&record)), ("server", vec!["remote-control".to_owned()]));
    well_said(&sandbox, &["stop", "office"]);
    sandbox.wait_for_silence();
}
