//! A text on the whole screen.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use unicode_width::UnicodeWidthStr;

use super::footer::{draw_commands, draw_typed};
use super::{style, text};
use crate::cli::top::keys::{self, Command};
use crate::cli::top::view::View;
use crate::cli::top::view::pager::{End, Pager};

/// Draws title, text and keys. Gives where the cursor is, if something is typed.
pub fn draw(view: &View, pager: &Pager, buffer: &mut Buffer) -> Option<Position> {
    let size = view.size();
    let body = Rect { y: size.y + size.height.min(1), height: size.height.saturating_sub(2), ..size };
    draw_title(view, pager, text::first_row(size), buffer);
    for at in 0..body.height {
        draw_line(pager, pager.top() + usize::from(at), text::row(body, at.into()), buffer);
    }
    let last =
        Rect { y: size.bottom().saturating_sub(1), height: size.height.saturating_sub(1).min(1), ..size };
    match (pager.typed(), pager.notice()) {
        (Some(typed), _) => draw_typed("/", typed, last, buffer),
        (None, Some(notice)) => {
            text::put(last, notice, style::bad(view.colours()), buffer);
            None
        }
        (None, None) => {
            draw_keys(pager, last, buffer);
            None
        }
    }
}

/// What is read, and how much of it is above.
fn draw_title(view: &View, pager: &Pager, area: Rect, buffer: &mut Buffer) {
    text::put(area, &text::written(pager.title()), style::SELECTED, buffer);
    let right = match pager.end() {
        End::Failed(why) => text::written(why),
        End::Open if pager.lines().parts() == 0 => "it is read…".to_owned(),
        End::Whole if pager.lines().parts() == 0 => "there is nothing in it".to_owned(),
        End::Open | End::Whole => format!("{} %", pager.percent()),
    };
    let right = match pager.lines().dropped() {
        0 => right,
        dropped => format!("{dropped} lines above are left out · {right}"),
    };
    let look = match pager.end() {
        End::Failed(_) => style::SELECTED.patch(style::bad(view.colours())),
        End::Open | End::Whole => style::SELECTED,
    };
    buffer.set_style(area.intersection(buffer.area), style::SELECTED);
    let title = u16::try_from(text::written(pager.title()).width() + 2).unwrap_or(u16::MAX).min(area.width);
    let width = u16::try_from(right.width()).unwrap_or(u16::MAX).min(area.width - title);
    text::put(Rect { x: area.right() - width, width, ..area }, &right, look, buffer);
}

/// A row of the text, with what was searched for.
fn draw_line(pager: &Pager, at: usize, area: Rect, buffer: &mut Buffer) {
    let lines = pager.lines();
    let Some(part) = lines.part(at) else { return };
    let line = lines.text(part);
    text::put(area, line.trim_end(), ratatui::style::Style::new(), buffer);
    for found in lines.matches(part, pager.pattern()) {
        let column = |at: usize| u16::try_from(line[..at].width()).unwrap_or(u16::MAX).min(area.width);
        let (start, end) = (column(found.start), column(found.end));
        let look =
            if pager.found() == Some(at) { style::SELECTED.patch(style::BOLD) } else { style::SELECTED };
        let found = Rect { x: area.x + start, width: end - start, ..area };
        buffer.set_style(found.intersection(buffer.area), look);
    }
}

fn draw_keys(pager: &Pager, area: Rect, buffer: &mut Buffer) {
    let search = match pager.pattern() {
        "" => vec![Command::Search],
        _ => vec![Command::NextMatch, Command::PreviousMatch, Command::Search],
    };
    let first: Vec<Command> = [Command::Up, Command::PageDown]
        .into_iter()
        .chain(search)
        .chain([Command::First, Command::Last])
        .collect();
    draw_commands(&keys::PAGER, &first, &[Command::Back], area, buffer);
}
