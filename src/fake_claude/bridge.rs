//! The remote-control bridge: a state machine in place of the network.

use std::time::{Duration, Instant};

/// Where the bridge stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FakeLink {
    /// Never asked for, or turned off by the user.
    Off,
    /// Asked for; it is decided at this time.
    Connecting(Instant),
    /// Up, with this id.
    Up(String),
    /// It was up, or should be, and is not.
    Failed {
        /// Why.
        reason: String,
        /// Until then it counts as switched on, the state file names it, and `/remote-control` opens the
        /// panel.
        until: Instant,
        /// The id that it had, until then.
        id: Option<String>,
    },
}

/// What came of `/remote-control`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BridgeReply {
    /// It is refused, with this line for the conversation.
    Refused(&'static str),
    /// It is begun, without a word.
    Begun,
    /// It is switched on already: the panel opens.
    Panel,
}

/// How the bridge behaves, from the environment and from `/fault`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manners {
    /// Whether the account has a subscription.
    pub subscribed: bool,
    /// How long connecting takes.
    pub delay: Duration,
    /// How many attempts to connect fail from now on.
    pub failures: u32,
    /// How long a bridge that failed counts as switched on. Claude Code's own text says: about ten seconds.
    pub off_after: Duration,
}

/// The bridge of one session.
#[derive(Debug)]
pub struct FakeBridge {
    /// Where it stands.
    pub link: FakeLink,
    /// How it behaves.
    pub manners: Manners,
    /// The file denies the bridge although it is up.
    pub lags: bool,
    /// The id of a recorded bridge that is being brought back.
    wanted: Option<String>,
    /// How many connects have failed in a row.
    failed_connects: u32,
}

const REFUSAL: &str =
    "/remote-control needs a Claude subscription. This session uses ANTHROPIC_API_KEY instead.";

/// In the panel of a bridge that failed.
const RETRY: &str = "To try again, choose Continue, wait about 10 seconds for Remote Control to turn off, then run /remote-control.";

/// Reasons that come without advice, as in Claude Code 2.1.332: whoever took the session has it, an ended one
/// is not to be opened again by itself, and some reasons hold an advice of their own.
const WITHOUT_ADVICE: [&str; 10] = [
    "took over this session",
    "no longer the active worker",
    "ended or archived",
    "no longer reports this session",
    "moved to another region",
    "/login",
    "/remote-control",
    "restart",
    "policy",
    "update",
];

/// How many connects in a row may fail in one process.
const MOST_FAILED_CONNECTS: u32 = 3;
/// What is said of the last of them.
const EXHAUSTED: &str = "disabled after repeated failures · restart to retry";

impl FakeBridge {
    /// A bridge that is off.
    pub fn new(manners: Manners) -> Self {
        Self { link: FakeLink::Off, manners, lags: false, wanted: None, failed_connects: 0 }
    }

    /// The user asked for it.
    pub fn request(&mut self, now: Instant) -> BridgeReply {
        match &self.link {
            _ if !self.manners.subscribed => BridgeReply::Refused(REFUSAL),
            FakeLink::Up(_) | FakeLink::Connecting(_) => BridgeReply::Panel,
            FakeLink::Failed { until, .. } if now < *until => BridgeReply::Panel,
            // From then on this process asks the server nothing more.
            _ if self.failed_connects >= MOST_FAILED_CONNECTS => BridgeReply::Begun,
            FakeLink::Off | FakeLink::Failed { .. } => {
                self.link = FakeLink::Connecting(now + self.manners.delay);
                BridgeReply::Begun
            }
        }
    }

    /// The conversation that was resumed had the bridge `id`: it is brought back unasked.
    pub fn restore(&mut self, id: String, now: Instant) {
        if self.manners.subscribed {
            self.wanted = Some(id);
            self.link = FakeLink::Connecting(now + self.manners.delay);
        }
    }

    /// When [`Self::tick`] is due.
    pub fn deadline(&self) -> Option<Instant> {
        match self.link {
            FakeLink::Connecting(at) => Some(at),
            FakeLink::Failed { until, id: Some(_), .. } => Some(until),
            _ => None,
        }
    }

    /// Decides a connection whose time has come; the line that tells of it, empty where there is none.
    pub fn tick(&mut self, now: Instant) -> Option<String> {
        self.deadline().filter(|&at| at <= now)?;
        if let FakeLink::Failed { id, .. } = &mut self.link {
            *id = None;
            return None;
        }
        if self.manners.failures > 0 {
            self.manners.failures -= 1;
            self.failed_connects += 1;
            let exhausted = self.failed_connects >= MOST_FAILED_CONNECTS;
            let reason = if exhausted { EXHAUSTED } else { "could not reach the Remote Control server" };
            return Some(self.fail(reason, now));
        }
        self.failed_connects = 0;
        if let Some(id) = self.wanted.take() {
            // The same session once more is no news.
            self.link = FakeLink::Up(id);
            return Some(String::new());
        }
        let id = format!("session_{}", &uuid::Uuid::new_v4().simple().to_string()[..16]);
        let line = format!("/remote-control is active · Continue here, on your phone, or at {}", url(&id));
        self.link = FakeLink::Up(id);
        Some(line)
    }

    /// The bridge goes; the line that tells of it.
    pub fn fail(&mut self, reason: &str, now: Instant) -> String {
        let until = now + self.manners.off_after;
        let id = self.id_in_file().filter(|_| until > now);
        self.link = FakeLink::Failed { reason: reason.to_owned(), until, id };
        self.lags = false;
        let advice = if WITHOUT_ADVICE.iter().any(|words| reason.contains(words)) {
            ""
        } else {
            " — run /remote-control to reconnect"
        };
        format!("Remote Control disconnected — {reason}{advice}")
    }

