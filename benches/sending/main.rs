//! How long `cckw send` takes until the real claude is seen to have taken a text, and how long the same text
//! takes that is pasted and entered by hand. `docs/reports/benchmarks.md` has the figures.
//!
//! `cargo bench --bench sending -- [--rounds N] [--quick]`

#[allow(dead_code)] // This program uses a part of it.
#[path = "../../tests/real-claude/driver.rs"]
mod driver;
#[allow(dead_code)] // The same.
#[path = "../../tests/real-claude/install.rs"]
mod install;
#[allow(dead_code)] // The same.
#[path = "../../tests/real-claude/mock.rs"]
mod mock;
#[allow(dead_code)] // The same.
#[path = "../shared/options.rs"]
mod options;
#[allow(dead_code)] // The same.
#[path = "../side-by-side/stats.rs"]
mod stats;
#[path = "../../tests/support/mod.rs"]
mod support;
#[allow(dead_code)] // What the suite alone asks for.
#[path = "../../tests/real-claude/versions.rs"]
mod versions;

use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use clap::Parser;
use driver::{How, Place, wait_for_prompt};
use options::Options;
use serde_json::json;
use stats::Spread;
use support::{DEADLINE, Key, Terminal, wait_until};

/// Sends texts of three lengths to a real claude at rest, one after the other, by `cckw send` and by hand.
#[derive(Parser)]
struct Line {
    #[command(flatten)]
    options: Options,
}

fn main() {
    let Line { options } = options::parse("sending");
    let rounds = if options.quick { 3 } else { options.rounds.min(50) };
    let place = Place::new();
    place.settings(&json!({"tui": "default"}));
    let mut terminal = place.start(How::Through, &[]);
    wait_for_prompt(&mut terminal);
    place.wait_for_host();
    println!("| text | `cckw send`, ms: median (min–max) | by hand, ms | ratio |\n| --- | --- | --- | --- |");
    for (name, filler) in
        [("one line", ""), ("200 lines", "\na line"), ("64 KiB", "\nword word word word word")]
    {
        let count = match name {
            "one line" => 0,
            "200 lines" => 199,
            _ => 65_536 / filler.len(),
        };
        let (mut sent, mut typed) = (Vec::new(), Vec::new());
        for round in 0..rounds {
            let text = |who: &str| format!("{name} {who} {round}{}", filler.repeat(count));
            rest(&place);
            sent.push(by_send(&place, &text("sent")));
            rest(&place);
            typed.push(by_hand(&place, &mut terminal, &text("typed")));
        }
        let shown = |figures: &[f64]| {
            Spread::of(figures)
                .map_or_else(String::new, |s| format!("{:.0} ({:.0}–{:.0})", s.median, s.min, s.max))
        };
        let median = |figures: &[f64]| Spread::of(figures).map_or(0.0, |spread| spread.median);
        let ratio = median(&sent) / median(&typed).max(1.0);
        println!("| {name} | {} | {} | {ratio:.1} |", shown(&sent), shown(&typed));
    }
    drop(terminal);
}

/// Waits until claude rests, and the keyboard has.
fn rest(place: &Place) {
    wait_until("a claude at rest", DEADLINE, || place.state().is_some_and(|state| state["status"] == "idle"));
    thread::sleep(Duration::from_secs(2));
}

fn by_send(place: &Place, text: &str) -> f64 {
    let mut command = place.sandbox.command(place.sandbox.path("bin/cckw"));
    command.args(["send", "work", text]).stdin(Stdio::null()).stdout(Stdio::null());
    let begun = Instant::now();
    assert!(command.status().expect("runs").success(), "{:#?}", place.log());
    milliseconds(begun)
}

/// The paste, Enter as soon as it is read, and the moment at which the transcript has it.
fn by_hand(place: &Place, terminal: &mut Terminal, text: &str) -> f64 {
    let id = place.transcripts().into_iter().next().expect("a transcript");
    let first = text.lines().next().expect("a line");
    let begun = Instant::now();
    terminal.paste(text);
    thread::sleep(Duration::from_millis(40));
    terminal.press(Key::Enter);
    wait_until("the text", DEADLINE, || place.transcript(&id).contains(first));
    milliseconds(begun)
}

fn milliseconds(begun: Instant) -> f64 {
    begun.elapsed().as_secs_f64() * 1e3
}
