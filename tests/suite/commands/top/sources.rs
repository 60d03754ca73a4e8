//! What the view shows beside the sessions of this machine: claudes that cckw does not run, and claude's background jobs.

use std::fs;
use std::path::Path;

use nix::sys::signal::Signal;

use crate::support::stand_in::{direct, exit, sandbox};
use crate::support::verb::cckw;
use crate::support::{DEADLINE, Sandbox, Terminal, process, wait_until};

use super::{end, is_view, quit, with_sessions};

/// The view on a terminal that has room for the whole of a hint.
fn wide_view(sandbox: &Sandbox) -> Terminal {
    let mut terminal = Terminal::builder().size(24, 160).spawn(cckw(sandbox, &["top"]));
    terminal.wait_for("the view", is_view);
    terminal
}

#[test]
fn a_claude_without_cckw_is_shown_until_it_ends() {
    let sandbox = sandbox();
    let mut terminal = wide_view(&sandbox);
    let claude = direct(&sandbox, &[]);
    let advice = format!("cckw adopt {} --takeover", claude.pid());
    terminal.wait_for("the claude", |screen| screen.contains("idle") && screen.contains(&advice));
    exit(claude);
    terminal.wait_for("no claude", |screen| is_view(screen) && !screen.contains("cckw adopt"));
    // One that is killed leaves its state file.
    let mut claude = direct(&sandbox, &[]);
    terminal.wait_for("the next claude", |screen| screen.contains("cckw adopt"));
    process::signal(claude.pid(), Signal::SIGKILL);
    claude.finish();
    terminal.wait_for("no claude", |screen| is_view(screen) && !screen.contains("cckw adopt"));
    quit(terminal);
    sandbox.wait_for_silence();
}

#[test]
fn a_background_job_is_shown_as_long_as_it_needs_somebody() {
    const ID: &str = "3a0168e6-1111-4111-8111-0123456789ab";
    let sandbox = sandbox();
    let job = sandbox.path("home/.claude/jobs/3a0168e6");
    let write = |state: &str, directory: &Path| {
        fs::create_dir_all(directory).expect("a directory");
        let text = format!(
            r#"{{"state":"{state}","tempo":"blocked","needs":"an answer","intent":"fix it","sessionId":"{ID}","cwd":"/w"}}"#
        );
        fs::write(directory.join("state.json"), text).expect("writes");
    };
    let mut terminal = wide_view(&sandbox);
    write("working", &job);
    terminal.wait_for("the job", |screen| {
        screen.contains("fix it") && screen.contains("it waits for you (an answer): claude attach 3a0168e6")
    });
    write("done", &job);
    terminal.wait_for_text("fix it is gone");
    quit(terminal);
    sandbox.wait_for_silence();
}

/// The view looks once for sessions that have lost their host, when its first rows are on the screen, and says what it
/// has brought back when it has looked at all. What is lost after that is shown, and not brought back.
#[test]
fn a_session_whose_host_is_killed_is_shown_as_crashed() {
    let sandbox = with_sessions(&["api", "lost"]);
    kill_host(&sandbox, "lost");
    let mut terminal = wide_view(&sandbox);
    terminal.wait_for("the end of the look", |screen| screen.contains("is brought back"));
    kill_host(&sandbox, "api");
    terminal.wait_for_text("crashed");
    quit(terminal);
    end(&sandbox);
}

/// Kills the host of a session, and waits until it is gone.
fn kill_host(sandbox: &Sandbox, name: &str) {
    let records = sandbox.records();
    let record = records.iter().find(|record| record.json["called"]["name"] == name).expect("its record");
    let host = record.pid("host_pid").expect("a host");
    process::signal(host, Signal::SIGKILL);
    wait_until("the end of the host", DEADLINE, || !process::runs(host));
}

#[test]
fn a_session_whose_host_was_killed_before_is_brought_back() {
    let sandbox = with_sessions(&["api"]);
    kill_host(&sandbox, "api");
    let mut terminal = wide_view(&sandbox);
    terminal.wait_for("the session", |screen| screen.contains("is brought back") && screen.contains("idle"));
    quit(terminal);
    end(&sandbox);
}
