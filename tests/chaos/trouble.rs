//! Rounds that are about more than kills: what goes wrong around a session, for a while, and often a kill in
//! the middle of it.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::resource::Resource;
use nix::sys::signal::Signal;

use super::super::plan::{Kind, Moment, Plan, Victim};
use super::claude::passes_over;
use super::clock::Clocks;
use super::disk::Disk;
use super::window::Window;
use super::{Game, Outcome, open};
use crate::support::{Key, Size, process};

/// What is typed meanwhile, a key at a time.
const TYPED: &str = "kept 0123456789 abcdefghijklmnopqrstuvwxyz";
/// How much claude writes while its terminal takes nothing, in bytes; more than all the buffers on the way
/// hold.
const FLOOD: usize = 400_000;
const LINE: usize = 64;
/// How the terminal was and is again.
const USUAL: (u16, u16) = (40, 120);

/// Why a round cannot be played here, thrown by a panic: that is neither well nor a failure.
pub struct Impossible(pub String);

pub(super) fn or_impossible<T>(result: Result<T, String>) -> T {
    result.unwrap_or_else(|why| std::panic::panic_any(Impossible(why)))
}

/// What is under way.
pub(super) enum Trouble {
    Nothing,
    Disk(Disk),
    Clocks(Clocks),
    /// Processes whose descriptors are limited, and how many they could open before.
    Descriptors(Vec<(i32, u64)>),
    Stopped(Victim, i32),
    Window(Window),
}

/// Plays a round that is about trouble.
pub(super) fn play(mut game: Game, plan: &Plan) -> Outcome {
    let mut trouble = game.prepare(plan);
    game.start(plan, &mut trouble);
    if plan.moment == Moment::MidTurn {
        game.submit_long();
        // A terminal that is closed, or a client that is stopped, before Enter has left it is no trouble in
        // the middle of a turn.
        game.sandbox().wait_for_record("a turn", |record| record.text("status") == "busy");
    }
    if !plan.attached {
        game.detach();
    }
    let goes_on = plan.strikes.is_empty() && (plan.kind.hangs_up() || plan.kind.takes_away());
    let claude = goes_on.then(|| game.find(Victim::Claude));
    let flooded = plan.kind == Kind::Unread && plan.moment == Moment::Idle && game.can_flood();
    if flooded {
        game.shell.type_text(&format!("/fault flood {FLOOD}"));
        game.shell.wait_for("the order", |screen| screen.cursor_row().ends_with(&FLOOD.to_string()));
    }
    game.begin_trouble(plan, &mut trouble);
    if flooded {
        game.shell.press(Key::Enter);
    }
    let types = plan.moment == Moment::Idle
        && plan.strikes.is_empty()
        && plan.attached
        && !plan.kind.hangs_up()
        && !plan.kind.ends_claude()
        && !matches!(trouble, Trouble::Stopped(Victim::Claude | Victim::Client, _));
    let until = Instant::now() + plan.lasts;
    if types {
        for key in TYPED.chars() {
            game.shell.type_text(key.encode_utf8(&mut [0; 4]));
            pause(Duration::from_millis(3));
        }
    }
    for strike in &plan.strikes {
        if plan.kind.hangs_up() {
            break;
        }
        game.strike(strike);
    }
    // As long as the round is about: there is nothing to wait for.
    pause(until.saturating_duration_since(Instant::now()));
    let mut tried = game.end_trouble(plan, &mut trouble);
    let struck = Instant::now();
    game.claude.release();
    let mut lost = None;
    if flooded && !passes_over(plan) {
        lost = Some(game.missing_from_the_flood());
    }
    if types {
        *lost.get_or_insert(0) += game.missing_from_what_was_typed();
    }
    if plan.kind.takes_away() {
        tried = game.reach_again(plan);
    }
    let by_hand = game.come_back(tried);
    let back_after = struck.elapsed();
    assert!(!by_hand || plan.needs_a_hand(), "it was not brought back by itself\n{}", game.report());
    if let Some(claude) = claude {
        assert_eq!(game.find(Victim::Claude), claude, "claude has not gone on\n{}", game.report());
    }
    if plan.moment == Moment::MidTurn && plan.strikes.is_empty() && !plan.kind.ends_claude() {
        let words = game.claude.long();
        game.is_answered(words);
        lost.get_or_insert(0);
    }
    // What was said first has scrolled out of the model's memory.
    game.check(true, !flooded);
    game.finish();
    drop(trouble);
    game.outcome(true, back_after, by_hand, lost)
}

pub(super) fn pause(time: Duration) {
    let until = Instant::now() + time;
    while let Some(left) = until.checked_duration_since(Instant::now()) {
        thread::park_timeout(left);
    }
}

impl Game {
    fn prepare(&self, plan: &Plan) -> Trouble {
        match plan.kind {
            Kind::FullDisk | Kind::ReadOnly => {
                Trouble::Disk(or_impossible(Disk::mount(&self.sandbox().path("state"))))
            }
            Kind::Clock => Trouble::Clocks(or_impossible(Clocks::new(&self.sandbox().path("tmp")))),
            _ => Trouble::Nothing,
        }
    }

