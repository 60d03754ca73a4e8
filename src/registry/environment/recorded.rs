//! The environment of a session on disk: the file `environment` in its directory.
//!
//! A claude that is brought back gets what the session was started with, whoever brings it back: a cron job,
//! a status bar and another login have other variables, and with another `CLAUDE_CONFIG_DIR` the conversation
//! is not found. The file holds secrets (keys), so it is closed to others and never printed. The variables
//! that the configuration lists in `never_record` are not in it.
//!
//! Its form: a line with the version, then each variable as `FILE_NAME=VALUE` and a zero byte, which no
//! variable can hold. So nothing is lost: not the order, no name that stands there twice, no value that is no
//! text.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use super::Variables;
use crate::config;
use crate::escape::escape;
use crate::os::files;
use crate::paths;

/// The name of the file in the session's directory.
pub const FILE_NAME: &str = "environment";
const FILE_HEADER: &[u8] = b"cckw environment 1\n";
const HEAD_OF_ANY: &[u8] = b"cckw environment ";

/// The most that is read, in bytes. Linux gives a program at most 6 MiB of arguments and environment.
const MAX_ENVIRONMENT_BYTES: u64 = 32 << 20;

/// Writes down what of these variables may be written down.
///
/// # Errors
/// When the directory cannot be written.
pub fn write(directory: &Path, variables: &Variables, rules: &config::EnvironmentPolicy) -> io::Result<()> {
    paths::write_atomically(&directory.join(FILE_NAME), &encode(&kept(variables, rules)))
}

/// The same without waiting for the disk, before claude is started; [`sync`] does that later.
///
/// # Errors
/// When the directory cannot be written.
pub fn write_unsynced(
    directory: &Path,
    variables: &Variables,
    rules: &config::EnvironmentPolicy,
) -> io::Result<()> {
    paths::write_unsynced(&directory.join(FILE_NAME), &encode(&kept(variables, rules)))
}

/// Waits until what was written is on the disk.
///
/// # Errors
/// When the disk fails.
pub fn sync(directory: &Path) -> io::Result<()> {
    std::fs::File::open(directory.join(FILE_NAME))?.sync_all()?;
    paths::sync_directory(directory)
}

/// What of an environment may be written down.
fn kept(variables: &Variables, rules: &config::EnvironmentPolicy) -> Variables {
    let mut kept = variables.clone();
    kept.retain(|name, _| !rules.is_never_recorded(name));
    kept
}

/// Whether a session has one.
pub fn is_there(directory: &Path) -> bool {
    std::fs::symlink_metadata(directory.join(FILE_NAME)).is_ok()
}

/// Reads it; nothing where a session has none, because an earlier version of cckw started it.
///
/// # Errors
/// When it cannot be read, or is not understood. The error names the file.
pub fn read(directory: &Path) -> io::Result<Option<Variables>> {
    let path = directory.join(FILE_NAME);
    let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", escape(&path)));
    match files::read_plain(&path, MAX_ENVIRONMENT_BYTES) {
        Ok(contents) => decode(&contents).map(Some).map_err(|reason| named(io::Error::other(reason))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(named(error)),
    }
}

fn encode(variables: &Variables) -> Vec<u8> {
    let mut contents = FILE_HEADER.to_vec();
    for (name, value) in variables.iter() {
        for part in [name.as_bytes(), b"=", value.as_bytes(), b"\0"] {
            contents.extend_from_slice(part);
        }
    }
    contents
}

fn decode(contents: &[u8]) -> Result<Variables, &'static str> {
    let Some(list) = contents.strip_prefix(FILE_HEADER) else {
        return Err(if contents.starts_with(HEAD_OF_ANY) {
            "it was written by a newer cckw"
        } else {
            "it does not hold an environment"
        });
    };
    if list.is_empty() {
        return Ok(Variables::default());
    }
    let list = list.strip_suffix(b"\0").ok_or("its end is missing")?;
    list.split(|byte| *byte == 0).map(|entry| variable(entry).ok_or("an entry has no name")).collect()
}

fn variable(entry: &[u8]) -> Option<(OsString, OsString)> {
    // As the standard library reads an environment: a `=` at the beginning belongs to the name.
    let at = 1 + entry.get(1..)?.iter().position(|byte| *byte == b'=')?;
    Some((OsStr::from_bytes(&entry[..at]).to_owned(), OsString::from_vec(entry[at + 1..].to_vec())))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use proptest::prelude::*;

    use super::*;

    fn variables(list: &[(&[u8], &[u8])]) -> Variables {
        let owned = |bytes: &[u8]| OsString::from_vec(bytes.to_vec());
        list.iter().map(|(name, value)| (owned(name), owned(value))).collect()
    }

    #[test]
    fn nothing_is_lost_on_disk() {
        let scratch = tempfile::tempdir().expect("a directory");
        assert_eq!(read(scratch.path()).expect("reads"), None);
        let large = vec![b'x'; 2 << 20];
        let some = variables(&[
            (b"B", b"\xff\xfe"),
            (b"A", b"two\nlines=3"),
            (b"EMPTY", b""),
            (b"A", b"again"),
            (b"\xff", b"no text"),
            (b"LARGE", &large),
        ]);
        let rules = config::EnvironmentPolicy { never_record: vec!["SECRET*".into()] };
        let mut with_secret = some.clone();
        with_secret.set("SECRET_KEY", "x");
        write(scratch.path(), &with_secret, &rules).expect("writes");
        assert_eq!(read(scratch.path()).expect("reads"), Some(some));
        let mode = fs::metadata(scratch.path().join(FILE_NAME)).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn what_is_not_understood_is_an_error_in_words() {
        let scratch = tempfile::tempdir().expect("a directory");
        for (contents, said) in [
            (&b"cckw environment 2\nA=1\0"[..], "a newer cckw"),
            (b"", "does not hold an environment"),
            (b"cckw environment 1\nA=1", "its end is missing"),
            (b"cckw environment 1\nA\0", "no name"),
            (b"cckw environment 1\n\0", "no name"),
        ] {
            fs::write(scratch.path().join(FILE_NAME), contents).expect("writes");
            let error = read(scratch.path()).expect_err("refuses").to_string();
            assert!(error.contains(said) && error.contains("environment: "), "{error}");
        }
    }

    proptest! {
        #[test]
        fn any_environment_comes_back(
            list in prop::collection::vec(("[^=\0]{1,8}", prop::collection::vec(1u8.., 0..20)), 0..8)
        ) {
            let list: Variables = list.into_iter().map(|(name, value)| (name.into(), OsString::from_vec(value))).collect();
            prop_assert_eq!(decode(&encode(&list)), Ok(list));
        }

        #[test]
        fn no_contents_are_a_panic(contents in prop::collection::vec(any::<u8>(), 0..60)) {
            let _ = decode(&contents);
            let _ = decode(&[FILE_HEADER, &contents].concat());
        }
    }
}
