//! Which message is typed, when, and what became of it.
//!
//! A plain state machine: it is told what happened and what time it is, and answers what to do. It does no
//! I/O and reads no clock.
//!
//! What it promises, whatever happens in whatever order:
//! - Messages are typed one at a time, in the order in which they came.
//! - Enter is pressed once at most for each, and only when the look right before it has shown the text of
//!   this message alone at the main prompt, with the cursor behind it.
//! - Each message is answered exactly once. [`SendOutcome::Submitted`] was seen; with
//!   [`SendOutcome::NotSent`] Enter was not pressed.
//! - Keys that are held are released, by a deadline, on every path.
//! - It types nothing while the reconnector does.

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use uuid::Uuid;

use super::attempt::{Attempt, AttemptAction, AttemptEnd, AttemptResult};
use super::block::SendBlock;
use super::elsewhere::Elsewhere;
use super::events::{SenderEffect, SenderEvent};
use super::follow_up::FollowUp;
use super::look::PromptLook;
use super::message::{Message, SendOutcome, SendWhen};
use super::status::ClaudeStatus;
use crate::typing::KeyboardState;

/// The most messages that wait.
pub const MAX_WAITING: usize = 16;
/// From output, or a change of the state file, to the look at it while a message waits.
const OUTPUT_LOOK_DELAY: Duration = Duration::from_millis(60);
/// After a look that met an obstacle of the screen, without any news.
const BLOCKED_LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// How long a message that is to be typed now waits for an obstacle that passes by itself.
const FLEETING_TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Debug, Clone, Default, PartialEq)]
enum SenderPhase {
    /// Nothing is typed; the first message may wait for its moment.
    #[default]
    Waiting,
    /// The first message is typed.
    Typing(Box<Attempt>),
    /// It was typed, the keys are released, and it is looked for what became of it.
    Following(FollowUp),
}

/// Who is there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Presence {
    has_claude: bool,
    is_away: bool,
    has_client: bool,
    other_types: bool,
}

/// Gets messages to claude.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sender {
    /// How long the keyboard has to rest before.
    #[serde(skip)]
    rest: Duration,
    presence: Presence,
    status: ClaudeStatus,
    queue: VecDeque<Message>,
    /// Handed over while nothing is typed.
    #[serde(skip)]
    phase: SenderPhase,
    /// Since when the first message waits for its moment, and what stood against it last.
    head_since: Option<Duration>,
    #[serde(skip)]
    met: Option<SendBlock>,
    elsewhere: Elsewhere,
    look_at: Option<Duration>,
}

impl Default for Sender {
    fn default() -> Self {
        Self::new(Duration::ZERO)
    }
}

impl Sender {
    /// `rest` is how long the keyboard has to rest before anything is typed.
    pub fn new(rest: Duration) -> Self {
        Self {
            rest,
            presence: Presence::default(),
            status: ClaudeStatus::Unknown,
            queue: VecDeque::new(),
            phase: SenderPhase::Waiting,
            head_since: None,
            met: None,
            elsewhere: Elsewhere::default(),
            look_at: None,
        }
    }

    /// One that another program has handed over while nothing was typed ([`Self::is_quiet`]).
    #[must_use]
    pub fn with_rest(self, rest: Duration) -> Self {
        Self { rest, ..self }
    }

    /// Whether nothing is typed, and it is not looked for what became of something that was.
    pub fn is_quiet(&self) -> bool {
        self.phase == SenderPhase::Waiting
    }

    /// Whether nobody else may type now.
    pub fn is_typing(&self) -> bool {
        matches!(self.phase, SenderPhase::Typing(_))
    }

    /// The message that is typed, or was typed last and is not answered.
    pub fn current(&self) -> Option<&Message> {
        self.queue.front().filter(|_| self.phase != SenderPhase::Waiting)
    }

    /// Whether this message waits, or is typed.
    pub fn has(&self, id: &Uuid) -> bool {
        self.queue.iter().any(|message| message.id == *id)
    }

    /// Whether [`SenderEvent::Output`] would be news.
    pub fn wants_output(&self) -> bool {
        self.phase == SenderPhase::Waiting && !self.queue.is_empty() && self.look_at.is_none()
    }

    /// When [`SenderEvent::Due`] is to be reported; nothing while only other events matter.
    pub fn deadline(&self) -> Option<Duration> {
        let waiting = if self.phase == SenderPhase::Waiting { 0 } else { 1 };
        let expiry = self.queue.iter().skip(waiting).map(|message| message.until).min();
        let own = match &self.phase {
            SenderPhase::Waiting => {
                let impatient = self.queue.front().filter(|head| !head.is_patient);
                let elsewhere = impatient.and_then(|_| self.elsewhere.deadline());
                self.look_at.filter(|_| !self.queue.is_empty()).into_iter().chain(elsewhere).min()
            }
            SenderPhase::Typing(attempt) => Some(attempt.deadline()),
            SenderPhase::Following(follow_up) => Some(follow_up.deadline()),
        };
        expiry.into_iter().chain(own).min()
    }

