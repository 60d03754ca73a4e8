//! `cckw transcript`.

use std::fs::{self, OpenOptions};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, Stdio};

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use super::{named, run, told};
use crate::support::stand_in::{at_prompt, sandbox, submit};
use crate::support::verb::{cckw, well_said};
use crate::support::{DEADLINE, Sandbox, Terminal, process, wait_until};

const ID: &str = "0f0e0d0c-1111-4111-8111-0123456789ab";
const OTHER: &str = "0f0e0d0c-2222-4222-8222-0123456789ab";

fn prompt(text: &str) -> Value {
    json!({"type": "user", "uuid": "u", "timestamp": "2026-11-30T00:34:25.815Z", "message": {"content": text}})
}

fn answer(text: &str) -> Value {
    json!({"type": "assistant", "uuid": "a", "timestamp": "2026-11-30T00:34:27Z", "message": {"id": "m", "model": "opus",
        "stop_reason": "end_turn", "content": [{"type": "text", "text": text}]}})
}

fn text(lines: &[Value]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

/// A conversation that cckw has never seen.
fn write(sandbox: &Sandbox, id: &str, contents: impl AsRef<[u8]>) -> PathBuf {
    let folder = sandbox.path("home/.claude/projects/-somewhere-else");
    fs::create_dir_all(&folder).expect("a folder");
    let path = folder.join(format!("{id}.jsonl"));
    fs::write(&path, contents).expect("writes");
    path
}

fn follow(sandbox: &Sandbox, words: &[&str]) -> (Child, BufReader<std::process::ChildStdout>) {
    let mut command = cckw(sandbox, &[&["transcript", "--follow"], words].concat());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("runs");
    let out = BufReader::new(child.stdout.take().expect("its output"));
    (child, out)
}

/// Reads up to a line that holds this.
#[track_caller]
fn read_to(out: &mut impl BufRead, words: &str) {
    let mut line = String::new();
    while out.read_line(&mut line).expect("reads") > 0 {
        if line.contains(words) {
            return;
        }
        line.clear();
    }
    panic!("it has ended without {words}");
}

/// How it has ended, and what it said on stderr.
fn end(mut child: Child, mut out: impl Read) -> (Option<i32>, String) {
    out.read_to_end(&mut vec![]).expect("reads");
    let mut said = String::new();
    child.stderr.take().expect("its errors").read_to_string(&mut said).expect("reads");
    (child.wait().expect("ends").code(), said)
}

#[test]
fn any_conversation_is_shown_by_the_beginning_of_its_id() {
    let sandbox = sandbox();
    write(&sandbox, ID, text(&[prompt("fix it"), answer("Done.\n\nNow \u{1b}[2J.")]));
    let shown = well_said(&sandbox, &["transcript", "0f0e"]);
    let lines: Vec<&str> = shown.lines().collect();
    assert!(lines[0].ends_with("  you") && lines[2].ends_with("  claude"), "{shown}");
    assert_eq!([lines[1], lines[3], lines[4], lines[5]], ["  fix it", "  Done.", "", "  Now \\u{1b}[2J."]);
    assert_eq!(well_said(&sandbox, &["transcript", ID, "--last"]), "Done.\n\nNow \\u{1b}[2J.\n");
    assert_eq!(well_said(&sandbox, &["transcript", ID, "--tail", "1"]).lines().count(), 4);
    assert_eq!(well_said(&sandbox, &["transcript", ID, "--tail", "0"]), "");
    assert_eq!(well_said(&sandbox, &["transcript", ID, "--tail", "9"]), shown);
    let lines = well_said(&sandbox, &["transcript", ID, "--json"]);
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(lines[0]["kind"], "prompt");
    assert_eq!((&lines[0]["by"], &lines[0]["conversation"]), (&"user".into(), &ID.into()));
    assert_eq!((&lines[1]["text"], &lines[1]["model"]), (&"Done.\n\nNow \u{1b}[2J.".into(), &"opus".into()));
    // Two begin so.
    write(&sandbox, OTHER, text(&[prompt("other")]));
    let (code, _, stderr) = run(&sandbox, &["transcript", "0f0e"]);
    assert!(code == Some(1) && stderr.contains(ID) && stderr.contains(OTHER), "{stderr}");
    assert!(well_said(&sandbox, &["transcript", "0f0e0d0c-2"]).contains("  other"));
    let (code, stdout, stderr) = run(&sandbox, &["transcript", OTHER, "--last"]);
    assert_eq!((code, &*stdout), (Some(1), ""));
    assert!(stderr.contains("there is no answer"), "{stderr}");
    for nothing in ["work", "0f0", "ffff", ""] {
        let (code, _, stderr) = run(&sandbox, &["transcript", nothing]);
        assert_eq!((code, stderr.lines().count()), (Some(1), 1), "{stderr}");
    }
}

#[test]
fn what_cannot_be_read_is_counted() {
    let sandbox = sandbox();
    let half = "{\"type\":\"user\",\"message\":{\"con";
    let contents = format!("{}\0\0\0\n{{\"type\":\"newer\"}}\n{half}", text(&[prompt("fix it")]));
    write(&sandbox, ID, contents);
    let (code, stdout, stderr) = run(&sandbox, &["transcript", ID]);
    assert_eq!((code, stdout.lines().count()), (Some(0), 2), "{stdout}");
    assert_eq!(
        stderr,
        "cckw: 3 lines were left out of the transcript: 2 cannot be read, 1 of a kind that cckw does not know\n"
    );
}

#[test]
fn a_failed_turn_s_last_answer_is_an_older_one() {
    let sandbox = sandbox();
    let failure = json!({"type": "assistant", "isApiErrorMessage": true, "error": "server_error", "apiErrorStatus": 529,
        "message": {"model": "<synthetic>", "content": [{"type": "text", "text": "API Error: 529 Overloaded."}]}});
    write(&sandbox, ID, text(&[prompt("one"), answer("first"), prompt("two"), failure]));
    let (code, stdout, stderr) = run(&sandbox, &["transcript", ID, "--last"]);
    assert_eq!((code, &*stdout), (Some(0), "first\n"));
    assert!(stderr.contains("failed: API Error: 529 Overloaded."), "{stderr}");
    assert!(well_said(&sandbox, &["transcript", ID]).ends_with("  error  API Error: 529 Overloaded.\n"));
}

#[test]
fn a_closed_pipe_is_no_error() {
    let sandbox = sandbox();
    write(&sandbox, ID, text(&vec![prompt(&"word ".repeat(100)); 2_000]));
    let mut command = cckw(&sandbox, &["transcript", ID]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("runs");
    let mut some = [0; 100];
    child.stdout.take().expect("its output").read_exact(&mut some).expect("reads");
    let (code, _, stderr) = told(&child.wait_with_output().expect("ends"));
    assert_eq!((code, &*stderr), (Some(0), ""));
}

#[test]
fn a_session_is_followed_to_its_end() {
    let sandbox = sandbox();
    well_said(&sandbox, &["new", "api", "--prompt", "hello there"]);
    let (child, mut out) = follow(&sandbox, &["api"]);
    read_to(&mut out, "  hello there");
    let mut terminal = Terminal::spawn(cckw(&sandbox, &["attach", "api"]));
    at_prompt(&mut terminal);
    submit(&mut terminal, "and now");
    read_to(&mut out, "  and now");
    at_prompt(&mut terminal);
    submit(&mut terminal, "/clear");
    at_prompt(&mut terminal);
    submit(&mut terminal, "something else");
    read_to(&mut out, "another conversation begins");
    read_to(&mut out, "  something else");
    at_prompt(&mut terminal);
    well_said(&sandbox, &["stop", "api"]);
    assert_eq!(end(child, out), (Some(0), String::new()));
    terminal.finish();
    sandbox.wait_for_silence();
    // Ended, it is shown by name; what was said before /clear by the id of that conversation.
    assert!(well_said(&sandbox, &["transcript", "api"]).contains("  something else"));
    let record = named(&sandbox, "api");
    let first = record.json["conversations"][0].as_str().expect("an id");
    assert!(well_said(&sandbox, &["transcript", first]).contains("  and now"));
    let ended = well_said(&sandbox, &["transcript", "-f", "api"]);
    assert!(ended.contains("  something else"), "{ended}");
}

#[test]
fn a_conversation_of_no_session_is_followed_until_ctrl_c() {
    let sandbox = sandbox();
    let path = write(&sandbox, ID, text(&[prompt("one")]));
    let (child, mut out) = follow(&sandbox, &[ID, "--tail", "0"]);
    let append = |text: &str| {
        let mut file = OpenOptions::new().append(true).open(&path).expect("opens");
        file.write_all(text.as_bytes()).expect("writes");
    };
    // It watches the file by then: that is seen by its signal handlers.
    let status = format!("/proc/{}/status", child.id());
    wait_until("it follows", DEADLINE, || {
        let status = fs::read_to_string(&status).unwrap_or_default();
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:\t")).unwrap_or("0");
        u64::from_str_radix(caught, 16).is_ok_and(|caught| caught & (1 << (libc::SIGINT - 1)) != 0)
    });
    // Half a line is not shown before it is whole.
    let line = text(&[prompt("two")]);
    append(&line[..20]);
    append(&line[20..]);
    read_to(&mut out, "  two");
    // Another file takes its place, and is shown from its beginning.
    write(&sandbox, OTHER, text(&[prompt("three")]));
    fs::rename(path.with_file_name(format!("{OTHER}.jsonl")), &path).expect("renames");
    read_to(&mut out, "  three");
    append(&text(&[prompt("four")]));
    read_to(&mut out, "  four");
    // What claude takes back makes it shorter.
    OpenOptions::new().write(true).open(&path).and_then(|file| file.set_len(0)).expect("cuts");
    append(&text(&[prompt("five")]));
    read_to(&mut out, "  five");
    process::signal(i32::try_from(child.id()).expect("a pid"), Signal::SIGINT);
    let (code, said) = end(child, out);
    assert_eq!(code, Some(130), "{said}");
    assert!(said.contains("replaced"), "{said}");
}

#[test]
fn what_a_session_could_not_write_is_said() {
    let sandbox = sandbox();
    fs::create_dir_all(sandbox.path("home/.claude")).expect("a folder");
    fs::write(sandbox.path("home/.claude/projects"), "").expect("a file in the place of the folder");
    well_said(&sandbox, &["new", "api", "--prompt", "hello there"]);
    sandbox.wait_for_record("a problem", |record| !record.json["transcript_problem"].is_null());
    let (code, _, stderr) = run(&sandbox, &["transcript", "api"]);
    assert_eq!(code, Some(1), "{stderr}");
    assert!(stderr.contains("is not saved"), "{stderr}");
    let (code, _, _) = run(&sandbox, &["stop", "api"]);
    assert_eq!(code, Some(0));
    sandbox.wait_for_silence();
}

#[test]
fn the_columns_of_a_list_are_chosen() {
    let sandbox = sandbox();
    well_said(&sandbox, &["new", "api", "--prompt", "hello there"]);
    wait_until("the answer", DEADLINE, || named(&sandbox, "api").json["turn"]["end"]["how"] == "done");
    let shown = well_said(&sandbox, &["list", "--columns", "turn,name,last_prompt"]);
    assert_eq!(shown, "TURN  NAME  LAST PROMPT\ndone  api   hello there\n");
    let (code, _, stderr) = run(&sandbox, &["list", "--columns", "name,nonsense"]);
    assert!(code == Some(2) && stderr.contains("nonsense") && stderr.contains("context_tokens"), "{stderr}");
    well_said(&sandbox, &["stop", "api"]);
    sandbox.wait_for_silence();
    let shown = well_said(&sandbox, &["list", "--all", "--columns", "turn,name"]);
    assert_eq!(shown, "TURN  NAME\ndone  api\n");
}
