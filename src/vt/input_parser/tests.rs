use proptest::prelude::*;

use super::*;

/// Everything that is passed on, with a flush after the last read.
fn run(reads: &[&[u8]], extended: bool) -> (Vec<u8>, usize, bool, Vec<Vec<u8>>) {
    let mut scanner = InputParser::default();
    scanner.expect_extended_keys(extended);
    let (mut out, mut detached, mut typed, mut replies) = (Vec::new(), 0, false, Vec::new());
    for read in reads {
        let found = scanner.feed(read);
        assert!(found.detach.is_none_or(|at| at <= found.forward.len()));
        detached += usize::from(found.detach.is_some());
        typed |= found.typed;
        out.extend_from_slice(&found.forward);
        replies.extend(found.replies);
        assert!(scanner.kept.len() <= MAX_SEQUENCE_BYTES && scanner.held <= HELD);
        assert!(extended || !scanner.is_holding());
    }
    let (rest, flushed) = scanner.flush();
    out.extend(rest);
    assert!(!scanner.is_holding() && !scanner.is_in_sequence());
    (out, detached, typed || flushed, replies)
}

const KEYS: [&[u8]; 9] = [
    b"\x1c",
    b"\x1b[92;5u",
    b"\x1b[92;5:1u",
    b"\x1b[92:124;5u",
    b"\x1b[92:124:92;5:1u",
    b"\x1b[1078::92;5u",
    b"\x1b[92;133u",
    b"\x1b[92;69u",
    b"\x1b[27;5;92~",
];

#[test]
fn the_key_is_found_in_each_encoding_wherever_it_is_cut() {
    for key in KEYS {
        for cut in 0..=key.len() {
            let (out, detached, typed, _) = run(&[&key[..cut], &key[cut..]], true);
            assert_eq!((out.as_slice(), detached, typed), (&b""[..], 1, true), "{key:?} cut at {cut}");
        }
        let (out, detached, ..) = run(&[&[b"ab", key, b"cd"].concat()], false);
        assert_eq!((out.as_slice(), detached), (&b"abcd"[..], 1), "{key:?}");
    }
}

#[test]
fn what_comes_before_and_behind_the_key_is_told_apart() {
    let mut scanner = InputParser::default();
    let found = scanner.feed(b"ab\x1ccd\x1cef");
    assert_eq!((found.forward.as_ref(), found.detach), (&b"abcdef"[..], Some(2)));
    scanner.expect_extended_keys(true);
    assert_eq!(scanner.feed(b"ab\x1b[92;").forward.as_ref(), b"ab");
    let found = scanner.feed(b"5ucd");
    assert_eq!((found.forward.as_ref(), found.detach), (&b"cd"[..], Some(0)));
}

#[test]
fn repeating_and_letting_go_of_the_key_go_nowhere() {
    let (out, detached, ..) = run(&[b"\x1b[92;5:2u\x1b[92;5:3u"], true);
    assert_eq!((out.as_slice(), detached), (&b""[..], 0));
}

#[test]
fn other_keys_are_passed_on() {
    for key in [
        &b"\x1b[92;6u"[..],
        b"\x1b[92u",
        b"\x1b[92;3u",
        b"\x1b[27;5;93~",
        b"\x1b[27;6;92~",
        b"\x1b[92;5~",
        b"\x1b[A",
        b"\x1b[1;5A",
        b"\x1bOP",
        b"\x1b[[A",
        b"\x1ba",
        b"\x1b\x1b",
        b"\x1b[1;5R",
        "日".as_bytes(),
    ] {
        for cut in 0..=key.len() {
            let (out, detached, typed, replies) = run(&[&key[..cut], &key[cut..]], true);
            assert_eq!((out.as_slice(), detached, typed), (key, 0, true), "{key:?} cut at {cut}");
            assert!(replies.is_empty());
        }
    }
}

#[test]
fn replies_are_not_typing() {
    for reply in [
        &b"\x1b[?62;22c"[..],
        b"\x1b[>41;390;0c",
        b"\x1b[24;80R",
        b"\x1b[1;80R",
        b"\x1b[?24;80R",
        b"\x1b[?2026;2$y",
        b"\x1b[?5u",
        b"\x1b[0n",
        b"\x1b[?997;1n",
        b"\x1b[4;600;800t",
        b"\x1bP>|XTerm(390)\x1b\\",
        b"\x1b]11;rgb:1111/2222/3333\x1b\\",
        b"\x1b]10;rgb:1111/2222/3333\x07",
    ] {
        for cut in 0..=reply.len() {
            let (out, detached, typed, replies) = run(&[&reply[..cut], &reply[cut..]], true);
            assert_eq!((out.as_slice(), detached, typed), (reply, 0, false), "{reply:?} cut at {cut}");
            assert_eq!(replies, [reply]);
        }
    }
}

