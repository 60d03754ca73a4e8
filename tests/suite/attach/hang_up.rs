//! A session goes on when its terminal goes, in whatever order the hang-up and the end of the terminal come.

use std::fs;
use std::os::fd::AsRawFd;
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::support::stand_in::{at_prompt, sandbox, start, submit};
use crate::support::verb::{cckw, well_said};
use crate::support::{DEADLINE, Key, Record, Sandbox, Terminal, cckw_program, pid, process, wait_until};

/// What may pass until a client has ended, on a busy machine. It was held up for ever.
const BOUND: Duration = Duration::from_secs(30);

/// The status of what ends by a hang-up: 128 and the number of SIGHUP.
const HUNG_UP: i32 = 129;

fn idle(sandbox: &Sandbox) -> Record {
    sandbox.wait_for_record("an idle claude", |record| record.text("status") == "idle")
}

/// Waits until the session goes on without a terminal, with the same claude, and ends it.
#[track_caller]
fn goes_on_alone(sandbox: &Sandbox, before: &Record) {
    let record = sandbox.wait_for_record("nobody attached", |record| record.json["client_pid"].is_null());
    assert_eq!(record.json["claude_pid"], before.json["claude_pid"], "it is the same claude");
    if let Some(client) = before.pid("client_pid") {
        wait_until("the end of the client", DEADLINE, || !process::runs(client));
    }
    assert!(process::runs(pid(before, "claude_pid")), "claude runs");
    let shown = well_said(sandbox, &["screen"]);
    assert!(shown.contains('❯'), "{shown}");
    well_said(sandbox, &["stop"]);
    sandbox.wait_for_silence();
}

#[test]
fn sighup_in_a_terminal_that_stays_gives_it_back_and_detaches() {
    let sandbox = sandbox();
    let mut terminal = Terminal::shell("dash", &sandbox);
    let manners = terminal.manners();
    let program = cckw_program();
    terminal.run(&format!("{program} claude"));
    at_prompt(&mut terminal);
    let record = idle(&sandbox);
    process::signal(pid(&record, "client_pid"), Signal::SIGHUP);
    terminal.wait_for_prompt();
    terminal.wait_for_manners(&manners);
    assert!(terminal.screen().contains("cckw attach"), "{}", terminal.report());
    terminal.run("echo status $?");
    terminal.wait_for_text(&format!("status {HUNG_UP}"));
    terminal.hang_up();
    goes_on_alone(&sandbox, &record);
}

#[test]
fn with_on_hangup_exit_sighup_ends_claude_as_without_cckw() {
    let sandbox = sandbox();
    sandbox.configure("on_hangup = \"exit\"\n");
    let mut terminal = start(&sandbox, &[]);
    let record = idle(&sandbox);
    process::signal(pid(&record, "client_pid"), Signal::SIGHUP);
    assert_eq!(terminal.finish().code(), Some(HUNG_UP));
    assert_eq!(terminal.modes().left_on(), Vec::<String>::new());
    let ended = sandbox.wait_for_record("an end", |record| record.text("state") == "stopped");
    assert_eq!(ended.json["exit"]["code"], HUNG_UP);
    sandbox.wait_for_silence();
}

/// As terminal emulators close a window: SIGHUP to the shell, to the program, or to both, and then the end of
/// the PTY.
fn closes(shell: &str) {
    for delay in [0, 10, 100, 500] {
        for whom in ["shell", "client", "both"] {
            let sandbox = sandbox();
            let mut terminal = Terminal::shell(shell, &sandbox);
            terminal.run(&format!("{} claude", cckw_program()));
            at_prompt(&mut terminal);
            let record = idle(&sandbox);
            if whom != "client" {
                process::signal(terminal.pid(), Signal::SIGHUP);
            }
            if whom != "shell" {
                process::signal(pid(&record, "client_pid"), Signal::SIGHUP);
            }
            sleep(Duration::from_millis(delay));
            terminal.hang_up();
            goes_on_alone(&sandbox, &record);
        }
    }
}

#[test]
fn a_window_with_bash_is_closed() {
    closes("bash");
}

#[test]
fn a_window_with_zsh_is_closed() {
    closes("zsh");
}

#[test]
fn a_window_with_dash_is_closed() {
    closes("dash");
}

#[test]
fn a_window_with_fish_is_closed() {
    closes("fish");
}

#[test]
fn a_window_with_nothing_but_cckw_is_closed() {
    for delay in [None, Some(0), Some(50), Some(500)] {
        let sandbox = sandbox();
        let mut terminal = start(&sandbox, &[]);
        let record = idle(&sandbox);
        if let Some(delay) = delay {
            process::signal(terminal.pid(), Signal::SIGHUP);
            sleep(Duration::from_millis(delay));
        }
        terminal.hang_up();
        goes_on_alone(&sandbox, &record);
    }
}

