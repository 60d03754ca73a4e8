//! Which program `claude` is: the one the user named, else the first on `PATH` that does not lead back to
//! cckw, else one where claude's own installers put it.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use nix::unistd::{AccessFlags, access};

use super::shim;
use crate::config::Config;
use crate::escape::escape;
use crate::paths;
use crate::user_error::UserError;
use crate::user_error::claude as error;

/// Names the program to run: a path, or a name to be found on `PATH`. Goes before the configuration.
pub const VARIABLE: &str = "CCKW_CLAUDE";

/// cckw started under this name is the stand-in for claude, so it may be named although it is cckw itself.
pub const STAND_IN: &str = "claude-stand-in";

/// Where claude's installers put it, below the home. The second was reached by an alias in the user's shell,
/// which the function of `cckw shell-init` takes the place of, and is not on `PATH`.
const INSTALLED: [&str; 2] = [".local/bin/claude", ".claude/local/claude"];

/// Scripts above this size, in bytes, are not searched for `cckw`: a shim is short.
const MAX_SHIM_LEN: u64 = 64 * 1024;

/// The program to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Executable {
    /// Absolute, with symbolic links as they are: a program may look at the name it was started by.
    pub program: PathBuf,
    /// Whether it starts with `#!`, so that the process first runs an interpreter.
    pub is_script: bool,
    /// Who named it.
    pub source: Source,
}

/// Who named the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The variable [`VARIABLE`].
    Environment,
    /// `claude = …` in the configuration.
    Config,
    /// The search on `PATH`.
    Path,
    /// It is not on `PATH`, but where claude's own installers put it.
    Installer,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Environment => VARIABLE,
            Self::Config => "`claude` in the configuration",
            Self::Path => "PATH",
            Self::Installer => "where claude's installer puts it",
        })
    }
}

/// Why a file is not the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// Nothing is there.
    Missing,
    /// A directory, a socket and the like.
    NotAFile,
    /// The user may not execute it.
    NotExecutable,
    /// It is cckw under another name.
    IsCckw,
    /// A script that mentions cckw, which would start cckw again.
    Shim,
    /// It cannot be looked at.
    Unreadable(String),
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "does not exist",
            Self::NotAFile => "is not a file",
            Self::NotExecutable => "is not executable",
            Self::IsCckw => "is cckw itself",
            Self::Shim => "is a script that leads back to cckw",
            Self::Unreadable(reason) => return write!(f, "cannot be looked at: {}", escape(reason)),
        })
    }
}

/// Why there is no program to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotFound {
    /// The program that the user named cannot be run.
    Named {
        /// Where it was named.
        source: Source,
        /// What was named.
        path: PathBuf,
        /// What is wrong with it.
        unfit: Unfit,
    },
    /// Nothing usable on `PATH`.
    OnPath {
        /// The name that was searched.
        name: OsString,
        /// Whether there is a `PATH` at all.
        path_is_set: bool,
        /// What has the name, and why it was skipped.
        skipped: Vec<(PathBuf, Unfit)>,
    },
}

impl From<&NotFound> for UserError {
    fn from(not_found: &NotFound) -> Self {
        match not_found {
            NotFound::Named { source, path, unfit } => {
                error::named_one_is_unfit(source, path, unfit, matches!(source, Source::Environment))
            }
            NotFound::OnPath { name, path_is_set, skipped } => {
                let unset = (!path_is_set).then(|| "it is not set".to_owned());
                let skipped = skipped.iter().map(|(path, unfit)| format!("{} {unfit}", escape(path)));
                let skipped: Vec<String> = unset.into_iter().chain(skipped).collect();
                error::not_on_path(&escape(name).to_string(), &skipped, VARIABLE)
            }
        }
    }
}

impl fmt::Display for NotFound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        UserError::from(self).fmt(f)
    }
}

impl std::error::Error for NotFound {}

/// Finds claude. Order: [`VARIABLE`], the configuration, `PATH`, the places of claude's installers.
pub fn find(config: &Config) -> Result<Executable, NotFound> {
    find_with(config, |name| env::var_os(name))
}

/// The same with the environment of a session instead of this process's own.
///
/// # Errors
/// As [`find`].
pub fn find_with(config: &Config, value: impl Fn(&str) -> Option<OsString>) -> Result<Executable, NotFound> {
    Search::new(config, value).find()
}

