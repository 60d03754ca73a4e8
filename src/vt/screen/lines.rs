//! The screen as the frames have it that its watchers are sent: lines with colours, of a length that a message can carry.

use super::Screen;
use super::colours;

/// The most bytes that all lines may take in a message. A large screen has some tens of kilobytes.
const MAX_FRAME_BYTES: usize = 512 * 1024;

/// What the screen shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScreenLines {
    /// Rows and columns.
    pub size: (u16, u16),
    /// Where the cursor is, row and column from 0; nothing where it is hidden.
    pub cursor: Option<(u16, u16)>,
    /// A line for each row, with its colours.
    pub lines: Vec<String>,
}

impl Screen {
    /// What the model knows by now. What waits to be read is not in it.
    pub fn known_lines(&self) -> ScreenLines {
        let (rows, columns) = self.emulator.size();
        let most = MAX_FRAME_BYTES / usize::from(rows.max(1));
        let line = |(row, coloured): (u16, String)| {
            if sent_bytes(&coloured) <= most {
                return coloured;
            }
            shortened(self.emulator.row_text(row, columns).trim_end(), most).to_owned()
        };
        ScreenLines {
            size: (rows, columns),
            cursor: self.emulator.cursor_shown().then(|| self.emulator.cursor()),
            lines: (0..).zip(colours::lines(&self.emulator)).map(line).collect(),
        }
    }

    /// A number that is another one whenever the screen may show something else.
    pub fn changes(&self) -> u64 {
        self.changes
    }
}

/// How many bytes a text takes in JSON.
fn sent_bytes(text: &str) -> usize {
    text.chars().map(sent_bytes_of).sum()
}

fn sent_bytes_of(char: char) -> usize {
    match char {
        '"' | '\\' => 2,
        char if char.is_ascii_control() => 6,
        char => char.len_utf8(),
    }
}

/// The beginning of a text that takes no more bytes in JSON.
fn shortened(text: &str, most: usize) -> &str {
    let mut bytes = 0;
    let end = text.char_indices().find(|(_, char)| {
        bytes += sent_bytes_of(*char);
        bytes > most
    });
    end.map_or(text, |(at, _)| &text[..at])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::os::tty::Size;

    fn screen(rows: u16, columns: u16) -> Screen {
        Screen::new(Size { rows, columns, width: 0, height: 0 })
    }

    #[test]
    fn they_have_colours_and_the_cursor_where_it_is_shown() {
        let mut screen = screen(2, 10);
        screen.push(b"a\x1b[31mb\x1b[m\r\nc");
        assert!(screen.catch_up());
        let lines = screen.known_lines();
        assert_eq!((lines.size, lines.cursor), ((2, 10), Some((1, 1))));
        assert_eq!(lines.lines, ["a\x1b[31mb\x1b[m", "c"]);
        let before = screen.changes();
        screen.push(b"\x1b[?25l");
        assert!(screen.catch_up() && screen.changes() != before);
        assert_eq!(screen.known_lines().cursor, None);
    }

    #[test]
    fn whatever_is_on_the_screen_fits_into_a_message() {
        let mut screen = screen(300, 1000);
        let mut number = 0;
        for _ in 0..300 {
            for _ in 0..999 {
                number += 1;
                screen.push(format!("\x1b[38;2;{};{};{}m\"", number % 256, number / 256 % 256, 7).as_bytes());
            }
            screen.push(b"\r\n");
            screen.begin_turn();
            screen.catch_up();
        }
        let lines = screen.known_lines().lines;
        let line = serde_json::to_vec(&lines).expect("JSON");
        assert!(lines[0].len() > 500 && line.len() < 800_000, "{} {}", lines[0].len(), line.len());
    }

    #[test]
    fn a_text_is_cut_between_characters() {
        assert_eq!(shortened("a\"é", 3), "a\"");
        assert_eq!(shortened("a\"é", 5), "a\"é");
        assert_eq!(shortened("", 0), "");
    }
}
