//! One round: a session in a shell's terminal, what befalls it, and what must be true afterwards.

#[path = "claude.rs"]
pub mod claude;
#[path = "clock.rs"]
mod clock;
#[allow(dead_code)] // The test suite mounts nothing.
#[path = "disk.rs"]
pub mod disk;
#[path = "loss.rs"]
mod loss;
#[path = "trouble.rs"]
pub mod trouble;
#[path = "window.rs"]
mod window;

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use nix::sys::termios::{SetArg, tcsetattr};

use super::plan::{Kind, Moment, Plan, Strike, Victim};
use crate::support::{
    DEADLINE, Key, Modes, PROMPT, Record, Sandbox, Terminal, process, wait_until, wait_until_some,
};

use claude::Claude;

/// How long the shell's prompt must stand.
const REST: Duration = Duration::from_millis(100);

/// In how short a time after its host a client that is killed may not have had the chance to give the
/// terminal back: the host's connection to it lasts until the last of the host's threads is gone, and one may
/// be waiting for the disk.
const TOGETHER: Duration = Duration::from_millis(100);

/// So often a user presses Enter at a prompt that is not as it should be, before they type `reset`.
const ENTERS_BEFORE_RESET: u32 = 2;

const FIRST: &str = "the first words";
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
    /// How many bytes of what was typed and written meanwhile are missing; nothing where that was not looked
    /// at.
    pub lost: Option<u64>,
    /// Host and client were killed within moments, and the terminal was left as claude had it.
    pub left_as_it_was: bool,
}

/// Plays a round. Panics, with a report, when something is not as it must be.
pub fn play(plan: &Plan, claude: impl Claude + 'static) -> Outcome {
    let mut game = Game::new(plan.shell, Box::new(claude));
    if plan.kind != Kind::Kill {
        return trouble::play(game, plan);
    }
    if plan.moment == Moment::Starting {
        game.enter("cckw claude");
    } else {
        game.begin("cckw claude");
        if plan.moment == Moment::MidTurn {
            game.submit_long();
        }
        if !plan.attached {
            game.detach();
        }
    }
    for (at, strike) in plan.strikes.iter().enumerate() {
        if at > 0 && !plan.attached && plan.strikes[at - 1].victim == Victim::Host {
            // Until all of it is gone it counts as one that comes, which no command replaces.
            let locks = || game.sandbox().locks_are_free();
            wait_until("the end of the host's lock", DEADLINE, locks);
            game.enter("cckw list");
        }
        game.strike(strike);
    }
    let struck = Instant::now();
    if game.never_began(plan) {
        game.leave();
        return game.outcome(false, Duration::ZERO, false, None);
    }
    game.claude.release();
    let by_hand = game.come_back(0);
    let back_after = struck.elapsed();
    assert!(!by_hand || plan.needs_a_hand(), "it was not brought back by itself\n{}", game.report());
    let said = plan.moment != Moment::Starting;
    game.check(said, said);
    game.finish();
    game.outcome(true, back_after, by_hand, None)
}

/// The processes that this one has started and that are still its own.
fn children(pid: i32) -> Vec<i32> {
    let text = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    text.split_whitespace().filter_map(|pid| pid.parse().ok()).collect()
}

/// How long a process was on a core so far, and how often, as the system counts it.
fn time_on_a_core(pid: i32) -> String {
    fs::read_to_string(format!("/proc/{pid}/schedstat"))
        .map(|text| text.split_whitespace().nth(2).unwrap_or_default().to_owned())
        .unwrap_or_default()
}

/// A shell on a new terminal, and how the terminal is at its first prompt.
fn open(name: &str, sandbox: &Sandbox) -> (Terminal, (Modes, nix::sys::termios::Termios)) {
    let mut shell = Terminal::shell(name, sandbox);
    if name != "dash" {
        // The last thing that a line editor does before it reads.
        shell.wait_for_modes("the line editor", |modes| modes.is_on(2004));
    }
    let manners = shell.manners();
    (shell, manners)
}

