//! The screen model: what a terminal that saw all of claude's output would show.
//!
//! It has the emulator read claude's output, and never stands between claude and the terminal: bytes are queued
//! here after they were written there, and read when there is nothing else to do.

pub mod colours;
pub mod lines;
mod pieces;
mod repaint;
pub mod view;
pub mod work;

use std::panic::{AssertUnwindSafe, catch_unwind};

use serde::{Deserialize, Serialize};

use crate::os::raw_text;
use crate::os::tty::Size;
use crate::vt::emulator::Emulator;
use pieces::{SequenceEffect, SequenceSplitter};
use view::ScreenCells;
use work::{Meter, Prices};

/// The most that may wait to be read, in bytes.
const BACKLOG: usize = 1 << 20;
/// So much less is nearly as much: then output is given up where that is cheap.
const GIVE_UP_MARGIN_BYTES: usize = 64 * 1024;
/// Read at a time, in bytes.
const SLICE: usize = 4096;
/// Done at a time, in units of work: some ten microseconds for usual output, a tenth of a millisecond for
/// any, so that a key never waits longer for it.
const SLICE_WORK: u64 = 100_000;
/// Done at most in one turn of the host's loop, whoever asks for the screen.
pub const TURN_WORK: u64 = 20_000_000;
/// Done beyond that in the same turn, for what stands behind the place where claude cleared the screen last.
pub const TURN_RESERVE: u64 = 5_000_000;
/// Done at most for output that waits, in however many turns, before it is given up: no usual megabyte comes
/// near it.
const BACKLOG_WORK: u64 = 1_000_000_000;

/// The largest screen that is modelled. A larger one than any monitor shows is modelled in part: its rows and
/// columns are counted to here.
const MOST_ROWS: u16 = 1000;
const MOST_COLUMNS: u16 = 1000;
/// The most cells: those of 1,000 columns and 300 rows.
const MOST_CELLS: u32 = 300_000;

/// The longest screen with colours that is handed out, in bytes. A large one has some tens of kilobytes.
const MOST_FORMATTED: usize = 256 * 1024;

/// How many lines above the screen are kept where nothing else is said.
pub const HISTORY: usize = 1000;

/// The model, and the output that it has not read yet.
#[derive(Serialize, Deserialize)]
pub struct Screen {
    emulator: Emulator,
    #[serde(default)]
    pieces: SequenceSplitter,
    size: Size,
    #[serde(with = "raw_text", default)]
    backlog: Vec<u8>,
    #[serde(default)]
    read: usize,
    #[serde(default)]
    stale: Option<Resync>,
    #[serde(default)]
    meter: Meter,
    #[serde(skip, default = "no_prices")]
    prices: Prices,
    /// What may still be done in this turn of the host's loop, and beyond it behind a cleared screen.
    #[serde(skip)]
    allowance: u64,
    #[serde(skip)]
    reserve: u64,
    /// What was done since nothing waited.
    #[serde(default)]
    debt: u64,
    /// All that was ever done, in units of work.
    #[serde(default)]
    done: u64,
    /// How often it may have come to show something else.
    #[serde(skip)]
    changes: u64,
}

/// What was seen since output was given up: with both, the model knows everything again.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
#[serde(default)]
struct Resync {
    cleared: bool,
    placed: bool,
    /// Lines that were cleared since the cursor was placed: on the main screen claude clears one after the
    /// other.
    lines: u16,
}

impl Screen {
    /// An empty screen.
    pub fn new(size: Size) -> Self {
        Self {
            emulator: emulator(size, HISTORY),
            pieces: SequenceSplitter::default(),
            size,
            backlog: Vec::new(),
            read: 0,
            stale: None,
            meter: Meter::default(),
            prices: prices(size),
            allowance: TURN_WORK,
            reserve: TURN_RESERVE,
            debt: 0,
            done: 0,
            changes: 0,
        }
    }

    /// One that another program has handed over. Nothing where it cannot be one of this size.
    pub fn handed_over(mut self) -> Option<Self> {
        if self.read > self.backlog.len() || self.emulator.size() != bounded(self.size) {
            return None;
        }
        self.prices = prices(self.size);
        self.begin_turn();
        // The new parser stands where the old one stood: within a sequence that was too long to be held.
        let Self { emulator, pieces, .. } = &mut self;
        let unfinished = pieces.is_overlong().then(|| pieces.unfinished());
        let is_fed = catch_unwind(AssertUnwindSafe(|| emulator.process(unfinished.unwrap_or_default())));
        is_fed.is_ok().then_some(self)
    }

