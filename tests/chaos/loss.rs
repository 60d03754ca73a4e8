//! What is taken from a session for good, or ends it from outside: its terminal, its files, its host, all of
//! its processes.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;
use std::time::Duration;

use nix::sys::signal::Signal;

use super::super::plan::{Kind, Plan, Victim};
use super::trouble::{Trouble, or_impossible, pause};
use super::window::Window;
use super::{DEADLINE, Game, open};
use crate::support::{Key, Record, process, wait_until};

/// How long it may take until nothing runs any more after SIGTERM to all. A shutdown waits longer.
const SYSTEM_STOP_TIMEOUT: Duration = Duration::from_secs(30);

/// From this time between SIGTERM and SIGKILL on, whoever is to write down that the system has stopped the
/// session has done so; on a busy machine that is waited for.
const NOTED_AFTER: Duration = Duration::from_secs(1);

impl Game {
    /// Does the harm.
    pub(super) fn begin_loss(&mut self, plan: &Plan, trouble: &mut Trouble) {
        match plan.kind {
            Kind::Window => self.close_window(plan, trouble),
            Kind::Sighup => self.sighup(plan),
            Kind::RuntimeDirectory => {
                self.take_away(&self.sandbox().path("run"));
                if plan.choose(0, 3) == 0 {
                    self.make_runtime_directory();
                }
            }
            Kind::SessionDirectory => {
                let state = self.sandbox().path("state/cckw");
                let record = self.record().path;
                let session = record.parent().expect("a directory");
                self.take_away(if plan.choose(0, 3) == 0 { &state } else { session });
                // Before it is there again, nothing on disk tells of the session.
                self.sandbox().wait_for_record("its directory back", |_| true);
            }
            Kind::Socket => {
                let socket = self.record().text("socket").to_owned();
                fs::remove_file(&socket).expect("the socket");
                // The host may have made it anew by now. A file comes in its place by a rename, whatever is
                // there.
                if plan.choose(0, 3) == 0 {
                    let file = self.sandbox().path("no-socket");
                    fs::write(&file, "").expect("a file");
                    fs::rename(&file, &socket).expect("a file in its place");
                }
            }
            Kind::Record => damage(&self.record().path, plan),
            Kind::Sigterm => self.sigterm(plan),
            Kind::HungHost => {
                process::signal(self.find(Victim::Host), Signal::SIGSTOP);
            }
            Kind::PowerCut => self.power_cut(plan),
            _ => {}
        }
    }

    /// What the user does then. How often an attach was tried, as [`Game::come_back`] counts.
    pub(super) fn end_loss(&mut self, plan: &Plan) -> u32 {
        match plan.kind {
            Kind::Window => {
                self.enter("cckw attach");
                1
            }
            Kind::Sighup => {
                let (shell, manners) = open(self.shell_name, self.claude.sandbox());
                (self.shell, self.manners) = (shell, manners);
                self.enter("cckw attach");
                1
            }
            Kind::RuntimeDirectory if plan.choose(0, 3) == 1 => {
                self.make_runtime_directory();
                0
            }
            Kind::Sigterm => {
                self.start_what_the_system_stopped(plan);
                2
            }
            Kind::HungHost => {
                self.give_up_on_the_host(plan);
                1
            }
            Kind::PowerCut => {
                let (shell, manners) = open(self.shell_name, self.claude.sandbox());
                (self.shell, self.manners) = (shell, manners);
                self.enter("cckw list --all");
                self.back_at_shell();
                self.enter("cckw attach");
                1
            }
            _ => 0,
        }
    }

    /// Leaves the session, whatever was taken from it, and attaches again: 1.
    pub(super) fn reach_again(&mut self, plan: &Plan) -> u32 {
        let host_was_killed = plan.strikes.iter().any(|strike| strike.victim == Victim::Host);
        if plan.attached {
            let by_hand = self.come_back(0);
            assert!(!by_hand || plan.needs_a_hand(), "it was not brought back by itself\n{}", self.report());
            self.detach();
        } else if host_was_killed {
            self.wait_for_free_locks();
        }
        let elsewhere = plan.kind == Kind::RuntimeDirectory && plan.choose(1, 3) == 0;
        let prefix = if elsewhere { "XDG_RUNTIME_DIR=/nowhere " } else { "" };
        self.enter(&format!("{prefix}cckw attach"));
        1
    }

