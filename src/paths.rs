//! Where cckw keeps its files, and the checks on the directories that hold them.

use std::ffi::OsString;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::sys::socket::UnixAddr;
use nix::unistd::geteuid;
use uuid::Uuid;

use super::fault;
use crate::escape::escape;
use crate::os::account;
use crate::user_error::{UserError, files};

/// How often a directory is made that somebody else has removed or replaced in that moment.
const MAX_CREATE_TRIES: usize = 10;

/// An environment variable that must hold an absolute path to count, as the XDG base directory specification
/// says.
pub fn absolute(variable: &str) -> Option<PathBuf> {
    absolute_value(std::env::var_os(variable))
}

fn absolute_value(value: Option<OsString>) -> Option<PathBuf> {
    value.map(PathBuf::from).filter(|path| path.is_absolute())
}

/// The user's home: `$HOME`, else the one of the account.
pub fn home() -> Option<PathBuf> {
    absolute("HOME").or_else(account_home)
}

/// The home of the account: what the user database says, else `getent`.
pub fn account_home() -> Option<PathBuf> {
    account::home()
}

/// The directory for the sockets that cannot be in their session's directory, because its path is too long
/// for a socket's address or its file system holds no sockets: `/tmp/cckw-UID`, on macOS `~/.cckw`. It may not
/// exist yet. It is the same for all of a user's logins.
pub fn short_dir() -> PathBuf {
    let temporary = Path::new("/tmp").join(format!("cckw-{}", geteuid()));
    if cfg!(target_os = "macos") { short_dir_below(home(), temporary, has_room) } else { temporary }
}

/// A directory that nothing cleans, where a socket's path fits into an address; else the temporary one. macOS
/// removes from `/tmp` and from `TMPDIR` what was not used for three days.
fn short_dir_below(home: Option<PathBuf>, temporary: PathBuf, has_room: impl Fn(&Path) -> bool) -> PathBuf {
    home.map(|home| home.join(".cckw")).filter(|path| has_room(path)).unwrap_or(temporary)
}

/// The directory for sockets that are needed while this process runs: [`runtime_dir`], and on macOS
/// [`short_dir`], because a process may run for longer than its `TMPDIR` is left alone.
pub fn process_sockets_dir() -> PathBuf {
    if cfg!(target_os = "macos") { short_dir() } else { runtime_dir() }
}

/// Where earlier versions had the sockets: `$XDG_RUNTIME_DIR/cckw`, else `cckw-UID` in the temp directory:
/// `$TMPDIR`, else `/tmp`. Sessions that they have started are looked for there. It may not exist.
///
/// A runtime directory that the variable names and that is not there (in a container), or another user's
/// (after `su`), counts as unset: it has to be its user's own, as the specification says, and another one
/// could put what they like in the place of ours. So does a `TMPDIR` that is not there, or one with a name
/// too long for sockets, as build tools and macOS give it.
pub fn runtime_dir() -> PathBuf {
    let is_own = |path: &PathBuf| {
        fs::metadata(path).is_ok_and(|found| found.is_dir() && found.uid() == geteuid().as_raw())
    };
    if let Some(path) = absolute("XDG_RUNTIME_DIR").filter(is_own) {
        return path.join("cckw");
    }
    let own = format!("cckw-{}", geteuid());
    let temporary = absolute("TMPDIR")
        .filter(|path| path.is_dir())
        .map(|path| path.join(&own))
        .filter(|path| has_room(path));
    temporary.unwrap_or_else(|| Path::new("/tmp").join(&own))
}

/// Whether the name of a session's socket in this directory is short enough.
fn has_room(directory: &Path) -> bool {
    let socket = directory.join(format!("{}.sock", Uuid::nil()));
    UnixAddr::new(&socket).is_ok()
}

/// `$XDG_STATE_HOME/cckw`, else `~/.local/state/cckw`. It may not exist yet.
///
/// # Errors
/// When the user has no home directory.
pub fn state_dir() -> Result<PathBuf, UserError> {
    state_dir_of(std::env::var_os("XDG_STATE_HOME"), std::env::var_os("HOME")).ok_or_else(|| {
        files::unusable(
            Path::new("~/.local/state/cckw"),
            format!(
                "HOME is not set, and neither the user database nor getent knows a home of user {}",
                geteuid()
            ),
            "set HOME or XDG_STATE_HOME",
        )
    })
}

/// The same for a process with these two variables; nothing where it has no home.
pub fn state_dir_of(xdg_state_home: Option<OsString>, home: Option<OsString>) -> Option<PathBuf> {
    let own = absolute_value(xdg_state_home).map(|path| path.join("cckw"));
    own.or_else(|| Some(absolute_value(home).or_else(account_home)?.join(".local/state/cckw")))
}

/// What speaks against using `path` as a private directory; nothing when it is one or can be made one.
///
/// # Errors
/// When it is a link, not a directory, another user's, open to others, or in a directory where others can
/// replace it.
pub fn check_private(path: &Path) -> Result<(), UserError> {
    is_private(path).map(drop)
}

