//! What the view costs while nothing happens.

use std::fs;
use std::time::{Duration, Instant};

use super::{end, quit, view, with_sessions};
use crate::support::verb::well_said;
use crate::support::{DEADLINE, wait_until};

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

/// How long the threads of this process have had a processor.
fn processor_time(pid: i32) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).expect("a process");
    let fields = stat.rsplit_once(')').expect("a name").1.split_whitespace();
    let ticks: u64 = fields.skip(11).take(2).map(|field| field.parse::<u64>().expect("ticks")).sum();
    Duration::from_millis(ticks * 10)
}

#[test]
fn nobody_wakes_up_while_nothing_changes() {
    let sandbox = with_sessions(&["api", "web"]);
    // One with a transcript, which is watched, too.
    well_said(&sandbox, &["new", "old", "--prompt", "words"]);
    wait_until("all sessions at rest", DEADLINE, || {
        let listed = well_said(&sandbox, &["list", "--json"]);
        listed.lines().filter(|line| line.contains("\"state\":\"idle\"")).count() == 3
            && listed.contains("\"last_answer\":\"You said: words\"")
    });
    let terminal = view(&sandbox, &["api", "web", "old"]);
    let pid = terminal.pid();
    // Its own minute may pass once, which is one wake-up, and one frame.
    let (mut since, mut before) = (Instant::now(), switches(pid));
    let mut used = processor_time(pid);
    let until = since + 6 * QUIET;
    while since.elapsed() < QUIET {
        std::thread::sleep(REST);
        let now = switches(pid);
        if now != before {
            assert!(Instant::now() < until, "it never rests: {} switches in a second", now - before);
            (since, before) = (Instant::now(), now);
            used = processor_time(pid);
        }
    }
    // Who never sleeps does not wake up either.
    let used = processor_time(pid).saturating_sub(used);
    assert!(used < QUIET / 20, "{used:?} of a processor");
    quit(terminal);
    end(&sandbox);
}
