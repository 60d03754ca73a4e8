//! Events without any sense, in any order: what was promised holds all the same.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::claude::pasted::SubmittedAs;
use crate::typing::{HOLD_ANSWER_TIMEOUT, KEY_HOLD_LIMIT, KeyboardState, Keystroke, LONGEST_HOLD};

const TEXTS: [&str; 3] = [TEXT, "/compact", "one\ntwo\nthree\nfour"];

fn any_look() -> impl Strategy<Value = PromptLook> {
    let prompt = prop_oneof![
        4 => Just(Prompt::Empty),
        4 => select(&TEXTS[..2]).prop_map(draft),
        2 => Just(draft("[Pasted text #1 +3 lines]")),
        1 => Just(draft("a draft")),
        1 => Just(draft(&format!("x{TEXT}"))),
        1 => Just(Prompt::Draft(Draft { text: TEXT.into(), lines: 1, cursor_at_end: false })),
        1 => Just(Prompt::Elsewhere("a dialog is open")),
    ];
    let rarely = || prop::bool::weighted(0.1);
    let mostly = || prop::bool::weighted(0.9);
    (prompt, rarely(), rarely(), mostly(), mostly(), mostly()).prop_map(
        |(prompt, busy, stashed, settled, rested, pastes)| PromptLook {
            reading: Reading { busy, stashed, ..Reading::at(prompt) },
            settled,
            rested,
            pastes,
        },
    )
}

fn any_event() -> impl Strategy<Value = SenderEvent> {
    let keyboard = (any::<bool>(), prop::bool::weighted(0.1)).prop_map(|(typed, in_paste)| KeyboardState {
        typed: typed.then(|| ms(3_000)),
        in_paste,
        ..KeyboardState::default()
    });
    prop_oneof![
        1 => Just(SenderEvent::Started),
        1 => Just(SenderEvent::Ended),
        1 => Just(SenderEvent::Away),
        1 => Just(SenderEvent::Back),
        1 => Just(SenderEvent::Attached),
        1 => Just(SenderEvent::Detached),
        2 => Just(SenderEvent::Status(ClaudeStatus::Idle)),
        1 => Just(SenderEvent::Status(ClaudeStatus::Busy)),
        1 => Just(SenderEvent::Status(ClaudeStatus::Elsewhere("claude is waiting".into()))),
        1 => Just(SenderEvent::Output),
        20 => any_look().prop_map(SenderEvent::Looked),
        6 => keyboard.prop_map(SenderEvent::Held),
        1 => Just(SenderEvent::KeyWaits),
        1 => any::<bool>().prop_map(SenderEvent::OtherTypes),
        4 => (0..6u128, select(&TEXTS[..]), any::<bool>()).prop_map(|(number, text, now)| {
            let when = if now { SendWhen::Now } else { SendWhen::Idle };
            SenderEvent::Requested(message(number, text, when, ms(40_000)))
        }),
        1 => (0..6u128).prop_map(|number| SenderEvent::Withdrawn(id(number))),
        3 => select(vec![None, Some(SubmittedAs::Prompt), Some(SubmittedAs::Queued)]).prop_map(SenderEvent::Transcript),
        6 => Just(SenderEvent::Due),
    ]
}

/// What the host and claude know, and what was promised of it.
struct World {
    sender: Sender,
    at: Duration,
    has_claude: bool,
    is_away: bool,
    has_client: bool,
    other_types: bool,
    /// Whether the keys are held, and since when.
    held: Option<Duration>,
    is_asked: Option<Duration>,
    key_since: Option<Duration>,
    /// The text of each message that was taken and is not answered.
    open: BTreeMap<Uuid, PastedText>,
    current: Option<Uuid>,
    entered: Vec<Uuid>,
    /// What the screen shows.
    screen: PromptLook,
    /// What the sender has asked for, and the host answers at once.
    answers: Vec<SenderEvent>,
}

impl World {
    fn new() -> Self {
        Self {
            sender: Sender::new(ms(1500)),
            at: ms(0),
            has_claude: false,
            is_away: false,
            has_client: false,
            other_types: false,
            held: None,
            is_asked: None,
            key_since: None,
            open: BTreeMap::new(),
            current: None,
            entered: Vec::new(),
            screen: look(Prompt::Empty),
            answers: Vec::new(),
        }
    }

