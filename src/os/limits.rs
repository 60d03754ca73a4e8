//! The resource limits of this process that it may change by itself (the soft ones).

use std::collections::BTreeMap;

use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit, setrlimit};
use serde::{Deserialize, Serialize};

/// What they are called on disk, as in limits.conf(5).
const NAMES: &[(&str, Resource)] = &[
    ("as", Resource::RLIMIT_AS),
    ("core", Resource::RLIMIT_CORE),
    ("cpu", Resource::RLIMIT_CPU),
    ("data", Resource::RLIMIT_DATA),
    ("fsize", Resource::RLIMIT_FSIZE),
    // nix knows these two of Linux alone.
    #[cfg(target_os = "linux")]
    ("memlock", Resource::RLIMIT_MEMLOCK),
    ("nofile", Resource::RLIMIT_NOFILE),
    #[cfg(target_os = "linux")]
    ("nproc", Resource::RLIMIT_NPROC),
    ("stack", Resource::RLIMIT_STACK),
];

/// Soft limits by their names; nothing for one that is unlimited.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SoftLimits(BTreeMap<String, Option<u64>>);

impl SoftLimits {
    /// Those of this process.
    pub fn current() -> Self {
        let soft = |(name, resource): &(&str, Resource)| {
            let (soft, _) = getrlimit(*resource).ok()?;
            Some(((*name).to_owned(), (soft != RLIM_INFINITY).then_some(soft)))
        };
        Self(NAMES.iter().filter_map(soft).collect())
    }

    /// Gives them to this process, and to the programs that it starts from now on. Where the hard limit is lower, root
    /// gets them all the same, others as much as they may have.
    pub fn apply(&self) {
        for (name, resource) in NAMES {
            let Some(wanted) = self.0.get(*name) else { continue };
            let Ok((soft, hard)) = getrlimit(*resource) else { continue };
            let wanted = wanted.unwrap_or(RLIM_INFINITY);
            if wanted != soft && setrlimit(*resource, wanted, wanted.max(hard)).is_err() {
                let _ = setrlimit(*resource, wanted.min(hard), hard);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_the_same_after_a_stay_on_disk() {
        let now = SoftLimits::current();
        assert_eq!(now.0.len(), NAMES.len());
        let text = serde_json::to_string(&now).expect("JSON");
        assert_eq!(serde_json::from_str::<SoftLimits>(&text).expect("limits"), now);
        now.apply();
        assert_eq!(SoftLimits::current(), now);
    }
}