    /// Until all of a killed host is gone it counts as one that comes, which no command replaces.
    fn wait_for_free_locks(&self) {
        wait_until("the end of the host's lock", DEADLINE, || self.sandbox().locks_are_free());
    }

    /// Removes a directory and all that is in it, so that nobody sees a half of it.
    fn take_away(&self, directory: &Path) {
        let aside = self.sandbox().path("tmp/taken-away");
        fs::rename(directory, &aside).expect("a directory that goes");
        // The host may still write into it meanwhile.
        wait_until("the end of what was in it", DEADLINE, || {
            let removed = fs::remove_dir_all(&aside);
            removed.is_ok() || removed.is_err_and(|error| error.kind() == ErrorKind::NotFound)
        });
    }

    fn make_runtime_directory(&self) {
        let path = self.sandbox().path("run");
        // Somebody may have needed it meanwhile.
        let _ = fs::DirBuilder::new().mode(0o700).create(&path);
        fs::set_permissions(path, fs::Permissions::from_mode(0o700)).expect("a runtime directory");
    }

    // ---- terminals ----

    pub(super) fn open_window(&self, plan: &Plan, command: &str) -> Window {
        or_impossible(Window::open(self.sandbox(), plan, command))
    }

    fn close_window(&mut self, plan: &Plan, trouble: &mut Trouble) {
        if !matches!(trouble, Trouble::Window(_)) {
            self.detach();
            let window = self.open_window(plan, "cckw attach");
            let has_client = |record: &Record| record.pid("client_pid").is_some_and(process::runs);
            let attached = self.until(|game| game.sandbox().records().iter().any(has_client));
            assert!(attached, "no client in {}\n{}", window.report(self.sandbox()), self.report());
            *trouble = Trouble::Window(window);
        }
        pause(Duration::from_millis(plan.choose(1, 300)));
        for strike in &plan.strikes {
            self.strike(strike);
        }
        if let Trouble::Window(window) = trouble {
            window.close(self.sandbox());
        }
    }

    fn sighup(&mut self, plan: &Plan) {
        for strike in &plan.strikes {
            self.strike(strike);
        }
        let shell = self.shell.pid();
        let session = process::stat(shell).map(|stat| stat.session);
        let of_the_session = |pid: &i32| process::stat(*pid).map(|stat| stat.session) == session;
        let pids = match plan.choose(0, 4) {
            0 => vec![shell],
            1 => vec![self.find(Victim::Client)],
            2 => vec![shell, self.find(Victim::Client)],
            _ => process::all().into_iter().filter(of_the_session).collect(),
        };
        for pid in pids {
            process::signal(pid, Signal::SIGHUP);
        }
        pause(Duration::from_millis(plan.choose(1, 501)));
        self.shell.hang_up();
    }

    // ---- the system stops everything ----

    /// How long after SIGTERM the SIGKILL comes.
    fn killed_after(plan: &Plan) -> Option<Duration> {
        let most = match plan.choose(2, 4) {
            0 => return None,
            1 => 20,
            2 => 300,
            _ => return Some(NOTED_AFTER + Duration::from_millis(plan.choose(3, 600))),
        };
        Some(Duration::from_millis(plan.choose(3, most)))
    }

    fn sigterm(&mut self, plan: &Plan) {
        let mut roles = vec![Victim::Host, Victim::Claude];
        if plan.attached {
            roles.push(Victim::Client);
        }
        let mut left: Vec<i32> = roles.into_iter().map(|role| self.find(role)).collect();
        let client = left.get(2).copied();
        let mut order = Vec::new();
        for number in 10.. {
            if left.is_empty() {
                break;
            }
            order.push(left.remove(plan.choose(number, left.len() as u64) as usize));
        }
        let gap = [0, plan.choose(5, 40)][plan.choose(4, 2) as usize];
        for pid in &order {
            process::signal(*pid, Signal::SIGTERM);
            pause(Duration::from_millis(gap));
        }
        if let Some(delay) = Self::killed_after(plan) {
            pause(delay);
            if delay >= NOTED_AFTER {
                wait_until("a note that the system has stopped it", DEADLINE, || self.is_noted());
            }
            // The host may have ended just before, and told it nothing yet.
            self.killed_together = client.is_some_and(process::runs);
            for pid in self.session_processes() {
                process::signal(pid, Signal::SIGKILL);
            }
        }
        self.gone.extend(order);
        self.nothing_runs();
    }

