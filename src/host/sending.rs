//! Messages in a host: what the sender has to know, and what it has decided.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Host;
use super::control_server::{ControlServer, Now};
use crate::claude::pasted::{PastedText, SubmittedAs};
use crate::claude::screen;
use crate::claude::submitted::TranscriptTail;
use crate::protocol::{Response, Send, Sent};
use crate::registry::log_event::LogEvent;
use crate::registry::record::SessionKind;
use crate::sending::{Message, PromptLook, SendOutcome, SendWhen, Sender, SenderEffect, SenderEvent};

/// So many outcomes are remembered, for a request that is repeated.
const MAX_REMEMBERED: usize = 64;

/// The sender, and what is said to those who wait for it.
pub(super) struct Sending {
    sender: Sender,
    /// What the reconnector was told: the sender types.
    types: bool,
    /// What is to be said of a message, and whether that is all.
    told: Vec<(Uuid, Response, bool)>,
    /// What was said when the message that is typed now was begun.
    begun: Option<(Uuid, Response)>,
    /// What became of the last messages.
    finished: VecDeque<(Uuid, Sent)>,
    /// What the transcript gets from the first key on.
    tail: Option<TranscriptTail>,
}

/// The same as it is handed over to the program that goes on with it, while nothing is typed.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct SendingState {
    sender: Sender,
    told: Vec<(Uuid, Response, bool)>,
    finished: VecDeque<(Uuid, Sent)>,
}

impl Sending {
    /// All that is needed to go on.
    pub(super) fn hand_over(&self) -> SendingState {
        SendingState { sender: self.sender.clone(), told: self.told.clone(), finished: self.finished.clone() }
    }

    /// Goes on with what another program has handed over.
    pub(super) fn take_over(state: SendingState, rest: Duration) -> Self {
        let SendingState { sender, told, finished } = state;
        Self { sender: sender.with_rest(rest), told, finished, ..Self::new(rest) }
    }

    /// Whether nothing is typed, and nothing that was is looked for.
    pub(super) fn is_quiet(&self) -> bool {
        self.sender.is_quiet()
    }

    /// `rest` is how long the keyboard has to rest before anything is typed.
    pub(super) fn new(rest: Duration) -> Self {
        Self {
            sender: Sender::new(rest),
            types: false,
            told: Vec::new(),
            begun: None,
            finished: VecDeque::new(),
            tail: None,
        }
    }

    /// Whether the sender types.
    pub(super) fn is_typing(&self) -> bool {
        self.sender.is_typing()
    }

    /// The same, if that has changed since this was asked last.
    pub(super) fn typing_changed(&mut self) -> Option<bool> {
        let types = self.sender.is_typing();
        (std::mem::replace(&mut self.types, types) != types).then_some(types)
    }

    fn finish(&mut self, id: Uuid, sent: Sent) {
        self.begun.take_if(|(begun, _)| *begun == id);
        self.told.push((id, Response::Sent(sent.clone()), true));
        self.finished.push_back((id, sent));
        if self.finished.len() > MAX_REMEMBERED {
            self.finished.pop_front();
        }
    }
}

impl Host {
    /// Takes a message that somebody waits for.
    pub(super) fn take_message(&mut self, send: &Send) -> Now {
        let known = self.sending.finished.iter().find(|(id, _)| *id == send.id);
        if let Some((_, sent)) = known {
            return Now::Answer(Response::Sent(sent.clone()), None);
        }
        if let Some((id, words)) = self.sending.begun.clone().filter(|(id, _)| *id == send.id) {
            self.sending.told.push((id, words, false));
            return Now::Deferred(id);
        }
        if self.record.kind == SessionKind::Server {
            let why = "it is a Remote Control server, which has no prompt".into();
            return Now::Answer(Response::Sent(Sent::NotSent { why }), None);
        }
        let when = if send.now { SendWhen::Now } else { SendWhen::Idle };
        let until = self.now().saturating_add(Duration::from_millis(send.timeout_ms));
        let text = PastedText::new(send.text.clone());
        self.queue_message(Message { id: send.id, text, when, is_patient: send.patient, until });
        Now::Deferred(send.id)
    }

    /// Puts a text into the queue of those that are typed. What becomes of it stands in the log under its id.
    pub(super) fn queue_message(&mut self, message: Message) {
        self.tell_sender(SenderEvent::Requested(message));
    }