/// Whether this program, which was found before, could be run now. What it is was looked at then.
pub fn can_run(program: &Path) -> bool {
    fs::metadata(program).is_ok_and(|metadata| metadata.is_file())
        && access(program, AccessFlags::X_OK).is_ok()
}

/// Every `claude` on `PATH` in order, with what keeps it from being used. For `cckw doctor`.
pub fn candidates() -> Vec<(PathBuf, Option<Unfit>)> {
    let search = Search::new(&Config::default(), |name| env::var_os(name));
    search.on_path(OsStr::new(shim::NAME)).map(|path| (path.clone(), search.check(&path).err())).collect()
}

/// Whether claude's installers put their `claude` into this directory, in the place of what has the name.
pub fn is_the_installers(directory: &Path) -> bool {
    let home = Search::new(&Config::default(), |name| env::var_os(name)).home;
    let mut places = home.iter().flat_map(|home| INSTALLED.map(|path| home.join(path)));
    let real = |path: &Path| fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    places.any(|path| path.parent().is_some_and(|place| real(place) == real(directory)))
}

/// All that the search depends on.
struct Search {
    named: Option<(Source, PathBuf)>,
    path: Option<OsString>,
    home: Option<PathBuf>,
    cwd: PathBuf,
    /// The running program.
    own: Option<shim::Program>,
}

impl Search {
    fn new(config: &Config, value: impl Fn(&str) -> Option<OsString>) -> Self {
        let named = value(VARIABLE).filter(|value| !value.is_empty());
        Self {
            named: named
                .map(|value| (Source::Environment, value.into()))
                .or_else(|| config.claude.program.clone().map(|path| (Source::Config, path))),
            path: value("PATH"),
            home: value("HOME")
                .map(PathBuf::from)
                .filter(|home| home.is_absolute())
                .or_else(paths::account_home),
            cwd: env::current_dir().unwrap_or_else(|_| "/".into()),
            own: shim::Program::running(),
        }
    }

    fn find(&self) -> Result<Executable, NotFound> {
        let Some((source, named)) = &self.named else {
            return self.search(OsStr::new(shim::NAME), Source::Path);
        };
        // As with a shell's commands: only a name with a slash is a path.
        if !named.as_os_str().as_bytes().contains(&b'/') {
            return self.search(named.as_os_str(), *source);
        }
        let program = self.cwd.join(named);
        match self.check(&program) {
            Ok(is_script) => Ok(Executable { program, is_script, source: *source }),
            Err(unfit) => Err(NotFound::Named { source: *source, path: named.clone(), unfit }),
        }
    }

    fn search(&self, name: &OsStr, source: Source) -> Result<Executable, NotFound> {
        let mut skipped = Vec::new();
        let on_path = self.on_path(name).map(|program| (program, source));
        let installed = self.installed().filter(|_| source == Source::Path);
        for (program, source) in on_path.chain(installed.map(|program| (program, Source::Installer))) {
            match self.check(&program) {
                Ok(is_script) => return Ok(Executable { program, is_script, source }),
                Err(unfit) => skipped.push((program, unfit)),
            }
        }
        Err(NotFound::OnPath { name: name.to_owned(), path_is_set: self.path.is_some(), skipped })
    }

    /// The files of that name in the directories of `PATH`, those that do not exist left out. An empty
    /// element of `PATH` is the current directory.
    fn on_path<'a>(&'a self, name: &'a OsStr) -> impl Iterator<Item = PathBuf> + 'a {
        let elements = self.path.as_deref().map(|path| path.as_bytes().split(|byte| *byte == b':'));
        elements
            .into_iter()
            .flatten()
            .map(move |dir| self.cwd.join(OsStr::from_bytes(dir)).join(name))
            .filter(|path| {
                // A dangling symbolic link is worth a word in the error.
                fs::symlink_metadata(path).is_ok()
            })
    }

