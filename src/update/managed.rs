//! Who has installed this program. What a package manager has installed is updated by that, and by nothing
//! else: it would not know of another program in its place.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::escape::escape;
use crate::os::command::ask;
use crate::os::files::read_plain;

/// How long a package manager may take to say whether a file is its own.
const MANAGER_TIMEOUT: Duration = Duration::from_secs(10);
/// The largest list of cargo's that is read, in bytes.
const MAX_LIST_BYTES: u64 = 4 << 20;

/// Who updates the program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manager {
    /// Who has installed it.
    pub name: String,
    /// What updates it, to be typed.
    pub command: String,
}

fn manager(name: &str, command: impl Into<String>) -> Option<Manager> {
    Some(Manager { name: name.into(), command: command.into() })
}

/// Who has installed this program; nothing where nobody looks after it. `called` is the word that it was
/// called by.
pub fn manager_of(program: &Path, called: &OsStr) -> Option<Manager> {
    by_path(program)
        .or_else(|| by_cargo(program))
        .or_else(|| by_source(program))
        .or_else(|| by_link(program, called, env::var_os("PATH").as_deref()))
        .or_else(|| by_database(program))
}

/// Those that have a place of their own for what they install.
fn by_path(program: &Path) -> Option<Manager> {
    let text = program.to_string_lossy();
    let is_in = |part: &str| text.contains(part);
    if text.starts_with("/nix/store/") {
        return manager("Nix", "nix profile upgrade cckw");
    }
    if text.starts_with("/gnu/store/") {
        return manager("Guix", "guix upgrade cckw");
    }
    if is_in("/Cellar/cckw/") {
        return manager("Homebrew", "brew upgrade cckw");
    }
    if is_in("/mise/installs/") {
        return manager("mise", "mise upgrade cckw");
    }
    if is_in("/.asdf/installs/") {
        return manager("asdf", "asdf install cckw latest");
    }
    None
}

/// Cargo, which notes what it has installed beside the directory of the programs.
fn by_cargo(program: &Path) -> Option<Manager> {
    let root = program.parent().filter(|bin| bin.file_name() == Some(OsStr::new("bin")))?.parent()?;
    let list: serde_json::Value =
        serde_json::from_slice(&read_plain(&root.join(".crates2.json"), MAX_LIST_BYTES).ok()?).ok()?;
    let (package, _) = list["installs"].as_object()?.iter().find(|(package, about)| {
        let is_program = |bin: &serde_json::Value| bin.as_str().map(OsStr::new) == program.file_name();
        package.starts_with("cckw ")
            && about["bins"].as_array().is_some_and(|bins| bins.iter().any(is_program))
    })?;
    let source =
        package.rsplit_once('(').and_then(|(_, source)| source.strip_suffix(')')).unwrap_or_default();
    let command = match (source.strip_prefix("path+file://"), source.strip_prefix("git+")) {
        (Some(folder), _) => format!("cargo install --path {folder} --locked"),
        (_, Some(repository)) => {
            let repository = repository.split(['#', '?']).next().unwrap_or_default();
            format!("cargo install --git {repository} --locked")
        }
        _ => "cargo install cckw --locked".into(),
    };
    manager("cargo", command)
}

/// A program in the directory in which cargo has built it: `target/PROFILE`, or `target/TRIPLE/PROFILE` for a target that
/// was named.
fn by_source(program: &Path) -> Option<Manager> {
    let is_target = |folder: &&Path| folder.file_name() == Some(OsStr::new("target"));
    let target = program.ancestors().skip(2).take(2).find(is_target)?;
    let source = target.parent().filter(|source| source.join("Cargo.toml").is_file())?;
    manager("cargo build", format!("cargo build --manifest-path {}", escape(&source.join("Cargo.toml"))))
}

/// A link, whose maker leads it to another program when there is one.
fn by_link(program: &Path, called: &OsStr, path: Option<&OsStr>) -> Option<Manager> {
    let link = called_path(called, path).filter(|path| path.is_symlink())?;
    let name = format!("whoever made the link {}", escape(&link));
    manager(&name, format!("{} update", escape(program)))
}

