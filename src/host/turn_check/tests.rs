use proptest::prelude::*;

use super::*;

fn status(end: TurnEnd, at: u64) -> TurnStatus {
    TurnStatus { end: Some(end), last_at: Some(at), ..TurnStatus::default() }
}

/// Lets the next reading say this.
fn reading(check: &mut TurnCheck, said: Option<TurnStatus>) -> Option<TurnCheckEffect> {
    let at = check.deadline().expect("a reading is due");
    assert_eq!(check.handle(at, TurnCheckEvent::Due), Some(TurnCheckEffect::Read));
    assert_eq!(check.deadline(), None);
    check.handle(at, TurnCheckEvent::Read(said))
}

/// Lets all further readings say this.
fn further_readings(check: &mut TurnCheck, said: &TurnStatus) {
    let mut published = false;
    while check.deadline().is_some() {
        let effect = reading(check, Some(said.clone()));
        published = effect == publish(said.clone());
        assert!(published || effect.is_none());
    }
    assert!(published);
}

fn publish(status: TurnStatus) -> Option<TurnCheckEffect> {
    Some(TurnCheckEffect::Publish(Some(status)))
}

/// A claude that rests, with a turn behind it that is known.
fn resting() -> (TurnCheck, Instant, TurnStatus) {
    let (mut check, now) = (TurnCheck::default(), Instant::now());
    check.handle(now, TurnCheckEvent::Rests("a"));
    let first = status(TurnEnd::Done, 1);
    assert_eq!(reading(&mut check, Some(first.clone())), publish(first.clone()));
    further_readings(&mut check, &first);
    (check, now + LAST_READ_DELAY, first)
}

#[test]
fn a_turn_is_known_when_its_end_is_written() {
    let (mut check, now, first) = resting();
    assert_eq!(check.handle(now, TurnCheckEvent::Works("a")), Some(TurnCheckEffect::Running));
    assert_eq!(check.handle(now, TurnCheckEvent::Works("a")), None);
    check.handle(now, TurnCheckEvent::Rests("a"));
    // The end of the turn before, then the prompt of this one.
    assert_eq!(reading(&mut check, Some(first)), None);
    assert_eq!(reading(&mut check, Some(status(TurnEnd::BrokenOff, 2))), None);
    let end = status(TurnEnd::Interrupted, 2);
    assert_eq!(reading(&mut check, Some(end.clone())), publish(end.clone()));
    further_readings(&mut check, &end);
}

#[test]
fn a_turn_that_has_no_end_is_broken_off_after_a_while() {
    let (mut check, now, _) = resting();
    check.handle(now, TurnCheckEvent::Works("a"));
    check.handle(now, TurnCheckEvent::Rests("a"));
    let open = status(TurnEnd::BrokenOff, 2);
    for _ in 1..READ_DELAYS.len() {
        assert_eq!(reading(&mut check, Some(open.clone())), None);
    }
    further_readings(&mut check, &open);
    // Right after a start nothing is being written.
    let mut check = TurnCheck::default();
    check.handle(now, TurnCheckEvent::Rests("a"));
    assert_eq!(reading(&mut check, Some(open.clone())), publish(open));
}

#[test]
fn a_turn_that_was_over_before_it_was_seen_is_read() {
    let (mut check, now, first) = resting();
    check.handle(now, TurnCheckEvent::Rests("a"));
    // Its end may be written late.
    assert_eq!(reading(&mut check, Some(first)), None);
    let failed = status(TurnEnd::Unknown, 2);
    assert_eq!(reading(&mut check, Some(failed.clone())), publish(failed));
}

/// The first one's end is news when the second one is over and not written yet.
#[test]
fn of_two_turns_at_once_the_second_one_is_known() {
    let (mut check, now, _) = resting();
    for _ in 0..2 {
        check.handle(now, TurnCheckEvent::Works("a"));
        check.handle(now, TurnCheckEvent::Rests("a"));
    }
    let (first, second) = (status(TurnEnd::Done, 2), status(TurnEnd::Done, 3));
    assert_eq!(reading(&mut check, Some(first.clone())), publish(first));
    further_readings(&mut check, &second);
}

#[test]
fn a_reading_during_which_something_happened_does_not_count() {
    for again in [false, true] {
        let (mut check, now, _) = resting();
        check.handle(now, TurnCheckEvent::Rests("a"));
        let at = check.deadline().expect("a time");
        check.handle(at, TurnCheckEvent::Due);
        check.handle(at, TurnCheckEvent::Works("a"));
        if again {
            check.handle(at, TurnCheckEvent::Rests("a"));
        }
        let read = TurnCheckEvent::Read(Some(status(TurnEnd::Done, 2)));
        assert_eq!(check.handle(at, read), None);
        assert_eq!(check.deadline().is_some(), again);
    }
}

/// It was over before claude had come to say that it works.
#[test]
fn a_turn_that_is_in_no_state_file_is_known() {
    let (mut check, now, first) = resting();
    assert_eq!(check.deadline(), None);
    check.handle(now, TurnCheckEvent::Grown);
    assert_eq!(reading(&mut check, Some(first)), None);
    let end = status(TurnEnd::Done, 2);
    assert_eq!(reading(&mut check, Some(end.clone())), publish(end));
    // What is written while claude works is read when it rests.
    let (mut check, now, _) = resting();
    check.handle(now, TurnCheckEvent::Works("a"));
    check.handle(now, TurnCheckEvent::Grown);
    assert_eq!(check.deadline(), None);
}

