//! One round: something happens to the link, and all that comes of it is looked at.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use super::plan::{Fault, Moment, Outcome, Plan, State};
use super::prompt::draft;
use super::session::Session;
use super::support::{Key, process};

/// A claude that connects.
const CONNECTS: &str = "^/v1/code/sessions(/[^/]*/bridge)?$";
/// What claude says when it connects no more.
const THIRD_STRIKE: &str = "disabled after repeated failures";
/// What claude advises where that helps.
const ADVICE: &str = "run /remote-control";
/// How long the user goes on typing after a failure, in a round in which the user types.
const TYPES_ON: Duration = Duration::from_secs(3);
/// The most characters that the user types then: one row of the narrowest window.
const MOST_TYPED: usize = 20;

/// What came of a round.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// What had to become of the link, by what claude said.
    pub expected: Option<Outcome>,
    /// From the failure to the link, where nothing of the user's came between.
    pub took: Option<Duration>,
    /// claude was restarted by cckw.
    pub restarted: bool,
    /// The session cannot be used any more.
    pub worn: bool,
    pub problems: Vec<Problem>,
}

/// What must not be.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Problem {
    /// A link that claude advises to bring back is not back.
    NotBack(String),
    /// Something was typed although the link is the user's.
    Stolen(String),
    /// claude connects no more.
    ThirdStrike(String),
    /// What the user typed did not arrive, or not as it was typed.
    Keys(String),
    /// Something reached the model that the user did not send.
    Submitted(String),
    /// claude said something else than was expected of this version.
    Unexpected(String),
}

struct Round<'a> {
    session: &'a mut Session,
    plan: &'a Plan,
    report: Report,
    /// What stands at the prompt, by the user's keys.
    held: String,
    /// How much there was before.
    notices: usize,
    log: usize,
    prompts: usize,
    failed_at: Option<Instant>,
    /// The keys of the plan's moment were typed.
    has_typed: bool,
    /// The main prompt has the keyboard.
    at_prompt: bool,
}

/// Plays a round in a session that is at the empty prompt.
pub fn play(session: &mut Session, plan: &Plan) -> Report {
    session.link();
    session.resize(plan.size);
    session.submitted.clear();
    let (notices, log) = (session.notices().len(), session.log().len());
    let prompts = session.prompts().len();
    let held = session.enter(plan.state, &format!("t{}", plan.round));
    session.slow(true);
    let mut round = Round {
        session,
        plan,
        report: Report::default(),
        held,
        notices,
        log,
        prompts,
        failed_at: None,
        has_typed: plan.moment == Moment::Never,
        at_prompt: plan.state.is_safe(),
    };
    round.play();
    round.compare();
    let mut report = round.report;
    report.worn = !report.problems.is_empty();
    session.slow(false);
    report
}

