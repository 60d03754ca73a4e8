//! The remote-control bridge: a state machine in place of the network.

use std::time::{Duration, Instant};

/// Where the bridge stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Link {
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
        /// Until then it counts as switched on, and `/remote-control` opens the panel.
        until: Instant,
    },
}

/// What came of `/remote-control`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
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
pub struct Bridge {
    /// Where it stands.
    pub link: Link,
    /// How it behaves.
    pub manners: Manners,
    /// The file denies the bridge although it is up.
    pub lags: bool,
    /// The id of a recorded bridge that is being brought back.
    wanted: Option<String>,
}

const REFUSAL: &str =
    "/remote-control needs a Claude subscription. This session uses ANTHROPIC_API_KEY instead.";

/// In the panel of a bridge that failed.
const RETRY: &str = "To try again, choose Continue, wait about 10 seconds for Remote Control to turn off, then run /remote-control.";

/// Reasons that come without advice: whoever took the session has it, and an ended one is not to be opened again by itself.
const USERS_BUSINESS: [&str; 5] = [
    "took over this session",
    "ended or archived",
    "no longer reports this session",
    "not found on server",
    "moved to another region",
];

impl Bridge {
    /// A bridge that is off.
    pub fn new(manners: Manners) -> Self {
        Self { link: Link::Off, manners, lags: false, wanted: None }
    }

    /// The user asked for it.
    pub fn request(&mut self, now: Instant) -> Answer {
        match &self.link {
            _ if !self.manners.subscribed => Answer::Refused(REFUSAL),
            Link::Up(_) | Link::Connecting(_) => Answer::Panel,
            Link::Failed { until, .. } if now < *until => Answer::Panel,
            Link::Off | Link::Failed { .. } => {
                self.link = Link::Connecting(now + self.manners.delay);
                Answer::Begun
            }
        }
    }

    /// The conversation that was resumed had the bridge `id`: it is brought back unasked.
    pub fn restore(&mut self, id: String, now: Instant) {
        if self.manners.subscribed {
            self.wanted = Some(id);
            self.link = Link::Connecting(now + self.manners.delay);
        }
    }

    /// When [`Self::tick`] is due.
    pub fn deadline(&self) -> Option<Instant> {
        if let Link::Connecting(at) = self.link { Some(at) } else { None }
    }

    /// Decides a connection whose time has come; the line that tells of it.
    pub fn tick(&mut self, now: Instant) -> Option<String> {
        self.deadline().filter(|&at| at <= now)?;
        if self.manners.failures > 0 {
            self.manners.failures -= 1;
            return Some(self.fail("could not reach the Remote Control server", now));
        }
        let id = self
            .wanted
            .take()
            .unwrap_or_else(|| format!("session_{}", &uuid::Uuid::new_v4().simple().to_string()[..16]));
        let line = format!("/remote-control is active · Continue here, on your phone, or at {}", url(&id));
        self.link = Link::Up(id);
        Some(line)
    }

    /// The bridge goes; the line that tells of it.
    pub fn fail(&mut self, reason: &str, now: Instant) -> String {
        self.link = Link::Failed { reason: reason.to_owned(), until: now + self.manners.off_after };
        self.lags = false;
        let advice = if USERS_BUSINESS.iter().any(|words| reason.contains(words)) {
            ""
        } else {
            " — run /remote-control to reconnect"
        };
        format!("Remote Control disconnected — {reason}{advice}")
    }

    /// What the panel says of it.
    pub fn about(&self) -> Vec<String> {
        match &self.link {
            Link::Up(id) => {
                vec![format!("This session is available in the Claude mobile app and at {}.", url(id))]
            }
            Link::Failed { reason, .. } => {
                vec!["✖ Remote Control isn't connected.".into(), reason.clone(), RETRY.into()]
            }
            Link::Connecting(_) | Link::Off => self.indicator().into_iter().map(str::to_owned).collect(),
        }
    }

    /// The user turned it off.
    pub fn disconnect(&mut self) {
        self.link = Link::Off;
        self.lags = false;
    }

    /// What the state file says of it.
    pub fn id_in_file(&self) -> Option<String> {
        match &self.link {
            Link::Up(id) if !self.lags => Some(id.clone()),
            _ => None,
        }
    }

    /// The footer's indicator.
    pub fn indicator(&self) -> Option<&'static str> {
        match self.link {
            Link::Up(_) => Some("/rc active"),
            Link::Connecting(_) => Some("/rc connecting…"),
            Link::Failed { .. } => Some("/rc failed"),
            Link::Off => None,
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

    fn bridge(failures: u32) -> Bridge {
        Bridge::new(Manners {
            subscribed: true,
            delay: Duration::from_millis(10),
            failures,
            off_after: Duration::ZERO,
        })
    }

    #[test]
    fn it_comes_up_after_its_delay_and_then_answers_with_the_panel() {
        let (mut bridge, start) = (bridge(0), Instant::now());
        assert_eq!(bridge.request(start), Answer::Begun);
        assert_eq!(bridge.request(start), Answer::Panel);
        assert_eq!(bridge.tick(start), None);
        assert_eq!(bridge.id_in_file(), None);
        assert!(bridge.tick(start + Duration::from_millis(10)).is_some());
        assert!(bridge.id_in_file().is_some());
        assert_eq!(bridge.request(start), Answer::Panel);
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
        assert_eq!(bridge.request(start + Duration::from_secs(9)), Answer::Panel);
        assert_eq!(bridge.request(start + Duration::from_secs(10)), Answer::Begun);
        let taken = bridge.fail("another connection took over this session", start);
        assert!(taken.ends_with("took over this session"), "{taken}");
    }

    #[test]
    fn without_a_subscription_it_is_refused_every_time() {
        let mut bridge = bridge(0);
        bridge.manners.subscribed = false;
        for _ in 0..2 {
            assert_eq!(bridge.request(Instant::now()), Answer::Refused(REFUSAL));
        }
        bridge.restore("session_x".into(), Instant::now());
        assert_eq!(bridge.link, Link::Off);
    }
}
