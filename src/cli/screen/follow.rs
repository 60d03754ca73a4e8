//! `cckw screen --follow`: the screen again and again, whenever it has changed, until the session ends.

use std::io::{self, Write};
use std::thread::sleep;
use std::time::Duration;

use super::super::live_screen::{self, AfterEnd, ScreenNews};
use super::super::top::screen_copy::ScreenCopy;
use super::trimmed;
use crate::os::poll::{Interest, Poll};
use crate::protocol::{Channel, ReceivedMessage, Response};
use crate::registry::Session;
use crate::user_error::{UserError, files, host};

/// What stands before each screen but the first, as text.
const RULE: &str = "--------\n";
/// How often a host may close the connection at once, and the time between two tries.
const MAX_VAIN_TRIES: u32 = 5;
const RETRY_DELAY: Duration = Duration::from_millis(300);

/// How the screen is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// The changes, a line of JSON each.
    Json,
    /// The whole screen as text, each time.
    Text {
        /// In its colours.
        has_colours: bool,
    },
}

/// Why there is nothing more to print.
enum Stop {
    /// The reader has gone.
    Reader,
    /// Writing does not work.
    Output(io::Error),
    /// The rest cannot be followed.
    Failed(UserError),
}

/// Prints what is on the screen, and what comes, until the session ends or the reader leaves. The inner error is one of
/// writing.
///
/// # Errors
/// When the host does not answer, or cannot be watched.
pub fn main(session: &Session, form: Form) -> Result<io::Result<()>, UserError> {
    let mut printer = Printer { form, copy: ScreenCopy::default(), is_first: true };
    match printer.follow(session) {
        Ok(()) | Err(Stop::Reader) => Ok(Ok(())),
        Err(Stop::Output(error)) => Ok(Err(error)),
        Err(Stop::Failed(error)) => Err(error),
    }
}

struct Printer {
    form: Form,
    copy: ScreenCopy,
    is_first: bool,
}

impl Printer {
    fn follow(&mut self, session: &Session) -> Result<(), Stop> {
        let mut session = session.clone();
        let mut vain = 0;
        loop {
            match live_screen::begin(&session).map_err(Stop::Failed)? {
                Some((frame, channel)) => {
                    vain = 0;
                    self.print(&session, &ScreenNews::Frame(frame))?;
                    self.pass(&session, channel)?;
                }
                None if vain >= MAX_VAIN_TRIES => {
                    return Err(Stop::Failed(host::closes_connections().about(&session.name)));
                }
                None => vain += 1,
            }
            match live_screen::after_end(&session) {
                AfterEnd::Over(why) => return self.print(&session, &ScreenNews::End(why)),
                AfterEnd::Lost(error) => return Err(Stop::Failed(error)),
                AfterEnd::Runs(now) => session = *now,
            }
            sleep(RETRY_DELAY);
        }
    }

    /// Prints what comes on this connection until it ends.
    fn pass(&mut self, session: &Session, mut channel: Channel) -> Result<(), Stop> {
        let mut poll = Poll::default();
        loop {
            match channel.receive::<Response>() {
                Ok(ReceivedMessage::Message(Response::Frame(frame), _)) => {
                    self.print(session, &ScreenNews::Frame(frame))?;
                    continue;
                }
                Ok(ReceivedMessage::Nothing) => {}
                Ok(ReceivedMessage::Message(..) | ReceivedMessage::Closed) | Err(_) => return Ok(()),
            }
            poll.clear();
            poll.add(&channel, Interest::Reading);
            let reader = poll.add(io::stdout(), Interest::End);
            poll.wait(None).map_err(|error| Stop::Failed(files::cannot_wait(error)))?;
            if poll.is_ready(reader) {
                return Err(Stop::Reader);
            }
        }
    }

    fn print(&mut self, session: &Session, news: &ScreenNews) -> Result<(), Stop> {
        let text = match (self.form, news) {
            (Form::Json, news) => live_screen::line(session, news),
            (Form::Text { has_colours }, ScreenNews::Frame(frame)) => {
                self.copy.apply(frame);
                let rule = if std::mem::take(&mut self.is_first) { "" } else { RULE };
                let lines = self.copy.lines(has_colours);
                format!("{rule}{}", trimmed(lines.iter().map(String::as_str)))
            }
            (Form::Text { .. }, ScreenNews::Failed(error)) => return Err(Stop::Failed(error.clone())),
            (Form::Text { .. }, ScreenNews::End(why)) => {
                crate::client::complain(format_args!(
                    "{}: {}",
                    crate::escape::escape(&session.name),
                    crate::escape::prose(why)
                ));
                return Ok(());
            }
        };
        let mut stdout = io::stdout().lock();
        stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).map_err(Stop::Output)
    }
}
