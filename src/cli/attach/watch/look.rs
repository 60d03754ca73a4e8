//! What a look at a session shows, and which keys end it. It does no I/O.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use super::super::super::top::event::Event;
use super::super::super::top::screen_copy::ScreenCopy;
use crate::protocol::ScreenFrame;

/// The look at one session.
pub struct Look {
    /// What it is called, escaped.
    name: String,
    copy: ScreenCopy,
    has_colours: bool,
    has_detach_key: bool,
}

/// What a key leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LookEffect {
    /// Nothing.
    None,
    /// The look ends.
    Leave,
    /// The job stops.
    Suspend,
    /// All is drawn anew.
    Redraw,
}

impl Look {
    /// One that has seen nothing yet. `has_detach_key` is whether ctrl-\ leaves, as in an attached terminal.
    pub fn new(name: String, has_colours: bool, has_detach_key: bool) -> Self {
        Self { name, copy: ScreenCopy::default(), has_colours, has_detach_key }
    }

    /// The session shows something else.
    pub fn shown(&mut self, frame: &ScreenFrame) {
        self.copy.apply(frame);
    }

    /// What these keys lead to: the first one that leads to something counts.
    pub fn typed(&self, events: &[Event]) -> LookEffect {
        let effects = events.iter().filter_map(|event| match event {
            Event::Key(key) => Some(self.key(key)),
            _ => None,
        });
        effects.into_iter().find(|effect| *effect != LookEffect::None).unwrap_or(LookEffect::None)
    }

    fn key(&self, key: &KeyEvent) -> LookEffect {
        let is_ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Esc => LookEffect::Leave,
            KeyCode::Char('q' | 'Q') if !is_ctrl => LookEffect::Leave,
            KeyCode::Char('c') if is_ctrl => LookEffect::Leave,
            // As crossterm calls ctrl-\.
            KeyCode::Char('4' | '\\') if is_ctrl && self.has_detach_key => LookEffect::Leave,
            KeyCode::Char('z') if is_ctrl => LookEffect::Suspend,
            KeyCode::Char('l') if is_ctrl => LookEffect::Redraw,
            _ => LookEffect::None,
        }
    }

    /// Draws the screen, or its part around the cursor, and the status line below.
    pub fn draw(&self, frame: &mut Frame) {
        self.render(frame.area(), frame.buffer_mut());
    }

    fn render(&self, area: Rect, buffer: &mut Buffer) {
        let [above, below] = [
            Rect { height: area.height.saturating_sub(1), ..area },
            Rect { y: area.bottom().saturating_sub(1), height: area.height.min(1), ..area },
        ];
        self.copy.render(above, buffer, self.has_colours);
        let style = Style::new().add_modifier(Modifier::REVERSED);
        buffer.set_style(below, style);
        buffer.set_stringn(below.x, below.y, self.status_line(above), below.width.into(), style);
    }

    fn status_line(&self, area: Rect) -> String {
        let (rows, columns) = self.copy.size();
        let part = if rows > area.height || columns > area.width { ", a part of it" } else { "" };
        // The keys first: a name may be long.
        format!(" q leaves | watching {} ({columns}x{rows}{part})", self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(code: KeyCode, modifiers: KeyModifiers) -> Event {
        Event::Key(KeyEvent::new(code, modifiers))
    }

    fn look(has_detach_key: bool) -> Look {
        let mut look = Look::new("api".into(), true, has_detach_key);
        let changed = vec![(0, "first".into()), (3, "last".into())];
        look.shown(&ScreenFrame { rows: 4, columns: 40, is_whole: true, cursor: None, changed });
        look
    }

    fn drawn(look: &Look, columns: u16, rows: u16) -> Vec<String> {
        let area = Rect::new(0, 0, columns, rows);
        let mut buffer = Buffer::empty(area);
        look.render(area, &mut buffer);
        let row = |y| (0..columns).map(|x| buffer[(x, y)].symbol()).collect::<String>().trim_end().to_owned();
        (0..rows).map(row).collect()
    }

    #[test]
    fn only_a_few_keys_do_something() {
        let (none, ctrl) = (KeyModifiers::NONE, KeyModifiers::CONTROL);
        let look = look(true);
        for (event, effect) in [
            (key(KeyCode::Char('q'), none), LookEffect::Leave),
            (key(KeyCode::Esc, none), LookEffect::Leave),
            (key(KeyCode::Char('c'), ctrl), LookEffect::Leave),
            (key(KeyCode::Char('4'), ctrl), LookEffect::Leave),
            (key(KeyCode::Char('z'), ctrl), LookEffect::Suspend),
            (key(KeyCode::Char('l'), ctrl), LookEffect::Redraw),
            (key(KeyCode::Char('c'), none), LookEffect::None),
            (key(KeyCode::Char('q'), ctrl), LookEffect::None),
            (key(KeyCode::Enter, none), LookEffect::None),
            (Event::Paste("q".into()), LookEffect::None),
        ] {
            assert_eq!(look.typed(&[Event::Paste("x".into()), event.clone()]), effect, "{event:?}");
        }
        assert_eq!(self::look(false).typed(&[key(KeyCode::Char('4'), ctrl)]), LookEffect::None);
        assert_eq!(look.typed(&[]), LookEffect::None);
    }

    #[test]
    fn the_last_row_says_what_is_seen_and_how_to_leave() {
        let look = look(true);
        assert_eq!(drawn(&look, 44, 5), ["first", "", "", "last", " q leaves | watching api (40x4)"]);
        assert_eq!(drawn(&look, 50, 3), ["", "last", " q leaves | watching api (40x4, a part of it)"]);
        assert_eq!(drawn(&look, 9, 1), [" q leaves"]);
        drawn(&look, 1, 1);
    }
}
