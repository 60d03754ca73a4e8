//! Whether what is said in a conversation reaches its transcript.
//!
//! A claude that cannot write its transcript says so nowhere, and goes on: all that was said is gone with its
//! process. So after each turn the transcript must have grown. As seen with 2.1.332, claude writes the prompt
//! of a turn when the turn begins, and the rest within a tenth of a second after its state file says `idle`.
//! `!` commands, `/compact`, `/context`, refused permissions and interrupted answers are written, too.
//! Nothing is written of a turn that was interrupted before its first word: then the prompt stands in the
//! input box again.
//!
//! A plain state machine: it does no I/O and reads no clock.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::os::moment;

/// After a turn, how long claude may take to write it down, on a machine that is busy.
pub const WRITE_TIMEOUT: Duration = Duration::from_secs(5);

/// What is wrong with the transcript after a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Problem {
    /// There is none.
    Absent,
    NotGrown,
    /// It ends in the middle of a line: there was no room for the rest.
    Torn,
    /// It is much shorter than before: it was removed or cut, and what was said before is gone.
    CutShort,
}

/// The check of one session's transcript.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TranscriptCheck {
    conversation: Option<String>,
    /// The transcript's length in bytes when claude rested last; nothing where there was none.
    before: Option<u64>,
    busy: bool,
    /// When the turn that has ended must have been written.
    #[serde(with = "moment::option")]
    due: Option<Instant>,
    problem: Option<Problem>,
    /// What was said before is not on disk any more.
    is_cut: bool,
}

impl TranscriptCheck {
    /// Claude says that it is busy, or that it rests, with this conversation, whose transcript is so long
    /// now.
    pub fn heard(&mut self, conversation: &str, busy: bool, length: Option<u64>, now: Instant) {
        if self.conversation.as_deref() != Some(conversation) {
            *self = Self { conversation: Some(conversation.to_owned()), before: length, ..Self::default() };
            self.busy = busy;
            return;
        }
        match (self.busy, busy) {
            // The last turn was written before the next one began.
            (false, true) if self.due.is_some() && length > self.before => {
                (self.due, self.before) = (None, length);
            }
            // What was typed ahead is written a moment after its turn begins.
            (false, true) => self.due = self.due.map(|_| now + WRITE_TIMEOUT),
            (true, true) => {}
            (true, false) => self.due = Some(now + WRITE_TIMEOUT),
            // A command that is no turn may write something. What is cut between turns must not become the
            // measure.
            (false, false) if self.due.is_none() && length >= self.before => self.before = length,
            (false, false) => {}
        }
        self.busy = busy;
    }

    /// When to look at the transcript and to call [`checked`](Self::checked).
    pub fn deadline(&self) -> Option<Instant> {
        self.due
    }

    /// The time has come. `is_torn` is whether the last line of the transcript has no end, and `taken_back`
    /// whether the input box holds something: a turn that was interrupted at once. Whether the problem is
    /// another one than before; [`problem`](Self::problem) says which there is.
    pub fn checked(&mut self, length: Option<u64>, is_torn: bool, taken_back: bool) -> bool {
        self.due = None;
        let problem = match (self.before, length) {
            (_, None) => Some(Problem::Absent),
            (Some(before), Some(now)) if now < before / 2 => Some(Problem::CutShort),
            _ if is_torn => Some(Problem::Torn),
            // A message that claude takes back makes it shorter.
            (Some(before), Some(now)) if now < before => None,
            (Some(before), Some(now)) if now == before => Some(Problem::NotGrown),
            _ => None,
        };
        let whatever = |problem: &Problem| matches!(problem, Problem::CutShort | Problem::Torn);
        let problem = problem.filter(|problem| !taken_back || whatever(problem));
        if taken_back && problem.is_none() {
            return false;
        }
        self.before = length;
        std::mem::replace(&mut self.problem, problem) != problem
    }

    /// Takes note of how long the transcript is now, at any time. It may be begun anew, and grow longer than
    /// it was. `was_there` is whether there was one, as far as anybody knows: a short turn may be over before
    /// its length was measured.
    pub fn seen(&mut self, length: Option<u64>, was_there: bool) {
        self.is_cut |= match (self.before, length) {
            (None, None) => was_there,
            (Some(before), Some(now)) => now < before / 2,
            (Some(_), None) => true,
            (None, Some(_)) => false,
        };
    }

