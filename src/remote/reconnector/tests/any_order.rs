//! Events without any sense, in any order: what was promised holds all the same.

use std::collections::VecDeque;
use std::time::Duration;

use proptest::prelude::*;
use proptest::sample::select;

use super::super::{Action, File, Reconnector, ReconnectorEvent, ScreenSnapshot, StaleTrigger};
use super::{LINE, file, look, ms, prompt, seconds};
use crate::claude::remote_control::Link;
use crate::claude::remote_notices::Notice;
use crate::claude::screen::{Draft, Indicator, Menu, Panel, Prompt, Room, Vim};
use crate::config::{ReconnectPolicy, RemoteControl};
use crate::registry::log_event::LinkEvent;
use crate::typing::{HOLD_ANSWER_TIMEOUT, KEY_HOLD_LIMIT, KeyboardState, Keystroke, LONGEST_HOLD};

fn settings(policy: ReconnectPolicy) -> RemoteControl {
    RemoteControl { policy, max_tries: 3, disconnected_for: seconds(2), ..RemoteControl::default() }
}

fn any_prompt() -> impl Strategy<Value = Prompt> {
    let draft =
        |text: &str, lines, cursor_at_end| Prompt::Draft(Draft { text: text.into(), lines, cursor_at_end });
    prop_oneof![
        4 => Just(Prompt::Empty),
        5 => Just(prompt(LINE)),
        2 => Just(prompt("words")),
        1 => Just(Prompt::Elsewhere("a dialog is open")),
        1 => select(vec![
            draft(LINE, 1, false),
            draft(LINE, 2, true),
            draft("/remote-contro", 1, true),
            draft("words/remote-control", 1, true),
            draft("/remote-control ", 1, true),
        ]),
    ]
}

fn any_notice() -> impl Strategy<Value = Option<Notice>> {
    prop_oneof![
        12 => Just(None),
        1 => select(vec![
            Notice::NeedsSubscription("no subscription".into()),
            Notice::Unavailable("policy".into()),
            Notice::TakenOver("another device".into()),
            Notice::NotFound("not found".into()),
            Notice::EndedElsewhere("archived".into()),
            Notice::UsersDecision("an account changed".into()),
            Notice::NeedsRestart("restart to retry".into()),
            Notice::Failed("lost".into()),
            Notice::Failed("lost again".into()),
            Notice::Connected("up".into()),
        ]).prop_map(Some),
    ]
}

fn any_panel() -> impl Strategy<Value = Option<Panel>> {
    let panel = (0usize..3, proptest::option::of(0usize..3)).prop_map(|(selected, disconnect)| Panel {
        items: ["Disconnect this session", "Show QR code", "Continue"].map(str::to_owned).into(),
        selected,
        disconnect,
        connected: selected != 1,
    });
    prop_oneof![9 => Just(None), 1 => panel.prop_map(Some)]
}

prop_compose! {
    fn any_look()(
        prompt in any_prompt(),
        indicator in prop_oneof![
            6 => Just(Indicator::Absent), 3 => Just(Indicator::Failed), 1 => Just(Indicator::Active), 1 => Just(Indicator::Connecting)
        ],
        notice in any_notice(),
        panel in any_panel(),
        odd in 0u8..40,
        vim in select(vec![None, None, None, Some(Vim::Insert), Some(Vim::Visual)]),
    ) -> ScreenSnapshot {
        let mut look = look(prompt, indicator);
        look.settled = odd != 0;
        look.pastes = odd != 1;
        look.line_before_cursor = odd > 30;
        look.reading.busy = odd == 2;
        look.reading.stashed = odd == 4;
        look.rested = odd != 5;
        look.own_command = odd == 6;
        if odd == 7 {
            look.reading.room = Room::new(9, 80, false);
        }
        if odd == 8 {
            look.reading.menu = Some(Menu { selected: Some(LINE.into()), about: "My own (user)".into() });
        }
        look.reading.menu = (odd == 3).then(|| Menu { selected: Some("/remote-env".into()), about: String::new() });
        if panel.is_some() {
            look.reading.prompt = Prompt::Elsewhere("the panel of remote control is open");
        }
        look.reading.notice = notice;
        look.reading.panel = panel;
        look.reading.vim = vim;
        look
    }
}

