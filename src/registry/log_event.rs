//! What can happen to a session: the events of its log.
//!
//! An event is one line of `events.jsonl`, a JSON object: `at` (milliseconds since 1970), `event` (the name)
//! and the event's own fields. Other programs read these lines, so names and fields stay as they are. A
//! reader skips what it does not know.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::broken_turn::BrokenTurnCause;
use super::link_record::{LinkStatus, PanelLeft};
use crate::os::exit::Exit;
use crate::os::text::LosslessText;

/// An event with its fields. The name in the log is the variant's, in kebab-case.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum LogEvent {
    /// The user's command is not told this, for too much waits.
    AlertDropped {
        alert: &'static str,
    },
    /// The user's command could not be started.
    AlertNotSent {
        alert: &'static str,
        error: String,
    },
    /// The user's command was told this, and has ended.
    AlertSent {
        alert: &'static str,
        exit: Exit,
    },
    /// Claude asks this before it begins.
    AsksFirst {
        question: String,
    },
    /// A client has taken the session.
    Attached {
        client: i32,
        terminal: String,
    },
    /// Claude has moved the conversation to a background job, or has taken it back.
    BackgroundJob {
        job: Option<String>,
    },
    /// The background job was told to end. `ended` is whether it did.
    BackgroundJobEnded {
        job: Option<String>,
        ended: bool,
    },
    /// The background job is told to end, so that the conversation can be opened here.
    BackgroundJobEnding {
        job: String,
    },
    /// The session is over, and its background job is not.
    BackgroundJobGoesOn {
        job: String,
    },
    /// The host cannot wait for anything to happen.
    CannotWait {
        error: String,
    },
    /// The client has given the terminal to the shell.
    ClientBackgrounded {
        why: &'static str,
    },
    /// The client has left by itself.
    ClientLeft {
        why: &'static str,
    },
    /// The client has died.
    ClientLost {
        why: String,
    },
    ClientStopped,
    /// Claude was continued by somebody else.
    ContinuedFromOutside,
    /// Claude has another conversation open.
    Conversation {
        id: String,
        job: Option<String>,
    },
    /// The client has left the session.
    Detached,
    /// Claude has opened another conversation than it was started with.
    DifferentConversation {
        asked: String,
        got: String,
    },
    /// Another host has taken the session.
    Displaced,
    /// Claude has ended.
    Ended {
        exit: Exit,
    },
    /// Another program goes on in the host's process.
    HandedOver {
        from: String,
        version: String,
    },
    /// Claude is sent a signal to end it.
    Ending {
        signal: &'static str,
    },
    /// The variables of a session could not be written down.
    EnvironmentNotRecorded {
        error: String,
    },
    /// So many events before this one could not be written.
    EventsMissed {
        count: u64,
    },
    /// A new conversation takes the place of one that is gone.
    Expired {
        conversation: String,
        instead: String,
        why: String,
    },
    /// The system tells of changed files again.
    FileNotifications,
    /// Files of the session were removed, and were made anew.
    FilesMadeAnew {
        what: String,
        directory: String,
        could_not_before: Option<String>,
    },
    /// Files of the session were removed, and cannot be made anew.
    FilesNotMadeAnew {
        error: String,
    },
    /// The session is over.
    Finished {
        why: String,
    },
    /// `claude remote-control` has given up.
    GaveUp,
    /// The conversation is open elsewhere, and is not opened here.
    Held(OpenElsewhere),
    /// The terminal was hung up. `terminal_answers` is whether it is there all the same.
    HungUp {
        terminal_answers: bool,
    },
    /// A launcher has ended, and the claude that it had started lives.
    LeftBehind {
        pid: i32,
    },
    /// A session without a client has been detached for as long as is configured, and is ended.
    Lingered,
    /// Something that was no log stood in the log's place. It was put aside.
    LogReplaced,
    /// The mark that the session was told to end could not be written.
    MarkerNotWritten {
        error: String,
    },
    /// Claude is restarted when it is idle, because a newer one is installed, or the program that runs was
    /// removed.
    NewerClaude {
        running: Option<String>,
        installed: Option<String>,
        removed: bool,
    },
    /// The system does not tell of changed files.
    NoFileNotifications,
    /// The host writes in line: it could not start its writing thread.
    NoJournalThread {
        error: String,
    },
    /// Another program was to go on in the host's process, and does not; why.
    NotHandedOver {
        program: LosslessText,
        error: String,
    },
    /// Claude runs, and writes no state file.
    NoStateFile {
        version: Option<String>,
    },
    /// The host has got no scope of its own from systemd, and is where it was started.
    NoOwnScope {
        error: String,
    },
    /// The session was not recovered.
    NotTakenUp {
        reason: String,
    },
    /// The conversation is open here and elsewhere.
    OpenTwice(OpenElsewhere),
    /// The host has a scope of its own below the user manager of systemd.
    OwnScope {
        scope: String,
    },
    /// Claude's program is gone; another one takes its place.
    ProgramGone {
        program: LosslessText,
        instead: LosslessText,
    },
    /// The record cannot be written.
    RecordNotWritten {
        error: String,
    },
    /// A record that could not be read was rebuilt. `kept` is where a copy of it is.
    RecordRebuilt {
        why: Option<String>,
        version: u32,
        kept: Option<String>,
    },
    /// The record can be written again.
    RecordWritten,
    /// Somebody has damaged the record; it was written again. `kept` is where a copy of it is.
    RecordWrittenAgain {
        why: String,
        kept: Option<String>,
    },
    /// Claude has refused to open the conversation.
    Refused {
        conversation: String,
    },
    /// Claude could not be started again.
    RelaunchFailed {
        reason: String,
    },
    /// Claude was started again.
    Relaunched {
        child: i32,
        how: String,
    },
    /// A message was not submitted.
    MessageNotSent {
        id: Uuid,
        why: String,
    },
    /// A message was seen to be submitted: as a `prompt`, a `command`, or into claude's queue (`queued`).
    MessageSubmitted {
        id: Uuid,
        how: &'static str,
    },
    /// The first key of a message is typed.
    MessageTyping {
        id: Uuid,
    },
    /// A message was typed, and it is not known what became of it.
    MessageUnknown {
        id: Uuid,
        why: String,
    },
    /// The session is called otherwise from now on: its user has renamed it, to what is wanted, or it was
    /// brought back and a living session has its name.
    Renamed {
        name: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        wanted: Option<String>,
    },
    /// Somebody asks for the link. With `cycle` it is to be switched off first.
    RemoteRequested {
        cycle: bool,
    },
    /// Somebody asks for a restart of claude.
    RestartAsked {
        at_once: bool,
        status: Option<String>,
    },
    /// A restart that was asked for is called off.
    RestartCancelled {
        #[serde(skip_serializing_if = "Option::is_none")]
        why: Option<&'static str>,
    },
    /// Claude has crashed, and is started again after so many milliseconds.
    Restarting {
        exit: Exit,
        delay_ms: u64,
        attempt: u32,
    },
    /// Claude goes on after ctrl-z.
    Resumed,
    /// A process was not sent a signal.
    SignalNotSent {
        pid: i32,
        signal: &'static str,
        why: String,
    },
    /// The session has another SSH agent.
    SshAgent {
        agent: LosslessText,
    },
    /// The session has begun, and claude was started.
    Started {
        child: i32,
    },
    /// Claude's state file was removed by somebody.
    StateFileRemoved {
        pid: Option<i32>,
    },
    /// Claude's state file cannot be read.
    StateFileUnread {
        pid: Option<i32>,
    },
    /// Claude was stopped where nobody could continue it, and was continued at once.
    StoppedAndContinued {
        signal: i32,
    },
    /// Claude was stopped: ctrl-z.
    Suspended {
        signal: i32,
    },
    /// The session was recovered by this host.
    TakenUp {
        how: String,
    },
    /// The terminal did not take the output in time, and gets no more of it for now.
    TerminalPassedOver,
    /// The host was sent a signal that asks it to end.
    ToldToEnd {
        signal: i32,
    },
    /// The transcript was removed, or cut.
    TranscriptCut {
        conversation: Option<String>,
    },
    /// The transcript lacks what was said.
    TranscriptNotWritten {
        conversation: String,
        problem: String,
    },
    /// The transcript has what was said.
    TranscriptWritten {
        conversation: String,
    },
    /// A turn broke off.
    TurnBrokeOff {
        cause: BrokenTurnCause,
    },
    /// Claude was started to go on with the turn that broke off. `tries` counts those in a row that nobody has
    /// asked for.
    TurnContinued {
        tries: u32,
    },
    /// These variables name something that is gone, so claude did not get them. The value says what is gone.
    VariablesDropped(BTreeMap<&'static str, String>),
    /// What the reconnector did or found.
    #[serde(untagged)]
    Link(LinkEvent),
}

