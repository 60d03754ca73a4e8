//! The near side of a link step by step, in any order of events, and against a model of a wire and a far side.

use std::collections::{BTreeSet, VecDeque};

use proptest::prelude::*;

use super::*;
use crate::client::far_end::Heartbeat;

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A link that is there since time 0.
fn up() -> LinkState {
    let mut state = LinkState::new(Duration::ZERO);
    assert_eq!(state.handle(LinkEvent::Hello, Duration::ZERO), [Action::Ping(1)]);
    state
}

/// The same, but lost at this time.
fn down(at: Duration) -> LinkState {
    let mut state = up();
    state.handle(LinkEvent::Heard, at);
    let actions = state.handle(LinkEvent::Ended(End::Passing), at);
    assert_eq!(actions, [Action::Kill, Action::Lost(Loss::Ended)]);
    state
}

#[test]
fn a_link_without_an_answer_is_lost_within_ten_seconds() {
    let mut state = up();
    let mut now;
    let loss = loop {
        now = state.deadline().expect("it asks again and again");
        let actions = state.handle(LinkEvent::Tick, now);
        if actions != [Action::Ping(state.number)] {
            break actions;
        }
    };
    assert_eq!(loss, [Action::Kill, Action::Lost(Loss::Silence(ANSWER_TIMEOUT))]);
    assert_eq!(now, ANSWER_TIMEOUT);
    assert_eq!(state.countdown(now), Some(Some(1)));
}

#[test]
fn any_byte_is_a_sign_of_life() {
    let mut state = up();
    for second in 1..100 {
        state.handle(LinkEvent::Tick, seconds(second));
        state.handle(LinkEvent::Heard, seconds(second));
    }
    assert_eq!(state.key_use(), KeyUse::Pass);
}

#[test]
fn a_terminal_that_takes_nothing_is_no_dead_link() {
    let mut state = up();
    state.handle(LinkEvent::Blocked(true), seconds(1));
    for second in 1..60 {
        let actions = state.handle(LinkEvent::Tick, seconds(second));
        assert!(!actions.contains(&Action::Kill), "{second}");
    }
    state.handle(LinkEvent::Blocked(false), seconds(60));
    let until = seconds(60) + ANSWER_TIMEOUT;
    assert_eq!(state.handle(LinkEvent::Tick, until - seconds(1)).len(), 1);
    assert_eq!(
        state.handle(LinkEvent::Tick, until),
        [Action::Kill, Action::Lost(Loss::Silence(ANSWER_TIMEOUT))]
    );
}

#[test]
fn attempts_come_at_longer_and_longer_intervals_and_enter_makes_one_at_once() {
    let mut state = down(seconds(5));
    assert_eq!(state.deadline(), Some(seconds(6)));
    assert_eq!(state.handle(LinkEvent::Tick, seconds(6)), [Action::Connect { attended: false }]);
    assert_eq!(state.deadline(), Some(seconds(6) + CONNECT_TIMEOUT));
    assert_eq!(
        state.handle(LinkEvent::Ended(End::Passing), seconds(7)),
        [Action::Kill, Action::NotConnected]
    );
    assert_eq!(state.deadline(), Some(seconds(9)));
    assert_eq!(state.handle(LinkEvent::Enter, seconds(8)), [Action::Connect { attended: false }]);
    assert_eq!(state.handle(LinkEvent::Hello, seconds(9)), [Action::Back, Action::Ping(2)]);
}

#[test]
fn a_link_counts_as_good_by_its_own_time_also_where_the_shell_had_the_terminal_meanwhile() {
    let mut state = down(seconds(100));
    let mut again = |from, stopped: bool, to| {
        state.handle(LinkEvent::Enter, seconds(from));
        state.handle(LinkEvent::Hello, seconds(from));
        if stopped {
            state.handle(LinkEvent::Stopped(20), seconds(from + 1));
            state.handle(LinkEvent::Continued, seconds(to));
        }
        state.handle(LinkEvent::Ended(End::Passing), seconds(to));
        state.countdown(seconds(to)).flatten()
    };
    // The first one was there for long, these are not.
    assert_eq!(again(100, false, 101), Some(2));
    assert_eq!(again(102, false, 103), Some(4));
    assert_eq!(again(110, true, 130), Some(1));
}

#[test]
fn a_login_that_needs_somebody_waits_for_enter() {
    let mut state = down(seconds(5));
    state.handle(LinkEvent::Tick, seconds(6));
    state.handle(LinkEvent::Ended(End::Person), seconds(7));
    assert_eq!((state.deadline(), state.countdown(seconds(8))), (None, Some(None)));
    assert_eq!(state.handle(LinkEvent::Enter, seconds(99)), [Action::Connect { attended: true }]);
}

#[test]
fn a_machine_without_cckw_is_not_asked_again() {
    let mut state = down(seconds(5));
    state.handle(LinkEvent::Tick, seconds(6));
    let actions = state.handle(LinkEvent::Ended(End::Lasting), seconds(7));
    assert_eq!(actions, [Action::Kill, Action::Leave(Leave::Failed)]);
    assert_eq!(state.deadline(), None);
}

