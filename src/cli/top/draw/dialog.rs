//! Dialogs: a box in the middle of the screen.

mod forms;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::widgets::{Block, BorderType, Clear, Widget};

use super::footer::draw_pairs;
use super::style;
use super::text::{self, Spans};
use crate::cli::top::view::View;
use crate::cli::top::view::dialog::Dialog;
use crate::cli::top::view::dialog::confirm::Confirm;
use crate::cli::top::view::dialog::menu::{Item, Menu};
use crate::cli::top::view::list::Place;
use crate::cli::top::view::wrap::wrap;

/// A box is no wider than this.
const BOX_COLUMNS: u16 = 76;

/// Draws a dialog. Gives where the cursor is, if something is typed.
pub fn draw(view: &View, dialog: &Dialog, buffer: &mut Buffer) -> Option<Position> {
    match dialog {
        Dialog::New(form) => forms::draw_new(view, form, buffer),
        Dialog::Send(form) => forms::draw_send(view, form, buffer),
        Dialog::Rename(form) => forms::draw_rename(view, form, buffer),
        Dialog::Confirm(confirm) => {
            draw_confirm(view, confirm, buffer);
            None
        }
        Dialog::Menu(menu) => {
            draw_menu(view, menu, buffer);
            None
        }
    }
}

/// Makes room for a box with so many lines in it, and draws it. Gives the area inside.
fn draw_box(view: &View, title: &str, lines: usize, buffer: &mut Buffer) -> Rect {
    let size = view.size();
    let width = size.width.min(BOX_COLUMNS);
    let height = u16::try_from(lines + 2).unwrap_or(u16::MAX).min(size.height);
    let area =
        Rect { x: size.x + (size.width - width) / 2, y: size.y + (size.height - height) / 3, width, height };
    Clear.render(area, buffer);
    let title = format!(" {title} ");
    let block = Block::bordered().border_type(BorderType::Rounded).title(title).title_style(style::BOLD);
    let inner = block.inner(area);
    block.render(area, buffer);
    Rect { x: inner.x + inner.width.min(1), width: inner.width.saturating_sub(2), ..inner }
}

/// Draws the keys on the last row of a box.
fn draw_keys(pairs: &[(&str, &str)], inner: Rect, buffer: &mut Buffer) {
    let pairs: Vec<_> = pairs.iter().map(|(key, words)| ((*key).to_owned(), (*words).to_owned())).collect();
    let last = usize::from(inner.height).saturating_sub(1);
    draw_pairs(&pairs, text::row(inner, last), buffer);
}

fn draw_confirm(view: &View, confirm: &Confirm, buffer: &mut Buffer) {
    let columns = usize::from(view.size().width.min(BOX_COLUMNS)).saturating_sub(4);
    let more = wrap(confirm.more, columns);
    let inner =
        draw_box(view, &text::written(&confirm.question), more.len() + confirm.choices.len() + 3, buffer);
    let mut at = 0;
    for range in more {
        text::put(text::row(inner, at), confirm.more[range].trim_end(), ratatui::style::Style::new(), buffer);
        at += 1;
    }
    at += 1;
    for choice in &confirm.choices {
        key_line(&choice.key.to_string(), choice.words).draw(text::row(inner, at), buffer);
        at += 1;
    }
    key_line("n, esc, enter", "do nothing").draw(text::row(inner, at), buffer);
}

/// A key, and what it does.
fn key_line(key: &str, words: &str) -> Spans {
    let mut spans = Spans::default();
    spans.add(format!("{key:<15}"), style::KEY);
    spans.words(words);
    spans
}

fn draw_menu(view: &View, menu: &Menu, buffer: &mut Buffer) {
    let inner = draw_box(view, "Show the sessions of", menu.items.len() + 2, buffer);
    let room = usize::from(inner.height.saturating_sub(2));
    let top = (menu.at + 1).saturating_sub(room);
    for (at, item) in menu.items.iter().enumerate().skip(top).take(room) {
        let area = text::row(inner, at - top);
        menu_line(view, item).draw(area, buffer);
        if at == menu.at {
            buffer.set_style(area.intersection(buffer.area), style::SELECTED);
        }
    }
    draw_keys(&[("enter", "show them"), ("esc", "leave"), ("up, down", "choose")], inner, buffer);
}

/// A machine, how many sessions it has, and what troubles it.
fn menu_line(view: &View, item: &Item) -> Spans {
    let name = match &item.place {
        None => "all machines".to_owned(),
        Some(Place::Here) => "this machine".to_owned(),
        Some(Place::Machine(name)) => text::name(name),
    };
    let mut spans = Spans::default();
    spans.words(format!("{name:<16} {:>4}", item.counts.all));
    if item.counts.needy > 0 {
        spans.add(format!("  {} !", item.counts.needy), style::bad(view.colours()));
    }
    if let Some(trouble) = &item.trouble {
        spans.add(format!("  {}", text::written(trouble)), style::warning(view.colours()));
    }
    spans
}
