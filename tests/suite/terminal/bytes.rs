//! Every byte arrives, in both directions, and nothing waits for what cannot come.

use std::fs;
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::random::{Expected, FROM_CHILD, Stream, TO_CHILD};
use crate::support::{
    DEADLINE, Sandbox, Terminal, cckw_program, has_faults, process, stand_in, verb, wait_until,
};

const MIB: u64 = 1 << 20;
const BULK: u64 = 64 * MIB;
/// Far above what client and host need, in KiB, and far below what a byte for each byte would take.
const MEMORY: u64 = 48 * 1024;

fn sandbox(mode: &str) -> Sandbox {
    let mut sandbox = Sandbox::new();
    sandbox.use_child(mode);
    sandbox
}

fn start(sandbox: &Sandbox) -> Terminal {
    Terminal::builder().emulate(false).spawn(sandbox.cckw_claude())
}

/// Takes the output, which begins with `READY` where the mode says so, and compares it as it comes.
struct Reader {
    expected: Expected,
    skip: usize,
    left: usize,
}

impl Reader {
    fn new(total: u64, skip: usize) -> Self {
        Self { expected: Expected::new(FROM_CHILD, total), skip, left: usize::try_from(total).expect("fits") }
    }

    /// Reads until all is there. What follows it is cckw's: it undoes the modes that random bytes have
    /// switched.
    fn read(&mut self, terminal: &mut Terminal) {
        while self.left > 0 {
            // As long as something comes it may take its time: a busy machine is slow with so much.
            wait_until("more of the output", DEADLINE, || {
                let mut bytes = terminal.take_output();
                bytes.drain(..self.skip.min(bytes.len())).for_each(|_| self.skip -= 1);
                bytes.truncate(self.left);
                self.left -= bytes.len();
                if let Err(difference) = self.expected.feed(&bytes) {
                    panic!("{difference}\n{}", said(&bytes));
                }
                !bytes.is_empty()
            });
        }
        assert!(self.expected.is_complete());
    }
}

/// What cckw has said between other bytes, for a test that has failed.
fn said(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.split("[cckw: ").skip(1).filter_map(|rest| rest.split(']').next()).collect::<Vec<_>>().join("\n")
}

fn high_water(pid: i32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("a status");
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).expect("a high-water mark");
    line.split_ascii_whitespace().nth(1).and_then(|number| number.parse().ok()).expect("a number")
}

fn assert_bounded(sandbox: &Sandbox) {
    let record = sandbox.wait_for_record("a client", |record| record.pid("client_pid").is_some());
    for key in ["client_pid", "host_pid"] {
        let used = high_water(record.pid(key).expect("a pid"));
        assert!(used < MEMORY, "{key}: {used} KiB");
    }
}

/// Types that part of what the child expects.
fn type_between(terminal: &mut Terminal, from: u64, to: u64) {
    let mut stream = Stream::new(TO_CHILD, to);
    while !stream.is_done() {
        let bytes = stream.peek().to_vec();
        stream.advance(bytes.len());
        let skip =
            usize::try_from(from.saturating_sub(stream.position() - bytes.len() as u64)).expect("fits");
        if skip < bytes.len() {
            terminal.type_bytes(&bytes[skip..]);
        }
    }
}

#[test]
fn output_arrives_unchanged() {
    let sandbox = sandbox(&format!("source:{BULK}"));
    let mut terminal = start(&sandbox);
    Reader::new(BULK, 0).read(&mut terminal);
    assert_eq!(terminal.finish().code(), Some(0));
}

#[test]
fn input_arrives_unchanged_also_after_a_while_of_not_reading() {
    let sandbox = sandbox(&format!("sink:{BULK}:500"));
    let mut terminal = start(&sandbox);
    terminal.wait_for_length("READY\r\n".len(), DEADLINE);
    type_between(&mut terminal, 0, BULK / 2);
    assert_bounded(&sandbox);
    type_between(&mut terminal, BULK / 2, BULK);
    let report = sandbox.report();
    assert_eq!((report["read"].as_u64(), &report["mismatch"]), (Some(BULK), &serde_json::Value::Null));
    assert_eq!(terminal.finish().code(), Some(0));
}