    /// Takes an event, and says what to do about it. Times never run backwards.
    pub fn handle(&mut self, at: Duration, event: SenderEvent) -> Vec<SenderEffect> {
        let mut effects = match event {
            SenderEvent::Looked(look) => self.looked(at, &look),
            SenderEvent::Held(keyboard) => self.keys_held(at, keyboard),
            SenderEvent::KeyWaits => self.key_waits(at),
            SenderEvent::Requested(message) => self.requested(message),
            SenderEvent::Withdrawn(id) => {
                self.withdrawn(&id);
                vec![]
            }
            SenderEvent::Transcript(found) => match &mut self.phase {
                SenderPhase::Following(follow_up) => {
                    let outcome = follow_up.transcript(at, found);
                    self.answer_head(outcome)
                }
                _ => vec![],
            },
            SenderEvent::Output => {
                if self.wants_output() {
                    self.look_at = Some(at + OUTPUT_LOOK_DELAY);
                }
                vec![]
            }
            SenderEvent::Due => self.due(at),
            other => self.situation(at, other),
        };
        effects.extend(self.plan(at));
        effects
    }

    /// Claude, its terminal or its user have come or gone.
    fn situation(&mut self, at: Duration, event: SenderEvent) -> Vec<SenderEffect> {
        match event {
            SenderEvent::Started => {
                self.presence = Presence { has_claude: true, is_away: false, ..self.presence };
                self.status = ClaudeStatus::Unknown;
            }
            SenderEvent::Ended => {
                self.presence.has_claude = false;
                self.status = ClaudeStatus::Unknown;
                return self.cut_short(at, "claude has ended");
            }
            SenderEvent::Away => {
                self.presence.is_away = true;
                return self.cut_short(at, "claude was stopped");
            }
            SenderEvent::Back => self.presence.is_away = false,
            SenderEvent::Attached => {
                self.presence.has_client = true;
                // Whoever is new here does not hold anything yet.
                if let SenderPhase::Typing(attempt) = &mut self.phase {
                    attempt.client_attached(at);
                    return vec![SenderEffect::Hold];
                }
            }
            SenderEvent::Detached => {
                self.presence.has_client = false;
                if let SenderPhase::Typing(attempt) = &mut self.phase {
                    attempt.client_left(at);
                }
            }
            SenderEvent::Status(status) => self.status = status,
            SenderEvent::OtherTypes(types) => self.presence.other_types = types,
            _ => return vec![],
        }
        self.look_soon(at);
        vec![]
    }

    fn look_soon(&mut self, at: Duration) {
        if self.phase == SenderPhase::Waiting && !self.queue.is_empty() {
            let soon = at + OUTPUT_LOOK_DELAY;
            self.look_at = Some(self.look_at.map_or(soon, |look| look.min(soon)));
        }
    }

    fn requested(&mut self, message: Message) -> Vec<SenderEffect> {
        if self.has(&message.id) {
            return vec![];
        }
        if self.queue.len() >= MAX_WAITING {
            let why = format!("{MAX_WAITING} messages wait for this session already");
            return vec![SenderEffect::Answer(message.id, SendOutcome::NotSent(why))];
        }
        self.queue.push_back(message);
        vec![]
    }

    /// Nobody waits for a message any more: it is not typed if it was not begun.
    fn withdrawn(&mut self, id: &Uuid) {
        let begun = match &self.phase {
            SenderPhase::Waiting => false,
            SenderPhase::Typing(attempt) => attempt.has_typed(),
            SenderPhase::Following(_) => true,
        };
        let is_head = self.queue.front().is_some_and(|message| message.id == *id);
        if is_head && begun {
            return;
        }
        if let (true, SenderPhase::Typing(attempt)) = (is_head, &mut self.phase) {
            // The keys are held, and are let go by the next event.
            attempt.give_up();
            return;
        }
        self.queue.retain(|message| message.id != *id);
        if is_head {
            self.next_head();
        }
    }

    fn next_head(&mut self) {
        self.phase = SenderPhase::Waiting;
        (self.head_since, self.met, self.look_at) = (None, None, None);
        self.elsewhere = Elsewhere::default();
    }

    /// The first message has its outcome.
    fn answer_head(&mut self, outcome: Option<SendOutcome>) -> Vec<SenderEffect> {
        let Some(outcome) = outcome else { return vec![] };
        let head = self.queue.pop_front();
        self.next_head();
        head.map(|message| SenderEffect::Answer(message.id, outcome)).into_iter().collect()
    }