#[test]
fn keys_for_a_link_that_is_down_are_counted_and_the_ways_out_work() {
    let mut state = down(seconds(5));
    assert_eq!(state.key_use(), KeyUse::Control);
    state.handle(LinkEvent::Typed(3), seconds(5));
    assert_eq!(state.discarded(), 3);
    for (event, status) in
        [(LinkEvent::Interrupt, 130), (LinkEvent::DetachKey, 0), (LinkEvent::Told(15), 143)]
    {
        let mut state = down(seconds(5));
        assert_eq!(state.handle(event, seconds(6)), [Action::Kill, Action::Leave(Leave::Left(status))]);
    }
}

#[test]
fn the_detach_key_works_although_nothing_answers_and_twice_at_once() {
    let mut state = up();
    assert_eq!(state.handle(LinkEvent::DetachKey, seconds(1)), [Action::Detach]);
    assert_eq!(state.deadline(), Some(seconds(1) + LEAVE_TIMEOUT));
    state.handle(LinkEvent::Heard, seconds(2));
    assert_eq!(state.deadline(), Some(seconds(2) + LEAVE_TIMEOUT));
    let left = [Action::Kill, Action::Leave(Leave::Left(0))];
    assert_eq!(state.handle(LinkEvent::Tick, seconds(3)), left);
    let mut state = up();
    state.handle(LinkEvent::DetachKey, seconds(1));
    assert_eq!(state.handle(LinkEvent::DetachKey, seconds(1)), left);
    let mut state = up();
    state.handle(LinkEvent::DetachKey, seconds(1));
    let said = state.handle(LinkEvent::Bye { status: 7, lost: false }, seconds(1));
    assert_eq!(said, [Action::Kill, Action::Leave(Leave::Said(7))]);
}

#[test]
fn keys_wait_for_an_answer_when_the_shell_has_had_the_terminal() {
    let mut state = up();
    assert_eq!(state.handle(LinkEvent::Stopped(20), seconds(1)), [Action::Suspend(20)]);
    assert_eq!((state.key_use(), state.deadline()), (KeyUse::Wait, None));
    assert_eq!(state.handle(LinkEvent::Continued, seconds(5000)), [Action::Resume(2)]);
    assert_eq!(state.key_use(), KeyUse::Wait);
    state.handle(LinkEvent::Heard, seconds(5001));
    state.handle(LinkEvent::Pong(1), seconds(5001));
    assert_eq!(state.key_use(), KeyUse::Wait);
    state.handle(LinkEvent::Pong(2), seconds(5001));
    assert_eq!(state.key_use(), KeyUse::Pass);
}

#[test]
fn a_first_connection_that_fails_is_the_end() {
    for event in [LinkEvent::Ended(End::Passing), LinkEvent::Ended(End::Person)] {
        let mut state = LinkState::new(Duration::ZERO);
        assert_eq!(state.key_use(), KeyUse::Keep);
        assert_eq!(state.handle(event, seconds(1)), [Action::Kill, Action::Leave(Leave::Failed)]);
    }
}

fn event() -> impl Strategy<Value = LinkEvent> {
    prop_oneof![
        4 => Just(LinkEvent::Tick),
        2 => Just(LinkEvent::Hello),
        2 => Just(LinkEvent::Heard),
        1 => (0_u64..6).prop_map(LinkEvent::Pong),
        1 => (0_u64..60).prop_map(|time| LinkEvent::Woke(seconds(time))),
        1 => any::<bool>().prop_map(|lost| LinkEvent::Bye { status: 3, lost }),
        2 => prop_oneof![Just(End::Passing), Just(End::Person), Just(End::Lasting)].prop_map(LinkEvent::Ended),
        1 => Just(LinkEvent::Stopped(20)),
        1 => Just(LinkEvent::Continued),
        1 => Just(LinkEvent::DetachKey),
        1 => Just(LinkEvent::Interrupt),
        2 => Just(LinkEvent::Enter),
        1 => Just(LinkEvent::Typed(1)),
        1 => any::<bool>().prop_map(LinkEvent::Blocked),
        1 => Just(LinkEvent::Told(15)),
    ]
}

