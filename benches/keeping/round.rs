//! One round: the link is asked for somewhere, and everything that comes of it is looked at.

use std::io::Read;
use std::process::Child;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::evidence::Evidence;
use super::plan::{Moment, Plan, Presence, State};
use super::prompt::draft;
use super::session::{Session, holds, pause};
use super::support::{DEADLINE, Key, wait_until};

/// The end of claude's answer to somebody without a subscription. Of the rest a small window may show
/// nothing.
const REFUSAL: &str = "instead.";
/// What became of a command whose answer was not seen.
const UNANSWERED: &str = "claude did not answer in time";
/// How long the keeper may take to serve a request that nothing stands against.
const SERVICE: Duration = Duration::from_secs(40);

/// What came of a round.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Why nothing was typed at first, where that was so.
    pub refused: Option<String>,
    /// The command was submitted, and the answer read.
    pub served: bool,
    /// The command was submitted, and the list that the draft opens covers the answer.
    pub covered: bool,
    /// The session cannot be used any more.
    pub worn: bool,
    pub problems: Vec<Problem>,
}

/// What must not be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// Something was submitted, made or set that did not come from the user's keys.
    Wrong(String),
    /// What the user typed did not arrive, or not in order.
    Keys(String),
    /// The draft is not what it was.
    Draft(String),
    /// A safe state in which the link was not asked for.
    Unserved(String),
    /// The state is not what it was.
    Moved(String),
}

struct Round<'a> {
    session: &'a mut Session,
    plan: &'a Plan,
    outcome: Outcome,
    /// How many lines the log had before.
    log_before: usize,
}

/// Plays a round in a session that is at the empty prompt.
pub fn play(session: &mut Session, plan: &Plan) -> Outcome {
    session.resize(plan.size);
    let submitted = std::mem::take(&mut session.submitted);
    session.submitted_before.extend(submitted);
    let before = Evidence::take(session);
    let log_before = session.log().len();
    let token = format!("t{}", plan.round);
    session.enter(plan.state, &token);
    let mut round = Round { session, plan, outcome: Outcome::default(), log_before };
    round.play();
    let Round { session, mut outcome, .. } = round;
    let made_jobs = plan.state == State::Agents;
    let after = Evidence::take(session);
    outcome.problems.extend(before.wrongs(&after, session, made_jobs).into_iter().map(Problem::Wrong));
    outcome.worn |= plan.state.wears_out() || !outcome.problems.is_empty() || !session.clear();
    outcome
}