#[test]
fn a_terminal_that_is_not_read_any_more_delays_nothing() {
    let sandbox = sandbox();
    let mut terminal = start(&sandbox, &[]);
    submit(&mut terminal, "flood 2000");
    terminal.stop_reading();
    let known = |record: &Record| record.pid("client_pid").is_some() && record.pid("claude_pid").is_some();
    let record = sandbox.wait_for_record("a claude", known);
    let before = Instant::now();
    process::signal(terminal.pid(), Signal::SIGHUP);
    wait_until("the end of the client", DEADLINE, || !process::runs(terminal.pid()));
    assert!(before.elapsed() < BOUND, "it took {:?}", before.elapsed());
    terminal.hang_up();
    goes_on_alone(&sandbox, &record);
}

#[test]
fn a_stopped_job_that_its_shell_hangs_up_goes_on_without_a_terminal() {
    for shell in ["bash", "zsh", "dash", "fish"] {
        let sandbox = sandbox();
        let mut terminal = Terminal::shell(shell, &sandbox);
        terminal.run(&format!("{} claude", cckw_program()));
        at_prompt(&mut terminal);
        let record = idle(&sandbox);
        terminal.press(Key::Ctrl('z'));
        sandbox.wait_for_record("a stopped session", |record| record.text("state") == "suspended");
        wait_until("a stopped client", DEADLINE, || process::is_stopped(pid(&record, "client_pid")));
        process::signal(terminal.pid(), Signal::SIGHUP);
        terminal.hang_up();
        sandbox.wait_for_record("a session that runs", |record| {
            record.text("state") == "running" && record.json["client_pid"].is_null()
        });
        goes_on_alone(&sandbox, &record);
    }
}

#[test]
fn at_the_question_after_a_crash_the_session_waits_without_a_terminal() {
    let sandbox = sandbox();
    sandbox.configure("[restart]\ninitial_delay = \"10m\"\nmax_delay = \"10m\"\n");
    let mut terminal = start(&sandbox, &[]);
    process::signal(pid(&idle(&sandbox), "claude_pid"), Signal::SIGKILL);
    terminal.wait_for_text("ctrl-c: quit");
    process::signal(terminal.pid(), Signal::SIGHUP);
    assert_eq!(terminal.finish().code(), Some(HUNG_UP));
    assert_eq!(terminal.modes().left_on(), Vec::<String>::new());
    let record = sandbox.wait_for_record("nobody attached", |record| record.json["client_pid"].is_null());
    assert_eq!(record.text("state"), "restarting");
    let mut other = Terminal::spawn(cckw(&sandbox, &["attach"]));
    other.wait_for_text("ctrl-c: quit");
    other.type_text("\r");
    at_prompt(&mut other);
    submit(&mut other, "/exit");
    assert_eq!(other.finish().code(), Some(0));
    sandbox.wait_for_silence();
}

#[test]
fn a_client_that_is_hung_up_on_brings_nothing_back_when_its_host_is_killed() {
    let sandbox = sandbox();
    let mut terminal = start(&sandbox, &[]);
    submit(&mut terminal, "some words");
    terminal.wait_for_text("You said: some words");
    let record = sandbox.wait_for_record("what was said", |record| {
        record.text("status") == "idle" && record.json["with_transcript"][0].is_string()
    });
    // The client learns of both at the same moment.
    process::signal(terminal.pid(), Signal::SIGSTOP);
    wait_until("a stopped client", DEADLINE, || process::is_stopped(terminal.pid()));
    process::signal(pid(&record, "host_pid"), Signal::SIGKILL);
    wait_until("the end of the host", DEADLINE, || !process::runs(pid(&record, "host_pid")));
    process::signal(terminal.pid(), Signal::SIGHUP);
    process::signal(terminal.pid(), Signal::SIGCONT);
    assert_eq!(terminal.finish().code(), Some(HUNG_UP));
    assert_eq!(terminal.modes().left_on(), Vec::<String>::new());
    sandbox.wait_for_silence();
    // The next command does: the session was to go on without its terminal.
    well_said(&sandbox, &["list"]);
    let again = sandbox.wait_for_record("another claude", |record| {
        record.text("status") == "idle" && record.json["restarts"] == 1
    });
    assert_eq!(again.text("conversation"), record.text("conversation"));
    well_said(&sandbox, &["stop"]);
    sandbox.wait_for_silence();
}

