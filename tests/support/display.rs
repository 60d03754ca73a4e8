//! The terminal's side of the conversation: what it shows, which modes are on, and what it answers.

use std::num::NonZeroU16;

use super::escape::{Scanner, Sequence};
use super::modes::Modes;
use super::pty::Size;

/// Which queries the terminal answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answers {
    /// None: programs have to do without.
    Mute,
    /// What xterm answers: device attributes, name, cursor position, size, modes.
    Xterm,
    /// That, and the kitty keyboard protocol, so that programs switch it on.
    Kitty,
}

/// Lines kept above the screen.
const SCROLLBACK: usize = 5000;

/// What the terminal shows at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Screen {
    /// Every line, without the blanks at its end.
    pub rows: Vec<String>,
    /// Row and column of the cursor, from 0.
    pub cursor: (u16, u16),
    /// Whether the cursor shows.
    pub cursor_visible: bool,
    /// Whether the alternate screen is shown.
    pub alternate: bool,
    /// Whether text that came now would be in the default colours, not bold, not underlined.
    pub plain: bool,
    /// How every line looks: its text in runs, before each the colours and attributes that can be seen.
    pub looks: Vec<String>,
    /// The title of the window.
    pub title: String,
    /// Which modes are on.
    pub modes: Modes,
}

impl Screen {
    /// All lines joined.
    pub fn text(&self) -> String {
        self.rows.join("\n").trim_end().to_owned()
    }

    /// Whether `needle` stands in one of the lines.
    pub fn contains(&self, needle: &str) -> bool {
        self.rows.iter().any(|row| row.contains(needle))
    }

    /// The line that the cursor is in.
    pub fn cursor_row(&self) -> &str {
        self.rows.get(usize::from(self.cursor.0)).map_or("", String::as_str)
    }

    /// The last line that is not blank.
    pub fn last_row(&self) -> &str {
        self.rows.iter().rev().find(|row| !row.is_empty()).map_or("", String::as_str)
    }
}

/// Fed with output; without a model (`emulate(false)`) it does nothing.
pub struct Display {
    model: Option<vt100::Parser>,
    scanner: Scanner,
    answers: Answers,
    size: Size,
    pub modes: Modes,
    /// Text of the last `OSC 0` or `OSC 2`.
    title: String,
}

impl Display {
    pub fn new(size: Size, answers: Answers, emulate: bool) -> Self {
        let (rows, columns) = cells(size);
        let model = emulate.then(|| vt100::Parser::new(rows, columns, SCROLLBACK));
        Self {
            model,
            scanner: Scanner::default(),
            answers,
            size,
            modes: Modes::default(),
            title: String::new(),
        }
    }

    pub fn resize(&mut self, size: Size) {
        self.size = size;
        let (rows, columns) = cells(size);
        if let Some(model) = &mut self.model {
            model.set_size(rows, columns);
        }
    }

    /// Whether there is a screen at all.
    pub fn is_on(&self) -> bool {
        self.model.is_some()
    }

    /// Shows `bytes`; returns the answers to the queries among them.
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<Vec<u8>> {
        let mut replies = Vec::new();
        if self.model.is_none() {
            return replies;
        }
        let mut shown = 0;
        for (index, byte) in bytes.iter().enumerate() {
            let Some(sequence) = self.scanner.push(*byte) else { continue };
            // Up to here, so that a cursor position is the one at the time of the question.
            self.show(&bytes[shown..=index]);
            shown = index + 1;
            self.modes.apply(&sequence);
            if let Sequence::Osc(text) = &sequence
                && let Some(title) = text.strip_prefix("0;").or_else(|| text.strip_prefix("2;"))
            {
                self.title = title.to_owned();
            }
            replies.extend(self.answer(&sequence).map(String::into_bytes));
        }
        self.show(&bytes[shown..]);
        replies
    }

    fn show(&mut self, bytes: &[u8]) {
        if let Some(model) = &mut self.model {
            model.process(bytes);
        }
    }

    fn answer(&self, sequence: &Sequence) -> Option<String> {
        if self.answers == Answers::Mute {
            return None;
        }
        match sequence {
            Sequence::Csi { prefix, params, intermediates, last } => {
                self.answer_csi(*prefix, params, intermediates, *last)
            }
            Sequence::Osc(text) => match text.as_str() {
                "10;?" => Some("\x1b]10;rgb:dddd/dddd/dddd\x1b\\".into()),
                "11;?" => Some("\x1b]11;rgb:1111/1111/1111\x1b\\".into()),
                _ => None,
            },
            _ => None,
        }
    }

