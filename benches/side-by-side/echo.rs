//! A key and its echo.

use std::time::Duration;

use crate::feed::Feed;
use crate::inner;
use crate::metric::Keys;
use crate::outer::{Expect, Run};
use crate::results::Results;
use crate::tools::Tool;

/// Keys, one in flight, at random intervals. All tools are open at once and take turns key by key, so that
/// whatever disturbs the machine disturbs them alike. µs.
pub fn at_rest(order: &[Tool], keys: usize, round: usize, results: &mut Results) {
    let mut runs = Vec::new();
    for tool in order {
        match Run::start(*tool, "echo") {
            Ok(run) => runs.push((*tool, run, Vec::with_capacity(keys))),
            Err(failure) => results.fail(tool.name(), "echo", failure),
        }
    }
    let mut random = Random::new(round);
    let mut failed = Vec::new();
    for number in 0..keys {
        for (tool, run, times) in &mut runs {
            if failed.contains(tool) {
                continue;
            }
            // Shared among the tools, the gap makes 1 to 5 ms between two keys of anything.
            std::thread::sleep(random.gap());
            match run.key(b'a' + (number % 16) as u8) {
                Ok(time) => times.push(time.as_secs_f64() * 1e6),
                Err(failure) => {
                    failed.push(*tool);
                    results.fail(tool.name(), "echo", failure);
                }
            }
        }
    }
    for (tool, run, times) in runs {
        if failed.contains(&tool) {
            run.abort();
        } else if let Err(failure) = run.end() {
            results.fail(tool.name(), "echo", failure);
        } else {
            results.add_keys(Keys::AtRest, tool, times);
        }
    }
}

/// Keys that are pressed while the program writes as much as it can: until the program's answer is on the
/// terminal, behind all that was under way before it. ms.
pub fn in_flood(tool: Tool, keys: usize, round: usize) -> Result<Vec<f64>, String> {
    let mut run = Run::start(tool, "flood")?;
    match press(&mut run, keys, round) {
        Ok(times) => run.end().map(|()| times),
        Err(failure) => {
            run.abort();
            Err(failure)
        }
    }
}

fn press(run: &mut Run, keys: usize, round: usize) -> Result<Vec<f64>, String> {
    let mut random = Random::new(round);
    run.transfer(Feed::once(b"G"), Expect::Mark(b"key00000;"))?;
    // What a flood fills first is full then.
    run.drain(Duration::from_millis(50))?;
    let mut times = Vec::with_capacity(keys);
    for number in 1..=keys {
        run.drain(random.gap())?;
        times.push(run.key_in_flood(b'a', inner::mark(number).as_bytes())?.as_secs_f64() * 1e3);
    }
    Ok(times)
}

/// The same numbers in every run.
struct Random(u64);

impl Random {
    fn new(round: usize) -> Self {
        Self(0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(round as u64 + 1))
    }

    /// Between 1 and 5 ms.
    fn gap(&mut self) -> Duration {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        Duration::from_micros(1000 + self.0 % 4000)
    }
}
