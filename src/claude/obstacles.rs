//! The settings and variables that make Remote Control unavailable in a session, whatever the account.
//!
//! From Claude Code's documentation of Remote Control, read in November 2026, and the refusals in the text of
//! 2.1.329.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::os::files;

/// Settings are small; what is larger is something else, in bytes.
const MAX_SETTINGS_BYTES: u64 = 16 << 20;

/// Something that rules Remote Control out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteObstacle {
    /// The variable or the setting.
    pub name: &'static str,
    /// Where it is set.
    pub place: SettingSource,
    why: ObstacleReason,
}

/// Where something is set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SettingSource {
    /// In the environment.
    Environment,
    /// In this settings file of claude's.
    File(PathBuf),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ObstacleReason {
    /// Claude signs in with something else than a claude.ai account.
    Login,
    /// The token may be used for nothing else.
    Scope,
    /// Requests go to somebody else.
    Provider,
    /// Whether the account may use it cannot be asked.
    Flags,
    /// An administrator's decision.
    Policy,
}

impl fmt::Display for ObstacleReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Login => "claude signs in with it, and Remote Control needs a claude.ai login",
            Self::Scope => "its token is limited to inference; run claude auth login instead",
            Self::Provider => "Remote Control works with api.anthropic.com alone",
            Self::Flags => "claude then does not ask which features the account has",
            Self::Policy => "the organization has switched Remote Control off",
        })
    }
}

impl fmt::Display for RemoteObstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.why)
    }
}

/// Variables that rule it out when they are set to anything.
const SET: [(&str, ObstacleReason); 3] = [
    ("ANTHROPIC_API_KEY", ObstacleReason::Login),
    ("ANTHROPIC_AUTH_TOKEN", ObstacleReason::Login),
    ("CLAUDE_CODE_OAUTH_TOKEN", ObstacleReason::Scope),
];

/// Variables that rule it out when they are switched on.
const SWITCHED_ON: [(&str, ObstacleReason); 7] = [
    ("CLAUDE_CODE_USE_BEDROCK", ObstacleReason::Provider),
    ("CLAUDE_CODE_USE_VERTEX", ObstacleReason::Provider),
    ("CLAUDE_CODE_USE_FOUNDRY", ObstacleReason::Provider),
    ("DISABLE_TELEMETRY", ObstacleReason::Flags),
    ("DO_NOT_TRACK", ObstacleReason::Flags),
    ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", ObstacleReason::Flags),
    ("DISABLE_GROWTHBOOK", ObstacleReason::Flags),
];

const BASE_URL: &str = "ANTHROPIC_BASE_URL";
const DEFAULT_BASE: &str = "https://api.anthropic.com";

/// What rules Remote Control out for a claude that is started in `cwd`. Settings files that are not there, or
/// not understood, say nothing.
pub fn find(cwd: &Path) -> Vec<RemoteObstacle> {
    let mut found = in_variables(|name| std::env::var_os(name), &SettingSource::Environment);
    for file in settings_files(cwd) {
        // Two of them come with the repository.
        let bytes = files::read_plain(&file, MAX_SETTINGS_BYTES).ok();
        let Some(settings) = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()) else {
            continue;
        };
        found.extend(in_settings(&settings, &SettingSource::File(file)));
    }
    found
}

/// Claude's settings files: of the user, of the project, and of the administrator.
fn settings_files(cwd: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> =
        super::config_dir().map(|dir| dir.join("settings.json")).into_iter().collect();
    files.extend(["settings.json", "settings.local.json"].map(|name| cwd.join(".claude").join(name)));
    files.push(
        if cfg!(target_os = "macos") {
            "/Library/Application Support/ClaudeCode/managed-settings.json"
        } else {
            "/etc/claude-code/managed-settings.json"
        }
        .into(),
    );
    files.dedup();
    files
}

fn in_settings(settings: &Value, place: &SettingSource) -> Vec<RemoteObstacle> {
    let variables = settings.get("env");
    let mut found = in_variables(
        |name| match variables?.get(name)? {
            Value::String(text) => Some(text.into()),
            Value::Number(number) => Some(number.to_string().into()),
            Value::Bool(switch) => Some(switch.to_string().into()),
            _ => None,
        },
        place,
    );
    let mut setting = |name, why| found.push(RemoteObstacle { name, place: place.clone(), why });
    if settings.get("apiKeyHelper").and_then(Value::as_str).is_some_and(|helper| !helper.is_empty()) {
        setting("apiKeyHelper", ObstacleReason::Login);
    }
    if settings.get("disableRemoteControl").and_then(Value::as_bool) == Some(true) {
        setting("disableRemoteControl", ObstacleReason::Policy);
    }
    found
}

fn in_variables(value: impl Fn(&str) -> Option<OsString>, place: &SettingSource) -> Vec<RemoteObstacle> {
    let text = |name: &str| value(name).map(|value| value.to_string_lossy().trim().to_owned());
    let set = |name: &str| text(name).is_some_and(|value| !value.is_empty());
    let on = |name: &str| {
        let off = ["", "0", "false", "no", "off"];
        text(name).is_some_and(|value| !off.contains(&value.to_lowercase().as_str()))
    };
    let elsewhere = text(BASE_URL)
        .is_some_and(|url| !url.is_empty() && url.trim_end_matches('/').to_lowercase() != DEFAULT_BASE);
    let found = SET.iter().filter(|(name, _)| set(name));
    let found = found.chain(SWITCHED_ON.iter().filter(|(name, _)| on(name)));
    let base = elsewhere.then_some(&(BASE_URL, ObstacleReason::Provider));
    found.chain(base).map(|(name, why)| RemoteObstacle { name, place: place.clone(), why: *why }).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn named(settings: &Value) -> Vec<&'static str> {
        in_settings(settings, &SettingSource::Environment).into_iter().map(|obstacle| obstacle.name).collect()
    }

    #[test]
    fn every_variable_counts_in_settings_as_in_the_environment() {
        for (name, _) in SET.iter().chain(&SWITCHED_ON) {
            assert_eq!(named(&json!({ "env": { *name: "1" } })), [*name]);
            assert_eq!(named(&json!({ "env": { *name: "" } })), [""; 0], "{name}");
            let found =
                in_variables(|asked| (asked == *name).then(|| "yes".into()), &SettingSource::Environment);
            assert_eq!(found.len(), 1, "{name}");
        }
    }

    #[test]
    fn what_is_switched_off_is_no_obstacle() {
        let off = json!({ "env": {
            "DISABLE_TELEMETRY": "0", "DO_NOT_TRACK": false, "CLAUDE_CODE_USE_VERTEX": " False ",
            "ANTHROPIC_BASE_URL": "https://api.anthropic.com/", "ANTHROPIC_API_KEY": null, "OTHER": "1"
        }, "disableRemoteControl": false, "apiKeyHelper": "" });
        assert_eq!(named(&off), [""; 0]);
        for odd in [json!(null), json!([]), json!({ "env": 7 }), json!({ "env": { "DO_NOT_TRACK": [] } })] {
            assert_eq!(named(&odd), [""; 0]);
        }
    }

    #[test]
    fn another_address_a_helper_and_a_policy_are() {
        let settings = json!({
            "env": { "ANTHROPIC_BASE_URL": "http://127.0.0.1:1", "DO_NOT_TRACK": true },
            "apiKeyHelper": "pass show key", "disableRemoteControl": true
        });
        assert_eq!(
            named(&settings),
            ["DO_NOT_TRACK", "ANTHROPIC_BASE_URL", "apiKeyHelper", "disableRemoteControl"]
        );
    }
}
