//! From what was recorded to what is shown: everything that counts, in an even pace, the same each time.

use std::collections::HashSet;

use crate::cells::{Cell, Frame, Row, text};
use crate::names::Register;

/// In milliseconds: between two keys, from the last one to Enter, and whatever else comes.
const KEY: u32 = 40;
const TYPED: u32 = 450;
const LEAST: u32 = 350;
const MOST: u32 = 2600;
/// For each character that is new, in milliseconds.
const READING: u32 = 13;
/// At the end, before it begins again.
const END: u32 = 4000;

/// What is shown, and for how long.
pub fn frames(mut recorded: Vec<Frame>) -> Vec<Frame> {
    let mut register = Register::new();
    for row in recorded.iter_mut().flat_map(|frame| &mut frame.rows) {
        register.rename(row);
    }
    recorded.retain(|frame| frame.rows.iter().any(|row| !written(row).is_empty()));
    let mut shown: Vec<Frame> = Vec::new();
    for frame in without_growth(recorded) {
        let Some(last) = shown.last_mut() else {
            shown.push(frame);
            continue;
        };
        let steps = typed(last, &frame);
        let is_typed = !steps.is_empty();
        if is_typed {
            shown.extend(steps);
        }
        let hold = if is_typed { TYPED } else { time_for(&shown[shown.len() - 1], &frame) };
        shown.push(Frame { hold, ..frame });
    }
    if let Some(first) = shown.first_mut() {
        first.hold = MOST;
    }
    if let Some(last) = shown.last_mut() {
        last.hold = END;
    }
    shown
}

/// How long it takes to see what is new.
fn time_for(before: &Frame, now: &Frame) -> u32 {
    let known: HashSet<String> = before.rows.iter().map(|row| written(row)).collect();
    let new = now.rows.iter().map(|row| written(row)).filter(|row| !known.contains(row));
    let count: usize = new.map(|row| row.chars().filter(|c| c.is_ascii_alphanumeric()).count()).sum();
    (LEAST + READING * u32::try_from(count).unwrap_or(MOST)).min(MOST)
}

/// What a line says, without the stage's right edge.
fn written(row: &[Cell]) -> String {
    text(row).trim_end().trim_end_matches('│').trim_end().to_owned()
}

/// Leaves out every frame in which a line was just growing, by somebody's typing or by claude's: how far it had come is chance.
fn without_growth(frames: Vec<Frame>) -> Vec<Frame> {
    let mut kept: Vec<Frame> = Vec::new();
    for (at, frame) in frames.iter().enumerate() {
        let is_passing = match (kept.last(), frames.get(at + 1)) {
            (Some(before), Some(after)) => is_growing(before, frame, after),
            _ => false,
        };
        if !is_passing {
            kept.push(frame.clone());
        }
    }
    kept.dedup();
    kept
}

fn is_growing(before: &Frame, now: &Frame, after: &Frame) -> bool {
    let grows = |one: &str, other: &str| other.len() > one.len() && other.starts_with(one);
    (0..now.rows.len()).any(|row| {
        let [before, now, after] = [before, now, after].map(|frame| written(&frame.rows[row]));
        grows(&before, &now) && grows(&now, &after)
    })
}

/// The steps from one frame to the next, if a line was typed in between, at the shell's prompt or at claude's.
fn typed(before: &Frame, after: &Frame) -> Vec<Frame> {
    let Some((at, from, to)) = (0..after.rows.len()).find_map(|row| {
        let (old, new) = (written(&before.rows[row]), written(&after.rows[row]));
        let is_prompt = ["│ $", "│ ❯"].contains(&old.as_str());
        let (from, to) = (old.chars().count() + 1, new.chars().count());
        (is_prompt && new.starts_with(&old) && to > from + 1).then_some((row, from, to))
    }) else {
        return Vec::new();
    };
    let whole = &after.rows[at];
    let step = |end: usize| {
        let mut rows = before.rows.clone();
        rows[at] = part(whole, to, end);
        Frame { rows, hold: KEY }
    };
    (from + 1..to).map(step).collect()
}

/// A line of which so much has been typed, with the cursor behind it where there is one.
fn part(whole: &[Cell], to: usize, end: usize) -> Row {
    let mut row: Row = whole.to_vec();
    let cursor = row[to].clone();
    row[end..=to].fill(Cell::blank());
    row[end] = cursor;
    row
}
