//! Which version of claude is installed where a session was started from, without running it.

use std::fs;
use std::path::Path;

use serde::Deserialize;

use crate::os::files::read_plain;

/// A package's description is small; what is larger is something else, in bytes.
const MAX_PACKAGE_BYTES: u64 = 64 * 1024;
/// How far above the program its package may begin: `bin/claude.exe` is one below.
const HIGHEST: usize = 3;

/// The newest version that all of cckw was tried with: the one that `tests/real-claude` pins.
pub const TRIED: &str = "2.1.332";

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
}

/// The version that `program` would be if it were started now, when its place tells: npm writes it into
/// `package.json` (seen with 2.1.329); claude's own installer names the program itself by it, behind a link
/// (not tried here).
pub fn version(program: &Path) -> Option<String> {
    let real = fs::canonicalize(program).ok()?;
    let name = real.file_name()?.to_str()?;
    if parse(name).is_some() {
        return Some(name.to_owned());
    }
    real.ancestors().skip(1).take(HIGHEST).find_map(|directory| {
        let path = directory.join("package.json");
        let package: Package = serde_json::from_slice(&read_plain(&path, MAX_PACKAGE_BYTES).ok()?).ok()?;
        (package.name == "@anthropic-ai/claude-code").then_some(package.version)
    })
}

/// Whether `version` is later than `than`; not where either is no version of three numbers.
pub fn is_newer(version: &str, than: &str) -> bool {
    matches!((parse(version), parse(than)), (Some(version), Some(than)) if version > than)
}

fn parse(version: &str) -> Option<[u64; 3]> {
    let mut numbers = version.split('.').map(|number| number.parse().ok());
    let parsed = [numbers.next()??, numbers.next()??, numbers.next()??];
    numbers.next().is_none().then_some(parsed)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn the_version_that_was_tried_is_the_one_that_is_pinned() {
        let pinned = fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/real-claude/package.json"));
        let pinned: serde_json::Value = serde_json::from_slice(&pinned.expect("a file")).expect("JSON");
        assert_eq!(pinned["dependencies"]["@anthropic-ai/claude-code"], TRIED);
    }

    #[test]
    fn versions_are_numbers() {
        assert!(is_newer("2.1.330", "2.1.329") && is_newer("2.10.0", "2.9.9") && is_newer("10.0.0", "9.9.9"));
        for (version, than) in [("2.1.329", "2.1.329"), ("2.1.9", "2.1.10"), ("", "1.0.0"), ("2.1", "1.0.0")]
        {
            assert!(!is_newer(version, than), "{version} > {than}");
        }
        assert_eq!((parse("1.2.3.4"), parse("1.2.x"), parse("-1.2.3")), (None, None, None));
    }

    #[test]
    fn both_installers_leave_a_trace() {
        let scratch = tempfile::tempdir().expect("a directory");
        let path = |below: &str| scratch.path().join(below);
        for folder in ["npm/bin", "native/versions", "bin"] {
            fs::create_dir_all(path(folder)).expect("a directory");
        }
        fs::write(path("npm/bin/claude.exe"), "").expect("a program");
        let link = path("bin/claude");
        symlink(path("npm/bin/claude.exe"), &link).expect("a link");
        assert_eq!(version(&link), None);
        fs::write(path("npm/package.json"), r#"{"name":"other","version":"9.9.9"}"#).expect("a package");
        assert_eq!(version(&link), None);
        fs::write(
            path("npm/package.json"),
            r#"{"name":"@anthropic-ai/claude-code","version":"2.1.330","x":1}"#,
        )
        .expect("a package");
        assert_eq!(version(&link).as_deref(), Some("2.1.330"));
        fs::remove_file(&link).expect("removes");
        fs::write(path("native/versions/2.1.331"), "").expect("a program");
        symlink(path("native/versions/2.1.331"), &link).expect("a link");
        assert_eq!(version(&link).as_deref(), Some("2.1.331"));
        assert_eq!(version(&path("gone")), None);
    }
}
