//! One round: a session in a shell's terminal, some kills, and what must be true afterwards.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use super::plan::{Moment, Plan, Strike, Victim};
use super::support::stand_in::{self, at_prompt, submit};
use super::support::{
    DEADLINE, Key, Modes, PROMPT, Record, Sandbox, Terminal, process, wait_until, wait_until_some,
};

/// Quick restarts, and a reply that takes long enough to be interrupted.
const RESTART: &str = "[restart]\ninitial_delay = \"150ms\"\nmax_delay = \"300ms\"\n";
const PACE: &str = "50";

/// How long the shell's prompt must stand.
const REST: Duration = Duration::from_millis(100);

const FIRST: &str = "the first words";
const LONG: &str = "some words whose answer takes so long that it may well be cut off";
const LAST: &str = "the last words";

/// What came of a round in which everything was as it must be.
#[derive(Clone, Copy, Debug)]
pub struct Outcome {
    /// Whether there was a session at all: killed early enough, there never was one.
    pub began: bool,
    /// From the last kill until claude was there again, idle, in this terminal.
    pub back_after: Duration,
    /// Whether `cckw start` was needed.
    pub by_hand: bool,
}

/// Plays a round. Panics, with a report, when something is not as it must be.
pub fn play(plan: &Plan) -> Outcome {
    let mut game = Game::new(plan.shell);
    if plan.moment == Moment::Starting {
        game.enter("cckw claude");
    } else {
        game.begin();
        if plan.moment == Moment::MidTurn {
            submit(&mut game.shell, LONG);
        }
        if !plan.attached {
            game.detach();
        }
    }
    for (at, strike) in plan.strikes.iter().enumerate() {
        if at > 0 && !plan.attached && plan.strikes[at - 1].victim == Victim::Host {
            game.enter("cckw list");
        }
        game.strike(strike);
    }
    let struck = Instant::now();
    if game.never_began(plan) {
        game.leave();
        return Outcome { began: false, back_after: Duration::ZERO, by_hand: false };
    }
    let by_hand = game.come_back();
    let back_after = struck.elapsed();
    assert!(!by_hand || plan.needs_a_hand(), "it was not brought back by itself\n{}", game.report());
    game.check(plan.moment != Moment::Starting);
    game.finish();
    Outcome { began: true, back_after, by_hand }
}

/// The processes that this one has started and that are still its own.
fn children(pid: i32) -> Vec<i32> {
    let text = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    text.split_whitespace().filter_map(|pid| pid.parse().ok()).collect()
}

struct Game {
    sandbox: Sandbox,
    shell: Terminal,
    manners: (Modes, nix::sys::termios::Termios),
    /// How many commands were entered; the shell says the number when one has ended.
    commands: usize,
    /// Processes that cannot be those that are waited for.
    gone: BTreeSet<i32>,
}

