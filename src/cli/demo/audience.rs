//! Who watches: somebody at a terminal, for whom the stage is drawn as it changes, or whoever reads the text
//! afterwards.

use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write as _};
use std::num::NonZero;

use nix::sys::termios::{LocalFlags, SetArg, tcsetattr};

use crate::cli::colours::Colours;
use crate::cli::table;
use crate::cli::wrap::wrap;
use crate::escape::escape;
use crate::os::tty;
use crate::os::tty::Attributes;

/// The stage is no larger than this; lines of `cckw list` fit.
const MOST_ROWS: u16 = 18;
const MOST_COLUMNS: u16 = 80;

/// A smaller stage shows too little to be drawn in place.
const LEAST_ROWS: u16 = 10;
const LEAST_COLUMNS: u16 = 36;

/// The stage where nobody watches, and where it cannot be drawn in place.
const TEXT_ROWS: u16 = 16;
const TEXT_COLUMNS: u16 = 70;
/// In fewer columns claude's footer does not say that a link has failed, and cckw would take it for switched
/// off by the user.
const LEAST_TEXT_COLUMNS: u16 = 30;

/// What stands left and right of the stage in a text.
const STAGE_MARGIN: &str = "   │ ";

/// Lines of a picture that are no stage: header, title, the note, the frame's upper and lower edge.
const AROUND: u16 = 5;

/// What there is to see at a moment.
pub struct Picture {
    /// Above the stage: which terminal that is.
    pub label: &'static str,
    /// Its lines, as plain text.
    pub text: String,
    /// Its lines, with colours.
    pub coloured: Vec<String>,
}

/// Who watches.
pub enum Audience {
    /// Text is printed, scene by scene.
    Text {
        /// Somebody sits before it, and wants to read.
        paced: bool,
        /// How wide the stage is.
        columns: u16,
    },
    /// The stage is drawn on the terminal, in place.
    Live(Box<LiveTerminal>),
}

impl Audience {
    /// Text for a script, or for a terminal that cannot be drawn on; else the stage as it is. `whys` is what
    /// will be told, a text a scene.
    pub fn new(script: bool, whys: &[&str]) -> Self {
        if !Self::watches(script) {
            return Self::Text { paced: false, columns: TEXT_COLUMNS };
        }
        let columns = window().1;
        let is_dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb" || term.is_empty());
        match (!is_dumb).then(|| LiveTerminal::enter(whys)).flatten() {
            Some(live) => Self::Live(Box::new(live)),
            None => {
                write("cckw demo (Enter: go on, ctrl-c: end)\n");
                let room = columns.saturating_sub(STAGE_MARGIN.chars().count() as u16);
                Self::Text { paced: true, columns: room.clamp(LEAST_TEXT_COLUMNS, TEXT_COLUMNS) }
            }
        }
    }

    /// Whether there will be somebody who wants to read.
    pub fn watches(script: bool) -> bool {
        !script && io::stdout().is_terminal() && io::stdin().is_terminal()
    }

    /// How large the stage is: rows, columns.
    pub fn stage(&self) -> (NonZero<u16>, NonZero<u16>) {
        let (rows, columns) = match self {
            Self::Text { columns, .. } => (TEXT_ROWS, *columns),
            Self::Live(live) => live.stage,
        };
        (
            NonZero::new(rows).unwrap_or(NonZero::<u16>::MIN),
            NonZero::new(columns).unwrap_or(NonZero::<u16>::MIN),
        )
    }

    /// Whether there is somebody who wants to read.
    pub fn is_there(&self) -> bool {
        !matches!(self, Self::Text { paced: false, .. })
    }

    /// A scene begins.
    pub fn begin(&mut self, number: usize, title: &str, why: &'static str) {
        match self {
            Self::Text { columns, .. } => {
                let why = wrap(why, usize::from(*columns)).join("\n   ");
                write(&format!("\n{number}. {title}\n   {why}\n"));
            }
            Self::Live(live) => live.begin(number, title, why),
        }
    }

    /// Something that is not to be seen on the stage.
    pub fn note(&mut self, text: &str) {
        match self {
            Self::Text { .. } => write(&format!("   ({text})\n")),
            Self::Live(live) => live.note = text.to_owned(),
        }
    }

    /// The stage looks like this now; it may change at once.
    pub fn look(&mut self, picture: &Picture) {
        if let Self::Live(live) = self {
            live.draw(picture);
        }
    }

    /// This is to be seen well.
    pub fn look_closely(&mut self, picture: &Picture) {
        match self {
            Self::Text { .. } => write(&framed(&picture.text)),
            Self::Live(live) => live.draw(picture),
        }
    }

    /// Gives the terminal back until [`Audience::come_back`].
    pub fn leave(&mut self) {
        if let Self::Live(live) = self {
            live.leave();
        }
    }

    /// Takes the terminal again.
    pub fn come_back(&mut self) {
        if let Self::Live(live) = self {
            live.take();
        }
    }
}

/// The screen as text, set off from the text around it.
pub fn framed(screen: &str) -> String {
    screen.lines().fold(String::new(), |mut text, line| {
        let _ = writeln!(text, "{}", format!("{STAGE_MARGIN}{}", escape(line)).trim_end());
        text
    })
}

