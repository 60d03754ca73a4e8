//! Where the rows of the fleet view come from. Each source sends its rows whenever something in it has changed.

mod claude_row;
mod claudes;
mod control;
mod json_row;
mod local;
mod machine;
mod machine_lines;
mod machines;

use std::io;

use tokio::sync::mpsc::Sender;

use super::event::{Event, Update};
use super::row::Source;
use control::Control;
use machines::Machines;

/// All sources. Dropping this ends them, and what they have started.
pub struct Sources {
    local: Option<Control>,
    machines: Option<Machines>,
}

impl Sources {
    /// Starts them. What they have to say goes to `sender`; while that has no room, they wait.
    pub fn start(sender: Sender<Event>) -> Self {
        let local = said(&sender, Source::Here, local::start(sender.clone()));
        let source = Source::Machine(machines::MACHINES.into());
        let machines = said(&sender, source, machines::start(sender.clone()));
        Self { local, machines }
    }

    /// Has everything read again, and all machines asked again.
    pub fn refresh(&self) {
        self.controls().for_each(Control::refresh);
    }

    /// Has the ended sessions listed, or not any more.
    pub fn show_all(&self, all: bool) {
        self.controls().for_each(|control| control.show_all(all));
    }

    fn controls(&self) -> impl Iterator<Item = &Control> {
        let machines = self.machines.as_ref().and_then(Machines::control);
        self.local.iter().chain(machines)
    }
}

/// What was started. If it was not, the view is told why.
fn said<T>(sender: &Sender<Event>, source: Source, started: io::Result<T>) -> Option<T> {
    let trouble = |error: &io::Error| {
        let words = format!("no thread can be started for it: {error}");
        // With so many events waiting, there is no need for this one.
        let _ = sender.try_send(Event::Update(Update::Trouble(source, words)));
    };
    started.inspect_err(trouble).ok()
}