struct Game {
    /// Before the sandbox that it has: what ran in there goes first.
    shell: Terminal,
    claude: Box<dyn Claude>,
    shell_name: &'static str,
    manners: (Modes, nix::sys::termios::Termios),
    /// How many commands were entered; the shell says the number when one has ended.
    commands: usize,
    /// Processes that cannot be those that are waited for.
    gone: BTreeSet<i32>,
    /// How much time on a core the client had had when its host was killed.
    client_had: Option<(i32, String)>,
    left_as_it_was: bool,
    /// Client and host were killed in one moment, so the terminal may be left as claude had it.
    killed_together: bool,
}

impl Game {
    fn new(name: &'static str, claude: Box<dyn Claude>) -> Self {
        let (shell, manners) = open(name, claude.sandbox());
        Self {
            shell,
            claude,
            shell_name: name,
            manners,
            commands: 0,
            gone: BTreeSet::new(),
            client_had: None,
            left_as_it_was: false,
            killed_together: false,
        }
    }

    fn sandbox(&self) -> &Sandbox {
        self.claude.sandbox()
    }

    fn outcome(&self, began: bool, back_after: Duration, by_hand: bool, lost: Option<u64>) -> Outcome {
        Outcome { began, back_after, by_hand, lost, left_as_it_was: self.left_as_it_was }
    }

    // ---- the user's hands ----

    fn enter(&mut self, command: &str) {
        self.commands += 1;
        self.shell.run(&format!("{command}; echo end-{}=$?", self.commands));
    }

    /// Whether the command that was entered last has ended. The screen need not show it: the shell was faster
    /// than the host, say, and has written to the screen that claude used.
    fn has_ended(&self) -> bool {
        let mark = format!("end-{}=", self.commands);
        let output = self.shell.output();
        let tail = String::from_utf8_lossy(&output[output.len().saturating_sub(1 << 16)..]);
        tail.split(&mark).skip(1).any(|rest| rest.starts_with(|digit: char| digit.is_ascii_digit()))
    }

    /// Waits until the shell has the terminal again, as it was. A screen that claude has left may be in the
    /// way of the prompt; a user presses Enter then.
    fn back_at_shell(&mut self) {
        let ended = self.until(|game| game.has_ended());
        assert!(ended, "the command does not end\n{}", self.report());
        let deadline = Instant::now() + DEADLINE;
        let mut pressed = 0;
        // Not before the shell rests: zsh does not set the terminal up while something is typed ahead. A host
        // that undoes its modes after the prompt was shown takes the shell's bracketed paste too, until the
        // next.
        loop {
            let screen = self.shell.wait_for_rest(REST, |screen| screen.cursor);
            if screen.cursor_row() == PROMPT.trim_end() && screen.modes == self.manners.0 {
                break;
            }
            // A prompt that was written before the attributes were back does not begin at the left; the next
            // one does. In raw mode Enter is not the end of a line.
            let before: String = screen.cursor_row().chars().take(screen.cursor.1.into()).collect();
            let is_prompt = before.trim_end().ends_with(PROMPT.trim_end());
            if self.killed_together && is_prompt && pressed >= ENTERS_BEFORE_RESET {
                self.reset();
                continue;
            }
            assert!(Instant::now() < deadline, "there is no prompt\n{}", self.report());
            self.shell.press(Key::Enter);
            pressed += 1;
        }
        self.shell.wait_for_manners(&self.manners);
    }

    /// Nobody was left to undo what claude had switched on. A user types `reset`, which is this.
    fn reset(&mut self) {
        self.left_as_it_was = true;
        let mut options = fs::File::options();
        let tty = options.read(true).write(true).custom_flags(libc::O_NOCTTY).open(self.shell.path());
        let tty = tty.expect("the terminal");
        tcsetattr(&tty, SetArg::TCSANOW, &self.manners.1).expect("its attributes");
        self.shell.press(Key::Enter);
        self.shell.run("printf '\\033c'");
        self.shell.wait_for_prompt();
    }

