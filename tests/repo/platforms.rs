//! What Linux and macOS do not do alike is in `src/os/`, and in few other files of the program.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The other files, and what differs there.
const OTHERS: [(&str, &str); 17] = [
    ("claude/background_job.rs", "a test"),
    ("claude/obstacles.rs", "the place of claude's managed settings"),
    ("claude/running.rs", "a test"),
    ("claude/state_file.rs", "a test"),
    ("host/claude/pty.rs", "whether a PTY is kept when claude has gone"),
    ("host/control_server/connection.rs", "a test"),
    ("machines/copy/elf.rs", "a test"),
    ("machines/copy/offer.rs", "a test"),
    ("paths.rs", "where sockets are"),
    ("protocol/channel.rs", "a test"),
    ("registry/event_log.rs", "a test"),
    ("registry/hung_host.rs", "tests"),
    ("registry/lock.rs", "a test"),
    ("service/service_manager.rs", "systemd or launchd"),
    ("update/manifest.rs", "the name of the system in a release"),
    ("update/run.rs", "the name of a program that was replaced"),
    ("user_error/system_limits.rs", "the advice about limits"),
];

fn sources(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn a_system_is_named_in_os_and_in_the_files_that_are_listed() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&src, &mut files);
    let names = |path: &std::path::PathBuf| fs::read_to_string(path).expect("a source").contains("target_os");
    let found: BTreeSet<String> = files
        .iter()
        .filter(|path| names(path))
        .map(|path| path.strip_prefix(&src).expect("below src").display().to_string())
        .collect();
    assert!(found.contains("os/process.rs"), "{found:?}");
    let others: BTreeSet<String> = found.into_iter().filter(|file| !file.starts_with("os/")).collect();
    let listed: BTreeSet<String> = OTHERS.iter().map(|(file, _)| (*file).to_owned()).collect();
    let new: Vec<_> = others.difference(&listed).collect();
    let gone: Vec<_> = listed.difference(&others).collect();
    assert!(new.is_empty(), "what differs belongs into a function in src/os: {new:?}");
    assert!(gone.is_empty(), "these name no system any more; take them off the list: {gone:?}");
}
