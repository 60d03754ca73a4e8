//! What a submitted prompt does: slash commands, `!` commands, turns.

use std::time::Instant;

use uuid::Uuid;

use super::app::{App, Effect, FakeTurn, FakeView, INTERRUPTED_LINE};
use super::bridge::BridgeReply;
use super::faults::{Fault, USAGE};
use super::transcript::INTERRUPTED;

/// The slash commands, with what the list of them says.
pub const COMMANDS: [(&str, &str); 10] = [
    ("/clear", "Start a new session with empty context"),
    ("/config", "Open settings"),
    ("/exit", "Exit the CLI"),
    ("/fault", "Order a fault of the stand-in"),
    ("/help", "Show the shortcuts"),
    ("/model", "Choose a model"),
    ("/remote-control", "Continue this session from another device"),
    ("/rename", "Rename the current conversation"),
    ("/resume", "Resume a previous session"),
    ("/vim", "Toggle vim editing"),
];

/// The commands that begin like the draft, while its first word is being typed.
pub fn suggestions(draft: &str) -> Vec<(&'static str, &'static str)> {
    if !draft.starts_with('/') || draft.contains(char::is_whitespace) {
        return Vec::new();
    }
    COMMANDS.into_iter().filter(|(name, _)| name.starts_with(draft)).collect()
}

impl App {
    /// Enter at the main prompt.
    pub(super) fn submit(&mut self, now: Instant) {
        let text = self.editor.take();
        if text.trim().is_empty() {
            return self.editor.set(&text);
        }
        let bash = std::mem::take(&mut self.bash);
        self.history.push(if bash { format!("!{text}") } else { text.clone() });
        if bash {
            self.run_shell(&text, now);
        } else if text.starts_with('/') {
            self.slash(&text, now);
        } else if self.turn.is_some() {
            self.queue.push(text);
        } else {
            self.begin_turn(&text, now);
        }
        if let Some(draft) = self.stash.take() {
            self.editor.set(&draft);
            self.notify("draft restored", now);
        }
    }

    fn slash(&mut self, text: &str, now: Instant) {
        let (word, argument) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        let command = match suggestions(word).first() {
            Some((name, _)) if argument.is_empty() => name,
            _ => word,
        };
        match command {
            "/exit" | "/quit" => self.effects.push(Effect::Exit(0)),
            "/clear" => {
                self.turn = None;
                self.open(&Uuid::new_v4().to_string());
            }
            "/config" | "/model" => self.view = FakeView::Config,
            "/help" => self.help = true,
            "/rename" if argument.trim().is_empty() => {
                self.print("● ", "Couldn't generate a name: no conversation yet. Usage: /rename <name>");
            }
            "/rename" => {
                self.rename(argument.trim());
                self.print("  ⎿  ", &format!("Session renamed to: {}", argument.trim()));
            }
            "/resume" => self.choose_conversation(),
            "/vim" => {
                self.editor.toggle_vim();
                let mode = if self.editor.vim().is_some() { "vim" } else { "normal" };
                self.print("● ", &format!("Editor mode set to {mode}"));
            }
            "/remote-control" | "/rc" => {
                if !argument.trim().is_empty() {
                    self.name = Some(argument.trim().to_owned());
                }
                match self.bridge.request(now) {
                    BridgeReply::Refused(line) => self.print("● ", line),
                    BridgeReply::Begun => {}
                    BridgeReply::Panel => self.view = FakeView::Panel(2),
                }
            }
            "/fault" => match Fault::parse(argument) {
                Some(fault) => self.effects.push(Effect::Fault(fault)),
                None => self.print("● ", USAGE),
            },
            _ => self.print("● ", &format!("Unknown command: {word}")),
        }
    }

    /// Opens the list of the other stored conversations.
    pub fn choose_conversation(&mut self) {
        let mut stored = self.store.list();
        stored.retain(|summary| summary.id != self.transcript.id());
        self.view = FakeView::Resume(stored, 0);
    }

    /// A prompt goes to the model: the stand-in answers with an echo.
    pub fn begin_turn(&mut self, prompt: &str, now: Instant) {
        self.print("❯ ", prompt);
        let is_first = !self.transcript.exists();
        if let Some(job) = self.job.as_ref().filter(|job| is_first && job.session == self.transcript.id()) {
            // The transcript of the job begins with what was said before.
            let copied = self.transcript.copy_from(&self.store.open(&job.front_session));
            self.report(copied);
        }
        let saved = self.transcript.say("user", prompt);
        self.report(saved);
        if let Some(title) = self.title.as_ref().filter(|_| is_first) {
            let saved = self.transcript.retitle(title);
            self.report(saved);
        }
        if is_first && self.bridge.id_in_file().is_some() {
            self.record_bridge();
        }
        let reply = format!("You said: {prompt}").chars().collect();
        let asks = prompt.trim() == "permission";
        self.turn = Some(FakeTurn { reply, shown: 0, next: now + self.pace, asks, shell: false });
    }

    /// A `!` command: announced, never run.
    fn run_shell(&mut self, command: &str, now: Instant) {
        self.print("! ", command);
        let saved = self.transcript.say("user", &format!("!{command}"));
        self.report(saved);
        let reply = "(the stand-in runs no commands)".chars().collect();
        self.turn = Some(FakeTurn { reply, shown: 0, next: now + self.pace, asks: false, shell: true });
    }

    /// Esc or ctrl-c while a turn runs.
    pub(super) fn interrupt(&mut self) {
        if self.turn.take().is_some() {
            self.queue.clear();
            self.print("  ⎿  ", INTERRUPTED_LINE);
            let saved = self.transcript.say("user", INTERRUPTED);
            self.report(saved);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggestions_follow_the_first_word() {
        assert_eq!(
            suggestions("/re").iter().map(|s| s.0).collect::<Vec<_>>(),
            ["/remote-control", "/rename", "/resume"]
        );
        assert_eq!(suggestions("/remote-control name"), []);
        assert_eq!(suggestions("te-control"), []);
        assert_eq!(suggestions("/nothing"), []);
    }
}
