//! Paths and arguments in JSON.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use serde::{Deserialize, Serialize};

/// A path or argument: a string where it is UTF-8, else its bytes. Nothing is lost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum LosslessText {
    /// UTF-8.
    String(String),
    /// Anything else.
    Bytes(Vec<u8>),
}

impl From<&OsStr> for LosslessText {
    fn from(value: &OsStr) -> Self {
        value
            .to_str()
            .map_or_else(|| Self::Bytes(value.as_bytes().to_vec()), |text| Self::String(text.to_owned()))
    }
}

impl From<&Path> for LosslessText {
    fn from(value: &Path) -> Self {
        value.as_os_str().into()
    }
}

impl From<LosslessText> for OsString {
    fn from(value: LosslessText) -> Self {
        match value {
            LosslessText::String(text) => text.into(),
            LosslessText::Bytes(bytes) => Self::from_vec(bytes),
        }
    }
}
