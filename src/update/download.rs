//! Downloading the program of a release. What has come stays, readable by this user only, and the next try
//! goes on from there.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::hash;
use super::manifest::Artefact;
use super::pace::Pace;
use super::source::{Source, SourceError, broken_off};
use crate::fault;
use crate::os::files::{open_own, read_plain};
use crate::paths;

/// What has come so far, in cckw's state directory.
const PART_NAME: &str = "update.part";
/// What it is a part of.
const NOTES_NAME: &str = "update.part.json";
/// So many tries in a row may bring nothing.
const MAX_VAIN_TRIES: u32 = 3;
/// The pause after the first of them; each later one is twice as long.
const PAUSE: Duration = Duration::from_millis(250);

/// Why there is no program.
#[derive(Debug)]
pub enum DownloadError {
    /// It cannot be read.
    Source(SourceError),
    /// So many bytes have come, and then nothing. They stay.
    CutOff { got: u64, reason: String },
    /// There is more of it than the manifest says.
    TooLong,
    /// All of it has come, and it is something else than the manifest says.
    OtherHash,
    /// It cannot be written there.
    Disk(PathBuf, io::Error),
}

/// What the part is a part of.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Notes {
    sha256: String,
    size: u64,
    etag: Option<String>,
}

/// A download into a directory.
pub struct Download<'a> {
    source: &'a Source,
    url: &'a str,
    artefact: &'a Artefact,
    part: PathBuf,
    notes: PathBuf,
}

impl<'a> Download<'a> {
    /// Of the program at this address, with its part in this directory.
    pub fn new(source: &'a Source, url: &'a str, artefact: &'a Artefact, directory: &Path) -> Self {
        Self { source, url, artefact, part: directory.join(PART_NAME), notes: directory.join(NOTES_NAME) }
    }

    /// Downloads what is missing, and compares the hash. `progress` is told how much is there.
    ///
    /// # Errors
    /// Why there is no program. What has come is removed where it is of no use.
    pub fn run(&self, progress: &mut dyn FnMut(u64)) -> Result<PathBuf, DownloadError> {
        let mut goes_on = self.there() > 0;
        let mut vain = 0;
        loop {
            let before = self.there();
            match self.try_once(progress) {
                Ok(()) if self.has_right_hash()? => return Ok(self.part.clone()),
                // The part may have been another version's: once more from the beginning.
                Ok(()) if goes_on => {
                    goes_on = false;
                    self.discard();
                }
                Ok(()) => {
                    self.discard();
                    return Err(DownloadError::OtherHash);
                }
                Err(DownloadError::Source(error)) if error.is_passing => {
                    vain = if self.there() > before { 1 } else { vain + 1 };
                    if vain >= MAX_VAIN_TRIES {
                        return Err(match self.there() {
                            0 => DownloadError::Source(error),
                            got => DownloadError::CutOff { got, reason: error.reason },
                        });
                    }
                    sleep(PAUSE * 2u32.pow(vain));
                }
                Err(error) => {
                    if matches!(error, DownloadError::Disk(..) | DownloadError::TooLong) {
                        self.discard();
                    }
                    return Err(error);
                }
            }
        }
    }

    /// Removes what has come.
    pub fn discard(&self) {
        let _ = fs::remove_file(&self.part);
        let _ = fs::remove_file(&self.notes);
    }

    /// How much of this very program is there.
    fn there(&self) -> u64 {
        let length =
            fs::symlink_metadata(&self.part).ok().filter(|found| found.is_file()).map(|found| found.len());
        length.filter(|length| *length <= self.artefact.size && self.noted().is_some()).unwrap_or(0)
    }

    fn noted(&self) -> Option<Notes> {
        let notes: Notes = serde_json::from_slice(&read_plain(&self.notes, 4 << 10).ok()?).ok()?;
        (notes.sha256 == self.artefact.sha256 && notes.size == self.artefact.size).then_some(notes)
    }

    /// One connection.
    fn try_once(&self, progress: &mut dyn FnMut(u64)) -> Result<(), DownloadError> {
        let there = self.there();
        if there == self.artefact.size {
            return Ok(());
        }
        let etag = self.noted().and_then(|notes| notes.etag);
        let mut opened = self.source.open(self.url, there, etag.as_deref()).map_err(DownloadError::Source)?;
        let mut file = self.begin(opened.offset, opened.etag).map_err(|error| self.disk(error))?;
        let mut pace = match fault::is_set("update-impatient") {
            true => Pace::with_span(Instant::now(), Duration::from_secs(2)),
            false => Pace::new(Instant::now()),
        };
        let mut got = opened.offset;
        let mut piece = vec![0; 64 << 10];
        progress(got);
        while got < self.artefact.size {
            let count =
                opened.body.read(&mut piece).map_err(|error| DownloadError::Source(broken_off(error)))?;
            if count == 0 {
                return Err(DownloadError::Source(broken_off(io::Error::other("it ends too early"))));
            }
            got += count as u64;
            if got > self.artefact.size {
                return Err(DownloadError::TooLong);
            }
            file.write_all(&piece[..count]).map_err(|error| self.disk(error))?;
            progress(got);
            if !pace.has_moved(Instant::now(), count as u64) {
                return Err(DownloadError::CutOff { got, reason: "it comes too slowly".into() });
            }
        }
        match opened.body.read(&mut piece[..1]) {
            Ok(1..) => Err(DownloadError::TooLong),
            // All that is wanted is there.
            _ => Ok(()),
        }
    }

    /// The part, to be written from there on.
    fn begin(&self, offset: u64, etag: Option<String>) -> io::Result<File> {
        if offset == 0 {
            self.discard();
            let notes = Notes { sha256: self.artefact.sha256.clone(), size: self.artefact.size, etag };
            paths::write_unsynced(&self.notes, &serde_json::to_vec(&notes)?)?;
        }
        let file = open_own(&self.part, true)?;
        file.set_len(offset)?;
        Ok(file)
    }

    fn has_right_hash(&self) -> Result<bool, DownloadError> {
        let found = hash::of_file(&self.part).map_err(|error| self.disk(error))?;
        Ok(found == self.artefact.sha256)
    }

    fn disk(&self, error: io::Error) -> DownloadError {
        DownloadError::Disk(self.part.clone(), error)
    }
}
