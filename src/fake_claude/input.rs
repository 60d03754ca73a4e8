//! What a key does, by what has the keyboard.

use std::time::Instant;

use super::app::{App, CTRL_C_HINT, Effect, FakeView};
use super::bridge::FakeLink;
use super::draw::PANEL_CHOICES;
use super::faults;
use super::keys::{Code, FakeInput, FakeKey};

impl App {
    /// Takes one input from the terminal.
    pub fn input(&mut self, input: &FakeInput, now: Instant) {
        match input {
            FakeInput::Paste(text) => self.paste(text),
            FakeInput::Key(key) => self.key(*key, now),
            FakeInput::KittyFlags | FakeInput::Report => {}
        }
    }

    fn paste(&mut self, text: &str) {
        match &mut self.view {
            FakeView::Main | FakeView::Agents => {
                self.help = false;
                self.editor.paste(text);
            }
            FakeView::Search(query) => query.push_str(text),
            _ => {}
        }
    }

    fn key(&mut self, key: FakeKey, now: Instant) {
        if key == FakeKey::ctrl('z') {
            return self.effects.push(Effect::Suspend);
        }
        match self.view.clone() {
            FakeView::Trust => match key.code {
                Code::Enter | Code::Char('1') => self.view = FakeView::Main,
                Code::Esc | Code::Char('2') => self.effects.push(Effect::Exit(1)),
                _ => {}
            },
            FakeView::Main => self.main_key(key, now),
            FakeView::Agents => self.agents_key(key),
            FakeView::Search(query) => self.search_key(key, query),
            FakeView::Transcript => {
                if matches!(key.code, Code::Esc | Code::Char('q'))
                    || key == FakeKey::ctrl('o')
                    || key == FakeKey::ctrl('c')
                {
                    self.view = FakeView::Main;
                }
            }
            FakeView::Config => {
                if key.code == Code::Esc || key == FakeKey::ctrl('c') {
                    self.view = FakeView::Main;
                }
            }
            FakeView::Permission => self.permission_key(key, now),
            FakeView::Panel(selected) => self.panel_key(key, selected),
            FakeView::Resume(..) => self.resume_key(key),
        }
    }

    fn main_key(&mut self, key: FakeKey, now: Instant) {
        let help_was_open = std::mem::take(&mut self.help);
        match (key.code, key.ctrl) {
            (Code::Char('c' | 'd'), true) => self.ctrl_c(key, now),
            (Code::Char('o'), true) => self.view = FakeView::Transcript,
            (Code::Char('r'), true) => self.view = FakeView::Search(String::new()),
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
                self.park();
                self.view = FakeView::Agents;
            }
            (Code::Enter, _) if !key.alt => {
                if self.editor.text().ends_with('\\') {
                    self.editor.key(FakeKey::plain(Code::Backspace));
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

    fn ctrl_c(&mut self, key: FakeKey, now: Instant) {
        if self.turn.is_some() {
            self.interrupt();
        } else if !self.editor.is_empty() {
            // ctrl-d deletes, and ends the session only at an empty prompt.
            if key == FakeKey::ctrl('c') {
                self.editor.take();
                // Clearing the draft counts: a second one in time ends the session.
                self.notify(CTRL_C_HINT, now);
            } else {
                self.editor.key(FakeKey::plain(Code::Delete));
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
        if !self.editor.text().trim().is_empty() {
            self.stash = Some(self.editor.take());
        } else if !self.editor.is_empty() {
            // Nothing but blanks: the real one does nothing.
        } else if let Some(draft) = self.stash.take() {
            self.editor.set(&draft);
            self.notify("draft restored", now);
        }
    }

    /// The agents view: what is submitted here is the prompt of a new session.
    fn agents_key(&mut self, key: FakeKey) {
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

    fn park(&mut self) {
        if faults::switch("BACKGROUND") && self.job.is_none() {
            match self.store.start_job(self.transcript.id()) {
                Ok(job) => self.job = Some(job),
                Err(error) => self.print("● ", &format!("The job could not be started: {error}")),
            }
        }
        let id = self.job.as_ref().map(|job| job.id.clone());
        self.parked = Some(id.unwrap_or_else(|| uuid::Uuid::new_v4().to_string()[..8].to_owned()));
    }

    fn leave_agents(&mut self) {
        self.view = FakeView::Main;
        match &self.job {
            // What is said from now on is said in the job.
            Some(job) if self.transcript.id() == job.front_session => {
                self.transcript = self.store.open(&job.session);
            }
            Some(_) => {}
            None => self.parked = None,
        }
    }

    fn search_key(&mut self, key: FakeKey, mut query: String) {
        match key.code {
            Code::Esc => self.view = FakeView::Main,
            Code::Char('c') if key.ctrl => self.view = FakeView::Main,
            Code::Enter => {
                let hit = self.search_hit().map(str::to_owned);
                self.view = FakeView::Main;
                if let Some(prompt) = hit {
                    self.editor.set(&prompt);
                }
            }
            Code::Backspace => {
                query.pop();
                self.view = FakeView::Search(query);
            }
            _ => {
                query.extend(key.text());
                self.view = FakeView::Search(query);
            }
        }
    }

    fn permission_key(&mut self, key: FakeKey, now: Instant) {
        let refused = key.code == Code::Esc || key.code == Code::Char('3') || key == FakeKey::ctrl('c');
        if refused {
            self.view = FakeView::Main;
            self.interrupt();
        } else if matches!(key.code, Code::Enter | Code::Char('1' | '2')) {
            self.view = FakeView::Main;
            if let Some(turn) = &mut self.turn {
                turn.asks = false;
                turn.next = now;
            }
        }
    }

    fn panel_key(&mut self, key: FakeKey, selected: usize) {
        let last = PANEL_CHOICES.len() - 1;
        match key.code {
            Code::Up => self.view = FakeView::Panel(selected.saturating_sub(1)),
            Code::Down => self.view = FakeView::Panel((selected + 1).min(last)),
            Code::Esc => self.view = FakeView::Main,
            Code::Enter => {
                self.view = FakeView::Main;
                if selected == 0 && self.bridge.link != FakeLink::Off {
                    self.bridge.disconnect();
                    self.record_bridge();
                    self.print("● ", "Remote Control disconnected.");
                }
            }
            _ => {}
        }
    }

    fn resume_key(&mut self, key: FakeKey) {
        let FakeView::Resume(stored, selected) = &mut self.view else { return };
        match key.code {
            Code::Up => *selected = selected.saturating_sub(1),
            Code::Down => *selected = (*selected + 1).min(stored.len().saturating_sub(1)),
            Code::Enter => {
                let chosen = stored.get(*selected).map(|summary| summary.id.clone());
                self.view = FakeView::Main;
                if let Some(id) = chosen {
                    self.open(&id);
                }
            }
            Code::Esc => {
                self.view = FakeView::Main;
                self.print("❯ ", "/resume");
                self.lines.push("  ⎿  Resume cancelled".into());
            }
            _ => {}
        }
    }
}
