//! A session of cckw's own: its host looks, types, and says what came of it.

use std::thread;
use std::time::{Duration, Instant};

use super::{CommandOutcome, Order};
use crate::protocol::{Request, Response};
use crate::registry;
use crate::registry::Session;
use crate::registry::link_record::{AttemptOutcome, LinkRecord, RemoteState};
use crate::registry::record::Record;
use crate::remote::reconnector::BlockReason;

/// The time between two looks at the record.
const POLL_INTERVAL: Duration = Duration::from_millis(100);
/// How long it may take all in all: the host waits half a minute for its moment, and claude has a minute to
/// connect.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(100);

/// How long a request waits for something to be typed.
const MOMENT: Duration = Duration::from_secs(35);
/// How long a dry run waits for a screen that is just being drawn.
const DRAWING_TIMEOUT: Duration = Duration::from_secs(5);

/// What a host says of a request.
struct HostPreview {
    /// What stands against it, beside the screen.
    against: Option<String>,
    /// What the screen has against it.
    screen: Option<String>,
    /// Whether that passes within moments.
    passes: bool,
    /// Why only the user can want the link.
    users_decision: Option<String>,
    /// How things stand.
    remote: LinkRecord,
}

/// Has the host of a session bring the link back.
pub fn reconnect(session: &Session, order: Order) -> CommandOutcome {
    let preview = match preview(session, order.apply, false) {
        Ok(preview) => preview,
        Err(left) => return left,
    };
    if let Some(why) = preview.users_decision.filter(|_| !order.named) {
        return CommandOutcome::Left(why);
    }
    if !order.apply {
        return preview.screen.map_or(CommandOutcome::Reconnected, CommandOutcome::Left);
    }
    match ask(session, true, false) {
        Ok(_) => wait(session, &preview.remote, false),
        Err(trouble) => CommandOutcome::Failed(trouble),
    }
}

/// Has the host switch a link that looks alive off, and on again.
pub fn cycle(session: &Session, apply: bool) -> CommandOutcome {
    let preview = match preview(session, apply, true) {
        Ok(preview) => preview,
        Err(left) => return left,
    };
    let before = preview.remote;
    if matches!(before.state, RemoteState::Off | RemoteState::Disconnected | RemoteState::Unavailable) {
        return CommandOutcome::Left("no link is up that could be switched off".into());
    }
    if !apply {
        return preview.screen.map_or(CommandOutcome::Reconnected, CommandOutcome::Left);
    }
    match ask(session, true, true) {
        Ok(_) => wait(session, &before, true),
        Err(trouble) => CommandOutcome::Failed(trouble),
    }
}

/// What the host says of a request. A dry run waits for a screen that can be judged. Where something other
/// than the screen stands against it, or the host does not answer, nothing more is to be done.
fn preview(session: &Session, apply: bool, cycle: bool) -> Result<HostPreview, CommandOutcome> {
    let begun = Instant::now();
    loop {
        let preview = ask(session, false, cycle).map_err(CommandOutcome::Left)?;
        if let Some(against) = preview.against {
            return Err(CommandOutcome::Left(against));
        }
        if apply || !preview.passes || begun.elapsed() >= DRAWING_TIMEOUT {
            return Ok(preview);
        }
        thread::sleep(POLL_INTERVAL);
    }
}

/// Asks the host, and with `apply` has it begin.
fn ask(session: &Session, apply: bool, cycle: bool) -> Result<HostPreview, String> {
    match registry::ask(session, &Request::Reconnect { apply, cycle }) {
        Ok(Response::Reconnect { against, screen, passes, users_decision, remote, .. }) => {
            let remote: LinkRecord =
                serde_json::from_value(remote).map_err(|error| format!("its host: {error}"))?;
            let users_decision = users_decision.unwrap_or_else(|| self::users_decision(&remote));
            Ok(HostPreview { against, screen, passes, users_decision, remote })
        }
        Ok(Response::Refused { reason }) => Err(reason),
        Ok(_) => Err("its host sent an answer that does not fit the request".into()),
        Err(reason) => Err(reason.to_string()),
    }
}

