//! The session's record names claude's conversation, and follows it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use serde_json::{Value, json};

use crate::support::stand_in::{arguments, at_prompt, sandbox, start, submit};
use crate::support::{DEADLINE, Key, Record, Sandbox, Terminal, process, wait_until, wait_until_some};

const CHOSEN: &str = "6f1c7f5e-6a43-4a0e-9d5f-0d3f9c0b7a11";

fn exit(sandbox: &Sandbox, mut terminal: Terminal) {
    submit(&mut terminal, "/exit");
    assert_eq!(terminal.finish().code(), Some(0), "{}", terminal.report());
    sandbox.wait_for_silence();
}

fn is_idle(record: &Record) -> bool {
    record.text("state") == "running" && record.text("status") == "idle"
}

fn state_file(sandbox: &Sandbox, pid: i32) -> PathBuf {
    sandbox.path(format!("home/.claude/sessions/{pid}.json"))
}

#[test]
fn a_fresh_conversation_has_the_pinned_id() {
    let sandbox = sandbox();
    let terminal = start(&sandbox, &["--model", "opus"]);
    let record = sandbox.wait_for_record("an idle claude", is_idle);
    let session = record.text("session");
    assert_eq!(session.len(), 36, "{session}");
    assert_eq!(arguments(&record), ["--session-id", session, "--model", "opus"]);
    assert_eq!(record.json["args"], json!(["--session-id", session, "--model", "opus"]));
    assert_eq!(record.json["pinned"], true);
    assert_eq!(record.text("conversation"), session);
    assert_eq!(record.json["conversations"], json!([session]));
    assert_eq!(record.path.parent().and_then(Path::file_name).expect("a name"), session);
    let claude = record.pid("claude_pid").expect("a claude");
    assert_eq!(Some(claude), record.pid("child_pid"));
    let started = process::stat(claude).expect("runs").started.to_string();
    assert_eq!(record.text("claude_start"), started);
    assert_eq!(record.text("cwd"), sandbox.work().to_str().expect("UTF-8"));
    exit(&sandbox, terminal);
    let record = sandbox.wait_for_record("an end", |record| record.text("state") == "stopped");
    assert_eq!((record.text("conversation"), &record.json["exit"]["code"]), (session, &json!(0)));
    assert_eq!(record.json["status"], Value::Null);
}

#[test]
fn each_session_gets_an_id_of_its_own() {
    let sandbox = sandbox();
    for _ in 0..2 {
        let terminal = start(&sandbox, &[]);
        exit(&sandbox, terminal);
    }
    let records = sandbox.records();
    assert_eq!(records.len(), 2);
    assert_ne!(records[0].text("conversation"), records[1].text("conversation"));
}

#[test]
fn an_id_that_the_user_chose_is_kept_and_learnt() {
    let sandbox = sandbox();
    let mut terminal = start(&sandbox, &["--session-id", CHOSEN]);
    let record = sandbox.wait_for_record("the chosen id", |record| record.text("conversation") == CHOSEN);
    assert_eq!(record.json["pinned"], false);
    assert_ne!(record.text("session"), CHOSEN);
    assert_eq!(arguments(&record), ["--session-id", CHOSEN]);
    submit(&mut terminal, "hello");
    terminal.wait_for_text("You said: hello");
    sandbox.wait_for_record("an idle claude", is_idle);
    exit(&sandbox, terminal);
    fs::remove_dir_all(sandbox.path("state/cckw")).expect("removed");
    for words in [&["--resume", CHOSEN][..], &["-r", CHOSEN], &["--continue"], &["-c"]] {
        let terminal = start(&sandbox, words);
        let record = sandbox.wait_for_record("the chosen id", |record| record.text("conversation") == CHOSEN);
        assert_eq!(arguments(&record), words);
        assert_eq!(record.json["conversations"], json!([CHOSEN]));
        exit(&sandbox, terminal);
        fs::remove_dir_all(sandbox.path("state/cckw")).expect("removed");
    }
    // A fork has an id that only the state file tells.
    let terminal = start(&sandbox, &["--resume", CHOSEN, "--fork-session"]);
    let record = sandbox.wait_for_record("an idle claude", is_idle);
    assert!(!["", CHOSEN].contains(&record.text("conversation")), "{record:?}");
    exit(&sandbox, terminal);
}

