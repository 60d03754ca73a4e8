//! What is said, and by whom.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::os::signals::SignalState;
use crate::os::text::LosslessText;
use crate::os::tty::{Attributes, Size};

/// The version of the protocol. Fields may be added within a version; what exists keeps its meaning.
pub const PROTOCOL_VERSION: u32 = 1;

/// What a host of this version knows beyond the first form of the protocol. 1: `Ping`, `GaveUp` and
/// `Backgrounded`. 3: `Guard`. 4: `Send`. 5: `HandOver`. 6: `Watch`.
pub const MINOR: u32 = 6;

/// What a client asks of a new host. Its terminal comes with it, then its stderr if that is something else.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Start {
    /// The client's pid; the host looks whether it is stopped.
    pub client: i32,
    /// The size of the terminal.
    pub size: Size,
    /// The terminal's attributes before the client made it raw: claude's PTY begins with them.
    pub attributes: Attributes,
    /// Signals that were blocked or ignored when the client was started.
    pub signals: SignalState,
    /// Whether cckw chose the conversation, and so knows its id before claude has written it.
    pub pinned: bool,
    /// The name that the user gave the session with `-n`.
    #[serde(default)]
    pub name: Option<String>,
    /// Whether it is the Remote Control server.
    #[serde(default)]
    pub server: bool,
    /// Whether the session is one whose host is gone: then its record says what to start.
    #[serde(default)]
    pub revive: bool,
    /// Whether nobody waits for the host: the session has no client from the beginning. Then its lock, which
    /// the one who asks has taken, comes in place of stderr.
    #[serde(default)]
    pub detached: bool,
    /// Whether the environment that the host was started with is the session's from now on, and is written
    /// down.
    #[serde(default)]
    pub record_environment: bool,
    /// Whether claude gets the umask, the signal settings and the limits with which the session began, and not those of
    /// whoever brings it back.
    #[serde(default)]
    pub keeps_attributes: bool,
    /// Whether the conversation may be given up for a new one where it is not found. A command that only
    /// happens to bring the session back leaves that to its user.
    #[serde(default)]
    pub may_expire: bool,
    /// Whether its user has asked for the session to be brought back.
    #[serde(default)]
    pub is_asked: bool,
    /// Whether the start is refused if a living session has the name. Otherwise the session gets a number
    /// behind its name.
    #[serde(default)]
    pub name_is_fixed: bool,
    /// Whether claude is to go on with the turn that broke off.
    #[serde(default)]
    pub continue_turn: bool,
    /// What the last claude had open when its host was lost. The host that was lost may not have written it
    /// down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_open: Option<LastOpen>,
    /// The path by which cckw was called: what stands there is the newest one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub called: Option<LosslessText>,
}

/// The conversation that a claude has open, as its state file says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastOpen {
    /// The pid of the claude.
    pub claude: i32,
    /// The conversation's id.
    pub conversation: String,
}

/// What a client asks of a host that runs already. Its terminal comes with it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Attach {
    /// The client's pid.
    pub client: i32,
    /// The size of the terminal.
    pub size: Size,
    /// The terminal's attributes before the client made it raw.
    pub attributes: Attributes,
    /// The terminal's name, for whoever is detached by this.
    pub terminal: String,
    /// The agent of the login that it belongs to: an absolute path, from its `SSH_AUTH_SOCK`.
    #[serde(default)]
    pub agent: Option<LosslessText>,
    /// What its login and its terminal bring, for the claudes that are started later: variables, and those
    /// that it does not have.
    #[serde(default)]
    pub environment: Vec<(String, Option<LosslessText>)>,
    /// The terminal is the far end of a link. When it goes the session is detached, whatever is configured for
    /// a hang-up: the user did not close anything.
    #[serde(default)]
    pub over_link: bool,
}