/// A claude that writes, the host that looks, and the thread that reads, each as late as it likes.
#[derive(Debug)]
struct Model {
    check: TurnCheck,
    now: Instant,
    /// How the last turn stands by the transcript.
    written: Option<TurnStatus>,
    /// What claude has not written yet.
    unwritten: Vec<TurnStatus>,
    /// What the state file says, and whether the host has looked at it since it was written.
    is_busy: bool,
    is_seen: bool,
    /// When the host has looked last, and how long after that claude has written everything at the latest.
    seen_at: Instant,
    late: Duration,
    /// Whether the host is told of what is written into the transcript. Then claude may write as late as it
    /// likes, and the state file need not say of a turn.
    is_watched: bool,
    turns: u64,
    /// What the reading under way has found, if it has looked.
    reading: Option<Option<Option<TurnStatus>>>,
    /// What the record says.
    published: Option<TurnStatus>,
    readings: usize,
}

impl Model {
    fn new(late: Duration, is_watched: bool) -> Self {
        let now = Instant::now();
        Self {
            check: TurnCheck::default(),
            now,
            seen_at: now,
            late,
            is_watched,
            written: None,
            unwritten: vec![],
            is_busy: false,
            is_seen: false,
            turns: 0,
            reading: None,
            published: None,
            readings: 0,
        }
    }

    fn tell(&mut self, event: TurnCheckEvent<'_>) {
        match self.check.handle(self.now, event) {
            Some(TurnCheckEffect::Read) => {
                assert!(self.reading.is_none(), "two readings at a time");
                (self.reading, self.readings) = (Some(None), self.readings + 1);
            }
            Some(TurnCheckEffect::Publish(status)) => self.published = status,
            Some(TurnCheckEffect::Running) | None => {}
        }
    }

    /// Claude begins a turn or ends it.
    fn go_on(&mut self) {
        self.turns += u64::from(!self.is_busy);
        let end = if self.is_busy { TurnEnd::Done } else { TurnEnd::BrokenOff };
        self.unwritten.push(status(end, self.turns));
        (self.is_busy, self.is_seen) = (!self.is_busy, false);
    }

    /// A turn begins and ends, and the state file says nothing of it.
    fn hidden_turn(&mut self) {
        if self.is_watched && !self.is_busy {
            let is_seen = self.is_seen;
            self.go_on();
            self.go_on();
            self.is_seen = is_seen;
        }
    }

    fn write(&mut self) {
        if !self.unwritten.is_empty() {
            self.written = Some(self.unwritten.remove(0));
            if self.is_watched {
                self.tell(TurnCheckEvent::Grown);
            }
        }
    }

    fn look(&mut self) {
        if !self.is_seen {
            (self.is_seen, self.seen_at) = (true, self.now);
            self.tell(if self.is_busy { TurnCheckEvent::Works("a") } else { TurnCheckEvent::Rests("a") });
        }
    }

    /// Time passes. A claude that rests has written everything after a while.
    fn wait_until(&mut self, at: Instant) {
        self.now = self.now.max(at);
        while !self.is_watched
            && !self.is_busy
            && self.is_seen
            && self.now >= self.seen_at + self.late
            && !self.unwritten.is_empty()
        {
            self.write();
        }
    }

    fn step(&mut self, what: u8) {
        match what {
            0 => self.go_on(),
            1 => self.write(),
            2 => self.look(),
            // The host looks for another reason.
            3 => (self.is_seen, _) = (false, self.look()),
            4 => self.tell(TurnCheckEvent::Due),
            7 => self.hidden_turn(),
            5 => {
                if let Some(found @ None) = &mut self.reading {
                    *found = Some(self.written.clone());
                }
            }
            _ => {
                if let Some(found) = self.reading.take() {
                    let found = found.unwrap_or_else(|| self.written.clone());
                    self.tell(TurnCheckEvent::Read(found));
                }
            }
        }
    }
}

proptest! {
    /// Whatever happens in whatever order, however late: when claude rests, the record says what the transcript
    /// says, a while after the last thing was written. Where nothing is told of the transcript, claude must have
    /// written everything within the time that it has for that. After that nothing wakes up.
    #[test]
    fn in_the_end_the_record_says_what_the_transcript_says(
        steps in prop::collection::vec((0..8_u8, 0..3_000_u64), 0..80),
        late in 0..4_999_u64,
        is_watched: bool,
    ) {
        let mut model = Model::new(Duration::from_millis(late), is_watched);
        for (what, later) in steps {
            model.wait_until(model.now + Duration::from_millis(later));
            model.step(what);
        }
        if model.is_busy {
            model.go_on();
        }
        model.look();
        if is_watched {
            // However late that is.
            while !model.unwritten.is_empty() {
                model.wait_until(model.now + Duration::from_secs(late));
                model.write();
            }
            model.seen_at = model.now;
        }
        model.readings = 0;
        while let Some(at) = model.check.deadline().or(model.reading.as_ref().map(|_| model.now)) {
            prop_assert!(at <= model.now.max(model.seen_at + LAST_READ_DELAY));
            model.wait_until(at);
            model.step(4);
            model.step(6);
        }
        prop_assert!(model.readings <= READ_DELAYS.len() + 1);
        if model.turns > 0 && model.check.conversation.is_some() {
            prop_assert_eq!(&model.published, &model.written);
        }
    }
}
