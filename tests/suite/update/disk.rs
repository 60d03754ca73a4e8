//! No room, and no permission. The system's refusals are played by strace, for each place by itself.

use std::fs;
use std::process::{Command, Output};

use super::place::{Home, VERSION};
use super::release::Release;
use crate::support::system_words;

/// The installed program under strace, which answers these calls with this error where they are about this path.
fn refused(home: &Home, path: &str, calls: &str, error: &str) -> Output {
    strace(
        home,
        &["-P", path, "-e", &format!("trace={calls}"), "-e", &format!("inject={calls}:error={error}")],
    )
}

fn strace(home: &Home, words: &[&str]) -> Output {
    let mut command = Command::new("strace");
    command.args(["-qq", "-o", "/dev/null"]).args(words);
    let installed = home.command(&["update"]);
    command.arg(installed.get_program()).arg("update").env_clear().current_dir(home.sandbox.work());
    command.envs(installed.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.output().expect("strace, which these tests need: see CONTRIBUTING.md")
}

fn said(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(said.lines().count() == 1, "{said}");
    said
}

#[test]
fn a_full_disk_is_said_and_nothing_is_left_behind() {
    let release = Release::new("0.2.0", "");
    let home = Home::of_files(&release);
    home.well_said(&["list"]);
    let staged = home.folder().join(".cckw.new");
    for (path, calls) in [
        (home.state("update.part"), "write"),
        (staged.clone(), "write,copy_file_range,sendfile"),
        (staged, "fsync"),
    ] {
        let said = said(&refused(&home, path.to_str().expect("UTF-8"), calls, "ENOSPC"));
        assert!(
            said.contains("No space left on device") && said.contains("make room there"),
            "{path:?}: {said}"
        );
        assert_eq!((home.version(), home.installed()), (VERSION.into(), vec!["cckw".to_owned()]));
        assert!(home.parts().is_empty(), "{path:?}");
    }
    home.well_said(&["update"]);
    assert_eq!(home.version(), "0.2.0");
}

#[test]
fn a_directory_that_has_the_name_of_a_kept_program_is_said_and_stays() {
    let release = Release::new("0.2.0", "");
    let home = Home::of_files(&release);
    for name in ["cckw.old", ".cckw.new", ".cckw.parked"] {
        let path = home.folder().join(name);
        fs::create_dir(&path).expect("a directory");
        for words in [&["update"][..], &["update", "--rollback"]] {
            let said = home.complaint(words, 1);
            assert!(said.contains(&format!("{name} is a directory")), "{words:?}: {said}");
            assert!(said.contains("move the directory away"), "{words:?}: {said}");
        }
        assert!(path.is_dir() && home.parts().is_empty());
        fs::remove_dir(&path).expect("removes");
    }
    home.well_said(&["update"]);
    assert_eq!(home.version(), "0.2.0");
}

#[test]
fn a_directory_that_cannot_be_written_is_said_before_anything_is_read() {
    let home = Home::of("file:///nowhere/manifest.json");
    let folder = home.folder();
    for (error, words) in [("EACCES", "Permission denied"), ("EROFS", "Read-only file system")] {
        let output = refused(&home, folder.to_str().expect("UTF-8"), "?access,faccessat,?faccessat2", error);
        let said = said(&output);
        assert!(said.contains("cannot be replaced") && said.contains(words), "{said}");
        assert!(said.contains("as the user who owns its directory"), "{said}");
        assert_eq!((home.version(), home.installed()), (VERSION.into(), vec!["cckw".to_owned()]));
    }
}

#[test]
fn an_exchange_that_the_system_refuses_leaves_the_installed_program() {
    const RENAMES: &str = "?rename,?renameat,?renameat2";
    // Those before it are of the notes on the download and of the marker.
    for number in [3, 4] {
        let home = Home::having(Release::new("0.2.0", ""));
        let inject = format!("inject={RENAMES}:error=EIO:when={number}");
        let said = said(&strace(&home, &["-e", &format!("trace={RENAMES}"), "-e", &inject]));
        assert!(said.contains(system_words("Input/output error", "I/O error")), "{said}");
        assert_eq!(home.version(), VERSION);
        home.well_said(&["update"]);
        assert_eq!(
            (home.version(), home.installed()),
            ("0.2.0".into(), vec!["cckw".into(), "cckw.old".to_owned()])
        );
    }
}