    /// A new turn of the host's loop begins: work may be done again.
    pub fn begin_turn(&mut self) {
        (self.allowance, self.reserve) = (TURN_WORK, TURN_RESERVE);
    }

    /// How much work was done since this screen began, in the units of [`work`].
    pub fn work_done(&self) -> u64 {
        self.done
    }

    /// Changes how many lines above the screen are kept.
    pub fn keep_lines(&mut self, lines: usize) {
        self.emulator.keep_lines(lines);
    }

    /// Queues output. When too much waits, what is older is given up, and the model is stale until the next
    /// repaint.
    pub fn push(&mut self, bytes: &[u8]) {
        self.changes += 1;
        if self.waiting() + bytes.len() > BACKLOG {
            self.skip();
            self.forget();
        }
        if self.read > 0 && self.read == self.backlog.len() {
            self.backlog.clear();
            self.read = 0;
        }
        self.backlog.extend_from_slice(bytes);
    }

    /// Passes over all that waits. Where a sequence begins and ends is followed all the same.
    fn skip(&mut self) {
        let rest = &self.backlog[self.read..];
        self.pieces.feed(rest, |_, _| {});
        self.meter.read(rest, &self.prices, u64::MAX);
        self.backlog.clear();
        self.read = 0;
        self.debt = 0;
    }

    /// Whether so much waits that with `more` bytes it should be given up, at the next place between two
    /// sequences.
    pub fn is_nearly_full(&self, more: usize) -> bool {
        self.waiting() + more > BACKLOG - GIVE_UP_MARGIN_BYTES
    }

    /// Gives up all that waits, and what was not pushed since, up to a place between two sequences. The model
    /// is stale then.
    pub fn give_up(&mut self) {
        self.backlog.clear();
        self.read = 0;
        self.pieces = SequenceSplitter::default();
        self.meter = Meter::default();
        self.debt = 0;
        self.forget();
    }

    /// How many bytes wait to be read.
    pub fn waiting(&self) -> usize {
        self.backlog.len() - self.read
    }

    /// Whether output was given up, so that the model may show what claude does not. Over when claude has
    /// cleared the screen and placed the cursor.
    pub fn is_stale(&self) -> bool {
        self.stale.is_some()
    }

    /// Reads a little of what waits; gives up what has cost too much by now.
    pub fn work(&mut self) {
        if self.debt > BACKLOG_WORK {
            self.skip_to_cleared();
            return;
        }
        let end = self.backlog.len().min(self.read + SLICE);
        let (length, work) = self.meter.read(&self.backlog[self.read..end], &self.prices, SLICE_WORK);
        let end = self.read + length;
        self.account(work);
        let Self { emulator, pieces, backlog, stale, .. } = self;
        let slice = &backlog[self.read..end];
        // A fault of the emulator must not end the session.
        if catch_unwind(AssertUnwindSafe(|| {
            pieces.feed(slice, |bytes, does| {
                emulator.process(bytes);
                note(emulator, stale, does);
            });
        }))
        .is_err()
        {
            self.pieces = SequenceSplitter::default();
            self.forget();
        }
        self.read = end;
        if self.waiting() == 0 {
            self.read = 0;
            self.debt = 0;
            self.backlog.clear();
            self.backlog.shrink_to(16 * SLICE);
        }
    }

    fn account(&mut self, work: u64) {
        self.done += work;
        self.debt += work;
        self.allowance = self.allowance.saturating_sub(work);
    }

    /// Gives up what waits up to the place where claude has cleared the screen last, or all of it where there
    /// is none.
    fn skip_to_cleared(&mut self) {
        let rest = &self.backlog[self.read..];
        let cleared =
            [&b"\x1b[2J"[..], b"\x1bc"].iter().filter_map(|clear| memchr::memmem::rfind(rest, clear)).max();
        match cleared.filter(|at| *at > HOME.len()) {
            // An ESC ends whatever stands before it.
            Some(at) => {
                // Most programs place the cursor before they clear, which is half of what makes the model
                // know everything.
                let home = rest[..at].ends_with(HOME);
                self.read += at - if home { HOME.len() } else { 0 };
                self.pieces = SequenceSplitter::default();
                self.meter = Meter::default();
                self.debt = 0;
            }
            None => self.skip(),
        }
        self.forget();
    }

    /// Applies a new size, after what was written at the old one.
    pub fn resize(&mut self, size: Size) {
        self.read_all();
        self.changes += 1;
        self.size = size;
        let (rows, columns) = bounded(size);
        // Of the larger of both: the old cells are looked at, too.
        let price = self.prices.resize();
        self.prices = prices(size);
        self.account(price.max(self.prices.resize()));
        let emulator = &mut self.emulator;
        if catch_unwind(AssertUnwindSafe(|| emulator.resize(rows, columns))).is_err() {
            self.forget();
        }
    }