impl Round<'_> {
    fn play(&mut self) {
        match self.plan.fault {
            Fault::Killed | Fault::KilledOffline => return self.killed(),
            Fault::Drop => drop(self.session.bed.order(&json!(["drop"]))),
            Fault::Refuse(seconds) => {
                self.session.refuse();
                self.live(Duration::from_secs(seconds));
            }
            Fault::Silent(seconds) => {
                self.session.bed.order(&json!(["silent"]));
                self.live(Duration::from_secs(seconds));
            }
            Fault::Freeze(seconds) => {
                self.session.bed.order(&json!(["freeze"]));
                self.live(Duration::from_secs(seconds));
            }
            Fault::Unauthorized => self.answer_and_drop("*", "^/v1/code/sessions/[^/]*/worker", 401),
            Fault::Forbidden => self.answer_and_drop("GET", "/worker/events/stream$", 403),
            Fault::NotFound => self.answer_and_drop("GET", "/worker/events/stream$", 404),
            Fault::Stale => self.end("stale"),
            Fault::FailedConnects(_) => {
                self.answer("POST", CONNECTS, 500);
                self.end("stale");
            }
            Fault::Outage(_) => self.end("stale"),
            Fault::TakenOver => self.end("taken-over"),
            Fault::Archived => self.end("archived"),
            Fault::Moved => self.end("moved"),
        }
        if matches!(self.plan.fault, Fault::Drop | Fault::Refuse(_) | Fault::Silent(_) | Fault::Freeze(_)) {
            return self.mended_by_claude();
        }
        let patience = self.session.patience(150);
        let notice = self.await_notice(patience);
        self.failed_at = Some(Instant::now());
        let Some(notice) = notice else {
            let trouble = format!("no notice\n{}", self.known());
            return self.problem(Problem::Unexpected(trouble));
        };
        match self.plan.fault {
            Fault::Outage(seconds) => {
                self.session.refuse();
                self.live(Duration::from_secs(seconds));
                self.session.mend();
            }
            Fault::FailedConnects(_) => {}
            _ => self.session.mend(),
        }
        self.go_on();
        let users = matches!(self.plan.fault, Fault::TakenOver | Fault::Archived | Fault::Moved);
        if users == notice.contains(ADVICE) {
            self.problem(Problem::Unexpected(notice.clone()));
        }
        match self.plan.fault {
            _ if !notice.contains(ADVICE) => self.left_alone(),
            Fault::FailedConnects(count) => self.after_failed_connects(count),
            Fault::Outage(_) => self.after_outage(),
            _ => self.brought_back(),
        }
    }

    fn problem(&mut self, problem: Problem) {
        self.report.problems.push(problem);
    }

    fn answer(&mut self, method: &str, pattern: &str, status: u16) {
        self.session.bed.order(&json!(["answer", method, pattern, status, null]));
    }

    fn answer_and_drop(&mut self, method: &str, pattern: &str, status: u16) {
        self.answer(method, pattern, status);
        self.session.bed.order(&json!(["drop"]));
    }

    fn end(&mut self, how: &str) {
        self.session.bed.order(&json!(["end", how]));
    }

    // ---- what there is to know ----

    fn events(&self) -> Vec<Value> {
        self.session.log().split_off(self.log)
    }

    fn count(&self, event: &str) -> usize {
        self.events().iter().filter(|line| line["event"] == event).count()
    }

    fn new_notices(&self) -> Vec<String> {
        self.session.notices().split_off(self.notices)
    }

    /// Everything, for a round that failed.
    fn known(&self) -> String {
        let events: Vec<String> = self
            .events()
            .iter()
            .map(|line| format!("{} {} {}", line["at"], line["event"], line["what"]))
            .collect();
        let services = self.session.bed.order(&json!(["state"]));
        format!(
            "{}\nnotices: {:#?}\nservices: {services}\nrecord: {}\nstate file: {:?}\n{}",
            events.join("\n"),
            self.new_notices(),
            self.session.bed.remote(),
            self.session.bed.place.states(),
            self.session.terminal.report()
        )
    }

    // ---- time passes ----

    /// What the user does meanwhile.
    fn live(&mut self, time: Duration) {
        self.live_until(time, |_| false);
    }

    /// The same until something holds; false after that time.
    fn live_until(&mut self, time: Duration, condition: impl Fn(&mut Self) -> bool) -> bool {
        let end = Instant::now() + time;
        let mut next_key = Instant::now();
        loop {
            if condition(self) {
                return true;
            }
            let now = Instant::now();
            if now >= end {
                return false;
            }
            let types_on = self.failed_at.is_none_or(|failed| now < failed + TYPES_ON);
            if self.plan.state == State::Typing && types_on && now >= next_key {
                self.type_one();
                next_key = now + Duration::from_millis(150);
            }
            self.type_at_moment();
            std::thread::sleep(Duration::from_millis(25));
        }
    }

    /// One key of a user who goes on typing: a letter, or the last one is deleted.
    fn type_one(&mut self) {
        if self.held.len() < MOST_TYPED {
            let letter = char::from(b'a' + (self.held.len() % 26) as u8);
            self.held.push(letter);
            self.session.terminal.type_text(&letter.to_string());
        } else {
            self.held.pop();
            self.session.terminal.press(Key::Backspace);
        }
    }

    /// What the plan has the user type, if its moment has come.
    fn type_at_moment(&mut self) {
        let due = match self.plan.moment {
            _ if self.has_typed => false,
            Moment::Never => false,
            Moment::After(time) => self.failed_at.is_some_and(|failed| failed.elapsed() >= time),
            Moment::Midway(_) => self.count("remote-typing") > 0,
        };
        if due && self.at_prompt {
            self.type_now();
        }
    }

    fn type_now(&mut self) {
        if std::mem::replace(&mut self.has_typed, true) {
            return;
        }
        if let Moment::Midway(time) = self.plan.moment {
            std::thread::sleep(time);
        }
        let keys = self.plan.keys.clone();
        self.session.keys(&keys);
        self.held.push_str(&keys);
        if self.plan.enter {
            std::thread::sleep(Duration::from_millis(70));
            self.session.terminal.press(Key::Enter);
            let text = std::mem::take(&mut self.held);
            self.session.submitted.push(text);
        }
    }

    fn await_notice(&mut self, time: Duration) -> Option<String> {
        self.live_until(time, |round| !round.new_notices().is_empty());
        self.new_notices().pop()
    }

    /// After the failure: a state in which nothing may be typed goes on for a while.
    fn go_on(&mut self) {
        let state = self.plan.state;
        if !state.is_safe() {
            self.live(self.plan.dwell);
            if self.count("remote-typing") > 0 {
                let trouble = format!("in: {state}\n{}", self.known());
                self.problem(Problem::Submitted(trouble));
            }
            // A slow claude would take two of the user's Esc for another command.
            self.session.slow(false);
            self.session.leave(state);
            self.session.slow(true);
            self.at_prompt = true;
        }
    }

    // ---- what has to become of it ----

    fn mended_by_claude(&mut self) {
        self.session.mend();
        let patience = self.session.patience(120);
        let linked = |round: &mut Self| round.session.bed.is_linked() || !round.new_notices().is_empty();
        self.live_until(patience, linked);
        self.failed_at = Some(Instant::now());
        if let Some(notice) = self.new_notices().pop() {
            self.go_on();
            return if notice.contains(ADVICE) { self.brought_back() } else { self.left_alone() };
        }
        self.report.expected = Some(Outcome::ClaudeMends);
        self.go_on();
        self.live(self.plan.dwell);
        if !self.session.bed.is_linked() {
            let trouble = self.known();
            self.problem(Problem::NotBack(trouble));
        }
        if self.count("remote-typing") > 0 && self.new_notices().is_empty() {
            let trouble = self.known();
            self.problem(Problem::Stolen(trouble));
        }
    }

    fn is_back(&mut self) -> bool {
        self.session.bed.is_linked()
            && self.session.file_names_bridge()
            && self.session.bed.remote()["state"] == "connected"
    }

    fn brought_back(&mut self) {
        self.report.expected = Some(Outcome::BroughtBack);
        let patience = self.session.patience(if self.plan.setup.defaults { 120 } else { 90 });
        if !self.live_until(patience, Self::is_back) {
            let trouble = self.known();
            return self.problem(Problem::NotBack(trouble));
        }
        let undisturbed = matches!(self.plan.state, State::Idle | State::Draft | State::Detached)
            && self.plan.moment == Moment::Never;
        self.report.took = self.failed_at.filter(|_| undisturbed).map(|failed| failed.elapsed());
    }

    fn left_alone(&mut self) {
        self.report.expected = Some(Outcome::LeftAlone);
        let connects = self.session.bed.connects();
        let patience = self.session.patience(40);
        self.live_until(patience, |round| {
            !round.session.file_names_bridge() && round.session.bed.remote()["state"] != "connected"
        });
        self.live(Duration::from_secs(2) + self.plan.dwell);
        if self.count("remote-typing") > 0 || self.session.bed.connects() != connects {
            let trouble = self.known();
            self.problem(Problem::Stolen(trouble));
        }
        if self.session.bed.remote()["state"] != "disconnected" || self.count("remote-gave-up") == 0 {
            let trouble = format!("it does not say that the link is left alone\n{}", self.known());
            self.problem(Problem::Unexpected(trouble));
        }
    }

    /// Waits until cckw says that only a restart helps, or has asked for one.
    fn await_restart_words(&mut self, time: Duration) -> bool {
        self.live_until(time, |round| {
            let is = |line: &Value| {
                let told = line["what"].as_str().is_some_and(|what| what.contains("only a restart"));
                line["event"] == "remote-gave-up" && told || line["event"] == "remote-restart"
            };
            round.events().iter().any(is)
        })
    }

    /// The connection works again, and whether it is to come back by itself depends on the setting.
    fn restart_or_not(&mut self) {
        self.report.expected = Some(Outcome::NeedsRestart);
        self.session.mend();
        if self.plan.setup.restart {
            self.report.restarted = true;
            let patience = self.session.patience(150);
            // A draft of the user's would be lost with the claude that ends: for that cckw waits.
            if !self.live_until(patience, |round| !round.held.is_empty() || round.is_back()) {
                let trouble = self.known();
                self.problem(Problem::NotBack(trouble));
            }
        } else {
            self.live(self.plan.dwell);
        }
    }

    fn after_failed_connects(&mut self, count: u32) {
        let patience = self.session.patience(120);
        let failed = |round: &mut Self| round.count("remote-failed") >= 1;
        if !self.live_until(patience, failed) {
            let trouble = self.known();
            return self.problem(Problem::NotBack(trouble));
        }
        if count == 1 {
            self.session.mend();
            return self.brought_back();
        }
        if !self.await_restart_words(patience) {
            let trouble = format!("no word of a restart\n{}", self.known());
            self.problem(Problem::Unexpected(trouble));
        }
        self.restart_or_not();
    }

    fn after_outage(&mut self) {
        let patience = self.session.patience(120);
        let over = |round: &mut Self| {
            round.is_back()
                || round
                    .events()
                    .iter()
                    .any(|line| matches!(line["event"].as_str(), Some("remote-gave-up" | "remote-restart")))
        };
        if !self.live_until(patience, over) {
            let trouble = self.known();
            return self.problem(Problem::NotBack(trouble));
        }
        if self.is_back() {
            self.report.expected = Some(Outcome::BroughtBack);
            return;
        }
        if !self.await_restart_words(Duration::ZERO) {
            let trouble = format!("no word of a restart\n{}", self.known());
            self.problem(Problem::Unexpected(trouble));
        }
        self.restart_or_not();
    }

    fn killed(&mut self) {
        let offline = self.plan.fault == Fault::KilledOffline;
        if offline {
            self.session.refuse();
        }
        let claude = self.session.record().pid("claude_pid").expect("a claude");
        process::signal(claude, Signal::SIGKILL);
        // What stood at its prompt is gone with it.
        self.held.clear();
        let another = move |round: &mut Self| {
            let now = round.session.record().pid("claude_pid");
            now.is_some_and(|now| now != claude)
        };
        assert!(self.live_until(Duration::from_secs(60), another), "no other claude\n{}", self.known());
        self.failed_at = Some(Instant::now());
        if !offline {
            self.report.expected = Some(Outcome::BroughtBack);
            if !self.live_until(Duration::from_secs(120), Self::is_back) {
                let trouble = self.known();
                self.problem(Problem::NotBack(trouble));
            }
            return;
        }
        if !self.await_restart_words(Duration::from_secs(180)) {
            let trouble = format!("no word of a restart\n{}", self.known());
            self.problem(Problem::Unexpected(trouble));
        }
        self.restart_or_not();
    }

    // ---- what must not be ----

    fn compare(&mut self) {
        self.session.leave_detached(self.plan.state);
        self.type_now();
        // A turn of the user's last prompt ends first.
        let arrived = |session: &mut Session| {
            let prompts = session.prompts();
            session.submitted.iter().all(|text| prompts.iter().any(|prompt| prompt == text.trim()))
        };
        let patience = self.session.patience(30);
        if !self.session.within(patience, arrived) {
            let trouble = format!(
                "{:?} is not among {:?}\n{}",
                self.session.submitted,
                self.session.prompts().split_off(self.prompts),
                self.known()
            );
            self.problem(Problem::Keys(trouble));
        }
        for prompt in self.session.prompts().split_off(self.prompts) {
            if !self.session.submitted.iter().any(|text| text.trim() == prompt) {
                let trouble = format!("{prompt:?}\n{}", self.known());
                self.problem(Problem::Submitted(trouble));
            }
        }
        let entered = self.count("remote-entering");
        let answers = ["remote-not-yet", "remote-failed", "remote-back", "remote-was-up"];
        let answered: usize = answers.iter().map(|answer| self.count(answer)).sum();
        if entered > answered.max(1) {
            let trouble = format!("Enter was pressed {entered} times\n{}", self.known());
            self.problem(Problem::Submitted(trouble));
        }
        let held = self.held.clone();
        let wanted =
            move |session: &mut Session| draft(&session.terminal.screen()).as_deref() == Some(held.trim());
        let patience = self.session.patience(30);
        if !self.report.restarted && !self.session.within(patience, wanted) {
            let trouble = format!("wanted {:?}\n{}", self.held, self.known());
            self.problem(Problem::Keys(trouble));
        }
        if self.new_notices().iter().any(|notice| notice.contains(THIRD_STRIKE)) {
            let trouble = self.known();
            self.problem(Problem::ThirdStrike(trouble));
        }
    }
}

impl Session {
    /// A terminal again, where there was none.
    fn leave_detached(&mut self, state: State) {
        if state == State::Detached {
            self.attach();
        }
    }
}
