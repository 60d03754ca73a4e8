//! The scanner of what comes from the terminal: every byte is passed on but the detach key, however the
//! stream is cut.
//!
//! Input: how (bit 0: the terminal may send extended keys), how it is cut, and the stream.

use cckw::vt::input_parser::InputParser;

use super::cut;

/// The detach key, in all encodings that a terminal was seen to use.
const KEYS: [&[u8]; 5] = [b"\x1c", b"\x1b[92;5u", b"\x1b[92:124;5:1u", b"\x1b[92;133u", b"\x1b[27;5;92~"];

/// What came of a stream.
#[derive(Debug, PartialEq, Eq)]
struct Ran {
    out: Vec<u8>,
    detached: bool,
    typed: bool,
    replies: Vec<Vec<u8>>,
    in_paste: bool,
}

pub fn check(data: &[u8]) {
    let Some((&[how, seed], bytes)) = data.split_first_chunk() else { return };
    let extended = how & 1 == 1;
    let whole = run(&[bytes], extended, false);
    let pieces = run(&cut(bytes, seed), extended, false);
    for ran in [&whole, &pieces, &run(&cut(bytes, seed), extended, true)] {
        assert!(
            is_less_keys(bytes, &ran.out),
            "{:?} became {:?}",
            bytes.escape_ascii(),
            ran.out.escape_ascii()
        );
        assert!(
            ran.detached || ran.out.len() == bytes.len() || has_release(bytes),
            "a key was taken, and not told"
        );
    }
    if extended {
        assert_eq!(whole, pieces, "cut, it is another stream");
    }
    passive(bytes, seed);
    detaches_afterwards(bytes);
}

/// Everything that is passed on, with a flush at the end, or after each read.
fn run(reads: &[&[u8]], extended: bool, flush_each: bool) -> Ran {
    let mut scanner = InputParser::default();
    scanner.expect_extended_keys(extended);
    let mut ran = Ran { out: vec![], detached: false, typed: false, replies: vec![], in_paste: false };
    for read in reads {
        let found = scanner.feed(read);
        assert!(found.detach.is_none_or(|at| at <= found.forward.len()));
        ran.detached |= found.detach.is_some();
        ran.typed |= found.typed;
        ran.out.extend_from_slice(&found.forward);
        ran.replies.extend(found.replies);
        assert!(extended || !scanner.is_holding(), "a lone Esc would be late");
        if flush_each {
            flush(&mut scanner, &mut ran);
        }
    }
    flush(&mut scanner, &mut ran);
    ran.in_paste = scanner.is_in_paste();
    ran
}

fn flush(scanner: &mut InputParser, ran: &mut Ran) {
    let (held, typed) = scanner.flush();
    ran.out.extend(held);
    ran.typed |= typed;
    assert!(!scanner.is_holding() && !scanner.is_in_sequence());
}

/// Where no key detaches nothing is taken out or held.
fn passive(bytes: &[u8], seed: u8) {
    let mut scanner = InputParser::passive();
    scanner.expect_extended_keys(true);
    for read in cut(bytes, seed) {
        let found = scanner.feed(read);
        assert!(&*found.forward == read && found.detach.is_none() && !scanner.is_holding());
    }
}

/// Whatever came before: when nothing has come for a moment, and no paste is open, the key is the key.
fn detaches_afterwards(bytes: &[u8]) {
    for key in KEYS {
        let mut scanner = InputParser::default();
        scanner.expect_extended_keys(true);
        scanner.feed(bytes);
        scanner.flush();
        if scanner.is_in_paste() {
            let found = scanner.feed(key);
            assert!(&*found.forward == key && found.detach.is_none(), "a paste lost something");
            scanner.feed(b"\x1b[201~");
        }
        let found = scanner.feed(key);
        assert!(
            found.forward.is_empty() && found.detach == Some(0) && found.typed,
            "{:?}",
            key.escape_ascii()
        );
    }
}

/// Whether `out` is `input` with some detach keys taken out, and nothing else.
fn is_less_keys(input: &[u8], out: &[u8]) -> bool {
    // How many bytes may have been taken out by now. A key that is taken out leads further on, to a later
    // place.
    let mut taken: Vec<Vec<usize>> = vec![vec![]; input.len() + 1];
    taken[0].push(0);
    for at in 0..input.len() {
        for before in std::mem::take(&mut taken[at]) {
            if out.get(at - before) == Some(&input[at]) && !taken[at + 1].contains(&before) {
                taken[at + 1].push(before);
            }
            if let Some(length) = key_at(&input[at..])
                && !taken[at + length].contains(&(before + length))
            {
                taken[at + length].push(before + length);
            }
        }
    }
    taken[input.len()].contains(&input.len().wrapping_sub(out.len()))
}

/// How long the detach key is that stands here, if it does.
fn key_at(bytes: &[u8]) -> Option<usize> {
    if bytes[0] == 0x1c {
        return Some(1);
    }
    let body = bytes.strip_prefix(b"\x1b[")?;
    let end = body.iter().position(|byte| !matches!(byte, b'0'..=b'9' | b':' | b';'))?;
    let is_key = matches!(body[end], b'u' | b'~') && body[..end].windows(2).any(|two| two == b"92");
    is_key.then_some(2 + end + 1)
}

/// Whether a key's repetition or release may be in there, which are taken out and detach nothing.
fn has_release(bytes: &[u8]) -> bool {
    bytes.windows(3).any(|three| matches!(three, [b':', b'0'..=b'3', b'u']) || three[0] == b':')
}