/// What makes the link the user's business, or impossible, as far as the record says: it was never used, or
/// was switched off, say. An older host does not say it in its answer.
pub fn users_decision(remote: &LinkRecord) -> Option<String> {
    // The words that the host has for it stand among its reasons, behind others.
    let left_alone = BlockReason::LeftAlone(String::new()).to_string();
    let why = match remote.state {
        RemoteState::Off if remote.turned_off => BlockReason::TurnedOff.to_string(),
        RemoteState::Off => BlockReason::NeverUsed.to_string(),
        RemoteState::Unavailable => remote.reasons.last().cloned().unwrap_or_default(),
        _ => remote.reasons.iter().find(|reason| reason.contains(&left_alone))?.clone(),
    };
    Some(why)
}

/// Waits for what comes of it. With `cycle` the link was up before, and has to have come back.
fn wait(session: &Session, before: &LinkRecord, cycle: bool) -> CommandOutcome {
    let begun = Instant::now();
    let mut last = None;
    while begun.elapsed() < COMMAND_TIMEOUT {
        thread::sleep(POLL_INTERVAL);
        let Ok(record) = Record::read(&session.directory) else { continue };
        let remote = record.remote;
        if let Some(outcome) = what_came_of_it(&remote, before, cycle) {
            return outcome;
        }
        if record.ended_at.is_some() {
            return CommandOutcome::Failed("claude has ended".into());
        }
        let is_under_way = is_under_way(&remote, before);
        last = Some(remote);
        // Where nothing is tried in that time, nothing will be.
        if begun.elapsed() >= MOMENT && !is_under_way {
            break;
        }
    }
    let is_under_way = last.as_ref().is_some_and(|remote| is_under_way(remote, before));
    let why = last.and_then(|remote| remote.reasons.last().cloned());
    let why = why.unwrap_or_else(|| "the moment never came".into());
    if is_under_way { CommandOutcome::Failed(why) } else { CommandOutcome::Left(why) }
}

/// Whether something was typed for a request, so that its end is waited for. Between the two halves of a
/// cycle nothing is.
fn is_under_way(now: &LinkRecord, before: &LinkRecord) -> bool {
    now.state == RemoteState::Reconnecting || now.tries > before.tries
}

