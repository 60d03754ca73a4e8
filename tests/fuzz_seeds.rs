//! What the fuzz targets begin with, and what they once found, through the same properties:
//! `docs/reports/fuzzing.md`.

#[path = "fuzz/made.rs"]
mod made;
#[path = "fuzz/properties/mod.rs"]
mod properties;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn entries(folder: &str) -> Vec<PathBuf> {
    let folder = top().join(folder);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut entries: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    entries.sort();
    entries
}

fn stem(path: &Path) -> String {
    path.file_stem().expect("a name").to_string_lossy().into_owned()
}

/// Holds a target's property against its seeds; where it fails, the output ends with the seed's name.
fn replay(target: &str) {
    let (_, check) = properties::TARGETS.iter().find(|(name, _)| *name == target).expect("a target");
    let seeds = entries(&format!("tests/fuzz/seeds/{target}"));
    assert!(seeds.len() >= 5, "{target} has {} seeds", seeds.len());
    for seed in seeds {
        println!("{}", seed.display());
        check(&fs::read(&seed).expect("a seed"));
    }
}

macro_rules! replayed {
    ($($target:ident)*) => {
        $(#[test]
        fn $target() {
            replay(stringify!($target));
        })*
        const REPLAYED: &[&str] = &[$(stringify!($target)),*];
    };
}

replayed!(answers arguments config control keys modes repaint screen state_file transcript work);

#[test]
fn every_target_has_a_property_a_program_and_seeds() {
    let names: BTreeSet<String> = REPLAYED.iter().map(ToString::to_string).collect();
    let properties = properties::TARGETS.iter().map(|(name, _)| name.to_string()).collect();
    let set = |folder: &str| entries(folder).iter().map(|path| stem(path)).collect::<BTreeSet<String>>();
    for (what, found) in [
        ("properties", properties),
        ("programs", set("fuzz/targets")),
        ("seeds", set("tests/fuzz/seeds")),
        ("dictionaries", set("fuzz/dictionaries")),
    ] {
        assert_eq!(found, names, "{what}");
    }
}

#[test]
fn seeds_are_those_that_are_made_and_those_that_were_found() {
    let mut made: BTreeMap<PathBuf, Vec<u8>> = made::seeds(top())
        .into_iter()
        .map(|(target, name, bytes)| (top().join("tests/fuzz/seeds").join(target).join(name), bytes))
        .collect();
    for target in REPLAYED {
        for seed in entries(&format!("tests/fuzz/seeds/{target}")) {
            let found = stem(&seed).starts_with("found-");
            let bytes = fs::read(&seed).expect("a seed");
            assert!(found || made.remove(&seed) == Some(bytes), "{} is not what is made", seed.display());
        }
    }
    assert!(made.is_empty(), "not written: {:?}", made.keys());
}

#[test]
fn the_targets_are_built_from_what_cckw_is_built_from() {
    let read = |file: &str| -> toml::Table {
        fs::read_to_string(top().join(file)).expect("a file").parse().expect("TOML")
    };
    // A package may be there in several versions.
    let versions = |lock: &toml::Table| -> BTreeMap<String, BTreeSet<String>> {
        let mut versions = BTreeMap::<String, BTreeSet<String>>::new();
        for package in lock["package"].as_array().expect("packages") {
            let text = |key: &str| package[key].as_str().expect("text").to_owned();
            versions.entry(text("name")).or_default().insert(text("version"));
        }
        versions
    };
    let (our_lock, their_lock) = (read("Cargo.lock"), read("fuzz/Cargo.lock"));
    let (ours, theirs) = (versions(&our_lock), versions(&their_lock));
    for (name, theirs) in &theirs {
        let same = ours.get(name).is_none_or(|ours| theirs.is_subset(ours));
        assert!(same, "{name}: bring fuzz/Cargo.lock to the version in Cargo.lock");
    }
    let manifest = read("Cargo.toml");
    let wanted: BTreeSet<&str> =
        manifest["dependencies"].as_table().expect("a table").keys().map(String::as_str).collect();
    let packages = their_lock["package"].as_array().expect("packages");
    let cckw = packages.iter().find(|package| package["name"].as_str() == Some("cckw")).expect("cckw");
    // A package of several versions is named with its version.
    let name =
        |entry: &toml::Value| entry.as_str().and_then(|entry| entry.split(' ').next()).map(str::to_owned);
    let locked: BTreeSet<String> =
        cckw["dependencies"].as_array().expect("names").iter().filter_map(name).collect();
    let wanted: BTreeSet<String> = wanted.into_iter().map(str::to_owned).collect();
    assert_eq!(locked, wanted, "run `cargo update --workspace` in fuzz/");
    assert!(theirs.contains_key("libfuzzer-sys"));
}
