//! Claude's output on its way to the terminal and to the screen model.

use super::Host;
use super::output::ReadProgress;

impl Host {
    /// Whether claude's output has to wait.
    pub(super) fn is_held(&self) -> bool {
        self.attachment.is_backgrounded() && !self.output.model_only
    }

    pub(super) fn is_reading(&self) -> bool {
        self.claude.is_running() || self.claude.drain().is_some()
    }

    pub(super) fn move_output(&mut self) {
        if !self.attachment.is_backgrounded() && self.client_is_stopped() {
            self.background_session();
            return;
        }
        let progress = self.read_output();
        self.draining(progress);
        self.something_was_drawn();
        self.start_may_ask();
    }

    pub(super) fn read_output(&mut self) -> ReadProgress {
        let reading = self.is_reading();
        let mut client = self.attachment.client_mut();
        self.output.read_some(reading, |modes| {
            if let Some(client) = &mut client {
                client.tell_undo(modes);
            }
        })
    }
}
