//! `cckw shell-init --shim`: a program `claude` that goes through cckw. What it is: `claude::shim`.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::advice::{on_path, quoted};
use super::output;
use crate::claude::executable;
use crate::claude::shim::{CCKW, NAME, target};
use crate::config;
use crate::escape::escape;
use crate::paths;
use crate::user_error::UserError;
use crate::user_error::shim as error;

/// What has the name in the directory.
#[derive(Debug)]
enum InPlace {
    Nothing,
    /// A shim, and the text of its link.
    Shim(PathBuf),
    /// Somebody else's: "a link to …".
    Other(String),
}

/// Which claude a shell finds, once the shim is there.
#[derive(Debug)]
enum Reach {
    /// The shim.
    First,
    /// Another one, which comes before it.
    Behind(PathBuf),
    /// Another one or none: the directory is not on `PATH`.
    NotOnPath,
}

/// Makes the shim, or renews it.
pub fn install(directory: &Path) -> ExitCode {
    match make(directory) {
        Ok(text) => output::print(&text),
        Err(error) => output::fail(&error),
    }
}

/// Removes the shim.
pub fn remove(directory: &Path) -> ExitCode {
    match take_away(directory) {
        Ok(text) => output::print(&text),
        Err(error) => output::fail(&error),
    }
}

fn make(directory: &Path) -> Result<String, UserError> {
    let directory = absolute(directory)?;
    let program = program()?;
    usable(&directory)?;
    let path = directory.join(NAME);
    let made = match in_place(&path) {
        InPlace::Other(what) => return Err(error::name_is_taken(&path, &what)),
        // It fails where somebody else was faster.
        InPlace::Nothing => symlink(&program, &path),
        InPlace::Shim(leads_to) if leads_to == program => Ok(()),
        InPlace::Shim(leads_to) => replace(&path, &leads_to, &program),
    };
    made.and_then(|()| paths::sync_directory(&directory)).map_err(|why| error::cannot_be_made(&path, why))?;
    let behind = executable::find(&config::load().unwrap_or_default());
    Ok(told(&path, &program, &reach(&path), behind.err().map(|missing| missing.to_string()), &shell()))
}

fn take_away(directory: &Path) -> Result<String, UserError> {
    let directory = absolute(directory)?;
    let path = directory.join(NAME);
    match in_place(&path) {
        InPlace::Nothing => return Err(error::none_there(&path)),
        InPlace::Other(what) => return Err(error::not_removed(&path, &what)),
        InPlace::Shim(_) => {}
    }
    fs::remove_file(&path)
        .and_then(|()| paths::sync_directory(&directory))
        .map_err(|why| error::cannot_be_removed(&path, why))?;
    Ok(format!("{} is removed.\n{}", escape(&path), forget(&shell())))
}

fn absolute(directory: &Path) -> Result<PathBuf, UserError> {
    std::path::absolute(directory).map_err(|why| error::no_directory(directory, why))
}

/// Where the shim leads to: cckw by the name on `PATH`, which stays the same when an update puts another
/// program there, else this program.
fn program() -> Result<PathBuf, UserError> {
    let program =
        env::current_exe().map_err(|why| error::program_is_renamed(&PathBuf::from(why.to_string())))?;
    if let Some(named) = on_path(&program, env::var_os("PATH").as_deref()) {
        return Ok(named);
    }
    let is_cckw = program.file_name() == Some(OsStr::new(CCKW));
    if is_cckw { Ok(program) } else { Err(error::program_is_renamed(&program)) }
}

/// Makes the directory where it is missing, and refuses one in which the shim would not stay.
fn usable(directory: &Path) -> Result<(), UserError> {
    if executable::is_the_installers(directory) {
        return Err(error::installers_directory(directory));
    }
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)
        .map_err(|why| error::no_directory(directory, why))?;
    let about = fs::metadata(directory).map_err(|why| error::no_directory(directory, why))?;
    if about.permissions().mode() & 0o002 != 0 {
        return Err(error::directory_is_open(directory));
    }
    Ok(())
}

fn in_place(path: &Path) -> InPlace {
    let Ok(about) = fs::symlink_metadata(path) else { return InPlace::Nothing };
    match fs::read_link(path) {
        Ok(leads_to) if target(path).is_some() => InPlace::Shim(leads_to),
        Ok(leads_to) => InPlace::Other(format!("a link to {}", escape(&leads_to))),
        Err(_) if about.is_dir() => InPlace::Other("a directory".into()),
        Err(_) => InPlace::Other("a program of its own".into()),
    }
}

/// Puts a link in the place of one, which is never away and never half.
fn replace(path: &Path, before: &Path, program: &Path) -> io::Result<()> {
    let fresh = path.with_file_name(format!(".{NAME}.{}.new", std::process::id()));
    // A file of that name is left over from a process that had this pid.
    let _ = fs::remove_file(&fresh);
    symlink(program, &fresh)?;
    let is_unchanged = fs::read_link(path).is_ok_and(|now| now == before);
    let renamed = if is_unchanged {
        fs::rename(&fresh, path)
    } else {
        Err(io::Error::other("somebody else has changed it in this moment"))
    };
    renamed.inspect_err(|_| {
        let _ = fs::remove_file(&fresh);
    })
}

