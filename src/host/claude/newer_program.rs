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

/// What becomes of a wish for a restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WishAnswer {
    /// Claude is restarted when it is idle.
    Taken,
    /// Something speaks against it at the moment.
    NotNow,
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

    /// Notes what there is on disk. Whether a restart is wished; [`Self::answered`] says what became of it.
    pub fn look(&mut self, seen: &ProgramsSeen) -> bool {
        let is_reason = self.is_wanted() && seen.can_run && (seen.is_newer || seen.is_removed);
        let is_wished = is_reason && !self.done.contains(&seen.installed);
        self.wished = is_wished.then(|| seen.installed.clone());
        is_wished
    }

    /// What has become of the wish. One that was not taken comes again with the next look.
    pub fn answered(&mut self, answer: WishAnswer) {
        if let (Some(installed), WishAnswer::Taken) = (self.wished.take(), answer) {
            self.done.insert(installed);
        }
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
        newer.answered(WishAnswer::NotNow);
        assert!(newer.look(&seen(Some("2.0.1"), true, true)));
        newer.answered(WishAnswer::Taken);
        assert!(!newer.look(&seen(Some("2.0.1"), true, true)));
        assert!(newer.look(&seen(Some("2.0.2"), true, false)));
        newer.answered(WishAnswer::Taken);
        // One that was removed, and nobody knows what is there instead.
        assert!(newer.look(&seen(None, false, true)));
        newer.answered(WishAnswer::Taken);
        assert!(!newer.look(&seen(None, false, true)));
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
                (prop::option::of(0..3u8), any::<[bool; 3]>(), prop::option::of(any::<bool>())), 0..60,
            )
        ) {
            let mut newer = NewerProgram::new(RestartWhenNewer::Idle);
            let mut taken = Vec::new();
            for (version, [is_newer, is_removed, can_run], answer) in steps {
                let installed = version.map(|version| format!("2.0.{version}"));
                let seen = ProgramsSeen { installed: installed.clone(), is_newer, is_removed, can_run };
                let is_wished = newer.look(&seen);
                let is_reason = can_run && (is_newer || is_removed);
                prop_assert_eq!(is_wished, is_reason && !taken.contains(&installed));
                if let Some(is_taken) = answer {
                    newer.answered(if is_taken { WishAnswer::Taken } else { WishAnswer::NotNow });
                    if is_wished && is_taken {
                        taken.push(installed);
                    }
                }
            }
        }
    }
}
