//! After the machine went down: all processes are gone, and the run of the machine has another name.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use nix::sys::signal::Signal;

use super::{Service, cckw_after_boot, go_down, is_idle, named, new, stop_all, wait_for};
use crate::support::stand_in::{arguments, at_prompt, sandbox, start, submit};
use crate::support::verb::{cckw, well_said};
use crate::support::{DEADLINE, Record, Sandbox, Terminal, pid, process, wait_until};

fn service_after(sandbox: &Sandbox, boot: &str) -> Service {
    Service::start_by(sandbox, cckw_after_boot(sandbox, boot, &["service", "run"]))
}

#[track_caller]
fn said_after(sandbox: &Sandbox, boot: &str, words: &[&str]) -> String {
    let output = cckw_after_boot(sandbox, boot, words).output().expect("runs");
    assert!(output.status.success() && output.stderr.is_empty(), "{words:?}: {output:?}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[test]
fn what_ran_is_back_with_all_that_it_had_and_what_was_stopped_is_not() {
    let mut sandbox = sandbox();
    let service = Service::start(&sandbox);
    let other_home = sandbox.path("other-claude");
    fs::create_dir(sandbox.path("elsewhere")).expect("a directory");
    sandbox.set("CLAUDE_CONFIG_DIR", &other_home);
    sandbox.set("TERM", "xterm-kitty");
    sandbox.set("ANTHROPIC_API_KEY", "a-key");
    let mut one = cckw(&sandbox, &["new", "one", "--prompt", "words of one"]);
    assert!(one.current_dir(sandbox.path("elsewhere")).status().expect("runs").success());
    let said = |record: &Record| is_idle(record) && record.json["with_transcript"][0].is_string();
    let one = wait_for(&sandbox, "one", "a conversation", said);
    sandbox.unset("CLAUDE_CONFIG_DIR");
    sandbox.unset("ANTHROPIC_API_KEY");
    sandbox.set("TERM", "dumb");
    for name in ["stopped", "given-up", "told", "gone"] {
        new(&sandbox, name);
    }
    let mut attached = start(&sandbox, &["-n", "attached"]);
    submit(&mut attached, "words of attached");
    attached.wait_for_text("You said: words of attached");
    wait_for(&sandbox, "attached", "a conversation", said);
    well_said(&sandbox, &["stop", "stopped"]);
    let gone = named(&sandbox, "gone").expect("a record");
    // At a shutdown hosts are told to end before they are killed.
    process::signal(pid(&named(&sandbox, "told").expect("a record"), "host_pid"), Signal::SIGTERM);
    wait_for(&sandbox, "told", "its end", |record| record.text("state") == "terminated");
    go_down(&sandbox);
    drop((attached, service));
    // One whose directory is gone does not keep the others from coming back.
    let mut record = gone.json.clone();
    record["cwd"] = sandbox.path("no-such-directory").to_str().into();
    fs::write(&gone.path, record.to_string()).expect("a record");
    let mut record = named(&sandbox, "given-up").expect("a record");
    record.json["state"] = "crashed".into();
    fs::write(&record.path, record.json.to_string()).expect("a record");

    let service = service_after(&sandbox, "second");
    for name in ["one", "told", "attached"] {
        let again = wait_for(&sandbox, name, "an idle claude", |record| {
            is_idle(record) && record.text("boot") == "second"
        });
        assert!(again.json["client_pid"].is_null());
        assert_eq!((&again.json["restarts"], &again.json["asked_restarts"]), (&1.into(), &1.into()));
        assert_eq!(arguments(&again)[..2], ["--resume", again.text("conversation")]);
    }
    let again = named(&sandbox, "one").expect("a record");
    assert_eq!(again.text("conversation"), one.text("conversation"));
    assert_eq!(again.json["called"]["name"], "one");
    let claude = pid(&again, "child_pid");
    assert_eq!(fs::read_link(format!("/proc/{claude}/cwd")).expect("a directory"), sandbox.path("elsewhere"));
    let environment = process::environment(claude);
    for (name, value) in [
        ("TERM", "xterm-kitty"),
        ("ANTHROPIC_API_KEY", "a-key"),
        ("CLAUDE_CONFIG_DIR", other_home.to_str().expect("UTF-8")),
    ] {
        assert!(
            environment.iter().any(|found| *found == *format!("{name}={value}")),
            "{name}: {environment:?}"
        );
    }
    let mut terminal = Terminal::spawn(cckw_after_boot(&sandbox, "second", &["attach", "one"]));
    terminal.wait_for_text("You said: words of one");
    at_prompt(&mut terminal);
    terminal.hang_up();
    let list = said_after(&sandbox, "second", &["list", "--all"]);
    let row = |name: &str| list.lines().find(|line| line.starts_with(name)).unwrap_or_default().to_owned();
    assert!(row("stopped").contains(" stopped ") && row("given-up").contains(" crashed "), "{list}");
    assert!(row("gone").contains(" rebooted ") && list.contains("no-such-directory is gone"), "{list}");
    // And the others are healed as ever.
    let told = wait_for(&sandbox, "told", "proof", |record| {
        !record.path.with_file_name("revived").exists() && is_idle(record)
    });
    process::signal(pid(&told, "host_pid"), Signal::SIGKILL);
    wait_for(&sandbox, "told", "another host", |record| {
        record.pid("host_pid") != told.pid("host_pid") && is_idle(record)
    });
    stop_all(&sandbox, cckw_after_boot(&sandbox, "second", &["stop", "--all"]));
    assert_eq!(service.end(Signal::SIGTERM), Some(0));
    sandbox.wait_for_silence();
}

#[test]
fn what_ran_before_an_earlier_boot_stays_as_it_is() {
    let sandbox = sandbox();
    new(&sandbox, "old");
    go_down(&sandbox);
    // It was not wanted in the second run.
    fs::rename(sandbox.path("state/cckw"), sandbox.path("state/kept")).expect("moves it");
    let output = cckw_after_boot(&sandbox, "second", &["new", "young", "--prompt", "hello"]).output();
    assert!(output.expect("runs").status.success());
    wait_for(&sandbox, "young", "a conversation", |record| {
        is_idle(record) && record.json["with_transcript"][0].is_string()
    });
    go_down(&sandbox);
    for entry in fs::read_dir(sandbox.path("state/kept")).expect("a directory").flatten() {
        let _ = fs::rename(entry.path(), sandbox.path("state/cckw").join(entry.file_name()));
    }
    let service = service_after(&sandbox, "third");
    wait_for(&sandbox, "young", "an idle claude", |record| is_idle(record) && record.text("boot") == "third");
    assert_ne!(named(&sandbox, "old").expect("a record").text("boot"), "third");
    // The service, a host and its claude.
    wait_until("rest", DEADLINE, || sandbox.processes().len() == 3);
    stop_all(&sandbox, cckw_after_boot(&sandbox, "third", &["stop", "--all"]));
    drop(service);
    sandbox.wait_for_silence();
}

/// Fifty sessions: how many come up at once, and what the service costs when all are there.
#[test]
fn fifty_come_back_a_few_at_a_time_and_then_the_service_sleeps() {
    const COUNT: usize = 50;
    const REST: Duration = Duration::from_secs(5);
    let sandbox = sandbox();
    let first = new(&sandbox, "first");
    go_down(&sandbox);
    // The others are copies: other sessions with other conversations.
    let transcript = crate::support::stand_in::transcript(&sandbox, first.text("conversation"));
    let directory = first.path.parent().expect("a directory").to_owned();
    for number in 1..COUNT {
        let id = format!("00000000-0000-4000-8000-{number:012}");
        let copy = directory.with_file_name(&id);
        fs::create_dir(&copy).expect("a directory");
        fs::set_permissions(&copy, fs::Permissions::from_mode(0o700)).expect("a mode");
        let text = fs::read_to_string(&first.path).expect("a record");
        let text =
            text.replace(first.text("session"), &id).replace("\"first\"", &format!("\"copy-{number}\""));
        fs::write(copy.join("session.json"), text).expect("a record");
        fs::copy(directory.join("environment"), copy.join("environment")).expect("a copy");
        let said = fs::read_to_string(&transcript).expect("a transcript");
        let said = said.replace(first.text("conversation"), &id);
        fs::write(transcript.with_file_name(format!("{id}.jsonl")), said).expect("a transcript");
    }
    let service = service_after(&sandbox, "second");
    let mut most = 0;
    wait_until("all fifty", DEADLINE * 4, || {
        let records = sandbox.records();
        let in_this_run: Vec<&Record> =
            records.iter().filter(|record| record.text("boot") == "second").collect();
        let coming_up = in_this_run.iter().filter(|record| record.text("state") == "starting").count();
        most = most.max(coming_up).max(process::children(service.pid()).len());
        in_this_run.iter().filter(|record| is_idle(record)).count() == COUNT
    });
    println!("at most {most} came up at once");
    assert!(most <= 4, "{most} came up at once");
    let conversations: BTreeSet<String> =
        sandbox.records().iter().map(|record| record.text("conversation").to_owned()).collect();
    assert_eq!(conversations.len(), COUNT);
    // All has settled: what brought the last one back has ended, and been waited for.
    wait_until("rest", DEADLINE, || process::children(service.pid()).is_empty());
    let before = service.sleeps();
    std::thread::sleep(REST);
    assert_eq!(service.sleeps() - before, 0, "the service wakes up at rest");
    stop_all(&sandbox, cckw_after_boot(&sandbox, "second", &["stop", "--all"]));
    assert_eq!(service.end(Signal::SIGTERM), Some(0));
    sandbox.wait_for_silence();
}
