//! The environment of a session: recorded at its start, and given to every claude that it starts.
//!
//! `SSH_AUTH_SOCK` dies with its login. So claude gets the name of a link, which every terminal that attaches
//! points at its own login's agent. At a later launch, what names an agent or a terminal that is gone is left
//! out. Nothing else is touched.

mod agent;
mod gone;
pub mod login;
pub mod recorded;
pub mod revival;
mod variables;

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::event_log::EventLog;
use super::log_event::LogEvent;
use crate::config;
use crate::config::{Config, SshAgent};
use crate::os::text::LosslessText;
use agent::{AgentLink, AgentLinkState};

/// The name of the link to the agent, in the session's directory.
pub use agent::AGENT_LINK_NAME as AGENT_LINK;
pub use variables::Variables;

/// The variable that names the agent.
pub const AGENT: &str = "SSH_AUTH_SOCK";

/// A variable that is left out, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gone {
    pub name: &'static str,
    /// What of it is gone, for the log.
    pub why: String,
}

/// The environment of one session's claude. Its link is removed when this is dropped.
pub struct Environment {
    how: SshAgent,
    link: Option<AgentLink>,
    /// That of this process, with what logins have brought that attached.
    variables: Variables,
    rules: config::EnvironmentPolicy,
}

/// The same as it is handed over to the program that goes on with it.
#[derive(Debug, Serialize, Deserialize)]
pub struct EnvironmentState {
    variables: Vec<(LosslessText, LosslessText)>,
    #[serde(default)]
    link: Option<AgentLinkState>,
}

impl Environment {
    /// All that is needed to go on.
    pub fn hand_over(&self) -> EnvironmentState {
        EnvironmentState {
            variables: self.variables.iter().map(|(name, value)| (name.into(), value.into())).collect(),
            link: self.link.as_ref().map(AgentLink::hand_over),
        }
    }

    /// Goes on with what another program has handed over.
    pub fn take_over(state: EnvironmentState, config: &Config) -> Self {
        let text = |text: LosslessText| OsString::from(text);
        Self {
            how: config.ssh_agent,
            link: state.link.map(AgentLink::take_over),
            variables: state.variables.into_iter().map(|(name, value)| (text(name), text(value))).collect(),
            rules: config.environment.clone(),
        }
    }

    /// With a link in the session's directory where this process has an agent to follow. One that cannot be
    /// made is done without: then claude gets the agent's own name, as without cckw.
    pub fn new(directory: &Path, session: &Uuid, config: &Config) -> Self {
        let how = config.ssh_agent;
        let link = AgentLink::new(directory, session);
        let variables = revival::current();
        let agent = variables.get(AGENT).filter(|agent| how == SshAgent::Follow && !agent.is_empty());
        let link = agent.and_then(|agent| link.point_at(Path::new(agent)).is_ok().then_some(link));
        Self { how, link, variables, rules: config.environment.clone() }
    }

    /// Writes it down as the session's: with the agent's own name, and not that of the link. The journal is
    /// to make it durable, with [`recorded::sync`].
    ///
    /// # Errors
    /// When the directory cannot be written.
    pub fn record(&self, directory: &Path) -> io::Result<()> {
        recorded::write_unsynced(directory, &self.variables, &self.rules)
    }

    /// The same for the journal, where the session has one on disk already: one of an earlier version has
    /// none, and gets none by this.
    pub fn record_again(&self, directory: &Path) -> impl FnOnce() + Send + 'static {
        let (variables, rules, directory) =
            (self.variables.clone(), self.rules.clone(), directory.to_owned());
        move || {
            if recorded::read(&directory).is_ok_and(|recorded| recorded.is_none()) {
                return;
            }
            if let Err(error) = recorded::write(&directory, &variables, &rules) {
                let event = LogEvent::EnvironmentNotRecorded { error: error.to_string() };
                EventLog::in_directory(&directory).write(event);
            }
        }
    }

    /// For the first launch.
    pub fn first(&self) -> Variables {
        let mut variables = self.variables.clone();
        if let Some(link) = &self.link {
            variables.set(AGENT, link.path());
        }
        variables
    }

    /// For a later launch: without what is gone by now.
    pub fn later(&self) -> (Variables, Vec<Gone>) {
        let mut variables = self.first();
        let value = |name: &str| variables.get(name).filter(|value| !value.is_empty()).map(OsStr::to_owned);
        let agents = self.how == SshAgent::Follow;
        let gone: Vec<Gone> =
            gone::gone(value).into_iter().filter(|gone| agents || !gone::is_agent(gone.name)).collect();
        for Gone { name, .. } in &gone {
            variables.remove(name);
        }
        (variables, gone)
    }

    /// Takes what a login has brought that attaches, for the launches to come. Whether that changes anything.
    pub fn take<'a>(&mut self, brought: impl IntoIterator<Item = (&'a str, Option<&'a OsStr>)>) -> bool {
        let (keeps_agent, has_link) = (self.how == SshAgent::Keep, self.link.is_some());
        let brought = brought.into_iter().filter(|(name, _)| !keeps_agent || !gone::is_agent(name));
        // With a link it is for `follow` to say which agent that leads to.
        let brought = brought.filter(|(name, _)| !has_link || *name != AGENT);
        login::bring(&mut self.variables, brought)
    }

    /// Makes the link again where somebody has removed it.
    pub fn renew_link(&self) {
        if let Some(link) = &self.link {
            link.renew();
        }
    }

    /// Points the link at the agent of a login that attaches. Whether that is another one than before.
    pub fn follow(&mut self, agent: &Path) -> bool {
        let Some(link) = &self.link else { return false };
        if !link.point_at(agent).unwrap_or(false) {
            return false;
        }
        // The agent of a terminal inside another session is the link of that one, which goes with it.
        let target = link.target().map_or_else(|| agent.into(), OsString::from);
        self.variables.set(AGENT, target);
        true
    }
}
