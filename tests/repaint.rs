//! What a terminal shows that gets a repaint and then the rest of claude's output, against one that saw every byte.

use std::num::NonZeroU16;

use cckw::platform::tty::Size;
use cckw::session::modes::ModeTracker;
use cckw::session::screen::Screen;
use proptest::prelude::*;

/// A terminal, as far as it can be seen.
struct Terminal {
    parser: vt100::Parser,
    modes: ModeTracker,
    /// The beginning of a character: the emulator goes wrong where one is cut in two.
    tail: Vec<u8>,
}

/// How many lines above the screen are compared.
const LINES: usize = 300;

impl Terminal {
    fn new(rows: u16, columns: u16) -> Self {
        let size = |number| NonZeroU16::new(number).expect("no screen is empty");
        Self { parser: vt100::Parser::new(size(rows), size(columns), 5000), modes: ModeTracker::default(), tail: Vec::new() }
    }

    fn show(&mut self, bytes: &[u8]) {
        self.modes.feed(bytes);
        self.tail.extend_from_slice(bytes);
        let whole = match std::str::from_utf8(&self.tail) {
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            _ => self.tail.len(),
        };
        self.parser.process(&self.tail[..whole]);
        self.tail.drain(..whole);
    }

    fn resize(&mut self, rows: u16, columns: u16) {
        let size = |number| NonZeroU16::new(number).expect("no screen is empty");
        self.parser.set_size(size(rows), size(columns));
    }

    /// Everything a user could see of it now, a line each.
    fn looks(&self) -> Vec<String> {
        let screen = self.parser.screen();
        let mut looks = vec![
            format!("cursor {:?} hidden {}", screen.cursor_position(), screen.hide_cursor()),
            format!("style {:?}", screen.attributes_formatted()),
            format!("modes {:?} alternate {}", screen.input_mode_formatted(), screen.alternate_screen()),
            format!("modes {:?}", (self.modes.redo_screen(), self.modes.redo_rest())),
        ];
        looks.extend((0..screen.size().0.get()).map(|row| look(screen, row, true)));
        looks
    }

    /// The lines above the screen, the latest last.
    fn history(&self) -> Vec<String> {
        let mut screen = self.parser.screen().clone();
        let count = screen.scrollback_len().min(LINES);
        (1..=count)
            .rev()
            .map(|above| {
                screen.set_scrollback(above);
                // Whether a blank in the middle of a line was erased in a colour or never written is not kept.
                look(&screen, 0, false).trim_end().to_owned()
            })
            .collect()
    }

    /// The same on leaving the alternate screen, after which the cursor is where it was saved.
    fn left(mut self) -> Vec<String> {
        self.show(b"\x1b[?1049l");
        self.looks()
    }
}

/// A row with the style of each cell. A blank that was written looks like one that was not.
fn look(screen: &vt100::Screen, row: u16, blanks: bool) -> String {
    let mut line = String::new();
    for column in 0..screen.size().1.get() {
        let Some(cell) = screen.cell(row, column) else { continue };
        if cell.is_wide_continuation() {
            continue;
        }
        let style = (cell.fgcolor(), cell.bgcolor());
        let flags = (cell.bold(), cell.dim(), cell.italic(), cell.underline(), cell.inverse());
        let shown = blanks || !cell.contents().trim().is_empty();
        if shown && style != (vt100::Color::Default, vt100::Color::Default)
            || shown && flags != (false, false, false, false, false)
        {
            line.push_str(&format!("{{{style:?}{flags:?}}}"));
        }
        line.push_str(if cell.has_contents() { cell.contents() } else { " " });
    }
    line
}

/// What a shell leaves behind before somebody attaches.
const SHELL: &[u8] = b"\x1b[32m$\x1b[m ls\r\nsome files\r\nof yours\r\n$ cckw attach\r\n";

