//! A session of cckw's own: its host looks, types, and says what came of it.

use std::thread;
use std::time::{Duration, Instant};

use super::{Order, Outcome};
use crate::control::{Answer, Request};
use crate::fleet::{self, Session};
use crate::session::keeper::{BACK, Why};
use crate::session::record::Record;
use crate::session::remote::{Remote, RemoteState};

/// The time between two looks at the record.
const PACE: Duration = Duration::from_millis(100);
/// How long it may take all in all: the host waits half a minute for its moment, and claude has a minute to connect.
const LIMIT: Duration = Duration::from_secs(100);

/// Has the host of a session bring the link back.
pub fn reconnect(session: &Session, order: Order) -> Outcome {
    let before = match ask(session, false, false) {
        Ok((Some(against), _)) => return Outcome::Left(against),
        Ok((None, remote)) => remote,
        Err(trouble) => return Outcome::Left(trouble),
    };
    if let Some(why) = is_not_ours_to_do(&before).filter(|_| !order.named) {
        return Outcome::Left(why);
    }
    if !order.apply {
        return Outcome::Reconnected;
    }
    match ask(session, true, false) {
        Ok(_) => wait(session, &before, false),
        Err(trouble) => Outcome::Failed(trouble),
    }
}

/// Has the host switch a link that looks alive off, and on again.
pub fn cycle(session: &Session, apply: bool) -> Outcome {
    let before = match ask(session, false, true) {
        Ok((Some(against), _)) => return Outcome::Left(against),
        Ok((None, remote)) => remote,
        Err(trouble) => return Outcome::Left(trouble),
    };
    if matches!(before.state, RemoteState::Off | RemoteState::Disconnected | RemoteState::Unavailable) {
        return Outcome::Left("no link is up that could be switched off".into());
    }
    if !apply {
        return Outcome::Reconnected;
    }
    match ask(session, true, true) {
        Ok(_) => wait(session, &before, true),
        Err(trouble) => Outcome::Failed(trouble),
    }
}

/// What the host has against it now, and how things stand.
fn ask(session: &Session, apply: bool, cycle: bool) -> Result<(Option<String>, Remote), String> {
    match fleet::ask(session, &Request::Reconnect { apply, cycle }) {
        Some(Answer::Reconnect { against, remote, .. }) => {
            let remote = serde_json::from_value(remote).map_err(|error| format!("its host: {error}"))?;
            Ok((against, remote))
        }
        Some(Answer::Refused { reason }) => Err(reason),
        Some(_) => Err("its host gave an answer to something else".into()),
        None => Err("its host does not answer".into()),
    }
}

/// What makes the link the user's business, or impossible, as far as the host knows.
fn is_not_ours_to_do(remote: &Remote) -> Option<String> {
    // The words that the host has for it stand among its reasons, behind others.
    let left_alone = Why::LeftAlone(String::new()).to_string();
    let why = match remote.state {
        RemoteState::Off if remote.turned_off => Why::TurnedOff.to_string(),
        RemoteState::Off => Why::NeverUsed.to_string(),
        RemoteState::Unavailable => remote.reasons.last().cloned().unwrap_or_default(),
        _ => remote.reasons.iter().find(|reason| reason.contains(&left_alone))?.clone(),
    };
    Some(why)
}

/// Waits for what comes of it. With `cycle` the link was up before, and has to have come back.
fn wait(session: &Session, before: &Remote, cycle: bool) -> Outcome {
    let begun = Instant::now();
    let mut last = None;
    while begun.elapsed() < LIMIT {
        thread::sleep(PACE);
        let Ok(record) = Record::read(&session.directory) else { continue };
        let remote = record.remote;
        let is_new = remote.last_try.is_some() && remote.last_try != before.last_try;
        if remote.state == RemoteState::Connected && (is_new || !cycle) {
            return match &remote.last_try {
                Some(attempt) if cycle && attempt.outcome != BACK => Outcome::Failed(attempt.outcome.clone()),
                _ => Outcome::Reconnected,
            };
        }
        if record.ended_at.is_some() {
            return Outcome::Failed("claude has ended".into());
        }
        let news = remote.last_try.as_ref().filter(|_| is_new);
        if let Some(attempt) = news.filter(|_| remote.state != RemoteState::Reconnecting) {
            return Outcome::Failed(attempt.outcome.clone());
        }
        last = Some(remote);
        // Where nothing is tried in that time, nothing will be.
        if begun.elapsed() >= Duration::from_secs(35)
            && last.as_ref().is_some_and(|remote| remote.state != RemoteState::Reconnecting)
        {
            break;
        }
    }
    let why = last.and_then(|remote| remote.reasons.last().cloned());
    Outcome::Left(why.unwrap_or_else(|| "the moment never came".into()))
}
