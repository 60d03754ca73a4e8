//! A screen that is followed without blocking: of a session here through its control socket, of one on another machine
//! through the cckw there.

use std::io;
use std::os::fd::AsFd;
use std::time::Duration;

use tokio::io::Interest;
use tokio::sync::mpsc::{self, Sender};
use tokio::sync::oneshot;
use tokio::time::sleep;

use super::super::live_screen::{self, AfterEnd, ScreenNews};
use crate::client::attach::is_inside;
use crate::machines::call::{Answer, Call, CallError, Shown, Sink};
use crate::machines::run::{Mode, Purpose};
use crate::machines::store::Machine;
use crate::machines::wire::Ask;
use crate::os::async_fd::watch;
use crate::os::text::LosslessText;
use crate::protocol::{Channel, ReceivedMessage, Response};
use crate::registry::Session;
use crate::user_error::{host, terminal};

/// How often a host may close the connection, without having sent anything on it, before the screen is given up.
const MAX_VAIN_TRIES: u32 = 5;
const RETRY_DELAY: Duration = Duration::from_millis(300);
/// The longest line of another machine, in bytes: a host sends none longer.
const MAX_LINE_BYTES: usize = 1 << 20;
/// The most news that waits for the view.
const MAX_WAITING: usize = 1024;
/// How much is kept of what the far side complains about, in bytes.
const MAX_COMPLAINT_BYTES: usize = 4096;

/// Follows a session of this machine until it ends, or nobody takes what comes.
pub async fn here(session: Session, out: &Sender<ScreenNews>) {
    let known = session.clone();
    let last = match in_thread(move || is_inside(&known)).await {
        None => return,
        // It would show itself showing itself, for ever.
        Some(true) => Some(ScreenNews::Failed(terminal::inside_itself())),
        Some(false) => follow(session, out).await,
    };
    if let Some(last) = last {
        let _ = out.send(last).await;
    }
}

/// Follows it from host to host. Gives what there is to say at the end; nothing where nobody hears it.
async fn follow(mut session: Session, out: &Sender<ScreenNews>) -> Option<ScreenNews> {
    let mut vain = 0;
    loop {
        let known = session.clone();
        match in_thread(move || live_screen::begin(&known)).await? {
            Err(error) => return Some(ScreenNews::Failed(error)),
            Ok(None) if vain >= MAX_VAIN_TRIES => {
                return Some(ScreenNews::Failed(host::closes_connections().about(&session.name)));
            }
            Ok(None) => vain += 1,
            Ok(Some((frame, channel))) => {
                vain = 0;
                out.send(ScreenNews::Frame(frame)).await.ok()?;
                pass(channel, out).await.ok()?;
            }
        }
        let known = session.clone();
        match in_thread(move || live_screen::after_end(&known)).await? {
            AfterEnd::Over(why) => return Some(ScreenNews::End(why)),
            AfterEnd::Lost(error) => return Some(ScreenNews::Failed(error)),
            AfterEnd::Runs(now) => session = *now,
        }
        sleep(RETRY_DELAY).await;
    }
}

/// Nobody takes what comes any more.
struct NobodyThere;

/// Passes frames on until the connection ends.
async fn pass(mut channel: Channel, out: &Sender<ScreenNews>) -> Result<(), NobodyThere> {
    let fd = channel.as_fd().try_clone_to_owned().and_then(|fd| watch(fd, Interest::READABLE));
    let Ok(fd) = fd else { return Ok(()) };
    loop {
        // One more may have come with the last one.
        match channel.receive::<Response>() {
            Ok(ReceivedMessage::Message(Response::Frame(frame), _)) => {
                out.send(ScreenNews::Frame(frame)).await.map_err(|_| NobodyThere)?;
                continue;
            }
            Ok(ReceivedMessage::Nothing) => {}
            Ok(ReceivedMessage::Message(..) | ReceivedMessage::Closed) | Err(_) => return Ok(()),
        }
        tokio::select! {
            () = out.closed() => return Err(NobodyThere),
            ready = fd.readable() => match ready {
                // What has come since is seen when it is read.
                Ok(mut ready) => ready.clear_ready(),
                Err(_) => return Ok(()),
            },
        }
    }
}

/// What a thread of its own comes to, which may wait for a disk or a host. Nothing where none can be started. Its end is
/// not waited for when this process ends.
async fn in_thread<T: Send + 'static>(act: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let (sender, receiver) = oneshot::channel();
    let started = std::thread::Builder::new().name("screen".into()).spawn(move || {
        let _ = sender.send(act());
    });
    started.ok()?;
    receiver.await.ok()
}