    /// Starts the session, in one variant under trouble: then cckw either works or says what is wrong.
    fn start(&mut self, plan: &Plan, trouble: &mut Trouble) {
        let refused = match (plan.kind, &mut *trouble) {
            (Kind::FullDisk, Trouble::Disk(disk)) if plan.variant(4) == 3 => {
                disk.fill();
                let refused = self.tries_to_begin("cckw claude");
                disk.empty();
                refused
            }
            (Kind::ReadOnly, Trouble::Disk(disk)) if plan.variant(4) == 3 => {
                disk.lock();
                let refused = self.tries_to_begin("cckw claude");
                disk.unlock();
                refused
            }
            (Kind::Descriptors, _) if plan.variant(4) == 3 => {
                let few = 4 + plan.variant(61);
                self.tries_to_begin(&format!("(ulimit -n {few}; exec cckw claude)"))
            }
            (Kind::Window, _) if plan.moment == Moment::Idle && plan.choose(0, 2) == 0 => {
                let words = super::FIRST;
                *trouble = Trouble::Window(self.open_window(plan, &format!("cckw claude '{words}'")));
                self.is_written(words);
                return;
            }
            (Kind::Clock, Trouble::Clocks(clocks)) => {
                // In a script: the line would be longer than the window is wide.
                let text = format!("#!/bin/sh\n{} exec cckw claude\n", clocks.prefix());
                self.sandbox().script("by-other-clocks", &text);
                self.begin("../bin/by-other-clocks");
                return;
            }
            _ => true,
        };
        if refused {
            self.begin("cckw claude");
        } else {
            self.say(super::FIRST);
        }
    }

    /// Whether there was no session: cckw has said so, claude ran without one or could not run, and the
    /// terminal is as it was.
    fn tries_to_begin(&mut self, command: &str) -> bool {
        let before = self.shell.output().len();
        self.enter(command);
        let runs_alone = |game: &Self| {
            let output = game.shell.output();
            let said = String::from_utf8_lossy(&output[before.min(output.len())..]).into_owned();
            said.contains("claude runs without cckw") && game.shell.screen().cursor_row().starts_with('❯')
        };
        let decided = self.until(|game| game.has_ended() || game.is_back() || runs_alone(game));
        assert!(decided, "neither refused nor begun\n{}", self.report());
        if !self.has_ended() && runs_alone(self) {
            self.claude.submit(&mut self.shell, "/exit");
        } else if !self.has_ended() {
            return false;
        }
        self.back_at_shell();
        let said = self.shell.history().join("\n");
        let words = ["cckw: ", "cannot open", "error while loading", "Too many open files", "failed"];
        assert!(words.iter().any(|word| said.contains(word)), "refused without a word\n{}", self.report());
        assert_eq!(self.sandbox().records().len(), 0, "{}", self.report());
        true
    }

    fn begin_trouble(&mut self, plan: &Plan, trouble: &mut Trouble) {
        match (plan.kind, &mut *trouble) {
            (Kind::FullDisk, Trouble::Disk(disk)) => disk.fill(),
            (Kind::ReadOnly, Trouble::Disk(disk)) => disk.lock(),
            (Kind::Clock, Trouble::Clocks(clocks)) => {
                let far = [1, 61, 3_600, 86_400, 400 * 86_400][plan.variant(5) as usize];
                match plan.variant(4) {
                    0 => clocks.jump(far, 0, 0),
                    1 => clocks.jump(-far, 0, 0),
                    // The machine slept.
                    2 => clocks.jump(far, 0, far),
                    // It stood still, and nobody told it.
                    _ => clocks.jump(far, far, far),
                }
            }
            (Kind::Descriptors, _) => {
                let few = plan.variant(24);
                let victims: &[Victim] = match plan.variant(3) {
                    0 => &[Victim::Host],
                    1 => &[Victim::Client],
                    _ => &[Victim::Host, Victim::Client],
                };
                let pids = victims.iter().map(|victim| self.find(*victim));
                *trouble =
                    Trouble::Descriptors(pids.map(|pid| (pid, or_impossible(limit(pid, few)))).collect());
            }
            (Kind::Stopped, _) => {
                // Without output nobody looks whether the client is stopped, so that is for the middle of a
                // turn.
                let victim = match plan.variant(3) {
                    0 => Victim::Host,
                    1 if plan.moment == Moment::MidTurn => Victim::Client,
                    _ => Victim::Claude,
                };
                let pid = self.find(victim);
                process::signal(pid, Signal::SIGSTOP);
                *trouble = Trouble::Stopped(victim, pid);
            }
            (Kind::Unread, _) => self.shell.stop_reading(),
            (Kind::Sizes, _) => {
                let (mut rows, mut columns) = USUAL;
                for step in 0..60 + plan.variant(200) {
                    let spin = plan.variant(97) + step;
                    (rows, columns) = (5 + (spin * 7 % 60) as u16, 20 + (spin * 13 % 200) as u16);
                    self.shell.resize(Size::cells(rows, columns));
                    pause(Duration::from_micros(spin * 31 % 4_000));
                }
                self.has_size(rows, columns);
                self.shell.resize(Size::cells(USUAL.0, USUAL.1));
            }
            (Kind::HangUp, _) => {
                for strike in &plan.strikes {
                    self.strike(strike);
                }
                self.shell.hang_up();
            }
            _ => self.begin_loss(plan, trouble),
        }
    }

