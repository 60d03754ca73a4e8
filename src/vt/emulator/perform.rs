//! What each sequence does.

use vte::{Params, Perform};

use super::cell::Cell;
use super::sgr;
use super::style::Style;
use super::terminal::Terminal;

/// As many parts of an OSC as the parser takes; of one with more the rest is lost.
const MAX_OSC_PARTS: usize = 16;

impl Perform for Terminal {
    fn print(&mut self, char: char) {
        self.print_char(char);
    }

    fn execute(&mut self, byte: u8) {
        self.cursor.is_fresh &= !matches!(byte, 0x08..=0x0d);
        match byte {
            0x08 => self.left(1),
            b'\t' => self.cursor.column = self.tabs.next(self.cursor.column, self.columns),
            b'\n' | 0x0b | 0x0c => {
                self.line_feed();
                if self.modes.newline {
                    self.cursor.column = 0;
                }
            }
            b'\r' => self.cursor.column = 0,
            0x0e => self.charsets.shifted = true,
            0x0f => self.charsets.shifted = false,
            _ => {}
        }
    }

    fn esc_dispatch(&mut self, intermediates: &[u8], _ignore: bool, last: u8) {
        // The end of a string (ST) does nothing.
        self.cursor.is_fresh &= last == b'\\' || !matches!(intermediates, [] | [b'#']);
        match (intermediates, last) {
            ([], b'7') => self.save_cursor(),
            ([], b'8') => self.restore_cursor(),
            ([], b'D') => self.line_feed(),
            ([], b'E') => {
                self.line_feed();
                self.cursor.column = 0;
            }
            ([], b'H') => self.tabs.set(self.cursor.column, true, self.columns),
            ([], b'M') => self.reverse_line_feed(),
            ([], b'c') => self.reset(),
            ([b'#'], b'8') => self.fill_with('E'),
            ([slot @ (b'(' | b')')], set) => {
                self.charsets.draws_lines[usize::from(*slot == b')')] = set == b'0';
            }
            _ => {}
        }
    }

    fn csi_dispatch(&mut self, params: &Params, intermediates: &[u8], _ignore: bool, last: char) {
        if (intermediates, last) == (&[], 'm') {
            let mut style = self.pen.style;
            sgr::apply(&mut style, params.iter());
            self.set_style(style);
            return;
        }
        let mut numbers = params.iter().map(|param| usize::from(param[0]));
        match intermediates {
            [] => self.control(last, &mut numbers),
            [b'?'] => match last {
                'h' | 'l' => numbers.for_each(|number| self.set_private_mode(number, last == 'h')),
                // Nothing is protected from it.
                'J' | 'K' => self.control(last, &mut numbers),
                _ => {}
            },
            [b'!'] if last == 'p' => self.soft_reset(),
            _ => {}
        }
    }

    fn osc_dispatch(&mut self, parts: &[&[u8]], _bell_terminated: bool) {
        if let [b"8", params, address @ ..] = parts {
            self.set_link(params, if parts.len() < MAX_OSC_PARTS { address } else { &[] });
        }
    }
}

impl Terminal {
    fn control(&mut self, last: char, numbers: &mut impl Iterator<Item = usize>) {
        self.cursor.is_fresh &= matches!(last, 'h' | 'l');
        let first = numbers.next().unwrap_or(0);
        let count = first.max(1);
        match last {
            '@' => self.insert_cells(count),
            'A' => self.up(count),
            'B' | 'e' => self.down(count),
            'C' | 'a' => self.right(count),
            'D' => self.left(count),
            'E' => {
                self.down(count);
                self.cursor.column = 0;
            }
            'F' => {
                self.up(count);
                self.cursor.column = 0;
            }
            'G' | '`' => self.go_to_column(count - 1),
            'H' | 'f' => {
                let column = numbers.next().unwrap_or(0).max(1);
                self.go_to(count - 1, column - 1);
            }
            'I' => self.tab(count),
            'J' => self.erase_screen(first),
            'K' => self.erase_line(first),
            'L' => self.insert_lines(count),
            'M' => self.remove_lines(count),
            'P' => self.remove_cells(count),
            'S' => self.scroll_up(count),
            'T' if numbers.next().is_none() => self.scroll_down(self.margins.0, count),
            'X' => self.erase_cells(count),
            'Z' => self.tab_back(count),
            'b' => self.repeat(count),
            'd' => self.go_to(count - 1, self.cursor.column),
            'g' if first == 0 => self.tabs.set(self.cursor.column, false, self.columns),
            'g' if first == 3 => self.tabs.clear(self.columns),
            'h' | 'l' => {
                self.set_mode(first, last == 'h');
                numbers.for_each(|number| self.set_mode(number, last == 'h'));
            }
            'r' => self.set_margins(count - 1, numbers.next().unwrap_or(0)),
            's' => self.save_cursor(),
            'u' => self.restore_cursor(),
            _ => {}
        }
    }

    fn set_mode(&mut self, number: usize, on: bool) {
        match number {
            4 => self.modes.insert = on,
            20 => self.modes.newline = on,
            _ => {}
        }
    }

    fn set_private_mode(&mut self, number: usize, on: bool) {
        self.cursor.is_fresh &= !matches!(number, 6 | 47 | 1047..=1049);
        match number {
            6 => {
                self.modes.origin = on;
                self.go_to(0, 0);
            }
            7 => self.modes.autowrap = on,
            25 => self.modes.cursor_hidden = !on,
            47 | 1047 => self.show_alternate(on),
            1048 if on => self.save_cursor(),
            1048 => self.restore_cursor(),
            1049 if on => {
                self.save_cursor();
                self.show_alternate(true);
                self.erase_screen(2);
            }
            1049 => {
                self.show_alternate(false);
                self.restore_cursor();
            }
            _ => {}
        }
    }

    /// OSC 8: what is written from here on leads to an address, which may have semicolons.
    fn set_link(&mut self, params: &[u8], address: &[&[u8]]) {
        let params = std::str::from_utf8(params).unwrap_or_default();
        let address = String::from_utf8(address.join(&b';')).unwrap_or_default();
        self.collect_if_full();
        let is_harmless = !params.chars().chain(address.chars()).any(char::is_control);
        let link = if is_harmless { self.tables.link_number(params, &address) } else { 0 };
        if link != self.pen.style.link {
            self.set_style(Style { link, ..self.pen.style });
        }
    }

    fn fill_with(&mut self, char: char) {
        for row in &mut self.grid_mut().rows {
            row.clear(Cell::of_char(char, false, 0));
        }
        self.go_to(0, 0);
    }
}
