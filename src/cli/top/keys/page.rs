//! That the page for users has the tables of keys as they are.

use super::{MOUSE, TABLES, Table};

/// A line of a table in Markdown.
fn line(keys: &str, words: &str) -> String {
    let keys: Vec<String> = keys.split(", ").map(|key| format!("`{key}`")).collect();
    format!("| {} | {} |\n", keys.join(", "), words.replace('\\', "\\\\"))
}

fn section(title: &str, lines: impl Iterator<Item = String>) -> String {
    format!("{title}:\n\n| key | what it does |\n| --- | --- |\n{}", lines.collect::<String>())
}

fn of_table(table: &Table) -> String {
    section(table.title, table.bindings.iter().map(|binding| line(&binding.names(), binding.words)))
}

#[test]
fn the_page_for_users_has_every_key() {
    const PAGE: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/user/fleet-view.md"));
    let mouse = MOUSE.iter().map(|(what, words)| format!("| {what} | {words} |\n"));
    let tables = TABLES.iter().map(|table| of_table(table)).chain([section("The mouse", mouse)]);
    let all = tables.collect::<Vec<_>>().join("\n");
    assert!(PAGE.contains(&all), "docs/user/fleet-view.md is to have:\n\n{all}");
}
