//! The keys, as a text to read.

use super::pager::Pager;
use crate::cli::top::keys;

/// The keys in a pager.
pub fn pager() -> Pager {
    let mut pager = Pager::new("keys".into());
    pager.push(&text());
    pager.finish(None);
    pager.scroll(isize::MIN);
    pager
}

/// All tables, one below the other.
fn text() -> String {
    let mut text = String::new();
    for table in keys::TABLES {
        let lines = table.bindings.iter().map(|binding| (binding.names(), binding.words));
        section(&mut text, table.title, lines);
    }
    section(&mut text, "The mouse", keys::MOUSE.iter().map(|(what, words)| ((*what).to_owned(), *words)));
    text.push_str("The list: `!` needs you, `*` works, `?` is how it was when its machine answered last.\n");
    text
}

/// One table.
fn section(text: &mut String, title: &str, lines: impl Iterator<Item = (String, &'static str)>) {
    text.push_str(&format!("{title}:\n"));
    for (keys, words) in lines {
        text.push_str(&format!("  {keys:<18} {words}\n"));
    }
    text.push('\n');
}
