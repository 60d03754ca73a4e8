//! What the view costs while nothing happens.

use std::fs;
use std::time::{Duration, Instant};

use super::{end, quit, view, with_sessions};

/// For so long nothing may happen.
const QUIET: Duration = Duration::from_secs(20);
/// How long a view may take to come to rest.
const REST: Duration = Duration::from_secs(1);

/// How often the threads of this process have gone to sleep and woken up.
fn switches(pid: i32) -> u64 {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).expect("threads").flatten();
    let count = |status: String| {
        let counts = status.lines().filter_map(|line| line.split_once("ctxt_switches:"));
        counts.filter_map(|(_, count)| count.trim().parse::<u64>().ok()).sum::<u64>()
    };
    tasks.filter_map(|task| fs::read_to_string(task.path().join("status")).ok()).map(count).sum()
}

#[test]
fn nobody_wakes_up_while_nothing_changes() {
    let sandbox = with_sessions(&["api", "web"]);
    let terminal = view(&sandbox, &["api", "web"]);
    let pid = terminal.pid();
    // Its own minute may pass once, which is one wake-up, and one frame.
    let (mut since, mut before) = (Instant::now(), switches(pid));
    let until = since + 6 * QUIET;
    while since.elapsed() < QUIET {
        std::thread::sleep(REST);
        let now = switches(pid);
        if now != before {
            assert!(Instant::now() < until, "it never rests: {} switches in a second", now - before);
            (since, before) = (Instant::now(), now);
        }
    }
    quit(terminal);
    end(&sandbox);
}
