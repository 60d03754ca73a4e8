//! A script that makes machines for tests in namespaces: what it is told on stdin, and what it answers, a line each.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread;

use super::DEADLINE;

/// So many run at once. Each has some twenty processes, and needs watchers of files, of which the user root has 128
/// on most systems.
const MOST_AT_ONCE: usize = 6;

static RUNNING: Mutex<usize> = Mutex::new(0);
static ENDED: Condvar = Condvar::new();

/// The right to run a script.
struct Slot;

impl Slot {
    /// Waits until there is one. Every script ends by itself, with its test.
    fn take() -> Self {
        let running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
        let free = ENDED.wait_while(running, |running| *running >= MOST_AT_ONCE);
        *free.unwrap_or_else(PoisonError::into_inner) += 1;
        Self
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        *RUNNING.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        ENDED.notify_one();
    }
}

/// A script that can be told what to do. It ends with this value, and what it has made ends with it.
pub struct BedScript {
    orders: Option<ChildStdin>,
    answers: Receiver<String>,
    child: Child,
    _slot: Slot,
}

impl BedScript {
    /// Starts it, once `prepare` has added its arguments, and waits until it is ready. `made` is what it makes.
    ///
    /// None where it cannot do so on this machine, and the variable `allowed_without` says that this is all right; then
    /// there is nothing to test.
    #[track_caller]
    pub fn start(
        path: &str,
        made: &str,
        allowed_without: &str,
        prepare: impl FnOnce(&mut Command),
    ) -> Option<Self> {
        let check = Command::new(path).arg("--check").output().expect("bash");
        if !check.status.success() {
            let reason = String::from_utf8_lossy(&check.stdout).trim().to_owned();
            assert!(
                std::env::var_os(allowed_without).is_some_and(|value| value == "1"),
                "no {made} here: {reason}. {allowed_without}=1 leaves these tests out"
            );
            // Not by eprintln!: what a test that passes prints is not shown.
            let _ = writeln!(std::io::stderr(), "NOT RUN, no {made}: {reason}");
            return None;
        }
        let slot = Slot::take();
        let mut command = Command::new(path);
        prepare(&mut command);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the script");
        let (sender, answers) = channel();
        let said = BufReader::new(child.stdout.take().expect("piped"));
        thread::spawn(move || said.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        let script = Self { orders: child.stdin.take(), answers, child, _slot: slot };
        script.expect_answer("ready");
        Some(script)
    }

    /// Its process.
    pub fn pid(&self) -> i32 {
        i32::try_from(self.child.id()).expect("a pid")
    }

    /// Tells it something, and waits for the answer that begins with these words. Gives the rest of it.
    #[track_caller]
    pub fn order(&self, order: &str, answer: &str) -> String {
        writeln!(self.orders.as_ref().expect("not over"), "{order}").expect("the script runs");
        self.expect_answer(answer)
    }

    #[track_caller]
    fn expect_answer(&self, what: &str) -> String {
        let said = self.answers.recv_timeout(DEADLINE).unwrap_or_else(|_| panic!("no answer {what}"));
        said.strip_prefix(what).unwrap_or_else(|| panic!("not {what}, but {said}")).trim().to_owned()
    }
}

impl Drop for BedScript {
    fn drop(&mut self) {
        // It ends what runs, and then itself.
        drop(self.orders.take());
        let _ = self.child.wait();
    }
}
