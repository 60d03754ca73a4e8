//! After the machine went down, with the real claude: the service brings the conversations back.

use std::fs;
use std::process::{Command, Stdio};

use nix::sys::signal::Signal;
use nix::unistd::geteuid;

use super::driver::{Place, prompt_holds};
use super::mock::REPLY;
use super::support::{DEADLINE, Record, Terminal, process, wait_until, wait_until_some};

/// `cckw` with these words after a boot: the machine's run has another name.
fn after_boot(place: &Place, words: &[&str]) -> Command {
    let name = place.sandbox.path("second-boot");
    fs::write(&name, "second-boot\n").expect("a name");
    let mut command = place.sandbox.command("unshare");
    if !geteuid().is_root() {
        command.arg("--map-root-user");
    }
    let script = r#"mount --bind "$1" /proc/sys/kernel/random/boot_id; shift; exec "$0" "$@""#;
    command.args(["--mount", "/bin/sh", "-ec", script]).arg(place.sandbox.path("bin/cckw"));
    command.arg(name).args(words);
    command
}

fn named(place: &Place, name: &str) -> Option<Record> {
    place.sandbox.records().into_iter().find(|record| record.text("name") == name)
}

#[test]
fn two_conversations_are_back_and_claude_has_read_what_was_said() {
    let place = Place::new();
    let mut before = Vec::new();
    for name in ["one", "two"] {
        let mut command = place.sandbox.command(place.sandbox.path("bin/cckw"));
        command.args(["new", name, "--prompt", &format!("words of {name}")]).stdin(Stdio::null());
        let output = command.output().expect("runs");
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let said = |record: &Record| {
            record.text("status") == "idle" && record.json["with_transcript"][0].is_string()
        };
        let record =
            wait_until_some("a conversation", DEADLINE, || named(&place, name).filter(|it| said(it)));
        wait_until("the answer", DEADLINE, || place.transcript(record.text("conversation")).contains(REPLY));
        before.push(record);
    }
    let processes = place.sandbox.processes();
    for signal in [Signal::SIGSTOP, Signal::SIGKILL] {
        for pid in &processes {
            process::signal(*pid, signal);
        }
    }
    place.sandbox.wait_for_silence();
    let mut service = after_boot(&place, &["service", "run"]).stdin(Stdio::null()).spawn().expect("cckw");
    for record in &before {
        let name = record.text("name");
        let again = wait_until_some("it is back", DEADLINE, || {
            let back = |now: &Record| now.text("boot") == "second-boot" && now.text("status") == "idle";
            named(&place, name).filter(back)
        });
        assert_eq!(again.text("conversation"), record.text("conversation"));
        let mut terminal = Terminal::spawn(after_boot(&place, &["attach", name]));
        terminal.wait_for("the conversation", |screen| {
            prompt_holds(screen, "") && screen.contains(&format!("words of {name}")) && screen.contains(REPLY)
        });
        terminal.hang_up();
    }
    let stopped = after_boot(&place, &["stop", "--all"]).output().expect("runs");
    assert!(stopped.status.success(), "{stopped:?}");
    wait_until("the end of the sessions", DEADLINE, || place.sandbox.locks_are_free());
    process::signal(i32::try_from(service.id()).expect("a pid"), Signal::SIGTERM);
    assert_eq!(service.wait().expect("ends").code(), Some(0));
    place.sandbox.wait_for_silence();
}
