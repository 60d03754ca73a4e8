//! The columns that `cckw list --columns` can show: those of the usual table, and fields of `--json`.

use clap::ValueEnum;
use serde_json::Value;

use super::table::{Cell, Row, align, cut};
use crate::escape::prose;

/// On a terminal no cell is wider than this, in columns.
const MAX_CELL_COLUMNS: usize = 60;

/// A column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum Column {
    Name,
    State,
    Rc,
    Terminal,
    Uptime,
    Restarts,
    Claude,
    LastUsed,
    Directory,
    About,
    Session,
    Conversation,
    WaitingFor,
    Turn,
    Model,
    ContextTokens,
    LastPrompt,
    LastAnswer,
    LastActivity,
    GitBranch,
    Hint,
}

impl Column {
    /// Its name on the command line, which for a field of `--json` is the field's name.
    fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    /// Its title, as in the usual table.
    pub fn title(self) -> String {
        self.name().to_uppercase().replace('_', " ")
    }
}

/// The table of these columns. `rows` are those of the usual table with their `titles`, and `lines` the same
/// sessions as `--json` has them. On a terminal with so many columns, lines are cut there.
pub fn table(
    chosen: &[Column],
    titles: &[&str],
    rows: Vec<Row>,
    lines: &[Value],
    columns: Option<usize>,
) -> Vec<String> {
    let cell = |column: &Column, row: &Row, line: &Value| {
        let usual = titles.iter().position(|title| *title == column.title());
        usual.map_or_else(|| field(line, &column.name(), columns.is_some()), |at| row[at].clone())
    };
    let body = rows
        .iter()
        .zip(lines)
        .map(|(row, line)| chosen.iter().map(|column| cell(column, row, line)).collect::<Row>());
    let head = chosen.iter().map(|column| Cell::from(column.title())).collect();
    let all: Vec<Row> = std::iter::once(head).chain(body).collect();
    let lines = align(&all).into_iter();
    lines.map(|line| columns.map_or_else(|| line.clone(), |columns| cut(&line, columns))).collect()
}

/// A field as a text.
fn field(line: &Value, name: &str, is_terminal: bool) -> Cell {
    let text = match &line[name] {
        Value::Null => "-".into(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let shown = prose(&text);
    let is_long = is_terminal && shown.chars().count() > MAX_CELL_COLUMNS;
    if is_long { format!("{}\u{2026}", cut(&shown, MAX_CELL_COLUMNS - 1)).into() } else { shown.into() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_column_is_of_the_usual_table_or_a_field() {
        let chosen = [Column::LastPrompt, Column::Name, Column::ContextTokens, Column::Model];
        let rows = vec![vec![Cell::from("api"), Cell::from("idle")]];
        let line = json!({"name": "x", "last_prompt": "a\u{1b}\nb", "context_tokens": 21022, "model": null});
        let shown = table(&chosen, &["NAME", "STATE"], rows, &[line], None);
        assert_eq!(
            shown,
            ["LAST PROMPT  NAME  CONTEXT TOKENS  MODEL", "a\\u{1b}\\nb   api   21022           -"]
        );
        let line = json!({"last_prompt": "word ".repeat(100)});
        let shown = table(&[Column::LastPrompt], &[], vec![vec![]], &[line], Some(30));
        assert_eq!(shown[1].chars().count(), 30);
    }

    #[test]
    fn names_are_those_of_json() {
        let names: Vec<String> = Column::value_variants().iter().map(|column| column.name()).collect();
        for name in ["last_used", "context_tokens", "git_branch", "turn"] {
            assert!(names.iter().any(|known| known == name), "{name}");
        }
    }
}
