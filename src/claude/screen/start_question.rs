//! A question that claude asks before it begins: whether it may work in this folder, whether to use a key from
//! the environment, which MCP servers to start, which conversation to resume. There is no state file until it
//! is answered (seen with 2.1.332).

/// What the last rows of such a question say of the keys that answer it.
const KEY_HINTS: [&str; 9] = [
    "Enter to confirm",
    "Enter to select",
    "Enter to continue",
    "Press Enter",
    "Esc to cancel",
    "Esc to close",
    "Esc to exit",
    "Esc to reject",
    "Esc to go back",
];
/// How many rows may stand below the first row of those hints: a narrow window breaks them.
const MAX_ROWS_BELOW_HINT: usize = 1;
/// Longer questions are cut, in characters.
const MAX_QUESTION_CHARS: usize = 240;
/// What stands between two paragraphs of the question.
const PARAGRAPH_SEPARATOR: &str = " / ";

/// The question that stands on a screen of these rows, in one line, without its choices; nothing where there
/// is none. The main prompt may look like one: see [`read`](super::read) for that.
pub fn start_question<T: AsRef<str>>(rows: &[T]) -> Option<String> {
    let rows: Vec<&str> = rows.iter().map(|row| row.as_ref().trim()).collect();
    let mut from_below = (0..rows.len()).rev().filter(|&at| !rows[at].is_empty());
    let has_hint = |at: &usize| KEY_HINTS.iter().any(|hint| rows[*at].contains(hint));
    let hint = from_below.by_ref().take(MAX_ROWS_BELOW_HINT + 1).find(has_hint)?;
    let top = (0..hint).rev().find(|&at| rows[at].starts_with(['─', '▔'])).map_or(0, |rule| rule + 1);
    let choice = (top..hint).find(|&at| rows[at].starts_with('❯'));
    let choices = choice.map_or(hint, |choice| {
        (top..choice).rev().take_while(|&at| !rows[at].is_empty()).last().unwrap_or(choice)
    });
    let above = paragraphs(&rows[top..choices]);
    let text = if above.is_empty() { paragraphs(&rows[choices..hint]) } else { above };
    (!text.is_empty()).then(|| match text.char_indices().nth(MAX_QUESTION_CHARS) {
        None => text,
        Some((end, _)) => format!("{}…", text[..end].trim_end()),
    })
}

/// These rows as one line. Rows without a letter or a digit are left out: frames and drawings.
fn paragraphs(rows: &[&str]) -> String {
    let is_text = |row: &&str| row.chars().any(char::is_alphanumeric);
    let paragraphs = rows
        .split(|row| row.is_empty())
        .map(|rows| rows.iter().copied().filter(is_text).collect::<Vec<_>>().join(" "));
    paragraphs.filter(|paragraph| !paragraph.is_empty()).collect::<Vec<_>>().join(PARAGRAPH_SEPARATOR)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: &str = "────────────────────────────────────────────────────────────────";

    #[test]
    fn the_question_about_trust_is_read_without_its_choices() {
        let found = start_question(&[
            "$ claude",
            RULE,
            " Accessing workspace:",
            "",
            " /home/you/api",
            "",
            " Quick safety check: Is this a project you created or one you",
            " trust?",
            "",
            " Security guide",
            "",
            " ❯ No, exit",
            "   Yes, I trust this folder",
            "",
            " Enter to confirm · Esc to cancel",
        ]);
        let text = "Accessing workspace: / /home/you/api / Quick safety check: Is this a project you created or one you \
                    trust? / Security guide";
        assert_eq!(found.as_deref(), Some(text));
    }

    #[test]
    fn choices_above_the_selected_one_are_no_part_of_it() {
        let found = start_question(&[
            RULE,
            "  Do you want to use this API key?",
            "",
            "    Yes",
            "  ❯ No (recommended)",
            "",
            "  Enter to confirm · Esc",
            "  to cancel",
        ]);
        assert_eq!(found.as_deref(), Some("Do you want to use this API key?"));
        let without_title = start_question(&["❯ 1. Yes", "  2. No", "Enter to confirm"]);
        assert_eq!(without_title.as_deref(), Some("❯ 1. Yes 2. No"));
    }

    #[test]
    fn a_long_question_is_cut() {
        let long = "é".repeat(10 * MAX_QUESTION_CHARS);
        let found = start_question(&[&*long, "", "❯ Yes", "Enter to confirm"]).expect("a question");
        assert_eq!(found, "é".repeat(MAX_QUESTION_CHARS) + "…");
    }

    #[test]
    fn a_prompt_or_a_log_is_no_question() {
        assert_eq!(start_question(&["Enter to confirm · Esc to cancel", "● Hello", RULE, "❯ ", RULE]), None);
        let below = "  ? for shortcuts · esc to interrupt";
        assert_eq!(start_question(&["● Hello", RULE, "❯ ", RULE, below]), None);
        assert_eq!(start_question(&["Loading…"]), None);
        assert_eq!(start_question::<&str>(&[]), None);
    }
}
