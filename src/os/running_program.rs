//! The program that a process runs, and whether it is still on disk: an update may have taken it away.

use std::path::{Path, PathBuf};

use nix::unistd::Pid;

#[cfg(target_os = "linux")]
use super::own_program::FileIdentity;

/// What has become of the file of a running program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProgramOnDisk {
    /// It is where it was.
    There,
    /// Another file has its name.
    Replaced,
    /// Nothing has its name.
    Removed,
}

/// What has become of the program of this process; nothing where that cannot be known.
#[cfg(target_os = "linux")]
pub fn on_disk(pid: Pid) -> Option<ProgramOnDisk> {
    use std::fs;
    use std::os::unix::ffi::{OsStrExt, OsStringExt};
    use std::os::unix::fs::MetadataExt;

    /// What the kernel puts behind the name of a file that was unlinked.
    const DELETED: &[u8] = b" (deleted)";
    let link = format!("/proc/{pid}/exe");
    let name = fs::read_link(&link).ok()?.into_os_string().into_vec();
    let Some(before) = name.strip_suffix(DELETED) else { return Some(ProgramOnDisk::There) };
    let identity = |path: PathBuf| fs::metadata(path).map(|file| (file.dev(), file.ino()));
    let own = identity(link.into()).ok()?;
    let at = |name: &[u8]| identity(PathBuf::from(std::ffi::OsStr::from_bytes(name)));
    // A file may be called so.
    if at(&name).is_ok_and(|found| found == own) {
        return Some(ProgramOnDisk::There);
    }
    Some(match at(before) {
        Ok(found) if found == own => ProgramOnDisk::There,
        Ok(_) => ProgramOnDisk::Replaced,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => ProgramOnDisk::Removed,
        Err(_) => return None,
    })
}

/// What stands at this path, by which the program of this process was started; nothing where that cannot be known.
#[cfg(target_os = "linux")]
pub fn at_path(pid: Pid, path: &Path) -> Option<ProgramOnDisk> {
    let own = FileIdentity::at(&PathBuf::from(format!("/proc/{pid}/exe"))).ok()?;
    Some(match FileIdentity::at(path) {
        Ok(found) if found.is_same_file(&own) => ProgramOnDisk::There,
        Ok(_) => ProgramOnDisk::Replaced,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => ProgramOnDisk::Removed,
        Err(_) => return None,
    })
}

/// The same, as far as [`on_disk`] knows it.
#[cfg(not(target_os = "linux"))]
pub fn at_path(pid: Pid, _: &Path) -> Option<ProgramOnDisk> {
    on_disk(pid)
}

/// The same. A file that has taken the place of another is not told from it. Never run: see
/// `docs/user/platforms.md`.
#[cfg(target_os = "macos")]
pub fn on_disk(pid: Pid) -> Option<ProgramOnDisk> {
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt;

    let mut path = vec![0_u8; libc::PROC_PIDPATHINFO_MAXSIZE as usize];
    let size = u32::try_from(path.len()).ok()?;
    // SAFETY: the buffer is as large as its size says.
    let length = unsafe { libc::proc_pidpath(pid.as_raw(), path.as_mut_ptr().cast(), size) };
    path.truncate(usize::try_from(length).ok().filter(|length| *length > 0)?);
    let exists = PathBuf::from(OsString::from_vec(path)).exists();
    Some(if exists { ProgramOnDisk::There } else { ProgramOnDisk::Removed })
}

/// The same; not known here.
#[cfg(not(any(target_os = "linux", target_os = "macos")))]
pub fn on_disk(_: Pid) -> Option<ProgramOnDisk> {
    let _: Option<PathBuf> = None;
    None
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::fs;
    use std::process::{Command, Stdio};

    use super::*;

    /// A program under this name, which runs until its input ends; then `change` is made to the file.
    fn of_program(name: &str, change: impl Fn(&PathBuf)) -> Option<ProgramOnDisk> {
        let scratch = tempfile::tempdir().expect("a directory");
        let path = scratch.path().join(name);
        fs::copy("/bin/cat", &path).expect("a program");
        let mut child = Command::new(&path).stdin(Stdio::piped()).spawn().expect("runs");
        let pid = Pid::from_raw(child.id() as i32);
        assert_eq!(on_disk(pid), Some(ProgramOnDisk::There));
        change(&path);
        let found = on_disk(pid);
        drop(child.stdin.take());
        child.wait().expect("ends");
        found
    }

    #[test]
    fn it_is_known_what_became_of_the_file() {
        for name in ["program", "program (deleted)"] {
            let remove = |path: &PathBuf| fs::remove_file(path).expect("removes");
            assert_eq!(of_program(name, remove), Some(ProgramOnDisk::Removed));
            let replace = |path: &PathBuf| {
                let other = path.with_extension("new");
                fs::copy("/bin/cat", &other).and_then(|_| fs::rename(&other, path)).expect("replaces");
            };
            assert_eq!(of_program(name, replace), Some(ProgramOnDisk::Replaced));
            let moved = |path: &PathBuf| fs::rename(path, path.with_extension("old")).expect("moves");
            assert_eq!(of_program(name, moved), Some(ProgramOnDisk::There));
            let gone =
                |path: &PathBuf| fs::remove_dir_all(path.parent().expect("a directory")).expect("removes");
            assert_eq!(of_program(name, gone), Some(ProgramOnDisk::Removed));
        }
    }

    #[test]
    fn nothing_is_known_of_a_process_that_has_ended() {
        let mut child = Command::new("/bin/true").spawn().expect("runs");
        let pid = Pid::from_raw(child.id() as i32);
        child.wait().expect("ends");
        assert_eq!(on_disk(pid), None);
    }
}