/// From the client to its host.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "kebab-case")]
pub enum FromClient {
    /// The first message.
    Start(Box<Start>),
    /// The terminal has, or may have, a new size.
    Resized {
        /// The size that it has now.
        size: Size,
    },
    /// The client was sent this signal, which is meant for claude.
    Signal {
        /// Its number.
        number: i32,
    },
    /// The client was hung up on: its window was closed, its connection has ended, its shell ends.
    HungUp {
        /// Whether the terminal still answers. Terminal emulators and shells send SIGHUP first and close the
        /// terminal later.
        #[serde(default)]
        answers: bool,
    },
    /// The user has typed the key that stands for this signal (ctrl-c for SIGINT). The key itself goes to
    /// claude's PTY, which makes a signal of it where claude has not switched that off.
    KeySignal {
        /// SIGINT or SIGQUIT.
        number: i32,
    },
    /// The terminal has answered a question of claude's; the host answers it where there is no terminal.
    Reply {
        /// The whole reply.
        bytes: Vec<u8>,
    },
    /// The user has pressed the detach key.
    Detach,
    /// The user does not want to wait until claude comes back by itself.
    Now,
    /// The same, and claude is to go on with the turn that broke off.
    Continue,
    /// The user does not want claude back.
    Quit,
    /// The client is in the foreground again, in raw mode.
    Resumed {
        /// The size that the terminal has now.
        size: Size,
    },
    /// To the first `Started`: the process that gives the terminal back where both client and host are
    /// killed. The end of a pipe comes with it. The host writes a byte there when it has given the terminal
    /// back itself, after the client was killed.
    Guard,
    /// To `Hold`: from now on, what is typed waits.
    Held(Held),
    /// While keys are held: the first one waits now.
    KeyWaits,
    /// To `Detached`, while keys are held: what was typed and is for claude, a read each.
    Unsent {
        /// In order.
        reads: Vec<Vec<u8>>,
    },
    /// To `Detached`: the terminal has its attributes back, and this client ends.
    Left,
    /// Asks whether the host is well; it answers `Pong`. Sent behind something that the user wants, never by
    /// itself.
    Ping {
        /// Which one.
        number: u64,
    },
    /// The host has not answered, so the client has given the terminal back by itself, and ends. What it
    /// asked for before is not wanted any more, and nothing may be written to that terminal any more.
    GaveUp {
        /// Whether the user wants the session to go on. Otherwise it is treated like the end of a terminal.
        detached: bool,
    },
    /// The host has not answered, so the client has undone the modes by itself and is stopped: the terminal
    /// belongs to the shell until `Resumed`.
    Backgrounded,
}

/// What the client knows of the keyboard.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// How long ago the user last typed, in milliseconds; nothing if they have not, in this client.
    pub typed_ago_ms: Option<u64>,
    /// Whether a paste is half through.
    pub in_paste: bool,
    /// Whether an escape sequence is half through.
    pub in_sequence: bool,
    /// Bytes that claude has not read.
    pub unsent: usize,
    /// How long ago the user pressed ctrl-s, in milliseconds; nothing if they have not, in this client.
    #[serde(default)]
    pub stashed_ago_ms: Option<u64>,
}

/// From the host to its client.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "kebab-case")]
pub enum FromHost {
    /// Claude runs. The master of its PTY comes with this message.
    Started {
        /// What the host knows of the protocol ([`MINOR`]).
        #[serde(default)]
        minor: u32,
    },
    /// To `Ping`.
    Pong {
        /// Which one.
        number: u64,
    },
    /// Claude could not be started.
    Failed {
        /// What happened, why, and what to do.
        reason: String,
        /// The status to exit with.
        status: u8,
        /// Only what the session needs is missing (a place for its files, a PTY). Claude itself can be
        /// started without a session.
        #[serde(default)]
        claude_can_run: bool,
    },
    /// The bytes that undo the modes which claude has switched on by now.
    Undo {
        /// Escape sequences, all ASCII.
        bytes: String,
        /// Whether claude has asked for keys in an encoding that writes ctrl-\ as a sequence.
        #[serde(default)]
        extended_keys: bool,
    },
    /// Claude was stopped by this signal; what it wrote before is on the terminal.
    Stopped {
        /// SIGTSTP, SIGSTOP, SIGTTIN or SIGTTOU.
        signal: i32,
    },
    /// Claude has crashed and comes back; until `Started` comes again, keys are for cckw.
    Waiting {
        /// Whether a turn broke off that claude can go on with.
        #[serde(default)]
        can_continue: bool,
    },
    /// The host is about to type: keys are to wait, and the client to answer `Held`. Sent again, they are to
    /// wait on.
    Hold,
    /// The host has typed: keys that wait are to be delivered.
    Release,
    /// The session goes on without this client. Its modes are undone on the terminal.
    Detached {
        /// Why, for the user: the detach key, or who has attached.
        why: String,
    },
    /// Asks for a panic, for a test. In debug builds only.
    #[cfg(debug_assertions)]
    Panic,
    /// Claude has ended, all that it wrote is on the terminal, and its modes are undone.
    Ended {
        /// The status to exit with.
        status: u8,
    },
}

