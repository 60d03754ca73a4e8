//! Each key that is typed arrives once and soon, or never: however often the link is lost, and whenever.

#[path = "../chaos/dice.rs"]
mod dice;

use std::collections::BTreeMap;
use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use dice::Dice;
use nix::sys::signal::Signal;
use nix::time::{ClockId, clock_gettime};

use crate::bed::{Bed, Link};
use crate::scene::{LOST, connect_now, is_attached};
use crate::support::{DEADLINE, Terminal, process, wait_until};

/// Each key is another character, from here on.
const FIRST: u32 = 0x4e00;
/// After so long no key arrives any more, in seconds: the far side has given up by then.
const LATE: f64 = 8.0;

/// How a link is lost.
#[derive(Clone, Copy, Debug)]
enum Cut {
    /// sshd is killed, and started again.
    Sshd,
    /// The ssh of this link is killed.
    Ssh,
    /// Packets are dropped until the near side has noticed.
    Silent,
    /// The interface is down until the near side has noticed.
    Down,
    /// Packets are dropped for less time than it takes to notice.
    Hiccup(Duration),
}

/// What became of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// The link was up before and after it.
    Must,
    /// The link was cut about then.
    May,
    /// The user had been told that there is no link.
    MustNot,
}

struct Typist {
    bed: Bed,
    terminal: Terminal,
    /// When each key was typed, and what is to become of it.
    typed: Vec<(f64, Fate)>,
}

fn now() -> f64 {
    let time = clock_gettime(ClockId::CLOCK_MONOTONIC).expect("a clock");
    Duration::from(time).as_secs_f64()
}

impl Typist {
    fn new(bed: Bed) -> Self {
        let far = bed.far("box");
        far.write_program("/usr/local/lib/bed/talker", include_str!("talker.py"));
        far.write(".config/cckw/config.toml", "claude = \"/usr/local/lib/bed/talker\"\n");
        let mut login = Terminal::spawn(bed.near(&["ssh", "-tt", "ada@box", "cckw claude -n api"]));
        login.wait_for_text("tick 1");
        login.hang_up();
        far.record("api", "nobody attached", |record| {
            record.pid("child_pid").is_some() && !is_attached(record)
        });
        let mut terminal = bed.attach("box:api");
        terminal.wait_for_text("tick");
        Self { bed, terminal, typed: Vec::new() }
    }

    /// Types the next key. Gives its number.
    fn press(&mut self, fate: Fate) -> usize {
        let key = char::from_u32(FIRST + self.typed.len() as u32).expect("a character");
        self.typed.push((now(), fate));
        self.terminal.type_text(&key.to_string());
        self.typed.len() - 1
    }

