//! `cargo …` in the documentation: what is to be run exists.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

use super::commands::is_assignment;
use super::page::pages;

/// Subcommands that cargo has by itself, or that the pages tell to install.
const SUBCOMMANDS: &[&str] = &[
    "audit",
    "bench",
    "build",
    "check",
    "clippy",
    "deb",
    "deny",
    "doc",
    "fmt",
    "fuzz",
    "geiger",
    "install",
    "metadata",
    "package",
    "run",
    "search",
    "test",
    "tree",
    "uninstall",
    "update",
];

/// The targets of this package: their names by their kind (`test`, `bench`, `example`, `bin`).
fn targets() -> BTreeMap<String, BTreeSet<String>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let all = metadata["packages"].as_array().expect("packages");
    let package = all.iter().find(|package| package["name"] == "cckw").expect("cckw");
    for target in package["targets"].as_array().expect("targets") {
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        found.entry(text(&target["kind"][0])).or_default().insert(text(&target["name"]));
    }
    // `--lib` takes no name.
    found.remove("lib");
    found
}

/// What is wrong with the words behind `cargo`.
fn check(words: &[&str], targets: &BTreeMap<String, BTreeSet<String>>) -> Result<(), String> {
    let Some((subcommand, rest)) = words.split_first() else { return Ok(()) };
    if !SUBCOMMANDS.contains(subcommand) {
        return Err(format!("cargo has no {subcommand}"));
    }
    if rest.contains(&"--manifest-path") {
        // Another package, whose targets are its own.
        return Ok(());
    }
    for (at, word) in rest.iter().enumerate().take_while(|(_, word)| **word != "--") {
        let Some(names) = word.strip_prefix("--").and_then(|kind| targets.get(kind)) else { continue };
        let name = rest.get(at + 1).copied().unwrap_or_default();
        if !names.contains(name) && !["NAME", "…"].contains(&name) {
            return Err(format!("there is no {word} {name}: {names:?}"));
        }
    }
    Ok(())
}

#[test]
fn cargo_lines_name_what_exists() {
    let targets = targets();
    let mut count = 0;
    for page in pages() {
        for (line, code) in page.code() {
            for piece in code.split(" #").next().unwrap_or_default().split(['|', ';', '&', '(', ')', '`']) {
                let mut words =
                    piece.split_whitespace().skip_while(|word| *word == "$" || is_assignment(word));
                if words.next() != Some("cargo") {
                    continue;
                }
                let words: Vec<&str> = words.filter(|word| !word.starts_with('+')).collect();
                count += 1;
                check(&words, &targets)
                    .unwrap_or_else(|error| panic!("{}: `{code}`: {error}", page.at(line)));
            }
        }
    }
    assert!(count > 15, "only {count} lines were found");
}

#[test]
fn stale_cargo_lines_are_found() {
    let targets = targets();
    assert!(check(&["test", "--test", "suite", "--test", "frob"], &targets).is_err());
    assert!(check(&["bench", "--bench", "frob"], &targets).is_err() && check(&["frob"], &targets).is_err());
    assert!(check(&["test", "--lib", "--test", "suite", "--", "--bench", "frob"], &targets).is_ok());
}