/// What any verb can ask a host through the session's socket.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "kebab-case")]
pub enum Request {
    /// Whether this host answers. Behind the answer it closes the connection. One of an older version refuses
    /// what it does not know, which is an answer, too.
    Ping,
    /// The session's record, and what the host knows beyond it.
    Status,
    /// Makes the other side of this connection the session's client. It is answered as a client is: by
    /// `Started`.
    Attach(Box<Attach>),
    /// Lets the attached client go.
    Detach,
    /// Ends claude, and with it the session.
    Stop,
    /// Brings the link of remote control back, whatever the configuration says; looks first, as always.
    Reconnect {
        /// Whether to do it. Otherwise it is only said what would be done.
        apply: bool,
        /// Whether a link that seems to be up is switched off first.
        #[serde(default)]
        cycle: bool,
    },
    /// Ends claude, and starts it again with the same conversation.
    Restart {
        /// Whatever it does at the moment; else when it is idle.
        now: bool,
        /// The claude that the asking side would start, for the case that the one of the session has gone.
        #[serde(default)]
        program: Option<LosslessText>,
    },
    /// Calls off a restart that waits until claude is idle.
    CancelRestart,
    /// Gives the session another name. Whoever asks has the open lock.
    Rename {
        /// The name, which no other living session has.
        name: String,
    },
    /// Types a text into claude, and submits it. It is answered by [`Response::Sending`] just before the first
    /// key is typed, and by [`Response::Sent`] when it is known what became of it. A request whose sender
    /// goes away before that first key is not carried out.
    Send(Box<Send>),
    /// Has claude go on with the turn that broke off.
    ContinueTurn,
    /// Has the host execute the cckw that is on disk in its own process. It is answered when that has gone on, or
    /// when it is known why it cannot.
    HandOver {
        /// Also where the host executes that program already.
        #[serde(default)]
        force: bool,
        /// The program of the asking side, for the case that there is none where the host's own was.
        #[serde(default)]
        program: Option<LosslessText>,
    },
    /// Has the host send the session's screen, and what changes on it from then on: [`Response::Frame`] again and
    /// again, until the connection ends. The first frame is the whole screen. While a frame was not taken none is made,
    /// and the next one has all that was missed. Nothing else is asked on this connection.
    Watch,
    /// Has the host write the session's record again: the one on disk is damaged, or not the host's.
    SaveRecord,
    /// The machine is to have slept, for a test. In debug builds only.
    #[cfg(debug_assertions)]
    Slept {
        /// For so long.
        seconds: u64,
    },
    /// Panics, so that a test can see what becomes of the terminal. In debug builds only.
    #[cfg(debug_assertions)]
    Panic,
    /// The same in the client.
    #[cfg(debug_assertions)]
    PanicClient,
}

/// A text for claude.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Send {
    /// Which request it is. One that is repeated has the same, and its text is typed once.
    pub id: Uuid,
    /// The text: UTF-8 with LF, and no control character but tab.
    pub text: String,
    /// Whether a turn that runs may take it into its queue. Otherwise it waits for an idle prompt.
    #[serde(default)]
    pub now: bool,
    /// How long it may wait for the moment to type, in milliseconds.
    pub timeout_ms: u64,
    /// Whether it also waits so long while claude is somewhere else than at its main prompt and works on
    /// nothing. Otherwise that is answered after a moment.
    #[serde(default)]
    pub patient: bool,
}

/// What became of a text that was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum Sent {
    /// It was seen to be submitted.
    Submitted {
        /// `prompt`, `queued` or `command`.
        how: String,
    },
    /// It was not submitted, and nothing of it is left at the prompt.
    NotSent {
        /// Why.
        why: String,
    },
    /// It was typed, and it is not known whether it was submitted.
    Unknown {
        /// What is known.
        why: String,
    },
}

/// What has changed on a session's screen since the frame before.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScreenFrame {
    /// Rows of the screen.
    pub rows: u16,
    /// Columns of the screen.
    pub columns: u16,
    /// Whether this is the whole screen: what was shown before is forgotten.
    pub is_whole: bool,
    /// Where the cursor is, row and column from 0; nothing where it is hidden.
    pub cursor: Option<(u16, u16)>,
    /// Rows that have changed, by their number from 0, each with its colours (SGR) and without the blanks at its end.
    pub changed: Vec<(u16, String)>,
}

