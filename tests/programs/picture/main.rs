//! Draws README's pictures, which move: what a terminal shows while `cckw demo` plays, and while somebody uses the
//! fleet view. They go to `docs/demo.svg` and `docs/fleet.svg`.
//!
//! ```text
//! cargo build && cargo run --example picture demo
//! cargo build && cargo run --example picture fleet
//! ```
//!
//! It is no test: what it writes is looked at by a human and checked in. `tests/suite/commands/picture.rs` and
//! `fleet_picture.rs` beside it say when one has become old.

mod cells;
mod cut;
mod demo;
mod fleet;
mod glyphs;
mod names;
mod place;
mod player;
#[path = "../../support/pty.rs"]
#[allow(dead_code)]
mod pty;
mod record;
mod svg;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs};

use cells::Frame;
use svg::Words;

/// Where the second one goes.
const FLEET: &str = "docs/fleet.svg";

const FLEET_WORDS: Words = Words {
    title: "cckw, the fleet view",
    description: "A recording of the fleet view: a list of sessions, of which one asks something, one works and one is \
                  on another machine; below it the live screen of the selected one. One is sent a text, and one is \
                  attached, answered and left again.",
};

fn main() -> ExitCode {
    match draw() {
        Ok(said) => {
            println!("{said}");
            ExitCode::SUCCESS
        }
        Err(why) => {
            eprintln!("picture: {why}");
            ExitCode::FAILURE
        }
    }
}

fn draw() -> Result<String, String> {
    let program = program()?;
    let wanted: Vec<String> = env::args().skip(1).collect();
    let (file, (frames, svg)) = match &wanted.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["demo"] => (demo::FILE, demo::draw(&program)?),
        ["fleet"] => (FLEET, draw_fleet(&program)?),
        _ => return Err("which picture? demo or fleet".into()),
    };
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    fs::write(&path, &svg).map_err(|error| format!("{}: {error}", path.display()))?;
    let time: u32 = frames.iter().map(|frame| frame.hold).sum();
    let (size, seconds) = (svg.len() / 1024, f64::from(time) / 1000.0);
    Ok(format!("{}: {} frames, {seconds:.1} s, {size} KiB", path.display(), frames.len()))
}

/// Plays the scene of the fleet view, and draws it.
fn draw_fleet(program: &Path) -> Result<(Vec<Frame>, String), String> {
    let frames = fleet::play(program)?;
    let texts: Vec<String> = frames.iter().map(Frame::text).collect();
    let still = texts.iter().position(|text| text.contains(fleet::STILL));
    let still = still.ok_or_else(|| format!("no frame says {:?}", fleet::STILL))?;
    if texts.iter().any(|text| text.contains(" 1m ")) {
        return Err("it took longer than a minute: try again when the machine is less busy".into());
    }
    let svg = svg::draw(&frames, still, &FLEET_WORDS);
    Ok((frames, svg))
}

/// The cckw beside this program, as `cargo build` has made it: an example is not told where it is.
fn program() -> Result<PathBuf, String> {
    let own = env::current_exe().map_err(|error| format!("where this program is: {error}"))?;
    let program = own.ancestors().nth(2).map(|directory| directory.join("cckw"));
    program.filter(|program| program.is_file()).ok_or_else(|| "no cckw was built: run cargo build".into())
}
