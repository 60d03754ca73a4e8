//! The documentation is not stale: what it names exists, and what it tells to type is understood.

use std::collections::BTreeSet;
use std::fs;

mod cargo;
mod commands;
mod completeness;
mod page;

use commands::{check, commands};
use page::{files, page, pages, top};

#[test]
fn command_lines_are_understood() {
    let mut count = 0;
    for page in pages() {
        for (line, code) in page.code() {
            for command in commands(code) {
                count += 1;
                check(&command).unwrap_or_else(|error| panic!("{}: `{code}`: {error}", page.at(line)));
            }
        }
    }
    assert!(count > 20, "only {count} command lines were found");
}

#[test]
fn command_lines_are_found_where_they_stand() {
    assert_eq!(commands("eval \"$(cckw shell-init zsh)\" # cckw x"), [["shell-init", "zsh"]]);
    assert_eq!(commands("A=b target/debug/cckw man | cckw frob"), [["man"], ["frob"]]);
    assert_eq!(commands("cargo run --release -- demo"), [["demo"]]);
    assert_eq!(commands("cckw: no program"), Vec::<Vec<String>>::new());
    assert!(check(&["frob"]).is_err() && check(&["demo", "--frob"]).is_err());
    assert!(check(&["shell-init", "SHELL"]).is_ok() && check(&["claude", "--frob", "…"]).is_ok());
}

#[test]
fn every_verb_is_in_the_readme() {
    let readme = page("README.md");
    let named: BTreeSet<String> = readme
        .code()
        .into_iter()
        .flat_map(|(_, code)| commands(code))
        .filter_map(|words| words.into_iter().next())
        .collect();
    for verb in cckw::cli::command().get_subcommands() {
        assert!(named.contains(verb.get_name()), "README.md says nothing of `cckw {}`", verb.get_name());
    }
}

#[test]
fn links_lead_somewhere() {
    let pages = pages();
    for page in &pages {
        for (line, target) in page.links() {
            if target.contains("://") {
                continue;
            }
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let mut path = page.path.clone();
            if !file.is_empty() {
                path = page.path.parent().expect("a folder").join(file);
            }
            let path = fs::canonicalize(top().join(path))
                .unwrap_or_else(|error| panic!("{}: {target}: {error}", page.at(line)));
            if !anchor.is_empty() {
                let of = pages.iter().find(|page| {
                    fs::canonicalize(top().join(&page.path)).is_ok_and(|candidate| candidate == path)
                });
                let anchors = of.expect("a page").anchors();
                assert!(anchors.contains(anchor), "{}: no heading for {target}: {anchors:?}", page.at(line));
            }
        }
    }
}

#[test]
fn paths_of_the_repository_exist() {
    const FOLDERS: [&str; 8] =
        ["src/", "tests/", "docs/", "shell/", "benches/", "fuzz/", "packaging/", ".ci/"];
    let mut count = 0;
    for page in pages() {
        for (line, code) in page.code() {
            for word in code.split([' ', ',', ';', ':', '(', ')', '"', '\'', '=']) {
                let word = word.strip_prefix("./").unwrap_or(word).trim_end_matches('.');
                if FOLDERS.iter().any(|folder| word.starts_with(folder)) && !word.contains(['*', '<', '$']) {
                    count += 1;
                    // What is installed or made there on demand.
                    let is_made = word.ends_with("node_modules")
                        || ["fuzz/corpus", "fuzz/artifacts"].iter().any(|made| word.starts_with(made));
                    let exists = is_made || top().join(word).exists();
                    assert!(exists, "{}: there is no {word}", page.at(line));
                }
            }
        }
    }
    assert!(count > 10, "only {count} paths were found");
}

/// Names such as `CCKW_CLAUDE` in a text. Those of tests and benchmarks are their own business.
fn variables(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let is_own =
        |word: &str| ["CCKW_TEST_", "CCKW_BENCH_", "CCKW_UNDER_TEST"].iter().any(|own| word.starts_with(own));
    words
        .filter(|word| word.len() > 5 && word.starts_with("CCKW_") && !is_own(word))
        .map(str::to_owned)
        .collect()
}

/// The variables whose names are strings of the program. Those of the stand-in are given to three functions
/// without the beginning that all of them have.
fn real_variables() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for path in files("src", ".rs") {
        let source = fs::read_to_string(path).expect("source");
        found.extend(variables(&source).into_iter().filter(|name| source.contains(&format!("\"{name}\""))));
        for function in ["faults::variable(\"", "faults::switch(\"", "faults::milliseconds(\""] {
            let names = source.split(function).skip(1).filter_map(|rest| rest.split_once('"'));
            found.extend(names.map(|(name, _)| format!("CCKW_STANDIN_{name}")));
        }
    }
    found
}

#[test]
fn environment_variables_are_documented_and_exist() {
    let real = real_variables();
    let pages = pages();
    let mut documented = BTreeSet::new();
    for page in &pages {
        for (line, text) in page.text.lines().enumerate() {
            for name in variables(text) {
                assert!(real.contains(&name), "{}: {name} is nothing that cckw reads", page.at(line));
                documented.insert(name);
            }
        }
    }
    let missing: Vec<&String> = real.difference(&documented).collect();
    assert!(missing.is_empty(), "nowhere documented: {missing:?}");
    assert!(real.contains("CCKW_CLAUDE"), "{real:?}");
}
