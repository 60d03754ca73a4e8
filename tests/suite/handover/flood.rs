//! No byte is lost, doubled or moved while programs take each other's place.

use std::process::Child;

use super::{cckw_restart, wait_for_count};
use crate::random::{Expected, FROM_CHILD, Stream, TO_CHILD};
use crate::support::verb::well_said;
use crate::support::{DEADLINE, Sandbox, Terminal, wait_until};

const MIB: usize = 1 << 20;
const HAND_OVERS: usize = 20;

fn has_gone_well(verb: Child) {
    let output = verb.wait_with_output().expect("ends");
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
}

fn start(sandbox: &Sandbox) -> Terminal {
    Terminal::builder().emulate(false).spawn(sandbox.cckw_claude())
}

fn more(terminal: &mut Terminal) -> Vec<u8> {
    let mut bytes = Vec::new();
    wait_until("more of the output", DEADLINE, || {
        bytes = terminal.take_output();
        !bytes.is_empty()
    });
    bytes
}

#[test]
fn output_arrives_unchanged_through_twenty_hand_overs() {
    /// More than comes in the time of the test: it never rests.
    const ENDLESS: u64 = 1 << 40;
    let mut sandbox = Sandbox::new();
    sandbox.use_child(&format!("source:{ENDLESS}"));
    let mut terminal = start(&sandbox);
    let (mut expected, mut come) = (Expected::new(FROM_CHILD, ENDLESS), 0);
    let (mut done, mut verb) = (0, None::<Child>);
    while done < HAND_OVERS || come < 64 * MIB {
        let bytes = more(&mut terminal);
        come += bytes.len();
        if let Err(difference) = expected.feed(&bytes) {
            panic!("after {done} hand-overs: {difference}");
        }
        let is_over = verb.as_mut().is_some_and(|verb| verb.try_wait().expect("can be asked").is_some());
        if let Some(verb) = verb.take_if(|_| is_over) {
            has_gone_well(verb);
            done += 1;
        }
        if verb.is_none() && done < HAND_OVERS {
            verb = Some(cckw_restart(&sandbox).spawn().expect("runs"));
        }
    }
    wait_for_count(&sandbox, HAND_OVERS);
    well_said(&sandbox, &["stop"]);
    sandbox.wait_for_silence();
}

/// What is typed comes back from the child, read by read, so each byte goes both ways.
#[test]
fn keys_and_their_echo_arrive_in_order_through_twenty_hand_overs() {
    const SLICE: u64 = 64 * 1024;
    const READ: usize = 1024;
    const TOTAL: u64 = (HAND_OVERS as u64 + 1) * SLICE;
    let mut sandbox = Sandbox::new();
    sandbox.use_child(&format!("echo:{TOTAL}"));
    let mut terminal = start(&sandbox);
    let (mut keys, mut expected) = (Stream::new(TO_CHILD, TOTAL), Expected::new(TO_CHILD, TOTAL));
    let mut ready = "READY\r\n".len();
    terminal.wait_for_length(ready, DEADLINE);
    for slice in 0..=HAND_OVERS as u64 {
        // Behind the last slice the child ends, and perhaps before the verb has its answer.
        let verb = (slice < HAND_OVERS as u64).then(|| cckw_restart(&sandbox).spawn().expect("runs"));
        while keys.position() < (slice + 1) * SLICE {
            let bytes = keys.peek();
            let bytes = bytes[..bytes.len().min(READ)].to_vec();
            keys.advance(bytes.len());
            terminal.type_bytes(&bytes);
        }
        while expected.matched() < keys.position() {
            let mut bytes = more(&mut terminal);
            bytes.drain(..ready.min(bytes.len())).for_each(|_| ready -= 1);
            bytes.truncate(usize::try_from(TOTAL - expected.matched()).expect("fits"));
            if let Err(difference) = expected.feed(&bytes) {
                panic!("in slice {slice}: {difference}");
            }
        }
        verb.into_iter().for_each(has_gone_well);
    }
    assert!(expected.is_complete());
    assert_eq!(terminal.finish().code(), Some(0));
    sandbox.wait_for_silence();
}
