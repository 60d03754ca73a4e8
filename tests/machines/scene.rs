//! Terminals that are attached to a session of a host, and links to it that are lost.

use std::time::{Duration, Instant};

use crate::bed::{Bed, Far, is_idle};
use crate::support::stand_in::at_prompt;
use crate::support::{Key, Record, Terminal};

/// Within so long a lost link is noticed.
pub const NOTICED_WITHIN: Duration = Duration::from_secs(10);
/// How much later a loaded machine may show it.
pub const LEEWAY: Duration = Duration::from_secs(2);

/// What the near side says where the link was lost.
pub const LOST: &str = "the link to box was lost";

/// A session named api of the host box, and a terminal on the near side that is attached to it.
pub fn attached(bed: &Bed) -> (Terminal, Record) {
    let far = bed.far("box");
    far.new_session("api");
    let mut terminal = bed.attach("box:api");
    at_prompt(&mut terminal);
    (terminal, far.record("api", "an attached client", |record| is_idle(record) && is_attached(record)))
}

/// Whether a client has the session.
pub fn is_attached(record: &Record) -> bool {
    record.pid("client_pid").is_some()
}

/// Waits until the near side has said that the link was lost. Gives how long that took.
#[track_caller]
pub fn wait_for_loss(terminal: &mut Terminal, begin: Instant) -> Duration {
    terminal.wait_for("the line that counts", |screen| {
        screen.contains(LOST)
            && (screen.contains("connecting again in") || screen.contains("connecting to box"))
    });
    begin.elapsed()
}

/// Has the near side connect now.
pub fn connect_now(terminal: &mut Terminal) {
    terminal.press(Key::Enter);
}

/// Waits until the far side has let the terminal go that it lost.
#[track_caller]
pub fn wait_for_detachment(far: Far<'_>) {
    far.record("api", "nobody attached", |record| !is_attached(record));
}
