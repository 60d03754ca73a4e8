//! The folders of `src/` stand on floors, and no file uses a floor above its own; inside a folder the files
//! make no circles.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

mod circles;

use circles::Sources;

/// From the lowest to the highest. What stands in one line is one floor: its parts do not use each other.
const FLOORS: [&[&str]; 17] = [
    &["fault"],
    &["near_side"],
    &["escape"],
    &["user_error"],
    &["os"],
    &["paths"],
    &["config"],
    &["vt"],
    &["claude"],
    &["protocol"],
    &["registry"],
    &["typing"],
    &["remote", "sending", "update"],
    &["host", "fake_claude"],
    &["client"],
    &["service"],
    &["machines"],
];

/// Above all floors: it puts them together.
const TOP: &str = "cli";

/// The circles that are there all the same, and why.
const KNOWN_CIRCLES: [(&str, &str); 3] = [
    (
        "host: claude, start, timers",
        "a timer acts on the claude that has set it, and a relaunch drops variables in the same way as the first launch of a host",
    ),
    (
        "host/claude: lifecycle, supervisor",
        "the supervisor owns the lifecycle, which holds what it has decided",
    ),
    (
        "remote/reconnector: events, evidence",
        "the events hold what is seen; the evidence turns events into that",
    ),
];

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

/// The folder of `src/`, or the file right in it, that a file belongs to.
fn part(src: &Path, file: &Path) -> String {
    let below = file.strip_prefix(src).expect("below src");
    let first = below.components().next().expect("a name").as_os_str().to_string_lossy();
    first.trim_end_matches(".rs").to_owned()
}

/// The parts that are used, and in which line: `crate::PART`, comments and strings aside.
fn uses(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let code = line.split("//").next().unwrap_or_default();
        for rest in code.split("crate::").skip(1) {
            let name: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            found.push((number + 1, name));
        }
    }
    found
}

#[test]
fn no_file_uses_a_floor_above_its_own() {
    let floors: BTreeMap<&str, usize> =
        FLOORS.iter().enumerate().flat_map(|(at, parts)| parts.iter().map(move |part| (*part, at))).collect();
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (mut wrong, mut checked) = (Vec::new(), 0);
    for file in files(&src) {
        let own = part(&src, &file);
        if matches!(own.as_str(), "lib" | "main") {
            continue;
        }
        let height = floors.get(own.as_str()).copied().unwrap_or(FLOORS.len());
        assert!(own == TOP || height < FLOORS.len(), "src/{own} stands on no floor: add it to this test");
        for (line, used) in uses(&fs::read_to_string(&file).expect("a source")) {
            let Some(other) = floors.get(used.as_str()).copied().or((used == TOP).then_some(FLOORS.len()))
            else {
                // A name of a macro's, or of the crate's root.
                continue;
            };
            checked += 1;
            let is_sideways = other == height && used != own;
            if other > height || is_sideways {
                let below = file.strip_prefix(&src).expect("below src").display();
                wrong.push(format!("src/{below}:{line} uses {used}, which is not below {own}"));
            }
        }
    }
    assert!(checked > 500, "only {checked} uses were found");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn an_arrow_that_points_up_is_seen() {
    let text = "use crate::host::Host; // crate::cli\nlet x = crate::os::tty::Size { .. };\n";
    assert_eq!(uses(text), [(1, "host".to_owned()), (2, "os".to_owned())]);
}

#[test]
fn files_of_a_folder_make_no_circles() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let files = files(&src);
    let read = |file: &PathBuf| fs::read_to_string(file).expect("a source");
    let found =
        Sources::new(files.iter().map(|file| (file.strip_prefix(&src).expect("below src"), read(file))))
            .circles();
    let known: BTreeSet<String> = KNOWN_CIRCLES.iter().map(|(circle, _)| (*circle).to_owned()).collect();
    let new: Vec<_> = found.difference(&known).collect();
    let gone: Vec<_> = known.difference(&found).collect();
    assert!(new.is_empty(), "these use each other: {new:#?}");
    assert!(gone.is_empty(), "these are mended, and are to be taken off the list: {gone:#?}");
}