#[test]
fn clear_is_followed_and_the_old_conversation_remembered() {
    let sandbox = sandbox();
    let mut terminal = start(&sandbox, &[]);
    let first = sandbox.wait_for_record("an idle claude", is_idle);
    let mut conversations = vec![first.text("conversation").to_owned()];
    for _ in 0..3 {
        submit(&mut terminal, "/clear");
        let last = conversations.last().cloned().expect("one");
        let record =
            sandbox.wait_for_record("another conversation", |record| record.text("conversation") != last);
        conversations.push(record.text("conversation").to_owned());
        let in_file = fs::read(state_file(&sandbox, record.pid("claude_pid").expect("a claude")));
        let in_file: Value = serde_json::from_slice(&in_file.expect("a state file")).expect("JSON");
        assert_eq!(in_file["sessionId"], record.text("conversation"));
        assert_eq!(record.json["conversations"], json!(conversations));
        assert_eq!(record.text("session"), first.text("session"));
        at_prompt(&mut terminal);
    }
    exit(&sandbox, terminal);
    let record = sandbox.wait_for_record("an end", |record| record.text("state") == "stopped");
    assert_eq!(record.json["conversations"], json!(conversations));
}

#[test]
fn the_status_is_followed_through_a_turn() {
    let mut sandbox = sandbox();
    sandbox.set("CCKW_STANDIN_PACE", "100");
    let mut terminal = start(&sandbox, &[]);
    sandbox.wait_for_record("an idle claude", is_idle);
    submit(&mut terminal, "permission");
    sandbox.wait_for_record("a question", |record| record.text("status") == "waiting");
    terminal.press(Key::Enter);
    sandbox.wait_for_record("an idle claude", is_idle);
    exit(&sandbox, terminal);
}

#[test]
fn a_claude_behind_a_launcher_is_found() {
    let mut sandbox = sandbox();
    sandbox.set("CCKW_STANDIN_LAUNCHER", "1");
    let mut terminal = start(&sandbox, &[]);
    let record = sandbox.wait_for_record("an idle claude", is_idle);
    let (child, claude) =
        (record.pid("child_pid").expect("a child"), record.pid("claude_pid").expect("a claude"));
    assert_ne!(child, claude);
    assert_eq!(process::stat(claude).expect("runs").parent, child);
    assert_eq!(record.text("claude_start"), process::stat(claude).expect("runs").started.to_string());
    submit(&mut terminal, "/clear");
    sandbox.wait_for_record("another conversation", |record| {
        record.text("conversation") != record.text("session") && record.text("status") == "idle"
    });
    exit(&sandbox, terminal);
}

/// A state file as claude writes it, for a process that is not claude.
fn write_state(sandbox: &Sandbox, pid: i32, start: &str, conversation: &str) {
    let path = state_file(sandbox, pid);
    fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
    let state = json!({
        "pid": pid, "sessionId": conversation, "procStart": start, "status": "busy", "kind": "interactive",
    });
    fs::write(path, state.to_string()).expect("a state file");
}

/// A conversation's id, of which no other test knows.
const RIGHT: &str = "0f0e0d0c-1111-4111-8111-00000000face";