    /// Whether `condition` comes true in time. Looked at a few times in a hundredth of a second: the cores
    /// are for the session.
    fn until(&self, condition: impl Fn(&Self) -> bool) -> bool {
        let deadline = Instant::now() + DEADLINE;
        while !condition(self) {
            if Instant::now() >= deadline {
                return false;
            }
            thread::park_timeout(Duration::from_millis(4));
        }
        true
    }

    /// Starts a session in which something is said.
    fn begin(&mut self, command: &str) {
        self.enter(command);
        self.claude.at_prompt(&mut self.shell);
        self.say(FIRST);
    }

    fn say(&mut self, words: &str) {
        self.claude.submit(&mut self.shell, words);
        self.is_answered(words);
    }

    /// Waits for the answer to what was submitted, on the screen and on disk.
    fn is_answered(&mut self, words: &str) {
        let reply = self.claude.reply(words);
        self.shell.wait_for_text(&reply);
        self.is_written(words);
    }

    /// Waits for the answer on disk.
    fn is_written(&self, words: &str) {
        let reply = self.claude.reply(words);
        let answered = |text: String| text.split_once(words).is_some_and(|(_, rest)| rest.contains(&reply));
        let written = self.until(|game| answered(game.written()));
        assert!(written, "the reply to {words:?} is not on disk\n{}", self.report());
        self.sandbox().wait_for_record("an idle claude", |record| record.text("status") == "idle");
    }

