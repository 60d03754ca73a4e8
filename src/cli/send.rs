//! `cckw send`.

use std::io::{self, Read};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::answer;
use super::answer::TranscriptMark;
use super::output::{fail, print};
use super::target::running;
use crate::claude::pasted::{PastedText, SubmittedAs};
use crate::claude::submitted::TranscriptTail;
use crate::client;
use crate::escape::escape;
use crate::os::poll::{Interest, Poll};
use crate::os::signal_pipe::SignalPipe;
use crate::os::socket;
use crate::protocol::{Channel, ReceivedMessage, Request, Response, Send, Sent};
use crate::registry;
use crate::registry::{Session, control_socket};
use crate::sending::text::{MAX_TEXT_BYTES, SendableText, UnsendableText};
use crate::user_error::{UserError, files, host, send};

/// What stands for stdin.
const STDIN: &str = "-";
/// How a command was submitted.
const COMMAND: &str = "command";
/// How long the moment to type is waited for, and the end of the turn with it, if nothing else is said.
const MOMENT_TIMEOUT: Duration = Duration::from_secs(10 * 60);
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60 * 60);
/// How long a host that is well may take beyond the time for the moment to type: the keys held, claude's
/// answer to each of them, and the transcript.
const TYPING_TIMEOUT: Duration = Duration::from_secs(180);

/// How long claude may take to write a text down whose host has gone, and the time between two looks.
const TRANSCRIPT_TIMEOUT: Duration = Duration::from_secs(2);
const TRANSCRIPT_INTERVAL: Duration = Duration::from_millis(50);
/// Why nobody can say more.
const HOST_GONE: &str = "the session's host has gone in the middle of it";

/// What is asked for.
pub struct SendArgs<'a> {
    /// The session.
    pub session: &'a str,
    /// The text, or `-`.
    pub text: &'a str,
    /// Whether to wait for the answer, and print it.
    pub wait: bool,
    /// Whether a turn that runs may take it into its queue.
    pub now: bool,
    /// How long to wait for the moment to type, and for the answer.
    pub timeout: Option<Duration>,
}

/// Sends a text to the claude of a session. Status 1 if nothing was sent, 2 if it was typed and it is not
/// known what became of it.
pub fn main(args: &SendArgs<'_>) -> ExitCode {
    let usual = if args.wait { ANSWER_TIMEOUT } else { MOMENT_TIMEOUT };
    let timeout = args.timeout.unwrap_or(usual);
    let end = Instant::now() + timeout;
    match deliver(args, timeout) {
        Ok(sent) if args.wait => {
            let text = (sent.how != COMMAND).then_some(&*sent.text);
            answer::main(&sent.session, &sent.mark, text, end)
        }
        Ok(sent) => print(&format!("{}: {}\n", escape(&sent.session.name), words(&sent.how))),
        Err(error) => fail(&error),
    }
}

/// A text that was submitted.
struct Delivered {
    session: Session,
    text: String,
    /// How it was submitted, in a word.
    how: String,
    /// Where the transcript ended before.
    mark: TranscriptMark,
}

fn words(how: &str) -> &'static str {
    match how {
        "queued" => "sent; claude takes it when the turn that runs has ended",
        COMMAND => "sent, as a command",
        _ => "sent",
    }
}

/// Delivers the text.
fn deliver(args: &SendArgs<'_>, timeout: Duration) -> Result<Delivered, UserError> {
    let text = read(args.text)?;
    let mut signals = SignalPipe::install(&[libc::SIGINT, libc::SIGTERM, libc::SIGHUP])
        .map_err(files::cannot_handle_signals)?;
    let session = running(Some(args.session))?;
    // A host that hangs is told of at once, and not when the time is over.
    registry::ask(&session, &Request::Ping).map_err(|error| UserError::from(error).about(&session.name))?;
    let mark = TranscriptMark::of(&session);
    let timeout_ms = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX);
    let patient = args.timeout.is_some();
    let wanted = Send { id: Uuid::new_v4(), text: text.clone(), now: args.now, timeout_ms, patient };
    let request = Request::Send(Box::new(wanted));
    let sent = ask(&session, &request, &mut signals, timeout).map_err(|error| error.about(&session.name))?;
    let error = match sent {
        Sent::Submitted { how } => return Ok(Delivered { session, text, how, mark }),
        Sent::NotSent { why } => send::not_sent(&why, &session.word()),
        Sent::Unknown { why } => send::unknown(&why, &session.word()),
    };
    Err(error.about(&session.name))
}

