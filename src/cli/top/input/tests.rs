use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use proptest::prelude::*;

use super::*;

fn key(code: KeyCode, modifiers: KeyModifiers) -> Event {
    Event::Key(KeyEvent::new(code, modifiers))
}

fn char(c: char) -> Event {
    key(KeyCode::Char(c), KeyModifiers::NONE)
}

fn ctrl(c: char) -> Event {
    key(KeyCode::Char(c), KeyModifiers::CONTROL)
}

fn alt(c: char) -> Event {
    key(KeyCode::Char(c), KeyModifiers::ALT)
}

fn plain(code: KeyCode) -> Event {
    key(code, KeyModifiers::NONE)
}

fn fed(pieces: &[&[u8]]) -> Vec<Event> {
    let mut decoder = InputDecoder::default();
    let mut events: Vec<Event> = pieces.iter().flat_map(|piece| decoder.feed(piece)).collect();
    events.extend(decoder.flush());
    events
}

#[test]
fn each_key_is_known() {
    let shift = KeyModifiers::SHIFT;
    for (bytes, wanted) in [
        (&b"a\r\n\t"[..], vec![char('a'), plain(KeyCode::Enter), ctrl('j'), plain(KeyCode::Tab)]),
        (b"\x03\x1a\x00\x1c", vec![ctrl('c'), ctrl('z'), ctrl(' '), ctrl('4')]),
        (b"\x7f\x08", vec![plain(KeyCode::Backspace), plain(KeyCode::Backspace)]),
        (b"Aq", vec![key(KeyCode::Char('A'), shift), char('q')]),
        ("é日👩".as_bytes(), vec![char('é'), char('日'), char('👩')]),
        (b"\x1b", vec![plain(KeyCode::Esc)]),
        (b"\x1b\x1b", vec![plain(KeyCode::Esc), plain(KeyCode::Esc)]),
        (b"\x1bx\x1b\r", vec![alt('x'), key(KeyCode::Enter, KeyModifiers::ALT)]),
        (b"\x1b[A\x1bOB\x1b[1;5C", {
            vec![plain(KeyCode::Up), plain(KeyCode::Down), key(KeyCode::Right, KeyModifiers::CONTROL)]
        }),
        (b"\x1b[H\x1b[4~\x1b[5~\x1b[6~\x1b[3~", {
            [KeyCode::Home, KeyCode::End, KeyCode::PageUp, KeyCode::PageDown, KeyCode::Delete]
                .map(plain)
                .to_vec()
        }),
        (b"\x1bOP\x1b[15~\x1b[24~\x1b[[B", [1, 5, 12, 2].map(|number| plain(KeyCode::F(number))).to_vec()),
        (b"\x1b[Z", vec![key(KeyCode::BackTab, shift)]),
        (b"\x1b[99;5u\x1b[27;5;122~", vec![ctrl('c'), ctrl('z')]),
        (b"\x1b[97;2u", vec![key(KeyCode::Char('A'), shift)]),
        // The letter of a key that comes up, focus, and what terminals answer.
        (
            b"\x1b[99;5:3u\x1b[I\x1b[O\x1b[?62;4c\x1b[?997;1n\x1b[12;40R\x1b]11;rgb:0/0/0\x07\x1bP1$r\x1b\\",
            vec![],
        ),
        // What is no sequence, and no text.
        (b"\x1b[\x01", vec![alt('['), ctrl('a')]),
        (b"a\xff\xc3(b", vec![char('a'), char('('), char('b')]),
    ] {
        assert_eq!(fed(&[bytes]), wanted, "{}", bytes.escape_ascii());
    }
}

