use std::num::NonZeroU16;

use proptest::prelude::*;

use super::style::{BLINK, CONCEALED, Color, FAST_BLINK, OVERLINE, PLAIN, STRUCK, Underline};
use super::*;

fn shown(rows: u16, columns: u16, bytes: &str) -> Emulator {
    let mut emulator = Emulator::new(rows, columns, 100);
    emulator.process(bytes.as_bytes());
    emulator
}

fn text(emulator: &Emulator) -> Vec<String> {
    emulator.text().collect()
}

fn style_at(emulator: &Emulator, row: u16, column: usize) -> Style {
    *emulator.cells(row).nth(column).expect("a cell").style()
}

/// The text and the address of the hyperlink of each cell that has one.
fn links(emulator: &Emulator) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for cell in (0..emulator.size().0).flat_map(|row| emulator.cells(row)) {
        if let Some((params, address)) = cell.link() {
            let mut text = String::new();
            cell.push_text(&mut text);
            found.push((text, format!("{params}|{address}")));
        }
    }
    found
}

#[test]
fn every_attribute_is_kept_and_reset() {
    for (on, off, expected) in [
        ("5", "25", Style { flags: BLINK, ..PLAIN }),
        ("6", "25", Style { flags: FAST_BLINK, ..PLAIN }),
        ("8", "28", Style { flags: CONCEALED, ..PLAIN }),
        ("9", "29", Style { flags: STRUCK, ..PLAIN }),
        ("53", "55", Style { flags: OVERLINE, ..PLAIN }),
        ("4", "24", Style { underline: Underline::Single, ..PLAIN }),
        ("21", "24", Style { underline: Underline::Double, ..PLAIN }),
        ("4:1", "4:0", Style { underline: Underline::Single, ..PLAIN }),
        ("4:2", "24", Style { underline: Underline::DoubleSubparameter, ..PLAIN }),
        ("4:3", "24", Style { underline: Underline::Curly, ..PLAIN }),
        ("4:4", "24", Style { underline: Underline::Dotted, ..PLAIN }),
        ("4:5", "4:0", Style { underline: Underline::Dashed, ..PLAIN }),
        ("58;5;9", "59", Style { underline_colour: Color::Idx(9), ..PLAIN }),
        ("58:5:9", "59", Style { underline_colour: Color::Idx(9), ..PLAIN }),
        ("58;2;1;2;3", "59", Style { underline_colour: Color::Rgb(1, 2, 3), ..PLAIN }),
        ("58:2:1:2:3", "59", Style { underline_colour: Color::Rgb(1, 2, 3), ..PLAIN }),
        ("58:2::1:2:3", "59", Style { underline_colour: Color::Rgb(1, 2, 3), ..PLAIN }),
        ("38:2::1:2:3", "39", Style { foreground: Color::Rgb(1, 2, 3), ..PLAIN }),
        ("48:5:200", "49", Style { background: Color::Idx(200), ..PLAIN }),
        ("97", "39", Style { foreground: Color::Idx(15), ..PLAIN }),
        ("107", "49", Style { background: Color::Idx(15), ..PLAIN }),
    ] {
        let emulator = shown(1, 4, &format!("\x1b[{on}ma\x1b[{off}mb\x1b[{on}m\x1b[0mc"));
        assert_eq!(style_at(&emulator, 0, 0), expected, "{on}");
        assert_eq!(style_at(&emulator, 0, 1), PLAIN, "{off}");
        assert_eq!(style_at(&emulator, 0, 2), PLAIN, "0");
        let mut sequence = String::new();
        expected.write(&PLAIN, &mut sequence);
        assert_eq!(style_at(&shown(1, 4, &format!("{sequence}a")), 0, 0), expected, "{sequence:?}");
    }
}

