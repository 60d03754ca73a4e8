//! What cckw did by itself is told outside claude's screen, in the way that the configuration asks for.

use nix::sys::signal::Signal;

use crate::support::stand_in::{at_prompt, sandbox, start, submit};
use crate::support::{DEADLINE, Sandbox, Terminal, process, wait_until};

fn configured(how: &str) -> Sandbox {
    let sandbox = sandbox();
    sandbox.configure(&format!("notify = \"{how}\"\n[restart]\ninitial_delay = \"50ms\"\ncrash_limit = 2\n"));
    sandbox
}

fn wrote(terminal: &Terminal, what: &str) -> usize {
    String::from_utf8_lossy(&terminal.output()).matches(what).count()
}

fn crash(sandbox: &Sandbox, restarts: u64) {
    let record = sandbox.wait_for_record("an idle claude", |record| {
        record.text("status") == "idle" && record.json["restarts"] == restarts
    });
    process::signal(record.pid("claude_pid").expect("a claude"), Signal::SIGKILL);
}

#[test]
fn a_crash_and_the_end_are_told_once_each() {
    for (how, back, end) in [
        (
            "osc9",
            "\x1b]9;cckw: claude was killed by SIGKILL, and is back\x07",
            "\x1b]9;cckw: claude crashed 2 times",
        ),
        (
            "osc777",
            "\x1b]777;notify;cckw;claude was killed by SIGKILL, and is back\x07",
            "\x1b]777;notify;cckw;claude crashed 2 times",
        ),
        (
            "title",
            "\x1b]2;cckw: claude was killed by SIGKILL, and is back\x07",
            "\x1b]2;cckw: claude crashed 2 times",
        ),
    ] {
        let sandbox = configured(how);
        let mut terminal = start(&sandbox, &[]);
        crash(&sandbox, 0);
        wait_until("the notice", DEADLINE, || wrote(&terminal, back) == 1);
        crash(&sandbox, 1);
        assert_eq!(terminal.finish().code(), Some(137));
        assert_eq!((wrote(&terminal, back), wrote(&terminal, end)), (1, 1), "{how}");
        assert!(!terminal.screen().contains("notify"), "{}", terminal.report());
        sandbox.wait_for_silence();
    }
}

#[test]
fn without_being_asked_for_nothing_is_told() {
    let sandbox = configured("off");
    let mut terminal = start(&sandbox, &[]);
    crash(&sandbox, 0);
    sandbox.wait_for_record("claude again", |record| {
        record.text("status") == "idle" && record.json["restarts"] == 1
    });
    at_prompt(&mut terminal);
    submit(&mut terminal, "/exit");
    assert_eq!(terminal.finish().code(), Some(0));
    for sequence in ["\x1b]9;", "\x1b]777;", "\x1b]2;"] {
        assert_eq!(wrote(&terminal, sequence), 0);
    }
}