/// Where a shell has found the program.
fn called_path(called: &OsStr, path: Option<&OsStr>) -> Option<PathBuf> {
    if called.as_bytes().contains(&b'/') {
        return Some(PathBuf::from(called));
    }
    env::split_paths(path?).map(|directory| directory.join(called)).find(|path| fs::metadata(path).is_ok())
}

/// How a package manager is asked for a file's package, and what updates that.
const DATABASES: [(&str, &[&str], &str); 4] = [
    ("dpkg-query", &["-S"], "sudo apt install --only-upgrade cckw"),
    ("rpm", &["-qf"], "sudo dnf upgrade cckw"),
    ("pacman", &["-Qo"], "sudo pacman -Syu cckw"),
    ("apk", &["info", "-W"], "sudo apk upgrade cckw"),
];

/// Those that put programs where others do, too, and have a list of their files.
fn by_database(program: &Path) -> Option<Manager> {
    // Nothing of a user's own is in them; asking takes its time.
    let is_in_home = crate::paths::home().is_some_and(|home| program.starts_with(home));
    DATABASES.iter().filter(|_| !is_in_home).find_map(|(name, words, command)| {
        let mut question = Command::new(name);
        question.args(*words).arg(program).env("LC_ALL", "C");
        let said = ask(&mut question, MANAGER_TIMEOUT).ok()?;
        let is_named = String::from_utf8_lossy(&said).contains("cckw");
        is_named.then(|| Manager { name: (*name).into(), command: (*command).into() })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_of_its_own_names_the_manager() {
        let name = |path: &str| by_path(Path::new(path)).map(|manager| manager.name);
        assert_eq!(name("/nix/store/abc-cckw-1.0/bin/cckw").as_deref(), Some("Nix"));
        assert_eq!(name("/opt/homebrew/Cellar/cckw/1.0/bin/cckw").as_deref(), Some("Homebrew"));
        assert_eq!(name("/home/u/.local/share/mise/installs/cckw/1.0/cckw").as_deref(), Some("mise"));
        assert_eq!(name("/home/u/.local/bin/cckw"), None);
    }

    #[test]
    fn cargo_s_list_says_from_where() {
        let scratch = tempfile::tempdir().expect("a directory");
        fs::create_dir(scratch.path().join("bin")).expect("a directory");
        let program = scratch.path().join("bin/cckw");
        let command = |source: &str| {
            let list =
                serde_json::json!({"installs": {format!("cckw 0.1.0 ({source})"): {"bins": ["cckw"]}}});
            fs::write(scratch.path().join(".crates2.json"), list.to_string()).expect("writes");
            by_cargo(&program).map(|manager| manager.command)
        };
        assert_eq!(
            command("path+file:///src/cckw").as_deref(),
            Some("cargo install --path /src/cckw --locked")
        );
        assert_eq!(
            command("git+https://example.org/cckw?branch=main#123").as_deref(),
            Some("cargo install --git https://example.org/cckw --locked")
        );
        assert_eq!(
            command("registry+https://example.org/index").as_deref(),
            Some("cargo install cckw --locked")
        );
        assert_eq!(by_cargo(&scratch.path().join("bin/other")), None);
        fs::write(scratch.path().join(".crates2.json"), "no list").expect("writes");
        assert_eq!(by_cargo(&program), None);
    }

    #[test]
    fn a_link_is_led_elsewhere_by_who_made_it() {
        let scratch = tempfile::tempdir().expect("a directory");
        let program = scratch.path().join("real");
        fs::write(&program, "").expect("writes");
        std::os::unix::fs::symlink(&program, scratch.path().join("cckw")).expect("links");
        let path = scratch.path().as_os_str();
        let found = by_link(&program, OsStr::new("cckw"), Some(path)).expect("a link");
        assert!(found.name.contains("whoever made the link"), "{found:?}");
        assert_eq!(by_link(&program, program.as_os_str(), Some(path)), None);
        assert_eq!(by_link(&program, OsStr::new("real"), Some(path)), None);
    }
}
