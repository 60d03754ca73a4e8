//! What a terminal shows, cell by cell.

use vt100::Color;

/// Red, green and blue.
pub type Rgb = (u8, u8, u8);

/// The colours of what has none of its own.
pub const FOREGROUND: Rgb = (0xc9, 0xd1, 0xd9);
pub const BACKGROUND: Rgb = (0x0d, 0x11, 0x17);

/// The sixteen colours that have names.
const NAMED: [Rgb; 16] = [
    (0x48, 0x4f, 0x58),
    (0xff, 0x7b, 0x72),
    (0x3f, 0xb9, 0x50),
    (0xd2, 0x99, 0x22),
    (0x58, 0xa6, 0xff),
    (0xbc, 0x8c, 0xff),
    (0x39, 0xc5, 0xcf),
    (0xb1, 0xba, 0xc4),
    (0x6e, 0x76, 0x81),
    (0xff, 0xa1, 0x98),
    (0x56, 0xd3, 0x64),
    (0xe3, 0xb3, 0x41),
    (0x79, 0xc0, 0xff),
    (0xd2, 0xa8, 0xff),
    (0x56, 0xd4, 0xdd),
    (0xff, 0xff, 0xff),
];

/// How a cell is drawn. What is inverse has its colours exchanged here already.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Style {
    pub foreground: Option<Rgb>,
    pub background: Option<Rgb>,
    pub bold: bool,
    pub dim: bool,
    pub italic: bool,
    pub underline: bool,
}

/// One cell; the second half of a wide character is one without text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    pub text: String,
    pub style: Style,
}

impl Cell {
    /// An empty one.
    pub fn blank() -> Self {
        Self { text: " ".into(), style: Style::default() }
    }

    /// Whether there is nothing to be read. The cursor that claude draws is such a cell.
    pub fn is_blank(&self) -> bool {
        self.text == " "
    }
}

/// One line of the screen.
pub type Row = Vec<Cell>;

/// One state of the screen, and for how many milliseconds it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    pub rows: Vec<Row>,
    pub hold: u32,
}

impl Frame {
    /// What the screen shows now.
    pub fn of(screen: &vt100::Screen) -> Self {
        let (rows, columns) = screen.size();
        let row = |row| (0..columns.get()).map(|column| cell(screen.cell(row, column))).collect();
        Self { rows: (0..rows.get()).map(row).collect(), hold: 0 }
    }

    /// Its lines.
    pub fn text(&self) -> String {
        self.rows.iter().map(|row| text(row) + "\n").collect()
    }
}

/// What a line says.
pub fn text(row: &[Cell]) -> String {
    row.iter().map(|cell| cell.text.as_str()).collect()
}

fn cell(cell: Option<&vt100::Cell>) -> Cell {
    let Some(cell) = cell else { return Cell::blank() };
    let (mut foreground, mut background) = (rgb(cell.fgcolor()), rgb(cell.bgcolor()));
    if cell.inverse() {
        let ink = foreground.unwrap_or(FOREGROUND);
        (foreground, background) = (Some(background.unwrap_or(BACKGROUND)), Some(ink));
    }
    let style = Style {
        foreground,
        background,
        bold: cell.bold(),
        dim: cell.dim(),
        italic: cell.italic(),
        underline: cell.underline(),
    };
    let text = match cell.contents() {
        _ if cell.is_wide_continuation() => String::new(),
        "" | "\u{a0}" => " ".into(),
        text => text.into(),
    };
    Cell { text, style }
}

fn rgb(colour: Color) -> Option<Rgb> {
    match colour {
        Color::Default => None,
        Color::Rgb(red, green, blue) => Some((red, green, blue)),
        Color::Idx(index @ 0..16) => Some(NAMED[usize::from(index)]),
        // A cube of six steps each, and a ramp of greys.
        Color::Idx(index @ 16..232) => {
            let step = |number: u8| if number == 0 { 0 } else { 55 + 40 * number };
            let index = index - 16;
            Some((step(index / 36), step(index / 6 % 6), step(index % 6)))
        }
        Color::Idx(index) => {
            let grey = 8 + 10 * (index - 232);
            Some((grey, grey, grey))
        }
    }
}