/// Compares a terminal that comes in after `cut` bytes with one that was there all the time.
fn compare(stream: &[u8], cut: usize, rows: u16, columns: u16) -> Result<(), TestCaseError> {
    let (before, after) = stream.split_at(cut);
    let mut always = Terminal::new(rows, columns);
    let mut screen = Screen::new(Size { rows, columns, width: 0, height: 0 });
    let mut modes = ModeTracker::default();
    always.show(before);
    screen.push(before);
    modes.feed(before);

    let text = screen.text();
    let repaint = screen.repaint(&modes);
    prop_assert_eq!(&screen.text(), &text, "asking changed the model");
    prop_assert!(!repaint.windows(8).any(|window| window == b"\x1b[?2026h"));
    let mut late = Terminal::new(rows, columns);
    late.show(SHELL);
    late.show(&repaint);
    same(&always, &late, "at once")?;
    let lines = |terminal: &Terminal| {
        let mut history = terminal.history();
        history.reverse();
        history
    };
    if !always.parser.screen().alternate_screen() {
        let (seen, shown) = (lines(&always), lines(&late));
        let count = seen.len().min(LINES);
        prop_assert!(shown.len() >= count, "{} of {count} lines above", shown.len());
        prop_assert_eq!(&shown[..count], &seen[..count]);
    }

    always.show(after);
    late.show(after);
    same(&always, &late, "at the end")?;

    // And the model itself has come to no harm by being asked.
    screen.push(after);
    modes.feed(after);
    let mut last = Terminal::new(rows, columns);
    last.show(&screen.redraw(&modes));
    same(&always, &last, "drawn again at the end")?;
    prop_assert_eq!(always.left(), last.left());
    Ok(())
}

fn same(always: &Terminal, late: &Terminal, when: &str) -> Result<(), TestCaseError> {
    prop_assert_eq!(always.looks(), late.looks(), "{}", when);
    Ok(())
}

/// Streams made of what programs write.
fn streams() -> impl Strategy<Value = String> {
    let text = prop::collection::vec(
        prop::sample::select(vec![
            "a", "b", " ", "x y", "日", "本", "é", "e\u{301}", "🦀", "─", "│", "❯ ", "a\u{200d}", "word word word",
        ]),
        1..30,
    )
    .prop_map(|words| words.concat());
    let number = prop_oneof![1..12u16, Just(200u16)];
    let csi = (prop::sample::select("ABCDEFGHJKLMPSTX@d".chars().collect::<Vec<_>>()), 0..4u16, number.clone())
        .prop_map(|(last, small, number)| match last {
            'H' => format!("\x1b[{number};{}H", small * 5 + 1),
            'J' | 'K' => format!("\x1b[{small}{last}"),
            _ => format!("\x1b[{number}{last}"),
        });
    let style = prop::sample::select(vec![
        "\x1b[m", "\x1b[1m", "\x1b[2m", "\x1b[3;4m", "\x1b[7m", "\x1b[31m", "\x1b[97m", "\x1b[38;5;123m", "\x1b[48;2;1;2;3m", "\x1b[49m",
        "\x1b[22;27m",
    ]);
    let mode = prop::sample::select(vec![
        "\x1b[?25l", "\x1b[?25h", "\x1b[?2004h", "\x1b[?2004l", "\x1b[?1000h", "\x1b[?1006h", "\x1b[?1003l", "\x1b[?1004h", "\x1b[?2026h",
        "\x1b[?2026l", "\x1b[>1u", "\x1b[<u", "\x1b[>4;2m", "\x1b[5 q", "\x1b[0 q", "\x1b]0;a title\x07", "\x1b]2;é\x1b\\", "\x1b=", "\x1b>",
        "\x1b[?1h", "\x1b[?2031h", "\x1bP+q\x1b\\", "\x1b[c", "\x1b]8;;x\x07", "\x1b]52;c;AAAA\x07",
    ]);
    let place = prop::sample::select(vec![
        "\r\n", "\n", "\r", "\x08", "\t", "\x1bM", "\x1b7", "\x1b8", "\x1b[r", "\x1b[2;4r", "\x1b[1;5r", "\x1b[3r",
        "\x1b[?1049h", "\x1b[?1049l", "\r\n\r\n\r\n\r\n\r\n",
    ]);
    let piece = prop_oneof![
        6 => text,
        3 => csi,
        2 => style.prop_map(str::to_owned),
        1 => mode.prop_map(str::to_owned),
        3 => place.prop_map(str::to_owned),
    ];
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_terminal_that_comes_in_late_shows_the_same(
        stream in streams(), cut in any::<prop::sample::Index>(), rows in 2u16..9, columns in 2u16..24
    ) {
        let cut = cut.index(stream.len() + 1);
        compare(stream.as_bytes(), cut, rows, columns)?;
    }
}
