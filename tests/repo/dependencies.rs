//! What cckw is built from: licences that may be, one source, one version of each, and a page that explains
//! them.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// The licences that a package may be under. Each allows what the MIT licence of cckw promises.
const FREE: [&str; 9] = [
    "MIT",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "ISC",
    "Unlicense",
    "Unicode-3.0",
    "CC0-1.0",
    "BSD-3-Clause",
    "Zlib",
];

fn read(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).expect("a file of the repository")
}

fn cargo(program: &str, args: &[&str]) -> Result<String, String> {
    let mut command = Command::new(program);
    command.args(args).current_dir(env!("CARGO_MANIFEST_DIR"));
    let output = command.output().expect("it runs");
    if output.status.success() {
        Ok(String::from_utf8(output.stdout).expect("UTF-8"))
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

/// Packages that are there in two versions, and who needs the older one. `docs/internals/dependencies.md` says why.
const TWICE: [(&str, &str); 9] = [
    ("bitflags", "portable-pty"),
    ("cfg_aliases", "portable-pty"),
    ("getrandom", "ring"),
    ("nix", "portable-pty"),
    ("signal-hook", "crossterm"),
    ("syn", "portable-pty"),
    ("thiserror", "portable-pty"),
    ("thiserror-impl", "portable-pty"),
    ("windows-sys", "ring"),
];

/// What cargo knows about the packages, without the network: all of them where all were fetched, else those
/// of this platform.
fn metadata() -> Value {
    let args = ["metadata", "--format-version", "1", "--locked", "--offline"];
    let all = cargo(env!("CARGO"), &args).or_else(|_| {
        let version = cargo("rustc", &["-vV"])?;
        let host = version.lines().find_map(|line| line.strip_prefix("host: ")).expect("a host").to_owned();
        cargo(env!("CARGO"), &[&args[..], &["--filter-platform", &host]].concat())
    });
    serde_json::from_str(&all.unwrap_or_else(|error| panic!("cargo metadata: {error}"))).expect("JSON")
}

/// The packages that others wrote.
fn packages(metadata: &Value) -> Vec<&Value> {
    let all = metadata["packages"].as_array().expect("packages");
    let foreign: Vec<&Value> = all.iter().filter(|package| package["name"] != "cckw").collect();
    assert!(foreign.len() > 20, "only {} packages were found", foreign.len());
    foreign
}

/// Whether an expression of SPDX (with the old `/` for `OR`) can be met by licences of the list.
fn is_free(expression: &str) -> bool {
    let all = |part: &str| part.split(" AND ").all(|licence| FREE.contains(&licence.trim()));
    let expression = expression.replace('/', " OR ");
    match expression.strip_prefix('(').and_then(|rest| rest.split_once(')')) {
        Some((choice, rest)) => {
            is_free(choice) && rest.split(" AND ").skip(1).all(|licence| FREE.contains(&licence))
        }
        None => expression.split(" OR ").any(all),
    }
}

#[test]
fn expressions_are_understood() {
    for free in ["MIT", "Zlib OR MIT", "Unlicense/MIT", "(MIT OR Apache-2.0) AND Unicode-3.0", "MIT AND ISC"]
    {
        assert!(is_free(free), "{free}");
    }
    for other in
        ["GPL-3.0", "MIT AND GPL-3.0", "(MIT OR ISC) AND GPL-3.0", "(GPL-2.0 OR GPL-3.0) AND MIT", ""]
    {
        assert!(!is_free(other), "{other}");
    }
}

#[test]
fn every_licence_is_free() {
    for package in packages(&metadata()) {
        let licence = package["license"].as_str().unwrap_or_default();
        assert!(is_free(licence), "{} is under {licence:?}", package["name"]);
    }
}

#[test]
fn no_package_needs_a_newer_rust_than_cckw_promises() {
    let number = |version: &str| -> Vec<u32> {
        let mut parts: Vec<u32> = version.split('.').map(|part| part.parse().expect("a number")).collect();
        parts.resize(3, 0);
        parts
    };
    let promised = number(env!("CARGO_PKG_RUST_VERSION"));
    for package in packages(&metadata()) {
        if let Some(needed) = package["rust_version"].as_str() {
            assert!(number(needed) <= promised, "{} needs Rust {needed}", package["name"]);
        }
    }
}

#[test]
fn everything_has_one_source_and_one_version() {
    let lock: toml::Table = read("Cargo.lock").parse().expect("TOML");
    let mut names = BTreeSet::new();
    let mut twice = BTreeSet::new();
    for package in lock["package"].as_array().expect("packages") {
        let name = package["name"].as_str().expect("a name");
        if !names.insert(name.to_owned()) {
            assert!(twice.insert(name.to_owned()), "{name} is there in three versions");
        }
        if name != "cckw" {
            let source = package.get("source").and_then(toml::Value::as_str).unwrap_or("a folder");
            assert!(source.ends_with("crates.io-index"), "{name} comes from {source}");
            assert!(package.get("checksum").is_some(), "{name} has no checksum");
        }
    }
    let known: BTreeSet<String> = TWICE.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(twice, known, "these are there in two versions, and those are known");
}

#[test]
fn the_page_explains_what_is_there_and_nothing_else() {
    let manifest: toml::Table = read("Cargo.toml").parse().expect("TOML");
    let direct: BTreeSet<&str> = ["dependencies", "dev-dependencies"]
        .into_iter()
        .flat_map(|table| manifest[table].as_table().expect("a table").keys())
        .map(String::as_str)
        .collect();
    let page = read("docs/internals/dependencies.md");
    let rows: Vec<Vec<&str>> = page
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| crate ") && !line.starts_with("| ---"))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect();
    let explained: BTreeSet<&str> = rows.iter().map(|row| row[0]).collect();
    assert_eq!(explained, direct);
}

#[test]
fn advisories_were_looked_up_for_as_many_packages_as_there_are() {
    let page = read("docs/user/security.md");
    let row =
        page.lines().find(|line| line.contains("advisories apply |")).expect("the row of the last look-up");
    let counts: Vec<&str> = row
        .split('|')
        .filter_map(|cell| cell.trim().split_once(" packages").map(|(count, _)| count))
        .collect();
    let real: Vec<String> = ["Cargo.lock", "fuzz/Cargo.lock"]
        .iter()
        .map(|lock| read(lock).matches("[[package]]").count().to_string())
        .collect();
    assert_eq!(counts, real, "run packaging/audit, and write its result into docs/user/security.md");
}

#[test]
fn the_look_up_of_advisories_refuses_what_is_no_database() {
    let empty = tempfile::tempdir().expect("a directory");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/audit");
    for (arguments, said) in [
        (vec![], "name a copy of the advisory database"),
        (vec![Path::new("/nowhere")], "is no directory"),
        (vec![empty.path()], "is no copy of the advisory database"),
    ] {
        let output = Command::new(&script).args(&arguments).output().expect("the script");
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert!(text.contains(said) && text.lines().count() == 1, "{text}");
    }
}
