//! `cckw detect`: what it says of sessions of every shape, next to what `claude-connection-keeper` says of
//! them.

use std::collections::BTreeMap;
use std::fs;
use std::io::pipe;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::Child;

use serde_json::Value;

mod shapes;

use shapes::{SAME, STRICTER};

use crate::support::{DEADLINE, Sandbox, Tmux, cck, cckw_program, process, wait_until_some};

/// A pid that no system gives: Linux ends at 4194304.
const DEAD: i32 = 4_194_400;

/// What came out, what was complained of, and the status.
#[derive(Debug)]
struct Said {
    out: String,
    err: String,
    status: Option<i32>,
}

impl Said {
    /// The objects of the lines, by pid.
    fn by_pid(&self) -> BTreeMap<i64, Value> {
        // Half of a surrogate pair, which the other program passes on, is nothing that serde_json reads.
        let lines = self.out.lines().map(|line| line.replace("\\ud800", "?"));
        let lines = lines.map(|line| serde_json::from_str::<Value>(&line).expect("JSON"));
        lines.map(|line| (line["pid"].as_i64().expect("a pid"), line)).collect()
    }
}

/// A directory of made-up sessions, and processes for them to be about.
struct Sessions {
    sandbox: Sandbox,
}

impl Sessions {
    fn new() -> Self {
        let mut sandbox = Sandbox::new();
        Tmux::prepare(&mut sandbox);
        fs::create_dir(sandbox.path("sessions")).expect("a directory");
        Self { sandbox }
    }

    fn path(&self, pid: i32) -> PathBuf {
        self.sandbox.path(format!("sessions/{pid}.json"))
    }

    /// Writes what a shape holds for a process.
    fn write(&self, pid: i32, shape: &[u8]) {
        let started = process::stat(pid).map_or(0, |stat| stat.started).to_string();
        let contents = String::from_utf8_lossy(shape).replace("PID", &pid.to_string());
        let contents = contents.replace("START", &started).replace("LONG", &"x".repeat(64 << 10));
        fs::write(self.path(pid), contents).expect("a state file");
    }

    fn cckw(&self, words: &[&str]) -> Said {
        self.say(cckw_program().as_ref(), words)
    }

    fn cck(&self, words: &[&str]) -> Said {
        self.say(cck::program(), words)
    }

    fn say(&self, program: &std::path::Path, words: &[&str]) -> Said {
        let mut command = self.sandbox.command(program);
        command.arg("detect").arg("--sessions-dir").arg(self.sandbox.path("sessions")).args(words);
        let output = command.output().expect("runs");
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        Said { out: text(output.stdout), err: text(output.stderr), status: output.status.code() }
    }

    /// Starts so many processes in a pane, and waits for them.
    fn in_a_pane(&self, count: usize) -> (Tmux<'_>, Vec<i32>) {
        let script = "i=0; while [ $i -lt $0 ]; do sleep 3600 & i=$((i+1)); done; wait";
        let tmux = Tmux::start(&self.sandbox, 80, 24, &["/bin/sh", "-c", script, &count.to_string()]);
        let shell = tmux.run(&["list-panes", "-F", "#{pane_pid}"]).trim().parse().expect("a pid");
        let children = wait_until_some("the processes of the pane", DEADLINE, || {
            let children = process::children(shell);
            (children.len() == count).then_some(children)
        });
        (tmux, children)
    }
}

/// What both say of a session that is to be the same: everything but the words of the reasons.
fn verdict(line: &Value) -> Value {
    let mut line = line.clone();
    let object = line.as_object_mut().expect("an object");
    for ours in ["alive", "cckw", "transport"] {
        object.remove(ours);
    }
    let reasons = object.remove("reasons").expect("reasons");
    assert!(reasons.as_array().is_some_and(|reasons| !reasons.is_empty()), "{object:?}");
    let reason = object.remove("ineligibleReason").expect("a reason, or null");
    assert_eq!(reason.is_null(), object["reconnectable"] == true, "{object:?}");
    line
}

