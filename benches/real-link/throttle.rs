//! A claude that has little of the processor: a control group of its own, with a quota.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// In microseconds.
const PERIOD: u32 = 100_000;

static NUMBER: AtomicU64 = AtomicU64::new(0);

/// A group that processes can be put into.
pub struct Throttle {
    folder: PathBuf,
    root: &'static Path,
    /// Whether the controllers are those of version 2.
    unified: bool,
    share: u32,
}

impl Throttle {
    /// Makes one whose processes together may have so many per cent of a core; none where the system does not
    /// let this process.
    pub fn new(share: u32) -> Option<Self> {
        let name = format!("cckw-bench-{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let roots = [("/sys/fs/cgroup/cpu", "cgroup.procs"), ("/sys/fs/cgroup", "cgroup.controllers")];
        let (root, mark) = roots.into_iter().find(|(root, mark)| Path::new(root).join(mark).exists())?;
        let unified = mark == "cgroup.controllers";
        let root = Path::new(root);
        let folder = root.join(name);
        fs::create_dir(&folder).ok()?;
        let throttle = Self { folder, root, unified, share };
        throttle.set(false).then_some(throttle)
    }

    /// Puts a process in, with all its threads.
    pub fn take(&self, pid: i32) -> bool {
        fs::write(self.folder.join("cgroup.procs"), pid.to_string()).is_ok()
    }

    /// Switches the quota on or off.
    pub fn set(&self, on: bool) -> bool {
        let quota = PERIOD / 100 * self.share;
        let (file, words) = match (self.unified, on) {
            (true, true) => ("cpu.max", format!("{quota} {PERIOD}")),
            (true, false) => ("cpu.max", format!("max {PERIOD}")),
            (false, true) => ("cpu.cfs_quota_us", quota.to_string()),
            (false, false) => ("cpu.cfs_quota_us", "-1".into()),
        };
        fs::write(self.folder.join(file), words).is_ok()
    }
}

impl Drop for Throttle {
    fn drop(&mut self) {
        self.set(false);
        for pid in fs::read_to_string(self.folder.join("cgroup.procs")).unwrap_or_default().lines() {
            let _ = fs::write(self.root.join("cgroup.procs"), pid);
        }
        let _ = fs::remove_dir(&self.folder);
    }
}
