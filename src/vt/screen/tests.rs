use proptest::prelude::*;

use super::*;
use crate::vt::modes::ModeTracker;

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

/// What asks for much with few bytes.
const COSTLY: [&[u8]; 14] = [
    b"x\x1b[65535b",
    b"\x1bc",
    b"\x1b[2J",
    b"\x1b[H\x1b[J",
    b"\x1b[?1049h\x1b[?1049l",
    b"\x1b[?1049;1049;1049;1049;1049;1049;1049;1049h",
    b"\x1b[65535L",
    b"\x1b[65535M",
    b"\x1b[65535S",
    b"\x1b[65535T",
    b"\x1bM",
    b"\n",
    b"e\xcc\x81\xcc\x81\xcc\x81",
    b"\xf0\x9f\xa6\x80\xef\xb8\x8f",
];

/// As much as one turn of the host's loop reads.
fn flood(piece: &[u8]) -> Vec<u8> {
    piece.iter().copied().cycle().take(64 * 1024 / piece.len() * piece.len()).collect()
}

#[test]
fn one_turn_does_a_bounded_amount_of_work() {
    for (size, pieces) in [
        (Size { rows: 24, columns: 80, ..SIZE }, &COSTLY[..]),
        (Size { rows: u16::MAX, columns: u16::MAX, ..SIZE }, &COSTLY[..2]),
    ] {
        let mut screen = Screen::new(size);
        // The most that one sequence costs, or one new screen.
        let largest = screen.prices.resize() * 33;
        for piece in pieces {
            screen.begin_turn();
            let before = screen.work_done();
            for _ in 0..2 {
                screen.push(&flood(piece));
                screen.cursor();
            }
            let done = screen.work_done() - before;
            let most = TURN_WORK + TURN_RESERVE + 8 * largest;
            assert!(done <= most, "{}: {done}", piece.escape_ascii());
        }
    }
}

#[test]
fn what_is_drawn_behind_a_flood_is_seen() {
    let clears = ["\x1b[2J\x1b[H", "\x1b[H\x1b[2J", "\x1bc"];
    for (nth, piece) in COSTLY.into_iter().enumerate() {
        for clear in &clears[..if nth == 0 { 3 } else { 1 }] {
            let mut screen = Screen::new(SIZE);
            screen.push(&flood(piece));
            screen.push(format!("{clear}DONE\r\n").as_bytes());
            assert_eq!(screen.text()[0], "DONE", "{}", piece.escape_ascii());
            assert!(!screen.is_stale());
        }
    }
}

#[test]
fn a_slice_is_small_whatever_it_reads() {
    let mut screen = Screen::new(Size { rows: 24, columns: 80, ..SIZE });
    for piece in COSTLY {
        screen.push(&flood(piece));
        for _ in 0..20 {
            let before = screen.work_done();
            screen.work();
            let done = screen.work_done() - before;
            assert!(done < 2 * SLICE_WORK + 1_000_000, "{}: {done}", piece.escape_ascii());
        }
        screen.give_up();
    }
}

#[test]
fn what_costs_too_much_is_given_up_in_the_end() {
    let mut screen = Screen::new(Size { rows: 100, columns: 400, ..SIZE });
    screen.push(&flood(b"\x1b[Jx"));
    let before = screen.work_done();
    let mut turns = 0;
    while !screen.catch_up() {
        screen.begin_turn();
        turns += 1;
    }
    assert!(turns > 1 && screen.is_stale());
    assert!(screen.work_done() - before < 2 * BACKLOG_WORK);
}

#[test]
fn an_enormous_screen_is_modelled_in_part() {
    let cells = |rows, columns| bounded(Size { rows, columns, ..SIZE });
    assert_eq!(cells(0, 0), (24, 80));
    assert_eq!(cells(1, u16::MAX), (1, 1000));
    assert_eq!(cells(u16::MAX, 1), (1000, 1));
    assert_eq!(cells(u16::MAX, u16::MAX), (300, 1000));
    assert_eq!(cells(216, 640), (216, 640));
}
