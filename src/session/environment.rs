//! The environment of a claude that outlives the login it was started from.
//!
//! `SSH_AUTH_SOCK` dies with its login. So claude gets the name of a link, which every terminal that attaches points at its own
//! login's agent. At a later launch, what names an agent or a terminal that is gone is left out. Nothing else is touched.

mod agent;
mod gone;

use std::ffi::OsString;
use std::path::Path;

use uuid::Uuid;

use crate::config::SshAgent;
use agent::Link;

/// The variable that names the agent.
pub const AGENT: &str = "SSH_AUTH_SOCK";

/// What is set (or, with nothing, removed) for claude, beyond the environment of this process.
pub type Changes = Vec<(&'static str, Option<OsString>)>;

/// A variable that is left out, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gone {
    /// Its name.
    pub name: &'static str,
    /// What of it is gone, for the log.
    pub why: String,
}

/// The environment of one session's claude. Its link is removed when this is dropped.
pub struct Environment {
    how: SshAgent,
    link: Option<Link>,
}

impl Environment {
    /// With a link in `runtime` where this process has an agent to follow. One that cannot be made is done without: then claude gets
    /// the agent's own name, as without cckw.
    pub fn new(runtime: &Path, session: &Uuid, how: SshAgent) -> Self {
        let link = Link::new(runtime, session);
        let agent = std::env::var_os(AGENT).filter(|agent| how == SshAgent::Follow && !agent.is_empty());
        let link = agent.and_then(|agent| link.point_at(Path::new(&agent)).is_ok().then_some(link));
        Self { how, link }
    }

    /// For the first launch.
    pub fn changes(&self) -> Changes {
        self.link.iter().map(|link| (AGENT, Some(link.path().into()))).collect()
    }

    /// For a later launch: without what is gone by now.
    pub fn later(&self) -> (Changes, Vec<Gone>) {
        let mut changes = self.changes();
        let value = |name: &str| {
            let linked = self.link.as_ref().filter(|_| name == AGENT).map(|link| link.path().into());
            linked.or_else(|| std::env::var_os(name)).filter(|value| !value.is_empty())
        };
        let agents = self.how == SshAgent::Follow;
        let gone: Vec<Gone> =
            gone::gone(value).into_iter().filter(|gone| agents || !gone::is_agent(gone.name)).collect();
        for Gone { name, .. } in &gone {
            changes.retain(|(changed, _)| changed != name);
            changes.push((name, None));
        }
        (changes, gone)
    }

    /// Points the link at the agent of a login that attaches. Whether that is another one than before.
    pub fn follow(&self, agent: &Path) -> bool {
        self.link.as_ref().is_some_and(|link| link.point_at(agent).unwrap_or(false))
    }
}
