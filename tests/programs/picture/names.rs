//! What is different each time (processes, ids, the scratch directory) under names that are always the same,
//! so that a picture taken anew differs from the old one in what has really changed.

use crate::cells::{Cell, Row, text};

/// What something is called instead: the first that is met by the first name, and so on.
struct Names {
    /// What stands before it.
    before: &'static [&'static str],
    /// What it is made of.
    made_of: fn(char) -> bool,
    /// How long it is; where it is not said, as long as it goes on.
    length: Option<usize>,
    given: &'static [&'static str],
    met: Vec<String>,
}

/// Everything that is renamed.
pub struct Register(Vec<Names>);

impl Register {
    /// With nothing met so far.
    pub fn new() -> Self {
        let hexadecimal = |c: char| c.is_ascii_hexdigit() || c == '-';
        let digit = |c: char| c.is_ascii_digit();
        let names =
            |before, made_of, length, given| Names { before, made_of, length, given, met: Vec::new() };
        Self(vec![
            names(
                &["--session-id ", "--resume ", "conversation  "],
                hexadecimal,
                Some(36),
                &["6f1d8a3c-52b7-4e09-9c46-d07e8b15fa21"],
            ),
            names(
                &["session_"],
                hexadecimal,
                Some(16),
                &["b81f6c02d9e74a35", "3e5a907d14cf62b8", "c47d20b96e8f1a53", "905be1f7a36c4d28"],
            ),
            // Also where the rest of the path was cut off.
            names(&["demo-", "…mo-", "…o-", "…-", "…"], |c| c.is_ascii_alphanumeric(), Some(6), &["Qk3vTz"]),
            names(
                &["kill -9 ", "process ", "and is ", "host ", "claude ", "pid "],
                digit,
                None,
                &["41873", "42016", "41869", "42230", "42251"],
            ),
            names(&["comes back in "], |c| c.is_ascii_digit() || c == '.', None, &["2.0", "2.0", "2.0"]),
            names(&["detached  "], digit, None, &["21", "22", "23"]),
        ])
    }

    /// Renames what is in this line.
    pub fn rename(&mut self, row: &mut Row) {
        for names in &mut self.0 {
            for before in names.before {
                let mut from = 0;
                while let Some(found) = find(row, before, from) {
                    let rest = row[found..].iter().take(names.length.unwrap_or(usize::MAX));
                    let is_part =
                        |cell: &&Cell| cell.text.chars().all(names.made_of) && !cell.text.is_empty();
                    let length = rest.take_while(is_part).count();
                    from = found + length;
                    if length > 0 && names.length.is_none_or(|wanted| wanted == length) {
                        let new = names.name(&text(&row[found..from]));
                        replace(row, found, length, new);
                        from = found + new.chars().count();
                    }
                }
            }
        }
    }
}

impl Names {
    fn name(&mut self, met: &str) -> &'static str {
        let known = self.met.iter().position(|known| known == met);
        let at = known.unwrap_or_else(|| {
            self.met.push(met.to_owned());
            self.met.len() - 1
        });
        self.given[at % self.given.len()]
    }
}

/// Where what follows these words begins, looked for from there on.
fn find(row: &[Cell], words: &str, from: usize) -> Option<usize> {
    let words: Vec<char> = words.chars().collect();
    let says =
        |at: usize| row[at..at + words.len()].iter().zip(&words).all(|(cell, c)| cell.text.chars().eq([*c]));
    let last = row.len().checked_sub(words.len() + 1)?;
    (from..=last).find(|&at| says(at)).map(|at| at + words.len())
}

/// Puts other text in the place of so many cells. What is longer or shorter is made up for by the next gap,
/// so that columns and edges stay where they are.
fn replace(row: &mut Row, at: usize, length: usize, new: &str) {
    let style = row[at].style;
    let width = row.len();
    let new: Vec<Cell> = new.chars().map(|c| Cell { text: c.into(), style }).collect();
    let end = at + new.len();
    row.splice(at..at + length, new);
    let is_gap = |row: &Row, at: usize| row[at..].iter().take(2).all(Cell::is_blank);
    while row.len() != width {
        let gap = (end..row.len()).find(|&at| is_gap(row, at)).unwrap_or(row.len());
        if row.len() < width {
            row.insert(gap, Cell::blank());
        } else {
            row.remove(gap.min(row.len() - 1));
        }
    }
}
