//! A session's screen as its host pushes it: how that begins, what has become of it when it ends, and the lines by which
//! one cckw tells another.

use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::status;
use super::target::with_socket;
use crate::near_side;
use crate::protocol::{Channel, Request, Response, ScreenFrame};
use crate::registry;
use crate::registry::{NoAnswer, Session};
use crate::user_error::{UserError, host};

/// How long a session whose connection has ended may take to have a host again, or to say how it ended.
const RETURN_TIMEOUT: Duration = Duration::from_secs(5);
const RETURN_INTERVAL: Duration = Duration::from_millis(50);

/// What a host says of a request that it does not know.
const UNKNOWN_REQUEST: &str = "a message that this cckw does not know";

/// What comes of following a screen.
#[derive(Debug, Clone, PartialEq)]
pub enum ScreenNews {
    /// It shows something else.
    Frame(ScreenFrame),
    /// The session is over, and why in words.
    End(String),
    /// It cannot be seen, or not any more.
    Failed(UserError),
}

/// What has become of a session whose connection has ended.
pub enum AfterEnd {
    /// It goes on, with a host.
    Runs(Box<Session>),
    /// It has ended, and how.
    Over(String),
    /// It has no host, and has not ended.
    Lost(UserError),
}

/// Begins to watch a session. Gives the whole screen, and the connection on which the rest comes. Nothing where its
/// host has just gone.
///
/// # Errors
/// When its host does not answer, or refuses.
pub fn begin(session: &Session) -> Result<Option<(ScreenFrame, Channel)>, UserError> {
    let session = with_socket(session.clone())?;
    match registry::ask_and_stay(&session, &Request::Watch) {
        Ok((Response::Frame(frame), channel)) => Ok(Some((frame, channel))),
        Ok((Response::Refused { reason }, _)) if reason.contains(UNKNOWN_REQUEST) => {
            Err(host::cannot_be_watched(&session.word()).about(&session.name))
        }
        Ok((Response::Refused { reason }, _)) => Err(host::refused(&reason).about(&session.name)),
        Ok(_) => Err(host::wrong_answer().about(&session.name)),
        Err(NoAnswer::Gone) => Ok(None),
        Err(error) => Err(UserError::from(error).about(&session.name)),
    }
}

/// Looks what has become of a session whose connection has ended. It may be brought back in a moment.
pub fn after_end(session: &Session) -> AfterEnd {
    let until = Instant::now() + RETURN_TIMEOUT;
    loop {
        // A host that ends closes its connections before its record says so.
        sleep(RETURN_INTERVAL);
        let Some(now) = registry::again(session) else {
            return AfterEnd::Over("its record was removed".into());
        };
        if !now.lives {
            return AfterEnd::Over(status::how_it_ended(&now));
        }
        if now.is_running && now.connect().is_some() {
            return AfterEnd::Runs(Box::new(now));
        }
        if Instant::now() >= until {
            return AfterEnd::Lost(host::is_lost(&now.word()).about(&now.name));
        }
    }
}

/// The line that says this of a session.
pub fn line(session: &Session, news: &ScreenNews) -> String {
    let mut line = match news {
        ScreenNews::Frame(frame) => json!(frame),
        ScreenNews::End(why) => json!({ "ended": why }),
        ScreenNews::Failed(error) => json!({ "ended": error.to_string() }),
    };
    line["name"] = near_side::off(&session.name).into();
    line["session"] = session.record.session.to_string().into();
    if let Some(machine) = near_side::machine() {
        line["machine"] = machine.into();
    }
    format!("{}\n", crate::escape::json(&line.to_string()))
}

/// What such a line says. Nothing where it is none.
pub fn parse(line: &[u8]) -> Option<ScreenNews> {
    let value: Value = serde_json::from_slice(line).ok()?;
    match value.get("ended") {
        Some(why) => Some(ScreenNews::End(why.as_str()?.to_owned())),
        None => serde_json::from_value(value).ok().map(ScreenNews::Frame),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_as_it_was_written() {
        let frame = ScreenFrame {
            rows: 2,
            columns: 9,
            is_whole: true,
            cursor: Some((1, 3)),
            changed: vec![(1, "\x1b[31m漢\x1b[m".into())],
        };
        let text = json!(frame).to_string();
        assert_eq!(parse(text.as_bytes()), Some(ScreenNews::Frame(frame)));
        assert_eq!(parse(br#"{"ended":"stopped","name":"api"}"#), Some(ScreenNews::End("stopped".into())));
        for bad in [&b"{}"[..], b"", b"[]", b"{\"ended\":1}", b"\xff"] {
            assert_eq!(parse(bad), None);
        }
    }
}