#[test]
fn verdicts_are_those_of_claude_connection_keeper() {
    let sessions = Sessions::new();
    let (_tmux, pids) = sessions.in_a_pane(SAME.len());
    let shapes: BTreeMap<i64, &str> =
        pids.iter().zip(SAME).map(|(pid, (name, _))| (i64::from(*pid), *name)).collect();
    for (pid, (_, shape)) in pids.iter().zip(SAME) {
        sessions.write(*pid, shape.as_bytes());
    }
    // Without a process, in a directory, at the end of a link, and under names that are no pid.
    sessions.write(DEAD, SAME[0].1.as_bytes());
    sessions.write(DEAD + 1, SAME[1].1.as_bytes());
    sessions.write(DEAD + 2, b"{");
    fs::create_dir(sessions.path(1)).expect("a directory");
    symlink("nowhere", sessions.path(DEAD + 3)).expect("a link");
    for other in ["x.json", "7.txt", "7.abcdef.key", "7"] {
        fs::write(sessions.sandbox.path("sessions").join(other), "{}").expect("a file");
    }
    let mut connected = 0;
    for words in [
        &["--json"][..],
        &["--json", "--include-dead"],
        &["--json", "--state", "connected"],
        &["--json", "--state", "disconnected"],
        &["--json", "--state=unknown", "--include-dead"],
        &["--json", "--reconnectable"],
        &["--json", "--reconnectable", "--statuses", "idle,waiting"],
        &["--json", "--reconnectable", "--statuses", " busy , "],
        &["--json", "--reconnectable", "--statuses="],
        &["--json", "--reconnectable", "--statuses", "nonsense"],
        &["--json", "--reconnectable", "--state", "connected"],
    ] {
        let (ours, theirs) = (sessions.cckw(words), sessions.cck(words));
        assert_eq!(ours.status, theirs.status, "{words:?}: {ours:?}");
        assert_eq!(ours.err.is_empty(), theirs.err.is_empty(), "{words:?}: {ours:?}");
        let (ours, theirs) = (ours.by_pid(), theirs.by_pid());
        assert!(ours.keys().eq(theirs.keys()), "{words:?}: {:?} {:?}", ours.keys(), theirs.keys());
        for (pid, line) in &ours {
            let shape = shapes.get(pid).copied().unwrap_or("another");
            assert_eq!(verdict(line), verdict(&theirs[pid]), "{words:?}: {shape}");
            connected += usize::from(line["state"] == "connected");
        }
    }
    assert!(connected > 10, "{connected}");
}

#[test]
fn where_it_is_stricter_it_says_why() {
    let sessions = Sessions::new();
    let (_tmux, pids) = sessions.in_a_pane(STRICTER.len());
    for (pid, shape) in pids.iter().zip(STRICTER) {
        sessions.write(*pid, shape.contents.as_bytes());
    }
    let (ours, theirs) = (sessions.cckw(&["--json"]).by_pid(), sessions.cck(&["--json"]).by_pid());
    for (pid, shape) in pids.iter().zip(STRICTER) {
        let (ours, theirs) = (&ours[&i64::from(*pid)], &theirs[&i64::from(*pid)]);
        let states = (ours["state"].as_str(), theirs["state"].as_str());
        assert_eq!(states, (Some(shape.ours), Some(shape.theirs)), "{}", shape.name);
        assert_eq!(ours["reconnectable"], false, "{}: {ours}", shape.name);
        let reasons = format!("{} {}", ours["reasons"], ours["ineligibleReason"]);
        assert!(reasons.contains(shape.reason), "{}: {reasons}", shape.name);
    }
}

/// A process that has ended and is not waited for until the end of the test.
struct Zombie(Child);

impl Drop for Zombie {
    fn drop(&mut self) {
        let _ = self.0.wait();
    }
}

