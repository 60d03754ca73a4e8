//! The steps of an update, in their order.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Instant;

use semver::Version;

use super::download::{Download, DownloadError};
use super::guard::{Event, Guard};
use super::install::Place;
use super::managed::manager_of;
use super::manifest::{Artefact, MAX_MANIFEST_BYTES, Manifest, SIGNATURE_SUFFIX, own_targets, resolve};
use super::marker::{Marker, Swap, lock};
use super::pace::Pace;
use super::signature::{MAX_SIGNATURE_BYTES, verify};
use super::source::Source;
use super::{candidate, hash};
use crate::config::UpdateConfig;
use crate::paths;
use crate::registry::event_log::now_ms;
use crate::user_error::UserError;
use crate::user_error::update as error;

/// What is being done, for somebody who waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The manifest and its signature are read.
    Manifest,
    /// So much of the program is there.
    Download {
        /// In bytes.
        got: u64,
        /// All of it, in bytes.
        size: u64,
    },
    /// The program is tried.
    Trial,
    /// It is put in the place of the installed one.
    Install,
}

/// What there is, and what is installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// The version of this program.
    pub installed: Version,
    /// The version that is offered.
    pub release: Version,
    pub(super) address: String,
    pub(super) artefact: Artefact,
}

/// What was exchanged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchanged {
    /// The program's place.
    pub program: PathBuf,
    /// What was installed.
    pub from: Version,
    /// What is now.
    pub to: Version,
}

/// The version of this program.
pub fn own_version() -> Version {
    // It is one: cargo reads it before it compiles this.
    Version::parse(env!("CARGO_PKG_VERSION")).unwrap_or(Version::new(0, 0, 0))
}

/// Whether something else looks after this program.
///
/// # Errors
/// Then it says what updates it.
pub fn check_ours(called: &OsString) -> Result<Place, UserError> {
    let program = own_program()?;
    match manager_of(&program, called) {
        Some(manager) => Err(error::managed(&program, &manager.name, &manager.command)),
        None => Place::of(&program).ok_or_else(|| error::no_program("it has no directory")),
    }
}

fn own_program() -> Result<PathBuf, UserError> {
    let path = std::env::current_exe().map_err(error::no_program)?;
    // So Linux names a program in whose place another one was put since it was started.
    let name = path.file_name().and_then(|name| name.to_str());
    let path = match name.and_then(|name| name.strip_suffix(" (deleted)")) {
        Some(name) if cfg!(target_os = "linux") => path.with_file_name(name),
        _ => path,
    };
    path.canonicalize().map_err(error::no_program)
}

/// What is offered.
///
/// # Errors
/// When that cannot be found out, or it is older than this program.
pub fn look(config: &UpdateConfig, say: &mut dyn FnMut(Step)) -> Result<Offer, UserError> {
    look_with(&Source::new(), config, own_version(), say)
}

fn look_with(
    source: &Source,
    config: &UpdateConfig,
    installed: Version,
    say: &mut dyn FnMut(Step),
) -> Result<Offer, UserError> {
    let (url, manifest) = read_manifest(source, config, say)?;
    let offer = offered(url, manifest, installed, &own_targets())?;
    if offer.release < offer.installed {
        return Err(error::older(url, &offer.release, &offer.installed));
    }
    Ok(offer)
}

/// The manifest that the configuration leads to, and its address. Its signature is good.
pub(super) fn read_manifest<'a>(
    source: &Source,
    config: &'a UpdateConfig,
    say: &mut dyn FnMut(Step),
) -> Result<(&'a str, Manifest), UserError> {
    let (Some(url), Some(key)) = (&config.url, &config.public_key) else {
        let missing = if config.url.is_none() { "url" } else { "public_key" };
        return Err(error::not_configured(missing, crate::config::config_file().as_deref()));
    };
    say(Step::Manifest);
    let mut pace = Pace::new(Instant::now());
    let mut goes_on = || pace.has_moved(Instant::now(), 0);
    let bytes =
        source.read(url, MAX_MANIFEST_BYTES, &mut goes_on).map_err(|why| error::unreadable(url, why))?;
    let signed_by = signature_address(url);
    let signature = source
        .read(&signed_by, MAX_SIGNATURE_BYTES, &mut goes_on)
        .map_err(|why| error::unreadable(&signed_by, why))?;
    verify(&bytes, &signature, key).map_err(|why| error::bad_signature(url, why.words()))?;
    Ok((url, Manifest::parse(&bytes).map_err(|why| error::bad_manifest(url, why))?))
}

/// What a manifest at this address offers for one of these targets.
pub(super) fn offered(
    url: &str,
    manifest: Manifest,
    installed: Version,
    targets: &[String],
) -> Result<Offer, UserError> {
    let artefact = manifest.artefact_for(targets).map_err(|why| error::bad_manifest(url, why))?.clone();
    let address = resolve(url, &artefact.url)
        .ok_or_else(|| error::bad_manifest(url, "the address of the program is not allowed"))?;
    Ok(Offer { installed, release: manifest.release, address, artefact })
}

/// What is asked for with the address goes to the signature, too.
fn signature_address(url: &str) -> String {
    match url.split_once('?') {
        Some((path, question)) => format!("{path}{SIGNATURE_SUFFIX}?{question}"),
        None => format!("{url}{SIGNATURE_SUFFIX}"),
    }
}