    /// Whether what was said before has gone from the transcript: it was removed, or is much shorter than
    /// before.
    pub fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// What was wrong after the last turn.
    pub fn problem(&self) -> Option<Problem> {
        self.problem
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn turn(
        check: &mut TranscriptCheck,
        now: Instant,
        after: Option<u64>,
        taken_back: bool,
    ) -> Option<Problem> {
        check.heard("a", true, check.before, now);
        assert_eq!(check.deadline(), None);
        check.heard("a", false, check.before, now);
        assert_eq!(check.deadline(), Some(now + WRITE_TIMEOUT));
        check.checked(after, false, taken_back);
        assert_eq!(check.deadline(), None);
        check.problem()
    }

    fn resting(length: Option<u64>) -> (TranscriptCheck, Instant) {
        let (mut check, now) = (TranscriptCheck::default(), Instant::now());
        check.heard("a", false, length, now);
        assert_eq!(check.deadline(), None);
        (check, now)
    }

    #[test]
    fn what_was_never_measured_is_missed_too() {
        for was_there in [false, true] {
            let (mut check, _) = resting(None);
            check.seen(None, was_there);
            assert_eq!(check.is_cut(), was_there);
        }
    }

    #[test]
    fn a_turn_that_was_written_is_well() {
        let (mut check, now) = resting(None);
        assert_eq!(turn(&mut check, now, Some(100), false), None);
        assert_eq!(turn(&mut check, now, Some(200), false), None);
        // A message that was taken back, and a draft that was begun meanwhile.
        assert_eq!(turn(&mut check, now, Some(150), false), None);
        assert_eq!(turn(&mut check, now, Some(300), true), None);
    }

    #[test]
    fn a_turn_that_was_not_written_is_a_problem_until_one_is() {
        let (mut check, now) = resting(None);
        assert_eq!(turn(&mut check, now, None, false), Some(Problem::Absent));
        assert_eq!(turn(&mut check, now, None, false), Some(Problem::Absent));
        assert_eq!(turn(&mut check, now, Some(100), false), None);
        assert_eq!(turn(&mut check, now, Some(100), false), Some(Problem::NotGrown));
        assert_eq!(turn(&mut check, now, Some(10), false), Some(Problem::CutShort));
        assert_eq!(turn(&mut check, now, Some(20), false), None);
    }

    #[test]
    fn a_turn_of_which_a_part_was_written_is_a_problem_until_one_is_whole() {
        let (mut check, now) = resting(Some(100));
        for taken_back in [false, true] {
            check.heard("a", true, Some(100), now);
            check.heard("a", false, Some(100), now);
            check.checked(Some(150), true, taken_back);
            assert_eq!(check.problem(), Some(Problem::Torn));
        }
        assert_eq!(turn(&mut check, now, Some(200), false), None);
    }

    #[test]
    fn a_turn_that_was_taken_back_proves_nothing() {
        let (mut check, now) = resting(Some(100));
        assert_eq!(turn(&mut check, now, Some(100), true), None);
        assert_eq!(turn(&mut check, now, Some(100), false), Some(Problem::NotGrown));
        assert_eq!(turn(&mut check, now, Some(100), true), Some(Problem::NotGrown));
    }

    #[test]
    fn a_transcript_that_was_cut_stays_so_however_long_it_grows() {
        for cut in [None, Some(10)] {
            let (mut check, now) = resting(Some(100));
            check.seen(Some(60), false);
            assert!(!check.is_cut());
            check.seen(cut, false);
            assert!(check.is_cut());
            assert_eq!(turn(&mut check, now, Some(150), false), None);
            assert!(check.is_cut());
            check.heard("b", false, None, now);
            assert!(!check.is_cut());
            // Before its first turn a conversation has none.
            check.seen(None, false);
            assert!(!check.is_cut());
        }
    }

    #[test]
    fn another_conversation_is_another_measure() {
        let (mut check, now) = resting(Some(100));
        check.heard("a", true, Some(100), now);
        check.heard("b", false, None, now);
        assert_eq!((check.deadline(), check.problem()), (None, None));
        // What is written between two turns is not the next turn's.
        check.heard("b", false, Some(50), now);
        check.heard("b", true, Some(50), now);
        check.heard("b", false, Some(50), now);
        check.checked(Some(50), false, false);
        assert_eq!(check.problem(), Some(Problem::NotGrown));
    }

    proptest! {
        /// As long as every turn makes the transcript longer there is no problem, whatever else happens.
        #[test]
        fn no_false_alarm_while_it_grows(steps in prop::collection::vec((0..4u8, 1..1_000u64), 0..60)) {
            let (mut check, mut now) = resting(None);
            let (mut length, mut written) = (None, false);
            for (what, amount) in steps {
                now += Duration::from_millis(amount);
                match what {
                    0 => { check.heard("a", true, length, now); written = false; }
                    1 | 2 => {
                        if !std::mem::replace(&mut written, true) {
                            length = Some(length.unwrap_or(0) + amount);
                        }
                        check.heard("a", false, length, now);
                    }
                    _ => if check.deadline().is_some() { check.checked(length, false, amount % 2 == 0); }
                }
                prop_assert_eq!(check.problem(), None);
            }
        }
    }
}
