//! A link that is lost for a while, and the time until the program answers again.

use std::time::{Duration, Instant};

use crate::bed::Link;
use crate::far;
use crate::first_answer;
use crate::screen::Screen;
use crate::stats::Spread;
use crate::way::{HOST, LASTING, Way};

/// So long the link is lost.
const LOST: Duration = Duration::from_secs(20);

/// Between two keys of somebody who tries whether it answers again.
const TRY: Duration = Duration::from_millis(100);

/// What does not answer for so long does not come back.
const PATIENCE: Duration = Duration::from_secs(120);

/// How a link is lost and found again, in words, and for the bed.
const KINDS: [(&str, Link, Link); 2] =
    [("packets dropped", Link::Silent, Link::Heard), ("interface down", Link::Down, Link::Up)];

/// A way with a terminal, and when it answered.
struct Run {
    way: Way,
    screen: Screen,
    answered: Option<f64>,
    over: Option<String>,
}

/// Loses the link of each way in the same moment, and prints what came of it.
pub fn measure(rounds: usize) {
    for (kind, lost, found) in KINDS {
        let mut figures: Vec<(&str, Vec<f64>, usize)> = Vec::new();
        for _ in 0..rounds {
            for run in round(lost, found) {
                let name = run.way.name();
                if let Some(why) = &run.over {
                    println!("{name}: {why}");
                }
                let place = figures.iter().position(|(known, ..)| *known == name).unwrap_or_else(|| {
                    figures.push((name, vec![], 0));
                    figures.len() - 1
                });
                match run.answered {
                    Some(time) => figures[place].1.push(time),
                    None => figures[place].2 += 1,
                }
                run.screen.close();
            }
        }
        println!("\nThe link lost for {} s ({kind}), {rounds} rounds:\n", LOST.as_secs());
        println!("| way | usable again after, s | never |\n| --- | --- | --- |");
        for (name, times, never) in figures {
            let shown = Spread::of(&times).map_or_else(
                || "–".to_owned(),
                |spread| format!("{:.1} ({:.1}–{:.1})", spread.median, spread.min, spread.max),
            );
            println!("| {name} | {shown} | {never} |");
        }
    }
}

fn round(lost: Link, found: Link) -> Vec<Run> {
    let bed = crate::host(0, &LASTING);
    let mut runs = Vec::new();
    for way in LASTING {
        let mut screen = Screen::start(way.command(&bed));
        match first_answer(&mut screen) {
            Ok(()) => runs.push(Run { way, screen, answered: None, over: None }),
            Err(missing) => println!("{}: {missing}", way.name()),
        }
    }
    bed.link(HOST, lost);
    wait_and_try(&mut runs, Instant::now() + LOST, 2..10, |_, _| ());
    bed.link(HOST, found);
    let up = Instant::now();
    for run in runs.iter_mut().filter(|run| run.way == Way::Entered) {
        let _ = run.screen.send(b"\r");
    }
    wait_and_try(&mut runs, up + PATIENCE, 10..20, |run, now| {
        run.answered = Some((now - up).as_secs_f64());
    });
    drop(bed);
    runs
}

/// Presses these keys in turn until then, or until all have answered one of them.
fn wait_and_try(
    runs: &mut [Run],
    until: Instant,
    keys: std::ops::Range<usize>,
    mut answered: impl FnMut(&mut Run, Instant),
) {
    let signs: Vec<String> =
        keys.clone().filter_map(|number| far::sign(far::key(number))).map(String::from).collect();
    for number in keys.cycle() {
        let mut waiting = false;
        for run in runs.iter_mut().filter(|run| run.over.is_none() && run.answered.is_none()) {
            waiting = true;
            let mut step = || -> Result<bool, String> {
                for sign in &signs {
                    if run.screen.has(sign)? {
                        run.screen.forget();
                        return Ok(true);
                    }
                }
                run.screen.send(&[far::key(number)])?;
                Ok(false)
            };
            match step() {
                Ok(true) => answered(run, Instant::now()),
                Ok(false) => {}
                Err(why) => run.over = Some(why),
            }
        }
        if !waiting || Instant::now() >= until {
            return;
        }
        std::thread::sleep(TRY);
    }
}
