//! After a crash the same conversation is back.

mod newer_claude;
mod reboot;
mod recovery;
mod subcommand;
mod terminal;
mod turn;

use nix::sys::signal::Signal;

use crate::support::stand_in::{arguments, at_prompt, idle, sandbox, start, submit};
use crate::support::verb::{cckw, well_said};
use crate::support::{DEADLINE, Key, Record, Sandbox, Terminal, cckw_program, process, wait_until};

/// A sandbox where claude comes back when it is asked for, and not by itself.
fn patient() -> Sandbox {
    let sandbox = sandbox();
    sandbox.configure("[restart]\ninitial_delay = \"10m\"\nmax_delay = \"10m\"\n");
    sandbox
}

fn kill(record: &Record, signal: Signal) {
    process::signal(record.pid("claude_pid").expect("a claude"), signal);
}

/// Starts claude and kills it: cckw asks what to do.
fn at_question(sandbox: &Sandbox) -> Terminal {
    let mut terminal = start(sandbox, &[]);
    kill(&idle(sandbox, 0), Signal::SIGKILL);
    terminal.wait_for_text("ctrl-c: quit");
    terminal
}

/// Kills claude, and presses Enter at cckw's question.
fn crash(sandbox: &Sandbox, terminal: &mut Terminal, restarts: u64) -> Record {
    kill(&idle(sandbox, restarts), Signal::SIGKILL);
    sandbox.wait_for_record("the wait", |record| record.text("state") == "restarting");
    terminal.wait_for_modes("modes undone", |modes| modes.left_on().is_empty());
    terminal.wait_for_text("claude was killed by SIGKILL");
    terminal.type_text("\r");
    idle(sandbox, restarts + 1)
}

fn exit(sandbox: &Sandbox, mut terminal: Terminal) {
    submit(&mut terminal, "/exit");
    assert_eq!(terminal.finish().code(), Some(0), "{}", terminal.report());
    assert_eq!(terminal.modes().left_on(), Vec::<String>::new());
    sandbox.wait_for_silence();
}

#[test]
fn before_the_first_prompt_the_same_id_is_given_again() {
    let sandbox = sandbox();
    let mut terminal = start(&sandbox, &["--model", "opus", "--add-dir", "/", "/tmp"]);
    let first = idle(&sandbox, 0);
    let again = crash(&sandbox, &mut terminal, 0);
    let session = first.text("session");
    assert_eq!(again.text("conversation"), session);
    assert_eq!(arguments(&again), ["--session-id", session, "--model", "opus", "--add-dir", "/", "/tmp"]);
    at_prompt(&mut terminal);
    exit(&sandbox, terminal);
}

#[test]
fn a_conversation_is_resumed_again_and_again() {
    let sandbox = sandbox();
    let mut terminal = start(&sandbox, &["first words"]);
    terminal.wait_for_text("first words");
    for round in 0..3 {
        let again = crash(&sandbox, &mut terminal, round);
        assert_eq!(arguments(&again), ["--resume", again.text("session")]);
        at_prompt(&mut terminal);
        submit(&mut terminal, &format!("round {round}"));
        terminal.wait_for_text(&format!("You said: round {round}"));
    }
    exit(&sandbox, terminal);
}

#[test]
fn after_clear_the_new_conversation_comes_back() {
    let sandbox = sandbox();
    let mut terminal = start(&sandbox, &[]);
    submit(&mut terminal, "old words");
    terminal.wait_for_text("You said: old words");
    submit(&mut terminal, "/clear");
    let first = sandbox.wait_for_record("a new conversation", |record| {
        record.text("conversation") != record.text("session")
    });
    at_prompt(&mut terminal);
    submit(&mut terminal, "new words");
    terminal.wait_for_text("You said: new words");
    let again = crash(&sandbox, &mut terminal, 0);
    assert_eq!(again.text("conversation"), first.text("conversation"));
    assert_eq!(arguments(&again), ["--resume", first.text("conversation")]);
    exit(&sandbox, terminal);
}

#[test]
fn it_comes_back_by_itself() {
    let sandbox = sandbox();
    let terminal = start(&sandbox, &[]);
    kill(&idle(&sandbox, 0), Signal::SIGSEGV);
    idle(&sandbox, 1);
    exit(&sandbox, terminal);
}

