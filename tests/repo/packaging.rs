//! What is published: the files of the package for crates.io, and what the other packages say of cckw.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

/// Files and folders at the top of the package. cargo adds the ones that it makes itself.
const PACKAGED: [&str; 15] = [
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "README.md",
    "benches/",
    "clippy.toml",
    "docs/",
    "packaging/",
    "proptest-regressions/",
    "rustfmt.toml",
    "shell/",
    "src/",
    "tests/",
];

/// The largest file that crates.io takes, in bytes.
const MAX_PACKAGE_BYTES: u64 = 10 << 20;

fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// What `cargo package` prints, and what it says beside that. It neither builds nor fetches anything here.
fn cargo_package(args: &[&str]) -> (String, String) {
    let mut command = Command::new(env!("CARGO"));
    command.args(["package", "--allow-dirty", "--locked", "--offline", "--no-verify"]);
    let output = command.args(args).current_dir(top()).output().expect("cargo");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    let said = text(output.stderr);
    assert!(output.status.success(), "{said}");
    (text(output.stdout), said)
}

#[test]
fn the_package_is_made_without_a_warning_and_is_small() {
    let scratch = tempfile::tempdir().expect("a directory");
    let (_, said) = cargo_package(&["--target-dir", scratch.path().to_str().expect("UTF-8")]);
    assert!(!said.contains("warning"), "{said}");
    let file = format!("package/cckw-{}.crate", env!("CARGO_PKG_VERSION"));
    let size = fs::metadata(scratch.path().join(file)).expect("the package").len();
    assert!((100_000..MAX_PACKAGE_BYTES).contains(&size), "it has {size} bytes");
}

#[test]
fn the_package_has_what_is_needed_and_nothing_odd() {
    let (listed, _) = cargo_package(&["--list"]);
    let made_by_cargo = [".cargo_vcs_info.json", "Cargo.toml.orig"];
    let found: BTreeSet<String> = listed
        .lines()
        .filter(|line| !made_by_cargo.contains(line))
        .map(|line| line.split_once('/').map_or(line.to_owned(), |(folder, _)| format!("{folder}/")))
        .collect();
    let wanted: BTreeSet<String> = PACKAGED.iter().map(ToString::to_string).collect();
    assert_eq!(found, wanted);
    assert!(!listed.contains("node_modules"), "what was installed for tests is packed too");
}

/// Each has a place for it, and nothing would tell that one was forgotten.
#[test]
fn all_packages_say_what_cckw_is_in_the_same_words() {
    let words = env!("CARGO_PKG_DESCRIPTION");
    for (file, line) in [
        ("packaging/control", format!("Description: {words}\n")),
        ("packaging/homebrew/cckw.rb.in", format!("  desc \"{words}\"\n")),
        ("packaging/aur/PKGBUILD.in", format!("pkgdesc='{words}'\n")),
        ("packaging/aur/SRCINFO.in", format!("\tpkgdesc = {words}\n")),
    ] {
        let text = fs::read_to_string(top().join(file)).expect("a file of the repository");
        assert!(text.contains(&line), "{file} has no line {line}");
    }
}
