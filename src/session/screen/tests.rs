use proptest::prelude::*;

use super::*;
use crate::session::modes::ModeTracker;

const SIZE: Size = Size { rows: 3, columns: 10, width: 0, height: 0 };

#[test]
fn it_shows_what_a_terminal_would() {
    let mut screen = Screen::new(SIZE);
    screen.push(b"hello\r\n\x1b[31mred\x1b[m");
    assert_eq!(screen.text(), ["hello", "red", ""]);
    screen.push(b"\x1b[2Jx");
    screen.resize(Size { rows: 2, columns: 4, ..SIZE });
    assert_eq!(screen.text().len(), 2);
}

#[test]
fn what_waits_is_bounded() {
    let mut screen = Screen::new(SIZE);
    for _ in 0..100 {
        screen.push(&[b'x'; 65536]);
        assert!(screen.waiting() <= BACKLOG);
    }
    assert!(screen.is_stale());
    screen.push(b"\x1b[2J\x1b[Hnew");
    assert_eq!(screen.text()[0], "new");
    assert!(screen.backlog.capacity() <= 16 * SLICE);
}

#[test]
fn what_is_given_up_leaves_the_model_stale_and_able_to_read_on() {
    let mut screen = Screen::new(SIZE);
    screen.push(b"old \xe6\x97");
    screen.work();
    screen.push(b"\x1b]0;half a title");
    assert!(!screen.is_nearly_full(4096) && screen.is_nearly_full(BACKLOG));
    screen.give_up();
    assert!(screen.is_stale());
    assert_eq!(screen.waiting(), 0);
    screen.push(b"\x1b[2J\x1b[Hnew");
    assert_eq!(screen.text()[0], "new");
    assert!(!screen.is_stale());
}

proptest! {
    // A screen of a million cells is slow without optimisation.
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn nothing_that_is_written_or_resized_ends_it(
        pieces in prop::collection::vec((prop::collection::vec(any::<u8>(), 0..200), 0u16..2000, 0u16..2000), 0..10)
    ) {
        let mut screen = Screen::new(SIZE);
        for (bytes, rows, columns) in pieces {
            screen.push(&bytes);
            screen.resize(Size { rows, columns, ..SIZE });
        }
        screen.text();
    }
}

#[test]
fn an_emoji_in_the_last_corner_does_no_harm() {
    let mut screen = Screen::new(SIZE);
    for row in 1..=3 {
        screen.push(b"\x1b[2J\x1b[3;10H1");
        screen.push("\u{fe0f}".as_bytes());
        screen.push(format!("\x1b[{row};10Hx").as_bytes());
    }
    screen.text();
    assert!(!screen.is_stale());
}

#[test]
fn a_line_that_the_terminal_broke_is_sent_in_one() {
    let mut screen = Screen::new(SIZE);
    screen.push(b"abcdefghijklmnopqrstuvwxyz\r\nnext\r\n\r\n\r\n\r\n\r\n");
    let repaint = screen.repaint(&ModeTracker::default());
    let repaint = String::from_utf8(repaint).expect("text");
    assert!(repaint.contains("abcdefghijklmnopqrstuvwxyz\r\nnext\r\n"), "{repaint:?}");
}

#[test]
fn a_character_that_was_cut_in_two_is_one() {
    let text = "aé日🦀─".repeat(20);
    let mut whole = Screen::new(SIZE);
    whole.push(text.as_bytes());
    for piece in 1..7 {
        let mut screen = Screen::new(SIZE);
        for bytes in text.as_bytes().chunks(piece) {
            screen.push(bytes);
            screen.work();
        }
        assert_eq!(screen.text(), whole.text(), "in pieces of {piece}");
    }
}
