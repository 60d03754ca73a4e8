//! Where the pinned Claude Code is; installed by the first test that asks.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The package that `install` brings.
const PACKAGE: &str = "tests/real-claude/node_modules/@anthropic-ai/claude-code";

/// The native program; a test that cannot have it fails, it does not pass without.
pub fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(install)
}

/// The node script that starts the native program as its child, for installations without its own set-up step.
pub fn launcher() -> PathBuf {
    program();
    Path::new(env!("CARGO_MANIFEST_DIR")).join(PACKAGE).join("cli-wrapper.cjs")
}

fn install() -> PathBuf {
    // Other test programs, in other processes, may be at the same place.
    let lock =
        File::create(Path::new(env!("CARGO_TARGET_TMPDIR")).join("real-claude.lock")).expect("a lock file");
    lock.lock().expect("the lock of the installation");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real-claude/install");
    let output =
        Command::new(&script).output().unwrap_or_else(|error| panic!("{}: {error}", script.display()));
    assert!(
        output.status.success(),
        "the pinned Claude Code cannot be installed:\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    PathBuf::from(String::from_utf8(output.stdout).expect("a path").trim())
}