#[test]
fn ctrl_c_at_the_question_ends_the_session_with_claude_s_status() {
    let sandbox = patient();
    let mut terminal = at_question(&sandbox);
    terminal.type_text("\x03");
    assert_eq!(terminal.finish().code(), Some(137));
    sandbox.wait_for_silence();
}

#[test]
fn who_answers_no_learns_how_to_go_on() {
    let sandbox = patient();
    let mut terminal = start(&sandbox, &[]);
    submit(&mut terminal, "some words");
    terminal.wait_for_text("You said: some words");
    let record = idle(&sandbox, 0);
    kill(&record, Signal::SIGKILL);
    terminal.wait_for_text("ctrl-c: quit");
    terminal.type_text("\x03");
    assert_eq!(terminal.finish().code(), Some(137));
    let line = format!("not started again; to go on: claude --resume {}", record.text("conversation"));
    assert!(terminal.screen().contains(&line), "{}", terminal.report());
    sandbox.wait_for_silence();
}

#[test]
fn an_answer_is_understood_behind_what_the_terminal_replies() {
    let sandbox = patient();
    let mut terminal = at_question(&sandbox);
    terminal.type_text("no answer\x1b[?62;c\r");
    idle(&sandbox, 1);
    exit(&sandbox, terminal);
}

#[test]
fn the_detach_key_at_the_question_detaches() {
    let sandbox = patient();
    let mut terminal = at_question(&sandbox);
    terminal.type_text("\x1c");
    assert_eq!(terminal.finish().code(), Some(0));
    assert!(terminal.screen().contains("detached"), "{}", terminal.report());
    let mut command = sandbox.command(cckw_program());
    command.arg("attach");
    let mut other = Terminal::spawn(command);
    other.wait_for_text("ctrl-c: quit");
    other.type_text("\r");
    idle(&sandbox, 1);
    exit(&sandbox, other);
}

#[test]
fn signals_to_the_client_that_ask_for_an_end_get_one() {
    for (signal, status) in [(Signal::SIGTERM, 143), (Signal::SIGQUIT, 131), (Signal::SIGINT, 0)] {
        let sandbox = sandbox();
        let mut terminal = start(&sandbox, &[]);
        idle(&sandbox, 0);
        process::signal(terminal.pid(), signal);
        assert_eq!(terminal.finish().code(), Some(status));
        sandbox.wait_for_silence();
    }
}

#[test]
fn claude_s_own_error_at_the_start_is_shown_and_not_repeated() {
    let sandbox = sandbox();
    let mut command = sandbox.cckw_claude();
    command.args(["--resume", "6f1c7f5e-6a43-4a0e-9d5f-0d3f9c0b7a11"]);
    let mut terminal = Terminal::spawn(command);
    assert_eq!(terminal.finish().code(), Some(1));
    assert!(terminal.screen().contains("No conversation found"), "{}", terminal.report());
}

#[test]
fn without_a_terminal_it_comes_back_too() {
    let sandbox = sandbox();
    let mut terminal = start(&sandbox, &[]);
    submit(&mut terminal, "some words");
    terminal.wait_for_text("You said: some words");
    terminal.hang_up();
    sandbox.wait_for_record("nobody attached", |record| record.json["client_pid"].is_null());
    kill(&idle(&sandbox, 0), Signal::SIGKILL);
    let again = idle(&sandbox, 1);
    let mut command = sandbox.command(cckw_program());
    command.arg("attach");
    let mut other = Terminal::spawn(command);
    other.wait_for_text("some words");
    wait_until("an attached session", DEADLINE, || {
        sandbox.records().iter().all(|record| record.pid("client_pid").is_some())
    });
    assert_eq!(arguments(&again), ["--resume", again.text("session")]);
    at_prompt(&mut other);
    exit(&sandbox, other);
}