#[test]
fn mouse_and_focus_are_neither() {
    for report in
        [&b"\x1b[I"[..], b"\x1b[O", b"\x1b[<0;10;20M", b"\x1b[<0;10;20m", b"\x1b[M !!", b"\x1b[32;10;20M"]
    {
        for cut in 0..=report.len() {
            let (out, detached, typed, replies) = run(&[&report[..cut], &report[cut..]], true);
            // `CSI` alone is Alt and a bracket, had nothing followed.
            assert_eq!((out.as_slice(), detached, typed), (report, 0, false), "{report:?} cut at {cut}");
            assert!(replies.is_empty());
        }
    }
}

#[test]
fn a_paste_passes_whole_with_whatever_is_in_it() {
    let paste = b"\x1b[200~a\x1cb\x1b[92;5uc\x1b[20\x1b\x1b[201~";
    for cut in 0..=paste.len() {
        let (out, detached, typed, _) = run(&[&paste[..cut], &paste[cut..]], true);
        assert_eq!((out.as_slice(), detached, typed), (&paste[..], 0, true), "cut at {cut}");
        let mut scanner = InputParser::default();
        scanner.feed(&paste[..cut]);
        scanner.flush();
        let inside = (6..paste.len()).contains(&cut);
        assert_eq!(scanner.is_in_paste(), inside, "cut at {cut}");
        assert!(!scanner.is_in_sequence());
        assert_eq!(
            scanner.feed(&[&paste[cut..], b"\x1c"].concat()).detach.is_some(),
            inside || cut == 0 || cut == paste.len() || cut < 6
        );
    }
}

#[test]
fn a_lone_escape_is_held_only_where_the_key_may_come_as_a_sequence() {
    let mut scanner = InputParser::default();
    assert_eq!(scanner.feed(b"\x1b").forward.as_ref(), b"\x1b");
    assert!(scanner.is_in_sequence() && !scanner.is_holding());
    assert_eq!(scanner.flush(), (Vec::new(), true));
    scanner.expect_extended_keys(true);
    assert_eq!(scanner.feed(b"\x1b").forward.as_ref(), b"");
    assert!(scanner.is_holding());
    assert_eq!(scanner.flush(), (b"\x1b".to_vec(), true));
    // What cannot become the key any more is passed on in the same read.
    assert_eq!(scanner.feed(b"\x1b[<0;1").forward.as_ref(), b"\x1b[<0;1");
    assert_eq!(scanner.feed(b"\x1b]11;").forward.as_ref(), b"\x1b]11;");
}

#[test]
fn a_read_without_the_key_is_passed_on_as_it_is() {
    let mut scanner = InputParser::default();
    scanner.expect_extended_keys(true);
    for read in [&b"hello"[..], b"\x1b[A", b"\x1b[200~x\x1b[201~\r", b"\x1b[?62c"] {
        assert!(matches!(scanner.feed(read).forward, Cow::Borrowed(same) if same == read));
    }
}

#[test]
fn the_key_gets_out_of_a_string_that_has_no_end() {
    let (out, detached, ..) = run(&[b"\x1b]", b"text", b"\x1c"], true);
    assert_eq!((out.as_slice(), detached), (&b"\x1b]text"[..], 1));
}

/// Whole things that a terminal sends, and whether each is the detach key.
fn things() -> impl Strategy<Value = Vec<(Vec<u8>, bool)>> {
    let thing = prop_oneof![
        4 => prop::sample::select(KEYS.to_vec()).prop_map(|key| (key.to_vec(), true)),
        4 => "[a-zA-Z0-9;:é日~]{0,6}".prop_map(|text| (text.into_bytes(), false)),
        4 => prop::sample::select(vec![
            &b"\x1b[A"[..], b"\x1b[<0;1;2M", b"\x1b[I", b"\x1b[?62;22c", b"\x1bP>|x\x1b\\", b"\x1b]11;rgb:1/2/3\x07", b"\x1b[93;5u",
            b"\x1b[27;5;91~", b"\x1bOA", b"\x1bx", b"\x1b[M !!",
        ])
        .prop_map(|bytes| (bytes.to_vec(), false)),
        2 => prop::collection::vec(any::<u8>(), 0..20)
            .prop_filter("no end in it", |bytes| !bytes.contains(&b'~'))
            .prop_map(|bytes| ([b"\x1b[200~", bytes.as_slice(), b"\x1c\x1b[201~"].concat(), false)),
    ];
    prop::collection::vec(thing, 0..20)
}

