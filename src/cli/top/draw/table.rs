//! The rows of the list, below the titles of their columns.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use unicode_width::UnicodeWidthStr;

use super::{style, text};
use crate::cli::table::shorten;
use crate::cli::top::row::{Kind, Row, Urgency};
use crate::cli::top::view::View;
use crate::cli::top::view::layout::Areas;

/// A column of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Column {
    Name,
    State,
    Last,
    Terminal,
    Remote,
    Model,
    Context,
    Directory,
    About,
}

/// The columns in their order.
const COLUMNS: [Column; 9] = [
    Column::Name,
    Column::State,
    Column::Last,
    Column::Terminal,
    Column::Remote,
    Column::Model,
    Column::Context,
    Column::Directory,
    Column::About,
];
/// What a narrow screen does without, the first one first.
const DISPENSABLE: [Column; 6] =
    [Column::Context, Column::Model, Column::Remote, Column::About, Column::Directory, Column::Terminal];
/// A name is not shortened below this for another column, and never wider than that.
const NAME_COLUMNS: [usize; 2] = [16, 28];
/// The same of a directory.
const DIRECTORY_COLUMNS: [usize; 2] = [12, 36];
/// What a session is about is not shortened below this.
const ABOUT_COLUMNS: usize = 16;
/// The mark at the beginning of a line.
const MARK_COLUMNS: u16 = 2;

/// Draws titles and rows.
pub fn draw(view: &View, areas: &Areas, buffer: &mut Buffer) {
    let list = view.list();
    let rows: Vec<&Row> = list.shown().iter().skip(list.top).take(areas.list.height.into()).collect();
    let widths = widths(list.shown(), view.now(), usize::from(areas.list.width.saturating_sub(MARK_COLUMNS)));
    if !list.shown().is_empty() {
        draw_titles(&widths, areas.titles, buffer);
    }
    for (at, row) in rows.iter().enumerate() {
        let area = text::row(areas.list, at);
        draw_row(view, row, &widths, area, buffer);
        if list.top + at == list.at() {
            buffer.set_style(area, style::SELECTED);
        }
    }
}

fn draw_titles(widths: &[(Column, usize)], area: Rect, buffer: &mut Buffer) {
    let mut x = MARK_COLUMNS;
    for (column, width) in widths {
        text::put(part(area, x, *width), column.title(), style::QUIET, buffer);
        x += to_u16(*width) + 1;
    }
}

fn draw_row(view: &View, row: &Row, widths: &[(Column, usize)], area: Rect, buffer: &mut Buffer) {
    let is_old = view.list().is_old(&row.id.source);
    let ground = if is_old || row.urgency == Urgency::Gone { style::QUIET } else { Style::new() };
    let mark = match row.urgency {
        Urgency::NeedsYou => ("!", style::bad(view.colours())),
        _ if is_old => ("?", ground),
        Urgency::Busy => ("*", style::of_urgency(view.colours(), row.urgency)),
        Urgency::Idle | Urgency::Gone => (" ", ground),
    };
    text::put(area, mark.0, mark.1, buffer);
    let mut x = MARK_COLUMNS;
    for (column, width) in widths {
        let cell = column.cell(row, view.now());
        let cell = if *column == Column::Directory { shorten(&cell, *width) } else { cell };
        let look = match column {
            Column::State if is_old => ground,
            Column::State => ground.patch(style::of_state(view.colours(), &row.state)),
            Column::Remote => ground.patch(style::of_link(view.colours(), &cell)),
            _ => ground,
        };
        text::put(part(area, x, *width), &cell, look, buffer);
        x += to_u16(*width) + 1;
    }
}

/// So many columns of an area's row, from `x` on.
fn part(area: Rect, x: u16, width: usize) -> Rect {
    let left = x.min(area.width);
    Rect { x: area.x + left, width: to_u16(width).min(area.width - left), ..text::first_row(area) }
}

fn to_u16(width: usize) -> u16 {
    u16::try_from(width).unwrap_or(u16::MAX / 2)
}