fn any_file() -> impl Strategy<Value = Option<File>> {
    let changed = |change: fn(&mut crate::claude::state_file::StateFile)| {
        let mut state = super::state_file(false, "idle");
        change(&mut state);
        Some(File::of(&state))
    };
    prop_oneof![
        6 => Just(Some(file(false, "idle"))),
        3 => Just(Some(file(true, "idle"))),
        1 => Just(Some(file(false, "busy"))),
        1 => select(vec![
            None,
            Some(file(false, "waiting")),
            Some(file(false, "later")),
            changed(|state| state.kind = Some("print".into())),
            changed(|state| state.entrypoint = None),
            changed(|state| state.parked_job_id = Some("job".into())),
        ]),
    ]
}

prop_compose! {
    fn any_keyboard()(typed in proptest::option::of(0u64..20_000), odd in 0u8..16) -> KeyboardState {
        KeyboardState { typed: typed.map(ms), in_paste: odd == 0, in_sequence: odd == 1, unread: odd == 2, stashed: (odd == 3).then(|| ms(500)) }
    }
}

/// What happens next, and after how long.
#[derive(Debug, Clone)]
pub(super) enum Stimulus {
    Event(Box<ReconnectorEvent>),
    /// How the client answers from now on.
    Answers(Option<KeyboardState>),
    /// What is seen from now on, one after the other.
    Sees(Vec<ScreenSnapshot>),
}

impl Stimulus {
    fn event(event: ReconnectorEvent) -> Self {
        Self::Event(Box::new(event))
    }
}

pub(super) fn stimulus() -> impl Strategy<Value = (u64, Stimulus)> {
    let event = |event| Just(Stimulus::event(event));
    let what = prop_oneof![
        8 => any_file().prop_map(|file| Stimulus::event(ReconnectorEvent::File(file))),
        4 => proptest::collection::vec(any_look(), 1..8).prop_map(Stimulus::Sees),
        3 => proptest::option::weighted(0.9, any_keyboard()).prop_map(Stimulus::Answers),
        2 => event(ReconnectorEvent::Output),
        1 => event(ReconnectorEvent::Attached),
        1 => event(ReconnectorEvent::Detached),
        1 => event(ReconnectorEvent::Away),
        2 => event(ReconnectorEvent::Back),
        1 => event(ReconnectorEvent::Ended),
        2 => event(ReconnectorEvent::Started),
        1 => any_keyboard().prop_map(|keyboard| Stimulus::event(ReconnectorEvent::Held(keyboard))),
        1 => event(ReconnectorEvent::KeyWaits),
        1 => any::<bool>().prop_map(|types| Stimulus::event(ReconnectorEvent::OtherTypes(types))),
        1 => any::<bool>().prop_map(|cycle| Stimulus::event(ReconnectorEvent::Requested { cycle })),
        1 => (0u64..200, any::<bool>()).prop_map(|(long, slept)| {
            let long = seconds(long);
            let occasion = if slept { StaleTrigger::Slept(long) } else { StaleTrigger::Outage(long) };
            Stimulus::event(ReconnectorEvent::MayBeStale(occasion))
        }),
    ];
    (prop_oneof![0u64..50, 50u64..3_000, 3_000u64..40_000], what)
}

/// What the keys of the user are at.
#[derive(Debug, Clone, Copy, PartialEq)]
enum ModelGate {
    No,
    Asked(Duration),
    Held(Duration),
}

