//! Installing the service, taking that back, and how it stands.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::definition::{Definition, Unfit};
use super::run::moment;
use super::service_manager::{InPlace, ServiceManager, in_place};
use crate::os::logout::lingers_here;
use crate::paths;
use crate::registry::service_state;
use crate::registry::service_state::ServiceState;
use crate::user_error::UserError;
use crate::user_error::service as error;

/// How long the service may take to begin, and to end.
const BEGIN_TIMEOUT: Duration = Duration::from_secs(10);
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// The variables that say where cckw has its files.
const PLACES: [&str; 2] = ["XDG_STATE_HOME", "XDG_CONFIG_HOME"];

/// What was installed.
pub struct Installed {
    pub path: PathBuf,
    /// Whether the service is started at boot; nothing where there is no such question.
    pub lingers: Option<bool>,
    /// Whether sessions went down before, which stay as they are.
    pub left: bool,
}

/// How the service stands.
#[derive(Debug, Serialize)]
pub struct Status {
    pub running: bool,
    pub pid: Option<i32>,
    /// Since when it runs, in seconds since 1970.
    pub since: Option<u64>,
    /// The version of cckw that runs.
    pub version: Option<String>,
    /// Whether another program stands at its path by now; nothing where that is not known, or no program does.
    pub outdated: Option<bool>,
    /// Why the service does not go on as that one.
    pub not_taken: Option<String>,
    /// The file that was installed.
    pub installed: Option<PathBuf>,
    /// Whether it is started by itself; nothing where that is not known.
    pub enabled: Option<bool>,
    /// Whether that is at boot, and not at the first login; nothing where that is no question.
    pub lingering: Option<bool>,
}

/// This program's service.
///
/// # Errors
/// When the program's path, or that of a directory, cannot stand in a file of systemd's or launchd's.
pub fn definition() -> Result<Definition, UserError> {
    let program = program().map_err(error::no_program)?;
    let set = PLACES.into_iter().filter_map(|name| Some((name, paths::absolute(name)?)));
    Definition::new(program, set).map_err(|Unfit(path)| error::unfit(&path))
}

/// This program by the path that `PATH` has for it, which an update keeps; else by its own.
fn program() -> std::io::Result<PathBuf> {
    let own = std::env::current_exe()?.canonicalize()?;
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path).map(|directory| directory.join("cckw"));
    let same = |found: &PathBuf| found.is_absolute() && found.canonicalize().is_ok_and(|found| found == own);
    Ok(on_path.into_iter().find(same).unwrap_or(own))
}

/// Installs the service, and starts it.
///
/// # Errors
/// When something else has its name, nobody could start it, or it does not begin. Then nothing is left of it
/// that was not there before.
pub fn install() -> Result<Installed, UserError> {
    let manager = ServiceManager::here();
    let definition = definition()?;
    let path = manager.path().ok_or_else(error::no_home)?;
    let before = in_place(&path);
    if before == InPlace::Foreign {
        return Err(error::foreign(&path));
    }
    manager.answers().map_err(|why| error::nobody_starts_it(manager.name(), why))?;
    let state = paths::state_dir()?;
    paths::make_private(&state)?;
    if service_state::is_running(&state) && !manager.is_active() {
        return Err(error::runs_already(ServiceState::read(&state).map(|last| last.pid)));
    }
    let moment = moment();
    let left = moment.boot_before.is_some();
    if ServiceState::read(&state).is_none() {
        // What went down before is not brought back behind its user's back.
        let written = ServiceState::at_install(&moment).write(&state);
        written.map_err(|why| error::cannot_write(&state, why))?;
    }
    let text = manager.text(&definition);
    let is_new = before != InPlace::Ours(text.clone());
    if is_new {
        write(&path, &text)?;
    }
    let begun = manager.begin(&path, is_new).map_err(|why| error::not_begun(manager.name(), why));
    let begun = begun.and_then(|()| {
        if wait_until(|| service_state::is_running(&state)) { Ok(()) } else { Err(error::does_not_come_up()) }
    });
    if let Err(why) = begun {
        match before {
            InPlace::Ours(text) => drop(write(&path, &text)),
            _ => take_away(manager, &path),
        }
        return Err(why);
    }
    let lingers = (manager == ServiceManager::Systemd).then(lingers_here);
    Ok(Installed { path, lingers, left })
}

/// Ends the service, and removes what was installed. The file that it was; nothing where there was none.
///
/// # Errors
/// When something else has its name, or it cannot be removed.
pub fn uninstall() -> Result<Option<PathBuf>, UserError> {
    let manager = ServiceManager::here();
    let path = manager.path().ok_or_else(error::no_home)?;
    let state = paths::state_dir()?;
    match in_place(&path) {
        InPlace::Nothing => return Ok(None),
        InPlace::Foreign => return Err(error::foreign(&path)),
        InPlace::Ours(_) => {}
    }
    if manager.answers().is_ok() {
        manager.end().map_err(|why| error::not_ended(manager.name(), why))?;
    }
    take_away(manager, &path);
    if path.exists() {
        return Err(error::cannot_write(&path, "it cannot be removed"));
    }
    if wait_until(|| !service_state::is_running(&state)) {
        service_state::forget(&state);
    }
    Ok(Some(path))
}

/// How the service stands.
///
/// # Errors
/// When there is no state directory.
pub fn status() -> Result<Status, UserError> {
    let manager = ServiceManager::here();
    let state = paths::state_dir()?;
    let running = service_state::is_running(&state);
    let known = ServiceState::read(&state).filter(|known| running && known.lives());
    let installed = manager.path().filter(|path| matches!(in_place(path), InPlace::Ours(_)));
    Ok(Status {
        running,
        pid: known.as_ref().map(|known| known.pid),
        since: known.as_ref().map(|known| known.since),
        outdated: known
            .as_ref()
            .and_then(|known| known.program.as_ref()?.replacement().ok())
            .map(|other| other.is_some()),
        not_taken: known.as_ref().and_then(|known| known.not_taken.clone()),
        version: known.map(|known| known.cckw),
        enabled: installed.as_ref().and_then(|_| manager.is_enabled()),
        lingering: (manager == ServiceManager::Systemd).then(lingers_here),
        installed,
    })
}

fn write(path: &Path, text: &str) -> Result<(), UserError> {
    let made = path.parent().map_or(Ok(()), fs::create_dir_all);
    let written = made.and_then(|()| paths::write_atomically(path, text.as_bytes()));
    written.map_err(|why| error::cannot_write(path, why))
}

/// Removes our file, and what `systemctl enable` has made of it, also where no user manager answers.
fn take_away(manager: ServiceManager, path: &Path) {
    let _ = manager.end();
    let wanted = path.with_file_name("default.target.wants").join(path.file_name().unwrap_or_default());
    if manager == ServiceManager::Systemd
        && fs::symlink_metadata(&wanted).is_ok_and(|found| found.is_symlink())
    {
        let _ = fs::remove_file(&wanted);
    }
    let _ = fs::remove_file(path);
    if let Some(directory) = path.parent() {
        let _ = paths::sync_directory(directory);
    }
    manager.forget();
}

fn wait_until(condition: impl Fn() -> bool) -> bool {
    let until = Instant::now() + BEGIN_TIMEOUT;
    loop {
        if condition() {
            return true;
        }
        if Instant::now() >= until {
            return false;
        }
        sleep(POLL_INTERVAL);
    }
}