    /// The text of the screen, a string a line, after everything that waits was read.
    pub fn text(&mut self) -> Vec<String> {
        self.read_all();
        self.emulator.text().collect()
    }

    /// The lines on the screen as they were written: one that is too long for a row is in one piece.
    pub fn written_lines(&mut self) -> Vec<String> {
        self.read_all();
        self.emulator.unwrapped_text().lines().map(str::to_owned).collect()
    }

    /// The same as [`Self::text`] with colours, in one piece. Empty where that is more than an answer on the control socket
    /// should carry.
    pub fn formatted(&mut self) -> String {
        self.read_all();
        let mut text = String::new();
        for (row, line) in colours::lines(&self.emulator).enumerate() {
            if row > 0 {
                text.push('\n');
            }
            text.push_str(&line);
            if text.len() > MOST_FORMATTED {
                return String::new();
            }
        }
        text
    }

    /// Where the cursor is, row and column from 0, after everything that waits was read.
    pub fn cursor(&mut self) -> (u16, u16) {
        self.read_all();
        self.emulator.cursor()
    }

    /// What can be looked at, after everything that waits was read.
    pub fn view(&mut self) -> ScreenCells {
        self.read_all();
        ScreenCells::of(&self.emulator)
    }

    /// The text of the cursor's row that is left of the cursor, after everything that waits was read.
    pub fn before_cursor(&mut self) -> String {
        let (row, column) = self.cursor();
        self.emulator.row_text(row, column)
    }

    /// Reads what waits, as long as this turn's work lasts. Whether nothing waits then; otherwise the next
    /// turn goes on.
    pub fn catch_up(&mut self) -> bool {
        while self.waiting() > 0 && self.allowance > 0 {
            self.work();
        }
        self.waiting() == 0
    }

    /// Reads what waits. Where that is more work than one turn may have, what can be spared is given up, and
    /// the model is stale then.
    fn read_all(&mut self) {
        while self.waiting() > 0 {
            if self.allowance > 0 {
                self.work();
            } else if self.reserve > 0 {
                self.allowance = std::mem::take(&mut self.reserve);
                self.skip_to_cleared();
            } else {
                self.skip();
                self.forget();
            }
        }
    }

    /// Starts anew, with nothing known.
    fn forget(&mut self) {
        self.changes += 1;
        self.account(self.prices.resize());
        self.emulator = emulator(self.size, self.emulator.lines_kept());
        self.stale = Some(Resync::default());
    }
}

/// Places the cursor in the first corner.
const HOME: &[u8] = b"\x1b[H";

/// Follows whether the model knows everything again.
fn note(emulator: &Emulator, stale: &mut Option<Resync>, does: SequenceEffect) {
    match does {
        SequenceEffect::Draw => {}
        SequenceEffect::Reset => *stale = None,
        SequenceEffect::ClearScreen | SequenceEffect::Place | SequenceEffect::ClearLine => {
            let Some(resync) = stale else { return };
            match does {
                SequenceEffect::Place => (resync.placed, resync.lines) = (true, 0),
                SequenceEffect::ClearLine => resync.lines = resync.lines.saturating_add(1),
                _ => resync.cleared = true,
            }
            resync.cleared |= resync.placed && resync.lines >= emulator.size().0;
            if resync.cleared && resync.placed {
                *stale = None;
            }
        }
    }
}

fn emulator(size: Size, lines: usize) -> Emulator {
    let (rows, columns) = bounded(size);
    Emulator::new(rows, columns, lines)
}

fn no_prices() -> Prices {
    Prices::of(1, 1)
}

fn prices(size: Size) -> Prices {
    let (rows, columns) = bounded(size);
    Prices::of(rows, columns)
}

fn bounded(size: Size) -> (u16, u16) {
    bounded_size(size.rows, size.columns)
}

/// The rows and columns that are modelled of a screen of this size. A terminal may say that it has no size, and a
/// hostile one that it is enormous.
pub fn bounded_size(rows: u16, columns: u16) -> (u16, u16) {
    let or = |number: u16, default: u16| if number == 0 { default } else { number };
    let columns = or(columns.min(MOST_COLUMNS), 80);
    let fit = u16::try_from(MOST_CELLS / u32::from(columns)).unwrap_or(u16::MAX);
    (or(rows.min(MOST_ROWS).min(fit), 24), columns)
}

#[cfg(test)]
mod tests;
