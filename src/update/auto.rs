//! What is done without being asked. The service starts a process of its own for it, so that a server that says
//! nothing holds up no session.

use std::ffi::OsString;

use semver::Version;

use super::guard::is_wanted;
use super::marker::Marker;
use super::run::{apply, check_ours, look, own_version};
use crate::config::{AutoUpdate, UpdateConfig};
use crate::paths;
use crate::registry::event_log::now;
use crate::registry::{NAME_LOCK_TIMEOUT, OpenLock};
use crate::user_error::UserError;

/// The verb of the process that does it.
pub const VERB: &str = "update-by-itself";

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Looked {
    /// There is nothing to do.
    Nothing,
    /// This version is there, and is not installed: nobody has asked for that, or it did not work here.
    Available(Version),
    /// This version was installed.
    Installed(Version),
}

/// Looks for a new version, and installs it if the configuration says so.
///
/// # Errors
/// Why nothing was found out, or nothing was installed.
pub fn run(config: &UpdateConfig, called: &OsString) -> Result<Looked, UserError> {
    if config.auto == AutoUpdate::Off {
        return Ok(Looked::Nothing);
    }
    // First of all, so that a look that fails is not tried again today.
    remember(|marker| marker.checked_at = Some(now()))?;
    let offer = look(config, &mut |_| {})?;
    let is_newer = offer.release > offer.installed;
    remember(|marker| marker.available = is_newer.then(|| offer.release.clone()))?;
    if !is_newer {
        return Ok(Looked::Nothing);
    }
    let not_kept = Marker::read(&paths::state_dir()?).not_kept;
    if config.auto == AutoUpdate::Check || !is_wanted(&offer.release, &own_version(), &not_kept) {
        return Ok(Looked::Available(offer.release));
    }
    let place = check_ours(called)?;
    Ok(match apply(&place, config, &mut |_| {})? {
        Ok(exchanged) => Looked::Installed(exchanged.to),
        Err(_) => Looked::Nothing,
    })
}

fn remember(change: impl FnOnce(&mut Marker)) -> Result<(), UserError> {
    let state = paths::state_dir()?;
    paths::make_private(&state)?;
    let _lock = OpenLock::take(&state, NAME_LOCK_TIMEOUT);
    let mut marker = Marker::read(&state);
    change(&mut marker);
    marker.write(&state).map_err(|why| super::run::not_written(&state, why))
}

/// A newer version that was seen without being asked, and is not installed.
pub fn available() -> Option<Version> {
    let marker = Marker::read(&paths::state_dir().ok()?);
    marker.available.filter(|release| *release > own_version())
}