#[test]
fn hyperlinks_are_kept_as_they_were_written() {
    let emulator = shown(
        2,
        4,
        "\x1b]8;id=1;http://x/a;b\x07ab\x1b[m\x1b]8;;file:///c\x1b\\cde\x1b]8;;\x07f\x1b]8;id=1;\x07g",
    );
    let (first, second) = ("id=1|http://x/a;b", "|file:///c");
    let expected = [("a", first), ("b", first), ("c", second), ("d", second), ("e", second)];
    assert_eq!(links(&emulator), expected.map(|(text, link)| (text.to_owned(), link.to_owned())));
}

#[test]
fn a_hyperlink_that_cannot_be_kept_is_text() {
    let long = "x".repeat(tables::MAX_ADDRESS_BYTES + 1);
    let many = ";".repeat(20);
    for address in [long.as_str(), &many, &"x".repeat(10_000)] {
        let emulator = shown(1, 4, &format!("\x1b]8;;http://y\x07a\x1b]8;;{address}\x07b"));
        assert_eq!(links(&emulator), [("a".to_owned(), "|http://y".to_owned())], "{address}");
        assert_eq!(text(&emulator), ["ab"]);
    }
}

#[test]
fn what_is_one_to_a_reader_is_in_one_cell() {
    for (bytes, expected) in [
        ("🇩🇪x", &["🇩🇪", "", "x"][..]),
        ("👨\u{200d}👩\u{200d}👧x", &["👨\u{200d}👩\u{200d}👧", "", "x"]),
        ("👍🏽x", &["👍🏽", "", "x"]),
        ("❤\u{fe0f}x", &["❤\u{fe0f}", "", "x"]),
        ("e\u{301}x", &["e\u{301}", "x", ""]),
        ("日x", &["日", "", "x"]),
        ("🇩\x1b[3G🇪", &["🇩", "", "🇪"]),
    ] {
        let emulator = shown(1, 6, bytes);
        let cells: Vec<String> = emulator
            .cells(0)
            .map(|cell| {
                let mut text = String::new();
                cell.push_text(&mut text);
                text
            })
            .collect();
        assert_eq!(cells[..3], *expected, "{bytes}");
    }
    let long = shown(1, 6, &format!("e{}", "\u{301}".repeat(1000)));
    assert!(long.row_text(0, 6).len() <= cluster::MAX_CLUSTER_BYTES);
}

#[test]
fn a_wide_character_that_loses_a_half_is_gone() {
    for (bytes, expected) in [
        ("日本\x1b[2Gx", " x本"),
        ("日本\x1b[3Gx", "日x "),
        ("日本\x1b[2G\x1b[K", " "),
        ("日本\x1b[2G\x1b[P", " 本"),
        ("日本\x1b[2G\x1b[@", "   本"),
        ("日本x\x1b[G\x1b[@", " 日本"),
        ("日本x\x1b[G\x1b[2@", "  日 "),
    ] {
        assert_eq!(shown(1, 5, bytes).row_text(0, 5), expected, "{bytes:?}");
    }
}

#[test]
fn lines_wrap_as_in_xterm() {
    assert_eq!(text(&shown(3, 3, "abcd")), ["abc", "d", ""]);
    assert_eq!(shown(3, 3, "abcd\r\ne").unwrapped_text(), "abcd\ne");
    assert_eq!(shown(3, 3, "ab日c").unwrapped_text(), "ab日c");
    assert_eq!(text(&shown(2, 3, "abc\x08x")), ["axc", ""]);
    assert_eq!(text(&shown(2, 3, "abc\x1b[Bx")), ["abc", "  x"]);
    assert_eq!(text(&shown(2, 3, "\x1b[?7labcd")), ["abd", ""]);
    assert_eq!(text(&shown(2, 3, "\x1b[4habc\x1b[Gx")), ["xab", ""]);
    assert_eq!(shown(2, 1, "日").cursor(), (0, 0));
}

