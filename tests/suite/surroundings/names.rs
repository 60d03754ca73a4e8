//! Directories with strange names: the working directory, the one of claude's program, and the home.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use super::scene::{Scene, USUAL};
use crate::support::stand_in::{at_prompt, sandbox, submit};
use crate::support::verb::{cckw, well_said};
use crate::support::{Sandbox, Terminal, cckw_program, process};

const NAMES: [&[u8]; 12] = [
    b"two words",
    b" ' \" `true` $HOME ",
    b"line\nline\n",
    b"-dash",
    b"--resume",
    b"\xff\xfe not UTF-8 \xc3",
    b"\x1b[31m\x07\x1b]0;title\x07\t\r",
    "ünï \u{202e} 漢字 \u{1f600}".as_bytes(),
    b"* ? [a] {b,c} ; & | < > # ~",
    b"back\\slash\\n",
    b"...",
    b"a:b=c%2f",
];

fn folder(sandbox: &Sandbox, name: &[u8]) -> PathBuf {
    let path = sandbox.path(OsStr::from_bytes(name));
    fs::create_dir(&path).expect("a folder");
    path
}

/// A path as JSON has it: a list of bytes where it is not UTF-8.
fn as_json(path: &Path) -> Value {
    path.to_str().map_or_else(|| json!(path.as_os_str().as_bytes()), |text| json!(text))
}

#[track_caller]
fn comes_back(sandbox: &Sandbox, terminal: &mut Terminal) {
    let record = sandbox.wait_for_record("an idle claude", |record| {
        record.text("status") == "idle" && record.json["with_transcript"][0].is_string()
    });
    process::signal(record.pid("claude_pid").expect("a claude"), Signal::SIGKILL);
    let again = sandbox.wait_for_record("another claude", |record| {
        record.text("status") == "idle" && record.json["restarts"] == 1
    });
    assert_eq!(again.text("conversation"), record.text("conversation"));
    terminal.wait_for_text("words");
    at_prompt(terminal);
}

#[test]
fn claude_runs_and_comes_back_in_it() {
    for name in NAMES {
        let mut sandbox = sandbox();
        sandbox.configure("[restart]\ninitial_delay = \"10ms\"\nmax_delay = \"20ms\"\n");
        let cwd = folder(&sandbox, name);
        // The home and the program's directory are named alike.
        let home = folder(&sandbox, &[name, b" home"].concat());
        let bin = folder(&sandbox, &[name, b" bin"].concat());
        std::os::unix::fs::symlink(cckw_program(), bin.join("claude-stand-in")).expect("a link");
        sandbox.set("HOME", &home);
        sandbox.set("CCKW_CLAUDE", bin.join("claude-stand-in"));
        let mut command = sandbox.cckw_claude();
        command.current_dir(&cwd);
        let mut scene = Scene::new(&sandbox, &command);
        at_prompt(&mut scene.terminal);
        submit(&mut scene.terminal, "words");
        scene.terminal.wait_for_text("You said: words");
        comes_back(&sandbox, &mut scene.terminal);
        let listed = well_said(&sandbox, &["list", "--json"]);
        let listed: Value = serde_json::from_str(&listed).expect("one line of JSON");
        assert_eq!(listed["cwd"], as_json(&cwd), "{listed}");
        for words in [&["list"][..], &["logs"], &["screen"]] {
            let said = well_said(&sandbox, words);
            assert!(!said.replace('\n', "").contains(char::is_control), "{words:?}: {said:?}");
        }
        submit(&mut scene.terminal, "/exit");
        let files = home.strip_prefix(sandbox.root()).expect("below it").join(".claude");
        scene.ends(&[Path::new(USUAL[0]), Path::new(USUAL[1]), &files]).well();
        let record = sandbox.wait_for_record("an end", |record| record.text("state") == "stopped");
        assert_eq!(record.json["cwd"], as_json(&cwd));
        assert_eq!(record.json["program"], as_json(&bin.join("claude-stand-in")));
    }
}

/// What `cckw list` calls it is what the other verbs take.
#[test]
fn it_is_found_by_its_name_and_by_its_id() {
    for name in NAMES {
        let sandbox = sandbox();
        let cwd = folder(&sandbox, name);
        let mut command = sandbox.cckw_claude();
        command.current_dir(&cwd);
        let mut terminal = Terminal::spawn(command);
        at_prompt(&mut terminal);
        terminal.hang_up();
        let record = sandbox.wait_for_record("nobody attached", |record| record.json["client_pid"].is_null());
        // `MACHINE:SESSION` is for sessions on other machines.
        let shown: Vec<u8> = name.iter().map(|byte| if *byte == b':' { b'-' } else { *byte }).collect();
        let by_name =
            cckw(&sandbox, &["screen", "--"]).arg(OsStr::from_bytes(&shown)).output().expect("runs");
        let by_id = cckw(&sandbox, &["stop", &record.text("session")[..8]]).output().expect("runs");
        assert!(by_id.status.success(), "{by_id:?}");
        // Only what is text can be a name.
        assert_eq!(by_name.status.success(), std::str::from_utf8(name).is_ok(), "{by_name:?}");
        sandbox.wait_for_silence();
    }
}
