//! What claude says when it does not open a conversation, as it stands on its screen.
//!
//! Seen with Claude Code 2.1.329: it writes one of two lines, exits with 1, and never has a settled state
//! file. Where there is a transcript, though none that it can open, it then says all the same how to resume
//! it.

/// Whether the last thing on the screen is claude's refusal to open the conversation `id`. `rows` is the
/// screen, a string a line, from the top.
///
/// The whole sentence and the id must be there, and nothing below but that advice: a conversation may have
/// been about this very error. Where it was wrapped does not matter.
pub fn refuses(rows: &[String], id: &str) -> bool {
    let squeeze = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
    let shown: String = rows.iter().map(|row| squeeze(row)).collect();
    [
        format!("No conversation found with session ID: {id}"),
        format!("Error: Session ID {id} is already in use."),
    ]
    .iter()
    .any(|sentence| {
        let below = shown.rsplit_once(&squeeze(sentence)).map(|(_, below)| below);
        below.is_some_and(|below| below.is_empty() || below.starts_with("Resumethissessionwith:claude"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0f0e0d0c-1111-4111-8111-0123456789ab";

    fn rows(text: &str) -> Vec<String> {
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn both_sentences_are_recognised_however_they_are_wrapped() {
        for said in [
            "[cckw: it comes back]\n\nNo conversation found with session ID: 0f0e0d0c-1111-4111-8111-0123456789ab\n\n",
            "No conversation found with ses\nsion ID: 0f0e0d0c-1111-4111-81\n11-0123456789ab",
            "No conversation found with session ID: 0f0e0d0c-1111-4111-8111-0123456789ab\n\nResume this session with:\nclaude --model opus --resume 0f0e0d0c-1111-4111-8111-0123456789ab",
            "Error: Session ID 0f0e0d0c-1111-4111-8111-0123456789ab is already in use.",
        ] {
            assert!(refuses(&rows(said), ID), "{said}");
        }
    }

    #[test]
    fn nothing_else_is_a_refusal() {
        for said in [
            "",
            "No conversation found with session ID: 0f0e0d0c-1111-4111-8111-0123456789cd",
            "No conversation found to continue",
            "No conversation found with session ID: 0f0e0d0c-1111-4111-8111-0123456789ab\n❯ ",
            "error: unknown option '--resume'",
        ] {
            assert!(!refuses(&rows(said), ID), "{said}");
        }
    }
}
