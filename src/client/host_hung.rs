//! A host that does not answer: it was stopped, or waits for something that hangs.
//!
//! The client never looks whether its host is well. But when the user wants something that only the host can
//! do, a deadline begins. Where it passes without an answer the client does what it can without the host: it
//! gives the terminal back.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use super::Client;
use super::complain;
use crate::os::job;
use crate::protocol::FromClient;
use crate::registry;
use crate::registry::SilentHost;
use crate::user_error;

/// How long a host that runs may take to answer who attaches.
const ATTACH_ANSWER_TIMEOUT: Duration = Duration::from_secs(4);
/// How long a new host may take to start claude, what is left of the last one included.
const START_ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// How long an attached client waits for the answer to what its user wants.
const HOST_ANSWER_TIMEOUT: Duration = Duration::from_secs(3);
/// The same, from the first press on, when the detach key is pressed again. A key that repeats does that,
/// too, so it is no shorter.
const INSISTED_ANSWER_TIMEOUT: Duration = Duration::from_millis(500);

/// The status of a client that gave up what it was started for.
pub(super) const GAVE_UP_STATUS: u8 = 1;

/// What the user wants of the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::client) enum HostWish {
    /// That it starts claude.
    Start,
    /// That it takes this terminal.
    Attach,
    /// That it lets this terminal go.
    Detach,
    /// That claude is suspended, and the shell gets the terminal.
    Suspend,
    /// The same, by ctrl-z: a program in raw mode gets it as a byte, and may well do something else with it,
    /// or read it later.
    CtrlZ,
    /// That claude gets this signal.
    Signal(i32),
    /// That a claude which crashed does not come back.
    Quit,
}

impl HostWish {
    fn timeout(self) -> Duration {
        match self {
            Self::Start => START_ANSWER_TIMEOUT,
            Self::Attach => ATTACH_ANSWER_TIMEOUT,
            Self::Detach | Self::Suspend | Self::CtrlZ | Self::Signal(_) | Self::Quit => HOST_ANSWER_TIMEOUT,
        }
    }

    /// Whether the host says something to it by itself; any other wish it may carry out without a word.
    fn is_answered(self) -> bool {
        matches!(self, Self::Start | Self::Attach | Self::Detach)
    }
}

/// What the host was asked for and has not answered. It does no I/O and reads no clock.
#[derive(Debug, Default)]
pub(super) struct Unanswered {
    pending: Option<PendingWish>,
    /// The number of the last ping.
    ping: u64,
    /// Whether the host knows pings: one of an older version would break off the connection.
    knows_pings: bool,
}

#[derive(Debug, Clone, Copy)]
struct PendingWish {
    wish: HostWish,
    begun: Instant,
    until: Instant,
    /// The user does not want to wait as long as usual.
    insisted: bool,
}

impl Unanswered {
    /// The host is asked for this. The number of the ping to send behind it, if the host knows pings.
    fn ask(&mut self, wish: HostWish, now: Instant) -> Option<u64> {
        if !self.knows_pings && !wish.is_answered() && self.pending.is_none() {
            return None;
        }
        let until = now + wish.timeout();
        // What was wanted before is not answered yet, and the host gets no longer for this.
        let until = self.pending.map_or(until, |before| before.until.min(until));
        let insisted = self.pending.is_some_and(|before| before.insisted);
        self.pending = Some(PendingWish { wish, begun: now, until, insisted });
        self.ping += 1;
        self.knows_pings.then_some(self.ping)
    }

    /// The user wants the same again.
    fn insist(&mut self, now: Instant) {
        if let Some(pending) = &mut self.pending {
            pending.until = pending.until.min(now.max(pending.begun + INSISTED_ANSWER_TIMEOUT));
            pending.insisted = true;
        }
    }

    /// The host has claude, or has taken this terminal. A later version of the protocol knows pings.
    pub(super) fn started(&mut self, minor: u32) {
        self.knows_pings = minor >= 1;
        if matches!(self.pending, Some(PendingWish { wish: HostWish::Start | HostWish::Attach, .. })) {
            self.pending = None;
        }
    }

