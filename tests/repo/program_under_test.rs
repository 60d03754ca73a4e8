//! That every test asks `tests/support` for the program under test, so that one variable has all of them test another one.

use std::fs;
use std::path::{Path, PathBuf};

/// What stands for the program that cargo has built, in two parts, as this file is no exception.
const BUILT: &str = concat!("CARGO_BIN_", "EXE_cckw");

/// Who may name it: who gives it to the others, and tests of something else than the program.
const ALLOWED: [&str; 4] = [
    "tests/support/program.rs",
    "tests/support/child.rs",
    "tests/fake-claude/pty.rs",
    "tests/repo/docs/completeness.rs",
];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() && !path.ends_with("node_modules") {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn every_test_asks_for_the_program_under_test() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    sources(&top.join("tests"), &mut found);
    let names_it = |path: &&PathBuf| fs::read_to_string(path).expect("a source").contains(BUILT);
    let below = |path: &PathBuf| path.strip_prefix(top).expect("below it").display().to_string();
    let mut who: Vec<String> = found.iter().filter(names_it).map(below).collect();
    who.sort();
    let mut allowed = ALLOWED.map(str::to_owned);
    allowed.sort();
    assert_eq!(who, allowed, "use cckw_program() of tests/support");
}
