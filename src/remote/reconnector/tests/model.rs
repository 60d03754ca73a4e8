//! A claude that takes its time and a user who does things, simulated: what comes of it is what would have
//! come of it without a reconnector, and the link is up.

use std::collections::VecDeque;
use std::time::Duration;

use proptest::prelude::*;

use super::super::{Action, File, Reconnector, ReconnectorEvent, ScreenSnapshot};
use super::{LINE, look, ms, prompt, seconds, state_file};
use crate::claude::screen::{Indicator, Panel, Prompt};
use crate::config::{ReconnectPolicy, RemoteControl};
use crate::typing::{KeyboardState, Keystroke};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ModelView {
    Main,
    Agents,
    Transcript,
    Panel,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum ModelLink {
    Off,
    Failed,
    Connecting(Duration),
    Up,
}

/// What a user presses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Press {
    Letter(char),
    Enter,
    Left,
    CtrlO,
    Escape,
}

#[derive(Debug, Clone)]
enum ModelInput {
    User(Press),
    Reconnector(Keystroke),
}

/// Claude, as far as a reconnector meets it.
#[derive(Debug, Clone)]
struct Claude {
    latency: Duration,
    inputs: VecDeque<(Duration, ModelInput)>,
    place: ModelView,
    /// The choice in the panel; the first one disconnects.
    selected: usize,
    text: String,
    agents_text: String,
    stash: Option<String>,
    link: ModelLink,
    /// The footer has room for the indicator.
    wide: bool,
    submitted: Vec<String>,
    jobs: Vec<String>,
}

impl Claude {
    fn deadline(&self) -> Option<Duration> {
        let connected = if let ModelLink::Connecting(at) = self.link { Some(at) } else { None };
        self.inputs.front().map(|(at, _)| *at).into_iter().chain(connected).min()
    }

    fn press(&mut self, at: Duration, input: ModelInput) {
        self.inputs.push_back((at + self.latency, input));
    }

    fn advance(&mut self, now: Duration) {
        if let ModelLink::Connecting(at) = self.link
            && at <= now
        {
            self.link = ModelLink::Up;
        }
        while self.inputs.front().is_some_and(|(at, _)| *at <= now) {
            let Some((_, input)) = self.inputs.pop_front() else { break };
            match input {
                ModelInput::User(press) => self.user(now, press),
                ModelInput::Reconnector(keys) => self.reconnector(now, keys),
            }
        }
    }

    fn user(&mut self, now: Duration, press: Press) {
        match (self.place, press) {
            (ModelView::Main, Press::Letter(letter)) => self.text.push(letter),
            (ModelView::Agents, Press::Letter(letter)) => self.agents_text.push(letter),
            (ModelView::Main, Press::Left) if self.text.is_empty() => self.place = ModelView::Agents,
            (ModelView::Main, Press::CtrlO) => self.place = ModelView::Transcript,
            (ModelView::Agents, Press::Escape) if !self.agents_text.is_empty() => self.agents_text.clear(),
            (ModelView::Agents | ModelView::Transcript | ModelView::Panel, Press::Escape) => {
                self.place = ModelView::Main
            }
            (_, Press::Enter) => self.enter(now),
            _ => {}
        }
    }

    fn enter(&mut self, now: Duration) {
        match self.place {
            ModelView::Agents if !self.agents_text.is_empty() => {
                self.jobs.push(std::mem::take(&mut self.agents_text));
            }
            ModelView::Agents => self.place = ModelView::Main,
            ModelView::Panel => {
                if self.selected == 0 {
                    self.link = ModelLink::Off;
                }
                self.place = ModelView::Main;
            }
            ModelView::Main if !self.text.is_empty() => {
                let text = std::mem::take(&mut self.text);
                if text != LINE {
                    self.submitted.push(text);
                } else if self.link == ModelLink::Up {
                    (self.place, self.selected) = (ModelView::Panel, 1);
                } else {
                    self.link = ModelLink::Connecting(now + ms(700));
                }
                self.text = self.stash.take().unwrap_or_default();
            }
            _ => {}
        }
    }

    fn reconnector(&mut self, now: Duration, keys: Keystroke) {
        match (self.place, keys) {
            (ModelView::Main, Keystroke::Stash) if self.text.is_empty() => {
                self.text = self.stash.take().unwrap_or_default();
            }
            (ModelView::Main, Keystroke::Stash) => self.stash = Some(std::mem::take(&mut self.text)),
            (ModelView::Main, Keystroke::Paste(line)) => self.text.push_str(&line),
            (ModelView::Agents, Keystroke::Paste(line)) => self.agents_text.push_str(&line),
            (ModelView::Main, Keystroke::Undo) if self.text.ends_with(LINE) => {
                self.text.truncate(self.text.len() - LINE.len());
            }
            (ModelView::Main | ModelView::Agents, Keystroke::Backspaces(count)) => {
                let text = if self.place == ModelView::Main { &mut self.text } else { &mut self.agents_text };
                text.truncate(text.len().saturating_sub(count));
            }
            (ModelView::Panel, Keystroke::Escape) => self.place = ModelView::Main,
            (ModelView::Panel, Keystroke::Up) => self.selected = 0,
            (ModelView::Panel, Keystroke::Down) => self.selected = 1,
            (_, Keystroke::Enter) => self.enter(now),
            _ => {}
        }
    }