    fn installed(&self) -> impl Iterator<Item = PathBuf> + '_ {
        let home = self.home.as_deref().into_iter();
        home.flat_map(|home| INSTALLED.map(|path| home.join(path))).filter(|path| path.exists())
    }

    /// Whether the file can be run as claude, and whether it is a script.
    fn check(&self, path: &Path) -> Result<bool, Unfit> {
        let metadata = fs::metadata(path).map_err(|e| match e.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Unfit::Missing,
            _ => Unfit::Unreadable(e.to_string()),
        })?;
        if !metadata.is_file() {
            return Err(Unfit::NotAFile);
        }
        if access(path, AccessFlags::X_OK).is_err() {
            return Err(Unfit::NotExecutable);
        }
        let is_stand_in = path.file_name() == Some(OsStr::new(STAND_IN));
        let is_own = |own: &shim::Program| own.is(&metadata) || own.has_copy(path, &metadata);
        // By its name it is also another copy of cckw, and one that was replaced by an update while this one ran.
        let is_cckw = || path.file_name() == Some(OsStr::new(shim::CCKW)) || shim::target(path).is_some();
        if !is_stand_in && (self.own.as_ref().is_some_and(is_own) || is_cckw()) {
            return Err(Unfit::IsCckw);
        }
        // A program may be executable and not readable: then it is no script that anyone could run.
        let head = read_head(path, metadata.len()).unwrap_or_default();
        let is_script = head.starts_with(b"#!");
        if is_script && metadata.len() <= MAX_SHIM_LEN && mentions_cckw(&head) {
            return Err(Unfit::Shim);
        }
        Ok(is_script)
    }
}

/// The whole of a file that may be a shim, of any other only what tells that it is a script.
fn read_head(path: &Path, len: u64) -> io::Result<Vec<u8>> {
    // It was a regular file a moment ago; if it became a FIFO, do not wait for a writer.
    let mut file = File::options().read(true).custom_flags(libc::O_NONBLOCK).open(path)?;
    let mut head = Vec::new();
    file.by_ref().take(2).read_to_end(&mut head)?;
    if head == b"#!" && len <= MAX_SHIM_LEN {
        file.take(MAX_SHIM_LEN).read_to_end(&mut head)?;
    }
    Ok(head)
}