/// The text to send, with a word on stderr about what was replaced in it.
fn read(given: &str) -> Result<String, UserError> {
    let mut bytes = Vec::new();
    if given == STDIN {
        let most = MAX_TEXT_BYTES as u64 + 1;
        io::stdin().lock().take(most).read_to_end(&mut bytes).map_err(send::unreadable)?;
    } else {
        bytes.extend_from_slice(given.as_bytes());
    }
    let sendable = SendableText::new(&bytes).map_err(|why| match why {
        UnsendableText::NotUtf8(at) => send::not_utf8(at),
        UnsendableText::Blank => send::blank(),
        UnsendableText::TooLong(bytes) => send::too_long(bytes, MAX_TEXT_BYTES),
    })?;
    if sendable.text.starts_with('!') {
        return Err(send::for_shell());
    }
    match sendable.replaced {
        0 => {}
        1 => client::complain("a control character in the text is sent as a picture of it (␛ for escape)"),
        count => client::complain(format_args!(
            "{count} control characters in the text are sent as pictures of them (␛ for escape)"
        )),
    }
    Ok(sendable.text)
}

/// Sends the request, and waits for what becomes of it.
fn ask(
    session: &Session,
    request: &Request,
    signals: &mut SignalPipe,
    timeout: Duration,
) -> Result<Sent, UserError> {
    let word = session.word();
    let path = control_socket::of(&session.directory, &session.record);
    let stream = socket::connect_to_own(&path).map_err(|_| send::host_gone(&word))?;
    let mut channel = Channel::new(stream).map_err(|_| send::host_gone(&word))?;
    channel.send(request, vec![]);
    let end = Instant::now() + timeout.saturating_add(TYPING_TIMEOUT);
    let mut begun = None;
    loop {
        match channel.receive::<Response>() {
            Ok(ReceivedMessage::Message(Response::Sending { conversation, position }, _)) => {
                let cwd = session.record.claude_cwd();
                begun = Some(TranscriptTail::resume(conversation.as_deref(), cwd, position));
            }
            Ok(ReceivedMessage::Message(Response::Sent(sent), _)) => return Ok(sent),
            // One that knows this request never refuses it in this way.
            Ok(ReceivedMessage::Message(Response::Refused { .. }, _)) => return Err(send::older_host(&word)),
            Ok(ReceivedMessage::Message(..)) => return Err(host::wrong_answer()),
            Ok(ReceivedMessage::Nothing) => {
                wait(&channel, signals, end)?;
                let _ = channel.write_some();
            }
            Ok(ReceivedMessage::Closed) | Err(_) => {
                let Some(tail) = begun else { return Err(send::host_gone(&word)) };
                return in_transcript(tail, request).ok_or_else(|| send::unknown(HOST_GONE, &word));
            }
        }
        if signals.pending().next().is_some() {
            return Err(match begun {
                Some(_) => send::unknown("interrupted in the middle of it", &word),
                None => send::interrupted(),
            });
        }
        if Instant::now() >= end {
            return Err(match begun {
                Some(_) => send::unknown("the session's host does not answer", &word),
                None => host::silent(),
            });
        }
    }
}

/// Whether claude has taken the text all the same, although the host has gone in the middle of it.
fn in_transcript(mut tail: TranscriptTail, request: &Request) -> Option<Sent> {
    let Request::Send(send) = request else { return None };
    let text = PastedText::new(send.text.clone());
    let end = Instant::now() + TRANSCRIPT_TIMEOUT;
    loop {
        match tail.find(&text) {
            Some(SubmittedAs::UnknownCommand(why)) => return Some(Sent::NotSent { why }),
            Some(_) => return Some(Sent::Submitted { how: "prompt".into() }),
            None if Instant::now() >= end => return None,
            None => std::thread::sleep(TRANSCRIPT_INTERVAL),
        }
    }
}

/// Waits until the host has said something, a signal has come, or it is too late.
fn wait(channel: &Channel, signals: &SignalPipe, end: Instant) -> Result<(), UserError> {
    let mut poll = Poll::default();
    poll.add(channel, channel.interest());
    poll.add(signals, Interest::Reading);
    poll.wait(Some(end.saturating_duration_since(Instant::now()))).map_err(files::cannot_wait)
}
