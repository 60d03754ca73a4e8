//! The screen: what a session looks like, and the fewest bytes that make the terminal show it.

use std::fmt::Write as _;

use super::app::{App, CTRL_C_HINT, FakeView};
use super::commands::suggestions;
use super::editor::VimMode;
use super::terminal::Cells;

/// The choices of the panel that `/remote-control` opens while the bridge is up.
pub const PANEL_CHOICES: [&str; 3] = ["Disconnect this session", "Show QR code", "Continue"];

const HELP: [&str; 4] = [
    "  ! for shell mode      esc esc to clear input         ctrl+z to suspend",
    "  / for commands        ctrl+o to see full transcript  ctrl+s to stash prompt",
    "  ← for agents          ctrl+r to search prompts       ctrl+c twice to exit",
    "  \\ then enter for newline",
];

/// What the screen should show: lines that scroll away, and those below them that change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// Header and conversation, wrapped.
    pub fixed: Vec<String>,
    /// Everything from the prompt's upper rule down, or a dialog.
    pub live: Vec<String>,
    /// Where in `live` the cursor stands: row, column.
    pub cursor: (usize, usize),
    /// Frames of different kinds share no lines.
    pub kind: u8,
}

/// Lays out the session for a terminal of this size.
pub fn frame(app: &App, version: &str, size: Cells) -> Frame {
    let mut fixed = vec![
        format!(" ▐▛███▜▌   Claude Code stand-in v{version}"),
        "▝▜█████▛▘  echo · no account, no network".to_owned(),
        format!("  ▘▘ ▝▝    {}", std::env::current_dir().unwrap_or_default().display()),
    ];
    if let Some(indicator) = app.bridge.indicator().filter(|_| app.fullscreen) {
        fixed[2].push_str(&format!(" · {indicator}"));
    }
    fixed.extend(app.lines.iter().cloned());
    let (live, cursor, kind) = match &app.view {
        FakeView::Main | FakeView::Search(_) => {
            let (live, cursor) = main_prompt(app, size.cols);
            (live, cursor, 0)
        }
        FakeView::Transcript => {
            let left = "  Showing detailed transcript · ctrl+o to toggle";
            (vec![String::new(), rule(size.cols, None), sides(left, "verbose", size.cols)], (2, 0), 1)
        }
        FakeView::Agents => {
            fixed = agents_list();
            let (mut live, (row, column)) = prompt(
                &app.editor.text(),
                app.editor.cursor(),
                "❯",
                size.cols,
                Some("describe a task for a new session"),
            );
            live.insert(0, rule(size.cols, None));
            live.extend([rule(size.cols, None), "  enter to return · ctrl+c twice to exit".into()]);
            (live, (row + 1, column), 2)
        }
        FakeView::Trust => dialog(
            size.cols,
            &["Do you trust the files in this folder?", "", "❯ 1. Yes, I trust this folder", "  2. No, exit"],
            2,
        ),
        FakeView::Config => {
            dialog(size.cols, &["Settings", "", "❯ Auto-compact    on", "  Show tips       on"], 2)
        }
        FakeView::Permission => dialog(
            size.cols,
            &[
                "Bash command",
                "",
                "echo permission",
                "",
                "Do you want to proceed?",
                "❯ 1. Yes",
                "  2. Yes, and don't ask again",
                "  3. No",
            ],
            5,
        ),
        FakeView::Panel(selected) => {
            let about = app.bridge.about();
            let choices = choices(PANEL_CHOICES, *selected);
            let lines: Vec<&str> = ["Remote Control", ""]
                .into_iter()
                .chain(about.iter().map(String::as_str))
                .chain([""])
                .chain(choices.iter().map(String::as_str))
                .collect();
            dialog(size.cols, &lines, 3 + about.len() + selected)
        }
        FakeView::Resume(stored, selected) => {
            let choices = choices(stored.iter().map(|s| s.title.as_str()), *selected);
            let lines: Vec<&str> =
                ["Resume session", ""].into_iter().chain(choices.iter().map(String::as_str)).collect();
            dialog(size.cols, &lines, 2 + selected)
        }
    };
    let fixed = fixed.iter().flat_map(|line| wrap(line, size.cols)).collect();
    let mut frame = Frame { fixed, live, cursor, kind };
    let surplus = frame.live.len().saturating_sub(size.rows);
    frame.live.drain(..surplus);
    frame.cursor.0 = frame.cursor.0.saturating_sub(surplus);
    frame
}

