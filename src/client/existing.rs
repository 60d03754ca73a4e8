//! A start where a session goes on without a terminal already: is that one meant? Asked on the terminal, and
//! answered by one key.
//!
//! The question stands until it is answered, and nothing wakes up meanwhile. What was typed before it was
//! there is no answer, and is dropped.

use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use nix::sys::signal::Signal;
use nix::sys::termios::{FlushArg, tcflush};

use super::{HUNG_UP, attach, complain, stop_for_terminal};
use crate::escape::escape;
use crate::os::io::Transfer;
use crate::os::poll::{Interest, Poll};
use crate::os::signal_pipe::SignalPipe;
use crate::os::terminal_guard::TerminalGuard;
use crate::os::tty::Attributes;
use crate::os::{kill, signals, tty};
use crate::registry;
use crate::registry::Session;
use crate::user_error::UserError;
use crate::vt::tokenizer::ESC;

/// The status where the user has left the question, by `q`: nothing was started.
const LEFT: u8 = 1;
/// The most sessions that are listed: each has a digit.
const MAX_LISTED: usize = 9;

/// What is asked.
pub(super) enum Question<'a> {
    /// These sessions of the directory go on without a terminal. Another one can be started.
    Directory(&'a [Session]),
    /// The conversation that is to be opened is open in this one. A second claude would write into it, too.
    Conversation(&'a Session, &'a str),
}

/// What the user wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    /// The session at this place.
    Take(usize),
    /// Another one.
    New,
    /// Nothing; the status to exit with.
    Leave(u8),
    /// The shell, for a while (ctrl-z).
    Stop,
}

/// Whether somebody is there to be asked: not where a program is, as in CI or inside a claude.
pub(super) fn can_ask() -> bool {
    let is_set =
        |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty() && value != "false");
    io::stderr().is_terminal() && !is_set("CI") && !is_set("CCKW_SESSION")
}

impl Question<'_> {
    fn sessions(&self) -> &[Session] {
        match self {
            Self::Directory(sessions) => &sessions[..sessions.len().min(MAX_LISTED)],
            Self::Conversation(session, _) => std::slice::from_ref(session),
        }
    }

    /// The lines of the question.
    fn text(&self) -> String {
        match self {
            Self::Directory([one]) => format!(
                "cckw: session {} of this directory goes on without a terminal{}\n\
                 Enter: take it   n: start another   q: leave ",
                escape(&one.name),
                status(one)
            ),
            Self::Directory(several) => {
                let rows = self.sessions().iter().zip(1..);
                let rows: String = rows
                    .map(|(session, number)| {
                        format!("  {number}  {}{}\n", escape(&session.name), status(session))
                    })
                    .collect();
                format!(
                    "cckw: {} sessions of this directory go on without a terminal:\n{rows}\
                     1 to {}: take that one   n: start another   q: leave ",
                    several.len(),
                    self.sessions().len()
                )
            }
            Self::Conversation(session, id) => format!(
                "cckw: this conversation is open in session {}, which goes on without a terminal{}\n\
                 (for a copy of it: claude --resume {} --fork-session)\n\
                 Enter: take it   q: leave ",
                escape(&session.name),
                status(session),
                escape(id)
            ),
        }
    }

    /// The first answer in what was typed.
    fn answer(&self, typed: &[u8]) -> Option<Answer> {
        let is_directory = matches!(self, Self::Directory(_));
        let count = self.sessions().len();
        for (at, key) in typed.iter().enumerate() {
            match key {
                b'\r' | b'\n' if count == 1 => return Some(Answer::Take(0)),
                b'1'..=b'9' if count > 1 && usize::from(key - b'0') <= count => {
                    return Some(Answer::Take(usize::from(key - b'1')));
                }
                b'n' | b'N' if is_directory => return Some(Answer::New),
                b'q' | b'Q' | 0x04 => return Some(Answer::Leave(LEFT)),
                0x03 => return Some(Answer::Leave(128 + libc::SIGINT as u8)),
                0x1c => return Some(Answer::Leave(128 + libc::SIGQUIT as u8)),
                0x1a => return Some(Answer::Stop),
                // By itself it is the key; else it begins what an arrow key sends, or a paste.
                &ESC => return (at + 1 == typed.len()).then_some(Answer::Leave(LEFT)),
                _ => {}
            }
        }
        None
    }

    /// Asks, and takes the session that is meant. The status to exit with; nothing where another session is
    /// to be started.
    ///
    /// # Errors
    /// When the terminal is gone, or the session cannot be taken.
    pub(super) fn ask(&self, tty: &File) -> Result<Option<ExitCode>, UserError> {
        match self.wait_for_answer(tty) {
            Ok(Answer::Take(at)) => take(&self.sessions()[at]).map(Some),
            Ok(Answer::New) => Ok(None),
            Ok(Answer::Leave(status)) => Ok(Some(ExitCode::from(status))),
            // The terminal has gone, or it is not there for this process.
            Ok(Answer::Stop) | Err(_) => Ok(Some(ExitCode::from(HUNG_UP))),
        }
    }

    fn wait_for_answer(&self, tty: &File) -> io::Result<Answer> {
        let mut signals = {
            use libc::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
            SignalPipe::install(&[SIGHUP, SIGINT, SIGQUIT, SIGTERM])?
        };
        loop {
            let mut politely = true;
            while !tty::in_foreground(tty) {
                stop_for_terminal(tty, politely)?;
                politely = !politely;
            }
            let one_key = OneKey::set(tty)?;
            // The terminal, which is raw, returns no carriage by itself.
            say(&self.text().replace('\n', "\r\n"))?;
            let answer = self.wait_for_key(tty, &mut signals)?;
            drop(one_key);
            say("\n")?;
            if answer != Answer::Stop {
                return Ok(answer);
            }
            signals::with_default(Signal::SIGTSTP, || kill::to_own_group(Signal::SIGTSTP))??;
        }
    }

    fn wait_for_key(&self, tty: &File, signals: &mut SignalPipe) -> io::Result<Answer> {
        let mut poll = Poll::default();
        loop {
            poll.clear();
            let typed = poll.add(tty, Interest::Reading);
            poll.add(&*signals, Interest::Reading);
            poll.wait(None)?;
            if let Some(signal) = signals.pending().next() {
                return Ok(Answer::Leave(u8::try_from(128 + signal).unwrap_or(LEFT)));
            }
            if !poll.is_ready(typed) {
                continue;
            }
            let mut keys = [0; 256];
            match crate::os::io::read(tty, &mut keys) {
                Transfer::Moved(count) => {
                    if let Some(answer) = self.answer(&keys[..count]) {
                        return Ok(answer);
                    }
                }
                Transfer::Blocked => {}
                Transfer::Gone => return Err(io::ErrorKind::BrokenPipe.into()),
            }
        }
    }
}

