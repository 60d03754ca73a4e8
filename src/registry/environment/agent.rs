//! The link that leads to an agent.

use std::cell::RefCell;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::os::socket;
use crate::os::text::LosslessText;
use crate::paths;

/// The name of the link in the session's directory.
pub const AGENT_LINK_NAME: &str = "agent.sock";
/// What the link ends with where it is in a directory of several sessions.
const EXTENSION: &str = "ssh";

/// A symbolic link in the session's directory, which nobody else can enter.
#[derive(Debug)]
pub struct AgentLink {
    path: PathBuf,
    /// Where it was made to lead last.
    target: RefCell<Option<PathBuf>>,
}

/// The same as it is handed over to the program that goes on with it.
#[derive(Debug, Serialize, Deserialize)]
pub struct AgentLinkState {
    path: LosslessText,
    target: Option<LosslessText>,
}

impl AgentLink {
    pub fn hand_over(&self) -> AgentLinkState {
        AgentLinkState {
            path: self.path.as_path().into(),
            target: self.target.borrow().as_deref().map(LosslessText::from),
        }
    }

    pub fn take_over(state: AgentLinkState) -> Self {
        let path = |text: LosslessText| PathBuf::from(OsString::from(text));
        Self { path: path(state.path), target: RefCell::new(state.target.map(path)) }
    }

    /// The link of this session, in its directory. What a host that was killed has left of it is removed;
    /// `point_at` makes it.
    ///
    /// Other programs connect to it, so its path must fit into a socket's address. Where it does not, the
    /// link is in [`paths::short_dir`].
    pub fn new(directory: &Path, session: &Uuid) -> Self {
        let mut path = directory.join(AGENT_LINK_NAME);
        if !socket::fits(&path) {
            path = paths::short_dir().join(session.to_string()).with_extension(EXTENSION);
        }
        let _ = fs::remove_file(&path);
        Self { path, target: RefCell::default() }
    }

    /// What claude is told.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where it leads.
    pub fn target(&self) -> Option<PathBuf> {
        fs::read_link(&self.path).ok()
    }

    /// Makes it again where somebody has removed it.
    pub fn renew(&self) {
        let target = self.target.borrow().clone();
        if let Some(target) = target.filter(|_| fs::symlink_metadata(&self.path).is_err()) {
            // Without it claude has no agent, which is nothing to end for.
            let _ = self.point_at(&target);
        }
    }

    /// Lets it lead to `agent`, whole at every moment. Whether that is another one than before.
    ///
    /// A link of cckw's own (the terminal is inside another session) is not linked to but followed: it goes
    /// with its session, and two that lead to each other would lead nowhere.
    ///
    /// # Errors
    /// When the directory cannot be written.
    pub fn point_at(&self, agent: &Path) -> io::Result<bool> {
        let mut target = std::path::absolute(agent)?;
        if is_of_cckw(&target)
            && let Ok(further) = fs::read_link(&target)
        {
            target = further;
        }
        if target == self.path {
            return Ok(false);
        }
        self.target.replace(Some(target.clone()));
        if fs::read_link(&self.path).is_ok_and(|before| before == target) {
            return Ok(false);
        }
        let fresh = self.path.with_extension(format!("{EXTENSION}.{}.new", std::process::id()));
        if self.path.parent() == Some(&paths::short_dir()) {
            paths::make_private_there(&paths::short_dir()).map_err(io::Error::other)?;
        }
        let _ = fs::remove_file(&fresh);
        symlink(&target, &fresh)?;
        fs::rename(&fresh, &self.path).inspect_err(|_| drop(fs::remove_file(&fresh)))?;
        Ok(true)
    }
}

/// Whether this is the name of such a link, of whichever session: in a session's directory, or in one of
/// several sessions.
fn is_of_cckw(path: &Path) -> bool {
    let is_session =
        |name: Option<&OsStr>| name.and_then(OsStr::to_str).is_some_and(|name| Uuid::parse_str(name).is_ok());
    let directory = path.parent().and_then(Path::file_name);
    path.file_name() == Some(OsStr::new(AGENT_LINK_NAME)) && is_session(directory)
        || path.extension() == Some(OsStr::new(EXTENSION)) && is_session(path.file_stem())
}

impl Drop for AgentLink {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_leads_where_it_was_pointed_last_and_goes_in_the_end() {
        let scratch = tempfile::tempdir().expect("a directory");
        let link = AgentLink::new(scratch.path(), &Uuid::nil());
        assert!(link.point_at(Path::new("/a")).expect("links"));
        assert!(!link.point_at(Path::new("/a")).expect("links"), "no news");
        assert!(link.point_at(Path::new("/b")).expect("links"));
        assert_eq!(link.target(), Some("/b".into()));
        fs::remove_file(link.path()).expect("removes");
        link.renew();
        assert_eq!(link.target(), Some("/b".into()));
        assert_eq!(fs::read_dir(scratch.path()).expect("lists").count(), 1);
        drop(link);
        assert_eq!(fs::read_dir(scratch.path()).expect("lists").count(), 0);
    }

    #[test]
    fn one_that_is_left_over_is_replaced() {
        let scratch = tempfile::tempdir().expect("a directory");
        symlink("/old", scratch.path().join(AGENT_LINK_NAME)).expect("links");
        let link = AgentLink::new(scratch.path(), &Uuid::nil());
        assert_eq!(link.target(), None);
        assert!(link.point_at(Path::new("/old")).expect("links"));
    }

    #[test]
    fn links_of_sessions_inside_sessions_lead_to_no_circle() {
        let scratch = tempfile::tempdir().expect("a directory");
        let link = |session: Uuid| {
            let directory = scratch.path().join(session.to_string());
            fs::create_dir(&directory).expect("makes it");
            AgentLink::new(&directory, &session)
        };
        let (one, other) = (link(Uuid::nil()), link(Uuid::max()));
        one.point_at(Path::new("/agent")).expect("links");
        other.point_at(one.path()).expect("links");
        assert_eq!(other.target(), Some("/agent".into()));
        one.point_at(other.path()).expect("links");
        one.point_at(one.path()).expect("links");
        assert_eq!(one.target(), Some("/agent".into()));
    }
}