/// Cuts a stream into reads.
fn reads<'a>(bytes: &'a [u8], cuts: &[usize]) -> Vec<&'a [u8]> {
    let (mut rest, mut reads, mut cuts) = (bytes, Vec::new(), cuts.iter().cycle());
    while !rest.is_empty() {
        let (now, later) = rest.split_at((*cuts.next().expect("cycles")).min(rest.len()));
        reads.push(now);
        rest = later;
    }
    reads
}

proptest! {
    #[test]
    fn everything_is_passed_on_but_the_key(things in things(), cuts in prop::collection::vec(1usize..9, 1..9)) {
        let all: Vec<u8> = things.iter().flat_map(|thing| thing.0.clone()).collect();
        let without: Vec<u8> =
            things.iter().filter(|thing| !thing.1).flat_map(|thing| thing.0.clone()).collect();
        let (out, detached, ..) = run(&reads(&all, &cuts), true);
        prop_assert_eq!(out, without);
        prop_assert_eq!(detached > 0, things.iter().any(|thing| thing.1));
    }

    #[test]
    fn garbage_without_the_key_is_passed_on_whole(
        bytes in prop::collection::vec(
            prop_oneof![any::<u8>(), prop::sample::select(b"\x1b\x1b[[]OMPu~;:0127?<\\\x07".to_vec())], 0..200
        ),
        cuts in prop::collection::vec(1usize..9, 1..9),
        extended: bool,
    ) {
        // ctrl-\ has no other encoding with these last bytes.
        let bytes: Vec<u8> = bytes.into_iter().filter(|byte| !matches!(byte, &LEGACY | b'9')).collect();
        let (out, detached, ..) = run(&reads(&bytes, &cuts), extended);
        prop_assert_eq!((out, detached), (bytes, 0));
    }

    #[test]
    fn garbage_with_the_key_loses_nothing_else(bytes in prop::collection::vec(any::<u8>(), 0..200), cut in 1usize..9) {
        let (out, ..) = run(&reads(&bytes, &[cut]), false);
        let mut left = bytes.iter();
        for byte in &out {
            prop_assert!(left.any(|other| other == byte));
        }
    }
}

#[test]
fn where_no_key_detaches_every_byte_is_passed_on() {
    let mut scanner = InputParser::passive();
    scanner.expect_extended_keys(true);
    for bytes in [&b"a\x1cb"[..], b"\x1b[92;5u", b"\x1b[27;5;92~", b"\x1b", b"[92;5u", b"\x1b[200~x\x1b[201~"]
    {
        let found = scanner.feed(bytes);
        assert_eq!((&*found.forward, found.detach), (bytes, None));
    }
    assert!(!scanner.is_holding() && !scanner.is_in_paste() && !scanner.is_in_sequence());
}

#[test]
fn what_is_no_form_of_the_key_is_passed_on_however_it_is_cut() {
    let padded = format!("\x1b[{}92;5u", "0".repeat(40));
    for bytes in [&b"\x1b[+92;5u"[..], b"\x1b[92;5;!u", b"\x1b[27;5;+92~", padded.as_bytes()] {
        for cut in 0..bytes.len() {
            let (out, detached, ..) = run(&[&bytes[..cut], &bytes[cut..]], true);
            assert_eq!((out.as_slice(), detached), (bytes, 0), "cut at {cut}");
        }
    }
}

#[test]
fn the_key_behind_a_string_without_end_may_be_cut() {
    // As Alt-] is sent, and much typed behind it.
    for text in ["", "some words", &"long ".repeat(200)] {
        let bytes = format!("\x1b]{text}\x1b[92;5u");
        for cut in 0..bytes.len() {
            let (out, detached, ..) = run(&[&bytes.as_bytes()[..cut], &bytes.as_bytes()[cut..]], true);
            assert_eq!((out.len(), detached), (text.len() + 2, 1), "cut at {cut}");
        }
    }
}