impl Game {
    fn new(shell: &str) -> Self {
        let mut sandbox = stand_in::sandbox();
        sandbox.configure(RESTART);
        sandbox.set("CCKW_STANDIN_PACE", PACE);
        let cckw = Path::new(env!("CARGO_BIN_EXE_cckw")).parent().expect("a directory");
        sandbox.set("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", cckw.display()));
        let name = shell;
        let mut shell = Terminal::shell(name, &sandbox);
        if name != "dash" {
            // The last thing that a line editor does before it reads.
            shell.wait_for_modes("the line editor", |modes| modes.is_on(2004));
        }
        let manners = shell.manners();
        Self { sandbox, shell, manners, commands: 0, gone: BTreeSet::new() }
    }

    // ---- the user's hands ----

    fn enter(&mut self, command: &str) {
        self.commands += 1;
        self.shell.run(&format!("{command}; echo end-{}=$?", self.commands));
    }

    /// Whether the command that was entered last has ended.
    fn has_ended(&self) -> bool {
        let mark = format!("end-{}=", self.commands);
        self.shell.screen().rows.iter().any(|row| {
            row.split(&mark).skip(1).any(|rest| rest.starts_with(|digit: char| digit.is_ascii_digit()))
        })
    }

    /// Waits until the shell has the terminal again, as it was. A screen that claude has left may be in the way of the
    /// prompt; a user presses Enter then.
    fn back_at_shell(&mut self) {
        let deadline = Instant::now() + DEADLINE;
        while !self.has_ended() {
            assert!(Instant::now() < deadline, "the command does not end\n{}", self.report());
            thread::yield_now();
        }
        // Not before the shell rests: zsh does not set the terminal up while something is typed ahead.
        // A host that undoes its modes after the prompt was shown takes the shell's bracketed paste too, until the next.
        loop {
            let screen = self.shell.wait_for_rest(REST, |screen| screen.cursor);
            if screen.cursor_row() == PROMPT.trim_end() && screen.modes == self.manners.0 {
                break;
            }
            assert!(Instant::now() < deadline, "there is no prompt\n{}", self.report());
            self.shell.press(Key::Enter);
        }
        self.shell.wait_for_manners(&self.manners);
    }

    /// Starts a session in which something is said.
    fn begin(&mut self) {
        self.enter("cckw claude");
        at_prompt(&mut self.shell);
        self.say(FIRST);
    }

    fn say(&mut self, words: &str) {
        submit(&mut self.shell, words);
        let reply = format!("You said: {words}");
        self.shell.wait_for_text(&reply);
        wait_until("the reply on disk", DEADLINE, || self.written().contains(&reply));
        self.sandbox.wait_for_record("an idle claude", |record| record.text("status") == "idle");
    }

    fn detach(&mut self) {
        self.shell.press(Key::Ctrl('\\'));
        self.back_at_shell();
    }

    // ---- the killer's ----

    fn strike(&mut self, strike: &Strike) {
        self.find(strike.victim);
        // No condition is waited for here: the point in time is what the round is about.
        thread::park_timeout(strike.delay);
        // Another one may have taken its place meanwhile, or be about to.
        let victim = self.find(strike.victim);
        if strike.victim == Victim::Host {
            // The kernel hangs up on its claude.
            self.gone.extend(self.sandbox.records().iter().filter_map(|record| record.pid("claude_pid")));
            self.gone.extend(process::children(victim));
        }
        process::signal(victim, Signal::SIGKILL);
        self.gone.insert(victim);
        wait_until("the end of the victim", DEADLINE, || !process::runs(victim));
    }

    /// A process of this role that was not killed yet, when there is one.
    fn find(&self, role: Victim) -> i32 {
        wait_until_some(&format!("a {role}"), DEADLINE, || self.running(role))
    }

    fn running(&self, role: Victim) -> Option<i32> {
        // The short way first, for the first milliseconds of a start: shell, client, host, claude.
        let mut line = vec![self.shell.pid()];
        for next in [Victim::Client, Victim::Host, Victim::Claude] {
            line = line.into_iter().flat_map(children).filter(|pid| self.has_role(*pid, next)).collect();
            if next == role && line.iter().any(|pid| !self.gone.contains(pid)) {
                return line.into_iter().find(|pid| !self.gone.contains(pid));
            }
        }
        let found: Vec<i32> = self
            .sandbox
            .processes()
            .into_iter()
            .filter(|pid| !self.gone.contains(pid) && self.has_role(*pid, role))
            .collect();
        // Between fork and exec a child looks like its parent.
        let parent = |pid: i32| process::stat(pid).map_or(0, |stat| stat.parent);
        found.iter().copied().find(|pid| !found.contains(&parent(*pid)))
    }

    fn has_role(&self, pid: i32, role: Victim) -> bool {
        let arguments = process::arguments(pid);
        let word = |at: usize| arguments.get(at).map_or("", String::as_str);
        let program = Path::new(word(0)).file_name().map_or("", |name| name.to_str().unwrap_or_default());
        match role {
            Victim::Claude => program == "claude-stand-in",
            Victim::Host => program == "cckw" && word(1) == "host",
            Victim::Client => {
                program == "cckw"
                    && matches!(word(1), "claude" | "attach")
                    && process::stat(pid).is_some_and(|stat| stat.parent == self.shell.pid())
            }
        }
    }

    // ---- what must be true ----

    /// Whether the kill came before there was anything to keep. Then nothing is left but the shell, and the terminal is its.
    fn never_began(&mut self, plan: &Plan) -> bool {
        if plan.moment != Moment::Starting || plan.victim() == Victim::Claude {
            return false;
        }
        if plan.victim() == Victim::Client {
            self.back_at_shell();
        }
        let is_up = |record: &Record| std::os::unix::net::UnixStream::connect(record.text("socket")).is_ok();
        wait_until("a session, or nothing", DEADLINE, || {
            let alone = self.sandbox.processes() == [self.shell.pid()];
            alone || self.sandbox.records().iter().any(is_up)
        });
        let never = self.sandbox.records().is_empty();
        if never {
            self.back_at_shell();
        }
        never
    }

    /// Does what a user would, until claude is there again. Whether it took `cckw start`.
    fn come_back(&mut self) -> bool {
        let deadline = Instant::now() + DEADLINE;
        let mut tried = 0;
        while !self.is_back() {
            assert!(Instant::now() < deadline, "claude does not come back\n{}", self.report());
            if !self.has_ended() {
                thread::yield_now();
                continue;
            }
            self.back_at_shell();
            match tried {
                0 => self.enter("cckw attach"),
                1 => self.enter("cckw start; cckw attach"),
                _ => panic!("it cannot be brought back\n{}", self.report()),
            }
            tried += 1;
        }
        tried > 1
    }

    /// Whether a claude that was not killed is idle, and attached to this terminal.
    fn is_back(&self) -> bool {
        let records = self.sandbox.records();
        assert!(records.len() <= 1, "more than one session: {records:?}");
        let Some(record) = records.first() else { return false };
        let lives = |pid: i32| !self.gone.contains(&pid) && process::runs(pid);
        record.text("status") == "idle"
            && ["host_pid", "client_pid", "claude_pid"].iter().all(|key| record.pid(key).is_some_and(lives))
            && self.shell.screen().cursor_row().starts_with('❯')
    }

    /// That it is the same conversation, with all that was said in it, and that it goes on.
    fn check(&mut self, something_was_said: bool) {
        let record = self.record();
        let session = record.text("session").to_owned();
        assert_eq!(record.text("conversation"), session, "another conversation\n{}", self.report());
        assert_eq!(record.json["conversations"], serde_json::json!([session]));
        let pid = record.pid("claude_pid").expect("a claude");
        let state = self.sandbox.path(format!("home/.claude/sessions/{pid}.json"));
        let state: serde_json::Value =
            serde_json::from_slice(&fs::read(state).expect("a state file")).expect("JSON");
        assert_eq!(state["sessionId"], session.as_str());
        let first = format!("You said: {FIRST}");
        if something_was_said {
            assert!(self.shell.history().iter().any(|row| row.contains(&first)), "{}", self.report());
        }
        self.say(LAST);
        let written = self.written();
        assert!(!something_was_said || written.contains(&first), "lost: {written}");
        let files = self.transcripts();
        assert_eq!(files.len(), 1, "{files:?}");
        assert!(files[0].ends_with(format!("{session}.jsonl")), "{files:?}");
    }

    /// Ends claude and the shell; nothing may be left.
    fn finish(mut self) {
        submit(&mut self.shell, "/exit");
        self.back_at_shell();
        let mark = format!("end-{}=0", self.commands);
        assert!(self.shell.history().iter().any(|row| row.contains(&mark)), "{}", self.report());
        assert_eq!(self.record().text("state"), "stopped");
        self.leave();
    }

    fn leave(mut self) {
        self.shell.type_text("exit\r");
        self.shell.finish();
        self.sandbox.wait_for_silence();
        // A host that was killed on its way may leave its socket, but never a second one.
        let sockets = self.sandbox.sockets();
        assert!(sockets.is_empty(), "{sockets:?}");
    }

    // ---- what there is to see ----

    fn record(&self) -> Record {
        let mut records = self.sandbox.records();
        assert_eq!(records.len(), 1, "{records:?}");
        records.remove(0)
    }

    fn transcripts(&self) -> Vec<PathBuf> {
        let below =
            |path: PathBuf| fs::read_dir(path).into_iter().flatten().flatten().map(|entry| entry.path());
        below(self.sandbox.path("home/.claude/projects")).flat_map(below).collect()
    }

    /// All that stands in the transcripts.
    fn written(&self) -> String {
        self.transcripts().iter().filter_map(|path| fs::read_to_string(path).ok()).collect()
    }

    fn report(&self) -> String {
        let mut text = self.shell.report();
        for record in self.sandbox.records() {
            let log = fs::read_to_string(record.path.with_file_name("events.jsonl")).unwrap_or_default();
            text.push_str(&format!("\n---- record: {}\n---- log:\n{log}", record.json));
        }
        for pid in self.sandbox.processes() {
            text.push_str(&format!("---- process {pid} {:?}\n", process::arguments(pid)));
        }
        text
    }
}