fn main_prompt(app: &App, cols: usize) -> (Vec<String>, (usize, usize)) {
    let mut live = Vec::new();
    if let Some(reply) = app.partial_reply() {
        live.extend([String::new()]);
        live.extend(wrap(&format!("● {reply}"), cols));
        live.extend([String::new(), "✻ Working… (esc to interrupt)".into()]);
    }
    live.extend([String::new(), rule(cols, app.name.as_deref())]);
    let above = live.len();
    let mark = match (app.bash, app.unknown_look) {
        (true, _) => "!",
        (false, true) => "»",
        (false, false) => "❯",
    };
    let hit = app.search_hit().map(str::to_owned);
    let draft = hit.unwrap_or_else(|| app.editor.text());
    let (lines, (row, column)) = prompt(&draft, app.editor.cursor(), mark, cols, None);
    live.extend(lines);
    live.push(rule(cols, None));
    if app.unknown_look {
        let lower = live.len() - 1;
        for rule in [above - 1, lower] {
            live[rule] = "┄".repeat(cols);
        }
    }
    let mut cursor = (above + row, column);
    if let FakeView::Search(query) = &app.view {
        let text = format!("  search prompts: {query}");
        cursor = (live.len(), width(&text).min(cols - 1));
        live.push(clip(&text, cols));
    } else if app.help {
        live.extend(HELP.iter().map(|line| clip(line, cols)));
    } else if app.editor.text().starts_with('/') && !app.editor.text().contains(char::is_whitespace) {
        live.extend(suggestion_lines(&app.editor.text(), cols));
    } else {
        live.push(footer(app, cols));
    }
    (live, cursor)
}

fn footer(app: &App, cols: usize) -> String {
    let mut left = String::from("  ");
    if app.editor.vim() == Some(VimMode::Insert) {
        left.push_str("-- INSERT -- ");
    }
    let mut right: Vec<&str> = Vec::new();
    match app.notice {
        Some((CTRL_C_HINT, _)) => left.push_str(CTRL_C_HINT),
        _ if app.bash => left.push_str("! for shell mode"),
        _ => {
            left.push_str("? for shortcuts");
            if app.editor.is_empty() {
                left.push_str(" · ← for agents");
            }
        }
    }
    // As long as there is one.
    right.extend(app.stash.as_ref().map(|_| "draft stashed"));
    right.extend(app.notice.map(|(text, _)| text).filter(|&text| text != CTRL_C_HINT));
    right.extend(app.bridge.indicator().filter(|_| !app.fullscreen));
    sides(&left, &right.join(" · "), cols)
}

fn suggestion_lines(draft: &str, cols: usize) -> Vec<String> {
    let found = suggestions(draft);
    if found.is_empty() {
        return vec![clip(&format!("  No commands match \"{draft}\""), cols)];
    }
    let line = |(number, (name, about)): (usize, &(&str, &str))| {
        clip(&format!("  {} {name:<26} {about}", if number == 0 { "❯" } else { " " }), cols)
    };
    found.iter().enumerate().take(4).map(line).collect()
}

fn agents_list() -> Vec<String> {
    [
        "",
        "  Your session moved to the background · enter opens it · esc returns to it",
        "",
        "  Working",
        "",
        "  Completed",
    ]
    .map(str::to_owned)
    .into()
}

fn choices<'a>(items: impl IntoIterator<Item = &'a str>, selected: usize) -> Vec<String> {
    let mark = |n| if n == selected { "❯" } else { " " };
    items.into_iter().enumerate().map(|(n, item)| format!("{} {}. {item}", mark(n), n + 1)).collect()
}

/// A dialog in place of the prompt; `at` is the line that the cursor stands on.
fn dialog(cols: usize, lines: &[&str], at: usize) -> (Vec<String>, (usize, usize), u8) {
    let mut live = vec![String::new(), "▔".repeat(cols)];
    live.extend(lines.iter().map(|line| clip(&format!("  {line}"), cols)));
    live.extend([String::new(), clip("  Enter to confirm · Esc to cancel", cols)]);
    let row = (2 + at).min(live.len() - 1);
    (live, (row, 2), 0)
}

/// The draft behind its mark, wrapped, with the cursor's cell inverted as the real one draws it.
fn prompt(
    draft: &str,
    cursor: usize,
    mark: &str,
    cols: usize,
    placeholder: Option<&str>,
) -> (Vec<String>, (usize, usize)) {
    let room = cols.saturating_sub(3).max(1);
    let mut rows: Vec<Vec<char>> = vec![Vec::new()];
    let (mut at, mut used) = ((0, 0), 0);
    for (index, c) in draft.chars().enumerate() {
        if used + char_width(c) > room && c != '\n' {
            rows.push(Vec::new());
            used = 0;
        }
        if index == cursor {
            at = (rows.len() - 1, rows[rows.len() - 1].len());
        }
        if c == '\n' {
            rows.push(Vec::new());
            used = 0;
        } else {
            used += char_width(c);
            rows.last_mut().expect("there is always a row").push(c);
        }
    }
    if cursor >= draft.chars().count() {
        at = (rows.len() - 1, rows[rows.len() - 1].len());
    }
    let column = 2 + chars_width(&rows[at.0][..at.1]);
    let mut lines: Vec<String> = Vec::with_capacity(rows.len());
    for (row, chars) in rows.iter().enumerate() {
        // The real one puts a no-break space behind the mark.
        let mut line = if row == 0 { format!("{mark}\u{a0}") } else { "  ".into() };
        for (index, &c) in chars.iter().enumerate() {
            if (row, index) == at {
                let _ = write!(line, "\x1b[7m{c}\x1b[27m");
            } else {
                line.push(c);
            }
        }
        if (row, chars.len()) == at {
            match placeholder.filter(|_| draft.is_empty()) {
                Some(text) => {
                    let _ = write!(line, "\x1b[2m{}\x1b[22m", clip(text, room));
                }
                None => line.push_str("\x1b[7m \x1b[27m"),
            }
        }
        lines.push(line);
    }
    (lines, (at.0, column))
}