impl Column {
    fn title(self) -> &'static str {
        match self {
            Self::Name => "NAME",
            Self::State => "STATE",
            Self::Last => "LAST",
            Self::Terminal => "TERMINAL",
            Self::Remote => "RC",
            Self::Model => "MODEL",
            Self::Context => "CTX",
            Self::Directory => "DIRECTORY",
            Self::About => "ABOUT",
        }
    }

    /// What stands in it for a row, escaped.
    fn cell(self, row: &Row, now: u64) -> String {
        match self {
            Self::Name => text::name(&row.full_name()),
            Self::State => text::name(&row.shown_state),
            Self::Last => row.active_at.map(|at| age(now.saturating_sub(at))).unwrap_or_default(),
            Self::Terminal => match (row.kind, row.attached) {
                (Kind::Unwrapped, _) => "unwrapped".to_owned(),
                (Kind::Job, _) => "job".to_owned(),
                (Kind::Session, Some(true)) => "attached".to_owned(),
                (Kind::Session, Some(false)) if row.running => "detached".to_owned(),
                (Kind::Session, _) => "-".to_owned(),
            },
            Self::Remote => row.remote.as_deref().map(text::name).unwrap_or_default(),
            Self::Model => row.model.as_deref().map(model).unwrap_or_default(),
            Self::Context => row.context_tokens.map(tokens).unwrap_or_default(),
            Self::Directory => text::name(&row.directory),
            Self::About => row.title.as_deref().map(text::written).unwrap_or_default(),
        }
    }
}

/// How long ago something was, as short as it can be said.
pub fn age(seconds: u64) -> String {
    match seconds {
        0..60 => "now".into(),
        60..3600 => format!("{}m", seconds / 60),
        3600..86400 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86400),
    }
}

/// A model's name without the maker's.
pub fn model(name: &str) -> String {
    text::name(name.strip_prefix("claude-").unwrap_or(name))
}

/// A number of tokens: `34k`.
pub fn tokens(count: u64) -> String {
    if count < 1000 { count.to_string() } else { format!("{}k", count / 1000) }
}

/// The columns that are shown, each with its width.
fn widths(rows: &[Row], now: u64, room: usize) -> Vec<(Column, usize)> {
    let mut kept: Vec<(Column, usize)> = COLUMNS
        .into_iter()
        .filter_map(|column| {
            let widest = rows.iter().map(|row| column.cell(row, now).width()).max().unwrap_or(0);
            (widest > 0).then(|| (column, widest.max(column.title().len())))
        })
        .collect();
    for (column, width) in &mut kept {
        match column {
            Column::Name => *width = (*width).min(NAME_COLUMNS[1]),
            Column::Directory => *width = (*width).min(DIRECTORY_COLUMNS[1]),
            _ => {}
        }
    }
    for column in DISPENSABLE {
        if least(&kept) <= room {
            break;
        }
        kept.retain(|(kept, _)| *kept != column);
    }
    shrink(&mut kept, room);
    kept
}

/// How many columns these need, all that can be shortened being short.
fn least(kept: &[(Column, usize)]) -> usize {
    let least = |(column, width): &(Column, usize)| match column {
        Column::Name => (*width).min(NAME_COLUMNS[0]),
        Column::Directory => (*width).min(DIRECTORY_COLUMNS[0]),
        Column::About => (*width).min(ABOUT_COLUMNS),
        _ => *width,
    };
    kept.iter().map(least).sum::<usize>() + kept.len().saturating_sub(1)
}

/// Makes the columns as narrow as they have to be, and the last ones no wider than what is left.
fn shrink(kept: &mut [(Column, usize)], room: usize) {
    for (column, shortest) in [
        (Column::About, ABOUT_COLUMNS),
        (Column::Directory, DIRECTORY_COLUMNS[0]),
        (Column::Name, NAME_COLUMNS[0]),
    ] {
        let total = kept.iter().map(|(_, width)| *width).sum::<usize>() + kept.len().saturating_sub(1);
        if let Some((_, width)) = kept.iter_mut().find(|(kept, _)| *kept == column) {
            *width = width.saturating_sub(total.saturating_sub(room)).max(shortest.min(*width));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_and_tokens_are_short() {
        assert_eq!(
            [0, 59, 60, 3599, 3600, 86400, 200_000].map(age),
            ["now", "now", "1m", "59m", "1h", "1d", "2d"]
        );
        assert_eq!([0, 999, 1000, 34_567, 1_000_000].map(tokens), ["0", "999", "1k", "34k", "1000k"]);
        assert_eq!(model("claude-opus-4-1"), "opus-4-1");
    }
}
