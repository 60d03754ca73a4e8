//! The lock and the record of a session say which conversation it owns, whatever else can be seen of it.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, SystemTime};

use nix::sys::signal::Signal;
use nix::sys::stat::Mode;

use crate::support::stand_in::{
    at_prompt, direct, exit, idle, said, sandbox, say, says, start, submit, transcript,
};
use crate::support::verb::{cckw, well_said};
use crate::support::{DEADLINE, Record, Sandbox, Terminal, process, wait_until, wait_until_some};

/// Starts cckw with these arguments, which are refused because the session `work` has the conversation.
#[track_caller]
fn refused(sandbox: &Sandbox, words: &[&str], runtime: Option<&str>) {
    let mut command = sandbox.cckw_claude();
    command.args(words);
    if let Some(runtime) = runtime {
        command.env("XDG_RUNTIME_DIR", sandbox.path(runtime));
    }
    let mut terminal = Terminal::spawn(command);
    assert_eq!(terminal.finish().code(), Some(1), "{words:?} {}", terminal.report());
    let said = said(&terminal);
    assert!(said.contains("isalreadyopeninsessionwork("), "{words:?} {}", terminal.report());
    assert!(said.contains("cckwattachwork"), "{words:?} {}", terminal.report());
    assert_eq!(sandbox.records().len(), 1, "{words:?}");
}

/// A second runtime directory, as another login or a container has it.
fn other_runtime_directory(sandbox: &Sandbox) -> &'static str {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().mode(0o700).create(sandbox.path("run2")).expect("a folder");
    "run2"
}

fn remove_state_files(sandbox: &Sandbox) {
    for entry in fs::read_dir(sandbox.path("home/.claude/sessions")).expect("a folder").flatten() {
        fs::remove_file(entry.path()).expect("removes");
    }
}

fn state_file_is_removed(sandbox: &Sandbox) -> Record {
    remove_state_files(sandbox);
    sandbox.wait_for_record("a state file that is gone", |record| record.json["state_file_removed"] == true)
}

#[test]
fn a_session_whose_state_file_was_removed_owns_its_conversation() {
    let sandbox = sandbox();
    let mut terminal = start(&sandbox, &[]);
    say(&mut terminal, "words");
    let id = idle(&sandbox, 0).text("conversation").to_owned();
    remove_state_files(&sandbox);
    refused(&sandbox, &["--resume", &id], None);
    refused(&sandbox, &["--continue"], None);
    exit(terminal);
}

#[test]
fn a_session_that_waits_to_come_back_owns_it_for_another_runtime_directory_too() {
    let sandbox = sandbox();
    let other = other_runtime_directory(&sandbox);
    sandbox.configure("[restart]\ninitial_delay = \"1h\"\nmax_delay = \"1h\"\n");
    let mut terminal = start(&sandbox, &[]);
    say(&mut terminal, "words");
    let record = idle(&sandbox, 0);
    let id = record.text("conversation");
    refused(&sandbox, &["--resume", id], Some(other));
    process::signal(record.pid("claude_pid").expect("a claude"), Signal::SIGKILL);
    sandbox.wait_for_record("the wait", |record| record.text("state") == "restarting");
    refused(&sandbox, &["--resume", id], Some(other));
    terminal.type_text("\x03");
    assert_eq!(terminal.finish().code(), Some(137));
}

#[test]
fn a_title_is_looked_up_before_the_owner_is() {
    let sandbox = sandbox();
    let mut terminal = start(&sandbox, &[]);
    say(&mut terminal, "words");
    let id = idle(&sandbox, 0).text("conversation").to_owned();
    let mut file = fs::File::options().append(true).open(transcript(&sandbox, &id)).expect("opens");
    writeln!(file, r#"{{"type":"custom-title","customTitle":"My Title","sessionId":"{id}"}}"#)
        .expect("writes");
    refused(&sandbox, &["--resume", "my title"], None);
    remove_state_files(&sandbox);
    refused(&sandbox, &["-r", "My Title"], None);
    exit(terminal);
}

/// Makes a transcript the one that was written last in its directory.
fn make_newest(transcript: &Path, age: u64) {
    let at = SystemTime::UNIX_EPOCH + Duration::from_secs(4_000_000_000 + age);
    let file = fs::File::options().append(true).open(transcript).expect("a transcript");
    file.set_modified(at).expect("is dated");
}

#[test]
fn the_newest_conversation_is_decided_when_the_session_starts() {
    let mut sandbox = sandbox();
    let mut first = start(&sandbox, &[]);
    say(&mut first, "first words");
    let id = idle(&sandbox, 0).text("conversation").to_owned();
    exit(first);
    fs::remove_dir_all(sandbox.path("state/cckw")).expect("forgotten");
    let mut other = start(&sandbox, &["-n", "other"]);
    say(&mut other, "other words");
    let open = idle(&sandbox, 0).text("conversation").to_owned();
    make_newest(&transcript(&sandbox, &id), 1);

    // A claude that takes a while before it looks which one is the newest.
    let gate = sandbox.path("gate");
    nix::unistd::mkfifo(&gate, Mode::S_IRWXU).expect("a gate");
    let script = "#!/bin/bash\n: <\"$HOME/../gate\"\nexec \"$HOME/../claude-stand-in\" \"$@\"\n";
    sandbox.set("CCKW_CLAUDE", sandbox.script("slow", script));
    let mut command = sandbox.cckw_claude();
    command.args(["-n", "new", "-c"]);
    let mut terminal = Terminal::spawn(command);
    let started = |record: &Record| record.text("name") == "new" && record.pid("child_pid").is_some();
    wait_until("a claude that waits", DEADLINE, || sandbox.records().iter().any(started));

    // Meanwhile the other one is written.
    make_newest(&transcript(&sandbox, &open), 2);
    let mut late = sandbox.cckw_claude();
    late.args(["--resume", &id]);
    let mut late = Terminal::spawn(late);
    assert_eq!(late.finish().code(), Some(1), "{}", late.report());
    says(&late, "open in session new (just starting");
    drop(fs::OpenOptions::new().write(true).open(&gate).expect("claude goes on"));
    at_prompt(&mut terminal);
    let opened = |record: &Record| record.text("name") == "new" && record.text("status") == "idle";
    let record = wait_until_some("the new session", DEADLINE, || sandbox.records().into_iter().find(opened));
    assert_eq!(record.text("conversation"), id);
    assert_eq!(record.json["args"], serde_json::json!(["-n", "new", "-c"]));
    terminal.wait_for_text("first words");
    exit(terminal);
    exit(other);
}

#[test]
fn with_its_state_file_removed_a_session_works_on_and_says_what_is_not_known() {
    let sandbox = sandbox();
    let mut terminal = start(&sandbox, &[]);
    say(&mut terminal, "words");
    let first = idle(&sandbox, 0);
    let removed = state_file_is_removed(&sandbox);
    assert!(removed.json["status"].is_null() && removed.text("state") == "running");
    let list = well_said(&sandbox, &["list"]);
    assert!(
        list.contains("claude's state file was removed") && list.contains("cckw restart --now work"),
        "{list}"
    );
    say(&mut terminal, "more words");
    // Nobody can tell when it is idle, so nobody waits for that.
    let output = cckw(&sandbox, &["restart"]).output().expect("runs");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && error.contains("--now"), "{error}");
    well_said(&sandbox, &["restart", "--now"]);
    let again = idle(&sandbox, 1);
    assert_eq!(again.text("conversation"), first.text("conversation"));
    assert_eq!(again.json["state_file_removed"], false);
    terminal.wait_for_text("more words");
    assert!(!well_said(&sandbox, &["list"]).contains("removed"));
    exit(terminal);
}

