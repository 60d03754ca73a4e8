//! Draws README's picture: plays `cckw demo` in a terminal, and writes what it shows to `docs/demo.svg`,
//! which moves.
//!
//! ```text
//! cargo build && cargo run --example demo-picture
//! ```
//!
//! It is no test: what it writes is looked at by a human and checked in. `tests/suite/commands/picture.rs`
//! says when it has become old.

mod cells;
mod cut;
mod glyphs;
mod names;
#[path = "../../support/pty.rs"]
#[allow(dead_code)]
mod pty;
mod record;
mod svg;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs};

/// The terminal. Lines of `cckw list` fit, and the demo's stage has its full size.
const ROWS: u16 = 25;
const COLUMNS: u16 = 84;

/// Who does not want things to move sees the last frame with this text.
const STILL: &str = "one try: the link is up";

/// What is there for the blink of an eye, and must not be missed: in one frame each, cckw at work.
const CAUGHT: [[&str; 2]; 2] =
    [["draft stashed", "/rc failed"], ["│ ❯ /remote-control ", "Remote Control disconnected"]];

fn main() -> ExitCode {
    match draw() {
        Ok(said) => {
            println!("{said}");
            ExitCode::SUCCESS
        }
        Err(why) => {
            eprintln!("demo-picture: {why}");
            ExitCode::FAILURE
        }
    }
}

fn draw() -> Result<String, String> {
    let program = program()?;
    let shots = record::play(&program, ROWS, COLUMNS)?;
    let frames = cut::frames(shots);
    let still = frames.iter().rposition(|frame| frame.text().contains(STILL));
    let still = still.ok_or_else(|| format!("no frame says {STILL:?}"))?;
    let texts: Vec<String> = frames.iter().map(cells::Frame::text).collect();
    let is_caught =
        |wanted: &[&str; 2]| texts.iter().any(|text| wanted.iter().all(|words| text.contains(words)));
    if !CAUGHT.iter().all(is_caught) {
        return Err("a moment in which cckw types was missed: try again when the machine is less busy".into());
    }
    let svg = svg::draw(&frames, still);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/demo.svg");
    fs::write(&path, &svg).map_err(|error| format!("{}: {error}", path.display()))?;
    let time: u32 = frames.iter().map(|frame| frame.hold).sum();
    let (size, seconds) = (svg.len() / 1024, f64::from(time) / 1000.0);
    Ok(format!("{}: {} frames, {seconds:.1} s, {size} KiB", path.display(), frames.len()))
}

/// The cckw beside this program, as `cargo build` has made it: an example is not told where it is.
fn program() -> Result<PathBuf, String> {
    let own = env::current_exe().map_err(|error| format!("where this program is: {error}"))?;
    let program = own.ancestors().nth(2).map(|directory| directory.join("cckw"));
    program.filter(|program| program.is_file()).ok_or_else(|| "no cckw was built: run cargo build".into())
}