    /// The host has answered this ping. An answer to an earlier ping than the last one shows that the host
    /// goes on: the last one gets its whole time from now. A large paste can hold thousands of keys that the
    /// host is asked about.
    pub(super) fn ponged(&mut self, number: u64, now: Instant) {
        if number >= self.ping {
            self.pending = None;
        } else if let Some(pending) = self.pending.as_mut().filter(|pending| !pending.insisted) {
            pending.until = now + pending.wish.timeout();
        }
    }

    /// The host has done what it was asked for, or there is another one.
    pub(super) fn forget(&mut self) {
        self.pending = None;
    }

    /// Whether the host knows the later messages of the protocol.
    pub(super) fn knows_pings(&self) -> bool {
        self.knows_pings
    }

    /// How long to wait at most, if there is a deadline.
    pub(super) fn wait(&self, other: Option<Duration>, now: Instant) -> Option<Duration> {
        let left = self.pending.map(|pending| pending.until.saturating_duration_since(now));
        left.into_iter().chain(other).min()
    }

    /// What is not answered in time.
    pub(super) fn overdue(&self, now: Instant) -> Option<HostWish> {
        self.pending.filter(|pending| pending.until <= now).map(|pending| pending.wish)
    }

    /// Whether claude has yet to be there, or the terminal to be taken.
    fn is_beginning(&self) -> bool {
        matches!(self.pending, Some(PendingWish { wish: HostWish::Attach | HostWish::Start, .. }))
    }
}

/// What a client does when the host has not answered in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Remedy {
    Nothing,
    /// The terminal cannot be given to a shell, but the user can end what hangs.
    SayWhatHelps,
    /// The shell gets the terminal, without the host.
    Suspend,
    /// This client ends, and the session goes on without it.
    Leave,
}

impl Remedy {
    /// `host_is_held`: its process cannot run, because it is stopped or waits for a disk.
    fn choose(wish: HostWish, has_shell: bool, host_is_held: bool) -> Self {
        match wish {
            HostWish::Suspend | HostWish::CtrlZ if has_shell => Self::Suspend,
            // A host that runs may just be slow. To a program in raw mode ctrl-z is a byte, and a line would
            // disturb its screen.
            HostWish::CtrlZ if !host_is_held => Self::Nothing,
            HostWish::Suspend | HostWish::CtrlZ => Self::SayWhatHelps,
            _ => Self::Leave,
        }
    }
}

impl Client {
    /// The host is asked for this: from now on it has to answer.
    pub(in crate::client) fn expect(&mut self, wish: HostWish) {
        if let Some(number) = self.link.unanswered.ask(wish, Instant::now()) {
            self.link.send(&FromClient::Ping { number });
        }
    }

    /// The detach key was pressed again.
    pub(in crate::client) fn insist(&mut self) {
        self.link.unanswered.insist(Instant::now());
    }

    /// A signal has come that is meant to end or to stop something.
    pub(super) fn expect_for_signal(&mut self, number: i32) {
        match number {
            libc::SIGTSTP if self.link.unanswered.is_beginning() => {}
            libc::SIGTSTP => self.expect(HostWish::Suspend),
            libc::SIGHUP | libc::SIGINT | libc::SIGQUIT | libc::SIGTERM => {
                self.expect(HostWish::Signal(number));
            }
            _ => {}
        }
    }

    /// The host has not answered in time. The status to exit with, if that is the end.
    pub(super) fn host_hangs(&mut self, wish: HostWish) -> Option<u8> {
        self.link.unanswered.forget();
        match Remedy::choose(wish, !job::is_orphaned(), SilentHost::new(self.link.pid()).is_held()) {
            Remedy::Nothing => None,
            Remedy::SayWhatHelps => {
                self.cannot_be_suspended();
                None
            }
            Remedy::Suspend => self.suspend_without_host(),
            Remedy::Leave => Some(self.leave_without_host(wish)),
        }
    }