#[test]
fn a_conversation_that_is_gone_is_replaced_and_the_user_is_told() {
    let sandbox = sandbox();
    let mut terminal = start(&sandbox, &[]);
    submit(&mut terminal, "words");
    terminal.wait_for_text("You said: words");
    let first = sandbox.wait_for_record("a transcript", |record| {
        record.text("status") == "idle"
            && record.json["with_transcript"].as_array().is_some_and(|list| !list.is_empty())
    });
    std::fs::remove_dir_all(sandbox.path("home/.claude/projects")).expect("no transcripts any more");
    kill(&idle(&sandbox, 0), Signal::SIGKILL);
    // Claude's renderer covers what stands on the screen, so this waits for a key.
    terminal.wait_for_text("is not on disk any more; a new one is started in ");
    terminal.press(Key::Enter);
    let again = idle(&sandbox, 1);
    // At the end it is said once more.
    let (old, new) = (first.text("conversation"), again.text("conversation"));
    assert_ne!(old, new);
    assert_eq!(again.json["conversations"], serde_json::json!([old, new]));
    assert_eq!(arguments(&again), ["--session-id", new]);
    at_prompt(&mut terminal);
    exit(&sandbox, terminal);
}

#[test]
fn a_crash_loop_ends_with_a_word_on_how_to_resume() {
    let mut sandbox = sandbox();
    sandbox.configure("[restart]\ninitial_delay = \"10ms\"\nmax_delay = \"20ms\"\ncrash_limit = 3\n");
    sandbox.set("CCKW_STANDIN_FAULT", "crash 11");
    let mut terminal = Terminal::spawn(sandbox.cckw_claude());
    assert_eq!(terminal.finish().code(), Some(128 + 11));
    let record = sandbox.wait_for_record("an end", |record| record.text("state") == "crashed");
    let screen = terminal.screen().text().replace('\n', " ");
    // Claude resumes nothing in which nothing was said.
    let advice = format!("cckw start {}", &record.text("session")[..8]);
    assert!(screen.contains("3 times") && screen.contains(&advice), "{}", terminal.report());
    assert_eq!(record.json["restarts"], 2);
    let listed = well_said(&sandbox, &["list"]);
    assert!(
        listed.contains("  claude crashed 3 times and is not started again: cckw start work"),
        "{listed}"
    );
    assert_eq!(terminal.modes().left_on(), Vec::<String>::new());
    sandbox.wait_for_silence();
}

#[test]
fn a_killed_host_is_replaced_by_the_client() {
    let sandbox = sandbox();
    let mut terminal = start(&sandbox, &["--model", "opus"]);
    submit(&mut terminal, "some words");
    terminal.wait_for_text("You said: some words");
    let first = idle(&sandbox, 0);
    process::signal(first.pid("host_pid").expect("a host"), Signal::SIGKILL);
    terminal.wait_for_text("its conversation is brought back");
    let again = idle(&sandbox, 1);
    assert_eq!(again.text("session"), first.text("session"));
    assert_eq!(arguments(&again), ["--resume", first.text("conversation"), "--model", "opus"]);
    at_prompt(&mut terminal);
    submit(&mut terminal, "more words");
    terminal.wait_for_text("You said: more words");
    exit(&sandbox, terminal);
}

#[test]
fn a_session_whose_host_and_client_are_gone_is_started_again() {
    let sandbox = sandbox();
    let mut terminal = start(&sandbox, &[]);
    submit(&mut terminal, "some words");
    terminal.wait_for_text("You said: some words");
    let first = idle(&sandbox, 0);
    for key in ["client_pid", "host_pid"] {
        process::signal(first.pid(key).expect("a pid"), Signal::SIGKILL);
    }
    sandbox.wait_for_silence();
    drop(terminal);
    let cckw = |words: &[&str]| {
        let mut command = sandbox.command(cckw_program());
        command.args(words);
        command
    };
    // The host's last thread closes the socket, a moment after the process has become a zombie.
    wait_until("the end of the host", DEADLINE, || {
        std::os::unix::net::UnixStream::connect(first.text("socket")).is_err()
    });
    assert!(cckw(&["start", "--all"]).status().expect("starts").success());
    let again = idle(&sandbox, 1);
    assert_eq!(arguments(&again), ["--resume", first.text("conversation")]);
    // There is nothing left to start.
    assert!(cckw(&["start", "--all"]).status().expect("runs").success());
    assert_eq!(idle(&sandbox, 1).json["host_pid"], again.json["host_pid"]);
    let mut other = Terminal::spawn(cckw(&["attach"]));
    other.wait_for_text("You said: some words");
    at_prompt(&mut other);
    exit(&sandbox, other);
}

/// A shell's prompt again, with the job stopped.
fn stop(shell: &mut Terminal, record: &Record) {
    shell.type_text("\x1a");
    wait_until("a stopped job", DEADLINE, || {
        process::is_stopped(record.pid("client_pid").expect("a client"))
    });
    shell.wait_for_prompt();
}

