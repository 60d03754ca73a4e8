//! `cckw list --watch --json`: one array of all sessions a line, whenever something has changed.

use std::cell::RefCell;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::support::stand_in::{idle, sandbox, say, start, submit};
use crate::support::verb::{cckw, well_said};
use crate::support::{DEADLINE, Sandbox, process, wait_until};

/// For so long nothing must wake the watch up.
const REST: Duration = Duration::from_secs(3);

/// How often its lines are looked at.
const INTERVAL: Duration = Duration::from_millis(10);

/// A watch, and the lines that it has printed so far.
struct Watch {
    child: Child,
    /// Says what the last line should have.
    list: RefCell<Command>,
    lines: Arc<Mutex<Vec<Vec<Value>>>>,
}

impl Watch {
    fn start(sandbox: &Sandbox, words: &[&str]) -> Self {
        let mut command = cckw(sandbox, &[&["list", "--watch", "--json"], words].concat());
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("runs");
        let out = BufReader::new(child.stdout.take().expect("its output"));
        let lines = Arc::new(Mutex::new(Vec::new()));
        let read = Arc::clone(&lines);
        thread::spawn(move || {
            for line in out.lines() {
                let line: Vec<Value> = serde_json::from_str(&line.expect("reads")).expect("an array");
                read.lock().expect("lines").push(line);
            }
        });
        let list = RefCell::new(cckw(sandbox, &["list", "--all", "--json"]));
        let watch = Self { child, list, lines };
        wait_until("the first line", DEADLINE, || watch.count() > 0);
        watch
    }

    fn count(&self) -> usize {
        self.lines.lock().expect("lines").len()
    }

    /// Waits until the last line holds this.
    #[track_caller]
    fn wait_for(&self, what: &str, holds: impl Fn(&[Value]) -> bool) {
        let holds = || self.lines.lock().expect("lines").last().is_some_and(|line| holds(line));
        let end = Instant::now() + DEADLINE;
        while !holds() {
            if Instant::now() >= end {
                let list = self.list.borrow_mut().output().expect("runs");
                let (lines, list) =
                    (self.lines.lock().expect("lines"), String::from_utf8_lossy(&list.stdout));
                panic!("never {what}: {:?}\nthe list is: {list}", lines.last());
            }
            thread::sleep(INTERVAL);
        }
    }

    /// Waits until there is one session, in this state.
    #[track_caller]
    fn wait_for_state(&self, state: &str) {
        self.wait_for(state, |sessions| sessions.len() == 1 && sessions[0]["state"] == state);
    }

