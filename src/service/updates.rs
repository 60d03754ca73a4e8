//! New versions of cckw, looked for once a day if `auto` in `[update]` asks for it. A process of its own does
//! that, so a server that says nothing holds up no session.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use uuid::Uuid;

use super::journal::say;
use crate::config;
use crate::fault;
use crate::os::own_program::own_program;
use crate::paths;
use crate::registry::record::now;
use crate::update::auto;
use crate::update::marker::Marker;
use crate::update::scheduler::{Event, Scheduler};

/// When it is looked for, and the process that does.
pub struct Updates {
    scheduler: Scheduler,
    look: Option<Child>,
}

impl Updates {
    /// As it is configured now.
    pub fn new() -> Self {
        let auto = config::load().unwrap_or_default().update.auto;
        let checked_at = paths::state_dir().ok().and_then(|state| Marker::read(&state).checked_at);
        // For tests, as if the service had been there for two days.
        let since = if fault::is_set("update-soon") { now() - 2 * 24 * 60 * 60 } else { now() };
        Self { scheduler: Scheduler::new(auto, since, checked_at, random()), look: None }
    }

    /// How long there is nothing to do; nothing where there never is.
    pub fn wait(&self) -> Option<Duration> {
        self.scheduler.wait(now())
    }

    /// Starts the look if it is time.
    pub fn look_if_due(&mut self) {
        // Without a deadline nothing was configured, and nothing is read.
        if self.wait() != Some(Duration::ZERO) {
            return;
        }
        let auto = config::load().unwrap_or_default().update.auto;
        self.scheduler.handle(now(), random(), Event::Configured(auto));
        if !self.scheduler.handle(now(), random(), Event::Woken) || self.look.is_some() {
            return;
        }
        let started = own_program().and_then(|program| {
            Command::new(program).arg(auto::VERB).current_dir("/").stdin(Stdio::null()).spawn()
        });
        match started {
            Ok(child) => self.look = Some(child),
            Err(error) => say(&format!("a new version cannot be looked for: {error}")),
        }
    }

    /// Whether nothing is looked for or installed now.
    pub fn is_quiet(&self) -> bool {
        self.look.is_none()
    }

    /// A child has ended, perhaps this one.
    pub fn take_note(&mut self) {
        self.look.take_if(|child| !matches!(child.try_wait(), Ok(None)));
    }
}

fn random() -> u64 {
    Uuid::new_v4().as_u64_pair().0
}