    fn file(&self) -> File {
        let mut state = state_file(self.link == ModelLink::Up, "idle");
        state.parked_job_id = (self.place == ModelView::Agents).then(|| "job".into());
        if self.place == ModelView::Panel {
            state.status = Some("waiting".into());
            state.waiting_for = Some("dialog open".into());
        }
        File::of(&state)
    }

    fn look(&self) -> ScreenSnapshot {
        let (shown, before_cursor) = match self.place {
            ModelView::Main => (prompt(&self.text), &*self.text),
            ModelView::Agents => (Prompt::Elsewhere("the agents view is open"), &*self.agents_text),
            ModelView::Transcript => (Prompt::Elsewhere("the transcript view is open"), ""),
            ModelView::Panel => (Prompt::Elsewhere("the panel of remote control is open"), ""),
        };
        let indicator = match self.link {
            _ if !self.wide || self.place != ModelView::Main => Indicator::Absent,
            ModelLink::Off => Indicator::Absent,
            ModelLink::Failed => Indicator::Failed,
            ModelLink::Connecting(_) => Indicator::Connecting,
            ModelLink::Up => Indicator::Active,
        };
        let mut look = look(shown, indicator);
        look.line_before_cursor = before_cursor.ends_with(LINE);
        look.rested = self.inputs.is_empty();
        look.reading.stashed = self.stash.is_some() && self.place == ModelView::Main;
        look.reading.panel = (self.place == ModelView::Panel).then(|| Panel {
            items: vec!["Disconnect this session".into(), "Continue".into()],
            selected: self.selected,
            disconnect: Some(0),
            connected: true,
        });
        look
    }
}

/// A session, its user included.
pub(super) struct ModelSession {
    claude: Claude,
    reconnector: Reconnector,
    pub(super) now: Duration,
    file: Option<File>,
    held: Option<Vec<Press>>,
    typed_at: Option<Duration>,
    /// What the reconnector has typed, and when.
    pub(super) typed: Vec<(Duration, Keystroke)>,
}

impl ModelSession {
    pub(super) fn new(policy: ReconnectPolicy, latency: Duration, wide: bool, attached: bool) -> Self {
        let claude = Claude {
            latency,
            inputs: VecDeque::new(),
            place: ModelView::Main,
            selected: 1,
            text: String::new(),
            agents_text: String::new(),
            stash: None,
            link: ModelLink::Off,
            wide,
            submitted: vec![],
            jobs: vec![],
        };
        let settings = RemoteControl { policy, disconnected_for: seconds(2), ..RemoteControl::default() };
        let reconnector = Reconnector::new(settings, false, false);
        let mut session = Self {
            claude,
            reconnector,
            now: seconds(1),
            file: None,
            held: None,
            typed_at: None,
            typed: vec![],
        };
        session.tell(ReconnectorEvent::Started);
        if attached {
            session.tell(ReconnectorEvent::Attached);
        }
        session
    }

    pub(super) fn tell(&mut self, event: ReconnectorEvent) {
        for action in self.reconnector.handle(self.now, event) {
            match action {
                Action::Hold => {
                    self.held = Some(vec![]);
                    let typed = self.typed_at.map(|at| self.now - at);
                    self.tell(ReconnectorEvent::Held(KeyboardState { typed, ..KeyboardState::default() }));
                }
                Action::Release => {
                    for press in self.held.take().unwrap_or_default() {
                        self.claude.press(self.now, ModelInput::User(press));
                    }
                }
                Action::Look => {
                    let look = self.claude.look();
                    self.tell(ReconnectorEvent::Looked(look));
                }
                Action::Type(keys) => {
                    self.typed.push((self.now, keys.clone()));
                    self.claude.press(self.now, ModelInput::Reconnector(keys));
                }
                Action::StillHolding | Action::Restart | Action::Note(..) => {}
            }
        }
    }

    pub(super) fn press(&mut self, press: Press) {
        self.typed_at = Some(self.now);
        match &mut self.held {
            Some(held) => {
                held.push(press);
                self.tell(ReconnectorEvent::KeyWaits);
            }
            None => self.claude.press(self.now, ModelInput::User(press)),
        }
    }

    /// Claude's state changed, perhaps.
    fn settle(&mut self) {
        let before = self.claude.clone();
        self.claude.advance(self.now);
        let drawn = self.claude.text != before.text
            || self.claude.place != before.place
            || self.claude.selected != before.selected
            || self.claude.link != before.link;
        let file = self.claude.file();
        if self.file.as_ref() != Some(&file) {
            self.file = Some(file.clone());
            self.tell(ReconnectorEvent::File(Some(file)));
        }
        if drawn && self.reconnector.wants_output() {
            self.tell(ReconnectorEvent::Output);
        }
    }