#[test]
fn a_host_that_was_killed_under_a_stopped_job_is_replaced_with_fg() {
    let sandbox = sandbox();
    let mut shell = Terminal::shell("dash", &sandbox);
    shell.run(&format!("{} claude", cckw_program()));
    at_prompt(&mut shell);
    submit(&mut shell, "said before");
    shell.wait_for_text("You said: said before");
    let record = idle(&sandbox, 0);
    stop(&mut shell, &record);
    process::signal(record.pid("host_pid").expect("a host"), Signal::SIGKILL);
    wait_until("the end of the host", DEADLINE, || !process::runs(record.pid("host_pid").expect("a host")));
    shell.run("clear; fg");
    let again = idle(&sandbox, 1);
    assert_eq!(again.text("conversation"), record.text("conversation"));
    shell.wait_for_text("You said: said before");
    submit(&mut shell, "/exit");
    shell.wait_for_prompt();
    shell.run("echo status=$?");
    shell.wait_for_text("status=0");
    shell.run("exit");
    shell.wait_for_exit();
    sandbox.wait_for_silence();
}

/// What `cckw list` says of it is right: `fg` has it back. So is what is said where somebody else has it back
/// before that.
#[test]
fn a_stopped_job_whose_host_was_killed_is_listed_with_fg_and_after_a_start_with_attach() {
    for is_started in [false, true] {
        let sandbox = sandbox();
        let mut first = start(&sandbox, &[]);
        submit(&mut first, "said before");
        first.wait_for_text("You said: said before");
        sandbox.wait_for_record("a transcript", |record| record.json["with_transcript"][0].is_string());
        well_said(&sandbox, &["detach"]);
        first.finish();
        let mut shell = Terminal::shell("bash", &sandbox);
        shell.run(&format!("{} attach", cckw_program()));
        shell.wait_for_text("You said: said before");
        at_prompt(&mut shell);
        let record = sandbox.wait_for_record("a client", |record| record.pid("client_pid").is_some());
        stop(&mut shell, &record);
        let host = record.pid("host_pid").expect("a host");
        process::signal(host, Signal::SIGKILL);
        wait_until("the end of the host", DEADLINE, || !process::runs(host));
        let listed = well_said(&sandbox, &["list"]);
        assert!(listed.contains("its host was killed: fg in its terminal brings it back"), "{listed}");
        let attached = cckw(&sandbox, &["attach", "work"]).output().expect("runs");
        let said = String::from_utf8_lossy(&attached.stderr).into_owned();
        assert!(!attached.status.success() && said.contains("fg in its terminal"), "{said}");
        if is_started {
            well_said(&sandbox, &["start", "work"]);
            idle(&sandbox, 1);
        }
        shell.run("clear; fg");
        if is_started {
            shell.wait_for("the advice", |screen| {
                screen.text().replace('\n', "").contains("it was brought back meanwhile: cckw attach work")
            });
            shell.wait_for_prompt();
            shell.run(&format!("clear; {} attach work", cckw_program()));
        }
        shell.wait_for_text("You said: said before");
        let again = idle(&sandbox, 1);
        assert_eq!(again.text("conversation"), record.text("conversation"));
        at_prompt(&mut shell);
        submit(&mut shell, "/exit");
        shell.wait_for_prompt();
        shell.run("exit");
        shell.wait_for_exit();
        sandbox.wait_for_silence();
    }
}

#[test]
fn a_stopped_job_whose_host_was_killed_can_be_ended() {
    let sandbox = sandbox();
    let mut shell = Terminal::shell("bash", &sandbox);
    shell.run(&format!("{} claude", cckw_program()));
    at_prompt(&mut shell);
    let record = idle(&sandbox, 0);
    stop(&mut shell, &record);
    process::signal(record.pid("host_pid").expect("a host"), Signal::SIGKILL);
    wait_until("the end of the host", DEADLINE, || !process::runs(record.pid("host_pid").expect("a host")));
    shell.run("kill %1");
    wait_until("the end of the client", DEADLINE, || {
        !process::runs(record.pid("client_pid").expect("a client"))
    });
    // What the client says stands behind the prompt that came before.
    shell.wait_for_text("bring the conversation back with");
    shell.type_text("\r");
    shell.run("exit");
    shell.wait_for_exit();
}