/// Longer than the terminal is left alone, so that most of it waits in memory.
#[test]
fn input_arrives_unchanged_also_after_seconds_of_not_reading() {
    const SIZE: u64 = 24 * MIB;
    let sandbox = sandbox(&format!("sink:{SIZE}:4000"));
    let mut terminal = start(&sandbox);
    terminal.wait_for_length("READY\r\n".len(), DEADLINE);
    type_between(&mut terminal, 0, SIZE);
    let report = sandbox.report();
    assert_eq!((report["read"].as_u64(), &report["mismatch"]), (Some(SIZE), &serde_json::Value::Null));
    assert_eq!(terminal.finish().code(), Some(0));
}

/// A session with a child that the detach key detaches from.
fn detachable(mode: &str) -> Sandbox {
    let sandbox = sandbox(mode);
    sandbox.configure("[restart]\ncrash_limit = 1\n");
    sandbox
}

/// What was typed before the detach key is for claude. It is slow here, but it reads.
#[test]
fn the_detach_key_behind_a_paste_waits_for_a_claude_that_reads() {
    const SIZE: u64 = 2 * MIB;
    let sandbox = detachable(&format!("sink:{}:1500", SIZE + 1));
    let mut terminal = start(&sandbox);
    terminal.wait_for_length("READY\r\n".len(), DEADLINE);
    terminal.type_bytes(&vec![b'x'; SIZE as usize]);
    terminal.type_bytes(b"\x1c");
    assert_eq!(terminal.finish().code(), Some(0), "{}", terminal.report());
    let said = String::from_utf8_lossy(&terminal.output()).into_owned();
    assert!(said.contains("detached") && !said.contains("has not read"), "{said}");
    let mut attach = sandbox.command(cckw_program());
    attach.arg("attach");
    let mut again = Terminal::builder().emulate(false).spawn(attach);
    again.type_bytes(b"x");
    assert_eq!(sandbox.report()["read"].as_u64(), Some(SIZE + 1));
    assert_eq!(again.finish().code(), Some(0));
}

/// The host is well, and claude hangs.
#[test]
fn the_detach_key_behind_a_paste_that_claude_does_not_read_gives_the_terminal_back() {
    for presses in [1, 2] {
        let sandbox = detachable("sink:1:200000");
        let mut terminal = start(&sandbox);
        terminal.wait_for_length("READY\r\n".len(), DEADLINE);
        terminal.type_bytes(&vec![b'x'; 3 * MIB as usize]);
        for _ in 0..presses {
            terminal.type_bytes(b"\x1c");
        }
        assert_eq!(terminal.finish().code(), Some(0), "{}", terminal.report());
        let said = String::from_utf8_lossy(&terminal.output()).into_owned();
        assert!(said.contains("claude has not read the last"), "{said}");
        verb::well_said(&sandbox, &["stop"]);
        sandbox.wait_for_silence();
    }
}

/// What of a paste claude has got counts as all of it: the next keys are no parts of it.
#[test]
fn a_paste_that_is_cut_because_the_terminal_is_let_go_is_ended() {
    // In milliseconds: until all is typed, and for the detach key until the client gives claude up as well.
    for (way, hang) in [("the detach key", 10_000), ("a closed window", 3_000), ("kill -9", 3_000)] {
        let sandbox = stand_in::sandbox();
        let mut terminal = stand_in::start(&sandbox, &[]);
        stand_in::submit(&mut terminal, &format!("/fault hang {hang}"));
        terminal.type_bytes(b"\x1b[200~");
        terminal.type_bytes(&b"words ".repeat(40_000));
        terminal.type_bytes(b"\x1b[201~");
        if way == "a closed window" {
            terminal.hang_up();
        } else if way == "kill -9" {
            process::signal(terminal.pid(), Signal::SIGKILL);
        } else {
            terminal.type_bytes(b"\x1c");
            assert_eq!(terminal.finish().code(), Some(0), "{}", terminal.report());
            assert!(terminal.screen().contains("claude has not read the last"), "{}", terminal.report());
        }
        sandbox.wait_for_record("nobody attached", |record| record.json["client_pid"].is_null());
        let mut again = Terminal::spawn(verb::cckw(&sandbox, &["attach"]));
        again.wait_for_text("words words");
        again.type_text("the end");
        again.wait_for_text("the end");
        verb::well_said(&sandbox, &["stop"]);
        sandbox.wait_for_silence();
    }
}

