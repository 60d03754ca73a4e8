//! The link that leads to an agent.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use uuid::Uuid;

/// A symbolic link in cckw's runtime directory, which nobody else can enter.
#[derive(Debug)]
pub struct Link {
    path: PathBuf,
}

impl Link {
    /// The link of this session. What a host that was killed has left of it is removed; `point_at` makes it.
    ///
    /// Its name is shorter than that of the session's socket: programs connect to it, so it must fit into a socket's address too.
    pub fn new(runtime: &Path, session: &Uuid) -> Self {
        let path = runtime.join(format!("{session}.ssh"));
        let _ = fs::remove_file(&path);
        Self { path }
    }

    /// What claude is told.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Lets it lead to `agent`, whole at every moment. Whether that is another one than before.
    ///
    /// A link of cckw's own (the terminal is inside another session) is not linked to but followed: it goes with its session, and
    /// two that lead to each other would lead nowhere.
    ///
    /// # Errors
    /// When the directory cannot be written.
    pub fn point_at(&self, agent: &Path) -> io::Result<bool> {
        let mut target = std::path::absolute(agent)?;
        if target.parent() == self.path.parent()
            && let Ok(further) = fs::read_link(&target)
        {
            target = further;
        }
        if target == self.path || fs::read_link(&self.path).is_ok_and(|before| before == target) {
            return Ok(false);
        }
        let fresh = self.path.with_extension(format!("ssh.{}.new", std::process::id()));
        let _ = fs::remove_file(&fresh);
        symlink(&target, &fresh)?;
        fs::rename(&fresh, &self.path).inspect_err(|_| drop(fs::remove_file(&fresh)))?;
        Ok(true)
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(link: &Link) -> Option<PathBuf> {
        fs::read_link(link.path()).ok()
    }

    #[test]
    fn it_leads_where_it_was_pointed_last_and_goes_in_the_end() {
        let scratch = tempfile::tempdir().expect("a directory");
        let link = Link::new(scratch.path(), &Uuid::nil());
        assert!(link.point_at(Path::new("/a")).expect("links"));
        assert!(!link.point_at(Path::new("/a")).expect("links"), "no news");
        assert!(link.point_at(Path::new("/b")).expect("links"));
        assert_eq!(target(&link), Some("/b".into()));
        assert_eq!(fs::read_dir(scratch.path()).expect("lists").count(), 1);
        drop(link);
        assert_eq!(fs::read_dir(scratch.path()).expect("lists").count(), 0);
    }

    #[test]
    fn one_that_is_left_over_is_replaced() {
        let scratch = tempfile::tempdir().expect("a directory");
        symlink("/old", scratch.path().join(format!("{}.ssh", Uuid::nil()))).expect("links");
        let link = Link::new(scratch.path(), &Uuid::nil());
        assert_eq!(target(&link), None);
        assert!(link.point_at(Path::new("/old")).expect("links"));
    }

    #[test]
    fn links_of_sessions_inside_sessions_lead_to_no_circle() {
        let scratch = tempfile::tempdir().expect("a directory");
        let (one, other) = (Link::new(scratch.path(), &Uuid::nil()), Link::new(scratch.path(), &Uuid::max()));
        one.point_at(Path::new("/agent")).expect("links");
        other.point_at(one.path()).expect("links");
        assert_eq!(target(&other), Some("/agent".into()));
        one.point_at(other.path()).expect("links");
        one.point_at(one.path()).expect("links");
        assert_eq!(target(&one), Some("/agent".into()));
    }
}
