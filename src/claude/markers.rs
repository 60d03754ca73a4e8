//! What Claude Code sets in the environment of what it starts: its Bash tool, `!` commands, hooks, the status
//! line.
//!
//! Seen with Claude Code 2.1.332 by printing the environment in each of these places, and read in the same
//! program (the names that it removes itself before it starts a background session, and those that it knows
//! as set by its shell). A claude that inherits them takes itself for a part of the other one: with
//! `CLAUDE_CODE_CHILD_SESSION` it writes no transcript and no state file ("Transcript saving is off"), and
//! nothing of what is said survives it. So a claude that cckw starts in a session of its own never gets them.
//!
//! `tests/real-claude/markers.rs` compares the list with what the installed claude sets.

use std::ffi::OsStr;

/// A claude sets these for what it starts, and nobody else does. They are removed wherever they are found.
const OWN_VARIABLES: [&str; 24] = [
    "CLAUDECODE",
    "CLAUDE_CODE_BRIDGE_SESSION_ID",
    "CLAUDE_CODE_CHILD_NOTES_DIR",
    "CLAUDE_CODE_CHILD_SESSION",
    "CLAUDE_CODE_CHROME_MCP_ORG_DENIED",
    "CLAUDE_CODE_ENTRYPOINT",
    "CLAUDE_CODE_EXECPATH",
    "CLAUDE_CODE_HOST_WORKTREE",
    "CLAUDE_CODE_HOST_WORKTREE_FENCE",
    "CLAUDE_CODE_INVOKED_SKILLS",
    "CLAUDE_CODE_LAUNCHED_BY_SESSION_IDS",
    "CLAUDE_CODE_MESSAGING_SOCKET",
    "CLAUDE_CODE_MESSAGING_TOKEN",
    "CLAUDE_CODE_SESSION_ATTENDED",
    "CLAUDE_CODE_SESSION_ID",
    "CLAUDE_CODE_STARTER_MAY_HOLD_CONNECTOR_FILE",
    "CLAUDE_ENV_FILE",
    "CLAUDE_JOB_DIR",
    "CLAUDE_PID",
    "CLAUDE_PLUGIN_DATA",
    "CLAUDE_PLUGIN_ROOT",
    "CLAUDE_PROJECT_DIR",
    "CLAUDE_PTY_HOST_EXEC",
    "CLAUDE_SKILL_DIR",
];

/// Names that a user can have set too. They are removed only below a claude, and where a value stands here
/// only with that value (with a `*` at its end: one that begins so).
const BELOW_A_CLAUDE: [(&str, Option<&str>); 9] = [
    ("AI_AGENT", Some("claude-code*")),
    ("CLAUDE_CODE_SSE_PORT", None),
    ("CLAUDE_EFFORT", None),
    ("COLUMNS", None),
    ("COREPACK_ENABLE_AUTO_PIN", Some("0")),
    ("GIT_EDITOR", Some("true")),
    ("LINES", None),
    ("NoDefaultCurrentDirectoryInExePath", Some("1")),
    ("TRACEPARENT", None),
];

/// Whether this environment is that of something that a claude has started. `is_set` says whether a variable
/// is there.
pub fn is_below_a_claude(is_set: impl Fn(&str) -> bool) -> bool {
    ["CLAUDECODE", "CLAUDE_CODE_CHILD_SESSION"].into_iter().any(is_set)
}

/// Whether a variable is not for a claude that is started in a session of its own. `below` is whether its
/// environment [is below a claude](is_below_a_claude).
pub fn is_marker(name: &OsStr, value: &OsStr, below: bool) -> bool {
    let Some(name) = name.to_str() else { return false };
    let fits = |wanted: &str| match (wanted.strip_suffix('*'), value.to_str()) {
        (Some(start), Some(value)) => value.starts_with(start),
        (None, Some(value)) => value == wanted,
        (_, None) => false,
    };
    OWN_VARIABLES.contains(&name)
        || below && BELOW_A_CLAUDE.iter().any(|(known, wanted)| *known == name && wanted.is_none_or(fits))
}

/// All names of the list, for the test that compares it with what a claude sets.
pub fn names() -> impl Iterator<Item = &'static str> {
    OWN_VARIABLES.into_iter().chain(BELOW_A_CLAUDE.map(|(name, _)| name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is(name: &str, value: &str, below: bool) -> bool {
        is_marker(OsStr::new(name), OsStr::new(value), below)
    }

    #[test]
    fn what_only_a_claude_sets_goes_always_and_what_a_user_may_set_only_below_one() {
        assert!(is("CLAUDE_CODE_CHILD_SESSION", "1", false) && is("CLAUDE_CODE_MESSAGING_TOKEN", "x", true));
        assert!(is("GIT_EDITOR", "true", true) && !is("GIT_EDITOR", "true", false));
        assert!(!is("GIT_EDITOR", "vim", true));
        assert!(is("AI_AGENT", "claude-code_2-1-332_agent", true) && !is("AI_AGENT", "mine", true));
        assert!(is("CLAUDE_CODE_SSE_PORT", "4711", true) && !is("CLAUDE_CODE_SSE_PORT", "4711", false));
    }

    #[test]
    fn what_a_user_sets_for_claude_stays() {
        for name in [
            "CLAUDE_CONFIG_DIR",
            "CLAUDE_CODE_USE_BEDROCK",
            "ANTHROPIC_API_KEY",
            "PATH",
            "CLAUDE_CODE_TMPDIR",
        ] {
            assert!(!is(name, "1", true), "{name}");
        }
    }

    #[test]
    fn a_claude_is_known_by_its_markers() {
        assert!(is_below_a_claude(|name| name == "CLAUDECODE"));
        assert!(is_below_a_claude(|name| name == "CLAUDE_CODE_CHILD_SESSION"));
        assert!(!is_below_a_claude(|name| name == "GIT_EDITOR"));
    }
}