/// Carries out what the reconnector says, and knows what it may say.
pub(super) struct World {
    reconnector: Reconnector,
    settings: RemoteControl,
    pub(super) at: Duration,
    looks: VecDeque<ScreenSnapshot>,
    answers: Option<KeyboardState>,
    hold: ModelGate,
    /// Since when a key waits without a step that was seen.
    key_since: Option<Duration>,
    /// Esc was typed.
    escaped: bool,
    keyboard: Option<KeyboardState>,
    started: bool,
    away: bool,
    attached: bool,
    /// Somebody else types.
    other_types: bool,
    file: Option<File>,
    link: Option<Link>,
    up_since: Option<Duration>,
    used: bool,
    asked_until: Duration,
    cycles: bool,
    doubtful: bool,
    refused: bool,
    the_users: bool,
    /// A link went down, and the client was asked at once when the user typed.
    judging: Option<Duration>,
    own_doing: bool,
    /// What stood on the screen while the link was up.
    old_notice: Option<Notice>,
    /// The screen says, of this link, that it failed, or is being mended.
    failed: bool,
    put_aside: bool,
    left_behind: bool,
    /// What would take back the last keys.
    in_flight: Option<Keystroke>,
    /// When the command was typed by itself, since the last stable link.
    pastes: Vec<Duration>,
    /// How often in all, and how often it was submitted.
    pub(super) pasted: usize,
    pub(super) entered: usize,
}

impl World {
    pub(super) fn new(policy: ReconnectPolicy, attached: bool) -> Self {
        let mut world = Self {
            reconnector: Reconnector::new(settings(policy), false, false),
            settings: settings(policy),
            at: seconds(100),
            looks: [look(Prompt::Empty, Indicator::Absent), look(prompt(LINE), Indicator::Absent)].into(),
            answers: Some(KeyboardState::default()),
            hold: ModelGate::No,
            key_since: None,
            escaped: false,
            keyboard: None,
            started: false,
            away: false,
            attached: false,
            other_types: false,
            file: None,
            link: None,
            up_since: None,
            used: false,
            asked_until: Duration::ZERO,
            cycles: false,
            doubtful: false,
            refused: false,
            the_users: false,
            judging: None,
            own_doing: false,
            old_notice: None,
            failed: false,
            put_aside: false,
            left_behind: false,
            in_flight: None,
            pastes: Vec::new(),
            pasted: 0,
            entered: 0,
        };
        world.tell(ReconnectorEvent::Started);
        if attached {
            world.tell(ReconnectorEvent::Attached);
        }
        world
    }

    fn tell(&mut self, event: ReconnectorEvent) {
        self.note(&event);
        for action in self.reconnector.handle(self.at, event.clone()) {
            match action {
                Action::Hold => {
                    assert!(self.attached, "nobody is there to hold anything");
                    assert!(!self.other_types, "somebody else holds the keys");
                    self.judging = matches!(event, ReconnectorEvent::File(_)).then_some(self.at);
                    self.hold = ModelGate::Asked(self.at);
                }
                Action::Release => (self.hold, self.keyboard, self.key_since) = (ModelGate::No, None, None),
                Action::StillHolding => {
                    assert!(
                        self.key_since.is_some()
                            && matches!(event, ReconnectorEvent::Looked(_) | ReconnectorEvent::Due)
                    );
                    self.key_since = Some(self.at);
                }
                Action::Look => {
                    let seen = self.looks.pop_front().expect("a look");
                    self.looks.push_back(seen.clone());
                    self.tell(ReconnectorEvent::Looked(seen));
                }
                Action::Type(keys) => {
                    assert!(!self.other_types, "somebody else types");
                    self.check(&keys, &event);
                }
                Action::Note(LinkEvent::LeftBehind { .. }) => self.left_behind = true,
                Action::Note(LinkEvent::Cycle { .. }) => {
                    assert!(self.doubtful && self.used && self.settings.policy != ReconnectPolicy::Off);
                    assert!(!self.refused && !self.the_users && !self.own_doing);
                    self.asked_until = self.at + seconds(80);
                    self.cycles = true;
                }
                Action::Restart => assert!(self.settings.restart),
                Action::Note(..) => {}
            }
        }
    }

