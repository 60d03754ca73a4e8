//! A page of the documentation, taken apart.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// One page.
pub struct Page {
    /// From the top of the repository.
    pub path: PathBuf,
    pub text: String,
}

pub fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The files below `folder` whose names end in `ending`, but for what is built or installed there.
pub fn files(folder: &str, ending: &str) -> Vec<PathBuf> {
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

pub fn pages() -> Vec<Page> {
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
    pub fn at(&self, line: usize) -> String {
        format!("{}:{}", self.path.display(), line + 1)
    }

    /// Its lines, and whether each is code: fenced (with anything but `text`) or indented by four.
    pub fn lines(&self) -> Vec<(usize, &str, bool)> {
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
    pub fn code(&self) -> Vec<(usize, &str)> {
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
    pub fn links(&self) -> Vec<(usize, &str)> {
        let mut found = Vec::new();
        for (number, line, is_code) in self.lines() {
            let links = line.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
            found.extend(links.filter(|_| !is_code).map(|(target, _)| (number, target)));
        }
        found
    }

    /// The anchors of its headings, as the web pages of repositories make them.
    pub fn anchors(&self) -> BTreeSet<String> {
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

/// The page of this path.
pub fn page(path: &str) -> Page {
    let found = pages().into_iter().find(|page| page.path == Path::new(path));
    found.unwrap_or_else(|| panic!("{path} is missing"))
}
