//! What is written into a session's log is words.

use std::fs;
use std::path::{Path, PathBuf};

/// The folders that write events.
const WRITERS: [&str; 6] =
    ["src/host", "src/registry", "src/client", "src/remote/reconnector", "src/sending", "src/service"];

#[test]
fn no_event_has_the_debug_text_of_a_type() {
    let mut files = Vec::new();
    for folder in WRITERS {
        collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut files);
    }
    assert!(files.len() > 100, "{} files", files.len());
    for file in files {
        let text = fs::read_to_string(&file).expect("reads");
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        for (number, line) in code.lines().enumerate() {
            let is_debug = line.contains(":?}") && !line.contains("panic!");
            assert!(!is_debug, "{}:{}: {line}", file.display(), number + 1);
        }
    }
}

/// The sources below this folder that are no tests.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("lists").flatten() {
        let path = entry.path();
        let name = entry.file_name();
        let is_test = ["tests", "tests.rs", "soak.rs", "invariants.rs"].iter().any(|test| name == *test);
        if path.is_dir() && !is_test {
            collect(&path, files);
        } else if !is_test && path.extension().is_some_and(|kind| kind == "rs") {
            files.push(path);
        }
    }
}
