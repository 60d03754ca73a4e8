//! No signal goes to a process whose start was not compared.

use std::fs;
use std::process::{Child, Stdio};

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::support::stand_in::{sandbox, start, submit};
use crate::support::verb::{cckw, well_said};
use crate::support::{DEADLINE, Record, Sandbox, Terminal, process, wait_until};

fn change(record: &Record, change: impl Fn(&mut Value)) {
    let mut json = record.json.clone();
    change(&mut json);
    fs::write(&record.path, json.to_string()).expect("a record");
}

/// A session without a terminal whose host was killed, and its record.
fn lost() -> (Sandbox, Record) {
    let sandbox = sandbox();
    let mut terminal = start(&sandbox, &[]);
    submit(&mut terminal, "some words");
    terminal.wait_for_text("You said: some words");
    sandbox.wait_for_record("what was said", |record| record.json["with_transcript"][0].is_string());
    well_said(&sandbox, &["detach"]);
    terminal.finish();
    let record = sandbox.wait_for_record("an idle claude", |record| {
        record.text("status") == "idle" && record.json["client_pid"].is_null()
    });
    process::signal(record.pid("host_pid").expect("a host"), Signal::SIGKILL);
    sandbox.wait_for_silence();
    (sandbox, record)
}

/// Waits until its claude was brought back so often, and is idle.
fn back(sandbox: &Sandbox, restarts: u64) -> Record {
    sandbox.wait_for_record("an idle claude", |record| {
        record.text("state") == "running"
            && record.text("status") == "idle"
            && record.json["restarts"] == restarts
            && record.pid("claude_pid").is_some_and(process::runs)
    })
}

/// A process that has nothing to do with cckw.
struct Bystander(Child);

impl Bystander {
    fn new(sandbox: &Sandbox) -> Self {
        Self(sandbox.command("sleep").arg("600").spawn().expect("sleep"))
    }

    fn pid(&self) -> i32 {
        i32::try_from(self.0.id()).expect("a pid")
    }

    fn start(&self) -> String {
        process::stat(self.pid()).expect("runs").started.to_string()
    }

    fn lives(&mut self) -> bool {
        self.0.try_wait().expect("waits").is_none()
    }
}

