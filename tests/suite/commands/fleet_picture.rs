//! README's picture of the fleet view: that it shows what the view shows today. The scene is played again.

use std::path::Path;

use roxmltree::Document;

use super::picture::{read, said, squeezed};
// The scene has its own player, and takes these from above it.
use crate::support::{cckw_program, pty};
use cells::text;

#[path = "../../programs/picture/cells.rs"]
#[allow(dead_code, reason = "the pictures are drawn with the rest")]
mod cells;
#[path = "../../programs/picture/fleet.rs"]
mod fleet;
#[path = "../../programs/picture/place.rs"]
mod place;
#[path = "../../programs/picture/player.rs"]
mod player;

const DRAW: &str = "draw it anew: cargo build && cargo run --example picture fleet";

/// What is drawn as a letter: lines and blocks are shapes in the picture. On a busy machine it takes more than a minute.
fn letters(line: &str) -> String {
    let is_age = |word: &&str| word.strip_suffix('m').is_some_and(|minutes| minutes.parse::<u8>().is_ok());
    let words = line.split_whitespace().map(|word| if is_age(&word) { "now" } else { word });
    squeezed(&words.collect::<String>()).chars().filter(|c| !('\u{2500}'..='\u{259f}').contains(c)).collect()
}

#[test]
fn it_shows_what_the_view_shows() {
    let picture = read("docs/fleet.svg");
    let said = letters_by_line(&said(&Document::parse(&picture).expect("well-formed")));
    let frames = fleet::play(Path::new(cckw_program())).unwrap_or_else(|why| panic!("{why}"));
    assert!(frames.len() > 30, "{} frames", frames.len());
    for (at, frame) in frames.iter().enumerate() {
        for line in frame.rows.iter().map(|row| letters(&text(row))) {
            assert!(said.contains(&line), "frame {at} shows {line:?}; {DRAW}\n{}", frame.text());
        }
    }
}

fn letters_by_line(said: &str) -> Vec<String> {
    let mut lines: Vec<String> = said.lines().map(letters).collect();
    lines.push(String::new());
    lines
}