/// Follows a session of another machine until it ends, the machine is lost, or nobody takes what comes. An empty word
/// is the only session that runs there.
pub async fn elsewhere(machine: &Machine, word: &str, mode: Mode, out: &Sender<ScreenNews>) {
    let words = ["screen", "--follow", "--json", "--", word];
    let words = words.iter().filter(|word| !word.is_empty());
    let args = words.map(|word| LosslessText::String((*word).to_owned())).collect();
    let ask = Ask::Verb { args, stdin: None };
    let call = Call { machine: machine.clone(), ask, mode, purpose: Purpose::Long, shown: Shown::default() };
    let mut heard = Heard::default();
    let called = {
        let (sender, mut receiver) = mpsc::channel(MAX_WAITING);
        let mut lines = Lines { heard: &mut heard, news: sender };
        let running = call.run(&mut lines);
        tokio::pin!(running);
        loop {
            // While what has come is not taken, no more is read: so the far side waits, and its host makes no frame.
            tokio::select! {
                biased;
                Some(news) = receiver.recv() => if out.send(news).await.is_err() { return },
                () = out.closed() => return,
                called = &mut running => break called,
            }
        }
    };
    let _ = out.send(heard.last_news(machine, called)).await;
}

/// What the far side has said, but for the frames.
#[derive(Default)]
struct Heard {
    line: Vec<u8>,
    complaint: Vec<u8>,
    end: Option<String>,
}

impl Heard {
    /// What there is to say when the call has ended.
    fn last_news(self, machine: &Machine, called: Result<Answer, CallError>) -> ScreenNews {
        if let Some(why) = self.end {
            return ScreenNews::End(why);
        }
        ScreenNews::Failed(match called {
            Err(CallError::Failed(failure)) => failure.error(machine),
            Err(CallError::Output(error)) => host::refused(&format!("{}: {error}", machine.name)),
            Ok(answer) => match last_line(&self.complaint) {
                Some(line) => host::failed(&line, answer.status.max(1)),
                None => host::failed(
                    &format!("{}: cckw there has ended with status {}", machine.name, answer.status),
                    answer.status.max(1),
                ),
            },
        })
    }
}

/// Takes the output of the far side apart.
struct Lines<'a> {
    heard: &'a mut Heard,
    news: Sender<ScreenNews>,
}

impl Sink for Lines<'_> {
    fn stdout(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut rest = bytes;
        while let Some(end) = memchr::memchr(b'\n', rest) {
            self.heard.line.extend_from_slice(&rest[..end]);
            rest = &rest[end + 1..];
            let line = std::mem::take(&mut self.heard.line);
            match live_screen::parse(&line) {
                Some(ScreenNews::End(why)) => self.heard.end = Some(why),
                Some(news) => self.news.try_send(news).map_err(|_| too_much())?,
                None => return Err(io::Error::other("what it sends is no screen")),
            }
        }
        self.heard.line.extend_from_slice(rest);
        if self.heard.line.len() > MAX_LINE_BYTES { Err(too_much()) } else { Ok(()) }
    }

    fn stderr(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.heard.complaint.extend_from_slice(bytes);
        let more = self.heard.complaint.len().saturating_sub(MAX_COMPLAINT_BYTES);
        self.heard.complaint.drain(..more);
        Ok(())
    }
}

fn too_much() -> io::Error {
    io::Error::other("it sends more than can be shown")
}

/// The last line of what the far side has complained about, without what stands before each of them.
fn last_line(said: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(said);
    let last = text.lines().map(str::trim).rfind(|line| !line.is_empty())?;
    Some(last.strip_prefix("cckw: ").unwrap_or(last).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_taken_apart_however_they_come() {
        let (sender, mut receiver) = mpsc::channel(8);
        let mut heard = Heard::default();
        let mut lines = Lines { heard: &mut heard, news: sender };
        let frame =
            r#"{"rows":1,"columns":2,"is_whole":true,"cursor":null,"changed":[[0,"a"]],"name":"api"}"#;
        let text = format!("{frame}\n{frame}\n{{\"ended\":\"stopped\"}}\n");
        for piece in text.as_bytes().chunks(7) {
            lines.stdout(piece).expect("is taken");
        }
        assert!(lines.stdout(b"a banner\n").is_err());
        for _ in 0..2 {
            assert!(matches!(receiver.try_recv(), Ok(ScreenNews::Frame(frame)) if frame.changed.len() == 1));
        }
        assert!(receiver.try_recv().is_err());
        assert_eq!(heard.end.as_deref(), Some("stopped"));
    }

    #[test]
    fn no_more_waits_than_there_is_room_for() {
        let (sender, _receiver) = mpsc::channel(1);
        let mut heard = Heard::default();
        let mut lines = Lines { heard: &mut heard, news: sender };
        let frame = b"{\"rows\":1,\"columns\":2,\"is_whole\":true,\"cursor\":null,\"changed\":[]}\n";
        assert!(lines.stdout(frame).is_ok() && lines.stdout(frame).is_err());
        assert!(lines.stdout(&vec![b'x'; MAX_LINE_BYTES + 1]).is_err());
    }

    #[test]
    fn the_last_complaint_is_what_is_said() {
        assert_eq!(
            last_line(b"a\ncckw: no session is called so\n\n").as_deref(),
            Some("no session is called so")
        );
        assert_eq!(last_line(b" \n"), None);
    }
}
