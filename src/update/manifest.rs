//! What a release is: a manifest with its version, and for each kind of machine a program with its size and
//! its hash. The signature is over the manifest, and so covers the hashes.

use std::collections::BTreeMap;
use std::fmt;

use semver::Version;
use serde::{Deserialize, Serialize};

use crate::config::is_address;

/// The version of the format that this program reads and writes.
pub const MANIFEST_VERSION: u32 = 1;

/// The largest manifest that is read, in bytes.
pub const MAX_MANIFEST_BYTES: u64 = 256 << 10;

/// The largest program that is downloaded, in bytes.
pub const MAX_PROGRAM_BYTES: u64 = 256 << 20;

/// What is added to the address of a manifest for the address of its signature.
pub const SIGNATURE_SUFFIX: &str = ".minisig";

/// A release. Fields that a later version adds are ignored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Of the format; another one is not read.
    pub version: u32,
    /// The version of cckw.
    pub release: Version,
    /// The programs, by the target that Rust compiled them for.
    pub targets: BTreeMap<String, Artefact>,
}

/// The program for one kind of machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Artefact {
    /// Where it is: an address, or a name relative to the manifest's folder.
    pub url: String,
    /// Its size in bytes.
    pub size: u64,
    /// Its SHA-256, in small hexadecimal digits.
    pub sha256: String,
}

/// Why a manifest cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unusable {
    /// It is not JSON of the right form; why.
    Malformed(String),
    /// The format is of another version.
    Format(u32),
    /// It has no program for this machine; the targets that were looked for.
    NoProgram(Vec<String>),
    /// What it says of the program cannot be true; why.
    Artefact(String),
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(why) => write!(f, "it is no manifest: {why}"),
            Self::Format(version) => {
                write!(f, "its format has version {version}, and this cckw knows {MANIFEST_VERSION}")
            }
            Self::NoProgram(targets) => {
                write!(f, "it has no program for this machine ({})", targets.join(" or "))
            }
            Self::Artefact(why) => write!(f, "what it says of the program cannot be: {why}"),
        }
    }
}

impl Manifest {
    /// Reads a manifest whose signature was verified.
    ///
    /// # Errors
    /// When it is no manifest of this format.
    pub fn parse(bytes: &[u8]) -> Result<Self, Unusable> {
        /// A later format may have changed everything else.
        #[derive(Deserialize)]
        struct Format {
            version: u32,
        }
        let malformed = |error: serde_json::Error| Unusable::Malformed(error.to_string());
        let format: Format = serde_json::from_slice(bytes).map_err(malformed)?;
        if format.version != MANIFEST_VERSION {
            return Err(Unusable::Format(format.version));
        }
        serde_json::from_slice(bytes).map_err(malformed)
    }

    /// The program for the first of these targets that there is one for.
    ///
    /// # Errors
    /// When there is none, or what is said of it cannot be true.
    pub fn artefact_for(&self, targets: &[String]) -> Result<&Artefact, Unusable> {
        let found = targets.iter().find_map(|target| self.targets.get(target));
        let artefact = found.ok_or_else(|| Unusable::NoProgram(targets.to_vec()))?;
        artefact.check().map_err(Unusable::Artefact)?;
        Ok(artefact)
    }
}

impl Artefact {
    fn check(&self) -> Result<(), String> {
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if self.sha256.len() != 64 || !self.sha256.bytes().all(is_digit) {
            return Err("its hash is not 64 small hexadecimal digits".into());
        }
        match self.size {
            0 => Err("its size is 0".into()),
            1..=MAX_PROGRAM_BYTES => Ok(()),
            _ => Err(format!("it is larger than {} MiB", MAX_PROGRAM_BYTES >> 20)),
        }
    }
}

/// The targets whose programs run here, the best one first: a static program for musl runs on any Linux.
pub fn own_targets() -> Vec<String> {
    let architecture = std::env::consts::ARCH;
    if cfg!(target_os = "macos") {
        return vec![format!("{architecture}-apple-darwin")];
    }
    let musl = format!("{architecture}-unknown-linux-musl");
    if cfg!(target_env = "musl") {
        vec![musl]
    } else {
        vec![format!("{architecture}-unknown-linux-gnu"), musl]
    }
}

