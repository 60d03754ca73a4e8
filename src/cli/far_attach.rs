//! `cckw far attach REQUEST`: the far side of `cckw attach MACHINE:SESSION`. Not for users.

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use super::target::{as_it_is, reachable, running, with_socket};
use crate::client;
use crate::client::attach::AttachEnd;
use crate::client::complain;
use crate::client::far_end::OverLink;
use crate::client::launch::{EnvironmentFrom, HostLaunch};
use crate::config::DetachKey;
use crate::escape::escape;
use crate::machines::link::request::AttachRequest;
use crate::machines::wire::PROTOCOL;
use crate::near_side::{self, NearSide};
use crate::os::{environ, signals};
use crate::protocol::markers::{Bye, Hello, ToNear};
use crate::registry;
use crate::registry::Session;
use crate::registry::environment::revival::By;
use crate::registry::record::SessionState;
use crate::registry::stop_marker;
use crate::user_error::{UserError, host, machine};

/// The status of a command line that is not understood.
const SENSELESS: u8 = 2;

/// Attaches this terminal, which is the far end of a link.
pub fn main(digits: Option<&OsString>) -> ExitCode {
    signals::inherited();
    let request = digits.and_then(|digits| AttachRequest::from_digits(digits.to_str()?));
    let Some(request) = request else {
        complain(machine::senseless_request("its attach cannot be read"));
        return ExitCode::from(SENSELESS);
    };
    near_side::set(NearSide { machine: request.machine.clone(), has_colours: true, columns: None });
    for (name, value) in &request.environment {
        environ::set(name, &OsString::from(value.clone()));
    }
    let end = attach(&request).unwrap_or_else(|error| {
        complain(&error);
        AttachEnd { status: error.exit_status(), is_link_lost: false }
    });
    say(&ToNear::Bye(Bye { status: end.status, lost: end.is_link_lost }), &request.nonce);
    ExitCode::from(end.status)
}

fn say(word: &ToNear, nonce: &str) {
    let mut stdout = io::stdout().lock();
    let _ = stdout.write_all(&word.bytes(nonce)).and_then(|()| stdout.flush());
}

fn attach(request: &AttachRequest) -> Result<AttachEnd, UserError> {
    let session = match &request.session {
        Some(id) if request.again => again(id, &request.nonce)?,
        word => running(word.as_deref())?,
    };
    let word = near_side::on(near_side::off(&session.word()));
    let over = OverLink {
        nonce: request.nonce.clone(),
        detach_key: if request.has_detach_key { DetachKey::Backslash } else { DetachKey::None },
        hello: Hello {
            version: env!("CARGO_PKG_VERSION").into(),
            protocol: (PROTOCOL.major, PROTOCOL.minor),
            session: session.record.session.to_string(),
            name: word,
        },
    };
    client::attach::at_far_end(&session, &over)
}

/// The session of a link that was lost, as it is now: it runs, or is brought back.
///
/// # Errors
/// When it has ended meanwhile, or cannot be brought back.
fn again(id: &str, nonce: &str) -> Result<Session, UserError> {
    let now = as_it_is(id)?;
    if now.has_host() {
        return with_socket(now);
    }
    let has_ended =
        matches!(now.record.state, SessionState::Stopped | SessionState::Crashed | SessionState::Terminated);
    if has_ended || now.record.ended_at.is_some() || stop_marker::is_set(&now.directory) {
        let word = now.word();
        // The error names the machine itself.
        return reachable(now, near_side::off(&word));
    }
    let name = escape(&now.name);
    say(&ToNear::Note(format!("session {name} went down with its host, and is brought back")), nonce);
    let launch = HostLaunch::revival(&now.record, &now.directory, By::Request, EnvironmentFrom::Session)?;
    let started = launch.without_terminal();
    let session = registry::again(&now).filter(Session::has_host);
    match (session, started) {
        // Where somebody else was faster, that is as good.
        (Some(session), _) => {
            let session = with_socket(session)?;
            let lost =
                session.record.expired.as_ref().filter(|_| session.record.expired != now.record.expired);
            if let Some(lost) = lost {
                let lost = escape(lost);
                let text = format!("a new conversation is begun, because {lost} could not be opened");
                say(&ToNear::Note(text), nonce);
            }
            Ok(session)
        }
        (None, Err(error)) => Err(error),
        (None, Ok(())) => Err(host::could_not_revive(&now.word())),
    }
}