    fn note(&mut self, event: &ReconnectorEvent) {
        match event {
            ReconnectorEvent::Started | ReconnectorEvent::Ended => {
                self.started = *event == ReconnectorEvent::Started;
                self.away &= !self.started;
                (self.file, self.link, self.up_since) = (None, None, None);
                (self.put_aside, self.in_flight) = (false, None);
                // Another claude: what was tried with the last one says nothing of it.
                self.pastes.clear();
            }
            ReconnectorEvent::Away => self.away = true,
            ReconnectorEvent::Back => self.away = false,
            ReconnectorEvent::Attached => {
                self.attached = true;
                (self.hold, self.key_since) = (ModelGate::No, None);
            }
            ReconnectorEvent::Detached => {
                self.attached = false;
                (self.hold, self.key_since) = (ModelGate::No, None);
            }
            ReconnectorEvent::File(file) => {
                let ended = |what: fn(&File) -> bool| {
                    self.file.as_ref().is_some_and(what) && !file.as_ref().is_some_and(what)
                };
                // What the user does may change what ended the tries.
                if ended(|file| file.dialog) || ended(|file| file.busy) {
                    self.refused &= !ended(|file| file.dialog);
                    self.pastes.clear();
                }
                self.file.clone_from(file);
                let link = file.as_ref().map(|file| file.verdict.link).filter(|link| *link != Link::Unknown);
                if link == Some(Link::Connected) && self.link != link {
                    (self.used, self.refused, self.the_users) = (true, false, false);
                    (self.own_doing, self.failed) = (false, false);
                    self.up_since = Some(self.at);
                }
                if link == Some(Link::Disconnected)
                    && self.up_since.take().is_some_and(|up| self.at - up >= seconds(60))
                {
                    self.pastes.clear();
                }
                self.link = link.or(self.link);
            }
            ReconnectorEvent::Held(keyboard) => {
                if let ModelGate::Asked(since) = self.hold {
                    self.hold = ModelGate::Held(since);
                    self.keyboard = Some(*keyboard);
                    self.own_doing |= self.judging.take().is_some_and(|dropped| {
                        keyboard.typed.is_some_and(|ago| self.at - ago + seconds(10) >= dropped)
                    }) && !self.failed;
                }
            }
            ReconnectorEvent::OtherTypes(types) => self.other_types = *types,
            ReconnectorEvent::KeyWaits => drop(self.key_since.get_or_insert(self.at)),
            ReconnectorEvent::MayBeStale(_) => self.doubtful = true,
            ReconnectorEvent::Requested { cycle } => {
                // A cycle asks twice.
                self.asked_until = self.at + seconds(if *cycle { 80 } else { 40 });
                self.cycles |= cycle;
            }
            ReconnectorEvent::Looked(look) if look.has_footer() => {
                if self.link == Some(Link::Connected) {
                    self.old_notice.clone_from(&look.reading.notice);
                }
                let failed = look.reading.indicator == Indicator::Failed;
                self.failed = failed || look.reading.indicator == Indicator::Connecting;
                self.own_doing &= !failed && look.reading.indicator != Indicator::Connecting;
                if self.link != Some(Link::Connected) || failed {
                    match &look.reading.notice {
                        Some(Notice::NeedsSubscription(_) | Notice::Unavailable(_)) => self.refused = true,
                        // The words of a failure beat the keys, unless they stood there while the link was
                        // up.
                        Some(notice @ Notice::Failed(_)) => {
                            self.the_users = false;
                            self.own_doing &= self.old_notice.as_ref() == Some(notice);
                        }
                        Some(Notice::Connected(_) | Notice::NeedsRestart(_)) | None => {}
                        Some(_) => self.the_users = true,
                    }
                }
            }
            _ => {}
        }
    }

