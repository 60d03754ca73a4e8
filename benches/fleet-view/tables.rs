//! The parts of the benchmark, each with the table that it prints.

use std::time::{Duration, Instant};

use crate::Options;
use crate::cost::{self, Memory, Rest};
use crate::fleet::{Fleet, TOPIC};
use crate::frames::{Watched, Watcher, watch};
use crate::keys::{Pressed, Rate, press};
use crate::screen::{Missing, Screen, rows};
use crate::source::Kind;
use crate::stats::{Spread, percentile};
use crate::support::Tmux;
use crate::viewer::{PATIENCE, USUAL, Viewer, tall};

/// From the start of the program until the first row is on the screen, and until all that is known of all rows is.
pub fn paint(fleet: &Fleet, tmux: &Tmux<'_>, options: &Options) -> Result<(), Missing> {
    let viewers = [Viewer::Echo(fleet), Viewer::View(fleet), Viewer::Tree(tmux)];
    let mut first = [const { Vec::new() }; 3];
    let mut whole = Vec::new();
    for round in 0..=options.rounds * 4 {
        for (viewer, times) in viewers.iter().zip(&mut first) {
            let (screen, time) = viewer.open(USUAL)?;
            screen.close();
            // The first time brings the files into memory.
            times.extend((round > 0).then(|| milliseconds(time)));
        }
        whole.extend((round > 0).then_some(all_facts(fleet)?));
    }
    println!("\n| from the start until the first row is there | ms: median (min–max) | 99 % |");
    println!("| --- | ---: | ---: |");
    for (viewer, times) in viewers.iter().zip(&first) {
        println!("| {} | {} | {} |", viewer.name(), spread(times, 1), high(times));
    }
    println!(
        "| `cckw top`, until all {} rows and their topics are | {} | {} |",
        fleet.count,
        spread(&whole, 1),
        high(&whole)
    );
    Ok(())
}

/// On a screen that has room for all rows.
fn all_facts(fleet: &Fleet) -> Result<f64, Missing> {
    let begun = Instant::now();
    let mut screen = Screen::start(tall(fleet.count), fleet.view());
    // One session has no conversation, and so no topic.
    let topics =
        |screen: &vt100::Screen| rows(screen).filter(|row| row.contains(TOPIC)).count() >= fleet.count - 1;
    let there = screen.wait_for("topic in each row", begun + PATIENCE, topics)?;
    screen.close();
    Ok(milliseconds(there - begun))
}

/// From a key until another row is selected.
pub fn keys(fleet: &Fleet, tmux: &Tmux<'_>, options: &Options) -> Result<(), Missing> {
    println!(
        "\n| keys | until another row is selected, ms: median | 99 % | worst | processor time a key, ms |"
    );
    println!("| --- | ---: | ---: | ---: | ---: |");
    for rate in Rate::ALL {
        for viewer in [Viewer::View(fleet), Viewer::Tree(tmux)] {
            let Pressed { times, processor } = press(viewer, options.keys, fleet.count, rate)?;
            let at = |percent: f64| percentile(&times, percent).unwrap_or(f64::NAN);
            let (name, words) = (viewer.name(), rate.words());
            println!(
                "| {name}, {words} | {:.2} | {:.2} | {:.2} | {processor:.2} |",
                at(50.0),
                at(99.0),
                at(100.0)
            );
        }
    }
    Ok(())
}

/// What it costs while nothing happens.
pub fn rest(fleet: &Fleet, tmux: &Tmux<'_>, options: &Options) -> Result<(), Missing> {
    println!(
        "\n| at rest for {} s | wake-ups | of which in one second | processor time, ms | RSS, MiB | PSS, MiB |",
        options.rest
    );
    println!("| --- | ---: | ---: | ---: | ---: | ---: |");
    for viewer in [Viewer::View(fleet), Viewer::Tree(tmux)] {
        let (mut screen, _) = viewer.open(USUAL)?;
        screen.settle(Duration::from_secs(2))?;
        let pids = viewer.processes(screen.pid());
        screen.settle(Duration::from_secs(1))?;
        let Rest { wakeups, tick, processor } = cost::rest(&mut screen, &pids, options.rest)?;
        let processor = milliseconds(processor);
        let Memory { rss, pss } = cost::memory(&pids).map_err(|error| error.to_string())?;
        println!("| {} | {wakeups} | {tick} | {processor:.1} | {rss:.1} | {pss:.1} |", viewer.name());
        screen.close();
    }
    Ok(())
}

/// What watching costs.
pub fn frames(fleet: &Fleet, _: &Tmux<'_>, options: &Options) -> Result<(), Missing> {
    let time = Duration::from_secs(options.writing);
    for (kind, words) in
        [(Kind::Flood, "as much as is taken"), (Kind::Pictures, "its whole screen 100 times a second")]
    {
        let mut seen: [Vec<Watched>; Watcher::ALL.len()] = [const { Vec::new() }; Watcher::ALL.len()];
        for _ in 0..options.rounds {
            for (watcher, seen) in Watcher::ALL.into_iter().zip(&mut seen) {
                let watched = watch(fleet, watcher, kind, time);
                seen.push(watched.map_err(|missing| format!("{}: {missing}", watcher.words()))?);
            }
        }
        println!("\nA session that writes {words}:\n");
        println!("| who watches | MiB/s | of nobody | frames/s | watcher, % of a core | host, % of a core |");
        println!("| --- | ---: | ---: | ---: | ---: | ---: |");
        for (watcher, watched) in Watcher::ALL.into_iter().zip(&seen) {
            let of =
                |figure: fn(&Watched) -> Option<f64>| watched.iter().filter_map(figure).collect::<Vec<f64>>();
            let ratios: Vec<f64> =
                watched.iter().zip(&seen[0]).map(|(one, nobody)| one.speed / nobody.speed).collect();
            println!(
                "| {} | {} | {} | {} | {} | {} |",
                watcher.words(),
                spread(&of(|one| Some(one.speed)), 2),
                spread(&ratios, 2),
                spread(&of(|one| one.frames), 1),
                spread(&of(|one| one.watcher), 0),
                spread(&of(|one| Some(one.host)), 0),
            );
        }
    }
    Ok(())
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn spread(figures: &[f64], digits: usize) -> String {
    Spread::of(figures).map_or_else(
        || "–".to_owned(),
        |s| format!("{:.digits$} ({:.digits$}–{:.digits$})", s.median, s.min, s.max),
    )
}

fn high(figures: &[f64]) -> String {
    percentile(figures, 99.0).map_or_else(|| "–".to_owned(), |figure| format!("{figure:.1}"))
}