/// The address that `name` in the manifest at `base` stands for. Nothing where it leads out of what was
/// configured: to http, from an https address to a file, or above the manifest's folder.
pub fn resolve(base: &str, name: &str) -> Option<String> {
    if name.contains("://") {
        let is_allowed = is_address(name) && (name.starts_with("https://") || base.starts_with("file://"));
        return is_allowed.then(|| name.to_owned());
    }
    let is_name = |part: &str| !matches!(part, "" | "." | "..");
    let is_below = name.split('/').all(is_name)
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/._-+".contains(&byte));
    let folder = base.split(['?', '#']).next().and_then(|base| base.rsplit_once('/'));
    folder.filter(|_| is_below).map(|(folder, _)| format!("{folder}/{name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn artefact() -> Artefact {
        Artefact { url: "cckw".into(), size: 7, sha256: "0f".repeat(32) }
    }

    fn manifest() -> Manifest {
        let targets = BTreeMap::from([("x86_64-unknown-linux-musl".to_owned(), artefact())]);
        Manifest { version: 1, release: Version::new(1, 2, 3), targets }
    }

    #[test]
    fn a_manifest_is_read_as_it_was_written_and_later_fields_are_ignored() {
        let text = serde_json::to_string(&manifest()).expect("JSON");
        assert_eq!(Manifest::parse(text.as_bytes()), Ok(manifest()));
        let later = text.replacen('{', "{\"notes\":{\"a\":[1]},", 1);
        assert_eq!(Manifest::parse(later.as_bytes()), Ok(manifest()));
    }

    #[test]
    fn another_format_is_told_from_what_is_malformed() {
        assert_eq!(Manifest::parse(b"{\"version\":2,\"x\":1}"), Err(Unusable::Format(2)));
        for text in ["", "[]", "{\"version\":1}", "{\"version\":1,\"release\":\"one\",\"targets\":{}}"] {
            assert!(matches!(Manifest::parse(text.as_bytes()), Err(Unusable::Malformed(_))), "{text}");
        }
    }

    #[test]
    fn the_first_target_that_is_there_is_taken() {
        let wanted = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let both = wanted(&["x86_64-unknown-linux-gnu", "x86_64-unknown-linux-musl"]);
        assert_eq!(manifest().artefact_for(&both), Ok(&artefact()));
        let other = wanted(&["riscv64gc-unknown-linux-gnu"]);
        assert_eq!(manifest().artefact_for(&other), Err(Unusable::NoProgram(other)));
        assert!(!own_targets().is_empty());
    }

    #[test]
    fn what_cannot_be_true_is_refused() {
        for (size, sha256) in [
            (0, "0f".repeat(32)),
            (MAX_PROGRAM_BYTES + 1, "0f".repeat(32)),
            (7, "0F".repeat(32)),
            (7, "0f".repeat(31)),
            (7, "g0".repeat(32)),
        ] {
            assert!(Artefact { size, sha256, ..artefact() }.check().is_err());
        }
        assert_eq!(artefact().check(), Ok(()));
    }

    #[test]
    fn a_name_stays_in_the_manifest_s_folder_and_an_address_is_https() {
        let base = "https://example.org/cckw/manifest.json?x=a/b";
        assert_eq!(resolve(base, "v1/cckw-x86_64"), Some("https://example.org/cckw/v1/cckw-x86_64".into()));
        assert_eq!(resolve(base, "https://other.org/a"), Some("https://other.org/a".into()));
        for name in
            ["", "/a", "../a", "a/../b", "a//b", "//h/a", "a?b", "http://h/a", "file:///a", "a b", "%2e%2e/a"]
        {
            assert_eq!(resolve(base, name), None, "{name}");
        }
        let file = "file:///srv/m.json";
        assert_eq!(resolve(file, "a"), Some("file:///srv/a".into()));
        assert_eq!(resolve(file, "file:///b"), Some("file:///b".into()));
    }
}