/// Takes a session into this terminal.
///
/// # Errors
/// When it is gone, or cannot be taken.
pub(super) fn take(session: &Session) -> Result<ExitCode, UserError> {
    if session.is_running {
        return attach::main(session);
    }
    attach::main(&registry::wait_for_host(session)?)
}

/// Says in a line that sessions of this directory go on without a terminal. That is easily forgotten, and
/// claude would know nothing of what was said there.
pub(super) fn tell(sessions: &[Session]) {
    if !io::stderr().is_terminal() {
        return;
    }
    match sessions {
        [] => {}
        [one] => {
            let word = one.word();
            complain(format_args!(
                "session {word} of this directory goes on without a terminal; to take it: cckw attach {word}"
            ));
        }
        several => complain(format_args!(
            "{} sessions of this directory go on without a terminal; to see them: cckw list",
            several.len()
        )),
    }
}

/// What it does, where that is known: ` (idle)`.
fn status(session: &Session) -> String {
    session.record.status.as_deref().map_or_else(String::new, |status| format!(" ({})", escape(status)))
}

fn say(text: &str) -> io::Result<()> {
    let mut stderr = io::stderr().lock();
    stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush())
}

/// The terminal gives each key as it is typed, until this is dropped, or the process is killed.
struct OneKey<'a> {
    tty: &'a File,
    before: Attributes,
    _guard: Option<TerminalGuard>,
}

impl<'a> OneKey<'a> {
    fn set(tty: &'a File) -> io::Result<Self> {
        let before = Attributes::of(tty)?;
        let guard = TerminalGuard::start(tty, &before).ok();
        before.raw().apply(tty)?;
        if let Some(guard) = &guard {
            guard.tell(true, &before, "");
        }
        let _ = tcflush(tty, FlushArg::TCIFLUSH);
        Ok(Self { tty, before, _guard: guard })
    }
}

impl Drop for OneKey<'_> {
    fn drop(&mut self) {
        // A terminal that has gone needs no restoring.
        let _ = self.before.apply(self.tty);
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use uuid::Uuid;

    use super::*;
    use crate::registry::record::Record;

    fn session(name: &str) -> Session {
        Session {
            record: Record { status: Some("idle".into()), ..Record::of(Uuid::nil()) },
            directory: PathBuf::new(),
            name: name.into(),
            lives: true,
            own_name: name.into(),
            is_running: true,
            is_coming: false,
            is_unreachable: false,
            silent: None,
            damage: None,
        }
    }

    #[test]
    fn one_key_is_an_answer() {
        let sessions = [session("a"), session("b")];
        let one = Question::Directory(&sessions[..1]);
        let two = Question::Directory(&sessions);
        let conversation = Question::Conversation(&sessions[0], "id");
        let answers =
            |typed: &str| [&one, &two, &conversation].map(|question| question.answer(typed.as_bytes()));
        assert_eq!(answers("\r"), [Some(Answer::Take(0)), None, Some(Answer::Take(0))]);
        assert_eq!(answers("2"), [None, Some(Answer::Take(1)), None]);
        assert_eq!(answers("3"), [None; 3]);
        assert_eq!(answers("xn\r"), [Some(Answer::New), Some(Answer::New), Some(Answer::Take(0))]);
        assert_eq!(answers("q"), [Some(Answer::Leave(1)); 3]);
        assert_eq!(answers("\x1b"), [Some(Answer::Leave(1)); 3]);
        assert_eq!(answers("\x03"), [Some(Answer::Leave(130)); 3]);
        assert_eq!(answers("\x1a"), [Some(Answer::Stop); 3]);
        // An arrow key, and a paste.
        assert_eq!(answers("\x1b[A"), [None; 3]);
        assert_eq!(answers("\x1b[200~n\r\x1b[201~"), [None; 3]);
    }

    #[test]
    fn a_name_is_no_command_for_the_terminal() {
        let sessions = [session("\x1b[2J"), session("b")];
        for question in [
            Question::Directory(&sessions[..1]),
            Question::Directory(&sessions),
            Question::Conversation(&sessions[0], "\x1b[2J"),
        ] {
            assert!(!question.text().contains('\x1b'), "{:?}", question.text());
        }
    }
}