    fn answer_csi(&self, prefix: u8, params: &str, intermediates: &str, last: u8) -> Option<String> {
        match (prefix, params, intermediates, last) {
            (0, "" | "0", "", b'c') => Some("\x1b[?62;22c".into()),
            (b'>', "" | "0", "", b'c') => Some("\x1b[>41;390;0c".into()),
            (b'>', "" | "0", "", b'q') => Some("\x1bP>|XTerm(390)\x1b\\".into()),
            (b'?', "", "", b'u') if self.answers == Answers::Kitty => {
                Some(format!("\x1b[?{}u", self.modes.kitty_flags()))
            }
            (0, "5", "", b'n') => Some("\x1b[0n".into()),
            (0, "6", "", b'n') => {
                let (row, column) = self.model.as_ref()?.screen().cursor_position();
                Some(format!("\x1b[{};{}R", row + 1, column + 1))
            }
            (b'?', "996", "", b'n') => Some("\x1b[?997;1n".into()),
            (b'?', mode, "$", b'p') => {
                let state = if self.modes.is_on(mode.parse().ok()?) { 1 } else { 2 };
                Some(format!("\x1b[?{mode};{state}$y"))
            }
            (0, "14", "", b't') => Some(format!("\x1b[4;{};{}t", self.size.height, self.size.width)),
            (0, "18", "", b't') => Some(format!("\x1b[8;{};{}t", self.size.rows, self.size.columns)),
            _ => None,
        }
    }

    pub fn screen(&self) -> Screen {
        let model = self.model.as_ref().expect("a terminal built with emulate(true)");
        let screen = model.screen();
        let default = vt100::Color::Default;
        Screen {
            rows: rows(screen),
            cursor: screen.cursor_position(),
            cursor_visible: !screen.hide_cursor(),
            alternate: screen.alternate_screen(),
            plain: screen.fgcolor() == default
                && screen.bgcolor() == default
                && !(screen.bold()
                    || screen.dim()
                    || screen.italic()
                    || screen.underline()
                    || screen.inverse()),
            looks: (0..screen.size().0.get()).map(|row| look(screen, row)).collect(),
            title: self.title.clone(),
            modes: self.modes.clone(),
        }
    }

    /// What draws this screen on another terminal of the same size.
    pub fn drawn(&self) -> Vec<u8> {
        let screen = self.model.as_ref().expect("a terminal built with emulate(true)").screen();
        let start: &[u8] = if screen.alternate_screen() { b"\x1b[?1049h" } else { b"" };
        [start, screen.contents_formatted().as_bytes()].concat()
    }

    /// The lines that scrolled off the top, oldest first, and then those of the screen.
    pub fn history(&mut self) -> Vec<String> {
        let screen = self.model.as_mut().expect("a terminal built with emulate(true)").screen_mut();
        let mut lines = Vec::new();
        for above in (1..=screen.scrollback_len()).rev() {
            screen.set_scrollback(above);
            lines.extend(rows(screen).into_iter().next());
        }
        screen.set_scrollback(0);
        lines.extend(rows(screen));
        lines
    }
}

fn rows(screen: &vt100::Screen) -> Vec<String> {
    let (_, columns) = screen.size();
    screen.rows(0, columns.get()).map(|row| row.trim_end().to_owned()).collect()
}

/// A line in runs of one look, e.g. `{Idx(246)/Default bold}text`. Of a blank only what shows is told: a
/// blank that was written and one that never was are the same to a user.
fn look(screen: &vt100::Screen, row: u16) -> String {
    let mut line = String::new();
    let mut before = String::new();
    for column in 0..screen.size().1.get() {
        let Some(cell) = screen.cell(row, column) else { continue };
        let (mut ink, mut paper) = (cell.fgcolor(), cell.bgcolor());
        if cell.inverse() {
            (ink, paper) = (paper, ink);
        }
        let blank = cell.contents().trim().is_empty();
        let mut look = format!("{{{}/{paper:?}", if blank { "-".into() } else { format!("{ink:?}") });
        for (name, on) in [
            ("inverse", cell.inverse()),
            ("underline", cell.underline()),
            ("bold", cell.bold() && !blank),
            ("dim", cell.dim() && !blank),
            ("italic", cell.italic() && !blank),
        ] {
            if on {
                look.push(' ');
                look.push_str(name);
            }
        }
        look.push('}');
        if look != before {
            line.push_str(&look);
            before = look;
        }
        line.push_str(if blank { " " } else { cell.contents() });
    }
    line
}

fn cells(size: Size) -> (NonZeroU16, NonZeroU16) {
    let at_least_one = |number: u16| NonZeroU16::new(number).unwrap_or(NonZeroU16::MIN);
    (at_least_one(size.rows), at_least_one(size.columns))
}
