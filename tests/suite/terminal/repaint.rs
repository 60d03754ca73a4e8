//! What a terminal shows that gets a repaint and then the rest of claude's output, against one that saw every
//! byte.

mod glass;
mod streams;

use cckw::os::tty::Size;
use cckw::vt::modes::ModeTracker;
use cckw::vt::screen::Screen;
use glass::{Glass, Kind};
use proptest::prelude::*;
use streams::{everything, what_both_know};

/// A terminal, as far as it can be seen.
struct Terminal {
    glass: Glass,
    modes: ModeTracker,
    /// The beginning of a character: the emulators go wrong where one is cut in two.
    tail: Vec<u8>,
}

/// How many lines above the screen are compared.
const LINES: usize = 300;

impl Terminal {
    fn new(kind: Kind, rows: u16, columns: u16) -> Self {
        Self { glass: Glass::new(kind, rows, columns), modes: ModeTracker::default(), tail: Vec::new() }
    }

    fn show(&mut self, bytes: &[u8]) {
        self.modes.feed(bytes);
        self.tail.extend_from_slice(bytes);
        let whole = match std::str::from_utf8(&self.tail) {
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            _ => self.tail.len(),
        };
        self.glass.show(&self.tail[..whole]);
        self.tail.drain(..whole);
    }

    /// Everything a user could see of it now, a line each.
    fn looks(&self) -> Vec<String> {
        let mut looks = self.glass.looks();
        let mut rest = self.modes.redo_rest();
        if matches!(self.glass, Glass::Own(_)) {
            // What was restored with the cursor is seen on the glass.
            for restored in ["\x1b(0", "\x1b)0", "\x0e", "\x1b[?6h"] {
                rest = rest.replace(restored, "");
            }
        }
        looks.push(format!("modes {:?}", (self.modes.redo_screen(), rest)));
        looks
    }

    /// The same on leaving the alternate screen, after which the cursor is where it was saved.
    fn left(mut self) -> Vec<String> {
        self.show(b"\x1b[?1049l");
        self.looks()
    }
}

/// What a shell leaves behind before somebody attaches.
const SHELL: &[u8] = b"\x1b[32m$\x1b[m ls\r\nsome files\r\nof yours\r\n$ cckw attach\r\n";

