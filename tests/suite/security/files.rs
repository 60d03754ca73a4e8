//! Files that are not what they should be: in cckw's directories, in claude's, and in a repository.

use std::fs::{self, File};
use std::io::{Read, Seek};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use serde_json::Value;

use crate::support::stand_in::{at_prompt, sandbox, submit};
use crate::support::verb::cckw;
use crate::support::{DEADLINE, Sandbox, Terminal, wait_until};

/// What a command says that has to end by itself.
#[track_caller]
fn ends(mut command: Command) -> Output {
    // Into files: nobody reads while it runs.
    let (mut out, mut err) = (tempfile::tempfile().expect("a file"), tempfile::tempfile().expect("a file"));
    let into = |file: &File| Stdio::from(file.try_clone().expect("a copy"));
    let command = command.stdin(Stdio::null()).stdout(into(&out)).stderr(into(&err));
    let mut child = command.spawn().expect("runs");
    let mut ended = false;
    let what = format!("the end of {command:?}");
    let waited = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        wait_until(&what, DEADLINE, || {
            ended = child.try_wait().expect("waits").is_some();
            ended
        });
    }));
    if !ended {
        let _ = child.kill();
    }
    let status = child.wait().expect("its status");
    waited.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    let all = |file: &mut File| {
        let mut bytes = Vec::new();
        file.rewind().and_then(|()| file.read_to_end(&mut bytes)).expect("reads");
        bytes
    };
    Output { status, stdout: all(&mut out), stderr: all(&mut err) }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

/// Puts what no reader expects where a file is read; `name` says which of them.
fn hostile(name: &str, path: &Path) {
    match name {
        "pipe" => mkfifo(path, Mode::S_IRWXU).expect("a pipe"),
        "endless" => symlink("/dev/zero", path).expect("a link"),
        "terminal" => symlink("/dev/tty", path).expect("a link"),
        "circle" => symlink(path, path).expect("a link"),
        "directory" => fs::create_dir(path).expect("a directory"),
        "socket" => drop(std::os::unix::net::UnixListener::bind(path).expect("binds")),
        // Of nothing, on a file system that has no room for it.
        "huge" => File::create(path).and_then(|file| file.set_len(1 << 40)).expect("a file"),
        "deep" => fs::write(path, "[".repeat(1 << 20)).expect("a file"),
        "long" => fs::write(path, format!("{{\"a\":\"{}", "x".repeat(8 << 20))).expect("a file"),
        "binary" => fs::write(path, [0xff, 0, 0x1b, b'{']).expect("a file"),
        _ => unreachable!("{name}"),
    }
}

const KINDS: [&str; 10] =
    ["pipe", "endless", "terminal", "circle", "directory", "socket", "huge", "deep", "long", "binary"];

/// A session that has ended, and the directory of its record.
fn ended(sandbox: &Sandbox) -> std::path::PathBuf {
    let mut terminal = Terminal::spawn(sandbox.cckw_claude());
    at_prompt(&mut terminal);
    submit(&mut terminal, "/exit");
    assert_eq!(terminal.finish().code(), Some(0));
    sandbox.wait_for_silence();
    let record = sandbox.wait_for_record("an end", |record| record.text("state") == "stopped");
    record.path.parent().expect("a directory").to_owned()
}