#[test]
fn lines_are_drawn_with_dec_characters() {
    assert_eq!(text(&shown(1, 9, "\x1b(0lqk\x1b(Bq\x1b)0\x0ex\x0fx\x1b7\x0e\x1b8x")), ["┌─┐q│xx"]);
}

#[test]
fn tab_stops_are_set_and_taken_away() {
    assert_eq!(shown(1, 30, "\ta").row_text(0, 30), "        a");
    assert_eq!(shown(1, 30, "\x1b[3g\x1b[4G\x1bH\r\ta\tb").cursor(), (0, 29));
    assert_eq!(shown(1, 30, "\x1b[2Ia\x1b[Zb").row_text(0, 30), format!("{}b", " ".repeat(16)));
}

#[test]
fn erasing_leaves_the_background_alone() {
    for erase in ["\x1b[J", "\x1b[K", "\x1b[2X", "\x1b[2@", "\x1b[2P", "\x1b[L", "\x1b[M", "\x1b[S", "\x1b[T"]
    {
        let emulator = shown(2, 2, &format!("ab\x1b[H\x1b[1;4;31;44m{erase}"));
        let expected = Style { background: Color::Idx(4), ..PLAIN };
        assert!((0..2).any(|row| style_at(&emulator, row, 1) == expected), "{erase:?}");
    }
}

#[test]
fn the_alternate_screen_leaves_the_main_one_as_it_was() {
    let emulator = shown(2, 5, "main\x1b[?1049h\x1b[Hother\x1b[?1049l!");
    assert_eq!(text(&emulator), ["main!", ""]);
    assert_eq!(text(&shown(2, 5, "main\x1b[?1049h\x1b[Hother")), ["other", ""]);
}

#[test]
fn a_control_character_within_a_sequence_is_acted_on_before_it() {
    assert_eq!(text(&shown(1, 5, "ab\x1b[\x082b")), ["abb"]);
    assert_eq!(shown(1, 5, "ab\x1b[\x082b").cursor(), (0, 3));
}

#[test]
fn bytes_that_are_no_text_are_shown_as_such() {
    let mut emulator = Emulator::new(1, 9, 0);
    for bytes in [&b"a\xff"[..], b"\xea", b"\xeab\xe2\x94c\x1b[", b"\xff1Gx", "\u{fffd}".as_bytes()] {
        emulator.process(bytes);
    }
    assert_eq!(emulator.row_text(0, 9), "x\u{fffd}\u{fffd}\u{fffd}b\u{fffd}c");
}

#[test]
fn what_no_cell_refers_to_is_forgotten() {
    let mut emulator = Emulator::new(4, 10, 10);
    for number in 0..20_000u32 {
        let (red, green) = (number % 256, number / 256);
        let link = "x".repeat(500);
        let mark = char::from_u32(0x300 + number % 64).expect("an accent");
        let base = char::from_u32(0x4e00 + number % 9000).expect("a character");
        emulator
            .process(format!("\x1b[38;2;{red};{green};0m\x1b]8;;{link}{number}\x07{base}{mark}").as_bytes());
    }
    let cells = (0..4).flat_map(|row| emulator.cells(row)).filter(CellView::is_written);
    let mut expected = 20_000 - 20..20_000;
    for cell in cells {
        let number = expected.next().expect("a cell");
        let Color::Rgb(red, green, _) = cell.style().foreground else { panic!("{:?}", cell.style()) };
        assert_eq!(u32::from(red) + 256 * u32::from(green), number);
        let link = cell.link().expect("a link").1;
        assert!(link.ends_with(&format!("x{number}")), "{link} of {number}");
    }
    assert_eq!(expected.next(), None);
    assert!(emulator.terminal.tables.len() < 5000, "{}", emulator.terminal.tables.len());
}