    /// Submits something whose answer takes long.
    fn submit_long(&mut self) {
        let words = self.claude.long();
        self.claude.submit(&mut self.shell, words);
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
            let claudes: Vec<i32> =
                self.sandbox().records().iter().filter_map(|record| record.pid("claude_pid")).collect();
            self.gone.extend(claudes);
            self.gone.extend(process::children(victim));
            self.client_had = self.running(Victim::Client).map(|client| (client, time_on_a_core(client)));
        }
        if strike.victim == Victim::Client
            && let Some((client, had)) = self.client_had.take()
        {
            // It has not even begun to find out that its host is gone, or could not.
            let had_no_time = had == time_on_a_core(client);
            self.killed_together = client == victim && (had_no_time || strike.delay < TOGETHER);
        }
        process::signal(victim, Signal::SIGKILL);
        self.gone.insert(victim);
        // No longer: the others of its threads are a part of the game.
        wait_until("the end of the victim", DEADLINE, || process::first_thread_has_ended(victim));
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
            .sandbox()
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
        let is_job = || process::stat(pid).is_some_and(|stat| stat.parent == self.shell.pid());
        match role {
            Victim::Claude => program == self.claude.program() && !is_job(),
            Victim::Host => program == "cckw" && word(1) == "host",
            // It is listed as `claude` from the moment at which there is something to keep.
            Victim::Client => {
                let is_client = program == "cckw" && matches!(word(1), "claude" | "attach");
                (is_client || program == "claude") && is_job()
            }
        }
    }

    // ---- what must be true ----

    /// Whether the kill came before there was anything to keep. Then nothing is left but the shell, and the
    /// terminal is its.
    fn never_began(&mut self, plan: &Plan) -> bool {
        if plan.moment != Moment::Starting || plan.victim() == Victim::Claude {
            return false;
        }
        if plan.victim() == Victim::Client {
            self.back_at_shell();
        }
        let is_up = |record: &Record| std::os::unix::net::UnixStream::connect(record.text("socket")).is_ok();
        wait_until("a session, or nothing", DEADLINE, || {
            let alone = self.sandbox().processes() == [self.shell.pid()];
            alone || self.sandbox().records().iter().any(is_up)
        });
        let never = self.sandbox().records().is_empty();
        if never {
            self.back_at_shell();
        }
        never
    }

    /// Does what a user would, until claude is there again. Whether it took `cckw start`. `tried` is 1 where
    /// `cckw attach` was entered before.
    fn come_back(&mut self, mut tried: u32) -> bool {
        loop {
            let there = self.until(|game| game.is_back() || game.has_ended());
            assert!(there, "claude does not come back\n{}", self.report());
            if !self.has_ended() {
                break;
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
        let records = self.sandbox().records();
        assert!(records.len() <= 1, "more than one session: {records:?}");
        let Some(record) = records.first() else { return false };
        let lives = |pid: i32| !self.gone.contains(&pid) && process::runs(pid);
        record.text("status") == "idle"
            && ["host_pid", "client_pid", "claude_pid"].iter().all(|key| record.pid(key).is_some_and(lives))
            && self.shell.screen().cursor_row().starts_with('❯')
    }

    /// That it is the same conversation, with all that was said in it, and that it goes on.
    /// `said` is whether something was said before, `shown` whether the terminal must still have it.
    fn check(&mut self, said: bool, shown: bool) {
        let record = self.record();
        let session = record.text("session").to_owned();
        assert_eq!(record.text("conversation"), session, "another conversation\n{}", self.report());
        assert_eq!(record.json["conversations"], serde_json::json!([session]));
        let pid = record.pid("claude_pid").expect("a claude");
        let state = self.sandbox().path(format!("home/.claude/sessions/{pid}.json"));
        let state: serde_json::Value =
            serde_json::from_slice(&fs::read(state).expect("a state file")).expect("JSON");
        assert_eq!(state["sessionId"], session.as_str());
        let first = self.claude.reply(FIRST);
        if shown {
            let drawn = |game: &Self| game.shell.history().iter().any(|row| row.contains(&first));
            assert!(self.until(drawn), "{}", self.report());
        }
        self.say(LAST);
        let written = self.written();
        let kept = written.contains(FIRST) && written.contains(&first);
        assert!(!said || kept, "lost: {written}");
        let files = self.transcripts();
        assert_eq!(files.len(), 1, "{files:?}");
        assert!(files[0].ends_with(format!("{session}.jsonl")), "{files:?}");
    }

    /// Ends claude and the shell; nothing may be left.
    fn finish(&mut self) {
        self.claude.submit(&mut self.shell, "/exit");
        self.back_at_shell();
        let mark = format!("end-{}=0", self.commands);
        assert!(self.shell.history().iter().any(|row| row.contains(&mark)), "{}", self.report());
        assert_eq!(self.record().text("state"), "stopped");
        self.leave();
    }

    fn leave(&mut self) {
        self.shell.type_text("exit\r");
        self.shell.finish();
        self.sandbox().wait_for_silence();
        // A host that was killed on its way may leave its socket, but never a second one.
        let sockets = self.sandbox().sockets();
        assert!(sockets.is_empty(), "{sockets:?}");
    }

    // ---- what there is to see ----

    fn record(&self) -> Record {
        let mut records = self.sandbox().records();
        assert_eq!(records.len(), 1, "{records:?}");
        records.remove(0)
    }

    fn transcripts(&self) -> Vec<PathBuf> {
        let below =
            |path: PathBuf| fs::read_dir(path).into_iter().flatten().flatten().map(|entry| entry.path());
        let is_one = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "jsonl");
        below(self.sandbox().path("home/.claude/projects")).flat_map(below).filter(is_one).collect()
    }

    /// All that stands in the transcripts.
    fn written(&self) -> String {
        self.transcripts().iter().filter_map(|path| fs::read_to_string(path).ok()).collect()
    }

    fn report(&self) -> String {
        let mut text = self.shell.report();
        // What a command has said may be gone from the screen by now.
        let output = String::from_utf8_lossy(&self.shell.output()).into_owned();
        for line in output.lines().filter(|line| line.contains("cckw")) {
            text.push_str(&format!("\n---- said: {}", line.escape_debug()));
        }
        for record in self.sandbox().records() {
            let log = fs::read_to_string(record.path.with_file_name("events.jsonl")).unwrap_or_default();
            text.push_str(&format!("\n---- record: {}\n---- log:\n{log}", record.json));
        }
        for pid in self.sandbox().processes() {
            text.push_str(&format!("---- process {pid} {:?}\n", process::arguments(pid)));
        }
        text
    }
}
