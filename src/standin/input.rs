//! What a key does, by what has the keyboard.

use std::time::Instant;

use super::app::{App, CTRL_C_HINT, Effect, View};
use super::bridge::Link;
use super::draw::PANEL_CHOICES;
use super::keys::{Code, Input, Key};

impl App {
    /// Takes one input from the terminal.
    pub fn input(&mut self, input: &Input, now: Instant) {
        match input {
            Input::Paste(text) => self.paste(text),
            Input::Key(key) => self.key(*key, now),
            Input::KittyFlags | Input::Report => {}
        }
    }

    fn paste(&mut self, text: &str) {
        match &mut self.view {
            View::Main | View::Agents => {
                self.help = false;
                self.editor.insert(text);
            }
            View::Search(query) => query.push_str(text),
            _ => {}
        }
    }

    fn key(&mut self, key: Key, now: Instant) {
        if key == Key::ctrl('z') {
            return self.effects.push(Effect::Suspend);
        }
        match self.view.clone() {
            View::Trust => match key.code {
                Code::Enter | Code::Char('1') => self.view = View::Main,
                Code::Esc | Code::Char('2') => self.effects.push(Effect::Exit(1)),
                _ => {}
            },
            View::Main => self.main_key(key, now),
            View::Agents => self.agents_key(key),
            View::Search(query) => self.search_key(key, query),
            View::Transcript => {
                if matches!(key.code, Code::Esc | Code::Char('q'))
                    || key == Key::ctrl('o')
                    || key == Key::ctrl('c')
                {
                    self.view = View::Main;
                }
            }
            View::Config => {
                if key.code == Code::Esc || key == Key::ctrl('c') {
                    self.view = View::Main;
                }
            }
            View::Permission => self.permission_key(key, now),
            View::Panel(selected) => self.panel_key(key, selected),
            View::Resume(..) => self.resume_key(key),
        }
    }

    fn main_key(&mut self, key: Key, now: Instant) {
        let help_was_open = std::mem::take(&mut self.help);
        match (key.code, key.ctrl) {
            (Code::Char('c' | 'd'), true) => self.ctrl_c(key, now),
            (Code::Char('o'), true) => self.view = View::Transcript,
            (Code::Char('r'), true) => self.view = View::Search(String::new()),
            (Code::Char('s'), true) => self.stash(now),
            (Code::Char('?'), _) if self.editor.is_empty() && !self.bash && key.text().is_some() => {
                self.help = !help_was_open;
            }
            (Code::Char('!'), _)
                if self.editor.is_empty() && !self.in_normal_mode() && key.text().is_some() =>
            {
                self.bash = true;
            }
            (Code::Left, false) if self.editor.is_empty() && !self.bash && self.turn.is_none() => {
                self.parked = Some(uuid::Uuid::new_v4().to_string()[..8].to_owned());
                self.view = View::Agents;
            }
            (Code::Enter, _) if !key.alt => {
                if self.editor.text().ends_with('\\') {
                    self.editor.key(Key::plain(Code::Backspace));
                    self.editor.insert("\n");
                } else {
                    self.submit(now);
                }
            }
            (Code::Up, _) if self.editor.is_empty() => {
                if let Some(last) = self.history.last() {
                    self.editor.set(last);
                }
            }
            (Code::Backspace | Code::Esc, _) if self.editor.is_empty() && self.bash => self.bash = false,
            (Code::Esc, _) if self.turn.is_some() => self.interrupt(),
            _ => drop(self.editor.key(key)),
        }
    }

    fn ctrl_c(&mut self, key: Key, now: Instant) {
        if self.turn.is_some() {
            self.interrupt();
        } else if !self.editor.is_empty() {
            // ctrl-d deletes, and ends the session only at an empty prompt.
            if key == Key::ctrl('c') {
                self.editor.take();
                // Clearing the draft counts: a second one in time ends the session.
                self.notify(CTRL_C_HINT, now);
            } else {
                self.editor.key(Key::plain(Code::Delete));
            }
        } else if self.bash {
            self.bash = false;
        } else if self.notice.is_some_and(|(text, until)| text == CTRL_C_HINT && now < until) {
            self.effects.push(Effect::Exit(0));
        } else {
            self.notify(CTRL_C_HINT, now);
        }
    }

    fn stash(&mut self, now: Instant) {
        if !self.editor.is_empty() {
            self.stash = Some(self.editor.take());
            self.notify("draft stashed", now);
        } else if let Some(draft) = self.stash.take() {
            self.editor.set(&draft);
            self.notify("draft restored", now);
        }
    }

    /// The agents view: what is submitted here is the prompt of a new session.
    fn agents_key(&mut self, key: Key) {
        match (key.code, key.ctrl) {
            (Code::Enter, _) if !self.editor.is_empty() && !key.alt => {
                let prompt = self.editor.take();
                let created = self.store.create_job(&prompt);
                self.report(created);
            }
            (Code::Enter | Code::Right | Code::Esc, _) if self.editor.is_empty() => self.leave_agents(),
            (Code::Esc, _) | (Code::Char('c'), true) => drop(self.editor.take()),
            _ => drop(self.editor.key(key)),
        }
    }

    fn leave_agents(&mut self) {
        self.view = View::Main;
        self.parked = None;
    }

    fn search_key(&mut self, key: Key, mut query: String) {
        match key.code {
            Code::Esc => self.view = View::Main,
            Code::Char('c') if key.ctrl => self.view = View::Main,
            Code::Enter => {
                let hit = self.search_hit().map(str::to_owned);
                self.view = View::Main;
                if let Some(prompt) = hit {
                    self.editor.set(&prompt);
                }
            }
            Code::Backspace => {
                query.pop();
                self.view = View::Search(query);
            }
            _ => {
                query.extend(key.text());
                self.view = View::Search(query);
            }
        }
    }

    fn permission_key(&mut self, key: Key, now: Instant) {
        let refused = key.code == Code::Esc || key.code == Code::Char('3') || key == Key::ctrl('c');
        if refused {
            self.view = View::Main;
            self.interrupt();
        } else if matches!(key.code, Code::Enter | Code::Char('1' | '2')) {
            self.view = View::Main;
            if let Some(turn) = &mut self.turn {
                turn.asks = false;
                turn.next = now;
            }
        }
    }

    fn panel_key(&mut self, key: Key, selected: usize) {
        let last = PANEL_CHOICES.len() - 1;
        match key.code {
            Code::Up => self.view = View::Panel(selected.saturating_sub(1)),
            Code::Down => self.view = View::Panel((selected + 1).min(last)),
            Code::Esc => self.view = View::Main,
            Code::Enter => {
                self.view = View::Main;
                if selected == 0 && self.bridge.link != Link::Off {
                    self.bridge.disconnect();
                    self.record_bridge();
                    self.print("● ", "Remote Control disconnected.");
                }
            }
            _ => {}
        }
    }

    fn resume_key(&mut self, key: Key) {
        let View::Resume(stored, selected) = &mut self.view else { return };
        match key.code {
            Code::Up => *selected = selected.saturating_sub(1),
            Code::Down => *selected = (*selected + 1).min(stored.len().saturating_sub(1)),
            Code::Enter => {
                let chosen = stored.get(*selected).map(|summary| summary.id.clone());
                self.view = View::Main;
                if let Some(id) = chosen {
                    self.open(&id);
                }
            }
            Code::Esc => {
                self.view = View::Main;
                self.print("❯ ", "/resume");
                self.lines.push("  ⎿  Resume cancelled".into());
            }
            _ => {}
        }
    }
}