    /// Finds out whether the first message can be typed now, and orders a look if nothing else stands against
    /// it. A message whose moment does not come is answered.
    fn plan(&mut self, at: Duration) -> Vec<SenderEffect> {
        let mut effects = Vec::new();
        while self.phase == SenderPhase::Waiting {
            let Some(head) = self.queue.front() else { break };
            let since = *self.head_since.get_or_insert(at);
            let against = self.against(head.when);
            self.elsewhere.note_status(at, against.as_ref());
            if let Some(why) = against.clone() {
                self.met = Some(why);
            }
            match self.given_up(at, head, since, against.is_some()) {
                Some(why) => effects.extend(self.answer_head(Some(SendOutcome::NotSent(why)))),
                None if against.is_some() => {
                    self.look_at = None;
                    break;
                }
                None => {
                    self.look_at.get_or_insert(at);
                    break;
                }
            }
        }
        if self.phase == SenderPhase::Waiting && self.look_at.is_some_and(|look| look <= at) {
            self.look_at = Some(at + BLOCKED_LOOK_INTERVAL);
            effects.push(SenderEffect::Look);
        }
        effects
    }

    /// What stands against typing, beside the screen.
    fn against(&self, when: SendWhen) -> Option<SendBlock> {
        match self.presence {
            Presence { has_claude: false, .. } => Some(SendBlock::NotRunning),
            Presence { is_away: true, .. } => Some(SendBlock::Suspended),
            Presence { other_types: true, .. } => Some(SendBlock::OtherTypes),
            _ => SendBlock::of_status(&self.status, when),
        }
    }

    /// Why the first message is given up, if so. `is_sure` is whether what stands against it holds now.
    fn given_up(&self, at: Duration, head: &Message, since: Duration, is_sure: bool) -> Option<String> {
        let met = self.met.as_ref()?;
        let is_over = match head.when {
            _ if met.is_final() && is_sure || *met == SendBlock::Window => true,
            SendWhen::Now if met.is_fleeting() => at >= since + FLEETING_TIMEOUT,
            SendWhen::Now => true,
            SendWhen::Idle => !head.is_patient && self.elsewhere.is_over(at),
        };
        (is_over || at >= head.until).then(|| met.to_string())
    }

    fn due(&mut self, at: Duration) -> Vec<SenderEffect> {
        let mut effects = self.expire_waiting(at);
        match &mut self.phase {
            SenderPhase::Waiting => {}
            SenderPhase::Typing(attempt) => {
                let result = attempt.handle_due(at);
                effects.extend(self.attempt_result(at, result));
            }
            SenderPhase::Following(follow_up) => {
                let (follow, outcome) = follow_up.due(at);
                effects.extend(follow);
                effects.extend(self.answer_head(outcome));
            }
        }
        effects
    }

    /// Messages behind the first one whose time is over.
    fn expire_waiting(&mut self, at: Duration) -> Vec<SenderEffect> {
        let first = usize::from(self.phase != SenderPhase::Waiting);
        let (kept, over): (VecDeque<_>, VecDeque<_>) =
            std::mem::take(&mut self.queue).into_iter().enumerate().partition(|(place, message)| {
                *place < first || message.until > at || *place == 0 && self.met.is_some()
            });
        self.queue = kept.into_iter().map(|(_, message)| message).collect();
        let why = match &self.met {
            Some(met) => format!("another message waits before it: {met}"),
            None => "the moment to type never came".to_owned(),
        };
        over.into_iter()
            .map(|(_, message)| SenderEffect::Answer(message.id, SendOutcome::NotSent(why.clone())))
            .collect()
    }

    fn looked(&mut self, at: Duration, look: &PromptLook) -> Vec<SenderEffect> {
        match &mut self.phase {
            SenderPhase::Typing(attempt) => {
                let result = attempt.handle_look(at, look, &self.status);
                self.attempt_result(at, result)
            }
            SenderPhase::Following(follow_up) => {
                let outcome = follow_up.looked(at, look);
                self.answer_head(outcome)
            }
            SenderPhase::Waiting => self.looked_before(at, look),
        }
    }

    /// A look that was ordered to find out whether the moment has come.
    fn looked_before(&mut self, at: Duration, look: &PromptLook) -> Vec<SenderEffect> {
        let Some(head) = self.queue.front() else { return vec![] };
        if self.against(head.when).is_some() {
            return vec![];
        }
        let queues = head.when == SendWhen::Now;
        if let Some(why) = look.obstacle(queues).or_else(|| look.against_text(&head.text)) {
            let pause = if why == SendBlock::Unsettled { OUTPUT_LOOK_DELAY } else { BLOCKED_LOOK_INTERVAL };
            self.elsewhere.note_look(at, &why);
            self.met = Some(why);
            self.look_at = Some(at + pause);
            return vec![];
        }
        let has_client = self.presence.has_client;
        let attempt = Attempt::new(head.text.clone(), head.when, has_client, at);
        self.phase = SenderPhase::Typing(Box::new(attempt));
        self.elsewhere = Elsewhere::default();
        vec![if has_client { SenderEffect::Hold } else { SenderEffect::Look }]
    }

