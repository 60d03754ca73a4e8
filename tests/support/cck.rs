//! `claude-connection-keeper`, with which `cckw detect` and `cckw reconnect` are compared.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The program, installed by the first test that asks; a test that cannot have it fails, it does not pass
/// without.
pub fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(install)
}

fn install() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    // Other test programs, in other processes, may be at the same place.
    let lock = File::create(folder.join("cck.lock")).expect("a lock file");
    lock.lock().expect("the lock of the installation");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cck/install");
    let output = Command::new(&script).arg(folder.join("cck")).output();
    let output = output.unwrap_or_else(|error| panic!("{}: {error}", script.display()));
    assert!(
        output.status.success(),
        "claude-connection-keeper cannot be installed:\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    PathBuf::from(String::from_utf8(output.stdout).expect("a path").trim())
}