/// What the host answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "kebab-case")]
pub enum Response {
    /// To `Status`.
    Status {
        /// As in `session.json`.
        record: serde_json::Value,
        /// The text on claude's screen, a string a line.
        screen: Vec<String>,
        /// The same with colours (SGR), in lines; empty where it would be too long.
        #[serde(default)]
        formatted: String,
        /// Whether the screen model missed output, and waits for a repaint.
        stale: bool,
    },
    /// To `Reconnect`. What comes of it stands in the record, under `remote.last_try`.
    Reconnect {
        /// Whether it will be done, as soon as the keyboard rests and the prompt is seen.
        begun: bool,
        /// What stands against it now, beside the screen; nothing if nothing does.
        against: Option<String>,
        /// What the screen has against it now; nothing if nothing.
        #[serde(default)]
        screen: Option<String>,
        /// Whether that passes within moments: a screen that is just being drawn.
        #[serde(default)]
        passes: bool,
        /// Why only the user can want the link; `Some(None)` if that is not so.
        /// A host of an older version does not say.
        #[serde(default, deserialize_with = "some", skip_serializing_if = "Option::is_none")]
        users_decision: Option<Option<String>>,
        /// The record's `remote`.
        remote: serde_json::Value,
    },
    /// To `Send`: the first key is typed now.
    Sending {
        /// The conversation that is open, by its id.
        #[serde(default)]
        conversation: Option<String>,
        /// How long its transcript is, in bytes: what the text leads to stands behind that.
        #[serde(default)]
        position: u64,
    },
    /// To `Send`: this became of it.
    Sent(Sent),
    /// To `Watch`: what the screen shows, or what has changed on it.
    Frame(ScreenFrame),
    /// It is done, or begun.
    Done,
    /// To `Restart`: the request was noted.
    Restart {
        /// What claude does, where the restart waits for its end; nothing when it is restarted now.
        waits_for: Option<String>,
    },
    /// To `HandOver`: this cckw runs the session now.
    HandedOver {
        /// Its version.
        version: String,
        /// Whether it is another program than before. Otherwise that was the one on disk already.
        is_new: bool,
    },
    /// The request was not understood, or cannot be done.
    Refused {
        /// What happened, why, and what to do.
        reason: String,
    },
}

/// For a field whose absence means something else than `null`.
fn some<'de, D: serde::Deserializer<'de>>(value: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(value).map(Some)
}

/// A message as it stands on the line.
#[derive(Serialize)]
struct Envelope<'a, M> {
    v: u32,
    fds: usize,
    #[serde(flatten)]
    body: &'a M,
}

#[derive(Deserialize)]
struct Head {
    v: u32,
    #[serde(default)]
    fds: usize,
}

/// Writes a message as one line, newline included.
pub(super) fn encode<M: Serialize>(message: &M, fds: usize) -> Vec<u8> {
    let outgoing = Envelope { v: PROTOCOL_VERSION, fds, body: message };
    let mut line = serde_json::to_vec(&outgoing)
        .unwrap_or_else(|error| unreachable!("messages are plain data: {error}"));
    line.push(b'\n');
    line
}

/// Reads a line; says how many descriptors belong to it.
pub(super) fn decode<M: DeserializeOwned>(line: &[u8]) -> Result<(M, usize), String> {
    let head: Head =
        serde_json::from_slice(line).map_err(|error| format!("not a message of cckw: {error}"))?;
    if head.v != PROTOCOL_VERSION {
        return Err(format!(
            "the other side speaks version {} of cckw's protocol, this cckw speaks version {PROTOCOL_VERSION}: \
             end the session with the cckw that started it",
            head.v
        ));
    }
    let body = serde_json::from_slice(line)
        .map_err(|error| format!("a message that this cckw does not know: {error}"))?;
    Ok((body, head.fds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_survives_the_line() {
        for message in [
            FromClient::Signal { number: 15 },
            FromClient::Resumed { size: Size { rows: 1, columns: 2, width: 3, height: 4 } },
        ] {
            let line = encode(&message, 2);
            assert_eq!(line.iter().filter(|byte| **byte == b'\n').count(), 1);
            assert_eq!(decode::<FromClient>(&line), Ok((message, 2)));
        }
    }

    #[test]
    fn unknown_fields_are_ignored_and_an_unknown_version_is_said() {
        let known = decode::<FromHost>(br#"{"v":1,"op":"ended","status":3,"later":[1]}"#);
        assert_eq!(known, Ok((FromHost::Ended { status: 3 }, 0)));
        let newer = decode::<FromHost>(br#"{"v":2,"op":"ended","status":3}"#).expect_err("refused");
        assert!(newer.contains("version 2"), "{newer}");
        assert!(decode::<FromHost>(br#"{"v":1,"op":"dance"}"#).is_err());
        assert!(decode::<FromHost>(b"[]").is_err());
    }

    #[test]
    fn a_host_that_does_not_say_whose_decision_it_is_is_told_from_one_that_does() {
        let said = |field: &str| {
            let line =
                format!(r#"{{"v":1,"op":"reconnect","begun":false,"against":null,"remote":{{}}{field}}}"#);
            match decode::<Response>(line.as_bytes()) {
                Ok((Response::Reconnect { users_decision, .. }, _)) => users_decision,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(said(""), None);
        assert_eq!(said(r#","users_decision":null"#), Some(None));
        assert_eq!(said(r#","users_decision":"so""#), Some(Some("so".into())));
        let answer = Response::Reconnect {
            begun: false,
            against: None,
            screen: None,
            passes: false,
            users_decision: Some(None),
            remote: serde_json::json!({}),
        };
        assert_eq!(decode::<Response>(&encode(&answer, 0)), Ok((answer, 0)));
    }
}
