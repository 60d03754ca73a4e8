//! Tab stops.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

const DEFAULT_DISTANCE: usize = 8;

/// One entry a column. Nothing for the stops that every terminal has from the start.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct TabStops(Option<Vec<bool>>);

impl TabStops {
    fn is_stop(&self, column: usize) -> bool {
        match &self.0 {
            Some(stops) => stops.get(column).copied().unwrap_or(column.is_multiple_of(DEFAULT_DISTANCE)),
            None => column.is_multiple_of(DEFAULT_DISTANCE),
        }
    }

    /// The next stop to the right, the last column where there is none.
    pub fn next(&self, column: usize, columns: usize) -> usize {
        (column + 1..columns).find(|column| self.is_stop(*column)).unwrap_or(columns - 1)
    }

    /// The next stop to the left.
    pub fn previous(&self, column: usize) -> usize {
        (0..column).rev().find(|column| self.is_stop(*column)).unwrap_or(0)
    }

    pub fn set(&mut self, column: usize, is_stop: bool, columns: usize) {
        let stops: Vec<bool> = (0..columns).map(|column| self.is_stop(column)).collect();
        let stops = self.0.insert(stops);
        if let Some(stop) = stops.get_mut(column) {
            *stop = is_stop;
        }
    }

    pub fn clear(&mut self, columns: usize) {
        self.0 = Some(vec![false; columns]);
    }

    /// Writes the stops for a terminal that has those it had from the start. The cursor is moved.
    pub fn write(&self, out: &mut String) {
        let Some(stops) = &self.0 else { return };
        out.push_str("\x1b[3g");
        for (column, _) in stops.iter().enumerate().filter(|(_, is_stop)| **is_stop) {
            let _ = write!(out, "\x1b[{}G\x1bH", column + 1);
        }
    }
}