#[test]
fn files_that_are_not_claude_s_are_ignored() {
    let mut sandbox = sandbox();
    sandbox.use_child("echo");
    // The next pids, one of which will be the child's: left over from processes that had them.
    let next: i32 = fs::read_to_string("/proc/sys/kernel/ns_last_pid")
        .or_else(|_| {
            fs::read_to_string("/proc/loadavg").map(|text| text.rsplit(' ').next().unwrap_or("0").to_owned())
        })
        .ok()
        .and_then(|text| text.trim().parse().ok())
        .expect("the last pid");
    for pid in next..next + 2000 {
        write_state(&sandbox, pid, "1", "stale");
    }
    let mut terminal = Terminal::spawn(sandbox.cckw_claude());
    terminal.wait_for_text("READY");
    let record = sandbox.wait_for_record("a child", |record| record.pid("child_pid").is_some());
    let child = record.pid("child_pid").expect("a child");
    // Where other programs start many processes, it may have got one beyond.
    write_state(&sandbox, child, "1", "stale");
    // A live process of somebody else, with its right start.
    let other = i32::try_from(std::process::id()).expect("a pid");
    write_state(&sandbox, other, &process::stat(other).expect("runs").started.to_string(), "another");
    // Names that are no state files, and contents that are none.
    for name in ["x.json", "0.json", "-1.json", "12", "99999999999999.json"] {
        fs::write(sandbox.path("home/.claude/sessions").join(name), "{}").expect("a file");
    }
    // Then the right one: when it has been seen, the others have been seen before it, and passed over.
    let right = process::stat(child).expect("runs").started.to_string();
    // Nor is one with a conversation that is no id: it would become an argument.
    write_state(&sandbox, child, &right, "--fork-session");
    sandbox.wait_for_record("what claude does", |record| record.text("status") == "busy");
    write_state(&sandbox, child, &right, RIGHT);
    let record = sandbox.wait_for_record("a conversation of its own", |record| {
        record.text("conversation") == RIGHT && record.text("status") == "busy"
    });
    assert_eq!(record.json["conversations"], json!([record.text("session"), RIGHT]));
    assert_eq!(record.pid("claude_pid"), Some(child));
}

#[test]
fn half_a_state_file_is_survived() {
    let mut sandbox = sandbox();
    sandbox.set("CCKW_STANDIN_FAULT", "half-written 300");
    let mut terminal = start(&sandbox, &["--session-id", CHOSEN]);
    sandbox
        .wait_for_record("the chosen id", |record| record.text("conversation") == CHOSEN && is_idle(record));
    submit(&mut terminal, "/fault half-written 100");
    at_prompt(&mut terminal);
    submit(&mut terminal, "/clear");
    let record =
        sandbox.wait_for_record("another conversation", |record| record.text("conversation") != CHOSEN);
    assert_eq!(record.json["conversations"], json!([CHOSEN, record.text("conversation")]));
    exit(&sandbox, terminal);
}

#[test]
fn a_state_file_that_comes_late_and_goes_and_comes_again_is_found() {
    let sandbox = {
        let mut sandbox = sandbox();
        // Asks first whether the folder is trusted: until then neither the file nor the directories above it
        // exist.
        sandbox.set("CCKW_STANDIN_UNTRUSTED", "1");
        sandbox
    };
    let mut terminal = Terminal::spawn(sandbox.cckw_claude());
    terminal.wait_for_text("trust");
    assert!(!sandbox.path("home/.claude/sessions").exists());
    let record = sandbox.wait_for_record("a child", |record| record.pid("child_pid").is_some());
    assert_eq!((record.text("state"), record.pid("claude_pid")), ("starting", None));
    terminal.press(Key::Enter);
    at_prompt(&mut terminal);
    let record = sandbox.wait_for_record("an idle claude", is_idle);
    let path = state_file(&sandbox, record.pid("claude_pid").expect("a claude"));
    // Replaced, not written in place, which leaves a watch on the old one.
    let mut state: Value = serde_json::from_slice(&fs::read(&path).expect("a file")).expect("JSON");
    for status in ["one", "two", "three"] {
        state["status"] = json!(status);
        let fresh = path.with_extension("fresh");
        fs::write(&fresh, state.to_string()).expect("written");
        fs::rename(&fresh, &path).expect("moved");
        sandbox.wait_for_record(status, |record| record.text("status") == status);
    }
    fs::remove_file(&path).expect("removed");
    // Claude itself does not write it again; an update of it, or its user, may.
    let other = "0f0e0d0c-1111-4111-8111-0123456789ab";
    state["sessionId"] = json!(other);
    fs::write(&path, state.to_string()).expect("written");
    sandbox.wait_for_record("another conversation", |record| record.text("conversation") == other);
    exit(&sandbox, terminal);
}