/// The same; whether there is one.
fn is_private(path: &Path) -> Result<bool, UserError> {
    let refuse = |reason: String, advice: &str| Err(files::unusable(path, reason, advice));
    // Not following links: in a temp directory that everybody can write, a link is somebody else's choice.
    let metadata = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return refuse(error.to_string(), "make it accessible"),
    };
    if metadata.is_symlink() {
        return refuse("is a symbolic link".into(), "remove it, cckw makes a directory in its place");
    }
    if !metadata.is_dir() {
        return refuse("is not a directory".into(), "remove it, cckw makes a directory in its place");
    }
    if metadata.uid() != geteuid().as_raw() {
        let reason = format!("belongs to user {}, not to you ({})", metadata.uid(), geteuid());
        return refuse(reason, "remove it, or set XDG_STATE_HOME to a directory of yours");
    }
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return refuse(format!("is open to others (mode {mode:04o})"), "run chmod 700 on it");
    }
    match path.parent().and_then(|above| Some((above, fs::metadata(above).ok()?.permissions().mode()))) {
        // Whoever writes there could put a directory of theirs in the place of this one.
        Some((above, mode)) if lets_others_rename(mode) => refuse(
            format!("stands in {}, which everybody can write (mode {:04o})", escape(above), mode & 0o7777),
            "run chmod o-w on that, or chmod +t where it is for temporary files",
        ),
        _ => Ok(true),
    }
}

/// Whether what is in a directory of this mode can be renamed and removed by anybody.
pub fn lets_others_rename(mode: u32) -> bool {
    mode & 0o002 != 0 && mode & 0o1000 == 0
}

/// Makes `path` a directory that only this user can enter, or checks that it is one.
///
/// # Errors
/// As `check_private`, or when it cannot be made.
pub fn make_private(path: &Path) -> Result<(), UserError> {
    if let Some(parent) = path.parent().filter(|parent| !parent.is_dir()) {
        // Only the last part is ours; what is missing above it is made as mkdir -p would, but closed to
        // others.
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(parent);
        made.map_err(|error| unusable(path, &error))?;
    }
    make_private_there(path)
}

/// As `make_private`, in a directory that must be there: a `/tmp` that is missing is not for us to make.
///
/// # Errors
/// As `make_private`.
pub fn make_private_there(path: &Path) -> Result<(), UserError> {
    for _ in 0..MAX_CREATE_TRIES {
        match fs::DirBuilder::new().mode(0o700).create(path) {
            // A umask can take away the owner's permissions too.
            Ok(()) => fs::set_permissions(path, fs::Permissions::from_mode(0o700))
                .map_err(|error| unusable(path, &error))?,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(unusable(path, &error)),
        }
        // What was in the way may be gone by now, of somebody who makes and removes it: then nothing is there
        // that is ours.
        if is_private(path)? {
            return Ok(());
        }
    }
    Err(unusable(path, &io::Error::other("something is made and removed in its place")))
}

/// A directory that is there and cannot be read.
pub fn unreadable(path: &Path, error: &io::Error) -> UserError {
    files::unusable(
        path,
        format!("cannot be read: {error}"),
        "make it a directory that you can read, or set XDG_STATE_HOME",
    )
}

fn unusable(path: &Path, error: &io::Error) -> UserError {
    files::unusable(path, format!("cannot be made: {error}"), advice_for(error))
}

/// What helps where something below the state directory cannot be written.
pub fn advice_for(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "make room there, or set XDG_STATE_HOME",
        io::ErrorKind::InvalidFilename => "set XDG_STATE_HOME to a directory with a shorter path",
        _ => "make it writable, or set XDG_STATE_HOME",
    }
}

/// Replaces a file by one with these contents, readable by this user only. A reader sees the old one or the
/// new one whole, and so does the user after a power cut: the contents are on the disk before the name is,
/// and the name is on the disk when this returns. It waits for the disk (`docs/reports/benchmarks.md` says
/// how long), so it is not for the path of bytes.
///
/// # Errors
/// When the directory cannot be written. The error names the file.
pub fn write_atomically(path: &Path, contents: &[u8]) -> io::Result<()> {
    write_and_identify(path, contents).map(drop)
}

/// The same. Gives the metadata of the file that was written, by which it can be told from one that somebody
/// puts in its place.
///
/// # Errors
/// As `write_atomically`.
pub fn write_and_identify(path: &Path, contents: &[u8]) -> io::Result<fs::Metadata> {
    replace(path, contents, true).map_err(|error| named(path, &error))
}

/// The same without waiting for the disk: after a power cut the file may be empty.
///
/// # Errors
/// As `write_atomically`.
pub fn write_unsynced(path: &Path, contents: &[u8]) -> io::Result<()> {
    replace(path, contents, false).map(drop).map_err(|error| named(path, &error))
}