#[test]
fn a_process_that_has_ended_is_not_connected_whoever_has_its_pid() {
    let sessions = Sessions::new();
    let zombie = Zombie(sessions.sandbox.command("true").spawn().expect("runs"));
    let pid = i32::try_from(zombie.0.id()).expect("a pid");
    wait_until_some("its end", DEADLINE, || process::stat(pid).filter(|stat| stat.state == 'Z'));
    sessions.write(pid, SAME[0].1.as_bytes());
    let theirs = sessions.cck(&["--json"]).by_pid();
    assert_eq!(theirs[&i64::from(pid)]["state"], "connected");
    let ours = sessions.cckw(&["--json"]).by_pid();
    assert_eq!(ours[&i64::from(pid)]["state"], "unknown");
    assert!(ours[&i64::from(pid)]["reasons"].to_string().contains("has ended"), "{ours:?}");
}

#[test]
fn what_no_reader_expects_is_unknown_and_harmless() {
    let sessions = Sessions::new();
    let (_tmux, pids) = sessions.in_a_pane(3);
    // All three keep the other program from saying anything at all: not UTF-8, no end of brackets, a pipe.
    fs::write(sessions.path(pids[0]), b"{\"status\":\"idle\",\"cwd\":\"\xff\"}").expect("a file");
    fs::write(sessions.path(pids[1]), format!("{{\"x\":{}", "[".repeat(200_000))).expect("a file");
    nix::unistd::mkfifo(&sessions.path(pids[2]), nix::sys::stat::Mode::S_IRWXU).expect("a pipe");
    let said = sessions.cckw(&["--json"]);
    assert_eq!((said.err.as_str(), said.status), ("", Some(0)));
    let states: Vec<Value> = said.by_pid().into_values().map(|line| line["state"].clone()).collect();
    assert_eq!(states, ["unknown", "unknown", "unknown"]);
}

#[test]
fn the_table_has_the_columns_and_obeys_nothing() {
    let sessions = Sessions::new();
    let (_tmux, pids) = sessions.in_a_pane(2);
    sessions.write(pids[0], SAME[0].1.as_bytes());
    sessions.write(pids[1], r#"{"status":"idle","cwd":"/w/\u001b[2J\u009b\u202e"}"#.as_bytes());
    let (ours, theirs) = (sessions.cckw(&[]), sessions.cck(&[]));
    let first = |said: &Said, row: usize| -> Vec<String> {
        let line = said.out.lines().nth(row).expect("a line");
        line.split_whitespace().take(6).map(str::to_owned).collect()
    };
    for row in 0..3 {
        assert_eq!(first(&ours, row), first(&theirs, row));
    }
    assert!(ours.out.lines().next().is_some_and(|head| head.ends_with(" CCKW")), "{ours:?}");
    assert!(
        !ours.out.replace('\n', "").contains(char::is_control)
            && ours.out.contains("/w/\\u{1b}[2J\\u{9b}\\u{202e}")
    );
    assert!(sessions.cckw(&["--json"]).out.trim_end().is_ascii());
}

#[test]
fn finding_nothing_is_an_answer_and_a_directory_in_the_way_an_error() {
    let sessions = Sessions::new();
    for words in [&[][..], &["--json"], &["--sessions-dir", "/nonexistent"]] {
        let (ours, theirs) = (sessions.cckw(words), sessions.cck(words));
        assert_eq!((ours.out.as_str(), ours.status), ("", Some(1)), "{words:?}: {ours:?}");
        assert_eq!((theirs.out.as_str(), theirs.err, theirs.status), ("", ours.err, Some(1)), "{words:?}");
    }
    let said = sessions.cckw(&["--sessions-dir", "/dev/null"]);
    assert_eq!((said.status, said.err.lines().count()), (Some(2), 1), "{said:?}");
    for wrong in [&["--state", "up"][..], &["--frob"], &["--statuses"]] {
        let (ours, theirs) = (sessions.cckw(wrong), sessions.cck(wrong));
        assert_eq!((ours.status, theirs.status), (Some(2), Some(2)), "{wrong:?}");
    }
}

#[test]
fn a_reader_that_leaves_ends_it_quietly() {
    let sessions = Sessions::new();
    for pid in DEAD..DEAD + 2000 {
        sessions.write(pid, SAME[0].1.as_bytes());
    }
    for words in [&["detect", "--include-dead"][..], &["detect", "--include-dead", "--json"]] {
        let (read, write) = pipe().expect("a pipe");
        drop(read);
        let mut command = sessions.sandbox.command(cckw_program());
        command.args(words).arg("--sessions-dir").arg(sessions.sandbox.path("sessions"));
        let output = command.stdout(write).output().expect("runs");
        assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]), "{words:?}");
    }
}

