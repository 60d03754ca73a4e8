//! Two starts of one conversation at the very same moment: one has it, and the other is told who.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use nix::sys::signal::Signal;
use nix::sys::stat::Mode;

use crate::support::stand_in::{at_prompt, exit, said, sandbox, say, start, transcript};
use crate::support::verb::cckw;
use crate::support::{DEADLINE, Record, Sandbox, Terminal, cckw_program, process, wait_until};

/// So often, and so many, that a window of less than a millisecond is met. Without turns about every second
/// run of this saw a conversation opened twice.
const ROUNDS: usize = 8;
const TERMINALS: usize = 6;

/// A conversation that nobody has open; gives its id.
fn conversation(sandbox: &Sandbox, work: &Path) -> String {
    let mut command = sandbox.cckw_claude();
    command.current_dir(work);
    let mut terminal = Terminal::spawn(command);
    at_prompt(&mut terminal);
    say(&mut terminal, "words");
    let record = sandbox.wait_for_record("what was said", |record| {
        record.text("status") == "idle" && record.json["with_transcript"][0].is_string()
    });
    exit(terminal);
    sandbox.wait_for_silence();
    record.text("conversation").to_owned()
}

/// Of these terminals one has claude's prompt; the others have ended, with a word about that one. Gives the
/// one.
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
        let said = said(&terminal);
        for words in ["cckw: the conversation is already open in session ", "; cckw does not open it twice; "]
        {
            assert!(said.contains(&words.replace(' ', "")), "no {words:?}: {}", terminal.report());
        }
    }
    winner.expect("one")
}

#[test]
fn of_several_terminals_one_has_it() {
    let sandbox = sandbox();
    let work = sandbox.work();
    one_has_it_in(&sandbox, &work, ROUNDS);
}

#[test]
fn of_several_terminals_in_a_directory_with_an_odd_name_one_has_it() {
    // What claude makes a name of for the directory of its transcripts.
    for name in ["wo_rk", "w rk+\u{fc}\u{1f600}", &"long".repeat(55)] {
        let sandbox = sandbox();
        let work = sandbox.path(name);
        std::fs::create_dir(&work).expect("a directory");
        one_has_it_in(&sandbox, &work, 2);
    }
}

/// In each round several terminals start at the same moment in this directory, with the id and with
/// `--continue`.
#[track_caller]
fn one_has_it_in(sandbox: &Sandbox, work: &Path, rounds: usize) {
    let id = conversation(sandbox, work);
    let line = format!("{{\"type\":\"custom-title\",\"customTitle\":\"My Title\",\"sessionId\":\"{id}\"}}\n");
    let mut file = OpenOptions::new().append(true).open(transcript(sandbox, &id)).expect("a transcript");
    file.write_all(line.as_bytes()).expect("has a title");
    for round in 0..rounds {
        let before = sandbox.records().len();
        let spellings = [
            vec!["--resume", &id],
            vec!["--continue"],
            vec!["-r", &id, "--model", "opus"],
            vec!["--resume", "my title"],
        ];
        let gate = sandbox.path("gate");
        nix::unistd::mkfifo(&gate, Mode::S_IRWXU).expect("a gate");
        let start = |nth: usize| {
            let mut command = sandbox.command("/bin/sh");
            // All of them wait in the same system call, and are let go in one moment.
            command.args(["-c", "echo waiting; : <\"$0\"; exec \"$@\""]).arg(&gate).current_dir(work);
            command.arg(cckw_program()).arg("claude").args(&spellings[(round + nth) % spellings.len()]);
            let mut terminal = Terminal::spawn(command);
            terminal.wait_for_text("waiting");
            terminal
        };
        let terminals: Vec<Terminal> = (0..TERMINALS).map(start).collect();
        let open = OpenOptions::new().write(true).open(&gate).expect("all are let go");
        let winner = one_has_it(terminals);
        // Until now, for one may have been late.
        drop(open);
        std::fs::remove_file(&gate).expect("no gate");
        // Who is refused leaves nothing behind.
        wait_until("the one new record", DEADLINE, || sandbox.records().len() == before + 1);
        exit(winner);
        sandbox.wait_for_silence();
        assert!(sandbox.sockets().is_empty(), "{:?}", sandbox.sockets());
    }
}

#[test]
fn of_a_revival_and_a_terminal_one_has_it() {
    let sandbox = sandbox();
    let id = conversation(&sandbox, &sandbox.work());
    for _ in 0..ROUNDS {
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
        let mut revival = cckw(&sandbox, &["start", "work"]);
        revival.stdout(Stdio::piped()).stderr(Stdio::piped());
        let revival = revival.spawn().expect("starts");
        let mut command = sandbox.cckw_claude();
        command.args(["--resume", &id]);
        let mut terminal = Terminal::spawn(command);
        let shown = terminal.try_wait_for(|screen| screen.cursor_row().starts_with('❯'));
        let revival = revival.wait_with_output().expect("ends");
        // It may find the one in the terminal, which has the name by then, and say that it runs already.
        let said = String::from_utf8_lossy(&revival.stdout).into_owned();
        let revived = revival.status.success() && said.contains(": started, ");
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
