//! File systems that are mounted for this program and its children alone, in a mount namespace. Only Linux has
//! these.

use std::io;
use std::path::Path;

#[cfg(target_os = "linux")]
pub use linux::{own_namespace, read_only_view, small_file_system, unmount};

#[cfg(not(target_os = "linux"))]
pub use none::{own_namespace, read_only_view, small_file_system, unmount};

#[cfg(target_os = "linux")]
mod linux {
    use std::ffi::{CString, c_ulong};
    use std::fs;
    use std::os::unix::ffi::OsStrExt;
    use std::ptr::null;

    use super::{Path, io};

    /// Gives this program a mount namespace of its own. To be called before there is a second thread.
    pub fn own_namespace() -> io::Result<()> {
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

    /// Mounts a file system with 64 KiB there.
    pub fn small_file_system(path: &Path) -> io::Result<()> {
        mount(Some(Path::new("chaos")), path, Some("tmpfs"), 0, Some("size=64k,mode=0700"))
    }

    /// Puts a view of it there that is read-only, over what is there.
    pub fn read_only_view(path: &Path) -> io::Result<()> {
        let flags = libc::MS_BIND | libc::MS_REMOUNT | libc::MS_RDONLY;
        mount(Some(path), path, None, libc::MS_BIND, None)?;
        mount(None, path, None, flags, None)
    }

    /// Takes away what was mounted there last.
    pub fn unmount(path: &Path) -> io::Result<()> {
        let path = CString::new(path.as_os_str().as_bytes()).expect("no NUL");
        // SAFETY: the pointer leads to a string that outlives the call.
        check(unsafe { libc::umount2(path.as_ptr(), libc::MNT_DETACH) })
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
}

#[cfg(not(target_os = "linux"))]
mod none {
    use super::{Path, io};

    /// Not here.
    pub fn own_namespace() -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Not here.
    pub fn small_file_system(_path: &Path) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Not here.
    pub fn read_only_view(_path: &Path) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Not here.
    pub fn unmount(_path: &Path) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}
