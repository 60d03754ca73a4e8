//! What a host hands to the program that goes on in its process: one JSON document, with a part for each
//! component. The components know what is in their parts.

use std::collections::BTreeMap;
use std::os::fd::RawFd;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// The version of the form. Parts and fields may be added within a version; what exists keeps its meaning. A
/// reader ignores what it does not know.
pub const STATE_VERSION: u32 = 1;

/// The oldest form that this program reads, and the oldest program that may read what it writes, by the version
/// that this one knows.
pub const OLDEST_VERSION: u32 = 1;

/// The most that is read of a document, in bytes: a screen with all that is above it has some megabytes.
pub const MAX_DOCUMENT_BYTES: u64 = 256 << 20;

/// A host's state.
#[derive(Serialize, Deserialize)]
pub struct Document {
    /// Its form.
    pub version: u32,
    /// Who knows this form can read it.
    pub readable_by: u32,
    /// The version of the program that has written it.
    pub program: String,
    /// The umask that the first host was started with.
    #[serde(default)]
    pub umask: u32,
    /// The descriptors that are handed over.
    #[serde(default)]
    pub fds: Vec<RawFd>,
    /// Why another program did not go on with it, where one has executed this one back.
    #[serde(default)]
    pub returned: Option<String>,
    parts: BTreeMap<String, Box<RawValue>>,
}

impl Document {
    /// One without parts.
    pub fn new(umask: u32) -> Self {
        Self {
            version: STATE_VERSION,
            readable_by: OLDEST_VERSION,
            program: env!("CARGO_PKG_VERSION").into(),
            umask,
            fds: Vec::new(),
            returned: None,
            parts: BTreeMap::new(),
        }
    }

    /// Adds a part.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub fn put(&mut self, name: &str, part: &impl Serialize) -> Result<(), String> {
        let value = serde_json::value::to_raw_value(part).map_err(|error| format!("{name}: {error}"))?;
        self.parts.insert(name.to_owned(), value);
        Ok(())
    }

    /// A part without which nothing can go on.
    ///
    /// # Errors
    /// When it is missing, or is not understood.
    pub fn part<T: DeserializeOwned>(&self, name: &str) -> Result<T, String> {
        let value = self.parts.get(name).ok_or_else(|| format!("{name} is missing"))?;
        serde_json::from_str(value.get()).map_err(|error| format!("{name}: {error}"))
    }

    /// A part that begins anew where it is missing: a program that did not know it has written this.
    ///
    /// # Errors
    /// When it is there, and is not understood.
    pub fn part_or_new<T: DeserializeOwned + Default>(&self, name: &str) -> Result<T, String> {
        if self.parts.contains_key(name) { self.part(name) } else { Ok(T::default()) }
    }

    /// The bytes of it.
    ///
    /// # Errors
    /// When it cannot be written as JSON, or nobody would read that much.
    pub fn bytes(&self) -> Result<Vec<u8>, String> {
        let bytes = serde_json::to_vec(self).map_err(|error| error.to_string())?;
        if bytes.len() as u64 > MAX_DOCUMENT_BYTES {
            return Err(format!("the state has more than {} MiB", MAX_DOCUMENT_BYTES >> 20));
        }
        Ok(bytes)
    }

    /// What these bytes say.
    ///
    /// # Errors
    /// When that is no such document, or one that this program does not read.
    pub fn of(bytes: &[u8]) -> Result<Self, String> {
        /// What tells whether the rest can be read.
        #[derive(Deserialize)]
        struct Head {
            version: u32,
            readable_by: u32,
        }
        let not_one = |error: serde_json::Error| format!("the state is not understood: {error}");
        let head: Head = serde_json::from_slice(bytes).map_err(not_one)?;
        if head.readable_by > STATE_VERSION || head.version < OLDEST_VERSION {
            return Err(format!(
                "the state has version {}, and cckw {} reads versions {OLDEST_VERSION} to {STATE_VERSION}",
                head.version,
                env!("CARGO_PKG_VERSION")
            ));
        }
        serde_json::from_slice(bytes).map_err(not_one)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_in_comes_out_and_what_is_not_known_is_ignored() {
        let mut document = Document::new(0o022);
        document.put("one", &vec![1, 2]).expect("is put in");
        let text = String::from_utf8(document.bytes().expect("is written")).expect("is text");
        let later =
            text.replacen('{', r#"{"later":[1],"#, 1).replace(r#""parts":{"#, r#""parts":{"new":{"a":1},"#);
        let read = Document::of(later.as_bytes()).expect("is read");
        assert_eq!(read.part::<Vec<u8>>("one"), Ok(vec![1, 2]));
        assert_eq!(read.part_or_new::<u8>("two"), Ok(0));
        assert!(read.part::<u8>("two").is_err() && read.part_or_new::<String>("one").is_err());
        assert_eq!(read.umask, 0o022);
    }

    #[test]
    fn what_nobody_would_read_is_not_written() {
        let mut document = Document::new(0o022);
        document.put("one", &"x".repeat(MAX_DOCUMENT_BYTES as usize - 200)).expect("is put in");
        assert!(document.bytes().is_ok());
        document.put("two", &"x".repeat(200)).expect("is put in");
        assert!(document.bytes().is_err_and(|why| why.contains("256 MiB")));
    }

    #[test]
    fn a_form_that_is_not_known_is_refused_whatever_else_stands_there() {
        let refused = Document::of(br#"{"version":7,"readable_by":7,"parts":[]}"#).err().unwrap_or_default();
        assert!(refused.contains("version 7"), "{refused}");
        assert!(Document::of(br#"{"version":0,"readable_by":0}"#).is_err());
        assert!(Document::of(b"#!/bin/sh").is_err());
        // A newer one that says that this program can read it.
        let newer = br#"{"version":2,"readable_by":1,"program":"9","parts":{}}"#;
        assert!(Document::of(newer).is_ok());
    }
}
