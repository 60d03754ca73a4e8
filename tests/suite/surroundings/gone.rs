//! A session whose directory was removed, or has another name: it is never brought back somewhere else.

use std::fs;
use std::path::PathBuf;
use std::process::Output;

use nix::sys::signal::Signal;

use crate::support::stand_in::{at_prompt, sandbox, submit};
use crate::support::verb::cckw;
use crate::support::{DEADLINE, Record, Sandbox, Terminal, cckw_program, process, wait_until};

/// A session with a conversation in a directory of its own, without a terminal, whose host was killed. Gives
/// that directory.
fn lost() -> (Sandbox, Record, PathBuf) {
    let sandbox = sandbox();
    let cwd = sandbox.path("project");
    fs::create_dir(&cwd).expect("a folder");
    let mut command = sandbox.cckw_claude();
    command.current_dir(&cwd);
    let mut terminal = Terminal::spawn(command);
    at_prompt(&mut terminal);
    submit(&mut terminal, "words");
    terminal.wait_for_text("You said: words");
    sandbox.wait_for_record("what was said", |record| record.json["with_transcript"][0].is_string());
    terminal.hang_up();
    let record = sandbox.wait_for_record("nobody attached", |record| record.json["client_pid"].is_null());
    kill(&sandbox, &record, "host_pid");
    (sandbox, record, cwd)
}

