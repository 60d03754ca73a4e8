//! Rounds in which a session is on another machine, and the link to it is lost during a turn.

use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use serde_json::json;

use super::bed::{Bed, CLAUDE, Far, Link};
use super::driver;
use super::game::Outcome;
use super::game::trouble::Impossible;
use super::install;
use super::mock::{HELD, HOLD, Mock};
use super::plan::Plan;
use super::plan::dice::Dice;
use super::support::{DEADLINE, Key, Screen, Terminal, process, stand_in, wait_until};

/// The keys that are typed, each once and in this order.
const KEYS: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
/// What the near side says where a link was lost.
const LOST: &str = "the link to box was lost";
/// Made up; its last 20 characters stand in the configuration as approved.
const API_KEY: &str = "sk-ant-api03-abcdefghijklmnopqrst";
/// After so long another key is typed, to see whether the link is up.
const AGAIN: Duration = Duration::from_secs(1);
/// Words whose answer the stand-in takes long for.
const LONG: &str = "some words whose answer takes so long that a link may well be lost meanwhile";

/// How a link is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cut {
    /// sshd is killed, and started again.
    Sshd,
    /// The ssh of this link is killed.
    Ssh,
    /// Packets are dropped until the near side has noticed.
    Silent,
    /// The interface is down until the near side has noticed.
    Down,
    /// The near side is stopped for so long that the far side gives up.
    Asleep,
    /// Packets are dropped for less time than it takes to notice.
    Hiccup,
}

const CUTS: [Cut; 6] = [Cut::Sshd, Cut::Ssh, Cut::Silent, Cut::Down, Cut::Asleep, Cut::Hiccup];

/// What must become of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// It stood at the prompt before the link was lost.
    Seen,
    /// It was on its way about then.
    May,
    /// The link was dead by then.
    Never,
}

/// Plays a round. Panics, with a report, when something is not as it must be.
pub fn play(plan: &Plan, is_real: bool) -> Outcome {
    let claude = is_real.then(install::program);
    let Some(bed) = Bed::with_claude(&["box"], claude) else {
        std::panic::panic_any(Impossible("no hosts can be made".into()))
    };
    bed.well_said(&["machine", "add", "box", "ada@box"]);
    let mock = is_real.then(|| bed.far("box").in_its_network(Mock::start));
    start(bed.far("box"), mock.as_ref());
    let terminal = bed.attach("box:api");
    let mut round = Round { bed, mock, terminal, typed: Vec::new() };
    round.submit();
    let dice = Dice::new(plan.seed, plan.round, 100);
    let back_after = round.lose(CUTS[plan.choose(7, CUTS.len() as u64) as usize], dice);
    round.check();
    Outcome { began: true, back_after, by_hand: false, lost: Some(0), left_as_it_was: false }
}

