//! From what was recorded to what is shown: everything that counts, in an even pace, the same each time.

use std::collections::HashSet;
use std::time::Duration;

use crate::cells::{Cell, Frame, Row, text};
use crate::names::Register;
use crate::record::Shot;

/// In milliseconds: between two keys, from the last one to Enter, and whatever else comes.
const KEY: u32 = 40;
const TYPED: u32 = 350;
const LEAST: u32 = 350;
const MOST: u32 = 1800;
/// For each character that is new, in milliseconds.
const READING: u32 = 7;
/// At the end, before it begins again.
const END: u32 = 3000;

/// What stood for so long is always the same. What stood for less (somebody's typing, an answer that was
/// coming) is chance, but for what has one of these words: cckw and claude at work, faster than anybody can
/// see.
const SETTLED: Duration = Duration::from_millis(180);
const BRIEF: [&str; 3] = ["draft stashed", "│ ❯ /remote-control ", "/rc connecting…"];
/// How far an answer has come is chance on a busy machine, however long it stood.
const NEVER: &str = "Working…";

/// What is shown, and for how long.
pub fn frames(recorded: Vec<Shot>) -> Vec<Frame> {
    let mut register = Register::new();
    let mut shown: Vec<Frame> = Vec::new();
    for Shot { mut frame, stood } in recorded {
        frame.rows.iter_mut().for_each(|row| register.rename(row));
        let said = frame.text();
        let counts = stood >= SETTLED || BRIEF.iter().any(|words| said.contains(words));
        if !counts || said.contains(NEVER) || said.trim().is_empty() {
            continue;
        }
        let Some(last) = shown.last().filter(|last| last.rows != frame.rows) else {
            if shown.is_empty() {
                shown.push(Frame { hold: MOST, ..frame });
            }
            continue;
        };
        if is_less(last, &frame) {
            continue;
        }
        // What cckw types comes as one paste.
        let steps = if stood >= SETTLED { typed(last, &frame) } else { Vec::new() };
        frame.hold = if steps.is_empty() { time_for(last, &frame) } else { TYPED };
        shown.extend(steps);
        shown.push(frame);
    }
    if let Some(last) = shown.last_mut() {
        last.hold = END;
    }
    shown
}

/// Whether something has gone and nothing has come, such as a note whose time was over. That is seen with the
/// next thing that comes, be it a moment before or after.
fn is_less(before: &Frame, now: &Frame) -> bool {
    let pairs = || before.rows.iter().flatten().zip(now.rows.iter().flatten());
    pairs().all(|(before, now)| before == now || *now == Cell::blank())
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

/// The steps from one frame to the next, if a line was typed in between, at the shell's prompt or at
/// claude's.
fn typed(before: &Frame, after: &Frame) -> Vec<Frame> {
    let same = before.rows.iter().zip(&after.rows).take_while(|(before, after)| before == after).count();
    let Some((at, from, to)) = (same..after.rows.len()).take(1).find_map(|row| {
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