/// A line for each row: its text, and the style of what can be seen of it.
fn looks(emulator: &Emulator) -> Vec<String> {
    (0..emulator.size().0)
        .map(|row| {
            let mut line = String::new();
            for cell in emulator.cells(row) {
                let mut text = String::new();
                cell.push_text(&mut text);
                let style = cell.style();
                let colours = (style.foreground, style.background);
                if !text.is_empty() && text != " " {
                    line.push_str(&format!("{text}{colours:?}{:?}{} ", style.underline, style.flags));
                } else if !cell.continues() {
                    line.push_str(&format!("_{:?} ", style.background));
                }
            }
            line
        })
        .collect()
}

/// The same of the crate vt100.
fn other_looks(screen: &vt100::Screen) -> Vec<String> {
    let colour = |colour| match colour {
        vt100::Color::Default => Color::Default,
        vt100::Color::Idx(index) => Color::Idx(index),
        vt100::Color::Rgb(red, green, blue) => Color::Rgb(red, green, blue),
    };
    let (rows, columns) = screen.size();
    (0..rows.get())
        .map(|row| {
            let mut line = String::new();
            for cell in (0..columns.get()).filter_map(|column| screen.cell(row, column)) {
                let (foreground, background) = (colour(cell.fgcolor()), colour(cell.bgcolor()));
                let underline = if cell.underline() { Underline::Single } else { Underline::None };
                let flags = [cell.bold(), cell.dim(), cell.italic(), cell.inverse()];
                let flags: u16 = flags.iter().enumerate().map(|(bit, on)| u16::from(*on) << bit).sum();
                if !cell.contents().is_empty() && cell.contents() != " " {
                    line.push_str(&format!(
                        "{}{:?}{underline:?}{flags} ",
                        cell.contents(),
                        (foreground, background)
                    ));
                } else if !cell.is_wide_continuation() {
                    line.push_str(&format!("_{background:?} "));
                }
            }
            line
        })
        .collect()
}