/// A horizontal rule, with the session's name near its right end where it has one.
fn rule(cols: usize, name: Option<&str>) -> String {
    let line = match name {
        Some(name) if width(name) + 4 < cols => format!("{} {name} ─", "─".repeat(cols - width(name) - 3)),
        _ => "─".repeat(cols),
    };
    format!("\x1b[2m{line}\x1b[22m")
}

/// `left`, and `right` at the right edge where both fit.
fn sides(left: &str, right: &str, cols: usize) -> String {
    let gap = cols.saturating_sub(width(left) + width(right));
    if right.is_empty() || gap < 2 {
        return clip(left, cols);
    }
    format!("{left}{}{right}", " ".repeat(gap))
}

fn clip(text: &str, cols: usize) -> String {
    let mut used = 0;
    text.chars()
        .take_while(|&c| {
            used += char_width(c);
            used <= cols
        })
        .collect()
}

/// Cuts a line between words into pieces of at most `cols` cells; at least one. What follows the first piece
/// of a marked line is set in by the width of the mark.
pub fn wrap(line: &str, cols: usize) -> Vec<String> {
    let indent = if line.starts_with(['●', '❯', '!']) { 2 } else { 0 };
    let mut pieces = Vec::new();
    let mut piece: Vec<char> = Vec::new();
    for c in line.chars().map(|c| if c.is_control() { ' ' } else { c }) {
        if chars_width(&piece) + char_width(c) > cols {
            let space = piece.iter().rposition(|&c| c == ' ').filter(|&at| at > indent);
            let rest = match space {
                Some(at) if c != ' ' => piece.split_off(at)[1..].to_vec(),
                _ => Vec::new(),
            };
            pieces.push(piece.iter().collect());
            piece = vec![' '; indent];
            piece.extend(rest);
            if c == ' ' {
                continue;
            }
        }
        piece.push(c);
    }
    pieces.push(piece.iter().collect());
    pieces
}

fn chars_width(chars: &[char]) -> usize {
    chars.iter().map(|&c| char_width(c)).sum()
}

fn width(text: &str) -> usize {
    text.chars().map(char_width).sum()
}

/// Cells of a character: near enough for a program that shows prompts and their echo.
fn char_width(c: char) -> usize {
    match u32::from(c) {
        0x300..=0x36f | 0x200b..=0x200f | 0xfe00..=0xfe0f => 0,
        0x1100..=0x115f
        | 0x2e80..=0xa4cf
        | 0xac00..=0xd7a3
        | 0xf900..=0xfaff
        | 0xfe30..=0xfe6f
        | 0xff00..=0xff60
        | 0xffe0..=0xffe6
        | 0x1f300..=0x1faff
        | 0x20000..=0x3fffd => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_cut_between_words_where_there_are_any() {
        assert_eq!(wrap("● one two three", 9), ["● one two", "  three"]);
        assert_eq!(wrap("● one two three", 7), ["● one", "  two", "  three"]);
        assert_eq!(wrap("abcdefgh", 3), ["abc", "def", "gh"]);
        assert_eq!(wrap("", 3), [""]);
        for cols in 4..20 {
            let pieces = wrap("● 漢字 and words_that_are_long  x", cols);
            assert!(pieces.iter().all(|piece| width(piece) <= cols), "{cols}: {pieces:?}");
        }
    }

    #[test]
    fn the_cursor_is_where_the_next_character_goes() {
        for (draft, cursor, wanted) in
            [("", 0, (0, 2)), ("ab", 2, (0, 4)), ("a\nb", 3, (1, 3)), ("漢", 1, (0, 4))]
        {
            assert_eq!(prompt(draft, cursor, "❯", 20, None).1, wanted, "{draft:?}");
        }
        // A row that is full keeps room for the cursor.
        let (lines, at) = prompt("0123456789", 10, "❯", 13, None);
        assert_eq!((lines.len(), at), (1, (0, 12)));
    }
}
