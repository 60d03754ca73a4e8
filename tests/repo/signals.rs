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

/// What sends a signal in a line of a source: not the methods of std, which has them for a child of its own.
fn calls(line: &str) -> bool {
    let line = line.trim_start();
    let programs = ["kill", "pkill", "killall", "/bin/kill", "/usr/bin/kill"];
    if programs.iter().any(|program| line.contains(&format!("Command::new(\"{program}\")"))) {
        return true;
    }
    let names = [
        "kill(",
        "killpg(",
        "sigqueue(",
        "tkill(",
        "tgkill(",
        "pthread_kill(",
        "kill_process(",
        "kill_process_group(",
        "kill_current_process_group(",
        "pidfd_send_signal(",
        "SYS_kill",
        "SYS_tkill",
        "SYS_tgkill",
        "SYS_rt_sigqueueinfo",
        "SYS_pidfd_send_signal",
    ];
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

/// Whether a line has a signal sent to a process that is not this one's own job.
fn asks_for_one(line: &str) -> bool {
    let line = line.trim_start();
    let names = ["kill::to_child(", "kill::to_group(", "kill::to_foreground_group(", "Identity::"];
    !line.starts_with("//")
        && names.iter().any(|name| line.contains(name))
        && !line.contains("FileIdentity::")
}

#[test]
fn the_page_names_whoever_signals_another_process() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(top.join("docs/internals/architecture.md")).expect("the page");
    let section = page.split("\n## ").find(|section| section.starts_with("Signals to other processes"));
    let rows: Vec<&str> =
        section.expect("the section").lines().filter(|line| line.starts_with('|')).collect();
    let named = |name: &str| rows.iter().any(|row| row.contains(&format!("`{name}`")));
    let mut found = 0;
    for path in sources().into_iter().filter(|path| !path.ends_with("src/os/kill.rs")) {
        let source = fs::read_to_string(&path).expect("a source");
        let code = source.split("mod tests {").next().unwrap_or_default();
        if code.lines().any(asks_for_one) {
            let name = path.strip_prefix(top).expect("below the top").display().to_string();
            assert!(
                named(&name),
                "{name} signals a process, and docs/internals/architecture.md does not say how it knows it"
            );
            found += 1;
        }
    }
    assert!(found > 10, "only {found} were found");
}

#[test]
fn a_call_is_told_from_what_looks_like_one() {
    for line in [
        "let _ = kill(pid, signal);",
        "  libc::kill(0, 1)",
        "signal::killpg(x, y)",
        "(SYS_kill, 1)",
        "rustix::process::kill_process(pid, signal)",
        "pidfd_send_signal(&held, signal)",
        "let _ = Command::new(\"kill\").arg(\"-9\");",
    ] {
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
