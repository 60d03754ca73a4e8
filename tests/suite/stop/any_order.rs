//! SIGTERM to the client, the host and claude, SIGHUP to the client, the end of the terminal, and SIGKILL a
//! moment later, in every order: what systemd, terminal emulators, shells and `killall` do. After a stop by
//! the system nothing is brought back. After a hang-up alone the session goes on.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{scope, sleep};
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::support::stand_in::{sandbox, start};
use crate::support::verb::well_said;
use crate::support::{DEADLINE, Record, Sandbox, Terminal, process, wait_until};

#[derive(Debug, Clone, Copy, PartialEq)]
enum Step {
    TermClient,
    TermHost,
    TermClaude,
    HupClient,
    Close,
}

use Step::{Close, HupClient, TermClaude, TermClient, TermHost};

/// All orders of these steps.
fn orders(steps: &[Step]) -> Vec<Vec<Step>> {
    if steps.is_empty() {
        return vec![vec![]];
    }
    let mut all = vec![];
    for (at, first) in steps.iter().enumerate() {
        let mut rest = steps.to_vec();
        rest.remove(at);
        all.extend(orders(&rest).into_iter().map(|order| [&[*first][..], &order].concat()));
    }
    all
}

/// A session, and the three processes that it had at the beginning.
struct Play {
    sandbox: Sandbox,
    terminal: Terminal,
    host: i32,
    claude: i32,
}

impl Play {
    fn begin() -> Self {
        let sandbox = sandbox();
        let terminal = start(&sandbox, &[]);
        let record = sandbox.wait_for_record("an idle claude", |record| record.text("status") == "idle");
        let pid = |key| record.pid(key).expect("a pid");
        Self { terminal, host: pid("host_pid"), claude: pid("claude_pid"), sandbox }
    }

    fn take(&mut self, step: Step) {
        match step {
            TermClient => drop(process::signal(self.terminal.pid(), Signal::SIGTERM)),
            TermHost => drop(process::signal(self.host, Signal::SIGTERM)),
            TermClaude => drop(process::signal(self.claude, Signal::SIGTERM)),
            HupClient => drop(process::signal(self.terminal.pid(), Signal::SIGHUP)),
            Close => self.terminal.hang_up(),
        }
    }

    /// Waits until a process of cckw has been told: one that is killed before it ran again can have left no
    /// marker.
    fn wait_until_told(&self, what: &str) {
        wait_until(&format!("a marker, or the end: {what}"), DEADLINE, || {
            let marked = |record: &Record| {
                record.path.with_file_name("stop-requested").exists() || !record.json["ended_at"].is_null()
            };
            self.sandbox.records().iter().all(marked)
        });
    }

    fn kill_all(&self) {
        for pid in self.sandbox.processes() {
            process::signal(pid, Signal::SIGKILL);
        }
    }
}

/// Plays each order with a gap between its steps, and SIGKILL to what is left after some time, but not before
/// one was told; several at once.
fn play(orders: &[Vec<Step>], check: impl Fn(&mut Play, &str) + Sync) {
    const AT_ONCE: usize = 4;
    // In ms: the gap between two steps, and the time until SIGKILL.
    const TIMES: [(u64, Option<u64>); 6] =
        [(0, None), (0, Some(2)), (3, None), (3, Some(30)), (40, None), (250, Some(250))];
    let next = AtomicUsize::new(0);
    scope(|threads| {
        for _ in 0..AT_ONCE {
            threads.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::SeqCst);
                    let Some(order) = orders.get(at) else { return };
                    let (gap, kill_after) = TIMES[at % TIMES.len()];
                    let mut play = Play::begin();
                    for step in order {
                        play.take(*step);
                        sleep(Duration::from_millis(gap));
                    }
                    let what = format!("{order:?}, {gap} ms between, SIGKILL after {kill_after:?} ms");
                    if let Some(time) = kill_after {
                        sleep(Duration::from_millis(time));
                        play.wait_until_told(&what);
                        play.kill_all();
                    }
                    check(&mut play, &what);
                }
            });
        }
    });
}

fn nothing_is_brought_back(play: &mut Play, what: &str) {
    wait_until(&format!("the end of everything: {what}"), DEADLINE, || play.sandbox.processes().is_empty());
    well_said(&play.sandbox, &["list"]);
    assert_eq!(play.sandbox.processes(), Vec::<i32>::new(), "{what}");
}

#[test]
fn after_a_stop_by_the_system_nothing_is_brought_back() {
    play(&orders(&[TermClient, TermHost, TermClaude, HupClient]), nothing_is_brought_back);
}

#[test]
fn nor_where_the_terminal_goes_in_between() {
    play(&orders(&[TermHost, TermClaude, Close]), nothing_is_brought_back);
    play(&orders(&[TermClient, TermHost, Close]), nothing_is_brought_back);
}

#[test]
fn after_a_hang_up_alone_the_session_goes_on() {
    let goes_on = |play: &mut Play, what: &str| {
        wait_until(&format!("nobody attached: {what}"), DEADLINE, || {
            let records = play.sandbox.records();
            records
                .iter()
                .all(|record| record.json["client_pid"].is_null() && record.text("state") == "running")
        });
        assert!(process::runs(play.host) && process::runs(play.claude), "{what}");
        well_said(&play.sandbox, &["stop"]);
        play.sandbox.wait_for_silence();
    };
    let mut hang_ups = orders(&[HupClient, Close]);
    hang_ups.extend([vec![HupClient], vec![Close], vec![HupClient, HupClient, Close]]);
    // The client may be killed as well.
    for order in hang_ups {
        for kill_after in [None, Some(0), Some(20)] {
            let mut play = Play::begin();
            let client = play.terminal.pid();
            for step in &order {
                play.take(*step);
            }
            if let Some(time) = kill_after {
                sleep(Duration::from_millis(time));
                process::signal(client, Signal::SIGKILL);
            }
            goes_on(&mut play, &format!("{order:?}, SIGKILL to the client after {kill_after:?} ms"));
        }
    }
}
