//! A table, for a terminal and for a document.

/// Rows of cells. The first column is words, the others are figures.
pub struct Table {
    /// Its title.
    pub title: String,
    /// The first row.
    pub head: Vec<String>,
    /// The others, of the same length.
    pub rows: Vec<Vec<String>>,
}

impl Table {
    /// As Markdown.
    pub fn markdown(&self) -> String {
        let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
        let rule: Vec<String> =
            (0..self.head.len()).map(|column| if column == 0 { "---" } else { "---:" }.to_owned()).collect();
        let rows: String = self.rows.iter().map(|row| line(row)).collect();
        format!("### {}\n\n{}{}{rows}", self.title, line(&self.head), line(&rule))
    }

    /// In columns.
    pub fn plain(&self) -> String {
        let rows = || std::iter::once(&self.head).chain(&self.rows);
        let width = |column: usize| rows().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let mut text = format!("{}\n", self.title);
        for row in rows() {
            let mut line = format!("  {:<1$}", row[0], width(0));
            for (column, cell) in row.iter().enumerate().skip(1) {
                line += &format!("  {cell:>0$}", width(column));
            }
            text += line.trim_end();
            text.push('\n');
        }
        text
    }
}

/// A figure with as many digits as it deserves.
pub fn number(figure: f64) -> String {
    let size = figure.abs();
    if size >= 999.5 {
        let whole = size.round() as u64;
        let sign = if figure < 0.0 { "-" } else { "" };
        return format!("{sign}{}", thousands(whole));
    }
    let digits = match size {
        0.0 => 0,
        99.5.. => 0,
        9.95.. => 1,
        _ => 2,
    };
    format!("{figure:.digits$}")
}

/// A whole number with commas.
pub fn thousands(number: u64) -> String {
    if number < 1000 {
        return number.to_string();
    }
    format!("{},{:03}", thousands(number / 1000), number % 1000)
}
