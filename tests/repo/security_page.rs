//! `docs/user/security.md` is true where that can be looked up: the tests that it names exist, and unsafe
//! code stands where it says.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn page() -> String {
    fs::read_to_string(top().join("docs/user/security.md")).expect("the page")
}

/// The Rust files below a folder of the repository, but for what is built or installed there.
fn sources(folder: &str) -> Vec<PathBuf> {
    let (mut found, mut folders) = (Vec::new(), vec![top().join(folder)]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder").flatten() {
            let path = entry.path();
            if path.is_dir() && !path.ends_with("node_modules") {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    found
}

/// The names of the tests in a source: the functions behind `#[test]`, also inside `proptest!`.
fn tests_in(source: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut lines = source.lines().map(str::trim);
    while let Some(line) = lines.next() {
        if line == "#[test]" {
            let function = lines.by_ref().find_map(|line| line.strip_prefix("fn "));
            let name = function.and_then(|rest| rest.split('(').next());
            found.push(name.expect("a name").to_owned());
        }
    }
    found
}

/// What stands between backticks on a line.
fn code(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

/// Whether a word of the page is the name of a test: in lower case, of more than three words.
fn names_a_test(word: &str) -> bool {
    word.matches('_').count() >= 3
        && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

/// The cells of the tables under a heading, without their heads.
fn rows<'a>(page: &'a str, heading: &str) -> Vec<Vec<&'a str>> {
    let section = page.split("\n## ").find(|section| section.starts_with(heading)).expect("the heading");
    let lines = section.lines().skip_while(|line| !line.starts_with("| ---")).skip(1);
    lines
        .take_while(|line| line.starts_with('|'))
        .map(|line| line.trim_matches('|').split(" | ").map(str::trim).collect())
        .collect()
}

#[test]
fn every_test_that_the_page_names_exists() {
    let real: BTreeSet<String> = ["src", "tests"]
        .into_iter()
        .flat_map(sources)
        .flat_map(|path| tests_in(&fs::read_to_string(path).expect("source")))
        .collect();
    assert!(real.len() > 300 && real.contains("every_test_that_the_page_names_exists"), "{}", real.len());
    let page = page();
    let named: Vec<&str> = page.lines().flat_map(code).filter(|word| names_a_test(word)).collect();
    assert!(named.len() > 50, "only {} tests are named", named.len());
    for name in named {
        assert!(real.contains(name), "docs/user/security.md: there is no test {name}");
    }
}

#[test]
fn every_claim_has_a_test_or_says_that_it_has_none() {
    let page = page();
    for heading in
        ["Another user", "Control of claude's output", "What others name and write", "The same user"]
    {
        let rows = rows(&page, heading);
        assert!(rows.len() > 2, "{heading}: {} rows", rows.len());
        for row in rows {
            let shown = row.last().expect("a cell");
            assert!(code(shown).any(names_a_test) || shown.starts_with('—'), "{heading}: {row:?}");
        }
    }
}

/// The unsafe blocks, functions and implementations in a source.
fn count_unsafe(source: &str) -> usize {
    source
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .flat_map(|line| line.match_indices("unsafe "))
        .count()
}

#[test]
fn unsafe_code_stands_where_the_page_says() {
    let mut real = BTreeMap::new();
    for path in sources("src") {
        let source = fs::read_to_string(&path).expect("source");
        let name = path.strip_prefix(top()).expect("below the top").display().to_string();
        real.insert(name, count_unsafe(&source));
    }
    real.retain(|_, count| *count > 0);
    let page = page();
    let said: BTreeMap<String, usize> = rows(&page, "Unsafe code")
        .into_iter()
        .map(|row| (row[0].trim_matches('`').to_owned(), row[1].parse().expect("a number")))
        .collect();
    assert_eq!(said, real);
    let all: usize = real.values().sum();
    assert!(page.contains(&format!("{all} unsafe blocks")), "there are {all} unsafe blocks in all");
}

#[test]
fn unsafe_code_is_counted_as_the_compiler_would() {
    let source =
        "unsafe { a() }\n// unsafe { b }\nlet x = unsafe { c() } + unsafe { d() };\nunsafe_name();\n";
    assert_eq!(count_unsafe(source), 3);
    let tests = "#[test]\nfn one() {}\nfn two() {}\n    #[test]\n    #[cfg(x)]\n    fn three(a in b) {}\n";
    assert_eq!(tests_in(tests), ["one", "three"]);
}