    /// Whether it is on disk that the system has stopped the session.
    fn is_noted(&self) -> bool {
        let noted = |record: &Record| {
            record.path.with_file_name("stop-requested").exists() || !record.json["ended_at"].is_null()
        };
        self.sandbox().records().iter().all(noted)
    }

    /// What runs of the session, whoever started it.
    fn session_processes(&self) -> Vec<i32> {
        let shell = self.shell.pid();
        self.sandbox().processes().into_iter().filter(|pid| *pid != shell).collect()
    }

    fn nothing_runs(&self) {
        let deadline = std::time::Instant::now() + SYSTEM_STOP_TIMEOUT;
        let ended =
            self.until(|game| game.session_processes().is_empty() || std::time::Instant::now() >= deadline);
        assert!(ended && self.session_processes().is_empty(), "something still runs\n{}", self.report());
    }

    fn start_what_the_system_stopped(&mut self, plan: &Plan) {
        if plan.attached {
            self.back_at_shell();
        }
        self.nothing_runs();
        self.wait_for_free_locks();
        self.enter("cckw list --all");
        self.back_at_shell();
        if Self::killed_after(plan).is_none_or(|delay| delay >= NOTED_AFTER) {
            // To look brings nothing back that the system has stopped.
            assert_eq!(self.session_processes(), [0; 0], "something runs again\n{}", self.report());
        }
        self.enter("cckw start --all; cckw attach");
    }

    // ---- the host does not answer ----

    /// A user who does not wait for it: gets the terminal back, sees that it does not answer, and ends it.
    fn give_up_on_the_host(&mut self, plan: &Plan) {
        let host = self.find(Victim::Host);
        if plan.attached {
            self.shell.press(Key::Ctrl('\\'));
            if plan.choose(0, 3) > 0 {
                self.shell.press(Key::Ctrl('\\'));
            }
            self.back_at_shell();
        }
        self.enter("cckw attach");
        self.back_at_shell();
        let said = self.shell.history().join(" ");
        assert!(said.contains("kill -CONT"), "no advice\n{}", self.report());
        self.gone.extend(process::children(host));
        self.gone.insert(host);
        process::signal(host, Signal::SIGKILL);
        wait_until("the end of the host", DEADLINE, || !process::runs(host));
        self.wait_for_free_locks();
        self.enter("cckw attach");
    }

    // ---- the machine goes down ----

    fn power_cut(&mut self, plan: &Plan) {
        let record = self.record().path;
        wait_until("the end of everything", DEADLINE, || {
            let left = self.sandbox().processes();
            for pid in &left {
                process::signal(*pid, Signal::SIGKILL);
            }
            let is_over = left.is_empty();
            self.gone.extend(left);
            is_over
        });
        self.shell.hang_up();
        self.wait_for_free_locks();
        damage(&record, plan);
        let log = record.with_file_name("events.jsonl");
        let text = fs::read(&log).expect("a log");
        let last = text.iter().rev().skip(1).position(|byte| *byte == b'\n').unwrap_or(text.len());
        let cut = plan.choose(9, last as u64 + 1) as usize;
        fs::write(log, &text[..text.len() - cut]).expect("a log that is cut off");
    }
}

/// Leaves of a record what a power cut may have left of one that was not written to the disk: nothing, its
/// beginning, zeros. Or it is removed.
fn damage(record: &Path, plan: &Plan) {
    let text = fs::read(record).expect("a record");
    let left = match plan.choose(7, 4) {
        0 => Vec::new(),
        1 => text[..plan.choose(8, text.len() as u64) as usize].to_vec(),
        2 => vec![0; text.len()],
        _ => return fs::remove_file(record).expect("a record that goes"),
    };
    if plan.choose(6, 2) == 0 {
        return fs::write(record, left).expect("another record");
    }
    let other = record.with_file_name("other");
    fs::write(&other, left).expect("another record");
    fs::rename(other, record).expect("another record in its place");
}
