//! Whether claude is to be restarted because another program would be started now.
//!
//! A plain state machine: it does no I/O and reads no clock.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::config::RestartWhenNewer;

/// What there is of claude on disk, and what runs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProgramsSeen {
    /// The version that would be started now, where its place tells.
    pub installed: Option<String>,
    /// That version is newer than the one that runs.
    pub is_newer: bool,
    /// The program that runs is not on disk any more, and nothing has its name.
    pub is_removed: bool,
    /// What would be started now is there, and can be executed.
    pub can_run: bool,
}

/// Which programs a session was restarted for, or is about to be.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct NewerProgram {
    #[serde(skip)]
    policy: RestartWhenNewer,
    /// Each once, so that a program that does not become what runs is no loop. Nothing stands for one whose
    /// version is not known.
    done: BTreeSet<Option<String>>,
    wished: Option<Option<String>>,
    /// The one that was taken last.
    last: Option<Option<String>>,
}

impl NewerProgram {
    /// For a session with this setting.
    pub fn new(policy: RestartWhenNewer) -> Self {
        Self { policy, ..Self::default() }
    }

    /// One that another program has handed over.
    #[must_use]
    pub fn with_policy(self, policy: RestartWhenNewer) -> Self {
        Self { policy, ..self }
    }

    /// Whether looking at the disk is of any use.
    pub fn is_wanted(&self) -> bool {
        self.policy == RestartWhenNewer::Idle
    }

    /// Notes what there is on disk. Whether a restart is wished; [`Self::taken`] says that it comes to be.
    pub fn look(&mut self, seen: &ProgramsSeen) -> bool {
        let is_reason = self.is_wanted() && seen.can_run && (seen.is_newer || seen.is_removed);
        let is_wished = is_reason && !self.done.contains(&seen.installed);
        self.wished = is_wished.then(|| seen.installed.clone());
        is_wished
    }

    /// The restart for the one that was taken last did not come to be: it is wished again.
    pub fn taken_back(&mut self) {
        if let Some(last) = self.last.take() {
            self.done.remove(&last);
            self.wished = Some(last);
        }
    }

    /// Whether there is a wish that nobody has taken.
    pub fn is_waiting(&self) -> bool {
        self.wished.is_some()
    }

    /// Claude is restarted for what is wished. Otherwise it is wished again with the next look.
    pub fn taken(&mut self) {
        self.last = self.wished.take();
        self.done.extend(self.last.clone());
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn seen(installed: Option<&str>, is_newer: bool, is_removed: bool) -> ProgramsSeen {
        ProgramsSeen { installed: installed.map(str::to_owned), is_newer, is_removed, can_run: true }
    }

    #[test]
    fn each_newer_one_is_taken_once() {
        let mut newer = NewerProgram::new(RestartWhenNewer::Idle);
        assert!(!newer.look(&seen(Some("2.0.0"), false, false)));
        // Half of an installation.
        assert!(!newer.look(&ProgramsSeen { can_run: false, ..seen(Some("2.0.1"), true, false) }));
        assert!(newer.look(&seen(Some("2.0.1"), true, false)));
        assert!(newer.is_waiting());
        assert!(newer.look(&seen(Some("2.0.1"), true, true)));
        newer.taken();
        assert!(!newer.look(&seen(Some("2.0.1"), true, true)));
        assert!(newer.look(&seen(Some("2.0.2"), true, false)));
        newer.taken();
        // One that was removed, and nobody knows what is there instead.
        assert!(newer.look(&seen(None, false, true)));
        newer.taken();
        assert!(!newer.look(&seen(None, false, true)));
    }

    #[test]
    fn one_that_did_not_come_to_be_is_wished_again() {
        let mut newer = NewerProgram::new(RestartWhenNewer::Idle);
        assert!(newer.look(&seen(Some("2.0.1"), true, false)));
        newer.taken();
        assert!(!newer.is_waiting());
        newer.taken_back();
        assert!(newer.is_waiting() && newer.look(&seen(Some("2.0.1"), true, false)));
    }

    #[test]
    fn without_the_setting_nothing_is_taken() {
        let mut newer = NewerProgram::default();
        assert!(!newer.is_wanted() && !newer.look(&seen(Some("2.0.1"), true, true)));
    }

    proptest! {
        /// Whatever is seen, and whatever becomes of the wishes: there is a reason for each, and no program
        /// leads to more than one restart.
        #[test]
        fn no_program_makes_a_loop(
            steps in prop::collection::vec(
                (prop::option::of(0..3u8), any::<[bool; 3]>(), any::<bool>()), 0..60,
            )
        ) {
            let mut newer = NewerProgram::new(RestartWhenNewer::Idle);
            let mut taken = Vec::new();
            for (version, [is_newer, is_removed, can_run], is_taken) in steps {
                let installed = version.map(|version| format!("2.0.{version}"));
                let seen = ProgramsSeen { installed: installed.clone(), is_newer, is_removed, can_run };
                let is_wished = newer.look(&seen);
                let is_reason = can_run && (is_newer || is_removed);
                prop_assert_eq!(is_wished, is_reason && !taken.contains(&installed));
                prop_assert_eq!(newer.is_waiting(), is_wished);
                if is_taken {
                    newer.taken();
                }
                if is_taken && is_wished {
                    taken.push(installed);
                }
            }
        }
    }
}