fn replace(path: &Path, contents: &[u8], durable: bool) -> io::Result<fs::Metadata> {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let fresh = PathBuf::from(name);
    // A file of that name is left over from a process that had this pid.
    let _ = fs::remove_file(&fresh);
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh)?;
    let written = file
        .write_all(contents)
        .and_then(|()| if durable { file.sync_all() } else { Ok(()) })
        .inspect(|()| fault::point("record-written"))
        // Before the name is the right one: from then on somebody else may write to the file.
        .and_then(|()| file.metadata())
        .and_then(|metadata| fs::rename(&fresh, path).map(|()| metadata))
        .inspect(|_| fault::point("record-renamed"));
    if written.is_err() {
        let _ = fs::remove_file(&fresh);
    }
    let metadata = written?;
    if let Some(directory) = path.parent().filter(|_| durable) {
        sync_directory(directory)?;
    }
    Ok(metadata)
}

/// Waits until the names in a directory are on the disk.
///
/// # Errors
/// When the disk fails. A file system that cannot do this for a directory (EINVAL) has nothing to wait for.
pub fn sync_directory(directory: &Path) -> io::Result<()> {
    match fs::File::open(directory)?.sync_all() {
        Err(error) if error.raw_os_error() == Some(libc::EINVAL) => Ok(()),
        synced => synced,
    }
}

fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", escape(path)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scratch() -> tempfile::TempDir {
        tempfile::tempdir().expect("a directory")
    }

    #[test]
    fn a_relative_xdg_directory_counts_as_unset() {
        assert_eq!(absolute_value(Some("run".into())), None);
        assert_eq!(absolute_value(Some("".into())), None);
        assert_eq!(absolute_value(Some("/run".into())), Some("/run".into()));
    }

    /// As macOS has it: 103 bytes for the path of a socket.
    #[test]
    fn where_temporary_files_are_cleaned_sockets_are_in_the_home() {
        let has_room = |directory: &Path| directory.as_os_str().len() + "/UUID.sock".len() + 32 <= 103;
        let of =
            |home: Option<&str>| short_dir_below(home.map(PathBuf::from), "/tmp/cckw-501".into(), has_room);
        assert_eq!(of(Some("/Users/you")), Path::new("/Users/you/.cckw"));
        let longest = format!("/Users/{}", "x".repeat(48));
        assert_eq!(of(Some(&longest)), Path::new(&longest).join(".cckw"));
        // Nothing better is left.
        assert_eq!(of(Some(&format!("{longest}x"))), Path::new("/tmp/cckw-501"));
        assert_eq!(of(None), Path::new("/tmp/cckw-501"));
    }

    #[test]
    fn only_a_short_name_has_room_for_a_socket() {
        assert!(has_room(Path::new("/tmp/cckw-4294967295")));
        assert!(!has_room(&Path::new("/tmp").join("x".repeat(70))));
    }

    #[test]
    fn a_private_directory_is_made_with_its_parents() {
        let scratch = scratch();
        let path = scratch.path().join("a/b/cckw");
        make_private(&path).expect("makes it");
        make_private(&path).expect("accepts it");
        assert_eq!(fs::metadata(&path).expect("exists").permissions().mode() & 0o777, 0o700);
    }

    #[test]
    fn a_directory_that_others_can_enter_is_refused() {
        let scratch = scratch();
        let path = scratch.path().join("open");
        fs::create_dir(&path).expect("makes it");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("opens it");
        let said = make_private(&path).expect_err("refuses").to_string();
        assert!(said.contains("mode 0755") && said.contains("chmod 700"), "{said}");
    }

    #[test]
    fn a_link_is_never_followed() {
        let scratch = scratch();
        let (target, link) = (scratch.path().join("target"), scratch.path().join("link"));
        make_private(&target).expect("makes it");
        std::os::unix::fs::symlink(&target, &link).expect("links");
        assert!(make_private(&link).expect_err("refuses").to_string().contains("symbolic link"));
    }

    #[test]
    fn a_directory_that_others_can_replace_is_refused() {
        let scratch = scratch();
        let above = scratch.path().join("above");
        let path = above.join("cckw");
        make_private(&path).expect("makes it");
        for (mode, refused) in [(0o777, true), (0o703, true), (0o1777, false), (0o775, false), (0o700, false)]
        {
            fs::set_permissions(&above, fs::Permissions::from_mode(mode)).expect("a mode");
            let checked = make_private(&path).map_err(|error| error.to_string());
            assert_eq!(checked.is_err(), refused, "{mode:o}: {checked:?}");
            assert!(checked.err().is_none_or(|said| said.contains("which everybody can write")), "{mode:o}");
        }
    }

    #[test]
    fn a_file_in_the_way_is_named() {
        let scratch = scratch();
        let path = scratch.path().join("file");
        fs::write(&path, "").expect("writes");
        assert!(make_private(&path).expect_err("refuses").to_string().contains("not a directory"));
        assert!(make_private(&path.join("below")).is_err());
    }

    #[test]
    fn a_file_is_replaced_whole_and_private() {
        let scratch = scratch();
        let path = scratch.path().join("session.json");
        write_atomically(&path, b"one").expect("writes");
        write_atomically(&path, b"two").expect("writes");
        assert_eq!(fs::read(&path).expect("reads"), b"two");
        assert_eq!(fs::metadata(&path).expect("exists").permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(scratch.path()).expect("lists").count(), 1);
    }
}
