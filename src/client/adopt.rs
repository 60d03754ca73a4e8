//! A claude that somebody else has started becomes a session of cckw: as a copy, or in its place.

use std::ffi::OsString;
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use super::launch::HostLaunch;
use super::{new, run};
use crate::claude::args;
use crate::claude::by_hand::ClaudeByHand;
use crate::config;
use crate::host::job_stop::JobStop;
use crate::os::{descriptors, process};
use crate::paths;
use crate::registry::environment::Variables;
use crate::registry::environment::revival;
use crate::registry::environment::revival::By;
use crate::registry::names;
use crate::user_error::{UserError, adopt, new as of_start, shortage};

/// How long a claude may take to end after SIGTERM. Seen: a tenth of a second.
const END_TIMEOUT: Duration = Duration::from_secs(10);
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// A launch of a session in the place of this claude, with these arguments: in its directory, with its
/// environment and the name that its user has given it. This process is in that directory from then on.
///
/// # Errors
/// When its directory is gone, or there is no claude to start.
pub fn launch(claude: &ClaudeByHand, args: &[OsString]) -> Result<HostLaunch, UserError> {
    if let Some(cwd) = &claude.file.cwd {
        std::env::set_current_dir(cwd).map_err(|error| of_start::no_directory(cwd, error))?;
    }
    let (found, _) = run::claude()?;
    descriptors::check_room(run::ROOM).map_err(shortage::system)?;
    let mut launch = HostLaunch::fresh(found.program, args, &args::parse(args));
    launch.name = claude.file.user_name().and_then(names::tidy).or(launch.name);
    launch.environment = environment(claude);
    new::complete(&mut launch.environment, true);
    Ok(launch)
}

/// The environment of that claude. Where it cannot be read, that of this process; also for a background job,
/// which has that of claude's daemon, with variables that make a background job of it (seen with 2.1.332).
fn environment(claude: &ClaudeByHand) -> Variables {
    let caller = revival::current();
    let rules = config::load().unwrap_or_default().environment;
    let own = process::environment(claude.process.pid).filter(|_| claude.file.job_id.is_none());
    let mut environment = match own {
        Some(own) => revival::compose(own.into_iter().collect(), &caller, By::Command, &rules),
        None => caller,
    };
    if let Ok(state) = paths::state_dir() {
        revival::lead_to(&mut environment, &state);
    }
    if let Some(directory) = claude.claude_dir()
        && !directory.ends_with(".claude")
    {
        environment.set("CLAUDE_CONFIG_DIR", directory);
    }
    environment
}

/// Starts the session.
///
/// # Errors
/// What the host says, or what keeps it from being started.
pub fn start(launch: &HostLaunch) -> Result<(), UserError> {
    launch.detached(new::FIRST_SIZE)
}

/// Ends this claude as it ends by itself, by SIGTERM, and waits until it has. A background job is ended by
/// `claude stop`.
///
/// # Errors
/// When it does not end. It is never killed.
pub fn end(claude: &ClaudeByHand, launch: &HostLaunch) -> Result<(), UserError> {
    let process = &claude.process;
    let does_not_end = || adopt::does_not_end(process.pid.as_raw());
    if let Some(job) = &claude.file.job_id {
        return if JobStop::begin(&launch.program, job).wait() { Ok(()) } else { Err(does_not_end()) };
    }
    process.send(Signal::SIGTERM);
    process.go_on_if_stopped();
    let until = Instant::now() + END_TIMEOUT;
    while process.lives() {
        if Instant::now() >= until {
            return Err(does_not_end());
        }
        sleep(POLL_INTERVAL);
    }
    Ok(())
}