/// What came of a request, as far as the record says by now. Only what was typed and done is a link that was
/// brought back.
fn what_came_of_it(now: &LinkRecord, before: &LinkRecord, cycle: bool) -> Option<CommandOutcome> {
    let attempt = now.last_try.as_ref().filter(|attempt| Some(*attempt) != before.last_try.as_ref());
    let is_under_way = now.state == RemoteState::Reconnecting;
    let outcome = attempt.map(|attempt| &attempt.outcome).filter(|_| !is_under_way);
    if let Some(outcome) = outcome.filter(|outcome| **outcome != AttemptOutcome::NotYet) {
        return Some(match outcome {
            AttemptOutcome::Back => CommandOutcome::Reconnected,
            AttemptOutcome::WasUp(_) if !cycle => CommandOutcome::Up(outcome.to_string()),
            outcome => CommandOutcome::Failed(outcome.to_string()),
        });
    }
    let ended = now.last_request.as_ref().filter(|ended| Some(*ended) != before.last_request.as_ref())?;
    let typed = now.tries > before.tries;
    let said = ended.outcome.clone();
    Some(match now.state {
        _ if typed => CommandOutcome::Failed(said),
        RemoteState::Connected if !cycle => CommandOutcome::Up(said),
        _ => CommandOutcome::Left(said),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::link_record::{AttemptRecord, PanelLeft, RequestEnd};

    fn tried(state: RemoteState, outcome: AttemptOutcome) -> LinkRecord {
        let last_try = Some(AttemptRecord { number: 1, at: 7, outcome });
        LinkRecord { state, last_try, tries: 1, ..LinkRecord::default() }
    }

    #[test]
    fn between_the_halves_of_a_cycle_it_is_under_way() {
        let before = LinkRecord { state: RemoteState::Connected, tries: 1, ..LinkRecord::default() };
        let off = LinkRecord { state: RemoteState::Disconnected, tries: 2, ..before.clone() };
        assert!(is_under_way(&off, &before));
        assert!(!is_under_way(&before, &before));
        assert!(is_under_way(&LinkRecord { state: RemoteState::Reconnecting, ..before.clone() }, &before));
    }

    #[test]
    fn only_what_was_typed_and_done_counts_as_brought_back() {
        let before = LinkRecord::default();
        let came = |now: &LinkRecord| what_came_of_it(now, &before, false);
        assert_eq!(
            came(&tried(RemoteState::Connected, AttemptOutcome::Back)),
            Some(CommandOutcome::Reconnected)
        );
        let was_up = AttemptOutcome::WasUp(PanelLeft::Closed);
        let said = was_up.to_string();
        assert_eq!(
            came(&tried(RemoteState::Connected, was_up.clone())),
            Some(CommandOutcome::Up(said.clone()))
        );
        // A link that was to be switched off and on was not.
        let cycled = what_came_of_it(&tried(RemoteState::Connected, was_up), &before, true);
        assert_eq!(cycled, Some(CommandOutcome::Failed(said)));
        assert_eq!(came(&tried(RemoteState::Reconnecting, AttemptOutcome::Submitted)), None);
        assert_eq!(came(&tried(RemoteState::Disconnected, AttemptOutcome::NotYet)), None);
        let failed = AttemptOutcome::Failed("no".into());
        assert_eq!(
            came(&tried(RemoteState::Disconnected, failed)),
            Some(CommandOutcome::Failed("no".into()))
        );
        // The same again, in the same second.
        let before = tried(RemoteState::Disconnected, AttemptOutcome::Back);
        let mut again = tried(RemoteState::Connected, AttemptOutcome::Back);
        again.last_try = again.last_try.map(|last| AttemptRecord { number: 2, ..last });
        assert_eq!(what_came_of_it(&again, &before, false), Some(CommandOutcome::Reconnected));
        assert_eq!(what_came_of_it(&before, &before, false), None);
        let before = LinkRecord::default();
        // The link came up without a try, and the request was over.
        let up = LinkRecord { state: RemoteState::Connected, ..LinkRecord::default() };
        assert_eq!(came(&up), None);
        let ended = Some(RequestEnd { number: 1, at: 7, outcome: "the link is up".into() });
        let over = LinkRecord { last_request: ended, ..up };
        assert_eq!(came(&over), Some(CommandOutcome::Up("the link is up".into())));
        // For who wants it switched off and on that is not enough.
        assert_eq!(
            what_came_of_it(&over, &before, true),
            Some(CommandOutcome::Left("the link is up".into()))
        );
        assert_eq!(what_came_of_it(&over, &over, false), None);
        let typed = LinkRecord { tries: 1, ..over };
        assert_eq!(came(&typed), Some(CommandOutcome::Failed("the link is up".into())));
    }

    #[test]
    fn in_the_record_of_an_older_host_the_users_decision_is_found() {
        let left = BlockReason::LeftAlone("taken over".into());
        let reasons = vec!["no bridge".into(), format!("nothing is typed: {left}")];
        let down = LinkRecord { state: RemoteState::Disconnected, reasons, ..LinkRecord::default() };
        assert!(users_decision(&down).is_some_and(|why| why.ends_with("taken over")));
        assert_eq!(users_decision(&LinkRecord { reasons: vec![], ..down }), None);
        let off = LinkRecord { state: RemoteState::Off, turned_off: true, ..LinkRecord::default() };
        assert_eq!(users_decision(&off), Some(BlockReason::TurnedOff.to_string()));
    }
}