    /// Which keys have arrived, in their order, and when.
    fn arrived(&self) -> Vec<(usize, f64)> {
        let text = fs::read_to_string(self.bed.far("box").path("/home/ada/keys")).unwrap_or_default();
        let mut keys = Vec::new();
        for line in text.lines() {
            let (time, digits) = line.split_once(' ').expect("a time");
            let bytes: Vec<u8> = (0..digits.len() / 2)
                .map(|at| u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).expect("digits"))
                .collect();
            let time = time.parse().expect("a number");
            for key in String::from_utf8_lossy(&bytes).chars() {
                keys.push((u32::from(key).wrapping_sub(FIRST) as usize, time));
            }
        }
        keys
    }

    fn has_arrived(&self, number: usize) -> bool {
        self.arrived().iter().any(|(key, _)| *key == number)
    }

    /// Presses keys until one arrives: the link is up.
    fn is_up(&mut self) {
        let end = Instant::now() + DEADLINE;
        loop {
            let key = self.press(Fate::May);
            let again = Instant::now() + Duration::from_millis(300);
            while Instant::now() < again {
                if self.has_arrived(key) {
                    return;
                }
                thread::park_timeout(Duration::from_millis(10));
            }
            assert!(Instant::now() < end, "the link does not come back\n{}", self.terminal.report());
        }
    }

    /// Types for a while, a key every few hundredths of a second: the time of a cut is by chance.
    fn type_for(&mut self, time: Duration, fate: Fate) {
        let end = Instant::now() + time;
        while Instant::now() < end {
            self.press(fate);
            thread::park_timeout(Duration::from_millis(30));
        }
    }

    fn kill_ssh(&self) {
        let of_link = |pid: &i32| {
            let words = process::arguments(*pid);
            words.first().is_some_and(|word| word == "ssh")
                && words.iter().any(|word| word.contains("far attach"))
        };
        let found: Vec<i32> = self.bed.processes().into_iter().filter(of_link).collect();
        assert!(!found.is_empty(), "there is no ssh");
        for pid in found {
            process::signal(pid, Signal::SIGKILL);
        }
    }

    fn cut(&mut self, cut: Cut) {
        match cut {
            Cut::Sshd => self.bed.far("box").kill_sshd(),
            Cut::Ssh => self.kill_ssh(),
            Cut::Silent | Cut::Hiccup(_) => self.bed.link("box", Link::Silent),
            Cut::Down => self.bed.link("box", Link::Down),
        }
    }

    fn mend(&mut self, cut: Cut) {
        match cut {
            Cut::Sshd => self.bed.far("box").start_sshd(),
            Cut::Ssh => {}
            Cut::Silent | Cut::Hiccup(_) => self.bed.link("box", Link::Heard),
            Cut::Down => self.bed.link("box", Link::Up),
        }
    }

    /// Types while the link is there, is lost, and comes back.
    fn lose(&mut self, cut: Cut, before: Duration) {
        self.terminal.take_output();
        self.type_for(before / 2, Fate::Must);
        // A key that is on its way in the moment of the cut may be lost.
        self.type_for(before / 2, Fate::May);
        self.cut(cut);
        if let Cut::Hiccup(time) = cut {
            self.type_for(time, Fate::May);
            return self.mend(cut);
        }
        let end = Instant::now() + DEADLINE;
        let is_told = |output: Vec<u8>| String::from_utf8_lossy(&output).contains(LOST);
        while !is_told(self.terminal.output()) {
            self.type_for(Duration::from_millis(60), Fate::May);
            assert!(Instant::now() < end, "the loss is not noticed\n{}", self.terminal.report());
        }
        if !matches!(cut, Cut::Ssh) {
            self.type_for(Duration::from_millis(100), Fate::MustNot);
        }
        self.mend(cut);
        connect_now(&mut self.terminal);
    }

    /// What must be true of all keys in the end.
    fn check(self) {
        let arrived = self.arrived();
        for pair in arrived.windows(2) {
            assert!(pair[0].0 < pair[1].0, "typed twice, or in another order: {pair:?}\n{arrived:?}");
        }
        let when: BTreeMap<usize, f64> = arrived.into_iter().collect();
        for (key, (typed, fate)) in self.typed.iter().enumerate() {
            let took = when.get(&key).map(|time| time - typed);
            assert!(took.is_none_or(|took| took < LATE), "key {key} came after {took:?} s");
            match fate {
                Fate::Must => assert!(took.is_some(), "key {key} was lost while the link was up"),
                Fate::MustNot => assert!(took.is_none(), "key {key} was typed without a link, and came"),
                Fate::May => {}
            }
        }
    }
}

/// Loses the link in each of these ways, at moments by chance.
fn play(seed: u64, cuts: &[Cut]) {
    let Some(bed) = Bed::new(&["box"]) else { return };
    let mut typist = Typist::new(bed);
    let mut dice = Dice::new(seed, 0, 0);
    for cut in cuts {
        typist.is_up();
        typist.lose(*cut, dice.up_to(400));
    }
    typist.is_up();
    let far = typist.bed.far("box");
    let ticks = far.runs(&["cckw", "screen", "api"]);
    assert!(ticks.contains("tick"), "{ticks}");
    typist.check();
}

#[test]
fn keys_arrive_once_or_never_while_sshd_and_ssh_are_killed() {
    use Cut::{Ssh, Sshd};
    play(1, &[Sshd, Ssh, Sshd, Sshd, Ssh, Ssh, Sshd, Sshd]);
}

#[test]
fn keys_arrive_once_or_never_while_packets_are_dropped() {
    let hiccup = |millis| Cut::Hiccup(Duration::from_millis(millis));
    play(2, &[hiccup(700), Cut::Silent, hiccup(2500), hiccup(1200), Cut::Sshd, hiccup(300)]);
}

#[test]
fn keys_arrive_once_or_never_while_the_interface_goes_down() {
    let hiccup = |millis| Cut::Hiccup(Duration::from_millis(millis));
    play(3, &[hiccup(4000), Cut::Down, Cut::Ssh, Cut::Sshd, hiccup(100), Cut::Ssh]);
}

#[test]
fn a_queue_of_keys_that_waits_in_the_network_is_not_delivered_after_the_loss() {
    let Some(bed) = Bed::new(&["box"]) else { return };
    let mut typist = Typist::new(bed);
    typist.is_up();
    typist.bed.link("box", Link::Silent);
    typist.type_for(Duration::from_secs(2), Fate::May);
    let (before, sent) = (typist.arrived().len(), typist.typed.len());
    let told = |screen: &crate::support::Screen| screen.contains(LOST);
    typist.terminal.wait_for("the loss", told);
    // The system still tries to get there what ssh had sent.
    typist.bed.link("box", Link::Heard);
    connect_now(&mut typist.terminal);
    typist.is_up();
    let late: Vec<usize> =
        typist.arrived()[before..].iter().map(|(key, _)| *key).filter(|key| *key < sent).collect();
    assert!(late.is_empty(), "{late:?}");
    wait_until("the end of the first far side", DEADLINE, || {
        typist.bed.far("box").processes().matches("far attach").count() <= 2
    });
    typist.check();
}