#[test]
fn the_mouse_says_what_it_does_and_where() {
    let at =
        |kind, column, row| Event::Mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE });
    assert_eq!(
        fed(&[b"\x1b[<0;3;5M\x1b[<0;3;5m\x1b[<64;1;1M\x1b[<65;1;1M\x1b[<35;2;2M\x1b[<2;1;1M"]),
        [
            at(MouseEventKind::Down(MouseButton::Left), 2, 4),
            at(MouseEventKind::Up(MouseButton::Left), 2, 4),
            at(MouseEventKind::ScrollUp, 0, 0),
            at(MouseEventKind::ScrollDown, 0, 0),
            at(MouseEventKind::Moved, 1, 1),
            at(MouseEventKind::Down(MouseButton::Right), 0, 0),
        ]
    );
    assert_eq!(fed(&[b"\x1b[M !!x"]), [at(MouseEventKind::Down(MouseButton::Left), 0, 0), char('x')]);
}

#[test]
fn a_lone_escape_waits_for_a_moment_only() {
    let mut decoder = InputDecoder::default();
    assert_eq!(decoder.feed(b"\x1b"), []);
    assert!(decoder.is_waiting());
    assert_eq!(decoder.feed(b"[A"), [plain(KeyCode::Up)]);
    assert!(!decoder.is_waiting());
    assert_eq!(decoder.feed(b"x\x1b["), [char('x')]);
    assert_eq!(decoder.flush(), [alt('[')]);
    assert_eq!(decoder.feed(b"\x1b[1;"), []);
    assert_eq!(decoder.flush(), []);
    assert_eq!(decoder.feed(b"y"), [char('y')]);
}

#[test]
fn a_paste_is_one_text() {
    let wanted = [char('a'), Event::Paste("one\ntwo\n\x1b[Aé".into()), char('b')];
    assert_eq!(fed(&["a\x1b[200~one\r\ntwo\r\x1b[Aé\x1b[201~b".as_bytes()]), wanted);
    let mut decoder = InputDecoder::default();
    assert_eq!(decoder.feed(b"\x1b[200~x\x1b[20"), []);
    // However long that takes.
    assert!(!decoder.is_waiting());
    assert_eq!(decoder.flush(), []);
    assert_eq!(decoder.feed(b"1~"), [Event::Paste("x".into())]);
}

#[test]
fn an_endless_paste_takes_no_endless_memory() {
    let mut decoder = InputDecoder::default();
    decoder.feed(PASTE_BEGIN);
    for _ in 0..3 * MAX_PASTE_BYTES / 4096 {
        decoder.feed(&[b'x'; 4096]);
    }
    let events = decoder.feed(PASTE_END);
    assert_eq!(events, [Event::Paste("x".repeat(MAX_PASTE_BYTES))]);
}

proptest! {
    /// However it is divided, the same was typed, as long as no wait ends between the pieces.
    #[test]
    fn where_it_is_divided_does_not_matter(
        text in "[a-c\u{1b}\\[\\]O<;~0-9AMmuPR_\r\u{7}é👩]{0,60}",
        cuts in proptest::collection::vec(0..200usize, 0..8),
    ) {
        let bytes = text.as_bytes();
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
        cuts.sort_unstable();
        let mut pieces = Vec::new();
        let mut from = 0;
        for cut in cuts {
            pieces.push(&bytes[from..cut]);
            from = cut;
        }
        pieces.push(&bytes[from..]);
        prop_assert_eq!(fed(&pieces), fed(&[bytes]));
    }

    #[test]
    fn no_bytes_are_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let mut decoder = InputDecoder::default();
        decoder.feed(&bytes);
        prop_assert!(decoder.waiting.len() <= 300);
        decoder.flush();
        decoder.feed(b"\x1b\\\x07");
    }
}

#[test]
fn ctrl_c_leads_out_of_a_paste_whose_end_was_lost() {
    let mut decoder = InputDecoder::default();
    assert_eq!(decoder.feed(b"\x1b[200~abc"), []);
    assert_eq!(decoder.feed(b"q"), []);
    let key = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
    assert_eq!(decoder.feed(b"\x03"), [Event::Key(key)]);
}
