//! What may kill the link of remote control without a word: a sleep of the machine, an outage of its network.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::config::RemoteControl;
use crate::os::moment;
use crate::os::network;
use crate::os::network::Network;
use crate::os::poll::{Interest, Poll, Token};
use crate::os::suspend::{Wakeup, asleep};
use crate::remote::reconnector::StaleTrigger;

/// Less than this is what the clocks differ by anyway.
const LEAST: Duration = Duration::from_secs(1);

/// What is listened to, as far as the configuration asks for it.
#[derive(Default)]
pub(super) struct StaleLinkWatch {
    /// What to listen to, until that has begun. Before a link was up, none can be stale.
    settings: Option<RemoteControl>,
    wakeup: Option<Wakeup>,
    /// How long the machine was asleep, when that was looked at last.
    asleep: Duration,
    network: Option<Network>,
    away_since: Option<Instant>,
}

/// Where the two stand in a poll.
#[derive(Default)]
pub(super) struct LinkTokens {
    wakeup: Option<Token>,
    network: Option<Token>,
}

/// The same as it is handed over to the program that goes on with it.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct StaleLinkState {
    /// Whether it listens.
    listens: bool,
    asleep: Duration,
    #[serde(with = "moment::option")]
    away_since: Option<Instant>,
}

impl StaleLinkWatch {
    /// All that is needed to go on.
    pub(super) fn hand_over(&self) -> StaleLinkState {
        StaleLinkState { listens: self.settings.is_none(), asleep: self.asleep, away_since: self.away_since }
    }

    /// Goes on with what another program has handed over. What happened in between is seen by the clocks.
    pub(super) fn take_over(state: StaleLinkState, settings: &RemoteControl) -> Self {
        let mut watch = Self::new(settings.clone());
        if state.listens {
            watch.listen();
            (watch.asleep, watch.away_since) = (state.asleep, state.away_since.or(watch.away_since));
        }
        watch
    }

    /// One that does not listen yet.
    pub(super) fn new(settings: RemoteControl) -> Self {
        Self { settings: Some(settings), ..Self::default() }
    }

    /// A link is up: begins to listen, if it has not begun. What cannot be listened to is left out.
    pub(super) fn listen(&mut self) {
        let Some(settings) = self.settings.take() else { return };
        let wakeup = settings.cycle_after_sleep.and_then(|_| Wakeup::listen().ok());
        let network = settings.cycle_after_outage.and_then(|_| Network::listen().ok());
        let away_since = (network.is_some() && !network::is_up()).then(Instant::now);
        *self = Self { settings: None, wakeup, asleep: asleep().unwrap_or_default(), network, away_since };
    }

    /// Adds what there is to listen to.
    pub(super) fn prepare(&self, poll: &mut Poll) -> LinkTokens {
        LinkTokens {
            wakeup: self.wakeup.as_ref().map(|wakeup| poll.add(wakeup, Interest::Reading)),
            network: self.network.as_ref().map(|network| poll.add(network, Interest::Reading)),
        }
    }

    pub(super) fn hear(&mut self, poll: &Poll, tokens: &LinkTokens) -> Option<StaleTrigger> {
        let is_ready = |token: &Option<Token>| token.is_some_and(|token| poll.is_ready(token));
        if is_ready(&tokens.wakeup) {
            if self.wakeup.as_ref().is_some_and(|wakeup| wakeup.hear().is_err()) {
                self.wakeup = None;
            }
            return self.slept();
        }
        if is_ready(&tokens.network) && self.network.as_ref()?.hear() {
            return self.outage(network::is_up(), Instant::now());
        }
        if Wakeup::IS_CERTAIN { None } else { self.slept() }
    }

    /// Whether the machine has slept since this was looked at last.
    pub(super) fn slept(&mut self) -> Option<StaleTrigger> {
        self.wakeup.as_ref()?;
        let now = asleep().ok()?;
        let slept = now.saturating_sub(std::mem::replace(&mut self.asleep, now));
        (slept >= LEAST).then_some(StaleTrigger::Slept(slept))
    }

    fn outage(&mut self, is_up: bool, now: Instant) -> Option<StaleTrigger> {
        if !is_up {
            self.away_since.get_or_insert(now);
            return None;
        }
        self.away_since.take().map(|since| StaleTrigger::Outage(now.saturating_duration_since(since)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_lasts_from_its_beginning_to_its_end() {
        let (mut watch, start) = (StaleLinkWatch::default(), Instant::now());
        assert_eq!(watch.outage(true, start), None);
        assert_eq!(watch.outage(false, start), None);
        assert_eq!(watch.outage(false, start + LEAST), None);
        assert_eq!(watch.outage(true, start + LEAST * 9), Some(StaleTrigger::Outage(LEAST * 9)));
        assert_eq!(watch.outage(true, start + LEAST * 10), None);
    }

    #[test]
    fn only_what_was_asked_for_is_listened_to() {
        let off = RemoteControl { cycle_after_sleep: None, ..RemoteControl::default() };
        let mut watch = StaleLinkWatch::new(off);
        watch.listen();
        assert!(watch.wakeup.is_none() && watch.network.is_none());
        assert_eq!(watch.slept(), None);
        let mut watch = StaleLinkWatch::new(RemoteControl::default());
        assert!(watch.wakeup.is_none());
        watch.listen();
        assert!(watch.wakeup.is_some() && watch.network.is_none());
        assert_eq!(watch.slept(), None);
    }
}