/// Whether `cckw` stands in the text as a word.
fn mentions_cckw(text: &[u8]) -> bool {
    let in_word = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    memchr::memmem::find_iter(text, b"cckw")
        .any(|at| !in_word(at.checked_sub(1).and_then(|at| text.get(at))) && !in_word(text.get(at + 4)))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    /// A directory tree with programs, and a search in it.
    struct Tree(tempfile::TempDir);

    impl Tree {
        fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }

        fn file(&self, name: &str, text: &str, mode: u32) -> PathBuf {
            let path = self.0.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            path
        }

        fn search(&self, path: &str) -> Search {
            let path = path.split(':').map(|dir| match dir {
                "" => String::new(),
                dir => self.0.path().join(dir).to_str().unwrap().to_owned(),
            });
            let path = path.collect::<Vec<_>>().join(":");
            Search {
                named: None,
                path: Some(path.into()),
                home: None,
                cwd: self.0.path().to_owned(),
                own: None,
            }
        }

        fn named(&self, source: Source, name: impl Into<PathBuf>) -> Search {
            Search { named: Some((source, name.into())), ..self.search("bin") }
        }
    }

    #[test]
    fn the_first_usable_one_on_the_path_is_taken() {
        let tree = Tree::new();
        tree.file("a/claude", "", 0o644);
        fs::create_dir_all(tree.0.path().join("b/claude")).unwrap();
        let real = tree.file("c/claude", "\x7fELF", 0o755);
        tree.file("d/claude", "#!/bin/sh\n", 0o755);
        let found = tree.search("none:a:b:c:d").find().unwrap();
        assert_eq!(found, Executable { program: real, is_script: false, source: Source::Path });
        assert!(tree.search("d").find().unwrap().is_script);
    }

    #[test]
    fn the_installers_places_come_after_the_path() {
        let tree = Tree::new();
        let local = tree.file("home/.claude/local/claude", "#!/bin/sh\n", 0o755);
        let search = || Search { home: Some(tree.0.path().join("home")), ..tree.search("bin") };
        let found = search().find().unwrap();
        assert_eq!((found.program, found.source), (local, Source::Installer));
        let native = tree.file("home/.local/bin/claude", "", 0o755);
        assert_eq!(search().find().unwrap().program, native);
        let on_path = tree.file("bin/claude", "", 0o755);
        assert_eq!(search().find().unwrap().program, on_path);
    }

    #[test]
    fn an_empty_element_is_the_current_directory() {
        let tree = Tree::new();
        let real = tree.file("claude", "", 0o755);
        for path in [":none", "none:", "none::none"] {
            assert_eq!(tree.search(path).find().unwrap().program, real, "{path}");
        }
    }

    #[test]
    fn what_leads_back_to_cckw_is_skipped() {
        let tree = Tree::new();
        let own = tree.file("bin/keeper", "\x7fELF", 0o755);
        fs::create_dir_all(tree.0.path().join("a")).unwrap();
        symlink(&own, tree.0.path().join("a/claude")).unwrap();
        tree.file("b/claude", "#!/bin/sh\nexec /usr/bin/cckw claude \"$@\"\n", 0o755);
        tree.file("other/cckw", "\x7fELF", 0o755);
        fs::create_dir_all(tree.0.path().join("c")).unwrap();
        symlink("../other/cckw", tree.0.path().join("c/claude")).unwrap();
        let real = tree.file("d/claude", "#!/bin/sh\necho my_cckw cckwx\n", 0o755);
        let mut search = tree.search("a:b:c:d");
        search.own = Some(shim::Program::at(&own).unwrap());
        assert_eq!(search.find().unwrap().program, real);
        let mut search = tree.search("a:b:c");
        search.own = Some(shim::Program::at(&own).unwrap());
        let Err(NotFound::OnPath { skipped, .. }) = search.find() else { panic!("nothing is left") };
        let reasons: Vec<_> = skipped.into_iter().map(|(_, unfit)| unfit).collect();
        assert_eq!(reasons, [Unfit::IsCckw, Unfit::Shim, Unfit::IsCckw]);
    }

    #[test]
    fn a_long_script_is_no_shim() {
        let tree = Tree::new();
        let text = format!("#!/usr/bin/env node\n// cckw\n{}", " ".repeat(MAX_SHIM_LEN as usize));
        let real = tree.file("a/claude", &text, 0o755);
        assert_eq!(tree.search("a").find().unwrap().program, real);
    }

    #[test]
    fn a_named_program_goes_before_the_path() {
        let tree = Tree::new();
        tree.file("bin/claude", "", 0o755);
        let beta = tree.file("bin/claude-beta", "", 0o755);
        let other = tree.file("opt/other", "", 0o755);
        assert_eq!(tree.named(Source::Environment, &other).find().unwrap().program, other);
        assert_eq!(tree.named(Source::Environment, "opt/other").find().unwrap().program, other);
        assert_eq!(tree.named(Source::Environment, "claude-beta").find().unwrap().program, beta);
    }

    #[test]
    fn a_named_program_that_cannot_be_run_is_an_error() {
        let tree = Tree::new();
        let shim = tree.file("shim", "#!/bin/sh\ncckw claude", 0o755);
        let error = tree.named(Source::Environment, "/none/\x1b[31m").find().unwrap_err().to_string();
        assert!(error.starts_with("CCKW_CLAUDE names /none/\\u{1b}[31m, which does not exist;"), "{error}");
        let error = tree.named(Source::Config, &shim).find().unwrap_err().to_string();
        assert!(error.starts_with("`claude` in the configuration names"), "{error}");
        assert!(error.contains("leads back to cckw"), "{error}");
    }

    #[test]
    fn the_stand_in_may_be_cckw() {
        let tree = Tree::new();
        let own = tree.file("bin/cckw", "\x7fELF", 0o755);
        let stand_in = tree.0.path().join(STAND_IN);
        symlink(&own, &stand_in).unwrap();
        let mut search = tree.named(Source::Environment, &stand_in);
        search.own = Some(shim::Program::at(&own).unwrap());
        assert_eq!(search.find().unwrap().program, stand_in);
        search.named = Some((Source::Environment, own));
        assert!(matches!(search.find(), Err(NotFound::Named { unfit: Unfit::IsCckw, .. })));
    }

    #[test]
    fn nothing_found_says_how_to_install_it_on_one_line() {
        let tree = Tree::new();
        tree.file("a/claude", "", 0o644);
        let error = tree.search("a").find().unwrap_err().to_string();
        assert!(error.contains("a/claude is not executable"), "{error}");
        assert!(error.contains("npm install -g @anthropic-ai/claude-code"), "{error}");
        assert!(!error.contains('\n'), "{error}");
        let error = Search { path: None, ..tree.search("a") }.find().unwrap_err().to_string();
        assert!(error.contains("it is not set"), "{error}");
    }
}