impl Round<'_> {
    fn play(&mut self) {
        let held = draft(&self.session.terminal.screen()).unwrap_or_default();
        let insert = self.session.terminal.screen().contains("-- INSERT --");
        if matches!(self.plan.presence, Presence::Away | Presence::Returns) {
            self.session.detach();
        }
        let mut verb = if self.plan.verb { Some(self.session.run_verb()) } else { None };
        if verb.is_none() {
            self.session.request();
        }
        let typed =
            if self.plan.state.is_safe() { self.safe(&held) } else { self.unsafe_state(verb.as_mut()) };
        self.look_at_log();
        if let Some(verb) = verb {
            self.finish(verb);
        }
        if self.plan.state.is_safe() {
            self.compare(&held, &typed, insert);
        }
    }

    fn events(&self) -> Vec<Value> {
        self.session.log().split_off(self.log_before)
    }

    fn count(&self, event: &str) -> usize {
        self.events().iter().filter(|line| line["event"] == event).count()
    }

    fn is_typing(&self) -> bool {
        self.count("remote-typing") > 0
    }

    fn wait_for_typing(&mut self) -> bool {
        let end = Instant::now() + SERVICE;
        wait_until("the command is typed", SERVICE * 2, || self.is_typing() || Instant::now() > end);
        self.is_typing()
    }

    fn wait_for_service(&mut self) {
        let end = Instant::now() + SERVICE;
        let over = |round: &Self| {
            let over = ["remote-failed", "remote-request-over"].iter().any(|event| round.count(event) > 0);
            let left_behind = round.count("remote-left-behind") > round.count("remote-tidied");
            // The record is written after the log.
            over && !left_behind && round.session.record().json["remote"]["state"] != "reconnecting"
        };
        wait_until("the end of it", SERVICE * 2, || over(self) || Instant::now() > end);
        let events = self.events();
        let refused = |line: &Value| {
            line["event"] == "remote-refused"
                && line["what"].as_str().is_some_and(|what| what.contains(REFUSAL))
        };
        let record = self.session.record();
        let remote = &record.json["remote"];
        self.outcome.served = events.iter().any(refused) && remote["state"] == "unavailable";
        // On the alternate screen a list takes up to five rows of a conversation that fills the window.
        let has_list =
            matches!(self.plan.state, State::SlashMenu | State::FileMenu) && self.plan.setup.fullscreen;
        let unread = remote["last_try"]["outcome"] == UNANSWERED && self.count("remote-submitted") == 1;
        self.outcome.covered = !self.outcome.served && has_list && unread;
        if !self.outcome.served && !self.outcome.covered {
            let events: Vec<String> =
                events.iter().map(|line| format!("{} {}", line["event"], line["what"])).collect();
            let screen = self.session.terminal.screen().text();
            let trouble = format!("{}; {}; {screen}", events.join(", "), remote["reasons"]);
            self.outcome.problems.push(Problem::Unserved(trouble));
        }
    }

    /// At the main prompt. What the user has typed.
    fn safe(&mut self, held: &str) -> String {
        match self.plan.presence {
            Presence::Attached | Presence::Away => {}
            Presence::Returns => {
                if self.wait_for_typing() {
                    self.session.attach();
                }
            }
            Presence::Leaves => {
                if self.wait_for_typing() {
                    self.session.detach();
                }
            }
        }
        let begun = Instant::now();
        let typed = match self.plan.moment {
            Moment::Never => String::new(),
            Moment::After(time) => self.type_at(begun + time, held),
            Moment::Midway(time) => {
                self.wait_for_typing();
                self.type_at(Instant::now() + time, held)
            }
        };
        self.wait_for_service();
        if self.session.record().json["client_pid"].is_null() {
            self.session.attach();
        }
        typed
    }

    fn type_at(&mut self, at: Instant, held: &str) -> String {
        wait_until("the moment to type", DEADLINE, || Instant::now() >= at);
        let keys = self.plan.keys.clone();
        if self.plan.state.is_normal() {
            self.session.keys("A");
        }
        self.session.keys(&keys);
        if self.plan.enter {
            pause();
            self.session.terminal.press(Key::Enter);
            let text = match self.plan.state {
                // What claude sends for it is not what it shows, and a cursor within it is no matter here.
                State::Pasted | State::Inside | State::Lines => keys.clone(),
                _ => format!("{held}{keys}"),
            };
            self.session.submitted.push(text);
        }
        keys
    }

    /// Where nothing may be typed.
    fn unsafe_state(&mut self, mut verb: Option<&mut Child>) -> String {
        let state = self.plan.state;
        let why = |round: &Self| {
            let record = round.session.record();
            let reasons = record.json["remote"]["reasons"].as_array().cloned().unwrap_or_default();
            let why = reasons.iter().filter_map(Value::as_str).find_map(|reason| {
                reason
                    .strip_prefix("nothing is typed: ")
                    .filter(|why| !why.contains("rest"))
                    .map(str::to_owned)
            });
            why.filter(|why| !why.contains("keep is"))
        };
        let end = Instant::now() + Duration::from_secs(5);
        wait_until("a reason", DEADLINE, || {
            self.outcome.refused = why(self);
            let known = self.outcome.refused.is_some() || self.is_typing();
            // The verb does not ask where the state file stands against it.
            let ended =
                verb.as_mut().is_some_and(|verb| verb.try_wait().is_ok_and(|status| status.is_some()));
            known || ended || Instant::now() > end
        });
        if state == State::ExitAsked {
            self.session.terminal_or_attach();
            self.wait_for_service();
            return String::new();
        }
        let until = Instant::now() + self.plan.dwell;
        wait_until("the time to look again", DEADLINE, || Instant::now() >= until);
        if self.is_typing() {
            let trouble = format!("it was typed in: {state}");
            self.outcome.problems.push(Problem::Wrong(trouble));
        }
        self.session.terminal_or_attach();
        if !self.session.terminal.try_wait_for(|screen| holds(state, screen)) {
            self.outcome.problems.push(Problem::Moved(self.session.terminal.report()));
        }
        let requested = self.count("remote-requested") > 0;
        if self.outcome.refused.is_none() && !requested {
            self.outcome.refused = Some("the verb did not ask, for the state file's sake".into());
        }
        if self.session.leave(state) && requested {
            // The request still stands, and the moment for it has come.
            self.wait_for_service();
        }
        // What the user has queued, too.
        let arrived = |round: &Self| {
            let arrived = round.session.place.mock.arrived();
            let mut submitted = round.session.submitted.iter();
            submitted.all(|words| arrived.iter().any(|prompt| prompt.contains(words.as_str())))
        };
        let end = Instant::now() + Duration::from_secs(10);
        wait_until("the user's prompts", DEADLINE, || arrived(self) || Instant::now() > end);
        String::new()
    }

    /// It was submitted once at most.
    fn look_at_log(&mut self) {
        let entered = self.count("remote-entering");
        if entered > 1 {
            let trouble = format!("Enter was pressed {entered} times");
            self.outcome.problems.push(Problem::Wrong(trouble));
        }
    }

    fn finish(&mut self, mut verb: Child) {
        // A request that nothing came of is waited for long; the session is given up before that.
        if self.plan.state == State::Agents {
            let _ = verb.kill();
        }
        let status = verb.wait().expect("its end");
        let mut said = String::new();
        for pipe in [
            verb.stdout.take().map(|pipe| Box::new(pipe) as Box<dyn Read>),
            verb.stderr.take().map(|pipe| Box::new(pipe) as Box<dyn Read>),
        ] {
            pipe.expect("a pipe").read_to_string(&mut said).expect("what it said");
        }
        let told = status.code() == Some(2) && said.contains("FAILED") && said.contains(REFUSAL);
        let told = told || self.outcome.covered && said.contains(UNANSWERED);
        if self.plan.state.is_safe() && !told {
            self.outcome.problems.push(Problem::Unserved(format!("the verb ended with {status}: {said}")));
        }
        let left = said.lines().find(|line| line.contains("left alone ") || line.contains("skipped "));
        if let Some((_, reason)) = left.and_then(|line| line.split_once("pid=")?.1.split_once(": ")) {
            self.outcome.refused = Some(reason.to_owned());
        }
    }

    /// The draft is back, with what the user typed behind it (or where the cursor was).
    fn compare(&mut self, held: &str, typed: &str, insert: bool) {
        let mut wanted = format!("{held}{typed}");
        if self.plan.state == State::Inside && !typed.is_empty() {
            let at = held.len() - 3;
            wanted = format!("{}{typed}{}", &held[..at], &held[at..]);
        }
        if self.plan.enter {
            wanted.clear();
        }
        if self.session.terminal.try_wait_for(|screen| draft(screen).as_deref() == Some(&wanted)) {
            let normal = self.plan.state.is_normal();
            let screen = self.session.rest();
            if self.session.setup.vim && typed.is_empty() && screen.contains("-- INSERT --") != insert {
                self.outcome.problems.push(Problem::Moved(format!("normal mode before: {normal}")));
            }
            return;
        }
        let screen = self.session.rest();
        let found = draft(&screen).unwrap_or_else(|| screen.text());
        let trouble = format!("wanted {wanted:?}, found {found:?}");
        self.outcome.problems.push(if typed.is_empty() || !found.contains(typed) && found.contains(held) {
            if typed.is_empty() { Problem::Draft(trouble) } else { Problem::Keys(trouble) }
        } else {
            Problem::Draft(trouble)
        });
    }
}

impl Session {
    /// A terminal, whether there was one or not.
    fn terminal_or_attach(&mut self) {
        if self.record().json["client_pid"].is_null() {
            self.attach();
        }
    }
}