#[test]
fn a_wrapped_session_is_shown_with_its_name() {
    let mut sandbox = crate::support::stand_in::sandbox();
    Tmux::prepare(&mut sandbox);
    let mut terminal = crate::support::stand_in::start(&sandbox, &["-n", "work here"]);
    let record = sandbox.wait_for_record("a claude", |record| record.pid("claude_pid").is_some());
    let detect = |words: &[&str]| {
        let mut command = sandbox.command(cckw_program());
        let output = command.arg("detect").args(words).output().expect("runs");
        assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]));
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    // Nobody has ever asked for a link there, so nothing would be brought back.
    let line: Value = serde_json::from_str(&detect(&["--json"])).expect("one object");
    assert_eq!(line["ineligibleReason"], "no link was up in this session so far", "{line}");
    let row = |table: &str| -> Vec<String> {
        table.lines().nth(1).expect("a session").split_whitespace().map(str::to_owned).collect()
    };
    assert_eq!(row(&detect(&[]))[5], "no");
    let output = sandbox.command(cckw_program()).args(["detect", "--reconnectable"]).output();
    assert_eq!(output.expect("runs").status.code(), Some(1));
    sandbox.configure("[remote_control]\nkeep = \"always\"\n");
    assert_eq!(row(&detect(&[]))[5], "yes");
    let line: Value = serde_json::from_str(&detect(&["--json", "--reconnectable"])).expect("one object");
    assert_eq!(line["pid"].as_i64(), record.pid("claude_pid").map(i64::from));
    assert_eq!((&line["cckw"], &line["transport"]), (&"work here".into(), &"cckw".into()), "{line}");
    assert_eq!(line["state"], "disconnected");
    let table = detect(&[]);
    assert!(table.lines().nth(1).is_some_and(|row| row.ends_with("  work here")), "{table}");
    crate::support::stand_in::submit(&mut terminal, "/exit");
    assert_eq!(terminal.finish().code(), Some(0));
}

#[test]
fn a_wrapped_session_is_shown_in_the_pane_that_it_was_started_in() {
    let mut sandbox = crate::support::stand_in::sandbox();
    Tmux::prepare(&mut sandbox);
    let tmux = Tmux::start(&sandbox, 100, 30, &[cckw_program(), "claude"]);
    tmux.wait_for("main", "the prompt", |screen| screen.contains("\n❯"));
    sandbox.wait_for_record("a claude", |record| record.pid("claude_pid").is_some());
    let of = |program: &std::path::Path| -> Value {
        let output = sandbox.command(program).args(["detect", "--json"]).output().expect("runs");
        serde_json::from_slice(&output.stdout).expect("one object")
    };
    let (ours, theirs) = (of(cckw_program().as_ref()), of(cck::program()));
    // What is wrapped and never had a link is left alone; the other one cannot know that.
    let without_eligibility = |line: &Value| {
        let mut line = verdict(line);
        line.as_object_mut().expect("an object").remove("reconnectable");
        line
    };
    assert_eq!(without_eligibility(&ours), without_eligibility(&theirs));
    assert_eq!((&ours["pane"], &ours["transport"]), (&"main:0.0".into(), &"cckw".into()), "{ours}");
}