/// Who else has a conversation open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OpenElsewhere {
    pub conversation: String,
    /// The claude that has it open; nothing while that is only about to start.
    pub pid: Option<i32>,
    /// The session of that claude; nothing for a claude without cckw.
    pub session: Option<Uuid>,
}

/// What the reconnector did or found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "event")]
pub enum LinkEvent {
    /// The link is up again.
    #[serde(rename = "remote-back")]
    Back,
    /// A link that looks alive is switched off and on.
    #[serde(rename = "remote-cycle")]
    Cycle { what: &'static str },
    /// Enter is pressed.
    #[serde(rename = "remote-entering")]
    Entering,
    /// An attempt has failed.
    #[serde(rename = "remote-failed")]
    Failed { what: String },
    /// The link is not brought back any more.
    #[serde(rename = "remote-gave-up")]
    GaveUp { what: String },
    /// Something may have been left at the prompt.
    #[serde(rename = "remote-left-behind")]
    LeftBehind { what: &'static str },
    /// The state of the link has changed.
    #[serde(rename = "remote-link")]
    Status { what: LinkStatus },
    /// What was left at the prompt may be there still, and is not looked for any more.
    #[serde(rename = "remote-not-tidied")]
    NotTidied { what: &'static str },
    /// Claude still counts a link that failed as on. It is tried again.
    #[serde(rename = "remote-not-yet")]
    NotYet,
    /// Claude refuses a link for good.
    #[serde(rename = "remote-refused")]
    Refused { what: String },
    /// A request has ended without an attempt.
    #[serde(rename = "remote-request-over")]
    RequestOver { what: String },
    /// Claude is to be restarted.
    #[serde(rename = "remote-restart")]
    Restart { what: String },
    /// The command was submitted.
    #[serde(rename = "remote-submitted")]
    Submitted,
    /// The link was switched off, as the first half of a cycle.
    #[serde(rename = "remote-switched-off")]
    SwitchedOff,
    /// What was left at the prompt was taken back.
    #[serde(rename = "remote-tidied")]
    Tidied,
    /// The command is typed.
    #[serde(rename = "remote-typing")]
    Typing { what: String },
    /// The screen is not recognised.
    #[serde(rename = "remote-unrecognised")]
    Unrecognised { what: String },
    /// Nothing is typed now.
    #[serde(rename = "remote-waits")]
    Waits { what: String },
    /// The link was up after all.
    #[serde(rename = "remote-was-up")]
    WasUp { what: PanelLeft },
}

impl LogEvent {
    /// The event as it stands in the log, its end included; `at` is in milliseconds since 1970.
    pub(crate) fn line(&self, at: u64) -> Vec<u8> {
        let mut line = match serde_json::to_value(self) {
            Ok(Value::Object(line)) => line,
            _ => Map::new(),
        };
        line.insert("at".into(), at.into());
        let mut bytes = Value::Object(line).to_string().into_bytes();
        bytes.push(b'\n');
        bytes
    }
}

#[cfg(test)]
mod tests;

/// One of each event, for the tests of who prints them.
#[cfg(test)]
pub(crate) fn samples() -> Vec<LogEvent> {
    tests::samples()
}