    /// What the panel says of it.
    pub fn about(&self) -> Vec<String> {
        match &self.link {
            FakeLink::Up(id) => {
                vec![format!("This session is available in the Claude mobile app and at {}.", url(id))]
            }
            FakeLink::Failed { reason, .. } => {
                vec!["× Remote Control isn't connected.".into(), reason.clone(), RETRY.into()]
            }
            FakeLink::Connecting(_) | FakeLink::Off => {
                self.indicator().into_iter().map(str::to_owned).collect()
            }
        }
    }

    /// The user turned it off.
    pub fn disconnect(&mut self) {
        self.link = FakeLink::Off;
        self.lags = false;
    }

    /// What the state file says of it.
    pub fn id_in_file(&self) -> Option<String> {
        match &self.link {
            FakeLink::Up(id) if !self.lags => Some(id.clone()),
            FakeLink::Failed { id, .. } => id.clone(),
            _ => None,
        }
    }

    /// The footer's indicator.
    pub fn indicator(&self) -> Option<&'static str> {
        match self.link {
            FakeLink::Up(_) => Some("/rc active"),
            FakeLink::Connecting(_) => Some("/rc connecting…"),
            FakeLink::Failed { .. } => Some("/rc failed"),
            FakeLink::Off => None,
        }
    }
}

/// The address under which the session of bridge `id` would be reached.
pub fn url(id: &str) -> String {
    format!("https://claude.ai/code/{id}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bridge(failures: u32) -> FakeBridge {
        FakeBridge::new(Manners {
            subscribed: true,
            delay: Duration::from_millis(10),
            failures,
            off_after: Duration::ZERO,
        })
    }

    #[test]
    fn it_comes_up_after_its_delay_and_then_answers_with_the_panel() {
        let (mut bridge, start) = (bridge(0), Instant::now());
        assert_eq!(bridge.request(start), BridgeReply::Begun);
        assert_eq!(bridge.request(start), BridgeReply::Panel);
        assert_eq!(bridge.tick(start), None);
        assert_eq!(bridge.id_in_file(), None);
        assert!(bridge.tick(start + Duration::from_millis(10)).is_some());
        assert!(bridge.id_in_file().is_some());
        assert_eq!(bridge.request(start), BridgeReply::Panel);
        bridge.lags = true;
        assert_eq!((bridge.id_in_file(), bridge.indicator()), (None, Some("/rc active")));
    }

    #[test]
    fn failures_are_used_up_and_the_indicator_stays_failed_until_asked_again() {
        let (mut bridge, start) = (bridge(1), Instant::now());
        let later = start + Duration::from_secs(1);
        bridge.request(start);
        assert!(bridge.tick(later).unwrap().starts_with("Remote Control disconnected"));
        assert_eq!(bridge.indicator(), Some("/rc failed"));
        bridge.request(later);
        bridge.tick(later + Duration::from_secs(1));
        assert_eq!(bridge.indicator(), Some("/rc active"));
    }

    #[test]
    fn what_failed_a_moment_ago_counts_as_switched_on() {
        let (mut bridge, start) = (bridge(0), Instant::now());
        bridge.manners.off_after = Duration::from_secs(10);
        let line = bridge.fail("the connection was lost", start);
        assert!(line.ends_with("the connection was lost — run /remote-control to reconnect"), "{line}");
        assert_eq!(bridge.request(start + Duration::from_secs(9)), BridgeReply::Panel);
        assert_eq!(bridge.request(start + Duration::from_secs(10)), BridgeReply::Begun);
        let taken = bridge.fail("another connection took over this session", start);
        assert!(taken.ends_with("took over this session"), "{taken}");
    }

    #[test]
    fn after_three_failed_connects_it_does_not_connect_any_more() {
        let (mut bridge, mut now) = (bridge(3), Instant::now());
        let mut said = String::new();
        for _ in 0..3 {
            assert_eq!(bridge.request(now), BridgeReply::Begun);
            now += Duration::from_secs(1);
            said = bridge.tick(now).unwrap();
        }
        assert_eq!(said, "Remote Control disconnected — disabled after repeated failures · restart to retry");
        bridge.request(now);
        assert_eq!((bridge.deadline(), bridge.indicator()), (None, Some("/rc failed")));
    }

    #[test]
    fn the_file_names_a_link_that_failed_for_some_seconds_more() {
        let (mut bridge, start) = (bridge(0), Instant::now());
        bridge.manners.off_after = Duration::from_secs(10);
        bridge.request(start);
        let up = start + Duration::from_secs(1);
        bridge.tick(up);
        bridge.fail("it was lost", up);
        assert!(bridge.id_in_file().is_some());
        assert_eq!(bridge.deadline(), Some(up + Duration::from_secs(10)));
        assert_eq!(bridge.tick(up + Duration::from_secs(10)), None);
        assert_eq!((bridge.id_in_file(), bridge.indicator()), (None, Some("/rc failed")));
    }

    #[test]
    fn without_a_subscription_it_is_refused_every_time() {
        let mut bridge = bridge(0);
        bridge.manners.subscribed = false;
        for _ in 0..2 {
            assert_eq!(bridge.request(Instant::now()), BridgeReply::Refused(REFUSAL));
        }
        bridge.restore("session_x".into(), Instant::now());
        assert_eq!(bridge.link, FakeLink::Off);
    }
}