#[test]
fn a_record_that_is_anything_else_holds_nobody_up() {
    let sandbox = sandbox();
    let good = ended(&sandbox);
    let state = good.parent().expect("a directory").to_owned();
    for (number, kind) in KINDS.iter().enumerate() {
        let bad = state.join(format!("0f0e0d0c-1111-4111-8111-{number:012}"));
        fs::create_dir(&bad).expect("a directory");
        hostile(kind, &bad.join("session.json"));
    }
    let said = ends(cckw(&sandbox, &["list", "--all", "--json"]));
    let states = text(&said.stdout)
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON")["state"].clone())
        .collect::<Vec<_>>();
    assert!(
        states.len() > 1 && states.iter().filter(|state| **state == "stopped").count() == 1,
        "{states:?}"
    );
    assert!(states.iter().all(|state| *state == "stopped" || *state == "unreadable"), "{states:?}");
    // They can be cleared away by their ids.
    for (number, kind) in KINDS.iter().enumerate() {
        let id = format!("0f0e0d0c-1111-4111-8111-{number:012}");
        let said = ends(cckw(&sandbox, &["rm", &id]));
        assert!(said.status.success() && !state.join(&id).exists(), "{kind}: {said:?}");
    }
    assert!(good.exists());
}

#[test]
fn a_log_or_a_lock_that_is_anything_else_holds_nobody_up() {
    let sandbox = sandbox();
    let good = ended(&sandbox);
    let record = fs::read_to_string(good.join("session.json")).expect("a record");
    let id = good.file_name().and_then(|name| name.to_str()).expect("an id").to_owned();
    for (number, kind) in KINDS.iter().enumerate() {
        let other = format!("0f0e0d0c-2222-4111-8111-{number:012}");
        let bad = good.with_file_name(&other);
        fs::create_dir(&bad).expect("a directory");
        // One that says that it runs, so that its lock is looked at.
        let lost = record.replace(&id, &other).replace("\"stopped\"", "\"running\"");
        let mut lost: Value = serde_json::from_str(&lost).expect("JSON");
        lost["ended_at"] = Value::Null;
        fs::write(bad.join("session.json"), lost.to_string()).expect("a record");
        hostile(kind, &bad.join("events.jsonl"));
        hostile(kind, &bad.join("host.lock"));
        ends(cckw(&sandbox, &["logs", &other]));
        ends(cckw(&sandbox, &["rm", &other]));
    }
    assert!(ends(cckw(&sandbox, &["list", "--all"])).status.success());
}

#[test]
fn a_state_file_that_is_anything_else_holds_nobody_up() {
    let sandbox = sandbox();
    let mut terminal = Terminal::spawn(sandbox.cckw_claude());
    at_prompt(&mut terminal);
    let record = sandbox.wait_for_record("a claude", |record| record.text("status") == "idle");
    let sessions = sandbox.path("home/.claude/sessions");
    // Of processes that live: others are not looked into.
    let mut living = Vec::new();
    for kind in KINDS {
        let child = Command::new("sleep").arg("600").spawn().expect("sleep");
        hostile(kind, &sessions.join(format!("{}.json", child.id())));
        living.push(child);
    }
    let said = ends(cckw(&sandbox, &["detect", "--json"]));
    let lines: Vec<Value> =
        text(&said.stdout).lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let unknown = lines.iter().filter(|line| line["state"] == "unknown").count();
    assert_eq!((lines.len(), unknown), (KINDS.len() + 1, KINDS.len()), "{said:?}");
    // A start looks at them all, too, to see who has the conversation.
    let id = record.text("conversation");
    let mut second = Terminal::spawn(cckw(&sandbox, &["claude", "--resume", id]));
    assert_eq!(second.finish().code(), Some(1), "{}", second.report());
    // Its lines break anywhere.
    let shown = second.screen().text().replace(['\n', ' '], "");
    assert!(shown.contains("doesnotopenittwice"), "{shown}");
    for mut child in living {
        child.kill().expect("ends it");
        child.wait().expect("waits");
    }
    submit(&mut terminal, "/exit");
    assert_eq!(terminal.finish().code(), Some(0));
}