/// A restart would end the only process that still has the conversation.
#[test]
fn with_all_files_of_claude_removed_nothing_advises_a_restart() {
    let sandbox = sandbox();
    let mut terminal = start(&sandbox, &[]);
    say(&mut terminal, "words");
    say(&mut terminal, "more words");
    sandbox.wait_for_record("a transcript", |record| {
        record.text("status") == "idle" && record.json["with_transcript"][0].is_string()
    });
    fs::remove_dir_all(sandbox.path("home/.claude")).expect("removes");
    sandbox.wait_for_record("the loss", |record| {
        record.json["transcript_cut"] == true && record.json["state_file_removed"] == true
    });
    let no_restart_is_advised = || {
        let listed = well_said(&sandbox, &["list"]);
        assert!(listed.contains("a restart would lose") && !listed.contains("cckw restart"), "{listed}");
        let output = cckw(&sandbox, &["restart"]).output().expect("runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains("a restart loses it"), "{said}");
        let output = cckw(&sandbox, &["doctor"]).output().expect("runs");
        let doctor = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(doctor.contains("work: its transcript was removed or cut"), "{doctor}");
    };
    no_restart_is_advised();
    // Claude begins the transcript anew, without what was said before.
    for number in 0..9 {
        say(&mut terminal, &format!("words of later {number}"));
    }
    assert!(transcript(&sandbox, idle_id(&sandbox).as_str()).exists());
    no_restart_is_advised();
    let output = cckw(&sandbox, &["stop"]).output().expect("runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && said.contains("its transcript was removed or cut"), "{said}");
    terminal.finish();
    sandbox.wait_for_silence();
}

fn idle_id(sandbox: &Sandbox) -> String {
    sandbox.wait_for_record("the session", |_| true).text("conversation").to_owned()
}

#[test]
fn a_restart_that_waits_is_called_off_when_the_state_file_is_removed() {
    let sandbox = sandbox();
    let mut terminal = start(&sandbox, &[]);
    submit(&mut terminal, "permission");
    terminal.wait_for_text("Do you want to proceed?");
    sandbox.wait_for_record("a question", |record| record.text("status") == "waiting");
    well_said(&sandbox, &["restart"]);
    sandbox.wait_for_record("a restart that waits", |record| record.json["restart_pending"] == true);
    assert_eq!(state_file_is_removed(&sandbox).json["restart_pending"], false);
    wait_until("a word in the log", DEADLINE, || {
        well_said(&sandbox, &["logs"]).contains("restart-cancelled")
    });
    terminal.type_text("1");
    exit(terminal);
}

#[test]
fn what_is_opened_twice_in_claude_s_own_list_is_in_cckw_s_list_until_one_leaves() {
    let sandbox = sandbox();
    let mut other = direct(&sandbox, &["--session-id", "0f0e0d0c-1111-4111-8111-0123456789ab"]);
    say(&mut other, "words");
    let mut command = sandbox.cckw_claude();
    command.arg("--resume");
    let mut terminal = Terminal::spawn(command);
    terminal.wait_for_text("words");
    terminal.press(crate::support::Key::Enter);
    sandbox.wait_for_record("a second writer", |record| record.json["also_open"].is_string());
    let list = well_said(&sandbox, &["list"]);
    assert!(list.contains("is open in another claude (process"), "{list}");
    exit(other);
    at_prompt(&mut terminal);
    say(&mut terminal, "more words");
    sandbox.wait_for_record("the only one", |record| record.json["also_open"].is_null());
    exit(terminal);
}
