//! A small file system for the state directory: one that can be full, and one that cannot be written.
//!
//! It is mounted in a mount namespace of this program, so that nothing of it is seen outside, and nothing is
//! left of it.

use std::ffi::{CString, c_ulong};
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::ptr::null;
use std::sync::OnceLock;

/// Whether this program has a mount namespace of its own; else why not.
static ENTERED: OnceLock<Result<(), String>> = OnceLock::new();

/// Gives this program a mount namespace of its own. To be called before there is a second thread.
pub fn enter() -> Result<(), String> {
    ENTERED.get_or_init(|| try_enter().map_err(|error| error.to_string())).clone()
}

fn try_enter() -> io::Result<()> {
    // SAFETY: touches no memory. Children are started in the new namespace, and it goes with the last of
    // them.
    let own = || check(unsafe { libc::unshare(libc::CLONE_NEWNS) });
    if own().is_err() {
        let (user, group) = (nix::unistd::geteuid(), nix::unistd::getegid());
        // SAFETY: as above.
        check(unsafe { libc::unshare(libc::CLONE_NEWNS | libc::CLONE_NEWUSER) })?;
        fs::write("/proc/self/setgroups", "deny")?;
        fs::write("/proc/self/uid_map", format!("{user} {user} 1"))?;
        fs::write("/proc/self/gid_map", format!("{group} {group} 1"))?;
    }
    mount(None, Path::new("/"), None, libc::MS_REC | libc::MS_PRIVATE, None)
}

fn check(result: i32) -> io::Result<()> {
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

fn mount(
    from: Option<&Path>,
    to: &Path,
    kind: Option<&str>,
    flags: c_ulong,
    options: Option<&str>,
) -> io::Result<()> {
    let text = |bytes: &[u8]| CString::new(bytes).expect("no NUL");
    let from = from.map(|path| text(path.as_os_str().as_bytes()));
    let (to, kind) = (text(to.as_os_str().as_bytes()), kind.map(|kind| text(kind.as_bytes())));
    let options = options.map(|options| text(options.as_bytes()));
    let pointer = |text: &Option<CString>| text.as_ref().map_or(null(), |text| text.as_ptr());
    let (from, kind, options) = (pointer(&from), pointer(&kind), pointer(&options));
    // SAFETY: the pointers are null or lead to strings that outlive the call.
    check(unsafe { libc::mount(from, to.as_ptr(), kind, flags, options.cast()) })
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
        let mounted = mount(Some(Path::new("chaos")), path, Some("tmpfs"), 0, Some("size=64k,mode=0700"));
        mounted.map_err(|error| format!("no tmpfs: {error}"))?;
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
        let flags = libc::MS_BIND | libc::MS_REMOUNT | libc::MS_RDONLY;
        let path = &self.path;
        let locked = mount(Some(path), path, None, libc::MS_BIND, None)
            .and_then(|()| mount(None, path, None, flags, None));
        locked.expect("a read-only view");
        self.locked = true;
    }

    /// Lets everybody write again.
    pub fn unlock(&mut self) {
        self.locked = false;
        self.unmount();
    }

    fn unmount(&self) {
        let path = CString::new(self.path.as_os_str().as_bytes()).expect("no NUL");
        // SAFETY: the pointer leads to a string that outlives the call.
        check(unsafe { libc::umount2(path.as_ptr(), libc::MNT_DETACH) }).expect("what was mounted");
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