    /// The terminal is given back, and the session goes on without it when its host goes on.
    pub(super) fn leave_without_host(&mut self, wish: HostWish) -> u8 {
        // What waits here was for claude, which may well read.
        self.let_all_go();
        self.undo_modes();
        self.terminal.raw_mode().leave_raw();
        if self.link.unanswered.knows_pings() {
            let detached = matches!(wish, HostWish::Detach | HostWish::Quit);
            self.link.send(&FromClient::GaveUp { detached });
        }
        if self.terminal.is_gone() {
            return if let HostWish::Signal(number) = wish { status_of(number) } else { 0 };
        }
        let host = SilentHost::new(self.link.pid());
        match wish {
            HostWish::Start => {
                complain(user_error::client::start_given_up(host.into(), &self.advice()));
                GAVE_UP_STATUS
            }
            HostWish::Attach => {
                complain(user_error::client::attach_given_up(host.into()));
                GAVE_UP_STATUS
            }
            _ => {
                let word = registry::word_within(&self.session);
                let lost = self.lost_keys();
                self.write_last(&format!(
                    "\r\n\x1b[J[cckw: this terminal was given back: {host}; then: cckw attach {word}{lost}]\r\n"
                ));
                match wish {
                    HostWish::Signal(number) => status_of(number),
                    HostWish::Quit => status_of(libc::SIGINT),
                    _ => 0,
                }
            }
        }
    }

    /// The shell gets the terminal without the host, which is told what to find when it goes on.
    fn suspend_without_host(&mut self) -> Option<u8> {
        self.undo_modes();
        self.link.send(&FromClient::Backgrounded);
        let host = SilentHost::new(self.link.pid());
        self.write_through(&format!("\r\n\x1b[J[cckw: suspended without an answer: {host}]\r\n"));
        self.suspend(Signal::SIGTSTP as i32)
    }

    /// There is no shell that the terminal could be given to: this client goes on, and claude draws its
    /// screen anew when the host does.
    fn cannot_be_suspended(&mut self) {
        let host = SilentHost::new(self.link.pid());
        let leave = if !self.input.has_detach_key() {
            format!("kill -HUP {} gives this terminal back", std::process::id())
        } else {
            "ctrl-\\ gives this terminal back".into()
        };
        self.write_through(&format!(
            "\r\n\x1b[J[cckw: not suspended, because there is no shell with job control here: {host}; {leave}]\r\n"
        ));
        if let Ok(size) = self.terminal.size() {
            self.link.send(&FromClient::Resumed { size });
        }
    }
}

