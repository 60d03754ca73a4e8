//! Where the Claude Code is that the suite runs: the pinned one, installed by the first test that asks, or
//! the one that `CCKW_TEST_CLAUDE` names (`versions` beside this file sets it).

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde_json::Value;

/// The program, of any version, that the suite is to run in the place of the pinned one.
const OTHER: &str = "CCKW_TEST_CLAUDE";

/// Claude's program; a test that cannot have it fails, it does not pass without.
pub fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| match std::env::var_os(OTHER) {
        Some(other) => fs::canonicalize(&other).unwrap_or_else(|error| panic!("{OTHER}: {error}")),
        None => install(),
    })
}

/// The folder of its package.
fn package() -> &'static Path {
    let mut folders = program().ancestors().skip(1);
    folders.find(|folder| folder.join("package.json").exists()).expect("a package around the program")
}

/// Its version, as its package has it.
pub fn version() -> String {
    let text = fs::read(package().join("package.json")).expect("a package");
    let package: Value = serde_json::from_slice(&text).expect("a package");
    package["version"].as_str().expect("a version").to_owned()
}

/// The node script that starts the native program as its child, for installations without its own set-up
/// step. Versions that are a script themselves have none.
pub fn launcher() -> PathBuf {
    package().join("cli-wrapper.cjs")
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
