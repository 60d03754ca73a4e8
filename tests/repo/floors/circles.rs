//! Files, and folders, of one folder that use each other in a circle.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// A module's path below the crate: `["host", "claude", "child"]`.
type Module = Vec<String>;

/// The sources: the text of each module, without comments and without its own tests.
pub struct Sources(BTreeMap<Module, String>);

impl Sources {
    /// These files, each by its path below `src/`.
    pub fn new<'a>(files: impl IntoIterator<Item = (&'a Path, String)>) -> Self {
        Self(files.into_iter().map(|(path, text)| (module(path), code(&text))).collect())
    }

    /// The circles: `FOLDER: MEMBERS`, the members in alphabetical order.
    pub fn circles(&self) -> BTreeSet<String> {
        let exports = self.exports();
        let mut uses: BTreeMap<&[String], BTreeMap<&str, BTreeSet<&str>>> = BTreeMap::new();
        for (module, text) in &self.0 {
            for used in paths(text).iter().filter_map(|path| self.resolve(module, path, &exports)) {
                let shared = module.iter().zip(used).take_while(|(own, other)| own == other).count();
                let (Some(own), Some(other)) = (module.get(shared), used.get(shared)) else {
                    // One is the folder of the other.
                    continue;
                };
                uses.entry(&module[..shared]).or_default().entry(own).or_default().insert(other);
            }
        }
        let mut circles = BTreeSet::new();
        for (folder, uses) in &uses {
            let folder = folder.join("/");
            circles.extend(groups(uses).iter().map(|members| format!("{folder}: {}", members.join(", "))));
        }
        circles
    }

    /// What a module hands on of its children: the child behind each name.
    fn exports(&self) -> BTreeMap<(&Module, String), &Module> {
        let mut exports = BTreeMap::new();
        for (module, text) in &self.0 {
            for statement in text.split("pub").skip(1) {
                let statement = statement.trim_start();
                let visible = statement.strip_prefix('(').and_then(|rest| rest.split_once(')'));
                let statement = visible.map_or(statement, |(_, rest)| rest.trim_start());
                let Some(rest) = statement.strip_prefix("use ") else { continue };
                for path in flat(rest.split(';').next().unwrap_or_default()) {
                    let mut segments = path.iter().filter(|segment| *segment != "self");
                    let child: Module = module.iter().chain(segments.next()).cloned().collect();
                    if let (Some((child, _)), Some(name)) = (self.0.get_key_value(&child), path.last()) {
                        exports.insert((module, name.clone()), child);
                    }
                }
            }
        }
        exports
    }

    /// The module that a path in this one leads to, if it is another one of the crate.
    fn resolve(
        &self,
        module: &Module,
        path: &[String],
        exports: &BTreeMap<(&Module, String), &Module>,
    ) -> Option<&Module> {
        let ups = path.iter().take_while(|segment| *segment == "super").count();
        let (base, rest) = match path.first()?.as_str() {
            "crate" => (&module[..0], &path[1..]),
            "self" => (&module[..], &path[1..]),
            "super" => (&module[..module.len().checked_sub(ups)?], &path[ups..]),
            _ => (&module[..], path),
        };
        let mut found = base.to_vec();
        for segment in rest {
            let mut below = found.clone();
            below.push(segment.clone());
            if self.0.contains_key(&below) {
                found = below;
                continue;
            }
            if let Some(child) = exports.get(&(&found, segment.clone())) {
                found = child.to_vec();
            }
            break;
        }
        self.0.get_key_value(&found).map(|(found, _)| found).filter(|found| *found != module)
    }
}

fn module(path: &Path) -> Module {
    let path = path.with_extension("");
    let mut names: Module = path.iter().map(|name| name.to_string_lossy().into_owned()).collect();
    names.pop_if(|last| last == "mod");
    names
}

/// The text without comments, and without the tests at its end: these may use whatever they test.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    text.lines().map(|line| format!("{}\n", line.split("//").next().unwrap_or_default())).collect()
}

