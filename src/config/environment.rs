//! `[environment]`: what of a session's environment is kept on disk.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use serde::Deserialize;

/// What of the environment is never written down.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EnvironmentPolicy {
    /// Names of variables, with a `*` at the end: all names that begin so.
    pub never_record: Vec<String>,
}

/// Secrets that are worth nothing to a claude that is brought back, or that were meant for one short while:
/// unlocked password managers, passwords for one command, the tokens of one job of a build server.
const DEFAULT_NEVER_RECORD: [&str; 9] = [
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
    "ACTIONS_RUNTIME_TOKEN",
    "BW_SESSION",
    "CI_JOB_TOKEN",
    "NPM_CONFIG_OTP",
    "OP_SESSION_*",
    "SSHPASS",
    "SUDO_PASSWORD",
    "npm_config_otp",
];

impl Default for EnvironmentPolicy {
    fn default() -> Self {
        Self { never_record: DEFAULT_NEVER_RECORD.map(str::to_owned).to_vec() }
    }
}

impl EnvironmentPolicy {
    /// Whether a variable of this name is never written down.
    pub fn is_never_recorded(&self, name: &OsStr) -> bool {
        let name = name.as_bytes();
        self.never_record.iter().any(|pattern| match pattern.strip_suffix('*') {
            Some(start) => name.starts_with(start.as_bytes()),
            None => name == pattern.as_bytes(),
        })
    }

    /// What in the list makes no sense: the key, why, and what to do.
    pub(super) fn check(&self) -> Result<(), (&'static str, String, &'static str)> {
        let advice = "write names of variables, such as \"BW_SESSION\", or their beginning and a *, such as \"OP_SESSION_*\"";
        for pattern in &self.never_record {
            let name = pattern.strip_suffix('*').unwrap_or(pattern);
            let reason = if pattern.is_empty() {
                "`never_record` holds an empty name".to_owned()
            } else if name.contains(['=', '*', '\0']) || name.chars().any(char::is_control) {
                format!(
                    "`never_record` holds \"{}\", which is no name of a variable",
                    crate::escape::escape(pattern)
                )
            } else {
                continue;
            };
            return Err(("never_record", reason, advice));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(patterns: &[&str]) -> EnvironmentPolicy {
        EnvironmentPolicy { never_record: patterns.iter().map(|pattern| (*pattern).to_owned()).collect() }
    }

    #[test]
    fn a_name_is_that_variable_and_a_star_all_that_begin_so() {
        let some = of(&["KEY", "ONE_*"]);
        for (name, never) in
            [("KEY", true), ("KEYS", false), ("ONE_", true), ("ONE_TWO", true), ("ONE", false)]
        {
            assert_eq!(some.is_never_recorded(OsStr::new(name)), never, "{name}");
        }
        assert!(of(&["*"]).is_never_recorded(OsStr::from_bytes(b"\xff")));
        assert!(EnvironmentPolicy::default().is_never_recorded(OsStr::new("OP_SESSION_my")));
        assert!(!EnvironmentPolicy::default().is_never_recorded(OsStr::new("ANTHROPIC_API_KEY")));
    }

    #[test]
    fn what_is_no_name_is_refused() {
        assert_eq!(EnvironmentPolicy::default().check(), Ok(()));
        for pattern in ["", "A=B", "A*B", "**", "\u{1b}"] {
            assert!(of(&[pattern]).check().is_err(), "{pattern:?}");
        }
    }
}