proptest! {
    /// Whatever happens in whatever order: keys are for a session only from its first words until it is lost, there
    /// is one ssh at most, every wait has an end but those for the user, and the end is the end.
    #[test]
    fn any_order_of_events(events in prop::collection::vec((event(), 0_u64..20), 0..80)) {
        let mut state = LinkState::new(Duration::ZERO);
        let (mut now, mut has_ssh, mut greeted, mut is_over) = (Duration::ZERO, true, false, false);
        for (event, pause) in events {
            now += seconds(pause);
            // What only a connection does happens only to one.
            let needs_ssh = matches!(event, LinkEvent::Hello | LinkEvent::Heard | LinkEvent::Pong(_)
                | LinkEvent::Bye { .. } | LinkEvent::Ended(_));
            if needs_ssh && !has_ssh || event == LinkEvent::Hello && greeted {
                continue;
            }
            greeted |= event == LinkEvent::Hello;
            let actions = state.handle(event, now);
            prop_assert!(!is_over || actions.is_empty());
            for action in actions {
                match action {
                    Action::Connect { .. } => {
                        prop_assert!(!has_ssh);
                        (has_ssh, greeted) = (true, false);
                    }
                    Action::Kill => (has_ssh, greeted) = (false, false),
                    Action::Leave(_) => is_over = true,
                    Action::Ping(_) | Action::Resume(_) | Action::Detach => prop_assert!(has_ssh && greeted),
                    _ => {}
                }
            }
            prop_assert!(state.key_use() != KeyUse::Pass || has_ssh && greeted);
            let waits_for_user = matches!(state.phase, Phase::Shell | Phase::Down { next: None } | Phase::Left);
            prop_assert_eq!(state.deadline().is_none(), waits_for_user);
        }
    }

    /// A wire that is there, or holds everything back for a while; keys that are typed all the time. Each key arrives
    /// once or not at all, in order, and none after the user was told that the link was lost. The wire itself takes no
    /// time here: on one that does, and that comes and goes within a few seconds, that is not certain.
    #[test]
    fn no_key_arrives_twice_or_late(outages in prop::collection::vec((1_u32..40, 0_u32..60), 1..8)) {
        let mut model = Model::new();
        for (good, bad) in outages {
            for _ in 0..good {
                model.step(true);
            }
            for _ in 0..bad {
                model.step(false);
            }
        }
        for _ in 0..20 {
            model.step(true);
        }
        prop_assert!(model.arrived.iter().collect::<BTreeSet<_>>().len() == model.arrived.len());
        prop_assert!(model.arrived.is_sorted());
        prop_assert_eq!(model.late, 0);
    }
}

/// What travels from the near side to the far one.
#[derive(Debug, Clone, Copy)]
enum Sent {
    Ping(u64),
    Key(u64),
}

/// One connection, as TCP has it: what was sent arrives in order, late where the wire was away, also when the near
/// side has given it up.
struct Wire {
    to_far: VecDeque<(u32, Sent)>,
    to_near: VecDeque<(u32, u64)>,
    far: Heartbeat,
    /// The near side has given it up.
    is_given_up: bool,
}

struct Model {
    state: LinkState,
    /// In quarters of a second.
    time: u32,
    wires: Vec<Wire>,
    has_wire: bool,
    key: u64,
    arrived: Vec<u64>,
    late: u32,
}

impl Model {
    fn new() -> Self {
        let mut model = Self {
            state: LinkState::new(Duration::ZERO),
            time: 0,
            wires: Vec::new(),
            has_wire: true,
            key: 0,
            arrived: Vec::new(),
            late: 0,
        };
        model.connect();
        model
    }

    fn now(&self) -> Duration {
        Duration::from_millis(250) * self.time
    }

    fn connect(&mut self) {
        let far = Heartbeat::new(self.now());
        self.wires.push(Wire { to_far: VecDeque::new(), to_near: VecDeque::new(), far, is_given_up: false });
        self.has_wire = true;
        self.tell(LinkEvent::Hello);
    }

    fn tell(&mut self, event: LinkEvent) {
        let now = self.now();
        for action in self.state.handle(event, now) {
            match action {
                Action::Ping(number) => self.send(Sent::Ping(number)),
                Action::Kill => {
                    self.has_wire = false;
                    if let Some(wire) = self.wires.last_mut() {
                        wire.is_given_up = true;
                    }
                }
                _ => {}
            }
        }
    }

    fn send(&mut self, sent: Sent) {
        let time = self.time;
        if let Some(wire) = self.wires.last_mut() {
            wire.to_far.push_back((time, sent));
        }
    }

    /// A quarter of a second passes.
    fn step(&mut self, is_there: bool) {
        self.time += 1;
        let (time, now) = (self.time, self.now());
        let mut answers = 0;
        let is_connected = self.has_wire;
        for wire in &mut self.wires {
            let is_over = wire.far.is_over(now);
            while is_there && wire.to_far.front().is_some_and(|(sent, _)| *sent <= time) {
                let Some((_, sent)) = wire.to_far.pop_front() else { break };
                if is_over {
                    continue;
                }
                wire.far.hear(now);
                match sent {
                    Sent::Ping(number) => wire.to_near.push_back((time, number)),
                    Sent::Key(key) => {
                        self.arrived.push(key);
                        self.late += u32::from(wire.is_given_up);
                    }
                }
            }
            while is_there && wire.to_near.front().is_some_and(|(sent, _)| *sent <= time) {
                wire.to_near.pop_front();
                answers += u32::from(!wire.is_given_up);
            }
        }
        for _ in 0..answers {
            self.tell(LinkEvent::Heard);
        }
        self.tell(LinkEvent::Tick);
        if !self.has_wire && is_connected {
            return;
        }
        if self.state.is_connecting() {
            if is_there {
                self.connect();
            } else {
                self.tell(LinkEvent::Ended(End::Passing));
            }
        }
        if self.state.key_use() == KeyUse::Pass {
            self.key += 1;
            self.send(Sent::Key(self.key));
        }
    }
}