#[test]
fn a_transcript_that_is_anything_else_holds_nobody_up() {
    use cckw::claude::{latest_conversation, transcript};
    let scratch = tempfile::tempdir().expect("a directory");
    let cwd = Path::new("/w");
    for (number, kind) in KINDS.iter().enumerate() {
        let id = format!("0f0e0d0c-3333-4111-8111-{number:012}");
        let projects = scratch.path().join(kind);
        let folder = projects.join(transcript::directory_name(cwd));
        fs::create_dir_all(&folder).expect("a directory");
        hostile(kind, &folder.join(format!("{id}.jsonl")));
        // A file that is too long to be understood, or whose first line is, is left to claude to judge.
        let found = transcript::find(&projects, &id, Some(cwd));
        let is_left_to_claude = matches!(*kind, "huge" | "long");
        assert_eq!(
            matches!(found, transcript::TranscriptOnDisk::Conversation(_)),
            is_left_to_claude,
            "{kind}: {found:?}"
        );
        assert_eq!(latest_conversation::newest(&projects, cwd), None, "{kind}");
    }
}

#[test]
fn twenty_thousand_state_files_are_gone_through() {
    let sandbox = sandbox();
    let sessions = sandbox.path("home/.claude/sessions");
    fs::create_dir_all(&sessions).expect("a directory");
    // No pid is as high as these.
    for pid in 0..20_000 {
        File::create(sessions.join(format!("{}.json", 1_000_000_000 + pid))).expect("a file");
    }
    let said = ends(cckw(&sandbox, &["detect"]));
    assert_eq!((said.status.code(), text(&said.stdout).as_str()), (Some(1), ""), "{said:?}");
}

#[test]
fn a_repository_s_settings_hold_nobody_up() {
    let sandbox = sandbox();
    let settings = sandbox.path("work/.claude");
    for kind in KINDS {
        fs::create_dir(&settings).expect("a directory");
        hostile(kind, &settings.join("settings.json"));
        symlink("settings.json", settings.join("settings.local.json")).expect("a link");
        let said = ends(cckw(&sandbox, &["doctor"]));
        let words = text(&said.stdout);
        assert!(words.contains("no setting or variable switches it off"), "{kind}: {words}");
        fs::remove_dir_all(&settings).expect("removes");
    }
}

#[test]
fn a_configuration_that_others_can_write_is_not_followed() {
    let sandbox = sandbox();
    sandbox.configure("claude = \"/bin/false\"\n");
    let path = sandbox.path("config/cckw/config.toml");
    let refused = |file: u32, directory: u32, words: &str| {
        let above = path.parent().expect("a directory");
        fs::set_permissions(&path, fs::Permissions::from_mode(file)).expect("a mode");
        fs::set_permissions(above, fs::Permissions::from_mode(directory)).expect("a mode");
        let mut terminal = Terminal::spawn(sandbox.cckw_claude());
        assert_eq!(terminal.finish().code(), Some(1), "{}", terminal.report());
        // A line may be broken at a blank.
        let shown = terminal.screen().text().replace(['\n', ' '], "");
        assert!(shown.contains(&words.replace(' ', "")) && shown.contains("chmodo-w"), "{shown}");
    };
    refused(0o666, 0o755, "everybody can write it");
    refused(0o644, 0o777, "which everybody can write");
    assert!(sandbox.records().is_empty());
}

#[test]
fn in_a_directory_that_others_can_replace_claude_runs_without_a_session() {
    let sandbox = sandbox();
    fs::set_permissions(sandbox.path("state"), fs::Permissions::from_mode(0o777)).expect("a mode");
    let mut terminal = Terminal::spawn(sandbox.cckw_claude());
    at_prompt(&mut terminal);
    // A line may be broken at a blank.
    let shown = terminal.screen().text().replace(['\n', ' '], "");
    assert!(shown.contains("clauderunswithoutcckw") && shown.contains("whicheverybodycanwrite"), "{shown}");
    submit(&mut terminal, "/exit");
    assert_eq!(terminal.finish().code(), Some(0), "{}", terminal.report());
    let left: Vec<_> = fs::read_dir(sandbox.path("state/cckw")).into_iter().flatten().collect();
    assert!(left.is_empty(), "{left:?}");
    sandbox.wait_for_silence();
}
