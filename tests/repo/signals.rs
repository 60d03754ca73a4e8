//! One file of the program sends signals: it compares a process before.

use std::fs;
use std::path::{Path, PathBuf};

/// The Rust files of the program.
fn sources() -> Vec<PathBuf> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (mut found, mut folders) = (Vec::new(), vec![top]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder").flatten() {
            let path = entry.path();
            match path.is_dir() {
                true => folders.push(path),
                false if path.extension().is_some_and(|extension| extension == "rs") => found.push(path),
                false => {}
            }
        }
    }
    found
}

/// What calls kill(2) in a line of a source: not the methods of that name, which std has for a child of its
/// own.
fn calls(line: &str) -> bool {
    let line = line.trim_start();
    let names =
        ["kill(", "killpg(", "sigqueue(", "tgkill(", "SYS_kill", "SYS_tkill", "SYS_pidfd_send_signal"];
    // `raise` sends to this thread, and needs no pid.
    !line.starts_with("//")
        && names.iter().any(|name| {
            line.match_indices(name).any(|(at, _)| {
                let before = line[..at].chars().next_back();
                !before.is_some_and(|c| c == '.' || c == '_' || c.is_alphanumeric())
            })
        })
}

#[test]
fn one_file_of_the_program_sends_signals() {
    // The stand-in plays claude's own part, and dies on request.
    let is_fake_claude = |path: &Path| path.components().any(|part| part.as_os_str() == "fake_claude");
    let all = sources();
    assert!(all.iter().any(|path| is_fake_claude(path)), "the stand-in is somewhere else now");
    let others = all.into_iter().filter(|path| !path.ends_with("src/os/kill.rs") && !is_fake_claude(path));
    for path in others {
        let source = fs::read_to_string(&path).expect("a source");
        for (number, line) in source.lines().enumerate() {
            assert!(
                !calls(line),
                "{}:{}: {}: send it by src/os/kill.rs, which compares the process first",
                path.display(),
                number + 1,
                line.trim()
            );
        }
    }
}

#[test]
fn a_call_is_told_from_what_looks_like_one() {
    for line in ["let _ = kill(pid, signal);", "  libc::kill(0, 1)", "signal::killpg(x, y)", "(SYS_kill, 1)"]
    {
        assert!(calls(line), "{line}");
    }
    for line in [
        "child.kill()",
        "// kill(2) is",
        "/// kill(pid)",
        "fn skill() {}",
        "kill::to_group(x, y)",
        "x.kill(1)",
    ] {
        assert!(!calls(line), "{line}");
    }
}