    /// Whether `cckw attach` was entered: 1, else 0.
    fn end_trouble(&mut self, plan: &Plan, trouble: &mut Trouble) -> u32 {
        match trouble {
            Trouble::Disk(disk) if plan.kind == Kind::FullDisk => disk.empty(),
            Trouble::Disk(disk) => disk.unlock(),
            Trouble::Clocks(clocks) if plan.variant(2) == 0 && plan.variant(4) < 2 => clocks.jump(0, 0, 0),
            Trouble::Clocks(_) => {}
            Trouble::Descriptors(limited) => {
                for (pid, before) in limited.iter().filter(|(pid, _)| process::runs(*pid)) {
                    // One that has gone meanwhile is no matter.
                    let _ = limit(*pid, *before);
                }
            }
            Trouble::Stopped(Victim::Host, pid) => {
                process::signal(*pid, Signal::SIGCONT);
            }
            Trouble::Stopped(..) => {
                // The shell has the terminal, as it was; the job is stopped.
                self.back_at_shell();
                self.enter("fg");
            }
            Trouble::Nothing if plan.kind == Kind::Unread => self.shell.read_on(),
            Trouble::Nothing if plan.kind == Kind::Sizes => self.has_size(USUAL.0, USUAL.1),
            Trouble::Nothing if plan.kind == Kind::HangUp => {
                let (shell, manners) = open(self.shell_name, self.claude.sandbox());
                (self.shell, self.manners) = (shell, manners);
                self.enter("cckw attach");
                return 1;
            }
            Trouble::Window(_) | Trouble::Nothing => return self.end_loss(plan),
        }
        0
    }

    /// Waits until claude's terminal has this size, and claude has drawn for it.
    fn has_size(&mut self, rows: u16, columns: u16) {
        let claude = self.find(Victim::Claude);
        let fits = self.until(|_| size_of(claude).is_ok_and(|size| size == (rows, columns)));
        assert!(fits, "{:?} instead of {rows} rows and {columns} columns", size_of(claude));
    }

    /// How many bytes of the flood never came.
    fn missing_from_the_flood(&mut self) -> u64 {
        let last = format!("flood {} ", FLOOD / LINE - 1);
        let came = |game: &Self| contains(&game.shell.output(), last.as_bytes());
        self.until(came);
        let output = self.shell.output();
        let text = String::from_utf8_lossy(&output);
        let numbers: std::collections::BTreeSet<u64> = text
            .split("flood ")
            .filter_map(|rest| rest.split_once(' ').and_then(|(number, _)| number.parse().ok()))
            .collect();
        let wanted = (FLOOD / LINE) as u64;
        let missing = (0..wanted).filter(|number| !numbers.contains(number)).count();
        (missing * LINE) as u64
    }

    /// How many of the keys that were typed never reached claude's prompt. Submits the others.
    fn missing_from_what_was_typed(&mut self) -> u64 {
        let came = self.shell.try_wait_for(|screen| screen.cursor_row().ends_with(TYPED));
        let row = self.shell.screen().cursor_row().to_owned();
        self.shell.press(Key::Enter);
        if came {
            self.is_answered(TYPED);
            return 0;
        }
        (TYPED.len() - row.trim_start_matches(['❯', ' ', '\u{a0}']).len().min(TYPED.len())).max(1) as u64
    }

    fn can_flood(&self) -> bool {
        self.claude.program() == "claude-stand-in"
    }
}

fn contains(text: &[u8], what: &[u8]) -> bool {
    let tail = &text[text.len().saturating_sub(64 * 1024)..];
    tail.windows(what.len()).any(|window| window == what)
}

/// Rows and columns of the terminal that is a process's stdin.
fn size_of(pid: i32) -> io::Result<(u16, u16)> {
    let mut options = File::options();
    let tty = options
        .read(true)
        .custom_flags(libc::O_NOCTTY | libc::O_NONBLOCK)
        .open(format!("/proc/{pid}/fd/0"))?;
    let mut size = libc::winsize { ws_row: 0, ws_col: 0, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: the request fills the struct that it is given.
    if unsafe { libc::ioctl(tty.as_raw_fd(), libc::TIOCGWINSZ, &raw mut size) } != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok((size.ws_row, size.ws_col))
}

/// Allows a process so many descriptors, those that it has open included; gives what it was allowed before.
fn limit(pid: i32, few: u64) -> Result<u64, String> {
    process::limit(pid, Resource::RLIMIT_NOFILE, few)
        .map_err(|error| format!("no limit of another process: {error}"))
}
