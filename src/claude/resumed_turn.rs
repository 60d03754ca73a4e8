//! A claude that goes on by itself with a turn that was broken off.
//!
//! Seen with Claude Code 2.1.332: with [`SWITCH`] in its environment, `--resume` of a conversation whose last
//! turn has no end goes on with that turn. If no answer was written down yet, or a tool waited for permission,
//! claude sends the user's last prompt once more. If the turn had come further, it sends the text of
//! [`PROMPT`]. It sends nothing if the turn was answered, if the user has broken it off (Esc) or refused a
//! tool, and for a `!` command. What claude starts does not inherit the two variables.

/// Switches it on.
pub const SWITCH: &str = "CLAUDE_CODE_RESUME_INTERRUPTED_TURN";
/// What claude is told, where it does not repeat the prompt. Without it: "Continue from where you left off.",
/// which a model often answers with "No response requested" (reported).
pub const PROMPT: &str = "CLAUDE_CODE_RESUME_PROMPT";

/// The file in claude's directory that holds its login. On macOS that is in the keychain, and nothing is told.
pub const CREDENTIALS: &str = ".credentials.json";

/// The variables of a launch that goes on with the turn. For that launch alone.
pub fn variables(prompt: &str) -> [(&'static str, &str); 2] {
    [(SWITCH, "1"), (PROMPT, prompt)]
}