impl Drop for Bystander {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_process_that_has_the_pid_of_a_claude_lives_on_whatever_the_record_says_of_its_start() {
    let (sandbox, record) = lost();
    let mut bystander = Bystander::new(&sandbox);
    let (pid, start) = (bystander.pid(), bystander.start());
    let cases: [(&str, Value, Value); 6] = [
        ("no start", Value::Null, record.json["boot"].clone()),
        ("an empty start", "".into(), record.json["boot"].clone()),
        ("another start", "1".into(), record.json["boot"].clone()),
        ("no boot", start.as_str().into(), Value::Null),
        ("an empty boot", start.as_str().into(), "".into()),
        ("another boot", start.as_str().into(), "of-another-day".into()),
    ];
    for (number, (what, start, boot)) in cases.into_iter().enumerate() {
        let last = sandbox.wait_for_record("a record", |_| true);
        change(&last, |json| {
            json["claude_pid"] = pid.into();
            json["claude_start"] = start.clone();
            json["boot"] = boot.clone();
        });
        well_said(&sandbox, &["start", "work"]);
        let again = back(&sandbox, number as u64 + 1);
        assert!(bystander.lives(), "{what}");
        process::signal(again.pid("host_pid").expect("a host"), Signal::SIGKILL);
        wait_until("the end of claude", DEADLINE, || {
            !process::runs(again.pid("claude_pid").expect("a claude"))
        });
        wait_until("the end of the lock", DEADLINE, || sandbox.locks_are_free());
    }
    drop(bystander);
    sandbox.wait_for_silence();
}

/// A process that notes each signal that it gets and can note.
fn listener(sandbox: &Sandbox) -> Bystander {
    let script = "for s in HUP INT QUIT USR1 USR2 ALRM TERM CONT WINCH; do trap \"echo $s >>heard\" $s; done
        echo >ready; while :; do read -r _; done";
    let mut command = sandbox.command("bash");
    command.args(["-c", script]).current_dir(sandbox.root()).stdin(Stdio::piped());
    let listener = Bystander(command.spawn().expect("bash"));
    wait_until("its traps", DEADLINE, || sandbox.path("ready").exists());
    listener
}

/// What a record says of something.
#[derive(Clone, Copy)]
enum Said {
    Truth,
    Nothing,
    Else(&'static str),
}

impl Said {
    fn of(self, truth: &str) -> Value {
        match self {
            Self::Truth => truth.into(),
            Self::Nothing => Value::Null,
            Self::Else(text) => text.into(),
        }
    }
}

/// A session whose host is gone, and whose record names a process of somebody else's as host, claude and
/// client, and says this of its start and of the boot.
fn of_a_stranger(start: Said, boot: Said) -> (Sandbox, Bystander) {
    let (sandbox, record) = lost();
    let stranger = listener(&sandbox);
    let (pid, own_start) = (stranger.pid(), stranger.start());
    change(&record, |json| {
        for key in ["claude_pid", "child_pid", "host_pid", "client_pid"] {
            json[key] = pid.into();
        }
        for key in ["claude_start", "host_start", "client_start"] {
            json[key] = start.of(&own_start);
        }
        json["boot"] = boot.of(json["boot"].as_str().expect("a boot"));
    });
    (sandbox, stranger)
}

const VERBS: [&[&str]; 9] = [
    &["start", "work"],
    &["stop", "work"],
    &["restart", "--now", "work"],
    &["rm", "work"],
    &["continue", "work"],
    &["detach", "work"],
    &["send", "work", "words"],
    &["status", "work"],
    &["list"],
];

/// Runs verbs on such a session: the process gets no signal, whatever the verb says.
fn harms_no_stranger(verbs: &[&[&str]], start: Said, boot: Said) {
    for verb in verbs {
        let (sandbox, mut stranger) = of_a_stranger(start, boot);
        let output = cckw(&sandbox, verb).output().expect("runs");
        let said = format!("{verb:?}: {output:?}");
        assert!(stranger.lives() && !process::is_stopped(stranger.pid()), "{said}");
        assert!(!sandbox.path("heard").exists(), "{said}");
        drop(stranger);
        let _ = cckw(&sandbox, &["stop", "work"]).output();
        sandbox.wait_for_silence();
    }
}

#[test]
fn no_verb_signals_a_stranger_where_the_record_does_not_say_when_it_started() {
    harms_no_stranger(&VERBS, Said::Nothing, Said::Truth);
}

#[test]
fn no_verb_signals_a_stranger_where_the_record_does_not_say_in_which_boot_it_started() {
    harms_no_stranger(&VERBS, Said::Truth, Said::Nothing);
}

#[test]
fn no_verb_signals_a_stranger_that_started_at_another_time_or_in_another_boot() {
    harms_no_stranger(&VERBS[..4], Said::Else("1"), Said::Truth);
    harms_no_stranger(&VERBS[..4], Said::Truth, Said::Else("of-another-day"));
}

#[test]
fn the_service_signals_no_stranger() {
    let (sandbox, mut stranger) = of_a_stranger(Said::Nothing, Said::Truth);
    let last = sandbox.wait_for_record("a record", |_| true);
    change(&last, |json| json["client_pid"] = Value::Null);
    let mut command = cckw(&sandbox, &["service", "run"]);
    let mut service = command.stdin(Stdio::null()).stderr(Stdio::null()).spawn().expect("cckw");
    back(&sandbox, 1);
    assert!(stranger.lives() && !process::is_stopped(stranger.pid()));
    assert!(!sandbox.path("heard").exists());
    process::signal(i32::try_from(service.id()).expect("a pid"), Signal::SIGTERM);
    service.wait().expect("ends");
    drop(stranger);
    well_said(&sandbox, &["stop", "work"]);
    sandbox.wait_for_silence();
}

#[test]
fn a_record_with_a_pid_that_means_others_harms_nobody() {
    let (sandbox, record) = lost();
    for (number, pid) in [-1, 0, 1].into_iter().enumerate() {
        let last = sandbox.wait_for_record("a record", |_| true);
        let start = process::stat(pid.max(1)).map(|stat| stat.started.to_string());
        change(&last, |json| {
            for key in ["claude_pid", "child_pid", "host_pid"] {
                json[key] = pid.into();
            }
            json["claude_start"] = start.clone().into();
            json["boot"] = record.json["boot"].clone();
        });
        well_said(&sandbox, &["start", "work"]);
        let again = back(&sandbox, number as u64 + 1);
        process::signal(again.pid("host_pid").expect("a host"), Signal::SIGKILL);
        sandbox.wait_for_silence();
    }
}

/// A session whose claude is this script, which writes what it gets into the file `got`. Gives its terminal
/// and its process.
fn scripted(sandbox: &mut Sandbox, script: &str) -> (Terminal, i32) {
    let wait = "while :; do sleep 0.05; if [ -n \"$ended\" ]; then sleep 0.3; exit 129; fi; done";
    let script = format!("#!/bin/bash\n{script}\necho ready\n{wait}\n");
    sandbox.set("CCKW_CLAUDE", sandbox.script("scripted", &script));
    let mut command = sandbox.cckw_claude();
    command.args(["-n", "work"]);
    let mut terminal = Terminal::spawn(command);
    terminal.wait_for_text("ready");
    let record = sandbox.wait_for_record("a child", |record| record.pid("child_pid").is_some());
    let claude = record.pid("child_pid").expect("a child");
    (terminal, claude)
}

/// It does not end at once, so that it would still get a second signal.
const NOTES_SIGNALS: &str =
    r#"trap 'echo CONT >>"$HOME/got"' CONT; trap 'echo HUP >>"$HOME/got"; ended=1' HUP"#;

#[test]
fn a_claude_that_runs_is_ended_without_being_continued() {
    let mut sandbox = sandbox();
    let (mut terminal, _) = scripted(&mut sandbox, NOTES_SIGNALS);
    well_said(&sandbox, &["stop"]);
    assert_eq!(terminal.finish().code(), Some(129), "{}", terminal.report());
    // Claude takes SIGCONT for the end of a suspension, and draws its screen once more.
    assert_eq!(fs::read_to_string(sandbox.path("home/got")).expect("signals"), "HUP\n");
}

#[test]
fn a_claude_that_is_stopped_is_continued_to_end() {
    let mut sandbox = sandbox();
    let (mut terminal, claude) = scripted(&mut sandbox, NOTES_SIGNALS);
    process::signal(claude, Signal::SIGSTOP);
    sandbox.wait_for_record("a stop", |record| record.text("state") == "suspended");
    well_said(&sandbox, &["stop"]);
    assert_eq!(terminal.finish().code(), Some(129), "{}", terminal.report());
    assert!(!well_said(&sandbox, &["logs"]).contains("SIGTERM"));
}

#[test]
fn a_claude_that_stops_behind_the_signal_that_ends_it_is_continued() {
    let mut sandbox = sandbox();
    let (mut terminal, _) = scripted(&mut sandbox, "trap 'kill -STOP $$; exit 129' HUP");
    well_said(&sandbox, &["stop"]);
    assert_eq!(terminal.finish().code(), Some(129), "{}", terminal.report());
    assert!(!well_said(&sandbox, &["logs"]).contains("SIGTERM"));
}

#[test]
fn a_claude_that_outlives_its_host_is_ended_before_another_one_comes() {
    let (sandbox, record) = lost();
    // It does not mind SIGHUP and SIGTERM, and the record knows it.
    let script = "trap '' HUP TERM; while :; do sleep 600 & wait; done";
    let mut stubborn = Bystander(sandbox.command("sh").args(["-c", script]).spawn().expect("sh"));
    let (pid, start) = (stubborn.pid(), stubborn.start());
    change(&record, |json| {
        json["claude_pid"] = pid.into();
        json["claude_start"] = start.clone().into();
    });
    well_said(&sandbox, &["start", "work"]);
    assert!(!stubborn.lives());
    well_said(&sandbox, &["stop"]);
}