/// Which claude a shell finds, with the shim at this path.
fn reach(path: &Path) -> Reach {
    let same = |other: &Path| {
        let directory = |path: &Path| fs::canonicalize(path.parent()?).ok();
        directory(other) == directory(path)
    };
    let candidates = executable::candidates();
    match candidates.iter().position(|(other, _)| same(other)) {
        None => Reach::NotOnPath,
        Some(at) => {
            let mut earlier = candidates[..at].iter();
            match earlier.find(|(_, unfit)| unfit.is_none()) {
                Some((other, _)) => Reach::Behind(other.clone()),
                None => Reach::First,
            }
        }
    }
}

fn shell() -> String {
    let shell = env::var_os("SHELL").map(PathBuf::from);
    let name = shell.as_deref().and_then(Path::file_name).and_then(OsStr::to_str);
    name.unwrap_or_default().to_owned()
}

/// What makes an open shell look for its programs anew.
fn forget(shell: &str) -> &'static str {
    match shell {
        // It looks at every call.
        "fish" => "",
        _ => "A shell that is open may remember the old place; this makes it look again: hash -r\n",
    }
}

fn first_on_path(directory: &Path, shell: &str) -> String {
    match shell {
        "fish" => format!("fish_add_path --path --move {}", quoted(directory)),
        _ => format!("export PATH={}:\"$PATH\"", quoted(directory)),
    }
}

fn told(path: &Path, program: &Path, reach: &Reach, missing: Option<String>, shell: &str) -> String {
    let directory = path.parent().unwrap_or(path);
    let line = first_on_path(directory, shell);
    let shown = escape(directory);
    let mut text = format!("{} now leads to {}.\n", escape(path), escape(program));
    text += &match reach {
        Reach::First => format!("It is the first claude on PATH.\n{}", forget(shell)),
        Reach::Behind(other) => format!(
            "But {} comes before it on PATH. Put this line at the end of your shell's start-up file:\n  {line}\n",
            escape(other)
        ),
        Reach::NotOnPath => format!(
            "But {shown} is not on PATH. Put this line at the end of your shell's start-up file:\n  {line}\n"
        ),
    };
    if let Some(missing) = missing {
        text += &format!("There is no claude behind it yet: {missing}.\n");
    }
    text + &format!("To undo it: cckw shell-init --shim {} --remove\n", quoted(directory))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_says_what_is_left_to_do() {
        let told =
            |reach, shell| told(Path::new("/my bin/claude"), Path::new("/usr/bin/cckw"), &reach, None, shell);
        assert_eq!(
            told(Reach::First, "zsh"),
            "/my bin/claude now leads to /usr/bin/cckw.\nIt is the first claude on PATH.\nA shell that is open may \
             remember the old place; this makes it look again: hash -r\nTo undo it: cckw shell-init --shim '/my bin' \
             --remove\n"
        );
        let behind = told(Reach::Behind("/usr/bin/claude".into()), "bash");
        assert!(behind.contains("But /usr/bin/claude comes before it on PATH."), "{behind}");
        assert!(behind.contains("\n  export PATH='/my bin':\"$PATH\"\n"), "{behind}");
        let fish = told(Reach::NotOnPath, "fish");
        assert!(
            fish.contains("But /my bin is not on PATH.")
                && fish.contains("\n  fish_add_path --path --move '/my bin'\n")
        );
    }

    #[test]
    fn only_a_link_to_cckw_is_ours() {
        let scratch = tempfile::tempdir().expect("a directory");
        let path = |name: &str| scratch.path().join(name);
        symlink("/gone/cckw", path("shim")).expect("a link");
        symlink("../lib/node_modules/x/cli.js", path("npm")).expect("a link");
        fs::write(path("program"), "").expect("a file");
        assert!(matches!(in_place(&path("shim")), InPlace::Shim(to) if to == Path::new("/gone/cckw")));
        assert!(matches!(in_place(&path("none")), InPlace::Nothing));
        for (name, what) in [("npm", "a link to ../lib"), ("program", "a program"), (".", "a directory")] {
            let InPlace::Other(said) = in_place(&path(name)) else { panic!("{name}") };
            assert!(said.starts_with(what), "{said}");
        }
    }

    #[test]
    fn a_link_is_replaced_only_if_it_is_the_one_that_was_looked_at() {
        let scratch = tempfile::tempdir().expect("a directory");
        let path = scratch.path().join("claude");
        symlink("/old/cckw", &path).expect("a link");
        replace(&path, Path::new("/old/cckw"), Path::new("/new/cckw")).expect("replaces");
        assert_eq!(fs::read_link(&path).expect("a link"), Path::new("/new/cckw"));
        assert!(replace(&path, Path::new("/old/cckw"), Path::new("/third/cckw")).is_err());
        assert_eq!(fs::read_link(&path).expect("a link"), Path::new("/new/cckw"));
        assert_eq!(fs::read_dir(scratch.path()).expect("a directory").count(), 1);
    }
}