struct SetWhenDropped<'a>(&'a AtomicBool);

impl Drop for SetWhenDropped<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn a_reader_never_meets_a_broken_record() {
    let mut sandbox = sandbox();
    sandbox.use_child("echo");
    let mut terminal = Terminal::spawn(sandbox.cckw_claude());
    terminal.wait_for_text("READY");
    let record = sandbox.wait_for_record("a child", |record| record.pid("child_pid").is_some());
    let (path, child) = (record.path.clone(), record.pid("child_pid").expect("a child"));
    let start = process::stat(child).expect("runs").started.to_string();
    let done = AtomicBool::new(false);
    let (reads, inodes) = thread::scope(|scope| {
        let reader = scope.spawn(|| {
            use std::os::unix::fs::MetadataExt;
            let (mut reads, mut inodes) = (0, std::collections::BTreeSet::new());
            while !done.load(Ordering::Relaxed) {
                let text = fs::read_to_string(&path).expect("a record is always there");
                let record: Value =
                    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text:?}"));
                assert!(record["session"].is_string() && record["socket"].is_string());
                inodes.insert(fs::metadata(&path).expect("there").ino());
                reads += 1;
            }
            (reads, inodes)
        });
        // The reader ends also where the writer fails, or nobody would hear of that.
        let _done = SetWhenDropped(&done);
        for round in 0..300 {
            let conversation = format!("0f0e0d0c-1111-4111-8111-{round:012}");
            write_state(&sandbox, child, &start, &conversation);
            // Not through the sandbox, whose readers forgive.
            wait_until(&conversation, DEADLINE, || {
                reader.is_finished()
                    || fs::read_to_string(&path).is_ok_and(|text| text.contains(&conversation))
            });
        }
        done.store(true, Ordering::Relaxed);
        reader.join().expect("the reader")
    });
    assert!(reads > 300 && inodes.len() > 1, "{reads} reads of {inodes:?}");
    wait_until("no file that is half written", DEADLINE, || {
        let left = fs::read_dir(path.parent().expect("a directory")).expect("lists").flatten();
        left.into_iter().all(|entry| !entry.file_name().to_string_lossy().ends_with(".new"))
    });
}

#[test]
fn two_sessions_at_a_time_do_not_mix() {
    let sandbox = sandbox();
    let (mut one, two) = (start(&sandbox, &["-n", "one"]), start(&sandbox, &["-n", "two"]));
    let named = |name: &str| sandbox.records().into_iter().find(|record| record.text("name") == name);
    let idle =
        |name: &str| wait_until_some(&format!("{name} to be idle"), DEADLINE, || named(name).filter(is_idle));
    let (first, second) = (idle("one"), idle("two"));
    for record in [&first, &second] {
        assert_eq!(record.text("conversation"), record.text("session"));
        assert_eq!(record.pid("claude_pid"), record.pid("child_pid"));
    }
    assert_ne!(first.text("session"), second.text("session"));
    assert_ne!(first.text("socket"), second.text("socket"));
    submit(&mut one, "/clear");
    wait_until("another conversation of the first", DEADLINE, || {
        named("one").is_some_and(|record| record.text("conversation") != first.text("session"))
    });
    assert_eq!(named("two").expect("there").json["conversations"], second.json["conversations"]);
    submit(&mut one, "/exit");
    assert_eq!(one.finish().code(), Some(0));
    wait_until("the end of the first", DEADLINE, || {
        named("one").is_some_and(|record| record.text("state") == "stopped")
    });
    assert_eq!(named("two").expect("there").text("state"), "running");
    exit(&sandbox, two);
}
