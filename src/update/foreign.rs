//! The program of a release for another machine than this one.

use std::path::{Path, PathBuf};

use semver::Version;

use super::download::Download;
use super::marker::lock;
use super::run::{Offer, Step, download_error, not_written, offered, own_version, read_manifest};
use super::source::Source;
use crate::config::UpdateConfig;
use crate::paths;
use crate::user_error::UserError;
use crate::user_error::update as error;

/// A release's program for another machine.
pub struct ForeignProgram(Offer);

/// What the configured release has for the first of these targets.
///
/// # Errors
/// When there is none, or that cannot be found out.
pub fn look(
    config: &UpdateConfig,
    targets: &[String],
    say: &mut dyn FnMut(Step),
) -> Result<ForeignProgram, UserError> {
    let (url, manifest) = read_manifest(&Source::new(), config, say)?;
    offered(url, manifest, own_version(), targets).map(ForeignProgram)
}

impl ForeignProgram {
    /// Its version.
    pub fn version(&self) -> &Version {
        &self.0.release
    }

    /// Its size in bytes.
    pub fn size(&self) -> u64 {
        self.0.artefact.size
    }

    /// Its SHA-256, as the signed manifest says it.
    pub fn sha256(&self) -> &str {
        &self.0.artefact.sha256
    }

    /// Downloads it into this directory of cckw's, which only this user may read. Its hash is right. Removing it is
    /// the caller's business.
    ///
    /// # Errors
    /// When it does not come.
    pub fn download(&self, directory: &Path, say: &mut dyn FnMut(Step)) -> Result<PathBuf, UserError> {
        paths::make_private(directory)?;
        let lock = lock(directory).map_err(|why| not_written(directory, why))?;
        let _lock = lock.ok_or_else(error::busy)?;
        let Offer { address, artefact, .. } = &self.0;
        let download = Download::new(&Source::new(), address, artefact, directory).run(&mut |got| {
            say(Step::Download { got, size: artefact.size });
        });
        download.map_err(|why| download_error(&self.0, why))
    }
}