/// The paths that a text names, in `use` statements and elsewhere.
fn paths(text: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("use ") {
        found.extend(inline(before));
        let is_statement = before.is_empty() || before.ends_with(|c: char| c.is_whitespace());
        let (statement, behind) = after.split_once(';').unwrap_or((after, ""));
        if is_statement {
            found.extend(flat(statement));
            rest = behind;
        } else {
            rest = after;
        }
    }
    found.extend(inline(rest));
    found
}

/// The paths of more than one part in what is no `use` statement.
fn inline(text: &str) -> Vec<Vec<String>> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    let words = text.split(|c: char| !is_part(c)).filter(|word| word.contains("::"));
    words.map(|word| word.split("::").map(str::to_owned).collect()).collect()
}

/// The paths of a `use` statement: `a::{b, c::d as e}` are `a::b` and `a::c::d`.
fn flat(tree: &str) -> Vec<Vec<String>> {
    let Some((stem, list)) = tree.split_once('{') else {
        let path = tree.split(" as ").next().unwrap_or_default();
        return vec![path.split("::").map(|segment| segment.trim().to_owned()).collect()];
    };
    let list = list.rsplit_once('}').map_or(list, |(list, _)| list);
    let (mut depth, mut branches) = (0, vec![String::new()]);
    for c in list.chars() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        match branches.last_mut() {
            Some(last) if c != ',' || depth > 0 => last.push(c),
            _ => branches.push(String::new()),
        }
    }
    let branches = branches.iter().map(|branch| branch.trim()).filter(|branch| !branch.is_empty());
    branches.flat_map(|branch| flat(&format!("{stem}{branch}"))).collect()
}

/// Those that lead to each other, in groups.
fn groups<'a>(uses: &BTreeMap<&'a str, BTreeSet<&'a str>>) -> BTreeSet<Vec<&'a str>> {
    let reached: BTreeMap<&str, BTreeSet<&str>> =
        uses.keys().map(|from| (*from, reachable(uses, from))).collect();
    let mutual = |one: &str, other: &str| {
        reached.get(one).is_some_and(|reached| reached.contains(other))
            && reached.get(other).is_some_and(|reached| reached.contains(one))
    };
    let group =
        |one: &&'a str| uses.keys().copied().filter(|other| mutual(one, other)).collect::<Vec<&'a str>>();
    uses.keys().map(group).filter(|group| !group.is_empty()).collect()
}

fn reachable<'a>(uses: &BTreeMap<&'a str, BTreeSet<&'a str>>, from: &str) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::new();
    let mut left: Vec<&str> = uses.get(from).into_iter().flatten().copied().collect();
    while let Some(next) = left.pop() {
        if found.insert(next) {
            left.extend(uses.get(next).into_iter().flatten());
        }
    }
    found
}

#[test]
fn a_circle_is_seen_however_it_is_written() {
    let sources = |files: &[(&str, &str)]| {
        Sources::new(files.iter().map(|(path, text)| (Path::new(*path), (*text).to_owned()))).circles()
    };
    let circle = BTreeSet::from(["a: x, y".to_owned()]);
    for back in [
        "use super::x::X;",
        "use crate::a::{w::W, x::{X}};",
        "fn f() { crate::a::x::f() }",
        "use super::X;",
        "pub(super) use super::x as other;",
    ] {
        let files = [
            ("a/mod.rs", "mod x; mod y; mod z; pub use x::X;"),
            ("a/x.rs", "use super::y;"),
            ("a/y.rs", back),
            ("a/z.rs", "use super::y; use super::super::b;"),
            ("b.rs", "// use crate::a::z;\n#[cfg(test)]\nmod tests { use crate::a::z; }"),
        ];
        assert_eq!(sources(&files), circle, "{back}");
    }
    let through_a_third = [
        ("a/x.rs", "use super::y::deep;"),
        ("a/y/deep.rs", "use super::super::z;"),
        ("a/z.rs", "use super::x;"),
        ("a/y.rs", ""),
    ];
    assert_eq!(sources(&through_a_third), BTreeSet::from(["a: x, y, z".to_owned()]));
    let none = [("a/mod.rs", "use x::X;"), ("a/x.rs", "use super::Y;"), ("a/y.rs", "use super::x::X;")];
    assert_eq!(sources(&none), BTreeSet::new());
}