    fn keys_held(&mut self, at: Duration, keyboard: KeyboardState) -> Vec<SenderEffect> {
        let SenderPhase::Typing(attempt) = &mut self.phase else { return vec![SenderEffect::Release] };
        if !attempt.keys_held(at) {
            return vec![];
        }
        match keyboard.obstacle(self.rest) {
            None => vec![SenderEffect::Look],
            // What is half through is the user's new keys, which ours must not fall between.
            Some(_) if attempt.has_typed() => {
                let end = attempt.cut_short("another terminal was attached in the middle of it");
                self.end(at, end)
            }
            Some(obstacle) => {
                let left = keyboard.typed.map_or(self.rest, |ago| self.rest.saturating_sub(ago));
                self.defer(at, SendBlock::Keyboard(obstacle), at + left)
            }
        }
    }

    /// Before anything was typed the key is let go at once.
    fn key_waits(&mut self, at: Duration) -> Vec<SenderEffect> {
        let rest = self.rest;
        let SenderPhase::Typing(attempt) = &mut self.phase else { return vec![] };
        if attempt.has_typed() {
            attempt.key_waits(at);
            return vec![];
        }
        self.defer(at, SendBlock::Keyboard(crate::typing::KeyboardObstacle::Typing), at + rest)
    }

    /// Nothing was typed; the screen is looked at again at that time, or when something has changed.
    fn defer(&mut self, at: Duration, why: SendBlock, until: Duration) -> Vec<SenderEffect> {
        self.phase = SenderPhase::Waiting;
        self.elsewhere.note_look(at, &why);
        self.met = Some(why);
        self.look_at = Some(until.max(at + OUTPUT_LOOK_DELAY));
        vec![SenderEffect::Release]
    }

    fn attempt_result(&mut self, at: Duration, result: AttemptResult) -> Vec<SenderEffect> {
        let id = self.queue.front().map(|message| message.id);
        let mut effects: Vec<_> = result
            .actions
            .into_iter()
            .filter_map(|action| match action {
                AttemptAction::StillHolding => Some(SenderEffect::StillHolding),
                AttemptAction::Look => Some(SenderEffect::Look),
                AttemptAction::Begin => id.map(SenderEffect::Begin),
                AttemptAction::Type(keys) => Some(SenderEffect::Type(keys)),
            })
            .collect();
        if let Some(end) = result.end {
            effects.extend(self.end(at, end));
        }
        effects
    }

    /// A try has ended.
    fn end(&mut self, at: Duration, end: AttemptEnd) -> Vec<SenderEffect> {
        let Some(head) = self.queue.front() else {
            self.next_head();
            return vec![SenderEffect::Release];
        };
        let text = head.text.clone();
        let mut effects = vec![SenderEffect::Release];
        match end {
            AttemptEnd::NotNow(why) => return self.defer(at, why, at + BLOCKED_LOOK_INTERVAL),
            AttemptEnd::Withdrawn => {
                self.queue.pop_front();
                self.next_head();
            }
            AttemptEnd::TakenBack(why) => effects.extend(self.answer_head(Some(SendOutcome::NotSent(why)))),
            AttemptEnd::Submitted => self.phase = SenderPhase::Following(FollowUp::submitted(text, true, at)),
            AttemptEnd::Entered => self.phase = SenderPhase::Following(FollowUp::submitted(text, false, at)),
            AttemptEnd::Left(why) => self.phase = SenderPhase::Following(FollowUp::left(text, why, at)),
        }
        effects
    }

    /// Claude has ended or was stopped.
    fn cut_short(&mut self, at: Duration, why: &str) -> Vec<SenderEffect> {
        let has_claude = self.presence.has_claude;
        match &mut self.phase {
            SenderPhase::Waiting => vec![],
            SenderPhase::Typing(attempt) => {
                let end = match attempt.cut_short(why) {
                    // With claude its prompt has gone.
                    AttemptEnd::Left(why) if !has_claude => AttemptEnd::TakenBack(why),
                    end => end,
                };
                let mut effects = self.end(at, end);
                effects.extend(self.follow_up_without_claude(at));
                effects
            }
            SenderPhase::Following(_) => self.follow_up_without_claude(at),
        }
    }

    fn follow_up_without_claude(&mut self, at: Duration) -> Vec<SenderEffect> {
        match &mut self.phase {
            SenderPhase::Following(follow_up) if !self.presence.has_claude => {
                let outcome = follow_up.claude_ended(at);
                self.answer_head(outcome)
            }
            _ => vec![],
        }
    }
}