    fn tell(&mut self, event: &SenderEvent) {
        match event {
            SenderEvent::Started => (self.has_claude, self.is_away) = (true, false),
            SenderEvent::Ended => self.has_claude = false,
            SenderEvent::Away => self.is_away = true,
            SenderEvent::Back => self.is_away = false,
            SenderEvent::Attached => {
                self.has_client = true;
                (self.held, self.key_since) = (None, None);
            }
            SenderEvent::Detached => {
                self.has_client = false;
                (self.held, self.is_asked, self.key_since) = (None, None, None);
            }
            SenderEvent::OtherTypes(types) => self.other_types = *types,
            SenderEvent::Held(_) if self.is_asked.is_some() => {
                (self.held, self.is_asked) = (self.is_asked, None);
            }
            SenderEvent::KeyWaits if self.held.is_some() => {
                self.key_since.get_or_insert(self.at);
            }
            SenderEvent::Requested(message) => {
                self.open.entry(message.id).or_insert_with(|| message.text.clone());
            }
            SenderEvent::Looked(look) => self.screen = look.clone(),
            SenderEvent::Withdrawn(id) if self.current != Some(*id) => drop(self.open.remove(id)),
            _ => {}
        }
        let effects = self.sender.handle(self.at, event.clone());
        for effect in effects {
            self.follow(event, effect);
        }
        while let Some(answer) = self.answers.pop() {
            self.tell(&answer);
        }
    }

    fn follow(&mut self, event: &SenderEvent, effect: SenderEffect) {
        match effect {
            SenderEffect::Hold => self.is_asked = Some(self.at),
            SenderEffect::StillHolding => self.key_since = self.key_since.map(|_| self.at),
            SenderEffect::Release => (self.held, self.is_asked, self.key_since) = (None, None, None),
            SenderEffect::Look => self.answers.push(SenderEvent::Looked(self.screen.clone())),
            SenderEffect::ReadTranscript => self.answers.push(SenderEvent::Transcript(None)),
            SenderEffect::Begin(id) => {
                assert!(self.open.contains_key(&id), "a message is typed that nobody has sent");
                self.current = Some(id);
            }
            SenderEffect::Type(keys) => self.types(event, &keys),
            SenderEffect::Answer(id, outcome) => {
                assert!(
                    self.open.remove(&id).is_some(),
                    "a message is answered twice, or nobody has sent it"
                );
                let was_entered = self.entered.contains(&id);
                self.entered.retain(|entered| *entered != id);
                match outcome {
                    SendOutcome::Submitted(_) => assert!(was_entered, "submitted without Enter"),
                    SendOutcome::NotSent(_) => assert!(!was_entered, "not sent, with Enter"),
                    SendOutcome::Unknown(_) => assert!(self.current == Some(id), "unknown, and not typed"),
                }
                if self.current == Some(id) {
                    self.current = None;
                }
            }
        }
    }

    fn types(&mut self, event: &SenderEvent, keys: &Keystroke) {
        assert!(self.has_claude && !self.is_away, "typed where claude does not run");
        assert!(!self.has_client || self.held.is_some(), "typed while the keys are not held");
        let id = self.current.expect("a message is typed");
        let is_forward = matches!(keys, Keystroke::Enter | Keystroke::Paste(_));
        if !is_forward {
            return;
        }
        let SenderEvent::Looked(look) = event else { panic!("{keys:?} without a look") };
        assert!(look.settled && look.rested && look.pastes, "{keys:?} at a screen that does not rest");
        if *keys == Keystroke::Enter {
            assert!(!self.entered.contains(&id), "entered twice");
            let Prompt::Draft(draft) = &look.reading.prompt else { panic!("Enter elsewhere") };
            assert!(self.open[&id].is_alone_in(draft), "Enter for something else: {draft:?}");
            self.entered.push(id);
        } else {
            assert_eq!(look.reading.prompt, Prompt::Empty, "pasted behind something");
        }
    }

    /// Lets time pass, with every deadline met.
    fn pass(&mut self, time: Duration) {
        let end = self.at + time;
        let mut rounds = 0;
        while let Some(due) = self.sender.deadline().filter(|due| *due <= end) {
            self.at = self.at.max(due);
            self.tell(&SenderEvent::Due);
            self.check_hold();
            rounds += 1;
            assert!(rounds < 20_000, "it does not come to rest: {:?}", self.sender);
        }
        self.at = end;
    }

    fn check_hold(&self) {
        if let Some(since) = self.is_asked {
            assert!(self.at <= since + HOLD_ANSWER_TIMEOUT + ms(1), "the client is asked for ever");
        }
        if let Some(since) = self.held {
            assert!(self.at <= since + HOLD_ANSWER_TIMEOUT + LONGEST_HOLD, "keys are held for too long");
        }
        if let Some(since) = self.key_since {
            // Behind Enter it may be longer, in steps of this.
            assert!(self.at <= since + KEY_HOLD_LIMIT * 10, "a key waits for too long");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn what_is_promised_holds_in_any_order(
        events in prop::collection::vec((any_event(), 0..400u64), 1..120)
    ) {
        let mut world = World::new();
        world.tell(&SenderEvent::Started);
        world.tell(&SenderEvent::Status(ClaudeStatus::Idle));
        for (event, time) in events {
            world.tell(&event);
            world.pass(ms(time));
        }
        // Nobody does anything any more: all is answered, and the keys are free.
        world.pass(ms(1_000_000));
        prop_assert_eq!(world.sender.deadline(), None);
        prop_assert!(world.open.is_empty(), "not answered: {:?}", world.open);
        prop_assert!(world.held.is_none() && world.is_asked.is_none(), "keys are held");
    }
}