    /// Whether these keys may be typed now, in answer to that.
    fn check(&mut self, keys: &Keystroke, event: &ReconnectorEvent) {
        let expired = matches!(self.hold, ModelGate::Held(since) if self.at >= since + LONGEST_HOLD)
            || self.key_since.is_some_and(|since| self.at >= since + KEY_HOLD_LIMIT)
            || !self.attached;
        let look = match event {
            // Claude has not shown what it was sent: the opposite of that, whatever it shows.
            ReconnectorEvent::Due | ReconnectorEvent::Looked(_)
                if expired
                    && (self.in_flight == Some(keys.clone())
                        || self.put_aside && *keys == Keystroke::Stash
                        || self.cycles && *keys == Keystroke::Escape) =>
            {
                assert!(self.started && !self.away);
                self.in_flight = None;
                self.escaped |= *keys == Keystroke::Escape;
                return;
            }
            ReconnectorEvent::Looked(look) => look,
            _ => panic!("{keys:?} without a look, on {event:?}"),
        };
        self.in_flight = match keys {
            Keystroke::Paste(_) => Some(Keystroke::Undo),
            Keystroke::Stash if self.put_aside => None,
            Keystroke::Stash => Some(Keystroke::Stash),
            _ => None,
        };
        assert!(look.settled && self.started && !self.away, "{keys:?}");
        if self.attached {
            assert!(matches!(self.hold, ModelGate::Held(_)), "{keys:?} while {:?}", self.hold);
            let keyboard = self.keyboard.expect("an answer");
            let rests = keyboard.typed.is_none_or(|ago| ago >= self.settings.rest);
            let whole = !keyboard.in_paste && !keyboard.in_sequence && !keyboard.unread;
            // A panel that came late is closed as long as the keyboard rests.
            assert!(rests && whole, "{keys:?} with {keyboard:?}");
        }
        let asked = self.at <= self.asked_until;
        let wanted = match self.settings.policy {
            ReconnectPolicy::Off => false,
            ReconnectPolicy::IfUsed => self.used,
            ReconnectPolicy::Always => true,
        };
        assert!(wanted || asked || self.left_behind, "{keys:?}, and nobody wants it");
        let quiet = self.file.as_ref().is_some_and(|file| file.obstacle.is_none());
        let reading = &look.reading;
        match keys {
            Keystroke::Paste(line) => {
                assert_eq!(line, LINE);
                self.pasted += 1;
                assert!(quiet && look.obstacle().is_none() && reading.prompt == Prompt::Empty);
                assert!(look.rested && reading.room.fits(LINE) && (self.put_aside || !reading.stashed));
                if !asked {
                    assert!(!self.refused && !self.the_users && !self.own_doing);
                    if let Some(last) = self.pastes.last() {
                        assert!(self.at - *last >= self.settings.cooldown, "too soon");
                    }
                    self.pastes.push(self.at);
                    assert!(self.pastes.len() <= self.settings.max_tries as usize, "too often");
                }
            }
            Keystroke::Enter if reading.panel.is_some() => {
                let panel = reading.panel.as_ref().expect("a panel");
                assert!(self.cycles && Some(panel.selected) == panel.disconnect);
            }
            Keystroke::Enter => {
                assert!(quiet && look.shows_exactly(LINE) && look.rested && !look.is_own_command());
                assert!(self.put_aside || !reading.stashed, "the user's own stash");
                assert_eq!(look.obstacle(), None);
                self.entered += 1;
            }
            Keystroke::Stash => {
                assert!(quiet && look.obstacle().is_none() && look.rested);
                if reading.prompt == Prompt::Empty {
                    assert!(self.put_aside, "there is nothing to bring back");
                } else {
                    assert!(matches!(&reading.prompt, Prompt::Draft(draft) if !draft.text.is_empty()));
                    assert!(!reading.stashed, "the user's other draft is lost");
                    self.put_aside = true;
                }
            }
            Keystroke::Undo => {
                assert!(look.rested);
                assert!(matches!(&reading.prompt, Prompt::Draft(draft) if draft.text.ends_with(LINE)));
            }
            Keystroke::Append => assert!(self.escaped && look.rested && reading.vim.is_none()),
            Keystroke::Backspaces(1) => assert!(self.escaped && look.rested),
            Keystroke::Backspaces(count) => {
                assert!(look.rested);
                assert_eq!(*count, LINE.len());
                let ours = matches!(&reading.prompt, Prompt::Draft(draft) if draft.text.ends_with(LINE));
                assert!(ours || look.line_before_cursor);
            }
            Keystroke::DeleteToEnd => {
                assert!(matches!(&reading.prompt, Prompt::Draft(draft) if draft.text == LINE));
            }
            Keystroke::Escape => {
                let dialog = self.file.as_ref().is_some_and(|file| file.dialog);
                assert!(reading.panel.is_some() || dialog, "nothing is there to be closed");
                self.escaped = true;
            }
            Keystroke::Up | Keystroke::Down => assert!(self.cycles && reading.panel.is_some()),
        }
    }