/// Starts the session, in the user's home.
fn start(far: Far<'_>, mock: Option<&Mock>) {
    let home = far.home("");
    let mut command = far.command(&["cckw", "new", "api", home.trim_end_matches('/')]);
    command.env("TERM", "xterm-256color").env("CCKW_STANDIN_PACE", "120");
    if let Some(mock) = mock {
        far.write(
            ".config/cckw/config.toml",
            &format!("claude = \"{CLAUDE}\"\n[start]\nexisting = \"new\"\n"),
        );
        let projects =
            json!({home.trim_end_matches('/'): {"hasTrustDialogAccepted": true, "allowedTools": []}});
        let approved = json!({"approved": [&API_KEY[API_KEY.len() - 20..]], "rejected": []});
        let config = json!({
            "hasCompletedOnboarding": true, "theme": "dark", "customApiKeyResponses": approved, "projects": projects,
        });
        far.write(".claude.json", &config.to_string());
        far.write(".claude/settings.json", r#"{"prefersReducedMotion": true, "spinnerTipsEnabled": false}"#);
        command.env("ANTHROPIC_API_KEY", API_KEY).env("ANTHROPIC_BASE_URL", mock.url());
        for name in ["DISABLE_AUTOUPDATER", "DISABLE_TELEMETRY", "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC"] {
            command.env(name, "1");
        }
    }
    let output = command.output().expect("nsenter");
    // Where claude takes half a minute to draw its first screen, a part of it may be taken for a question (3). The
    // prompt is waited for in any case.
    assert!(matches!(output.status.code(), Some(0 | 3)), "{output:?}");
}

struct Round {
    bed: Bed,
    /// The API, where claude is the real one.
    mock: Option<Mock>,
    terminal: Terminal,
    /// What must become of each key that was typed.
    typed: Vec<Fate>,
}

impl Round {
    fn far(&self) -> Far<'_> {
        self.bed.far("box")
    }

    /// Begins the turn.
    fn submit(&mut self) {
        if self.mock.is_some() {
            driver::wait_for_prompt(&mut self.terminal);
            driver::submit(&mut self.terminal, HOLD);
        } else {
            stand_in::at_prompt(&mut self.terminal);
            stand_in::submit(&mut self.terminal, LONG);
        }
        self.far().record("api", "a turn", |record| record.text("status") == "busy");
        self.terminal
            .wait_for("an empty prompt", |screen| draft(screen).is_some_and(|draft| draft.is_empty()));
    }

    /// Types the next key.
    fn press(&mut self, fate: Fate) {
        let key = KEYS.chars().nth(self.typed.len()).expect("a key");
        self.typed.push(fate);
        self.terminal.offer(key.to_string().as_bytes(), Duration::from_secs(1));
    }

    /// Types up to so many keys, a few hundredths of a second apart.
    fn type_some(&mut self, count: u64, dice: &mut Dice, fate: Fate) {
        for _ in 0..count {
            self.press(fate);
            thread::park_timeout(dice.up_to(60));
        }
    }

    /// Waits until all keys so far stand at the prompt.
    fn see_all(&mut self) {
        let wanted: String = KEYS.chars().take(self.typed.len()).collect();
        self.terminal.wait_for("the keys", |screen| draft(screen).is_some_and(|draft| draft == wanted));
    }

    /// Loses the link at a moment by chance, with keys before, in and after it. Gives how long the way back took.
    fn lose(&mut self, cut: Cut, mut dice: Dice) -> Duration {
        let count = dice.below(8) + 1;
        self.type_some(count, &mut dice, Fate::Seen);
        self.see_all();
        self.typed.fill(Fate::Seen);
        thread::park_timeout(dice.up_to(2_500));
        let count = dice.below(5);
        self.type_some(count, &mut dice, Fate::May);
        self.cut(cut);
        // What waits in the network comes late, or never, as the link is lost in the end or is not.
        // A dead ssh is replaced soon.
        let meanwhile = if matches!(cut, Cut::Hiccup | Cut::Ssh) { Fate::May } else { Fate::Never };
        let count = dice.below(12);
        self.type_some(count, &mut dice, meanwhile);
        self.wait_for_the_end_of(cut, &mut dice);
        if cut != Cut::Hiccup {
            let count = dice.below(6);
            self.type_some(count, &mut dice, meanwhile);
        }
        let began = Instant::now();
        self.mend(cut);
        if dice.below(2) == 0 && cut != Cut::Hiccup {
            self.terminal.press(Key::Enter);
        }
        self.terminal
            .wait_for("claude's screen", |screen| !screen.contains("connecting") && draft(screen).is_some());
        began.elapsed()
    }

    fn wait_for_the_end_of(&mut self, cut: Cut, dice: &mut Dice) {
        match cut {
            Cut::Hiccup => thread::park_timeout(dice.up_to(3_000)),
            Cut::Asleep => {
                self.far().record("api", "nobody attached", |record| record.pid("client_pid").is_none());
            }
            _ => {
                self.terminal.wait_for("the loss", |screen| screen.contains(LOST));
            }
        }
    }

    fn cut(&self, cut: Cut) {
        match cut {
            Cut::Sshd => self.far().kill_sshd(),
            Cut::Ssh => self.kill_ssh(),
            Cut::Silent | Cut::Hiccup => self.bed.link("box", Link::Silent),
            Cut::Down => self.bed.link("box", Link::Down),
            Cut::Asleep => {
                process::signal(self.terminal.pid(), Signal::SIGSTOP);
                wait_until("a stop", DEADLINE, || process::is_stopped(self.terminal.pid()));
            }
        }
    }

    fn kill_ssh(&self) {
        let of_link = |pid: &i32| process::arguments(*pid).iter().any(|word| word.contains("far attach"));
        let found: Vec<i32> = self.bed.near_processes().into_iter().filter(of_link).collect();
        assert!(!found.is_empty(), "there is no ssh");
        for pid in found {
            process::signal(pid, Signal::SIGKILL);
        }
    }

    fn mend(&self, cut: Cut) {
        match cut {
            Cut::Sshd => self.far().start_sshd(),
            Cut::Ssh => {}
            Cut::Silent | Cut::Hiccup => self.bed.link("box", Link::Heard),
            Cut::Down => self.bed.link("box", Link::Up),
            Cut::Asleep => {
                process::signal(self.terminal.pid(), Signal::SIGCONT);
            }
        }
    }

    /// What must be true in the end.
    fn check(mut self) {
        // The link is up when a key arrives, and what was on its way before it has arrived as well.
        let screen = loop {
            let last = KEYS.chars().nth(self.typed.len()).expect("a key: the link does not come back");
            self.press(Fate::May);
            let has_arrived = |screen: &Screen| draft(screen).is_some_and(|draft| draft.ends_with(last));
            let end = Instant::now() + AGAIN;
            while !has_arrived(&self.terminal.screen()) && Instant::now() < end {
                thread::park_timeout(Duration::from_millis(10));
            }
            let screen = self.terminal.screen();
            if has_arrived(&screen) {
                break screen;
            }
        };
        let draft = draft(&screen).expect("a prompt");
        let place = |key| KEYS.find(key).unwrap_or(usize::MAX);
        let places: Vec<usize> = draft.chars().map(place).collect();
        let in_order = places.windows(2).all(|pair| pair[0] < pair[1]);
        assert!(in_order, "typed twice, or in another order: {draft}\n{}", self.terminal.report());
        for (at, fate) in self.typed.iter().enumerate() {
            let is_there = places.contains(&at);
            let is_well = match fate {
                Fate::Seen => is_there,
                Fate::May => true,
                Fate::Never => !is_there,
            };
            assert!(is_well, "key {at} of {:?} in {draft:?}\n{}", self.typed, self.terminal.report());
        }
        self.the_turn_is_complete();
    }

    /// That the turn has gone on as if nothing had happened.
    fn the_turn_is_complete(&mut self) {
        let (words, answer) = match &self.mock {
            Some(mock) => {
                assert_eq!(mock.arrived(), [HOLD], "asked again");
                mock.release();
                (HOLD, HELD.to_owned())
            }
            None => (LONG, format!("You said: {LONG}")),
        };
        let far = self.far();
        let record = far.record("api", "the end of the turn", |record| record.text("status") == "idle");
        assert_eq!(record.json["restarts"], 0);
        // Claude writes down what it says a moment later.
        wait_until("the answer in the transcript", DEADLINE, || {
            let said = far.command(&["cckw", "transcript", "api", "--last"]).output().expect("nsenter");
            String::from_utf8_lossy(&said.stdout).trim() == answer
        });
        let all = far.runs(&["cckw", "transcript", "api"]);
        assert_eq!(all.matches(words).count(), 1 + answer.matches(words).count(), "{all}");
    }
}

/// What stands at claude's prompt.
fn draft(screen: &Screen) -> Option<String> {
    let row = screen.rows.iter().rev().find(|row| row.starts_with('❯'))?;
    Some(row.trim_start_matches('❯').replace('\u{a0}', " ").trim().to_owned())
}