    fn sleeps(&self) -> u64 {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.child.id())).expect("its threads");
        let of = |task: fs::DirEntry| {
            let status = fs::read_to_string(task.path().join("status")).expect("a thread");
            let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
            line.and_then(|count| count.trim().parse::<u64>().ok()).expect("a count")
        };
        tasks.flatten().map(of).sum()
    }

    /// How long it has run on a processor, in ticks of the system.
    fn ticks(&self) -> u64 {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id())).expect("a process");
        let behind_name = stat.rsplit(") ").next().expect("its fields");
        let fields: Vec<&str> = behind_name.split(' ').collect();
        [fields[11], fields[12]].map(|ticks| ticks.parse::<u64>().expect("ticks")).iter().sum()
    }

    fn end(mut self, signal: Signal) -> Option<i32> {
        process::signal(i32::try_from(self.child.id()).expect("a pid"), signal);
        self.child.wait().expect("ends").code()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn what_happens_to_a_session_is_printed() {
    let sandbox = sandbox();
    let watch = Watch::start(&sandbox, &[]);
    watch.wait_for("no session", <[Value]>::is_empty);
    let mut terminal = start(&sandbox, &[]);
    watch.wait_for_state("idle");
    submit(&mut terminal, "permission");
    watch.wait_for_state("waiting");
    terminal.press(crate::support::Key::Enter);
    watch.wait_for_state("idle");
    say(&mut terminal, "hello");
    watch.wait_for("the answer", |sessions| {
        sessions[0]["last_prompt"] == "hello" && sessions[0]["last_answer"] == "You said: hello"
    });
    well_said(&sandbox, &["rename", "work", "api"]);
    watch.wait_for("the name", |sessions| sessions[0]["name"] == "api");
    well_said(&sandbox, &["detach"]);
    terminal.finish();
    watch.wait_for("no terminal", |sessions| sessions[0]["attached"] == false);
    // A host that is killed says nothing, anywhere.
    let record = idle(&sandbox, 0);
    process::signal(record.pid("host_pid").expect("a host"), Signal::SIGKILL);
    watch.wait_for_state("crashed");
    well_said(&sandbox, &["start", "api"]);
    watch.wait_for_state("idle");
    well_said(&sandbox, &["stop", "api"]);
    watch.wait_for("no session", <[Value]>::is_empty);
    assert_eq!(watch.end(Signal::SIGINT), Some(0));
    sandbox.wait_for_silence();
}

#[test]
fn a_session_that_has_ended_and_begins_again_is_printed() {
    let sandbox = sandbox();
    well_said(&sandbox, &["new", "api"]);
    well_said(&sandbox, &["stop", "api"]);
    let (some, all) = (Watch::start(&sandbox, &[]), Watch::start(&sandbox, &["--all"]));
    some.wait_for("no session", <[Value]>::is_empty);
    all.wait_for_state("stopped");
    well_said(&sandbox, &["start", "api"]);
    some.wait_for_state("idle");
    all.wait_for_state("idle");
    well_said(&sandbox, &["stop", "api"]);
    some.wait_for("no session", <[Value]>::is_empty);
    all.wait_for_state("stopped");
    well_said(&sandbox, &["rm", "api"]);
    all.wait_for("no session", <[Value]>::is_empty);
    assert_eq!(some.end(Signal::SIGTERM), Some(128 + 15));
    assert_eq!(all.end(Signal::SIGHUP), Some(128 + 1));
    sandbox.wait_for_silence();
}

#[test]
fn a_transcript_that_grows_in_a_turn_is_printed() {
    let sandbox = sandbox();
    let watch = Watch::start(&sandbox, &[]);
    let mut terminal = start(&sandbox, &[]);
    say(&mut terminal, "one");
    watch.wait_for("the prompt", |sessions| sessions.len() == 1 && sessions[0]["last_prompt"] == "one");
    let id = idle(&sandbox, 0).text("conversation").to_owned();
    let title = serde_json::json!({"type": "custom-title", "customTitle": "Fix it", "sessionId": id});
    let path = crate::support::stand_in::transcript(&sandbox, &id);
    let before = fs::read_to_string(&path).expect("a transcript");
    // Claude appends lines while it works, and writes nothing else down.
    fs::write(&path, format!("{before}{title}\n")).expect("writes");
    watch.wait_for("the title", |sessions| sessions[0]["title"] == "Fix it");
    crate::support::stand_in::exit(terminal);
    watch.wait_for("no session", <[Value]>::is_empty);
    assert_eq!(watch.end(Signal::SIGINT), Some(0));
    sandbox.wait_for_silence();
}

#[test]
fn nothing_wakes_it_up_and_nothing_is_printed_where_nothing_changes() {
    let sandbox = sandbox();
    for name in ["one", "two", "three"] {
        well_said(&sandbox, &["new", name]);
    }
    let watch = Watch::start(&sandbox, &[]);
    watch.wait_for("three", |sessions| {
        sessions.len() == 3 && sessions.iter().all(|session| session["state"] == "idle")
    });
    // What was read before it was watched is looked at once more.
    wait_until("rest", DEADLINE, || {
        let before = watch.sleeps();
        thread::sleep(Duration::from_millis(300));
        watch.sleeps() == before
    });
    let (sleeps, ticks, lines) = (watch.sleeps(), watch.ticks(), watch.count());
    thread::sleep(REST);
    assert_eq!((watch.sleeps() - sleeps, watch.ticks() - ticks, watch.count() - lines), (0, 0, 0));
    drop(watch);
    well_said(&sandbox, &["stop", "--all"]);
    sandbox.wait_for_silence();
}

#[test]
fn a_reader_who_leaves_ends_it() {
    let sandbox = sandbox();
    let mut command = cckw(&sandbox, &["list", "--watch", "--json"]);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("runs");
    let mut first = [0; 3];
    let mut out = child.stdout.take().expect("a pipe");
    out.read_exact(&mut first).expect("a line");
    assert_eq!(&first, b"[]\n");
    drop(out);
    assert!(child.wait().expect("ends, though nothing happens").success());
}
