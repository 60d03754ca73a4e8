//! What stands at claude's main prompt. Read here without any code of cckw.

use super::support::Screen;

/// What stands at the main prompt; nothing where that is not shown.
pub fn draft(screen: &Screen) -> Option<String> {
    let row = usize::from(screen.cursor.0);
    let rule = |row: &usize| screen.rows.get(*row).is_some_and(|row| row.starts_with("────"));
    let upper = (0..row).rev().find(rule)?;
    let lower = (row + 1..screen.rows.len()).find(rule)?;
    let first = &screen.rows[upper + 1];
    if first != "❯" && !first.starts_with("❯\u{a0}") {
        return None;
    }
    let lines: Vec<String> =
        (upper + 1..lower).map(|row| screen.rows[row].chars().skip(2).collect::<String>()).collect();
    Some(lines.join("\n").trim_end().to_owned())
}

/// Whether the main prompt has the keyboard.
pub fn at_prompt(screen: &Screen) -> bool {
    draft(screen).is_some()
        && !["search prompts:", "enter to return"].iter().any(|words| screen.contains(words))
}