/// What both emulators take for the same. Left out is where terminals differ and the crate is not as xterm:
/// what scrolls in is without the background there, the cursor stays behind the last column when it moves up, down or back, lines
/// that are inserted leave it in its column, and both screens have margins and cursors of their own.
fn common_streams() -> impl Strategy<Value = String> {
    let text = prop::sample::select(vec!["a", "b ", "word word", "é", "e\u{301}", "─", "❯ ", "日", "x日本"]);
    let number = prop_oneof![1..12u16, Just(200u16)];
    let control =
        (prop::sample::select("ABCEFGHdX".chars().collect::<Vec<_>>()), number).prop_map(|(last, number)| {
            match last {
                'A' | 'B' | 'd' => format!("\x1b[{}G\x1b[{number}{last}", number + 1),
                _ => format!("\x1b[{number}{last}"),
            }
        });
    let erase = prop::sample::select(vec!["\x1b[K", "\x1b[1K", "\x1b[2K", "\x1b[J", "\x1b[1J", "\x1b[2J"]);
    let style = prop::sample::select(vec![
        "\x1b[m",
        "\x1b[22;1m",
        "\x1b[22;2;3m",
        "\x1b[4m",
        "\x1b[7m",
        "\x1b[22;24;27m",
        "\x1b[31m",
        "\x1b[38;5;123m",
        "\x1b[38:2:1:2:3m",
        "\x1b[39m",
    ]);
    let place = prop::sample::select(vec![
        "\r\n", "\n", "\r", "\t", "\x1bM", "\x1b[3S", "\x1b[2T", "\x1b[3b", "\x1b7", "\x1b8",
    ]);
    let piece = prop_oneof![
        6 => text.prop_map(str::to_owned),
        2 => control,
        1 => erase.prop_map(str::to_owned),
        2 => style.prop_map(str::to_owned),
        2 => place.prop_map(str::to_owned),
    ];
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn it_shows_what_another_emulator_shows(stream in common_streams(), rows in 2u16..9, columns in 2u16..24) {
        let own = shown(rows, columns, &stream);
        let size = |number| NonZeroU16::new(number).expect("a size");
        let mut other = vt100::Parser::new(size(rows), size(columns), 0);
        other.process(stream.as_bytes());
        prop_assert_eq!(looks(&own), other_looks(other.screen()));
        let (row, column) = other.screen().cursor_position();
        prop_assert_eq!(own.cursor(), (row, column.min(columns - 1)));
    }

    #[test]
    fn repeating_is_writing_as_often(
        rows in 1u16..7,
        columns in 2u16..12,
        before in prop::sample::select(vec!["", "\x1b[2;3r", "\x1b[2;4r\x1b[99H", "\x1b[3;3Hab", "\n\n\n", "\x1b[?7l"]),
        character in prop::sample::select(vec!["x", "\u{65e5}", "\x1b[31mx"]),
        count in prop_oneof![1usize..300, 1usize..=65_535],
    ) {
        let start = format!("{before}{character}");
        let (mut short, mut long) = (shown(rows, columns, &start), shown(rows, columns, &start));
        short.process(format!("\x1b[{count}b").as_bytes());
        let char = character.chars().last().expect("a character");
        if long.terminal.last_char.is_some() {
            long.process(char.to_string().repeat(count).as_bytes());
        }
        prop_assert_eq!(looks(&short), looks(&long));
        prop_assert_eq!(short.terminal.cursor, long.terminal.cursor);
    }

    #[test]
    fn nothing_ends_it(
        pieces in prop::collection::vec(
            prop_oneof![
                prop::collection::vec(any::<u8>(), 0..50),
                prop::collection::vec(
                    prop::sample::select("\x1b\x1b\x1b[[]8;;;:?!#() 0123456789ABCDEFGHIJKLMPSTXZ@abcdefghlmrsu`\r\n\t\x08\x0e\x0f\x07\\日🇩e".as_bytes().to_vec()),
                    0..80,
                ),
            ],
            0..10,
        ),
        sizes in prop::collection::vec((1u16..12, 1u16..20), 1..10),
    ) {
        let mut emulator = Emulator::new(5, 10, 3);
        for (bytes, (rows, columns)) in pieces.iter().zip(sizes.iter().cycle()) {
            emulator.process(bytes);
            for row in emulator.terminal.main.rows.iter().chain(&emulator.terminal.alternate.rows) {
                prop_assert_eq!(row.cells.len(), usize::from(emulator.size().1));
                for (column, cell) in row.cells.iter().enumerate() {
                    let next = row.cells.get(column + 1);
                    prop_assert_eq!(cell.is_wide(), next.is_some_and(Cell::continues));
                }
            }
            emulator.resize(*rows, *columns);
        }
        let _ = emulator.text().count();
    }
}

proptest! {
    /// A pipe cuts what a program writes anywhere, also within a character.
    #[test]
    fn it_does_not_matter_where_output_is_cut(
        pieces in prop::collection::vec(prop_oneof![
            Just("\u{2594}\u{2594}".as_bytes()), Just("\u{1f600}".as_bytes()), Just(b"\x1b[31mred".as_slice()),
            Just(b"\xe2\x96x".as_slice()), Just(b"\xff\xf0\x9f".as_slice()), Just(b"\x1b]8;;x\x07\xc3\xa9\r\n".as_slice()),
        ], 0..12),
        size in 1..7_usize,
    ) {
        let bytes = pieces.concat();
        let (mut whole, mut cut) = (Emulator::new(4, 10, 5), Emulator::new(4, 10, 5));
        let mut characters = WholeCharacters::default();
        for piece in bytes.chunks(size) {
            cut.process(&characters.join(piece));
        }
        // With this everything is whole.
        whole.process(&[&bytes[..], b"|"].concat());
        cut.process(&characters.join(b"|"));
        prop_assert_eq!(text(&whole), text(&cut));
        prop_assert_eq!(whole.cursor(), cut.cursor());
    }
}
