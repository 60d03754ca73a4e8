//! The variables of an environment, in their order.

use std::ffi::{OsStr, OsString};
use std::process::Command;

use crate::os::environ;

/// Variables in the order in which a program gets them. Two may have one name: then the first counts, as for
/// getenv(3).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Variables(Vec<(OsString, OsString)>);

impl Variables {
    /// Those of this process.
    pub fn current() -> Self {
        Self(environ::current())
    }

    /// The value of a variable; also an empty one.
    pub fn get(&self, name: impl AsRef<OsStr>) -> Option<&OsStr> {
        let name = name.as_ref();
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_os_str())
    }

    /// Sets a variable, in its place where it has one. Of two with that name one is left.
    pub fn set(&mut self, name: impl AsRef<OsStr>, value: impl Into<OsString>) {
        let name = name.as_ref();
        match self.0.iter().position(|(known, _)| known == name) {
            None => self.0.push((name.to_owned(), value.into())),
            Some(at) => {
                self.0[at].1 = value.into();
                let mut index = 0;
                self.0.retain(|(known, _)| {
                    index += 1;
                    known != name || index - 1 == at
                });
            }
        }
    }

    /// Removes a variable.
    pub fn remove(&mut self, name: impl AsRef<OsStr>) {
        let name = name.as_ref();
        self.0.retain(|(known, _)| known != name);
    }

    /// Sets a variable, or removes it where there is no value. Whether that is a change.
    pub fn change(&mut self, name: impl AsRef<OsStr>, value: Option<&OsStr>) -> bool {
        let name = name.as_ref();
        if self.get(name) == value {
            return false;
        }
        match value {
            Some(value) => self.set(name, value),
            None => self.remove(name),
        }
        true
    }

    /// Keeps those for which this holds.
    pub fn retain(&mut self, mut keep: impl FnMut(&OsStr, &OsStr) -> bool) {
        self.0.retain(|(name, value)| keep(name, value));
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (&OsStr, &OsStr)> {
        self.0.iter().map(|(name, value)| (name.as_os_str(), value.as_os_str()))
    }

    /// Gives them to a program that is about to be started, and nothing else.
    pub fn apply(&self, command: &mut Command) {
        environ::execute_with(command, self.iter());
    }
}

impl FromIterator<(OsString, OsString)> for Variables {
    fn from_iter<I: IntoIterator<Item = (OsString, OsString)>>(variables: I) -> Self {
        Self(variables.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(list: &[(&str, &str)]) -> Variables {
        list.iter().map(|(name, value)| (OsString::from(name), OsString::from(value))).collect()
    }

    #[test]
    fn the_first_of_two_counts_and_a_change_leaves_one() {
        let mut some = variables(&[("A", "1"), ("B", ""), ("A", "2")]);
        assert_eq!(some.get("A"), Some(OsStr::new("1")));
        assert_eq!(some.get("B"), Some(OsStr::new("")));
        assert_eq!(some.get("C"), None);
        some.set("A", "3");
        assert_eq!(some, variables(&[("A", "3"), ("B", "")]));
        assert!(some.change("C", Some(OsStr::new("4"))) && !some.change("C", Some(OsStr::new("4"))));
        assert!(some.change("A", None) && !some.change("A", None));
        assert_eq!(some, variables(&[("B", ""), ("C", "4")]));
    }
}