/// Installs what is offered, if it is newer. The other result is the version that is installed, which is the
/// newest.
///
/// # Errors
/// Why nothing was installed. Then the installed program is the one that it was.
pub fn apply(
    place: &Place,
    config: &UpdateConfig,
    say: &mut dyn FnMut(Step),
) -> Result<Result<Exchanged, Version>, UserError> {
    let state = state()?;
    let (_run, _directory) = locks(place, &state)?;
    make_ready(place)?;
    let source = Source::new();
    // Somebody else may have put another program there since this one was started.
    let installed = candidate::version_of(&place.program).unwrap_or_else(|_| own_version());
    let offer = look_with(&source, config, installed, say)?;
    if offer.release == offer.installed {
        return Ok(Err(offer.installed));
    }
    let size = offer.artefact.size;
    let download = Download::new(&source, &offer.address, &offer.artefact, &state);
    let fetched = download.run(&mut |got| say(Step::Download { got, size }));
    let fetched = fetched.map_err(|why| download_error(&offer, why))?;
    say(Step::Trial);
    let staged = place.stage(&fetched).map_err(|why| {
        if is_full(&why) {
            download.discard();
        }
        not_written(place.directory(), why)
    })?;
    let tried = candidate::try_out(&staged, &place.program, &offer.release, true);
    tried.map_err(|why| {
        place.discard();
        download.discard();
        error::unfit(&offer.release, why)
    })?;
    say(Step::Install);
    let exchanged = Exchanged { program: place.program.clone(), from: offer.installed, to: offer.release };
    let trial = swap_of(&exchanged, offer.artefact.sha256.clone(), Guard::trial());
    let mut marker = Marker::read(&state);
    // First of all: if the new program does not work, this brings the old one back.
    let noted = marker.begin_trial(&state, trial).map_err(|why| not_written(&state, why));
    let swapped = noted.and_then(|()| place.swap().map_err(|why| not_written(place.directory(), why)));
    if let Err(why) = swapped {
        place.discard();
        download.discard();
        end_trial(&state);
        return Err(why);
    }
    download.discard();
    Ok(Ok(exchanged))
}

/// Puts in order what a killed update has left.
fn make_ready(place: &Place) -> Result<(), UserError> {
    if let Some(path) = place.directory_in_the_way() {
        return Err(error::in_the_way(path));
    }
    let ready = place.check_writable().and_then(|()| place.settle());
    ready.map_err(|why| error::not_writable(&place.program, why))
}

/// Exchanges the installed program and the one before it.
///
/// # Errors
/// When there is none, or it cannot be done.
pub fn roll_back(place: &Place) -> Result<Exchanged, UserError> {
    let state = state()?;
    let (_run, _directory) = locks(place, &state)?;
    make_ready(place)?;
    if !place.has_old() {
        return Err(error::nothing_to_roll_back(&place.old));
    }
    let version = |path: &Path| candidate::version_of(path).map_err(|why| error::old_unfit(path, why));
    let to = version(&place.old)?;
    // What is installed may be why the user wants this.
    let from = candidate::version_of(&place.program).unwrap_or_else(|_| own_version());
    place.exchange().map_err(|why| not_written(place.directory(), why))?;
    let exchanged = Exchanged { program: place.program.clone(), from, to };
    let sha256 = hash::of_file(&place.program).unwrap_or_default();
    let mut marker = Marker::read(&state);
    marker.swap = Some(swap_of(&exchanged, sha256, Guard::Healthy));
    let _ = marker.write(&state);
    Ok(exchanged)
}

fn swap_of(exchanged: &Exchanged, sha256: String, guard: Guard) -> Swap {
    Swap {
        program: exchanged.program.as_path().into(),
        release: exchanged.to.clone(),
        previous: exchanged.from.clone(),
        sha256,
        at_ms: now_ms(),
        guard,
    }
}

/// Nothing was installed after all.
fn end_trial(state: &Path) {
    let mut marker = Marker::read(state);
    if let Some(swap) = &mut marker.swap {
        swap.guard.handle(Event::RolledBack);
        let _ = marker.write(state);
    }
}

fn state() -> Result<PathBuf, UserError> {
    let state = paths::state_dir()?;
    paths::make_private(&state)?;
    Ok(state)
}

pub(super) fn not_written(path: &Path, why: io::Error) -> UserError {
    let advice =
        if is_full(&why) { "make room there, and try again" } else { "make it writable, and try again" };
    error::not_written(path, why, advice)
}

/// Whether the disk is full, or what this user may have of it.
fn is_full(why: &io::Error) -> bool {
    matches!(why.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

type Locks = (std::fs::File, Option<std::fs::File>);

fn locks(place: &Place, state: &Path) -> Result<Locks, UserError> {
    let run = lock(state).map_err(|why| not_written(state, why))?.ok_or_else(error::busy)?;
    Ok((run, place.lock().ok_or_else(error::busy)?))
}

pub(super) fn download_error(offer: &Offer, why: DownloadError) -> UserError {
    let url = &offer.address;
    match why {
        DownloadError::Source(why) => error::unreadable(url, why),
        DownloadError::CutOff { got, reason } => error::cut_off(url, got, offer.artefact.size, &reason),
        DownloadError::TooLong => error::other_size(url, offer.artefact.size),
        DownloadError::OtherHash => error::other_hash(url),
        DownloadError::Disk(path, why) => not_written(&path, why),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_beside_the_manifest() {
        assert_eq!(signature_address("https://h/m.json"), "https://h/m.json.minisig");
        assert_eq!(signature_address("https://h/m.json?key=1"), "https://h/m.json.minisig?key=1");
        assert_eq!(own_version().to_string(), env!("CARGO_PKG_VERSION"));
    }
}
