//! Where the rows of the fleet view come from. Each source sends its rows whenever something in it has changed.

mod control;
mod json_row;
mod local;

use tokio::sync::mpsc::Sender;

use super::event::{Event, Update};
use super::row::Source;
use control::Control;

/// All sources. Dropping this ends them.
pub struct Sources {
    local: Option<Control>,
}

impl Sources {
    /// Starts them. What they have to say goes to `sender`; while that has no room, they wait.
    pub fn start(sender: &Sender<Event>) -> Self {
        let local = local::start(sender.clone()).inspect_err(|error| {
            let words = format!("no thread can be started for them: {error}");
            // With so many events waiting, there is no need for this one.
            let _ = sender.try_send(Event::Update(Update::Trouble(Source::Here, words)));
        });
        Self { local: local.ok() }
    }

    /// Has everything read again.
    pub fn refresh(&self) {
        self.local.iter().for_each(Control::refresh);
    }

    /// Has the ended sessions listed, or not any more.
    pub fn show_all(&self, all: bool) {
        self.local.iter().for_each(|local| local.show_all(all));
    }
}
