//! The documentation is not stale: what it names exists, and what it tells to type is understood.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// One page.
struct Page {
    /// From the top of the repository.
    path: PathBuf,
    text: String,
}

fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The files below `folder` whose names end in `ending`, but for what is built or installed there.
fn files(folder: &str, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![top().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder").flatten() {
            let path = entry.path();
            let name = entry.file_name().into_string().expect("a name in UTF-8");
            if path.is_dir() && !["target", "node_modules", ".git"].contains(&name.as_str()) {
                folders.push(path);
            } else if name.ends_with(ending) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn pages() -> Vec<Page> {
    let pages: Vec<Page> = files(".", ".md")
        .into_iter()
        .map(|path| Page {
            text: fs::read_to_string(&path).expect("a page in UTF-8"),
            path: path.strip_prefix(top()).expect("below the top").components().collect(),
        })
        .collect();
    for needed in ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "docs/README.md"] {
        assert!(pages.iter().any(|page| page.path == Path::new(needed)), "{needed} is missing");
    }
    pages
}

impl Page {
    /// Where it says so: `docs/x.md:7`.
    fn at(&self, line: usize) -> String {
        format!("{}:{}", self.path.display(), line + 1)
    }

    /// Its lines, and whether each is code: fenced (with anything but `text`) or indented by four.
    fn lines(&self) -> Vec<(usize, &str, bool)> {
        let (mut fence, mut blank) = (None, true);
        let mut lines = Vec::new();
        for (number, line) in self.text.lines().enumerate() {
            let (was_blank, trimmed) = (blank, line.trim());
            blank = trimmed.is_empty() || (blank && line.starts_with("    "));
            match (fence, trimmed.strip_prefix("```")) {
                (None, Some(language)) => fence = Some(language),
                (Some(_), Some(_)) => fence = None,
                (Some(language), None) => lines.push((number, line, language != "text")),
                (None, None) => lines.push((number, line, was_blank && line.starts_with("    "))),
            }
        }
        assert_eq!(fence, None, "{}: a fence is not closed", self.path.display());
        lines
    }

    /// Code: whole lines of blocks, and what stands between backticks in others.
    fn code(&self) -> Vec<(usize, &str)> {
        let mut found = Vec::new();
        for (number, line, is_code) in self.lines() {
            if is_code {
                found.push((number, line));
            } else {
                found.extend(line.split('`').skip(1).step_by(2).map(|code| (number, code)));
            }
        }
        found
    }

    /// What its links lead to.
    fn links(&self) -> Vec<(usize, &str)> {
        let mut found = Vec::new();
        for (number, line, is_code) in self.lines() {
            let links = line.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
            found.extend(links.filter(|_| !is_code).map(|(target, _)| (number, target)));
        }
        found
    }

    /// The anchors of its headings, as the web pages of repositories make them.
    fn anchors(&self) -> BTreeSet<String> {
        let headings =
            self.lines().into_iter().filter(|(_, line, is_code)| !is_code && line.starts_with('#'));
        headings
            .map(|(_, line, _)| {
                let heading = line.trim_start_matches('#').trim().to_lowercase();
                let kept = heading.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
                kept.map(|c| if c == ' ' { '-' } else { c }).collect()
            })
            .collect()
    }
}

/// The command lines of cckw in a piece of code, also within others: `eval "$(cckw …)"`, `x | cckw …`.
fn commands(code: &str) -> Vec<Vec<String>> {
    // A bar in a table is written with a backslash.
    let code = code.split(" #").next().unwrap_or_default().replace("\\|", "|");
    let mut found = Vec::new();
    for piece in code.split(['|', ';', '&', '(', ')', '"', '\'', '`']) {
        let mut words = piece.split_whitespace().skip_while(|word| *word == "$" || is_assignment(word));
        match words.next() {
            Some(word) if word == "cckw" || word.ends_with("/cckw") => {
                found.push(words.map(str::to_owned).collect());
            }
            Some("cargo") => {
                let rest: Vec<&str> = words.collect();
                if let Some(at) = rest.iter().position(|word| *word == "--")
                    && rest[0] == "run"
                {
                    found.push(rest[at + 1..].iter().map(ToString::to_string).collect());
                }
            }
            _ => {}
        }
    }
    found
}

fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| name.chars().all(|c| c.is_ascii_uppercase() || c == '_'))
}

/// What a page leaves open, filled in.
fn filled_in(word: &str) -> &str {
    match word {
        "SHELL" => "bash",
        "VERB" => "doctor",
        "DIR" => "/tmp/pages",
        _ => word,
    }
}

fn check(command: &[impl AsRef<str>]) -> Result<(), String> {
    let command = command.iter().map(AsRef::as_ref);
    let words: Vec<&str> = command.map(filled_in).filter(|word| *word != "…").collect();
    if matches!(words.first(), Some(&"claude" | &"host")) {
        // The rest is claude's; and the host is no verb for users, so that the parser does not know it.
        return Ok(());
    }
    let definition = cckw::cli::command();
    if let [verb] = words[..]
        && definition.find_subcommand(verb).is_some()
    {
        // The name of a verb, not a line to type.
        return Ok(());
    }
    match definition.try_get_matches_from(std::iter::once("cckw").chain(words)) {
        Err(error) if error.use_stderr() => Err(error.to_string()),
        _ => Ok(()),
    }
}

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
    let readme = pages().into_iter().find(|page| page.path == Path::new("README.md")).expect("a README");
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
    const FOLDERS: [&str; 6] = ["src/", "tests/", "docs/", "shell/", "benches/", ".ci/"];
    let mut count = 0;
    for page in pages() {
        for (line, code) in page.code() {
            for word in code.split([' ', ',', ';', ':', '(', ')', '"', '\'', '=']) {
                let word = word.strip_prefix("./").unwrap_or(word).trim_end_matches('.');
                if FOLDERS.iter().any(|folder| word.starts_with(folder)) && !word.contains(['*', '<', '$']) {
                    count += 1;
                    // What is installed there on demand.
                    let exists = word.ends_with("node_modules") || top().join(word).exists();
                    assert!(exists, "{}: there is no {word}", page.at(line));
                }
            }
        }
    }
    assert!(count > 10, "only {count} paths were found");
}

/// Names such as `CCKW_CLAUDE` in a text. Those of tests are their own business.
fn variables(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words
        .filter(|word| word.len() > 5 && word.starts_with("CCKW_") && !word.starts_with("CCKW_TEST_"))
        .map(str::to_owned)
        .collect()
}

/// The variables whose names are strings of the program. Those of the stand-in are given to three functions without the
/// beginning that all of them have.
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