#[test]
fn a_client_whose_host_does_not_answer_goes_all_the_same_and_the_host_follows() {
    let sandbox = sandbox();
    let mut terminal = start(&sandbox, &[]);
    let record = idle(&sandbox);
    process::signal(pid(&record, "host_pid"), Signal::SIGSTOP);
    process::signal(terminal.pid(), Signal::SIGHUP);
    assert_eq!(terminal.wait_for_exit().code(), Some(HUNG_UP));
    process::signal(pid(&record, "host_pid"), Signal::SIGCONT);
    goes_on_alone(&sandbox, &record);
}

#[test]
fn a_terminal_that_is_hung_up_on_while_it_attaches_leaves_the_session_alone() {
    let sandbox = sandbox();
    let mut first = start(&sandbox, &[]);
    well_said(&sandbox, &["detach"]);
    first.finish();
    let record = idle(&sandbox);
    process::signal(pid(&record, "host_pid"), Signal::SIGSTOP);
    let mut second = Terminal::spawn(cckw(&sandbox, &["attach"]));
    // In raw mode it has asked for the session already.
    wait_until("an attaching client", DEADLINE, || {
        !second.attributes().local_flags.contains(nix::sys::termios::LocalFlags::ICANON)
    });
    process::signal(second.pid(), Signal::SIGHUP);
    assert_eq!(second.wait_for_exit().code(), Some(HUNG_UP));
    process::signal(pid(&record, "host_pid"), Signal::SIGCONT);
    goes_on_alone(&sandbox, &record);
}

#[test]
fn a_client_that_is_killed_right_after_the_detach_key_leaves_no_raw_terminal() {
    let sandbox = sandbox();
    let mut terminal = Terminal::shell("dash", &sandbox);
    terminal.run(&format!("{} claude", cckw_program()));
    at_prompt(&mut terminal);
    let record = idle(&sandbox);
    let (host, client) = (pid(&record, "host_pid"), pid(&record, "client_pid"));
    process::signal(host, Signal::SIGSTOP);
    wait_until("a stopped host", DEADLINE, || process::is_stopped(host));
    terminal.type_text("\x1c");
    // The request has left the client when it waits for the host again.
    wait_until("a request in the host's socket", DEADLINE, || has_read_everything(&terminal));
    process::signal(client, Signal::SIGKILL);
    wait_until("the end of the client", DEADLINE, || !process::runs(client));
    process::signal(host, Signal::SIGCONT);
    terminal.wait_for_canonical_mode();
    terminal.hang_up();
    goes_on_alone(&sandbox, &record);
}

/// Whether nothing that was typed waits in the terminal to be read.
fn has_read_everything(terminal: &Terminal) -> bool {
    let tty = fs::File::open(terminal.path()).expect("the terminal");
    let mut waiting: libc::c_int = 0;
    // SAFETY: the request writes one int.
    let done = unsafe { libc::ioctl(tty.as_raw_fd(), libc::FIONREAD, &mut waiting) };
    done == 0 && waiting == 0
}

#[test]
fn the_first_process_of_a_container_stays_when_it_is_detached() {
    let sandbox = sandbox();
    let mut command = sandbox.command("unshare");
    command.args(["--user", "--map-root-user", "--pid", "--fork", "--mount-proc"]);
    command.args([cckw_program(), "claude"]);
    let mut terminal = Terminal::spawn(command);
    at_prompt(&mut terminal);
    idle(&sandbox);
    terminal.type_text("\x1c");
    terminal.wait_for_history("stays until the session has ended");
    terminal.wait_for_canonical_mode();
    let record = sandbox.wait_for_record("nobody attached", |record| record.json["client_pid"].is_null());
    assert_eq!(record.text("status"), "idle");
    let mut other = Terminal::spawn(cckw(&sandbox, &["attach"]));
    at_prompt(&mut other);
    submit(&mut other, "/exit");
    assert_eq!(other.finish().code(), Some(0));
    assert_eq!(terminal.finish().code(), Some(0));
    sandbox.wait_for_silence();
}

#[test]
fn the_first_process_of_a_container_ends_when_it_is_detached_from_a_session_elsewhere() {
    let sandbox = sandbox();
    let mut first = start(&sandbox, &[]);
    well_said(&sandbox, &["detach"]);
    first.finish();
    let record = idle(&sandbox);
    let mut command = sandbox.command("unshare");
    command.args(["--user", "--map-root-user", "--pid", "--fork", "--mount-proc"]);
    command.args([cckw_program(), "attach"]);
    let mut terminal = Terminal::spawn(command);
    at_prompt(&mut terminal);
    terminal.type_text("\x1c");
    terminal.wait_for_history("[cckw: detached; return with: cckw attach work]");
    assert_eq!(terminal.finish().code(), Some(0));
    goes_on_alone(&sandbox, &record);
}
