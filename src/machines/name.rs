//! What a machine is called, and which part of a word is the machine.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::near_side::MARK;

/// The longest name, in bytes.
const MAX_BYTES: usize = 64;
/// What stands for all machines, so that none is called so.
pub const ALL: &str = "all";

/// The name of a machine: letters, digits, `.`, `_` and `-`. It means the same in every shell.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MachineName(String);

impl MachineName {
    /// A name of this text.
    ///
    /// # Errors
    /// What keeps it from being one, in words.
    pub fn new(text: &str) -> Result<Self, &'static str> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        match text {
            "" => Err("it is empty"),
            ALL => Err("`all` stands for all machines"),
            _ if text.len() > MAX_BYTES => Err("it is longer than 64 characters"),
            _ if text.starts_with(['-', '.']) => Err("it begins with `-` or `.`"),
            _ if !text.chars().all(is_plain) => {
                Err("it has something other than letters, digits, `.`, `_` and `-` in it")
            }
            _ => Ok(Self(text.to_owned())),
        }
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for MachineName {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::new(&text)
    }
}

impl From<MachineName> for String {
    fn from(name: MachineName) -> Self {
        name.0
    }
}

impl fmt::Display for MachineName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The machine and the rest of a word such as `box:api`; nothing where the word is for a session here. The rest
/// may be empty.
pub fn split(word: &str) -> Option<(&str, &str)> {
    word.split_once(MARK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_means_the_same_in_every_shell() {
        for good in ["box", "pi4.lan", "A_b-9", &"x".repeat(64)] {
            assert_eq!(MachineName::new(good).map(String::from).as_deref(), Ok(good));
        }
        for bad in ["", "all", "-x", ".x", "a b", "a:b", "a/b", "é", "$(x)", "a\n", &"x".repeat(65)] {
            assert!(MachineName::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_word_is_divided_where_the_machine_ends() {
        assert_eq!(split("api"), None);
        assert_eq!(split("box:api"), Some(("box", "api")));
        assert_eq!(split("box:"), Some(("box", "")));
        assert_eq!(split("box:pi:api"), Some(("box", "pi:api")));
    }
}
