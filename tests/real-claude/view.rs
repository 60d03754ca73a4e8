//! What two screens of claude are compared by.

use std::time::Duration;

use super::support::Screen;

/// How long a screen must not have changed to be written down.
pub const REST: Duration = Duration::from_millis(400);

/// What is compared of a screen: all that does not change by itself or from run to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    rows: Vec<String>,
    /// The rows with their colours and attributes; none where a part of the text is not compared.
    looks: Vec<Option<String>>,
    cursor: (u16, u16),
    title: String,
    modes: Vec<String>,
}

impl View {
    /// What is not the same in `other`, in words.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        fn same<T: PartialEq + std::fmt::Debug>(found: &mut Vec<String>, what: &str, one: &T, other: &T) {
            if one != other {
                found.push(format!("{what}: {other:?} instead of {one:?}"));
            }
        }
        let mut found = Vec::new();
        same(&mut found, "number of rows", &self.rows.len(), &other.rows.len());
        for (row, (one, other)) in self.rows.iter().zip(&other.rows).enumerate() {
            same(&mut found, &format!("row {row}"), one, other);
        }
        for (row, (one, other)) in self.looks.iter().zip(&other.looks).enumerate() {
            if one.is_some() && other.is_some() {
                same(&mut found, &format!("look of row {row}"), one, other);
            }
        }
        same(&mut found, "cursor", &self.cursor, &other.cursor);
        same(&mut found, "title", &self.title, &other.title);
        same(&mut found, "modes", &self.modes, &other.modes);
        found
    }
}

/// A line without what differs between two runs.
pub fn plain(row: &str, root: &str) -> String {
    // "✻ Baked for 0s · done 8:04 AM": a word by chance, and the time (which earlier versions do not say).
    if row.starts_with('✻') && row.contains(" for ") {
        return "✻ done".into();
    }
    // Hints that go away by themselves after ten seconds.
    let row = ["◐ medium · /effort", "● high · /effort", " · ← for agents"]
        .iter()
        .fold(row.to_owned(), |row, hint| row.replace(hint, ""));
    let row = without_uuids(&row.replace(root, "ROOT"));
    row.trim_end().to_owned()
}

fn without_uuids(row: &str) -> String {
    row.split(' ')
        .map(|word| if uuid::Uuid::parse_str(word).is_ok() { "UUID" } else { word })
        .collect::<Vec<_>>()
        .join(" ")
}

/// What is compared of `screen`; `root` is the folder by chance that everything lies in.
pub fn view(screen: &Screen, root: &str) -> View {
    let rows: Vec<String> = screen.rows.iter().map(|row| plain(row, root)).collect();
    let looks = rows.iter().zip(&screen.rows).zip(&screen.looks);
    View {
        looks: looks.map(|((plain, row), look)| (plain == row).then(|| look.clone())).collect(),
        rows,
        cursor: screen.cursor,
        title: screen.title.clone(),
        modes: screen.modes.left_on(),
    }
}
