//! The program `claude` that `cckw shell-init --shim` makes: a symbolic link to cckw.
//!
//! A program that is started as `claude` is cckw's session, as after `cckw claude`. A link is as good as a
//! script here, and better in three things: no shell stands between, which would drop variables that are no
//! names of its own (`dash` drops exported functions of `bash`); an update of cckw needs no new shim; and where
//! cckw is removed, the link leads nowhere, so that shells and `execvp` pass it over and take the next `claude`
//! on `PATH`.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The name of a shim.
pub const NAME: &str = "claude";

/// What a program has to be called to count as cckw.
pub const CCKW: &str = "cckw";

/// As many links lead to each other in what the system opens.
const MAX_LINKS: usize = 40;

/// Where a link leads, if it leads to something called `cckw`, over other links or at once, and whether that
/// is there or not. Absolute if `path` is.
pub fn target(path: &Path) -> Option<PathBuf> {
    let mut at = path.to_owned();
    for _ in 0..MAX_LINKS {
        let next = fs::read_link(&at).ok()?;
        at = at.parent()?.join(next);
        if at.file_name() == Some(OsStr::new(CCKW)) {
            return Some(at);
        }
    }
    None
}

/// What a file is, whatever its name.
#[derive(Clone, Debug)]
pub struct Program {
    path: PathBuf,
    device: u64,
    inode: u64,
    /// In bytes.
    length: u64,
}

impl Program {
    /// The running program. On Linux by the kernel's own link, which stays right when the file was renamed.
    pub fn running() -> Option<Self> {
        Self::at(Path::new("/proc/self/exe")).or_else(|_| Self::at(&std::env::current_exe()?)).ok()
    }

    /// The one that a path leads to.
    ///
    /// # Errors
    /// When there is none.
    pub fn at(path: &Path) -> io::Result<Self> {
        let found = fs::metadata(path)?;
        Ok(Self { path: path.to_owned(), device: found.dev(), inode: found.ino(), length: found.len() })
    }

    /// Whether that file is this one.
    pub fn is(&self, other: &fs::Metadata) -> bool {
        (self.device, self.inode) == (other.dev(), other.ino())
    }

    /// Whether that file is a copy of this one. Where the lengths differ nothing is read.
    pub fn has_copy(&self, path: &Path, other: &fs::Metadata) -> bool {
        self.length > 0 && self.length == other.len() && same_contents(&self.path, path).unwrap_or(false)
    }
}

fn same_contents(one: &Path, other: &Path) -> io::Result<bool> {
    const CHUNK: u64 = 64 * 1024;
    let (mut one, mut other) = (File::open(one)?, File::open(other)?);
    let (mut left, mut right) = (Vec::new(), Vec::new());
    loop {
        left.clear();
        right.clear();
        one.by_ref().take(CHUNK).read_to_end(&mut left)?;
        other.by_ref().take(CHUNK).read_to_end(&mut right)?;
        if left != right || left.is_empty() {
            return Ok(left == right);
        }
    }
}

/// Whether this process was started as `claude`, so through a shim.
pub fn is_started_as_claude() -> bool {
    let started_as = std::env::args_os().next().unwrap_or_default();
    Path::new(&started_as).file_name() == Some(OsStr::new(NAME))
}

/// Whether the running program is called `cckw`, behind all links. A copy under another name may be taken for
/// claude by a cckw of another version.
pub fn runs_by_its_name() -> bool {
    let Ok(path) = std::env::current_exe() else { return true };
    let path = fs::canonicalize(&path).unwrap_or(path);
    let name = path.file_name().unwrap_or_default().as_bytes();
    // So Linux calls a program that was replaced while it runs.
    name.strip_suffix(b" (deleted)").unwrap_or(name) == CCKW.as_bytes()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_link_to_cckw_is_a_shim_also_over_others_and_to_nowhere() {
        let scratch = tempfile::tempdir().expect("a directory");
        let path = |name: &str| scratch.path().join(name);
        fs::create_dir(path("a")).expect("a folder");
        fs::write(path("program"), "x").expect("a program");
        symlink("../program", path("a/cckw")).expect("a link");
        for (name, leads_to) in [
            ("direct", "/gone/cckw"),
            ("relative", "a/cckw"),
            ("over", "relative"),
            ("renamed", "a/./cckw"),
            ("other", "/gone/cckw-2"),
            ("below", "/gone/cckw/claude"),
            ("self", "self"),
        ] {
            symlink(leads_to, path(name)).expect("a link");
        }
        assert_eq!(target(&path("direct")), Some("/gone/cckw".into()));
        for name in ["relative", "over", "renamed"] {
            let found = target(&path(name)).expect(name);
            assert_eq!(
                fs::canonicalize(found).expect("is there"),
                fs::canonicalize(path("program")).unwrap()
            );
        }
        for name in ["other", "below", "self", "program", "gone"] {
            assert_eq!(target(&path(name)), None, "{name}");
        }
    }

    #[test]
    fn a_copy_has_the_same_contents() {
        let scratch = tempfile::tempdir().expect("a directory");
        let path = |name: &str| scratch.path().join(name);
        let contents = vec![7; 200_000];
        let changed = [&contents[..199_999], &[8]].concat();
        for (name, contents) in [("one", &contents), ("copy", &contents), ("changed", &changed)] {
            fs::write(path(name), contents).expect("a file");
        }
        let one = Program::at(&path("one")).expect("a program");
        let about = |name: &str| fs::metadata(path(name)).expect("a file");
        assert!(one.is(&about("one")) && !one.is(&about("copy")));
        assert!(one.has_copy(&path("copy"), &about("copy")));
        assert!(!one.has_copy(&path("changed"), &about("changed")));
    }
}
