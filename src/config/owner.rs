//! Whether the configuration is the user's own: it names the program that is run.

use std::fs::{self, Metadata};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use crate::escape::escape;
use crate::paths::lets_others_rename;

/// Whether `user` may be led by the file at `path`, of which this is known: nobody but they and root can
/// write it, or put another one in its place. Links are followed, for they are how a configuration is kept
/// elsewhere.
///
/// Root is led by the file of any user: in a container it may well have another one's home, and whoever
/// becomes root there has chosen to keep it. The group may write too: with a umask of 002 it always may, and
/// holds its user alone.
///
/// # Errors
/// The reason, and what to do.
pub fn check(path: &Path, metadata: &Metadata, user: u32) -> Result<(), (String, &'static str)> {
    if metadata.permissions().mode() & 0o002 != 0 {
        return Err(("everybody can write it".into(), "look through it, then run chmod o-w on it"));
    }
    if !leads(metadata.uid(), user) {
        let reason = format!("belongs to user {}, neither to you ({user}) nor to root", metadata.uid());
        return Err((reason, "look through it, then make a copy of your own of it"));
    }
    let above = path.parent().unwrap_or(Path::new("/"));
    match fs::metadata(above) {
        Ok(found) if lets_others_rename(found.permissions().mode()) => {
            let reason = format!("stands in {}, which everybody can write", escape(above));
            Err((reason, "look through it, then run chmod o-w on that directory"))
        }
        _ => Ok(()),
    }
}

fn leads(owner: u32, user: u32) -> bool {
    user == 0 || owner == user || owner == 0
}

#[cfg(test)]
mod tests {
    use nix::unistd::geteuid;

    use super::*;

    #[test]
    fn what_others_can_write_is_not_followed() {
        let scratch = tempfile::tempdir().expect("a directory");
        let (above, path) = (scratch.path().join("cckw"), scratch.path().join("cckw/config.toml"));
        fs::create_dir(&above).expect("a directory");
        fs::write(&path, "").expect("a file");
        let checked = |file: u32, directory: u32| {
            fs::set_permissions(&path, fs::Permissions::from_mode(file)).expect("a mode");
            fs::set_permissions(&above, fs::Permissions::from_mode(directory)).expect("a mode");
            let metadata = fs::metadata(&path).expect("is there");
            check(&path, &metadata, geteuid().as_raw()).map_err(|(reason, _)| reason)
        };
        for (file, directory) in [(0o600, 0o700), (0o644, 0o755), (0o664, 0o775), (0o644, 0o1777)] {
            assert_eq!(checked(file, directory), Ok(()), "{file:o} in {directory:o}");
        }
        assert!(checked(0o646, 0o755).is_err_and(|reason| reason == "everybody can write it"));
        assert!(checked(0o644, 0o777).is_err_and(|reason| reason.contains("stands in")));
    }

    #[test]
    fn another_user_s_is_not_followed() {
        assert!(leads(1000, 1000) && leads(0, 1000) && leads(1000, 0) && leads(0, 0));
        assert!(!leads(1001, 1000) && !leads(65534, 1000));
    }
}
