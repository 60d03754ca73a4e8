//! Two starts of one conversation at the very same moment: one has it, and the other is told who.

mod support;

use std::process::Stdio;

use nix::sys::signal::Signal;
use support::stand_in::{at_prompt, sandbox, start, submit};
use support::verb::cckw;
use support::{DEADLINE, Record, Sandbox, Terminal, process, wait_until};

/// So often that a window of a few milliseconds is met.
const ROUNDS: usize = 12;

/// A conversation that nobody has open; gives its id.
fn conversation(sandbox: &Sandbox) -> String {
    let mut terminal = start(sandbox, &[]);
    submit(&mut terminal, "words");
    terminal.wait_for_text("You said: words");
    at_prompt(&mut terminal);
    let record = sandbox.wait_for_record("what was said", |record| {
        record.text("status") == "idle" && record.json["with_transcript"][0].is_string()
    });
    exit(terminal);
    sandbox.wait_for_silence();
    record.text("conversation").to_owned()
}

fn exit(mut terminal: Terminal) {
    submit(&mut terminal, "/exit");
    assert_eq!(terminal.finish().code(), Some(0), "{}", terminal.report());
}

/// Of these terminals one has claude's prompt; the others have ended, with a word about that one. Gives the one.
#[track_caller]
fn one_has_it(mut terminals: Vec<Terminal>) -> Terminal {
    let shown: Vec<bool> = terminals
        .iter_mut()
        .map(|terminal| terminal.try_wait_for(|screen| screen.cursor_row().starts_with('❯')))
        .collect();
    let reports: Vec<String> = terminals.iter().map(Terminal::report).collect();
    assert_eq!(shown.iter().filter(|shown| **shown).count(), 1, "{}", reports.join("\n"));
    let mut winner = None;
    for (mut terminal, shown) in terminals.into_iter().zip(shown) {
        if shown {
            winner = Some(terminal);
            continue;
        }
        assert_eq!(terminal.finish().code(), Some(1), "{}", terminal.report());
        assert_eq!(terminal.modes().left_on(), Vec::<String>::new());
        let said = terminal.history().concat().replace(' ', "");
        for words in ["cckw: the conversation is open in session ", " already, and is not opened twice; "] {
            assert!(said.contains(&words.replace(' ', "")), "no {words:?}: {}", terminal.report());
        }
    }
    winner.expect("one")
}

#[test]
fn of_several_terminals_one_has_it() {
    let sandbox = sandbox();
    let id = conversation(&sandbox);
    for round in 0..ROUNDS {
        let before = sandbox.records().len();
        let spellings = [vec!["--resume", &id], vec!["--continue"], vec!["-r", &id, "--model", "opus"]];
        let start = |words: &Vec<&str>| {
            let mut command = sandbox.cckw_claude();
            command.args(words);
            Terminal::spawn(command)
        };
        let mut terminals: Vec<Terminal> = spellings.iter().map(start).collect();
        terminals.rotate_left(round % 3);
        let winner = one_has_it(terminals);
        // Who is refused leaves nothing behind.
        assert_eq!(sandbox.records().len(), before + 1);
        exit(winner);
        sandbox.wait_for_silence();
        assert!(sandbox.sockets().is_empty(), "{:?}", sandbox.sockets());
    }
}

#[test]
fn of_a_revival_and_a_terminal_one_has_it() {
    let sandbox = sandbox();
    let id = conversation(&sandbox);
    for _ in 0..ROUNDS / 2 {
        for record in sandbox.records() {
            std::fs::remove_dir_all(record.path.parent().expect("a directory")).expect("forgotten");
        }
        let terminal = start(&sandbox, &["--resume", &id]);
        let idle = |record: &Record| record.text("status") == "idle";
        let record = sandbox.wait_for_record("an idle claude", idle);
        for key in ["client_pid", "host_pid"] {
            process::signal(record.pid(key).expect("a pid"), Signal::SIGKILL);
        }
        sandbox.wait_for_silence();
        drop(terminal);
        let mut revival = cckw(&sandbox, &["start", "work"]).stderr(Stdio::piped()).spawn().expect("starts");
        let mut command = sandbox.cckw_claude();
        command.args(["--resume", &id]);
        let mut terminal = Terminal::spawn(command);
        let shown = terminal.try_wait_for(|screen| screen.cursor_row().starts_with('❯'));
        let revived = revival.wait().expect("ends").success();
        assert_ne!(shown, revived, "{}", terminal.report());
        if shown {
            exit(terminal);
        } else {
            assert_eq!(terminal.finish().code(), Some(1), "{}", terminal.report());
            let stopped = cckw(&sandbox, &["stop"]).status().expect("stops");
            assert!(stopped.success());
        }
        sandbox.wait_for_silence();
        wait_until("no socket", DEADLINE, || sandbox.sockets().iter().all(|path| !is_up(path)));
    }
}

fn is_up(path: &std::path::Path) -> bool {
    std::os::unix::net::UnixStream::connect(path).is_ok()
}
