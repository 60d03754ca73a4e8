//! What the code has is documented, and what the documentation names is in the code: options, settings,
//! folders, tests.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use super::page::{files, page, pages, top};

#[test]
fn every_option_is_in_a_page_for_users() {
    let told: String = pages()
        .iter()
        .filter(|page| page.path == Path::new("README.md") || page.path.starts_with("docs"))
        .flat_map(|page| page.code().into_iter().map(|(_, code)| format!(" {code} ")))
        .collect();
    let has = |verb: &str, option: &str| {
        let words: Vec<&str> = told.split([' ', ',', '=', '|', '`']).collect();
        assert!(words.contains(&option), "no page says anything of `cckw {verb} {option}`");
    };
    for verb in cckw::cli::command().get_subcommands() {
        for option in verb.get_arguments().filter_map(|arg| arg.get_long()) {
            has(verb.get_name(), &format!("--{option}"));
        }
    }
}

/// What the program says that it expects in place of a key that it does not know.
fn expected(text: &str) -> BTreeSet<String> {
    let home = tempfile::tempdir().expect("a home");
    fs::create_dir(home.path().join("cckw")).expect("a directory");
    fs::write(home.path().join("cckw/config.toml"), text).expect("written");
    let output = Command::new(env!("CARGO_BIN_EXE_cckw"))
        .args(["claude", "-p"])
        .env_clear()
        .env("XDG_CONFIG_HOME", home.path())
        .env("HOME", home.path())
        .output()
        .expect("cckw runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let (_, list) = said.split_once("`, expected ").unwrap_or_else(|| panic!("{said}"));
    let list = list.split(';').next().unwrap_or_default();
    list.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn settings_are_documented_and_exist() {
    let page = page("docs/user/configuration.md");
    let of_table = |table: usize| -> BTreeSet<String> {
        let text = page.text.split("\n| key | value | default |\n").nth(table + 1).expect("a table of keys");
        let rows = text.lines().skip(1).take_while(|line| line.starts_with('|'));
        rows.map(|row| row.split('`').nth(1).expect("a key").to_owned()).collect()
    };
    for (table, text) in [
        "x = 1\n",
        "[claude]\nx = 1\n",
        "[notify]\nx = 1\n",
        "[start]\nx = 1\n",
        "[environment]\nx = 1\n",
        "[records]\nx = 1\n",
        "[restart]\nx = 1\n",
        "[turn]\nx = 1\n",
        "[remote_control]\nx = 1\n",
        "[update]\nx = 1\n",
    ]
    .iter()
    .enumerate()
    {
        let mut known = expected(text);
        // The tables stand in paragraphs of their own; a key of one may bear the name of another.
        known.retain(|key| {
            let tables =
                ["notify", "start", "environment", "records", "restart", "turn", "remote_control", "update"];
            table > 0 || !tables.contains(&key.as_str())
        });
        assert_eq!(of_table(table), known, "{text}");
    }
}

#[test]
fn the_index_has_every_page() {
    let index = page("docs/README.md");
    let linked: BTreeSet<_> = index
        .links()
        .into_iter()
        .filter_map(|(_, target)| fs::canonicalize(top().join("docs").join(target)).ok())
        .collect();
    for page in pages().iter().filter(|page| page.path.starts_with("docs") && page.path != index.path) {
        let path = fs::canonicalize(top().join(&page.path)).expect("a page");
        assert!(linked.contains(&path), "docs/README.md does not lead to {}", page.path.display());
    }
}

#[test]
fn the_map_of_the_source_has_every_folder() {
    let map = page("docs/internals/architecture.md").text;
    let mut folders: BTreeSet<String> = BTreeSet::new();
    for file in files("src", "") {
        let folder = file.parent().expect("a folder").strip_prefix(top()).expect("below the top");
        folders.insert(format!("`{}/`", folder.display()));
    }
    assert!(folders.remove("`src/`") && folders.len() > 10, "{folders:?}");
    for folder in folders {
        assert!(map.contains(&folder), "docs/internals/architecture.md says nothing of {folder}");
    }
}

/// All that was written in Rust here, with its paths.
fn sources() -> (BTreeSet<String>, String) {
    let mut paths = BTreeSet::new();
    let mut text = String::new();
    for folder in ["src", "tests", "benches", "packaging"] {
        for path in files(folder, ".rs") {
            text += &fs::read_to_string(&path).expect("source");
            paths.insert(format!("/{}", path.strip_prefix(top()).expect("below the top").display()));
        }
    }
    (paths, text)
}

/// Words of code such as `host/mod.rs` or `a_claude_that_is_killed_comes_back`.
#[test]
fn files_and_tests_that_are_named_exist() {
    let (paths, text) = sources();
    let mut count = 0;
    // What changed is history: it may name what is no more.
    for page in pages().iter().filter(|page| page.path != Path::new("CHANGELOG.md")) {
        for (line, code) in page.code() {
            for word in code.split(|c: char| !c.is_ascii_alphanumeric() && !"_-./".contains(c)) {
                let word = word.trim_start_matches("./");
                if word.ends_with(".rs") && word.len() > 3 && !word.starts_with("fuzz/") {
                    count += 1;
                    let exists = paths.iter().any(|path| path.ends_with(&format!("/{word}")));
                    assert!(exists, "{}: there is no {word}", page.at(line));
                }
                let is_sentence = word.split('_').filter(|part| !part.is_empty()).count() > 3
                    && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
                if is_sentence {
                    count += 1;
                    assert!(text.contains(word), "{}: nothing is called {word}", page.at(line));
                }
            }
        }
    }
    assert!(count > 30, "only {count} names were found");
}

#[test]
fn versions_agree() {
    const VERSION: &str = env!("CARGO_PKG_VERSION");
    let read = |path: &str| fs::read_to_string(top().join(path)).expect("a file");
    let changes = read("CHANGELOG.md");
    let newest = changes.lines().find(|line| line.starts_with("## [")).expect("a version");
    let day = newest.strip_prefix(&format!("## [{VERSION}] - ")).unwrap_or_else(|| panic!("{newest}"));
    let debian = read("packaging/changelog");
    assert!(debian.starts_with(&format!("cckw ({VERSION}-")), "{debian}");
    if day != "unreleased" {
        assert!(
            read("src/cli/man.rs").contains(&format!("RELEASED: &str = \"{day}\"")),
            "the man pages: {day}"
        );
    }
}

/// README is read from its beginning to its end, in three minutes: at some 250 words a minute, tables
/// included.
#[test]
fn readme_is_short() {
    let readme = page("README.md");
    let prose = readme.text.split("```").step_by(2).collect::<String>();
    let words = prose.lines().filter(|line| !line.starts_with("![")).flat_map(str::split_whitespace);
    let count = words.filter(|word| word.chars().any(char::is_alphanumeric)).count();
    assert!((300..=900).contains(&count), "{count} words");
}