    /// When the sender wants to be asked.
    pub(super) fn sending_deadline(&self) -> Option<Instant> {
        self.sending.sender.deadline().map(|due| self.claude.instant(due))
    }

    /// Tells the sender what has changed, and those who wait what became of their messages. Called in every
    /// turn of the loop, so it costs nothing where there is nothing to tell.
    pub(super) fn follow_sending(&mut self, had_output: bool, server: &mut ControlServer) {
        for id in server.take_abandoned() {
            self.tell_sender(SenderEvent::Withdrawn(id));
        }
        if had_output && self.sending.sender.wants_output() {
            self.tell_sender(SenderEvent::Output);
        }
        if self.sending_deadline().is_some_and(|at| at <= Instant::now()) {
            self.tell_sender(SenderEvent::Due);
        }
        for (id, words, is_last) in std::mem::take(&mut self.sending.told) {
            server.tell(&id, &words, is_last);
        }
    }

    /// Reports an event to the sender and does what it says.
    pub(super) fn tell_sender(&mut self, event: SenderEvent) {
        let mut next = Some(event);
        while let Some(event) = next.take() {
            let at = self.now();
            for effect in self.sending.sender.handle(at, event) {
                match effect {
                    SenderEffect::Hold | SenderEffect::StillHolding => self.hold_keys(),
                    SenderEffect::Release => self.release_keys(),
                    SenderEffect::Look => next = Some(SenderEvent::Looked(self.prompt_look())),
                    SenderEffect::Begin(id) => self.begin_message(id),
                    SenderEffect::Type(keys) => self.type_keys(&keys),
                    SenderEffect::ReadTranscript => {
                        next = Some(SenderEvent::Transcript(self.read_evidence()));
                    }
                    SenderEffect::Answer(id, outcome) => self.message_is_over(id, outcome),
                }
            }
        }
        self.share_typing();
    }

    /// The first key is about to be typed. Whoever waits hears of it in this turn of the loop, and Enter is
    /// pressed in a later one: if this process is killed before they hear, nothing was submitted.
    fn begin_message(&mut self, id: Uuid) {
        let tail = TranscriptTail::begin(self.record.conversation.as_deref(), self.record.claude_cwd());
        let words =
            Response::Sending { conversation: self.record.conversation.clone(), position: tail.position() };
        self.sending.tail = Some(tail);
        self.sending.begun = Some((id, words.clone()));
        self.sending.told.push((id, words, false));
        self.events.write(LogEvent::MessageTyping { id });
    }

    fn read_evidence(&mut self) -> Option<SubmittedAs> {
        let text = self.sending.sender.current()?.text.clone();
        self.sending.tail.as_mut()?.find(&text)
    }

    fn message_is_over(&mut self, id: Uuid, outcome: SendOutcome) {
        let (event, sent) = match outcome {
            SendOutcome::Submitted(how) => {
                let how = match how {
                    SubmittedAs::Queued => "queued",
                    SubmittedAs::Command => "command",
                    SubmittedAs::Prompt | SubmittedAs::UnknownCommand(_) => "prompt",
                };
                (LogEvent::MessageSubmitted { id, how }, Sent::Submitted { how: how.into() })
            }
            SendOutcome::NotSent(why) => {
                (LogEvent::MessageNotSent { id, why: why.clone() }, Sent::NotSent { why })
            }
            SendOutcome::Unknown(why) => {
                (LogEvent::MessageUnknown { id, why: why.clone() }, Sent::Unknown { why })
            }
        };
        self.events.write(event);
        let (is_submitted, is_not_sent) =
            (matches!(sent, Sent::Submitted { .. }), matches!(sent, Sent::NotSent { .. }));
        self.sending.finish(id, sent);
        if is_submitted {
            self.message_was_submitted(id);
        } else if is_not_sent {
            self.message_was_not_sent(id);
        }
    }

    fn prompt_look(&mut self) -> PromptLook {
        PromptLook {
            settled: self.is_screen_settled(),
            rested: self.remote.claude_rests(self.record.claude_pid),
            reading: screen::read(&self.output.screen.view()),
            pastes: self.output.modes.is_on(2004) == Some(true),
        }
    }
}
