//! A question that claude asks before it begins: whether it may work in a folder, which key or login to use,
//! which colours, which conversation to resume. It has no state file then, so its screen is all that says so.
//!
//! As seen with 2.1.332: a rule, the question, a list with one row marked by `❯`, and below it what the keys do.

/// What stands in front of the row that is selected.
const SELECTED: &str = "❯ ";
/// What stands in the row below the list.
const KEYS: [&str; 3] = ["Enter to", "Esc to", "Press Enter"];
/// What a rule is drawn with.
const RULES: [char; 2] = ['─', '▔'];
/// So many rows may stand below the row that says what the keys do: a narrow window breaks it.
const MAX_ROWS_BELOW_KEYS: usize = 1;
/// So many characters of the question are told.
const MAX_QUESTION_CHARS: usize = 300;

/// The question that the screen asks with a list or a field, in a line; nothing where it shows none. `rows` is
/// the text of the screen from the top.
pub fn first_question(rows: &[String]) -> Option<String> {
    asked_with_list(rows).or_else(|| asked_with_field(rows))
}

/// The question above what is to be filled in: below it, at the foot of the screen, stands what the keys do.
fn asked_with_field(rows: &[String]) -> Option<String> {
    let has_text = |at: &usize| !rows[*at].trim().is_empty();
    let says_keys = |at: &usize| KEYS.iter().any(|words| rows[*at].contains(words));
    let mut from_below = (0..rows.len()).rev().filter(has_text).take(MAX_ROWS_BELOW_KEYS + 1);
    let keys = from_below.find(says_keys)?;
    let from = rows[..keys].iter().rposition(|row| is_rule(row)).map_or(0, |rule| rule + 1);
    in_a_line(&rows[from..keys])
}

/// The question above a list with one row marked.
fn asked_with_list(rows: &[String]) -> Option<String> {
    let selected = rows.iter().position(|row| {
        row.trim_start().strip_prefix(SELECTED).is_some_and(|rest| !rest.trim().is_empty())
    })?;
    let is_rule = |row: &&String| is_rule(row);
    // The main prompt stands between two rules.
    if rows.get(selected + 1).is_some_and(|row| is_rule(&row)) {
        return None;
    }
    let says_keys = |row: &String| KEYS.iter().any(|words| row.contains(words));
    let is_list = rows[selected + 1..].iter().any(says_keys) || has_neighbour(rows, selected);
    if !is_list {
        return None;
    }
    let from = rows[..selected].iter().rposition(|row| is_rule(&row)).map_or(0, |rule| rule + 1);
    let until = first_of_list(rows, selected);
    in_a_line(&rows[from..until])
}

/// The words of these rows, cut where they are too many.
fn in_a_line(rows: &[String]) -> Option<String> {
    let words: Vec<&str> =
        rows.iter().flat_map(|row| row.split_whitespace()).filter(|word| is_word(word)).collect();
    let text = words.join(" ");
    (!text.is_empty()).then(|| match text.char_indices().nth(MAX_QUESTION_CHARS) {
        None => text,
        Some((end, _)) => format!("{}…", text[..end].trim_end()),
    })
}

fn is_rule(row: &str) -> bool {
    let row = row.trim();
    !row.is_empty() && row.chars().all(|c| RULES.contains(&c))
}

/// Whether a word is one, and no part of a picture.
fn is_word(word: &str) -> bool {
    word.chars().any(char::is_alphanumeric)
}

/// Whether another row of the list stands beside the selected one: its text begins in the same column.
fn has_neighbour(rows: &[String], selected: usize) -> bool {
    let beside = [selected.checked_sub(1), Some(selected + 1)];
    beside
        .into_iter()
        .flatten()
        .filter_map(|at| rows.get(at))
        .any(|row| is_option(row, column(&rows[selected])))
}

/// The first row of the list that the selected one belongs to.
fn first_of_list(rows: &[String], selected: usize) -> usize {
    let column = column(&rows[selected]);
    let is_option = |row: &&String| is_option(row, column) && !is_rule(row);
    let options = rows[..selected].iter().rev().take_while(is_option).count();
    selected - options
}

/// The column in which the text of the selected row begins.
fn column(selected: &str) -> usize {
    selected.chars().take_while(|c| *c == ' ').count() + SELECTED.chars().count()
}

fn is_option(row: &str, column: usize) -> bool {
    !row.trim().is_empty() && row.chars().take_while(|c| *c == ' ').count() == column
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rows(text: &str) -> Vec<String> {
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn the_questions_of_a_start_are_read() {
        let trust = "────────\n Accessing workspace:\n\n /src\n\n Quick safety check: Is this a project you\n trust?\n\n \
                     ❯ No, exit\n   Yes, I trust this folder\n\n Enter to confirm · Esc to cancel\n";
        assert_eq!(
            first_question(&rows(trust)).as_deref(),
            Some("Accessing workspace: /src Quick safety check: Is this a project you trust?")
        );
        let key = "────────\n  Detected a custom API key in your environment\n\n  Do you want to use this API key?\n\n    \
                   Yes\n  ❯ No (recommended)\n\n  Enter to confirm · Esc to cancel\n";
        assert_eq!(
            first_question(&rows(key)).as_deref(),
            Some("Detected a custom API key in your environment Do you want to use this API key?")
        );
        let login = " Select login method:\n\n ❯ 1. Claude account\n   2. Console account\n";
        assert_eq!(first_question(&rows(login)).as_deref(), Some("Select login method:"));
    }

    #[test]
    fn a_question_without_a_list_is_known_by_its_keys() {
        let resume = "────────\n Resume session\n ╭─────────╮\n │ ⌕ Search…  │\n ╰─────────╯\n  No sessions yet\n\n Ctrl+A to                       show all · Esc to\n close\n";
        assert_eq!(first_question(&rows(resume)).as_deref(), Some("Resume session Search… No sessions yet"));
    }

    #[test]
    fn a_long_question_is_cut() {
        let long = "é".repeat(10 * MAX_QUESTION_CHARS);
        let found = first_question(&rows(&format!("{long}\n\n❯ Yes\n  No\n"))).expect("a question");
        assert_eq!(found, "é".repeat(MAX_QUESTION_CHARS) + "…");
    }

    #[test]
    fn a_prompt_and_other_screens_are_none() {
        for text in [
            "",
            "Welcome to Claude Code\n",
            "────────\n❯ hello\n────────\n  ? for shortcuts\n",
            "❯ what I have said\n\n● The answer\n\n────────\n❯ \n────────\n",
        ] {
            assert_eq!(first_question(&rows(text)), None, "{text}");
        }
    }

    #[test]
    fn a_rule_is_no_row_of_the_list_below_it() {
        let rows = rows("Which one?\n  ──\n❯ Yes\n  No\n\nEnter to confirm\n");
        assert_eq!(first_question(&rows).as_deref(), Some("Yes No"));
    }

    proptest! {
        #[test]
        fn no_screen_is_an_error(rows in proptest::collection::vec("[ ❯─a-z]{0,12}", 0..12)) {
            let _ = first_question(&rows);
        }
    }
}