fn kill(sandbox: &Sandbox, record: &Record, key: &str) {
    process::signal(record.pid(key).expect("a pid"), Signal::SIGKILL);
    wait_until("the end of the host", DEADLINE, || {
        std::os::unix::net::UnixStream::connect(record.text("socket")).is_err()
    });
    sandbox.wait_for_silence();
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn start(sandbox: &Sandbox) -> Output {
    cckw(sandbox, &["start", "project"]).output().expect("runs")
}

/// It runs again, in this directory, with its conversation.
#[track_caller]
fn is_back(sandbox: &Sandbox, first: &Record, cwd: &PathBuf) {
    let again = sandbox.wait_for_record("a claude that is back", |record| {
        record.text("state") == "running" && record.json["restarts"] == 1
    });
    assert_eq!(again.text("conversation"), first.text("conversation"));
    let claude = again.pid("claude_pid").expect("a claude");
    assert_eq!(&fs::read_link(format!("/proc/{claude}/cwd")).expect("its directory"), cwd);
    // The host is there too: should the directory get another name, it is known.
    let host = again.pid("host_pid").expect("a host");
    assert_eq!(&fs::read_link(format!("/proc/{host}/cwd")).expect("its directory"), cwd);
    assert!(cckw(sandbox, &["stop", "project"]).status().expect("runs").success());
}

#[test]
fn removed_it_is_named_with_what_to_do_until_it_is_there_again() {
    let (sandbox, record, cwd) = lost();
    fs::remove_dir(&cwd).expect("removed");
    let output = start(&sandbox);
    let id = record.text("conversation");
    let said = format!(
        "cckw: project: its directory {} is gone; to go on elsewhere: claude --resume {id}\n",
        cwd.display()
    );
    assert_eq!((output.status.code(), stderr(&output)), (Some(1), said));
    // The host that said so is just ending.
    sandbox.wait_for_silence();
    assert_eq!(sandbox.records()[0].json["restarts"], 0);
    fs::create_dir(&cwd).expect("there again");
    let output = start(&sandbox);
    assert!(output.status.success(), "{}", stderr(&output));
    is_back(&sandbox, &record, &cwd);
}

#[test]
fn removed_no_command_brings_it_back_elsewhere() {
    let (sandbox, record, cwd) = lost();
    fs::remove_dir(&cwd).expect("removed");
    assert!(cckw(&sandbox, &["list"]).status().expect("runs").success());
    wait_until("a word in the log", DEADLINE, || {
        let output = cckw(&sandbox, &["logs", "--json", "project"]).output().expect("logs");
        let log = String::from_utf8_lossy(&output.stdout).into_owned();
        log.contains("not-taken-up") && log.contains("project is gone")
    });
    sandbox.wait_for_silence();
    let listed = cckw(&sandbox, &["list"]).output().expect("lists");
    assert!(String::from_utf8_lossy(&listed.stdout).contains("crashed"), "{listed:?}");
    assert_eq!(sandbox.processes(), Vec::<i32>::new());
    assert_eq!(sandbox.records()[0].json["child_pid"], record.json["child_pid"]);
}

#[test]
fn renamed_it_is_found_from_inside_and_nowhere_else() {
    let (sandbox, record, cwd) = lost();
    let renamed = sandbox.path("renamed");
    fs::rename(&cwd, &renamed).expect("renamed");
    let output = start(&sandbox);
    assert!(stderr(&output).contains("project is gone; "), "{}", stderr(&output));
    let output = cckw(&sandbox, &["start", "project"]).current_dir(&renamed).output().expect("runs");
    assert!(output.status.success(), "{}", stderr(&output));
    is_back(&sandbox, &record, &renamed);
}

/// The directory of the one who asks matters to nobody.
#[test]
fn it_is_brought_back_from_a_directory_that_is_gone() {
    let (sandbox, record, cwd) = lost();
    fs::create_dir(sandbox.path("gone")).expect("a folder");
    let script = "rmdir ../gone && exec \"$0\" start project";
    let mut command = sandbox.command("/bin/sh");
    command.arg("-c").arg(script).arg(cckw_program()).current_dir(sandbox.path("gone"));
    let output = command.output().expect("runs");
    assert!(output.status.success(), "{}", stderr(&output));
    is_back(&sandbox, &record, &cwd);
}

#[test]
fn a_client_from_elsewhere_whose_host_is_killed_says_so() {
    let (sandbox, record, cwd) = lost();
    assert!(start(&sandbox).status.success());
    let mut terminal = Terminal::spawn(cckw(&sandbox, &["attach", "project"]));
    at_prompt(&mut terminal);
    let again = sandbox.wait_for_record("a client", |record| record.pid("client_pid").is_some());
    fs::remove_dir(&cwd).expect("removed");
    process::signal(again.pid("host_pid").expect("a host"), Signal::SIGKILL);
    assert_eq!(terminal.finish().code(), Some(1), "{}", terminal.report());
    let said = terminal.history().concat().replace(' ', "");
    let words =
        format!("project is gone; to go on elsewhere: claude --resume {}", record.text("conversation"));
    assert!(said.contains(&words.replace(' ', "")), "{}", terminal.report());
    assert_eq!(terminal.modes().left_on(), Vec::<String>::new());
    sandbox.wait_for_silence();
}

/// A crash where there is no directory any more is no "too often", and `cckw start` alone does not help.
#[test]
fn of_a_crash_in_it_the_list_says_what_works() {
    for speaks in [true, false] {
        let sandbox = sandbox();
        sandbox.configure("[restart]\ninitial_delay = \"10ms\"\nmax_delay = \"10ms\"\n");
        let cwd = sandbox.path("project");
        fs::create_dir(&cwd).expect("a folder");
        let mut command = sandbox.cckw_claude();
        command.current_dir(&cwd);
        let mut terminal = Terminal::spawn(command);
        at_prompt(&mut terminal);
        if speaks {
            submit(&mut terminal, "words");
            terminal.wait_for_text("You said: words");
        }
        let record = sandbox.wait_for_record("an idle claude", |record| {
            record.text("status") == "idle" && (!speaks || record.json["with_transcript"][0].is_string())
        });
        fs::remove_dir(&cwd).expect("removed");
        process::signal(record.pid("claude_pid").expect("a claude"), Signal::SIGKILL);
        terminal.finish();
        sandbox.wait_for_silence();
        let id = record.text("conversation");
        let advice = format!(
            "its directory {} is gone: make it again, then: cckw start project{}",
            cwd.display(),
            if speaks { format!("; to go on elsewhere: claude --resume {id}") } else { String::new() }
        );
        let said = |words: &[&str]| {
            let output = cckw(&sandbox, words).output().expect("runs");
            String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
        };
        let listed = said(&["list"]);
        assert!(
            listed.contains(&format!("  claude crashed; {advice} (or forget it: cckw rm project)")),
            "{listed}"
        );
        let attached = said(&["attach", "project"]);
        assert!(attached.contains(&advice), "{attached}");
        let started = said(&["start", "project"]);
        assert_eq!(started.contains(&format!("claude --resume {id}")), speaks, "{started}");
        sandbox.wait_for_silence();
        fs::create_dir(&cwd).expect("there again");
        assert!(said(&["start", "project"]).starts_with("project: started, without a terminal."));
        is_back(&sandbox, &record, &cwd);
    }
}

/// The other half of what is advised.
#[test]
fn removed_its_conversation_goes_on_elsewhere() {
    let (sandbox, record, cwd) = lost();
    fs::remove_dir(&cwd).expect("removed");
    let mut command = sandbox.cckw_claude();
    command.args(["--resume", record.text("conversation")]);
    let mut terminal = Terminal::spawn(command);
    terminal.wait_for_text("You said: words");
    at_prompt(&mut terminal);
    submit(&mut terminal, "/exit");
    assert_eq!(terminal.finish().code(), Some(0), "{}", terminal.report());
}