/// A terminal that is drawn on, and given back when this is dropped.
pub struct LiveTerminal {
    /// Rows and columns of the stage.
    stage: (u16, u16),
    scenes: usize,
    /// How many lines the longest explanation has, so that the stage stays where it is.
    told: usize,
    coloured: bool,
    header: String,
    title: String,
    why: &'static str,
    note: String,
    /// The attributes of the terminal as they were.
    before: Attributes,
    /// The size of the window, and its lines, as drawn last.
    window: (u16, u16),
    drawn: Vec<String>,
}

impl LiveTerminal {
    /// Nothing if the window is too small.
    fn enter(whys: &[&str]) -> Option<Self> {
        let (rows, columns) = window();
        let told = whys.iter().map(|why| wrap(why, columns.into()).len()).max().unwrap_or(0);
        let around = AROUND + u16::try_from(told).unwrap_or(u16::MAX);
        let stage = (rows.saturating_sub(around).min(MOST_ROWS), columns.saturating_sub(4).min(MOST_COLUMNS));
        if stage.0 < LEAST_ROWS || stage.1 < LEAST_COLUMNS {
            return None;
        }
        let live = Self {
            stage,
            scenes: whys.len(),
            told,
            coloured: Colours::of_stdout().are_shown(),
            header: String::new(),
            title: String::new(),
            why: "",
            note: String::new(),
            before: Attributes::of(io::stdin()).ok()?,
            window: (0, 0),
            drawn: Vec::new(),
        };
        live.take();
        Some(live)
    }

    /// The second screen, without cursor and wrapping; keys are not shown, and come at once.
    fn take(&self) {
        write("\x1b[?1049h\x1b[?25l\x1b[?7l");
        let mut termios = self.before.to_termios();
        termios.local_flags.remove(LocalFlags::ECHO | LocalFlags::ICANON);
        let _ = tcsetattr(io::stdin(), SetArg::TCSANOW, &termios);
    }

    fn leave(&mut self) {
        write("\x1b[?7h\x1b[?25h\x1b[?1049l");
        let _ = self.before.apply(io::stdin());
        self.window = (0, 0);
    }

    fn begin(&mut self, number: usize, title: &str, why: &'static str) {
        self.header = format!("cckw demo · {number} of {} · Enter: go on, ctrl-c: end", self.scenes);
        self.title = title.to_owned();
        self.why = why;
        self.note.clear();
    }

    fn draw(&mut self, picture: &Picture) {
        let window = window();
        let mut text = String::new();
        if window != self.window {
            text.push_str("\x1b[2J");
            self.window = window;
            self.drawn.clear();
        }
        let lines = self.lines(picture);
        for (at, line) in lines.iter().take(window.0.into()).enumerate() {
            if self.drawn.get(at) != Some(line) {
                let _ = write!(text, "\x1b[{};1H\x1b[m\x1b[2K{line}\x1b[m", at + 1);
            }
        }
        if lines.len() < self.drawn.len() {
            let _ = write!(text, "\x1b[{};1H\x1b[J", lines.len() + 1);
        }
        self.drawn = lines;
        if !text.is_empty() {
            write(&text);
        }
    }

    /// The whole picture, a string a line.
    fn lines(&self, picture: &Picture) -> Vec<String> {
        let columns = usize::from(self.window.1);
        let (rows, width) = (usize::from(self.stage.0), usize::from(self.stage.1));
        let with = |parameter: &str, text: &str| {
            let text = table::cut(text, columns);
            if self.coloured { format!("\x1b[{parameter}m{text}\x1b[m") } else { text }
        };
        let mut lines = vec![with("2", &self.header), with("1", &self.title)];
        let mut why = wrap(self.why, columns);
        why.resize(why.len().max(self.told), String::new());
        lines.extend(why);
        lines.push(with("33", &self.note));
        let label = table::cut(picture.label, width.saturating_sub(4));
        let edge = "─".repeat((width + 1).saturating_sub(label.chars().count() + 2));
        lines.push(with("2", &format!("┌─ {label} {edge}┐")));
        let plain: Vec<String> = picture.text.lines().map(|line| escape(line).to_string()).collect();
        for row in 0..rows {
            let shown = if self.coloured { picture.coloured.get(row) } else { plain.get(row) };
            // To the edge by its column: how wide a line is, the terminal knows best.
            let shown = shown.map_or("", String::as_str);
            lines.push(format!("{}{shown}\x1b[m\x1b[{}G{}", with("2", "│ "), width + 4, with("2", "│")));
        }
        lines.push(with("2", &format!("└{}┘", "─".repeat(width + 2))));
        lines
    }
}

impl Drop for LiveTerminal {
    fn drop(&mut self) {
        self.leave();
    }
}

/// Rows and columns of the window; of a terminal that does not say, those of old.
fn window() -> (u16, u16) {
    match tty::size(io::stdout()) {
        Ok(size) if size.rows > 0 && size.columns > 0 => (size.rows, size.columns),
        _ => (24, 80),
    }
}

fn write(text: &str) {
    let mut stdout = io::stdout().lock();
    // A terminal that has gone needs no drawing, and no restoring. That a text cannot be written is told with
    // its last words.
    let _ = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_screen_in_a_text_holds_no_controls() {
        assert_eq!(framed("a\u{1b}[31m\n\nb "), "   │ a\\u{1b}[31m\n   │\n   │ b\n");
    }
}
