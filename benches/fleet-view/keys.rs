//! How soon a key has its effect: the time until another row is selected.

use std::time::{Duration, Instant};

use crate::cost::processor_time;
use crate::screen::{Missing, Screen, selection};
use crate::viewer::{PATIENCE, USUAL, Viewer};

/// How keys follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rate {
    /// One at a time, each some milliseconds after the effect of the last one.
    Quick,
    /// As a key that is held down: thirty a second.
    Held,
}

impl Rate {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Quick, Self::Held];

    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Quick => "1 to 5 ms after the last effect",
            Self::Held => "30 a second",
        }
    }

    fn pause(self, number: usize) -> Duration {
        let spread = (number as u64 * 7919) % 4000;
        Duration::from_micros(match self {
            Self::Quick => 1000 + spread,
            Self::Held => 31_000 + spread,
        })
    }
}

/// What keys took, in milliseconds.
pub struct Pressed {
    /// Each one, until its effect.
    pub times: Vec<f64>,
    /// What one cost in processor time, with what follows it, such as another session's screen.
    pub processor: f64,
}

/// Presses so many keys, down to the last row and up again.
///
/// # Errors
/// When a key has no effect.
pub fn press(viewer: Viewer<'_>, count: usize, rows: usize, rate: Rate) -> Result<Pressed, Missing> {
    let (mut screen, _) = viewer.open(USUAL)?;
    screen.settle(Duration::from_millis(500))?;
    screen.wait_for("selection", Instant::now() + PATIENCE, |screen| selection(screen).is_some())?;
    let turn = rows.saturating_sub(5).max(1);
    let pids = viewer.processes(screen.pid());
    let before = processor_time(&pids)?;
    let mut times = Vec::with_capacity(count);
    for number in 0..count {
        let key: &[u8] = if (number / turn).is_multiple_of(2) { b"\x1b[B" } else { b"\x1b[A" };
        times.push(one(&mut screen, key)?.as_secs_f64() * 1e3);
        screen.rest(rate.pause(number))?;
    }
    let used = processor_time(&pids)?.saturating_sub(before);
    screen.close();
    Ok(Pressed { times, processor: used.as_secs_f64() * 1e3 / count as f64 })
}

fn one(screen: &mut Screen, key: &[u8]) -> Result<Duration, Missing> {
    let before = screen.selection();
    let begun = Instant::now();
    screen.send(key)?;
    let moved = |screen: &vt100::Screen| {
        let now = selection(screen);
        now.is_some() && now != before
    };
    Ok(screen.wait_for("other selection", begun + PATIENCE, moved)? - begun)
}