    /// Lets time pass, with everything that becomes due.
    pub(super) fn until(&mut self, end: Duration) {
        let mut at_once = 0;
        loop {
            // The client answers a little later.
            if let (ModelGate::Asked(since), Some(keyboard)) = (self.hold, self.answers) {
                self.at = self.at.max(since + ms(1)).min(end.max(self.at));
                self.tell(ReconnectorEvent::Held(keyboard));
            }
            if let ModelGate::Asked(since) | ModelGate::Held(since) = self.hold {
                let longest = HOLD_ANSWER_TIMEOUT + LONGEST_HOLD + ms(100);
                assert!(self.at - since <= longest, "keys are held for ever");
            }
            if let (ModelGate::Held(_), Some(since)) = (self.hold, self.key_since) {
                assert!(self.at - since <= KEY_HOLD_LIMIT + ms(100), "a key is held for too long");
            }
            let Some(due) = self.reconnector.deadline().filter(|due| *due <= end) else { break };
            at_once = if due > self.at { 0 } else { at_once + 1 };
            assert!(at_once < 10, "it never rests: {:?}", self.reconnector);
            self.at = self.at.max(due);
            self.tell(ReconnectorEvent::Due);
        }
        self.at = end;
    }

    /// After so long this happens.
    pub(super) fn happens(&mut self, after: Duration, stimulus: Stimulus) {
        self.until(self.at + after);
        match stimulus {
            // A claude that runs is not started, and so on.
            Stimulus::Event(event) => match *event {
                ReconnectorEvent::Started if self.started => {}
                ReconnectorEvent::Ended if !self.started => {}
                ReconnectorEvent::Detached if !self.attached => {}
                ReconnectorEvent::KeyWaits if !matches!(self.hold, ModelGate::Held(_)) => {}
                // Somebody else begins only where nobody types.
                ReconnectorEvent::OtherTypes(true) if self.reconnector.is_typing() => {}
                event => self.tell(event),
            },
            Stimulus::Answers(answer) => self.answers = answer,
            Stimulus::Sees(looks) => self.looks = looks.into(),
        }
    }
}

fn run(policy: ReconnectPolicy, attached: bool, stimuli: Vec<(u64, Stimulus)>) -> World {
    let mut world = World::new(policy, attached);
    for (after, stimulus) in stimuli {
        world.happens(ms(after), stimulus);
    }
    world.until(world.at + seconds(100));
    world
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    #[test]
    fn what_was_promised_holds_whatever_happens(
        policy in select(vec![ReconnectPolicy::Off, ReconnectPolicy::IfUsed, ReconnectPolicy::Always, ReconnectPolicy::Always]),
        attached in any::<bool>(),
        stimuli in proptest::collection::vec(stimulus(), 0..60),
    ) {
        let world = run(policy, attached, stimuli);
        if let ModelGate::Asked(since) | ModelGate::Held(since) = world.hold {
            prop_assert!(world.at - since <= HOLD_ANSWER_TIMEOUT + LONGEST_HOLD, "keys are still held");
        }
    }
}

/// The generators above reach what they are there for.
#[test]
fn the_promises_are_put_to_the_test() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;

    let mut runner = TestRunner::deterministic();
    let (mut pasted, mut entered) = (0, 0);
    for _ in 0..600 {
        let stimuli = proptest::collection::vec(stimulus(), 20..60);
        let stimuli = stimuli.new_tree(&mut runner).expect("stimuli").current();
        let world = run(ReconnectPolicy::Always, true, stimuli);
        pasted += world.pasted;
        entered += world.entered;
    }
    assert!(pasted > 80 && entered > 15, "{pasted} and {entered}");
}