    pub(super) fn until(&mut self, end: Duration) {
        loop {
            self.settle();
            let next = [self.claude.deadline(), self.reconnector.deadline()].into_iter().flatten().min();
            let Some(next) = next.filter(|next| *next <= end) else { break };
            self.now = self.now.max(next);
            self.settle();
            if self.reconnector.deadline().is_some_and(|due| due <= self.now) {
                self.tell(ReconnectorEvent::Due);
            }
        }
        self.now = end;
        self.settle();
    }

    pub(super) fn happens(&mut self, what: Happens) {
        match what {
            Happens::Press(press) => self.press(press),
            Happens::Drop if self.claude.link == ModelLink::Up => self.claude.link = ModelLink::Failed,
            Happens::Drop => {}
        }
    }

    pub(super) fn link_is_up(&mut self) {
        self.claude.link = ModelLink::Up;
    }

    pub(super) fn is_linked(&self) -> bool {
        self.claude.link == ModelLink::Up
    }

    /// The client has gone; what it held goes on its way.
    pub(super) fn let_go(&mut self) {
        for press in self.held.take().unwrap_or_default() {
            self.claude.press(self.now, ModelInput::User(press));
        }
    }

    /// Away from wherever claude is, as a user would.
    pub(super) fn back_to_the_prompt(&mut self) {
        for _ in 0..3 {
            if self.claude.place != ModelView::Main {
                self.press(Press::Escape);
            }
            self.until(self.now + seconds(10));
        }
    }

    /// Claude crashes with everything that was not submitted, and is back two seconds later, its link up.
    pub(super) fn crashes(&mut self) {
        self.tell(ReconnectorEvent::Ended);
        self.let_go();
        let claude = &mut self.claude;
        claude.inputs.clear();
        claude.text.clear();
        claude.agents_text.clear();
        (claude.place, claude.stash, claude.link) = (ModelView::Main, None, ModelLink::Off);
        self.file = None;
        self.now += seconds(2);
        self.tell(ReconnectorEvent::Started);
        self.claude.link = ModelLink::Connecting(self.now + ms(900));
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Happens {
    Press(Press),
    /// The link goes, with an indicator.
    Drop,
}

fn happens() -> impl Strategy<Value = (u64, Happens)> {
    let press = proptest::sample::select(vec![
        Press::Letter('a'),
        Press::Letter('b'),
        Press::Letter('c'),
        Press::Enter,
        Press::Left,
        Press::CtrlO,
        Press::Escape,
    ]);
    let what = prop_oneof![6 => press.prop_map(Happens::Press), 1 => Just(Happens::Drop)];
    (prop_oneof![0u64..400, 400u64..12_000], what)
}

fn run(
    policy: ReconnectPolicy,
    latency: u64,
    wide: bool,
    attached: bool,
    story: &[(u64, Happens)],
) -> ModelSession {
    let mut session = ModelSession::new(policy, ms(latency), wide, attached);
    session.claude.link = ModelLink::Up;
    session.until(seconds(3));
    for (after, happens) in story {
        session.until(session.now + ms(*after));
        match happens {
            Happens::Press(press) if attached => session.press(*press),
            Happens::Press(_) => {}
            other => session.happens(*other),
        }
    }
    // Back to the main prompt, and away for a long time.
    for _ in 0..3 {
        session.until(session.now + seconds(10));
        if attached && session.claude.place != ModelView::Main {
            session.press(Press::Escape);
        }
    }
    session.until(session.now + seconds(1800));
    session
}

/// What the user finds.
pub(super) fn found(
    session: &ModelSession,
) -> (String, String, Vec<String>, Vec<String>, Option<String>, ModelView) {
    let claude = session.claude.clone();
    (claude.text, claude.agents_text, claude.submitted, claude.jobs, claude.stash, claude.place)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    #[test]
    fn the_user_finds_what_there_would_be_without_a_keeper_and_the_link_is_up(
        latency in prop_oneof![3 => 0u64..100, 1 => 100u64..900],
        attached in prop::bool::weighted(0.8),
        story in prop::collection::vec(happens(), 0..25),
    ) {
        let kept = run(ReconnectPolicy::IfUsed, latency, true, attached, &story);
        let alone = run(ReconnectPolicy::Off, latency, true, attached, &story);
        prop_assert_eq!(found(&kept), found(&alone));
        prop_assert_eq!(kept.claude.link, ModelLink::Up);
    }

    #[test]
    fn however_slow_it_is_nothing_is_submitted_that_the_user_did_not_write(
        latency in 0u64..9_000,
        wide in any::<bool>(),
        story in prop::collection::vec(happens(), 0..25),
    ) {
        let kept = run(ReconnectPolicy::IfUsed, latency, wide, true, &story);
        let own = |text: &String| text.chars().all(|letter| matches!(letter, 'a' | 'b' | 'c'));
        prop_assert!(kept.claude.submitted.iter().all(own), "{:?}", kept.claude.submitted);
        prop_assert!(kept.claude.jobs.iter().all(own), "{:?}", kept.claude.jobs);
        prop_assert_eq!(found(&kept), found(&run(ReconnectPolicy::Off, latency, wide, true, &story)));
    }
}