/// The status that a shell shows for a death by this signal.
fn status_of(number: i32) -> u8 {
    u8::try_from(128 + number).unwrap_or(GAVE_UP_STATUS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> Unanswered {
        Unanswered { knows_pings: true, ..Unanswered::default() }
    }

    #[test]
    fn a_host_that_answers_in_time_is_never_overdue() {
        let (mut unanswered, now) = (known(), Instant::now());
        let number = unanswered.ask(HostWish::Suspend, now).expect("a ping");
        assert_eq!(unanswered.overdue(now + HOST_ANSWER_TIMEOUT - Duration::from_millis(1)), None);
        unanswered.ponged(number, now);
        assert_eq!(unanswered.overdue(now + Duration::from_secs(3600)), None);
        assert_eq!(unanswered.wait(None, now), None);
    }

    #[test]
    fn what_is_wanted_meanwhile_gets_no_longer_and_an_older_answer_is_not_its_own() {
        let (mut unanswered, now) = (known(), Instant::now());
        let first = unanswered.ask(HostWish::Suspend, now).expect("a ping");
        let later = now + Duration::from_secs(2);
        let second = unanswered.ask(HostWish::Detach, later).expect("a ping");
        assert_eq!(unanswered.overdue(now + HOST_ANSWER_TIMEOUT), Some(HostWish::Detach));
        unanswered.ponged(first, later);
        assert_eq!(unanswered.overdue(later + HOST_ANSWER_TIMEOUT), Some(HostWish::Detach));
        unanswered.ponged(second, later);
        assert_eq!(unanswered.overdue(later + HOST_ANSWER_TIMEOUT), None);
    }

    #[test]
    fn a_host_that_goes_on_answering_is_never_overdue_however_often_it_is_asked() {
        let (mut unanswered, begun) = (known(), Instant::now());
        let mut before = unanswered.ask(HostWish::Suspend, begun).expect("a ping");
        for second in 1..60 {
            let now = begun + Duration::from_secs(second);
            let next = unanswered.ask(HostWish::Suspend, now).expect("a ping");
            unanswered.ponged(before, now);
            assert_eq!(unanswered.overdue(now + Duration::from_secs(2)), None);
            before = next;
        }
    }

    #[test]
    fn a_host_that_is_behind_and_goes_on_answering_is_not_overdue() {
        let (mut unanswered, begun) = (known(), Instant::now());
        let numbers: Vec<u64> =
            (0..30).map(|_| unanswered.ask(HostWish::Suspend, begun).expect("a ping")).collect();
        let mut now = begun;
        for number in &numbers {
            now += Duration::from_secs(2);
            assert_eq!(unanswered.overdue(now), None);
            unanswered.ponged(*number, now);
        }
        assert_eq!(unanswered.wait(None, now), None);
        // But where the user does not want to wait, that is no reason to.
        let first = unanswered.ask(HostWish::Detach, now).expect("a ping");
        unanswered.ask(HostWish::Detach, now);
        unanswered.insist(now);
        unanswered.ponged(first, now);
        assert_eq!(unanswered.overdue(now + INSISTED_ANSWER_TIMEOUT), Some(HostWish::Detach));
    }

    #[test]
    fn the_detach_key_pressed_twice_is_waited_for_half_a_second() {
        let (mut unanswered, now) = (known(), Instant::now());
        unanswered.ask(HostWish::Detach, now);
        unanswered.insist(now + Duration::from_millis(30));
        assert_eq!(unanswered.overdue(now + Duration::from_millis(499)), None);
        assert_eq!(unanswered.overdue(now + INSISTED_ANSWER_TIMEOUT), Some(HostWish::Detach));
        // Pressed again later than that, there is nothing more to wait for.
        let (mut unanswered, later) = (known(), now + Duration::from_secs(1));
        unanswered.ask(HostWish::Detach, now);
        unanswered.insist(later);
        assert_eq!(unanswered.overdue(later), Some(HostWish::Detach));
    }

    #[test]
    fn an_older_host_is_only_waited_for_where_it_answers() {
        let (mut unanswered, now) = (Unanswered::default(), Instant::now());
        assert_eq!(unanswered.ask(HostWish::Signal(15), now), None);
        assert_eq!(unanswered.overdue(now + Duration::from_secs(60)), None);
        assert_eq!(unanswered.ask(HostWish::Detach, now), None);
        assert_eq!(unanswered.overdue(now + HOST_ANSWER_TIMEOUT), Some(HostWish::Detach));
    }

    #[test]
    fn a_signal_shortens_the_wait_for_a_start() {
        let (mut unanswered, now) = (Unanswered::default(), Instant::now());
        unanswered.ask(HostWish::Start, now);
        assert_eq!(unanswered.overdue(now + HOST_ANSWER_TIMEOUT), None);
        unanswered.ask(HostWish::Signal(15), now);
        assert_eq!(unanswered.overdue(now + HOST_ANSWER_TIMEOUT), Some(HostWish::Signal(15)));
    }

    #[test]
    fn a_start_is_answered_and_says_what_the_host_knows() {
        let (mut unanswered, now) = (Unanswered::default(), Instant::now());
        unanswered.ask(HostWish::Attach, now);
        unanswered.started(1);
        assert_eq!(unanswered.overdue(now + Duration::from_secs(60)), None);
        assert!(unanswered.ask(HostWish::Quit, now).is_some());
    }

    #[test]
    fn without_a_shell_a_ctrl_z_to_a_host_that_is_only_slow_says_nothing() {
        assert_eq!(Remedy::choose(HostWish::CtrlZ, false, false), Remedy::Nothing);
        assert_eq!(Remedy::choose(HostWish::CtrlZ, false, true), Remedy::SayWhatHelps);
        assert_eq!(Remedy::choose(HostWish::Suspend, false, false), Remedy::SayWhatHelps);
        for host_is_held in [false, true] {
            assert_eq!(Remedy::choose(HostWish::CtrlZ, true, host_is_held), Remedy::Suspend);
            assert_eq!(Remedy::choose(HostWish::Detach, false, host_is_held), Remedy::Leave);
        }
    }
}
