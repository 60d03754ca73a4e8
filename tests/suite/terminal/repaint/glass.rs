//! Two emulators behind one face: cckw's own, which knows everything that cckw keeps, and the crate vt100, which
//! shares no code with it.

use cckw::vt::emulator::charset::Charsets;
use cckw::vt::emulator::style::{PLAIN, Style};
use cckw::vt::emulator::{CellView, Emulator};

/// How many lines above the screen an emulator keeps, and how many of them are compared.
const SCROLLBACK: usize = 5000;

#[derive(Clone, Copy, Debug)]
pub enum Kind {
    Own,
    Crate,
}

pub enum Glass {
    Own(Box<Emulator>),
    Crate(Box<vt100::Parser>),
}

impl Glass {
    pub fn new(kind: Kind, rows: u16, columns: u16) -> Self {
        let size = |number: u16| number.try_into().expect("no screen is empty");
        match kind {
            Kind::Own => Self::Own(Emulator::new(rows, columns, SCROLLBACK).into()),
            Kind::Crate => Self::Crate(vt100::Parser::new(size(rows), size(columns), SCROLLBACK).into()),
        }
    }

    pub fn show(&mut self, bytes: &[u8]) {
        match self {
            Self::Own(emulator) => emulator.process(bytes),
            Self::Crate(parser) => parser.process(bytes),
        }
    }

    pub fn resize(&mut self, rows: u16, columns: u16) {
        let size = |number: u16| number.try_into().expect("no screen is empty");
        match self {
            Self::Own(emulator) => emulator.resize(rows, columns),
            Self::Crate(parser) => parser.set_size(size(rows), size(columns)),
        }
    }

    pub fn on_alternate_screen(&self) -> bool {
        match self {
            Self::Own(emulator) => emulator.on_alternate_screen(),
            Self::Crate(parser) => parser.screen().alternate_screen(),
        }
    }

    /// Whether there is no text.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Own(emulator) => emulator.text().all(|row| row.trim().is_empty()),
            Self::Crate(parser) => parser.screen().contents().trim().is_empty(),
        }
    }

    /// Everything a user could see of it now, a line each.
    pub fn looks(&self) -> Vec<String> {
        match self {
            Self::Own(emulator) => own_looks(emulator),
            Self::Crate(parser) => {
                let screen = parser.screen();
                let mut looks = vec![
                    format!("cursor {:?} hidden {}", screen.cursor_position(), screen.hide_cursor()),
                    format!("style {:?}", screen.attributes_formatted()),
                    format!(
                        "modes {:?} alternate {}",
                        screen.input_mode_formatted(),
                        screen.alternate_screen()
                    ),
                ];
                looks.extend((0..screen.size().0.get()).map(|row| look(screen, row, true)));
                looks
            }
        }
    }

    /// The lines above the screen, the latest last.
    pub fn history(&self) -> Vec<String> {
        match self {
            Self::Own(emulator) => {
                let mut lines = String::new();
                emulator.write_history(&mut lines);
                lines.lines().map(written).collect()
            }
            Self::Crate(parser) => {
                let mut screen = parser.screen().clone();
                (1..=screen.scrollback_len())
                    .rev()
                    .map(|above| {
                        screen.set_scrollback(above);
                        // Whether a blank in the middle of a line was erased in a colour or never written is
                        // not kept.
                        look(&screen, 0, false).trim_end().to_owned()
                    })
                    .collect()
            }
        }
    }
}

/// What is written in a line. A terminal that breaks it at the bottom of the screen, while a background is on,
/// fills the rest of the new line with that.
fn written(line: &str) -> String {
    let mut emulator = Emulator::new(1, 500, 0);
    emulator.process(line.as_bytes());
    let mut all = String::new();
    for cell in emulator.cells(0).filter(CellView::is_written) {
        all.push_str(&format!("{{{:?} {:?}}}", Style { link: 0, ..*cell.style() }, cell.link()));
        cell.push_text(&mut all);
    }
    all
}

fn own_looks(emulator: &Emulator) -> Vec<String> {
    // Where the cursor is, whether the next character wraps, and how it will look.
    let mut end = String::new();
    emulator.write_margins(&mut end);
    emulator.write_end(false, Charsets::default(), &mut end);
    let mut looks = vec![
        format!("cursor {:?} shown {}", emulator.cursor(), emulator.cursor_shown()),
        format!("alternate {}", emulator.on_alternate_screen()),
        format!("end {end:?}"),
    ];
    looks.extend((0..emulator.size().0).map(|row| {
        let mut line = String::new();
        for cell in emulator.cells(row).filter(|cell| !cell.continues()) {
            let style = Style { link: 0, ..*cell.style() };
            if style != PLAIN || cell.link().is_some() {
                let colours = (style.foreground, style.background, style.underline_colour);
                line.push_str(&format!(
                    "{{{colours:?} {:?} {} {:?}}}",
                    style.underline,
                    style.flags,
                    cell.link()
                ));
            }
            let length = line.len();
            cell.push_text(&mut line);
            if line.len() == length {
                line.push(' ');
            }
        }
        line
    }));
    looks
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
        let is_blank = cell.contents().trim().is_empty();
        let plain = style == (vt100::Color::Default, vt100::Color::Default)
            && flags == (false, false, false, false, false);
        if !is_blank && !plain {
            line.push_str(&format!("{{{style:?}{flags:?}}}"));
        } else if blanks && cell.bgcolor() != vt100::Color::Default {
            // What erasing leaves behind has a background, and in the crate other attributes, too.
            line.push_str(&format!("{{{:?}}}", cell.bgcolor()));
        }
        line.push_str(if cell.has_contents() { cell.contents() } else { " " });
    }
    line
}