#[test]
fn both_directions_at_once_also_when_neither_side_reads_for_a_while() {
    let sandbox = sandbox(&format!("both:{BULK}:500"));
    let mut terminal = start(&sandbox);
    let ready = "READY\r\n".len();
    terminal.wait_for_length(ready, DEADLINE);
    terminal.stop_reading();
    type_between(&mut terminal, 0, BULK / 2);
    assert_bounded(&sandbox);
    terminal.read_on();
    type_between(&mut terminal, BULK / 2, BULK);
    Reader::new(BULK, ready).read(&mut terminal);
    let report = sandbox.report();
    assert_eq!((report["read"].as_u64(), &report["mismatch"]), (Some(BULK), &serde_json::Value::Null));
    assert_eq!(terminal.finish().code(), Some(0));
}

#[test]
fn the_last_bytes_of_a_child_that_ends_at_once_arrive() {
    last_bytes_arrive(None);
}

/// As on macOS, where the host keeps the PTY open.
#[test]
fn the_last_bytes_arrive_from_a_terminal_that_the_host_keeps_open() {
    last_bytes_arrive(Some("one-pty"));
}

fn last_bytes_arrive(fault: Option<&str>) {
    if fault.is_some() && !has_faults() {
        return;
    }
    for grandchild in ["", ":grandchild:60"] {
        for bytes in [1, 2_000, 4_095, 4_096, 10_000, 50_000, 200_000, MIB] {
            let mut sandbox = sandbox(&format!("burst:{bytes}{grandchild}"));
            if let Some(fault) = fault {
                sandbox.set("CCKW_FAULT", fault);
            }
            let mut terminal = start(&sandbox);
            // The terminal reads late: whatever does not fit into it waits inside cckw and the PTY.
            terminal.stop_reading();
            let begun = sandbox.wait_for_report("its bytes", |report| report["pid"].is_u64());
            if bytes <= 2_000 {
                // So few are all in the PTY when the child ends, which is when they could be lost.
                let pid = i32::try_from(begun["pid"].as_i64().expect("a pid")).expect("a pid");
                wait_until("the child's end", DEADLINE, || !process::runs(pid));
            }
            terminal.read_on();
            Reader::new(bytes, 0).read(&mut terminal);
            assert_eq!(terminal.finish().code(), Some(0), "{bytes}{grandchild}");
        }
    }
}

#[test]
fn a_large_paste_comes_back_whole() {
    let sandbox = sandbox(&format!("echo:{MIB}"));
    let mut terminal = start(&sandbox);
    let ready = "READY\r\n".len();
    terminal.wait_for_length(ready, DEADLINE);
    let paste: Vec<u8> = (0..MIB).map(|at| b' ' + (at % 90) as u8).collect();
    terminal.type_bytes(&paste);
    terminal.wait_for_length(ready + paste.len(), DEADLINE);
    assert!(terminal.take_output()[ready..] == paste, "the paste came back changed");
    assert_eq!(terminal.finish().code(), Some(0));
}

#[test]
fn a_child_that_never_reads_still_writes() {
    let sandbox = sandbox("deaf:1000000");
    let mut terminal = start(&sandbox);
    let ready = "READY\r\n".len();
    terminal.wait_for_length(ready, DEADLINE);
    // More than all buffers on the way hold; what is not taken stays with the terminal.
    let taken = terminal.offer(&vec![b'x'; 1 << 20], Duration::from_millis(300));
    assert!(taken < 300_000, "{taken} bytes were taken for a child that reads none");
    terminal.wait_for_length(ready + 1_000_000, DEADLINE);
    let record = sandbox.wait_for_record("a client", |record| record.pid("client_pid").is_some());
    process::signal(record.pid("client_pid").expect("a pid"), nix::sys::signal::Signal::SIGTERM);
    assert_eq!(terminal.finish().code(), Some(128 + 15));
}
