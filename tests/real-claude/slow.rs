//! How fast claude is, and how often the reconnector looks: as usual, or a claude with 3 % of a core and a
//! look in two seconds.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use super::driver::{Place, TurnForAnother};

/// How a reconnector test runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// As the machine allows.
    Usual,
    /// Claude gets 3 % of a core, and the reconnector looks once in two seconds.
    Slow,
}

impl Pace {
    /// Every reconnector test runs with both.
    pub const BOTH: [Self; 2] = [Self::Usual, Self::Slow];

    /// Has the host of this place look as often as this pace says.
    pub fn prepare(self, place: &mut Place) {
        if self == Self::Slow {
            place.sandbox.set("CCKW_FAULT", "slow-looks");
        }
    }

    /// Slows the claude that runs at this place down from now on, as long as the result lives.
    pub fn slow_down(self, place: &Place) -> Option<Limit> {
        let pid = || place.state().and_then(|state| state["pid"].as_i64()).expect("a claude");
        (self == Self::Slow).then(|| Limit::set(pid()))
    }
}

/// A control group with 3 % of a core. Another test has the turn of this one as long as it lives.
pub struct Limit {
    folder: PathBuf,
    _turn: TurnForAnother,
    /// The file with the limit, and what stands in it where there is none.
    unlimited: (&'static str, &'static str),
}

/// 3 ms in 100 ms.
const PERIOD: &str = "100000";
const QUOTA: &str = "3000";

static NUMBER: AtomicU32 = AtomicU32::new(0);

impl Limit {
    /// # Panics
    /// Where this machine makes no control group for the processor. It needs root, and a mounted cgroup file
    /// system.
    #[track_caller]
    fn set(pid: i64) -> Self {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("cckw-test-{}-{number}", std::process::id());
        let first = Path::new("/sys/fs/cgroup/cpu");
        let limit = if first.is_dir() {
            let folder = first.join(name);
            fs::create_dir(&folder).expect("a control group, which needs root");
            fs::write(folder.join("cpu.cfs_period_us"), PERIOD).expect("a period");
            fs::write(folder.join("cpu.cfs_quota_us"), QUOTA).expect("a quota");
            Self { folder, unlimited: ("cpu.cfs_quota_us", "-1"), _turn: TurnForAnother::give() }
        } else {
            let root = Path::new("/sys/fs/cgroup");
            let folder = root.join(name);
            // It may be on already.
            let _ = fs::write(root.join("cgroup.subtree_control"), "+cpu");
            fs::create_dir(&folder).expect("a control group, which needs root");
            fs::write(folder.join("cpu.max"), format!("{QUOTA} {PERIOD}"))
                .expect("the cpu controller of cgroup v2");
            Self { folder, unlimited: ("cpu.max", "max"), _turn: TurnForAnother::give() }
        };
        fs::write(limit.folder.join("cgroup.procs"), pid.to_string()).expect("claude in the control group");
        limit
    }
}

impl Drop for Limit {
    fn drop(&mut self) {
        let (file, value) = self.unlimited;
        let _ = fs::write(self.folder.join(file), value);
        let members = fs::read_to_string(self.folder.join("cgroup.procs")).unwrap_or_default();
        if let Some(parent) = self.folder.parent() {
            for pid in members.lines() {
                let _ = fs::write(parent.join("cgroup.procs"), pid);
            }
        }
        let _ = fs::remove_dir(&self.folder);
    }
}