/// Compares a terminal that comes in after `cut` bytes with one that was there all the time.
fn compare(kind: Kind, stream: &[u8], cut: usize, rows: u16, columns: u16) -> Result<(), TestCaseError> {
    let (before, after) = stream.split_at(cut);
    let mut always = Terminal::new(kind, rows, columns);
    let mut screen = Screen::new(Size { rows, columns, width: 0, height: 0 });
    let mut modes = ModeTracker::default();
    always.show(before);
    screen.push(before);
    modes.feed(before);

    let text = screen.text();
    let repaint = screen.repaint(&modes);
    prop_assert_eq!(&screen.text(), &text, "asking changed the model");
    prop_assert!(!repaint.windows(8).any(|window| window == b"\x1b[?2026h"));
    let mut late = Terminal::new(kind, rows, columns);
    late.show(SHELL);
    late.show(&repaint);
    same(&always, &late, "at once")?;
    let lines = |terminal: &Terminal| {
        let mut history = terminal.glass.history();
        history.reverse();
        history
    };
    if !always.glass.on_alternate_screen() {
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
    let mut last = Terminal::new(kind, rows, columns);
    last.show(&screen.redraw(&modes));
    same(&always, &last, "drawn again at the end")?;
    prop_assert_eq!(always.left(), last.left());
    Ok(())
}

fn same(always: &Terminal, late: &Terminal, when: &str) -> Result<(), TestCaseError> {
    prop_assert_eq!(always.looks(), late.looks(), "{}", when);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_terminal_that_comes_in_late_shows_the_same(
        stream in everything(), cut in any::<prop::sample::Index>(), rows in 2u16..9, columns in 2u16..24
    ) {
        let cut = cut.index(stream.len() + 1);
        compare(Kind::Own, stream.as_bytes(), cut, rows, columns)?;
    }

    #[test]
    fn another_emulator_that_comes_in_late_shows_the_same(
        stream in what_both_know(), cut in any::<prop::sample::Index>(), rows in 2u16..9, columns in 2u16..24
    ) {
        let cut = cut.index(stream.len() + 1);
        compare(Kind::Crate, stream.as_bytes(), cut, rows, columns)?;
    }
}

/// Cuts a recorded stream at each place of the first frames, and at some of the others.
fn compare_recorded(stream: &[u8]) {
    for cut in (0..300).step_by(11).chain((300..stream.len()).step_by(797)).chain([stream.len()]) {
        for kind in [Kind::Own, Kind::Crate] {
            compare(kind, stream, cut, 24, 80)
                .unwrap_or_else(|error| panic!("cut after {cut} bytes: {error}"));
        }
    }
}

#[test]
fn claude_on_the_alternate_screen() {
    compare_recorded(include_bytes!("../../streams/alternate-screen.bin"));
}

#[test]
fn claude_on_the_main_screen() {
    compare_recorded(include_bytes!("../../streams/main-screen.bin"));
}

/// Lines of many widths and colours, more than the emulator keeps itself.
fn long_output() -> Vec<u8> {
    let mut out = Vec::new();
    for line in 0..450u32 {
        let text = format!(
            "{line} {}日本 e\u{301} \x1b[{}mcolour\x1b[m",
            "word ".repeat(line as usize % 30),
            31 + line % 7
        );
        out.extend_from_slice(text.as_bytes());
        out.extend_from_slice(b"\r\n");
    }
    out
}

#[test]
fn lines_that_scrolled_off_are_there_with_their_breaks() {
    let out = long_output();
    for kind in [Kind::Own, Kind::Crate] {
        compare(kind, &out, out.len(), 24, 80).expect("the same");
    }
    let region =
        [&out[..], b"\x1b[1;20r\x1b[20H", &out[..6000], b"\x1b[5;20r\x1b[20H", &out[..6000]].concat();
    for cut in [out.len() + 3, out.len() + 3000, region.len() - 2000, region.len()] {
        for kind in [Kind::Own, Kind::Crate] {
            compare(kind, &region, cut, 24, 80).expect("the same");
        }
    }
}

#[test]
fn no_more_lines_are_kept_than_asked_for() {
    let size = Size { rows: 24, columns: 80, width: 0, height: 0 };
    for (kept, shown) in [(0, 0), (1, 1), (50, 50), (150, 150), (5000, 700)] {
        let mut screen = Screen::new(size);
        screen.keep_lines(kept);
        for line in 0..723 {
            screen.push(format!("line {line}\r\n").as_bytes());
        }
        let mut terminal = Terminal::new(Kind::Crate, 24, 80);
        terminal.show(&screen.repaint(&ModeTracker::default()));
        assert_eq!(terminal.glass.history().len(), shown, "{kept} lines kept");
        if let Some(first) = terminal.glass.history().first() {
            assert_eq!(*first, format!("line {}", 700 - shown), "{kept} lines kept");
        }
    }
}

#[test]
fn lines_that_claude_cleared_are_not_brought_back() {
    let out = [&long_output()[..], b"\x1b[2J\x1b[3J\x1b[Hnew"].concat();
    let mut screen = Screen::new(Size { rows: 24, columns: 80, width: 0, height: 0 });
    screen.push(&out);
    let mut terminal = Terminal::new(Kind::Crate, 24, 80);
    terminal.show(&screen.repaint(&ModeTracker::default()));
    assert_eq!(terminal.glass.history(), Vec::<String>::new());
}

#[test]
fn another_size_is_applied_as_a_terminal_would() {
    let mut screen = Screen::new(Size { rows: 24, columns: 80, width: 0, height: 0 });
    let mut always = Terminal::new(Kind::Crate, 24, 80);
    let out = long_output();
    screen.push(&out);
    always.show(&out);
    for (rows, columns) in [(40, 80), (10, 60), (60, 100), (24, 80)] {
        screen.resize(Size { rows, columns, width: 0, height: 0 });
        always.glass.resize(rows, columns);
        let mut late = Terminal::new(Kind::Crate, rows, columns);
        late.show(&screen.repaint(&ModeTracker::default()));
        same(&always, &late, "after a change of size").expect("the same");
    }
}

#[test]
fn a_stale_model_shows_nothing_and_switches_the_modes_on() {
    let size = Size { rows: 24, columns: 80, width: 0, height: 0 };
    let mut screen = Screen::new(size);
    let mut modes = ModeTracker::default();
    let start = b"\x1b[?1049h\x1b[?2004h\x1b[>5u\x1b]0;title\x07gone";
    modes.feed(start);
    screen.push(start);
    for _ in 0..3 {
        screen.push(&vec![b'x'; 600_000]);
    }
    assert!(screen.is_stale());
    let mut late = Terminal::new(Kind::Crate, 24, 80);
    late.show(SHELL);
    late.show(&screen.repaint(&modes));
    assert!(late.glass.is_empty(), "{:#?}", late.looks());
    assert_eq!(late.modes.redo(), modes.redo());
    // Claude draws everything anew, and the model knows it again.
    screen.push(b"\x1b[2J\x1b[Hhello");
    assert_eq!(screen.text()[0], "hello");
    assert!(!screen.is_stale());

    // On the main screen it clears line after line.
    screen.push(&vec![b'x'; 1_100_000]);
    assert!(screen.is_stale());
    screen.push(format!("\x1b[2D\x1b[H\x1b[2K{}\x1b[Hhello", "\x1b[1B\x1b[2K".repeat(23)).as_bytes());
    assert_eq!(screen.text()[0], "hello");
    assert!(!screen.is_stale());
}

#[test]
fn nothing_in_a_title_ends_its_sequence() {
    let mut modes = ModeTracker::default();
    modes.feed("\x1b]0;a\u{9c}\u{1}\x0d\u{7f}b\x07".as_bytes());
    let mut screen = Screen::new(Size { rows: 4, columns: 20, width: 0, height: 0 });
    let repaint = String::from_utf8(screen.repaint(&modes)).expect("text");
    assert!(repaint.contains("\x1b]0;ab\x07"), "{repaint:?}");
}

#[test]
fn rows_that_count_from_the_margin_are_counted_from_there() {
    let stream = b"top\r\n\x1b[3;6r\x1b[?6h\x1b[2;3Habc\x1b[1;1Hx\r\n\r\n\r\n\r\nend\x1b[3;1Hy";
    // Before the margins there is nothing to count from; the emulator saves the origin with the cursor.
    for cut in [stream.len(), stream.len() - 1, stream.len() - 7, 20] {
        for kind in [Kind::Own, Kind::Crate] {
            compare(kind, stream, cut, 8, 20).expect("the same");
        }
    }
}

/// What makes text look otherwise than plain.
const LOOKS: [&str; 17] = [
    "\x1b[1m",
    "\x1b[2m",
    "\x1b[3m",
    "\x1b[4m",
    "\x1b[4:2m",
    "\x1b[4:3m",
    "\x1b[4:4m",
    "\x1b[4:5m",
    "\x1b[5m",
    "\x1b[6m",
    "\x1b[7m",
    "\x1b[8m",
    "\x1b[9m",
    "\x1b[21m",
    "\x1b[53m",
    "\x1b[58:2::1:2:3m",
    "\x1b]8;id=7;https://example.com/a;b\x1b\\",
];

#[test]
fn every_look_of_text_is_shown_again_wherever_it_is() {
    for look in LOOKS {
        let end = "\x1b[m\x1b]8;;\x1b\\";
        for stream in [
            format!("plain {look}text{end} plain"),
            format!("{look}日本 🇩🇪 e\u{301}{end}"),
            format!("{look}a text that is longer than a line of the screen is wide{end}"),
            format!("{look}one\r\ntwo{end}\r\nthree"),
            format!("{look}above{end}{}", "\r\nlater".repeat(10)),
            format!("{look}main{end}\x1b[?1049h\x1b[H{look}alternate{end}"),
            format!("{look}zero\x1b[58;5;9mone\x1b[59mtwo{end}"),
            format!("{look}what comes next looks so, too"),
        ] {
            let cut = stream.len();
            let whole = format!("{stream}x\x1b[?1049l");
            compare(Kind::Own, whole.as_bytes(), cut, 5, 20)
                .unwrap_or_else(|error| panic!("{stream:?}: {error}"));
            let mut screen = Screen::new(Size { rows: 5, columns: 20, width: 0, height: 0 });
            let mut modes = ModeTracker::default();
            screen.push(stream.as_bytes());
            modes.feed(stream.as_bytes());
            let repaint = String::from_utf8(screen.repaint(&modes)).expect("text");
            let count = repaint.matches(look).count();
            let wanted = stream.matches(look).count();
            assert!(count >= wanted, "{look:?} is there {count} times after {stream:?}: {repaint:?}");
        }
    }
}

#[test]
fn the_bound_of_the_lines_above_holds_at_another_width() {
    let mut screen = Screen::new(Size { rows: 10, columns: 80, width: 0, height: 0 });
    screen.keep_lines(50);
    for line in 0..300 {
        screen.push(format!("line {line} {}\r\n", "word ".repeat(14)).as_bytes());
    }
    for columns in [120, 80, 40, 20] {
        screen.resize(Size { rows: 10, columns, width: 0, height: 0 });
        let mut late = Terminal::new(Kind::Crate, 10, columns);
        late.show(&screen.repaint(&ModeTracker::default()));
        let shown = late.glass.history().len();
        assert!((45..=50).contains(&shown), "{shown} lines above {columns} columns");
    }
}
