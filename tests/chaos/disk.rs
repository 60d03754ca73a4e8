//! A small file system for the state directory: one that can be full, and one that cannot be written.
//!
//! It is mounted in a mount namespace of this program, so that nothing of it is seen outside, and nothing is
//! left of it.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::support::mounts;

/// Whether this program has a mount namespace of its own; else why not.
static ENTERED: OnceLock<Result<(), String>> = OnceLock::new();

/// Gives this program a mount namespace of its own. To be called before there is a second thread.
pub fn enter() -> Result<(), String> {
    ENTERED.get_or_init(|| mounts::own_namespace().map_err(|error| error.to_string())).clone()
}

/// A file system of its own on a directory, until this is dropped.
pub struct Disk {
    path: PathBuf,
    locked: bool,
}

impl Disk {
    /// Mounts one that holds 64 KiB.
    ///
    /// # Errors
    /// Why it is not possible here.
    pub fn mount(path: &Path) -> Result<Self, String> {
        match ENTERED.get() {
            Some(Ok(())) => {}
            Some(Err(why)) => return Err(format!("no mount namespace: {why}")),
            None => return Err("this program has no mount namespace".into()),
        }
        mounts::small_file_system(path).map_err(|error| format!("no tmpfs: {error}"))?;
        Ok(Self { path: path.into(), locked: false })
    }

    fn filler(&self) -> PathBuf {
        self.path.join("filler")
    }

    /// Takes all the room that is left.
    pub fn fill(&self) {
        let mut file = File::create(self.filler()).expect("a file that fills the disk");
        for size in [4096, 1] {
            while file.write_all(&[b'x'; 4096][..size]).is_ok() {}
        }
    }

    /// Gives it back.
    pub fn empty(&self) {
        fs::remove_file(self.filler()).expect("the file that filled the disk");
    }

    /// Lets nobody write: what is opened from now on is on a view that is read-only. (The file system itself
    /// cannot be made so while the host has its lock open.)
    pub fn lock(&mut self) {
        mounts::read_only_view(&self.path).expect("a read-only view");
        self.locked = true;
    }

    /// Lets everybody write again.
    pub fn unlock(&mut self) {
        self.locked = false;
        self.unmount();
    }

    fn unmount(&self) {
        mounts::unmount(&self.path).expect("what was mounted");
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if self.locked {
            self.unlock();
        }
        self.unmount();
    }
}
