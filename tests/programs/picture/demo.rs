//! README's first picture: `cckw demo`, as a terminal shows it.

use std::path::Path;

use super::cells::Frame;
use super::svg::{self, Words};
use super::{cut, record};

/// Where it goes.
pub const FILE: &str = "docs/demo.svg";

/// The terminal. Lines of `cckw list` fit, and the demo's stage has its full size.
const ROWS: u16 = 25;
const COLUMNS: u16 = 84;

/// Who does not want things to move sees the last frame with this text.
const STILL: &str = "one try: the link is up";

/// What is there for the blink of an eye, and must not be missed: in one frame each, cckw at work.
const CAUGHT: [[&str; 2]; 2] =
    [["draft stashed", "/rc failed"], ["│ ❯ /remote-control ", "Remote Control disconnected"]];

const WORDS: Words = Words {
    title: "cckw demo",
    description: "A recording of cckw demo: claude is killed and comes back with its conversation, its \
                  remote-control link drops and is brought back, and its terminal is closed and another one attached.",
};

/// Plays the demo, and draws it.
///
/// # Errors
/// When it fails, or something that must be seen was missed.
pub fn draw(program: &Path) -> Result<(Vec<Frame>, String), String> {
    let frames = cut::frames(record::play(program, ROWS, COLUMNS)?);
    let still = frames.iter().rposition(|frame| frame.text().contains(STILL));
    let still = still.ok_or_else(|| format!("no frame says {STILL:?}"))?;
    let texts: Vec<String> = frames.iter().map(Frame::text).collect();
    let is_caught =
        |wanted: &[&str; 2]| texts.iter().any(|text| wanted.iter().all(|words| text.contains(words)));
    if !CAUGHT.iter().all(is_caught) {
        return Err("a moment in which cckw types was missed: try again when the machine is less busy".into());
    }
    let svg = svg::draw(&frames, still, &WORDS);
    Ok((frames, svg))
}
