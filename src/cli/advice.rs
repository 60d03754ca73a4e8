//! What stands in advice that is to be typed: paths as a shell takes them, and how to call this cckw.

use std::borrow::Cow;
use std::env;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::claude::shim;
use crate::escape::escape;

/// A path as it is typed in a shell. One with control characters cannot be shown; it is spelled out.
pub fn quoted(path: &Path) -> String {
    let text = escape(path).to_string();
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-+,:@%=".contains(&byte);
    if !text.is_empty() && text.bytes().all(is_plain) {
        return text;
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// How whoever has called this cckw calls it again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Called {
    /// `cckw` on `PATH` is this program.
    ByName,
    /// It stands where cargo has built it, in this directory with its source.
    Built {
        /// The program.
        program: PathBuf,
        /// The directory.
        source: PathBuf,
    },
    /// It is called by its path.
    ByPath(PathBuf),
}

impl Called {
    /// How this process was called.
    pub fn now() -> Self {
        let Ok(program) = env::current_exe() else { return Self::ByName };
        Self::of(program, env::var_os("PATH").as_deref())
    }

    fn of(program: PathBuf, path: Option<&OsStr>) -> Self {
        if on_path(&program, path).is_some() {
            return Self::ByName;
        }
        let source = program.ancestors().nth(3).filter(|source| source.join("Cargo.toml").is_file());
        let is_built = program.ancestors().nth(2).and_then(Path::file_name) == Some(OsStr::new("target"));
        match source.filter(|_| is_built) {
            Some(source) => Self::Built { source: source.to_owned(), program },
            None => Self::ByPath(program),
        }
    }

    /// The word that calls it, as it is typed.
    pub fn word(&self) -> Cow<'static, str> {
        match self {
            Self::ByName => Cow::Borrowed(shim::CCKW),
            Self::Built { program, .. } | Self::ByPath(program) => Cow::Owned(quoted(program)),
        }
    }
}

/// The first `cckw` on `PATH`, if it is this program. A relative element of `PATH` counts only here and now, so
/// it is passed over.
pub fn on_path(program: &Path, path: Option<&OsStr>) -> Option<PathBuf> {
    let own = shim::Program::at(program).ok()?;
    let directories =
        path?.as_bytes().split(|byte| *byte == b':').map(|dir| Path::new(OsStr::from_bytes(dir)));
    let mut named = directories.filter(|dir| dir.is_absolute()).map(|dir| dir.join(shim::CCKW));
    named
        .find_map(|path| Some((fs::metadata(&path).ok()?, path)))
        .filter(|(about, _)| own.is(about))
        .map(|(_, path)| path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_quoted_where_a_shell_would_take_them_apart() {
        for (path, typed) in [
            ("/usr/bin/cckw", "/usr/bin/cckw"),
            ("/a b/cckw", "'/a b/cckw'"),
            ("/it's/$HOME", r"'/it'\''s/$HOME'"),
            ("/~", "'/~'"),
            ("/a\u{1b}[2J", r"'/a\u{1b}[2J'"),
        ] {
            assert_eq!(quoted(Path::new(path)), typed);
        }
    }

    #[test]
    fn this_cckw_is_called_by_its_name_only_where_that_is_it() {
        let scratch = tempfile::tempdir().expect("a directory");
        let path = |name: &str| scratch.path().join(name);
        for folder in ["source/target/debug", "bin", "other", "elsewhere"] {
            fs::create_dir_all(path(folder)).expect("a folder");
        }
        let built = path("source/target/debug/cckw");
        for file in [&built, &path("other/cckw"), &path("elsewhere/cckw"), &path("source/Cargo.toml")] {
            fs::write(file, file.as_os_str().as_bytes()).expect("a file");
        }
        std::os::unix::fs::symlink(&built, path("bin/cckw")).expect("a link");
        let called = |program: &Path, folders: &[&str]| {
            let path = env::join_paths(folders.iter().map(|folder| path(folder))).expect("a PATH");
            Called::of(program.to_owned(), Some(&path))
        };
        let by_path = Called::Built { program: built.clone(), source: path("source") };
        assert_eq!(called(&built, &["none", "bin", "other"]), Called::ByName);
        assert_eq!(called(&built, &["other", "bin"]), by_path);
        assert_eq!(called(&built, &["none"]), by_path);
        assert_eq!(Called::of(built, None), by_path);
        let elsewhere = path("elsewhere/cckw");
        assert_eq!(called(&elsewhere, &["none"]), Called::ByPath(elsewhere.clone()));
    }
}
